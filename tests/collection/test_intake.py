"""A creditor's file becomes invoices, and invoices become cases, once."""

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal.collection import intake
from portal.collection.models import Case, Debtor, Invoice, Upload
from portal.extensions import db
from portal.identity.actor import SYSTEM
from portal.identity.models import Creditor
from portal.messages import RedaError
from tests.factories import NOW, TODAY, a_creditor, an_invoice_of, rules_of

HEAD = "Fakturanr;Kundnr;Kundnamn;Adress;Postnr;Ort;Fakturadatum;Förfallodatum;Belopp"


def a_file(*rows: str) -> bytes:
    return "\r\n".join((HEAD, *rows, "")).encode("cp1252")


def row(number: str = "1", due: str = "2026-02-01", amount: str = "1 000,00") -> str:
    return f"{number};K{number};Åsa Öberg;Storgatan 1;111 22;Stockholm;2026-01-01;{due};{amount}"


def receive(creditor: Creditor, data: bytes, name: str = "reskontra.csv") -> Upload:
    return intake.receive(creditor.id, [(name, data)], actor=SYSTEM, now=NOW).upload


def import_file(creditor: Creditor, data: bytes) -> intake.Imported:
    upload = receive(creditor, data)
    if upload.status == "mapping":
        intake.map_columns(upload, dict(upload.mapping))
    done = intake.import_upload(upload, actor=SYSTEM, today=TODAY, now=NOW)
    db.session.commit()
    return done


def count(table: type) -> int:
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def test_good_rows_go_in_when_bad_ones_do_not(app: Flask) -> None:
    creditor = a_creditor()
    done = import_file(creditor, a_file(row("1"), row("2", amount="0,00"), row("3")))
    assert (done.new, [problem.line for problem in done.problems]) == (2, [3])


def test_the_same_file_twice_changes_nothing(app: Flask) -> None:
    creditor = a_creditor()
    import_file(creditor, a_file(row("1")))
    again = intake.receive(creditor.id, [("x.csv", a_file(row("1")))], actor=SYSTEM, now=NOW)
    assert again.is_known
    assert intake.import_upload(again.upload, actor=SYSTEM, today=TODAY, now=NOW).new == 0
    assert count(Invoice) == 1


def test_an_invoice_known_from_another_file_is_left_as_it_is(app: Flask) -> None:
    creditor = a_creditor()
    import_file(creditor, a_file(row("1")))
    done = import_file(creditor, a_file(row("1"), row("2")))
    assert (done.new, done.known, list(done.problems)) == (1, 1, [])


def test_a_known_invoice_with_another_amount_is_reported(app: Flask) -> None:
    creditor = a_creditor()
    import_file(creditor, a_file(row("1")))
    done = import_file(creditor, a_file(row("1", amount="2 000,00")))
    assert [problem.field for problem in done.problems] == ["number"]
    assert db.session.scalar(select(Invoice.balance_ore)) == 100_000


def test_rules_decide_at_once_which_invoices_become_cases(app: Flask) -> None:
    creditor = a_creditor()
    rules_of(creditor)
    done = import_file(creditor, a_file(row("1"), row("2", due="2026-03-08")))
    assert (done.new, done.cases, count(Case)) == (2, 1, 1)


def test_invoices_wait_until_somebody_switches_collection_on(app: Flask) -> None:
    creditor = a_creditor()
    import_file(creditor, a_file(row("1")))
    assert count(Case) == 0
    rules_of(creditor)
    assert intake.import_overdue(creditor.id, today=TODAY, now=NOW) == 1


def test_deciding_twice_opens_one_case(app: Flask) -> None:
    creditor = a_creditor()
    rules_of(creditor)
    an_invoice_of(creditor)
    intake.import_overdue(creditor.id, today=TODAY, now=NOW)
    db.session.commit()
    assert intake.import_overdue(creditor.id, today=TODAY, now=NOW) == 0
    assert count(Case) == 1


def test_the_mapping_is_remembered_for_the_next_file_with_these_headings(app: Flask) -> None:
    creditor = a_creditor()
    first = receive(creditor, a_file(row("1")))
    chosen = {**first.mapping, "description": "Kundnamn", "customer_name": "Ort"}
    intake.map_columns(first, {key: value for key, value in chosen.items() if key != "town"})
    second = receive(creditor, a_file(row("2")))
    assert second.mapping["description"] == "Kundnamn"


def test_a_needed_column_that_is_not_chosen_is_told_at_its_field(app: Flask) -> None:
    upload = receive(a_creditor(), a_file(row("1")))
    mapping = {key: value for key, value in upload.mapping.items() if key != "due_on"}
    with pytest.raises(RedaError) as refused:
        intake.map_columns(upload, mapping)
    assert refused.value.problem.field == "due_on"


@pytest.mark.parametrize(
    "given",
    [
        [],
        [("tom.csv", b"")],
        [("bild.csv", b"\x89PNG\r\n\x1a\n" + b"0" * 100)],
        [("stor.csv", b"a;b\n" * 12_500_000)],
        [("a.csv", a_file(row("1"))), ("b.csv", a_file(row("2")))],
    ],
    ids=["nothing", "an empty file", "a picture", "50 MB", "two spreadsheets"],
)
def test_what_cannot_be_read_is_refused_at_the_field(app: Flask, given: list) -> None:
    with pytest.raises(RedaError) as refused:
        intake.receive(a_creditor().id, given, actor=SYSTEM, now=NOW)
    assert refused.value.problem.field == "files"
    assert count(Upload) == 0


def test_an_identity_number_is_encrypted_and_found_by_its_hash(app: Flask) -> None:
    creditor = a_creditor()
    head = HEAD + ";Personnummer"
    data = "\r\n".join((head, row("1") + ";19710101-9052", "")).encode("cp1252")
    import_file(creditor, data)
    debtor = db.session.scalars(select(Debtor)).one()
    stored = db.session.scalar(db.text("select identity_number from debtors"))
    assert debtor.identity_number == "197101019052"
    assert b"197101019052" not in bytes(stored)
    assert debtor.identity_number_hash is not None


def test_the_uploaded_file_is_kept_encrypted(app: Flask, tmp_path: Path) -> None:
    receive(a_creditor(), a_file(row("1")))
    kept = [path for path in (tmp_path / "files").rglob("*") if path.is_file()]
    assert len(kept) == 1
    assert b"Fakturanr" not in kept[0].read_bytes()
