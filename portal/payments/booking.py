"""Payments at once, by Swish, card or account, from the first click to the books, each booked once.

What Swish or the payment provider sends us is a hint, which may come twice, late or never; what
counts is what they answer when we ask (Getswish, Merchant Integration Guide).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from textwrap import shorten

import structlog
from flask import current_app
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy import Sequence as DatabaseSequence
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import joinedload

from portal import clock, ledger
from portal.collection import cases, reaching, receiving, settling, states
from portal.collection.models import Case, Debtor
from portal.collection.reaching import Telling
from portal.collection.receiving import Received
from portal.collection.settling import Settled
from portal.database import tenancy
from portal.extensions import db, settings
from portal.identity.actor import PROVIDER, SWISH, Actor
from portal.messages import N_, Problem, RedaError
from portal.payments import offers, refunds, ways
from portal.payments.models import Payment, SwishPart, SwishRequest
from portal.payments.online import OnlineClient, OnlineUnavailable
from portal.payments.swish import (
    LONGEST_MESSAGE,
    SwishClient,
    SwishUnavailable,
    new_callback_identifier,
    new_payment_id,
)
from portal.payments.ways import Asked, PaymentRequest, Refused, Status

log = structlog.get_logger()
_TAKEN_BACK = "taken back:" + Payment.channel_reference
_IS_TAKEN_BACK = ledger.is_posted_sql(_TAKEN_BACK)
_RECEIPTS = DatabaseSequence("receipt_numbers")
# A request lives three minutes at Swish; a second click within two finds the same one.
_REUSED = timedelta(minutes=2)
_LIVES = timedelta(minutes=3)
_PATIENCE = timedelta(seconds=10)
# How often somebody else's press may come in between.
_TRIES = 3
# Swish keeps trying to answer for a day when the payer's bank is silent (DS24).
_ASKED_FOR = timedelta(days=1)
_ENDED = {
    Status.DECLINED: "declined",
    Status.ERROR: "error",
    Status.CANCELLED: "cancelled",
}


class NothingToPay(RedaError):
    """The case is paid already, or is asked for no more."""

    status = 409

    def __init__(self, case: Case) -> None:
        is_paid = case.status == states.PAID
        paid = N_("This case is paid. There is nothing more to pay.")
        super().__init__(paid if is_paid else N_("There is nothing to pay to us"))


class StillGoingOn(Exception):
    """Another request for the case waits for its payer, or nobody knows how it ended."""

    def __init__(self, request_id: str) -> None:
        super().__init__(request_id)
        self.request_id = request_id


@dataclass(frozen=True)
class How:
    """By which of `ways.WAYS` somebody pays, and the addresses that go with it.

    return_url: of a request's id, where its payer comes back to from another page. language: the
    payer's.
    """

    callback_url: str
    way: str = ways.SWISH
    return_url: Callable[[str], str] | None = None
    language: str = "sv"


@dataclass(frozen=True)
class Receipt:
    """A payment as its receipt shows it, in öre."""

    payment: Payment
    case: Case


def begin(
    asked: Mapping[int, int | None], how: How, *, now: datetime, between: Callable[[], None]
) -> SwishRequest:
    """Ask for a payment, such that none of the cases can be paid by two requests.

    asked: as `prepare` takes it. between: commits; what is asked for is kept before.
    Another request that waits for one of the cases, by whatever way, is withdrawn first. When that
    one turns out to be paid, or nobody knows whether it is, it is the one that is answered, and
    none is made.
    Raises what `prepare` raises, ways.Unavailable or ways.Refused.
    """
    for _ in range(_TRIES):
        try:
            request = prepare(asked, how.way, now=now)
        except StillGoingOn as earlier:
            # Lets go of the cases: whoever books the earlier request holds it before them.
            between()
            with tenancy.service():
                stop(earlier.request_id, now=now)
                between()
            found = find(earlier.request_id)
            if found is not None and found.status in ("created", "paid"):
                return found
            continue
        between()
        is_asked = send(request, how, now=now)
        between()
        if is_asked:
            return request
    raise SwishUnavailable if how.way == ways.SWISH else OnlineUnavailable


def prepare(
    asked: Mapping[int, int | None], way: str = ways.SWISH, *, now: datetime
) -> SwishRequest:
    """Write down a request to pay on some cases, before anybody else hears of it.

    asked: for each case, by id, how much in öre; None for all that is owed today.
    The same asked for again by the same way within two minutes answers the same request.
    Raises NothingToPay, offers.WrongAmount, or StillGoingOn when another request waits.
    """
    # In one order, so that two payers of the same cases do not wait for each other.
    parts = {case_id: _payable(case_id, asked[case_id], now) for case_id in sorted(asked)}
    for earlier in _going_on(parts):
        if earlier.way == way and _is_same(earlier, parts, now):
            return earlier
        raise StillGoingOn(earlier.id)
    request = SwishRequest(
        id=new_payment_id(),
        way=way,
        amount_ore=sum(parts.values()),
        currency="SEK",
        status="created",
        callback_identifier=new_callback_identifier(),
        created_at=now,
    )
    db.session.add(request)
    db.session.flush()
    for case_id, ore in parts.items():
        creditor_id = db.session.get_one(Case, case_id).creditor_id
        db.session.add(
            SwishPart(
                request_id=request.id, case_id=case_id, creditor_id=creditor_id, amount_ore=ore
            )
        )
    db.session.flush()
    return request


def _payable(case_id: int, asked_ore: int | None, now: datetime) -> int:
    case = cases.lock(case_id)
    due = cases.amount_due(case, clock.day_of(now))
    if due.total_ore <= 0:
        raise NothingToPay(case)
    return due.total_ore if asked_ore is None else offers.part_of(due, asked_ore)


def _going_on(case_ids: Iterable[int]) -> list[SwishRequest]:
    """The requests for some of these cases of which nobody knows yet how they end."""
    theirs = select(SwishPart.request_id).where(SwishPart.case_id.in_(list(case_ids)))
    return list(
        db.session.scalars(
            select(SwishRequest)
            .where(SwishRequest.id.in_(theirs), SwishRequest.status == "created")
            .order_by(SwishRequest.created_at)
        )
    )


def _is_same(request: SwishRequest, parts: Mapping[int, int], now: datetime) -> bool:
    asked = {one.case_id: one.amount_ore for one in parts_of(request.id)}
    return (
        request.error_code is None
        and request.created_at > now - _REUSED
        and asked == parts
        # Of a payment for cases that are not seen here, only a part is.
        and request.amount_ore == sum(parts.values())
    )


def send(request: SwishRequest, how: How, *, now: datetime) -> bool:
    """Ask for what a prepared request says; done already, it is not asked again.

    Answers False when it can never be paid: it was stopped meanwhile, or its token was in an answer
    that got lost. Raises ways.Unavailable or ways.Refused.
    """
    # Whoever presses twice waits here for the first press.
    request = _lock(request.id)
    if request.status != "created" or request.token is not None:
        return request.status == "created"
    paid = [db.session.get_one(Case, one.case_id) for one in parts_of(request.id)]
    asked = Asked(
        id=request.id,
        way=request.way,
        amount=Decimal(request.amount_ore) / 100,
        reference=paid[0].ocr if len(paid) == 1 else request.id,
        message=message_of(paid),
        callback_url=how.callback_url,
        callback_identifier=request.callback_identifier,
        return_url=how.return_url(request.id) if how.return_url else "",
        language=how.language,
    )
    try:
        created = client_of(request.way).ask_for(asked)
    except Refused as refused:
        if ways.TAKEN not in refused.codes:
            raise
        stop(request.id, now=now)
        return False
    request.token = created.token
    return True


def message_of(paid: Sequence[Case]) -> str:
    """What a payer reads of what a payment is for, or a refund comes of."""
    if len(paid) == 1:
        # Cut, so that the reference still has room.
        creditor = paid[0].creditor.name[: LONGEST_MESSAGE - len(paid[0].reference) - 1]
        return f"{creditor} {paid[0].reference}"
    return shorten(" ".join(one.reference for one in paid), LONGEST_MESSAGE, placeholder=" ...")


def find(request_id: str) -> SwishRequest | None:
    """A payment request, if it may be seen."""
    return db.session.get(SwishRequest, request_id)


def parts_of(request_id: str) -> list[SwishPart]:
    """What of a request is which case's, of those cases that may be seen."""
    return list(
        db.session.scalars(
            select(SwishPart).where(SwishPart.request_id == request_id).order_by(SwishPart.case_id)
        )
    )


def ask(request_id: str, *, now: datetime) -> SwishRequest | None:
    """Ask how a request went, and book it if it is paid. Safe to repeat and to race.

    Answers None when we have no such request. Raises ways.Unavailable or ways.Refused.
    """
    found = find(request_id)
    if found is None:
        return None
    try:
        answer = client_of(found.way).fetch(request_id)
    except Refused as refused:
        if ways.UNKNOWN not in refused.codes:
            raise
        return _never_heard_of(request_id, now)
    request = _lock(request_id)
    if request.status == "paid":
        return request
    request.asked_at = now
    if answer.status is Status.PAID:
        _book(request, answer, now)
    elif answer.is_final:
        request.error_code = answer.error_code
        if not answer.is_outcome_unknown or now - request.created_at > _ASKED_FOR:
            request.status, request.ended_at = _ENDED[answer.status], now
    return request


def is_silent(request: SwishRequest, now: datetime) -> bool:
    """Whether a request's callback is late enough to ask for, and was not asked for just now."""
    return max(request.created_at, request.asked_at or request.created_at) < now - _PATIENCE


def is_too_much(request: SwishRequest, today: date) -> bool:
    """Whether a request waits for more than is owed by now, since money came in another way."""
    if request.status != "created" or request.error_code is not None:
        return False
    return any(
        cases.amount_due(db.session.get_one(Case, part.case_id), today).total_ore < part.amount_ore
        for part in parts_of(request.id)
    )


def _lock(request_id: str) -> SwishRequest:
    return db.session.scalars(
        select(SwishRequest)
        .where(SwishRequest.id == request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _never_heard_of(request_id: str, now: datetime) -> SwishRequest:
    request = _lock(request_id)
    # The call that asks for it may be under way this very moment.
    if request.status == "created" and now - request.created_at > _LIVES:
        request.status, request.ended_at = "error", now
    return request


def _book(request: SwishRequest, answer: PaymentRequest, now: datetime) -> None:
    amount_ore = int(answer.amount * 100)
    is_as_asked = (amount_ore, answer.currency) == (request.amount_ore, request.currency)
    if not is_as_asked:
        # It is the answer to our own question: the money came, so it is booked as it came.
        log.warning("payment.amount_differs", way=request.way, request=request.id,
                    asked=request.amount_ore, paid=amount_ore)  # fmt: skip
    # What was asked for is all that was owed that day: a midnight in between adds no interest.
    value_on = clock.day_of(request.created_at if is_as_asked else answer.date_paid or now)
    reference = answer.payment_reference or request.id
    request.status, request.ended_at = "paid", now
    request.payment_reference = reference
    key, parts = f"{request.way}:{reference}", parts_of(request.id)
    shares = divided([one.amount_ore for one in parts], amount_ore)
    for place, (part, share) in enumerate(zip(parts, shares, strict=True), 1):
        if share:
            receive(
                part.case_id, amount_ore=share, currency=answer.currency,
                key=key if len(parts) == 1 else f"{key}:{place}", channel=request.way,
                value_on=value_on, payer=answer.payer_alias,
                actor=SWISH if request.way == ways.SWISH else PROVIDER, now=now,
                together=key if len(parts) > 1 else None,
            )  # fmt: skip


def divided(asked_ore: Sequence[int], paid_ore: int) -> list[int]:
    """A payment over the parts that it was asked for, in öre: exactly so when it is as asked.

    Less than asked for pays the first parts; what is more goes to the first, for refund.
    """
    left, shares = paid_ore, []
    for asked in asked_ore:
        shares.append(min(asked, left))
        left -= shares[-1]
    shares[0] += left
    return shares


def receive(
    case_id: int,
    *,
    amount_ore: int,
    currency: str,
    key: str,
    channel: str,
    value_on: date,
    payer: str | None,
    actor: Actor,
    now: datetime,
    together: str | None = None,
    again_on: date | None = None,
    is_over: bool = False,
) -> bool:
    """Book money that has come for a case, give it a receipt and tell the debtor.

    Answers False when it was booked before.

    amount_ore: öre, above zero. key: the channel's own name of the payment. channel: one of
    `ways.WAYS`, or `bankgiro`. value_on: the day it counts from. payer: as the channel tells, for a
    refund. together: the name of a payment for several cases, of which this is a part. again_on,
    is_over: as of `settling.settle_payment`; what has gone back already, nobody is told of.
    """
    case = cases.lock(case_id)
    settled = settling.settle_payment(
        case, amount_ore=amount_ore, key=key, channel=channel, value_on=value_on, actor=actor,
        now=now, again_on=again_on, is_over=is_over,
    )  # fmt: skip
    if settled is None:
        return False
    came = Received(case.id, amount_ore, key, channel, value_on, currency, payer)
    _give_receipts(
        [(came, settled)], {case.id: case}, now=now, together=together, is_told=not is_over,
        goes_back=not is_over,
    )  # fmt: skip
    return True


def take_back(
    key: str, *, by_bank: bool, on: date, actor: Actor, now: datetime,
    stays: Sequence[settling.Stays] = (),
) -> Payment | None:  # fmt: skip
    """Book a payment back, as `settling.take_back`; its receipt stays, and says what it said.

    key: as `receive` took it. stays: of it; each has a receipt of its own, and nobody is told.
    Answers None when it did not come, or is taken back already.
    """
    payment = db.session.scalar(select(Payment).where(Payment.channel_reference == key))
    if payment is None:
        return None
    case = cases.lock(payment.case_id)
    settled = settling.take_back(
        case, amount_ore=payment.amount_ore, key=key, value_on=payment.value_on, by_bank=by_bank,
        on=on, actor=actor, now=now, stays=stays,
    )  # fmt: skip
    if settled is None:
        return None
    for one, covered in zip(stays, settled, strict=True):
        came = Received(
            case.id, one.amount_ore, one.key, one.channel, payment.value_on, payment.currency,
            payment.payer,
        )  # fmt: skip
        _give_receipts(
            [(came, covered)], {case.id: case}, now=now, is_told=False, goes_back=not one.is_over
        )
    return payment


def receive_many(
    received: Sequence[Received], *, actor: Actor, now: datetime
) -> dict[str, Settled | Problem]:
    """As `receive`, money that has come for many cases, with a few statements for thousands.

    Answers by key what those not booked before covered, or why the law's rules cannot settle one;
    see `receiving.settle_many`, which settles them.
    """
    done = receiving.settle_many(received, actor=actor, now=now)
    firsts: dict[str, Received] = {}
    for one in received:
        firsts.setdefault(one.key, one)
    settled = [
        (one, covered)
        for one in firsts.values()
        if isinstance(covered := done.get(one.key), Settled)
    ]
    for first in range(0, len(settled), receiving.MOST_AT_ONCE):
        some = settled[first : first + receiving.MOST_AT_ONCE]
        ids = {one.case_id for one, _ in some}
        found = db.session.scalars(
            select(Case)
            .where(Case.id.in_(ids))
            .options(joinedload(Case.debtor).joinedload(Debtor.told), joinedload(Case.creditor))
        )
        _give_receipts(some, {case.id: case for case in found}, now=now)
    return done


def _give_receipts(
    settled: Sequence[tuple[Received, Settled]],
    paid: Mapping[int, Case],
    *,
    now: datetime,
    together: str | None = None,
    is_told: bool = True,
    goes_back: bool = True,
) -> None:
    """Give payments that are settled their receipts, and tell the debtors of them.

    paid: their cases, by id. together: as of `receive`. is_told: whether debtors are told.
    goes_back: whether what is too much goes back; else it has already.
    """
    numbers = db.session.scalars(
        select(_RECEIPTS.next_value()).select_from(func.generate_series(1, len(settled)))
    ).all()
    rows = [
        {
            "creditor_id": paid[one.case_id].creditor_id,
            "case_id": one.case_id,
            "channel": one.channel,
            "channel_reference": one.key,
            "amount_ore": one.amount_ore,
            "currency": one.currency,
            "value_on": one.value_on,
            "received_at": now,
            "payer": one.payer,
            "fees_ore": covered.parts.fees_ore,
            "interest_ore": covered.parts.interest_ore,
            "principal_ore": covered.parts.principal_ore,
            "overpaid_ore": covered.parts.overpaid_ore,
            "receipt_number": f"{one.value_on:%Y}-{number:07d}",
        }
        for (one, covered), number in zip(settled, numbers, strict=True)
    ]
    db.session.execute(insert(Payment), rows)
    if goes_back:
        refunds.owe([one.key for one, covered in settled if covered.parts.overpaid_ore], now=now)
    if not is_told:
        return
    reaching.tell_many(
        [
            Telling(
                paid[one.case_id],
                "payment",
                {
                    "channel": one.channel, "amount_ore": one.amount_ore,
                    "currency": one.currency, "paid_on": one.value_on.isoformat(),
                    "receipt_number": row["receipt_number"], "left_ore": covered.left_ore,
                    "creditor": paid[one.case_id].creditor.name,
                    "reference": paid[one.case_id].reference,
                },
                f"payment:{one.key}",
                is_of_sums=True,
                text_key=f"payment:{together}" if together else None,
            )
            for (one, covered), row in zip(settled, rows, strict=True)
        ],
        now=now,
    )  # fmt: skip


def stop(request_id: str, *, now: datetime) -> None:
    """Withdraw a request; one that is approved already is booked instead.

    Raises ways.Unavailable or ways.Refused.
    """
    # Whoever is just asking for it does so first.
    request = _lock(request_id)
    if request.status != "created":
        return
    try:
        client_of(request.way).cancel(request_id)
    except Refused as refused:
        if ways.UNKNOWN in refused.codes:
            # Nobody heard of it, and whoever was about to tell finds it ended.
            request.status, request.ended_at = "cancelled", now
            return
        if not {ways.TOO_LATE, ways.ENDED} & set(refused.codes):
            raise
    ask(request_id, now=now)


def in_doubt(case_id: int) -> SwishRequest | None:
    """A request on a case of which nobody knows whether it was paid, if there is one."""
    found = [one for one in _going_on([case_id]) if one.error_code is not None]
    return found[-1] if found else None


def is_in_doubt_sql(case_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether `in_doubt` finds a request."""
    return (
        select(SwishPart.request_id)
        .join(SwishRequest, SwishRequest.id == SwishPart.request_id)
        .where(
            SwishPart.case_id == case_id,
            SwishRequest.status == "created",
            SwishRequest.error_code.is_not(None),
        )
        .exists()
    )


def unanswered(now: datetime, limit: int = 200) -> list[str]:
    """Requests that nobody has told anything about although they should have by now."""
    return list(
        db.session.scalars(
            select(SwishRequest.id)
            .where(SwishRequest.status == "created", SwishRequest.created_at < now - _LIVES)
            .order_by(SwishRequest.created_at)
            .limit(limit)
        )
    )


def payments_of(case_id: int) -> list[Payment]:
    """The payments on a case that were not taken back, newest first."""
    return list(
        db.session.scalars(
            select(Payment)
            .where(Payment.case_id == case_id, ~_IS_TAKEN_BACK)
            .order_by(Payment.id.desc())
        )
    )


def is_paid_on_sql(case_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether there is a payment on a case."""
    return select(Payment.id).where(Payment.case_id == case_id).exists()


def payments_by(request: SwishRequest, *, is_ever: bool = False) -> list[Payment]:
    """What a request has paid, on the cases that may be seen.

    is_ever: what was taken back too.
    """
    if request.payment_reference is None:
        return []
    key = f"{request.way}:{request.payment_reference}"
    query = select(Payment).where(
        Payment.case_id.in_(one.case_id for one in parts_of(request.id)),
        or_(
            Payment.channel_reference == key,
            Payment.channel_reference.startswith(f"{key}:", autoescape=True),
        ),
    )
    if not is_ever:
        query = query.where(~_IS_TAKEN_BACK)
    return list(db.session.scalars(query.order_by(Payment.id)))


def payment(payment_id: int) -> Payment | None:
    """A payment that is booked, if it may be seen."""
    return db.session.get(Payment, payment_id)


def receipt(receipt_number: str) -> Receipt | None:
    """A payment by the number of its receipt, if it may be seen."""
    payment = db.session.scalar(select(Payment).where(Payment.receipt_number == receipt_number))
    case = cases.get(payment.case_id) if payment else None
    return Receipt(payment, case) if payment and case else None


def covers(payment: Payment) -> Mapping[ledger.Account, int]:
    """What a payment covers as it is counted now, as `ledger.covers`; its receipt never changes."""
    return ledger.covers(payment.case_id, f"payment:{payment.channel_reference}")


def receipt_content(found: Receipt) -> dict[str, object]:
    """What a receipt says, as JSON values: sums in öre."""
    payment, case = found.payment, found.case
    parts = (
        ("principal", payment.principal_ore),
        ("interest", payment.interest_ore),
        ("reminder_fee", payment.fees_ore),
        ("overpaid", payment.overpaid_ore),
    )
    # What came later is on receipts of its own, and this one never changes.
    left = ledger.balance_after(f"payment:{payment.channel_reference}")
    return {
        "receipt_number": payment.receipt_number,
        "creditor": case.creditor.name,
        "debtor_name": case.debtor.name,
        "reference": case.reference,
        "invoice_number": case.invoice.number,
        "paid_on": payment.value_on.isoformat(),
        "channel": payment.channel,
        "channel_reference": _told_reference(payment),
        "amount_ore": payment.amount_ore,
        "currency": payment.currency,
        "parts": [{"kind": kind, "ore": ore} for kind, ore in parts if ore],
        "left_ore": left.total_ore,
    }


def _told_reference(payment: Payment) -> str:
    """How its channel names the payment, which may have paid other cases too."""
    channel, _, reference = payment.channel_reference.partition(":")
    return reference.partition(":")[0] if channel in ways.WAYS else reference


def client() -> SwishClient:
    """The process's connection to Swish, with the certificates of the settings."""
    found = current_app.extensions.get("reda_swish")
    if found is None:
        ours = settings()
        found = SwishClient(
            ours.swish_address,
            ours.swish_payee_alias,
            ours.certificate("swish_certificate"),
            ours.certificate("swish_key"),
            ours.certificate("swish_ca"),
            app_url=ours.swish_app_url,
        )
        current_app.extensions["reda_swish"] = found
    answer: SwishClient = found
    return answer


def is_online_offered() -> bool:
    """Whether there is a payment provider, so that card and account can be chosen."""
    return bool(settings().online_address)


def client_of(way: str) -> ways.Client:
    """The process's connection to whoever takes payments by a way. Raises ways.Unavailable."""
    return client() if way == ways.SWISH else online_client()


def online_client() -> OnlineClient:
    """The process's connection to the payment provider. Raises ways.Unavailable when none is."""
    found = current_app.extensions.get("reda_online")
    if found is None:
        if not is_online_offered():
            raise OnlineUnavailable
        found = OnlineClient(settings().online_address, settings().online_key)
        current_app.extensions["reda_online"] = found
    answer: OnlineClient = found
    return answer


@dataclass(frozen=True)
class Unbooked:
    """A case whose payments and books differ, in öre."""

    case_id: int
    payments_ore: int
    booked_ore: int


def differences(limit: int = 100, among: Collection[int] | None = None) -> list[Unbooked]:
    """Cases whose payments, less what was paid back, are not what is booked; there are none.

    among: ids of the cases looked at; default all.
    """
    totals = ledger.case_totals_sql(among=among)
    some = [] if among is None else [Payment.case_id == func.any(list(among))]
    is_taken_back = ledger.is_posted_sql(_TAKEN_BACK, of_few=among is not None)
    paid = (
        select(Payment.case_id, func.sum(Payment.amount_ore).label("ore"))
        .where(~is_taken_back, *some)
        .group_by(Payment.case_id)
        .subquery()
    )
    back = refunds.paid_back_sql(among)
    stays = func.coalesce(paid.c.ore, 0) - func.coalesce(back.c.ore, 0)
    rows = db.session.execute(
        select(totals.c.case_id, stays, totals.c.received_ore)
        .outerjoin(paid, paid.c.case_id == totals.c.case_id)
        .outerjoin(back, back.c.case_id == totals.c.case_id)
        .where(stays != totals.c.received_ore)
        .order_by(totals.c.case_id)
        .limit(limit)
    )
    return [Unbooked(case_id, int(ore), int(booked)) for case_id, ore, booked in rows]
