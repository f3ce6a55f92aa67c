"""Serve a WSGI application from a thread, over TLS that demands a client certificate if asked to.

For simulators on the loopback interface; not for the open network.
"""

import ssl
import threading
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class _QuietHandler(WSGIRequestHandler):
    # A peer that never finishes its handshake or request gives its thread back after this.
    timeout = 30

    def log(self, type: str, message: str, *args: Any) -> None:
        """Requests are not logged: their bodies and addresses may hold identity numbers."""


class Server:
    """A running server; `port` is the one it got, `url` its address. Stop it with `stop`."""

    def __init__(self, server: ThreadedWSGIServer, scheme: str) -> None:
        self._server = server
        self.host = str(server.server_address[0])
        self.port = int(server.server_address[1])
        self.url = f"{scheme}://{self.host}:{self.port}"
        self._thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Take no more requests, and let the port go."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait(self) -> None:
        """Block until the server is stopped."""
        self._thread.join()

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def serve(
    wsgi_app: "WSGIApplication",
    host: str,
    port: int,
    *,
    certificate: Path | None = None,
    key: Path | None = None,
    client_ca: Path | None = None,
) -> Server:
    """Start serving in a thread of its own.

    port: 0 takes a free one.
    certificate, key: PEM files; with them the server speaks TLS (1.2 or newer).
    client_ca: PEM file; with it the handshake fails unless the client shows a certificate from it.
    Raises OSError when the port is taken, ValueError when client_ca is given without TLS.
    """
    if client_ca and not certificate:
        raise ValueError("a client certificate can be demanded over TLS only")
    server = ThreadedWSGIServer(host, port, wsgi_app, handler=_QuietHandler)
    server.daemon_threads = True
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(certificate, key)
        if client_ca:
            context.load_verify_locations(client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        server.ssl_context = context
        # The handshake is left to the thread of the request, so that a slow peer blocks nobody.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    return Server(server, "https" if certificate else "http")
