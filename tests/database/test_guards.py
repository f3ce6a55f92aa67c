"""What the database itself refuses, for all rows that a statement or a transaction adds."""

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from portal.collection import history
from portal.collection.models import Case
from portal.database import server
from portal.extensions import db
from portal.identity.actor import SYSTEM
from tests.factories import NOW, a_case, a_creditor, an_invoice_of

ENTRY = (
    "insert into ledger_entries (creditor_id, case_id, kind, booked_on, created_at,"
    " idempotency_key) values (:creditor, :case, 'x', now(), now(), 'x')"
)
EVENT = (
    "insert into events (creditor_id, case_id, name, occurred_at, actor, data)"
    " values (:creditor, :case, 'x', now(), 'system', '{}')"
)
MESSAGE = (
    "insert into messages (creditor_id, case_id, kind, channel, language, content, status,"
    " attempts, idempotency_key, created_at, due_at) values (:creditor, :case, 'x', 'letter', 'sv',"
    " '{}', 'waiting', 0, 'x', now(), now())"
)


@pytest.mark.parametrize("statement", [ENTRY, EVENT, MESSAGE])
def test_nothing_is_told_of_a_case_as_if_it_were_anothers(app: Flask, statement: str) -> None:
    case, other = a_case(), a_creditor()
    with pytest.raises(DBAPIError, match="another case or creditor"):
        db.session.execute(text(statement), {"creditor": other.id, "case": case.id})


@pytest.mark.parametrize("statement", [ENTRY, EVENT])
def test_nothing_is_told_of_a_creditor_that_there_is_not(app: Flask, statement: str) -> None:
    with pytest.raises(DBAPIError, match="another case or creditor"):
        db.session.execute(text(statement), {"creditor": -1, "case": None})


def test_a_case_is_of_its_invoices_debtor(app: Flask) -> None:
    case, invoice = a_case(), an_invoice_of(a_creditor())
    columns = [column.name for column in Case.__table__.columns if column.name != "id"]
    own = {"invoice_id": str(invoice.id), "serial": "-serial", "reference": "'x'", "ocr": "'x'"}
    with pytest.raises(DBAPIError, match="not of its invoice's debtor and creditor"):
        db.session.execute(
            text(
                f"insert into cases ({', '.join(columns)}) select"
                f" {', '.join(own.get(name, name) for name in columns)} from cases where id = :id"
            ),
            {"id": case.id},
        )


def test_a_case_stays_its_creditors(app: Flask) -> None:
    case = a_case()
    case.creditor_id = a_creditor().id
    with pytest.raises(DBAPIError, match="cases stay whose they are"):
        db.session.flush()


def test_not_even_the_owner_removes_a_case_by_mistake(
    app: Flask, database_urls: server.Urls
) -> None:
    a_case()
    url = database_urls.owner.set(drivername="postgresql").render_as_string(hide_password=False)
    with (
        psycopg.connect(url, autocommit=True) as owner,
        pytest.raises(psycopg.Error, match="cases lose no row"),
    ):
        owner.execute("delete from cases")


def test_an_entry_without_lines_is_found_among_others(app: Flask) -> None:
    case = a_case()
    db.session.execute(text(ENTRY), {"creditor": case.creditor_id, "case": case.id})
    a_case_s_entry_comes_after = text(ENTRY.replace("'x')", "'y') returning id"))
    values = {"creditor": case.creditor_id, "case": case.id}
    entry = db.session.scalar(a_case_s_entry_comes_after, values)
    db.session.execute(
        text(
            "insert into ledger_lines (entry_id, creditor_id, case_id, booked_on, account,"
            " amount_ore, currency) select id, creditor_id, case_id, booked_on, account, ore,"
            " 'SEK' from ledger_entries, (values ('fees', 1), ('fee_income', -1)) x (account, ore)"
            " where id = :entry"
        ),
        {"entry": entry},
    )
    with pytest.raises(DBAPIError, match="has no lines"):
        db.session.commit()


def test_what_is_told_after_a_rollback_to_the_middle_is_linked(app: Flask) -> None:
    case = a_case()
    part = db.session.begin_nested()
    tell(case, "forgotten")
    part.rollback()
    tell(case, "kept")
    db.session.commit()
    assert history.verify(case.creditor_id).events == 2
    assert not history.verify(case.creditor_id).broken


def test_what_is_told_in_parts_of_a_transaction_is_linked(app: Flask) -> None:
    case = a_case()
    for name in ("one", "two"):
        with db.session.begin_nested():
            tell(case, name)
    db.session.commit()
    found = history.verify(case.creditor_id)
    assert (found.events, found.broken) == (3, [])


def tell(case: Case, name: str) -> None:
    history.record(name, creditor_id=case.creditor_id, case_id=case.id, actor=SYSTEM, now=NOW)
    db.session.flush()
