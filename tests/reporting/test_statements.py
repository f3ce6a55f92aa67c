"""A payout's remittance statement and voucher: whole, and to the öre."""

import shlex
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pytest
from flask import Flask
from flask_babel import force_locale

from portal import ledger
from portal.companies import charts
from portal.companies.charts import Chart
from portal.extensions import db
from portal.identity.actor import SYSTEM
from portal.identity.models import Creditor
from portal.ledger import Account
from portal.messages import RedaError
from portal.payments.models import Payout
from portal.reporting import statements, vouchers
from portal.reporting.tables import all_rows, said
from tests.factories import NOW, TODAY, a_case_whose_reminder_left, a_creditor, a_debtor_of
from tests.payments.paying_out import an_account, collect, owe, propose, refuse, release, settle
from tests.reporting.conftest import paid


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    creditor = a_creditor()
    an_account(creditor)
    return creditor


def shares_of(payout: Payout) -> dict[str, int]:
    with force_locale("en"):
        return {said(one.label): one.ore for one in statements.shares(payout)}


def test_what_came_is_told_as_principal_and_interest(creditor: Creditor) -> None:
    case = paid(a_case_whose_reminder_left(creditor), 106_548)
    (payout,) = propose(creditor)
    (part,) = statements.parts(payout)
    assert (part.reference, part.invoice_number) == (case.reference, case.invoice.number)
    # Twenty days of interest at 10 per cent; the reminder's fee stays with the service.
    assert (part.principal_ore, part.interest_ore) == (100_000, 548)
    assert part.total_ore == payout.amount_ore == 100_548


def test_what_is_set_off_is_told_by_its_kind(creditor: Creditor) -> None:
    case = a_case_whose_reminder_left(creditor)
    collect(case, 500_00)
    owe(case, 120_00)
    (payout,) = propose(creditor)
    assert shares_of(payout) == {
        "Payment by Swish": 500_00, "Reminder fee that you bear": -120_00
    }  # fmt: skip


def with_commission(creditor: Creditor) -> Payout:
    case = a_case_whose_reminder_left(creditor)
    collect(case, 500_00)
    ledger.post(
        creditor_id=creditor.id, case_id=case.id, kind=ledger.COMMISSION, booked_on=TODAY, key="c",
        lines={
            Account.OWED_BY_CREDITOR: 125_00, Account.COMMISSION_INCOME: -100_00,
            Account.VAT_OWED: -25_00,
        },
        currency="SEK", now=NOW,
    )  # fmt: skip
    db.session.commit()
    (payout,) = propose(creditor)
    return payout


def test_vat_on_what_is_set_off_stands_by_itself(creditor: Creditor) -> None:
    payout = with_commission(creditor)
    assert shares_of(payout) == {
        "Payment by Swish": 500_00, "Commission": -100_00, "VAT on what is set off": -25_00
    }  # fmt: skip
    assert payout.amount_ore == 375_00


def test_what_the_bank_refused_is_told_anew_as_it_was_made_up(creditor: Creditor) -> None:
    case = paid(a_case_whose_reminder_left(creditor), 106_548)
    owe(case, 60_00)
    (first,) = propose(creditor)
    refuse(first)
    paid(a_case_whose_reminder_left(creditor), 50_000, key="B")
    (second,) = propose(creditor)
    assert statements.later(first) == second
    refuse(second)
    (third,) = propose(creditor)
    assert list(statements.earlier(third)) == [first, second]
    assert shares_of(third)["Reminder fee that you bear"] == -60_00
    parts = list(statements.parts(third))
    assert {one.kind for one in parts} == {"payment.swish", "creditor_fee.reminder"}
    assert sum(one.total_ore for one in parts) == third.amount_ore


def test_the_last_row_of_the_cases_is_what_is_paid(creditor: Creditor) -> None:
    owe(paid(a_case_whose_reminder_left(creditor), 106_548), 60_00)
    (payout,) = propose(creditor)
    table = statements.by_case(payout)
    all_rows(table)
    total = table.total_row("In all")
    assert total is not None
    assert total[-1] == payout.amount_ore


def test_a_file_says_that_the_bank_refused_it(creditor: Creditor) -> None:
    collect(a_case_whose_reminder_left(creditor), 500_00)
    (payout,) = propose(creditor)
    refuse(payout)
    notes = [one.message for one in statements.build(payout).notes]
    assert "The bank refused it: nothing was paid, and it is owed again." in notes


@dataclass
class Sie:
    """What a reader of its own finds in a file of type 4."""

    heads: dict[str, list[str]]
    vouchers: list[tuple[list[str], list[list[str]]]]

    def balances(self) -> list[Decimal]:
        return [sum((Decimal(row[2]) for row in rows), Decimal()) for _, rows in self.vouchers]


def read_sie(data: bytes) -> Sie:
    found = Sie({}, [])
    for line in data.decode("cp437").split("\r\n"):
        label, *values = shlex.split(line, comments=False, posix=True) or [""]
        if label == "#VER":
            found.vouchers.append((values, []))
        elif label == "#TRANS":
            found.vouchers[-1][1].append(values)
        elif label.startswith("#"):
            found.heads.setdefault(label, []).append(" ".join(values))
    return found


def sie_of(payout: Payout, chart: Chart = charts.BAS) -> Sie:
    company = db.session.get_one(Creditor, payout.creditor_id)
    voucher = vouchers.of_payout(payout, chart)
    return read_sie(vouchers.write_sie([voucher], company, program="Reda", made_on=TODAY))


def test_a_voucher_balances_and_books_each_case(creditor: Creditor) -> None:
    case = paid(a_case_whose_reminder_left(creditor), 106_548)
    owe(case, 60_00)
    (payout,) = propose(creditor)
    sie = sie_of(settle(payout))
    assert sie.balances() == [0]
    ((head, rows),) = sie.vouchers
    assert head[:3] == ["", "", f"{TODAY:%Y%m%d}"]
    assert [(row[0], row[1], row[2]) for row in rows] == [
        ("1930", "{}", "945.48"), ("1510", "{}", "-1000.00"), ("8313", "{}", "-5.48"),
        ("6062", "{}", "60.00"),
    ]  # fmt: skip
    assert case.invoice.number in rows[1][4]


def test_the_heads_of_the_file_are_those_of_the_format(creditor: Creditor) -> None:
    collect(a_case_whose_reminder_left(creditor), 500_00)
    (payout,) = propose(creditor)
    heads = sie_of(settle(payout)).heads
    assert heads["#FLAGGA"] == ["0"]
    assert heads["#FORMAT"] == ["PC8"]
    assert heads["#SIETYP"] == ["4"]
    assert heads["#FNAMN"] == [creditor.name]
    assert heads["#ORGNR"][0].replace("-", "") == creditor.organisation_number
    assert "1930 Företagskonto/checkkonto/affärskonto" in heads["#KONTO"]


def test_the_companys_own_accounts_are_used_and_not_named(creditor: Creditor) -> None:
    charts.choose(
        creditor.id, Chart("1941", "1511", "8314", "3991", "6590", "2640"), actor=SYSTEM, now=NOW
    )
    (payout,) = [settle(with_commission(creditor))]
    sie = sie_of(payout, charts.of_company(creditor.id))
    assert sie.balances() == [0]
    assert {row[0] for _, rows in sie.vouchers for row in rows} == {"1941", "3991", "6590", "2640"}
    assert "#KONTO" not in sie.heads


def test_names_that_the_code_page_lacks_keep_the_file_whole(creditor: Creditor) -> None:
    debtor = a_debtor_of(creditor, name='Øyvind "Ö" Żółć \\ 北京 {x}\n#VER')
    collect(a_case_whose_reminder_left(creditor, debtor=debtor), 500_00)
    (payout,) = propose(creditor)
    sie = sie_of(settle(payout))
    assert sie.balances() == [0]
    assert len(sie.vouchers) == 1
    assert 'Öyvind "Ö" Zólc / ?? {x} #VER' in sie.vouchers[0][1][1][4].replace("ć", "c")


def test_all_that_is_set_off_is_a_voucher_without_the_bank(creditor: Creditor) -> None:
    case = a_case_whose_reminder_left(creditor)
    collect(case, 120_00)
    owe(case, 120_00)
    (payout,) = propose(creditor)
    sie = sie_of(payout)
    assert sie.balances() == [0]
    assert "1930" not in {row[0] for _, rows in sie.vouchers for row in rows}


@pytest.mark.parametrize("go_on", [release, refuse])
def test_what_is_not_paid_is_not_booked(creditor: Creditor, go_on: object) -> None:
    collect(a_case_whose_reminder_left(creditor), 500_00)
    (payout,) = propose(creditor)
    go_on(payout)  # type: ignore[operator]
    assert not vouchers.is_to_book(payout)
    with pytest.raises(ValueError, match="not to be booked"):
        vouchers.of_payout(payout, charts.BAS)


def test_a_voucher_that_does_not_balance_is_never_written(creditor: Creditor) -> None:
    voucher = vouchers.Voucher(date(2026, 3, 10), "x", [vouchers.Posting("1930", 1)])
    with pytest.raises(ValueError, match="does not balance"):
        vouchers.write_sie([voucher], creditor, program="Reda", made_on=TODAY)


@pytest.mark.parametrize("number", ["", "193", "19300", "0930", "１９３０", "19a0"])
def test_an_account_that_is_none_is_told_at_its_field(creditor: Creditor, number: str) -> None:
    with pytest.raises(RedaError) as told:
        charts.choose(creditor.id, Chart(vat=number), actor=SYSTEM, now=NOW)
    assert told.value.problem.field == "vat"
