"""Money out at the desk: what waits, each payout's statement and files, and the settings."""

import csv
import io

import openpyxl
import pytest

from portal.companies import charts
from portal.extensions import db
from portal.identity.actor import Actor
from portal.payments import payouts
from portal.payments.models import Payout
from portal.payments.payouts import Schedule
from tests.creditor.conftest import Desk
from tests.factories import JOHAN, NOW, a_case_whose_reminder_left, a_creditor, a_person_at
from tests.payments.paying_out import an_account, collect, owe, propose, refuse, release, settle
from tests.reporting.conftest import paid

_BANK = Actor("bank")


@pytest.fixture
def money(desk: Desk) -> Desk:
    an_account(desk.creditor)
    return desk


def a_payout(desk: Desk) -> Payout:
    owe(paid(a_case_whose_reminder_left(desk.creditor), 106_548), 60_00)
    (payout,) = propose(desk.creditor)
    return payout


def words(page: object) -> str:
    return " ".join(page.get_text(" ", strip=True).replace("\xa0", " ").split())  # type: ignore[attr-defined]


def test_before_anything_came_the_page_says_so(money: Desk) -> None:
    page = words(money.get("payouts"))
    assert "Nothing waits." in page
    assert "Nothing has been paid out yet" in page


def test_without_an_account_the_page_leads_to_it(desk: Desk) -> None:
    page = desk.get("payouts")
    assert page.select_one("main a[href$='company#card-accounts']") is not None


def test_what_waits_is_told_with_the_day_it_is_paid(money: Desk) -> None:
    collect(a_case_whose_reminder_left(money.creditor), 500_00)
    assert "The next payout is on" in words(money.get("payouts"))


def test_less_than_the_lowest_amount_is_told_so(money: Desk) -> None:
    collect(a_case_whose_reminder_left(money.creditor), 99_99)
    assert "less than your lowest amount" in words(money.get("payouts"))


def test_what_is_put_forward_is_told_so(money: Desk) -> None:
    a_payout(money)
    assert "put forward for payout" in words(money.get("payouts"))


def test_what_came_after_it_was_put_forward_is_told_apart(money: Desk) -> None:
    case = a_case_whose_reminder_left(money.creditor)
    collect(case, 500_00)
    propose(money.creditor)
    collect(case, 20_00)
    page = words(money.get("payouts"))
    assert "SEK 500.00 of it is put forward" in page
    assert "520.00" in page


def test_more_to_set_off_than_is_owed_is_told_so(money: Desk) -> None:
    owe(a_case_whose_reminder_left(money.creditor), 60_00)
    assert "more than what is owed" in words(money.get("payouts"))


def test_a_proposal_is_no_statement_yet(money: Desk) -> None:
    money.get(f"payouts/{a_payout(money).key}", status=404)


def test_a_statement_sums_to_what_was_paid(money: Desk) -> None:
    payout = settle(a_payout(money))
    page = money.get(f"payouts/{payout.key}")
    told = words(page)
    assert "945.48" in words(page.select_one(".sum"))
    assert "Reminder fee that you bear" in told
    (collected, set_off) = page.select("main tbody tr")
    assert collected.select_one("a")["href"].rpartition("/")[2] in told
    assert "1,005.48" in words(collected)
    assert "-60.00" in words(set_off).replace("−", "-")


def test_each_payout_is_listed_with_its_state(money: Desk) -> None:
    refused = refuse(a_payout(money), "AC04 Kontot avslutat")
    assert money.get(f"payouts/{refused.key}").select_one("main .notice a[href*=company]")
    (second,) = propose(money.creditor)
    release(second)
    rows = [words(one) for one in money.get("payouts").select("tbody tr")]
    assert "On its way" in rows[0]
    assert "The account is closed. ( AC04 Kontot avslutat )" in rows[1]
    page = money.get(f"payouts/{refused.key}")
    assert page.select_one(f"main .notice a[href$='{second.key}']") is not None
    again = money.get(f"payouts/{second.key}")
    assert again.select_one(f"main .notice a[href$='{refused.key}']") is not None


def test_who_has_booked_what_came_back_is_told_so(money: Desk) -> None:
    payout = settle(a_payout(money))
    assert "take that back" not in words(money.get(f"payouts/{payout.key}"))
    payout.status, payout.reason = "rejected", "AC06"
    db.session.commit()
    assert "take that back" in words(money.get(f"payouts/{payout.key}"))


def csv_rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig")), delimiter=";"))


def test_the_spreadsheets_sum_to_what_was_paid(money: Desk) -> None:
    payout = settle(a_payout(money))
    rows = csv_rows(money.raw(f"payouts/{payout.key}/statement.csv").data)
    assert rows[-1][-1] == "945,48"
    assert len({len(row) for row in rows}) == 1
    data = money.raw(f"payouts/{payout.key}/statement.xlsx").data
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[2]
    assert [cell.value for cell in sheet[sheet.max_row]][-1] == pytest.approx(945.48)


def test_the_statement_is_a_pdf(money: Desk) -> None:
    payout = settle(a_payout(money))
    answer = money.raw(f"payouts/{payout.key}/statement.pdf")
    assert answer.data.startswith(b"%PDF-")
    assert payout.key in answer.headers["Content-Disposition"]


def test_the_voucher_is_there_once_the_bank_has_paid(money: Desk) -> None:
    payout = release(a_payout(money))
    address = f"payouts/{payout.key}/statement.si"
    assert money.raw(address).status_code == 404
    assert money.get(f"payouts/{payout.key}").select("a[href$='.si']") == []
    payouts.settle(payout, on=payout.released_on, actor=_BANK, now=NOW)  # type: ignore[arg-type]
    db.session.commit()
    assert b"#SIETYP 4\r\n" in money.raw(address).data


def test_many_cases_are_told_page_by_page(money: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.web.payout_statements._PARTS", 1)
    payout = settle(a_payout(money))
    first = money.get(f"payouts/{payout.key}")
    assert "1–2" not in words(first)
    following = first.select_one("a[rel=next]")["href"].partition("?")[2]
    last = money.get(f"payouts/{payout.key}?{following}")
    assert "Reminder fee that you bear" in words(last.select_one("tbody"))
    assert last.select_one("a[rel=next]") is None


def test_another_companys_payout_is_not_there(money: Desk) -> None:
    other = a_creditor("Aspen AB")
    collect(a_case_whose_reminder_left(other), 500_00)
    (payout,) = propose(other)
    settle(payout)
    money.get(f"payouts/{payout.key}", status=404)


def test_a_case_leads_to_the_payout_of_its_money(money: Desk) -> None:
    case = paid(a_case_whose_reminder_left(money.creditor), 106_548)
    (payout,) = propose(money.creditor)
    settle(payout)
    page = money.get(f"cases/{case.reference}/money")
    assert page.select_one(f"a[href$='payouts/{payout.key}']") is not None


def test_a_schedule_is_kept_and_its_effect_told(money: Desk) -> None:
    page = money.post("payouts/settings/schedule", every="week", weekday="2", lowest="1 500,50")
    assert "The next payout is on Tuesday" in words(page)
    assert "once a week (Tuesday)" in words(page)
    assert payouts.schedule_of(money.creditor.id) == Schedule("week", 2, 1_500_50)


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ({"lowest": "hej"}, "lowest"), ({"lowest": "-1"}, "lowest"), ({"lowest": ""}, "lowest"),
        ({"lowest": "99999999"}, "lowest"), ({"every": "year"}, "every"),
        ({"weekday": "7"}, "weekday"),
    ],
)  # fmt: skip
def test_a_schedule_that_is_none_is_told_at_its_field(
    money: Desk, written: dict[str, str], at: str
) -> None:
    values = {"every": "week", "weekday": "2", "lowest": "100"} | written
    page = money.post("payouts/settings/schedule", status=422, **values)
    assert page.select_one(f"#{at}-error") is not None
    assert payouts.schedule_of(money.creditor.id) == payouts.DEFAULT


def test_accounts_of_vouchers_are_kept(money: Desk) -> None:
    values = dict.fromkeys(charts.PARTS, "1941") | {"costs": " 6590 "}
    money.post("payouts/settings/chart", **values)
    assert charts.of_company(money.creditor.id).costs == "6590"


def test_an_account_that_is_none_stays_as_written(money: Desk) -> None:
    values = dict.fromkeys(charts.PARTS, "1941") | {"vat": "26🙂"}
    page = money.post("payouts/settings/chart", status=422, **values)
    assert page.select_one("#vat")["value"] == "26🙂"
    assert "Write the four digits" in words(page.select_one("#vat-error"))
    assert charts.of_company(money.creditor.id) == charts.BAS


def test_only_administrators_are_offered_the_settings(money: Desk, desk_of: object) -> None:
    a_person_at(money.creditor, "viewer", JOHAN)
    viewer: Desk = desk_of(JOHAN)  # type: ignore[operator]
    assert money.get("payouts").select("a[href$='payouts/settings']")
    assert not viewer.get("payouts").select("a[href$='payouts/settings']")
