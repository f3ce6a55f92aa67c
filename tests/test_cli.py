"""What the people who run the portal write at a prompt."""

import dataclasses
import os
from collections.abc import Iterator
from datetime import date

import fasteners
import psycopg
import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import text

from portal import clock, create_app
from portal.collection import rates
from portal.config import ROOT, Settings
from portal.database import server
from portal.extensions import db
from portal.identity import signatories
from portal.tables import metadata
from tests.factories import a_creditor, an_invoice_of, rules_of

ADD = ("law", "add-reference-rate")
SOURCE = ("--source", "Riksbanken 2029:1")


def address(urls: server.Urls) -> str:
    return urls.owner.set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture
def alone() -> Iterator[None]:
    """Nobody else changes the role meanwhile, which is the whole server's."""
    with fasteners.InterProcessLock(str(ROOT / "var" / "test-template.lock")):
        yield


@pytest.fixture
def fresh(
    settings: Settings, postgres: server.Urls, worker_id: str, alone: None
) -> Iterator[Settings]:
    """Settings that name a database which is not there yet, as its owner alone."""
    name = f"reda_fresh_{os.getpid()}_{worker_id}"
    owner = postgres.owner.set(database=name)
    yield dataclasses.replace(
        settings,
        database_url=owner.render_as_string(hide_password=False),
        app_database_url="",
    )
    with psycopg.connect(address(postgres), autocommit=True) as connection:
        connection.execute(f'drop database if exists "{name}" with (force)')


def prepare(settings: Settings) -> Result:
    """Run `flask database prepare` in an application of its own, as each command does."""
    app = create_app(settings)
    result = app.test_cli_runner().invoke(args=["database", "prepare"])
    with app.app_context():
        db.engine.dispose()
    return result


def tables(settings: Settings) -> set[str]:
    with psycopg.connect(address(server.urls(settings))) as connection:
        rows = connection.execute("select tablename from pg_tables where schemaname = 'public'")
        return {name for (name,) in rows}


def test_preparing_makes_the_database_with_every_table(fresh: Settings) -> None:
    result = prepare(fresh)
    assert result.exit_code == 0, result.output
    assert set(metadata.tables) <= tables(fresh)


def test_preparing_again_changes_nothing(fresh: Settings) -> None:
    prepare(fresh)
    before = tables(fresh)
    result = prepare(fresh)
    assert result.exit_code == 0, result.output
    assert tables(fresh) == before


def test_the_application_works_in_a_prepared_database_behind_its_walls(fresh: Settings) -> None:
    prepare(fresh)
    app = create_app(fresh)
    assert app.test_client().get("/health").text == "ok\n"
    with app.app_context():
        assert db.session.scalar(text("select current_user")) == "reda_app"
        db.session.remove()
        db.engine.dispose()


@pytest.mark.parametrize("password", ["plain", "it's", "a:b", "100%", "%(a)s", r"back\slash"])
def test_the_role_can_have_any_password(postgres: server.Urls, alone: None, password: str) -> None:
    """The role is the whole server's: a password that cannot be written would stop a deployment."""
    app = postgres.owner.set(username=server.APP_ROLE, password=password)
    server.ensure_role(postgres.owner, app)
    with psycopg.connect(address(postgres), autocommit=True) as connection:
        kept = connection.execute(
            "select rolpassword is not null from pg_authid where rolname = 'reda_app'"
        ).fetchone()
        connection.execute("alter role reda_app password null")
    assert kept == (True,)


def add(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=[*ADD, *arguments])


@pytest.mark.parametrize(
    ("written", "rate"), [("2", "2"), ("2.00", "2.00"), ("2,5", "2.5"), ("-0.5", "-0.5")]
)
def test_a_reference_rate_is_added_as_it_was_published(app: Flask, written: str, rate: str) -> None:
    result = add(app, "2029-01-01", written, *SOURCE)
    assert result.exit_code == 0, result.output
    (added,) = rates.added()
    assert (str(added.from_on), f"{added.per_cent.normalize():f}") == (
        "2029-01-01",
        rate.removesuffix(".00"),
    )
    assert added.source == "Riksbanken 2029:1"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("2029-02-01", "2", *SOURCE), "1 January or 1 July"),
        (("2029-01-01", "2.25", *SOURCE), "whole or half per cent"),
        (("2029-01-01", "200", *SOURCE), "whole or half per cent"),
        (("2029-01-01", "2", "--source", " "), "Say where you read the rate"),
        (("2029-01-01", "two", *SOURCE), "Write a number of per cent"),
        (("2029-01-01", "nan", *SOURCE), "Write a number of per cent"),
        (("2029-01-01", "Infinity", *SOURCE), "Write a number of per cent"),
        (("next year", "2", *SOURCE), "does not match the format"),
        (("2029-01-01", "2"), "Missing option '--source'"),
        (("2029-01-01", "2", "--surce", "x"), "Missing option '--source'"),
        (("2024-01-01", "2", *SOURCE), "There is a rate for that half-year already"),
    ],
)
def test_a_rate_that_nobody_can_mean_is_refused(
    app: Flask, arguments: tuple[str, ...], told: str
) -> None:
    result = add(app, *arguments)
    assert result.exit_code != 0
    assert told in result.output
    assert "Traceback" not in result.output
    assert rates.added() == []


def test_a_published_rate_is_not_changed(app: Flask) -> None:
    add(app, "2029-01-01", "2", *SOURCE)
    result = add(app, "2029-01-01", "3", *SOURCE)
    assert "There is a rate for that half-year already" in result.output
    assert [one.per_cent for one in rates.added()] == [2]


def test_a_day_before_one_that_was_run_is_refused_and_nothing_is_booked(app: Flask) -> None:
    ran = app.test_cli_runner().invoke(args=["advance", "--date", "2026-03-10"])
    assert ran.exit_code == 0, ran.output
    creditor = a_creditor()
    rules_of(creditor)
    an_invoice_of(creditor, due_on=date(2026, 2, 1))
    db.session.commit()
    refused = app.test_cli_runner().invoke(args=["advance", "--date", "2026-03-09"])
    assert refused.exit_code == 1
    assert "2026-03-10 has been run already; 2026-03-09 lies before it." in refused.output
    assert "Traceback" not in refused.output
    for table in ("cases", "events", "ledger_entries", "messages"):
        assert db.session.scalar(text(f"select count(*) from {table}")) == 0


BAKERY, EVAS = "556900-0002", "650718-2795"


def seen_by_eva() -> list[str]:
    return list(signatories.register().companies_of("196507182795", clock.today()))


def signatory(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["signatories", *arguments])


def test_who_is_told_to_sign_for_a_company_does(app: Flask) -> None:
    result = signatory(app, "tell", BAKERY, EVAS, "--source", "Certificate of registration")
    assert result.exit_code == 0, result.output
    assert seen_by_eva() == ["5569000002"]


def test_told_once_more_the_last_word_counts(app: Flask) -> None:
    signatory(app, "tell", BAKERY, EVAS, "--source", "one")
    signatory(app, "tell", BAKERY, EVAS, "--from", "2090-01-01", "--source", "two")
    assert seen_by_eva() == []


def test_a_signatory_that_is_ended_is_none_from_today_on(app: Flask) -> None:
    signatory(app, "tell", BAKERY, EVAS, "--source", "one")
    assert signatory(app, "end", BAKERY, EVAS).exit_code == 0
    assert seen_by_eva() == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("tell", EVAS, BAKERY, "--source", "x"), "Write the company's number first"),
        (("tell", BAKERY, "650718-2796", "--source", "x"), "has a wrong digit"),
        (("tell", BAKERY, EVAS), "Missing option '--source'"),
        (("tell", BAKERY, EVAS, "--until", "2020-01-01", "--source", "x"), "before the first"),
        (("end", BAKERY, EVAS), "Nobody has told"),
    ],
)
def test_a_signatory_that_nobody_can_mean_is_refused(
    app: Flask, arguments: tuple[str, ...], told: str
) -> None:
    result = signatory(app, *arguments)
    assert result.exit_code != 0
    assert told in result.output
    assert seen_by_eva() == []
