"""The tax of a statement in another currency is told in kronor, by a rate that was published."""

from datetime import date
from decimal import Decimal

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from portal.collection.models import Case
from portal.extensions import db
from portal.identity.models import Creditor
from portal.law import vat
from portal.messages import RedaError
from portal.payments import exchange_rates, statements
from portal.payments.models import ServiceStatement
from portal.reporting import charges
from tests.delivery.pdf import Pdf
from tests.factories import NOW, a_creditor
from tests.payments.charging import OPERATOR, a_price, a_rate, a_watched_case, pay

MARCH = date(2026, 3, 31)
APRIL_FIRST = date(2026, 4, 1)


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    a_price()
    return a_creditor()


@pytest.fixture
def case(creditor: Creditor) -> Case:
    """One in euro, of which commission is charged."""
    case = a_watched_case(creditor, currency="EUR")
    pay(case, 500_00)
    return case


def make(creditor: Creditor, today: date = APRIL_FIRST) -> list[ServiceStatement]:
    made = statements.make_due(creditor.id, today=today, now=NOW)
    db.session.commit()
    return made


def tell(rate: str = "11,2345", source: str = "Europeiska centralbanken") -> None:
    (one,) = exchange_rates.wanted()
    exchange_rates.tell(one.currency, one.on_day, rate, source, actor=OPERATOR, now=NOW)
    db.session.commit()


def test_a_statement_waits_for_its_rate_and_the_operator_is_asked(
    creditor: Creditor, case: Case
) -> None:
    for _ in range(2):
        assert make(creditor) == []
    (asked,) = exchange_rates.wanted()
    assert (asked.currency, asked.on_day, exchange_rates.count_wanted()) == ("EUR", MARCH, 1)
    assert make(creditor, date(2026, 5, 4)) == []


def test_a_statement_that_waited_is_made_with_its_rate(creditor: Creditor, case: Case) -> None:
    make(creditor)
    tell()
    assert exchange_rates.wanted() == []
    (made,) = make(creditor)
    told = made.content["in_kronor"]
    kronor = int((made.vat_ore * Decimal("11.2345")).to_integral_value())
    assert abs(told["vat_ore"] - kronor) <= 1
    assert (told["rate"], told["on"]) == ("11.2345", "2026-03-31")
    assert told["source"] == "Europeiska centralbanken"


def test_what_waits_is_made_when_the_rate_is_told(creditor: Creditor, case: Case) -> None:
    make(creditor)
    tell()
    assert exchange_rates.JOB in queue_names()


def queue_names() -> list[str]:
    """The jobs that wait."""
    names = db.session.execute(
        text("select task_name from procrastinate_jobs where status = 'todo'")
    )
    return [name for (name,) in names]


def test_a_statement_in_kronor_needs_no_rate(creditor: Creditor) -> None:
    pay(a_watched_case(creditor), 500_00)
    (made,) = make(creditor)
    assert "in_kronor" not in made.content
    assert exchange_rates.wanted() == []


def test_a_month_that_ends_on_a_weekend_has_the_rate_of_the_last_banking_day() -> None:
    assert vat.exchange_day(date(2026, 5, 31)) == date(2026, 5, 29)
    assert vat.exchange_day(MARCH) == MARCH


@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_invoice_says_the_tax_in_kronor(
    app: Flask, creditor: Creditor, case: Case, language: str
) -> None:
    a_rate()
    (made,) = make(creditor)
    with app.test_request_context():
        said = Pdf(charges.render(made, language=language)).text(1)
    assert ("11,2345" if language == "sv" else "11.2345") in said
    assert "Europeiska centralbanken" in said


@pytest.mark.parametrize(
    ("rate", "source", "field"),
    [
        ("", "ECB", "rate"), ("elva", "ECB", "rate"), ("0", "ECB", "rate"), ("-11", "ECB", "rate"),
        ("1123,45", "ECB", "rate"), ("11,2345678", "ECB", "rate"), ("1e1", "ECB", "rate"),
        ("101", "ECB", "rate"), ("11,2", " ", "source"), ("11,2", "x" * 201, "source"),
    ],
)  # fmt: skip
def test_a_rate_that_nobody_could_mean_is_told_at_its_field(
    creditor: Creditor, case: Case, rate: str, source: str, field: str
) -> None:
    make(creditor)
    with pytest.raises(RedaError) as refused:
        tell(rate, source)
    assert refused.value.problem.field == field


def test_a_rate_is_told_once(creditor: Creditor, case: Case) -> None:
    make(creditor)
    tell()
    with pytest.raises(exchange_rates.AlreadyTold):
        exchange_rates.tell("EUR", MARCH, "12", "ECB", actor=OPERATOR, now=NOW)
    assert exchange_rates.told()[0].rate == Decimal("11.2345")


@given(st.integers(-(10**9), 10**9), st.decimals("0.01", "100", places=4))
def test_the_tax_in_kronor_is_exact_to_half_an_ore(ore: int, rate: Decimal) -> None:
    assert abs(vat.in_kronor(ore, rate) - ore * rate) <= Decimal("0.5")
