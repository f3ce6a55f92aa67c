"""What people decide on payments by bank, and what banks take back: exact to the öre, once."""

import io
import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from portal import ledger
from portal.collection import cases, checks, history, lifecycle, policy
from portal.collection.models import Case, Event
from portal.database import tenancy
from portal.extensions import db
from portal.identity.actor import Actor
from portal.ledger import Account
from portal.messages import RedaError
from portal.payments import booking, deciding, matching, refunds, taking, taking_back
from portal.payments.deciding import NotWaiting
from portal.payments.models import BankPayment, BankShare, Refund
from tests.factories import NOW, TODAY, a_case, a_case_whose_reminder_left, letters_leave
from tests.payments.bank_files.written import Deposit, Paid, bgmax
from tests.payments.bank_money import told

ERIK = Actor("person", "Erik Wallin", role="operator")
_numbers = itertools.count(1)
# What a reminded case owes on the day of the reminder.
OWED = 106_548


def take(data: bytes) -> None:
    stream = io.BytesIO(data)
    taking.take(taking.keep(stream, "b"), stream, way="page", by="", today=TODAY, now=NOW)
    db.session.commit()
    matching.match_new(now=NOW, between=db.session.commit)
    db.session.commit()
    db.session.expire_all()


def came(*paid: Paid) -> BankPayment:
    """A file of payments that came today; answers the last of them."""
    number = next(_numbers)
    stamp = f"{20260310173035000000 + number}"
    take(bgmax(Deposit(paid, serial=f"{number:05}", day=TODAY), stamp=stamp))
    return db.session.scalars(select(BankPayment).order_by(BankPayment.id.desc())).first()  # type: ignore[return-value]


def give(payment: BankPayment, parts: dict[str, int]) -> None:
    deciding.give(payment.id, parts, actor=ERIK, now=NOW)
    db.session.commit()
    db.session.expire_all()


def undo(payment: BankPayment) -> None:
    deciding.undo(payment.id, actor=ERIK, today=TODAY, now=NOW)
    db.session.commit()
    db.session.expire_all()


def stands(case: Case) -> tuple[str, int]:
    db.session.expire_all()
    return case.status, ledger.balance(case.id).total_ore


def sum_of(column: object, *where: object) -> int:
    return int(db.session.scalar(select(func.coalesce(func.sum(column), 0)).where(*where)))  # type: ignore[arg-type]


def check_sums() -> None:
    """Money in is booked, waiting or going back; and the books hold what was booked."""
    came_in = sum_of(BankPayment.amount_ore, BankPayment.kind == "payment")
    given_ = sum_of(BankShare.amount_ore, BankShare.undone_at.is_(None))
    waiting = sum_of(
        BankPayment.amount_ore, BankPayment.state == "waiting", BankPayment.kind == "payment"
    )
    back = sum_of(Refund.amount_ore, Refund.share_id.is_(None), Refund.status != "withdrawn")
    taken_back = sum_of(BankPayment.amount_ore, BankPayment.state == "taken back")
    assert came_in == given_ + waiting + back + taken_back
    balance = ledger.trial_balance()
    assert balance.get(Account.CLIENT_FUNDS, 0) == given_
    over = sum_of(Refund.amount_ore, Refund.share_id.is_not(None), Refund.status != "withdrawn")
    assert -balance.get(Account.OVER_PAYMENT, 0) == over
    assert balance.get(Account.UNMATCHED, 0) == 0
    assert (ledger.off_balance(), checks.differences(), booking.differences()) == ({}, [], [])


def test_a_payment_given_to_a_case_is_booked_by_who_gave_it(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    payment = came(Paid(OWED, texts=["hej"]))
    give(payment, {case.reference: OWED})
    assert stands(case) == ("paid", 0)
    told = select(Event.actor).where(Event.name == "case.payment_received")
    assert db.session.scalars(told).all() == ["person:Erik Wallin"]
    check_sums()


def test_a_payment_is_split_over_cases_to_the_ore(app: Flask) -> None:
    one, other = a_case_whose_reminder_left(), a_case_whose_reminder_left()
    payment = came(Paid(100_001))
    give(payment, {one.reference: 60_000, other.reference: 40_001})
    assert [each.amount_ore for each in taking_back.shares_of(payment.id)] == [60_000, 40_001]
    check_sums()


@pytest.mark.parametrize("parts", [(60_000, 40_000), (60_000, 40_002), (100_001, 0), (-1, 100_002)])
def test_parts_that_are_not_exact_are_refused(app: Flask, parts: tuple[int, int]) -> None:
    one, other = a_case_whose_reminder_left(), a_case_whose_reminder_left()
    payment = came(Paid(100_001))
    with pytest.raises(RedaError):
        give(payment, {one.reference: parts[0], other.reference: parts[1]})
    db.session.rollback()
    assert booking.payments_of(one.id) == []


def test_a_payout_that_came_back_is_no_debtor_s_payment(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    with pytest.raises(NotWaiting):
        give(told(50_000, kind="returned", state="waiting"), {case.reference: 50_000})


def test_what_is_left_of_a_payment_that_was_booked_in_part_can_be_given(app: Flask) -> None:
    case, other = a_case_whose_reminder_left(), a_case_whose_reminder_left()
    payment = told(50_000, state="waiting")
    key = matching.share_key(payment.id, 2)
    booking.receive(
        other.id, amount_ore=20_000, currency="SEK", key=key, channel="bankgiro", value_on=TODAY,
        payer=None, actor=ERIK, now=NOW,
    )  # fmt: skip
    matching.add_shares(
        [
            {
                "payment_id": payment.id, "case_id": other.id, "creditor_id": other.creditor_id,
                "amount_ore": 20_000, "key": key, "how": "ocr", "by": "bank", "at": NOW,
            }
        ]
    )  # fmt: skip
    give(payment, {case.reference: 30_000})
    check_sums()


def test_two_payments_can_be_given_to_one_case(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    came(Paid(50_000), Paid(56_548))
    for payment in deciding.waiting():
        give(payment, {case.reference: payment.amount_ore})
    assert stands(case) == ("paid", 0)


def test_a_decision_that_somebody_has_made_is_not_made_again(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    payment = came(Paid(50_000))
    give(payment, {case.reference: 50_000})
    with pytest.raises(NotWaiting):
        give(payment, {case.reference: 50_000})


def test_of_two_clerks_at_once_one_decides(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    payment_id, reference = came(Paid(50_000)).id, case.reference

    def decide(place: int) -> bool:
        with app.app_context(), tenancy.service():
            try:
                if place % 2:
                    deciding.give(payment_id, {reference: 50_000}, actor=ERIK, now=NOW)
                else:
                    deciding.send_back(payment_id, "not ours", actor=ERIK, now=NOW)
                db.session.commit()
            except NotWaiting:
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(decide, range(4))) == 1
    check_sums()


def test_what_is_nobodys_goes_back_once_the_account_is_confirmed(app: Flask) -> None:
    payment = came(Paid(50_000, payer="3783511"))
    deciding.send_back(payment.id, "not ours", actor=ERIK, now=NOW)
    db.session.commit()
    (refund,) = refunds.open_()
    assert (refund.amount_ore, refund.status, payment.state) == (50_000, "to confirm", "settled")
    refunds.confirm(refund.id, "bankgiro", "378-3511", "", actor=ERIK, now=NOW)
    db.session.commit()
    assert (refund.payer_account, refund.status) == ("3783511", "waiting")
    check_sums()


def test_an_account_of_ours_is_no_payers(app: Flask) -> None:
    ours = "50501055"
    payment = came(Paid(50_000, payer=ours))
    deciding.send_back(payment.id, "not ours", actor=ERIK, now=NOW)
    db.session.commit()
    (refund,) = refunds.open_()
    with pytest.raises(RedaError, match="an account of ours"):
        refunds.confirm(refund.id, "bankgiro", ours, "", actor=ERIK, now=NOW)
    assert refund.status == "to confirm"


@pytest.mark.parametrize("letters", [1, 2])
def test_a_case_that_is_opened_again_waits_as_long_as_the_rules_say(
    app: Flask, letters: int
) -> None:
    case = a_case_whose_reminder_left()
    if letters == 2:
        lifecycle.send_demand(cases.lock(case.id), today=TODAY, now=NOW)
        letters_leave("demand")
    owed_ore = cases.amount_due(cases.lock(case.id), TODAY).total_ore
    payment = came(Paid(owed_ore, case.ocr))
    undo(payment)
    case = cases.lock(case.id)
    assert case.next_step_on == lifecycle.step_after(case, policy.effective(case.creditor_id))


def test_a_decision_taken_back_leaves_the_case_as_it_was(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    before = cases.amount_due(case, TODAY).total_ore
    payment = came(Paid(OWED))
    give(payment, {case.reference: OWED})
    undo(payment)
    assert stands(case) == ("reminded", OWED)
    assert cases.amount_due(case, TODAY).total_ore == before
    assert (case.closed_on, case.next_step) == (None, "demand")
    assert (payment.state, booking.payments_of(case.id)) == ("waiting", [])
    check_sums()


def test_a_payment_can_be_given_again_after_it_was_taken_back(app: Flask) -> None:
    wrong, right = a_case_whose_reminder_left(), a_case_whose_reminder_left()
    payment = came(Paid(OWED, wrong.ocr))
    undo(payment)
    give(payment, {right.reference: OWED})
    assert (stands(wrong)[0], stands(right)[0]) == ("reminded", "paid")
    check_sums()


def test_interest_runs_on_as_if_a_payment_taken_back_had_not_come(app: Flask) -> None:
    case, same = a_case_whose_reminder_left(), a_case_whose_reminder_left()
    payment = came(Paid(40_000, case.ocr))
    undo(payment)
    later = TODAY + timedelta(days=60)
    ours, theirs = (cases.amount_due(one, later).total_ore for one in (case, same))
    # Interest is booked, and so rounded, once more.
    assert abs(ours - theirs) <= 1


def test_too_much_that_is_taken_back_goes_back_to_nobody(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    payment = came(Paid(OWED + 5_000, case.ocr))
    undo(payment)
    assert refunds.open_() == []
    check_sums()


def test_a_deduction_of_a_payment_is_booked_back_and_told(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    came(Paid(OWED, case.ocr))
    came(Paid(200_000, "12"), Paid(-OWED, case.ocr))
    assert stands(case) == ("reminded", OWED)
    (event,) = db.session.scalars(
        select(Event).where(Event.name == "case.payment_taken_back")
    ).all()
    assert (event.data["reopened"], event.data["by_bank"]) == (True, True)
    assert history.check(NOW).broken == []
    check_sums()


def test_a_deduction_that_two_payments_can_be_meant_by_waits(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    came(Paid(10_000, case.ocr), Paid(10_000, case.ocr))
    came(Paid(200_000, "12"), Paid(-10_000, case.ocr))
    (reversal,) = db.session.scalars(select(BankPayment).where(BankPayment.kind == "deduction"))
    assert reversal.state == "waiting"
    first = taking_back.meant_by(reversal)[0]
    taking_back.take_back(reversal.id, first.id, actor=ERIK, now=NOW)
    db.session.commit()
    assert (reversal.state, first.state) == ("settled", "taken back")
    check_sums()


def test_what_was_taken_off_and_no_case_has_to_do_with_is_put_aside(app: Flask) -> None:
    came(Paid(200_000, "12"), Paid(-7_000, "89853"))
    (reversal,) = db.session.scalars(select(BankPayment).where(BankPayment.kind == "deduction"))
    taking_back.put_aside(reversal.id, actor=ERIK)
    assert reversal.state == "aside"


class TestBookedLate:
    def test_a_fee_for_a_letter_that_crossed_the_money_falls(self, app: Flask) -> None:
        case = a_case()
        owed = cases.amount_due(case, TODAY).total_ore
        lifecycle.send_reminder(case, today=TODAY + timedelta(days=1), now=NOW + timedelta(days=1))
        db.session.commit()
        came(Paid(owed, case.ocr))
        assert stands(case) == ("paid", 0)
        assert booking.payments_of(case.id)[0].principal_ore == 100_000
        check_sums()

    def test_a_part_leaves_the_fee(self, app: Flask) -> None:
        case = a_case()
        lifecycle.send_reminder(case, today=TODAY + timedelta(days=1), now=NOW + timedelta(days=1))
        db.session.commit()
        came(Paid(50_000, case.ocr))
        # It is owed still, and the payment covers what was owed on its day.
        assert ledger.balance(case.id).fees_ore == 6_000
        assert booking.payments_of(case.id)[0].fees_ore == 0

    def test_interest_booked_after_its_day_is_lowered(self, app: Flask) -> None:
        late, known = a_case_whose_reminder_left(), a_case_whose_reminder_left()
        soon = TODAY + timedelta(days=30)

        def pay(case: Case, ore: int, day: int, key: str) -> None:
            booking.receive(
                case.id, amount_ore=ore, currency="SEK", key=key, channel="bankgiro",
                value_on=TODAY + timedelta(days=day), payer=None, actor=ERIK, now=NOW,
            )  # fmt: skip
            db.session.commit()

        pay(known, 60_000, 2, "a")
        pay(known, 10_000, 30, "b")
        pay(late, 10_000, 30, "c")
        pay(late, 60_000, 2, "d")
        ours, theirs = (cases.amount_due(one, soon).total_ore for one in (late, known))
        # Never more than had it been known; a little less, for it found the fees paid.
        assert 0 <= theirs - ours <= 100

    @pytest.mark.parametrize("ore", [50_000, 48_548, 47_600])
    def test_interest_that_later_money_has_paid_goes_back_with_the_rest(
        self, app: Flask, ore: int
    ) -> None:
        late, known = a_case_whose_reminder_left(), a_case_whose_reminder_left()
        back = []
        for case, payments in ((known, ((0, ore), (73, 60_000))), (late, ((73, 60_000), (0, ore)))):
            for day, each in payments:
                booking.receive(
                    case.id, amount_ore=each, currency="SEK", key=f"{case.id}:{day}",
                    channel="bankgiro", value_on=TODAY + timedelta(days=day), payer=None,
                    actor=ERIK, now=NOW,
                )  # fmt: skip
            paid = booking.payments_of(case.id)
            back.append(
                sum(one.overpaid_ore for one in paid)
                - cases.amount_due(case, TODAY + timedelta(days=73)).total_ore
            )
        db.session.commit()
        # As above: at most a krona more than had it been known.
        assert 0 <= back[1] - back[0] <= 150
        assert refunds.differences() == []


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ocr", "words", "none", "back", "split", "undo", "too much"]),
            st.integers(1, 300_000), st.integers(0, 2),
        ),
        min_size=1, max_size=8,
    )
)  # fmt: skip
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_money_in_is_booked_or_waits_or_goes_back_to_the_ore(
    app: Flask, acts: list[tuple[str, int, int]]
) -> None:
    known = [a_case_whose_reminder_left() for _ in range(3)]
    for act, ore, place in acts:
        case = known[place]
        reference = case.ocr if act in ("ocr", "undo", "too much") else ""
        words = [case.reference] if act == "words" else []
        ore = ore + 400_000 if act == "too much" else max(ore, 3)
        payment = came(Paid(ore, reference, texts=words))
        if act == "back":
            deciding.send_back(payment.id, "not ours", actor=ERIK, now=NOW)
        elif act == "split":
            parts = {one.reference: ore // 3 for one in known}
            parts[known[0].reference] += ore - sum(parts.values())
            give(payment, parts)
        elif act == "undo" and payment.state == "settled":
            undo(payment)
        db.session.commit()
        check_sums()
