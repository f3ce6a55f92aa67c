"""Asking for a payment by Swish, as the debtor's click does, and asking how it went."""

from datetime import datetime

from portal.collection.models import Case
from portal.extensions import db
from portal.payments import booking
from portal.payments.models import SwishRequest
from tests.factories import NOW
from tests.swish_fixtures import Swish


def asked_for(case: Case, amount_ore: int | None = None, *, at: datetime = NOW) -> str:
    """The id of a payment request that Swish has taken, as the debtor's click makes it."""
    return asked_for_parts({case.id: amount_ore}, at=at)


def asked_for_parts(asked: dict[int, int | None], *, at: datetime = NOW) -> str:
    """As `asked_for`, for several cases or a part."""
    request = booking.begin(
        asked,
        # Nobody listens there: these tests are about asking.
        booking.How("http://127.0.0.1:9/callbacks/swish"),
        now=at,
        between=db.session.commit,
    )
    return request.id


def ask(request_id: str, *, at: datetime = NOW) -> SwishRequest:
    request = booking.ask(request_id, now=at)
    db.session.commit()
    assert request is not None
    return request


def paid(swish: Swish, case: Case, *, at: datetime = NOW) -> str:
    request_id = asked_for(case, at=at)
    swish.control(f"requests/{request_id}/pay")
    ask(request_id, at=at)
    return request_id
