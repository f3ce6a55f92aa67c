"""What was taken back of Swish and card, or went back, and comes again is booked again, once."""

import io
import itertools
from dataclasses import replace
from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from portal import ledger
from portal.collection import checks
from portal.collection.models import Case
from portal.config import Settings
from portal.extensions import db
from portal.payments import (
    booking,
    chargebacks,
    coming_again,
    coming_back,
    matching,
    reconciling,
    refunds,
    taking,
    told_twice,
    transfers,
)
from portal.payments.models import BankPayment, BankTransfer, Chargeback, Refund, SwishRequest
from portal.payments.taking_back import NotWaiting
from tests.factories import NOW, TODAY, a_case_whose_reminder_left
from tests.payments.at_once import ERIK, come_again, paid_at_once, taken
from tests.payments.bank_files.written import Deposit, Paid, balance, bgmax, camt, entry
from tests.payments.bank_money import cleared

OWED = 100_000 + 548 + 6_000
PART = 5_000
_names = itertools.count(1)


def on(day: int) -> date:
    return TODAY + timedelta(days=day)


def take(data: bytes) -> list[BankPayment]:
    """Take a bank's file; answers what it tells, matched."""
    stream = io.BytesIO(data)
    file = taking.take(
        taking.keep(stream, "f"), stream, way="page", by="", today=on(60), now=NOW
    ).file  # fmt: skip
    db.session.commit()
    matching.match_new(now=NOW, between=db.session.commit)
    db.session.commit()
    db.session.expire_all()
    rows = db.session.query(BankPayment).filter_by(file_id=file.id).order_by(BankPayment.id)
    return list(rows)


def told(*entries: tuple[int, Paid], reversal: bool = False) -> list[BankPayment]:
    """A camt.054 of entries, each on its day."""
    number = next(_names)
    return take(
        camt(
            "".join(
                entry([paid], reference=f"E{number}-{at}", day=on(day), reversal=reversal)
                for at, (day, paid) in enumerate(entries)
            ),
            message=f"M{number}",
        )
    )  # fmt: skip


def sums(day: int) -> tuple[int | None, int, int, int]:
    """What bank, books and cases have at the end of a day, and how much is not explained."""
    found = reconciling.reconcile(on(day), on(day))
    assert found == reconciling.reconcile_from_the_beginning(on(day), on(day))
    closing = found.closing
    return closing.bank_ore, closing.books_ore, closing.cases_ore, found.unexplained


def owed(case: Case) -> int:
    db.session.expire_all()
    return ledger.balance(case.id).total_ore


def check() -> None:
    db.session.expire_all()
    assert ledger.off_balance() == {}
    assert (checks.differences(), booking.differences(), refunds.differences()) == ([], [], [])


def again(request: SwishRequest, ore: int) -> Paid:
    return Paid(ore, texts=[f"Bestridd betalning {request.payment_reference} vunnen"])


@pytest.fixture
def case(app: Flask) -> Case:
    return a_case_whose_reminder_left()


@pytest.fixture(params=["swish", "card"])
def paid(case: Case, request: pytest.FixtureRequest) -> SwishRequest:
    return paid_at_once({case: OWED}, way=request.param)


def lump(request: SwishRequest, ore: int, day: int) -> None:
    """The sum of a day, which a person notes as money of the way."""
    (row,) = told((day, Paid(ore, texts=["Dagens summa"])))
    transfers.note(row.id, request.way, actor=ERIK, now=NOW)
    db.session.commit()


@pytest.mark.parametrize("ore", [OWED, PART])
@pytest.mark.parametrize("is_cleared", [False, True])
def test_it_is_booked_on_the_bank_s_day(
    paid: SwishRequest, case: Case, ore: int, is_cleared: bool
) -> None:
    lump(paid, OWED, 0)
    told((10, Paid(-ore, texts=[paid.payment_reference or ""])), reversal=True)
    if is_cleared:
        cleared()
    assert owed(case) == ore
    (row,) = told((20, again(paid, ore)))
    if is_cleared:
        cleared()
    (chargeback,) = chargebacks.of_request(paid.id)
    assert (chargeback.status, chargeback.returned_on) == ("returned", on(20))
    assert (chargeback.returned_by, chargeback.returned_payment_id) == ("bank", row.id)
    assert (row.state, db.session.get_one(BankTransfer, row.id).way) == ("aside", paid.way)
    assert owed(case) == 0
    left = OWED - ore
    assert [sums(day) for day in (0, 9, 10, 19, 20, 21)] == [
        (OWED, OWED, OWED, 0), (OWED, OWED, OWED, 0), (left, left, left, 0), (left, left, left, 0),
        (OWED, OWED, OWED, 0), (OWED, OWED, OWED, 0),
    ]  # fmt: skip
    check()


@pytest.mark.parametrize("ore", [OWED, PART])
def test_a_file_that_tells_all_of_it_in_any_order_is_booked_as_it_went(
    case: Case, ore: int
) -> None:
    paid = paid_at_once({case: OWED}, way="swish")
    name = f"SWISH {paid.payment_reference}"
    number = next(_names)
    entries = [
        entry([again(paid, ore)], reference=f"A{number}", day=on(20)),
        entry([Paid(-ore, texts=[name])], reference=f"B{number}", day=on(10), reversal=True),
        entry([Paid(OWED, texts=[name])], reference=f"C{number}", day=on(0)),
    ]
    rows = take(camt("".join(entries), message=f"M{number}"))
    assert [one.state for one in rows] == ["aside", "aside", "aside"]
    (chargeback,) = chargebacks.of_request(paid.id)
    assert (chargeback.status, chargeback.returned_payment_id) == ("returned", rows[0].id)
    assert owed(case) == 0
    left = OWED - ore
    assert [sums(day) for day in (0, 10, 20)] == [
        (OWED, OWED, OWED, 0), (left, left, left, 0), (OWED, OWED, OWED, 0),
    ]  # fmt: skip
    check()


def test_so_is_what_the_bank_calls_come_back(paid: SwishRequest, case: Case) -> None:
    lump(paid, OWED, 0)
    taken(paid, PART, on=on(10))
    row = Paid(PART, end_to_end_id=paid.payment_reference or "", why_returned="AC04")
    (row,) = told((20, row))
    assert (row.kind, row.state, owed(case)) == ("returned", "aside", 0)
    told((10, Paid(-PART, texts=[paid.id])), reversal=True)
    assert sums(20) == (OWED, OWED, OWED, 0)
    check()


def test_what_an_operator_has_said_before_is_not_booked_again(
    paid: SwishRequest, case: Case
) -> None:
    lump(paid, OWED, 0)
    told((10, Paid(-PART, texts=[paid.id])), reversal=True)
    come_again(chargebacks.of_request(paid.id)[0], on=on(20))
    (row,) = told((20, again(paid, PART)))
    (chargeback,) = chargebacks.of_request(paid.id)
    assert (chargeback.returned_by, chargeback.returned_payment_id) == (ERIK.name, row.id)
    assert (row.state, owed(case)) == ("aside", 0)
    assert sums(20) == (OWED, OWED, OWED, 0)
    with pytest.raises(NotWaiting):
        chargebacks.come_again(chargeback.id, on(20), actor=ERIK, today=on(20), now=NOW)
    check()


class TestToldAgain:
    """The same row in another file brings nothing more."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return replace(settings, bank_statements="to book")

    def by_statement(self, paid: Paid, day: int) -> list[BankPayment]:
        number = next(_names)
        balances = balance("OPBD", 0) + balance("CLBD", paid.ore)
        told = entry([paid], reference=f"S{number}", day=on(day))
        return take(camt(told, kind="camt.053", before=balances, message=f"M{number}"))

    def test_in_a_statement_after_the_notification(self, paid: SwishRequest, case: Case) -> None:
        taken(paid, PART, on=on(10))
        (first,) = told((20, again(paid, PART)))
        (row,) = self.by_statement(again(paid, PART), 20)
        assert (first.state, row.state, owed(case)) == ("aside", "repeated", 0)
        (one,) = told_twice.open_()
        told_twice.decide(one.id, is_same=False, actor=ERIK, now=NOW)
        db.session.commit()
        matching.match_new(now=NOW, between=db.session.commit)
        db.session.expire_all()
        assert (row.state, owed(case), len(chargebacks.of_request(paid.id))) == ("waiting", 0, 1)
        check()

    def test_on_another_day_it_waits(self, paid: SwishRequest, case: Case) -> None:
        taken(paid, on=on(10))
        told((20, again(paid, OWED)))
        (row,) = self.by_statement(again(paid, OWED), 21)
        assert (row.state, owed(case), coming_again.meant_by(row)) == ("waiting", 0, [])
        check()


class TestUnsure:
    """It waits, with what it may bring, and a person decides."""

    def waits(self, row: BankPayment, *meant: Chargeback) -> None:
        assert row.state == "waiting"
        assert [one.id for one, _ in coming_again.meant_by(row)] == [one.id for one in meant]

    def test_another_amount(self, paid: SwishRequest, case: Case) -> None:
        taken(paid, PART, on=on(10))
        (row,) = told((20, again(paid, PART + 1)))
        self.waits(row)
        assert owed(case) == PART

    def test_no_name(self, paid: SwishRequest, case: Case) -> None:
        chargeback = taken(paid, PART, on=on(10))
        (row,) = told((20, Paid(PART, texts=["Återbetald reklamation"])))
        self.waits(row, chargeback)
        coming_again.take(row.id, chargeback.id, actor=ERIK, now=NOW)
        db.session.commit()
        assert (row.state, owed(case)) == ("aside", 0)
        assert (chargeback.returned_on, chargeback.returned_by) == (on(20), ERIK.name)
        with pytest.raises(NotWaiting):
            coming_again.take(row.id, chargeback.id, actor=ERIK, now=NOW)
        check()

    def test_two_of_the_same_amount(self, paid: SwishRequest, case: Case) -> None:
        first, second = taken(paid, PART, on=on(8)), taken(paid, PART, on=on(10))
        (row,) = told((20, again(paid, PART)))
        self.waits(row, second, first)
        assert owed(case) == 2 * PART

    def test_two_payments_that_it_names(self, paid: SwishRequest, case: Case) -> None:
        other = paid_at_once({a_case_whose_reminder_left(): OWED}, way=paid.way)
        chargeback = taken(paid, PART, on=on(10))
        (row,) = told((20, Paid(PART, texts=[f"{paid.payment_reference} {other.id}"])))
        self.waits(row, chargeback)
        assert owed(case) == PART

    def test_before_it_was_taken_back(self, paid: SwishRequest, case: Case) -> None:
        taken(paid, PART, on=on(10))
        (row,) = told((9, again(paid, PART)))
        self.waits(row)
        assert owed(case) == PART

    def test_what_may_be_how_the_payment_came_at_first(self, case: Case) -> None:
        paid = paid_at_once({case: OWED}, way="swish")
        chargeback = taken(paid, on=on(1))
        (row,) = told((1, again(paid, OWED)))
        self.waits(row, chargeback)
        assert owed(case) == OWED

    def test_by_bankgiro_the_words_are_the_payer_s(self, paid: SwishRequest, case: Case) -> None:
        chargeback = taken(paid, PART, on=on(10))
        one = Paid(PART, texts=[f"Gäller {paid.payment_reference}"], serial="1")
        (row,) = take(bgmax(Deposit([one], day=on(20)), stamp="20260401173035000001"))
        self.waits(row, chargeback)
        coming_again.take(row.id, chargeback.id, actor=ERIK, now=NOW)
        db.session.commit()
        assert owed(case) == 0
        check()

    def test_who_pays_anew_by_bankgiro_has_paid_anew(self, paid: SwishRequest, case: Case) -> None:
        taken(paid, PART, on=on(10))
        one = Paid(PART, case.ocr, texts=[f"Gäller {paid.payment_reference}"], serial="1")
        (row,) = take(bgmax(Deposit([one], day=on(20)), stamp="20260401173035000002"))
        (chargeback,) = chargebacks.of_request(paid.id)
        assert (row.state, chargeback.status, owed(case)) == ("settled", "taken", 0)


def test_what_is_noted_stays_noted_as_long_as_it_is_booked(paid: SwishRequest, case: Case) -> None:
    taken(paid, PART, on=on(10))
    (row,) = told((20, again(paid, PART)))
    assert not transfers.may_undo(row.id)
    with pytest.raises(NotWaiting):
        transfers.undo(row.id, actor=ERIK, now=NOW)
    db.session.rollback()
    taken(paid, PART, on=on(20))
    transfers.undo(row.id, actor=ERIK, now=NOW)
    db.session.commit()
    assert (row.state, len(coming_again.meant_by(row))) == ("waiting", 2)
    check()


def test_a_payment_that_names_one_of_which_nothing_is_taken_back_is_as_before(
    case: Case,
) -> None:
    paid = paid_at_once({case: OWED}, way="swish")
    other = paid_at_once({a_case_whose_reminder_left(): OWED}, way="swish")
    taken(other, on=on(0))
    (row,) = told((0, Paid(OWED, texts=[f"SWISH {paid.payment_reference}"])))
    assert (row.state, db.session.get_one(BankTransfer, row.id).way) == ("aside", "swish")


class TestRefund:
    """What went back by Swish or card and did not reach its payer is owed again."""

    BACK = 25_000

    @pytest.fixture(params=["swish", "card"])
    def refund(self, case: Case, request: pytest.FixtureRequest) -> Refund:
        paid = paid_at_once({case: OWED + self.BACK}, way=request.param)
        lump(paid, OWED + self.BACK, 0)
        refund = db.session.scalars(select(Refund)).one()
        refund.status, refund.released_on, refund.sent_at = refunds.RELEASED, on(2), NOW
        refunds.settle(refund, on=on(2), actor=ERIK, now=NOW)
        lump(paid, -self.BACK, 2)
        return refund

    @pytest.mark.parametrize("why", ["", "AC04"])
    def test_by_its_name_it_is_by_itself(self, refund: Refund, case: Case, why: str) -> None:
        name = Paid(self.BACK, texts=[f"Retur {refund.key}", case.ocr], why_returned=why)
        (row,) = told((5, name))
        assert (row.state, refund.status) == ("aside", "rejected")
        assert db.session.get_one(BankTransfer, row.id).way == refund.way
        whole = OWED + self.BACK
        assert [sums(day) for day in (1, 2, 4, 5)] == [
            (whole, whole, whole, 0), (OWED, OWED, OWED, 0), (OWED, OWED, OWED, 0),
            (whole, whole, whole, 0),
        ]  # fmt: skip
        check()
        (row,) = told((6, name))
        assert (row.state, refund.status) == ("waiting", "rejected")
        check()

    def test_without_its_name_a_person_says_so(self, refund: Refund) -> None:
        (row,) = told((5, Paid(self.BACK, texts=["Retur"])))
        assert row.state == "waiting"
        assert [one.key for one, _ in coming_back.meant_by(row)] == [refund.key]
        coming_back.take(row.id, refund.key, actor=ERIK, now=NOW)
        db.session.commit()
        assert (row.state, refund.status, sums(5)[3]) == ("aside", "rejected", 0)
        with pytest.raises(NotWaiting):
            coming_back.take(row.id, refund.key, actor=ERIK, now=NOW)
        check()

    def test_before_it_was_sent_it_waits(self, refund: Refund) -> None:
        (row,) = told((1, Paid(self.BACK, texts=[refund.key])))
        assert (row.state, refund.status) == ("waiting", "settled")
