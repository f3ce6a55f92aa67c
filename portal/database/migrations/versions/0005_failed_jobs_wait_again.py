"""A job that failed waits again, also when the same one has come to wait meanwhile.

Under one name at most one job waits. Procrastinate would break on that rule when it lets the failed
one wait again, and leave it standing as if it were running for ever. It waits without the name.

Revision: 0005
After: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        create function reda_wait_again() returns trigger language plpgsql as $$ begin
            if exists (
                select from procrastinate_jobs
                where queueing_lock = new.queueing_lock and status = 'todo' and id <> new.id
            ) then
                new.queueing_lock := null;
            end if;
            return new;
        end $$
        """
    )
    op.execute(
        "create trigger reda_wait_again before update of status on procrastinate_jobs for each row"
        " when (old.status = 'doing' and new.status = 'todo' and new.queueing_lock is not null)"
        " execute function reda_wait_again()"
    )


def downgrade() -> None:
    op.execute("drop trigger reda_wait_again on procrastinate_jobs")
    op.execute("drop function reda_wait_again()")
