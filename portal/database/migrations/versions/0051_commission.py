"""What companies are charged: prices of commission, commissions, and monthly statements.

Revision: 0051
After: 0050
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_WALL = "(select reda_is_service()) or creditor_id = any((select reda_creditors())::bigint[])"
_TABLES = ("commission_prices", "commissions", "service_statements", "service_statement_lines")


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True)


def _text(name: str, *, nullable: bool = False, unique: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable, unique=unique)


def _number(name: str, *, nullable: bool = False, unique: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable, unique=unique)


def _day(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Date(), nullable=False)


def _to(name: str, column: str, *, nullable: bool = False, unique: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), sa.ForeignKey(column), nullable=nullable, unique=unique)


def _commissions() -> None:
    op.create_table(
        "commission_prices",
        _id(),
        _to("creditor_id", "creditors.id", nullable=True),
        _day("from_on"),
        _number("basis_points", nullable=True),
        _text("note"),
        _text("made_by"),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.CheckConstraint(
            "basis_points between 0 and 10000", name=op.f("ck_commission_prices_basis_points")
        ),
        sa.CheckConstraint(
            "creditor_id is not null or basis_points is not null",
            name=op.f("ck_commission_prices_known"),
        ),
    )
    op.create_index(
        "ix_commission_prices_creditor_id", "commission_prices", ["creditor_id", "from_on"]
    )
    op.create_table(
        "commissions",
        _id(),
        _to("creditor_id", "creditors.id"),
        _to("case_id", "cases.id"),
        _text("key", unique=True),
        _text("payment_key"),
        sa.Column("is_direct", sa.Boolean(), nullable=False),
        _day("value_on"),
        _text("currency"),
        _number("base_ore"),
        _to("price_id", "commission_prices.id"),
        _number("basis_points"),
        _number("ore"),
        _number("vat_per_cent"),
        _number("vat_ore"),
        sa.Column("booked_at", _MOMENT, nullable=False),
        _to("takes_back_id", "commissions.id", nullable=True, unique=True),
        sa.CheckConstraint("(ore > 0) = (takes_back_id is null)", name=op.f("ck_commissions_sign")),
    )
    op.create_index("ix_commissions_creditor_id", "commissions", ["creditor_id", "value_on"])
    for name in ("case_id", "payment_key", "price_id"):
        op.create_index(f"ix_commissions_{name}", "commissions", [name])
    # Of a bank's file with thousands of payments, nearly none is for a case under surveillance.
    op.create_index(
        "ix_events_watched_over", "events", ["case_id"],
        postgresql_where=sa.text("name = 'case.watched_over'"),
    )  # fmt: skip


def _statements() -> None:
    op.create_table(
        "service_statements",
        sa.Column("key", sa.String(), primary_key=True),
        _number("number", unique=True),
        _to("creditor_id", "creditors.id"),
        _text("currency"),
        _day("first_on"),
        _day("last_on"),
        sa.Column("made_at", _MOMENT, nullable=False),
        *(_number(name) for name in ("net_ore", "vat_ore", "total_ore", "fees_ore")),
        _number("signatures_through"),
        sa.Column("content", JSONB(), nullable=False),
        sa.UniqueConstraint("creditor_id", "currency", "last_on"),
        sa.CheckConstraint(
            "total_ore = net_ore + vat_ore", name=op.f("ck_service_statements_total")
        ),
        sa.CheckConstraint("number > 0", name=op.f("ck_service_statements_number")),
    )
    op.create_table(
        "service_statement_lines",
        sa.Column("line_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column(
            "statement_key",
            sa.String(),
            # The lines are there before the sum that the statement says of them.
            sa.ForeignKey("service_statements.key", deferrable=True, initially="DEFERRED"),
            nullable=False,
        ),
        _to("creditor_id", "creditors.id"),
        _text("section"),
        _text("kind"),
        _number("case_id", nullable=True),
        _day("on_day"),
        sa.Column("is_direct", sa.Boolean(), nullable=False),
        *(_number(name, nullable=True) for name in ("base_ore", "basis_points", "quantity")),
        *(_number(name) for name in ("net_ore", "vat_per_cent", "vat_ore", "amount_ore")),
        _number("of_number", nullable=True),
        sa.CheckConstraint(
            "section in ('commission', 'fees', 'signatures')",
            name=op.f("ck_service_statement_lines_section"),
        ),
        sa.CheckConstraint(
            "amount_ore = net_ore + vat_ore", name=op.f("ck_service_statement_lines_amount")
        ),
    )
    op.create_index(
        "ix_service_statement_lines_statement_key", "service_statement_lines",
        ["statement_key", "section", "line_id"],
    )  # fmt: skip


def upgrade() -> None:
    _commissions()
    _statements()
    op.execute(f"grant select, insert on {', '.join(_TABLES)} to reda_app")
    op.execute("grant usage on all sequences in schema public to reda_app")
    for table in _TABLES:
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy wall on {table} to reda_app using ({_WALL})")
        op.execute(
            f"create trigger only_added_to before update or delete on {table}"
            " for each row execute function reda_refuse_change()"
        )


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)
    op.drop_index("ix_events_watched_over", table_name="events")
