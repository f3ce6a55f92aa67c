"""What is taken back of Swish and card is booked back once, on every case, and may come again."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from threading import Thread
from unittest.mock import patch

import pytest
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import select

from portal import ledger
from portal.collection import cases, checks, plans
from portal.collection.models import Case, Event
from portal.database import tenancy
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.actor import DEBTOR
from portal.ledger import Account
from portal.messages import RedaError
from portal.payments import booking, chargebacks, reconciling, refunds, taking_back, transfers
from portal.payments.models import Chargeback, Payment, Refund, SwishRequest
from portal.payments.taking_back import NotWaiting
from portal.payments.ways import ChargedBack
from tests.factories import NOW, TODAY, a_case_whose_reminder_left, a_creditor, rules_of
from tests.payments.at_once import ERIK, come_again, paid_at_once, taken, told_by_provider
from tests.payments.bank_money import cleared, match, paid_by_bank, told
from tests.waiting import until_somebody_waits

OWED = 100_000 + 548 + 6_000
TOMORROW = TODAY + timedelta(days=1)


@pytest.fixture
def case(app: Flask) -> Case:
    return a_case_whose_reminder_left()


def owed(case: Case) -> int:
    db.session.expire_all()
    return ledger.balance(case.id).total_ore


def status(case: Case) -> str:
    return cases.lock(case.id).status


def check() -> None:
    db.session.expire_all()
    assert ledger.off_balance() == {}
    assert (checks.differences(), booking.differences(), refunds.differences()) == ([], [], [])


def learn(request: SwishRequest, *told_of: ChargedBack) -> None:
    """Ask the provider, which answers so."""
    with patch.object(booking, "client_of") as client_of:
        client_of.return_value.fetch_chargebacks.return_value = told_of
        chargebacks.learn(request.id, now=NOW)
    db.session.commit()


def events(case: Case, name: str) -> list[dict[str, object]]:
    return [
        one.data
        for one in db.session.scalars(
            select(Event).where(Event.case_id == case.id, Event.name == name).order_by(Event.id)
        )
    ]


def test_a_payment_taken_back_opens_the_case_as_if_it_had_not_come(case: Case) -> None:
    request = paid_at_once({case: OWED})
    assert (status(case), owed(case)) == ("paid", 0)
    taken(request, on=TOMORROW)
    assert (status(case), owed(case)) == ("reminded", OWED)
    assert booking.payments_of(case.id) == []
    (event,) = events(case, "case.payment_taken_back")
    assert (event["amount_ore"], event["by_bank"], event["reopened"]) == (OWED, True, True)
    check()


def test_every_case_of_the_request_owes_again(app: Flask) -> None:
    some = [a_case_whose_reminder_left(), a_case_whose_reminder_left(balance_ore=33_333)]
    parts = {one: cases.amount_due(one, TODAY).total_ore for one in some}
    request = paid_at_once(parts)
    assert [owed(one) for one in some] == [0, 0]
    taken(request)
    assert {one: owed(one) for one in some} == parts
    check()


def test_of_a_part_the_last_case_owes_again(app: Flask) -> None:
    some = [a_case_whose_reminder_left(), a_case_whose_reminder_left(balance_ore=33_333)]
    parts = {one: cases.amount_due(one, TODAY).total_ore for one in some}
    request = paid_at_once(parts)
    taken(request, 5_000)
    assert [owed(one) for one in some] == [0, 5_000]
    assert chargebacks.left_ore(request) == sum(parts.values()) - 5_000
    taken(request)
    assert {one: owed(one) for one in some} == parts
    check()


@given(st.integers(2, 3 * OWED), st.integers(1, 10**9), st.integers(0, 40), st.integers(0, 9))
@examples(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_stays_of_a_part_is_settled_as_if_only_that_had_come(
    app: Flask, paid_ore: int, lost: int, days: int, later: int
) -> None:
    """paid_ore: at first; lost: of it, in some way; days: when it came; later: taken back."""
    creditor = a_creditor()
    rules_of(creditor, small_rest_ore=0)
    one, other = a_case_whose_reminder_left(creditor), a_case_whose_reminder_left(creditor)
    on = TODAY + timedelta(days=days)
    lost_ore = 1 + lost % (paid_ore - 1)
    request = paid_at_once({one: paid_ore}, on=on)
    taken(request, lost_ore, on=on + timedelta(days=later))
    paid_at_once({other: paid_ore - lost_ore}, on=on)
    assert ledger.balance(one.id) == ledger.balance(other.id)
    sums = [ledger.entries(each.id) for each in (one, other)]
    due = [cases.amount_due(each, on + timedelta(days=60)).total_ore for each in (one, other)]
    assert due[0] == due[1]
    assert sums
    check()


def test_a_part_has_a_receipt_of_what_stays_and_tells_nobody_that_it_came_anew(case: Case) -> None:
    request = paid_at_once({case: OWED})
    told_before = len(db.session.scalars(select(Message)).all())
    taken(request, 6_548)
    (stays,) = booking.payments_of(case.id)
    assert (stays.amount_ore, owed(case)) == (OWED - 6_548, 6_548)
    assert len(db.session.scalars(select(Message)).all()) == told_before
    assert len(events(case, "case.payment_received")) == 1
    (event,) = events(case, "case.payment_taken_back")
    assert (event["amount_ore"], event["left_ore"]) == (6_548, 6_548)


class TestSurplus:
    """What was paid too much, and goes back to the payer."""

    @pytest.fixture
    def request_(self, case: Case) -> SwishRequest:
        return paid_at_once({case: OWED + 20_000})

    def refund(self) -> Refund:
        db.session.expire_all()
        return db.session.scalars(select(Refund).order_by(Refund.id.desc())).first()  # type: ignore[return-value]

    def pay_back(self) -> Refund:
        refund = self.refund()
        refund.status, refund.released_on, refund.sent_at = refunds.RELEASED, TODAY, NOW
        refunds.settle(refund, on=TODAY, actor=ERIK, now=NOW)
        db.session.commit()
        return refund

    def test_what_is_not_sent_is_withdrawn(self, request_: SwishRequest, case: Case) -> None:
        taken(request_)
        assert (self.refund().status, owed(case)) == (refunds.WITHDRAWN, OWED)
        check()

    def test_a_part_of_it_lowers_what_goes_back(self, request_: SwishRequest, case: Case) -> None:
        taken(request_, 5_000)
        refund = self.refund()
        assert (refund.amount_ore, refund.status, owed(case)) == (15_000, refunds.WAITING, 0)
        check()

    def test_what_has_gone_back_of_a_whole_payment_is_our_loss(
        self, request_: SwishRequest, case: Case
    ) -> None:
        self.pay_back()
        taken(request_)
        assert ledger.trial_balance()[Account.BAD_DEBT] == 20_000
        assert owed(case) == OWED
        check()

    def test_it_is_no_loss_when_the_money_comes_again(
        self, request_: SwishRequest, case: Case
    ) -> None:
        refund = self.pay_back()
        for _ in range(2):
            chargeback = taken(request_)
            come_again(chargeback)
            assert ledger.trial_balance().get(Account.BAD_DEBT, 0) == 0
            assert (owed(case), status(case)) == (0, "paid")
            check()
        taken(request_)
        assert ledger.trial_balance()[Account.BAD_DEBT] == 20_000
        assert refund.status == refunds.SETTLED
        check()

    def test_a_part_less_than_the_rest_is_no_loss_for_us(
        self, request_: SwishRequest, case: Case
    ) -> None:
        self.pay_back()
        taken(request_, 30_000)
        taken(request_, 10_000)
        assert ledger.trial_balance().get(Account.BAD_DEBT, 0) == 0
        assert owed(case) == 40_000
        check()

    def test_more_than_the_rest_is(self, request_: SwishRequest, case: Case) -> None:
        self.pay_back()
        taken(request_, OWED + 5_000)
        assert ledger.trial_balance()[Account.BAD_DEBT] == 20_000
        check()

    def test_one_that_is_sent_and_paid_afterwards_is_our_loss(
        self, request_: SwishRequest, case: Case
    ) -> None:
        refund = self.refund()
        refund.status, refund.released_on, refund.sent_at = refunds.RELEASED, TODAY, NOW
        db.session.commit()
        taken(request_)
        refunds.settle(refund, on=TODAY, actor=ERIK, now=NOW)
        db.session.commit()
        assert ledger.trial_balance()[Account.BAD_DEBT] == 20_000
        check()

    def test_one_that_failed_can_be_tried_again_only_while_the_payment_stands(
        self, request_: SwishRequest
    ) -> None:
        refund = self.refund()
        refund.status = refunds.REJECTED
        db.session.commit()
        taken(request_)
        with pytest.raises(refunds.NotOpen):
            refunds.try_again(refund.id, actor=ERIK, now=NOW)


class TestComeAgain:
    """Money that was taken back and is here again."""

    def test_it_counts_from_the_day_it_was_first_paid(self, case: Case) -> None:
        request = paid_at_once({case: OWED})
        chargeback = taken(request, on=TODAY + timedelta(days=5))
        come_again(chargeback, on=TODAY + timedelta(days=20))
        assert (status(case), owed(case)) == ("paid", 0)
        (payment,) = booking.payments_of(case.id)
        assert (payment.value_on, payment.amount_ore) == (TODAY, OWED)
        check()

    def test_twice_it_is_booked_once(self, case: Case) -> None:
        chargeback = taken(paid_at_once({case: OWED}))
        come_again(chargeback)
        with pytest.raises(NotWaiting):
            come_again(chargeback)
        db.session.rollback()
        assert len(booking.payments_of(case.id)) == 1

    def test_of_a_part_of_several_cases_each_has_its_own(self, app: Flask) -> None:
        some = [a_case_whose_reminder_left(), a_case_whose_reminder_left(balance_ore=33_333)]
        parts = {one: cases.amount_due(one, TODAY).total_ore for one in some}
        request = paid_at_once(parts)
        chargeback = taken(request, parts[some[1]] + 2_000)
        assert [owed(one) for one in some] == [2_000, parts[some[1]]]
        come_again(chargeback)
        assert [owed(one) for one in some] == [0, 0]
        check()

    def test_a_day_before_it_was_taken_is_refused(self, case: Case) -> None:
        chargeback = taken(paid_at_once({case: OWED}), on=TOMORROW)
        with pytest.raises(RedaError) as refused:
            come_again(chargeback, on=TODAY)
        assert refused.value.problem.field == "on"


class TestOnce:
    """Whatever the provider, the bank and a person tell of the same money is booked once."""

    @pytest.fixture
    def request_(self, case: Case) -> SwishRequest:
        return paid_at_once({case: OWED})

    def rows(self) -> Sequence[Chargeback]:
        db.session.expire_all()
        return db.session.scalars(select(Chargeback).order_by(Chargeback.id)).all()

    def by_bank(self, request: SwishRequest, ore: int) -> str:
        row = told(-ore, kind="reversal", words=f"Återtag {request.payment_reference}")
        match()
        return row.state

    @pytest.mark.parametrize("order", ["pbs", "psb", "bps", "bsp", "spb", "sbp"])
    @pytest.mark.parametrize("ore", [OWED, 5_000])
    def test_in_any_order(self, request_: SwishRequest, case: Case, order: str, ore: int) -> None:
        for who in order:
            if who == "p":
                for _ in range(2):
                    learn(request_, told_by_provider("CB1", ore))
            elif who == "b":
                assert self.by_bank(request_, ore) == "aside"
            elif not self.rows():
                taken(request_, ore)
        (row,) = self.rows()
        assert (row.status, row.provider_key) == ("taken", "CB1")
        assert row.bank_payment_id is not None
        assert owed(case) == ore
        check()

    def test_two_of_the_same_amount_are_two(self, request_: SwishRequest, case: Case) -> None:
        learn(request_, told_by_provider("CB1", 5_000), told_by_provider("CB2", 5_000))
        assert [self.by_bank(request_, 5_000) for _ in range(3)] == ["aside", "aside", "aside"]
        assert owed(case) == 15_000
        check()

    def test_a_bank_s_file_that_comes_when_the_money_is_here_again_takes_nothing_more(
        self, request_: SwishRequest, case: Case
    ) -> None:
        come_again(taken(request_), on=TOMORROW)
        assert self.by_bank(request_, OWED) == "aside"
        (row,) = self.rows()
        assert (row.status, owed(case)) == ("returned", 0)
        check()

    def test_two_tabs_take_back_once(self, request_: SwishRequest, case: Case) -> None:
        taken(request_, 5_000)
        with pytest.raises(NotWaiting):
            chargebacks.take(
                request_.id, 5_000, TODAY, "igen", seen_ore=OWED, actor=ERIK, today=TODAY, now=NOW
            )
        db.session.rollback()
        assert owed(case) == 5_000

    def test_the_provider_s_word_that_it_came_again_is_booked_once(
        self, request_: SwishRequest, case: Case
    ) -> None:
        learn(request_, told_by_provider("CB1", OWED))
        for _ in range(2):
            learn(request_, told_by_provider("CB1", OWED, is_here=True))
        assert ([one.status for one in self.rows()], owed(case)) == (["returned"], 0)
        learn(
            request_, told_by_provider("CB1", OWED, is_here=True), told_by_provider("CB2", OWED)
        )  # fmt: skip
        assert ([one.status for one in self.rows()], owed(case)) == (["returned", "taken"], OWED)
        check()

    def test_what_was_gone_and_is_here_before_anybody_asked_is_nothing(
        self, request_: SwishRequest, case: Case
    ) -> None:
        learn(request_, told_by_provider("CB1", OWED, is_here=True))
        assert (self.rows(), owed(case)) == ([], 0)

    def test_more_than_is_left_waits_for_a_person(self, request_: SwishRequest, case: Case) -> None:
        taken(request_)
        learn(request_, told_by_provider("CB1", 5_000))
        assert ([one.status for one in self.rows()], chargebacks.count()) == (
            ["taken", "unclear"],
            1,
        )
        chargebacks.decide(self.rows()[1].id, is_same=True, actor=ERIK, now=NOW)
        db.session.commit()
        learn(request_, told_by_provider("CB1", 5_000))
        assert ([one.status for one in self.rows()], chargebacks.count()) == (["taken", "same"], 0)
        assert owed(case) == OWED
        check()

    def test_what_is_unclear_is_booked_when_as_much_is_left(
        self, request_: SwishRequest, case: Case
    ) -> None:
        first = taken(request_)
        learn(request_, told_by_provider("CB1", 5_000))
        with pytest.raises(RedaError):
            chargebacks.decide(self.rows()[1].id, is_same=False, actor=ERIK, now=NOW)
        db.session.rollback()
        come_again(first)
        chargebacks.decide(self.rows()[1].id, is_same=False, actor=ERIK, now=NOW)
        db.session.commit()
        assert owed(case) == 5_000
        check()

    def test_a_bank_s_word_of_more_than_is_left_waits(self, request_: SwishRequest) -> None:
        assert self.by_bank(request_, OWED + 1) == "waiting"
        assert self.rows() == []

    def test_one_that_names_nothing_waits_with_those_it_may_be(
        self, request_: SwishRequest, case: Case
    ) -> None:
        row = told(-OWED, kind="reversal", words="Swish retur")
        match()
        assert row.state == "waiting"
        assert [one.id for one in chargebacks.meant_by(row)] == [request_.id]
        chargebacks.take_back_by(row.id, request_.id, actor=ERIK, now=NOW)
        db.session.commit()
        assert (row.state, owed(case)) == ("aside", OWED)
        with pytest.raises(NotWaiting):
            chargebacks.take_back_by(row.id, request_.id, actor=ERIK, now=NOW)

    def test_what_the_bank_has_said_of_it_cannot_be_unsaid_while_it_is_booked(
        self, request_: SwishRequest
    ) -> None:
        self.by_bank(request_, OWED)
        (row,) = self.rows()
        assert row.bank_payment_id is not None
        with pytest.raises(NotWaiting):
            transfers.undo(row.bank_payment_id, actor=ERIK, now=NOW)


class TestAtTheSameTime:
    """Two who decide at once: the second waits, and then sees what the first has done."""

    def beside(
        self, app: Flask, work: Callable[[], object], then: Callable[[], object] = lambda: None
    ) -> list[str]:
        """Do some work while the transaction here goes on; answers how it went once this ends.

        then: what is done here while that waits.
        """
        answers: list[str] = []

        def run() -> None:
            with app.app_context(), tenancy.service():
                try:
                    work()
                    db.session.commit()
                    answers.append("done")
                except RedaError:
                    answers.append("refused")
                db.session.remove()

        other = Thread(target=run)
        other.start()
        until_somebody_waits(other.is_alive)
        then()
        db.session.commit()
        other.join()
        db.session.expire_all()
        return answers

    def test_a_bank_s_file_and_a_person_book_once(self, app: Flask, case: Case) -> None:
        request = paid_at_once({case: OWED})
        request_id = request.id
        row = told(-OWED, kind="reversal", words=request_id)
        row.state = "waiting"
        db.session.commit()
        chargebacks.take_back_by(row.id, request_id, actor=ERIK, now=NOW)
        db.session.flush()
        answers = self.beside(
            app,
            lambda: chargebacks.take(
                request_id, OWED, TODAY, "bedrägeri", seen_ore=OWED, actor=ERIK, today=TODAY,
                now=NOW,
            ),
        )  # fmt: skip
        assert (answers, owed(case)) == (["refused"], OWED)
        check()

    def test_a_refund_that_is_tried_again_is_not_paid_of_what_is_taken_back(
        self, app: Flask, case: Case
    ) -> None:
        request = paid_at_once({case: OWED + 20_000})
        refund = db.session.scalars(select(Refund)).one()
        refund.status = refunds.REJECTED
        db.session.commit()
        request_id = request.id
        refunds.try_again(refund.id, actor=ERIK, now=NOW)
        db.session.flush()
        answers = self.beside(
            app,
            lambda: chargebacks.take(
                request_id, OWED + 20_000, TODAY, "bedrägeri", seen_ore=OWED + 20_000, actor=ERIK,
                today=TODAY, now=NOW,
            ),
        )  # fmt: skip
        assert answers == ["done"]
        statuses = db.session.scalars(select(Refund.status).order_by(Refund.id)).all()
        assert statuses == [refunds.FAILED, refunds.WITHDRAWN]
        check()

    def test_what_is_found_to_go_back_meanwhile_is_withdrawn(self, app: Flask, case: Case) -> None:
        request = paid_at_once({case: OWED})
        request_id, key = request.id, booking.payments_of(case.id)[0].channel_reference
        cases.lock(case.id)
        answers = self.beside(
            app,
            lambda: chargebacks.take(
                request_id, OWED, TODAY, "bedrägeri", seen_ore=OWED, actor=ERIK, today=TODAY,
                now=NOW,
            ),
            then=lambda: refunds.owe_more(key, 6_000, now=NOW),
        )  # fmt: skip
        assert answers == ["done"]
        assert db.session.scalars(select(Refund.status)).all() == [refunds.WITHDRAWN]

    def test_so_is_that_of_a_payment_by_bank(self, app: Flask, case: Case) -> None:
        paid = paid_by_bank(case, OWED)
        key = booking.payments_of(case.id)[0].channel_reference
        reversal_id = told(-OWED, kind="reversal", serial=paid.serial).id
        cases.lock(case.id)
        answers = self.beside(
            app,
            lambda: taking_back.take_back_surely(reversal_id, actor=ERIK, now=NOW),
            then=lambda: refunds.owe_more(key, 6_000, now=NOW),
        )
        assert answers == ["done"]
        assert db.session.scalars(select(Refund.status)).all() == [refunds.WITHDRAWN]


class TestPlan:
    """What a payment plan counts as come: what came since it was agreed on."""

    def came(self, case: Case, *acts: Callable[[SwishRequest], object]) -> int:
        """Of a plan after the first act, by what is done after it."""
        request = paid_at_once({case: 40_000})
        first, *others = acts
        first(request)
        agreed_at = NOW + timedelta(days=1)
        plan = plans.agree(
            cases.lock(case.id), monthly_ore=20_000, first_on=TODAY + timedelta(days=11),
            actor=DEBTOR, today=TOMORROW, now=agreed_at,
        )  # fmt: skip
        db.session.commit()
        with patch("tests.payments.at_once.NOW", NOW + timedelta(days=2)):
            for act in others:
                act(request)
        return sum(one.came_ore for one in plans.progress(plan))

    def again(self, request: SwishRequest) -> None:
        come_again(chargebacks.of_request(request.id)[-1])

    def test_what_stays_of_an_earlier_payment_has_not_come_since(self, case: Case) -> None:
        assert self.came(case, lambda _: None, lambda one: taken(one, 10_000)) == 0

    def test_what_was_there_and_comes_again_has_not_either(self, case: Case) -> None:
        assert self.came(case, lambda _: None, taken, self.again) == 0

    def test_what_was_gone_and_comes_again_has(self, case: Case) -> None:
        assert self.came(case, taken, self.again) == 40_000

    def test_of_a_part_that_was_gone_only_that_has(self, case: Case) -> None:
        assert self.came(case, lambda one: taken(one, 10_000), self.again) == 10_000


class TestReconciled:
    """Bank, books and cases agree before it and after it, day by day."""

    def sums(self, day: int) -> tuple[int | None, int, int, int]:
        on = TODAY + timedelta(days=day)
        kept, whole = (
            reconciling.reconcile(on, on),
            reconciling.reconcile_from_the_beginning(on, on),
        )
        assert kept.closing == whole.closing
        found = kept.closing
        return found.bank_ore, found.books_ore, found.cases_ore, kept.unexplained

    def brings(self, ore: int, day: int) -> None:
        """The bank's sum of a day, of what came by card less what was taken back."""
        row = told(ore, state="waiting", on=TODAY + timedelta(days=day))
        transfers.note(row.id, "card", actor=ERIK, now=NOW)
        db.session.commit()

    @pytest.mark.parametrize("is_cleared", [False, True])
    def test_a_part_that_comes_again(self, case: Case, is_cleared: bool) -> None:
        request = paid_at_once({case: OWED})
        self.brings(OWED, 0)
        if is_cleared:
            cleared()
        chargeback = taken(request, 5_000, on=TODAY + timedelta(days=2))
        told(
            -5_000, kind="reversal", words=request.payment_reference or "",
            on=TODAY + timedelta(days=2),
        )  # fmt: skip
        match()
        if is_cleared:
            cleared()
        come_again(chargeback, on=TODAY + timedelta(days=4))
        self.brings(5_000, 4)
        if is_cleared:
            cleared()
        left = OWED - 5_000
        assert self.sums(0) == (OWED, OWED, OWED, 0)
        assert self.sums(1) == (OWED, OWED, OWED, 0)
        assert self.sums(2) == (left, left, left, 0)
        assert self.sums(3) == (left, left, left, 0)
        assert self.sums(4) == (OWED, OWED, OWED, 0)
        moves = reconciling.reconcile(TODAY + timedelta(days=2), TODAY + timedelta(days=2)).moves
        assert {one.what: (one.bank_ore, one.cases_ore) for one in moves}["taken back"][0] == -5_000
        check()

    @pytest.mark.parametrize("is_cleared", [False, True])
    def test_what_the_bank_has_not_drawn_yet_is_explained_for_some_days(
        self, case: Case, is_cleared: bool
    ) -> None:
        paid_at_once({case: OWED - 5_000})
        request = paid_at_once({case: 5_000})
        self.brings(OWED, 0)
        taken(request, on=TOMORROW)
        if is_cleared:
            cleared()

        def reasons(day: int) -> dict[str, int]:
            on = TODAY + timedelta(days=day)
            kept = reconciling.reconcile(on, on).reasons
            assert kept == reconciling.reconcile_from_the_beginning(on, on).reasons
            return {one.what: one.ore for one in kept}

        assert reasons(1) == {"not drawn": 5_000}
        assert self.sums(1)[3] == 0
        assert reasons(30) == {"not in the books": 5_000}
        self.brings(1_000, 2)
        assert reasons(2) == {"not drawn": 5_000, "not in the books": 1_000}

    def test_swish_that_the_bank_lists_one_by_one(self, case: Case) -> None:
        request = paid_at_once({case: OWED}, way="swish")
        names = {"words": f"SWISH {request.payment_reference}"}
        told(OWED, **names)  # type: ignore[arg-type]
        match()
        told(-OWED, kind="reversal", on=TOMORROW, **names)  # type: ignore[arg-type]
        match()
        assert self.sums(0) == (OWED, OWED, OWED, 0)
        assert self.sums(1) == (0, 0, 0, 0)
        assert owed(case) == OWED


_ACTS = ("pay", "take", "take a part", "come again", "refund", "bank", "bank again", "provider")


@given(
    st.lists(
        st.tuples(st.sampled_from(_ACTS), st.integers(1, 2 * OWED), st.integers(0, 9)),
        min_size=3, max_size=12,
    )
)  # fmt: skip
@examples(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_sequence_keeps_the_books_whole(app: Flask, acts: list[tuple[str, int, int]]) -> None:
    some = [a_case_whose_reminder_left(), a_case_whose_reminder_left(balance_ore=33_333)]
    requests: list[SwishRequest] = []
    for number, (what, ore, at) in enumerate(acts):
        try:
            _act(what, ore, at, number, some, requests)
            db.session.commit()
        except RedaError:
            db.session.rollback()
        check()
        assert reconciling.reconcile(TODAY, TODAY).closing.books_ore == (
            reconciling.reconcile(TODAY, TODAY).closing.cases_ore
        )
    for request in requests:
        booked = db.session.scalars(select(Payment)).all()
        assert booked
        gone = sum(
            one.amount_ore
            for one in chargebacks.of_request(request.id)
            if one.status == chargebacks.TAKEN
        )
        assert chargebacks.left_ore(request) == request.amount_ore - gone


def _act(
    what: str, ore: int, at: int, number: int, some: Sequence[Case], requests: list[SwishRequest]
) -> None:
    if what == "pay":
        parts = {some[0]: ore, some[1]: ore // 2 + 1} if at % 2 else {some[0]: ore}
        requests.append(paid_at_once(parts, way=("swish", "card", "account")[at % 3]))
        return
    if what == "refund":
        going = list(db.session.scalars(select(Refund).order_by(Refund.id)))
        refund = going[at % len(going)] if going else None
        if refund is not None and refund.status == refunds.WAITING:
            refund.status, refund.sent_at = refunds.RELEASED, NOW
        elif refund is not None and at % 3:
            refunds.settle(refund, on=TODAY, actor=ERIK, now=NOW)
        elif refund is not None:
            refunds.reject(refund, "", on=TODAY, actor=ERIK, now=NOW)
        return
    if not requests:
        return
    request = requests[at % len(requests)]
    if what == "take":
        taken(request)
    elif what == "take a part":
        taken(request, ore)
    elif what == "come again":
        for one in chargebacks.of_request(request.id):
            if one.status == chargebacks.TAKEN and at % 2:
                come_again(one)
    elif what == "bank":
        told(-min(ore, request.amount_ore), kind="reversal", words=request.id)
        match()
    elif what == "bank again":
        gone = chargebacks.of_request(request.id)
        told(gone[at % len(gone)].amount_ore if gone else ore, words=request.id, on=TOMORROW)
        match()
    else:
        learn(request, told_by_provider(f"CB{number}", ore))
