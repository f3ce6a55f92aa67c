"""What is ordered is cleared with its debits, and the check of client money reads kept sums.

Revision: 0066
After: 0065
"""

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None

_DEFINER = "security definer set search_path = pg_catalog, public, pg_temp"
# As of migration 0055.
_LOCK = 0x7265_6463
_KEPT = ("ledger_kept", "ledger_sums")
_ORDERS = {
    "payouts": "released_on is not null and amount_ore > 0",
    "refunds": "released_on is not null and way = 'bank'",
    "own_share_orders": "released_on is not null",
}
_OF_MONEY = "account = 'client_funds' or account like '%\\_in\\_transit'"
_SIDE = "ck_reconciled_sums_side"

# Only these write the sums, so that what the check of client money reads is the database's own.
SUMS = f"""
-- The entry that sums may be through: all up to it are there, since nobody posts meanwhile.
create function reda_ask_to_sum() returns bigint language plpgsql {_DEFINER} as $$
declare
    newest bigint;
begin
    perform pg_advisory_xact_lock({_LOCK});
    select coalesce(max(id), 0) into newest from ledger_entries;
    insert into ledger_kept (id, entry_id, asked_id) values (1, 0, newest)
        on conflict (id) do update set asked_id = excluded.asked_id;
    return newest;
end $$;

create function reda_keep_sums(through bigint) returns void language plpgsql {_DEFINER} as $$
declare
    kept record;
begin
    select entry_id, asked_id into kept from ledger_kept where id = 1 for update;
    if through > coalesce(kept.asked_id, 0) then
        raise exception 'sums through % were not asked for', through using errcode = '23514';
    end if;
    if through <= kept.entry_id then
        return;
    end if;
    insert into ledger_sums as s (currency, is_month, day, creditor_id, account, ore)
    select currency, m.is_month,
        case when m.is_month then date_trunc('month', posted_on)::date else posted_on end,
        creditor_id, account, sum(amount_ore)
    from ledger_lines cross join (values (true), (false)) m(is_month)
    where entry_id > kept.entry_id and entry_id <= through and (account in ('client_funds',
        'covered', 'over_payment', 'unmatched', 'owed_to_creditor', 'owed_by_creditor')
        or account like '%\\_in\\_transit')
    group by 1, 2, 3, 4, 5
    on conflict (currency, is_month, day, creditor_id, account)
    do update set ore = s.ore + excluded.ore;
    insert into ledger_totals as t (account, ore)
    select account, sum(amount_ore) from ledger_lines
    where entry_id > kept.entry_id and entry_id <= through group by account
    on conflict (account) do update set ore = t.ore + excluded.ore;
    update ledger_kept set entry_id = through where id = 1;
end $$;

create function reda_forget_sums() returns void language plpgsql {_DEFINER} as $$
begin
    update ledger_kept set entry_id = 0 where id = 1;
    delete from ledger_sums;
    delete from ledger_totals;
end $$;
"""  # noqa: S608

MONEY = f"""
-- At commit, once: whose client money has become less has not become less than nothing. What is
-- ordered paid is no longer there to be paid again. It is what was summed up, and what came after:
-- in one statement, so that both are of the same instant.
-- As its owner: at commit the session may see less than it wrote.
create or replace function reda_client_money_is_there() returns trigger language plpgsql
{_DEFINER} as $$
declare
    one record;
    total bigint;
begin
    perform set_config('reda.first_client_money', '', true);
    for one in
        select creditor_id, currency, min(entry_id) as entry_id from ledger_lines
        where id >= new.id and amount_ore < 0 and ({_OF_MONEY})
        group by creditor_id, currency order by creditor_id, currency
    loop
        -- One after the other: whoever waits here then sees what the one before has taken.
        perform pg_advisory_xact_lock({_LOCK + 1}, one.creditor_id::int);
        select coalesce(sum(ore), 0) into total from (
            select ore from ledger_sums
            where is_month and creditor_id = one.creditor_id and currency = one.currency
                and ({_OF_MONEY})
            union all
            select amount_ore from ledger_lines
            where creditor_id = one.creditor_id and currency = one.currency
                and entry_id > coalesce((select entry_id from ledger_kept where id = 1), 0)
                and ({_OF_MONEY})
        ) x;
        if total < 0 then
            raise exception 'the client money of creditor % comes to % öre (%)',
                one.creditor_id, total, one.currency
                using errcode = '23514', constraint = 'client_money';
        end if;
        if one.entry_id <= (select entry_id from ledger_kept where id = 1) then
            raise exception 'entry % is summed up, and takes no more lines', one.entry_id
                using errcode = '23514';
        end if;
    end loop;
    return null;
end $$;
"""  # noqa: S608


def upgrade() -> None:
    _sums()
    op.add_column("bank_payments", sa.Column("cleared_as", sa.String()))
    op.add_column("bank_payments", sa.Column("cleared_batch_id", sa.BigInteger()))
    _index("cleared_batch", ["cleared_batch_id"], "cleared_batch_id is not null")
    _index(
        "statement_debits", ["currency"],
        "state = 'statement' and kind = 'debit' and cleared_on is null",
    )  # fmt: skip
    op.create_index(
        "ix_bank_payments_repeated", "bank_payments", ["currency", "value_on"],
        postgresql_include=["amount_ore"], postgresql_where=sa.text("state = 'repeated'"),
    )  # fmt: skip
    for table, which in _ORDERS.items():
        op.add_column(table, sa.Column("cleared_from", sa.Date()))
        op.add_column(table, sa.Column("cleared_on", sa.Date()))
        if table == "own_share_orders":
            continue
        for name, columns, where in (
            ("open", ["currency"], f"{which} and cleared_on is null"),
            ("between", ["cleared_on"], "cleared_from < cleared_on"),
            ("cleared", ["amount_ore", "currency"], "cleared_on is not null"),
        ):
            op.create_index(
                f"ix_{table}_{'not_cleared' if name == 'open' else name}", table, columns,
                postgresql_where=sa.text(where),
            )  # fmt: skip
    op.add_column("refunds", sa.Column("cleared_ore", sa.BigInteger()))
    op.add_column(
        "bank_files",
        sa.Column("is_summed", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_index(
        "ix_bank_files_not_summed", "bank_files", ["id"], postgresql_where=sa.text("not is_summed")
    )
    op.drop_constraint(_SIDE, "reconciled_sums")
    op.create_check_constraint(
        op.f(_SIDE), "reconciled_sums", "side in ('bank', 'books', 'cases', 'statement')"
    )
    op.execute("update reconciled_sums set came_ore = greatest(ore, 0) where side = 'bank'")
    op.create_index(
        "ix_ledger_entries_own_money", "ledger_entries", ["id"],
        postgresql_where=sa.text("kind like 'own\\_money.%'"),
    )  # fmt: skip
    op.drop_index("ix_ledger_entries_ordered", table_name="ledger_entries")
    # From an entry on.
    _money_index(["creditor_id", "currency", "entry_id"])
    op.execute(MONEY)


def _index(name: str, columns: list[str], where: str) -> None:
    op.create_index(
        f"ix_bank_payments_{name}", "bank_payments", columns, postgresql_where=sa.text(where)
    )


def _money_index(columns: list[str]) -> None:
    op.drop_index("ix_ledger_lines_client_money", table_name="ledger_lines")
    op.create_index(
        "ix_ledger_lines_client_money", "ledger_lines", columns,
        postgresql_include=["amount_ore", "case_id"], postgresql_where=sa.text(_OF_MONEY),
    )  # fmt: skip


def _sums() -> None:
    op.create_table(
        "ledger_totals", sa.Column("account", sa.String(), primary_key=True),
        sa.Column("ore", sa.BigInteger(), nullable=False),
    )  # fmt: skip
    op.execute("alter table ledger_totals enable row level security")
    op.execute("create policy wall on ledger_totals to reda_app using ((select reda_is_service()))")
    op.execute("grant select on ledger_totals to reda_app")
    op.execute(f"revoke insert, update, delete on {', '.join(_KEPT)} from reda_app")
    op.add_column(
        "ledger_kept", sa.Column("asked_id", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.execute("update ledger_kept set asked_id = entry_id")
    op.execute(
        "insert into ledger_totals (account, ore) select account, sum(amount_ore)"
        " from ledger_lines where entry_id <= (select entry_id from ledger_kept where id = 1)"
        " group by account"
    )
    op.create_index(
        "ix_ledger_sums_creditor", "ledger_sums", ["creditor_id", "currency"],
        postgresql_include=["account", "ore"], postgresql_where=sa.text("is_month"),
    )  # fmt: skip
    op.execute(SUMS)


# As of migration 0055.
_MONEY_BEFORE = f"""
create or replace function reda_client_money_is_there() returns trigger language plpgsql
{_DEFINER} as $$
declare
    one record;
    total bigint;
begin
    perform set_config('reda.first_client_money', '', true);
    for one in
        select distinct creditor_id, currency from ledger_lines
        where id >= new.id and amount_ore < 0 and ({_OF_MONEY})
        order by creditor_id, currency
    loop
        perform pg_advisory_xact_lock({_LOCK + 1}, one.creditor_id::int);
        select sum(amount_ore) into total from ledger_lines
            where creditor_id = one.creditor_id and currency = one.currency and ({_OF_MONEY});
        if total < 0 then
            raise exception 'the client money of creditor % comes to % öre (%)',
                one.creditor_id, total, one.currency
                using errcode = '23514', constraint = 'client_money';
        end if;
    end loop;
    return null;
end $$;
"""  # noqa: S608


def downgrade() -> None:
    op.execute(_MONEY_BEFORE)
    _money_index(["creditor_id", "currency"])
    op.create_index(
        "ix_ledger_entries_ordered", "ledger_entries", ["id"],
        postgresql_where=sa.text(
            "kind like 'payout.%' or kind like 'refund.%' or kind like 'own\\_share.%'"
            " or kind like 'own\\_money.%'"
        ),
    )  # fmt: skip
    op.drop_index("ix_ledger_entries_own_money", table_name="ledger_entries")
    # All is cleared anew, as it was before.
    op.execute("delete from reconciled_sums")
    op.execute("update bank_payments set cleared_from = null, cleared_on = null")
    op.execute("select reda_forget_sums()")
    op.drop_constraint(_SIDE, "reconciled_sums")
    op.create_check_constraint(op.f(_SIDE), "reconciled_sums", "side in ('bank', 'books', 'cases')")
    op.drop_column("bank_files", "is_summed")
    op.drop_column("refunds", "cleared_ore")
    for table in _ORDERS:
        op.drop_column(table, "cleared_on")
        op.drop_column(table, "cleared_from")
    for name in ("cleared_batch", "statement_debits", "repeated"):
        op.drop_index(f"ix_bank_payments_{name}", table_name="bank_payments")
    op.drop_column("bank_payments", "cleared_batch_id")
    op.drop_column("bank_payments", "cleared_as")
    op.execute("drop function reda_ask_to_sum(), reda_keep_sums(bigint), reda_forget_sums()")
    op.drop_index("ix_ledger_sums_creditor", table_name="ledger_sums")
    op.drop_column("ledger_kept", "asked_id")
    op.drop_table("ledger_totals")
    op.execute(f"grant insert, update, delete on {', '.join(_KEPT)} to reda_app")
