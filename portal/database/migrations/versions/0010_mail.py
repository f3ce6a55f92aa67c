"""Messages by e-mail: to an address, and where they are about no case, of no case or company.

A mail to somebody in the portal is theirs: only the service sees it, not the company's others.

Revision: 0010
After: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_SEEN = (
    "creditor_id = any((select reda_creditors())::bigint[])"
    " or case_id = any((select reda_cases())::bigint[])"
)
_OF_THEIR_CASE = """
create or replace function reda_rows_are_of_their_case() returns trigger language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
begin
    if exists (
        select from added a
            left join cases c on c.id = a.case_id and c.creditor_id = a.creditor_id
            where a.case_id is not null and c.id is null
    ) or exists (
        select from added a left join creditors k on k.id = a.creditor_id
            where a.case_id is null and {of_a_creditor} k.id is null
    ) then
        raise exception '% has a row of another case or creditor than there is', tg_table_name
            using errcode = '23503';
    end if;
    return null;
end $$;
"""


def upgrade() -> None:
    op.add_column("messages", sa.Column("address", sa.String()))
    op.alter_column("messages", "case_id", nullable=True)
    op.alter_column("messages", "creditor_id", nullable=True)
    op.create_check_constraint(
        op.f("ck_messages_channel"),
        "messages",
        "case when channel = 'email' then address is not null"
        " else address is null and case_id is not null and creditor_id is not null end",
    )
    op.execute(_OF_THEIR_CASE.format(of_a_creditor="a.creditor_id is not null and"))
    op.execute("drop policy wall on messages")
    op.execute(
        "create policy wall on messages to reda_app using"
        f" ((select reda_is_service()) or case_id is not null and ({_SEEN}))"
    )


def downgrade() -> None:
    op.execute("delete from messages where channel = 'email'")
    op.execute("drop policy wall on messages")
    op.execute(
        f"create policy wall on messages to reda_app using ((select reda_is_service()) or {_SEEN})"
    )
    op.execute(_OF_THEIR_CASE.format(of_a_creditor=""))
    op.drop_constraint(op.f("ck_messages_channel"), "messages", type_="check")
    op.alter_column("messages", "creditor_id", nullable=False)
    op.alter_column("messages", "case_id", nullable=False)
    op.drop_column("messages", "address")
