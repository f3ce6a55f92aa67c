"""`python -m simulators.sms`: serve until interrupted or terminated."""

import argparse
import signal

from simulators.sms.running import start

_ENDING = {signal.SIGINT, signal.SIGTERM}


def main() -> None:
    """Read the command line, serve, and end in order."""
    parser = argparse.ArgumentParser(prog="simulators.sms", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="takes messages, and shows them")
    parser.add_argument(
        "--arrive-after", type=float, metavar="SECONDS",
        help="let messages arrive by themselves; left out, the page has a button for it",
    )  # fmt: skip
    options = parser.parse_args()
    # Kept back from every thread until this one asks, as in the Swish simulator.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    running = start(port=options.port, arrive_after=options.arrive_after)
    print(f"SMS simulator: {running.url}", flush=True)
    signal.sigwait(_ENDING)
    running.stop()


if __name__ == "__main__":
    main()
