"""What becomes of an order to sign, whatever was signed: counted, or noted as failed."""

from datetime import datetime

from portal.identity.models import BankIDOrder
from portal.payments import closing, releasing
from portal.signing import agreements, approvals, ceremony


def finish(order: BankIDOrder, *, now: datetime) -> None:
    """Let a completed signature count, once. To be called where every tenant is seen.

    The caller commits also when it raises RedaError: it did not count, and the order is used up.
    """
    if "signing" in order.subject:
        ceremony.finish(order, now=now)
    elif "approval" in order.subject:
        approvals.finish(order, now=now)
    elif "payouts" in order.subject:
        releasing.finish(order, now=now)
    elif "period" in order.subject:
        closing.finish(order, now=now)
    else:
        agreements.finish(order, now=now)


def note_failed(order: BankIDOrder, *, now: datetime) -> None:
    """Tell of an order that failed, where there is a log. To be called as `finish`."""
    if order.status == "failed" and "signing" in order.subject:
        ceremony.note_failed(order, now=now)
