"""Paying: how much and by which way; at once, from the start to the receipt; or by a transfer."""

from collections.abc import Collection
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any

from flask import Response, flash, url_for
from flask_babel import gettext
from htmx_flask import request as asking
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import cases, coming, disputes, plans
from portal.collection.coming import Step
from portal.collection.models import Case
from portal.database import tenancy
from portal.debtor import access
from portal.debtor.forms_pay import ALL, BANK, PART, PayForm, TransferForm
from portal.debtor.limits import visitor
from portal.debtor.views import debtor
from portal.debtor.views_news import news_of
from portal.extensions import db, limiter, settings
from portal.messages import N_, RedaError
from portal.payments import booking, offers, qr, ways
from portal.payments.accounts import Bankgiro
from portal.payments.models import SwishPart, SwishRequest
from portal.payments.swish import explain
from portal.web import languages
from portal.web.formats import plain_kronor
from portal.web.forms import text
from portal.web.rendering import go, is_seen, last_question, nothing_new, render


@debtor.get("/case/<reference>/pay")
def choose_payment() -> Response:
    """How much to pay, and by which way."""
    case = access.current_case()
    form = PayForm(formdata=None, is_online_offered=booking.is_online_offered())
    if proposed_ore := _coming_ore(case) or _undisputed_ore(case):
        form.how_much.data, form.amount.data = PART, proposed_ore
    return _choice(case, form)


def _coming_ore(case: Case) -> int | None:
    """What is left of the next part of the case's plan, if it has one."""
    plan = plans.running(case.id)
    left = [one for one in plans.progress(plan) if not one.is_paid] if plan else []
    return left[0].asked_ore(cases.amount_due(case, clock.today()).total_ore) if left else None


def _undisputed_ore(case: Case) -> int:
    """What is not objected to, while an objection to a part waits for its answer; else 0."""
    dispute = disputes.current(case.id)
    if dispute is None:
        return 0
    return disputes.undisputed_ore(dispute, cases.amount_due(case, clock.today()))


def _choice(case: Case, form: PayForm, *, status: int = 200) -> Response:
    return render(
        "debtor/choose_payment.html",
        status=status,
        case=case,
        # What somebody is writing is not taken from them.
        news=news_of(case.id, is_renewed=False),
        form=form,
        due=cases.amount_due(case, clock.today()),
        payments=booking.payments_of(case.id),
        doubtful=(doubtful := booking.in_doubt(case.id)),
        doubt=explain(doubtful.error_code) if doubtful and doubtful.error_code else None,
    )


@debtor.post("/case/<reference>/pay")
@limiter.limit("10 per minute", key_func=visitor)
def start_payment() -> Response:
    """Go the way that was chosen: a payment at once is asked for."""
    case = access.current_case()
    form = PayForm(is_online_offered=booking.is_online_offered())
    if not form.validate():
        return _choice(case, form, status=422)
    try:
        amount_ore = _amount(case, form)
        if form.way.data == BANK:
            part = None if amount_ore is None else plain_kronor(amount_ore)
            return go(url_for("debtor.show_transfer", amount=part))
        request = ask_for({case.id: amount_ore}, form.way.data)
    except offers.WrongAmount as error:
        db.session.rollback()
        form.take(error)
        return _choice(case, form, status=error.status)
    except RedaError as error:
        db.session.rollback()
        flash(text(error), "warn")
        return go(url_for("debtor.show_case"))
    return go(url_for("debtor.show_payment", request_id=request.id))


def _amount(case: Case, form: PayForm) -> int | None:
    if form.how_much.data == ALL:
        if form.amount.data in (None, _coming_ore(case)):
            return None
        raise offers.WrongAmount(N_("You wrote an amount: choose “A part”, or empty this field."))
    return offers.part_of(cases.amount_due(case, clock.today()), form.amount.data)


def ask_for(asked: dict[int, int | None], way: str = ways.SWISH) -> SwishRequest:
    """Ask for what somebody wants to pay on their cases, as `booking.begin` takes it.

    Another way than Swish leads back to the page of the one case or of them all.
    """
    base = settings().base_url
    if way == ways.SWISH:
        how = booking.How(base + url_for("api.swish_callback"))
    else:
        how = booking.How(
            base + url_for("api.online_callback"),
            way,
            lambda request_id: base + address_of(request_id, asked, returned=1),
            languages.current().code,
        )
    return booking.begin(asked, how, now=clock.now(), between=db.session.commit)


def address_of(request_id: str, case_ids: Collection[int], **values: Any) -> str:
    """The page of a payment for some cases."""
    if len(case_ids) > 1:
        return url_for("debtor.show_joint_payment", request_id=request_id, **values)
    (case,) = cases.of_ids(list(case_ids))
    return url_for("debtor.show_payment", reference=case.reference, request_id=request_id, **values)


@debtor.get("/case/<reference>/pay/bank")
def show_transfer() -> Response:
    """What to write in one's bank, for a day of one's choice."""
    case, today = access.current_case(), clock.today()
    form = TransferForm(asking.args)
    form.validate()
    if form.amount.errors:
        return go(url_for("debtor.choose_payment"))
    part_ore = form.amount.data

    def paid_on(day: date) -> offers.Transfer:
        return offers.by_bank(case, ordered_on=day, amount_ore=part_ore, today=today)

    try:
        transfer = paid_on(form.on.data or today)
    except offers.WrongDay as error:
        form.take(error)
        transfer = paid_on(today)
    except offers.WrongAmount as error:
        flash(text(error), "warn")
        return go(url_for("debtor.choose_payment"))
    if not transfer.amount_ore:
        return go(url_for("debtor.choose_payment"))
    if not form.on.raw_data:
        form.on.data = today
    return render(
        "debtor/transfer.html",
        status=422 if form.errors else 200,
        case=case,
        news=news_of(case.id, is_renewed=True),
        form=form,
        part_ore=part_ore,
        transfer=transfer,
        before=before(case, transfer, today),
        today=today,
        latest_on=today + offers.MOST_AHEAD,
        qr_svg=transfer_code(case, transfer, today),
    )


def before(case: Case, transfer: offers.Transfer, today: date) -> Step | None:
    """What is done to a case first of all that may add to the debt before a transfer has come."""
    principal_ore = cases.amount_due(case, today).principal_ore
    steps = coming.of_case(case, principal_ore, today).steps
    return next((one for one in steps if one.cost_ore and one.on <= transfer.arrives_on), None)


def transfer_code(case: Case, transfer: offers.Transfer, today: date) -> str:
    """The QR code of a transfer, as SVG, for the apps of banks."""
    ours = settings()
    payload = qr.invoice_payload(
        payee_name=ours.service_name,
        organisation_number=ours.service_organisation_number,
        reference=case.ocr,
        invoiced_on=today,
        due_on=transfer.ordered_on,
        amount=Decimal(transfer.amount_ore) / 100,
        account=Bankgiro.parse(ours.service_bankgiro),
    )
    return qr.svg(payload, title=gettext("Bank transfer"))


@debtor.get("/case/<reference>/pay/<request_id>")
def show_payment(request_id: str) -> Response:
    """The payment as it stands; asks how it went, should the callback have been lost."""
    request, parts = _request(request_id)
    if len(parts) > 1:
        return go(url_for("debtor.show_joint_payment", request_id=request_id))
    request = as_it_stands(request, is_back="returned" in asking.args)
    if request.status == "paid":
        return last_question("payment") or _to_receipt(request)
    case, part_ore = access.current_case(), parts[0].amount_ore
    if case.closed_on is not None and request.error_code != ways.OUTCOME_UNKNOWN:
        return last_question("payment") or _to_paid(case)
    due = cases.amount_due(case, clock.day_of(request.created_at))
    return payment_page(
        request,
        is_whole=part_ore == request.amount_ore,
        amount_ore=part_ore,
        paid=[(case, part_ore)],
        left_ore=offers.left_after(case, due, part_ore),
        urls={
            "show": url_for("debtor.show_payment", request_id=request.id),
            "stop": url_for("debtor.stop_payment", request_id=request.id),
            "again": url_for("debtor.start_payment"),
            "back": url_for("debtor.show_case"),
        },
        again=[
            ("way", request.way),
            ("how_much", ALL if part_ore == due.total_ore else PART),
            ("amount", "" if part_ore == due.total_ore else plain_kronor(part_ore)),
        ],
    )


def _to_paid(case: Case) -> Response:
    if cases.amount_due(case, clock.today()).total_ore <= 0:
        flash(text(booking.NothingToPay(case)), "info")
    return go(url_for("debtor.show_case"))


def as_it_stands(request: SwishRequest, *, is_back: bool = False) -> SwishRequest:
    """A request after asking how it went, where that is due. is_back: from the payment page.

    One that would pay more than is owed by now is withdrawn.
    """
    if request.status == "created" and (is_back or booking.is_silent(request, clock.now())):
        request = _ask(request)
    if booking.is_too_much(request, clock.today()):
        # Withdrawing writes what only the service may write, as booking does.
        with tenancy.service(), suppress(ways.Unavailable, ways.Refused):
            booking.stop(request.id, now=clock.now())
            db.session.commit()
    return request


def payment_page(request: SwishRequest, *, is_whole: bool, **values: Any) -> Response:
    """The page of a payment that is not made. is_whole: the reader sees all that it is for."""
    token = request.token if request.status == "created" and is_whole else None
    state = f"{request.status}-{request.error_code or ''}{'' if token else '-'}"
    if is_seen(state):
        return nothing_new()
    back = settings().base_url + values["urls"]["show"]
    return render(
        "debtor/pay.html",
        block="payment",
        state=state,
        is_unknown=request.error_code == ways.OUTCOME_UNKNOWN,
        asked=request,
        qr_svg=(
            qr.svg(qr.swish_request_payload(token), title="Swish")
            if token and request.way == ways.SWISH
            else None
        ),
        open_url=booking.client_of(request.way).open_url(token, back) if token else None,
        reason=explain(request.error_code) if request.error_code else None,
        **values,
    )


def _ask(request: SwishRequest) -> SwishRequest:
    # Booking writes what only the service may write; the request has been seen to be theirs.
    with tenancy.service():
        try:
            answer = booking.ask(request.id, now=clock.now())
            db.session.commit()
        except (ways.Unavailable, ways.Refused):
            db.session.rollback()
            answer = None
    return answer or db.session.get_one(SwishRequest, request.id)


def _to_receipt(request: SwishRequest) -> Response:
    for payment in booking.payments_by(request):
        return go(url_for("debtor.show_receipt", number=payment.receipt_number))
    return go(url_for("debtor.show_case"))


@debtor.post("/case/<reference>/pay/<request_id>/stop")
def stop_payment(request_id: str) -> Response:
    """Withdraw the payment, unless it is approved already."""
    request, _ = _request(request_id)
    if not is_stopped(request):
        return go(url_for("debtor.show_payment", request_id=request_id))
    return go(url_for("debtor.show_case"))


def is_stopped(request: SwishRequest) -> bool:
    """Withdraw a request; False when it ended otherwise, or nobody knows yet, as its page says."""
    with tenancy.service():
        booking.stop(request.id, now=clock.now())
        db.session.commit()
    if request.status != "cancelled":
        return False
    flash(gettext("The payment is stopped. Nothing has been paid."), "info")
    return True


def _request(request_id: str) -> tuple[SwishRequest, list[SwishPart]]:
    """A request that pays the case of the address, and the parts of it that are the visitor's."""
    found, parts = booking.find(request_id), booking.parts_of(request_id)
    if found is None or access.current_case().id not in {one.case_id for one in parts}:
        raise NotFound
    return found, parts
