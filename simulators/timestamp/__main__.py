"""`python -m simulators.timestamp`: serve until interrupted or terminated."""

import argparse
import signal
from pathlib import Path

from simulators.timestamp.running import start

_ENDING = {signal.SIGINT, signal.SIGTERM}


def main() -> None:
    """Read the command line, serve, and end in order."""
    parser = argparse.ArgumentParser(prog="simulators.timestamp", description=__doc__)
    parser.add_argument("--certificates", type=Path, required=True, help="where they lie")
    parser.add_argument("--port", type=int, required=True, help="stamps, and answers OCSP (HTTP)")
    options = parser.parse_args()
    # Kept back from every thread until this one asks, as in the Swish simulator.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    running = start(options.certificates, port=options.port)
    print(f"Timestamp simulator: {running.server.url}", flush=True)
    signal.sigwait(_ENDING)
    running.stop()


if __name__ == "__main__":
    main()
