"""Pages that are kept by all that was read for them, and sent again while it reads the same.

A page is made of what its reader sent and their session holds, of the day, and of what the
database told. By the first three it is kept; the last is noted statement by statement while the
page is made, and asked again before it is sent again (`database.reads`). A page that read the
instant, wrote something or changed the session is not kept. So whoever adds something to a page
need not think of its being kept.

What differs each time is left open in it: `later`. What seldom does is asked again: `asked`.
"""

import hashlib
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import Flask, Response, current_app, request, session

from portal import clock
from portal.database.reads import Reads, noted
from portal.extensions import db

P = ParamSpec("P")
T = TypeVar("T")
# In a process: pages hold what people owe, and no more of them lies there than is of use.
_MOST_BYTES = 16_000_000
_LONGEST_SECONDS = 300.0
# Beside the headers.
_SENT = {
    *("REQUEST_METHOD", "wsgi.url_scheme", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING"),
    *("SERVER_NAME", "SERVER_PORT", "REMOTE_ADDR"),
}
# Of the headers what no page tells.
_HOW_THEY_CAME = {
    *("HTTP_REFERER", "HTTP_CACHE_CONTROL", "HTTP_PRAGMA", "HTTP_SEC_FETCH_SITE"),
    *("HTTP_SEC_FETCH_MODE", "HTTP_SEC_FETCH_USER", "HTTP_SEC_FETCH_DEST"),
}

_making: ContextVar["_Made | None"] = ContextVar("reda_page_made", default=None)


@dataclass
class _Made:
    """What a page is made of. asked: with what each answered. open: what is told in each place."""

    reads: Reads
    asked: list[tuple[Callable[[], object], object]] = field(default_factory=list)
    open: dict[str, Callable[[], object]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Page:
    """A page that was made. pieces: of its text, with what is told between them, one after each.

    kept_at: by the process's own clock, in seconds.
    """

    made: _Made
    headers: list[tuple[str, str]]
    pieces: list[str]
    told: list[Callable[[], object]]
    kept_at: float

    @classmethod
    def of(cls, response: Response, made: _Made) -> "_Page":
        text = response.get_data(as_text=True)
        parts = re.split(f"({'|'.join(made.open)})", text) if made.open else [text]
        headers = [one for one in response.headers if one[0] != "Content-Length"]
        told = [made.open[place] for place in parts[1::2]]
        return cls(made, headers, parts[::2], told, time.monotonic())

    @property
    def size(self) -> int:
        """In bytes, about; the statements are shared by all pages that ask them."""
        return 2 * sum(map(len, self.pieces)) + 4_000

    def still_holds(self) -> bool:
        """Whether it would be made the same way now."""
        is_asked = all(ask() == answered for ask, answered in self.made.asked)
        return is_asked and self.made.reads.still_hold()

    def text(self) -> str:
        """As it is sent now."""
        told = [str(tell()) for tell in self.told]
        return "".join(one for pair in zip(self.pieces, [*told, ""], strict=True) for one in pair)


class _Shelf:
    """The pages that a process keeps, those found lately longest."""

    def __init__(self) -> None:
        self._pages: OrderedDict[bytes, _Page] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def find(self, key: bytes) -> _Page | None:
        with self._lock:
            found = self._pages.get(key)
            if found is None:
                return None
            if time.monotonic() - found.kept_at > _LONGEST_SECONDS:
                self._drop(key)
                return None
            self._pages.move_to_end(key)
            return found

    def keep(self, key: bytes, page: _Page) -> None:
        with self._lock:
            since = page.kept_at - _LONGEST_SECONDS
            for old in [one for one, kept in self._pages.items() if kept.kept_at < since]:
                self._drop(old)
            self._drop(key)
            self._pages[key] = page
            self._size += page.size
            while self._size > _MOST_BYTES:
                self._drop(next(iter(self._pages)))

    def _drop(self, key: bytes) -> None:
        page = self._pages.pop(key, None)
        self._size -= page.size if page else 0


def later(tell: Callable[[], T]) -> T | str:
    """Something short that a page tells anew each time that it is sent.

    tell: answers a number or letters alone, from the request that is under way then.
    """
    made = _making.get()
    if made is None:
        return tell()
    # Nobody can guess it, and so write it into what they send us.
    place = secrets.token_hex(16)
    made.open[place] = tell
    return place


def asked(ask: Callable[[], T]) -> T:
    """Something that a page is made of and that neither its reader sent nor the database told.

    ask: is asked again before the page is sent again, in the request that is under way then.
    """
    made = _making.get()
    if made is None:
        return ask()
    with clock.watched(None):
        answered = ask()
    made.asked.append((ask, answered))
    return answered


@contextmanager
def _being_made() -> Iterator[_Made]:
    with noted() as reads, clock.watched(reads.spoil):
        made = _Made(reads)
        before = _making.set(made)
        try:
            yield made
        finally:
            _making.reset(before)


def kept(view: Callable[P, Response]) -> Callable[P, Response]:
    """Let the page that a view answers be kept by all that is read for it."""

    @wraps(view)
    def answer(*args: P.args, **values: P.kwargs) -> Response:
        if current_app.jinja_env.auto_reload or session.modified or _has_read():
            return view(*args, **values)
        shelf: _Shelf = current_app.extensions["reda_shelf"]
        key = _key()
        found = shelf.find(key)
        if found is not None and found.still_holds():
            return current_app.response_class(found.text(), headers=found.headers)
        with _being_made() as made:
            response = view(*args, **values)
        page = _Page.of(response, made)
        if response.status_code == 200 and made.reads.is_whole and not session.modified:
            shelf.keep(key, page)
        response.set_data(page.text())
        return response

    return answer


def _has_read() -> bool:
    """Whether this request has read something already, which would not be noted."""
    return db.session.registry.has() and db.session().in_transaction()


def _key() -> bytes:
    """Whatever the reader sent, what their session holds, and the day."""
    sent = sorted(
        (name, value)
        for name, value in request.environ.items()
        if name in _SENT or (name.startswith("HTTP_") and name not in _HOW_THEY_CAME)
    )
    everything = (sent, session.as_read, clock.today())  # type: ignore[attr-defined]
    return hashlib.sha256(repr(everything).encode()).digest()


def init_app(app: Flask) -> None:
    """Begin with no page."""
    app.extensions["reda_shelf"] = _Shelf()
