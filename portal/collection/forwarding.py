"""Letters to somebody with a protected identity, which the Tax Agency (Skatteverket) forwards.

Nobody but the agency knows for sure where they live, and an address that was told may be old. Such
a letter waits for an operator, who posts it to the agency: sealed, with the personal identity
number on it, in an outer envelope ("Sending mail to someone with protected identity",
skatteverket.se, read 2026-11-30).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.collection import circumstances, history
from portal.collection.models import Case
from portal.database import files
from portal.delivery import outbox, sending
from portal.delivery.outbox import SentOrWaiting
from portal.extensions import db
from portal.identity.actor import Actor

FORWARDED = "case.letter_forwarded"
# Where the agency takes mail to be forwarded.
AGENCY: Sequence[str] = ("Skatteverket", "Box 2820", "403 20 Göteborg")


@dataclass(frozen=True)
class KeptBack:
    """A letter that waits to be posted to the agency, and whom it is to.

    identity_number: as it is written on the envelope, None when it is not known. is_protected:
    still; when it is over, the letter can be sent as others are.
    """

    letter: SentOrWaiting
    reference: str
    creditor_name: str
    name: str
    identity_number: str | None
    is_protected: bool


def find(message_id: int) -> KeptBack:
    """A letter that is kept back. Raises outbox.NotFailed when it is not, or not any more."""
    letter = outbox.kept_back(message_id)
    case = db.session.get_one(Case, letter.case_id)
    number = case.debtor.identity_number
    return KeptBack(
        letter, case.reference, case.creditor.name, case.debtor.name,
        f"{number[:-4]}-{number[-4:]}" if number else None,
        circumstances.is_protected(case.debtor),
    )  # fmt: skip


def note_posted(message_id: int, *, actor: Actor, now: datetime) -> None:
    """A person has posted a letter to the agency. Raises outbox.NotFailed the second time."""
    letter = outbox.kept_back(message_id)
    case = db.session.get_one(Case, letter.case_id)
    outbox.posted_by_hand(message_id, files.store(sending.without_address(message_id)), now)
    history.record(
        FORWARDED, creditor_id=case.creditor_id, case_id=case.id, actor=actor, now=now,
        kind=letter.kind,
    )  # fmt: skip
