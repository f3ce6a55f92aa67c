"""People at the company whom we may call or write to; they need not sign in."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select

from portal.companies import cards
from portal.companies.models import ContactPerson
from portal.delivery.channels import mail
from portal.extensions import db
from portal.identity.actor import Actor
from portal.messages import N_, RedaError
from portal.sources import values as read

FIELDS = ("name", "role", "email", "phone")
MOST = 20
_LONGEST = 80


def of_company(creditor_id: int) -> list[ContactPerson]:
    """A company's contact people, by name."""
    return list(
        db.session.scalars(
            select(ContactPerson)
            .where(ContactPerson.creditor_id == creditor_id)
            .order_by(ContactPerson.name, ContactPerson.id)
        )
    )


def find(creditor_id: int, contact_id: int) -> ContactPerson | None:
    """One of a company's contact people."""
    return next((one for one in of_company(creditor_id) if one.id == contact_id), None)


def save(
    creditor_id: int,
    contact_id: int | None,
    values: Mapping[str, str],
    version: int,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Keep a contact person; contact_id: None for a new one. values: by FIELDS.

    Raises RedaError at the field, and ChangedMeanwhile.
    """
    kept = _checked(values)
    cards.claim(creditor_id, cards.CONTACTS, version, actor=actor, now=now)
    everyone = of_company(creditor_id)
    if contact_id is None:
        if len(everyone) >= MOST:
            raise RedaError(N_("There are %(most)s contact people already."), most=MOST)
        one = ContactPerson(creditor_id=creditor_id, name="", role="", email="", phone="")
        db.session.add(one)
    else:
        found = next((one for one in everyone if one.id == contact_id), None)
        if found is None:
            raise RedaError(N_("This contact person was removed meanwhile."))
        one = found
    before = {name: getattr(one, name) for name in FIELDS}
    for name, value in kept.items():
        setattr(one, name, value)
    cards.tell(creditor_id, cards.CONTACTS, before, kept, actor=actor, now=now)
    db.session.flush()


def remove(creditor_id: int, contact_id: int, version: int, *, actor: Actor, now: datetime) -> None:
    """Take a contact person away; one who is gone already stays gone. Raises ChangedMeanwhile."""
    cards.claim(creditor_id, cards.CONTACTS, version, actor=actor, now=now)
    one = find(creditor_id, contact_id)
    if one is None:
        return
    before = {name: getattr(one, name) for name in FIELDS}
    db.session.delete(one)
    cards.tell(creditor_id, cards.CONTACTS, before, {}, actor=actor, now=now)
    db.session.flush()


def _checked(values: Mapping[str, str]) -> dict[str, str]:
    found = {name: " ".join(values.get(name, "").split()) for name in FIELDS}
    if not found["name"]:
        raise RedaError(N_("Fill this in."), field="name")
    for name in ("name", "role"):
        if len(found[name]) > _LONGEST:
            raise RedaError(N_("Write at most %(most)s characters."), field=name, most=_LONGEST)
    if not found["email"] and not found["phone"]:
        raise RedaError(N_("Write an e-mail address or a telephone number."), field="email")
    if found["email"]:
        found["email"] = mail.address_of(found["email"], field="email")
    if found["phone"]:
        try:
            found["phone"] = read.phone(found["phone"], country="SE")
        except RedaError as error:
            raise RedaError(error.problem.message, field="phone", **error.problem.values) from None
    return found
