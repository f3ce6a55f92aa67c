"""Nobody removes an event of an envelope but by throwing a draft away.

Revision: 0042
After: 0041
"""

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("revoke delete on envelope_events from reda_app")
    op.execute(
        """
create function reda_forget_log_of_draft(draft bigint) returns void
language sql security definer set search_path = public as $$
    delete from envelope_events e using envelopes v
    where e.envelope_id = draft and v.id = draft and v.status = 'draft'
      and (reda_is_service() or v.creditor_id = any(reda_creditors()::bigint[]))
$$;
"""
    )
    op.execute("revoke execute on function reda_forget_log_of_draft(bigint) from public")
    op.execute("grant execute on function reda_forget_log_of_draft(bigint) to reda_app")


def downgrade() -> None:
    op.execute("drop function reda_forget_log_of_draft(bigint)")
    op.execute("grant delete on envelope_events to reda_app")
