"""What a person decides on payments by bank that nobody could match.

A payment is settled when what cases were given and what goes back make it up to the öre.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from sqlalchemy import func, or_, select

from portal.collection import lookup
from portal.extensions import db
from portal.identity.actor import Actor
from portal.messages import N_, RedaError
from portal.payments import booking, matching, paying_in, refunds
from portal.payments.models import BankPayment, BankShare, Payment, Refund
from portal.payments.swish import new_payment_id
from portal.payments.taking_back import (
    NotWaiting,
    held_refunds,
    locked,
    refunds_of,
    shares_of,
    undo_shares,
    waits,
)

# Why a person lets money go back.
WHYS = ("not ours", "closed", "wrong creditor", "currency")


def waiting(*, after: tuple[date, int] | None = None, limit: int = 25) -> list[BankPayment]:
    """Payments that wait for a person, the oldest first. after: day and id of the last one seen."""
    query = select(BankPayment).where(BankPayment.state == "waiting")
    if after is not None:
        day, last = after
        query = query.where(
            or_(
                BankPayment.value_on > day,
                (BankPayment.value_on == day) & (BankPayment.id > last),
            )
        )
    return list(
        db.session.scalars(query.order_by(BankPayment.value_on, BankPayment.id).limit(limit))
    )


def count() -> int:
    """How many payments wait for a person."""
    waiting = select(func.count()).where(BankPayment.state == "waiting")
    return db.session.scalar(waiting) or 0


def find(payment_id: int) -> BankPayment | None:
    """A payment, or None."""
    return db.session.get(BankPayment, payment_id)


def decided(limit: int = 25) -> list[BankPayment]:
    """Payments that a person has decided on, the newest decision first."""
    newest = (
        select(BankShare.payment_id, func.max(BankShare.at).label("at"))
        .where(BankShare.how == "person", BankShare.undone_at.is_(None))
        .group_by(BankShare.payment_id)
        .union_all(
            select(Refund.payment_id, Refund.at).where(
                Refund.share_id.is_(None), Refund.status != "withdrawn"
            )
        )
        .subquery()
    )
    latest = select(newest.c.payment_id, func.max(newest.c.at).label("at")).group_by(
        newest.c.payment_id
    )
    last = latest.subquery()
    return list(
        db.session.scalars(
            select(BankPayment)
            .join(last, last.c.payment_id == BankPayment.id)
            .where(BankPayment.state == "settled")
            .order_by(last.c.at.desc(), BankPayment.id.desc())
            .limit(limit)
        )
    )


def left_ore(payment: BankPayment) -> int:
    """What of a payment no case was given and does not go back, in öre."""
    given = sum(one.amount_ore for one in shares_of(payment.id))
    back = sum(one.amount_ore for one in refunds_of(payment.id) if one.share_id is None)
    return payment.amount_ore - given - back


def give(payment_id: int, parts: Mapping[str, int], *, actor: Actor, now: datetime) -> None:
    """Give a payment to one case or several, each booked at the payment's own day.

    parts: öre by the case's reference; their sum is all that is left of the payment. Raises
    NotWaiting, or RedaError when a case is not there or the sums are not exact.
    """
    payment = waits(payment_id)
    if payment.kind != "payment":
        raise NotWaiting
    left = left_ore(payment)
    if not parts or any(ore <= 0 for ore in parts.values()):
        raise RedaError(N_("Write an amount above zero."), field="parts")
    if sum(parts.values()) != left:
        raise RedaError(
            N_("The parts come to %(sum_ore)s, but the payment has %(left_ore)s to give."),
            field="parts", sum_ore=sum(parts.values()), left_ore=left,
        )  # fmt: skip
    found = _cases(parts)
    for place, case in enumerate(found, _last_number(payment) + 1):
        _give(payment, case, parts[case.reference], place, actor, now)
    payment.state = "settled"


def _last_number(payment: BankPayment) -> int:
    """The highest number of a share that the payment has had; of several, some may be missing."""
    keys = db.session.scalars(select(BankShare.key).where(BankShare.payment_id == payment.id))
    return max((int(one.rpartition(":")[2]) for one in keys), default=0)


def _cases(references: Iterable[str]) -> list[lookup.Named]:
    found = {one.reference: one for one in lookup.by_references(references)}
    for reference in references:
        if reference not in found:
            raise RedaError(
                N_("There is no case %(reference)s. Compare the number."),
                field="parts", reference=reference,
            )  # fmt: skip
    return sorted(found.values(), key=lambda one: one.id)


def _give(
    payment: BankPayment, case: lookup.Named, ore: int, number: int, actor: Actor, now: datetime
) -> None:
    if case.currency != payment.currency:
        raise RedaError(
            N_("The case is in %(currency)s. Let the payment go back."),
            field="parts", currency=case.currency,
        )  # fmt: skip
    key = matching.share_key(payment.id, number)
    booking.receive(
        case.id, amount_ore=ore, currency=payment.currency, key=key, channel=matching.CHANNEL,
        value_on=payment.value_on, payer=payment.payer_account, actor=actor, now=now,
    )  # fmt: skip
    share_ids = matching.add_shares(
        [
            {
                "payment_id": payment.id, "case_id": case.id, "creditor_id": case.creditor_id,
                "amount_ore": ore, "key": key, "how": "person", "by": actor.name, "at": now,
            }
        ]
    )  # fmt: skip
    over = db.session.scalars(
        select(Payment.overpaid_ore).where(Payment.channel_reference == key)
    ).one()
    if over:
        matching.ask_refunds(
            {key: over}, share_ids, {payment.id: payment}, by=actor.name
        )  # fmt: skip


def give_statement(payment_id: int, written: str, *, actor: Actor, now: datetime) -> None:
    """Book a payment on a company's monthly statement, as `paying_in.give`.

    Raises NotWaiting, and RedaError at the field `statement`, also when a part is decided already.
    """
    payment = waits(payment_id)
    if payment.kind != "payment":
        raise NotWaiting
    if left_ore(payment) != payment.amount_ore:
        raise RedaError(
            N_("A part of it is given to a case or goes back already."), field="statement"
        )
    paying_in.give(payment, written, actor=actor, now=now)


def send_back(payment_id: int, why: str, *, actor: Actor, now: datetime) -> None:
    """Let what is left of a payment go back to its payer, once the account is confirmed.

    why: one of WHYS. Raises NotWaiting.
    """
    payment = waits(payment_id)
    if payment.kind != "payment":
        raise NotWaiting
    if why not in WHYS:
        raise RedaError(N_("Choose why the money goes back."), field="why")
    db.session.add(
        Refund(
            key=new_payment_id(), payment_id=payment.id, amount_ore=left_ore(payment),
            currency=payment.currency, why=why, way=refunds.BANK, payer_name=payment.payer_name,
            payer_account=payment.payer_account, account_kind=refunds.known_kind(payment),
            status=refunds.TO_CONFIRM, by=actor.name, at=now,
        )
    )  # fmt: skip
    payment.state = "settled"


def undo(payment_id: int, *, actor: Actor, today: date, now: datetime) -> None:
    """Take back what was decided on a payment: it waits again, and its cases owe as before.

    Raises NotWaiting when nothing is decided on it, or the bank has taken it back, and RedaError
    when some of it is sent back to the payer.
    """
    payment = locked(payment_id)
    if payment is None or payment.state != "settled" or payment.kind != "payment":
        raise NotWaiting
    for refund in held_refunds(payment.id):
        if refund.status not in refunds.NOT_SENT:
            raise RedaError(N_("Some of it is sent back to the payer already."))
    undo_shares(payment, by_bank=False, on=today, actor=actor, now=now)
    payment.state = "waiting"
