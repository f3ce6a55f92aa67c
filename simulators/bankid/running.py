"""Start and stop the simulator inside a process."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from simulators.bankid import phone, rp
from simulators.bankid.orders import OrderBook
from simulators.certificates import Certificates, ensure
from simulators.serving import serve


@dataclass(frozen=True)
class Simulator:
    """A running simulator: `address` is what a relying party calls, `phone_url` the phone's."""

    address: str
    phone_url: str
    certificates: Certificates
    orders: OrderBook


@contextmanager
def start(
    certificates: Path,
    *,
    port: int = 0,
    phone_port: int = 0,
    speed: float = 1,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Simulator]:
    """Serve until the block ends. Port 0 takes a free one; `speed`, `clock` as in `OrderBook`."""
    paths = ensure(certificates)
    orders = OrderBook(paths, speed=speed, clock=clock)
    api = serve(
        rp.create_app(orders),
        "127.0.0.1",
        port,
        certificate=paths.bankid_server,
        key=paths.bankid_server_key,
        client_ca=paths.bankid_client_ca,
    )
    with api, serve(phone.create_app(orders), "127.0.0.1", phone_port) as handset:
        yield Simulator(f"{api.url}/rp/v6.0/", f"{handset.url}/", paths, orders)
