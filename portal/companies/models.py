"""Invitations to act for a company, and what the company tells about itself."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.database.base import Base, PrimaryKey


class Invitation(Base):
    """Somebody is asked to act for a company. The link's token is kept only as a hash.

    key: stands for it in the company's addresses. expires_at: the link opens nothing from then on.
    A link that is sent anew has a new token, and the one before it opens nothing any more.
    """

    __tablename__ = "invitations"
    __table_args__ = (
        CheckConstraint("role in ('administrator', 'collector', 'viewer')", name="role"),
    )

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(unique=True)
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    email: Mapped[str]
    given_name: Mapped[str] = mapped_column(default="")
    role: Mapped[str]
    role_ends_on: Mapped[date | None]
    invited_by: Mapped[int] = mapped_column(ForeignKey("people.id"))
    inviter_name: Mapped[str]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime]
    times_sent: Mapped[int] = mapped_column(default=1)
    expires_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    accepted_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    accepted_name: Mapped[str | None]


class CompanyCard(Base):
    """How often a card of the company's page was saved, so that two who edit it find out.

    card: `description`, `letter`, `address:sender` and so on, `contacts` or `accounts`.
    """

    __tablename__ = "company_cards"

    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"), primary_key=True)
    card: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(default="")


class CompanyAddress(Base):
    """An address that a company has kept.

    kind: `sender`, `invoice` or `agreement`. value: name, address_line, postcode, town, country.
    origin: `written`, or the source that it was taken from.
    """

    __tablename__ = "company_addresses"
    __table_args__ = (CheckConstraint("kind in ('sender', 'invoice', 'agreement')", name="kind"),)

    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, str]] = mapped_column(JSONB)
    origin: Mapped[str]
    kept_at: Mapped[datetime]


class AddressSource(Base):
    """A company's address as a source tells it, such as its own Peppol invoices.

    detail: where exactly, such as the file's name.
    """

    __tablename__ = "address_sources"

    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"), primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    detail: Mapped[str]
    value: Mapped[dict[str, str]] = mapped_column(JSONB)
    fetched_at: Mapped[datetime]


class ContactPerson(Base):
    """Somebody at the company whom we may call or write to."""

    __tablename__ = "contact_people"

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"), index=True)
    name: Mapped[str]
    role: Mapped[str]
    email: Mapped[str]
    phone: Mapped[str]


class PayoutAccount(Base):
    """An account that a company is paid out to.

    number: digits of a bankgiro or plusgiro, or an IBAN without spaces. currency: that it is for,
    or None for any. is_used: whether it is the one that is paid to, of those with its currency.
    """

    __tablename__ = "payout_accounts"
    __table_args__ = (
        CheckConstraint("kind in ('bankgiro', 'plusgiro', 'iban')", name="kind"),
        UniqueConstraint(
            "creditor_id", "kind", "number", "currency", postgresql_nulls_not_distinct=True
        ),
        Index(
            "uq_payout_accounts_used",
            "creditor_id",
            text("coalesce(currency, '')"),
            unique=True,
            postgresql_where=text("is_used"),
        ),
    )

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(unique=True)
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"), index=True)
    kind: Mapped[str]
    number: Mapped[str]
    holder: Mapped[str]
    currency: Mapped[str | None]
    is_used: Mapped[bool] = mapped_column(default=False)
    added_at: Mapped[datetime]


class BookingChart(Base):
    """Which accounts of its own books a company's vouchers use, if it has chosen them."""

    __tablename__ = "booking_charts"

    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"), primary_key=True)
    bank: Mapped[str]
    receivables: Mapped[str]
    interest: Mapped[str]
    other: Mapped[str]
    costs: Mapped[str]
    vat: Mapped[str]
