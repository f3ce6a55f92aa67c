"""The same money told of in two files, or twice on the account, is booked once; other money is not.

BgMax and camt.054 tell of the same deposits; Swish is booked when it is paid and may come on the
account; what we sent may come back.
"""

import io
import itertools
from datetime import timedelta

import pytest
from flask import Flask

from portal import ledger
from portal.collection.models import Case
from portal.config import Settings
from portal.extensions import db
from portal.identity.models import Creditor
from portal.ledger import Account
from portal.messages import RedaError
from portal.payments import (
    booking,
    coming_back,
    matching,
    payouts,
    refunds,
    taking,
    told_twice,
)
from portal.payments.models import BankPayment, BankTransfer, PayoutBatch, SwishRequest
from portal.payments.taking import Taken
from portal.payments.taking_back import NotWaiting
from tests.factories import NOW, TODAY, a_case_whose_reminder_left, a_creditor
from tests.payments.asking import paid
from tests.payments.bank_files.written import Deposit, Paid, bgmax, camt, entry
from tests.payments.going_back import ERIK, the_refund, too_much
from tests.payments.paying_out import an_account, collect, propose
from tests.swish_fixtures import Swish

pytest_plugins = ["tests.swish_fixtures"]
OWED = 106_548
_names = itertools.count(1)


def take(data: bytes) -> Taken:
    stream = io.BytesIO(data)
    taken = taking.take(taking.keep(stream, "f"), stream, way="page", by="", today=TODAY, now=NOW)
    db.session.commit()
    matching.match_new(now=NOW, between=db.session.commit)
    db.session.commit()
    db.session.expire_all()
    return taken


def by_bgmax(*deposits: list[Paid]) -> Taken:
    stamp = f"{20260310173035000000 + next(_names)}"
    told = [
        Deposit(paid, serial=f"{next(_names):05}", day=TODAY) for paid in deposits
    ]  # fmt: skip
    return take(bgmax(*told, stamp=stamp))


def by_camt(*deposits: list[Paid]) -> Taken:
    name = next(_names)
    entries = "".join(
        entry(paid, reference=f"BG {name}-{place}", day=TODAY)
        for place, paid in enumerate(deposits)
    )
    return take(camt(entries, message=f"M{name}"))


def booked() -> int:
    return ledger.trial_balance().get(Account.CLIENT_FUNDS, 0)


class TestDepositsInTwoFiles:
    def test_a_deposit_told_by_both_is_booked_once_and_shown(self, app: Flask) -> None:
        case = a_case_whose_reminder_left()
        told = [Paid(50_000, case.ocr), Paid(7_000, "12")]
        by_bgmax(told)
        assert by_camt(told).file.repeated == 2
        assert booked() == 50_000
        (one,) = told_twice.open_()
        assert (one.amount_ore, one.payments) == (57_000, 2)

    def test_the_other_order_is_the_same(self, app: Flask) -> None:
        case = a_case_whose_reminder_left()
        by_camt([Paid(50_000, case.ocr)])
        by_bgmax([Paid(50_000, case.ocr)])
        assert booked() == 50_000

    def test_blanks_and_zeros_before_a_reference_make_no_other(self, app: Flask) -> None:
        case = a_case_whose_reminder_left()
        by_bgmax([Paid(50_000, case.ocr)])
        by_camt([Paid(50_000, f"00{case.ocr}")])
        assert booked() == 50_000

    def test_two_equal_deposits_of_a_day_are_both_taken(self, app: Flask) -> None:
        case = a_case_whose_reminder_left()
        by_bgmax([Paid(50_000, case.ocr)], [Paid(50_000, case.ocr)])
        assert booked() == 100_000
        by_camt([Paid(50_000, case.ocr)], [Paid(50_000, case.ocr)])
        assert booked() == 100_000

    def test_of_three_where_the_other_file_has_two_one_is_taken(self, app: Flask) -> None:
        case = a_case_whose_reminder_left()
        by_bgmax([Paid(5_000, case.ocr)], [Paid(5_000, case.ocr)])
        by_camt(*[[Paid(5_000, case.ocr)]] * 3)
        assert booked() == 15_000

    def test_two_equal_deposits_in_files_of_one_kind_are_both_taken(self, app: Flask) -> None:
        case = a_case_whose_reminder_left()
        by_bgmax([Paid(50_000, case.ocr)])
        by_bgmax([Paid(50_000, case.ocr)])
        assert booked() == 100_000

    @pytest.mark.parametrize(("ore", "of_another"), [(50_001, False), (50_000, True)])
    def test_another_amount_or_reference_is_other_money(
        self, app: Flask, ore: int, of_another: bool
    ) -> None:
        case, other = a_case_whose_reminder_left(), a_case_whose_reminder_left()
        by_bgmax([Paid(50_000, case.ocr)])
        by_camt([Paid(ore, (other if of_another else case).ocr)])
        assert booked() == 50_000 + ore

    def test_deposits_named_by_their_bankgiro_alone_are_two(self, app: Flask) -> None:
        case = a_case_whose_reminder_left()
        for number in (1, 2):
            told = entry([Paid(40_000, case.ocr)], day=TODAY).replace(
                "<AcctSvcrRef>R1</AcctSvcrRef>", "<NtryRef>BG 5050-1055</NtryRef>"
            )
            file = camt(told, message=f"G{number}").replace(
                b"<Id>N1</Id>", b"<Id>N%d</Id>" % number
            )
            assert take(file).file.repeated == 0
        assert booked() == 80_000

    def test_what_is_other_money_after_all_is_taken_once(self, app: Flask) -> None:
        case = a_case_whose_reminder_left()
        by_bgmax([Paid(50_000, case.ocr)])
        by_camt([Paid(50_000, case.ocr)])
        (one,) = told_twice.open_()
        told_twice.decide(one.id, is_same=False, actor=ERIK, now=NOW)
        db.session.commit()
        matching.match_new(now=NOW, between=db.session.commit)
        assert booked() == 100_000
        with pytest.raises(NotWaiting):
            told_twice.decide(one.id, is_same=False, actor=ERIK, now=NOW)

    def test_what_is_the_same_stays_aside(self, app: Flask) -> None:
        case = a_case_whose_reminder_left()
        by_bgmax([Paid(50_000, case.ocr)])
        by_camt([Paid(50_000, case.ocr)])
        (one,) = told_twice.open_()
        told_twice.decide(one.id, is_same=True, actor=ERIK, now=NOW)
        assert (told_twice.open_(), booked()) == ([], 50_000)


class TestSwishOnTheAccount:
    @pytest.fixture
    def settings(self, settings: Settings, swish: Swish) -> Settings:
        return swish.settings(settings)

    @pytest.fixture
    def case(self, app: Flask) -> Case:
        return a_case_whose_reminder_left()

    def reference(self, request_id: str) -> str:
        return db.session.get_one(SwishRequest, request_id).payment_reference or ""

    def state(self) -> str:
        return db.session.query(BankPayment).order_by(BankPayment.id.desc()).first().state  # type: ignore[union-attr]

    def test_one_that_swish_names_is_not_booked_again(self, swish: Swish, case: Case) -> None:
        reference = self.reference(paid(swish, case))
        by_camt([Paid(OWED, case.ocr, serial=reference)])
        assert (self.state(), booked(), too_much()) == ("aside", OWED, 0)
        assert db.session.query(BankTransfer).one().way == "swish"

    @pytest.mark.parametrize("ore", [OWED, 2 * OWED])
    def test_what_only_says_swish_waits_for_a_person_whatever_our_numbers(
        self, swish: Swish, case: Case, ore: int
    ) -> None:
        paid(swish, case)
        by_camt([Paid(ore, case.ocr, texts=["SWISH 46701740605"])])
        assert (self.state(), booked()) == ("waiting", OWED)

    def test_another_sum_than_swish_names_waits(self, swish: Swish, case: Case) -> None:
        reference = self.reference(paid(swish, case))
        by_camt([Paid(OWED + 1, case.ocr, serial=reference)])
        assert (self.state(), booked()) == ("waiting", OWED)

    def test_a_payment_by_bankgiro_beside_one_by_swish_is_other_money(
        self, swish: Swish, case: Case
    ) -> None:
        paid(swish, case)
        by_camt([Paid(OWED, case.ocr, texts=["faktura"])])
        assert (booked(), too_much()) == (2 * OWED, OWED)

    def test_bankgirots_own_file_is_never_swish(self, swish: Swish, case: Case) -> None:
        paid(swish, case)
        by_bgmax([Paid(OWED, case.ocr, texts=["Swishade inte"])])
        assert booked() == 2 * OWED


class TestWhatComesBack:
    @pytest.fixture
    def creditor(self, app: Flask) -> Creditor:
        creditor = a_creditor()
        an_account(creditor)
        return creditor

    @pytest.fixture
    def payout(self, creditor: Creditor) -> payouts.Payout:
        collect(a_case_whose_reminder_left(creditor), 500_25)
        (payout,) = propose(creditor)
        batch = PayoutBatch(
            key="b", made_by="e", made_at=NOW, text="", rows=[], status="released"
        )  # fmt: skip
        db.session.add(batch)
        db.session.flush()
        payout.batch_id = batch.id
        payouts.post_released(payout, today=TODAY, now=NOW)
        payout.status, payout.released_on = "released", TODAY
        payouts.settle(payout, on=TODAY, actor=ERIK, now=NOW)
        db.session.commit()
        return payout

    def came_back(self, name: str, ore: int = 500_25, why: str = "AC04") -> BankPayment:
        back = Paid(ore, end_to_end_id=name, why_returned=why)
        name = f"R{next(_names)}"
        take(camt(entry([back], day=TODAY, reference=name), message=name))
        return db.session.query(BankPayment).order_by(BankPayment.id.desc()).first()  # type: ignore[return-value]

    def test_a_payout_that_comes_back_is_owed_again_with_its_reason(
        self, payout: payouts.Payout, creditor: Creditor
    ) -> None:
        assert self.came_back(payout.key).state == "settled"
        assert (payout.status, payout.reason) == ("rejected", "AC04")
        assert ledger.owed_to(creditor.id) == 500_25
        assert ledger.trial_balance()[Account.PAYOUT_IN_TRANSIT] == 0
        assert booked() == 500_25

    def test_it_can_be_paid_once_more(self, payout: payouts.Payout, creditor: Creditor) -> None:
        self.came_back(payout.key)
        (again,) = propose(creditor)
        assert again.amount_ore == 500_25

    def test_told_twice_it_is_booked_once(self, payout: payouts.Payout, creditor: Creditor) -> None:
        self.came_back(payout.key)
        assert self.came_back(payout.key).state == "waiting"
        assert ledger.owed_to(creditor.id) == 500_25

    @pytest.mark.parametrize(("name", "ore"), [("NOTPROVIDED", 500_25), ("payout", 500_24)])
    def test_what_is_not_known_for_sure_waits(
        self, payout: payouts.Payout, name: str, ore: int
    ) -> None:
        payment = self.came_back(payout.key if name == "payout" else name, ore)
        assert (payment.state, payout.status) == ("waiting", "settled")

    def test_a_person_says_what_came_back(self, payout: payouts.Payout) -> None:
        payment = self.came_back("NOTPROVIDED")
        ((order, account),) = coming_back.meant_by(payment)
        assert (order.key, account) == (payout.key, payout.account_number)
        coming_back.take(payment.id, order.key, actor=ERIK, now=NOW)
        assert payout.status == "rejected"
        with pytest.raises(NotWaiting):
            coming_back.take(payment.id, order.key, actor=ERIK, now=NOW)

    def test_a_refund_that_comes_back_is_owed_again(self, app: Flask) -> None:
        case = a_case_whose_reminder_left()
        by_bgmax([Paid(OWED + 250_00, case.ocr, payer="9912346")])
        refund = the_refund()
        refunds.confirm(refund.id, "bankgiro", "9912346", "", actor=ERIK, now=NOW)
        refund.status, refund.released_on = "released", TODAY
        refunds.settle(refund, on=TODAY, actor=ERIK, now=NOW)
        db.session.commit()
        assert too_much() == 0
        self.came_back(refund.key, 250_00)
        db.session.expire_all()
        assert (refund.status, refund.reason, too_much()) == ("rejected", "AC04", 250_00)
        assert (refunds.differences(), booking.differences()) == ([], [])


@pytest.mark.parametrize(
    ("status", "is_told"),
    [
        ("to confirm", False), ("to approve", False), ("waiting", True), ("released", True),
        ("settled", True), ("rejected", False), ("failed", False), ("withdrawn", False),
    ],
)  # fmt: skip
def test_a_debtor_is_told_of_what_is_sure_to_go_back(
    app: Flask, status: str, *, is_told: bool
) -> None:
    case = a_case_whose_reminder_left()
    by_bgmax([Paid(OWED + 250_00, case.ocr, payer="9912346")])
    the_refund().status = status
    assert bool(refunds.of_case(case.id)) is is_told


def test_a_debtor_is_not_told_that_money_to_another_account_goes_the_same_way(app: Flask) -> None:
    case = a_case_whose_reminder_left()
    by_bgmax([Paid(OWED + 250_00, case.ocr, payer="9912346")])
    refund = the_refund()
    refunds.confirm(refund.id, "bankgiro", "5805-6201", "ringde", actor=ERIK, now=NOW)
    refund.status = "waiting"
    assert [one.account for one in refunds.of_case(case.id)] == ["••••\N{NO-BREAK SPACE}6201"]
    refund.payer_account = "3783511"
    assert refunds.of_case(case.id) == []


@pytest.mark.parametrize(
    ("scheme", "member", "kind"),
    [
        ("<Prtry>BGNR</Prtry>", "", "bankgiro"),
        ("<Cd>BBAN</Cd>", "9960", "plusgiro"),
        ("<Cd>BBAN</Cd>", "8327", None),
        ("", "", None),
    ],
)
def test_only_the_account_that_the_bank_told_at_its_giro_needs_one_person(
    app: Flask, scheme: str, member: str, kind: str | None
) -> None:
    case = a_case_whose_reminder_left()
    paid = Paid(OWED + 250_00, case.ocr, payer="9912346", scheme=scheme, member=member)
    take(camt(entry([paid], day=TODAY)))
    refund = the_refund()
    assert refund.account_kind == kind
    for one in ("bankgiro", "plusgiro"):
        refund.status = "to confirm"
        if one == kind:
            assert refunds.confirm(refund.id, one, "9912346", "", actor=ERIK, now=NOW)
            assert refund.status == "waiting"
        else:
            with pytest.raises(RedaError, match="not the account that the bank told"):
                refunds.confirm(refund.id, one, "9912346", "", actor=ERIK, now=NOW)
            refunds.confirm(refund.id, one, "9912346", "ringde", actor=ERIK, now=NOW)
            assert refund.status == "to approve"


def test_the_name_that_who_ordered_it_gave_is_kept(app: Flask) -> None:
    take(camt(entry([Paid(100, "1", end_to_end_id="E2E-7")], day=TODAY + timedelta(0))))
    assert db.session.query(BankPayment).one().end_to_end_id == "E2E-7"
