"""Notes and files that a company keeps with a case, behind a wall that no debtor sees over.

What the history tells of them is behind it too: a debtor sees the events of the case alone.

Revision: 0025
After: 0024
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_COMPANYS = "(select reda_is_service()) or creditor_id = any((select reda_creditors())::bigint[])"
_OWN_CASE = "case_id = any((select reda_cases())::bigint[])"


def _columns() -> list[sa.Column[int]]:
    return [
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), primary_key=True),
        sa.Column("creditor_id", sa.BigInteger(), sa.ForeignKey("creditors.id"), nullable=False),
        sa.Column("case_id", sa.BigInteger(), sa.ForeignKey("cases.id"), nullable=False),
    ]


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "case_notes",
        *_columns(),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("mentions", JSONB(), nullable=False),
        sa.Column("written_at", moment, nullable=False),
        sa.Column("changed_at", moment),
        sa.Column("removed_at", moment),
    )
    op.create_table(
        "case_note_versions",
        *_columns(),
        sa.Column("note_id", sa.BigInteger(), sa.ForeignKey("case_notes.id"), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("kept_at", moment, nullable=False),
    )
    op.create_index(op.f("ix_case_note_versions_note_id"), "case_note_versions", ["note_id"])
    op.create_table(
        "case_files",
        *_columns(),
        sa.Column("filename", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("scan", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), sa.ForeignKey("people.id")),
        sa.Column("added_at", moment, nullable=False),
        sa.Column("removed_at", moment),
        sa.Column("removed_by", sa.String()),
    )
    for table in ("case_notes", "case_files"):
        op.create_index(op.f(f"ix_{table}_case_id"), table, ["case_id"])
        op.execute(f"grant select, insert, update on {table} to reda_app")
    op.execute("grant select, insert on case_note_versions to reda_app")
    for table in ("case_notes", "case_note_versions", "case_files"):
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"create policy wall on {table} to reda_app using ({_COMPANYS})")
    op.execute(
        f"alter policy wall on events using ({_COMPANYS} or {_OWN_CASE} and name like 'case.%')"
    )


def downgrade() -> None:
    op.execute(f"alter policy wall on events using ({_COMPANYS} or {_OWN_CASE})")
    for table in ("case_files", "case_note_versions", "case_notes"):
        op.drop_table(table)
