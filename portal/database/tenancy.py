"""Whose rows the database lets a transaction see.

Row-level security reads three settings of the transaction: `reda.scope` (what kind of reader),
`reda.ids` (which creditors, cases or envelopes) and `reda.person` (who is signed in). They are set
when a transaction begins, from the scope entered here, and end with it. Outside every scope no row
of a tenant is seen at all.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from flask import Flask, g
from sqlalchemy import Connection, event
from sqlalchemy.orm import Session

from portal.extensions import db


@dataclass(frozen=True)
class Scope:
    """What a transaction may see: kind `none`, `service`, `creditor`, `case` or `envelope`."""

    kind: str = "none"
    ids: tuple[int, ...] = ()
    person_id: int | None = None


_NOBODY = Scope()
_current: ContextVar[Scope] = ContextVar("reda_scope", default=_NOBODY)
# As the driver takes it: it is sent with every transaction.
APPLY = (
    "select set_config('reda.scope', %(kind)s, true), set_config('reda.ids', %(ids)s, true),"
    " set_config('reda.person', %(person)s, true)"
)


def current() -> Scope:
    """The scope now in force."""
    return _current.get()


def as_sent(scope: Scope) -> dict[str, str]:
    """What APPLY takes."""
    ids = "{" + ",".join(str(int(i)) for i in scope.ids) + "}"
    person = "" if scope.person_id is None else str(scope.person_id)
    return {"kind": scope.kind, "ids": ids, "person": person}


def _apply(connection: Connection, scope: Scope) -> None:
    connection.exec_driver_sql(APPLY, as_sent(scope))


@event.listens_for(Session, "after_begin")
def scope_transaction(session: Session, transaction: object, connection: Connection) -> None:
    """Let each transaction of the process begin in the scope that is in force."""
    _apply(connection, _current.get())


def _switch(scope: Scope) -> None:
    session = db.session()
    if session.in_transaction():
        session.flush()
    _current.set(scope)
    if session.in_transaction():
        _apply(session.connection(), scope)


def enter(scope: Scope) -> None:
    """Enter a scope for the rest of this request."""
    _switch(scope)


def init_app(app: Flask) -> None:
    """Begin each request behind every wall, and put back afterwards what held before it.

    However a request or job ends, the next one on its thread sees nothing that this one saw.
    """

    @app.before_request
    def _begin() -> None:
        g.scope_before = _current.get()
        _current.set(_NOBODY)

    @app.teardown_appcontext
    def _end(error: BaseException | None) -> None:
        _current.set(g.pop("scope_before", _NOBODY))


@contextmanager
def within(scope: Scope) -> Iterator[None]:
    """See for a while what a scope shows."""
    before = _current.get()
    try:
        _switch(scope)
        yield
        # Writes what waits, which may fail too, and then the outer scope must hold all the same.
        _switch(before)
    except BaseException:
        _current.set(before)
        # A failed transaction takes no more statements; it is rolled back by whoever catches.
        db.session.rollback()
        raise


def service() -> AbstractContextManager[None]:
    """See every tenant: jobs, machines' callbacks and our own staff."""
    return within(Scope("service", person_id=_current.get().person_id))


def creditors(ids: Iterable[int], person_id: int | None = None) -> AbstractContextManager[None]:
    """See these creditors only."""
    return within(Scope("creditor", tuple(ids), person_id))


def cases(ids: Iterable[int]) -> AbstractContextManager[None]:
    """See these cases only, as their debtor."""
    return within(Scope("case", tuple(ids)))


def envelopes(ids: Iterable[int]) -> AbstractContextManager[None]:
    """See these envelopes only, as one of their signers."""
    return within(Scope("envelope", tuple(ids)))
