"""Each tenant sees its own rows and nobody else's, whoever forgets to ask."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from portal.database import tenancy
from portal.extensions import db
from portal.identity.models import Creditor


def a_creditor(name: str, organisation_number: str) -> Creditor:
    creditor = Creditor(
        key=name.lower(),
        organisation_number=organisation_number,
        name=name,
        address_line="Storgatan 1",
        postcode="11122",
        town="Stockholm",
        created_at=datetime.now(UTC),
    )
    db.session.add(creditor)
    db.session.commit()
    return creditor


def names_seen() -> list[str]:
    return list(db.session.scalars(select(Creditor.name).order_by(Creditor.name)))


def test_the_application_is_not_the_owner_of_its_tables(app: Flask) -> None:
    row = db.session.execute(
        text(
            "select current_user, rolsuper, rolbypassrls from pg_roles where rolname = current_user"
        )
    ).one()
    assert tuple(row) == ("reda_app", False, False)


def test_a_creditor_sees_only_itself(app: Flask) -> None:
    one, _ = a_creditor("One", "5560000001").id, a_creditor("Two", "5560000002")
    with tenancy.creditors([one]):
        assert names_seen() == ["One"]


def test_the_service_sees_everyone(app: Flask) -> None:
    a_creditor("One", "5560000001")
    a_creditor("Two", "5560000002")
    assert names_seen() == ["One", "Two"]


def test_nobody_in_particular_sees_nothing(app: Flask) -> None:
    a_creditor("One", "5560000001")
    with tenancy.creditors([]):
        assert names_seen() == []


def test_a_creditor_cannot_write_for_another(app: Flask) -> None:
    one, two = a_creditor("One", "5560000001").id, a_creditor("Two", "5560000002").id
    insert = text(
        "insert into rules (creditor_id, scope, scope_key, version, changed_at)"
        " values (:id, 'company', '', 1, now())"
    )
    with tenancy.creditors([one]):
        db.session.execute(insert, {"id": one})
    with pytest.raises(DBAPIError, match="row-level security"), tenancy.creditors([one]):
        db.session.execute(insert, {"id": two})


def test_a_scope_ends_with_its_block_also_inside_one_transaction(app: Flask) -> None:
    one = a_creditor("One", "5560000001").id
    a_creditor("Two", "5560000002")
    with tenancy.creditors([one]):
        assert names_seen() == ["One"]
    assert names_seen() == ["One", "Two"]


def test_every_table_of_a_tenant_has_a_wall(app: Flask) -> None:
    open_tables = set(
        db.session.scalars(
            text(
                "select relname from pg_class join pg_namespace n on n.oid = relnamespace"
                " where nspname = 'public' and relkind = 'r' and not relrowsecurity"
                " and relname not like 'procrastinate_%'"
            )
        )
    )
    assert open_tables == {
        "access_attempts",
        "agreement_versions",
        "alembic_version",
        "browser_sessions",
        "reference_rates",
    }
