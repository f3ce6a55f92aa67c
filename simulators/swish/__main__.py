"""`python -m simulators.swish`: serve until interrupted or terminated."""

import argparse
import signal
from pathlib import Path

from simulators.swish.running import PAYEE_NAME, start

_ENDING = {signal.SIGINT, signal.SIGTERM}


def main() -> None:
    """Read the command line, serve, and end in order."""
    parser = argparse.ArgumentParser(prog="simulators.swish", description=__doc__)
    parser.add_argument("--certificates", type=Path, required=True, help="folder of certificates")
    parser.add_argument("--port", type=int, required=True, help="the merchant's API (TLS)")
    parser.add_argument("--payer-port", type=int, required=True, help="the payer's pages (HTTP)")
    parser.add_argument("--speed", type=float, default=1.0, help="how many times faster time goes")
    parser.add_argument("--payee-name", default=PAYEE_NAME, help="whom the payer sees")
    options = parser.parse_args()
    # Kept back from every thread until this one asks: the system may hand a signal to a server's
    # thread, and then a handler waits for ever while this thread waits for something else.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    running = start(
        options.certificates,
        port=options.port,
        payer_port=options.payer_port,
        speed=options.speed,
        payee_name=options.payee_name,
    )
    print(f"Swish simulator: API {running.api.url}, payer {running.payer.url}", flush=True)
    signal.sigwait(_ENDING)
    running.stop()


if __name__ == "__main__":
    main()
