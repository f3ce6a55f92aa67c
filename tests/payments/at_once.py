"""Payments by Swish, card and account that are paid and taken back, for tests of chargebacks."""

import itertools
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

from portal.collection.models import Case
from portal.extensions import db
from portal.identity.actor import Actor
from portal.payments import booking, chargebacks
from portal.payments.models import Chargeback, SwishPart, SwishRequest
from portal.payments.swish import new_payment_id
from portal.payments.ways import ChargedBack, PaymentRequest, Status
from tests.factories import NOW, TODAY

ERIK = Actor("person", "Erik Wallin", None, "operator")
_serial = itertools.count(1)


def paid_at_once(parts: Mapping[Case, int], *, way: str = "card", on: date = TODAY) -> SwishRequest:
    """A request for some cases that is paid, and booked as it is when Swish or a provider tells."""
    at = datetime(on.year, on.month, on.day, 11, tzinfo=UTC)
    request = SwishRequest(
        id=new_payment_id(), way=way, amount_ore=sum(parts.values()), currency="SEK",
        status="created", callback_identifier="x", created_at=at,
    )  # fmt: skip
    db.session.add(request)
    db.session.flush()
    for case, ore in sorted(parts.items(), key=lambda one: one[0].id):
        db.session.add(
            SwishPart(
                request_id=request.id, case_id=case.id, creditor_id=case.creditor_id, amount_ore=ore
            )
        )
    db.session.flush()
    answer = PaymentRequest(
        request.id, Status.PAID, Decimal(request.amount_ore) / 100, "SEK",
        payer_alias="46701740605",
        payment_reference=f"{next(_serial):032X}", date_paid=at,
    )  # fmt: skip
    booking._book(request, answer, NOW)
    db.session.commit()
    return request


def taken(request: SwishRequest, ore: int | None = None, *, on: date = TODAY) -> Chargeback:
    """A person says that the bank has taken it back, all that is left or a part."""
    left_ore = chargebacks.left_ore(request)
    chargebacks.take(
        request.id, left_ore if ore is None else ore, on, "domstol, T 12-26", seen_ore=left_ore,
        actor=ERIK, today=max(on, TODAY), now=NOW,
    )  # fmt: skip
    db.session.commit()
    return chargebacks.of_request(request.id)[-1]


def come_again(chargeback: Chargeback, *, on: date = TODAY) -> None:
    """A person says that the bank has given it back."""
    chargebacks.come_again(
        chargeback.id, on, actor=ERIK, today=max(on, TODAY), now=NOW
    )  # fmt: skip
    db.session.commit()
    db.session.expire_all()


def told_by_provider(key: str, ore: int, *, is_here: bool = False) -> ChargedBack:
    """What the provider answers of something that it has taken back."""
    return ChargedBack(
        key, Decimal(ore) / 100, "SEK", "The cardholder does not know the payment", NOW,
        NOW if is_here else None,
    )  # fmt: skip
