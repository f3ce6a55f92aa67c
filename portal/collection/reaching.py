"""How debtors want to be reached, in their own words, beside what the creditor has told of them.

`reader` says where letters go, and `tell` tells that something has happened, by the way they chose.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from itsdangerous import BadSignature, Signer, URLSafeTimedSerializer
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.dialects.postgresql import insert

from portal import clock, locales
from portal.collection import circumstances, entry_messages, history, states
from portal.collection.models import Case, Debtor, OwnContact
from portal.database import tenancy
from portal.delivery import outbox, receipts
from portal.delivery.channels import mailbox
from portal.delivery.channels.mail import NotAnAddress, address_of
from portal.delivery.channels.sms import number_of
from portal.delivery.letters import web_link
from portal.delivery.outbox import Addressed, Reader
from portal.delivery.receipts import Arrived
from portal.extensions import db, settings
from portal.identity import links
from portal.identity.actor import SYSTEM, Actor
from portal.law.channels import EMAIL, LETTER, MAILBOX, SMS
from portal.messages import N_, RedaError
from portal.sources import values as read

ADDRESS = ("address_line", "postcode", "town", "country")
FIELDS = ("email", "phone", *ADDRESS, "channel", "language")
CHANNELS = (LETTER, MAILBOX, EMAIL, SMS)
_LONGEST = {"email": 254, "phone": 40, "address_line": 200, "postcode": 20, "town": 100}
_CONFIRMABLE = timedelta(days=7)
# Messages that ask whether an address or a number is right: they may reach a stranger.
_MOST_ASKED_A_DAY = 5


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


def reader(case: Case) -> Reader:
    """Where the letters of a case go."""
    to, number = _reader(case.debtor), _mailbox_of(case)
    return to if number is None else replace(to, channel=MAILBOX, mailbox=number)


def has_mailbox(case: Case, *, today: date) -> bool:
    """Whether letters of a case may go to a digital mailbox that its debtor has.

    Asks the operator, or remembers what it has said. Not when it does not answer at once.
    """
    number = case.debtor.identity_number
    if not number or not case.creditor.by_mailbox or not _suits(case, frozenset()):
        return False
    return mailbox.has_one(number, settings(), today)


def _mailbox_of(case: Case) -> str | None:
    """The number whose digital mailbox letters of a case go to, if there is one."""
    debtor, told = case.debtor, case.debtor.told
    chosen = told.channel if told else None
    number = debtor.identity_number
    if not settings().has_mailbox or not number or not case.creditor.by_mailbox:
        return None
    if chosen == MAILBOX:
        return number if _suits(case, _TO_WHO_CHOSE) else None
    # Who tells of another address, such as a trustee, is to get letters there.
    if chosen is not None or (told and told.address_line):
        return None
    return number if _suits(case, frozenset()) else None


# A digital mailbox tells nobody where its owner is: but the owner decides whether we may ask.
_TO_WHO_CHOSE = frozenset({states.PROTECTED})


def _suits(case: Case, in_spite_of: frozenset[str]) -> bool:
    """Whether nothing is known of a debtor by which letters must reach somebody else.

    in_spite_of: circumstances that do not matter.
    """
    return circumstances.known_of(case.debtor) <= in_spite_of


def keep_from_mailbox(case: Case, now: datetime) -> None:
    """Let letters of all cases of a debtor, that wait to go to a mailbox, go by post where that
    suits no more."""
    if not settings().has_mailbox:
        return
    with tenancy.service():
        theirs = select(Case).where(Case.id.in_(circumstances.open_cases_of(case.debtor)))
        by_post = [one.id for one in db.session.scalars(theirs) if _mailbox_of(one) is None]
        outbox.post_instead(by_post, now)


def _reader(debtor: Debtor) -> Reader:
    wanted = debtor.told.channel if debtor.told else LETTER
    mobile = entry_messages.address(debtor, SMS) if debtor.is_number_sure else None
    mail = entry_messages.address(debtor, EMAIL)
    if wanted == SMS and mobile is not None:
        return Reader(SMS, mail, mobile)
    if wanted == EMAIL and mail is not None and debtor.is_mail_sure:
        return Reader(EMAIL, mail)
    return Reader(LETTER, mail)


def tell(
    case: Case,
    kind: str,
    content: Mapping[str, object],
    *,
    key: str,
    now: datetime,
    is_of_sums: bool = False,
    text_key: str | None = None,
) -> bool:
    """Tell a debtor that something has happened, with a link that opens the case.

    By text message who chose that, else by e-mail where there is an address, also to who gets
    letters by post. kind: of `templates/emails/` and `templates/sms/`. key: names what happened; it
    is told once. is_of_sums: what the e-mail says is for the debtor alone, and it goes to no
    address that nobody has confirmed; others go there with a link that opens nothing.
    text_key: names what happened where it happened in several cases at once, such as a payment for
    all of them: a text message, which says the same of each, comes once.
    Answers whether there is anywhere to tell it. Nothing of it stands in a text message, which
    others may see on the screen of a telephone that lies about.
    """
    told = Telling(case, kind, content, key, is_of_sums, text_key)
    return tell_many([told], now=now) == 1


@dataclass(frozen=True)
class Telling:
    """Something that has happened and is to be told, as `tell` says."""

    case: Case
    kind: str
    content: Mapping[str, object]
    key: str
    is_of_sums: bool = False
    text_key: str | None = None


def tell_many(tellings: Sequence[Telling], *, now: datetime) -> int:
    """Tell debtors what has happened, as `tell` does, with a statement a table; to how many."""
    ways = [(one, way) for one in tellings if (way := _way(one)) is not None]
    opening = [(one, way) for one, way in ways if way.opens]
    urls = links.make_many(
        [
            links.Wanted(
                one.case.id, one.case.creditor_id, way.channel, one.case.debtor.reads, way.key
            )
            for one, way in opening
        ],
        now=now,
    )
    url_of = {way.key: url for (_, way), url in zip(opening, urls, strict=True)}
    outbox.put_addressed(
        [
            Addressed(
                one.kind, way.channel, way.mail, way.mobile,
                {**one.content, "url": url_of.get(way.key) or _page_of(one.case)},
                one.case.debtor.reads, way.key, one.case.creditor_id, one.case.id,
            )
            for one, way in ways
        ],
        now=now,
    )  # fmt: skip
    return len(ways)


@dataclass(frozen=True)
class _Way:
    """By which channel something is told, under which key, where to, and whether its link opens."""

    channel: str
    key: str
    mail: str | None
    mobile: str | None
    opens: bool


def _way(told: Telling) -> _Way | None:
    debtor, to = told.case.debtor, _reader(told.case.debtor)
    if to.channel == SMS and to.mobile is not None:
        key = f"{told.text_key}:{to.mobile}" if told.text_key else told.key
        return _Way(SMS, key, to.mail, to.mobile, opens=True)
    if to.mail is not None and (told.is_of_sums or debtor.is_mail_sure):
        return _Way(EMAIL, told.key, to.mail, None, opens=True)
    if told.is_of_sums or debtor.mails_to is None:
        return None
    try:
        return _Way(EMAIL, told.key, address_of(debtor.mails_to), None, opens=False)
    except NotAnAddress:
        # As the creditor's ledger had it.
        return None


def _page_of(case: Case) -> str:
    page = {"web_address": settings().base_url, "reference": case.reference}
    return web_link(page, case.debtor.reads)


def learn_what_became_of(name: str, *, now: datetime) -> None:
    """Ask a provider what became of a text message, and tell it in the history of its case.

    name: the provider's for it. Raises NotNow when it cannot be asked.
    """
    with tenancy.service():
        arrived = receipts.ask_what_became_of(name, now=now)
        if arrived is not None:
            note_arrival(arrived, now)


def note_arrival(arrived: Arrived, now: datetime) -> None:
    """Tell the history of a case what became of a message, in the caller's transaction."""
    history.record(
        _ARRIVALS[arrived.channel, arrived.is_delivered], creditor_id=arrived.creditor_id,
        case_id=arrived.case_id, actor=SYSTEM, now=now, kind=arrived.kind, now_by=arrived.now_by,
    )  # fmt: skip


_ARRIVALS = {
    (SMS, True): "case.text_arrived",
    (SMS, False): "case.text_not_arrived",
    (MAILBOX, True): "case.mailbox_arrived",
    (MAILBOX, False): "case.mailbox_not_arrived",
}


def kept(case: Case, *, today: date) -> dict[str, str]:
    """What the debtor of a case has told, by FIELDS.

    Language and channel are those of their letters, told or not.
    """
    debtor, told = case.debtor, case.debtor.told
    values = {name: (told and getattr(told, name)) or "" for name in FIELDS}
    known = locales.find(debtor.reads)
    return {
        **values,
        "channel": values["channel"] or _as_it_goes(case, today),
        "language": known.code if known in locales.offered() else "sv",
    }


def _as_it_goes(case: Case, today: date) -> str:
    """By what letters go to who has not chosen."""
    goes = _mailbox_of(case) is not None and has_mailbox(case, today=today)
    return MAILBOX if goes else LETTER


def save(
    case: Case, values: Mapping[str, str], *, version: int, actor: Actor, now: datetime
) -> list[str]:
    """Keep what a debtor tells, for all cases of theirs at this creditor; answers what changed.

    case: locked. values: by FIELDS, as typed; empty takes away what was told before. version: of
    what the page showed. A new address for e-mails gets a mail whose link confirms it, and a new
    number a text message, if that is the channel. Links that went to the old one open nothing more.
    Raises RedaError at the field, also when somebody has changed the same meanwhile.
    """
    debtor, kept = case.debtor, _checked(values, case, clock.day_of(now))
    goes = _as_it_goes(case, clock.day_of(now))
    told = _locked(debtor, now)
    if told.channel is None and kept["channel"] == goes:
        kept["channel"] = None
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
    before = {way: entry_messages.address(debtor, way) for way in (EMAIL, SMS)}
    for name in changed:
        setattr(told, name, kept[name])
    told.version += 1
    told.changed_at = now
    if "email" in changed:
        told.email_confirmed_at = None
        _ask(told, debtor, case, now)
    if "phone" in changed:
        told.phone_confirmed_at = None
    if {"phone", "channel"} & set(changed):
        _ask_number(told, debtor, case, now)
    if "email" in changed and debtor.mails_to != before[EMAIL]:
        _leave(debtor, EMAIL, before[EMAIL], now)
    if "phone" in changed and debtor.texts_to != before[SMS]:
        _leave(debtor, SMS, before[SMS], now)
    _record(debtor, "case.contact_told", actor, now, fields=changed)
    return changed


def _leave(debtor: Debtor, channel: str, old: str | None, now: datetime) -> None:
    """Nothing that went to an old address or number opens a case, or is told of there any more."""
    if old is None:
        return
    with tenancy.service():
        theirs = db.session.scalars(select(Case.id).where(Case.debtor_id == debtor.id)).all()
        links.end(theirs, channel, now=now)
        outbox.leave_out(theirs, old, now)


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


def number_in(link: str, *, now: datetime) -> str:
    """The mobile number that a link in a text message confirms. Raises BadLink."""
    with tenancy.service():
        return _number_of(link, now)[1]


def confirm_number(link: str, *, actor: Actor, now: datetime) -> None:
    """Take a link's number for the debtor's own; once more changes nothing. Raises BadLink."""
    with tenancy.service():
        told, _ = _number_of(link, now, is_locked=True)
        if told.phone_confirmed_at is None:
            debtor = db.session.get_one(Debtor, told.debtor_id)
            before = entry_messages.address(debtor, SMS)
            told.phone_confirmed_at = now
            if before != told.phone:
                _leave(debtor, SMS, before, now)
            _record(debtor, "case.contact_confirmed", actor, now, field="phone")


def _number_of(link: str, now: datetime, *, is_locked: bool = False) -> tuple[OwnContact, str]:
    debtor_id = link.partition(".")[0]
    told = None
    if debtor_id.isascii() and debtor_id.isdecimal() and len(debtor_id) < 19:
        told = db.session.get(OwnContact, int(debtor_id), with_for_update=is_locked or None)
    if told is None or not told.phone or told.phone_asked_at is None:
        raise BadLink
    if not _number_signer(told).validate(link) or now - told.phone_asked_at > _CONFIRMABLE:
        raise BadLink
    return told, told.phone


def _number_signer(told: OwnContact) -> Signer:
    # Short, for it stands in a text message: what it is about is in the salt.
    asked_at = told.phone_asked_at and told.phone_asked_at.timestamp()
    return Signer(settings().secret_key, salt=f"debtor's number {told.phone} {asked_at}")


def _ask_number(told: OwnContact, debtor: Debtor, case: Case, now: datetime) -> None:
    if told.channel != SMS or not told.phone or told.phone_confirmed_at is not None:
        return
    _refuse_often(case, "debtor_number", "phone", now)
    told.phone_asked_at = now
    link = _number_signer(told).sign(str(debtor.id)).decode()
    outbox.put_sms(
        "debtor_number",
        to=told.phone,
        content={"url": f"{settings().base_url}/number/{link}"},
        language=told.language or debtor.reads,
        key=f"debtor_number:{debtor.id}:{told.version}",
        now=now,
        creditor_id=case.creditor_id,
        case_id=case.id,
    )


def _refuse_often(case: Case, kind: str, field: str, now: datetime) -> None:
    if outbox.times_told(case.id, kind, now - timedelta(days=1)) >= _MOST_ASKED_A_DAY:
        raise RedaError(
            N_("Too many attempts. Wait a while and try again, or call us and we help you."),
            field=field,
        )


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
            debtor = db.session.get_one(Debtor, debtor_id)
            # Until now it was written to where the creditor told.
            before = entry_messages.address(debtor, EMAIL)
            told.email_confirmed_at = now
            if before != told.email:
                _leave(debtor, EMAIL, before, now)
            _record(debtor, "case.contact_confirmed", actor, now)


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings().secret_key, salt="debtor's mail address")


def _opened(link: str) -> tuple[int, str]:
    try:
        debtor_id, address = _serializer().loads(link, max_age=int(_CONFIRMABLE.total_seconds()))
    except (BadSignature, ValueError):
        raise BadLink from None
    return int(debtor_id), str(address)


def _ask(told: OwnContact, debtor: Debtor, case: Case, now: datetime) -> None:
    if not told.email:
        return
    _refuse_often(case, "debtor_address", "email", now)
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
            debtor_id=debtor.id, creditor_id=debtor.creditor_id, version=0, changed_at=now
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


def _checked(values: Mapping[str, str], case: Case, today: date) -> dict[str, str | None]:
    debtor = case.debtor
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
    chosen_before = debtor.told.channel if debtor.told else None
    if found["channel"] not in CHANNELS or (
        found["channel"] == MAILBOX
        and chosen_before != MAILBOX
        and not has_mailbox(case, today=today)
    ):
        raise RedaError(N_("Choose one of the options."), field="channel")
    if found["channel"] == EMAIL and not (found["email"] or debtor.email):
        raise RedaError(N_("Write an e-mail address, such as anna@example.com."), field="email")
    if found["channel"] == SMS:
        number_of(found["phone"] or debtor.phone or "", field="phone")
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
