"""A name is known whichever letters it is written with and whichever of its words comes first.

A bank's file has the letters of Western Europe alone, often capitals, and may have the family's
name first: "WISNIEWSKI MAREK" pays for Marek Wiśniewski. The words are kept, for behind a wall
PostgreSQL uses no index of what a function makes of a name.

Revision: 0073
After: 0072
"""

import sqlalchemy as sa
from alembic import op

revision = "0073"
down_revision = "0072"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        r"""
        create function reda_words(folded text) returns text
        immutable strict parallel safe language sql as $$
            select string_agg(word, ' ' order by word collate "C")
            from regexp_split_to_table(folded, '[\s,.;]+') word where word <> ''
        $$
        """
    )
    op.add_column(
        "debtors",
        sa.Column(
            "name_words", sa.Text(), sa.Computed("reda_words(reda_fold(name))", persisted=True)
        ),
    )
    op.create_index("ix_debtors_name_words", "debtors", ["name_words"])
    op.drop_index("ix_debtors_lower_name", "debtors")


def downgrade() -> None:
    op.create_index("ix_debtors_lower_name", "debtors", [sa.text("lower(name)")])
    op.drop_column("debtors", "name_words")
    op.execute("drop function reda_words(text)")
