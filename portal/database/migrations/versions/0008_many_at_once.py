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

BOOKS = """
create function reda_lines_are_balanced() returns trigger language plpgsql as $$
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

create function reda_entry_has_lines() returns trigger language plpgsql as $$
begin
    if not exists (select from ledger_lines where entry_id = new.id) then
        raise exception 'ledger entry % has no lines', new.id using errcode = '23514';
    end if;
    return null;
end $$;
"""

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
    body bigint;
begin
    if serial not between 0 and 89999999 then
        raise exception 'there is no reference for the serial %', serial using errcode = '22003';
    end if;
    for turn in 1 .. array_length(keys, 1) by 2 loop
        high := (high + (low + keys[turn]) * (low + keys[turn]) % prime
            * (low + keys[turn]) % prime) % 9000;
        low := (low + (high + keys[turn + 1]) * (high + keys[turn + 1]) % prime
            * (high + keys[turn + 1]) % prime) % 10000;
    end loop;
    body := 10000000 + high * 10000 + low;
    return body * 10 + reda_check_digit(body);
end $$;

-- The number of a half-year: two for each year, the first ends with June.
create function reda_half_year(day date) returns integer
immutable strict parallel safe language sql as $$
    select 2 * date_part('year', day)::integer + (date_part('month', day) > 6)::integer
$$;

-- Öre times rate_days in whole öre, halves up.
create function reda_rounded(product numeric) returns bigint
immutable strict parallel safe language sql as $$
    select floor((2 * product + 36500000) / 73000000)::bigint
$$;

-- Interest on so many öre, in whole öre, halves up. rate_days: the thousandths of a per cent a year
-- of every day, summed (portal/law/interest.py).
create function reda_interest(ore bigint, rate_days bigint) returns bigint
immutable strict parallel safe language sql as $$
    select case
        when ore <= 0 or rate_days <= 0 then 0
        when ore < 1000000000 then (2 * ore * rate_days + 36500000) / 73000000
        else reda_rounded(ore::numeric * rate_days)
    end
$$;
"""


def upgrade() -> None:
    op.execute(BOOKS)
    op.execute(NUMBERS)
    _let_lines_tell_their_day()
    for table in ("ledger_entries", "ledger_lines"):
        op.execute(f"drop trigger balanced on {table}")
    op.execute("drop function reda_entry_is_balanced()")
    # Checked together with the day, the creditor and the case, once for all lines.
    op.drop_constraint(op.f("fk_ledger_lines_entry_id"), "ledger_lines", type_="foreignkey")
    op.execute(
        "create trigger balanced after insert on ledger_lines referencing new table as added"
        " for each statement execute function reda_lines_are_balanced()"
    )
    op.execute(
        "create constraint trigger has_lines after insert on ledger_entries deferrable"
        " initially deferred for each row execute function reda_entry_has_lines()"
    )
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
        "ix_cases_given_code", "cases", ["reference"],
        postgresql_where=sa.text("access_code is not null"),
    )  # fmt: skip
    op.create_index(
        "ix_cases_agreed_rate", "cases", ["agreed_rate"],
        postgresql_where=sa.text("interest_kind = 'agreed'"),
    )  # fmt: skip


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
    raise NotImplementedError("Codes that are derived cannot be kept again.")
