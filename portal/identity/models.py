"""People, the companies they act for, and how they came in."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.database.base import Base, PrimaryKey
from portal.database.encryption import EncryptedText


class Person(Base):
    """Someone who signs in: a creditor's staff or our own.

    email, language: where and in what language they are written to, if they have told.
    """

    __tablename__ = "people"

    id: Mapped[PrimaryKey]
    identity_number: Mapped[str] = mapped_column(EncryptedText)
    identity_number_hash: Mapped[bytes] = mapped_column(unique=True)
    given_name: Mapped[str]
    surname: Mapped[str]
    email: Mapped[str | None]
    language: Mapped[str | None]
    is_operator: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.surname}"

    # What Flask-Login asks of a user.
    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        return str(self.id)


class Creditor(Base):
    """A company (borgenär) whose invoices are collected.

    key: stands for it in addresses; the organisation number may be a person's identity number.
    letter: what its letters say of it beside its name, as `notices.creditor` tells. by_mailbox:
    they go to digital mailboxes where there are some. closed_at: since when nothing new is
    taken in. closed_cases: what becomes of its open cases then, `finish` or `return`.
    """

    __tablename__ = "creditors"

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(unique=True)
    organisation_number: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    address_line: Mapped[str]
    postcode: Mapped[str]
    town: Mapped[str]
    country: Mapped[str] = mapped_column(default="SE")
    email: Mapped[str | None]
    phone: Mapped[str | None]
    debt_description: Mapped[str] = mapped_column(default="")
    letter: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    by_mailbox: Mapped[bool] = mapped_column(default=True)
    closed_at: Mapped[datetime | None]
    closed_cases: Mapped[str | None]
    created_at: Mapped[datetime]


class CompanyHold(Base):
    """Some time in which nothing is done or sent for a company (`identity.holds`).

    began_by: who, as the history tells it. letters_left: after its end, letters that it held back
    for days are still to be written anew.
    """

    __tablename__ = "company_holds"
    __table_args__ = (
        Index(
            "uq_company_holds_open", "creditor_id", unique=True, postgresql_where="ended_at is null"
        ),
        Index("ix_company_holds_letters", "id", postgresql_where="letters_left"),
    )

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    reason: Mapped[str]
    began_at: Mapped[datetime]
    began_by: Mapped[str]
    ended_at: Mapped[datetime | None]
    letters_left: Mapped[bool] = mapped_column(default=False)


class Membership(Base):
    """A person's role at a creditor."""

    __tablename__ = "memberships"
    __table_args__ = (
        UniqueConstraint("person_id", "creditor_id"),
        CheckConstraint("role in ('administrator', 'collector', 'viewer')", name="role"),
    )

    id: Mapped[PrimaryKey]
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"), index=True)
    role: Mapped[str]
    ends_on: Mapped[date | None]


class Preference(Base):
    """How a person wants something of a company's pages: `preferences`. name: what it is."""

    __tablename__ = "preferences"

    person_id: Mapped[int] = mapped_column(
        ForeignKey("people.id"), primary_key=True, autoincrement=False
    )
    creditor_id: Mapped[int] = mapped_column(
        ForeignKey("creditors.id"), primary_key=True, autoincrement=False
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSONB)


class BankIDOrder(Base):
    """One BankID order from start to end, bound to the browser session that started it.

    key: stands for it in addresses. subject: what is signed, how the app was opened, and where to
    go afterwards.
    completion: BankID's completion data as JSON, encrypted.
    """

    __tablename__ = "bankid_orders"

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(unique=True)
    purpose: Mapped[str]
    order_ref: Mapped[str] = mapped_column(unique=True)
    auto_start_token: Mapped[str]
    qr_start_token: Mapped[str]
    qr_start_secret: Mapped[str] = mapped_column(EncryptedText)
    session_hash: Mapped[bytes]
    return_nonce_hash: Mapped[bytes]
    end_user_ip: Mapped[str]
    started_at: Mapped[datetime]
    collected_at: Mapped[datetime | None]
    status: Mapped[str] = mapped_column(default="pending")
    hint_code: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    subject: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    completion: Mapped[str | None] = mapped_column(EncryptedText)


class BrowserSession(Base):
    """What a browser's session cookie stands for; the cookie's token is stored only as a hash."""

    __tablename__ = "browser_sessions"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    data: Mapped[str]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Signatory(Base):
    """Somebody who may sign for a company alone (`signatories`). until_on: the last day.

    source: who says so.
    """

    __tablename__ = "signatories"
    __table_args__ = (UniqueConstraint("identity_number_hash", "organisation_number_hash"),)

    id: Mapped[PrimaryKey]
    organisation_number: Mapped[str] = mapped_column(EncryptedText)
    organisation_number_hash: Mapped[bytes]
    identity_number_hash: Mapped[bytes]
    from_on: Mapped[date]
    until_on: Mapped[date | None]
    source: Mapped[str]
    told_at: Mapped[datetime]


class AccessAttempt(Base):
    """Wrong guesses at a door, by keyed hash of what was guessed at or from where.

    forgotten_at: when they no longer count, unless there is another one before.
    """

    __tablename__ = "access_attempts"

    key_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    failures: Mapped[int]
    failed_at: Mapped[datetime]
    locked_until: Mapped[datetime | None]
    forgotten_at: Mapped[datetime] = mapped_column(index=True)


class ButtonPress(Base):
    """A button that a person has pressed, and where that led (`button_presses`)."""

    __tablename__ = "presses"

    person_id: Mapped[int] = mapped_column(
        ForeignKey("people.id"), primary_key=True, autoincrement=False
    )
    pressed_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    pressed_at: Mapped[datetime]
    url: Mapped[str]
    told: Mapped[str]


class EntryLink(Base):
    """A link in a message that opens a case, once and until ends_at: `links`.

    token_hash: of what stands in the link. language: of the message that it stands in. used_at:
    also when it was ended before its time, by nobody's use. used_by: the browser that it was used
    in, as a hash.
    """

    __tablename__ = "entry_links"
    __table_args__ = (CheckConstraint("channel in ('email', 'sms', 'mailbox')", name="channel"),)

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    channel: Mapped[str]
    language: Mapped[str | None]
    made_at: Mapped[datetime]
    ends_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
    used_by: Mapped[bytes | None]
