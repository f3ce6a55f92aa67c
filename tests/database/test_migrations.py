"""Migrations can be undone, with rows in every table, and done again."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade

from portal import ledger
from portal.config import Settings
from portal.database import server
from portal.extensions import db
from portal.payments import reconciling
from tests.conftest import settings_of
from tests.database.test_tenancy import a_tenant
from tests.factories import TODAY, a_case_whose_reminder_left, a_creditor
from tests.payments.bank_money import cleared, debited, ordered, paid_by_bank
from tests.payments.paying_out import an_account

# The database is gone after each test, and so are the connections of the application.
pytestmark = pytest.mark.own_application
# Older ones were undone when they were made, and nobody has rows of before.
FIRST = "0060"
_MADE_OF = """
select 'column', table_name, column_name, data_type, is_nullable, coalesce(column_default, '')
from information_schema.columns where table_schema = 'public'
union all
select 'index', tablename, indexname, indexdef, '', '' from pg_indexes where schemaname = 'public'
union all
select 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', ''
from pg_constraint where connamespace = 'public'::regnamespace
union all
select 'wall', tablename, policyname, qual, coalesce(with_check, ''), roles::text from pg_policies
union all
select 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), '', ''
from pg_trigger where not tgisinternal
union all
select 'function', proname, pg_get_functiondef(oid), coalesce(proacl::text, ''), '', ''
from pg_proc where pronamespace = 'public'::regnamespace and prokind = 'f'
union all
select 'right', table_name, grantee, privilege_type, '', ''
from information_schema.role_table_grants where table_schema = 'public'
"""


@pytest.fixture
def settings(own_database: server.Urls, tmp_path: Path) -> Settings:
    return settings_of(own_database, tmp_path)


@pytest.fixture
def owner(own_database: server.Urls) -> Iterator[psycopg.Connection]:
    url = own_database.owner.set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        yield connection


@pytest.fixture
def seeded(app: Flask, owner: psycopg.Connection) -> None:
    """A database with a row in every table, and money that bank and books both have."""
    a_tenant("One", "196104032898")
    creditor = a_creditor("Two", organisation_number="5590000017")
    paid_by_bank(a_case_whose_reminder_left(creditor), 50_000)
    an_account(creditor)
    payout = ordered(creditor)
    assert payout is not None
    debited(payout, TODAY + timedelta(days=1))
    cleared()
    db.session.remove()


def made_of(owner: psycopg.Connection) -> set[tuple[str, ...]]:
    """What the database is made of, but for the order of columns."""
    return set(owner.execute(_MADE_OF).fetchall())


def rows(owner: psycopg.Connection, tables: set[str]) -> dict[str, int]:
    """How many rows each of some tables has."""
    return {
        one: owner.execute(f'select count(*) from "{one}"').fetchone()[0]  # type: ignore[arg-type, index]
        for one in tables
    }


def tables(owner: psycopg.Connection) -> set[str]:
    found = owner.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
    return {name for (name,) in found} - {"alembic_version"}


def revision(owner: psycopg.Connection) -> str:
    return str(owner.execute("select version_num from alembic_version").fetchone()[0])  # type: ignore[index]


def moved_by_bank() -> list[reconciling.Sums]:
    """What bank and books both have; of other ways the tenant's rows do not fit together."""
    found = reconciling.reconcile(TODAY, TODAY + timedelta(days=1))
    moved = [one for one in found.moves if one.what in ("bankgiro", "payout")]
    assert [(one.bank_ore, one.books_ore) for one in moved] == [
        (50_000, 50_000),
        (-44_000, -44_000),
    ]
    return moved


def test_every_migration_is_undone_and_done_again(seeded: None, owner: psycopg.Connection) -> None:
    # What companies have paid in holds the first one back, as told below.
    owner.execute("delete from statement_payments")
    before, had = made_of(owner), rows(owner, tables(owner))
    moved = moved_by_bank()
    db.session.remove()
    while (now := revision(owner)) >= FIRST:
        downgrade(revision="-1")
        assert revision(owner) < now
    left = tables(owner)
    assert rows(owner, left) == {one: had[one] for one in left}
    upgrade()
    assert made_of(owner) == before
    assert rows(owner, left) == {one: had[one] for one in left}
    assert moved_by_bank() == moved
    cleared()
    assert moved_by_bank() == moved
    assert ledger.are_sums_right()


def test_what_companies_have_paid_in_is_not_forgotten(
    seeded: None, owner: psycopg.Connection
) -> None:
    with pytest.raises(Exception, match="companies have paid statements in"):
        downgrade(revision="0059")
    assert revision(owner) > "0067"
    assert rows(owner, {"statement_payments"}) == {"statement_payments": 1}
