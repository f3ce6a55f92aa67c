"""Money that goes back to who paid it: who decides, where it goes, and how it is booked.

Each `Refund` is tried once. What was paid too much at once (`ways.WAYS`) goes back by itself the
way it came (`paying_back`), unless something speaks against it, which a person then looks at. What
came by bank goes back to the account that paid, in the file of payouts (`releasing`), when a person
has confirmed the account; another account needs a reason, and another person. What fails is still
owed, and a person tries it again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import structlog
from sqlalchemy import Subquery, and_, func, select
from sqlalchemy import case as sql_case

from portal import ledger
from portal.collection import cases, history, states
from portal.extensions import db, settings
from portal.identity.actor import SYSTEM, Actor
from portal.ledger import Account
from portal.messages import N_, RedaError
from portal.payments import telling, ways
from portal.payments.accounts import check_account, written_account
from portal.payments.models import (
    BankFile,
    BankPayment,
    BankShare,
    Payment,
    Refund,
    SwishRequest,
)
from portal.payments.swish import new_callback_identifier, new_payment_id

log = structlog.get_logger()
TO_CONFIRM, TO_APPROVE, WAITING = "to confirm", "to approve", "waiting"
RELEASED, SETTLED, REJECTED = "released", "settled", "rejected"
FAILED, WITHDRAWN = "failed", "withdrawn"
# Nothing of it is under way, so that it can be withdrawn.
NOT_SENT = (TO_CONFIRM, TO_APPROVE, WAITING, REJECTED)
ENDED = (SETTLED, FAILED, WITHDRAWN)
# Of those that were sent: the money is here.
NOT_PAID = (REJECTED, FAILED, WITHDRAWN)
BANK = "bank"
KINDS = ("bankgiro", "plusgiro", "iban")
LONGEST_REASON = 300
_FEWEST_SHOWN = 4


class NotOpen(RedaError):
    """Somebody else has decided on the refund, or it has gone on."""

    status = 409

    def __init__(self) -> None:
        super().__init__(N_("Somebody has decided on this already. Look at it again."))


@dataclass(frozen=True)
class Shown:
    """What a debtor is told of a refund. account: where it goes, masked; "" when not told.

    paid_on: the day that it went, or None.
    """

    payment_id: int
    amount_ore: int
    currency: str
    account: str
    paid_on: date | None


def owe(keys: Sequence[str], *, now: datetime) -> None:
    """Let what was paid too much go back. keys: `channel_reference` of payments.

    Who paid by bank, and from where, is filled in by who knows (`fill_in`); a person confirms it.
    """
    if not keys:
        return
    for payment in db.session.scalars(select(Payment).where(Payment.channel_reference.in_(keys))):
        db.session.add(_refund_of(payment, payment.overpaid_ore, now))
    db.session.flush()


def can_owe_more(key: str) -> bool:
    """Whether more of a payment can go back: what goes back of it already is not sent, nor in a
    file. It is held for the caller until the transaction ends. key: its `channel_reference`.
    """
    query = (
        select(Refund.id)
        .join(Payment, Payment.id == Refund.booked_id)
        .where(Payment.channel_reference == key, Refund.status.not_in((FAILED, WITHDRAWN)))
    )
    if db.session.scalar(query) is not None:
        return _changeable(key) is not None
    return db.session.scalar(select(Payment.id).where(Payment.channel_reference == key)) is not None


@dataclass(frozen=True)
class Waits:
    """What waits to go back of a payment to a case, in öre. key: its `channel_reference`."""

    key: str
    value_on: date
    ore: int


def waiting_of(case_id: int) -> list[Waits]:
    """What of a case's payments has not begun to go back, the payment that counts first first."""
    rows = db.session.execute(
        select(Payment.channel_reference, Payment.value_on, Refund.amount_ore)
        .join(Refund, Refund.booked_id == Payment.id)
        .where(
            Payment.case_id == case_id,
            *_MAY_CHANGE,
            ~ledger.is_posted_sql("taken back:" + Payment.channel_reference),
        )
        .order_by(Payment.value_on, Payment.id)
        .with_for_update(of=Refund, skip_locked=True)
    )
    return [Waits(*row) for row in rows]


# Where the bank fell silent the money may have moved.
_MAY_CHANGE = (
    Refund.status.in_(NOT_SENT), Refund.batch_id.is_(None),
    func.coalesce(Refund.error_code, "") != ways.OUTCOME_UNKNOWN,
)  # fmt: skip


def _changeable(key: str) -> Refund | None:
    return db.session.scalar(
        select(Refund)
        .join(Payment, Payment.id == Refund.booked_id)
        .where(Payment.channel_reference == key, *_MAY_CHANGE)
        # Who sends it holds it before its case.
        .with_for_update(of=Refund, skip_locked=True)
        .execution_options(populate_existing=True)
    )


def owe_more(key: str, ore: int, *, now: datetime) -> None:
    """Let more of a payment go back than was too much when it was booked.

    key: its `channel_reference`.
    """
    payment = db.session.scalar(select(Payment).where(Payment.channel_reference == key))
    if payment is None:
        return
    if (goes_back := _changeable(key)) is not None:
        goes_back.amount_ore += ore
        db.session.flush()
        return
    refund = _refund_of(payment, ore, now)
    db.session.add(refund)
    told = db.session.execute(
        select(BankPayment, BankShare)
        .join(BankShare, BankShare.payment_id == BankPayment.id)
        .where(BankShare.key == key)
    ).one_or_none()
    if told is not None:
        _fill_in(refund, told[0], told[1].id, by=SYSTEM.label)
    db.session.flush()


def owe_less(key: str, ore: int, *, now: datetime) -> bool:
    """Let what `owe_more` said not go; answers whether it had not gone, and is not just going."""
    goes_back = _changeable(key)
    if goes_back is None or goes_back.amount_ore < ore:
        return False
    if goes_back.amount_ore > ore:
        goes_back.amount_ore -= ore
        db.session.flush()
    else:
        withdraw(goes_back, actor=SYSTEM, now=now)
    return True


def _refund_of(payment: Payment, ore: int, now: datetime) -> Refund:
    is_at_once = payment.channel in ways.WAYS
    return Refund(
        key=new_payment_id(), booked_id=payment.id, creditor_id=payment.creditor_id,
        case_id=payment.case_id, amount_ore=ore,
        way=payment.channel if is_at_once else BANK, currency=payment.currency,
        why="overpaid", payer_name="", payer_account=payment.payer,
        status=WAITING if is_at_once else TO_CONFIRM, by=SYSTEM.label, at=now,
        callback_identifier=new_callback_identifier(),
    )  # fmt: skip


def fill_in(booked_id: int, payment: BankPayment, share_id: int, *, by: str) -> None:
    """Tell of a refund what the bank told of the payment that it is of. by: who gave it."""
    refund = db.session.scalars(
        select(Refund).where(
            Refund.booked_id == booked_id, Refund.status.not_in((FAILED, WITHDRAWN))
        )
    ).one()
    _fill_in(refund, payment, share_id, by=by)


def _fill_in(refund: Refund, payment: BankPayment, share_id: int, *, by: str) -> None:
    refund.payment_id, refund.share_id, refund.by = payment.id, share_id, by
    refund.payer_name, refund.payer_account = payment.payer_name, payment.payer_account
    refund.account_kind = known_kind(payment)


def speaks_against(refund: Refund, today: date) -> str:
    """Why a refund that nobody has decided on must not go by itself; "" when nothing does.

    refund: `locked`. The debtor's cases are held after it until the transaction ends, so that the
    answer is true still when the refund is sent.
    """
    if refund.case_id is None or refund.decided_by is not None:
        return ""
    case, others = cases.lock_with_others(refund.case_id)
    if cases.amount_due(case, today).total_ore > 0:
        return N_("The case is not paid any more. Look whether the money is needed there.")
    if any(one.status in states.OPEN for one in others):
        return N_("The debtor has another open case here. Look whether the money is for that one.")
    return ""


def known_kind(payment: BankPayment) -> str | None:
    """Of which kind the account is that a bank's file tells; None when that is not told."""
    account = payment.payer_account or ""
    if _is_valid("iban", account):
        return "iban"
    if payment.payer_account_kind is not None:
        told = payment.payer_account_kind
        return told if _is_valid(told, account) else None
    kind = db.session.scalar(select(BankFile.kind).where(BankFile.id == payment.file_id))
    return "bankgiro" if kind == "bgmax" and _is_valid("bankgiro", account) else None


def _is_valid(kind: str, account: str) -> bool:
    try:
        check_account(kind, account)
    except RedaError:
        return False
    return True


def _checked_account(kind: str, text: str) -> str:
    """The account as it is kept. Raises RedaError at `account`."""
    try:
        return check_account(kind, text)
    except RedaError as error:
        raise RedaError(
            error.problem.message, field="account", **dict(error.problem.values)
        ) from None


def written(refund: Refund) -> str:
    """The account as people write it."""
    account = refund.payer_account or ""
    return written_account(refund.account_kind, account) if refund.account_kind else account


def locked(refund_id: int) -> Refund:
    """A refund, for the caller alone until the transaction ends. Raises NotOpen."""
    refund = db.session.get(Refund, refund_id, with_for_update=True, populate_existing=True)
    if refund is None:
        raise NotOpen
    return refund


def by_key(key: str) -> Refund | None:
    """A refund by its name, locked."""
    return db.session.scalar(
        select(Refund)
        .where(Refund.key == key)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def told_account(refund: Refund) -> str:
    """The account that the bank told the money came from, as people write it, or ""."""
    if refund.payment_id is None:
        return ""
    return account_of(db.session.get_one(BankPayment, refund.payment_id))


def account_of(payment: BankPayment) -> str:
    """The account that a payment came from, as people write it, or ""."""
    kind, account = known_kind(payment), payment.payer_account or ""
    return written_account(kind, account) if kind else account


def let_go(refund_id: int, *, actor: Actor, now: datetime) -> None:
    """Say that a refund of a payment at once goes back the way it came. Raises NotOpen."""
    refund = locked(refund_id)
    if refund.status != TO_CONFIRM or refund.way == BANK:
        raise NotOpen
    refund.status, refund.reason = WAITING, ""
    refund.callback_identifier = refund.callback_identifier or new_callback_identifier()
    _decided(refund, actor, now)


def confirm(
    refund_id: int, kind: str, account: str, reason: str, *, actor: Actor, now: datetime
) -> Refund:
    """Say that an account is the payer's, so that a refund can be paid out to it by bank.

    account: as written, of one of KINDS. reason: needed when it is not the account that the bank
    told; another person then approves it. Raises NotOpen, or RedaError at the field.
    """
    refund = locked(refund_id)
    if refund.status != TO_CONFIRM:
        raise NotOpen
    if kind not in KINDS:
        raise RedaError(N_("Choose one of the options."), field="kind")
    digits, told = _checked_account(kind, account), reason.strip()
    if kind != "plusgiro" and digits in settings().client_accounts:
        raise RedaError(N_("This is an account of ours, not the payer’s."), field="account")
    if len(told) > LONGEST_REASON:
        raise RedaError(
            N_("Write at most %(most)s characters."), field="reason", most=LONGEST_REASON
        )
    is_told = refund.way == BANK and _is_told(refund, kind, digits)
    if not is_told and not told:
        raise RedaError(
            N_("This is not the account that the bank told. Write how you know it is the payer’s."),
            field="reason",
        )
    refund.way, refund.payer_account, refund.account_kind = BANK, digits, kind
    refund.account_reason = "" if is_told else told
    refund.status = WAITING if is_told else TO_APPROVE
    refund.reason = ""
    _decided(refund, actor, now)
    return refund


def _is_told(refund: Refund, kind: str, digits: str) -> bool:
    """Whether it is what the bank told: the same digits are another's at another giro."""
    if refund.payment_id is None:
        return False
    payment = db.session.get_one(BankPayment, refund.payment_id)
    return (kind, digits) == (known_kind(payment), payment.payer_account)


def _decided(refund: Refund, actor: Actor, now: datetime) -> None:
    refund.decided_by, refund.decided_at, refund.decided_id = actor.name, now, actor.person_id
    db.session.flush()


def approve(refund_id: int, *, actor: Actor, now: datetime) -> None:
    """Agree that an account that the bank has not told is the payer's. Raises NotOpen or RedaError.

    Who wrote the account cannot.
    """
    refund = _to_approve(refund_id)
    if actor.person_id is None or actor.person_id == refund.decided_id:
        raise RedaError(N_("Another operator than the one who wrote the account must approve it."))
    refund.status, refund.approved_by, refund.approved_at = WAITING, actor.name, now
    db.session.flush()


def refuse(refund_id: int) -> None:
    """Let an account that the bank has not told be looked at again. Raises NotOpen."""
    refund = _to_approve(refund_id)
    refund.status = TO_CONFIRM
    refund.decided_by = refund.decided_at = refund.decided_id = None
    db.session.flush()


def _to_approve(refund_id: int) -> Refund:
    refund = locked(refund_id)
    if refund.status != TO_APPROVE:
        raise NotOpen
    return refund


def try_again(
    refund_id: int,
    *,
    actor: Actor,
    now: datetime,
    by_bank: bool = False,
    is_known: bool = False,
) -> Refund:
    """Let another refund take the place of one that failed.

    by_bank: to an account, which is to be confirmed; else the same way as before. is_known: a
    person has seen that the money did not go, where the bank fell silent. Raises NotOpen, or
    RedaError at `is_known`.
    """
    _hold_payment(refund_id)
    before = locked(refund_id)
    if before.status != REJECTED:
        raise NotOpen
    if before.error_code == ways.OUTCOME_UNKNOWN and not is_known:
        raise RedaError(
            N_("Look in the bank first whether the money has gone, so that it does not go twice."),
            field="is_known",
        )
    before.status = FAILED
    db.session.flush()
    is_same = before.way != BANK and not by_bank
    refund = Refund(
        key=new_payment_id(), payment_id=before.payment_id, share_id=before.share_id,
        booked_id=before.booked_id, creditor_id=before.creditor_id, case_id=before.case_id,
        amount_ore=before.amount_ore, currency=before.currency, why=before.why,
        way=before.way if is_same else BANK, payer_name=before.payer_name,
        payer_account=before.payer_account if is_same or before.way == BANK else None,
        account_kind=None if is_same else before.account_kind,
        status=WAITING if is_same else TO_CONFIRM, by=actor.name or actor.label, at=now,
        callback_identifier=new_callback_identifier(),
    )  # fmt: skip
    db.session.add(refund)
    db.session.flush()
    if is_same:
        _decided(refund, actor, now)
    return refund


def _hold_payment(refund_id: int) -> None:
    """Let nobody take a refund's payment back until the transaction ends, nor have it half done."""
    refund = db.session.get(Refund, refund_id)
    if refund is None:
        return
    if refund.payment_id is not None:
        db.session.get(BankPayment, refund.payment_id, with_for_update=True, populate_existing=True)
        return
    booked = db.session.get_one(Payment, refund.booked_id)
    if booked.channel in ways.WAYS:
        db.session.execute(
            select(SwishRequest.id)
            .where(
                SwishRequest.way == booked.channel,
                SwishRequest.payment_reference == booked.channel_reference.split(":")[1],
            )
            .with_for_update()
        )


def settle(refund: Refund, *, on: date, actor: Actor, now: datetime) -> bool:
    """Book that a refund is paid, on its day; answers False when its end is told already."""
    was_sent = refund.status in (REJECTED, FAILED) or (
        refund.status == WITHDRAWN and refund.sent_at is not None
    )
    is_late = refund.way != BANK and was_sent
    if refund.status != RELEASED and not is_late:
        return False
    if ledger.is_posted(f"refund:{refund.key}:settled"):
        # It was paid and came back, and is told once more.
        return False
    if refund.status in (FAILED, WITHDRAWN) and not _gives_way(refund, actor, now):
        # It has gone twice. The books say so, and whoever reads them sees it.
        log.error("refund.paid_twice", refund=refund.key)
        _post(refund, ledger.REFUND_PAID, "settled", on, now)
        refund.error_code = None
        db.session.flush()
        return False
    _post(refund, ledger.REFUND_PAID, "settled", on, now)
    refund.status, refund.ended_on, refund.reason, refund.error_code = SETTLED, on, "", None
    _tell("case.refund_paid", refund, on, actor, now)
    telling.went_back(refund, on=on, now=now)
    return True


def _gives_way(refund: Refund, actor: Actor, now: datetime) -> bool:
    """Whether no other refund was sent in the place of one that was given up, and paid after all.

    One that waits to be sent is withdrawn; one of which nobody knows whether it went is given up in
    its turn, and asked about still.
    """
    others = db.session.scalars(
        select(Refund)
        .where(
            Refund.booked_id == refund.booked_id,
            Refund.id != refund.id,
            Refund.status.not_in((FAILED, WITHDRAWN)),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    for one in others:
        if one.status == REJECTED and one.error_code == ways.OUTCOME_UNKNOWN:
            one.status = FAILED
        withdraw(one, actor=actor, now=now)
    db.session.flush()
    return all(one.status in (FAILED, WITHDRAWN) for one in others)


def reject(refund: Refund, reason: str, *, on: date, actor: Actor, now: datetime) -> bool:
    """Note that a refund was not paid; answers False when its end is told already."""
    if refund.status != RELEASED:
        return False
    # Of a payment that did not come nothing is owed, so that nobody tries it again.
    refund.status = WITHDRAWN if _is_of_nothing(refund) else REJECTED
    refund.ended_on, refund.reason = on, reason
    db.session.flush()
    log.warning("refund.rejected", refund=refund.key, by=actor.label)
    return True


def _is_of_nothing(refund: Refund) -> bool:
    """Whether the payment that a refund is of has been taken back."""
    if refund.booked_id is not None:
        payment = db.session.get_one(Payment, refund.booked_id)
        return ledger.is_posted(f"taken back:{payment.channel_reference}")
    state = select(BankPayment.state).where(BankPayment.id == refund.payment_id)
    return db.session.scalar(state) == "taken back"


def lose(refund: Refund, *, on: date, now: datetime) -> None:
    """Bear a refund that is paid of a payment which is taken back: nobody else owes it."""
    if refund.status == SETTLED and refund.creditor_id is not None and _is_of_nothing(refund):
        _post_lost(refund, refund.amount_ore, "lost", on, now)


def move(refund: Refund, booked_id: int, *, on: date, now: datetime) -> None:
    """Let a refund be of another payment that brings the same money; nobody bears it any more."""
    lost, not_lost = (
        ledger.is_posted(f"refund:{refund.key}:{what}:{refund.booked_id}")
        for what in ("lost", "not lost")
    )
    if lost and not not_lost:
        _post_lost(refund, -refund.amount_ore, "not lost", on, now)
    refund.booked_id = booked_id
    db.session.flush()


def _post_lost(refund: Refund, ore: int, what: str, on: date, now: datetime) -> None:
    assert refund.creditor_id is not None
    ledger.post(
        creditor_id=refund.creditor_id, case_id=refund.case_id, kind=ledger.REFUND_LOST,
        # It may be lost anew when what was taken back has come again.
        booked_on=on, key=f"refund:{refund.key}:{what}:{refund.booked_id}",
        currency=refund.currency, now=now,
        lines={Account.OVER_PAYMENT: -ore, Account.BAD_DEBT: ore},
    )  # fmt: skip


def return_(refund: Refund, reason: str, *, on: date, actor: Actor, now: datetime) -> bool:
    """Book that the bank has got a refund back from the payer's; it is owed again.

    Answers False when that is told already.
    """
    if refund.status == SETTLED:
        _post(refund, ledger.REFUND_RETURNED, "returned", on, now)
        _tell("case.refund_returned", refund, on, actor, now)
        refund.status = RELEASED
    return reject(refund, reason, on=on, actor=actor, now=now)


def _post(refund: Refund, kind: str, what: str, on: date, now: datetime) -> None:
    """Book on the case; money that no case was given is in no company's books."""
    if refund.creditor_id is None:
        return
    ore = refund.amount_ore if kind == ledger.REFUND_PAID else -refund.amount_ore
    ledger.post(
        creditor_id=refund.creditor_id, case_id=refund.case_id, kind=kind, booked_on=on,
        key=f"refund:{refund.key}:{what}", currency=refund.currency, now=now,
        lines={Account.OVER_PAYMENT: ore, Account.CLIENT_FUNDS: -ore},
    )  # fmt: skip
    if _is_of_nothing(refund):
        _post_lost(refund, ore, "lost" if ore > 0 else "not lost", on, now)
    # What the bank has paid all the same, such as a refund that has gone twice.
    ledger.cover(
        refund.creditor_id, refund.currency, on=on, key=f"refund:{refund.key}:{what}", now=now
    )


def _tell(name: str, refund: Refund, on: date, actor: Actor, now: datetime) -> None:
    log.info(name, refund=refund.key)
    if refund.creditor_id is not None:
        history.record(
            name, creditor_id=refund.creditor_id, case_id=refund.case_id, actor=actor, now=now,
            amount_ore=refund.amount_ore, currency=refund.currency, on=on.isoformat(),
        )  # fmt: skip
    db.session.flush()


def withdraw(refund: Refund, *, actor: Actor, now: datetime) -> None:
    """Let a refund not go, for the payment itself is taken back; one that is sent goes on."""
    if refund.status in NOT_SENT:
        refund.status = WITHDRAWN
        refund.decided_by, refund.decided_at = actor.name or actor.kind, now


def count() -> int:
    """How many refunds wait for a person."""
    waiting = (TO_CONFIRM, TO_APPROVE, REJECTED)
    query = select(func.count()).where(Refund.status.in_(waiting))
    return db.session.scalar(query) or 0


def find(refund_id: int) -> Refund | None:
    """A refund, if it may be seen."""
    return db.session.get(Refund, refund_id)


def to_put_together() -> list[Refund]:
    """Refunds by bank whose account is sure and that nobody approves yet, the oldest first."""
    return list(
        db.session.scalars(
            select(Refund)
            .where(Refund.status == WAITING, Refund.way == BANK, Refund.batch_id.is_(None))
            .order_by(Refund.id)
        )
    )


def of_batch(batch_id: int) -> list[Refund]:
    """The refunds that are approved or ordered together."""
    return list(
        db.session.scalars(select(Refund).where(Refund.batch_id == batch_id).order_by(Refund.id))
    )


def of_booked(booked_ids: Sequence[int]) -> list[Refund]:
    """What goes back or went back of payments at once, or was withdrawn, in order."""
    query = select(Refund).where(Refund.booked_id.in_(booked_ids)).order_by(Refund.id)
    return list(db.session.scalars(query))


_ORDER = (TO_CONFIRM, REJECTED, TO_APPROVE, WAITING, RELEASED)


def open_(limit: int = 200) -> list[Refund]:
    """Refunds that are owed, those that wait for a person first, then the oldest."""
    place = sql_case(
        *((Refund.status == name, place) for place, name in enumerate(_ORDER)), else_=len(_ORDER)
    )
    return list(
        db.session.scalars(
            select(Refund)
            .where(Refund.status.not_in(ENDED))
            .order_by(place, Refund.id)
            .limit(limit)
        )
    )


def ended(limit: int = 25) -> list[Refund]:
    """Refunds that are paid, the newest first."""
    return list(
        db.session.scalars(
            select(Refund)
            .where(Refund.status == SETTLED)
            .order_by(Refund.ended_on.desc(), Refund.id.desc())
            .limit(limit)
        )
    )


def of_case(case_id: int) -> list[Shown]:
    """What goes back or went back of a case's payments, as its debtor is told.

    Nothing of what is not sure to go yet, nor of where it goes when that is another account than it
    came from and too short to be masked.
    """
    found = db.session.scalars(
        select(Refund)
        .where(Refund.case_id == case_id, Refund.status.in_((WAITING, RELEASED, SETTLED)))
        .order_by(Refund.id)
    )
    return [
        Shown(
            one.booked_id or 0, one.amount_ore, one.currency, masked(one),
            one.ended_on if one.status == SETTLED else None,
        )
        for one in found
        if one.status == SETTLED or masked(one) or not one.account_reason
    ]  # fmt: skip


def masked(refund: Refund) -> str:
    """Where a refund goes, so that the payer knows it and nobody else learns it; "": not told."""
    account = refund.payer_account or ""
    is_sure = refund.way == ways.SWISH or refund.account_kind is not None
    if len(account) < 2 * _FEWEST_SHOWN or not is_sure:
        return ""
    # On one line, so that it is read in its own order in every script.
    shown = f"••••\u00a0{account[-_FEWEST_SHOWN:]}"
    return f"Swish\u00a0{shown}" if refund.way == ways.SWISH else shown


@dataclass(frozen=True)
class Unbalanced:
    """A case whose books owe the payer something else than its refunds say, in öre."""

    case_id: int
    owed_ore: int
    refunds_ore: int


def differences(limit: int = 100, among: Collection[int] | None = None) -> list[Unbalanced]:
    """Cases where too much was paid and other money goes back; there are none.

    among: ids of the cases looked at; default all. A refund on its way of a payment that was taken
    back meanwhile is owed to nobody; the books tell it when it is known whether it went.
    """
    books = ledger.overpaid_sql(among)
    some = [] if among is None else [Refund.case_id == func.any(list(among))]
    is_of_nothing = (
        select(Payment.id)
        .where(
            Payment.id == Refund.booked_id,
            ledger.is_posted_sql(
                "taken back:" + Payment.channel_reference, of_few=among is not None
            ),
        )
        .exists()
    )
    owed = (
        select(Refund.case_id, func.sum(Refund.amount_ore).label("ore"))
        .where(
            Refund.status.not_in(ENDED),
            Refund.case_id.is_not(None),
            ~and_(Refund.status == RELEASED, is_of_nothing),
            *some,
        )
        .group_by(Refund.case_id)
        .subquery()
    )
    booked, told = func.coalesce(books.c.ore, 0), func.coalesce(owed.c.ore, 0)
    case_id = func.coalesce(books.c.case_id, owed.c.case_id)
    rows = db.session.execute(
        select(case_id, booked, told)
        .select_from(books.outerjoin(owed, owed.c.case_id == books.c.case_id, full=True))
        .where(booked != told)
        .order_by(case_id)
        .limit(limit)
    )
    return [Unbalanced(int(id_), int(ore), int(back)) for id_, ore, back in rows]


def paid_back_sql(among: Collection[int] | None = None) -> Subquery:
    """For each case what was paid back of it. among: ids of cases; default all."""
    some = [] if among is None else [Refund.case_id == func.any(list(among))]
    return (
        select(Refund.case_id, func.sum(Refund.amount_ore).label("ore"))
        .where(Refund.status == SETTLED, Refund.case_id.is_not(None), *some)
        .group_by(Refund.case_id)
        .subquery()
    )
