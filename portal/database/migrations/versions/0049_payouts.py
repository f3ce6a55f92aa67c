"""Money out: payouts and what they are made of, who approved them, and companies' schedules.

Revision: 0049
After: 0048
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_SERVICE = "(select reda_is_service())"
_WALL = f"{_SERVICE} or creditor_id = any((select reda_creditors())::bigint[])"


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True)


def _text(name: str, *, nullable: bool = False, unique: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable, unique=unique)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _to(name: str, table: str, *, nullable: bool = False, is_key: bool = False) -> sa.Column[int]:
    return sa.Column(
        name,
        sa.BigInteger(),
        sa.ForeignKey(f"{table}.id"),
        nullable=nullable,
        primary_key=is_key,
    )


def _approving() -> None:
    op.create_table(
        "payout_batches",
        _id(),
        _text("key", unique=True),
        _text("made_by"),
        sa.Column("made_at", _MOMENT, nullable=False),
        _text("text"),
        sa.Column("rows", JSONB(), nullable=False),
        _text("status"),
        sa.Column("ended_at", _MOMENT),
        _text("file_sha256", nullable=True),
        sa.Column("execute_on", sa.Date()),
        sa.Column("written_at", _MOMENT),
        sa.CheckConstraint(
            "status in ('waiting', 'released', 'withdrawn')",
            name=op.f("ck_payout_batches_status"),
        ),
    )
    op.create_table(
        "payout_signatures",
        _id(),
        _to("batch_id", "payout_batches"),
        _to("person_id", "people"),
        _text("person_name"),
        sa.Column("signed_at", _MOMENT, nullable=False),
        sa.Column("evidence", JSONB(), nullable=False),
        sa.UniqueConstraint("batch_id", "person_id"),
    )


def _payouts() -> None:
    op.create_table(
        "payouts",
        _id(),
        _text("key", unique=True),
        _to("creditor_id", "creditors"),
        _text("currency"),
        _number("collected_ore"),
        _number("set_off_ore"),
        _number("amount_ore"),
        *(_text(f"account_{name}", nullable=True) for name in ("key", "kind", "number", "holder")),
        sa.Column("is_chosen", sa.Boolean(), nullable=False),
        _text("status"),
        _text("note"),
        _text("reason"),
        sa.Column("proposed_at", _MOMENT, nullable=False),
        _to("batch_id", "payout_batches", nullable=True),
        sa.Column("released_on", sa.Date()),
        sa.Column("ended_on", sa.Date()),
        sa.CheckConstraint(
            "status in ('proposed', 'held', 'released', 'settled', 'rejected', 'offset')",
            name=op.f("ck_payouts_status"),
        ),
        sa.CheckConstraint(
            "amount_ore = collected_ore - set_off_ore and amount_ore >= 0",
            name=op.f("ck_payouts_amount"),
        ),
        sa.CheckConstraint(
            "(amount_ore = 0) = (status = 'offset')", name=op.f("ck_payouts_offset")
        ),
    )
    op.create_index(
        "uq_payouts_open", "payouts", ["creditor_id", "currency"], unique=True,
        postgresql_where=sa.text("status in ('proposed', 'held') and batch_id is null"),
    )  # fmt: skip
    op.create_index("ix_payouts_creditor_id", "payouts", ["creditor_id", "id"])
    op.create_index("ix_payouts_batch_id", "payouts", ["batch_id"])
    op.create_table(
        "payout_lines",
        sa.Column("line_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        _to("payout_id", "payouts"),
        _to("creditor_id", "creditors"),
        _number("case_id", nullable=True),
        _text("kind"),
        _text("account"),
        sa.Column("booked_on", sa.Date(), nullable=False),
        _number("amount_ore"),
    )
    op.create_index("ix_payout_lines_payout_id", "payout_lines", ["payout_id"])
    # Of what is ordered, no line is ever taken away or moved.
    op.execute(
        """
        create function reda_keep_payout_lines() returns trigger language plpgsql as $$
        begin
            if exists (select from payouts where id = old.payout_id
                       and status not in ('proposed', 'held')) then
                raise exception 'a payout that is ordered keeps its lines';
            end if;
            return case tg_op when 'DELETE' then old else new end;
        end $$
        """
    )
    op.execute(
        "create trigger keep before update or delete on payout_lines"
        " for each row execute function reda_keep_payout_lines()"
    )


def upgrade() -> None:
    op.create_table(
        "payout_schedules",
        _to("creditor_id", "creditors", is_key=True),
        _text("every"),
        _number("weekday"),
        _number("lowest_ore"),
        sa.CheckConstraint("every in ('day', 'week')", name=op.f("ck_payout_schedules_every")),
        sa.CheckConstraint("weekday between 1 and 5", name=op.f("ck_payout_schedules_weekday")),
        sa.CheckConstraint("lowest_ore >= 0", name=op.f("ck_payout_schedules_lowest")),
    )
    _approving()
    _payouts()
    op.execute("grant select, insert, update on payout_schedules, payout_batches to reda_app")
    op.execute("grant select, insert on payout_signatures to reda_app")
    op.execute("grant select, insert, update, delete on payouts, payout_lines to reda_app")
    op.execute("grant usage on all sequences in schema public to reda_app")
    for table in ("payout_schedules", "payouts", "payout_lines"):
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy wall on {table} to reda_app using ({_WALL})")
    for table in ("payout_batches", "payout_signatures"):
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy wall on {table} to reda_app using ({_SERVICE})")


def downgrade() -> None:
    for table in ("payout_lines", "payouts", "payout_signatures", "payout_batches"):
        op.drop_table(table)
    op.drop_table("payout_schedules")
    op.execute("drop function reda_keep_payout_lines()")
