"""Several cases paid at once, by one payment that is divided over them as it is shown.

A payment from a bank carries one OCR number, so that by a transfer each case is paid by itself.
"""

from datetime import date

from flask import Response, flash, url_for
from flask_babel import gettext
from htmx_flask import request as asking
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import cases, debts
from portal.debtor import access, views_pay
from portal.debtor.forms_pay import BANK, PayManyForm, TransferForm
from portal.debtor.limits import visitor
from portal.debtor.views import debtor
from portal.extensions import db, limiter
from portal.messages import RedaError
from portal.payments import booking, offers, ways
from portal.payments.models import SwishPart, SwishRequest
from portal.web.forms import text
from portal.web.rendering import go, last_question, render


@debtor.get("/pay")
def choose_cases() -> Response:
    """Which cases to pay, and what that comes to.

    Chosen are all of one payer's, who is the one of the case that the address names, unless it says
    something else: what a company owes is not paid with what its signatory owes by an oversight.
    """
    payers = _payers()
    asked = asking.args
    if "chosen" in asked:
        chosen = asked.getlist("cases")
    else:
        groups = [[one.case.reference for one in payer.open] for payer in payers]
        named = [one for one in groups if asked.get("of") in one]
        chosen = (named or groups or [[]])[0]
    form = PayManyForm(
        formdata=None, cases=chosen, way=asked.get("way", ways.SWISH),
        is_online_offered=booking.is_online_offered(),
    )  # fmt: skip
    return _choice(payers, form)


def _payers() -> list[debts.Payer]:
    return debts.of(access.opened(), clock.today()).by_payer()


def _payable(payers: list[debts.Payer]) -> dict[str, debts.Debt]:
    return {one.case.reference: one for payer in payers for one in payer.open if one.owed_ore > 0}


def _choice(payers: list[debts.Payer], form: PayManyForm, *, status: int = 200) -> Response:
    payable = _payable(payers)
    form.cases.choices = [
        (
            reference,
            gettext(
                "%(creditor)s, invoice %(number)s",
                creditor=one.case.creditor.name, number=one.case.invoice.number,
            ),
        )
        for reference, one in payable.items()
    ]  # fmt: skip
    chosen = set(form.cases.data or []) & set(payable)
    return render(
        "debtor/choose_cases.html",
        status=status,
        form=form,
        payable=payable,
        are_payers_many=len(payers) > 1,
        sum_ore=sum(payable[one].owed_ore for one in chosen),
    )


@debtor.post("/pay")
@limiter.limit("10 per minute", key_func=visitor)
def start_joint_payment() -> Response:
    """Ask for all that is owed on the cases that were chosen; for a transfer, show how."""
    payers, form = _payers(), PayManyForm(is_online_offered=booking.is_online_offered())
    if not form.validate():
        return _choice(payers, form, status=422)
    payable = _payable(payers)
    chosen = form.cases.data or []
    left = [one for one in chosen if one in payable]
    if left != chosen:
        # Paid or taken back meanwhile, as the page that follows shows.
        gone = set(chosen) - set(left)
        opened = [one for one in cases.of_ids(access.opened()) if one.reference in gone]
        for why in dict.fromkeys(text(booking.NothingToPay(one)) for one in opened):
            flash(why, "warn")
        return go(_choose_again(left, form.way.data))
    if form.way.data == BANK:
        return go(_bank_page(chosen))
    try:
        request = views_pay.ask_for({payable[one].case.id: None for one in chosen}, form.way.data)
    except RedaError as error:
        db.session.rollback()
        flash(text(error), "warn")
        return go(_choose_again(chosen, form.way.data))
    parts = [one.case_id for one in booking.parts_of(request.id)]
    return go(views_pay.address_of(request.id, parts))


def _choose_again(chosen: list[str], way: str) -> str:
    if not chosen:
        return url_for("debtor.choose_cases", way=way)
    return url_for("debtor.choose_cases", chosen=1, cases=chosen, way=way)


def _bank_page(chosen: list[str]) -> str:
    if len(chosen) == 1:
        return url_for("debtor.show_transfer", reference=chosen[0])
    return url_for("debtor.show_transfers", cases=chosen)


@debtor.get("/pay/bank")
def show_transfers() -> Response:
    """What to write in one's bank for each of some cases, for a day of one's choice."""
    payable, today = _payable(_payers()), clock.today()
    chosen = [payable[one].case for one in payable if one in asking.args.getlist("cases")]
    if len(chosen) < 2:
        some = [one.reference for one in chosen]
        return go(_bank_page(some) if some else _choose_again(some, BANK))
    form = TransferForm(asking.args)
    form.validate()

    def paid_on(day: date) -> list[offers.Transfer]:
        return [offers.by_bank(one, ordered_on=day, amount_ore=None, today=today) for one in chosen]

    try:
        transfers = paid_on(form.on.data or today)
    except offers.WrongDay as error:
        form.take(error)
        transfers = paid_on(today)
    if not form.on.raw_data:
        form.on.data = today
    return render(
        "debtor/transfers.html",
        status=422 if form.errors else 200,
        form=form,
        transfers=[
            (
                case,
                one,
                views_pay.transfer_code(case, one, today),
                views_pay.before(case, one, today),
            )
            for case, one in zip(chosen, transfers, strict=True)
        ],
        today=today,
        latest_on=today + offers.MOST_AHEAD,
    )


@debtor.get("/pay/<request_id>")
def show_joint_payment(request_id: str) -> Response:
    """The payment as it stands, and how it is divided."""
    request, parts = _request(request_id)
    request = views_pay.as_it_stands(request, is_back="returned" in asking.args)
    if request.status == "paid":
        receipts = url_for("debtor.list_joint_receipts", request_id=request_id)
        return last_question("payment") or go(receipts)
    ore = {one.case_id: one.amount_ore for one in parts}
    paid = [(one, ore[one.id]) for one in cases.of_ids(list(ore))]
    return views_pay.payment_page(
        request,
        is_whole=True,
        amount_ore=request.amount_ore,
        paid=paid,
        left_ore=None,
        urls={
            "show": url_for("debtor.show_joint_payment", request_id=request_id),
            "stop": url_for("debtor.stop_joint_payment", request_id=request_id),
            "again": url_for("debtor.start_joint_payment"),
            "back": url_for("debtor.overview"),
        },
        again=[("way", request.way), *(("cases", one.reference) for one, _ in paid)],
    )


@debtor.post("/pay/<request_id>/stop")
def stop_joint_payment(request_id: str) -> Response:
    """Withdraw the payment, unless it is approved already."""
    request, _ = _request(request_id)
    if not views_pay.is_stopped(request):
        return go(url_for("debtor.show_joint_payment", request_id=request_id))
    return go(url_for("debtor.overview"))


@debtor.get("/pay/<request_id>/receipts")
def list_joint_receipts(request_id: str) -> Response:
    """The receipt of each case that was paid."""
    request, _ = _request(request_id)
    payments = booking.payments_by(request)
    if not payments:
        return go(url_for("debtor.show_joint_payment", request_id=request_id))
    named = {one.id: one for one in cases.of_ids([one.case_id for one in payments])}
    return render(
        "debtor/joint_receipts.html",
        asked=request,
        receipts=[(named[one.case_id], one) for one in payments],
    )


def _request(request_id: str) -> tuple[SwishRequest, list[SwishPart]]:
    """A request all of which is for cases of the visitor's."""
    found, parts = booking.find(request_id), booking.parts_of(request_id)
    if found is None or found.amount_ore != sum(one.amount_ore for one in parts):
        raise NotFound
    return found, parts
