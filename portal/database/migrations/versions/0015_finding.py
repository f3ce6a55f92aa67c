"""Finding cases among a million: what is searched for has its own form, each sorting an index.

A name is found by any part of it, whatever the accents and the case: each customer has a text of
what it is looked for by, and an index of that text's groups of three letters, which belong to the
creditor, so that another company's customers cost nothing. PostgreSQL's own extension for this
(pg_trgm) is not everywhere, and its operators may not use an index behind a wall; the function that
searches looks at the wall itself.

Revision: 0015
After: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

FUNCTIONS = r"""
-- Without accents and capitals: "Öberg" and "oberg" are one word.
create function reda_fold(value text) returns text
immutable strict parallel safe language sql as $$
    select lower(translate(
        regexp_replace(normalize(value, NFD), '[\u0300-\u036f]', '', 'g'),
        'ØøÆæŁłĐđÐðÞþı', 'ooaallddddtti'
    ))
$$;

-- A Swedish number as it is dialled here: +46 70-123 45 67 is 0701234567.
create function reda_phone(value text) returns text
immutable strict parallel safe language sql as $$
    select regexp_replace(
        regexp_replace(value, '[^0-9+]', '', 'g'), '^(\+46|0046)0?', '0'
    )
$$;

-- Compared byte by byte this comes in the order of the Swedish alphabet, which ends with å, ä, ö.
create function reda_in_order(value text) returns text
immutable strict parallel safe language sql as $$
    select lower(translate(normalize(value, NFC), 'ÅåÄäÆæÖöØøÉéÈèÜü', '{{||||}}}}eeeeyy'))
$$;

create function reda_grams(creditor bigint, body text) returns integer[]
immutable strict parallel safe language sql as $$
    select array(
        select distinct hashtext(creditor || ':' || substr(body, place, 3))
        from generate_series(1, length(body) - 2) place
    )
$$;

-- What a word is compared with by `like`: two letters alone must begin a word.
create function reda_pattern(word text) returns text
immutable strict parallel safe language sql as $$
    select '%' || case when length(folded) < 3 then ' ' else '' end
        || replace(replace(replace(folded, '\', '\\'), '%', '\%'), '_', '\_') || '%'
    from (select reda_fold(word) as folded) as f
$$;

-- Customers of a creditor in whose text each of the words stands, at most so many.
create function reda_debtors_like(creditor bigint, words text[], most bigint)
returns setof bigint stable language plpgsql
security definer set search_path = pg_catalog, public, pg_temp as $$
declare
    word text;
    part text;
    grams integer[] := '{}';
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
    end loop;
    if grams <> '{}' then
        query := query || format(' and reda_grams(creditor_id, search_text) @> %L', grams);
    end if;
    return query execute query || format(' limit %s', most);
end $$;
"""

_SEARCHED = (
    "' ' || reda_fold(name) || ' ' || lower(coalesce(email, '')) || ' '"
    " || coalesce(reda_phone(phone), '') || ' '"
)


def upgrade() -> None:
    op.execute(FUNCTIONS)
    op.add_column(
        "debtors", sa.Column("search_text", sa.Text(), sa.Computed(_SEARCHED, persisted=True))
    )
    op.add_column(
        "debtors",
        sa.Column(
            "name_in_order",
            sa.Text(collation="C"),
            sa.Computed("reda_in_order(name)", persisted=True),
        ),
    )
    op.execute(
        "create index ix_debtors_grams on debtors using gin (reda_grams(creditor_id, search_text))"
    )
    op.create_index("ix_debtors_creditor_name", "debtors", ["creditor_id", "name_in_order", "id"])
    op.create_index("ix_debtors_creditor_class", "debtors", ["creditor_id", "customer_class"])
    op.create_index(
        "ix_invoices_payment_reference", "invoices", ["creditor_id", "payment_reference"],
        postgresql_where=sa.text("payment_reference is not null"),
    )  # fmt: skip
    op.create_index(
        "ix_cases_creditor_status", "cases", ["creditor_id", "status", "opened_at", "id"]
    )
    op.create_index("ix_cases_creditor_due", "cases", ["creditor_id", "due_on", "id"])
    op.create_index("ix_cases_creditor_amount", "cases", ["creditor_id", "principal_ore", "id"])
    op.create_index("ix_cases_creditor_next", "cases", ["creditor_id", "next_step_on", "id"])


def downgrade() -> None:
    for table, index in (
        ("cases", "ix_cases_creditor_next"),
        ("cases", "ix_cases_creditor_amount"),
        ("cases", "ix_cases_creditor_due"),
        ("cases", "ix_cases_creditor_status"),
        ("invoices", "ix_invoices_payment_reference"),
        ("debtors", "ix_debtors_creditor_class"),
        ("debtors", "ix_debtors_creditor_name"),
        ("debtors", "ix_debtors_grams"),
    ):
        op.drop_index(index, table_name=table)
    op.drop_column("debtors", "name_in_order")
    op.drop_column("debtors", "search_text")
    op.execute(
        "drop function reda_debtors_like(bigint, text[], bigint), reda_pattern(text),"
        " reda_grams(bigint, text), reda_in_order(text), reda_phone(text), reda_fold(text)"
    )
