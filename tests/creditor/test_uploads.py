"""Files of every kind come in: what is good goes in, what is not is told, nothing is lost."""

import io
import zipfile
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import func, select

from portal import clock
from portal.collection.models import Case, Invoice, Upload
from portal.extensions import db
from portal.identity.models import Creditor
from tests.creditor.conftest import Desk
from tests.sources.factory import PeppolInvoice, a_peppol_invoice

HEAD = "Fakturanr;Kundnr;Kundnamn;Org.nr/Pers.nr;Adress;Postnr;Ort;Förfallodatum;Belopp"


def a_row(
    number: str = "1", *, identity: str = "", overdue: int = 20, amount: str = "100,00",
    name: str = "Gunnel Bergström",
) -> str:  # fmt: skip
    due_on = clock.today() - timedelta(days=overdue)
    return f"{number};K1;{name};{identity};Ängsvägen 7;831 43;Östersund;{due_on};{amount}"


def a_list(*rows: str) -> bytes:
    return "\r\n".join((HEAD, *rows)).encode("cp1252")


def an_overdue_peppol_invoice(number: str) -> PeppolInvoice:
    due_on = clock.today() - timedelta(days=20)
    return a_peppol_invoice(number).with_(
        due_on=due_on.isoformat(), issued_on=(due_on - timedelta(days=30)).isoformat()
    )


def upload(desk: Desk, *given: tuple[str, bytes], status: int = 200) -> BeautifulSoup:
    files = [(io.BytesIO(data), name) for name, data in given]
    return desk.post("invoices/upload", status=status, files=files)


def confirm(desk: Desk, page: BeautifulSoup) -> BeautifulSoup:
    """Confirm the columns as they were guessed."""
    chosen = {
        one["name"]: option["value"]
        for one in page.select("main select")
        if (option := one.select_one("option[selected]"))
    }
    return desk.post(_upload_path("columns"), **chosen)


def take_in(desk: Desk) -> BeautifulSoup:
    return desk.post(_upload_path("import"))


def _upload_path(step: str) -> str:
    newest = db.session.scalars(select(func.max(Upload.id))).one()
    return f"invoices/uploads/{newest}/{step}"


def problems(page: BeautifulSoup) -> list[tuple[str, str]]:
    """Line and what is wrong, of each row left out."""
    return [
        (row.th.get_text(strip=True), row.select("td")[-1].get_text(strip=True))
        for table in page.select("table")
        if "What is wrong" in table.thead.get_text()
        for row in table.select("tbody tr")
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (a_row("2", identity="556000-0160"), "wrong digit"),
        (a_row("2", amount="0"), "nothing to collect"),
        (a_row("2", amount="-5"), "nothing to collect"),
        (a_row("2", overdue=-3), "not overdue"),
        (a_row(number="1"), "already"),
    ],
    ids=["check digit", "nothing", "below nothing", "not due yet", "twice"],
)
def test_a_bad_row_is_told_with_its_line_and_the_good_one_goes_in(
    desk: Desk, row: str, said: str
) -> None:
    page = confirm(desk, upload(desk, ("list.csv", a_list(a_row("1"), row))))
    assert [line for line, _ in problems(page)] == ["3"]
    assert said in problems(page)[0][1]
    take_in(desk)
    assert db.session.scalars(select(Invoice.number)).all() == ["1"]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("photo.png", b"\x89PNG\r\n\x1a\n" + bytes(100), "PNG"),
        ("list.csv", b"", "empty"),
        ("list.pdf", b"%PDF-1.7 " + bytes(100), "PDF"),
        ("list.xlsx", b"PK\x03\x04" + bytes(100), "workbook"),
        ("bomb.xml", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>', "type"),
    ],
    ids=["picture", "empty", "pdf", "broken workbook", "xml bomb"],
)
def test_a_file_that_cannot_be_read_says_why_and_leaves_nothing(
    desk: Desk, name: str, data: bytes, said: str
) -> None:
    files = [(io.BytesIO(data), name)]
    token = desk.get("rules").select_one("input[name=csrf_token]")["value"]
    response = desk.client.post(
        f"/creditor/{desk.creditor.key}/invoices/upload",
        data={"csrf_token": token, "files": files},
        headers={"Accept-Language": "en"},
        follow_redirects=True,
    )
    assert response.status_code in (200, 422)
    assert said in BeautifulSoup(response.text, "html.parser").get_text()
    assert db.session.scalar(select(func.count(Invoice.id))) == 0


def test_no_file_at_all_is_told_at_the_field(desk: Desk) -> None:
    page = upload(desk, ("", b""), status=422)
    assert "Choose a file first." in page.select_one("#files-error").get_text()


def test_a_file_of_more_than_50_mb_is_refused_in_words(desk: Desk) -> None:
    page = upload(desk, ("list.csv", b"a;b\r\n" * 11_000_000), status=422)
    assert "at most 20 MB" in page.select_one("#files-error").get_text()


def test_a_workbook_that_unpacks_without_end_is_refused(desk: Desk) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("[Content_Types].xml", "<Types/>")
        book.writestr("xl/workbook.xml", b"<a>" + b" " * 300_000_000)
    page = upload(desk, ("list.xlsx", packed.getvalue()), status=422)
    assert page.select_one("#files-error")


@pytest.mark.parametrize("name", ["=1+1", "<script>alert(1)</script>", "@SUM(A1)"])
def test_a_formula_or_a_script_in_a_cell_is_text_and_nothing_else(desk: Desk, name: str) -> None:
    page = confirm(desk, upload(desk, ("list.csv", a_list(a_row(name=name)))))
    assert not page.select("main script")
    assert name in page.get_text() or problems(page)


def test_sums_in_two_currencies_are_told_apart(desk: Desk) -> None:
    rows = (f"{HEAD};Valuta", f"{a_row('1')};SEK", f"{a_row('2', amount='20,00')};EUR")
    shown = confirm(desk, upload(desk, ("a.csv", "\r\n".join(rows).encode("cp1252"))))
    assert "€20.00 + SEK" in shown.get_text().replace("\xa0", " ")


def test_the_same_file_twice_changes_nothing(desk: Desk) -> None:
    confirm(desk, upload(desk, ("list.csv", a_list(a_row()))))
    take_in(desk)
    page = upload(desk, ("copy.csv", a_list(a_row())))
    assert "This file was uploaded before. Nothing has changed." in page.get_text()
    assert db.session.scalar(select(func.count(Case.id))) == 1


def test_taking_in_twice_takes_in_once(desk: Desk) -> None:
    confirm(desk, upload(desk, ("list.csv", a_list(a_row()))))
    take_in(desk)
    assert "imported already" in take_in(desk).get_text()
    assert db.session.scalar(select(func.count(Case.id))) == 1


def test_an_invoice_that_comes_in_another_file_too_is_known(desk: Desk) -> None:
    confirm(desk, upload(desk, ("one.csv", a_list(a_row("1")))))
    take_in(desk)
    confirm(desk, upload(desk, ("two.csv", a_list(a_row("1"), a_row("2")))))
    text = take_in(desk).get_text(" ", strip=True)
    assert "New invoices 1" in text
    assert "Here already, left as they were 1" in text


def test_an_invoice_known_with_another_amount_is_left_as_it_was_and_told(desk: Desk) -> None:
    confirm(desk, upload(desk, ("one.csv", a_list(a_row("1")))))
    take_in(desk)
    confirm(desk, upload(desk, ("two.csv", a_list(a_row("1", amount="90,00")))))
    assert "with another amount or due date" in problems(take_in(desk))[0][1]


def test_several_peppol_files_come_in_together(desk: Desk, creditor: Creditor) -> None:
    given = [an_overdue_peppol_invoice(number) for number in ("P1", "P2")]
    own = [one.from_company(creditor.organisation_number) for one in given]
    page = upload(desk, *((f"{one.number}.xml", one.as_xml()) for one in own))
    assert "2 invoices can be taken in" in page.get_text()
    take_in(desk)
    assert set(db.session.scalars(select(Invoice.number))) == {"P1", "P2"}


def test_of_several_peppol_files_the_bad_one_is_named(desk: Desk, creditor: Creditor) -> None:
    good = an_overdue_peppol_invoice("P1").from_company(creditor.organisation_number).as_xml()
    page = upload(desk, ("good.xml", good), ("torn.xml", good[: len(good) // 2]))
    assert [file for file, _ in problems(page)] == ["torn.xml"]
    assert page.find("td", string="good.xml")
    assert [file for file, _ in problems(take_in(desk))] == ["torn.xml"]


def test_an_invoice_of_another_company_is_left_out(desk: Desk) -> None:
    other = an_overdue_peppol_invoice("P1").from_company("5560000167")
    page = upload(desk, ("P1.xml", other.as_xml()))
    assert "was sent by another company" in problems(page)[0][1]


def test_a_needed_column_left_out_is_told_at_its_field(desk: Desk) -> None:
    page = upload(desk, ("list.csv", a_list(a_row())))
    chosen = {
        one["name"]: option["value"]
        for one in page.select("main select")
        if (option := one.select_one("option[selected]")) and one["name"] != "due_on"
    }
    page = desk.post(_upload_path("columns"), status=422, **chosen)
    assert page.select_one("#due_on-error")


def test_the_preview_tells_how_many_are_here_already(desk: Desk) -> None:
    confirm(desk, upload(desk, ("one.csv", a_list(a_row("1"), a_row("2")))))
    take_in(desk)
    page = confirm(desk, upload(desk, ("two.csv", a_list(a_row("1"), a_row("2"), a_row("3")))))
    text = page.get_text(" ", strip=True)
    assert "1 invoice can be taken in" in text
    assert "2 invoices are here already" in text
    assert [row.th.get_text(strip=True) for row in page.select("tbody tr")] == ["3"]


def test_the_preview_of_what_is_here_already_offers_nothing_to_take_in(desk: Desk) -> None:
    confirm(desk, upload(desk, ("one.csv", a_list(a_row("1")))))
    take_in(desk)
    page = confirm(desk, upload(desk, ("two.csv", a_list(a_row("1")) + b"\r\n")))
    text = page.get_text(" ", strip=True)
    assert "1 invoice is here already" in text
    assert "can be taken in" not in text.replace("No invoice can be taken in", "")
    assert "Mend the file" not in text
    assert page.find("form", action=lambda url: url and url.endswith("/import")) is None


def test_the_preview_tells_of_an_invoice_that_is_here_with_another_amount(desk: Desk) -> None:
    confirm(desk, upload(desk, ("one.csv", a_list(a_row("1")))))
    take_in(desk)
    changed = a_list(a_row("1", amount="200,00"))
    page = confirm(desk, upload(desk, ("two.csv", changed)))
    assert "here already with another amount" in problems(page)[0][1]


def test_a_needed_column_that_is_not_chosen_is_asked_for(desk: Desk) -> None:
    upload(desk, ("list.csv", a_list(a_row())))
    page = desk.post(_upload_path("columns"), status=422, number="")
    assert page.select_one("#number-error").get_text(strip=True).endswith("Choose a column.")
