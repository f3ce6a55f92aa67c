"""Money on its way in, and money that came."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from portal.database.base import Base, PrimaryKey
from portal.database.encryption import EncryptedText


class SwishRequest(Base):
    """A payment request at Swish or the payment provider, for one case or for several.

    id: 32 upper-case hex digits, ours. amount_ore: the sum of its parts, which say for which cases.
    way: swish, card or account. status: created, paid, declined, error or cancelled.
    token: opens Swish, or the address of the provider's page.
    callback_identifier: comes back as a header of Swish's callback, which nobody else can know.
    """

    __tablename__ = "swish_requests"
    __table_args__ = (
        CheckConstraint("amount_ore > 0", name="amount"),
        CheckConstraint("way in ('swish', 'card', 'account')", name="way"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    way: Mapped[str] = mapped_column(server_default="swish")
    amount_ore: Mapped[int]
    currency: Mapped[str]
    status: Mapped[str]
    token: Mapped[str | None] = mapped_column(EncryptedText)
    callback_identifier: Mapped[str] = mapped_column(EncryptedText)
    payment_reference: Mapped[str | None]
    error_code: Mapped[str | None]
    created_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class SwishPart(Base):
    """What of a payment request is one case's."""

    __tablename__ = "swish_parts"
    __table_args__ = (CheckConstraint("amount_ore > 0", name="amount"),)

    request_id: Mapped[str] = mapped_column(ForeignKey("swish_requests.id"), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True, index=True)
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    amount_ore: Mapped[int]


class Payment(Base):
    """Money that a debtor paid, booked once by its channel's own reference.

    payer: how the channel names who paid; never shown to the creditor.
    """

    __tablename__ = "payments"
    __table_args__ = (CheckConstraint("amount_ore > 0", name="amount"),)

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"), index=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    channel: Mapped[str]
    channel_reference: Mapped[str] = mapped_column(unique=True)
    amount_ore: Mapped[int]
    currency: Mapped[str]
    value_on: Mapped[date]
    received_at: Mapped[datetime]
    payer: Mapped[str | None] = mapped_column(EncryptedText)
    fees_ore: Mapped[int]
    interest_ore: Mapped[int]
    principal_ore: Mapped[int]
    overpaid_ore: Mapped[int]
    receipt_number: Mapped[str] = mapped_column(unique=True)
