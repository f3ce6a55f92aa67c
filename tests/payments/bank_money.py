"""Money as banks' files tell it, for tests of what is reconciled."""

import itertools
from datetime import date

from sqlalchemy import select

from portal.collection.models import Case
from portal.extensions import db
from portal.identity.actor import SWISH, Actor
from portal.identity.models import Creditor
from portal.payments import booking, clearing, matching, payouts, statuses
from portal.payments.models import BankFile, BankPayment, Payout, PayoutBatch
from tests.factories import NOW, TODAY
from tests.payments.paying_out import propose

OURS = "50501055"
OPERATOR = Actor("person", "Erik Wallin", None, "operator")
_serial = itertools.count(1)


def told(
    ore: int, *, kind: str = "payment", on: date = TODAY, words: str = "", state: str = "new",
    references: tuple[str, ...] = (), serial: str = "", name: str = "", currency: str = "SEK",
) -> BankPayment:  # fmt: skip
    """What a bank's file tells, not matched yet."""
    number = next(_serial)
    file = BankFile(
        sha256=f"bank{number}", size=1, name=f"bank{number}.txt", kind="camt.054",
        bank_id=f"bank{number}", accounts=[OURS], way="page", by="", at=NOW, status="taken",
        totals=[], repeated=0,
    )  # fmt: skip
    db.session.add(file)
    db.session.flush()
    row = BankPayment(
        file_id=file.id, account=OURS, kind=kind, amount_ore=ore, currency=currency, value_on=on,
        reference_numbers=list(references), reference_ores=[None for _ in references], text=words,
        payer_name=name, payer_address="", serial=serial, deposit=f"d{number}", position=1,
        state=state,
    )  # fmt: skip
    db.session.add(row)
    db.session.commit()
    return row


def match() -> None:
    """Let what has come be matched."""
    matching.match_new(now=NOW, between=db.session.commit)
    db.session.commit()
    db.session.expire_all()


def paid_by_bank(case: Case, ore: int, on: date = TODAY) -> BankPayment:
    """A payment with the case's OCR number, matched."""
    row = told(ore, on=on, references=(case.ocr,), serial=f"s{next(_serial)}")
    match()
    return row


def paid_by_swish(case: Case, ore: int, on: date = TODAY) -> None:
    """A payment that Swish has told of."""
    booking.receive(
        case.id, amount_ore=ore, currency="SEK", key=f"swish:{next(_serial)}", channel="swish",
        value_on=on, payer=None, actor=SWISH, now=NOW,
    )  # fmt: skip
    db.session.commit()


def taken_back(payment: BankPayment, on: date = TODAY) -> BankPayment:
    """The bank takes a payment back."""
    row = told(-payment.amount_ore, kind="reversal", on=on, serial=payment.serial)
    match()
    return row


def ordered(creditor: Creditor, on: date = TODAY) -> Payout | None:
    """What a company is owed is ordered at the bank, if there is any."""
    propose(creditor)
    payout = db.session.scalar(
        select(Payout).where(Payout.creditor_id == creditor.id, Payout.status == "proposed")
    )
    if payout is None:
        return None
    payouts.post_released(payout, today=on, now=NOW)
    payout.status, payout.released_on, payout.batch_id = "released", on, a_batch().id
    db.session.commit()
    return payout


def a_batch() -> PayoutBatch:
    """A batch that is at the bank."""
    batch = PayoutBatch(
        key=f"batch{next(_serial)}", made_by="", made_at=NOW, text="", rows=[], status="released"
    )
    db.session.add(batch)
    db.session.flush()
    return batch


def debited(payout: Payout, on: date = TODAY) -> BankPayment:
    """The bank has paid a payout, and its file tells it."""
    row = told(-payout.amount_ore, kind="debit", on=on, words=f"Reda Inkasso AB {payout.key}")
    match()
    statuses.settle_debits(now=NOW)
    db.session.commit()
    return row


def cleared() -> None:
    """What bank and books both have is cleared, as each night."""
    clearing.clear(clearing.newest_entry(), now=NOW)
    db.session.commit()
    db.session.expire_all()
