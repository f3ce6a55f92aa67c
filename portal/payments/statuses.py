"""What the bank says of what it was ordered to pay, payouts and refunds: pain.002, and its files.

Sources: ISO 20022 "Payments Initiation", CustomerPaymentStatusReport (pain.002.001.03 to .14): the
file is named by `OrgnlMsgId`, a payment by `OrgnlEndToEndId`; `RJCT` and `CANC` are refused, `ACSC`
and `ACCC` paid, and all others on their way. What is said of a file, or of a block of it, holds for
its payments that are not named, and for those named without a status. What is refused because the
bank has it already (ExternalStatusReason1Code) is a copy: the one before it stands as it is.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime

import structlog
from lxml import etree
from sqlalchemy import or_, select

from portal import clock
from portal.extensions import db
from portal.identity.actor import Actor
from portal.messages import N_, RedaError
from portal.payments import own_share, payouts, refunds, releasing
from portal.payments.bank_files.fields import local_name
from portal.payments.models import BankPayment, OwnShareOrder, Payout, PayoutBatch, Refund
from portal.payments.releasing import Order

log = structlog.get_logger()
LARGEST = 20 * 1024 * 1024
_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:pain\.002\.001\.\d\d")
_REFUSED, _PAID = ("RJCT", "CANC"), ("ACSC", "ACCC")
_TWICE = "AM05"
_COPIES = (_TWICE, "DU01", "DU02", "DU03", "DU04", "DU05", "DUPL")
_BANK = Actor("bank")
_NOT_WHOLE = N_("The file is no whole XML. Fetch it from the bank again, unchanged.")

# Why a payment is refused, of ISO 20022's external codes (ExternalStatusReason1Code).
_REASONS = {
    "AC01": N_("There is no account with this number."),
    "AC03": N_("The account number is not right."),
    "AC04": N_("The account is closed."),
    "AC06": N_("The account is blocked."),
    "AC07": N_("The account is closed."),
    "AG01": N_("This account takes no such payments."),
    "AM02": N_("The amount is larger than the bank allows."),
    "AM04": N_("There was not enough money on our account."),
    "AM05": N_("The bank took it for a payment made twice."),
    "BE01": N_("The name and the account do not belong together."),
    "CURR": N_("The currency is not right for the account."),
    "RC01": N_("The bank of the account was not found."),
}


@dataclass(frozen=True)
class Outcome:
    """How many payouts a report says are paid and refused, and how many are on their way.

    denied: of how many it says that they are paid, and an earlier one said that they were not.
    """

    paid: int
    refused: int
    under_way: int
    denied: int


@dataclass(frozen=True)
class _Said:
    status: str
    reason: str


def explained(reason: str) -> str | None:
    """What the code says that a bank's reason begins with, as marked text; None when unknown."""
    return _REASONS.get(reason[:4])


def take_report(data: bytes, *, now: datetime) -> Outcome:
    """Book what a pain.002 says; the same report again changes nothing.

    What is booked as refused is owed again, and stays so: a person asks the bank which is right.
    Raises RedaError when it is no pain.002, or of no file of ours, or names no payment of the file.
    """
    report = _parse(data)
    original = _find(report, "OrgnlGrpInfAndSts")
    batch = releasing.find(_text(original, "OrgnlMsgId")) if original is not None else None
    if original is None or batch is None or batch.file_sha256 is None:
        raise RedaError(N_("The report is of a file that we have not sent."))
    of_file = _said(original, "GrpSts")
    of_blocks, of_payments = _inner(report)
    orders = releasing.orders_of(batch)
    if of_payments and not of_payments.keys() & {one.key for one in orders}:
        raise RedaError(N_("The report names no payment of its file."), field="file")
    paid = refused = under_way = denied = 0
    today = clock.day_of(now)
    for order in orders:
        around = of_blocks.get(f"{batch.key}-{order.currency}") or of_file
        said = of_payments.get(order.key) or around
        if not said.status:
            said = _Said(around.status, said.reason or around.reason)
        if said.status in _REFUSED and not _is_copy(said, order, order.key in of_payments):
            _reject(order, said.reason, today, now)
            refused += 1
        elif said.status in _PAID:
            _settle(order, today, now)
            if order.status == payouts.SETTLED:
                paid += 1
            else:
                log.error("order.refused_and_paid", order=order.key)
                denied += 1
        else:
            under_way += 1
    return Outcome(paid, refused, under_way, denied)


def _is_copy(said: _Said, order: Order, is_named: bool) -> bool:
    """Whether what is refused is a copy of an order that was sent before, and not that one."""
    code = said.reason[:4]
    if code == _TWICE and is_named:
        # The bank may take two equal payments for one, but has paid none that it refused.
        return order.status == payouts.SETTLED
    return code in _COPIES


def _settle(order: Order, on: date, now: datetime) -> bool:
    if isinstance(order, Payout):
        return payouts.settle(order, on=on, actor=_BANK, now=now)
    if isinstance(order, OwnShareOrder):
        return own_share.settle(order, on=on, now=now)
    return refunds.settle(refunds.locked(order.id), on=on, actor=_BANK, now=now)


def _reject(order: Order, reason: str, on: date, now: datetime) -> bool:
    # The bank may refuse what it, or a debit of the whole file, said was paid.
    if isinstance(order, Payout):
        return payouts.return_(order, reason, on=on, actor=_BANK, now=now)
    if isinstance(order, OwnShareOrder):
        return own_share.return_(order, reason, on=on, now=now)
    return refunds.return_(refunds.locked(order.id), reason, on=on, actor=_BANK, now=now)


def _inner(report: etree._Element) -> tuple[dict[str, _Said], dict[str, _Said]]:
    blocks, found = {}, {}
    for block in _all(report, "OrgnlPmtInfAndSts"):
        said = _said(block, "PmtInfSts")
        if said.status:
            blocks[_text(block, "OrgnlPmtInfId")] = said
        for one in _all(block, "TxInfAndSts"):
            found[_text(one, "OrgnlEndToEndId")] = _said(one, "TxSts")
    return blocks, found


def _said(node: etree._Element, name: str) -> _Said:
    told = []
    for reason in _all(node, "StsRsnInf"):
        code = _find(reason, "Rsn")
        told += [(one.text or "").strip() for one in (code if code is not None else ())]
        told += [(one.text or "").strip() for one in _all(reason, "AddtlInf")]
    return _Said(_text(node, name), " ".join(filter(None, told))[:500])


def _parse(data: bytes) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(data.lstrip(b"\xef\xbb\xbf \r\n\t"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise RedaError(_NOT_WHOLE, field="file") from error
    if b"<!DOCTYPE" in data:
        raise RedaError(N_("The file has a DTD, which no bank's has."), field="file")
    report = _find(root, "CstmrPmtStsRpt")
    if not _NAMESPACE.fullmatch(etree.QName(root).namespace or "") or report is None:
        raise RedaError(N_("The file is no status report (pain.002)."), field="file")
    return report


def _all(node: etree._Element, name: str) -> list[etree._Element]:
    return [one for one in node if local_name(one) == name]


def _find(node: etree._Element, name: str) -> etree._Element | None:
    return next(iter(_all(node, name)), None)


def _text(node: etree._Element, name: str) -> str:
    found = _find(node, name)
    return "" if found is None else (found.text or "").strip()


def settle_debits(*, now: datetime) -> int:
    """Book what is ordered and banks' files say have left the account; answers how many.

    A debit is an order's when it names it and has its amount, or names its file and has the file's
    sum. Doing it again changes nothing.
    """
    count = 0
    sent = (
        select(Payout.batch_id)
        .where(Payout.status == payouts.RELEASED)
        .union(
            select(Refund.batch_id).where(Refund.status == refunds.RELEASED),
            select(OwnShareOrder.batch_id).where(OwnShareOrder.status == own_share.RELEASED),
        )
    )
    for batch in db.session.scalars(
        select(PayoutBatch).where(PayoutBatch.id.in_(sent)).order_by(PayoutBatch.id)
    ):
        found = releasing.orders_of(batch)
        for currency in sorted({one.currency for one in found}):
            count += _settle_debited(batch, [one for one in found if one.currency == currency], now)
    return count


def _settle_debited(batch: PayoutBatch, found: list[Order], now: datetime) -> int:
    on = _debited_whole(batch, found)
    told = [
        (one, on or _told(one.key, -one.amount_ore, one.currency))
        for one in found
        if one.status == payouts.RELEASED
    ]
    return sum(_settle(one, day, now) for one, day in told if day is not None)


def _debited_whole(batch: PayoutBatch, found: list[Order]) -> date | None:
    """The day that the bank took the file's sum.

    What it refused is not in that, unless it took it first and gave it back.
    """
    kept = [one for one in found if one.status not in refunds.NOT_PAID]
    taken = [one for one in found if one in kept or _told(one.key, one.amount_ore, one.currency)]
    sums = {sum(one.amount_ore for one in some) for some in (kept, taken, found)}
    days = (_told(batch.key, -ore, found[0].currency) for ore in sorted(sums))
    return next((one for one in days if one is not None), None)


def _told(name: str, ore: int, currency: str) -> date | None:
    """When the bank's files tell that it took a sum, or above zero gave one back, by its name."""
    found: date | None = db.session.scalars(
        select(BankPayment.value_on)
        .where(
            BankPayment.kind == ("returned" if ore > 0 else "debit"),
            BankPayment.state != "repeated",
            BankPayment.amount_ore == ore,
            BankPayment.currency == currency,
            or_(
                BankPayment.text.contains(name, autoescape=True),
                BankPayment.reference_numbers.contains([name]),
                BankPayment.serial == name,
                BankPayment.end_to_end_id == name,
            ),
        )
        .order_by(BankPayment.id)
        .limit(1)
    ).first()
    return found
