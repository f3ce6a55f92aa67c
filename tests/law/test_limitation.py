from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.law import LawError
from portal.law.limitation import KINDS, Interruption, limited_on, period, reckon


def day(text):
    return date.fromisoformat(text)


def limited(arose, *interruptions, is_consumer=True):
    return limited_on(day(arose), is_consumer=is_consumer, interruptions=interruptions)


@pytest.mark.parametrize(
    ("arose", "is_consumer", "expected"),
    [
        ("2023-05-10", True, "2026-05-11"),
        ("2023-05-10", False, "2033-05-11"),
        # The last day is the month's last, where the year has no 29 February.
        ("2024-02-29", True, "2027-03-01"),
        ("2021-02-28", True, "2024-02-29"),
        ("2022-12-31", True, "2026-01-01"),
    ],
)
def test_a_claim_is_limited_the_day_after_its_period(arose, is_consumer, expected):
    assert limited(arose, is_consumer=is_consumer) == day(expected)


def test_a_claim_is_limited_on_its_day_and_not_the_day_before():
    limitation = reckon(day("2023-05-10"), is_consumer=True)
    assert limitation.is_limited(day("2026-05-11"))
    assert not limitation.is_limited(day("2026-05-10"))


def test_the_warning_comes_a_hundred_and_eighty_days_ahead():
    assert reckon(day("2023-05-10"), is_consumer=True).warn_on == day("2025-11-12")


@pytest.mark.parametrize("kind", ["acknowledged", "reminded"])
def test_an_interruption_starts_a_new_period_from_its_day(kind):
    assert limited("2023-05-10", Interruption(kind, day("2025-02-01"))) == day("2028-02-02")


def test_the_last_day_of_the_period_is_in_time():
    last = Interruption("reminded", day("2026-05-10"))
    assert limited("2023-05-10", last) == day("2029-05-11")


def test_legal_action_starts_a_new_period_from_its_end():
    action = Interruption("legal_action", day("2025-02-01"), ended_on=day("2025-09-15"))
    assert limited("2023-05-10", action) == day("2028-09-16")


def test_no_period_runs_while_legal_action_goes_on():
    limitation = reckon(
        day("2023-05-10"),
        is_consumer=True,
        interruptions=[Interruption("legal_action", day("2025-02-01"))],
    )
    assert (limitation.limited_on, limitation.warn_on) == (None, None)
    assert not limitation.is_limited(day("2050-01-01"))


def test_a_reminder_in_the_midst_of_legal_action_does_not_shorten_it():
    action = Interruption("legal_action", day("2025-02-01"), ended_on=day("2029-09-15"))
    reminder = Interruption("reminded", day("2029-01-01"))
    assert limited("2023-05-10", action, reminder) == day("2032-09-16")


def test_interruptions_may_be_given_in_any_order():
    first = Interruption("reminded", day("2026-01-01"))
    second = Interruption("acknowledged", day("2028-06-01"))
    assert limited("2023-05-10", second, first) == day("2031-06-02")


def told(*interruptions):
    limitation = reckon(day("2023-05-10"), is_consumer=True, interruptions=interruptions)
    assert limitation.limited_on == day("2026-05-11")
    (problem,) = limitation.problems
    return problem


def test_an_interruption_before_the_claim_arose_does_nothing_and_is_told():
    problem = told(Interruption("reminded", day("2023-05-09")))
    assert problem.message % problem.values == (
        "What happened on 2023-05-09 came before the claim arose, and interrupts nothing."
    )
    assert problem.field == "interruptions.0"


def test_an_interruption_after_the_claim_was_limited_does_nothing_and_is_told():
    problem = told(Interruption("acknowledged", day("2026-05-11")))
    assert "after the claim was limited" in problem.message


def test_legal_action_that_the_debtor_was_not_told_of_does_nothing_and_is_told():
    problem = told(
        Interruption("legal_action", day("2025-01-01"), day("2025-06-01"), is_told=False)
    )
    assert "without the debtor being told" in problem.message


@pytest.mark.parametrize(
    "interruption",
    [
        Interruption("telephoned", date(2025, 1, 1)),
        Interruption("reminded", date(2025, 1, 1), ended_on=date(2025, 2, 1)),
        Interruption("reminded", date(2025, 1, 1), is_told=False),
        Interruption("legal_action", date(2025, 1, 2), ended_on=date(2025, 1, 1)),
    ],
)
def test_an_interruption_that_cannot_be_is_refused(interruption):
    with pytest.raises(LawError):
        limited("2023-05-10", interruption)


def test_a_claim_before_the_act_is_refused():
    with pytest.raises(LawError, match="1981-12-31"):
        period(day("1981-12-31"), is_consumer=True)


def test_a_claim_at_the_end_of_time_is_refused():
    with pytest.raises(LawError, match="9998-01-01"):
        limited("9998-01-01")


days = st.dates(date(1982, 1, 1), date(2100, 1, 1))


@st.composite
def interruptions(draw):
    kind, on = draw(st.sampled_from(KINDS)), draw(days)
    if kind != "legal_action":
        return Interruption(kind, on)
    ended_on = draw(st.none() | st.integers(0, 3000).map(lambda n: on + timedelta(n)))
    return Interruption(kind, on, ended_on, is_told=draw(st.booleans()))


@given(
    arose_on=days,
    is_consumer=st.booleans(),
    history=st.lists(interruptions(), max_size=6),
    one=interruptions(),
    place=st.integers(0, 6),
)
def test_limitation_never_moves_backwards_by_an_interruption(
    arose_on, is_consumer, history, one, place
):
    without = limited_on(arose_on, is_consumer=is_consumer, interruptions=history)
    more = [*history[:place], one, *history[place:]]
    with_it = limited_on(arose_on, is_consumer=is_consumer, interruptions=more)
    assert with_it is None or (without is not None and with_it >= without)


@given(arose_on=days, is_consumer=st.booleans(), history=st.lists(interruptions(), max_size=6))
def test_a_claim_is_never_limited_before_its_own_period(arose_on, is_consumer, history):
    limitation = reckon(arose_on, is_consumer=is_consumer, interruptions=history)
    assert limitation.runs_from_on >= arose_on
    if limitation.limited_on is not None:
        years = 3 if is_consumer else 10
        assert limitation.limited_on.year >= limitation.runs_from_on.year + years
        assert limitation.warn_on == limitation.limited_on - timedelta(days=180)
