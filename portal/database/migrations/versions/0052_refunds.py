"""Refunds of payments by any way, and how each is sent, followed and booked.

Revision: 0052
After: 0051
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

_NEW_STATUSES = (
    "status in ('to confirm', 'to approve', 'waiting', 'released', 'settled', 'rejected',"
    " 'failed', 'withdrawn')"
)
_OLD_STATUSES = "status in ('to confirm', 'waiting', 'withdrawn')"


def _to(name: str, table: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), sa.ForeignKey(f"{table}.id"))


def _text(name: str, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=default is None, server_default=default)


def _columns() -> list[sa.Column[Any]]:
    moment = sa.DateTime(timezone=True)
    return [
        _text("key"), _to("booked_id", "payments"), _to("creditor_id", "creditors"),
        _to("case_id", "cases"), _text("way", "bank"), _text("account_kind"),
        _text("account_reason", ""), _text("reason", ""), _to("decided_id", "people"),
        _text("approved_by"), sa.Column("approved_at", moment), _to("batch_id", "payout_batches"),
        sa.Column("callback_identifier", sa.LargeBinary()),
        sa.Column("is_taken", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("sent_at", moment), sa.Column("asked_at", moment), _text("error_code"),
        sa.Column("released_on", sa.Date()), sa.Column("ended_on", sa.Date()),
    ]  # fmt: skip


_KEY = "upper(replace(gen_random_uuid()::text, '-', ''))"


def _fill() -> None:
    # Of which kind an account is, nobody had to say: it is confirmed anew.
    op.execute("update refunds set status = 'to confirm' where status = 'waiting'")
    op.execute(f"update refunds set key = {_KEY}")  # noqa: S608
    op.execute(
        """
        update refunds r set booked_id = p.id, creditor_id = p.creditor_id, case_id = p.case_id
        from bank_shares s join payments p on p.channel_reference = s.key where s.id = r.share_id
        """
    )
    # What was paid too much at once had no refund; a person looks at each.
    op.execute(
        f"""
        insert into refunds (key, booked_id, creditor_id, case_id, amount_ore, currency, why, way,
            payer_name, payer_account, status, "by", at)
        select {_KEY}, p.id, p.creditor_id, p.case_id, p.overpaid_ore, p.currency, 'overpaid',
            p.channel, '', p.payer, 'to confirm', 'system', p.received_at
        from payments p where p.overpaid_ore > 0 and p.channel in ('swish', 'card', 'account')
            and not exists (select from ledger_entries e
                where e.idempotency_key = 'taken back:' || p.channel_reference)
        """  # noqa: S608
    )


def _checks() -> None:
    def check(name: str, condition: str) -> None:
        op.create_check_constraint(op.f(f"ck_refunds_{name}"), "refunds", condition)

    check("status", _NEW_STATUSES)
    check("way", "way in ('swish', 'card', 'account', 'bank')")
    check("kind", "account_kind in ('bankgiro', 'plusgiro', 'iban')")
    check(
        "account",
        "way <> 'bank' or status in ('to confirm', 'failed', 'withdrawn')"
        " or (payer_account is not null and account_kind is not null)",
    )
    check("of", "booked_id is not null or payment_id is not null")
    check(
        "booked",
        "(booked_id is null) = (case_id is null) and (case_id is null) = (creditor_id is null)",
    )


def upgrade() -> None:
    op.drop_constraint(op.f("ck_refunds_status"), "refunds")
    op.drop_constraint(op.f("ck_refunds_account"), "refunds")
    op.drop_index("ix_refunds_open", "refunds")
    op.alter_column("refunds", "payment_id", nullable=True)
    for column in _columns():
        op.add_column("refunds", column)
    _fill()
    op.alter_column("refunds", "key", nullable=False)
    op.create_unique_constraint(op.f("uq_refunds_key"), "refunds", ["key"])
    _checks()
    op.create_index("ix_refunds_case_id", "refunds", ["case_id"])
    op.create_index("ix_refunds_batch_id", "refunds", ["batch_id"])
    op.create_index(
        "uq_refunds_booked_id", "refunds", ["booked_id"], unique=True,
        postgresql_where=sa.text("status not in ('failed', 'withdrawn')"),
    )  # fmt: skip
    op.create_index(
        "ix_refunds_open", "refunds", ["id"],
        postgresql_where=sa.text("status not in ('settled', 'failed', 'withdrawn')"),
    )  # fmt: skip
    op.execute(
        "create policy wall_of_cases on refunds for select to reda_app"
        " using (case_id = any((select reda_cases())::bigint[]))"
    )


# Forgotten, it would be paid once more.
_PAID = """
do $$ begin
    if exists (select from refunds where status in ('released', 'settled') or sent_at is not null)
    then
        raise exception 'refunds have been paid or are on their way: this cannot be taken back';
    end if;
end $$
"""


def downgrade() -> None:
    op.execute(_PAID)
    op.execute("drop policy wall_of_cases on refunds")
    op.execute("delete from refunds where payment_id is null or status = 'failed'")
    op.execute(
        f"update refunds set status = 'to confirm' where not ({_OLD_STATUSES})"  # noqa: S608
    )
    for name in ("status", "way", "kind", "account", "of", "booked"):
        op.drop_constraint(op.f(f"ck_refunds_{name}"), "refunds")
    for name in ("uq_refunds_booked_id", "ix_refunds_open", "ix_refunds_case_id"):
        op.drop_index(name, "refunds")
    for column in _columns():
        op.drop_column("refunds", column.name)
    op.alter_column("refunds", "payment_id", nullable=False)
    op.create_check_constraint(op.f("ck_refunds_status"), "refunds", _OLD_STATUSES)
    op.create_check_constraint(
        op.f("ck_refunds_account"), "refunds", "status <> 'waiting' or payer_account is not null"
    )
    op.create_index(
        "ix_refunds_open", "refunds", ["id"], postgresql_where=sa.text("status <> 'withdrawn'")
    )
