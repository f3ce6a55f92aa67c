"""What banks and the payment provider take back of payments by Swish, card and account.

Three tell of it: the provider, when it is asked (`learn`); a bank's file, whose reversal names the
payment (`take_back_surely`, `take_back_by`); and a person who has it from the bank (`take`), for
Swish has no way to tell. That it came again they tell likewise (`coming_again` of the bank's file).
Whichever comes first is booked. Another that has the same amount and
tells of what it has not told of before, is the same (`Chargeback`).

It is booked back as money by bank is (`taking_back`), on every case of the request, or on the last
of them when it is a part: what stays is booked anew at the payment's own day. When the money comes
again, it is booked once more at that day, as if it had never been gone.

Whoever decides locks the bank's payment, then the request, then what goes back of it, and then its
cases in the order of their ids.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, String, and_, cast, func, or_, select

from portal import clock
from portal.collection import words
from portal.collection.settling import Stays
from portal.extensions import db
from portal.identity.actor import PROVIDER, Actor
from portal.messages import N_, RedaError
from portal.payments import booking, refunds, taking_back, transfers
from portal.payments.models import (
    BankPayment,
    Chargeback,
    Payment,
    Refund,
    SwishPart,
    SwishRequest,
)
from portal.payments.taking_back import NotWaiting, locked, waits
from portal.payments.told_at_once import WORDS
from portal.payments.ways import ChargedBack

log = structlog.get_logger()
# As the doors call them.
PaidRequest = SwishRequest
TakenBack = Chargeback
TAKEN, RETURNED, UNCLEAR, SAME = "taken", "returned", "unclear", "same"
LONGEST_REASON = 300
_LOOKED_BACK = timedelta(days=3)
# Names of ours, of Swish's and of the provider's are among these words.
_NAMES = re.compile(r"[0-9A-Z]{8,64}")


@dataclass(frozen=True)
class Part:
    """What was taken of a case's payment, in öre. refund_id: what had gone back of it by then."""

    case_id: int
    ore: int
    refund_id: int | None = None


def learn(request_id: str, *, now: datetime) -> None:
    """Ask what is taken back of a payment, and book it. Safe to repeat and to race.

    Raises ways.Unavailable or ways.Refused.
    """
    found = booking.find(request_id)
    if found is None or found.status != "paid":
        return
    told = booking.client_of(found.way).fetch_chargebacks(request_id)
    if not told:
        return
    request = lock(request_id)
    for one in told:
        _learn(request, one, now)


def changed(now: datetime) -> Sequence[str]:
    """Payments of which the provider has lately taken something back, or given it back.

    So that no callback that gets lost hides one. Raises ways.Unavailable or ways.Refused.
    """
    if not booking.is_online_offered():
        return ()
    return booking.online_client().charged_back_since(now - _LOOKED_BACK)


def _learn(request: SwishRequest, told: ChargedBack, now: datetime) -> None:
    ore = int(told.amount * 100)
    chargeback = db.session.scalar(select(Chargeback).where(Chargeback.provider_key == told.id))
    if chargeback is None:
        chargeback = _same(
            request, ore, Chargeback.status == TAKEN, Chargeback.provider_key.is_(None)
        )
    if chargeback is None and told.returned_at is not None:
        # It is here again, and nobody had missed it.
        return
    if chargeback is None:
        on = clock.day_of(told.taken_at)
        if ore <= left_ore(request):
            chargeback = _book(request, ore, on=on, reason=told.reason, actor=PROVIDER, now=now)
        else:
            log.error("chargeback.unclear", request=request.id, amount_ore=ore)
            chargeback = _add(request, ore, (), on, told.reason, PROVIDER, now, status=UNCLEAR)
    elif chargeback.request_id != request.id:
        log.error("chargeback.another_payment", request=request.id, chargeback=chargeback.id)
        return
    chargeback.provider_key = told.id
    if told.returned_at is not None:
        book_again(request, chargeback, clock.day_of(told.returned_at), PROVIDER, now)


def _same(request: SwishRequest, ore: int, *conditions: ColumnElement[bool]) -> Chargeback | None:
    """What another has told of already, as long as it is gone if there is such."""
    return db.session.scalars(
        select(Chargeback)
        .where(Chargeback.request_id == request.id, Chargeback.amount_ore == ore, *conditions)
        .order_by((Chargeback.status == TAKEN).desc(), Chargeback.id)
        .limit(1)
    ).first()


def _not_told_by_bank(reversal: BankPayment) -> ColumnElement[bool]:
    """Whether it may be what a bank's file tells of now. Its money may be here again by then."""
    return and_(
        Chargeback.bank_payment_id.is_(None),
        or_(
            Chargeback.status == TAKEN,
            and_(Chargeback.status == RETURNED, Chargeback.returned_on >= reversal.value_on),
        ),
    )


def take_back_surely(reversal_id: int, *, actor: Actor, now: datetime) -> None:
    """Book back what the bank takes back, if one payment only can be meant; else it waits.

    reversal_id: as of `taking_back.take_back_surely`, which looks among payments by bank when it
    names none by Swish, card or account.
    """
    reversal = locked(reversal_id)
    if reversal is None or reversal.state != "new":
        return
    found = named(reversal)
    if not found:
        taking_back.take_back_surely(reversal_id, actor=actor, now=now)
        return
    reversal.state = "waiting"
    db.session.flush()
    if len(found) == 1:
        request = lock(found[0])
        if request.currency == reversal.currency and _may_be(reversal, request):
            _take_by(reversal, request, actor, now)


def meant_by(reversal: BankPayment, limit: int = 3) -> list[SwishRequest]:
    """Payments by Swish, card or account that the bank may take back; those it names come first."""
    names, ore = named(reversal), -reversal.amount_ore
    told = select(Chargeback.request_id).where(
        Chargeback.amount_ore == ore, _not_told_by_bank(reversal)
    )
    found = db.session.scalars(
        select(SwishRequest)
        .where(
            SwishRequest.status == "paid", SwishRequest.currency == reversal.currency,
            or_(
                SwishRequest.id.in_(names), SwishRequest.amount_ore == ore,
                SwishRequest.id.in_(told),
            ),
        )
        .order_by(SwishRequest.id.in_(names).desc(), SwishRequest.ended_at.desc())
        .limit(10 * limit)
    )  # fmt: skip
    return [one for one in found if _may_be(reversal, one)][:limit]


def take_back_by(reversal_id: int, request_id: str, *, actor: Actor, now: datetime) -> None:
    """Book back the payment that a person says the bank takes back. Raises NotWaiting."""
    reversal = waits(reversal_id)
    if reversal.kind not in ("reversal", "deduction"):
        raise NotWaiting
    if request_id not in {one.id for one in meant_by(reversal)}:
        raise NotWaiting
    request = lock(request_id)
    if not _may_be(reversal, request):
        raise NotWaiting
    _take_by(reversal, request, actor, now)


def named(payment: BankPayment) -> list[str]:
    """The paid requests that a bank's payment names, by our name or the one they were paid by."""
    told = db.session.scalar(select(cast(WORDS, String)).where(BankPayment.id == payment.id))
    names = set(_NAMES.findall((told or "").upper()))
    return list(
        db.session.scalars(
            select(SwishRequest.id)
            .where(
                SwishRequest.status == "paid",
                or_(SwishRequest.payment_reference.in_(names), SwishRequest.id.in_(names)),
            )
            .order_by(SwishRequest.id)
        )
    )


def _may_be(reversal: BankPayment, request: SwishRequest) -> bool:
    ore, came_on = -reversal.amount_ore, paid_on(request)
    if came_on is None or came_on > reversal.value_on:
        return False
    is_told = _same(request, ore, _not_told_by_bank(reversal)) is not None
    return is_told or ore <= left_ore(request)


def _take_by(reversal: BankPayment, request: SwishRequest, actor: Actor, now: datetime) -> None:
    ore = -reversal.amount_ore
    chargeback = _same(request, ore, _not_told_by_bank(reversal))
    if chargeback is None:
        chargeback = _book(request, ore, on=reversal.value_on, reason="", actor=actor, now=now)
    chargeback.bank_payment_id = reversal.id
    # The bank's side of it: the money of the way has become less there too.
    transfers.note(reversal.id, request.way, actor=actor, now=now)


def take(
    request_id: str,
    ore: int,
    on: date,
    reason: str,
    *,
    seen_ore: int,
    actor: Actor,
    today: date,
    now: datetime,
) -> None:
    """Book back what a person has from the bank that it takes back.

    ore: all that is left of the payment or a part. reason: why, and how it is known. seen_ore:
    what was left when the person looked, so that nothing is booked twice. Raises NotWaiting, or
    RedaError at the field.
    """
    request = lock(request_id)
    check(request, ore, on, reason, today=today)
    if left_ore(request) != seen_ore:
        raise NotWaiting
    _book(
        request, ore, on=on, reason=words.written(reason, LONGEST_REASON),
        actor=actor, now=now,
    )  # fmt: skip


def check(request: SwishRequest, ore: int, on: date, reason: str, *, today: date) -> None:
    """Whether something can be taken back, as of `take`. Raises RedaError at the field."""
    left, came_on = left_ore(request), paid_on(request)
    if came_on is None or not left:
        raise NotWaiting
    if not 0 < ore <= left:
        raise RedaError(
            N_("Write an amount up to %(left_ore)s, which is what is left of the payment."),
            field="ore", left_ore=left,
        )  # fmt: skip
    if not came_on <= on <= today:
        raise RedaError(
            N_("Write a day from the day of the payment, %(day)s, to today."),
            field="on", day=came_on,
        )  # fmt: skip
    try:
        words.written(reason, LONGEST_REASON)
    except RedaError as error:
        told = error.problem
        raise RedaError(told.message, field="reason", **dict(told.values)) from None


def come_again(chargeback_id: int, on: date, *, actor: Actor, today: date, now: datetime) -> None:
    """Book once more what a person has from the bank that it has given back, on a day.

    Raises NotWaiting, or RedaError at the field `on`.
    """
    request, chargeback = _locked(chargeback_id)
    if chargeback.status != TAKEN:
        raise NotWaiting
    if not chargeback.taken_on <= on <= today:
        raise RedaError(
            N_("Write a day from the day that it was taken back, %(day)s, to today."),
            field="on", day=chargeback.taken_on,
        )  # fmt: skip
    book_again(request, chargeback, on, actor, now)


def decide(chargeback_id: int, *, is_same: bool, actor: Actor, now: datetime) -> None:
    """Say of what is unclear that it is told of already, or book it, if as much is left by now.

    Raises NotWaiting, or RedaError when it is more than is left.
    """
    request, chargeback = _locked(chargeback_id)
    if chargeback.status != UNCLEAR:
        raise NotWaiting
    if is_same:
        chargeback.status = SAME
    elif chargeback.amount_ore > left_ore(request):
        raise RedaError(N_("It is more than what is left of the payment."))
    else:
        parts = _take_parts(request, chargeback.amount_ore, chargeback.taken_on, actor, now)
        chargeback.parts, chargeback.status = [asdict(one) for one in parts], TAKEN
    log.info("chargeback.decided", chargeback=chargeback.id, same=is_same, by=actor.name)
    db.session.flush()


def _locked(chargeback_id: int) -> tuple[SwishRequest, Chargeback]:
    found = db.session.get(Chargeback, chargeback_id)
    if found is None:
        raise NotWaiting
    request = lock(found.request_id)
    db.session.refresh(found)
    return request, found


def lock(request_id: str) -> SwishRequest:
    """A payment, for the caller alone until the transaction ends. Raises NotWaiting."""
    found = db.session.get(SwishRequest, request_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotWaiting
    return found


def _book(
    request: SwishRequest, ore: int, *, on: date, reason: str, actor: Actor, now: datetime
) -> Chargeback:
    parts = _take_parts(request, ore, on, actor, now)
    return _add(request, ore, parts, on, reason, actor, now, status=TAKEN)


def _add(
    request: SwishRequest, ore: int, parts: Sequence[Part], on: date, reason: str, actor: Actor,
    now: datetime, *, status: str,
) -> Chargeback:  # fmt: skip
    chargeback = Chargeback(
        request_id=request.id, amount_ore=ore, taken_on=on, status=status,
        parts=[asdict(one) for one in parts], reason=reason, by=actor.name or actor.label, at=now,
    )  # fmt: skip
    db.session.add(chargeback)
    db.session.flush()
    log.info("chargeback.added", request=request.id, amount_ore=ore, status=status)
    return chargeback


def _take_parts(
    request: SwishRequest, ore: int, on: date, actor: Actor, now: datetime
) -> list[Part]:
    payments = booking.payments_by(request)
    going_back = _held_refunds(payments)
    place, answer = _places(request), []
    lost = _lost(payments, going_back, ore)
    for one in sorted(payments, key=lambda one: (one.case_id, one.id)):
        if lost[one.id]:
            refund = going_back.get(one.id)
            answer.append(_take_one(request, one, lost[one.id], refund, place, on, actor, now))
            place += 2
    # What was found to go back before the cases were ours.
    known = going_back.values()
    for payment_id, refund in _held_refunds(payments).items():
        if lost[payment_id] and refund not in known:
            refunds.withdraw(refund, actor=actor, now=now)
    return answer


def _lost(
    payments: Sequence[Payment], going_back: Mapping[int, Refund], ore: int
) -> dict[int, int]:
    """What is taken of each payment, by id, when so much is of all.

    What stays pays the first parts, as what came would have, had it been less; but before them what
    has gone back to the payer already, which the bank does not take first.
    """
    stays_ore, lost = sum(one.amount_ore for one in payments) - ore, {}
    for one in sorted(payments, key=lambda one: (not _is_gone(one, going_back), one.id)):
        kept = min(one.amount_ore, stays_ore)
        stays_ore -= kept
        lost[one.id] = one.amount_ore - kept
    return lost


def would_lose(request: SwishRequest, ore: int) -> list[Part]:
    """Which cases would owe again, and how much, if so much were taken back."""
    payments = booking.payments_by(request)
    lost = _lost(payments, _refunds(payments, is_held=False), ore)
    sums: dict[int, int] = {}
    for one in payments:
        sums[one.case_id] = sums.get(one.case_id, 0) + lost[one.id]
    return [Part(case_id, ore) for case_id, ore in sorted(sums.items()) if ore]


def _is_gone(payment: Payment, going_back: Mapping[int, Refund]) -> bool:
    refund = going_back.get(payment.id)
    is_sent = refund is not None and refund.status not in refunds.NOT_SENT
    return is_sent and payment.overpaid_ore == payment.amount_ore


def _take_one(
    request: SwishRequest, payment: Payment, lost_ore: int, refund: Refund | None, place: int,
    on: date, actor: Actor, now: datetime,
) -> Part:  # fmt: skip
    stays_ore = payment.amount_ore - lost_ore
    is_gone = refund is not None and refund.status not in refunds.NOT_SENT
    # What the payer has had back is not among what the bank takes, as long as there is enough.
    over_ore = refund.amount_ore if refund and is_gone and refund.amount_ore <= stays_ore else 0
    stays = [
        Stays(ore, f"{_key(request)}:{place + number}", request.way, is_over)
        for number, (ore, is_over) in enumerate(((stays_ore - over_ore, False), (over_ore, True)))
        if ore
    ]
    booking.take_back(
        payment.channel_reference, by_bank=True, on=on, actor=actor, now=now, stays=stays
    )
    if refund is not None and over_ore:
        refunds.move(refund, _booked(stays[-1].key).id, on=on, now=now)
    elif refund is not None:
        refunds.withdraw(refund, actor=actor, now=now)
        refunds.lose(refund, on=on, now=now)
    db.session.flush()
    has_gone = refund is not None and is_gone and not over_ore
    return Part(payment.case_id, lost_ore, refund.id if refund and has_gone else None)


def book_again(
    request: SwishRequest, chargeback: Chargeback, on: date, actor: Actor, now: datetime
) -> None:
    """Book once more what is taken back, on the day it came again; nothing when it is here.

    request: as of `lock`.
    """
    if chargeback.status == UNCLEAR:
        # Nothing was booked of it.
        chargeback.status = SAME
    if chargeback.status != TAKEN:
        return
    parts = [Part(**one) for one in chargeback.parts]
    gone = _held([one.refund_id for one in parts if one.refund_id is not None])
    place, first = _places(request), _first(request)
    assert first is not None
    for one in parts:
        refund = gone.get(one.refund_id or 0)
        over_ore = refund.amount_ore if refund is not None and refund.amount_ore <= one.ore else 0
        for ore, is_over in ((one.ore - over_ore, False), (over_ore, True)):
            if not ore:
                continue
            key = f"{_key(request)}:{place}"
            booking.receive(
                one.case_id, amount_ore=ore, currency=request.currency, key=key,
                channel=request.way, value_on=first.value_on, payer=first.payer,
                actor=actor, now=now, again_on=on, is_over=is_over,
            )  # fmt: skip
            place += 1
            if refund is not None and is_over:
                refunds.move(refund, _booked(key).id, on=on, now=now)
    chargeback.status, chargeback.returned_on = RETURNED, on
    chargeback.returned_by, chargeback.returned_at = actor.name or actor.label, now
    db.session.flush()
    log.info("chargeback.returned", chargeback=chargeback.id)


def _key(request: SwishRequest) -> str:
    return f"{request.way}:{request.payment_reference}"


def _booked(key: str) -> Payment:
    return db.session.scalars(select(Payment).where(Payment.channel_reference == key)).one()


def _places(request: SwishRequest) -> int:
    """The first number that no payment of the request has had; one without has had the first."""
    ends = (
        one.channel_reference.removeprefix(_key(request)).lstrip(":")
        for one in booking.payments_by(request, is_ever=True)
    )
    return 1 + max((int(one or 1) for one in ends), default=0)


def left_ore(request: SwishRequest) -> int:
    """What of a payment is not taken back, in öre."""
    return sum(one.amount_ore for one in booking.payments_by(request))


def _first(request: SwishRequest) -> Payment | None:
    return next(iter(booking.payments_by(request, is_ever=True)), None)


def paid_on(request: SwishRequest) -> date | None:
    """The day that a payment was booked on, or None."""
    first = _first(request)
    return first.value_on if first else None


def _held_refunds(payments: Sequence[Payment]) -> dict[int, Refund]:
    """What goes back of payments, by the payment, for the caller alone."""
    return _refunds(payments, is_held=True)


def _refunds(payments: Sequence[Payment], *, is_held: bool) -> dict[int, Refund]:
    query = (
        select(Refund)
        .where(
            Refund.booked_id.in_(one.id for one in payments),
            Refund.status.not_in((refunds.FAILED, refunds.WITHDRAWN)),
        )
        .order_by(Refund.id)
    )
    if is_held:
        query = query.with_for_update().execution_options(populate_existing=True)
    return {one.booked_id or 0: one for one in db.session.scalars(query)}


def _held(ids: Sequence[int]) -> dict[int, Refund]:
    """Refunds that were sent and have not failed, for the caller alone."""
    found = db.session.scalars(
        select(Refund)
        .where(Refund.id.in_(ids), Refund.status.in_((refunds.RELEASED, refunds.SETTLED)))
        .order_by(Refund.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {one.id: one for one in found}


def find(chargeback_id: int) -> Chargeback | None:
    """What was taken back, or None."""
    return db.session.get(Chargeback, chargeback_id)


def of_request(request_id: str) -> list[Chargeback]:
    """What was taken back of a payment, in order."""
    return list(
        db.session.scalars(
            select(Chargeback).where(Chargeback.request_id == request_id).order_by(Chargeback.id)
        )
    )


def newest(limit: int = 50) -> list[tuple[Chargeback, SwishRequest]]:
    """What was taken back, that which is unclear first, then the newest."""
    rows = db.session.execute(
        select(Chargeback, SwishRequest)
        .join(SwishRequest, SwishRequest.id == Chargeback.request_id)
        .order_by((Chargeback.status == UNCLEAR).desc(), Chargeback.id.desc())
        .limit(limit)
    )
    return [(one, request) for one, request in rows]


def count() -> int:
    """How many a person has to look at."""
    query = select(func.count()).where(Chargeback.status == UNCLEAR)
    return db.session.scalar(query) or 0


def look_up(sought: str, case_ids: Sequence[int], limit: int = 25) -> list[SwishRequest]:
    """Paid requests by their own name, Swish's or the provider's, a receipt's number, or a case."""
    name = "".join(sought.split()).upper()
    by_receipt = select(Payment.channel_reference).where(Payment.receipt_number == name)
    keys = [one.split(":")[1] for one in db.session.scalars(by_receipt) if one.count(":")]
    of_cases = select(SwishPart.request_id).where(SwishPart.case_id.in_(case_ids))
    return list(
        db.session.scalars(
            select(SwishRequest)
            .where(
                SwishRequest.status == "paid",
                or_(
                    SwishRequest.id == name,
                    SwishRequest.payment_reference.in_([name, *keys]),
                    SwishRequest.id.in_(of_cases),
                ),
            )
            .order_by(SwishRequest.ended_at.desc())
            .limit(limit)
        )
    )


def newest_paid(limit: int = 25) -> list[SwishRequest]:
    """The payments that came last."""
    return list(
        db.session.scalars(
            select(SwishRequest)
            .where(SwishRequest.status == "paid")
            .order_by(SwishRequest.ended_at.desc())
            .limit(limit)
        )
    )
