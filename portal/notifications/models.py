"""Notifications, and how each person has chosen to be told."""

from datetime import datetime, time
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.database.base import Base, PrimaryKey

_HOWS = "('at once', 'daily', 'weekly', 'never')"


class Notification(Base):
    """Something that one person is told of at one company.

    kind: of `kinds.KINDS`. data: what its words need. count: of how many alike. key: once for each
    person and company. shown_at: from when it stands in the centre, None for never. mail_at: when
    it is to be mailed, None for never; mail_how: at once, daily or weekly. mailed_at: when its mail
    was put in the outbox.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("person_id", "creditor_id", "key", name="uq_notifications_key"),
        Index(
            "ix_notifications_shown", "person_id", "shown_at", "id",
            postgresql_where="shown_at is not null",
        ),
        Index(
            "ix_notifications_unread", "person_id", "shown_at",
            postgresql_where="shown_at is not null and read_at is null",
        ),
        Index(
            "ix_notifications_to_mail", "mail_at",
            postgresql_where="mail_at is not null and mailed_at is null",
        ),
    )  # fmt: skip

    id: Mapped[PrimaryKey]
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    kind: Mapped[str]
    key: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    count: Mapped[int] = mapped_column(server_default="1")
    is_failed: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(index=True)
    shown_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]
    mail_at: Mapped[datetime | None]
    mail_how: Mapped[str | None]
    mailed_at: Mapped[datetime | None]


class NotificationChoice(Base):
    """How a person is told of one kind at one company, where they have chosen it.

    centre, mail: at once, daily, weekly or never.
    """

    __tablename__ = "notification_choices"
    __table_args__ = (CheckConstraint(f"centre in {_HOWS} and mail in {_HOWS}", name="how"),)

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    centre: Mapped[str]
    mail: Mapped[str]
    failed_only: Mapped[bool]


class NotificationTimes(Base):
    """When a person is told what they are told daily or weekly; Swedish time, Monday is 1."""

    __tablename__ = "notification_times"
    __table_args__ = (CheckConstraint("weekly_on between 1 and 7", name="weekly_on"),)

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"), primary_key=True)
    daily_at: Mapped[time]
    weekly_on: Mapped[int]
    weekly_at: Mapped[time]


class NotificationMark(Base):
    """How far a company's history has been told of."""

    __tablename__ = "notification_marks"

    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"), primary_key=True)
    position: Mapped[int]
