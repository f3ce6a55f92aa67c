"""Several cases paid at once, by one payment that is divided over them as it is shown."""

from flask import Response, flash, url_for
from flask_babel import gettext
from htmx_flask import request as asking
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import cases, debts
from portal.debtor import access, views_pay
from portal.debtor.forms_pay import PayManyForm
from portal.debtor.views import debtor
from portal.extensions import db, limiter
from portal.messages import RedaError
from portal.payments import booking
from portal.payments.models import SwishPart, SwishRequest
from portal.web.forms import text
from portal.web.rendering import go, last_question, render


@debtor.get("/pay")
def choose_cases() -> Response:
    """Which cases to pay, all of them unless something else is chosen, and what that comes to."""
    payable = _payable()
    chosen = asking.args.getlist("cases") if "chosen" in asking.args else list(payable)
    return _choice(payable, PayManyForm(formdata=None, cases=chosen))


def _payable() -> dict[str, debts.Debt]:
    found = debts.of(access.opened(), clock.today())
    return {one.case.reference: one for one in found.open if one.owed_ore > 0}


def _choice(payable: dict[str, debts.Debt], form: PayManyForm, *, status: int = 200) -> Response:
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
        sum_ore=sum(payable[one].owed_ore for one in chosen),
    )


@debtor.post("/pay")
@limiter.limit("10 per minute")
def start_joint_payment() -> Response:
    """Ask Swish for all that is owed on the cases that were chosen."""
    payable, form = _payable(), PayManyForm()
    if not form.validate():
        return _choice(payable, form, status=422)
    chosen = form.cases.data or []
    if not set(chosen) <= set(payable):
        # Paid meanwhile, as the page that follows shows.
        flash(gettext("This case is paid. There is nothing more to pay."), "warn")
        return go(url_for("debtor.choose_cases"))
    try:
        request = views_pay.ask_for({payable[one].case.id: None for one in chosen})
    except RedaError as error:
        db.session.rollback()
        flash(text(error), "warn")
        return go(url_for("debtor.choose_cases"))
    return go(_address(request))


def _address(request: SwishRequest) -> str:
    parts = booking.parts_of(request.id)
    if len(parts) > 1:
        return url_for("debtor.show_joint_payment", request_id=request.id)
    (case,) = cases.of_ids([parts[0].case_id])
    return url_for("debtor.show_payment", reference=case.reference, request_id=request.id)


@debtor.get("/pay/<request_id>")
def show_joint_payment(request_id: str) -> Response:
    """The payment as it stands, and how it is divided."""
    request, parts = _request(request_id)
    request = views_pay.as_it_stands(request)
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
        again=[("cases", one.reference) for one, _ in paid],
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
