"""Worker processes that render letters, for WeasyPrint is Python and one process uses one core.

Each process has an application of its own. What goes to it is a letter's kind, content, secret,
language and link, and what comes back is the PDF. It renders one letter at a time, so that when one
dies, killed by the system or by a fault in a C library, exactly the letter it had in hand has
failed.
"""

import gc
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from multiprocessing import connection
from typing import TypeVar

from flask import Flask, current_app

from portal.config import Settings
from portal.delivery import letters
from portal.delivery.letters import Batch, Letter
from portal.extensions import db, settings

# Below this many letters starting processes takes longer than rendering.
FEW = 8
_LETTERS_BETWEEN_COLLECTIONS = 25
# Not `fork`: who delivers has threads, whose locks a forked child would find taken for ever.
_context = multiprocessing.get_context("forkserver")
_Made = TypeVar("_Made", bytes, Batch)


class NotRendered(Exception):
    """A letter could not be rendered. reason: the kind of error, never its text."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Presses:
    """Processes at work; made by `running`."""

    def __init__(self, app: Flask, count: int) -> None:
        self._making = (app.import_name, _settings_of(app))
        self._here = threading.local()
        self._executors: list[ProcessPoolExecutor] = []
        self._feeders = ThreadPoolExecutor(count)

    def render(self, letter: Letter) -> Future[bytes]:
        """Have a letter rendered. The future raises NotRendered, also when its process dies."""
        return self._feeders.submit(self._hand, _render, letter)

    def render_batch(self, batch: Sequence[Letter]) -> Future[Batch]:
        """Have letters rendered as one PDF. The future raises NotRendered."""
        return self._feeders.submit(self._hand, _render_batch, tuple(batch))

    def close(self) -> None:
        """End the processes; what has not begun is not done."""
        self._feeders.shutdown(cancel_futures=True)
        for executor in self._executors:
            executor.shutdown(cancel_futures=True)

    def _hand(self, work: Callable[..., _Made | str], what: object) -> _Made:
        # Each feeder has one process of its own, so that a broken one takes no other along.
        executor: ProcessPoolExecutor | None = getattr(self._here, "executor", None)
        if executor is None:
            executor = ProcessPoolExecutor(
                1, mp_context=_context, initializer=_begin, initargs=self._making
            )
            self._here.executor = executor
            self._executors.append(executor)
        try:
            made = executor.submit(work, what).result()
        except BrokenProcessPool as error:
            self._here.executor = None
            raise NotRendered(type(error).__name__) from None
        if isinstance(made, str):
            raise NotRendered(made)
        return made


@contextmanager
def running() -> Iterator[Presses]:
    """Processes that end with the block, as many as the settings say."""
    # What every process would load, loaded once and shared.
    _context.set_forkserver_preload(["portal.building"])
    count = int(settings().letter_processes) or os.cpu_count() or 1
    presses = Presses(current_app._get_current_object(), count)  # type: ignore[attr-defined]
    try:
        yield presses
    finally:
        presses.close()


def _settings_of(app: Flask) -> Settings:
    # The address that the application found, so that no process looks for the server again, and
    # not the owner's: who renders asks the database nothing.
    found: Settings = app.extensions["reda_settings"]
    address = app.extensions["reda_database"].app.render_as_string(hide_password=False)
    return replace(found, database_url=address, app_database_url=address)


_done = 0


def _begin(import_name: str, ours: Settings) -> None:
    """Make ready a process: its application, and an end when the one that wants letters is gone."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    app = import_module(import_name).create_app(ours)
    app.app_context().push()
    db.engine.dispose()
    # Most of a letter's boxes are let go at once. Looking through all that stays, at every few
    # hundred of them, took a tenth of the time.
    gc.collect()
    gc.freeze()
    gc.disable()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)


def _render(letter: Letter) -> bytes | str:
    global _done
    _done += 1
    if _done % _LETTERS_BETWEEN_COLLECTIONS == 0:
        gc.collect()
    try:
        return letters.render_letter(
            letter.kind,
            letter.content,
            secret=letter.secret,
            language=letter.language,
            settings=settings(),
            link=letter.link,
        )
    except Exception as error:
        # An error cannot always be sent, and its text may quote the letter.
        return type(error).__name__


def _render_batch(batch: Sequence[Letter]) -> Batch | str:
    try:
        return letters.render_batch(batch, settings=settings())
    except Exception as error:
        return type(error).__name__
    finally:
        gc.collect()
