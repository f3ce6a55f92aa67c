"""How debtors want to be reached, in their own words, beside what the creditor has told of them."""

from collections.abc import Collection, Mapping
from datetime import datetime

from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.dialects.postgresql import insert

from portal import locales
from portal.collection import history
from portal.collection.models import Case, Debtor, OwnContact
from portal.database import tenancy
from portal.delivery import outbox
from portal.delivery.channels.mail import address_of
from portal.extensions import db, settings
from portal.identity.actor import Actor
from portal.law.channels import EMAIL, LETTER
from portal.messages import N_, RedaError
from portal.sources import values as read

ADDRESS = ("address_line", "postcode", "town", "country")
FIELDS = ("email", "phone", *ADDRESS, "channel", "language")
CHANNELS = (LETTER, EMAIL)
_LONGEST = {"email": 254, "phone": 40, "address_line": 200, "postcode": 20, "town": 100}
_CONFIRMABLE_SECONDS = 7 * 24 * 3600


def has_no_address() -> ColumnElement[bool]:
    """Of a debtor in a query: whether letters have nowhere to go, as `Debtor.home` tells."""
    own = select(OwnContact.debtor_id).where(
        OwnContact.debtor_id == Debtor.id, OwnContact.address_line != ""
    )
    # Written as the index of them is.
    is_lacking = or_(Debtor.address_line == "", Debtor.postcode == "", Debtor.town == "")
    return is_lacking & ~own.exists()


class BadLink(RedaError):
    """A link in a mail that was cut off, is too old, or is of an address that was changed since."""

    status = 400

    def __init__(self) -> None:
        super().__init__(
            N_("This link does not hold any more. Write the address again on your page.")
        )


def kept(debtor: Debtor) -> dict[str, str]:
    """What a debtor has told, by FIELDS; the language is that of their letters, told or not."""
    told = debtor.told
    values = {name: (told and getattr(told, name)) or "" for name in FIELDS}
    known = locales.find(debtor.reads)
    return {
        **values,
        "channel": values["channel"] or LETTER,
        "language": known.code if known in locales.offered() else "sv",
    }


def save(
    case: Case, values: Mapping[str, str], *, version: int, actor: Actor, now: datetime
) -> list[str]:
    """Keep what a debtor tells, for all cases of theirs at this creditor; answers what changed.

    case: locked. values: by FIELDS, as typed; empty takes away what was told before. version: of
    what the page showed. A new address for e-mails gets a mail whose link confirms it.
    Raises RedaError at the field, also when somebody has changed the same meanwhile.
    """
    debtor, kept = case.debtor, _checked(values, case.debtor)
    told = _locked(debtor, now)
    if told.language is None and kept["language"] == debtor.reads:
        # As it stood on the page: nothing was chosen.
        kept["language"] = None
    changed = [name for name in FIELDS if getattr(told, name) != kept[name]]
    if not changed:
        return []
    if told.version != version:
        raise RedaError(
            N_("This was changed in another window meanwhile. Look at the page again, then save.")
        )
    for name in changed:
        setattr(told, name, kept[name])
    told.version += 1
    told.changed_at = now
    if "email" in changed:
        told.email_confirmed_at = None
        _ask(told, debtor, case, now)
    _record(debtor, "case.contact_told", actor, now, fields=changed)
    return changed


def language_of(case_ids: Collection[int]) -> str | None:
    """The language that letters of some cases are written in; None where nobody has chosen one.

    A creditor's ledger calls many Swedish of whom nobody has asked, which tells nothing.
    """
    debtors = db.session.scalars(
        select(Debtor).join(Case, Case.debtor_id == Debtor.id).where(Case.id.in_(case_ids))
    ).all()
    own = [one.told.language for one in debtors if one.told and one.told.language]
    told = [one.language for one in debtors if one.language not in (None, "", "sv")]
    return next(iter([*own, *told]), None)


def write_in(case: Case, language: str, *, actor: Actor, now: datetime) -> bool:
    """Write to a debtor in a language from now on; answers whether that is new. case: locked."""
    told = _locked(case.debtor, now)
    if told.language == language or locales.find(language) not in locales.offered():
        return False
    told.language, told.changed_at = language, now
    told.version += 1
    _record(case.debtor, "case.contact_told", actor, now, fields=["language"])
    return True


def address_in(link: str) -> str:
    """The e-mail address that a link in a mail confirms. Raises BadLink."""
    return _opened(link)[1]


def confirm(link: str, *, actor: Actor, now: datetime) -> None:
    """Take a link's address for the debtor's own; once more changes nothing. Raises BadLink."""
    debtor_id, address = _opened(link)
    with tenancy.service():
        told = db.session.get(OwnContact, debtor_id, with_for_update=True)
        if told is None or told.email != address:
            raise BadLink
        if told.email_confirmed_at is None:
            told.email_confirmed_at = now
            debtor = db.session.get_one(Debtor, debtor_id)
            _record(debtor, "case.contact_confirmed", actor, now)


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings().secret_key, salt="debtor's mail address")


def _opened(link: str) -> tuple[int, str]:
    try:
        debtor_id, address = _serializer().loads(link, max_age=_CONFIRMABLE_SECONDS)
    except (BadSignature, ValueError):
        raise BadLink from None
    return int(debtor_id), str(address)


def _ask(told: OwnContact, debtor: Debtor, case: Case, now: datetime) -> None:
    if not told.email:
        return
    link = _serializer().dumps([debtor.id, told.email])
    outbox.put_mail(
        "debtor_address",
        to=told.email,
        content={"url": f"{settings().base_url}/address/{link}"},
        language=told.language or debtor.reads,
        key=f"debtor_address:{debtor.id}:{told.version}",
        now=now,
        creditor_id=case.creditor_id,
        case_id=case.id,
    )


def _locked(debtor: Debtor, now: datetime) -> OwnContact:
    db.session.execute(
        insert(OwnContact)
        .values(
            debtor_id=debtor.id, creditor_id=debtor.creditor_id, channel=LETTER, version=0,
            changed_at=now,
        )
        .on_conflict_do_nothing()
    )  # fmt: skip
    told = db.session.get_one(OwnContact, debtor.id, with_for_update=True)
    # The row may be newer than what was read of the debtor.
    db.session.expire(debtor, ["told"])
    return told


def _record(debtor: Debtor, name: str, actor: Actor, now: datetime, **data: object) -> None:
    """Tell it in the history of each case that goes on: letters of all of them change by it."""
    with tenancy.service():
        cases = db.session.execute(
            select(Case.id, Case.creditor_id)
            .where(Case.debtor_id == debtor.id, Case.closed_on.is_(None))
            .order_by(Case.id)
        ).all()
        for case_id, creditor_id in cases:
            history.record(
                name, creditor_id=creditor_id, case_id=case_id, actor=actor, now=now, **data
            )


def _checked(values: Mapping[str, str], debtor: Debtor) -> dict[str, str | None]:
    found = {name: " ".join(values.get(name, "").split()) for name in FIELDS}
    for name, most in _LONGEST.items():
        if len(found[name]) > most:
            raise RedaError(
                N_("Too long. Write at most %(most)s characters."), field=name, most=most
            )
    if found["email"]:
        found["email"] = address_of(found["email"], field="email")
    if found["phone"]:
        found["phone"] = _phone(found["phone"])
    if found["channel"] not in CHANNELS:
        raise RedaError(N_("Choose one of the options."), field="channel")
    if found["channel"] == EMAIL and not (found["email"] or debtor.email):
        raise RedaError(N_("Write an e-mail address, such as anna@example.com."), field="email")
    if found["language"] and locales.find(found["language"]) not in locales.offered():
        raise RedaError(N_("Choose one of the options."), field="language")
    return {name: value or None for name, value in {**found, **_address(found)}.items()}


def _phone(text: str) -> str:
    try:
        return read.phone(text, country="SE")
    except RedaError:
        raise RedaError(
            N_("Write a telephone number, such as 070-123 45 67 or +46 70 123 45 67."),
            field="phone",
        ) from None


def _address(found: Mapping[str, str]) -> dict[str, str]:
    """The address whole, or none of it."""
    lines = {name: found[name] for name in ADDRESS}
    if not any(lines[name] for name in ("address_line", "postcode", "town")):
        return dict.fromkeys(ADDRESS, "")
    for name in ADDRESS:
        if not lines[name]:
            raise RedaError(N_("Fill this in."), field=name)
    for name in ("address_line", "town"):
        lines[name] = _line(lines[name], name)
    try:
        lines["postcode"] = read.postcode(lines["postcode"], country=lines["country"])
    except RedaError:
        raise RedaError(
            N_("Write the postcode as on a letter. A Swedish one has five digits, like 123 45."),
            field="postcode",
        ) from None
    return lines


def _line(text: str, name: str) -> str:
    try:
        return read.plain_text(text, _LONGEST[name])
    except RedaError:
        raise RedaError(N_("This does not look right. Please check it."), field=name) from None
