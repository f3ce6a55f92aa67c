"""Rules for many customers at once: pasted, from a spreadsheet, or marked; then undone."""

import io
from datetime import timedelta

import openpyxl
import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select

from portal import clock
from portal.collection import policy, rulebook
from portal.collection.models import BulkRules, Debtor, Event
from portal.extensions import db
from portal.identity.actor import SYSTEM
from portal.identity.models import Creditor
from tests.creditor.conftest import Desk
from tests.factories import (
    NOW,
    TODAY,
    a_case,
    a_creditor_that_signed,
    a_debtor_of,
    an_invoice_of,
)


@pytest.fixture
def customers(creditor: Creditor) -> list[Debtor]:
    """K1 to K4, each with an invoice that waits."""
    found = []
    for number in range(1, 5):
        debtor = a_debtor_of(creditor, customer_number=f"K{number}", name=f"Kund {number}")
        an_invoice_of(creditor, debtor=debtor)
        found.append(debtor)
    db.session.commit()
    return found


def excluded(creditor: Creditor) -> list[str]:
    db.session.expire_all()
    return [
        number
        for number in ("K1", "K2", "K3", "K4", "K9")
        if policy.effective(creditor.id, number).is_excluded
    ]


def preview(desk: Desk, numbers: str = "", **values: object) -> BeautifulSoup:
    return desk.post("customers/many", **{"numbers": numbers, "act": "exclude", **values})


def do(desk: Desk, page: BeautifulSoup, **values: object) -> BeautifulSoup:
    action = page.select_one("form[action*='customers/many/']")["action"]
    return desk.post(action.partition(f"{desk.creditor.key}/")[2], **values)


@pytest.mark.parametrize(
    "text",
    ["K1\nK2", "K1,K2", "K1; K2", "K1\tK2", "K1 K2", " 'K1' \r\n\r\n\"K2\" ", "Kundnr\nK1\nK2"],
)
def test_numbers_are_taken_however_they_are_parted(
    desk: Desk, customers: list[Debtor], text: str
) -> None:
    page = preview(desk, text)
    assert excluded(desk.creditor) == []
    assert "2 customers are changed" in page.get_text()
    do(desk, page)
    assert excluded(desk.creditor) == ["K1", "K2"]


def test_a_number_with_a_space_in_it_is_one_number(desk: Desk) -> None:
    a_debtor_of(desk.creditor, customer_number="A 12")
    db.session.commit()
    do(desk, preview(desk, "A 12 \nK9"))
    assert policy.effective(desk.creditor.id, "A 12").is_excluded


def test_unknown_and_repeated_numbers_are_told_with_their_lines(
    desk: Desk, customers: list[Debtor]
) -> None:
    page = preview(desk, "K1\nK9\nK1")
    assert "K9 line 2" in " ".join(page.select_one(".unknown-numbers").get_text().split())
    row = [" ".join(one.get_text().split()) for one in page.select("tbody tr")[0].select("th, td")]
    assert row == ["3", "Customer number", "K1 is on line 1 already; that line counts."]
    do(desk, page)
    assert excluded(desk.creditor) == ["K1"]


def test_rules_can_wait_for_a_customer_that_has_not_come(
    desk: Desk, customers: list[Debtor]
) -> None:
    do(desk, preview(desk, "K1 K9"), unknown="keep")
    assert excluded(desk.creditor) == ["K1", "K9"]


def test_the_look_tells_what_becomes_of_invoices_and_cases(
    desk: Desk, customers: list[Debtor]
) -> None:
    a_case(desk.creditor, debtor=customers[0])
    rulebook.put_many(
        desk.creditor.id, "customer", ["K3"], {"is_excluded": True}, actor=SYSTEM, today=TODAY,
        now=NOW,
    )  # fmt: skip
    db.session.commit()
    said = " ".join(preview(desk, "K1 K2 K3").get_text().split())
    assert "2 customers are changed" in said
    assert "1 more is so already" in said
    assert "2 invoices become no cases, and would have" in said
    assert "1 case of theirs is open and goes on as it is" in said


def test_a_new_last_day_that_ends_other_rules_too_is_told(
    desk: Desk, customers: list[Debtor]
) -> None:
    rulebook.put_many(
        desk.creditor.id, "customer", ["K1"], {"days_after_due": 20}, actor=SYSTEM, today=TODAY,
        now=NOW,
    )  # fmt: skip
    db.session.commit()
    page = preview(desk, "K1 K2", ends_on=clock.today() + timedelta(days=9))
    assert "1 of them has more rules of its own" in page.get_text()


def test_many_are_one_change_that_is_undone_at_once(desk: Desk, customers: list[Debtor]) -> None:
    page = do(desk, preview(desk, "K1 K2 K3", reason="Campaign"))
    assert "3 customers are changed" in page.get_text()
    event = db.session.scalars(select(Event).where(Event.name == "rules.changed")).one()
    assert len(event.data["changes"]) == 3
    undo = page.select_one("form.notice-act")["action"].partition(f"{desk.creditor.key}/")[2]
    desk.post(undo)
    assert excluded(desk.creditor) == []


def test_what_is_done_twice_is_done_once(desk: Desk, customers: list[Debtor]) -> None:
    page = preview(desk, "K1")
    do(desk, page)
    again = do(desk, page)
    assert "It was so already" in again.get_text()
    assert db.session.query(Event).filter_by(name="rules.changed").count() == 1


def test_rules_are_given_to_many_and_what_is_left_empty_stays(
    desk: Desk, customers: list[Debtor]
) -> None:
    do(desk, preview(desk, "K1", days_after_due="20", act="rules"))
    do(desk, preview(desk, "K1 K2", lowest_ore="200", act="rules"))
    own = rulebook.own(desk.creditor.id, "customer", "K1")
    assert (own["days_after_due"], own["lowest_ore"]) == (20, 20_000)


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"numbers": ""}, "numbers", "at least one customer"),
        ({"act": "rules"}, "act", "at least one rule"),
        ({"ends_on": "2020-01-01"}, "ends_on", "cannot be in the past"),
        ({"act": "rules", "days_after_due": "900"}, "days_after_due", "between 1 and 365"),
        ({"numbers": ",".join(f"A{n}" for n in range(20_001))}, "numbers", "at most"),
        ({"act": "shoot"}, "act", "Choose one of the options"),
    ],
)
def test_what_cannot_be_is_told_at_its_field(
    desk: Desk, customers: list[Debtor], values: dict[str, str], field: str, said: str
) -> None:
    page = desk.post("customers/many", status=422, **{"numbers": "K1", "act": "exclude", **values})
    assert said in page.select_one(f"#{field}-error").get_text()


def upload(
    desk: Desk, content: str | bytes, name: str = "list.csv", **values: object
) -> BeautifulSoup:
    data = content.encode() if isinstance(content, str) else content
    return preview(desk, file=(io.BytesIO(data), name), **{"act": "file", **values})


def test_a_spreadsheet_gives_each_customer_its_own(desk: Desk, customers: list[Debtor]) -> None:
    until = clock.today() + timedelta(days=40)
    page = upload(
        desk,
        "Kundnr;Undantagen;Sista dag;Orsak;Days after the due date;Lägsta belopp\r\n"
        f"K1;ja;{until};Flyttar;;\r\n"
        "K2;;;Stor kund;20;500\r\n",
    )
    do(desk, page)
    one = rulebook.own(desk.creditor.id, "customer", "K1")
    two = rulebook.own(desk.creditor.id, "customer", "K2")
    assert (one["is_excluded"], one["ends_on"], one["reason"]) == (True, until, "Flyttar")
    assert (two["days_after_due"], two["lowest_ore"], two["reason"]) == (20, 50_000, "Stor kund")


def test_bad_rows_are_told_and_good_ones_go_in(desk: Desk, customers: list[Debtor]) -> None:
    page = upload(
        desk,
        "Kundnr;Undantagen;Sista dag;Days after the due date\r\n"
        "K1;ja;;\r\nK2;kanske;;\r\nK3;ja;2020-01-01;\r\n;ja;;\r\nK4;;;400\r\n",
    )
    told = [
        [" ".join(cell.get_text().split()) for cell in row.select("th, td")][:2]
        for row in page.select_one("table").select("tbody tr")
    ]
    assert told == [
        ["3", "Excluded from collection"], ["4", "Last day"], ["5", "Customer number"],
        ["6", "Days after the due date"],
    ]  # fmt: skip
    do(desk, page)
    assert excluded(desk.creditor) == ["K1"]


def test_a_bare_column_of_numbers_is_a_list_too(desk: Desk, customers: list[Debtor]) -> None:
    do(desk, upload(desk, "K1\r\nK2\r\n", act="exclude"))
    assert excluded(desk.creditor) == ["K1", "K2"]


def test_a_file_without_customer_numbers_is_told_at_its_field(desk: Desk) -> None:
    page = desk.post(
        "customers/many", status=422, act="file",
        file=(io.BytesIO(b"Namn;Ort\r\nElla;Umea\r\n"), "list.csv"),
    )  # fmt: skip
    assert "No column holds customer numbers" in page.select_one("#file-error").get_text()


def test_the_own_rules_go_out_and_come_in_again_unchanged(
    desk: Desk, customers: list[Debtor]
) -> None:
    rulebook.put_each(
        desk.creditor.id, "customer",
        {
            "K1": {"is_excluded": True, "reason": "Moving", "ends_on": clock.today()},
            "K2": {"days_after_due": 20, "lowest_ore": 0, "collects_from": "consumers",
                   "may_plan": False, "left_out_types": ["prepayment"], "interest_kind": "none"},
        },
        actor=SYSTEM, today=TODAY, now=NOW,
    )  # fmt: skip
    db.session.commit()
    data = desk.raw("customers/rules.xlsx").data
    assert openpyxl.load_workbook(io.BytesIO(data)).active["A2"].value == "K1"
    page = upload(desk, data, "rules.xlsx")
    assert "2 customers are so already" in page.get_text()
    assert "Rows that are left out" not in page.get_text()


@pytest.mark.parametrize(
    ("which", "expected"),
    [("marked", ["K2"]), ("shown", ["K1", "K2", "K3"]), ("found", ["K1", "K2", "K3", "K4"])],
)
def test_customers_are_marked_in_the_list(
    desk: Desk, customers: list[Debtor], which: str, expected: list[str]
) -> None:
    page = desk.post(
        "customers/many/marked", which=which, q="Kund", mark=customers[1].id,
        shown=[one.id for one in customers[:3]],
    )  # fmt: skip
    of = page.select_one("input[name=of]")["value"]
    do(desk, preview(desk, of=of))
    assert excluded(desk.creditor) == expected


def test_nothing_marked_is_told(desk: Desk, customers: list[Debtor]) -> None:
    page = desk.post("customers/many/marked", back=f"/creditor/{desk.creditor.key}/customers?q=K")
    assert "Mark at least one customer" in page.get_text()
    assert page.select_one("#q")["value"] == "K"


def test_another_companys_customers_cannot_be_marked(desk: Desk) -> None:
    other = a_debtor_of(a_creditor_that_signed("Fjällbäcks Tandvård AB"))
    db.session.commit()
    page = desk.post("customers/many/marked", mark=other.id)
    assert "Mark at least one customer" in page.get_text()


def test_old_choices_are_forgotten(desk: Desk, customers: list[Debtor]) -> None:
    from portal.collection import bulk

    preview(desk, "K1")
    bulk.forget_old(clock.now() + bulk.KEPT + timedelta(minutes=1))
    assert db.session.scalars(select(BulkRules)).all() == []
