"""A company's switch: a pause and a hold take effect at once, and nothing is lost by them."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from time import sleep

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from portal.collection import history, holding, importing, lifecycle, settling, stops
from portal.collection.models import Case, Rules
from portal.database import tenancy
from portal.delivery import sending
from portal.delivery.models import Message
from portal.delivery.outbox import NotFailed
from portal.extensions import db
from portal.identity import holds
from portal.identity.actor import SWISH, Actor
from portal.identity.models import Creditor
from portal.law.calendar import banking_day_on_or_after
from portal.messages import RedaError
from tests.factories import (
    NOW,
    TODAY,
    a_case,
    a_creditor,
    a_reminded_case,
    an_invoice_of,
    letters_leave,
    rules_of,
)

EVA = Actor("person", "Eva", None, "creditor")
LATER = NOW + timedelta(days=7)


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    creditor = a_creditor()
    rules_of(creditor)
    return creditor


def _hold(creditor: Creditor) -> None:
    assert holding.hold_everything(creditor.id, "Wrong file", actor=EVA, now=NOW)
    db.session.commit()


def _letters(case: Case) -> list[tuple[str, str]]:
    rows = db.session.execute(
        select(Message.kind, Message.status).where(Message.case_id == case.id).order_by(Message.id)
    )
    return [(kind, status) for kind, status in rows]


def _meanwhile(app: Flask, act: Callable[[], object]) -> tuple[ThreadPoolExecutor, Future[object]]:
    """Something done by another process of ours, which commits."""

    def run() -> object:
        with app.app_context(), tenancy.service():
            done = act()
            db.session.commit()
            return done

    pool = ThreadPoolExecutor(1)
    return pool, pool.submit(run)


def test_of_a_held_company_nothing_is_done_and_of_others_all(creditor: Creditor) -> None:
    mine, theirs = a_case(creditor), a_case()
    an_invoice_of(creditor)
    _hold(creditor)
    importing.import_waiting(creditor.id, today=TODAY, now=NOW)
    lifecycle.advance(TODAY, NOW)
    db.session.commit()
    assert (mine.status, theirs.status) == ("imported", "reminded")
    assert db.session.scalar(select(func.count()).select_from(Case)) == 2


def test_a_letter_that_waits_stays_where_it_is(app: Flask, creditor: Creditor) -> None:
    mine, theirs = a_reminded_case(creditor), a_reminded_case()
    _hold(creditor)
    sending.deliver_waiting(NOW)
    assert (_letters(mine), _letters(theirs)) == (
        [("reminder", "waiting")], [("reminder", "sent")],
    )  # fmt: skip


def test_the_same_day_letters_leave_as_they_were_written(app: Flask, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    _hold(creditor)
    assert holding.go_on(creditor.id, actor=EVA, now=NOW + timedelta(hours=2))
    db.session.commit()
    lifecycle.advance(TODAY, NOW)
    sending.deliver_waiting(NOW + timedelta(hours=2))
    assert _letters(case) == [("reminder", "sent")]


def test_after_days_a_letter_is_written_anew_with_the_full_time_to_pay(
    app: Flask, creditor: Creditor
) -> None:
    case, stopped = a_reminded_case(creditor), a_reminded_case(creditor)
    owed = settling.cases.amount_due(case, TODAY).fees_ore
    stops.stop(stopped, "hold", "", actor=EVA, now=NOW)
    _hold(creditor)
    later = TODAY + timedelta(days=7)
    holding.go_on(creditor.id, actor=EVA, now=LATER)
    db.session.commit()
    sending.deliver_waiting(LATER)
    assert _letters(case) == [("reminder", "withdrawn")]
    while lifecycle.advance(later, LATER, limit=1).taken:
        db.session.commit()
    db.session.commit()
    sending.deliver_waiting(LATER)
    assert _letters(case) == [("reminder", "withdrawn"), ("reminder", "sent")]
    assert _letters(stopped) == [("reminder", "withdrawn")]
    db.session.refresh(case)
    assert case.pay_by_on == banking_day_on_or_after(later + timedelta(days=10))
    assert settling.cases.amount_due(case, TODAY).fees_ore == owed
    assert holds.with_letters_left() == []


def test_payments_are_taken_while_everything_is_held(creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    _hold(creditor)
    settling.settle_payment(
        case, amount_ore=1_000_000, key="A", channel="swish", value_on=TODAY, actor=SWISH, now=NOW
    )
    assert case.status == "paid"


def test_a_stop_that_ends_waits_until_the_company_goes_on(creditor: Creditor) -> None:
    case = a_case(creditor)
    stops.stop(case, "hold", "", actor=EVA, now=NOW, until_on=TODAY)
    _hold(creditor)
    lifecycle.advance(TODAY, NOW)
    assert case.is_stopped


def test_holding_and_going_on_twice_changes_nothing(creditor: Creditor) -> None:
    _hold(creditor)
    assert not holding.hold_everything(creditor.id, "", actor=EVA, now=NOW)
    assert holding.go_on(creditor.id, actor=EVA, now=NOW)
    assert not holding.go_on(creditor.id, actor=EVA, now=NOW)
    db.session.commit()
    told = [one.name for one in history.of_creditor(creditor.id)]
    assert told == ["collection.resumed", "collection.held"]


def test_a_hold_waits_for_the_steps_being_taken_and_is_the_last_word(
    app: Flask, creditor: Creditor
) -> None:
    """What a run has begun comes to light before the hold does, and nothing after it."""
    case, creditor_id = a_case(creditor), creditor.id
    lifecycle.advance(TODAY, NOW)
    pool, holds_on = _meanwhile(
        app, lambda: holding.hold_everything(creditor_id, "", actor=EVA, now=NOW)
    )
    with pytest.raises(TimeoutError):
        holds_on.result(timeout=0.5)
    db.session.commit()
    holds_on.result(timeout=20)
    pool.shutdown()
    db.session.refresh(case)
    reminded = case.status
    later = case.next_step_on
    assert later is not None
    lifecycle.advance(later, LATER)
    assert (reminded, case.status) == ("reminded", "reminded")
    sending.deliver_waiting(NOW)
    assert _letters(case) == [("reminder", "waiting")]


def test_a_run_that_begins_while_a_hold_is_being_saved_finds_it(
    app: Flask, creditor: Creditor
) -> None:
    case, creditor_id = a_case(creditor), creditor.id
    an_invoice_of(creditor)
    holding.hold_everything(creditor_id, "", actor=EVA, now=NOW)
    pool, runs = _meanwhile(
        app,
        lambda: (
            importing.import_waiting(creditor_id, today=TODAY, now=NOW),
            lifecycle.advance(TODAY, NOW).taken,
        ),
    )
    with pytest.raises(TimeoutError):
        runs.result(timeout=0.5)
    db.session.commit()
    assert runs.result(timeout=20) == (0, 0)
    pool.shutdown()
    db.session.refresh(case)
    assert case.status == "imported"


def test_a_pause_says_since_when_and_by_whom(creditor: Creditor) -> None:
    holding.pause(creditor.id, actor=EVA, now=NOW)
    db.session.commit()
    stands = holding.standing(creditor.id)
    assert (stands.is_active, stands.turned) == (False, holding.Turned(NOW, EVA.label))


def test_a_pause_changes_nothing_else_of_the_rules(creditor: Creditor) -> None:
    row = db.session.scalars(select(Rules)).one()
    row.days_after_due = 19
    holding.pause(creditor.id, actor=EVA, now=NOW)
    holding.turn_on(creditor.id, missing=[], actor=EVA, now=NOW)
    db.session.refresh(row)
    assert (row.is_active, row.days_after_due, row.reminder_days) == (True, 19, 10)


def test_with_something_missing_it_is_not_switched_on(creditor: Creditor) -> None:
    holding.pause(creditor.id, actor=EVA, now=NOW)
    with pytest.raises(RedaError):
        holding.turn_on(creditor.id, missing=["account"], actor=EVA, now=NOW)


def test_rules_of_classes_that_go_on_are_counted(creditor: Creditor) -> None:
    db.session.add(
        Rules(creditor_id=creditor.id, scope="class", scope_key="A", is_active=True, changed_at=NOW)
    )
    assert holding.standing(creditor.id).own_scopes == 1


def test_a_case_that_owes_only_the_fee_of_a_stale_letter_is_paid(creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    letters_leave()
    due = settling.cases.amount_due(case, TODAY)
    settling.settle_payment(
        case, amount_ore=due.total_ore - due.fees_ore, key="A", channel="swish", value_on=TODAY,
        actor=SWISH, now=NOW,
    )  # fmt: skip
    # It has not arrived, and goes by post.
    db.session.execute(update(Message).values(status="waiting", sent_at=None))
    _hold(creditor)
    holding.go_on(creditor.id, actor=EVA, now=LATER)
    assert case.status == "paid"


def test_going_on_and_a_payment_do_not_wait_for_each_other(app: Flask, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    creditor_id = creditor.id
    _hold(creditor)
    settling.cases.lock(case.id)
    pool, going = _meanwhile(app, lambda: holding.go_on(creditor_id, actor=EVA, now=LATER))
    with pool:
        sleep(1)
        settling.withdraw_letters(case, now=LATER)
        db.session.commit()
        assert going.result(timeout=10)


def test_a_letter_written_again_and_a_payment_do_not_wait_for_each_other(
    app: Flask, creditor: Creditor
) -> None:
    case = a_reminded_case(creditor)
    letter = db.session.scalars(select(Message).where(Message.case_id == case.id)).one()
    letter.status, letter.channel = "failed", "letter"
    message_id = letter.id
    db.session.commit()
    settling.cases.lock(case.id)
    pool, again = _meanwhile(
        app, lambda: lifecycle.write_again(message_id, actor=EVA, today=TODAY, now=LATER)
    )
    with pool:
        sleep(1)
        settling.withdraw_letters(case, now=LATER)
        db.session.commit()
        with pytest.raises(NotFailed):
            again.result(timeout=10)
