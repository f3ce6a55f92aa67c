"""`python -m simulators.mail`: serve until interrupted or terminated."""

import argparse
import signal

from simulators.mail.running import start

_ENDING = {signal.SIGINT, signal.SIGTERM}


def main() -> None:
    """Read the command line, serve, and end in order."""
    parser = argparse.ArgumentParser(prog="simulators.mail", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="takes mails (SMTP)")
    parser.add_argument("--page-port", type=int, required=True, help="shows them (HTTP)")
    options = parser.parse_args()
    # Kept back from every thread until this one asks, as in the Swish simulator.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    running = start(port=options.port, page_port=options.page_port)
    print(f"Mail simulator: SMTP on port {running.port}, page {running.pages.url}", flush=True)
    signal.sigwait(_ENDING)
    running.stop()


if __name__ == "__main__":
    main()
