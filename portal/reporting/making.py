"""The worker's part: an order of work is made, piece by piece, by whoever comes first.

Who makes an order holds a lock that ends with its connection, so that an order whose worker was
killed is free at once; and it writes what it has got to only as long as nobody has begun the order
anew, cancelled it, or taken it over. What was finished before a kill is kept: its maker goes on
from `state`, or starts again.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from flask_babel import force_locale
from sqlalchemy import Connection, func, select, update
from sqlalchemy.orm import Session, scoped_session

from portal.database import tenancy
from portal.extensions import db
from portal.messages import N_, Problem, RedaError
from portal.notifications import telling
from portal.reporting import archives, reports
from portal.reporting.models import (
    ARCHIVE,
    DONE,
    FAILED,
    REPORT,
    RUNNING,
    UNDER_WAY,
    WAITING,
    Order,
)
from portal.reporting.orders import KEPT

log = structlog.get_logger()
# Together with an order's id, the key of the lock that says: somebody makes it.
_MAKING = 0x0DE7 << 40
# An order that was begun so often and never finished takes its worker with it each time.
MOST_TRIES = 5
# How long an order may keep others waiting before it lets them go first, in seconds.
_TURN = 20.0
_BETWEEN_NOTES = 0.5
_stopping = threading.Event()
WENT_WRONG = N_(
    "Something went wrong on our side, and we have been told. Try again; if it happens once more,"
    " get in touch with us."
)
_NEVER_FINISHED = N_(
    "It was begun several times and never finished. Choose a shorter period, or get in touch with"
    " us."
)


class Interrupted(Exception):
    """The order is cancelled, or another worker makes it: go no further, and write nothing."""


class PutDown(Exception):
    """The process ends: another goes on with the order."""


@dataclass(frozen=True)
class Task:
    """An order as its maker sees it; `Order` tells what each is. files: those finished before."""

    id: int
    creditor_id: int
    person_id: int | None
    kind: str
    parameters: Mapping[str, Any]
    language: str
    created_at: datetime
    attempt: int
    tries: int
    state: Mapping[str, Any]
    files: Sequence[Mapping[str, Any]]


class Making:
    """What the maker of an order tells while it works."""

    def __init__(self, task: Task, now: Callable[[], datetime]) -> None:
        self.task = task
        self.now = now
        self._begun = self._noted = time.monotonic()

    def progress(self, done: int, total: int) -> None:
        """So many pieces are made of so many.

        Raises Interrupted when nobody wants it any more, PutDown when the process is to end.
        """
        if _stopping.is_set():
            raise PutDown
        if time.monotonic() - self._noted >= _BETWEEN_NOTES:
            self._noted = time.monotonic()
            self._note(done=done, total=total)

    def keep(
        self, files: Sequence[Mapping[str, Any]], state: Mapping[str, Any], done: int, total: int
    ) -> None:
        """Keep what is finished, and where to go on after a kill. Raises Interrupted."""
        self._note(files=list(files), state=dict(state), done=done, total=total, tries=1)

    @property
    def is_turn_over(self) -> bool:
        """Whether others should go first, or the worker is to stop: come back later."""
        return _stopping.is_set() or time.monotonic() - self._begun > _TURN

    def give_back(self) -> None:
        """It goes on later. Raises Interrupted."""
        self._note(status=WAITING, tries=0)

    def finish(self, files: Sequence[Mapping[str, Any]]) -> None:
        """It is made. Raises Interrupted."""
        now = self.now()
        self._end(
            files=list(files), state={}, status=DONE, finished_at=now, expires_at=now + KEPT,
            done=Order.total,
        )  # fmt: skip

    def fail(self, problem: Problem) -> None:
        """It cannot be made. Raises Interrupted."""
        self._end(status=FAILED, failure=problem.as_json(), finished_at=self.now())

    def _end(self, **values: Any) -> None:
        """Write how it ended, and tell who asked for it, in one transaction."""
        self._write(db.session, values)
        task = self.task
        if task.person_id is not None:
            telling.notify(
                task.kind,
                creditor_id=task.creditor_id,
                data={"order": task.id, "report": task.parameters.get("name")},
                key=f"order:{task.id}:{task.attempt}",
                now=self.now(),
                to=[task.person_id],
                is_failed=values["status"] == FAILED,
            )
        db.session.commit()

    def _note(self, **values: Any) -> None:
        # On a connection of its own: the maker reads its rows in one long transaction.
        with Session(db.engine) as notes:
            self._write(notes, values)
            notes.commit()

    def _write(self, session: Session | scoped_session[Any], values: dict[str, Any]) -> None:
        written = session.scalar(
            update(Order)
            .where(
                Order.id == self.task.id,
                Order.attempt == self.task.attempt,
                Order.status == RUNNING,
            )
            .values(touched_at=self.now(), **values)
            .returning(Order.id)
        )
        if written is None:
            raise Interrupted


# A maker answers the files of what is finished, or None when it wants another turn.
_Maker = Callable[[Making], Sequence[Mapping[str, Any]] | None]
_MAKERS: Mapping[str, _Maker] = {REPORT: reports.make_files, ARCHIVE: archives.make_files}


def is_stopping() -> bool:
    """Whether the process is to end."""
    return _stopping.is_set()


def stop() -> None:
    """Let what is being made be put down at the next occasion: the process ends."""
    _stopping.set()


def make_next(now: Callable[[], datetime]) -> bool:
    """Give a turn to an order that nobody makes, the one that waited longest; False if none waits.

    Of those that waited equally long, the one that had the fewest turns goes first.
    Several workers take different orders. To be called where every tenant's orders are seen.
    """
    engine = db.engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as alone, _taken(alone) as order_id:
        if order_id is None:
            return False
        _make(order_id, now)
        return True


@contextmanager
def _taken(alone: Connection) -> Iterator[int | None]:
    waiting = db.session.scalars(
        select(Order.id)
        .where(Order.status.in_(UNDER_WAY))
        .order_by(Order.kind.desc(), Order.touched_at, Order.attempt, Order.id)
    ).all()
    db.session.commit()
    for order_id in waiting:
        if alone.scalar(select(func.pg_try_advisory_lock(_MAKING + order_id))):
            try:
                yield order_id
            finally:
                alone.execute(select(func.pg_advisory_unlock(_MAKING + order_id)))
            return
    yield None


def _make(order_id: int, now: Callable[[], datetime]) -> None:
    task = _begin(order_id, now())
    if task is None:
        return
    making = Making(task, now)
    try:
        _let_make(making)
    except Interrupted:
        db.session.rollback()
    except RedaError as error:
        _fail(making, error.problem)
    except Exception as error:
        log.error("order.failed", order=order_id, error=type(error).__name__, exc_info=True)
        _fail(making, Problem(WENT_WRONG))


def _begin(order_id: int, now: datetime) -> Task | None:
    begun = db.session.execute(
        update(Order)
        .where(Order.id == order_id, Order.status.in_(UNDER_WAY))
        .values(
            status=RUNNING,
            attempt=Order.attempt + 1,
            tries=Order.tries + 1,
            started_at=func.coalesce(Order.started_at, now),
            touched_at=now,
        )
        .returning(*(getattr(Order, name) for name in Task.__dataclass_fields__))
    ).one_or_none()
    db.session.commit()
    return Task(*begun) if begun else None


def _let_make(making: Making) -> None:
    task = making.task
    if task.tries > MOST_TRIES:
        raise RedaError(_NEVER_FINISHED)
    # Behind the company's own walls: whatever goes wrong, nothing of another's gets in.
    with tenancy.creditors([task.creditor_id]), force_locale(task.language):
        try:
            files = _MAKERS[task.kind](making)
        except PutDown:
            files = None
        db.session.rollback()
        if files is None:
            making.give_back()
        else:
            making.finish(files)


def _fail(making: Making, problem: Problem) -> None:
    db.session.rollback()
    with contextlib.suppress(Interrupted):
        making.fail(problem)
