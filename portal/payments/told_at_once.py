"""Payments by Swish that come on the account too: recognised, and never booked a second time.

A payment by Swish is booked when it is made. A bank that lists it on the account names it by
Swish's reference or says that it is Swish, one by one or a day's in one sum. Bankgirot's files have
none of them. What says that it is Swish and is recognised as no request of ours waits for a person.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from sqlalchemy import Select, String, cast, func, or_, select

from portal import clock
from portal.extensions import db
from portal.payments import ways
from portal.payments.models import BankFile, BankPayment, SwishRequest

_NAME = re.compile(r"(?<![0-9A-F])[0-9A-F]{32}(?![0-9A-F])")
# A bank lists them on the day or, over a weekend, some days later.
_DAYS = 5
_WORDS = func.concat_ws(
    " ", BankPayment.text, BankPayment.payer_name, BankPayment.serial, BankPayment.end_to_end_id,
    func.array_to_string(BankPayment.reference_numbers, " "),
)  # fmt: skip
_IS_MARKED = or_(_WORDS.op("~*")(r"\mswish\M"), _WORDS.op("~*")("[0-9a-f]{32}"))


def recognise(ids: Sequence[int]) -> list[int]:
    """Settle those payments that are of requests that are paid; answers all that say Swish.

    Those of them that are not recognised are still new, and must not be booked by themselves.
    """
    marked = db.session.execute(
        select(BankPayment, cast(_WORDS, String))
        .join(BankFile, BankFile.id == BankPayment.file_id)
        .where(
            BankPayment.id.in_(ids), BankPayment.kind == "payment",
            BankFile.kind.startswith("camt"), _IS_MARKED,
        )
        .order_by(BankPayment.id)
    ).all()  # fmt: skip
    found = []
    for payment, words in marked:
        named = _named(words)
        is_swish = "swish" in words.lower()
        requests = named if named and _sum(named) == payment.amount_ore else []
        if not requests and is_swish:
            requests = _likely(payment)
        for request in requests:
            request.told_by_id = payment.id
        if requests:
            payment.state = "known"
        db.session.flush()
        if requests or named or is_swish:
            found.append(payment.id)
    return found


def says_swish(payment: BankPayment) -> bool:
    """Whether a payment by bank says that it is Swish."""
    marked = select(BankPayment.id).where(BankPayment.id == payment.id, _IS_MARKED)
    return db.session.scalar(marked) is not None


def _sum(requests: Sequence[SwishRequest]) -> int:
    return sum(one.amount_ore for one in requests)


def _named(words: str) -> list[SwishRequest]:
    names = set(_NAME.findall(words.upper()))
    if not names:
        return []
    return list(
        db.session.scalars(
            _paid().where(
                or_(SwishRequest.payment_reference.in_(names), SwishRequest.id.in_(names))
            )
        )
    )


def _paid() -> Select[SwishRequest]:
    return (
        select(SwishRequest)
        .where(
            SwishRequest.way == ways.SWISH,
            SwishRequest.status == "paid",
            SwishRequest.told_by_id.is_(None),
        )
        .order_by(SwishRequest.ended_at, SwishRequest.id)
        .with_for_update()
    )


def _likely(payment: BankPayment) -> list[SwishRequest]:
    """One request of the amount, or all of a day that make it up; equal ones are as good."""
    first = payment.value_on - timedelta(days=_DAYS)
    by_day: dict[date, list[SwishRequest]] = {}
    for one in db.session.scalars(
        _paid().where(SwishRequest.ended_at >= datetime.combine(first, time(), clock.STOCKHOLM))
    ):
        assert one.ended_at is not None
        by_day.setdefault(clock.day_of(one.ended_at), []).append(one)
    days = [day for day in sorted(by_day, reverse=True) if first <= day <= payment.value_on]
    for day in days:
        for one in by_day[day]:
            if one.amount_ore == payment.amount_ore:
                return [one]
    return next((by_day[day] for day in days if _sum(by_day[day]) == payment.amount_ore), [])
