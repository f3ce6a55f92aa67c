"""Orders of work, and who has fetched what was made."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.database.base import Base, PrimaryKey
from portal.database.files import FILES_AT, NAMES_FILES

WAITING, RUNNING, DONE = "waiting", "running", "done"
FAILED, CANCELLED, GONE = "failed", "cancelled", "gone"
STATUSES = (WAITING, RUNNING, DONE, FAILED, CANCELLED, GONE)
# Still to be made, or being made.
UNDER_WAY = (WAITING, RUNNING)
REPORT, ARCHIVE = "report", "archive"
KINDS = (REPORT, ARCHIVE)


class Order(Base):
    """A report or an archive that somebody asked for, and how far it has come.

    status: waiting, running, done, failed, cancelled, or gone when its files are deleted.
    parameters: what was chosen, as its kind reads it. language: that it is written in. attempt: how
    often it was begun, so that who began it before the last time writes nothing more. tries: how
    often since it last got on. done, total: pieces made and to make; total is 0 while nobody knows.
    state: where to go on. files: each {name, sha256, size}, in bytes. failure: a Problem as JSON.
    touched_at: when it last got on.
    """

    __tablename__ = "work_orders"
    __table_args__ = (
        CheckConstraint(f"kind in {KINDS}", name="kind"),
        CheckConstraint(f"status in {STATUSES}", name="status"),
        Index("ix_work_orders_creditor", "creditor_id", "kind", "id"),
        Index(
            "ix_work_orders_under_way",
            "touched_at",
            postgresql_where=f"status in {UNDER_WAY}",
        ),
        Index("ix_work_orders_expires", "expires_at", postgresql_where="status = 'done'"),
    )

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    person_name: Mapped[str]
    kind: Mapped[str]
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    language: Mapped[str]
    status: Mapped[str] = mapped_column(default=WAITING)
    attempt: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    state: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    files: Mapped[list[dict[str, Any]]] = mapped_column(
        JSONB,
        default=list,
        info={NAMES_FILES: f"status <> '{GONE}'", FILES_AT: "$[*].sha256"},
    )
    failure: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    touched_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]

    @property
    def is_under_way(self) -> bool:
        """Whether it is still to be made, or being made."""
        return self.status in UNDER_WAY

    @property
    def size(self) -> int:
        """Bytes of all its files together."""
        return sum(int(one["size"]) for one in self.files)


class Fetched(Base):
    """That somebody downloaded one file of an order. place: of the file, 0 is the first."""

    __tablename__ = "work_downloads"

    id: Mapped[PrimaryKey]
    order_id: Mapped[int] = mapped_column(ForeignKey("work_orders.id"), index=True)
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    person_name: Mapped[str]
    place: Mapped[int]
    fetched_at: Mapped[datetime]
