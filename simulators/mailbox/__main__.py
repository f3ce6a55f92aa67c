"""`python -m simulators.mailbox`: serve until interrupted or terminated."""

import argparse
import signal

from simulators.mailbox.running import start

_ENDING = {signal.SIGINT, signal.SIGTERM}


def main() -> None:
    """Read the command line, serve, and end in order."""
    parser = argparse.ArgumentParser(prog="simulators.mailbox", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="takes letters, and shows them")
    options = parser.parse_args()
    # Kept back from every thread until this one asks, as in the Swish simulator.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    running = start(port=options.port)
    print(f"Mailbox simulator: {running.url}", flush=True)
    signal.sigwait(_ENDING)
    running.stop()


if __name__ == "__main__":
    main()
