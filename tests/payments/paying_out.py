"""Money collected for a company, fees that it bears, and its accounts, for tests of payouts."""

import itertools

from portal import clock, ledger
from portal.collection.models import Case
from portal.companies.models import PayoutAccount
from portal.extensions import db
from portal.identity import orders
from portal.identity.actor import SYSTEM
from portal.identity.models import BankIDOrder, Creditor, Person
from portal.ledger import Account
from portal.payments import payouts
from portal.payments.models import Payout, PayoutBatch
from tests.bankid_fixtures import Phone
from tests.factories import NOW, TODAY

_serial = itertools.count(1)


def approved(phone: Phone, purpose: orders.Purpose, person: Person) -> BankIDOrder:
    """An order at BankID that somebody has approved."""
    started = orders.start(
        purpose, binding="mine", end_user_ip="192.0.2.7", user_agent="test",
        return_url="https://reda.example/bankid/{key}/return?nonce={nonce}", now=clock.now(),
    )  # fmt: skip
    phone.approve(started.order.order_ref, person.identity_number)
    order = orders.collect(started.order, now=clock.now())
    db.session.commit()
    return order


def an_account(
    creditor: Creditor, number: str = "50501055", *, is_used: bool = True
) -> PayoutAccount:
    """A bankgiro that the company is paid to."""
    row = PayoutAccount(
        key=f"account{next(_serial)}", creditor_id=creditor.id, kind="bankgiro", number=number,
        holder=creditor.name, currency=None, is_used=is_used, added_at=NOW,
    )  # fmt: skip
    db.session.add(row)
    db.session.commit()
    return row


def _post(case: Case, kind: str, lines: dict[Account, int]) -> None:
    key = f"test:{next(_serial)}:{case.id}"
    ledger.post(
        creditor_id=case.creditor_id, case_id=case.id, kind=kind, booked_on=TODAY,
        key=key, lines=lines, currency="SEK", now=NOW,
    )  # fmt: skip
    ledger.cover(case.creditor_id, "SEK", on=TODAY, key=key, now=NOW)
    db.session.commit()


def collect(case: Case, ore: int) -> None:
    """Money for the creditor comes; below zero, it goes back."""
    _post(case, "payment.swish", {Account.CLIENT_FUNDS: ore, Account.OWED_TO_CREDITOR: -ore})


def owe(case: Case, ore: int) -> None:
    """The creditor bears a fee itself."""
    _post(case, "creditor_fee.reminder", {Account.OWED_BY_CREDITOR: ore, Account.FEE_INCOME: -ore})


def propose(creditor: Creditor) -> list[Payout]:
    """Put what is owed into proposals."""
    found = payouts.propose(creditor.id, today=TODAY, now=NOW)
    db.session.commit()
    return found


def release(payout: Payout) -> Payout:
    """Order a payout at the bank, as two operators' approval does."""
    payouts.post_released(payout, today=TODAY, now=NOW)
    payout.status, payout.released_on = payouts.RELEASED, TODAY
    db.session.commit()
    return payout


def settle(payout: Payout) -> Payout:
    """Let the bank have paid it."""
    payouts.settle(release(payout), on=TODAY, actor=SYSTEM, now=NOW)
    db.session.commit()
    return payout


def refuse(payout: Payout, reason: str = "AC04") -> Payout:
    """Let the bank refuse it."""
    payouts.reject(release(payout), reason, on=TODAY, actor=SYSTEM, now=NOW)
    db.session.commit()
    return payout


def a_report(
    batch: PayoutBatch, status: str, *, of_file: str = "", key: str = "", reason: str = "AC01"
) -> bytes:
    """A pain.002 on one payment of a batch, by default its first payout."""
    key = key or payouts.of_batch(batch)[0][0].key
    one = f"""<OrgnlPmtInfAndSts><OrgnlPmtInfId>{batch.key}-SEK</OrgnlPmtInfId><TxInfAndSts>
      <OrgnlEndToEndId>{key}</OrgnlEndToEndId><TxSts>{status}</TxSts>
      <StsRsnInf><Rsn><Cd>{reason}</Cd></Rsn><AddtlInf>Kontot finns inte</AddtlInf></StsRsnInf>
      </TxInfAndSts></OrgnlPmtInfAndSts>"""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
      <Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt>
      <GrpHdr><MsgId>1</MsgId><CreDtTm>2026-03-10T12:00:00</CreDtTm></GrpHdr>
      <OrgnlGrpInfAndSts><OrgnlMsgId>{batch.key}</OrgnlMsgId>
      <OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{of_file}</OrgnlGrpInfAndSts>
      {one if status else ""}</CstmrPmtStsRpt></Document>""".encode()
