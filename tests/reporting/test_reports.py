"""Each report's sums against the ledger, reckoned once more in another way over random worlds."""

import csv
import io
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import select

from portal.collection import cases, owed, plans
from portal.collection.models import Invoice
from portal.extensions import db
from portal.identity.actor import DEBTOR, Actor
from portal.identity.models import Creditor
from portal.ledger import Account
from portal.ledger.models import Entry, Line
from portal.reporting import reports, sheets
from portal.reporting.tables import Row, Table, said
from tests.collection.test_advancing import live
from tests.collection.twins import cases_of, make_twins
from tests.factories import NOW, TODAY, a_creditor

# Made once for all tests of this file: they only read.
KEPT = "world"
DAYS = 50
LAST = TODAY + timedelta(days=DAYS)
CREDITOR = Actor("person", "Eva", role="creditor")


@pytest.fixture(autouse=True)
def english(app: Flask) -> Iterator[None]:
    with force_locale("en"):
        yield


@pytest.fixture
def world(app: Flask) -> Creditor:
    """A company whose cases have lived for weeks, each time others, and another beside it."""
    kept = db.session.scalars(select(Creditor).order_by(Creditor.id)).first()
    if kept is not None:
        return kept
    seed = random.choice((5, 6, 7, 8, 9))
    print("the world is of seed", seed)
    creditor, _ = make_twins(70, seed=seed)
    live(creditor, DAYS, random.Random(seed))
    for case in cases_of(creditor)[::9]:
        if case.closed_on is None and cases.amount_due(case, LAST).principal_ore > 10_000:
            plans.agree(
                cases.lock(case.id), monthly_ore=50_000, first_on=LAST + timedelta(days=20),
                actor=DEBTOR, today=LAST, now=NOW + timedelta(days=DAYS),
            )  # fmt: skip
            db.session.commit()
    return creditor


def tables(creditor: Creditor, name: str, **chosen: str) -> list[tuple[Table, list[Row]]]:
    """A report's tables with all their rows."""
    asked = reports.parameters(reports.KINDS[name], chosen, today=LAST)
    return [(one, list(one.read())) for one in reports.build(creditor.id, asked).tables]


def period(first: date, last: date) -> dict[str, str]:
    return {"from": first.isoformat(), "to": last.isoformat()}


def lines_of(creditor: Creditor) -> Iterator[tuple[Entry, Line]]:
    query = (
        select(Entry, Line)
        .join(Line, Line.entry_id == Entry.id)
        .where(Entry.creditor_id == creditor.id)
        .order_by(Entry.id, Line.id)
    )
    yield from (tuple(row) for row in db.session.execute(query))


def account(creditor: Creditor, name: Account, first: date, last: date) -> int:
    return sum(
        line.amount_ore
        for _, line in lines_of(creditor)
        if line.account == name and first <= line.booked_on <= last
    )


@pytest.mark.parametrize("begins", [0, 20, 45])
def test_the_remittance_statement_is_the_ledgers_account(world: Creditor, begins: int) -> None:
    first = TODAY + timedelta(days=begins)
    ((table, rows),) = tables(world, "remittance", **period(first, LAST))
    before = -account(world, Account.OWED_TO_CREDITOR, date.min, first - timedelta(days=1))
    moved = -account(world, Account.OWED_TO_CREDITOR, first, LAST)
    total = table.total_row("")
    assert total is not None
    assert (rows[0][-1], total[-2], total[-1]) == (before, moved, before + moved)


def test_each_row_of_the_statement_adds_up_and_carries_on(world: Creditor) -> None:
    ((_, rows),) = tables(world, "remittance", **period(TODAY, LAST))
    balance = rows[0][-1]
    for row in rows[1:]:
        received, fees, too_much, principal, interest, owed_ore, after = row[7:]
        assert received == fees + too_much + principal + interest
        assert owed_ore == principal + interest
        balance += owed_ore  # type: ignore[operator]
        assert after == balance
    assert len(rows) > 5


def test_statements_that_follow_each_other_meet(world: Creditor) -> None:
    middle = TODAY + timedelta(days=30)
    ((one, _),) = tables(world, "remittance", **period(TODAY, middle))
    ((_, rows),) = tables(world, "remittance", **period(middle + timedelta(days=1), LAST))
    closing = one.total_row("")
    assert closing is not None
    assert closing[-1] == rows[0][-1]


@pytest.mark.parametrize("days", [0, 33, 400])
@pytest.mark.parametrize("by", ["case", "customer"])
def test_open_claims_are_the_balances_of_the_ledger(world: Creditor, days: int, by: str) -> None:
    on = TODAY + timedelta(days=days)
    ((table, _),) = tables(world, "open-claims", on=on.isoformat(), rows=by)
    total = table.total_row("")
    sums = {
        column.label: 0 if total is None else total[place]
        for place, column in enumerate(table.columns)
    }
    for label, name in (
        ("Principal", Account.PRINCIPAL), ("Interest booked", Account.INTEREST),
        ("Fees", Account.FEES),
    ):  # fmt: skip
        assert sums[label] == account(world, name, date.min, on)
    assert sums["Owed in all"] == owed.sums(on, world.id).total_ore
    ages = [ore for label, ore in sums.items() if "day" in label or label in ("Not due",
            "More than a year")]  # fmt: skip
    assert sum(ages[-7:]) == sums["Owed in all"]


def test_each_open_claim_is_what_its_case_owed(world: Creditor) -> None:
    on = TODAY + timedelta(days=50)
    ((_, rows),) = tables(world, "open-claims", on=on.isoformat(), rows="case")
    told = {row[2]: row[7:12] for row in rows}
    for case in cases_of(world):
        if case.opened_on > on:
            continue
        due = cases.owed_on(case, on)
        if case.reference in told:
            principal, booked, running, fees, total = told[case.reference]
            assert (principal, booked + running, fees, total) == (  # type: ignore[operator]
                due.principal_ore, due.interest_ore, due.fees_ore, due.total_ore,
            )  # fmt: skip
        else:
            assert due.total_ore == 0


def test_what_customers_owe_is_what_their_cases_owe(world: Creditor) -> None:
    by_customer: dict[Any, int] = defaultdict(int)
    for row in tables(world, "open-claims", rows="case")[0][1]:
        by_customer[row[1]] += row[11]  # type: ignore[operator]
    told = {row[1]: row[7] for row in tables(world, "open-claims", rows="customer")[0][1]}
    assert told == by_customer


STEPS = {"from": TODAY.isoformat(), "to": LAST.isoformat()}
FEE_STEPS = {"fee.reminder": "Reminder", "fee.demand": "Demand (inkassokrav)",
             "fee.late_payment": "Demand (inkassokrav)", "fee.plan": "Payment plan"}  # fmt: skip


@dataclass
class Reckoned:
    """Fees by month and step, reckoned one case and one entry at a time."""

    charged: dict[tuple[str, str], int]
    paid: dict[tuple[str, str], int]
    given_up: dict[tuple[str, str], int]


def reckon(creditor: Creditor) -> Reckoned:
    found = Reckoned(defaultdict(int), defaultdict(int), defaultdict(int))
    left: dict[Any, list[list[Any]]] = defaultdict(list)
    of_fees = [one for one in lines_of(creditor) if one[1].account == Account.FEES]
    # What was paid of a fee that then fell pays none.
    counted: dict[str, int] = defaultdict(int)
    for entry, line in of_fees:
        if entry.kind == "payment.counted_anew":
            counted[entry.idempotency_key.split(":", 2)[2]] += line.amount_ore
    for entry, line in of_fees:
        if entry.kind == "payment.counted_anew":
            continue
        month = f"{line.booked_on:%Y-%m}"
        if line.amount_ore > 0:
            step = FEE_STEPS[entry.kind]
            left[line.case_id].append([step, line.amount_ore])
            found.charged[month, step] += line.amount_ore
            continue
        fall = -line.amount_ore - counted[entry.idempotency_key]
        told = found.paid if entry.kind.startswith("payment.") else found.given_up
        for charge in left[line.case_id]:
            part = min(fall, charge[1])
            charge[1] -= part
            fall -= part
            if part and TODAY <= line.booked_on <= LAST:
                told[month, charge[0]] += part
        assert fall == 0
    return found


def steps_of(creditor: Creditor) -> tuple[Table, Mapping[tuple[str, str], Mapping[str, Any]]]:
    ((table, rows),) = tables(creditor, "steps", **STEPS)
    labels = [column.label for column in table.columns]
    return table, {
        (str(row[0]), row[1].message): dict(zip(labels, row, strict=True))  # type: ignore[union-attr]
        for row in rows
    }


@pytest.mark.parametrize(
    ("label", "reckoned"),
    [("Fees charged", "charged"), ("Fees paid", "paid"), ("Fees given up", "given_up")],
)
def test_fees_are_told_at_the_step_that_charged_them(
    world: Creditor, label: str, reckoned: str
) -> None:
    _, told = steps_of(world)
    expected = getattr(reckon(world), reckoned)
    assert {key: row[label] for key, row in told.items() if row[label]} == dict(expected)
    assert expected


def test_what_the_steps_received_is_what_came(world: Creditor) -> None:
    table, _ = steps_of(world)
    total = table.total_row("")
    assert total is not None
    places = {column.label: place for place, column in enumerate(table.columns)}
    assert total[places["Received"]] == account(world, Account.CLIENT_FUNDS, TODAY, LAST)


def test_each_case_comes_to_each_of_its_steps_once_and_closes_at_one(world: Creditor) -> None:
    _, told = steps_of(world)
    ours = cases_of(world)
    assert sum(row["Cases that came in"] for key, row in told.items()
               if key[1] == "Before the reminder") == len(ours)  # fmt: skip
    closed = ("Closed as paid", "Credited or recalled", "Given up or given back")
    # A payment can close a case as of a day before the period.
    assert sum(row[label] for row in told.values() for label in closed) == sum(
        case.closed_on is not None and case.closed_on >= TODAY for case in ours
    )


def behaviour(creditor: Creditor) -> list[tuple[Table, list[Row]]]:
    return tables(creditor, "payment-times", **period(TODAY - timedelta(days=300), LAST))


def test_payment_behaviour_is_what_each_invoice_tells(world: Creditor) -> None:
    """Once more, case by case: the day on which the principal came to nothing by a payment."""
    told: dict[str, list[Any]] = {}
    for case in cases_of(world):
        entries = [
            (entry, line) for entry, line in lines_of(world)
            if line.case_id == case.id and line.account == Account.PRINCIPAL
        ]  # fmt: skip
        falls = [(e, x) for e, x in entries if x.amount_ore < 0]
        if not falls or sum(x.amount_ore for _, x in entries):
            continue
        last = falls[-1][0].kind
        payments = [x.booked_on for e, x in falls if e.kind.startswith("payment.")]
        if not payments or not (last.startswith("payment.") or last == "rest.written_off"):
            continue
        invoice = db.session.get_one(Invoice, case.invoice_id)
        half = f"{'First' if max(payments).month < 7 else 'Second'} half of {max(payments).year}"
        group = "Consumers" if case.debtor.kind == "person" else "Businesses of unknown size"
        sums = told.setdefault(f"{half} {group}", [0, 0, [], [], 0])
        sums[0] += 1
        sums[1] += invoice.amount_ore
        if invoice.issued_on:
            sums[2].append((case.due_on - invoice.issued_on).days)
            sums[3].append((max(payments) - invoice.issued_on).days)
        sums[4] += max(payments) > case.due_on
    rows = behaviour(world)[0][1]
    assert told
    assert {f"{said(row[0])} {said(row[1])}": list(row[2:7]) for row in rows} == {
        key: [sums[0], sums[1], average(sums[2]), average(sums[3]), sums[4]]
        for key, sums in told.items()
    }


def average(days: Sequence[int]) -> Decimal | None:
    return round(Decimal(sum(days)) / len(days) + Decimal("1e-9"), 1) if days else None


def test_by_class_there_are_as_many_invoices_as_by_size(world: Creditor) -> None:
    (by_size, _), (by_class, _), _ = behaviour(world)
    assert by_size.sums == by_class.sums


@pytest.mark.parametrize("name", reports.KINDS)
def test_nothing_of_another_company_is_told(world: Creditor, name: str) -> None:
    nobody = a_creditor()
    for table, rows in tables(nobody, name):
        sums = [value for row in rows for value in row if isinstance(value, int)]
        assert not any(sums), table.title


@pytest.mark.parametrize("name", reports.KINDS)
def test_the_spreadsheets_total_is_the_pages(world: Creditor, name: str) -> None:
    asked = reports.parameters(reports.KINDS[name], {}, today=LAST)
    out = io.BytesIO()
    report = reports.build(world.id, asked)
    sheets.write(report, [sheets.Csv(out, report)])
    lines = list(csv.reader(io.StringIO(out.getvalue().decode("utf-8-sig")), delimiter=";"))
    for table, _ in tables(world, name):
        total = table.total_row("In all")
        if total is not None:
            written = [
                sheets._csv_cell(value, column.kind)
                for value, column in zip(total, table.columns, strict=True)
            ]
            assert written in lines
