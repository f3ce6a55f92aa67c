"""What the application's role may do: walls between tenants, books that are only added to.

A policy lets a row be seen by the service itself, by its creditor's people, or by its debtor,
as the transaction's settings say (portal/database/tenancy.py). Without them nothing is seen.

Revision: 0002
After: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

FUNCTIONS = """
create function reda_is_service() returns boolean stable language sql as
$$ select current_setting('reda.scope', true) = 'service' $$;

create function reda_creditors() returns bigint[] stable language sql as
$$ select case when current_setting('reda.scope', true) = 'creditor'
          then current_setting('reda.ids')::bigint[] else '{}' end $$;

create function reda_cases() returns bigint[] stable language sql as
$$ select case when current_setting('reda.scope', true) = 'case'
          then current_setting('reda.ids')::bigint[] else '{}' end $$;

create function reda_person() returns bigint stable language sql as
$$ select nullif(current_setting('reda.person', true), '')::bigint $$;

create function reda_refuse_change() returns trigger language plpgsql as
$$ begin raise exception '% is only ever added to', tg_table_name using errcode = '23001'; end $$;

create function reda_entry_is_balanced() returns trigger language plpgsql as $$
declare
    entry bigint;
    wrong record;
begin
    -- A record's field is looked up when the statement runs, so each table needs its own.
    if tg_table_name = 'ledger_lines' then entry := new.entry_id; else entry := new.id; end if;
    if (select count(*) from ledger_lines where entry_id = entry) < 2 then
        raise exception 'ledger entry % has fewer than two lines', entry using errcode = '23514';
    end if;
    select currency, sum(amount_ore) as total into wrong
        from ledger_lines where entry_id = entry
        group by currency having sum(amount_ore) <> 0 limit 1;
    if found then
        raise exception 'ledger entry % does not balance: % %', entry, wrong.total, wrong.currency
            using errcode = '23514';
    end if;
    return null;
end $$;
"""

_SERVICE = "(select reda_is_service())"
_CREDITOR = "creditor_id = any((select reda_creditors())::bigint[])"
_CASE = "case_id = any((select reda_cases())::bigint[])"
_OWN_CASE = "select {column} from cases where cases.id = any((select reda_cases())::bigint[])"

# Table, and when a row is seen by others than the service.
WALLS = {
    "people": "id = (select reda_person())",
    "memberships": f"person_id = (select reda_person()) or {_CREDITOR}",
    "creditors": "id = any((select reda_creditors())::bigint[]) or id in "
    f"({_OWN_CASE.format(column='creditor_id')})",
    "bankid_orders": "false",
    "debtors": f"{_CREDITOR} or id in ({_OWN_CASE.format(column='debtor_id')})",
    "uploads": _CREDITOR,
    "column_mappings": _CREDITOR,
    "invoices": f"{_CREDITOR} or id in ({_OWN_CASE.format(column='invoice_id')})",
    "rules": _CREDITOR,
    "cases": f"{_CREDITOR} or id = any((select reda_cases())::bigint[])",
    "events": f"{_CREDITOR} or {_CASE}",
    "ledger_entries": f"{_CREDITOR} or {_CASE}",
    "ledger_lines": f"{_CREDITOR} or {_CASE}",
    "swish_requests": f"{_CREDITOR} or {_CASE}",
    "payments": f"{_CREDITOR} or {_CASE}",
    "messages": f"{_CREDITOR} or {_CASE}",
    "documents": _CREDITOR,
    "signatures": _CREDITOR,
}
# Not a tenant's: the law's rates, the agreement's versions, and what protects the doors.
COMMON = ("agreement_versions", "reference_rates", "browser_sessions", "access_attempts")
ONLY_ADDED_TO = ("ledger_entries", "ledger_lines", "events", "payments", "signatures")


def upgrade() -> None:
    op.execute(FUNCTIONS)
    op.execute("grant usage on schema public to reda_app")
    for table in (*WALLS, *COMMON):
        op.execute(f"grant select, insert, update, delete on {table} to reda_app")
    for table, seen in WALLS.items():
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy wall on {table} to reda_app using ({_SERVICE} or {seen})")
    for table in ONLY_ADDED_TO:
        op.execute(f"revoke update, delete on {table} from reda_app")
        op.execute(
            f"create trigger only_added_to before update or delete on {table}"
            " for each row execute function reda_refuse_change()"
        )
    for table in ("ledger_entries", "ledger_lines"):
        op.execute(
            f"create constraint trigger balanced after insert on {table} deferrable"
            " initially deferred for each row execute function reda_entry_is_balanced()"
        )
    op.execute("create sequence case_serials")
    op.execute("create sequence receipt_numbers")
    op.execute("grant usage on all sequences in schema public to reda_app")


def downgrade() -> None:
    op.execute("drop sequence case_serials, receipt_numbers")
    for table in ("ledger_entries", "ledger_lines"):
        op.execute(f"drop trigger balanced on {table}")
    for table in ONLY_ADDED_TO:
        op.execute(f"drop trigger only_added_to on {table}")
    for table in WALLS:
        op.execute(f"drop policy wall on {table}")
        op.execute(f"alter table {table} disable row level security")
    op.execute("revoke all on all tables in schema public from reda_app")
    op.execute(
        "drop function reda_entry_is_balanced(), reda_refuse_change(), reda_person(),"
        " reda_cases(), reda_creditors(), reda_is_service()"
    )
