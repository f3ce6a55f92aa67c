"""Refunds by Swish and by the payment provider: asked for once, followed, and booked once."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Thread

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from portal import clock, jobs, ledger
from portal.collection.models import Case
from portal.config import Settings
from portal.database import tenancy
from portal.extensions import db
from portal.ledger import Account
from portal.messages import RedaError
from portal.payments import booking, paying_back, refunds
from portal.payments.models import Refund
from portal.payments.ways import Unavailable
from tests.factories import NOW, TODAY, a_case, a_case_whose_reminder_left
from tests.online_fixtures import Online
from tests.payments.asking import ask, asked_for_parts, paid
from tests.payments.going_back import (
    BASE,
    ERIK,
    by_bank,
    follow,
    paid_twice,
    send,
    the_refund,
    too_much,
)
from tests.swish_fixtures import Swish
from tests.waiting import until_somebody_waits

pytest_plugins = ["tests.swish_fixtures", "tests.online_fixtures"]
OWED = 100_000 + 548 + 6_000
TOMORROW = NOW + timedelta(days=1, minutes=1)


@pytest.fixture
def settings(settings: Settings, swish: Swish, online: Online) -> Settings:
    return online.settings(swish.settings(settings))


@pytest.fixture
def case(app: Flask) -> Case:
    return a_case_whose_reminder_left()


@pytest.fixture
def refund(swish: Swish, case: Case) -> Refund:
    """What is to go back of a payment by Swish of a case that was paid already."""
    return paid_twice(swish, case, OWED)


def prepare(swish: Swish, ending: str) -> None:
    swish.control("next-refund", ending=ending)


def ends(swish: Swish, refund: Refund, how: str = "pay") -> None:
    swish.control(f"refunds/{refund.key}/{how}")


def sent(swish: Swish, refund: Refund) -> Refund:
    prepare(swish, "wait")
    send(refund)
    return refund


def check(case: Case) -> None:
    assert (ledger.off_balance(), booking.differences(), refunds.differences()) == ({}, [], [])


def test_a_request_paid_after_the_bank_has_paid_gets_its_refund(refund: Refund) -> None:
    assert (refund.amount_ore, refund.way, refund.status) == (OWED, "swish", "waiting")
    assert too_much() == OWED


def test_a_payment_of_more_than_is_owed_gets_its_refund_of_the_rest(
    swish: Swish, case: Case
) -> None:
    request_id = asked_for_parts({case.id: None})
    by_bank(case, 6_548)
    swish.control(f"requests/{request_id}/pay")
    ask(request_id)
    assert the_refund().amount_ore == 6_548


def test_a_refund_goes_to_the_payer_and_is_booked_on_its_day(
    swish: Swish, refund: Refund, case: Case
) -> None:
    sent(swish, refund)
    assert refund.status == "released"
    assert too_much() == OWED
    ends(swish, refund)
    assert follow(refund) == "settled"
    assert too_much() == 0
    assert ledger.trial_balance()[Account.CLIENT_FUNDS] == OWED
    check(case)


def test_doing_each_step_twice_changes_nothing(swish: Swish, refund: Refund, case: Case) -> None:
    sent(swish, refund)
    send(refund)
    ends(swish, refund)
    for _ in range(3):
        assert follow(refund) == "settled"
    assert len(swish.running.register.refunds()) == 1
    assert too_much() == 0
    check(case)


def test_it_is_booked_once_when_many_ask_at_once(
    app: Flask, swish: Swish, refund: Refund, case: Case
) -> None:
    sent(swish, refund)
    ends(swish, refund)
    refund_id = refund.id

    def run(_: int) -> str:
        with app.app_context(), tenancy.service():
            found = paying_back.follow(refund_id, BASE, now=NOW).status
            db.session.commit()
            return found

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(run, range(4))) == {"settled"}
    assert too_much() == 0


def test_an_answer_that_got_lost_does_not_pay_twice(swish: Swish, refund: Refund) -> None:
    prepare(swish, "wait")
    swish.control("next", answer="lose")
    with pytest.raises(Unavailable):
        send(refund)
    db.session.rollback()
    db.session.expire_all()
    assert (refund.status, refund.is_taken) == ("released", False)
    follow(refund)
    assert refund.is_taken
    assert len(swish.running.register.refunds()) == 1


def test_a_refund_that_never_arrived_is_asked_for_again(swish: Swish, refund: Refund) -> None:
    swish.control("next", answer="drop")
    with pytest.raises(Unavailable):
        send(refund)
    db.session.rollback()
    prepare(swish, "wait")
    follow(refund)
    assert [one.id for one in swish.running.register.refunds()] == [refund.key]


def test_a_certificate_that_is_not_taken_fails_no_refund(swish: Swish, refund: Refund) -> None:
    swish.control("next", answer="403")
    with pytest.raises(RedaError):
        send(refund)
    db.session.rollback()
    db.session.expire_all()
    assert refund.status == "released"


@pytest.mark.parametrize("code", ["RF02", "RF06", "AM04"])
def test_what_swish_refuses_is_still_owed_with_its_reason(
    swish: Swish, refund: Refund, case: Case, code: str
) -> None:
    prepare(swish, code)
    send(refund)
    assert (refund.status, refund.error_code) == ("rejected", code)
    assert too_much() == OWED
    check(case)


@pytest.mark.parametrize("code", ["RF07", "FF10", "TM01"])
def test_what_fails_at_the_bank_is_still_owed_with_its_reason(
    swish: Swish, refund: Refund, case: Case, code: str
) -> None:
    ends(swish, sent(swish, refund), code)
    assert (follow(refund), refund.error_code) == ("rejected", code)
    check(case)


class TestASilentBank:
    def silent(self, swish: Swish, refund: Refund) -> Refund:
        ends(swish, sent(swish, refund), "DS24")
        return refund

    def test_it_is_waited_for(self, swish: Swish, refund: Refund) -> None:
        assert follow(self.silent(swish, refund)) == "released"
        assert refund.id in paying_back.unanswered(NOW + timedelta(minutes=1))

    def test_it_may_still_have_paid(self, swish: Swish, refund: Refund, case: Case) -> None:
        follow(self.silent(swish, refund))
        ends(swish, refund)
        assert follow(refund) == "settled"
        check(case)

    def test_after_a_day_a_person_looks(self, swish: Swish, refund: Refund) -> None:
        assert follow(self.silent(swish, refund), at=TOMORROW) == "rejected"

    def test_it_is_not_tried_again_unseen(self, swish: Swish, refund: Refund) -> None:
        follow(self.silent(swish, refund), at=TOMORROW)
        with pytest.raises(RedaError, match="Look in the bank"):
            refunds.try_again(refund.id, actor=ERIK, now=NOW)
        assert refunds.try_again(refund.id, actor=ERIK, now=NOW, is_known=True).status == "waiting"

    def test_it_is_booked_when_it_turns_out_to_have_paid_later(
        self, swish: Swish, refund: Refund, case: Case
    ) -> None:
        follow(self.silent(swish, refund), at=TOMORROW)
        assert refund.id in paying_back.unanswered(TOMORROW + timedelta(hours=2))
        ends(swish, refund)
        assert follow(refund, at=TOMORROW) == "settled"
        check(case)


def test_what_failed_is_tried_again_by_a_person_and_paid_once(
    swish: Swish, refund: Refund, case: Case
) -> None:
    ends(swish, sent(swish, refund), "FF10")
    follow(refund)
    again = refunds.try_again(refund.id, actor=ERIK, now=NOW)
    db.session.commit()
    assert (refund.status, again.status, again.amount_ore) == ("failed", "waiting", OWED)
    ends(swish, sent(swish, again))
    assert follow(again) == "settled"
    assert too_much() == 0
    check(case)


def test_of_two_who_try_again_one_does(swish: Swish, refund: Refund) -> None:
    ends(swish, sent(swish, refund), "FF10")
    follow(refund)
    refunds.try_again(refund.id, actor=ERIK, now=NOW)
    with pytest.raises(refunds.NotOpen):
        refunds.try_again(refund.id, actor=ERIK, now=NOW)


def test_a_number_with_a_new_owner_is_paid_to_an_account(swish: Swish, refund: Refund) -> None:
    prepare(swish, "RF06")
    send(refund)
    again = refunds.try_again(refund.id, actor=ERIK, now=NOW, by_bank=True)
    assert (again.way, again.status, again.payer_account) == ("bank", "to confirm", None)


def test_the_database_lets_no_payment_go_back_twice(refund: Refund) -> None:
    values = {
        column.key: getattr(refund, column.key)
        for column in Refund.__table__.columns
        if column.key not in ("id", "key")
    }
    db.session.add(Refund(key="A" * 32, **values))
    with pytest.raises(IntegrityError):
        db.session.flush()
    db.session.rollback()


class TestWhatSpeaksAgainst:
    def test_another_open_case_of_the_debtor_here(self, swish: Swish, case: Case) -> None:
        a_case(case.creditor, debtor=case.debtor)
        refund = paid_twice(swish, case, OWED)
        send(refund)
        assert refund.status == "to confirm"
        assert "another open case" in refund.reason
        assert swish.running.register.refunds() == []

    def test_what_a_person_lets_go_goes(self, swish: Swish, case: Case) -> None:
        a_case(case.creditor, debtor=case.debtor)
        refund = paid_twice(swish, case, OWED)
        send(refund)
        refunds.let_go(refund.id, actor=ERIK, now=NOW)
        db.session.commit()
        sent(swish, refund)
        assert refund.status == "released"

    def test_a_case_that_is_not_paid_any_more(
        self, swish: Swish, refund: Refund, case: Case
    ) -> None:
        ledger.post(
            creditor_id=case.creditor_id, case_id=case.id, kind="fee.reminder", booked_on=TODAY,
            key="fee:again", currency="SEK", now=NOW,
            lines={ledger.Account.FEES: 6_000, ledger.Account.FEE_INCOME: -6_000},
        )  # fmt: skip
        db.session.commit()
        send(refund)
        assert refund.status == "to confirm"
        assert "not paid any more" in refund.reason

    def test_money_that_covers_the_case_again(self, swish: Swish, refund: Refund) -> None:
        booking.take_back("bankgiro:1", by_bank=True, on=TODAY, actor=ERIK, now=NOW)
        db.session.commit()
        send(refund)
        assert refund.status == "withdrawn"
        assert swish.running.register.refunds() == []


def test_a_part_of_a_joint_payment_waits_for_the_other(swish: Swish, app: Flask) -> None:
    one, other = a_case_whose_reminder_left(), a_case_whose_reminder_left()
    request_id = asked_for_parts({one.id: None, other.id: None})
    by_bank(one, OWED)
    by_bank(other, OWED, "bankgiro:2")
    swish.control(f"requests/{request_id}/pay")
    ask(request_id)
    first, second = db.session.query(Refund).order_by(Refund.id)
    sent(swish, first)
    send(second)
    assert (second.status, second.is_taken) == ("released", False)
    ends(swish, first)
    follow(first)
    follow(second)
    ends_by_itself(second)
    assert too_much() == 0


def ends_by_itself(refund: Refund) -> None:
    """The simulator pays what nobody told it to wait with, after a moment."""
    for _ in range(200):
        if follow(refund) == "settled":
            return
        time.sleep(0.02)
    raise AssertionError(refund.status)


def test_the_job_sends_and_follows_by_itself(swish: Swish, app: Flask) -> None:
    case = a_case_whose_reminder_left()
    refund = paid_twice(swish, case, OWED)
    prepare(swish, "wait")
    jobs.pay_back()
    db.session.expire_all()
    assert refund.status == "released"
    ends(swish, refund)
    refund.asked_at = clock.now() - timedelta(minutes=1)
    db.session.commit()
    jobs.pay_back()
    db.session.expire_all()
    assert refund.status == "settled"


def test_a_payment_of_what_is_owed_gets_no_refund(swish: Swish, case: Case) -> None:
    paid(swish, case)
    assert db.session.query(Refund).all() == []


class TestByTheProvider:
    @pytest.fixture
    def refund(self, online: Online, case: Case) -> Refund:
        request = booking.begin(
            {case.id: None},
            booking.How(BASE + "/callbacks/payments", "card", lambda _: BASE),
            now=NOW,
            between=db.session.commit,
        )
        by_bank(case, OWED)
        online.ends_silently(request.id, "approve")
        booking.ask(request.id, now=NOW)
        db.session.commit()
        return the_refund()

    def prepare(self, online: Online, ending: str) -> None:
        online.control("next", callback="none", refund=ending)

    def test_it_goes_back_to_the_card(self, online: Online, refund: Refund, case: Case) -> None:
        assert (refund.way, refund.amount_ore) == ("card", OWED)
        online.control("next", callback="none")
        send(refund)
        assert follow(refund) == "settled"
        check(case)

    @pytest.mark.parametrize(("ending", "code"), [("closed", "ACMT01"), ("declined", "RF07")])
    def test_what_fails_is_still_owed(
        self, online: Online, refund: Refund, ending: str, code: str
    ) -> None:
        self.prepare(online, ending)
        send(refund)
        assert (follow(refund), refund.error_code) == ("rejected", code)
        assert too_much() == OWED

    def test_a_silent_bank_is_waited_for(self, online: Online, refund: Refund) -> None:
        self.prepare(online, "outcome_unknown")
        send(refund)
        assert follow(refund) == "released"
        online.control("next", callback="none")
        online.control(f"refunds/{refund.key}/pay")
        assert follow(refund) == "settled"

    def test_a_provider_that_is_down_is_asked_again(self, online: Online, refund: Refund) -> None:
        online.control("next", answer=503)
        with pytest.raises(Unavailable):
            send(refund)
        db.session.rollback()
        online.control("next", callback="none")
        follow(refund)
        assert follow(refund) == "settled"


class TestPaidAfterAll:
    """A bank that was silent for a day has paid, when the refund was tried again already."""

    @pytest.fixture
    def again(self, swish: Swish, refund: Refund) -> Refund:
        ends(swish, sent(swish, refund), "DS24")
        follow(refund, at=TOMORROW)
        found = refunds.try_again(refund.id, actor=ERIK, now=NOW, is_known=True)
        db.session.commit()
        return found

    def test_what_is_not_sent_yet_is_withdrawn(
        self, swish: Swish, refund: Refund, again: Refund, case: Case
    ) -> None:
        ends(swish, refund)
        assert follow(refund, at=TOMORROW) == "settled"
        assert (again.status, too_much()) == ("withdrawn", 0)
        check(case)

    @pytest.mark.parametrize("is_paid_too", [False, True])
    def test_when_the_next_bank_was_silent_too_it_is_asked_still(
        self, swish: Swish, refund: Refund, again: Refund, case: Case, *, is_paid_too: bool
    ) -> None:
        later = TOMORROW + timedelta(days=1, hours=2)
        ends(swish, sent(swish, again), "DS24")
        assert follow(again, at=later) == "rejected"
        ends(swish, refund)
        assert follow(refund, at=later) == "settled"
        assert (again.status, too_much()) == ("failed", 0)
        check(case)
        assert again.id in paying_back.unanswered(later + timedelta(hours=2))
        if is_paid_too:
            # Swish itself refuses to pay back more than was paid; a bank would not.
            for _ in range(2):
                refunds.settle(again, on=TODAY, actor=ERIK, now=NOW)
                db.session.commit()
            assert (again.status, too_much()) == ("failed", -OWED)
            assert [one.case_id for one in refunds.differences()] == [case.id]
            assert again.id not in paying_back.unanswered(later + timedelta(hours=4))

    def test_what_was_sent_and_is_withdrawn_is_booked_when_it_was_paid(
        self, refund: Refund, again: Refund
    ) -> None:
        again.status, again.sent_at = "withdrawn", NOW
        db.session.flush()
        refund.status = "settled"
        db.session.commit()
        refunds.settle(again, on=TODAY, actor=ERIK, now=NOW)
        assert (again.status, too_much()) == ("withdrawn", 0)

    def test_what_was_given_up_is_asked_about_for_a_week(
        self, refund: Refund, again: Refund
    ) -> None:
        hours = {at: refund.id in paying_back.unanswered(NOW + at) for at in (
            timedelta(days=2), timedelta(days=8),
        )}  # fmt: skip
        assert list(hours.values()) == [True, False]

    def test_what_has_gone_twice_shows_in_the_books(
        self, swish: Swish, refund: Refund, again: Refund, case: Case
    ) -> None:
        ends(swish, refund)
        # Swish itself refuses to pay back more than was paid; a bank would not.
        again.status = "released"
        refunds.settle(again, on=TODAY, actor=ERIK, now=NOW)
        db.session.commit()
        for _ in range(2):
            assert follow(refund, at=TOMORROW) == "failed"
        assert too_much() == -OWED
        assert [one.case_id for one in refunds.differences()] == [case.id]

    def test_money_that_covers_the_case_again_at_the_same_instant(
        self, app: Flask, swish: Swish, case: Case
    ) -> None:
        refund_id = paid_twice(swish, case, OWED).id

        def run() -> None:
            with app.app_context(), tenancy.service():
                paying_back.send(refund_id, BASE, now=NOW, between=db.session.commit)
                db.session.remove()

        booking.take_back("bankgiro:1", by_bank=True, on=TODAY, actor=ERIK, now=NOW)
        other = Thread(target=run)
        other.start()
        until_somebody_waits(other.is_alive)
        db.session.commit()
        other.join()
        assert the_refund().status == "withdrawn"
        assert swish.running.register.refunds() == []
