"""Bank's payments that bring what is booked already, and our own money on the client account.

What comes by Swish, card or account is booked when the payer has paid, and what goes back so when
it is paid back; when the sum of it comes to the client account, or is debited, the bank's payment
is noted as that and books nothing. What we pay in ourselves may
not be more than our own share stands in for, so that own money and clients' are not mixed
(inkassolagen (1974:182) § 10 and good practice); what the bank takes of us is taken from our share.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select

from portal import ledger
from portal.extensions import db
from portal.identity.actor import Actor
from portal.ledger import Account, Share
from portal.messages import N_, RedaError
from portal.payments import ways
from portal.payments.models import BankPayment, BankTransfer, Chargeback, UndoneTransfer
from portal.payments.taking_back import NotWaiting, locked, refunds_of, shares_of

OWN = "own"
WAYS = (*ways.WAYS, OWN)
_STATES = ("waiting", "aside", "statement")


def divided(ore: int, shares: Iterable[Share]) -> list[Share]:
    """A sum over shares, none more than it is, the first of them first. Raises ValueError."""
    answer = []
    for one in shares:
        part = min(ore, one.ore)
        if part > 0:
            answer.append(Share(one.creditor_id, part))
            ore -= part
    if ore:
        raise ValueError(f"The shares lack {ore} öre.")
    return answer


def note(payment_id: int, way: str, *, actor: Actor, now: datetime) -> None:
    """Note what a bank's payment brings: money of one of `ways.WAYS`, or our own.

    Raises NotWaiting, or RedaError when it cannot be.
    """
    payment = locked(payment_id)
    if payment is None or payment.state not in _STATES or find(payment_id) is not None:
        raise NotWaiting
    if way not in WAYS:
        raise RedaError(N_("Choose one of the options."), field="way")
    if shares_of(payment_id) or refunds_of(payment_id):
        raise RedaError(N_("A part of it is given to a case or goes back already."), field="way")
    if way == OWN:
        _book_own(payment, now)
    db.session.add(
        BankTransfer(
            payment_id=payment_id,
            way=way,
            state=payment.state,
            by=actor.name or actor.label,
            at=now,
        )
    )
    if payment.state != "statement":
        payment.state = "aside"
    db.session.flush()


def _book_own(payment: BankPayment, now: datetime) -> None:
    ledger.hold_own_share(payment.currency)
    ours = ledger.own_share(payment.currency)
    if payment.amount_ore > 0:
        shares = ledger.covered(payment.currency)
        other, kind = Account.COVERED, "own_money.paid_in"
        if payment.amount_ore > ours.covered_ore:
            raise RedaError(
                N_("Our own share stands in for %(most_ore)s only. No more may be paid in."),
                field="way", most_ore=ours.covered_ore,
            )  # fmt: skip
    else:
        shares = list(ours.shares)
        other, kind = Account.CLIENT_FUNDS, "own_money.borne"
        if -payment.amount_ore > ours.total_ore:
            raise RedaError(
                N_("Our own share is %(most_ore)s. Pay in the rest first."),
                field="way", most_ore=max(0, ours.total_ore),
            )  # fmt: skip
    sign = 1 if payment.amount_ore > 0 else -1
    for one in divided(abs(payment.amount_ore), shares):
        ledger.post(
            creditor_id=one.creditor_id, case_id=None, kind=kind, booked_on=payment.value_on,
            key=f"own money:{payment.id}:{one.creditor_id}", currency=payment.currency, now=now,
            lines={other: sign * one.ore, Account.OWN_SHARE: -sign * one.ore},
        )  # fmt: skip


def undo(payment_id: int, *, actor: Actor, now: datetime) -> None:
    """Take back that a bank's payment brings what is booked; who did is kept. Raises NotWaiting.

    Not of our own money, which is booked, nor of what is booked as taken back, or as come again and
    not taken back since.
    """
    payment, found = locked(payment_id), find(payment_id)
    if payment is None or found is None or not may_undo(payment_id):
        raise NotWaiting
    if (taken := chargeback_by(payment_id)) is not None:
        taken.bank_payment_id = None
    if (again := came_again_by(payment_id)) is not None:
        again.returned_payment_id = None
    payment.state = found.state
    db.session.add(
        UndoneTransfer(
            payment_id=payment_id, way=found.way, by=found.by, at=found.at,
            undone_by=actor.name or actor.label, undone_at=now, is_cleared=found.is_cleared,
        )
    )  # fmt: skip
    db.session.delete(found)
    db.session.flush()


def find(payment_id: int) -> BankTransfer | None:
    """What a bank's payment is noted to bring, or None."""
    return db.session.scalar(
        select(BankTransfer)
        .where(BankTransfer.payment_id == payment_id)
        .execution_options(populate_existing=True)
    )


def chargeback_by(payment_id: int) -> Chargeback | None:
    """What a bank's payment takes back of a payment by Swish, card or account, or None."""
    return db.session.scalar(select(Chargeback).where(Chargeback.bank_payment_id == payment_id))


def came_again_by(payment_id: int) -> Chargeback | None:
    """What was taken back that a bank's payment brings again, or None."""
    return db.session.scalar(select(Chargeback).where(Chargeback.returned_payment_id == payment_id))


def _is_gone_again(again: Chargeback) -> bool:
    gone = select(Chargeback.id).where(
        Chargeback.request_id == again.request_id,
        Chargeback.amount_ore == again.amount_ore,
        Chargeback.status == "taken",
    )
    return db.session.scalars(gone.limit(1)).first() is not None


def may_undo(payment_id: int) -> bool:
    """Whether `undo` can be asked for, of what is noted."""
    found, taken, again = find(payment_id), chargeback_by(payment_id), came_again_by(payment_id)
    return (
        found is not None
        and found.way != OWN
        and (taken is None or taken.status != "taken")
        and (again is None or _is_gone_again(again))
    )


def undone(payment_id: int) -> list[UndoneTransfer]:
    """What a bank's payment was noted to bring and was taken back, the newest first."""
    return list(
        db.session.scalars(
            select(UndoneTransfer)
            .where(UndoneTransfer.payment_id == payment_id)
            .order_by(UndoneTransfer.id.desc())
        )
    )


def may_note(payment: BankPayment) -> bool:
    """Whether `note` can be asked for."""
    return payment.state in _STATES and find(payment.id) is None
