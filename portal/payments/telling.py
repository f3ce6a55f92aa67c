"""A debtor whose money has gone back is told so, where a receipt would reach them.

Not when somebody else has paid, as the bank tells it; and not of whom anything is known by which
what we send must reach somebody else, or nobody by this way: then the page of the case says it.
"""

import unicodedata
from datetime import date, datetime

from portal.collection import cases, circumstances, reaching, states
from portal.extensions import db
from portal.payments.models import BankPayment, Refund

_IN_SPITE_OF = {states.RESTRUCTURING}
# Letters that are no other letter with a mark.
_INSTEAD = str.maketrans({"ł": "l", "đ": "d", "ø": "o", "ı": "i", "æ": "ae", "œ": "oe"})


def went_back(refund: Refund, *, on: date, now: datetime) -> None:
    """Tell the debtor of its case that a refund is paid, once. on: the day that it went."""
    case = cases.get(refund.case_id) if refund.case_id is not None else None
    if case is None or _is_of_another(refund, case.debtor.identity_number, case.debtor.name):
        return
    if circumstances.known_of(case.debtor) - _IN_SPITE_OF:
        return
    reaching.tell(
        case,
        "refund",
        {
            "amount_ore": refund.amount_ore, "currency": refund.currency, "on": on.isoformat(),
            "creditor": case.creditor.name, "reference": case.reference,
        },
        key=f"refund:{refund.key}",
        now=now,
        is_of_sums=True,
    )  # fmt: skip


def _is_of_another(refund: Refund, number: str | None, name: str) -> bool:
    """Whether the bank names somebody else than the debtor as the payer, by number or else by name.

    What it names nobody of came with the debtor's own number or from the page of the case.
    """
    if refund.payment_id is None:
        return False
    payment = db.session.get_one(BankPayment, refund.payment_id)
    if payment.payer_number and number:
        return payment.payer_number[-10:] != number[-10:]
    return bool(payment.payer_name) and _words(payment.payer_name) != _words(name)


def _words(name: str) -> list[str]:
    """The words of a name; banks write the family's name first or last, and leave marks out."""
    letters = unicodedata.normalize("NFKD", name.casefold().translate(_INSTEAD))
    plain = "".join(one for one in letters if not unicodedata.combining(one))
    return sorted(plain.replace(",", " ").split())
