"""How long documents to sign are kept, and what is left of those that are deleted.

Revision: 0047
After: 0046
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_COMPANYS = "(select reda_is_service()) or creditor_id = any((select reda_creditors())::bigint[])"
# Only what is told of as deleted can be removed, and then all of it.
_FORGET = """
create function reda_forget_envelope(gone bigint) returns void
language plpgsql security definer set search_path = public as $$
begin
    if not exists (
        select from envelopes e join deleted_envelopes d on d.key = e.key
        where e.id = gone and e.status not in ('draft', 'open') and e.hold_reason is null
          and (reda_is_service() or e.creditor_id = any(reda_creditors()::bigint[]))
    ) then
        raise exception 'envelope % is not told of as deleted', gone;
    end if;
    perform set_config('reda.forgets', gone::text, true);
    delete from envelope_events where envelope_id = gone;
    delete from envelope_signatures where envelope_id = gone;
    delete from envelope_signers where envelope_id = gone;
    delete from envelope_files where envelope_id = gone;
    delete from envelopes where id = gone;
    perform set_config('reda.forgets', '', true);
end $$;
"""
_REFUSE = """
create or replace function reda_refuse_change_of_sent() returns trigger language plpgsql as $$
begin
    if current_setting('reda.forgets', true) = old.envelope_id::text then
        return old;
    end if;
    if not exists (select from envelopes where id = old.envelope_id and status = 'draft') then
        raise exception 'rows of % are never removed', tg_table_name;
    end if;
    return old;
end $$;
"""


def _moment(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, _MOMENT, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _creditor(**values: Any) -> sa.Column[int]:
    return sa.Column(
        "creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False, **values
    )


def upgrade() -> None:
    op.add_column("envelopes", sa.Column("deletion_told_on", sa.Date()))
    op.create_index("ix_envelopes_keep_until_on", "envelopes", ["keep_until_on"])
    op.create_table(
        "keeping_rules",
        _creditor(primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(), primary_key=True),
        _number("years", nullable=True),
        _moment("changed_at", nullable=False),
        _text("changed_by"),
    )
    op.create_table(
        "deleted_envelopes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("key", sa.String(), nullable=False, unique=True),
        _creditor(index=True),
        _text("kind"),
        _number("version"),
        _text("status"),
        _moment("created_at", nullable=False),
        _moment("sent_at"),
        _moment("ended_at"),
        _moment("sealed_at"),
        _text("manifest_sha256", nullable=True),
        sa.Column("files", JSONB(), nullable=False),
        sa.Column("signatures", JSONB(), nullable=False),
        _number("events"),
        _text("head_sha256"),
        _number("years", nullable=True),
        sa.Column("keep_until_on", sa.Date()),
        _moment("deleted_at", nullable=False),
        _text("deleted_by"),
        _moment("files_removed_at"),
    )
    for table in ("keeping_rules", "deleted_envelopes"):
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy wall on {table} to reda_app using ({_COMPANYS})")
    op.execute("grant select, insert, update on keeping_rules to reda_app")
    op.execute("grant select, insert on deleted_envelopes to reda_app")
    op.execute("grant update (files_removed_at) on deleted_envelopes to reda_app")
    op.execute(_REFUSE)
    op.execute("drop trigger only_added_to on envelope_signatures")
    op.execute(
        "create trigger only_added_to before update on envelope_signatures"
        " for each row execute function reda_refuse_change()"
    )
    op.execute(
        "create trigger kept_once_sent before delete on envelope_signatures"
        " for each row execute function reda_refuse_change_of_sent()"
    )
    op.execute(_FORGET)
    op.execute("revoke execute on function reda_forget_envelope(bigint) from public")
    op.execute("grant execute on function reda_forget_envelope(bigint) to reda_app")
    op.execute("grant usage on all sequences in schema public to reda_app")


def downgrade() -> None:
    op.execute("drop function reda_forget_envelope(bigint)")
    op.execute("drop trigger kept_once_sent on envelope_signatures")
    op.execute("drop trigger only_added_to on envelope_signatures")
    op.execute(
        "create trigger only_added_to before update or delete on envelope_signatures"
        " for each row execute function reda_refuse_change()"
    )
    op.drop_table("deleted_envelopes")
    op.drop_table("keeping_rules")
    op.drop_index("ix_envelopes_keep_until_on", "envelopes")
    op.drop_column("envelopes", "deletion_told_on")
