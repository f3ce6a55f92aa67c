"""Faults that a test asks for: what goes wrong with the next answer, or with the next callback."""

import socket
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# slow: the answer waits. 500 and 403: nothing is done. drop: the connection breaks before anything
# is done. lose: it breaks after everything is done.
ANSWER = frozenset({"slow", "500", "403", "drop", "lose"})
CALLBACK = frozenset({"twice", "other_amount", "unknown_id", "none", "forged"})


class Faults:
    """The faults that wait to happen; each happens once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answer: str | None = None
        self._seconds = 0.0
        self._callback: str | None = None

    def ask(self, *, answer: str | None, callback: str | None, seconds: float) -> None:
        """Let the next answer and the next callback go wrong. Raises ValueError when unknown."""
        if answer not in {None, *ANSWER} or callback not in {None, *CALLBACK}:
            raise ValueError("unknown fault")
        with self._lock:
            self._answer, self._callback, self._seconds = answer, callback, seconds

    def for_answer(self) -> tuple[str | None, float]:
        """The fault of this answer, and the seconds it takes."""
        with self._lock:
            fault, self._answer = self._answer, None
            return fault, self._seconds

    def for_callback(self) -> str | None:
        """The fault of this callback."""
        with self._lock:
            fault, self._callback = self._callback, None
            return fault


class Faulty:
    """A WSGI application whose answers go wrong when asked to."""

    def __init__(self, app: "WSGIApplication", faults: Faults) -> None:
        self._app = app
        self._faults = faults

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        fault, seconds = self._faults.for_answer()
        if fault == "slow":
            time.sleep(seconds)
        if fault in ("500", "403"):
            start_response(f"{fault} As asked", [("Content-Length", "0")])
            return [b""]
        if fault == "lose":
            b"".join(self._app(environ, lambda *_: lambda _: None))
        if fault in ("drop", "lose"):
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionResetError("dropped, as asked")
        return self._app(environ, start_response)
