"""Payments by Swish, card and account: what became of them, and what a bank takes back of them."""

from collections.abc import Callable, Sequence

from flask import Response, url_for
from flask_babel import gettext, lazy_gettext
from htmx_flask import request
from werkzeug.exceptions import NotFound
from wtforms import DateField, TextAreaField
from wtforms.validators import InputRequired, Length

from portal import clock
from portal.collection import lookup
from portal.messages import RedaError
from portal.operations.views import actor, once, operations
from portal.operations.views_refunds import WAY_NAMES
from portal.payments import booking, chargebacks, refunds
from portal.payments.chargebacks import PaidRequest, TakenBack
from portal.web.forms import Form, KronorField
from portal.web.rendering import go, render


class TakenBackForm(Form):
    """What a person has from the bank that it takes back."""

    on = DateField(lazy_gettext("Day that the bank took it"), [InputRequired()])
    ore = KronorField(lazy_gettext("Amount"), [InputRequired()])
    reason = TextAreaField(
        lazy_gettext("Why it is taken back, and how you know"),
        [Length(max=chargebacks.LONGEST_REASON)],
    )


class CameAgainForm(Form):
    """When what was taken back came again."""

    on = DateField(lazy_gettext("Day that the money came again"), [InputRequired()])


@operations.get("/at-once")
def list_at_once() -> Response:
    """Payments that came last or are sought, and what was taken back."""
    sought = request.args.get("q", "")[:200].strip()
    if sought:
        found = chargebacks.look_up(sought, [one.id for one in lookup.look_up(sought)])
    else:
        found = chargebacks.newest_paid()
    return render(
        "operations/at_once.html",
        sought=sought,
        payments=found,
        cases=_cases(found),
        taken=chargebacks.newest(),
        way_names=WAY_NAMES,
    )


@operations.get("/at-once/<request_id>")
def show_at_once(request_id: str) -> Response:
    """A payment, its cases, what goes back of it, and what was taken back."""
    return _page(request_id)


@operations.get("/at-once/<request_id>/taken-back")
def ask_taken_back(request_id: str) -> Response:
    """The form to say that the bank has taken a payment back."""
    found = _paid(request_id)
    left_ore = chargebacks.left_ore(found)
    if not left_ore:
        return go(url_for("operations.show_at_once", request_id=request_id))
    form = TakenBackForm(formdata=None, on=clock.today(), ore=left_ore)
    return _form_page(found, form, left_ore)


@operations.post("/at-once/<request_id>/taken-back")
def take_at_once_back(request_id: str) -> Response:
    """Show what it would change; when that has been seen, do it."""
    found, form = _paid(request_id), TakenBackForm()
    left_ore = chargebacks.left_ore(found)
    seen_ore = request.form.get("seen_ore", type=int)
    if not form.validate() or seen_ore is None:
        return _form_page(found, form, left_ore, status=422)
    on, ore, reason = form.on.data, form.ore.data or 0, form.reason.data or ""
    try:
        if "is_sure" not in request.form:
            chargebacks.check(found, ore, on, reason, today=clock.today())
            return _form_page(found, form, left_ore, is_checked=True)
        return once(
            lambda: chargebacks.take(
                request_id, ore, on, reason, seen_ore=seen_ore, actor=actor(),
                today=clock.today(), now=clock.now(),
            ),
            lambda _: url_for("operations.show_at_once", request_id=request_id),
            gettext("The payment is booked back."),
        )  # fmt: skip
    except RedaError as error:
        if error.problem.field is None:
            return _page(request_id, error.status, problem=error.problem)
        form.take(error)
        return _form_page(found, form, left_ore, status=error.status)


@operations.get("/chargebacks/<int:chargeback_id>/came-again")
def ask_came_again(chargeback_id: int) -> Response:
    """The form to say that the bank has given back what it took."""
    return _again_page(chargeback_id, CameAgainForm(formdata=None, on=clock.today()))


@operations.post("/chargebacks/<int:chargeback_id>/came-again")
def book_came_again(chargeback_id: int) -> Response:
    """Book once more what was taken back."""
    form = CameAgainForm()
    if not form.validate():
        return _again_page(chargeback_id, form, status=422)
    return _decide(
        chargeback_id,
        lambda: chargebacks.come_again(
            chargeback_id, form.on.data, actor=actor(), today=clock.today(), now=clock.now()
        ),
        gettext("The money is booked again."),
        form=form,
    )  # fmt: skip


@operations.post("/chargebacks/<int:chargeback_id>/same")
def keep_chargeback_out(chargeback_id: int) -> Response:
    """Say that what the provider takes back is told of already."""
    return _decide(
        chargeback_id,
        lambda: chargebacks.decide(chargeback_id, is_same=True, actor=actor(), now=clock.now()),
        gettext("It is not booked once more."),
    )


@operations.post("/chargebacks/<int:chargeback_id>/book")
def book_chargeback(chargeback_id: int) -> Response:
    """Book what the provider takes back, and did not fit when it was told."""
    return _decide(
        chargeback_id,
        lambda: chargebacks.decide(chargeback_id, is_same=False, actor=actor(), now=clock.now()),
        gettext("The payment is booked back."),
    )


def _decide(
    chargeback_id: int, decide: Callable[[], None], told: str, *, form: CameAgainForm | None = None
) -> Response:
    request_id = _chargeback(chargeback_id).request_id
    try:
        return once(
            decide, lambda _: url_for("operations.show_at_once", request_id=request_id), told
        )
    except RedaError as error:
        if form is None or error.problem.field is None:
            return _page(request_id, error.status, problem=error.problem)
        form.take(error)
        return _again_page(chargeback_id, form, status=error.status)


def _chargeback(chargeback_id: int) -> TakenBack:
    found = chargebacks.find(chargeback_id)
    if found is None:
        raise NotFound
    return found


def _paid(request_id: str) -> PaidRequest:
    found = booking.find(request_id)
    if found is None or found.status != "paid":
        raise NotFound
    return found


def _cases(requests: Sequence[PaidRequest]) -> dict[str, list[lookup.Named]]:
    """The cases that requests have paid, by request."""
    parts = {one.id: [part.case_id for part in booking.parts_of(one.id)] for one in requests}
    named = lookup.named([one for some in parts.values() for one in some])
    return {id_: [named[one] for one in some] for id_, some in parts.items()}


def _page(request_id: str, status: int = 200, *, problem: object = None) -> Response:
    found = _paid(request_id)
    payments = booking.payments_by(found, is_ever=True)
    return render(
        "operations/at_once_payment.html",
        status=status,
        paid=found,
        payments=payments,
        stays={one.id for one in booking.payments_by(found)},
        left_ore=chargebacks.left_ore(found),
        cases={one.id: one for one in _cases([found])[found.id]},
        refunds=refunds.of_booked([one.id for one in payments]),
        taken=chargebacks.of_request(request_id),
        way_names=WAY_NAMES,
        problem=problem,
    )


def _form_page(
    found: PaidRequest, form: TakenBackForm, left_ore: int, *, status: int = 200,
    is_checked: bool = False,
) -> Response:  # fmt: skip
    return render(
        "operations/at_once_taken_back.html",
        status=status,
        paid=found,
        form=form,
        left_ore=left_ore,
        is_checked=is_checked,
        parts=chargebacks.would_lose(found, form.ore.data or 0) if is_checked else [],
        cases={one.id: one for one in _cases([found])[found.id]},
    )


def _again_page(chargeback_id: int, form: CameAgainForm, *, status: int = 200) -> Response:
    chargeback = _chargeback(chargeback_id)
    if chargeback.status != chargebacks.TAKEN:
        return go(url_for("operations.show_at_once", request_id=chargeback.request_id))
    found = _paid(chargeback.request_id)
    return render(
        "operations/at_once_came_again.html",
        status=status,
        paid=found,
        chargeback=chargeback,
        form=form,
        cases={one.id: one for one in _cases([found])[found.id]},
    )
