"""A connection to the database that is gone is found out before anything is asked of it."""

from collections.abc import Iterator

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from portal.database import server
from portal.extensions import db


@pytest.fixture
def cut_off(app: Flask, database_urls: server.Urls) -> Iterator[int]:
    """The process of a connection that the pool holds and that the database has ended."""
    db.session.remove()
    with db.engine.connect() as connection:
        pid = int(connection.scalar(text("select pg_backend_pid()")))
    owner = database_urls.owner.set(drivername="postgresql")
    with psycopg.connect(owner.render_as_string(hide_password=False), autocommit=True) as ending:
        ending.execute("select pg_terminate_backend(%s, 5000)", [pid])
    yield pid
    # Whatever else the pool held is not left to the next test.
    db.engine.dispose()


def test_one_that_nobody_used_for_a_while_is_replaced(
    cut_off: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_SURE_FOR", 0)
    with db.engine.connect() as connection:
        assert connection.scalar(text("select pg_backend_pid()")) != cut_off
