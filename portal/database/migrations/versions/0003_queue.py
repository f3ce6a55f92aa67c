"""The job queue's own tables, as Procrastinate ships them.

Revision: 0003
After: 0002
"""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The driver would take the schema's own per cent signs for parameters.
    op.get_bind().connection.cursor().execute(SchemaManager.get_schema())
    op.execute(
        """
        do $$ declare one record; begin
            for one in select tablename from pg_tables
                where schemaname = 'public' and tablename like 'procrastinate_%' loop
                execute format(
                    'grant select, insert, update, delete on %I to reda_app', one.tablename);
            end loop;
        end $$
        """
    )
    op.execute("grant usage on all sequences in schema public to reda_app")


def downgrade() -> None:
    op.execute(
        "drop table procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs,"
        " procrastinate_workers cascade"
    )
    op.execute(
        """
        do $$ declare one record; begin
            for one in select oid::regprocedure as name from pg_proc
                where proname like 'procrastinate_%' loop
                execute 'drop function ' || one.name || ' cascade';
            end loop;
        end $$
        """
    )
    op.execute(
        "drop type procrastinate_job_to_defer_v1, procrastinate_job_event_type,"
        " procrastinate_job_status"
    )
