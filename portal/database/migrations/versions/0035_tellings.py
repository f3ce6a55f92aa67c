"""What a debtor tells of themselves and the claim, and the stops that it puts on a case.

Revision: 0035
After: 0034
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_COMPANYS = "(select reda_is_service()) or creditor_id = any((select reda_creditors())::bigint[])"
_OWN_CASE = "case_id = any((select reda_cases())::bigint[])"
_BEFORE = (
    "hold", "plan", "dispute", "review", "bankrupt", "deceased", "minor", "protected identity",
    "debt restructuring",
)  # fmt: skip
_NEW = ("represented", "said paid", "wrong person")


def _allow_stops(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_case_stops_kind"), "case_stops")
    op.create_check_constraint(op.f("ck_case_stops_kind"), "case_stops", f"kind in {kinds}")


def upgrade() -> None:
    _allow_stops(_BEFORE + _NEW)
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "case_tellings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("case_id", sa.BigInteger(), sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("stop", sa.String(), nullable=False),
        sa.Column("facts", JSONB(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("language", sa.String()),
        sa.Column("told_at", moment, nullable=False),
        sa.Column("settled_at", moment),
        sa.Column("outcome", sa.String()),
        sa.Column("answer", sa.String(), nullable=False, server_default=""),
        sa.Column("settled_by", sa.String()),
    )
    op.create_index(op.f("ix_case_tellings_case_id"), "case_tellings", ["case_id"])
    op.create_index(
        "uq_case_tellings_open", "case_tellings", ["case_id", "stop"], unique=True,
        postgresql_where=sa.text("settled_at is null"),
    )  # fmt: skip
    op.create_index(
        "ix_case_tellings_waiting", "case_tellings", ["creditor_id", "told_at"],
        postgresql_where=sa.text("settled_at is null"),
    )  # fmt: skip
    op.execute("grant select, insert, update on case_tellings to reda_app")
    op.execute("alter table case_tellings enable row level security")
    op.execute(
        f"create policy wall on case_tellings to reda_app using ({_COMPANYS} or {_OWN_CASE})"
    )
    op.add_column(
        "case_files", sa.Column("telling_id", sa.BigInteger(), sa.ForeignKey("case_tellings.id"))
    )


def downgrade() -> None:
    op.drop_column("case_files", "telling_id")
    op.drop_table("case_tellings")
    op.execute("delete from case_stops where kind in ('represented', 'said paid', 'wrong person')")
    _allow_stops(_BEFORE)
