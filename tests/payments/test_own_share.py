"""Our share of what came is taken out by two operators, and never more than is ours."""

from dataclasses import replace
from datetime import date, timedelta
from threading import Thread

import pytest
from flask import Flask
from lxml import etree

from portal import clock, ledger
from portal.config import Settings
from portal.database import files, tenancy
from portal.extensions import db
from portal.identity.models import BankIDOrder, Creditor, Person
from portal.ledger import Account
from portal.messages import RedaError
from portal.payments import coming_back, own_share, pain001, reconciling, releasing, statuses
from portal.payments.models import OwnShareOrder, Payout, PayoutBatch
from simulators.bankid.running import Simulator
from tests.bankid_fixtures import Phone, pointed_at
from tests.factories import EVA, JOHAN, NOW, TODAY, a_case_whose_reminder_left, a_creditor, a_person
from tests.payments.bank_money import OPERATOR, debited, match, ordered, paid_by_bank, taken_back
from tests.payments.bank_money import told as told_by_bank
from tests.payments.charging import a_price, a_watched_case
from tests.payments.going_back import paid_back, the_refund
from tests.payments.paying_out import a_report, an_account, approved, collect, propose
from tests.waiting import until_somebody_waits

YESTERDAY = TODAY - timedelta(days=1)
# The reminder's fee, of each case.
FEE = 60_00


@pytest.fixture
def settings(settings: Settings, bankid_simulator: Simulator) -> Settings:
    return replace(pointed_at(settings, bankid_simulator), own_account="9912346")


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    creditor = a_creditor()
    an_account(creditor)
    return creditor


def put_together(on: date = TODAY) -> PayoutBatch:
    batch = releasing.put_own_share_together(on=on, currency="SEK", actor=OPERATOR, now=NOW)
    db.session.commit()
    return batch


def approve(phone: Phone, batch: PayoutBatch) -> None:
    for number in (EVA, JOHAN):
        releasing.finish(_an_order(phone, batch, a_person(number, is_operator=True)),
                         now=clock.now())  # fmt: skip
        db.session.commit()


def _an_order(phone: Phone, batch: PayoutBatch, person: Person) -> BankIDOrder:
    return approved(phone, releasing.purpose(batch, person, now=clock.now()), person)


def the_order() -> OwnShareOrder:
    return db.session.query(OwnShareOrder).one()


def test_a_fee_that_has_come_is_ours(creditor: Creditor) -> None:
    paid_by_bank(a_case_whose_reminder_left(creditor), 500_00)
    assert own_share.available("SEK", TODAY) == FEE
    assert own_share.available("SEK", YESTERDAY) == 0


def test_a_fee_that_is_not_paid_is_not_there_to_be_taken(creditor: Creditor) -> None:
    paid_by_bank(a_case_whose_reminder_left(creditor), 20_00)
    assert own_share.available("SEK", TODAY) == 20_00


def test_what_waits_for_approval_is_not_taken_twice(creditor: Creditor) -> None:
    paid_by_bank(a_case_whose_reminder_left(creditor), 500_00)
    put_together()
    assert own_share.available("SEK", TODAY) == 0
    with pytest.raises(RedaError, match="nothing of ours"):
        put_together()


def test_two_operators_let_it_go_to_our_own_account(phone: Phone, creditor: Creditor) -> None:
    paid_by_bank(a_case_whose_reminder_left(creditor), 500_00)
    batch = put_together()
    assert batch.text.startswith("# Ta ut vår andel")
    assert "till 991-2346" in batch.text
    approve(phone, batch)
    document = etree.fromstring(files.read(batch.file_sha256 or ""))
    told = document.xpath("//p:CdtrAcct//p:Id/text()", namespaces={"p": pain001.NAMESPACE})
    assert [one.strip() for one in told if one.strip()] == ["9912346"]
    assert (the_order().status, own_share.available("SEK", TODAY)) == ("released", 0)
    told_by_bank(-FEE, kind="debit", words=f"Reda {the_order().key}")
    match()
    assert statuses.settle_debits(now=NOW) == 1
    db.session.commit()
    found = reconciling.reconcile(TODAY, TODAY)
    assert (the_order().status, found.unexplained, list(found.reasons)) == ("settled", 0, [])
    assert [one.what for one in found.moves if one.is_same] == ["bankgiro", "own share"]


def test_what_the_bank_refuses_is_ours_to_take_again(phone: Phone, creditor: Creditor) -> None:
    paid_by_bank(a_case_whose_reminder_left(creditor), 500_00)
    approve(phone, put_together())
    assert own_share.reject(the_order(), "AC01", on=TODAY, now=NOW)
    db.session.commit()
    assert own_share.available("SEK", TODAY) == FEE


def test_what_is_taken_apart_is_ours_to_take_again(creditor: Creditor) -> None:
    paid_by_bank(a_case_whose_reminder_left(creditor), 500_00)
    releasing.withdraw(put_together().key, now=NOW)
    db.session.commit()
    assert own_share.available("SEK", TODAY) == FEE


def test_what_is_no_longer_ours_is_not_taken(phone: Phone, creditor: Creditor) -> None:
    row = paid_by_bank(a_case_whose_reminder_left(creditor), 500_00)
    batch = put_together()
    taken_back(row)
    with pytest.raises(RedaError, match="changed"):
        approve(phone, batch)
    db.session.commit()
    assert batch.status == "withdrawn"


def test_what_stands_in_for_another_company_is_not_taken(creditor: Creditor) -> None:
    for _ in range(2):
        paid_by_bank(a_case_whose_reminder_left(a_creditor("Aspen AB")), 500_00)
    row = paid_by_bank(a_case_whose_reminder_left(creditor), 100_00)
    payout = ordered(creditor)
    assert payout is None
    assert own_share.available("SEK", TODAY) == 3 * FEE
    paid_by_bank(a_case_whose_reminder_left(creditor), 500_00)
    payout = ordered(creditor)
    assert payout is not None
    debited(payout)
    taken_back(row)
    # What the company had of it was 40 kronor, and its own fee is not ours any more.
    assert ledger.own_share("SEK").total_ore == own_share.available("SEK", TODAY)
    assert own_share.available("SEK", TODAY) == 3 * FEE - 40_00


def test_without_an_account_of_our_own_nothing_is_taken(
    app: Flask, creditor: Creditor, settings: Settings
) -> None:
    app.extensions["reda_settings"] = replace(settings, own_account="")
    paid_by_bank(a_case_whose_reminder_left(creditor), 500_00)
    with pytest.raises(RedaError, match="REDA_OWN_ACCOUNT"):
        put_together()


def test_of_two_operators_who_take_it_out_at_once_one_does(app: Flask, creditor: Creditor) -> None:
    paid_by_bank(a_case_whose_reminder_left(creditor), 500_00)
    answers = []

    def run() -> None:
        with app.app_context(), tenancy.service():
            try:
                put_together()
                answers.append("put together")
            except RedaError as error:
                answers.append(error.problem.message)
            db.session.remove()

    releasing.put_own_share_together(on=TODAY, currency="SEK", actor=OPERATOR, now=NOW)
    other = Thread(target=run)
    other.start()
    until_somebody_waits(other.is_alive)
    db.session.commit()
    other.join()
    assert answers == ["There is nothing of ours to take out."]


def taken_out(phone: Phone) -> None:
    """All that is ours goes to our own account, and the bank has paid it."""
    approve(phone, put_together())
    assert own_share.settle(the_order(), on=TODAY, now=NOW)
    db.session.commit()


def test_what_a_company_is_owed_is_there_when_our_fee_of_another_payment_is_taken_back(
    phone: Phone, creditor: Creditor
) -> None:
    row = paid_by_bank(a_case_whose_reminder_left(creditor), 500_00)
    taken_out(phone)
    collect(a_case_whose_reminder_left(creditor), 900_00)
    taken_back(row)
    assert ledger.own_share("SEK").covered_ore == FEE
    assert ledger.client_money(creditor.id, "SEK") == ledger.owed_to(creditor.id) == 900_00
    payout = ordered(creditor)
    assert payout is not None
    assert payout.amount_ore == 900_00


def test_commission_that_a_company_has_back_is_no_longer_ours(creditor: Creditor) -> None:
    a_price("10")
    row = paid_by_bank(a_watched_case(creditor), 500_00)
    payout = ordered(creditor)
    assert payout is not None
    debited(payout)
    before = own_share.available("SEK", TODAY)
    collect(a_case_whose_reminder_left(creditor), 900_00)
    taken_back(row)
    propose(creditor)
    waiting = db.session.query(Payout).filter_by(status="proposed").one()
    assert before > 0
    assert ledger.client_money(creditor.id, "SEK") >= waiting.amount_ore
    assert own_share.available("SEK", TODAY) == 0


def test_what_went_back_to_a_payer_of_a_payment_that_is_taken_back_is_not_there(
    creditor: Creditor,
) -> None:
    row = paid_by_bank(a_case_whose_reminder_left(creditor), 50_000_00)
    refund = paid_back(the_refund())
    taken_back(row)
    for _ in range(2):
        ledger.return_covers(on=TODAY, now=NOW)
        db.session.commit()
    assert ledger.own_share("SEK").total_ore == -refund.amount_ore


class TestWhatCameBack:
    """The bank had paid it and has got it back, or says so in a report."""

    @pytest.fixture
    def order(self, phone: Phone, creditor: Creditor) -> OwnShareOrder:
        for company in (creditor, a_creditor("Aspen AB")):
            paid_by_bank(a_case_whose_reminder_left(company), 500_00)
        approve(phone, put_together())
        the_order().released_on = TODAY
        told_by_bank(-2 * FEE, kind="debit", words=f"Reda {the_order().key}")
        match()
        statuses.settle_debits(now=NOW)
        db.session.commit()
        assert the_order().status == "settled"
        return the_order()

    def reported(self, order: OwnShareOrder) -> None:
        batch = db.session.get_one(PayoutBatch, order.batch_id)
        statuses.take_report(a_report(batch, "RJCT", key=order.key, reason="AC04"), now=NOW)
        db.session.commit()

    def is_ours_again(self) -> None:
        books = ledger.trial_balance()
        assert (books[Account.OWN_SHARE], books[Account.OWN_SHARE_IN_TRANSIT]) == (0, 0)
        assert (the_order().status, the_order().reason[:4]) == ("rejected", "AC04")
        assert own_share.available("SEK", TODAY) == 2 * FEE

    def test_a_refusal_after_it_was_paid_makes_it_ours_again(self, order: OwnShareOrder) -> None:
        self.reported(order)
        self.is_ours_again()

    def test_a_refusal_whose_money_is_not_back_is_a_difference(self, order: OwnShareOrder) -> None:
        self.reported(order)
        found = reconciling.reconcile(TODAY, TODAY)
        assert [(one.what, one.ore, one.is_explained) for one in found.differences] == [
            ("other sum", -2 * FEE, False)
        ]

    def test_the_same_report_again_changes_nothing(self, order: OwnShareOrder) -> None:
        for _ in range(2):
            self.reported(order)
        self.is_ours_again()

    def test_it_is_taken_out_once_more(self, order: OwnShareOrder) -> None:
        self.reported(order)
        put_together()
        assert own_share.available("SEK", TODAY) == 0

    @pytest.mark.parametrize("is_named", [True, False])
    def test_a_transfer_that_came_back_is_in_bank_books_and_cases(
        self, order: OwnShareOrder, is_named: bool
    ) -> None:
        words = f"AC04 {order.key}" if is_named else "AC04"
        row = told_by_bank(2 * FEE, kind="returned", words=words)
        match()
        if not is_named:
            (found,) = coming_back.meant_by(row)
            assert found == (order, "991-2346")
            coming_back.take(row.id, order.key, actor=OPERATOR, now=NOW)
            db.session.commit()
        self.is_ours_again()
        found_day = reconciling.reconcile(TODAY, TODAY)
        assert (found_day.unexplained, list(found_day.reasons)) == (0, [])

    def test_told_by_report_and_file_it_is_booked_once(self, order: OwnShareOrder) -> None:
        self.reported(order)
        row = told_by_bank(2 * FEE, kind="returned", words=f"AC04 {order.key}")
        match()
        assert row.state == "settled"
        self.is_ours_again()
