"""A debtor's way in: the reference and the code that stand in the letter."""

import hmac
from datetime import datetime

from sqlalchemy import select

from portal.collection.models import Case
from portal.database import tenancy
from portal.extensions import db
from portal.identity import attempts
from portal.messages import N_, RedaError
from portal.payments.references import CODE_LENGTH


class EntryRefused(RedaError):
    """Reference and code do not open a case; which of them is wrong is told to nobody."""


class EntryLocked(RedaError):
    """Too many wrong guesses; the door opens again later."""

    status = 429

    def __init__(self, until: datetime) -> None:
        super().__init__(
            N_("Too many attempts. Wait a while and try again, or call us and we help you.")
        )
        self.until = until


def tidy(text: str) -> str:
    """A reference or code as it stands in the letter, however somebody typed it."""
    return "".join(c for c in text.upper() if c.isalnum())


def enter(reference: str, code: str, *, address: str, now: datetime) -> int:
    """The id of the case that reference and code open, as typed by a person.

    address: the network address they come from. Commits the count of wrong guesses itself: what
    a refused guess leaves behind must not be rolled back with it.
    Raises EntryRefused, the same for a wrong reference and a wrong code, or EntryLocked.
    """
    reference, code = tidy(reference), tidy(code)
    guessed_at, guessed_from = f"case:{reference}", f"address:{address}"
    with tenancy.service():
        until = attempts.locked_until([guessed_at, guessed_from], now)
        if until is not None:
            raise EntryLocked(until)
        case = db.session.scalar(select(Case).where(Case.reference == reference))
        # Compared also when there is no such case, so that both take the same time.
        right = case.access_code if case else "-" * CODE_LENGTH
        if not hmac.compare_digest(right.encode(), code.encode()) or case is None:
            attempts.failed([guessed_at, guessed_from], now)
            db.session.commit()
            raise EntryRefused(
                N_(
                    "The reference and the code do not belong together. Check both against the"
                    " letter and try again."
                )
            )
        attempts.succeeded(guessed_at)
        return case.id
