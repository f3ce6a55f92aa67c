"""Rates of exchange that operators tell, for the tax in kronor of statements in other currencies.

A statement that needs one is not made without it: the rate is then wanted, until an operator has
told what was published, and where. What is told is never changed (`law.vat` says which rate it is).
"""

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

import structlog
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert

from portal.database import queue
from portal.extensions import db
from portal.identity.actor import Actor
from portal.law import vat
from portal.messages import N_, RedaError
from portal.payments.models import ExchangeRate

log = structlog.get_logger()
# Makes what waits for a rate (portal/jobs.py).
JOB = "make_statements"
LONGEST_SOURCE = 200
# Kronor for one of any currency that people here invoice in.
_LOWEST, _HIGHEST = Decimal("0.01"), Decimal(100)
_RATE = re.compile(r"[0-9]{1,3}(?:[.,][0-9]{1,6})?", re.ASCII)


class AlreadyTold(RedaError):
    """Somebody else has told the rate."""

    status = 409

    def __init__(self) -> None:
        super().__init__(N_("Somebody has told this rate already. It is never changed."))


def of_month(currency: str, last_on: date, *, now: datetime) -> ExchangeRate | None:
    """The rate for what was charged in a month, by its last day; None when it is still wanted."""
    on_day = vat.exchange_day(last_on)
    found = db.session.get(ExchangeRate, (currency, on_day))
    if found is not None and found.rate is not None:
        return found
    db.session.execute(
        insert(ExchangeRate)
        .values(currency=currency, on_day=on_day, wanted_at=now)
        .on_conflict_do_nothing()
    )
    return None


def wanted() -> list[ExchangeRate]:
    """Rates that statements wait for, the oldest first."""
    return _listed(ExchangeRate.rate.is_(None))


def told(limit: int = 60) -> list[ExchangeRate]:
    """Rates that operators have told, the newest first."""
    return _listed(ExchangeRate.rate.is_not(None))[::-1][:limit]


def _listed(condition: ColumnElement[bool]) -> list[ExchangeRate]:
    query = select(ExchangeRate).where(condition)
    return list(db.session.scalars(query.order_by(ExchangeRate.on_day, ExchangeRate.currency)))


def count_wanted() -> int:
    """How many rates statements wait for."""
    query = select(func.count()).select_from(ExchangeRate).where(ExchangeRate.rate.is_(None))
    return db.session.scalar(query) or 0


def tell(
    currency: str, on_day: date, written: str, source: str, *, actor: Actor, now: datetime
) -> None:
    """Keep a rate that is wanted, and let the statements be made that waited for it.

    written: kronor for one of the currency, as published. source: who published it. Raises
    RedaError at the field.
    """
    digits = "".join(written.split())
    rate = Decimal(digits.replace(",", ".")) if _RATE.fullmatch(digits) else Decimal(0)
    if not _LOWEST <= rate <= _HIGHEST:
        raise RedaError(
            N_("Write how many kronor one %(currency)s is, with decimals, such as 11,2345."),
            field="rate", currency=currency,
        )  # fmt: skip
    said = source.strip()
    if not said or len(said) > LONGEST_SOURCE:
        raise RedaError(N_("Say who published the rate."), field="source")
    found = db.session.get(ExchangeRate, (currency, on_day), with_for_update=True)
    if found is None or found.rate is not None:
        raise AlreadyTold
    found.rate, found.source = rate, said
    found.told_by, found.told_at = actor.name or actor.label, now
    db.session.flush()
    queue.defer(JOB, once=JOB)
    log.info("exchange_rate.told", currency=currency, on=on_day.isoformat(), rate=str(rate))


def known(rates: Sequence[ExchangeRate], name: str) -> ExchangeRate | None:
    """One of some rates by its name on pages, such as EUR 2026-03-31."""
    return next((one for one in rates if name_of(one) == name), None)


def name_of(rate: ExchangeRate) -> str:
    """What a rate is called on pages."""
    return f"{rate.currency} {rate.on_day.isoformat()}"
