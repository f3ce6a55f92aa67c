from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.law import LawError
from portal.law.demand import least_days_demand, missing
from portal.law.fees import fee
from portal.law.reminder import missing as missing_in_reminder
from tests.law import letters
from tests.law.letters import A_DEMAND


def with_value(path, value):
    return letters.with_value(A_DEMAND, path, value)


def without(path):
    return letters.without(A_DEMAND, path)


def fields(content):
    return [problem.field for problem in missing(content)]


def with_cost(kind, ore, **more):
    part = {"kind": kind, "ore": ore, "statute": "lag (1981:739)", **more}
    return {
        **A_DEMAND,
        "parts": [A_DEMAND["parts"][0], part],
        "total_ore": A_DEMAND["parts"][0]["ore"] + ore,
    }


def test_a_complete_demand_lacks_nothing():
    assert missing(A_DEMAND) == []


@pytest.mark.parametrize(
    "path",
    [
        "creditor.name",
        "invoice.number",
        "invoice.due_on",
        "invoice.description",
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
        "parts.3.statute",
        "assignment",
        "object_to",
        "object_by_on",
    ],
)
def test_what_is_left_out_is_named(path):
    assert path in fields(without(path))


@pytest.mark.parametrize("path", ["invoice.description", "object_to"])
def test_what_is_left_blank_is_named(path):
    assert fields(with_value(path, " ")) == [path]


@pytest.mark.parametrize("kind", ["assigned", "pledged"])
def test_a_claim_of_another_s_is_said_to_be_so(kind):
    assert fields(with_value("assignment", {"kind": kind, "by": "Södra Elbolaget AB"})) == []


@pytest.mark.parametrize(
    ("assignment", "lacking"),
    [
        ({}, ["assignment.kind", "assignment.by"]),
        ({"kind": "lent", "by": "Södra Elbolaget AB"}, ["assignment.kind"]),
        ({"kind": "assigned", "by": ""}, ["assignment.by"]),
        ("yes", ["assignment.kind", "assignment.by"]),
    ],
)
def test_an_assignment_that_is_not_clear_is_named(assignment, lacking):
    assert fields(with_value("assignment", assignment)) == lacking


@pytest.mark.parametrize("path", ["pay_by_on", "object_by_on"])
@pytest.mark.parametrize(("day", "is_enough"), [("2026-03-08", True), ("2026-03-07", False)])
def test_there_are_at_least_eight_days_to_pay_or_object(path, day, is_enough):
    assert fields(with_value(path, day)) == ([] if is_enough else [path])


def test_the_shortest_time_is_not_known_before_the_table():
    with pytest.raises(LawError, match="1975-06-04"):
        least_days_demand(date(1975, 6, 4))


def test_a_demand_written_before_the_table_is_named():
    assert "written_on" in fields(with_value("written_on", "1975-06-04"))


@pytest.mark.parametrize(
    ("kind", "cap"),
    [
        ("reminder_fee", 6_000),
        ("demand_fee", 18_000),
        ("plan_fee", 17_000),
        ("late_payment", 45_000),
    ],
)
def test_each_cost_has_its_cap(kind, cap):
    assert fields(with_cost(kind, cap)) == []
    problem = missing(with_cost(kind, cap + 1))[0]
    assert (problem.field, problem.values) == ("parts.1.ore", {"most_ore": cap})


def test_a_cost_charged_under_an_older_rule_has_the_cap_of_its_day():
    content = with_cost("reminder_fee", 6_000, charged_on="2013-03-15")
    (problem,) = missing({**content, "invoice": {**content["invoice"], "due_on": "2013-01-31"}})
    assert problem.values == {"most_ore": 5_000}


def test_compensation_and_fees_are_together_no_more_than_the_law_allows():
    parts = [
        {"kind": "principal", "ore": 100_000},
        {"kind": "reminder_fee", "ore": 6_000, "statute": "lag (1981:739) § 2, § 4"},
        {"kind": "late_payment", "ore": 39_000, "statute": "lag (1981:739) § 4 a"},
    ]
    assert fields({**A_DEMAND, "parts": parts, "total_ore": 145_000}) == []
    parts[2]["ore"] = 39_001
    (problem,) = missing({**A_DEMAND, "parts": parts, "total_ore": 145_001})
    assert (problem.field, problem.values) == ("parts", {"most_ore": 45_000})


def test_compensation_before_there_was_any_is_named():
    content = {**with_cost("late_payment", 45_000), "written_on": "2013-03-15"}
    content["invoice"] = {**content["invoice"], "due_on": "2013-01-31"}
    assert fields(content) == ["parts.1.ore"]


def test_what_the_authority_costs_is_no_part_of_a_demand():
    assert "parts" in fields(with_cost("enforcement", 60_000))


def test_a_demand_fee_is_no_part_of_a_reminder():
    assert [one.field for one in missing_in_reminder(A_DEMAND)] == ["parts"]


words = st.text("aå1-. %", max_size=6)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


@given(path=st.sampled_from([*A_DEMAND, "parts.3", "parts.3.ore"]), value=json_values)
def test_nonsense_is_answered_with_problems_and_never_raises(path, value):
    for problem in missing(with_value(path, value)):
        assert problem.message % problem.values


@st.composite
def demands(draw):
    """Demands that may be right or wrong in each of their sums and days."""
    written_on = draw(st.dates(date(2013, 3, 16), date(2030, 1, 1)))
    parts = [{"kind": "principal", "ore": draw(st.integers(-1, 10**9))}]
    kinds = {"reminder_fee": "reminder", "demand_fee": "demand", "late_payment": "late_payment"}
    for part, kind in kinds.items():
        if draw(st.booleans()):
            most = fee(kind, written_on).amount_ore
            ore = draw(st.integers(0, most + 1) | st.just(most))
            parts.append({"kind": part, "ore": ore, "statute": draw(st.sampled_from(["§ 4", ""]))})
    off = draw(st.sampled_from([0, 0, 0, 1]))
    days = draw(st.integers(7, 12))
    return {
        **A_DEMAND,
        "invoice": {**A_DEMAND["invoice"], "due_on": "2013-01-31"},
        "parts": parts,
        "total_ore": sum(part["ore"] for part in parts) + off,
        "written_on": written_on.isoformat(),
        "pay_by_on": (written_on + timedelta(days=days)).isoformat(),
        "object_by_on": (written_on + timedelta(days=days)).isoformat(),
    }


def test_a_demand_for_nothing_is_refused():
    content = {**A_DEMAND, "parts": [{"kind": "principal", "ore": 0}], "total_ore": 0}
    assert fields(content) == ["total_ore"]


@given(content=demands())
def test_what_is_accepted_states_each_part_and_they_sum_to_the_total(content):
    if missing(content):
        return
    parts = content["parts"]
    assert content["total_ore"] > 0
    assert all(part["ore"] > 0 for part in parts[1:])
    assert all(part["statute"] for part in parts[1:])
    assert sum(part["ore"] for part in parts) == content["total_ore"]
    assert len({part["kind"] for part in parts}) == len(parts)
