"""The accounting day of entries, periods that are closed for good, and money that must be there.

Revision: 0055
After: 0054
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_DEFINER = "security definer set search_path = pg_catalog, public, pg_temp"
# Names the lock that each who posts shares, and that whoever closes a period has alone.
_LOCK = 0x7265_6463
_BOOKS = ("ledger_entries", "ledger_lines")

POSTING = f"""
-- The first day that is open; null before any period is closed.
create function reda_open_from() returns date volatile language sql {_DEFINER} as $$
    select max(last_on) + 1 from closed_periods where status = 'closed'
$$;

-- Once a statement, before its rows: no period closes until the transaction has ended. What waited
-- for one that closes sees it, since each statement here looks anew.
create function reda_begin_posting() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared({_LOCK});
    perform set_config('reda.open_from', coalesce(reda_open_from()::text, ''), true);
    return null;
end $$;

create function reda_set_posted_on() returns trigger language plpgsql as $$
begin
    new.posted_on := greatest(
        new.booked_on, nullif(current_setting('reda.open_from', true), '')::date
    );
    return new;
end $$;

-- Once a statement, for all rows that it has added.
create function reda_is_posted_right() returns trigger language plpgsql as $$
declare
    wrong record;
    open_from date := nullif(current_setting('reda.open_from', true), '')::date;
begin
    select id, booked_on, posted_on into wrong from added
        where posted_on is distinct from greatest(booked_on, open_from) limit 1;
    if not found then
        return null;
    end if;
    if wrong.posted_on < open_from then
        raise exception 'row % of % is posted on %, in a period that is closed',
            wrong.id, tg_table_name, wrong.posted_on using errcode = '23514';
    end if;
    raise exception 'row % of % is posted on %, which is not its accounting day',
        wrong.id, tg_table_name, wrong.posted_on using errcode = '23514';
end $$;
"""  # noqa: S608

_OF_ITS_ENTRY = """
create or replace function reda_lines_are_balanced() returns trigger language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
    wrong record;
begin
    -- No line is of zero öre, so that what comes to zero has at least two.
    select entry_id, currency, sum(amount_ore) as total into wrong
        from added group by entry_id, currency having sum(amount_ore) <> 0 limit 1;
    if found then
        raise exception 'ledger entry % does not balance: % %',
            wrong.entry_id, wrong.total, wrong.currency using errcode = '23514';
    end if;
    select a.entry_id into wrong
        from added a left join ledger_entries e on e.id = a.entry_id
            and e.creditor_id = a.creditor_id and e.booked_on = a.booked_on{day}
            and e.case_id is not distinct from a.case_id
        where e.id is null limit 1;
    if found then
        raise exception 'ledger entry % is not the one that its lines tell of', wrong.entry_id
            using errcode = '23503';
    end if;
    return null;
end $$;
"""

CLOSING = f"""
create function reda_keep_closed_period() returns trigger language plpgsql {_DEFINER} as $$
declare
    before date;
begin
    if tg_op <> 'INSERT' and old.status = 'closed' then
        raise exception 'a closed period stays as it is' using errcode = '23001';
    end if;
    if tg_op = 'DELETE' then
        return old;
    end if;
    if new.status = 'closed' then
        -- Whoever is posting has ended first.
        perform pg_advisory_xact_lock({_LOCK});
        select max(last_on) into before from closed_periods where status = 'closed';
        if new.first_on <> before + 1 then
            raise exception 'the period from % does not follow the one closed through %',
                new.first_on, before using errcode = '23514';
        end if;
    end if;
    return new;
end $$;
"""  # noqa: S608

MONEY = f"""
-- At commit, once: whose client money has become less has not become less than nothing. What is
-- ordered paid is no longer there to be paid again.
-- As its owner: at commit the session may see less than it wrote.
create function reda_client_money_is_there() returns trigger language plpgsql {_DEFINER} as $$
declare
    one record;
    total bigint;
begin
    perform set_config('reda.first_client_money', '', true);
    for one in
        select distinct creditor_id, currency from ledger_lines
        where id >= new.id and amount_ore < 0
            and (account = 'client_funds' or account like '%\\_in\\_transit')
        order by creditor_id, currency
    loop
        -- One after the other: whoever waits here then sees what the one before has taken.
        perform pg_advisory_xact_lock({_LOCK + 1}, one.creditor_id::int);
        select sum(amount_ore) into total from ledger_lines
            where creditor_id = one.creditor_id and currency = one.currency
                and (account = 'client_funds' or account like '%\\_in\\_transit');
        if total < 0 then
            raise exception 'the client money of creditor % comes to % öre (%)',
                one.creditor_id, total, one.currency
                using errcode = '23514', constraint = 'client_money';
        end if;
    end loop;
    return null;
end $$;
"""  # noqa: S608


def upgrade() -> None:
    _periods()
    op.execute(POSTING)
    op.execute(CLOSING)
    op.execute(_OF_ITS_ENTRY.format(day=" and e.posted_on = a.posted_on"))
    op.execute(MONEY)
    for table in _BOOKS:
        op.add_column(table, sa.Column("posted_on", sa.Date()))
        op.execute(f"alter table {table} disable trigger only_added_to")
        op.execute(f"update {table} set posted_on = booked_on")  # noqa: S608
        op.execute(f"alter table {table} enable trigger only_added_to")
        op.alter_column(table, "posted_on", nullable=False)
        op.execute(
            f"create trigger begins before insert on {table}"
            " for each statement execute function reda_begin_posting()"
        )
        op.execute(
            f"create trigger posted before insert on {table} for each row"
            " when (new.posted_on is null) execute function reda_set_posted_on()"
        )
        op.execute(
            f"create trigger posted_right after insert on {table} referencing new table as added"
            " for each statement execute function reda_is_posted_right()"
        )
    op.create_index("ix_ledger_entries_posted_on", "ledger_entries", ["posted_on"])
    # Only these accounts are summed up by day over all companies.
    op.create_index(
        "ix_ledger_lines_money_day", "ledger_lines", ["posted_on"],
        postgresql_include=["account", "currency", "amount_ore", "entry_id"],
        postgresql_where=sa.text("account in ('client_funds', 'covered')"),
    )  # fmt: skip
    # What a company's client money is summed up from, in the words of the check at commit; the wall
    # asks for the case.
    op.create_index(
        "ix_ledger_lines_client_money", "ledger_lines", ["creditor_id", "currency"],
        postgresql_include=["amount_ore", "case_id"],
        postgresql_where=sa.text("account = 'client_funds' or account like '%\\_in\\_transit'"),
    )  # fmt: skip
    op.execute(
        "create constraint trigger client_money after insert on ledger_lines deferrable"
        " initially deferred for each row when (case when new.amount_ore < 0"
        " and (new.account = 'client_funds' or new.account like '%\\_in\\_transit')"
        " then reda_is_first('client_money') else false end)"
        " execute function reda_client_money_is_there()"
    )
    op.execute(
        "create trigger keep before insert or update or delete on closed_periods"
        " for each row execute function reda_keep_closed_period()"
    )


def _periods() -> None:
    op.create_table(
        "closed_periods",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("key", sa.String(), nullable=False, unique=True),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_by_id", sa.BigInteger(), sa.ForeignKey("people.id"), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("reasons", JSONB(), nullable=False),
        sa.Column("figures", JSONB(), nullable=False),
        sa.Column("figures_sha256", sa.String(), nullable=False),
        sa.Column("report_sha256", sa.String(), nullable=False),
        sa.Column("ended_at", _MOMENT),
        sa.Column("approved_by", sa.String()),
        sa.Column("approved_by_id", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("signed_at", _MOMENT),
        sa.Column("evidence", JSONB()),
        sa.CheckConstraint(
            "status in ('waiting', 'closed', 'withdrawn')", name=op.f("ck_closed_periods_status")
        ),
        sa.CheckConstraint("first_on <= last_on", name=op.f("ck_closed_periods_days")),
        # Two people: who puts it together does not approve it.
        sa.CheckConstraint(
            "(status = 'closed') = (approved_by_id is not null)"
            " and approved_by_id is distinct from made_by_id"
            " and (status = 'closed') = (evidence is not null)",
            name=op.f("ck_closed_periods_approved"),
        ),
    )
    op.create_index(
        "uq_closed_periods_last_on", "closed_periods", ["last_on"], unique=True,
        postgresql_where=sa.text("status = 'closed'"),
    )  # fmt: skip
    op.create_index(
        "uq_closed_periods_waiting", "closed_periods", [sa.text("(status = 'waiting')")],
        unique=True, postgresql_where=sa.text("status = 'waiting'"),
    )  # fmt: skip
    op.execute("grant select, insert, update on closed_periods to reda_app")
    op.execute("grant usage on all sequences in schema public to reda_app")
    op.execute("alter table closed_periods enable row level security")
    op.execute(
        "create policy wall on closed_periods to reda_app using ((select reda_is_service()))"
    )


# What two people have signed is kept.
_CLOSED = """
do $$ begin
    if exists (select from closed_periods where status = 'closed') then
        raise exception 'periods are closed for good: this cannot be taken back';
    end if;
end $$
"""


def downgrade() -> None:
    op.execute(_CLOSED)
    op.execute(_OF_ITS_ENTRY.format(day=""))
    op.execute("drop trigger client_money on ledger_lines")
    op.drop_index("ix_ledger_lines_client_money", table_name="ledger_lines")
    op.drop_index("ix_ledger_lines_money_day", table_name="ledger_lines")
    op.drop_index("ix_ledger_entries_posted_on", table_name="ledger_entries")
    for table in _BOOKS:
        for name in ("begins", "posted", "posted_right"):
            op.execute(f"drop trigger {name} on {table}")
        op.drop_column(table, "posted_on")
    op.drop_table("closed_periods")
    op.execute(
        "drop function reda_client_money_is_there(), reda_keep_closed_period(),"
        " reda_is_posted_right(), reda_set_posted_on(), reda_begin_posting(), reda_open_from()"
    )
