"""Nobody with a protected identity is found by a part of their e-mail address or telephone number.

Whoever typed one after another would read out of what is found what no list shows.

Revision: 0065
After: 0064
"""

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None

# `collection.circumstances.PROTECTED`, as it was at this revision.
_PROTECTED = """
    with marked as (
        select m.id, m.identity_number_hash
        from case_stops s join cases k on k.id = s.case_id join debtors m on m.id = k.debtor_id
        where s.creditor_id = %1$s and s.kind = ''protected identity''
            and (s.ended_at is null or cast(
                s.ended_at at time zone ''Europe/Stockholm'' as date) >= k.closed_on)
    )
    select id from marked union
    select e.id from debtors e join marked m on m.identity_number_hash = e.identity_number_hash
    where e.creditor_id = %1$s
"""


def _function(named: str, narrowed: str) -> str:
    return rf"""
create or replace function reda_debtors_like(creditor bigint, words text[], most bigint)
returns setof bigint stable language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    word text;
    part text;
    grams integer[] := '{{}}';
    named text := '';
    query text := format('select id from debtors where creditor_id = %s', creditor);
begin
    if not (reda_is_service() or creditor = any (reda_creditors())) then
        return;
    end if;
    foreach word in array words loop
        part := reda_fold(word);
        part := case when length(part) < 3 then ' ' || part else part end;
        grams := grams || reda_grams(creditor, part);
        query := query || format(' and search_text like %L', reda_pattern(word));
        {named}
    end loop;
    if grams <> '{{}}' then
        query := query || format(' and reda_grams(creditor_id, search_text) @> %L', grams);
    end if;
    {narrowed}
    return query execute query || format(' limit %s', most);
end $$;
"""  # noqa: S608


def upgrade() -> None:
    op.create_index(
        "ix_case_stops_protected", "case_stops", ["creditor_id"],
        postgresql_where=sa.text("kind = 'protected identity'"),
    )  # fmt: skip
    op.execute(
        _function(
            "named := named || format("
            "' and '' '' || reda_fold(name) || '' '' like %L', reda_pattern(word));",
            f"query := query || format(' and (id not in ({_PROTECTED}) or (true', creditor)"
            " || named || '))';",
        )
    )


def downgrade() -> None:
    op.execute(_function("", ""))
    op.drop_index("ix_case_stops_protected", "case_stops")
