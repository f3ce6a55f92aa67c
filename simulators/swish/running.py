"""Both servers of the simulated Swish, started and stopped together."""

from dataclasses import dataclass
from pathlib import Path

from simulators.certificates import Certificates, ensure
from simulators.serving import Server, serve
from simulators.swish.api import create_api
from simulators.swish.faults import Faulty
from simulators.swish.payer import create_payer_pages
from simulators.swish.register import Register

PAYEE_NAME = "Reda Inkasso AB"


@dataclass(frozen=True)
class Running:
    """A running simulator. api and payer: its two servers, each with `url`."""

    certificates: Certificates
    register: Register
    api: Server
    payer: Server

    def stop(self) -> None:
        """End both servers, and everything that waits to happen."""
        self.register.stop()
        self.api.stop()
        self.payer.stop()


def start(
    certificates: Path,
    *,
    port: int = 0,
    payer_port: int = 0,
    speed: float = 1.0,
    payee_name: str = PAYEE_NAME,
) -> Running:
    """Start on the loopback interface; port 0 takes a free one.

    certificates: the folder of `simulators.certificates`, filled when it is not. speed: how many
    times faster than Swish's own times payments expire, callbacks repeat and refunds arrive.
    """
    paths = ensure(certificates)
    register = Register(speed=speed)
    api = serve(
        Faulty(create_api(register), register.faults),
        "127.0.0.1",
        port,
        certificate=paths.swish_server,
        key=paths.swish_server_key,
        client_ca=paths.swish_client_ca,
    )
    # Last, because its answer means that both are ready.
    try:
        payer = serve(create_payer_pages(register, payee_name), "127.0.0.1", payer_port)
    except OSError:
        api.stop()
        raise
    return Running(paths, register, api, payer)
