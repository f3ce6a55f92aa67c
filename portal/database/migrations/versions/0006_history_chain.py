"""Each creditor's history is a chain: every event is linked to the one before it by a hash.

The database links events itself, when the transaction that wrote them commits. So no writer can
forget it, however it writes; a creditor's chain is held only for the moment of the commit; and no
two commits wait for each other, because each takes the chains it needs in the order of creditors.
The links are a table of their own, because an event is never changed, not even to be linked.

Revision: 0006
After: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

FUNCTIONS = """
-- What is hashed of an event: all of it, and its place, in a form that can be read in one way only.
create function reda_event_text(e events, place bigint, id bigint) returns bytea
stable parallel safe language sql as $$
    select convert_to(
        json_build_array(
            (e).creditor_id, place, id, (e).case_id, (e).name,
            to_char((e).occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            (e).actor, (e).actor_person_id, (e).data
        )::text,
        'UTF8'
    )
$$;

create function reda_link(running bytea, head bytea, content bytea) returns bytea
immutable parallel safe language plpgsql as $$
begin
    return sha256(coalesce(running, head) || content);
end $$;

create aggregate reda_chain(head bytea, content bytea) (sfunc = reda_link, stype = bytea);

-- Link the events from one on that are in no chain: the transaction's own, since every other
-- transaction has linked its own before anybody sees them.
create function reda_link_events(first bigint) returns void
language plpgsql security definer set search_path = pg_catalog, public, pg_temp
-- What is asked for lies at the end of long tables, which a plan for any value would not know.
set plan_cache_mode = force_custom_plan set enable_seqscan = off set work_mem = '32MB' as $$
declare
    whose bigint[];
begin
    select array_agg(distinct e.creditor_id) into whose
        from events e where e.id >= first
        and not exists (select from history_links where event_id = e.id and event_id >= first);
    insert into history_heads (creditor_id, position, hash)
        select one, 0, decode(repeat('00', 32), 'hex') from unnest(whose) one order by one
        on conflict do nothing;
    perform 1 from history_heads where creditor_id = any(whose) order by creditor_id for update;
    with waiting as materialized (
        select e as event, e.id, e.creditor_id
        from events e where e.id >= first
        and not exists (select from history_links where event_id = e.id and event_id >= first)
    ), placed as (
        select event, id, w.creditor_id, hash as head,
            position + row_number() over (partition by w.creditor_id order by id) as position
        from waiting w join history_heads h on h.creditor_id = w.creditor_id
    ), linked as (
        insert into history_links (creditor_id, position, event_id, hash)
        select creditor_id, position, id,
            reda_chain(head, reda_event_text(event, position, id))
                over (partition by creditor_id order by id rows unbounded preceding)
        from placed
        returning creditor_id, position, hash
    ), last as (
        select distinct on (creditor_id) creditor_id, position, hash
        from linked order by creditor_id, position desc
    )
    update history_heads h set position = last.position, hash = last.hash
        from last where last.creditor_id = h.creditor_id;
end $$;

create function reda_link_new_event() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
    -- The first of a transaction's events links them all.
    if not exists (select from history_links where event_id = new.id) then
        perform reda_link_events(new.id);
    end if;
    return null;
end $$;

revoke execute on function reda_link_events(bigint) from public;
"""


def upgrade() -> None:
    op.create_table(
        "history_heads",
        sa.Column("creditor_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["creditor_id"], ["creditors.id"], name=op.f("fk_history_heads_creditor_id")
        ),
        sa.PrimaryKeyConstraint("creditor_id", name=op.f("pk_history_heads")),
    )
    op.create_table(
        "history_links",
        sa.Column("creditor_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("creditor_id", "position", name=op.f("pk_history_links")),
        sa.UniqueConstraint("event_id", name=op.f("uq_history_links_event_id")),
    )
    op.create_table(
        "history_checks",
        sa.Column("creditor_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("broken_at", sa.BigInteger(), nullable=True),
        sa.Column("what", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["creditor_id"], ["creditors.id"], name=op.f("fk_history_checks_creditor_id")
        ),
        sa.PrimaryKeyConstraint("creditor_id", name=op.f("pk_history_checks")),
    )
    # Every commit writes a head anew, which is cheap while its page has room for the next one.
    op.execute("alter table history_heads set (fillfactor = 50)")
    op.execute(FUNCTIONS)
    service = "(select reda_is_service())"
    creditor = "creditor_id = any((select reda_creditors())::bigint[])"
    for table, seen in {
        "history_heads": f"{service} or {creditor}",
        "history_links": f"{service} or {creditor}",
        "history_checks": f"{service}",
    }.items():
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy wall on {table} to reda_app using ({seen})")
    # The chain is the database's own work: the application reads it.
    op.execute("grant select on history_heads, history_links to reda_app")
    op.execute("grant select, insert, update, delete on history_checks to reda_app")
    op.execute(
        "create constraint trigger linked after insert on events deferrable initially deferred"
        " for each row execute function reda_link_new_event()"
    )
    op.execute("select reda_link_events(0)")


def downgrade() -> None:
    op.execute("drop trigger linked on events")
    op.execute("drop function reda_link_new_event(), reda_link_events(bigint)")
    op.execute("drop aggregate reda_chain(bytea, bytea)")
    op.execute(
        "drop function reda_link(bytea, bytea, bytea), reda_event_text(events, bigint, bigint)"
    )
    op.drop_table("history_checks")
    op.drop_table("history_links")
    op.drop_table("history_heads")
