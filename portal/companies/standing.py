"""Whether a company takes anything in, and why not."""

from portal.extensions import db
from portal.identity.models import Creditor
from portal.signing import agreements

CLOSED, AGREEMENT = "closed", "agreement"


def stopped(creditor_id: int) -> str | None:
    """Why a company's invoices become no cases, whatever its rules say, or None.

    CLOSED: two administrators have closed it. AGREEMENT: a new version of the agreement was to be
    signed by a day that has been.
    """
    creditor = db.session.get_one(Creditor, creditor_id)
    if creditor.closed_at is not None:
        return CLOSED
    return AGREEMENT if agreements.state(creditor_id) == agreements.OVERDUE else None
