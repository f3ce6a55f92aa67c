"""Somebody is invited by e-mail to act for a company, and accepts once BankID tells who they are.

The link carries a random token under our signature, works once and for fourteen days, and is kept
only as a hash. Who opens it identifies with BankID; what BankID tells of them is carried encrypted
in their browser session until they accept or leave.
"""

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import select

from portal import clock
from portal.collection import history
from portal.companies import members
from portal.companies.models import Invitation
from portal.database import tenancy
from portal.database.encryption import decrypt, encrypt
from portal.delivery import outbox
from portal.delivery.channels import mail
from portal.extensions import db, settings
from portal.identity import people
from portal.identity.actor import Actor
from portal.identity.models import Creditor, Membership, Person
from portal.identity.people import new_key
from portal.messages import N_, RedaError

VALID = timedelta(days=14)
# Nobody needs the link sent more often, and a stranger's inbox is spared.
MOST_SENT = 5
# How long after BankID told who somebody is they may accept.
_IDENTIFIED = timedelta(minutes=15)
WAITING, EXPIRED, WITHDRAWN, ACCEPTED = "waiting", "expired", "withdrawn", "accepted"


class CannotAccept(RedaError):
    """The link opens nothing; the text tells why and what to do."""

    status = 410


@dataclass(frozen=True)
class Opened:
    """An invitation as the invited person sees it. status: WAITING or why it opens nothing."""

    creditor_id: int
    key: str
    company: str
    company_key: str
    inviter_name: str
    email: str
    role: str
    role_ends_on: date | None
    expires_at: datetime
    accepted_by: int | None
    status: str


@dataclass(frozen=True)
class Identified:
    """Who BankID told somebody is. identity_number: 12 digits."""

    identity_number: str
    given_name: str
    surname: str

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.surname}"


def status(invitation: Invitation, now: datetime) -> str:
    """How an invitation stands."""
    if invitation.accepted_at is not None:
        return ACCEPTED
    if invitation.withdrawn_at is not None:
        return WITHDRAWN
    return WAITING if now < invitation.expires_at else EXPIRED


def of_company(creditor_id: int, limit: int = 100) -> list[Invitation]:
    """A company's invitations that nobody has accepted, the newest first."""
    return list(
        db.session.scalars(
            select(Invitation)
            .where(Invitation.creditor_id == creditor_id, Invitation.accepted_at.is_(None))
            .order_by(Invitation.id.desc())
            .limit(limit)
        )
    )


def find(creditor_id: int, key: str) -> Invitation | None:
    """An invitation of a company's, by its name in addresses."""
    return db.session.scalar(
        select(Invitation).where(Invitation.creditor_id == creditor_id, Invitation.key == key)
    )


def invite(
    creditor_id: int,
    *,
    email: str,
    given_name: str,
    role: str,
    ends_on: date | None,
    language: str,
    address: Callable[[str], str],
    actor: Actor,
    today: date,
    now: datetime,
) -> Invitation:
    """Invite somebody, by an e-mail that the outbox sends.

    given_name: how the letter greets them, may be empty. ends_on: the role's last day, or None.
    language: of the e-mail. address: makes the link's whole address of its token.
    Raises RedaError at the field, and NotAllowed when the actor is no administrator.
    """
    everyone = members.locked(creditor_id)
    members.require_administrator(everyone, actor, today)
    email = check_email(email)
    members.check_role(role, ends_on, today)
    _refuse_twice(creditor_id, email, everyone, now)
    invitation = Invitation(
        key=new_key(12),
        creditor_id=creditor_id,
        token_hash=b"",
        email=email,
        given_name=given_name.strip()[:60],
        role=role,
        role_ends_on=ends_on,
        invited_by=actor.person_id,
        inviter_name=actor.name,
        created_at=now,
        times_sent=0,
    )
    _send(invitation, language, address, now)
    _tell("invitation.sent", invitation, actor, now)
    return invitation


def check_email(text: str) -> str:
    """An e-mail address as it is kept. Raises RedaError at the field `email`."""
    return mail.address_of(text, field="email")


def _refuse_twice(creditor_id: int, email: str, everyone: list[Membership], now: datetime) -> None:
    is_waiting = select(Invitation.id).where(
        Invitation.creditor_id == creditor_id,
        db.func.lower(Invitation.email) == email.lower(),
        Invitation.accepted_at.is_(None),
        Invitation.withdrawn_at.is_(None),
        Invitation.expires_at > now,
    )
    if db.session.scalar(is_waiting.limit(1)):
        raise RedaError(
            N_("An invitation to this address waits already. Send it again from the list."),
            field="email",
        )
    is_here = select(Person.id).where(
        Person.id.in_([one.person_id for one in everyone]),
        db.func.lower(Person.email) == email.lower(),
    )
    with tenancy.service():
        is_known = db.session.scalar(is_here.limit(1)) is not None
    if is_known:
        raise RedaError(
            N_("Somebody with this address acts for the company already."), field="email"
        )


def send_again(
    creditor_id: int,
    key: str,
    *,
    language: str,
    address: Callable[[str], str],
    actor: Actor,
    today: date,
    now: datetime,
) -> Invitation:
    """Send an invitation anew, with a new link and as many days; the old link opens nothing more.

    Raises RedaError when it was accepted or withdrawn, or sent often enough.
    """
    members.require_administrator(members.locked(creditor_id), actor, today)
    invitation = _locked(creditor_id, key)
    if status(invitation, now) in (ACCEPTED, WITHDRAWN):
        raise _refused(status(invitation, now))
    if invitation.times_sent >= MOST_SENT:
        raise RedaError(
            N_("It has been sent %(most)s times. Withdraw it, check the address and invite anew."),
            most=MOST_SENT,
        )
    # Whoever sends it stands for it from now on.
    assert actor.person_id is not None
    invitation.invited_by, invitation.inviter_name = actor.person_id, actor.name
    members.check_role(invitation.role, invitation.role_ends_on, today)
    _send(invitation, language, address, now)
    _tell("invitation.sent_again", invitation, actor, now)
    return invitation


def withdraw(creditor_id: int, key: str, *, actor: Actor, today: date, now: datetime) -> Invitation:
    """Let an invitation open nothing more; one withdrawn already stays so.

    Raises RedaError when it was accepted.
    """
    members.require_administrator(members.locked(creditor_id), actor, today)
    invitation = _locked(creditor_id, key)
    if invitation.accepted_at is not None:
        raise _refused(ACCEPTED)
    if invitation.withdrawn_at is None:
        invitation.withdrawn_at = now
        _tell("invitation.withdrawn", invitation, actor, now)
    return invitation


def _locked(creditor_id: int, key: str) -> Invitation:
    invitation = db.session.scalar(
        select(Invitation)
        .where(Invitation.creditor_id == creditor_id, Invitation.key == key)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if invitation is None:
        raise RedaError(N_("There is no such invitation."))
    return invitation


def _send(
    invitation: Invitation, language: str, address: Callable[[str], str], now: datetime
) -> None:
    token = secrets.token_urlsafe(24)
    invitation.token_hash = _hash(token)
    invitation.sent_at, invitation.expires_at = now, now + VALID
    invitation.times_sent += 1
    db.session.add(invitation)
    db.session.flush()
    creditor = db.session.get_one(Creditor, invitation.creditor_id)
    outbox.put_mail(
        "invitation",
        to=invitation.email,
        content={
            "company": creditor.name,
            "given_name": invitation.given_name,
            "role": invitation.role,
            "inviter": invitation.inviter_name,
            "url": address(_signer().dumps(token)),
            "until_on": clock.day_of(invitation.expires_at).isoformat(),
        },
        language=language,
        key=f"invitation:{invitation.key}:{invitation.times_sent}",
        now=now,
        creditor_id=invitation.creditor_id,
    )


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(settings().secret_key, salt="invitation")


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def open_link(token: str, *, now: datetime) -> Opened | None:
    """What a link opens; None when it is not one of ours, or was replaced by a newer one."""
    try:
        bare = str(_signer().loads(token))
    except BadSignature:
        return None
    with tenancy.service():
        invitation = db.session.scalar(
            select(Invitation).where(Invitation.token_hash == _hash(bare))
        )
        if invitation is None:
            return None
        creditor = db.session.get_one(Creditor, invitation.creditor_id)
        return Opened(
            creditor.id, invitation.key, creditor.name, creditor.key, invitation.inviter_name,
            invitation.email, invitation.role, invitation.role_ends_on, invitation.expires_at,
            invitation.accepted_by, status(invitation, now),
        )  # fmt: skip


def remember(completion: dict[str, object], *, now: datetime) -> str:
    """What BankID told of somebody, sealed for their browser session. completion: BankID's data."""
    user = completion["user"]
    assert isinstance(user, dict)
    told = {
        "number": user["personalNumber"],
        "given_name": user.get("givenName") or user.get("name") or "",
        "surname": user.get("surname") or "",
        "until": (now + _IDENTIFIED).astimezone(UTC).isoformat(),
    }
    return encrypt(json.dumps(told).encode()).decode()


def identified(sealed: str | None, *, now: datetime) -> Identified | None:
    """Who `remember` sealed, for as long as they may accept."""
    if not sealed:
        return None
    told = json.loads(decrypt(sealed.encode()))
    if datetime.fromisoformat(told["until"]) <= now:
        return None
    return Identified(told["number"], told["given_name"], told["surname"])


def accept(token: str, who: Identified, *, today: date, now: datetime) -> int:
    """Make whom BankID told somebody to be a member of the company, once.

    Answers the id of the person, who may sign in from now on.
    Raises CannotAccept with the reason when the link opens nothing (any more), and RedaError when
    they act for the company already.
    """
    opened = open_link(token, now=now)
    if opened is None:
        raise _refused("")
    with tenancy.service():
        everyone = members.locked(opened.creditor_id)
        invitation = _locked(opened.creditor_id, opened.key)
        if (found := status(invitation, now)) != WAITING:
            raise _refused(found)
        if not _still_invited(invitation, everyone, today):
            raise _refused(WITHDRAWN)
        if invitation.role_ends_on is not None and invitation.role_ends_on < today:
            raise _refused(EXPIRED)
        person = people.by_identity_number(who.identity_number) or people.add_person(
            who.identity_number, who.given_name, who.surname, now=now
        )
        person.email = person.email or invitation.email
        _join(invitation, person, everyone, today)
        invitation.accepted_at, invitation.accepted_by = now, person.id
        invitation.accepted_name = person.name
        actor = Actor("person", person.name, person.id, "creditor")
        _tell("member.joined", invitation, actor, now, person=person.id, who=person.name)
        db.session.flush()
        return person.id


def _still_invited(invitation: Invitation, everyone: list[Membership], today: date) -> bool:
    """Whether whoever invited is an administrator still; else a colleague must send it again."""
    return any(
        one.person_id == invitation.invited_by
        and one.role == "administrator"
        and (one.ends_on is None or one.ends_on >= today)
        for one in everyone
    )


def _join(invitation: Invitation, person: Person, everyone: list[Membership], today: date) -> None:
    own = next((one for one in everyone if one.person_id == person.id), None)
    if own is None:
        own = Membership(person_id=person.id, creditor_id=invitation.creditor_id)
        db.session.add(own)
    elif own.ends_on is None or own.ends_on >= today:
        raise RedaError(
            N_(
                "You act for this company already. Ask one of its administrators if you need"
                " another role."
            )
        )
    own.role, own.ends_on = invitation.role, invitation.role_ends_on


def _refused(found: str) -> CannotAccept:
    return CannotAccept(
        {
            ACCEPTED: N_("This invitation has been used. If it was you, sign in with BankID."),
            WITHDRAWN: N_("This invitation was withdrawn. Ask the company for a new one."),
            EXPIRED: N_("This invitation has expired. Ask the company to send it again."),
        }.get(
            found,
            N_(
                "This link opens nothing. Perhaps a newer invitation was sent: use the link in the"
                " newest e-mail."
            ),
        )
    )


def _tell(event: str, invitation: Invitation, actor: Actor, now: datetime, **data: Any) -> None:
    history.record(
        event,
        creditor_id=invitation.creditor_id,
        actor=actor,
        now=now,
        invitation=invitation.key,
        email=invitation.email,
        role=invitation.role,
        ends_on=invitation.role_ends_on.isoformat() if invitation.role_ends_on else None,
        until_on=clock.day_of(invitation.expires_at).isoformat(),
        **data,
    )
