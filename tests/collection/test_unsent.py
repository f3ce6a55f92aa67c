"""A fee is owed only while its letter waits or has left (lag 1981:739 §§ 2–3)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal import ledger
from portal.collection import (
    cases,
    changes,
    checks,
    history,
    holding,
    lifecycle,
    plan_offers,
    plans,
    states,
    stops,
)
from portal.collection.models import Case
from portal.collection.receiving import Received
from portal.database import tenancy
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.actor import DEBTOR, SWISH, Actor
from portal.law.calendar import banking_day_on_or_after
from portal.ledger import Account
from portal.payments import booking, refunds
from portal.payments.models import Payment, Refund
from tests.factories import NOW, TODAY, a_case, a_creditor, a_reminded_case, letters_leave, rules_of

EVA = Actor("person", "Eva", None, "creditor")
FEE, CLAIM = 6_000, 100_000
LATER = NOW + timedelta(hours=1)


def fees_of(case: Case) -> int:
    return ledger.balance(case.id).fees_ore


def names(case: Case) -> list[str]:
    return [one.name for one in history.of_case(case.id)]


def pays(case: Case, ore: int, key: str = "p") -> booking.Payment | None:
    """Money that came today, booked as of many and with its receipt."""
    received = Received(case.id, ore, f"swish:{key}", "swish", TODAY)
    booking.receive_many([received], actor=SWISH, now=LATER)
    db.session.flush()
    return db.session.scalar(select(Payment).where(Payment.channel_reference == f"swish:{key}"))


def stopped(case: Case, kind: str = states.HOLD) -> None:
    stops.stop(cases.lock(case.id), kind, "", actor=EVA, now=LATER)


def nothing_differs() -> bool:
    return (
        sum(ledger.trial_balance().values()) == 0
        and not booking.differences()
        and not refunds.differences()
        and not checks.differences()
    )


def a_demanded_case(**values: object) -> Case:
    """A case whose reminder has left, and whose demand waits."""
    case = a_reminded_case(**values)
    letters_leave("reminder")
    lifecycle.send_demand(case, today=TODAY, now=NOW)
    db.session.commit()
    return case


def a_plan(case: Case) -> None:
    plans.agree(
        case, monthly_ore=60_000, first_on=TODAY + timedelta(days=20), actor=EVA, today=TODAY,
        now=LATER,
    )  # fmt: skip


def test_a_stop_waives_the_fee_of_a_reminder_that_has_not_left(app: Flask) -> None:
    case = a_reminded_case()
    assert fees_of(case) == FEE
    stopped(case)
    assert fees_of(case) == 0
    assert "case.fee_fell" in names(case)
    assert not cases.charges(case)


def test_a_stop_waives_the_fee_of_a_demand_that_has_not_left_and_no_other(app: Flask) -> None:
    case = a_demanded_case()
    stopped(case)
    assert fees_of(case) == FEE


def test_the_fee_of_a_letter_that_has_left_stays(app: Flask) -> None:
    case = a_reminded_case()
    letters_leave()
    stopped(case)
    assert fees_of(case) == FEE
    assert "case.fee_fell" not in names(case)


def test_a_letter_written_anew_is_charged_for_once(app: Flask) -> None:
    case = a_demanded_case()
    for hours in (1, 2):
        now = NOW + timedelta(hours=hours)
        stops.stop(case, states.HOLD, "", actor=EVA, now=now)
        lifecycle.resume(case, states.HOLD, actor=EVA, today=TODAY, now=now)
        assert fees_of(case) == FEE + 18_000
        assert [one.kind for one in cases.charges(case)] == ["reminder", "demand"]
        newest = db.session.scalars(select(Message).order_by(Message.id.desc()).limit(1)).one()
        assert newest.content["total_ore"] == cases.amount_due(case, TODAY).total_ore
    assert nothing_differs()


def test_a_letter_written_anew_costs_nothing_when_no_principal_is_left(app: Flask) -> None:
    case = a_reminded_case()
    stopped(case)
    changes.creditor_was_paid(case, amount_ore=CLAIM, on=TODAY, key="d", actor=EVA, now=LATER)
    lifecycle.resume(case, states.HOLD, actor=EVA, today=TODAY, now=LATER)
    assert fees_of(case) == 0


def test_a_fee_that_the_creditor_has_borne_is_not_the_debtors_when_written_anew(app: Flask) -> None:
    creditor = a_creditor()
    rules = rules_of(creditor, reminder_fee_agreed=True, reminder_fee_by="creditor")
    case = a_reminded_case(creditor)
    stopped(case)
    rules.reminder_fee_by = "debtor"
    db.session.flush()
    lifecycle.resume(case, states.HOLD, actor=EVA, today=TODAY, now=LATER)
    assert fees_of(case) == 0
    assert ledger.owed_by(creditor.id) == FEE


def test_what_was_paid_of_the_fee_covers_the_claim_from_its_own_day(app: Flask) -> None:
    case = a_reminded_case()
    before = cases.amount_due(case, TODAY)
    pays(case, FEE + 1_000)
    stopped(case)
    left = cases.amount_due(case, TODAY)
    assert left.fees_ore == 0
    assert left.total_ore == before.total_ore - FEE - FEE - 1_000
    assert ledger.owed_to(case.creditor_id, case.id) == FEE + 1_000
    assert nothing_differs()


def test_a_debtor_who_tells_something_is_rid_of_the_fee_paid_or_not(app: Flask) -> None:
    case = a_reminded_case()
    pays(case, FEE - 1_000)
    db.session.commit()
    with tenancy.cases([case.id]):
        stops.stop(cases.lock(case.id), states.DECEASED, "", actor=DEBTOR, now=LATER)
        db.session.commit()
    assert fees_of(case) == 0
    assert nothing_differs()


def test_what_was_paid_of_a_fee_beyond_all_that_is_owed_goes_back(app: Flask) -> None:
    case = a_reminded_case()
    pays(case, FEE)
    changes.credit(case, amount_ore=CLAIM, on=TODAY, key="c", actor=EVA, now=LATER)
    refund = db.session.scalars(select(Refund)).one()
    assert (refund.amount_ore, refund.way, refund.status) == (FEE, "swish", refunds.WAITING)
    assert nothing_differs()


def test_who_pays_all_before_the_letter_has_left_gets_its_fee_back(app: Flask) -> None:
    case = a_reminded_case()
    payment = pays(case, cases.amount_due(case, TODAY).total_ore)
    assert payment is not None
    assert (case.status, payment.fees_ore, payment.overpaid_ore) == (states.PAID, 0, FEE)
    assert db.session.scalars(select(Refund.amount_ore)).all() == [FEE]
    assert nothing_differs()


def test_who_pays_all_but_the_fee_before_the_letter_has_left_has_paid(app: Flask) -> None:
    case = a_reminded_case()
    pays(case, cases.amount_due(case, TODAY).total_ore - FEE)
    assert case.status == states.PAID
    assert not db.session.scalars(select(Refund.id)).all()
    assert nothing_differs()


def test_a_payment_that_is_taken_back_does_not_bring_the_fee_again(app: Flask) -> None:
    case = a_reminded_case()
    owed_ore = cases.amount_due(case, TODAY).total_ore
    pays(case, FEE + 1_000)
    stopped(case)
    booking.take_back("swish:p", by_bank=True, on=TODAY, actor=Actor("bank"), now=LATER)
    assert cases.amount_due(case, TODAY).total_ore == owed_ore - FEE
    assert nothing_differs()


@pytest.mark.parametrize("end", ["recall", "write off", "credit", "lapse"])
def test_a_case_that_closes_before_its_letter_has_left_has_no_fee_lost(
    app: Flask, end: str
) -> None:
    case = a_reminded_case()
    match end:
        case "recall":
            changes.recall(case, reason="", actor=EVA, today=TODAY, now=LATER)
        case "write off":
            lifecycle.write_off(case, actor=EVA, today=TODAY, now=LATER)
        case "credit":
            changes.credit(case, amount_ore=CLAIM, on=TODAY, key="c", actor=EVA, now=LATER)
        case "lapse":
            case.limited_on = TODAY
            lifecycle.advance(TODAY, LATER)
    assert ledger.trial_balance().get(Account.FEE_INCOME, 0) == 0
    assert nothing_differs()


def test_a_plan_that_is_agreed_on_leaves_out_the_fee_of_a_letter_that_has_not_left(
    app: Flask,
) -> None:
    case = a_demanded_case()
    shown = plan_offers.propose(
        case, monthly_ore=60_000, first_on=TODAY + timedelta(days=20), today=TODAY
    )
    plans.agree(
        case, monthly_ore=60_000, first_on=TODAY + timedelta(days=20), actor=EVA, today=TODAY,
        now=LATER, seen=shown.seen,
    )  # fmt: skip
    told = sum(one.amount_ore for one in plans.instalments(case.id))
    due = cases.amount_due(case, TODAY)
    assert due.fees_ore == FEE + 17_000
    assert told == due.total_ore + shown.more_interest_ore


def test_a_plan_whose_letter_has_not_left_costs_nothing_once_it_is_ended(app: Flask) -> None:
    case = a_demanded_case()
    letters_leave()
    a_plan(case)
    lifecycle.end_plan(case, reason="", actor=EVA, today=TODAY, now=LATER)
    assert fees_of(case) == FEE + 18_000


def test_a_plan_whose_letter_has_left_still_costs_its_fee_once_it_is_ended(app: Flask) -> None:
    case = a_demanded_case()
    letters_leave()
    a_plan(case)
    letters_leave()
    lifecycle.end_plan(case, reason="", actor=EVA, today=TODAY, now=LATER)
    assert fees_of(case) == FEE + 18_000 + 17_000


def test_a_plan_whose_day_is_moved_before_its_letter_has_left_costs_the_same(app: Flask) -> None:
    case = a_demanded_case()
    letters_leave()
    a_plan(case)
    plans.move_day(case, day=3, actor=DEBTOR, today=TODAY, now=LATER)
    assert fees_of(case) == FEE + 18_000 + 17_000


def test_letters_that_a_companys_hold_made_stale_cost_nothing_until_written_anew(
    app: Flask,
) -> None:
    creditor = a_creditor()
    rules_of(creditor)
    case = a_reminded_case(creditor)
    holding.hold_everything(creditor.id, "", actor=EVA, now=NOW)
    later = NOW + timedelta(days=7)
    holding.go_on(creditor.id, actor=EVA, now=later)
    assert fees_of(case) == 0
    day = banking_day_on_or_after(later.date())
    lifecycle.advance(day, later)
    db.session.refresh(case)
    assert fees_of(case) == FEE
    assert nothing_differs()


def test_a_failed_letter_that_another_takes_the_place_of_costs_the_same(app: Flask) -> None:
    case = a_reminded_case()
    message = db.session.scalars(select(Message)).one()
    message.status = "failed"
    db.session.flush()
    lifecycle.write_again(message.id, actor=EVA, today=TODAY, now=LATER)
    assert fees_of(case) == FEE
    assert "case.fee_fell" not in names(case)
    stopped(case)
    assert fees_of(case) == 0


def test_a_failed_letter_that_nothing_takes_the_place_of_costs_nothing(app: Flask) -> None:
    case = a_reminded_case()
    message = db.session.scalars(select(Message)).one()
    message.status, case.is_stopped = "failed", True
    db.session.flush()
    lifecycle.write_again(message.id, actor=EVA, today=TODAY, now=LATER)
    assert fees_of(case) == 0


def test_late_payment_compensation_needs_no_letter_and_stays(app: Flask) -> None:
    creditor = a_creditor()
    rules_of(creditor, wants_compensation=True, reminder_fee_agreed=True)
    case = a_case(creditor)
    case.is_consumer = False
    lifecycle.send_reminder(case, today=TODAY, now=NOW)
    letters_leave()
    lifecycle.send_demand(case, today=TODAY, now=NOW)
    assert fees_of(case) == 45_000
    stopped(case)
    assert fees_of(case) == 45_000
    lifecycle.resume(case, states.HOLD, actor=EVA, today=TODAY, now=LATER)
    assert fees_of(case) == 45_000


def fee_is_owed_as_its_letters_say(case: Case) -> bool:
    """Whether each fee's letter waits or has left, and nothing else is owed in fees."""
    lives = Message.status.in_(("waiting", "sent"))
    rows = db.session.execute(
        select(Message.kind, Message.idempotency_key).where(Message.case_id == case.id, lives)
    )
    # A case can have several plans, one after the other, each with a letter of its own.
    live = {(kind, key.split(":")[1]) for kind, key in rows}
    most = {"reminder": FEE, "demand": 18_000, "plan": 17_000}
    return ledger.fees_charged(case.id) <= sum(most.get(kind, 0) for kind, _ in live)


ACTS: dict[str, Callable[[Case, int], object]] = {
    "remind": lambda case, n: lifecycle.send_reminder(case, today=TODAY, now=_at(n)),
    "demand": lambda case, n: case.is_stopped
    or lifecycle.send_demand(case, today=TODAY, now=_at(n)),
    "stop": lambda case, n: stops.stop(case, states.HOLD, "", actor=EVA, now=_at(n)),
    "resume": lambda case, n: lifecycle.resume(
        case, states.HOLD, actor=EVA, today=TODAY, now=_at(n)
    ),
    "leave": lambda case, n: letters_leave(),
    "pay some": lambda case, n: pays(case, 4_000, f"{case.id}-{n}"),
    "pay more": lambda case, n: pays(case, 45_000, f"{case.id}-{n}"),
    "pay all": lambda case, n: pays(
        case, cases.amount_due(case, TODAY).total_ore, f"{case.id}-{n}"
    ),
    "credit": lambda case, n: changes.credit(
        case, amount_ore=ledger.balance(case.id).principal_ore // 2, on=TODAY, key=str(n),
        actor=EVA, now=_at(n),
    ),
    "plan": lambda case, n: plans.running(case.id) or a_plan(case),
    "end plan": lambda case, n: lifecycle.end_plan(
        case, reason="", actor=EVA, today=TODAY, now=_at(n)
    ),
}  # fmt: skip


def _at(n: int) -> object:
    return NOW + timedelta(minutes=n)


@given(st.lists(st.sampled_from(sorted(ACTS)), min_size=3, max_size=12))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_happens_a_fee_is_owed_only_while_its_letter_waits_or_has_left(
    app: Flask, acts: list[str]
) -> None:
    case = a_case()
    for place, act in enumerate(acts):
        if case.closed_on is not None:
            break
        ACTS[act](case, place)
        db.session.flush()
        assert fee_is_owed_as_its_letters_say(case), (acts, place)
        assert ledger.balance(case.id).fees_ore >= 0
    assert nothing_differs()


def test_a_plan_that_cost_nothing_takes_no_fee_of_an_earlier_one_with_it(app: Flask) -> None:
    creditor = a_creditor()
    rules = rules_of(creditor)
    case = a_case(creditor, amount_ore=CLAIM)
    a_plan(case)
    letters_leave()
    lifecycle.end_plan(case, reason="Asked for", actor=EVA, today=TODAY, now=LATER)
    rules.plan_fee_by = "creditor"
    db.session.flush()
    a_plan(case)
    assert fees_of(case) == 17_000
    lifecycle.end_plan(case, reason="Asked for", actor=EVA, today=TODAY, now=LATER)
    assert fees_of(case) == 17_000
