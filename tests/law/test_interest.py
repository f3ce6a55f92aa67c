from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from portal.law import LawError
from portal.law.interest import (
    REFERENCE_RATES,
    Accrual,
    Movement,
    RateTable,
    ReferenceRateMissing,
    Terms,
    accrue,
    runs_from,
)

RATES = RateTable(REFERENCE_RATES)
STATUTORY = Terms("statutory")


def day(text):
    return date.fromisoformat(text)


def interest(ore, due, until, terms=STATUTORY, rates=RATES, **more):
    due_on = day(due)
    return accrue(
        [Movement(due_on, ore)], due_on=due_on, until=day(until), terms=terms, rates=rates, **more
    )


class TestWorkedNumbers:
    @pytest.mark.parametrize(
        ("principal", "due", "paid", "agreed", "periods", "expected"),
        [
            ("10000.00", "2025-03-31", "2025-05-15", None, [(45, "11")], "135.62"),
            ("4350.50", "2025-06-15", "2025-07-20", None, [(15, "11"), (20, "10")], "43.51"),
            (
                "25000.00",
                "2022-06-30",
                "2024-02-29",
                None,
                [(184, "8.5"), (181, "10.5"), (184, "11.5"), (60, "12")],
                "4315.41",
            ),
            ("890.00", "2016-07-31", "2018-12-31", None, [(883, "7.5")], "161.48"),
            ("1999.00", "2026-01-31", "2026-03-03", "24", [(31, "24")], "40.75"),
            ("100000.00", "2024-01-31", "2024-03-01", None, [(30, "12")], "986.30"),
            ("149.00", "2025-12-31", "2026-01-01", None, [(1, "10")], "0.04"),
            (
                "1234567.89",
                "2008-12-15",
                "2009-07-15",
                None,
                [(16, "12.5"), (181, "10"), (15, "8.5")],
                "72298.33",
            ),
        ],
    )
    def test_they_come_out_to_the_ore(self, principal, due, paid, agreed, periods, expected):
        terms = Terms("agreed", Decimal(agreed)) if agreed else STATUTORY
        accrual = interest(int(Decimal(principal) * 100), due, paid, terms)
        assert accrual.ore == int(Decimal(expected) * 100)
        assert [(one.days, one.per_cent) for one in accrual.periods] == [
            (days, Decimal(per_cent)) for days, per_cent in periods
        ]

    def test_half_an_ore_is_rounded_up(self):
        accrual = interest(435_050, "2025-06-15", "2025-07-20")
        assert accrual.exact == Fraction("4350.5")
        assert accrual.ore == 4351


class TestReferenceRates:
    @pytest.mark.parametrize(
        ("on", "per_cent"),
        [
            ("2002-07-01", "4.50"),
            ("2002-12-31", "4.50"),
            ("2003-01-01", "4.00"),
            ("2009-06-30", "2.00"),
            ("2009-07-01", "0.50"),
            ("2016-06-30", "0.00"),
            ("2016-07-01", "-0.50"),
            ("2019-06-30", "-0.50"),
            ("2019-07-01", "0.00"),
            ("2022-12-31", "0.50"),
            ("2023-01-01", "2.50"),
            ("2024-12-31", "4.00"),
            ("2025-12-31", "2.00"),
            ("2026-06-30", "2.00"),
        ],
    )
    def test_a_rate_holds_in_its_own_half_year(self, on, per_cent):
        assert RATES.at(day(on)) == Decimal(per_cent)

    def test_the_list_has_every_half_year_once_and_ends_with_the_first_of_2026(self):
        starts = [row.from_on for row in REFERENCE_RATES]
        expected = [date(year, month, 1) for year in range(2002, 2027) for month in (1, 7)]
        assert starts == expected[1:-1]
        assert RATES.known_through == day("2026-06-30")

    def test_a_rate_is_never_guessed_onward(self):
        with pytest.raises(ReferenceRateMissing) as caught:
            RATES.at(day("2026-09-15"))
        assert caught.value.half_year_start == day("2026-07-01")
        assert "2026-07-01" in str(caught.value)
        assert "Enter" in str(caught.value)
        assert caught.value.problem.values == {"half_year_start": "2026-07-01"}

    def test_a_rate_before_the_list_is_missing_too(self):
        with pytest.raises(ReferenceRateMissing, match="2002-01-01"):
            RATES.at(day("2002-06-30"))

    def test_an_operator_adds_a_rate(self):
        table = RateTable(REFERENCE_RATES, added=((day("2026-07-01"), Decimal("2.500")),))
        assert table.at(day("2026-12-31")) == Decimal("2.5")
        assert table.known_through == day("2026-12-31")

    def test_a_rate_after_a_gap_does_not_hide_the_gap(self):
        table = RateTable(REFERENCE_RATES, added=((day("2027-01-01"), Decimal(3)),))
        assert table.known_through == day("2026-06-30")
        assert table.at(day("2027-01-01")) == 3
        with pytest.raises(ReferenceRateMissing):
            table.at(day("2026-12-31"))

    def test_a_rate_added_that_the_list_has_since_learnt_is_no_conflict(self):
        table = RateTable(REFERENCE_RATES, added=((day("2026-01-01"), Decimal("2.000")),))
        assert table.at(day("2026-03-01")) == 2

    @pytest.mark.parametrize(
        ("from_on", "per_cent", "message"),
        [
            ("2026-01-01", "2.5", "two different"),
            ("2026-08-01", "2", "1 January or 1 July"),
            ("2026-07-02", "2", "1 January or 1 July"),
            ("2026-07-01", "-8.5", "cannot be"),
            ("2026-07-01", "NaN", "cannot be"),
        ],
    )
    def test_a_rate_that_cannot_be_right_is_refused(self, from_on, per_cent, message):
        with pytest.raises(LawError, match=message):
            RateTable(REFERENCE_RATES, added=((day(from_on), Decimal(per_cent)),))

    def test_a_table_without_rates_is_refused(self):
        with pytest.raises(LawError, match="no reference rates"):
            RateTable(())


class TestTerms:
    def test_agreed_interest_keeps_its_rate_where_it_is_the_higher(self):
        terms = Terms("agreed", Decimal("10.5"))
        accrual = interest(100_000, "2025-03-31", "2025-12-31", terms)
        assert [one.per_cent for one in accrual.periods] == [11, Decimal("10.5")]

    def test_no_interest_is_none(self):
        accrual = interest(100_000, "2025-03-31", "2030-12-31", Terms("none"))
        assert accrual == Accrual(0, Fraction(0), ())

    def test_the_rate_of_none_is_nought(self):
        assert Terms("none").per_cent(Decimal(2)) == 0

    @pytest.mark.parametrize(
        ("kind", "per_cent"),
        [
            ("agreed", None),
            ("agreed", Decimal(-1)),
            ("agreed", Decimal("NaN")),
            ("agreed", Decimal("Infinity")),
            ("usurious", None),
        ],
    )
    def test_terms_that_say_nothing_are_refused(self, kind, per_cent):
        with pytest.raises(LawError):
            Terms(kind, per_cent)


class TestDays:
    def test_the_due_date_bears_none_and_the_day_after_does(self):
        assert interest(36_500_00, "2026-02-10", "2026-02-10").ore == 0
        assert interest(36_500_00, "2026-02-10", "2026-02-11").ore == 10_00

    def test_a_claim_that_is_not_due_bears_none(self):
        assert interest(100_000, "2026-02-10", "2026-01-10") == Accrual(0, Fraction(0), ())

    def test_the_leap_day_counts_as_any_other(self):
        accrual = interest(36_500_00, "2024-02-28", "2024-03-01")
        assert accrual.periods[0].days == 2
        assert accrual.ore == 2 * 12_00

    def test_a_payment_leaves_its_own_day_on_the_old_principal(self):
        due_on = day("2026-01-31")
        accrual = accrue(
            [Movement(due_on, 100_000), Movement(day("2026-02-10"), -40_000)],
            due_on=due_on,
            until=day("2026-02-20"),
            terms=STATUTORY,
            rates=RATES,
        )
        assert [(one.from_on, one.to_on, one.principal_ore) for one in accrual.periods] == [
            (day("2026-02-01"), day("2026-02-10"), 100_000),
            (day("2026-02-11"), day("2026-02-20"), 60_000),
        ]

    def test_a_payment_on_the_first_day_of_interest_or_of_a_rate_leaves_that_day_too(self):
        due_on = day("2025-06-29")
        accrual = accrue(
            [
                Movement(due_on, 100_000),
                Movement(day("2025-06-30"), -10_000),
                Movement(day("2025-07-01"), -20_000),
            ],
            due_on=due_on,
            until=day("2025-07-03"),
            terms=STATUTORY,
            rates=RATES,
        )
        assert [(one.days, one.principal_ore, one.per_cent) for one in accrual.periods] == [
            (1, 100_000, 11),
            (1, 90_000, 10),
            (2, 70_000, 10),
        ]

    def test_a_claim_paid_before_it_was_due_bears_none(self):
        due_on = day("2026-01-31")
        accrual = accrue(
            [Movement(due_on, 100_000), Movement(day("2026-01-15"), -100_000)],
            due_on=due_on,
            until=day("2026-02-20"),
            terms=STATUTORY,
            rates=RATES,
        )
        assert accrual == Accrual(0, Fraction(0), ())

    def test_a_principal_paid_twice_over_bears_none(self):
        due_on = day("2026-01-31")
        accrual = accrue(
            [Movement(due_on, 100_000), Movement(day("2026-02-10"), -150_000)],
            due_on=due_on,
            until=day("2026-03-20"),
            terms=STATUTORY,
            rates=RATES,
        )
        assert [one.to_on for one in accrual.periods] == [day("2026-02-10")]

    def test_interest_reckoned_already_is_not_reckoned_again(self):
        accrual = interest(100_000, "2026-01-31", "2026-03-31", from_on=day("2026-02-28"))
        assert accrual.periods[0].from_on == day("2026-03-01")
        assert accrual.periods[0].days == 31

    def test_a_day_before_the_due_date_moves_nothing(self):
        assert interest(100_000, "2026-01-31", "2026-03-31", from_on=day("2026-01-01")) == interest(
            100_000, "2026-01-31", "2026-03-31"
        )

    def test_a_missing_rate_stops_interest_with_its_half_year(self):
        with pytest.raises(ReferenceRateMissing, match="2026-07-01"):
            interest(100_000, "2026-06-01", "2026-07-01")

    def test_a_missing_rate_is_not_asked_for_when_all_is_paid(self):
        due_on = day("2026-05-31")
        accrual = accrue(
            [Movement(due_on, 100_000), Movement(day("2026-06-30"), -100_000)],
            due_on=due_on,
            until=day("2026-12-31"),
            terms=STATUTORY,
            rates=RATES,
        )
        assert accrual.periods[-1].to_on == day("2026-06-30")

    @pytest.mark.parametrize("due", ["1974-12-31", "1975-06-04"])
    def test_a_date_before_the_act_is_refused(self, due):
        with pytest.raises(LawError, match=due):
            interest(100_000, due, "2026-01-31")

    def test_a_payment_dated_before_the_act_is_refused(self):
        with pytest.raises(LawError, match="1026-02-10"):
            accrue(
                [Movement(day("2026-01-31"), 1), Movement(day("1026-02-10"), -1)],
                due_on=day("2026-01-31"),
                until=day("2026-02-28"),
                terms=STATUTORY,
                rates=RATES,
            )


class TestWhenInterestRuns:
    def test_from_a_due_date_fixed_in_advance(self):
        assert runs_from(due_on=day("2026-01-31"), is_due_fixed=True) == day("2026-01-31")

    def test_otherwise_from_thirty_days_after_the_invoice_was_sent(self):
        assert runs_from(
            due_on=day("2026-01-20"),
            is_due_fixed=False,
            sent_on=day("2026-01-05"),
            states_interest=True,
        ) == day("2026-02-04")

    def test_never_before_the_claim_is_due(self):
        assert runs_from(
            due_on=day("2026-03-31"),
            is_due_fixed=False,
            sent_on=day("2026-01-05"),
            states_interest=True,
        ) == day("2026-03-31")

    def test_never_before_the_invoice_reached_the_debtor(self):
        assert runs_from(
            due_on=day("2026-01-20"),
            is_due_fixed=False,
            sent_on=day("2026-01-05"),
            states_interest=True,
            reached_on=day("2026-02-20"),
        ) == day("2026-02-20")

    def test_not_on_an_invoice_to_a_consumer_that_does_not_speak_of_interest(self):
        assert (
            runs_from(due_on=day("2026-01-20"), is_due_fixed=False, sent_on=day("2026-01-05"))
            is None
        )

    def test_between_businesses_the_invoice_need_not_speak_of_it(self):
        assert runs_from(
            due_on=day("2026-01-20"),
            is_due_fixed=False,
            sent_on=day("2026-01-05"),
            is_between_businesses=True,
        ) == day("2026-02-04")

    def test_at_the_latest_from_the_day_an_application_was_served(self):
        assert runs_from(
            due_on=day("2026-01-20"),
            is_due_fixed=False,
            sent_on=day("2026-01-05"),
            served_on=day("2026-04-01"),
        ) == day("2026-04-01")

    def test_not_while_nothing_was_sent_or_served(self):
        assert runs_from(due_on=day("2026-01-20"), is_due_fixed=False) is None

    def test_a_later_service_does_not_put_it_off(self):
        assert runs_from(
            due_on=day("2026-01-20"),
            is_due_fixed=False,
            sent_on=day("2026-01-05"),
            states_interest=True,
            served_on=day("2026-04-01"),
        ) == day("2026-02-04")

    def test_an_invoice_that_came_before_it_was_sent_is_refused(self):
        with pytest.raises(LawError, match="before it is sent"):
            runs_from(
                due_on=day("2026-01-20"),
                is_due_fixed=False,
                sent_on=day("2026-01-05"),
                reached_on=day("2026-01-04"),
            )

    def test_an_invoice_sent_before_the_table_is_refused(self):
        with pytest.raises(LawError, match="2002-06-30"):
            runs_from(
                due_on=day("2002-07-20"),
                is_due_fixed=False,
                sent_on=day("2002-06-30"),
                states_interest=True,
            )


known_days = st.dates(date(2002, 7, 1), date(2026, 6, 30))
sums = st.integers(1, 10**12)
terms = st.one_of(
    st.just(STATUTORY),
    st.decimals(0, 60, places=3).map(lambda per_cent: Terms("agreed", per_cent)),
)


@st.composite
def claims(draw):
    due_on = draw(st.dates(date(2002, 6, 30), date(2026, 5, 1)))
    payments = draw(
        st.lists(
            st.tuples(st.integers(-2, 3) | st.integers(-20, 900), st.integers(-(10**8), 10**7)),
            max_size=4,
        )
    )
    movements = [Movement(due_on, draw(st.integers(1, 10**9)))]
    movements += [Movement(due_on + timedelta(after), ore) for after, ore in payments]
    until = min(due_on + timedelta(draw(st.integers(0, 1200))), RATES.known_through)
    return movements, due_on, until


@given(claim=claims(), terms=terms)
def test_interest_is_the_sum_of_the_days(claim, terms):
    movements, due_on, until = claim
    accrual = accrue(movements, due_on=due_on, until=until, terms=terms, rates=RATES)
    by_day = Fraction(0)
    for n in range((until - due_on).days):
        one = due_on + timedelta(n + 1)
        principal = sum(movement.ore for movement in movements if movement.on < one)
        rate = Fraction(terms.per_cent(RATES.at(one)))
        by_day += max(principal, 0) * rate / 36500
    assert accrual.exact == by_day


@given(claim=claims(), terms=terms, cut=st.integers(0, 1200))
def test_a_split_period_bears_as_much_as_the_whole(claim, terms, cut):
    movements, due_on, until = claim
    at = min(due_on + timedelta(cut), until)
    more = {"due_on": due_on, "terms": terms, "rates": RATES}
    whole = accrue(movements, until=until, **more)
    first = accrue(movements, until=at, **more)
    second = accrue(movements, until=until, from_on=at, **more)
    assert first.exact + second.exact == whole.exact


@given(claim=claims(), terms=terms)
def test_interest_is_never_negative_and_is_what_its_periods_say(claim, terms):
    movements, due_on, until = claim
    accrual = accrue(movements, due_on=due_on, until=until, terms=terms, rates=RATES)
    assert accrual.ore >= 0
    assert abs(accrual.ore - accrual.exact) <= Fraction(1, 2)
    assert accrual.exact == sum(one.exact for one in accrual.periods)
    for one in accrual.periods:
        assert due_on < one.from_on <= one.to_on <= until
        assert one.days == (one.to_on - one.from_on).days + 1
        assert one.principal_ore > 0


@given(ore=sums, due_on=known_days, until=known_days)
def test_later_payment_never_costs_less(ore, due_on, until):
    assume(due_on < until)
    movements, more = [Movement(due_on, ore)], {"due_on": due_on, "terms": STATUTORY}
    later = accrue(movements, until=until, rates=RATES, **more)
    sooner = accrue(movements, until=until - timedelta(1), rates=RATES, **more)
    assert later.exact > sooner.exact
