"""One payment by Swish for several cases: which part of it is which case's.

Whoever sees one of the cases sees the request, and of its parts only those of their cases. No
company sees any of it: what else its customer owes is not its business.

Revision: 0032
After: 0031
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_SERVICE = "(select reda_is_service())"
_OWN_CASE = "case_id = any((select reda_cases())::bigint[])"
# A request is written before its parts, which say whose it is.
_A_VISIT = "current_setting('reda.scope', true) = 'case'"
_OF_PARTS = "id in (select request_id from swish_parts)"
_BEFORE = f"{_SERVICE} or creditor_id = any((select reda_creditors())::bigint[]) or {_OWN_CASE}"


def upgrade() -> None:
    op.create_table(
        "swish_parts",
        sa.Column("request_id", sa.String(), sa.ForeignKey("swish_requests.id"), nullable=False),
        sa.Column("case_id", sa.BigInteger(), sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("amount_ore", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_ore > 0", name=op.f("ck_swish_parts_amount")),
        sa.PrimaryKeyConstraint("request_id", "case_id", name=op.f("pk_swish_parts")),
    )
    op.create_index(op.f("ix_swish_parts_case_id"), "swish_parts", ["case_id"])
    op.execute(
        "insert into swish_parts (request_id, case_id, creditor_id, amount_ore)"
        " select id, case_id, creditor_id, amount_ore from swish_requests"
    )
    op.execute("grant select, insert on swish_parts to reda_app")
    op.execute("alter table swish_parts enable row level security")
    op.execute(f"create policy wall on swish_parts to reda_app using ({_SERVICE} or {_OWN_CASE})")
    op.execute("drop policy wall on swish_requests")
    op.drop_column("swish_requests", "case_id")
    op.drop_column("swish_requests", "creditor_id")
    op.execute(
        f"create policy wall on swish_requests to reda_app using ({_SERVICE} or {_OF_PARTS})"
        f" with check ({_SERVICE} or {_A_VISIT})"
    )


def downgrade() -> None:
    # Its first case is what an older version knows of it.
    op.execute("drop policy wall on swish_requests")
    for column, table in (("creditor_id", "creditors"), ("case_id", "cases")):
        op.add_column("swish_requests", sa.Column(column, sa.BigInteger()))
        op.execute(
            f"update swish_requests set {column} = first.{column} from"  # noqa: S608 - a constant
            " (select distinct on (request_id) * from swish_parts order by request_id, case_id)"
            " as first where first.request_id = swish_requests.id"
        )
        op.alter_column("swish_requests", column, nullable=False)
        op.create_foreign_key(
            op.f(f"fk_swish_requests_{column}"), "swish_requests", table, [column], ["id"]
        )
    op.create_index(op.f("ix_swish_requests_case_id"), "swish_requests", ["case_id"])
    op.execute(f"create policy wall on swish_requests to reda_app using ({_BEFORE})")
    op.drop_table("swish_parts")
