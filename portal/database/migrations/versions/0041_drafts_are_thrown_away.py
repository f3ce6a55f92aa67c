"""A draft's log goes when the draft is thrown away; that of what was sent stays for ever.

Revision: 0041
After: 0040
"""

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("drop trigger only_added_to on envelope_events")
    op.execute(
        "create trigger only_added_to before update on envelope_events"
        " for each row execute function reda_refuse_change()"
    )
    op.execute(
        """
create function reda_refuse_change_of_sent() returns trigger language plpgsql as $$
begin
    if not exists (select from envelopes where id = old.envelope_id and status = 'draft') then
        raise exception 'rows of % are never removed', tg_table_name;
    end if;
    return old;
end $$;
"""
    )
    op.execute(
        "create trigger kept_once_sent before delete on envelope_events"
        " for each row execute function reda_refuse_change_of_sent()"
    )
    op.execute("grant delete on envelope_events to reda_app")


def downgrade() -> None:
    op.execute("revoke delete on envelope_events from reda_app")
    op.execute("drop trigger kept_once_sent on envelope_events")
    op.execute("drop function reda_refuse_change_of_sent()")
    op.execute("drop trigger only_added_to on envelope_events")
    op.execute(
        "create trigger only_added_to before update or delete on envelope_events"
        " for each row execute function reda_refuse_change()"
    )
