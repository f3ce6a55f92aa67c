"""What banks and the payment provider take back of payments by Swish, card and account.

Revision: 0063
After: 0062
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "chargebacks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        _text("request_id"),
        sa.Column("amount_ore", sa.BigInteger(), nullable=False),
        sa.Column("taken_on", sa.Date(), nullable=False),
        _text("status"),
        sa.Column("parts", postgresql.JSONB(), nullable=False),
        sa.Column("provider_key", sa.String()),
        sa.Column("bank_payment_id", sa.BigInteger()),
        _text("reason"),
        _text("by"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("returned_on", sa.Date()),
        sa.Column("returned_by", sa.String()),
        sa.Column("returned_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chargebacks")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["swish_requests.id"], name=op.f("fk_chargebacks_request_id")
        ),
        sa.ForeignKeyConstraint(
            ["bank_payment_id"], ["bank_payments.id"], name=op.f("fk_chargebacks_bank_payment_id")
        ),
        sa.UniqueConstraint("provider_key", name=op.f("uq_chargebacks_provider_key")),
        sa.UniqueConstraint("bank_payment_id", name=op.f("uq_chargebacks_bank_payment_id")),
        sa.CheckConstraint("amount_ore > 0", name=op.f("ck_chargebacks_amount")),
        sa.CheckConstraint(
            "status in ('taken', 'returned', 'unclear', 'same')",
            name=op.f("ck_chargebacks_status"),
        ),
        sa.CheckConstraint(
            "(status = 'returned') = (returned_on is not null)",
            name=op.f("ck_chargebacks_returned"),
        ),
    )
    op.create_index(op.f("ix_chargebacks_request_id"), "chargebacks", ["request_id"])
    op.create_index(
        "ix_chargebacks_unclear", "chargebacks", ["id"],
        postgresql_where=sa.text("status = 'unclear'"),
    )  # fmt: skip
    op.create_index(
        "ix_swish_requests_payment_reference", "swish_requests", ["payment_reference"],
        postgresql_where=sa.text("payment_reference is not null"),
    )  # fmt: skip
    op.execute("grant select, insert, update on chargebacks to reda_app")
    op.execute("alter table chargebacks enable row level security")
    op.execute("create policy wall on chargebacks to reda_app using ((select reda_is_service()))")


def downgrade() -> None:
    op.drop_index("ix_swish_requests_payment_reference", "swish_requests")
    op.drop_table("chargebacks")
