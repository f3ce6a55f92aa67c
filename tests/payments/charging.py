"""Prices, cases under surveillance and money that comes for them, for tests of what is charged."""

import itertools
from datetime import date, datetime, timedelta
from decimal import Decimal

from portal.collection import cases, lifecycle
from portal.collection.models import Case
from portal.extensions import db
from portal.identity.actor import SYSTEM, Actor
from portal.identity.models import Creditor
from portal.law import vat
from portal.payments import booking, commission, exchange_rates, statements
from portal.payments.models import ServiceStatement
from portal.signing.models import SignatureUse
from tests.factories import NOW, TODAY, a_case_whose_reminder_left, a_creditor

OPERATOR = Actor("person", "Olle Operatör", None, "operator")
FIRST = date(2026, 1, 1)
_serial = itertools.count(1)


def a_price(
    per_cent: str | None = "25", creditor: Creditor | None = None, from_on: date = FIRST
) -> None:
    """A price of the service's own, or a company's agreed one."""
    commission.add_price(
        creditor.id if creditor else None, from_on=from_on,
        per_cent=None if per_cent is None else Decimal(per_cent), note="", actor=OPERATOR,
        today=from_on - timedelta(days=commission.NOTICE_DAYS), now=NOW,
    )  # fmt: skip
    db.session.commit()


def a_rate(last_on: date = date(2026, 3, 31), rate: str = "11,2345", currency: str = "EUR") -> None:
    """A rate of exchange that an operator has told, for the statements of a month."""
    exchange_rates.of_month(currency, last_on, now=NOW)
    exchange_rates.tell(
        currency, vat.exchange_day(last_on), rate, "Europeiska centralbanken", actor=OPERATOR,
        now=NOW,
    )  # fmt: skip
    db.session.commit()


def a_watched_case(
    creditor: Creditor | None = None, *, at: datetime = NOW, **values: object
) -> Case:
    """A case that was put under long-term surveillance at an instant."""
    case = a_case_whose_reminder_left(creditor or a_creditor(), **values)
    case.status = "demanded"
    lifecycle.watch_over(case, actor=SYSTEM, now=at)
    db.session.commit()
    return case


def pay(case: Case, ore: int, *, on: date = TODAY, now: datetime = NOW) -> str:
    """Money comes for a case; answers its key."""
    key = f"bankgiro:{next(_serial)}"
    booking.receive(
        case.id, amount_ore=ore, currency=case.currency, key=key, channel="bankgiro", value_on=on,
        payer=None, actor=SYSTEM, now=now,
    )  # fmt: skip
    db.session.commit()
    return key


def give_back(key: str, *, on: date = TODAY, now: datetime = NOW) -> None:
    """The bank takes money back."""
    booking.take_back(key, by_bank=True, on=on, actor=Actor("bank"), now=now)
    db.session.commit()


def all_owed(case: Case, on: date = TODAY) -> int:
    """What a case owes on a day."""
    return cases.amount_due(cases.lock(case.id), on).total_ore


def a_statement(creditor: Creditor) -> ServiceStatement:
    """A statement of a month that has fees that debtors have paid and a signature."""
    db.session.add(
        SignatureUse(
            creditor_id=creditor.id, number=1_000, signer_key=f"charged:{creditor.id}",
            envelope_key="envelope", kind="document", counted_on=TODAY, price_ore=1_500,
        )
    )  # fmt: skip
    db.session.flush()
    made = statements.make_due(creditor.id, today=date(2026, 4, 1), now=NOW)
    db.session.commit()
    return made[-1]
