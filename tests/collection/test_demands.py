"""After the reminder: the demand, what it costs whom, and what comes when it is not paid."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal import ledger
from portal.collection import cases, changes, charging, history, lifecycle, plans, settling, states
from portal.collection.charging import Facts
from portal.collection.models import Case, Plan
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.actor import DEBTOR, SWISH, Actor
from portal.law import demand, fees
from portal.law.calendar import is_banking_day
from portal.messages import RedaError
from tests.factories import (
    NOW,
    TODAY,
    a_case,
    a_creditor,
    a_debtor_of,
    a_reminded_case,
    letters_leave,
    rules_of,
)

CLERK = Actor("person", "Johan Ekdahl", None, "creditor")


def run(until: date, start: date = TODAY) -> None:
    """Run each day up to one."""
    day = start
    while day <= until:
        while lifecycle.advance(day, NOW + (day - TODAY)).taken:
            db.session.commit()
        db.session.commit()
        day += timedelta(days=1)


def a_demanded_case(**rules: object) -> Case:
    creditor = a_creditor()
    rules_of(creditor, **rules)
    case = a_reminded_case(creditor)
    run(cases.lock(case.id).next_step_on)
    return cases.lock(case.id)


def letter_of(case: Case, kind: str) -> dict[str, object]:
    query = select(Message.content).where(Message.case_id == case.id, Message.kind == kind)
    return db.session.scalars(query).one()


def test_a_reminder_that_is_not_paid_is_followed_by_a_demand(app: Flask) -> None:
    case = a_demanded_case()
    assert case.status == states.DEMANDED
    assert ledger.balance(case.id).fees_ore == 6_000 + 18_000


def test_the_demand_waits_for_payments_that_are_on_their_way(app: Flask) -> None:
    case = a_reminded_case()
    assert case.pay_by_on == date(2026, 3, 20)
    assert case.next_step_on == date(2026, 3, 24)


def test_a_demand_states_what_the_law_asks(app: Flask) -> None:
    said = letter_of(a_demanded_case(), "demand")
    assert demand.missing(said) == []
    assert [part["kind"] for part in said["parts"]] == [
        "principal", "interest", "reminder_fee", "demand_fee",
    ]  # fmt: skip


def test_a_demand_states_interest_as_it_was_rounded_when_a_payment_covered_costs_alone(
    app: Flask,
) -> None:
    case = a_reminded_case(amount_ore=99_999, balance_ore=99_999)
    settling.settle_payment(
        cases.lock(case.id), amount_ore=1_000, key="1", channel="swish", value_on=TODAY,
        actor=SWISH, now=NOW,
    )  # fmt: skip
    db.session.commit()
    run(cases.lock(case.id).next_step_on)
    parts = letter_of(case, "demand")["parts"]
    (interest,) = [one for one in parts if one["kind"] == "interest"]
    # 20 days of 547.93 öre and 14 of 383.56: a whole öre more than 34 days rounded together.
    assert interest["ore"] == 548 + 384
    assert [one["days"] for one in interest["periods"]] == [20, 14]
    (explained,) = [
        one
        for one in cases.explain(case, cases.amount_due(case, case.next_step_on))
        if one.kind == "interest"
    ]
    assert sum(one.ore for one in explained.explanations) == explained.ore


def test_a_demand_gives_at_least_eight_days(app: Flask) -> None:
    said = letter_of(a_demanded_case(demand_days=8), "demand")
    written, by = (date.fromisoformat(said[name]) for name in ("written_on", "pay_by_on"))
    assert (by - written).days >= 8


def test_a_demand_is_sent_once(app: Flask) -> None:
    case = a_demanded_case()
    lifecycle.send_demand(case, today=TODAY + timedelta(days=60), now=NOW)
    db.session.commit()
    assert ledger.balance(case.id).fees_ore == 24_000


def test_costs_alone_are_demanded_without_a_new_fee(app: Flask) -> None:
    """What costs more than what is left is not reasonably called for (lag 1981:739 § 4)."""
    case = a_reminded_case()
    changes.creditor_was_paid(
        cases.lock(case.id), amount_ore=100_000, on=TODAY, key="1", actor=CLERK, now=NOW
    )
    db.session.commit()
    run(cases.lock(case.id).next_step_on)
    said = letter_of(case, "demand")
    assert demand.missing(said) == []
    assert [(part["kind"], part["ore"]) for part in said["parts"]] == [
        ("principal", 0), ("interest", 548), ("reminder_fee", 6_000),
    ]  # fmt: skip


def test_a_business_pays_compensation_instead_of_the_fees(app: Flask) -> None:
    creditor = a_creditor()
    rules_of(creditor, wants_compensation=True)
    case = a_reminded_case(creditor, debtor=a_debtor_of(creditor, kind="company"))
    run(cases.lock(case.id).next_step_on)
    # 60 kr is charged already; compensation and fees are 450 kr together.
    assert ledger.balance(case.id).fees_ore == 45_000


def test_a_consumer_never_pays_compensation(app: Flask) -> None:
    assert ledger.balance(a_demanded_case(wants_compensation=True).id).fees_ore == 24_000


@pytest.mark.parametrize(
    ("rule", "status"),
    [("ask", "deciding"), ("legal", "legal"), ("surveillance", "surveillance"),
     ("write off", "written off"), ("return", "returned")],
)  # fmt: skip
def test_what_comes_after_the_demand_is_the_creditors_rule(
    app: Flask, rule: str, status: str
) -> None:
    case = a_demanded_case(after_demand=rule)
    run(case.next_step_on, start=case.next_step_on)
    assert cases.lock(case.id).status == status


def test_a_case_that_is_written_off_owes_nothing_more(app: Flask) -> None:
    case = a_demanded_case(after_demand="write off")
    run(case.next_step_on, start=case.next_step_on)
    case = cases.lock(case.id)
    assert cases.amount_due(case, TODAY + timedelta(days=400)).total_ore == 0
    assert sum(ledger.trial_balance().values()) == 0


def test_nothing_goes_to_law_before_the_demands_time_is_out(app: Flask) -> None:
    case = a_demanded_case()
    assert case.pay_by_on is not None
    with pytest.raises(states.NotAllowed):
        lifecycle.take_to_law(case, actor=CLERK, today=case.pay_by_on, now=NOW)
    lifecycle.take_to_law(case, actor=CLERK, today=case.pay_by_on + timedelta(days=1), now=NOW)


def test_a_case_only_reminded_of_cannot_go_to_law(app: Flask) -> None:
    with pytest.raises(states.NotAllowed):
        lifecycle.take_to_law(
            a_reminded_case(), actor=CLERK, today=TODAY + timedelta(days=90), now=NOW
        )


def test_letters_are_written_on_banking_days_only(app: Flask) -> None:
    creditor = a_creditor()
    rules_of(creditor)
    a_case(creditor)
    run(TODAY + timedelta(days=60))
    days = [date.fromisoformat(said["written_on"]) for said in db.session.scalars(
        select(Message.content))]  # fmt: skip
    assert len(days) == 2
    assert all(is_banking_day(day) for day in days)


def test_a_limited_claim_is_closed_and_never_demanded(app: Flask) -> None:
    case = a_reminded_case()
    assert case.limited_on == date(2029, 3, 11)
    case.is_stopped = True
    db.session.commit()
    lifecycle.advance(date(2029, 3, 11), NOW)
    db.session.commit()
    assert cases.lock(case.id).status == states.LIMITED


def test_a_part_payment_starts_a_new_time_of_limitation(app: Flask) -> None:
    from portal.collection import settling
    from portal.identity.actor import SWISH

    case = a_reminded_case()
    settling.settle_payment(
        cases.lock(case.id), amount_ore=10_000, key="x", channel="swish",
        value_on=date(2026, 5, 4), actor=SWISH, now=NOW,
    )  # fmt: skip
    assert cases.lock(case.id).limited_on == date(2029, 5, 5)


def test_the_history_says_by_which_rule_it_was_decided(app: Flask) -> None:
    case = a_demanded_case(after_demand="surveillance")
    run(case.next_step_on, start=case.next_step_on)
    event = history.of_case(case.id)[0]
    assert event.name == "case.watched_over"
    assert event.settings[0] == history.Setting("after_demand", "surveillance", "company")


def test_fees_that_the_creditor_bears_are_not_asked_of_the_debtor(app: Flask) -> None:
    case = a_demanded_case(reminder_fee_by="creditor", demand_fee_by="creditor")
    assert ledger.balance(case.id).fees_ore == 0
    assert [part["kind"] for part in letter_of(case, "demand")["parts"]] == [
        "principal", "interest",
    ]  # fmt: skip


def test_fees_that_the_creditor_bears_are_owed_by_it_once_for_each_letter(app: Flask) -> None:
    case = a_demanded_case(reminder_fee_by="creditor", demand_fee_by="creditor")
    booked = {
        one.kind: dict(one.lines)
        for one in ledger.entries(case.id)
        if one.kind.startswith("creditor_fee.")
    }
    assert booked == {
        "creditor_fee.reminder": {"owed_by_creditor": 6_000, "fee_income": -6_000},
        "creditor_fee.demand": {"owed_by_creditor": 18_000, "fee_income": -18_000},
    }


def test_a_plans_fee_that_the_creditor_bears_is_not_in_the_plan(app: Flask) -> None:
    creditor = a_creditor()
    rules_of(creditor, plan_fee_by="creditor")
    case = cases.lock(a_reminded_case(creditor).id)
    plans.agree(case, monthly_ore=50_000, first_on=TODAY + timedelta(days=20), actor=CLERK,
                today=TODAY, now=NOW)  # fmt: skip
    kinds = {one.kind for one in ledger.entries(case.id)}
    assert "creditor_fee.plan" in kinds
    assert "fee.plan" not in kinds


def test_the_creditors_own_words_are_in_the_demand(app: Flask) -> None:
    case = a_demanded_case(demand_text="Ring oss om något är oklart.")
    assert letter_of(case, "demand")["creditors_words"] == "Ring oss om något är oklart."


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({"may_plan": False}, None),
        ({"plan_least_ore": 60_000}, "amount"),
        ({"plan_most_months": 2}, "amount"),
        ({"plan_first_days": 10}, "first_on"),
    ],
)
def test_a_debtor_alone_agrees_on_no_plan_beyond_the_rules(
    app: Flask, rules: dict[str, object], field: str | None
) -> None:
    creditor = a_creditor()
    rules_of(creditor, **rules)
    case = cases.lock(a_reminded_case(creditor).id)
    with pytest.raises(RedaError) as error:
        agree(case, DEBTOR)
    assert error.value.problem.field == field
    assert agree(case, CLERK).status == "running"


def agree(case: Case, actor: Actor) -> Plan:
    return plans.agree(
        case, monthly_ore=50_000, first_on=TODAY + timedelta(days=20), actor=actor, today=TODAY,
        now=NOW,
    )  # fmt: skip


def test_a_creditor_that_bears_fees_pays_none_where_a_debtor_would_pay_none(app: Flask) -> None:
    facts = Facts(
        is_consumer=False, reminder_fee_agreed=False, bears_interest=True, wants_compensation=True,
        fee_charged_before=False, before=(), is_called_for=True,
        creditor_pays=frozenset({fees.DEMAND, fees.REMINDER}),
    )  # fmt: skip
    assert [one.ore for one in charging.charge("reminder", facts, TODAY).to_creditor] == [6_000]
    charged = charging.charge("demand", facts, TODAY)
    assert ([one.ore for one in charged.charges], charged.to_creditor) == ([45_000], [])
    nothing_left = replace(facts, is_called_for=False)
    assert charging.charge("demand", nothing_left, TODAY).to_creditor == []


def test_a_letter_that_failed_is_not_written_as_another_once_the_case_has_gone_on(
    app: Flask,
) -> None:
    case = a_demanded_case()
    reminder = db.session.scalars(
        select(Message).where(Message.case_id == case.id, Message.kind == "reminder")
    ).one()
    reminder.status = "failed"
    db.session.commit()
    lifecycle.write_again(reminder.id, actor=CLERK, today=TODAY, now=NOW)
    kinds = db.session.scalars(select(Message.kind).where(Message.case_id == case.id))
    assert sorted(kinds) == ["demand", "reminder"]


def test_a_creditor_that_bears_the_plans_fee_pays_none_that_compensation_covers(app: Flask) -> None:
    creditor = a_creditor()
    rules_of(creditor, plan_fee_by="creditor", wants_compensation=True)
    case = a_reminded_case(creditor, debtor=a_debtor_of(creditor, kind="company"))
    run(cases.lock(case.id).next_step_on)
    letters_leave()
    agree(cases.lock(case.id), CLERK)
    assert not any(one.kind == "creditor_fee.plan" for one in ledger.entries(case.id))
