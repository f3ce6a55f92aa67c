from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.law import LawError
from portal.law.fees import (
    FEES,
    KINDS,
    Charge,
    ClaimTerms,
    Decision,
    Measure,
    decide,
    fee,
    reminder_fee,
)

ON = date(2026, 3, 2)
CONSUMER = ClaimTerms("consumer", reminder_fee_agreed=True)
BUSINESS = ClaimTerms(
    "business",
    reminder_fee_agreed=True,
    is_creditor_business=True,
    bears_default_interest=True,
    compensation_wanted=True,
)


def taken(kind, on=ON, **more):
    return Measure(kind, on, **{"is_sent": True, "is_complete": True, **more})


def charged_in_turn(kinds, terms=BUSINESS):
    """What is decided of some measures, one after the other."""
    before, decisions = [], []
    for kind in kinds:
        decision = decide(taken(kind), terms, before)
        decisions.append(decision)
        if decision.charge or decision.covered_ore:
            before.append(decision.charge or Charge(kind, 0, "", decision.covered_ore))
    return decisions


def kronor(decisions):
    return [one.charge.ore // 100 if one.charge else None for one in decisions]


@pytest.mark.parametrize(
    ("kind", "on", "kronor"),
    [
        ("reminder", "2013-03-16", 60),
        ("reminder", "2026-03-01", 60),
        ("demand", "2013-03-16", 180),
        ("plan", "2013-03-16", 170),
        ("late_payment", "2013-03-16", 450),
        ("reminder", "2013-03-15", 50),
        ("demand", "2013-03-15", 160),
        ("plan", "2013-03-15", 150),
        ("reminder", "2003-07-01", 50),
        ("demand", "2003-07-01", 160),
        ("plan", "2003-07-01", 150),
        ("payment_order", "2008-12-12", 300),
        ("payment_order", "2026-03-01", 300),
        ("agent", "2014-01-01", 380),
        ("enforcement", "2017-07-01", 600),
    ],
)
def test_a_measure_costs_at_most_what_the_law_said_on_its_day(kind, on, kronor):
    assert fee(kind, date.fromisoformat(on)).amount_ore == kronor * 100


@pytest.mark.parametrize("kind", KINDS)
def test_the_rules_of_a_kind_follow_on_each_other_and_one_is_in_force(kind):
    rows = sorted((row for row in FEES if row.kind == kind), key=lambda row: row.from_on)
    assert [row.to_on for row in rows[:-1]] == [row.from_on - timedelta(1) for row in rows[1:]]
    assert rows[-1].to_on is None
    assert len({row.statute for row in rows}) == len(rows)


@pytest.mark.parametrize("kind", ["reminder", "demand", "plan"])
def test_a_day_before_the_table_has_no_fee(kind):
    with pytest.raises(LawError, match="2003-06-30"):
        fee(kind, date(2003, 6, 30))


def test_there_was_no_late_payment_compensation_before_2013():
    with pytest.raises(LawError, match="2013-03-15"):
        fee("late_payment", date(2013, 3, 15))


@pytest.mark.parametrize(
    ("kind", "on"),
    [("payment_order", "2008-12-11"), ("agent", "2013-12-31"), ("enforcement", "2017-06-30")],
)
def test_what_the_authority_took_before_our_table_is_not_guessed(kind, on):
    with pytest.raises(LawError, match=on):
        fee(kind, date.fromisoformat(on))


def test_a_fee_that_the_law_does_not_know_is_refused():
    with pytest.raises(LawError, match="visit"):
        fee("visit", date(2026, 3, 1))


def test_a_reminder_costs_sixty_kronor_when_that_was_agreed():
    assert reminder_fee(date(2026, 3, 2), agreed=True, already_charged=False) == Charge(
        "reminder", 6000, "lag (1981:739) § 2, § 4"
    )


def test_a_reminder_without_agreement_costs_nothing():
    assert reminder_fee(date(2026, 3, 2), agreed=False, already_charged=False) is None


def test_a_second_reminder_is_never_charged():
    assert reminder_fee(date(2026, 3, 2), agreed=True, already_charged=True) is None


class TestWhatIsCharged:
    @pytest.mark.parametrize(
        ("kind", "kronor"),
        [
            ("reminder", 60),
            ("demand", 180),
            ("plan", 170),
            ("payment_order", 300),
            ("agent", 380),
            ("enforcement", 600),
        ],
    )
    def test_a_consumer_is_charged_what_the_law_caps(self, kind, kronor):
        decision = decide(taken(kind), CONSUMER)
        row = fee(kind, ON)
        assert decision == Decision(Charge(kind, kronor * 100, row.statute))

    def test_a_business_owes_compensation_without_agreement(self):
        terms = ClaimTerms(
            "business",
            is_creditor_business=True,
            bears_default_interest=True,
            compensation_wanted=True,
        )
        decision = decide(Measure("late_payment", ON), terms)
        assert decision.charge == Charge("late_payment", 45_000, "lag (1981:739) § 4 a")

    def test_a_public_body_owes_compensation_to_a_business(self):
        terms = ClaimTerms(
            "public_body",
            is_creditor_business=True,
            bears_default_interest=True,
            compensation_wanted=True,
        )
        assert decide(Measure("late_payment", ON), terms).charge.ore == 45_000

    def test_a_measure_costs_what_it_did_on_its_day(self):
        decision = decide(taken("demand", on=date(2013, 3, 15)), CONSUMER)
        assert decision.charge.ore == 16_000

    def test_a_second_plan_is_charged_when_it_is_called_for(self):
        before = [Charge("plan", 17_000, "lag (1981:739) § 3 p. 2, § 4")]
        assert decide(taken("plan"), CONSUMER, before).charge.ore == 17_000

    def test_each_enforcement_is_charged(self):
        before = [Charge("enforcement", 60_000, "förordning (1992:1094) § 6")]
        assert decide(taken("enforcement"), CONSUMER, before).charge.ore == 60_000


def refused(measure, terms, before=()):
    decision = decide(measure, terms, before)
    assert decision.charge is None
    return decision.reason.message


class TestWhatIsNotCharged:
    def test_a_reminder_that_was_not_agreed_on(self):
        assert "agreed" in refused(taken("reminder"), ClaimTerms("consumer"))

    @pytest.mark.parametrize("kind", ["reminder", "demand", "payment_order", "agent"])
    def test_what_is_charged_once_of_a_claim(self, kind):
        assert "only once" in refused(taken(kind), CONSUMER, [Charge(kind, 1, "")])

    def test_compensation_twice(self):
        before = [Charge("late_payment", 45_000, "lag (1981:739) § 4 a")]
        assert "only once" in refused(Measure("late_payment", ON), BUSINESS, before)

    @pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "late_payment"])
    def test_what_is_not_sent(self, kind):
        assert "not sent" in refused(taken(kind, is_sent=False), CONSUMER)

    @pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "late_payment"])
    def test_what_is_not_reasonably_called_for(self, kind):
        assert "called for" in refused(taken(kind, is_called_for=False), CONSUMER)

    def test_a_demand_that_lacks_something(self):
        assert "does not state" in refused(taken("demand", is_complete=False), CONSUMER)

    def test_a_plan_for_a_part_of_the_debt(self):
        assert "all that is left" in refused(taken("plan", is_complete=False), CONSUMER)

    @pytest.mark.parametrize(
        ("terms", "reason"),
        [
            ({"compensation_wanted": False}, "does not ask"),
            ({"debtor": "consumer"}, "consumers"),
            ({"is_creditor_business": False}, "no business"),
            ({"is_for_goods_or_services": False}, "goods or services"),
            ({"bears_default_interest": False}, "no default interest"),
        ],
    )
    def test_compensation_where_the_law_gives_none(self, terms, reason):
        given = {
            "debtor": "business",
            "is_creditor_business": True,
            "bears_default_interest": True,
            "compensation_wanted": True,
        }
        terms = ClaimTerms(**{**given, **terms})
        assert reason in refused(Measure("late_payment", ON), terms)


class TestCompensationInPlaceOfFees:
    def test_fees_up_to_the_compensation_are_not_charged_after_it(self):
        decisions = charged_in_turn(["late_payment", "reminder", "demand", "plan"])
        assert kronor(decisions) == [450, None, None, None]
        assert [one.covered_ore for one in decisions] == [0, 6_000, 18_000, 17_000]
        assert "takes its place" in decisions[-1].reason.message

    def test_only_what_exceeds_the_compensation_is_charged_after_it(self):
        decisions = charged_in_turn(["late_payment", "reminder", "demand", "plan", "plan"])
        assert kronor(decisions) == [450, None, None, None, 130]
        assert decisions[-1].charge.covered_ore == 4_000

    def test_compensation_is_charged_for_the_rest_after_fees(self):
        decisions = charged_in_turn(["reminder", "demand", "late_payment", "plan"])
        assert kronor(decisions) == [60, 180, 210, None]
        assert decisions[2].charge.covered_ore == 24_000

    def test_no_compensation_is_charged_when_fees_are_as_much(self):
        decisions = charged_in_turn(["reminder", "demand", "plan", "plan", "late_payment", "plan"])
        assert kronor(decisions) == [60, 180, 170, 170, None, 170]
        assert "as much" in decisions[4].reason.message

    def test_what_the_authority_costs_comes_beside_compensation(self):
        decisions = charged_in_turn(["late_payment", "payment_order", "agent", "enforcement"])
        assert kronor(decisions) == [450, 300, 380, 600]

    @given(kinds=st.lists(st.sampled_from(["reminder", "demand", "plan", "late_payment"])))
    def test_together_they_are_never_more_than_the_law_allows(self, kinds):
        decisions = charged_in_turn(kinds)
        charged = sum(one.charge.ore for one in decisions if one.charge)
        fees = sum(fee(kind, ON).amount_ore for kind in {*kinds} - {"plan", "late_payment"})
        fees += kinds.count("plan") * 17_000
        assert charged == max(45_000 if "late_payment" in kinds else 0, fees)

    @given(kinds=st.lists(st.sampled_from(KINDS)))
    def test_no_charge_is_negative_or_over_its_cap(self, kinds):
        for kind, decision in zip(kinds, charged_in_turn(kinds), strict=True):
            assert (decision.charge is None) == (decision.reason is not None)
            if decision.charge:
                cap = fee(kind, ON).amount_ore
                assert 0 < decision.charge.ore == cap - decision.charge.covered_ore


def test_a_measure_that_the_law_does_not_know_is_refused():
    with pytest.raises(LawError, match="visit"):
        decide(taken("visit"), CONSUMER)


def test_a_debtor_of_no_kind_is_refused():
    with pytest.raises(LawError, match="ghost"):
        ClaimTerms("ghost")


@pytest.mark.parametrize("before", [Charge("demand", -1, ""), Charge("demand", 0, "", -1)])
def test_a_negative_fee_before_is_refused(before):
    with pytest.raises(LawError, match="negative"):
        decide(taken("reminder"), CONSUMER, [before])


def test_a_measure_before_the_table_is_refused():
    with pytest.raises(LawError, match="2003-06-30"):
        decide(taken("demand", on=date(2003, 6, 30)), CONSUMER)
