"""Payouts are ordered at the bank when two operators have approved them with BankID, once."""

from datetime import datetime
from io import BytesIO

import pytest
from flask import Flask
from lxml import etree
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal import clock, ledger
from portal.config import Settings
from portal.database import files
from portal.extensions import db
from portal.identity.actor import Actor
from portal.identity.models import BankIDOrder, Creditor, Person
from portal.ledger import Account
from portal.messages import RedaError
from portal.operations import payout_folder
from portal.payments import (
    deciding,
    matching,
    pain001,
    payouts,
    reconciling,
    refunds,
    releasing,
    statuses,
    taking,
)
from portal.payments.models import (
    BankFile,
    BankPayment,
    Payout,
    PayoutBatch,
    PayoutSignature,
    Refund,
)
from simulators.bankid.running import Simulator
from tests.bankid_fixtures import Phone, pointed_at
from tests.factories import EVA, JOHAN, NOW, TODAY, a_case_whose_reminder_left, a_creditor, a_person
from tests.payments.bank_files.written import Deposit, Paid, bgmax, camt, entry
from tests.payments.going_back import the_refund, too_much
from tests.payments.paying_out import a_report, an_account, approved, collect, owe, propose

OPERATOR = Actor("person", "Erik Wallin", None, "operator")
# What a reminded case owes on the day of the reminder.
OWED = 106_548
NAMESPACE = {"p": pain001.NAMESPACE}


@pytest.fixture
def settings(settings: Settings, bankid_simulator: Simulator) -> Settings:
    return pointed_at(settings, bankid_simulator)


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    creditor = a_creditor()
    an_account(creditor)
    return creditor


@pytest.fixture
def operators(app: Flask) -> tuple[Person, Person]:
    return a_person(EVA, is_operator=True), a_person(JOHAN, is_operator=True)


@pytest.fixture
def batch(creditor: Creditor) -> PayoutBatch:
    collect(a_case_whose_reminder_left(creditor), 500_25)
    (payout,) = propose(creditor)
    return put_together(payout)


def put_together(*found: Payout) -> PayoutBatch:
    batch = releasing.put_together([one.key for one in found], actor=OPERATOR, now=NOW)
    db.session.commit()
    return batch


def an_order(phone: Phone, batch: PayoutBatch, person: Person) -> BankIDOrder:
    return approved(phone, releasing.purpose(batch, person, now=clock.now()), person)


def approve(phone: Phone, batch: PayoutBatch, *people: Person, now: datetime | None = None) -> None:
    for person in people:
        releasing.finish(an_order(phone, batch, person), now=now or clock.now())
        db.session.commit()


def the_file(batch: PayoutBatch) -> etree._Element:
    return etree.fromstring(files.read(batch.file_sha256 or ""))


def said(root: etree._Element, path: str) -> list[str]:
    return [str(one) for one in root.xpath(path, namespaces=NAMESPACE)]


def test_one_operator_is_not_enough(
    phone: Phone, batch: PayoutBatch, operators: tuple[Person, Person], creditor: Creditor
) -> None:
    approve(phone, batch, operators[0])
    assert (batch.status, batch.file_sha256) == ("waiting", None)
    assert ledger.owed_to(creditor.id) == 500_25


def test_the_second_operator_lets_it_be_paid(
    phone: Phone, batch: PayoutBatch, operators: tuple[Person, Person], creditor: Creditor
) -> None:
    approve(phone, batch, *operators)
    ((payout, _),) = payouts.of_batch(batch)
    assert (batch.status, payout.status) == ("released", "released")
    assert ledger.owed_to(creditor.id) == 0
    assert ledger.trial_balance()[Account.PAYOUT_IN_TRANSIT] == -500_25


def test_nobody_approves_twice(
    phone: Phone, batch: PayoutBatch, operators: tuple[Person, Person]
) -> None:
    approve(phone, batch, operators[0])
    with pytest.raises(RedaError, match="already"):
        releasing.purpose(batch, operators[0], now=clock.now())


def test_an_order_begun_twice_by_one_operator_counts_once(
    phone: Phone, batch: PayoutBatch, operators: tuple[Person, Person]
) -> None:
    first, second = (an_order(phone, batch, operators[0]) for _ in range(2))
    releasing.finish(first, now=clock.now())
    with pytest.raises(RedaError, match="already"):
        releasing.finish(second, now=clock.now())
    db.session.commit()
    assert batch.status == "waiting"


def test_the_database_too_wants_two_people(
    phone: Phone, batch: PayoutBatch, operators: tuple[Person, Person]
) -> None:
    approve(phone, batch, operators[0])
    db.session.add(
        PayoutSignature(
            batch_id=batch.id, person_id=operators[0].id, person_name="x", signed_at=NOW,
            evidence={},
        )
    )  # fmt: skip
    with pytest.raises(IntegrityError):
        db.session.flush()
    db.session.rollback()


def test_an_order_counts_once(
    phone: Phone, batch: PayoutBatch, operators: tuple[Person, Person]
) -> None:
    order = an_order(phone, batch, operators[0])
    releasing.finish(order, now=clock.now())
    db.session.commit()
    assert releasing.finish(order, now=clock.now()) is None


def test_who_is_no_operator_approves_nothing(batch: PayoutBatch) -> None:
    with pytest.raises(RedaError, match="operators"):
        releasing.purpose(batch, a_person(JOHAN), now=clock.now())


def test_the_phone_shows_whom_how_much_and_where(
    phone: Phone, batch: PayoutBatch, operators: tuple[Person, Person]
) -> None:
    order = an_order(phone, batch, operators[0])
    shown = str(phone.order(order.order_ref)["visibleText"])
    for told in ("Norrsken Energi AB", "500,25", "5050-1055", operators[0].name):
        assert told in shown


def test_when_the_account_is_gone_nothing_is_paid(
    phone: Phone, batch: PayoutBatch, operators: tuple[Person, Person], creditor: Creditor
) -> None:
    approve(phone, batch, operators[0])
    order = an_order(phone, batch, operators[1])
    db.session.execute(db.text("delete from payout_accounts"))
    with pytest.raises(RedaError, match="changed"):
        releasing.finish(order, now=clock.now())
    db.session.commit()
    ((payout, _),) = payouts.proposals()
    assert (batch.status, payout.status, payout.batch_id) == ("withdrawn", "proposed", None)


def test_when_it_is_not_owed_any_more_nothing_is_paid(
    phone: Phone, batch: PayoutBatch, operators: tuple[Person, Person], creditor: Creditor
) -> None:
    collect(a_case_whose_reminder_left(creditor), -1)
    with pytest.raises(RedaError, match="changed"):
        releasing.finish(an_order(phone, batch, operators[0]), now=clock.now())
    db.session.commit()
    assert batch.status == "withdrawn"


def test_fees_that_are_set_off_hide_nothing_that_was_taken_back(
    phone: Phone, operators: tuple[Person, Person], creditor: Creditor
) -> None:
    case = a_case_whose_reminder_left(creditor)
    collect(case, 500_25)
    owe(case, 300_00)
    batch = put_together(*propose(creditor))
    collect(case, -250_00)
    with pytest.raises(RedaError, match="changed"):
        approve(phone, batch, operators[0])
    db.session.commit()
    assert batch.status == "withdrawn"


def test_what_is_taken_apart_joins_what_came_meanwhile(
    batch: PayoutBatch, creditor: Creditor
) -> None:
    collect(a_case_whose_reminder_left(creditor), 200_00)
    propose(creditor)
    releasing.withdraw(batch.key, now=NOW)
    db.session.commit()
    ((payout, _),) = payouts.proposals()
    assert payout.amount_ore == 700_25
    assert sum(one.amount_ore for one in payouts.lines(payout)) == 700_25


def test_what_is_put_together_is_not_put_together_again(batch: PayoutBatch) -> None:
    ((payout, _),) = payouts.of_batch(batch)
    with pytest.raises(RedaError):
        put_together(payout)


def test_what_is_held_or_has_no_account_is_not_put_together(creditor: Creditor) -> None:
    other = a_creditor()
    collect(a_case_whose_reminder_left(other), 500_00)
    (without,) = propose(other)
    with pytest.raises(RedaError, match="no account"):
        put_together(without)
    collect(a_case_whose_reminder_left(creditor), 500_00)
    (held,) = propose(creditor)
    payouts.hold(held.key, is_held=True)
    with pytest.raises(RedaError, match="held"):
        put_together(held)


def test_the_file_orders_each_payout_with_its_sums(
    phone: Phone, creditor: Creditor, operators: tuple[Person, Person]
) -> None:
    other = a_creditor("Ålö & Söner <AB>")
    an_account(other, "9912346")
    for one, ore in ((creditor, 500_25), (other, 1_000_05)):
        collect(a_case_whose_reminder_left(one), ore)
    batch = put_together(*propose(creditor), *propose(other))
    approve(phone, batch, *operators)
    root = the_file(batch)
    assert said(root, "//p:GrpHdr/p:MsgId/text()") == [batch.key]
    assert said(root, "//p:CtrlSum/text()") == ["1500.30", "1500.30"]
    assert said(root, "//p:GrpHdr/p:NbOfTxs/text()") == ["2"]
    assert sorted(said(root, "//p:InstdAmt/text()")) == ["1000.05", "500.25"]
    assert sorted(said(root, "//p:CdtrAcct//p:Othr/p:Id/text()")) == ["50501055", "9912346"]
    assert set(said(root, "//p:CdtrAcct//p:Prtry/text()")) == {"BGNR"}


def test_the_file_is_put_in_the_folder_once(
    phone: Phone, batch: PayoutBatch, operators: tuple[Person, Person], tmp_path: object
) -> None:
    folder = tmp_path / "out"
    approve(phone, batch, *operators)
    assert payout_folder.write_all(folder, now=NOW) == 1
    assert payout_folder.write_all(folder, now=NOW) == 0
    (path,) = folder.iterdir()
    assert path.read_bytes() == files.read(batch.file_sha256 or "")


class TestWhatTheBankSays:
    @pytest.fixture
    def sent(
        self, phone: Phone, batch: PayoutBatch, operators: tuple[Person, Person]
    ) -> PayoutBatch:
        approve(phone, batch, *operators)
        return batch

    def status(self, batch: PayoutBatch) -> str:
        ((payout, _),) = payouts.of_batch(batch)
        return payout.status

    def test_what_it_refuses_is_owed_again_with_its_reason(
        self, sent: PayoutBatch, creditor: Creditor
    ) -> None:
        for _ in range(2):
            assert statuses.take_report(a_report(sent, "RJCT"), now=NOW).refused == 1
        ((payout, _),) = payouts.of_batch(sent)
        assert (payout.status, payout.reason) == ("rejected", "AC01 Kontot finns inte")
        assert ledger.owed_to(creditor.id) == 500_25

    def test_what_it_has_settled_is_paid(self, sent: PayoutBatch) -> None:
        statuses.take_report(a_report(sent, "ACSC"), now=NOW)
        assert self.status(sent) == "settled"

    def test_what_it_has_only_taken_is_on_its_way(self, sent: PayoutBatch) -> None:
        assert statuses.take_report(a_report(sent, "ACTC"), now=NOW).under_way == 1
        assert self.status(sent) == "released"

    def test_a_file_refused_whole_refuses_each(self, sent: PayoutBatch) -> None:
        report = a_report(sent, "", of_file="<GrpSts>RJCT</GrpSts>")
        assert statuses.take_report(report, now=NOW).refused == 1

    def test_a_payment_named_without_a_status_has_the_one_of_its_file(
        self, sent: PayoutBatch
    ) -> None:
        report = a_report(sent, "-", of_file="<GrpSts>RJCT</GrpSts>")
        statuses.take_report(report.replace(b"<TxSts>-</TxSts>", b""), now=NOW)
        ((payout, _),) = payouts.of_batch(sent)
        assert (payout.status, payout.reason) == ("rejected", "AC01 Kontot finns inte")

    @pytest.mark.parametrize("reason", ["DU01", "AM05"])
    @pytest.mark.parametrize("before", ["ACTC", "ACSC"])
    def test_a_copy_of_the_file_that_it_refuses_changes_nothing(
        self, sent: PayoutBatch, creditor: Creditor, before: str, reason: str
    ) -> None:
        statuses.take_report(a_report(sent, before), now=NOW)
        status = self.status(sent)
        said = f"<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn></StsRsnInf>"
        statuses.take_report(a_report(sent, "", of_file=said), now=NOW)
        assert (self.status(sent), ledger.owed_to(creditor.id)) == (status, 0)

    def test_what_it_takes_for_another_payment_is_owed_again(self, sent: PayoutBatch) -> None:
        assert statuses.take_report(a_report(sent, "RJCT", reason="AM05"), now=NOW).refused == 1

    def test_what_it_has_paid_is_not_owed_for_a_copy_that_it_refuses(
        self, sent: PayoutBatch
    ) -> None:
        statuses.take_report(a_report(sent, "ACSC"), now=NOW)
        statuses.take_report(a_report(sent, "RJCT", reason="AM05"), now=NOW)
        assert self.status(sent) == "settled"

    def test_what_it_says_is_paid_that_it_refused_is_owed_still_and_told(
        self, sent: PayoutBatch, creditor: Creditor
    ) -> None:
        statuses.take_report(a_report(sent, "RJCT"), now=NOW)
        told = statuses.take_report(a_report(sent, "ACSC"), now=NOW)
        assert (told.paid, told.denied) == (0, 1)
        assert ledger.owed_to(creditor.id) == 500_25

    def test_a_report_that_names_no_payment_of_the_file_is_refused(self, sent: PayoutBatch) -> None:
        with pytest.raises(RedaError, match="names no payment"):
            statuses.take_report(a_report(sent, "ACSC", key="somebody-elses"), now=NOW)

    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"<Document/>",
            b"\x00\xff",
            b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
            b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:pain.002.001.10'><Cstm",
        ],
    )
    def test_what_is_no_report_is_refused(self, app: Flask, data: bytes) -> None:
        with pytest.raises(RedaError):
            statuses.take_report(data, now=NOW)

    def test_a_report_of_a_file_that_was_not_sent_is_refused(self, batch: PayoutBatch) -> None:
        with pytest.raises(RedaError, match="not sent"):
            statuses.take_report(a_report(batch, "RJCT"), now=NOW)

    def test_a_debit_that_names_the_payout_and_has_its_amount_settles_it(
        self, sent: PayoutBatch
    ) -> None:
        ((payout, _),) = payouts.of_batch(sent)
        a_debit(f"Utbetalning {payout.key}", -500_25)
        assert [statuses.settle_debits(now=NOW), statuses.settle_debits(now=NOW)] == [1, 0]
        assert self.status(sent) == "settled"

    def test_a_debit_of_another_amount_settles_nothing(self, sent: PayoutBatch) -> None:
        ((payout, _),) = payouts.of_batch(sent)
        a_debit(f"Utbetalning {payout.key}", -500_26)
        assert statuses.settle_debits(now=NOW) == 0

    def test_one_debit_of_the_whole_file_settles_all_of_it(self, sent: PayoutBatch) -> None:
        a_debit(sent.key, -500_25)
        assert statuses.settle_debits(now=NOW) == 1


def sent_on_the_day(batch: PayoutBatch) -> None:
    for one in releasing.orders_of(batch):
        one.released_on = TODAY
    db.session.commit()


def came_back(name: str, ore: int, reference: str = "R1") -> BankPayment:
    back = Paid(ore, end_to_end_id=name, why_returned="AC04")
    stream = BytesIO(camt(entry([back], reference=reference, day=TODAY), message=reference))
    try:
        taking.take(taking.keep(stream, "b"), stream, way="page", by="", today=TODAY, now=NOW)
    except RedaError:
        db.session.rollback()
    matching.match_new(now=NOW, between=db.session.commit)
    db.session.expire_all()
    found = db.session.query(BankPayment).filter_by(end_to_end_id=name, kind="returned")
    return found.order_by(BankPayment.id.desc())[0]


def a_debit(words: str, ore: int) -> None:
    file = BankFile(
        sha256=words, size=1, name="f", kind="camt.054", bank_id=words, accounts=["50501055"],
        way="page", by="e", at=NOW, status="taken", totals=[], repeated=0,
    )  # fmt: skip
    db.session.add(file)
    db.session.flush()
    db.session.add(
        BankPayment(
            file_id=file.id, account="50501055", kind="debit", amount_ore=ore, currency="SEK",
            value_on=TODAY, reference_numbers=[], reference_ores=[], text=words, payer_name="",
            payer_address="", serial="1", deposit="1", position=1, state="new",
        )
    )  # fmt: skip
    db.session.commit()


def test_the_approvals_are_kept_whole(
    phone: Phone, batch: PayoutBatch, operators: tuple[Person, Person]
) -> None:
    approve(phone, batch, *operators)
    found = db.session.scalars(select(PayoutSignature)).all()
    assert {one.person_name for one in found} == {one.name for one in operators}
    assert all(files.read(one.evidence["xml_sha256"]).startswith(b"<?xml") for one in found)


class TestRefunds:
    """Of the same batches, approved by the same two, and followed by the same reports."""

    @pytest.fixture
    def refund(self, app: Flask) -> Refund:
        case = a_case_whose_reminder_left()
        paid = Paid(OWED + 250_00, case.ocr, payer="9912346", name="A")
        stream = BytesIO(bgmax(Deposit([paid], day=TODAY)))
        taking.take(taking.keep(stream, "b"), stream, way="page", by="", today=TODAY, now=NOW)
        matching.match_new(now=NOW, between=db.session.commit)
        refund = the_refund()
        refunds.confirm(refund.id, "bankgiro", "991-2346", "", actor=OPERATOR, now=NOW)
        db.session.commit()
        return refund

    @pytest.fixture
    def both(self, creditor: Creditor, refund: Refund) -> PayoutBatch:
        collect(a_case_whose_reminder_left(creditor), 500_25)
        (payout,) = propose(creditor)
        batch = releasing.put_together([payout.key], [refund.key], actor=OPERATOR, now=NOW)
        db.session.commit()
        return batch

    @pytest.fixture
    def sent(
        self, phone: Phone, both: PayoutBatch, operators: tuple[Person, Person]
    ) -> PayoutBatch:
        approve(phone, both, *operators)
        return both

    def test_it_is_ordered_in_the_same_file_to_the_payers_account(
        self, sent: PayoutBatch, refund: Refund
    ) -> None:
        root = the_file(sent)
        assert sorted(said(root, "//p:InstdAmt/text()")) == ["250.00", "500.25"]
        assert said(
            root, f"//p:CdtTrfTxInf[p:PmtId/p:EndToEndId='{refund.key}']//p:Othr/p:Id/text()"
        ) == ["9912346"]
        assert (refund.status, too_much()) == ("released", 250_00)

    def test_what_the_bank_refuses_is_still_owed(self, sent: PayoutBatch, refund: Refund) -> None:
        statuses.take_report(a_report(sent, "RJCT", key=refund.key), now=NOW)
        assert (refund.status, refund.reason) == ("rejected", "AC01 Kontot finns inte")
        assert too_much() == 250_00
        ((payout, _),) = payouts.of_batch(sent)
        assert payout.status == "released"

    def test_what_the_bank_has_paid_is_booked_once(self, sent: PayoutBatch, refund: Refund) -> None:
        for _ in range(2):
            statuses.take_report(a_report(sent, "ACSC", key=refund.key), now=NOW)
        assert (refund.status, too_much(), refunds.differences()) == ("settled", 0, [])

    def test_one_debit_of_the_whole_file_settles_both(
        self, sent: PayoutBatch, refund: Refund
    ) -> None:
        a_debit(sent.key, -750_25)
        assert statuses.settle_debits(now=NOW) == 2
        assert (refund.status, too_much()) == ("settled", 0)

    def test_a_refused_refund_that_is_withdrawn_is_not_in_the_debit_of_the_file(
        self, sent: PayoutBatch, refund: Refund
    ) -> None:
        statuses.take_report(a_report(sent, "RJCT", key=refund.key), now=NOW)
        deciding.undo(refund.payment_id, actor=OPERATOR, today=TODAY, now=NOW)
        db.session.commit()
        assert refund.status == "withdrawn"
        a_debit(sent.key, -500_25)
        assert statuses.settle_debits(now=NOW) == 1
        assert self.unexplained_orders() == []

    def unexplained_orders(self) -> list[str]:
        found = reconciling.reconcile(TODAY, TODAY).differences
        return [one.what for one in found if one.kind in ("payout", "refund")]

    @pytest.mark.parametrize("is_debited_first", [True, False])
    def test_what_comes_back_was_in_the_debit_of_the_file(
        self, sent: PayoutBatch, refund: Refund, *, is_debited_first: bool
    ) -> None:
        sent_on_the_day(sent)
        a_debit(sent.key, -750_25)
        if is_debited_first:
            statuses.settle_debits(now=NOW)
        for _ in range(2):
            came_back(refund.key, 250_00)
        statuses.settle_debits(now=NOW)
        ((payout, _),) = payouts.of_batch(sent)
        assert (payout.status, refund.status, refund.reason) == ("settled", "rejected", "AC04")
        assert too_much() == 250_00
        assert self.unexplained_orders() == []

    @pytest.mark.parametrize("which", ["payout", "refund"])
    def test_what_the_bank_refuses_after_it_was_paid_is_owed_again_once(
        self, sent: PayoutBatch, refund: Refund, creditor: Creditor, which: str
    ) -> None:
        ((payout, _),) = payouts.of_batch(sent)
        order = payout if which == "payout" else refund
        sent_on_the_day(sent)
        a_debit(sent.key, -750_25)
        statuses.settle_debits(now=NOW)
        for _ in range(2):
            statuses.take_report(a_report(sent, "RJCT", key=order.key), now=NOW)
            db.session.commit()
        assert (order.status, order.reason) == ("rejected", "AC01 Kontot finns inte")
        owed = (ledger.owed_to(creditor.id), too_much())
        assert owed == ((500_25, 0) if which == "payout" else (0, 250_00))
        states = [came_back(order.key, order.amount_ore, f"R{at}").state for at in range(2)]
        assert states == ["settled", "waiting"]
        assert (ledger.owed_to(creditor.id), too_much()) == owed
        db.session.query(BankPayment).filter_by(state="waiting").delete()
        assert self.unexplained_orders() == []

    def test_a_refund_withdrawn_meanwhile_ends_the_batch(
        self, phone: Phone, both: PayoutBatch, operators: tuple[Person, Person], refund: Refund
    ) -> None:
        deciding.undo(refund.payment_id, actor=OPERATOR, today=TODAY, now=NOW)
        db.session.commit()
        with pytest.raises(RedaError, match="changed"):
            releasing.finish(an_order(phone, both, operators[0]), now=clock.now())

    def test_what_is_taken_apart_can_be_put_together_again(
        self, both: PayoutBatch, refund: Refund
    ) -> None:
        releasing.withdraw(both.key, now=NOW)
        assert [one.key for one in refunds.to_put_together()] == [refund.key]


def test_more_than_a_company_s_client_money_is_not_paid(
    phone: Phone, batch: PayoutBatch, operators: tuple[Person, Person], creditor: Creditor
) -> None:
    ledger.post(
        creditor_id=creditor.id, case_id=None, kind="test", booked_on=TODAY, key="x",
        lines={Account.CLIENT_FUNDS: -1, Account.FEE_INCOME: 1}, currency="SEK", now=NOW,
    )  # fmt: skip
    db.session.commit()
    with pytest.raises(RedaError, match="does not suffice"):
        approve(phone, batch, operators[0])
    db.session.commit()
    assert batch.status == "withdrawn"
