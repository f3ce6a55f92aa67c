"""Invitations to act for a company."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey
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
