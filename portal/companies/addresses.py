"""A company's addresses: what it has kept, and what each source says of it.

Sources are what we know of the company itself (`register`) and its own Peppol invoices (`peppol`).
Nothing that a source says takes the place of what was kept until somebody says so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from portal.companies import cards
from portal.companies.models import AddressSource, CompanyAddress
from portal.extensions import db
from portal.identity.actor import Actor
from portal.identity.models import Creditor
from portal.messages import N_, RedaError
from portal.sources import values as read

KINDS = ("sender", "invoice", "agreement")
FIELDS = ("name", "address_line", "postcode", "town", "country")
REGISTER, PEPPOL = "register", "peppol"
_LONGEST = 80


@dataclass(frozen=True)
class Told:
    """What a source says. value: by FIELDS. detail: where exactly it says so."""

    source: str
    detail: str
    value: Mapping[str, str]
    fetched_at: datetime


@dataclass(frozen=True)
class Address:
    """One of a company's addresses. value: as kept, by FIELDS, or None. told: by the best source.

    state: `missing`, `different` from what the source says, or `same`.
    """

    kind: str
    value: Mapping[str, str] | None
    origin: str
    told: Told
    state: str
    differing: frozenset[str]


def of_company(creditor_id: int) -> list[Address]:
    """The addresses of a company, one of each kind."""
    rows = db.session.scalars(
        select(CompanyAddress).where(CompanyAddress.creditor_id == creditor_id)
    )
    kept = {one.kind: one for one in rows}
    told = _told(creditor_id)
    return [_address(kind, kept.get(kind), told) for kind in KINDS]


def _address(kind: str, kept: CompanyAddress | None, told: Told) -> Address:
    if kept is None:
        return Address(kind, None, "", told, "missing", frozenset())
    # A name is how the company wants to be called there; where it lies is what a source knows.
    differing = frozenset(
        name for name in FIELDS[1:] if _plain(kept.value[name]) != _plain(told.value[name])
    )
    state = "different" if differing else "same"
    return Address(kind, kept.value, kept.origin, told, state, differing)


def _plain(text: str) -> str:
    return "".join(text.casefold().split())


def _told(creditor_id: int) -> Told:
    newest = db.session.scalar(
        select(AddressSource)
        .where(AddressSource.creditor_id == creditor_id)
        .order_by(AddressSource.fetched_at.desc())
        .limit(1)
    )
    if newest is not None:
        return Told(newest.source, newest.detail, newest.value, newest.fetched_at)
    creditor = db.session.get_one(Creditor, creditor_id)
    return Told(REGISTER, "", registered(creditor), creditor.created_at)


def registered(creditor: Creditor) -> dict[str, str]:
    """A company's address as we got to know it with the company."""
    return {
        "name": creditor.name,
        "address_line": creditor.address_line,
        "postcode": creditor.postcode,
        "town": creditor.town,
        "country": creditor.country,
    }


def of_kind(creditor_id: int, kind: str) -> dict[str, str]:
    """The address to use for something: as kept, else as we know the company."""
    kept = db.session.scalar(
        select(CompanyAddress.value).where(
            CompanyAddress.creditor_id == creditor_id, CompanyAddress.kind == kind
        )
    )
    return kept or registered(db.session.get_one(Creditor, creditor_id))


def note(
    creditor_id: int, source: str, detail: str, value: Mapping[str, str], *, now: datetime
) -> None:
    """Take down what a source says of a company's address; what was kept stays as it is.

    value: by FIELDS; one without a street and a town is left out.
    """
    told = {name: value.get(name, "").strip()[:_LONGEST] for name in FIELDS}
    if not told["address_line"] or not told["town"]:
        return
    said = {"detail": detail, "value": told, "fetched_at": now}
    db.session.execute(
        insert(AddressSource)
        .values(creditor_id=creditor_id, source=source, **said)
        .on_conflict_do_update(
            index_elements=[AddressSource.creditor_id, AddressSource.source], set_=said
        )
    )


def save(
    creditor_id: int,
    kind: str,
    value: Mapping[str, str],
    version: int,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Keep an address as somebody wrote it. value: by FIELDS; country: two letters.

    Raises RedaError at the field, and ChangedMeanwhile.
    """
    _keep(creditor_id, kind, _checked(value), "written", version, actor, now)


def take(creditor_id: int, kind: str, version: int, *, actor: Actor, now: datetime) -> None:
    """Keep what the source says. Raises ChangedMeanwhile."""
    told = _told(creditor_id)
    _keep(creditor_id, kind, dict(told.value), told.source, version, actor, now)


def _checked(value: Mapping[str, str]) -> dict[str, str]:
    found = {name: " ".join(value.get(name, "").split()) for name in FIELDS}
    for name in ("name", "address_line", "town"):
        if not found[name]:
            raise RedaError(N_("Fill this in."), field=name)
        if len(found[name]) > _LONGEST:
            raise RedaError(N_("Write at most %(most)s characters."), field=name, most=_LONGEST)
    found["country"] = _read("country", found["country"] or "SE", read.country)
    found["postcode"] = _read(
        "postcode",
        found["postcode"],
        lambda text: read.postcode(text, country=found["country"]),
    )
    if found["country"] == "SE":
        found["postcode"] = found["postcode"].replace(" ", "")
    return found


def _read(name: str, text: str, parse: Callable[[str], str]) -> str:
    try:
        return parse(text)
    except RedaError as error:
        raise RedaError(error.problem.message, field=name, **error.problem.values) from None


def _keep(
    creditor_id: int,
    kind: str,
    value: dict[str, str],
    origin: str,
    version: int,
    actor: Actor,
    now: datetime,
) -> None:
    cards.claim(creditor_id, f"address:{kind}", version, actor=actor, now=now)
    row = db.session.get(CompanyAddress, (creditor_id, kind))
    before: Mapping[str, str] = row.value if row else {}
    if row is None:
        row = CompanyAddress(creditor_id=creditor_id, kind=kind)
        db.session.add(row)
    row.value, row.origin, row.kept_at = value, origin, now
    if kind == "sender":
        creditor = db.session.get_one(Creditor, creditor_id)
        creditor.letter = {**creditor.letter, "address": _lines(value)}
    cards.tell(creditor_id, f"address:{kind}", before, value, actor=actor, now=now)
    db.session.flush()


def _lines(value: Mapping[str, str]) -> str:
    """An address on one line, as a letter says it."""
    postcode = value["postcode"].replace(" ", "")
    if value["country"] == "SE" and len(postcode) == 5:
        return f"{value['address_line']}, {postcode[:3]} {postcode[3:]} {value['town']}"
    return f"{value['address_line']}, {value['postcode']} {value['town']}, {value['country']}"
