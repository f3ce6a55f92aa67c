"""What people are told of what happens, and how they have chosen to be told.

A notification is one person's: nobody else of the company sees it, and the person themselves only
while their role there lasts.

Revision: 0020
After: 0019
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# By the server's own clock; the application asks by its own besides.
_HAS_ROLE = """
exists (
    select from memberships m
    where m.person_id = {table}.person_id and m.creditor_id = {table}.creditor_id
    and (m.ends_on is null or m.ends_on >= (now() at time zone 'Europe/Stockholm')::date)
)
"""
_NEXT = """
-- When somebody is told who is told so: the first such time in Sweden after an instant. A time that
-- a change to summer time leaves out is an hour later that day; one that comes twice counts once.
create function reda_told_at(
    how text, after timestamptz, daily_at time, weekly_on bigint, weekly_at time
) returns timestamptz immutable parallel safe language sql as $$
    select case how
        when 'at once' then after
        when 'daily' then (
            select min(at) from (
                select ((after at time zone 'Europe/Stockholm')::date + ahead + daily_at)
                    at time zone 'Europe/Stockholm' as at
                from generate_series(0, 1) ahead
            ) times where at > after
        )
        when 'weekly' then (
            select min(at) from (
                select (day + weekly_at) at time zone 'Europe/Stockholm' as at
                from (
                    select (after at time zone 'Europe/Stockholm')::date + ahead as day
                    from generate_series(0, 7) ahead
                ) days where extract(isodow from day) = weekly_on
            ) times where at > after
        )
    end
$$;
"""


def upgrade() -> None:
    op.add_column("people", sa.Column("language", sa.String()))
    _add_notifications()
    _add_choices()
    op.create_table(
        "notification_marks",
        sa.Column("creditor_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["creditor_id"], ["creditors.id"], name=op.f("fk_notification_marks_creditor_id")
        ),
        sa.PrimaryKeyConstraint("creditor_id", name=op.f("pk_notification_marks")),
    )
    # Nobody is told now of what happened before.
    op.execute("insert into notification_marks select creditor_id, position from history_heads")
    op.execute(_NEXT)
    for table in ("notifications", "notification_choices", "notification_times"):
        op.execute(f"grant select, insert, update, delete on {table} to reda_app")
        op.execute(f"alter table {table} enable row level security")
        op.execute(
            f"create policy wall on {table} to reda_app using ((select reda_is_service()) or"
            f" person_id = (select reda_person()) and {_HAS_ROLE.format(table=table)})"
        )
    op.execute("grant select, insert, update on notification_marks to reda_app")
    op.execute("alter table notification_marks enable row level security")
    op.execute(
        "create policy wall on notification_marks to reda_app using ((select reda_is_service()))"
    )


def _add_notifications() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("data", JSONB(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False, server_default="1"),
        sa.Column("is_failed", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shown_at", sa.DateTime(timezone=True)),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.Column("mail_at", sa.DateTime(timezone=True)),
        sa.Column("mail_how", sa.String()),
        sa.Column("mailed_at", sa.DateTime(timezone=True)),
        sa.UniqueConstraint("person_id", "creditor_id", "key", name="uq_notifications_key"),
    )
    op.create_index(
        "ix_notifications_shown", "notifications", ["person_id", "shown_at", "id"],
        postgresql_where=sa.text("shown_at is not null"),
    )  # fmt: skip
    op.create_index(
        "ix_notifications_unread", "notifications", ["person_id", "shown_at"],
        postgresql_where=sa.text("shown_at is not null and read_at is null"),
    )  # fmt: skip
    op.create_index(
        "ix_notifications_to_mail", "notifications", ["mail_at"],
        postgresql_where=sa.text("mail_at is not null and mailed_at is null"),
    )  # fmt: skip
    op.create_index("ix_notifications_created_at", "notifications", ["created_at"])


def _add_choices() -> None:
    hows = "('at once', 'daily', 'weekly', 'never')"
    op.create_table(
        "notification_choices",
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id"), primary_key=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), primary_key=True),
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("centre", sa.String(), nullable=False),
        sa.Column("mail", sa.String(), nullable=False),
        sa.Column("failed_only", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            f"centre in {hows} and mail in {hows}", name=op.f("ck_notification_choices_how")
        ),
    )
    op.create_table(
        "notification_times",
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id"), primary_key=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), primary_key=True),
        sa.Column("daily_at", sa.Time(), nullable=False),
        sa.Column("weekly_on", sa.BigInteger(), nullable=False),
        sa.Column("weekly_at", sa.Time(), nullable=False),
        sa.CheckConstraint(
            "weekly_on between 1 and 7", name=op.f("ck_notification_times_weekly_on")
        ),
    )


def downgrade() -> None:
    op.execute("drop function reda_told_at(text, timestamptz, time, bigint, time)")
    for table in (
        "notification_marks", "notification_times", "notification_choices", "notifications"
    ):  # fmt: skip
        op.drop_table(table)
    op.drop_column("people", "language")
