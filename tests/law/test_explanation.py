from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.law import LawError
from portal.law.explanation import (
    explain_fee,
    explain_interest,
    explain_limitation,
    explain_principal,
)
from portal.law.fees import FEES, Charge
from portal.law.interest import REFERENCE_RATES, Movement, RateTable, Terms, accrue
from portal.law.limitation import Interruption, reckon

RATES = RateTable(REFERENCE_RATES)


def accrued(ore, due_on, until, terms):
    return accrue([Movement(due_on, ore)], due_on=due_on, until=until, terms=terms, rates=RATES)


def said(explanation):
    return explanation.what % explanation.values


def test_the_principal_is_what_is_left_of_the_invoice():
    explained = explain_principal(
        177_151, creditor="Elbolaget", invoice_number="F-1", due_on=date(2025, 9, 30)
    )
    assert explained.ore == 177_151
    assert explained.rule is None
    assert said(explained) == (
        "What is left to pay of invoice F-1 from Elbolaget, which was due on 2025-09-30."
    )


def test_a_negative_principal_is_refused():
    with pytest.raises(LawError, match="negative"):
        explain_principal(-1, creditor="E", invoice_number="1", due_on=date(2025, 9, 30))


def test_statutory_interest_says_how_the_rate_is_made_up():
    terms = Terms("statutory")
    first, second = explain_interest(
        accrued(435_050, date(2025, 6, 15), date(2025, 7, 20), terms), terms
    )
    assert (first.from_on, first.to_on) == (date(2025, 6, 16), date(2025, 6, 30))
    assert first.values["reference_per_cent"] == 3
    assert second.values == {
        "per_cent": Decimal(10),
        "principal_ore": 435_050,
        "days": 20,
        "from_on": date(2025, 7, 1),
        "to_on": date(2025, 7, 20),
        "reference_per_cent": Decimal(2),
        "addition_points": Decimal(8),
    }
    assert second.rule == "räntelagen (1975:635) § 6"
    assert first.ore + second.ore == 4_351
    assert "The law sets the rate" in said(second)


def test_agreed_interest_says_that_it_was_agreed():
    terms = Terms("agreed", Decimal(24))
    (explained,) = explain_interest(
        accrued(199_900, date(2026, 1, 31), date(2026, 3, 3), terms), terms
    )
    assert explained.ore == 4_075
    assert explained.rule == "räntelagen (1975:635) § 7"
    assert "you agreed on" in said(explained)


def test_agreed_interest_below_the_law_s_is_not_called_agreed():
    terms = Terms("agreed", Decimal(5))
    (explained,) = explain_interest(
        accrued(199_900, date(2026, 1, 31), date(2026, 3, 3), terms), terms
    )
    assert "you agreed on" not in said(explained)
    assert explained.values["per_cent"] == 10


@given(
    ore=st.integers(1, 10**10),
    due_on=st.dates(date(2002, 6, 30), date(2026, 6, 1)),
    days=st.integers(0, 3000),
    agreed=st.none() | st.decimals(0, 40, places=2),
)
def test_the_periods_explained_sum_to_the_interest(ore, due_on, days, agreed):
    terms = Terms("statutory") if agreed is None else Terms("agreed", agreed)
    until = date.fromordinal(min(due_on.toordinal() + days, RATES.known_through.toordinal()))
    accrual = accrued(ore, due_on, until, terms)
    explained = explain_interest(accrual, terms)
    assert sum(one.ore for one in explained) == accrual.ore
    for one, period in zip(explained, accrual.periods, strict=True):
        assert one.ore >= 0
        assert abs(one.ore - period.exact) <= 1
        assert said(one)


@pytest.mark.parametrize("row", FEES, ids=lambda row: f"{row.kind} {row.from_on}")
def test_every_fee_is_explained_with_its_cap_and_rule(row):
    explained = explain_fee(Charge(row.kind, row.amount_ore, row.statute), on=row.from_on)
    assert str(row.amount_ore) in said(explained)
    assert (explained.ore, explained.rule) == (row.amount_ore, row.statute)
    assert (explained.from_on, explained.to_on) == (row.from_on, row.from_on)


def test_a_reminder_fee_names_the_creditor_whose_agreement_allows_it():
    explained = explain_fee(
        Charge("reminder", 6_000, "lag (1981:739) § 2, § 4"), creditor="Elbolaget"
    )
    assert said(explained) == (
        "Reminder fee. Your agreement with Elbolaget allows it, and the law caps it at 6000."
    )


@pytest.mark.parametrize(
    "charge",
    [
        Charge("reminder", 6_001, "lag (1981:739) § 2, § 4"),
        Charge("reminder", 0, "lag (1981:739) § 2, § 4"),
        Charge("reminder", 6_000, "the terms of sale"),
        Charge("visit", 6_000, "lag (1981:739) § 2, § 4"),
        Charge("reminder", 6_000, "lag (1981:739) § 2, § 4", covered_ore=1),
        Charge("reminder", 6_000, "lag (1981:739) § 2, § 4", covered_ore=-1),
        Charge("enforcement", 59_999, "förordning (1992:1094) § 6", covered_ore=1),
    ],
)
def test_a_fee_that_no_rule_allows_is_not_explained(charge):
    with pytest.raises(LawError, match="No rule"):
        explain_fee(charge)


@pytest.mark.parametrize(
    "row", [row for row in FEES if row.to_on is None and "1981" in row.statute]
)
def test_a_fee_beside_compensation_says_what_of_it_is_covered(row):
    explained = explain_fee(Charge(row.kind, row.amount_ore - 4_000, row.statute, 4_000))
    assert explained.values == {"most_ore": row.amount_ore, "covered_ore": 4_000}
    assert "4000" in said(explained)


def test_a_fee_beside_compensation_names_both_rules():
    explained = explain_fee(Charge("plan", 13_000, "lag (1981:739) § 3 p. 2, § 4", 4_000))
    assert explained.rule == "lag (1981:739) § 3 p. 2, § 4, § 4 a"


def test_compensation_after_fees_names_its_rule_once():
    explained = explain_fee(Charge("late_payment", 21_000, "lag (1981:739) § 4 a", 24_000))
    assert explained.rule == "lag (1981:739) § 4 a"


def test_the_limitation_says_its_day_and_what_it_is_counted_from():
    limitation = reckon(
        date(2023, 5, 10),
        is_consumer=True,
        interruptions=[Interruption("reminded", date(2025, 2, 1))],
    )
    explained = explain_limitation(limitation)
    assert said(explained) == (
        "The claim is limited on 2028-02-02 and may not be demanded from then on, unless the "
        "limitation is interrupted before. Counted from 2025-02-01. Years counted: 3."
    )
    assert (explained.from_on, explained.to_on) == (date(2025, 2, 1), date(2028, 2, 1))
    assert explained.rule == "preskriptionslagen (1981:130) § 2 andra stycket"


def test_a_limitation_that_waits_for_legal_action_says_so():
    limitation = reckon(
        date(2023, 5, 10),
        is_consumer=False,
        interruptions=[Interruption("legal_action", date(2025, 2, 1))],
    )
    explained = explain_limitation(limitation)
    assert "while legal action goes on" in said(explained)
    assert explained.to_on is None
