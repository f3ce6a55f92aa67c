"""Many cases at a time: what stood in the way of moving them with one statement each.

The books are checked once for all lines that a statement adds, and each line carries its entry's
day, so that balances on a day need no other table. A case knows what it has been charged.
References and OCR numbers are made by the database, and codes are derived, not kept.

Revision: 0008
After: 0007
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Without these settings a plan made for twenty thousand rows would read whole tables for one.
_BY_INDEX = "set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off"
CHECKS = f"""
-- True once in a transaction for each name; again when what was done is rolled back.
create function reda_is_first(name text) returns boolean volatile language plpgsql as $$
begin
    if current_setting('reda.first_' || name, true) = 'done' then
        return false;
    end if;
    perform set_config('reda.first_' || name, 'done', true);
    return true;
end $$;

create function reda_lines_are_balanced() returns trigger language plpgsql {_BY_INDEX} as $$
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
            and e.creditor_id = a.creditor_id and e.booked_on = a.booked_on
            and e.case_id is not distinct from a.case_id
        where e.id is null limit 1;
    if found then
        raise exception 'ledger entry % is not the one that its lines tell of', wrong.entry_id
            using errcode = '23503';
    end if;
    return null;
end $$;

-- At commit, for the first entry of the transaction and all after it.
-- As its owner: at commit the session may see less than it wrote.
create function reda_entries_have_lines() returns trigger language plpgsql
security definer set search_path = pg_catalog, public, pg_temp {_BY_INDEX} as $$
declare
    wrong bigint;
begin
    perform set_config('reda.first_ledger_entries', '', true);
    select e.id into wrong from ledger_entries e
        where e.id >= new.id and not exists (select from ledger_lines l where l.entry_id = e.id)
        limit 1;
    if found then
        raise exception 'ledger entry % has no lines', wrong using errcode = '23514';
    end if;
    return null;
end $$;

create function reda_rows_are_of_their_case() returns trigger language plpgsql {_BY_INDEX} as $$
begin
    if exists (
        select from added a
            left join cases c on c.id = a.case_id and c.creditor_id = a.creditor_id
            where a.case_id is not null and c.id is null
    ) or exists (
        select from added a left join creditors k on k.id = a.creditor_id
            where a.case_id is null and k.id is null
    ) then
        raise exception '% has a row of another case or creditor than there is', tg_table_name
            using errcode = '23503';
    end if;
    return null;
end $$;

create function reda_cases_are_of_their_invoice() returns trigger language plpgsql {_BY_INDEX} as $$
begin
    if exists (
        select from added a left join invoices i on i.id = a.invoice_id
            and i.debtor_id = a.debtor_id and i.creditor_id = a.creditor_id
            where i.id is null
    ) then
        raise exception 'a case is not of its invoice''s debtor and creditor'
            using errcode = '23503';
    end if;
    return null;
end $$;

create function reda_refuse_removal() returns trigger language plpgsql as
$$ begin raise exception '% lose no row', tg_table_name using errcode = '23001'; end $$;

create function reda_refuse_other_owner() returns trigger language plpgsql as
$$ begin raise exception '% stay whose they are', tg_table_name using errcode = '23001'; end $$;

-- Also of a reference that the session may not see.
create function reda_is_free(wanted text) returns boolean stable language sql
security definer set search_path = pg_catalog, public, pg_temp as $$
    select not exists (select from cases where reference = wanted)
$$;

create or replace function reda_link_new_event() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    perform set_config('reda.first_events', '', true);
    perform reda_link_events(new.id);
    return null;
end $$;
"""  # noqa: S608

NUMBERS = """
-- The check digit of a number of at most 16 digits by the 10-modulus (Luhn).
create function reda_check_digit(number bigint) returns bigint
immutable strict parallel safe language plpgsql as $$
declare
    total bigint := 0;
begin
    -- Two digits a turn; the sum of the digits of 2d is 2d % 10 + d / 5.
    while number > 0 loop
        total := total + number % 10 * 2 % 10 + number % 10 / 5 + number / 10 % 10
            + number / 100 % 10 * 2 % 10 + number / 100 % 10 / 5 + number / 1000 % 10;
        number := number / 10000;
    end loop;
    return (10 - total % 10) % 10;
end $$;

-- As portal/payments/references.py says.
create function reda_ocr(serial bigint) returns text
immutable strict parallel safe language plpgsql as $$
declare
    body bigint := 1000000000 + serial;
    counted bigint := body * 10 + (length(body::text) + 2) % 10;
begin
    return counted * 10 + reda_check_digit(counted);
end $$;

-- What a debtor types: eight digits that tell nothing of the serial to whoever lacks the keys, and
-- a check digit. A Feistel network over 9 000 times 10 000: other serials give other references.
create function reda_reference(serial bigint, keys bigint[]) returns text
immutable strict parallel safe language plpgsql as $$
declare
    prime constant bigint := 2147483647;
    high bigint := serial / 10000;
    low bigint := serial % 10000;
    mixed bigint;
begin
    if serial not between 0 and 89999999 then
        raise exception 'there is no reference for the serial %', serial using errcode = '22003';
    end if;
    for turn in 1 .. array_length(keys, 1) by 2 loop
        mixed := low + keys[turn];
        high := (high + mixed * mixed % prime * mixed % prime) % 9000;
        mixed := high + keys[turn + 1];
        low := (low + mixed * mixed % prime * mixed % prime) % 10000;
    end loop;
    mixed := 10000000 + high * 10000 + low;
    return mixed * 10 + reda_check_digit(mixed);
end $$;

-- Öre times rate_days in whole öre, halves up.
create function reda_rounded(product numeric) returns bigint
immutable strict parallel safe language sql as $$
    select floor((2 * product + 36500000) / 73000000)::bigint
$$;

-- Interest on so many öre, in whole öre, halves up. rate_days: the thousandths of a per cent a year
-- of every day, summed (portal/law/interest.py).
create function reda_interest(ore bigint, rate_days bigint) returns bigint
immutable parallel safe language sql as $$
    select case
        when ore <= 0 or rate_days <= 0 then 0
        when ore < 1000000000 then (2 * ore * rate_days + 36500000) / 73000000
        else reda_rounded(ore::numeric * rate_days)
    end
$$;
"""


def upgrade() -> None:
    op.execute(CHECKS)
    op.execute(NUMBERS)
    for function in ("is_service", "creditors", "cases", "person"):
        op.execute(f"alter function reda_{function}() parallel safe")
    _let_lines_tell_their_day()
    _check_once()
    op.add_column("cases", sa.Column("charges", JSONB(), nullable=False, server_default="[]"))
    op.execute(
        "update cases set charges = told.charges from ("
        " select e.case_id, jsonb_agg(one || jsonb_build_object("
        "  'on', (e.occurred_at at time zone 'Europe/Stockholm')::date) order by e.id, place)"
        "  as charges"
        " from events e,"
        "  jsonb_array_elements(e.data -> 'charges') with ordinality as x (one, place)"
        " where e.data ? 'charges' group by e.case_id) told where told.case_id = cases.id"
    )
    # Codes that are printed already are kept.
    op.alter_column("cases", "access_code", nullable=True)
    op.create_index(
        "ix_cases_agreed_rate", "cases", ["creditor_id", "agreed_rate"],
        postgresql_where=sa.text("interest_kind = 'agreed'"),
    )  # fmt: skip


def _check_once() -> None:
    """Look at all rows that a statement or a transaction adds together."""
    for table in ("ledger_entries", "ledger_lines"):
        op.execute(f"drop trigger balanced on {table}")
    op.execute("drop function reda_entry_is_balanced()")
    for table, columns in {
        "ledger_lines": ("entry_id",),
        "ledger_entries": ("creditor_id", "case_id"),
        "events": ("creditor_id", "case_id"),
        "messages": ("creditor_id", "case_id"),
        "cases": ("creditor_id", "debtor_id", "invoice_id"),
    }.items():
        for column in columns:
            op.drop_constraint(op.f(f"fk_{table}_{column}"), table, type_="foreignkey")
    of_their_case = "reda_rows_are_of_their_case"
    for table, name, function in (
        ("ledger_lines", "balanced", "reda_lines_are_balanced"),
        ("ledger_entries", "of_their_case", of_their_case),
        ("events", "of_their_case", of_their_case),
        ("messages", "of_their_case", of_their_case),
        ("cases", "of_their_invoice", "reda_cases_are_of_their_invoice"),
    ):
        op.execute(
            f"create trigger {name} after insert on {table} referencing new table as added"
            f" for each statement execute function {function}()"
        )
    op.execute("drop trigger linked on events")
    for table, name, function in (
        ("ledger_entries", "has_lines", "reda_entries_have_lines"),
        ("events", "linked", "reda_link_new_event"),
    ):
        op.execute(
            f"create constraint trigger {name} after insert on {table} deferrable"
            f" initially deferred for each row when (reda_is_first('{table}'))"
            f" execute function {function}()"
        )
    # What the keys that went would have seen to.
    for table in ("cases", "invoices"):
        op.execute(f"revoke delete on {table} from reda_app")
        op.execute(
            f"create trigger stays before delete on {table} for each row"
            " execute function reda_refuse_removal()"
        )
    op.execute(
        "create trigger stays_its_invoice_s before update on cases for each row"
        " when ((old.invoice_id, old.debtor_id, old.creditor_id)"
        " is distinct from (new.invoice_id, new.debtor_id, new.creditor_id))"
        " execute function reda_refuse_other_owner()"
    )
    op.execute(
        "create trigger stays_its_debtors before update on invoices for each row"
        " when ((old.debtor_id, old.creditor_id) is distinct from (new.debtor_id, new.creditor_id))"
        " execute function reda_refuse_other_owner()"
    )
    op.drop_index("ix_ledger_entries_creditor_id", table_name="ledger_entries")


def _let_lines_tell_their_day() -> None:
    op.add_column("ledger_lines", sa.Column("booked_on", sa.Date()))
    op.execute("alter table ledger_lines disable trigger only_added_to")
    op.execute(
        "update ledger_lines l set booked_on = e.booked_on from ledger_entries e"
        " where e.id = l.entry_id"
    )
    op.execute("alter table ledger_lines enable trigger only_added_to")
    op.alter_column("ledger_lines", "booked_on", nullable=False)


def downgrade() -> None:
    # A database of before would keep codes, and those of the cases since are nowhere.
    raise RuntimeError("There is no way back before 0008: restore a backup of before it.")
