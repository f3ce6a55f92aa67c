"""A debtor's ways in: reference and code that stand in the letter, and who BankID says they are."""

import hmac
from datetime import date, datetime, timedelta

from sqlalchemy import or_, select

from portal.collection.models import Case, Debtor
from portal.database import tenancy
from portal.database.encryption import lookup_hash
from portal.extensions import db
from portal.identity import attempts, signatories
from portal.locales import in_our_digits
from portal.messages import N_, RedaError
from portal.payments.references import CODE_LENGTH

# How many cases somebody sees at once, and how long those that are over.
MOST_CASES = 200
_CLOSED_FOR = timedelta(days=90)


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
    return "".join(c for c in in_our_digits(text).upper() if c.isalnum())


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


def of_person(identity_number: str, *, today: date) -> list[int]:
    """The ids of somebody's cases, and of those of companies that they may sign for alone.

    All creditors' together, open or closed lately, the newest first. identity_number: 12 digits, as
    BankID tells them.
    """
    companies = signatories.register().companies_of(identity_number, today)
    numbers = [lookup_hash(number) for number in (identity_number, *companies)]
    with tenancy.service():
        return list(
            db.session.scalars(
                select(Case.id)
                .join(Debtor, Debtor.id == Case.debtor_id)
                .where(
                    Debtor.identity_number_hash.in_(numbers),
                    or_(Case.closed_on.is_(None), Case.closed_on >= today - _CLOSED_FOR),
                )
                .order_by(Case.opened_at.desc(), Case.id.desc())
                .limit(MOST_CASES)
            )
        )
