"""Whether a company takes anything in, and why not."""

from portal.extensions import db
from portal.identity.models import Creditor

CLOSED = "closed"


def stopped(creditor_id: int) -> str | None:
    """Why a company's invoices become no cases, whatever its rules say: CLOSED, or None."""
    creditor = db.session.get_one(Creditor, creditor_id)
    return CLOSED if creditor.closed_at is not None else None
