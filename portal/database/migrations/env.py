"""Runs the migrations as the database's owner."""

from alembic import context
from flask import current_app
from sqlalchemy import create_engine

from portal.tables import metadata


def _is_ours(name: str | None, kind: str, *_: object) -> bool:
    return not (kind == "table" and (name or "").startswith("procrastinate_"))


def run() -> None:
    engine = create_engine(current_app.extensions["reda_database"].owner)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            include_object=lambda obj, name, kind, *rest: _is_ours(name, kind),
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
