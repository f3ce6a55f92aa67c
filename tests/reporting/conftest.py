"""A company with money that came, and a worker that makes what is asked for."""

from collections.abc import Callable, Sequence
from datetime import datetime

import pytest
from flask import Flask

from portal.collection import settling
from portal.collection.models import Case
from portal.database import files
from portal.extensions import db
from portal.identity.actor import SWISH, Actor
from portal.identity.models import Creditor
from portal.reporting import making, orders
from portal.reporting.models import Order
from tests.factories import NOW, TODAY, a_case_whose_reminder_left, a_creditor

EVA_AT_DESK = Actor("person", "Eva Sandberg", role="creditor")
REMITTANCE = {
    "name": "remittance", "from": "2026-03-01", "to": "2026-03-31", "currency": "SEK",
}  # fmt: skip


def paid(case: Case, ore: int, *, key: str = "A") -> Case:
    """A case that somebody has paid on."""
    settling.settle_payment(
        case, amount_ore=ore, key=f"swish:{key}", channel="swish", value_on=TODAY, actor=SWISH,
        now=NOW,
    )  # fmt: skip
    db.session.commit()
    return case


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    """A company that has been paid for."""
    creditor = a_creditor()
    paid(a_case_whose_reminder_left(creditor), 50_000)
    return creditor


def ask(creditor: Creditor, parameters: dict[str, object] = REMITTANCE, **values: str) -> Order:  # type: ignore[assignment]
    """Have a report made, in English."""
    order = orders.put(
        creditor.id, values.get("kind", "report"), parameters, language="en", actor=EVA_AT_DESK,
        now=NOW,
    )  # fmt: skip
    db.session.commit()
    return order


def make(now: Callable[[], datetime] = lambda: NOW) -> None:
    """Let a worker make all that waits."""
    while making.make_next(now):
        pass
    db.session.rollback()


def current(order: Order) -> Order:
    """The order as it stands now."""
    db.session.rollback()
    found = orders.find(order.id)
    assert found is not None
    return found


def contents(order: Order) -> Sequence[bytes]:
    """What its files hold."""
    return [files.read(one["sha256"]) for one in order.files]
