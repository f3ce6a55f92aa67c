"""The whole life of a case: more statuses, stops, plans, limitation, and the days that were run.

Revision: 0007
After: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_OLD_STATUSES = "status in ('imported', 'reminded', 'paid')"
_STATUSES = (
    "status in ('imported', 'reminded', 'demanded', 'deciding', 'legal', 'surveillance', 'paid',"
    " 'written off', 'returned', 'recalled', 'credited', 'limited')"
)
_SEEN = (
    "(select reda_is_service()) or creditor_id = any((select reda_creditors())::bigint[])"
    " or case_id = any((select reda_cases())::bigint[])"
)


def upgrade() -> None:
    for column in (
        sa.Column("demand_after_days", sa.BigInteger()),
        sa.Column("demand_days", sa.BigInteger()),
        sa.Column("decision_after_days", sa.BigInteger()),
        sa.Column("after_demand", sa.String()),
        sa.Column("small_rest_ore", sa.BigInteger()),
        sa.Column("wants_compensation", sa.Boolean()),
        sa.Column("direct_payment", sa.String()),
    ):
        op.add_column("rules", column)
    _widen_cases()
    _add_stops()
    _add_plans()
    op.create_table(
        "clock_days",
        sa.Column("day", sa.Date(), primary_key=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("result", JSONB(), nullable=False),
    )
    op.execute("grant select, insert, update on clock_days to reda_app")
    for table in ("case_stops", "plans", "instalments"):
        op.execute(f"grant select, insert, update on {table} to reda_app")
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy wall on {table} to reda_app using ({_SEEN})")


def _widen_cases() -> None:
    op.drop_constraint(op.f("ck_cases_status"), "cases", type_="check")
    op.create_check_constraint(op.f("ck_cases_status"), "cases", _STATUSES)
    for column in (
        sa.Column("pay_by_on", sa.Date()),
        sa.Column("is_stopped", sa.Boolean(), nullable=False, server_default="false"),
        sa.Column("is_consumer", sa.Boolean(), nullable=False, server_default="true"),
        sa.Column("claim_arose_on", sa.Date()),
        sa.Column("limited_on", sa.Date()),
    ):
        op.add_column("cases", column)
    op.execute(
        "update cases c set pay_by_on = case when next_step = 'await payment' then next_step_on"
        " end, claim_arose_on = coalesce(i.issued_on, i.due_on), is_consumer = d.kind = 'person',"
        " limited_on = (coalesce(i.issued_on, i.due_on) + case when d.kind = 'person' then"
        " interval '3 years' else interval '10 years' end)::date"
        " from invoices i, debtors d where i.id = c.invoice_id and d.id = c.debtor_id"
    )
    op.execute(
        "update cases set next_step = 'demand', next_step_on = next_step_on + 4"
        " where next_step = 'await payment'"
    )
    op.execute("update cases set is_stopped = true, next_step = 'reminder',"
               " next_step_on = opened_on where next_step = 'review'")  # fmt: skip
    op.alter_column("cases", "claim_arose_on", nullable=False)
    op.alter_column("cases", "limited_on", nullable=False)
    op.drop_index("ix_cases_due", table_name="cases")
    op.create_index(
        "ix_cases_due", "cases", ["next_step_on", "id"],
        postgresql_where=sa.text("next_step is not null and not is_stopped"),
    )  # fmt: skip
    op.create_index(
        "ix_cases_limited", "cases", ["limited_on"], postgresql_where=sa.text("closed_on is null")
    )


def _add_stops() -> None:
    op.create_table(
        "case_stops",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("case_id", sa.BigInteger(), sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("until_on", sa.Date()),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint(
            "kind in ('hold', 'plan', 'dispute', 'review', 'bankrupt', 'deceased', 'minor',"
            " 'protected identity', 'debt restructuring')",
            name=op.f("ck_case_stops_kind"),
        ),
    )
    op.create_index(
        "uq_case_stops_open", "case_stops", ["case_id", "kind"], unique=True,
        postgresql_where=sa.text("ended_at is null"),
    )  # fmt: skip
    op.create_index(
        "ix_case_stops_until", "case_stops", ["until_on"],
        postgresql_where=sa.text("ended_at is null"),
    )  # fmt: skip
    op.execute(
        "insert into case_stops (creditor_id, case_id, kind, reason, began_at)"
        " select creditor_id, id, 'review', '', now() from cases where is_stopped"
    )


def _add_plans() -> None:
    op.create_table(
        "plans",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("case_id", sa.BigInteger(), sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("agreed_on", sa.Date(), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_on", sa.Date()),
        sa.CheckConstraint(
            "status in ('running', 'kept', 'broken', 'ended')", name=op.f("ck_plans_status")
        ),
    )
    op.create_index(
        "uq_plans_running", "plans", ["case_id"], unique=True,
        postgresql_where=sa.text("status = 'running'"),
    )  # fmt: skip
    op.create_table(
        "instalments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("plan_id", sa.BigInteger(), sa.ForeignKey("plans.id"), nullable=False),
        sa.Column("creditor_id", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("amount_ore", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint("plan_id", "due_on", name=op.f("uq_instalments_plan_id_due_on")),
        sa.CheckConstraint("amount_ore > 0", name=op.f("ck_instalments_amount")),
    )


def downgrade() -> None:
    op.drop_table("instalments")
    op.drop_table("plans")
    op.drop_table("case_stops")
    op.drop_table("clock_days")
    op.drop_index("ix_cases_limited", table_name="cases")
    op.drop_index("ix_cases_due", table_name="cases")
    op.create_index(
        "ix_cases_due", "cases", ["next_step_on"], postgresql_where=sa.text("next_step is not null")
    )
    for column in ("limited_on", "claim_arose_on", "is_consumer", "is_stopped", "pay_by_on"):
        op.drop_column("cases", column)
    op.drop_constraint(op.f("ck_cases_status"), "cases", type_="check")
    op.create_check_constraint(op.f("ck_cases_status"), "cases", _OLD_STATUSES)
    for column in (
        "direct_payment", "wants_compensation", "small_rest_ore", "after_demand",
        "decision_after_days", "demand_days", "demand_after_days",
    ):  # fmt: skip
        op.drop_column("rules", column)
