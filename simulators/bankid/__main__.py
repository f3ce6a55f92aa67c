"""Run the simulator: `python -m simulators.bankid --certificates FOLDER`."""

import argparse
import signal
import threading
from pathlib import Path

from simulators.bankid.running import start

parser = argparse.ArgumentParser(description="BankID simulator, on the loopback interface only.")
parser.add_argument("--certificates", type=Path, required=True, help="folder; made when absent")
parser.add_argument("--port", type=int, default=8101, help="of the relying party API (mutual TLS)")
parser.add_argument("--phone-port", type=int, default=8102, help="of the phone (plain HTTP)")
parser.add_argument("--speed", type=float, default=1, help="how many times faster orders expire")
arguments = parser.parse_args()

stopped = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stopped.set())
signal.signal(signal.SIGINT, lambda *_: stopped.set())
with start(
    arguments.certificates,
    port=arguments.port,
    phone_port=arguments.phone_port,
    speed=arguments.speed,
) as simulator:
    print(f"BankID simulator: {simulator.address} (mutual TLS)", flush=True)
    print(f"BankID phone: {simulator.phone_url}", flush=True)
    stopped.wait()
