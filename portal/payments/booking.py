"""Payments by Swish from the first click to the books, each booked once.

What Swish sends us is a hint, which may come twice, late or never; what counts is what Swish
answers when we ask (Getswish, Merchant Integration Guide).
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import structlog
from flask import current_app
from sqlalchemy import Sequence as DatabaseSequence
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from portal import clock, ledger
from portal.collection import cases, settling
from portal.collection.models import Case
from portal.extensions import db, settings
from portal.identity.actor import SWISH, Actor
from portal.messages import N_, RedaError
from portal.payments.models import Payment, SwishRequest
from portal.payments.swish import (
    LONGEST_MESSAGE,
    PaymentRequest,
    Status,
    SwishClient,
    SwishRefused,
    new_callback_identifier,
    new_payment_id,
)

log = structlog.get_logger()
_RECEIPTS = DatabaseSequence("receipt_numbers")
# A request lives three minutes at Swish; a second click within two finds the same one.
_REUSED = timedelta(minutes=2)
_LIVES = timedelta(minutes=3)
_PATIENCE = timedelta(seconds=10)
# Swish keeps trying to answer for a day when the payer's bank is silent (DS24).
_ASKED_FOR = timedelta(days=1)
_ENDED = {
    Status.DECLINED: "declined",
    Status.ERROR: "error",
    Status.CANCELLED: "cancelled",
}


class NothingToPay(RedaError):
    """The case is paid already."""

    status = 409


@dataclass(frozen=True)
class Receipt:
    """A payment as its receipt shows it, in öre."""

    payment: Payment
    case: Case


def prepare(case_id: int, *, now: datetime) -> SwishRequest:
    """Write down a request to pay all that is owed on a case today, before Swish hears of it.

    The same amount asked for again within two minutes answers the same request.
    Raises NothingToPay when nothing is owed.
    """
    case = cases.lock(case_id)
    due = cases.amount_due(case, clock.day_of(now))
    if due.total_ore <= 0:
        raise NothingToPay(N_("This case is paid. There is nothing more to pay."))
    going_on = db.session.scalar(
        select(SwishRequest)
        .where(
            SwishRequest.case_id == case_id,
            SwishRequest.status == "created",
            # Without its token, which came in an answer that was lost, nobody can pay it.
            SwishRequest.token.is_not(None),
            SwishRequest.amount_ore == due.total_ore,
            SwishRequest.created_at > now - _REUSED,
        )
        .order_by(SwishRequest.created_at.desc())
        .limit(1)
    )
    if going_on is not None:
        return going_on
    request = SwishRequest(
        id=new_payment_id(),
        creditor_id=case.creditor_id,
        case_id=case.id,
        amount_ore=due.total_ore,
        currency=case.currency,
        status="created",
        callback_identifier=new_callback_identifier(),
        created_at=now,
    )
    db.session.add(request)
    db.session.flush()
    return request


def send(request: SwishRequest, client: SwishClient, *, callback_url: str) -> None:
    """Tell Swish of a prepared request; done already, it is not told again.

    Raises SwishUnavailable or SwishRefused.
    """
    if request.token is not None:
        return
    case = db.session.get_one(Case, request.case_id)
    # Cut, so that the reference still has room.
    creditor = case.creditor.name[: LONGEST_MESSAGE - len(case.reference) - 1]
    created = client.create(
        request.id,
        amount=Decimal(request.amount_ore) / 100,
        reference=case.ocr,
        message=f"{creditor} {case.reference}",
        callback_url=callback_url,
        callback_identifier=request.callback_identifier,
    )
    request.token = created.token


def find(request_id: str) -> SwishRequest | None:
    """A payment request, if it may be seen."""
    return db.session.get(SwishRequest, request_id)


def ask(request_id: str, client: SwishClient, *, now: datetime) -> SwishRequest | None:
    """Ask Swish how a request went, and book it if it is paid. Safe to repeat and to race.

    Answers None when we have no such request. Raises SwishUnavailable.
    """
    if find(request_id) is None:
        return None
    try:
        answer = client.fetch(request_id)
    except SwishRefused as refused:
        if "404" not in refused.codes:
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
    """Whether Swish's callback is late enough to ask for, and was not asked for just now."""
    return max(request.created_at, request.asked_at or request.created_at) < now - _PATIENCE


def _lock(request_id: str) -> SwishRequest:
    return db.session.scalars(
        select(SwishRequest)
        .where(SwishRequest.id == request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _never_heard_of(request_id: str, now: datetime) -> SwishRequest:
    request = _lock(request_id)
    # The call that tells Swish may be under way this very moment.
    if request.status == "created" and now - request.created_at > _LIVES:
        request.status, request.ended_at = "error", now
    return request


def _book(request: SwishRequest, answer: PaymentRequest, now: datetime) -> None:
    amount_ore = int(answer.amount * 100)
    is_as_asked = (amount_ore, answer.currency) == (request.amount_ore, request.currency)
    if not is_as_asked:
        # It is Swish's own answer over mutual TLS: the money came, so it is booked as it came.
        log.warning("swish.amount_differs", request=request.id, asked=request.amount_ore,
                    paid=amount_ore)  # fmt: skip
    # What was asked for is all that was owed that day: a midnight in between adds no interest.
    value_on = clock.day_of(request.created_at if is_as_asked else answer.date_paid or now)
    reference = answer.payment_reference or request.id
    request.status, request.ended_at = "paid", now
    request.payment_reference = reference
    receive(
        request.case_id, amount_ore=amount_ore, currency=answer.currency, key=f"swish:{reference}",
        channel="swish", value_on=value_on, payer=answer.payer_alias, actor=SWISH, now=now,
    )  # fmt: skip


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
) -> bool:
    """Book money that has come for a case, and give it a receipt; False when it was booked before.

    amount_ore: öre, above zero. key: the channel's own name of the payment. channel: `swish` or
    `bankgiro`. value_on: the day it counts from. payer: as the channel tells, for a refund.
    """
    case = cases.lock(case_id)
    settled = settling.settle_payment(
        case, amount_ore=amount_ore, key=key, channel=channel, value_on=value_on, actor=actor,
        now=now,
    )  # fmt: skip
    if settled is None:
        return False
    db.session.execute(
        insert(Payment).values(
            creditor_id=case.creditor_id,
            case_id=case.id,
            channel=channel,
            channel_reference=key,
            amount_ore=amount_ore,
            currency=currency,
            value_on=value_on,
            received_at=now,
            payer=payer,
            fees_ore=settled.parts.fees_ore,
            interest_ore=settled.parts.interest_ore,
            principal_ore=settled.parts.principal_ore,
            overpaid_ore=settled.parts.overpaid_ore,
            receipt_number=f"{value_on:%Y}-{db.session.scalar(_RECEIPTS):07d}",
        )
    )
    db.session.flush()
    return True


def stop(request_id: str, client: SwishClient, *, now: datetime) -> None:
    """Withdraw a request at Swish; one that is approved already is booked instead.

    Raises SwishUnavailable.
    """
    try:
        client.cancel(request_id)
    except SwishRefused as refused:
        if not {"RP07", "RP08", "404"} & set(refused.codes):
            raise
    ask(request_id, client, now=now)


def in_doubt(case_id: int) -> SwishRequest | None:
    """A request on a case of which nobody knows whether it was paid, if there is one."""
    return db.session.scalar(
        select(SwishRequest)
        .where(
            SwishRequest.case_id == case_id,
            SwishRequest.status == "created",
            SwishRequest.error_code.is_not(None),
        )
        .order_by(SwishRequest.created_at.desc())
        .limit(1)
    )


def unanswered(now: datetime, limit: int = 200) -> list[str]:
    """Requests that Swish has told nothing about although it should have by now."""
    return list(
        db.session.scalars(
            select(SwishRequest.id)
            .where(SwishRequest.status == "created", SwishRequest.created_at < now - _LIVES)
            .order_by(SwishRequest.created_at)
            .limit(limit)
        )
    )


def payments_of(case_id: int) -> list[Payment]:
    """The payments on a case, newest first."""
    return list(
        db.session.scalars(
            select(Payment).where(Payment.case_id == case_id).order_by(Payment.id.desc())
        )
    )


def receipt(receipt_number: str) -> Receipt | None:
    """A payment by the number of its receipt, if it may be seen."""
    payment = db.session.scalar(select(Payment).where(Payment.receipt_number == receipt_number))
    case = cases.get(payment.case_id) if payment else None
    return Receipt(payment, case) if payment and case else None


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
        "channel_reference": payment.channel_reference.partition(":")[2],
        "amount_ore": payment.amount_ore,
        "currency": payment.currency,
        "parts": [{"kind": kind, "ore": ore} for kind, ore in parts if ore],
        "left_ore": left.total_ore,
    }


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


@dataclass(frozen=True)
class Unbooked:
    """A case whose payments and books differ, in öre."""

    case_id: int
    payments_ore: int
    booked_ore: int


def differences(limit: int = 100) -> list[Unbooked]:
    """Cases for which other money was received than was booked; there are none."""
    totals = ledger.case_totals_sql()
    paid = (
        select(Payment.case_id, func.sum(Payment.amount_ore).label("ore"))
        .group_by(Payment.case_id)
        .subquery()
    )
    rows = db.session.execute(
        select(totals.c.case_id, func.coalesce(paid.c.ore, 0), totals.c.received_ore)
        .outerjoin(paid, paid.c.case_id == totals.c.case_id)
        .where(func.coalesce(paid.c.ore, 0) != totals.c.received_ore)
        .order_by(totals.c.case_id)
        .limit(limit)
    )
    return [Unbooked(case_id, int(ore), int(booked)) for case_id, ore, booked in rows]
