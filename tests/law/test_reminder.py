from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.law import LawError
from portal.law.interest import REFERENCE_RATES, Movement, RateTable, Terms, accrue
from portal.law.reminder import least_days_reminder, missing
from tests.law import letters
from tests.law.letters import A_REMINDER as LAWFUL


def with_value(path, value):
    return letters.with_value(LAWFUL, path, value)


def without(path):
    return letters.without(LAWFUL, path)


def fields(content):
    return [problem.field for problem in missing(content)]


def test_a_complete_reminder_lacks_nothing():
    assert missing(LAWFUL) == []


def test_a_reminder_without_interest_and_fee_lacks_nothing():
    content = with_value("parts", [{"kind": "principal", "ore": 100_000}])
    assert missing({**content, "total_ore": 100_000}) == []


@pytest.mark.parametrize(
    "path",
    [
        "creditor.name",
        "invoice.number",
        "invoice.due_on",
        "currency",
        "account.kind",
        "account.number",
        "ocr",
        "written_on",
        "pay_by_on",
        "total_ore",
        "parts.0.ore",
        "parts.1.periods",
        "parts.2.statute",
    ],
)
def test_what_is_left_out_is_named(path):
    assert path in fields(without(path))


@pytest.mark.parametrize("path", ["creditor.name", "invoice.number", "ocr", "account.number"])
def test_what_is_left_blank_is_named(path):
    assert fields(with_value(path, "  ")) == [path]


@pytest.mark.parametrize("key", ["from_on", "to_on", "days", "principal_ore", "per_cent"])
def test_a_period_of_interest_states_days_rate_and_principal(key):
    assert fields(without(f"parts.1.periods.0.{key}")) == ["parts.1.periods.0"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("days", 27),
        ("days", True),
        ("principal_ore", 0),
        ("principal_ore", 100.0),
        ("per_cent", "ten"),
        ("per_cent", "-1"),
        ("per_cent", "NaN"),
        ("per_cent", 10.0),
        ("from_on", "1 February"),
        ("to_on", "2026-01-01"),
    ],
)
def test_a_period_that_cannot_be_right_is_named(key, value):
    assert fields(with_value(f"parts.1.periods.0.{key}", value)) == ["parts.1.periods.0"]


def test_an_interest_without_periods_is_not_explained():
    assert fields(with_value("parts.1.periods", [])) == ["parts.1.periods"]


def test_an_interest_of_more_than_its_periods_is_named():
    content = with_value("parts.1.ore", 768)
    assert fields({**content, "total_ore": 106_768}) == ["parts.1.ore"]


def test_an_interest_that_is_partly_paid_is_less_than_its_periods():
    content = with_value("parts.1.ore", 700)
    assert fields({**content, "total_ore": 106_700}) == []


def test_a_total_that_is_not_the_sum_is_named():
    assert fields(with_value("total_ore", 106_768)) == ["total_ore"]


def test_a_total_in_floating_point_is_named():
    assert fields(with_value("total_ore", 106_767.0)) == ["total_ore"]


def test_a_reminder_states_the_principal():
    content = without("parts.0")
    assert fields({**content, "total_ore": 6_767}) == ["parts"]


def test_a_part_is_stated_once():
    content = with_value("parts", [LAWFUL["parts"][0], LAWFUL["parts"][0]])
    assert fields({**content, "total_ore": 200_000}) == ["parts"]


@pytest.mark.parametrize("part", [{"kind": "visit", "ore": 100}, "a visit", {"ore": 100}])
def test_a_part_that_is_no_part_of_a_claim_is_named(part):
    content = with_value("parts", [LAWFUL["parts"][0], part])
    assert "parts" in fields({**content, "total_ore": 100_100})


def test_parts_that_are_no_list_are_named():
    assert "parts" in fields(with_value("parts", "all of it"))


@pytest.mark.parametrize("ore", [-1, True, "100000", None])
def test_the_principal_is_stated_in_whole_ore(ore):
    assert "parts.0.ore" in fields(with_value("parts.0.ore", ore))


def test_a_principal_that_is_paid_is_stated_as_nothing():
    assert "parts.0.ore" not in fields(with_value("parts.0.ore", 0))


@pytest.mark.parametrize("ore", [0, -1, True, "6000", None])
def test_a_cost_is_stated_in_whole_ore_above_nought(ore):
    assert "parts.2.ore" in fields(with_value("parts.2.ore", ore))


def test_a_fee_over_the_cap_is_named_with_the_cap():
    content = {**with_value("parts.2.ore", 6_001), "total_ore": 106_768}
    (problem,) = missing(content)
    assert (problem.field, problem.values) == ("parts.2.ore", {"most_ore": 6_000})


def test_a_fee_on_a_day_before_the_table_is_named():
    content = {**with_value("written_on", "2003-06-30"), "pay_by_on": "2003-07-30"}
    assert "parts.2.ore" in fields(content)


@pytest.mark.parametrize(
    ("pay_by_on", "lacking"), [("2026-03-08", []), ("2026-03-07", ["pay_by_on"])]
)
def test_there_are_at_least_eight_days_to_pay(pay_by_on, lacking):
    assert fields(with_value("pay_by_on", pay_by_on)) == lacking


def test_the_last_day_there_is_does_not_break_the_check():
    assert fields(with_value("written_on", "9999-12-31")) == ["pay_by_on"]


def test_a_claim_that_is_not_late_is_not_reminded_of():
    assert fields(with_value("invoice.due_on", "2026-02-28")) == ["written_on"]


def test_the_shortest_time_to_pay_is_not_known_before_the_table():
    with pytest.raises(LawError, match="1975-06-04"):
        least_days_reminder(date(1975, 6, 4))
    assert "written_on" in fields(with_value("written_on", "1975-06-04"))


words = st.text("aå1-. %", max_size=6)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
paths = st.sampled_from(
    [
        "creditor", "creditor.name", "invoice", "invoice.due_on", "parts", "parts.0", "parts.0.ore",
        "parts.1.kind", "parts.1.ore", "parts.1.periods", "parts.1.periods.0",
        "parts.1.periods.0.days", "parts.1.periods.0.per_cent", "parts.2.statute", "total_ore",
        "account", "written_on", "pay_by_on",
    ]
)  # fmt: skip


@given(path=paths, value=json_values)
def test_nonsense_is_answered_with_problems_and_never_raises(path, value):
    for problem in missing(with_value(path, value)):
        assert problem.message % problem.values


@given(st.dictionaries(st.sampled_from(list(LAWFUL)), json_values))
def test_a_reminder_of_nonsense_is_never_complete(content):
    assert missing(content)


@given(
    ore=st.integers(10_000, 10**9),
    due_on=st.dates(date(2013, 3, 16), date(2026, 5, 1)),
    payments=st.lists(st.tuples(st.integers(1, 500), st.integers(1, 2_000)), max_size=3),
    days=st.integers(1, 800),
)
def test_interest_as_it_is_accrued_is_stated_as_it_must_be(ore, due_on, payments, days):
    until = min(date.fromordinal(due_on.toordinal() + days), date(2026, 6, 30))
    movements = [Movement(due_on, ore)] + [
        Movement(date.fromordinal(due_on.toordinal() + after), -paid) for after, paid in payments
    ]
    accrual = accrue(
        movements,
        due_on=due_on,
        until=until,
        terms=Terms("agreed", Decimal("24")),
        rates=RateTable(REFERENCE_RATES),
    )
    left = sum(movement.ore for movement in movements)
    content = {
        **LAWFUL,
        "invoice": {**LAWFUL["invoice"], "due_on": due_on.isoformat()},
        "parts": [
            {"kind": "principal", "ore": left},
            {
                "kind": "interest",
                "ore": accrual.ore,
                "periods": [
                    {
                        "from_on": one.from_on.isoformat(),
                        "to_on": one.to_on.isoformat(),
                        "days": one.days,
                        "principal_ore": one.principal_ore,
                        "per_cent": str(one.per_cent),
                    }
                    for one in accrual.periods
                ],
            },
        ],
        "total_ore": left + accrual.ore,
        "written_on": until.isoformat(),
        "pay_by_on": date.fromordinal(until.toordinal() + 10).isoformat(),
    }
    assert missing(content) == []
