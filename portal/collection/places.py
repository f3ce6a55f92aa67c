"""Where a debtor is reached, as it is shown to who works with their cases.

Of a protected identity (skyddad folkbokföring, folkbokföringslagen (1991:481) § 16; sekretess-
markering) it is shown to nobody but who asks for it and says why, which the history keeps. Pages,
lists, exports and documents ask here and nowhere else.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, literal, or_, select

from portal.collection import circumstances, history
from portal.collection.models import Case, Debtor, OwnContact
from portal.database import tenancy
from portal.database.encryption import lookup_hash
from portal.extensions import db
from portal.identity.actor import Actor
from portal.messages import N_, RedaError

SHOWN = "case.places_shown"
# What is shown once for a reason: where the debtor is, what was sent to them, the invoice's file,
# and what a bank tells of who paid.
PLACES, LETTER, INVOICE, PAYER = "places", "letter", "invoice", "payer"
LONGEST_REASON = 300
_FIELDS = ("address_line", "postcode", "town", "country", "email", "phone")


@dataclass(frozen=True)
class Place:
    """An address, e-mail address and telephone number, as somebody told them; empty: not told."""

    address_line: str = ""
    postcode: str = ""
    town: str = ""
    country: str = ""
    email: str = ""
    phone: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether a letter would arrive."""
        return bool(self.address_line and self.postcode and self.town)


@dataclass(frozen=True)
class Places:
    """Where a debtor is, as the creditor and the debtor have told. told: None when nothing was.

    is_protected: the debtor has a protected identity. is_hidden: it is not shown, and both are
    empty. is_complete: a letter would arrive.
    """

    is_protected: bool
    is_hidden: bool
    by_creditor: Place
    told: Place | None
    is_complete: bool


def of(debtor: Debtor, *, is_shown: bool = False) -> Places:
    """Where a debtor is. is_shown: somebody has said why they must know, see `show`."""
    is_protected = circumstances.is_protected(debtor)
    is_hidden = is_protected and not is_shown
    by_creditor, told = _place(debtor), _place(debtor.told) if debtor.told else None
    is_complete = by_creditor.is_complete
    if is_hidden:
        by_creditor, told = Place(), told and Place()
    return Places(is_protected, is_hidden, by_creditor, told, is_complete)


def _place(one: Debtor | OwnContact) -> Place:
    return Place(**{name: getattr(one, name) or "" for name in _FIELDS})


def show(case_id: int, what: str, reason: str, *, actor: Actor, now: datetime) -> None:
    """Write down that somebody is shown what is protected, and why.

    case_id: of the debtor. what: PLACES, LETTER, INVOICE or PAYER. Raises RedaError at `reason`
    when it is missing or too long.
    """
    why = " ".join(reason.split())
    if not why:
        raise RedaError(N_("Fill this in."), field="reason")
    if len(why) > LONGEST_REASON:
        raise RedaError(
            N_("Too long. Write at most %(most)s characters."), field="reason", most=LONGEST_REASON
        )
    case = db.session.get_one(Case, case_id)
    history.record(
        SHOWN, creditor_id=case.creditor_id, case_id=case_id, actor=actor, now=now, what=what,
        reason=why,
    )  # fmt: skip


def are_hidden(debtor: ColumnElement[int], creditor_id: int) -> ColumnElement[bool]:
    """Of a customer in a query: whether where they are is hidden. debtor: the column of its id."""
    return debtor.in_(circumstances.protected_of(creditor_id))


def are_called(words: Sequence[str], creditor_id: int) -> ColumnElement[bool]:
    """Of customers in a query: whether each word stands in their name, e-mail or telephone.

    Of a protected identity in the name alone, as the database's `reda_debtors_like` finds them.
    """
    patterns = [func.reda_pattern(literal(one)) for one in words]
    name = func.concat(" ", func.reda_fold(Debtor.name), " ")
    is_named = and_(*(name.like(one) for one in patterns))
    return and_(
        *(Debtor.search_text.like(one) for one in patterns),
        or_(~are_hidden(Debtor.id.expression, creditor_id), is_named),
    )


def protected_among(case_ids: Collection[int]) -> list[int]:
    """Those of some cases whose debtor has a protected identity."""
    if not case_ids:
        return []
    found = db.session.scalars(select(Case).where(Case.id.in_(case_ids)).order_by(Case.id))
    return [one.id for one in found if circumstances.is_protected(one.debtor)]


def is_hidden_person(creditor_id: int, identity_number: str | None) -> bool:
    """Whether a company knows of a protected identity of the person with a number."""
    if not identity_number:
        return False
    with tenancy.service():
        them = select(Debtor).where(
            Debtor.creditor_id == creditor_id,
            Debtor.identity_number_hash == lookup_hash(identity_number),
        )
        one = db.session.scalars(them.limit(1)).first()
        return one is not None and circumstances.is_protected(one)
