"""The outbox: what is to reach someone, and what did."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.database.base import Base, PrimaryKey
from portal.database.encryption import EncryptedText
from portal.database.files import FILES_AT, NAMES_FILES


class Message(Base):
    """A letter or message. Its content is fixed when it is written, and sent from it later.

    kind: which text. channel: letter, mailbox, email or sms. address, mobile: where an email and an
    sms go; of a letter, where one tells of it; of an sms, the address is where it goes when it does
    not arrive. mailbox: encrypted: the identity or organisation number whose mailbox it goes to,
    until it is there. mailbox_sha256: what is handed over to it, with a link of the reader's own,
    until that is done. status: waiting, sent, failed or withdrawn. due_at: from when it may be
    tried. channel_id: the provider's name for it. receipt: delivered or failed, as the provider
    says.
    secret: encrypted: of a letter the access code, where it does not belong to the OCR number; of
    others the link or code in it.
    """

    __tablename__ = "messages"
    __table_args__ = (
        Index("ix_messages_waiting", "id", postgresql_where="status = 'waiting'"),
        Index(
            "ix_messages_failed", "creditor_id", "created_at", postgresql_where="status = 'failed'"
        ),
        Index("ix_messages_channel_id", "channel_id", postgresql_where="channel_id is not null"),
        CheckConstraint("receipt in ('delivered', 'failed')", name="receipt"),
    )

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int | None] = mapped_column(index=True)
    case_id: Mapped[int | None] = mapped_column(index=True)
    kind: Mapped[str]
    channel: Mapped[str]
    address: Mapped[str | None]
    mobile: Mapped[str | None]
    mailbox: Mapped[str | None] = mapped_column(EncryptedText)
    mailbox_sha256: Mapped[str | None]
    language: Mapped[str]
    content: Mapped[dict[str, Any]] = mapped_column(
        JSONB,
        info={
            NAMES_FILES: "status = 'waiting' and content -> 'attachments' is not null",
            FILES_AT: "$.attachments[*].sha256",
        },
    )
    secret: Mapped[str | None] = mapped_column(EncryptedText)
    idempotency_key: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str] = mapped_column(default="waiting")
    attempts: Mapped[int] = mapped_column(default=0)
    failure: Mapped[str | None]
    document_sha256: Mapped[str | None]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    channel_id: Mapped[str | None]
    receipt: Mapped[str | None]
