"""Payments by bank that wait for a person: the work list and its decisions."""

from collections.abc import Callable, Iterable
from datetime import date

from flask import Response, flash, url_for
from flask_babel import gettext, lazy_gettext
from htmx_flask import request
from werkzeug.exceptions import NotFound
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from portal import clock
from portal.collection import lookup, places
from portal.extensions import db
from portal.messages import N_, RedaError
from portal.operations.views import actor, once, operations
from portal.payments import (
    chargebacks,
    coming_again,
    coming_back,
    deciding,
    matching,
    paying_in,
    refunds,
    taking_back,
    told_at_once,
    told_twice,
    transfers,
)
from portal.web.forms import Form, KronorField, text
from portal.web.rendering import go, render

_ON_A_PAGE = 25
_ROWS = range(1, 6)
WHYS = {
    "not ours": lazy_gettext("It is not for us, or nobody knows for whom"),
    "closed": lazy_gettext("The case is closed"),
    "wrong creditor": lazy_gettext("It is for another creditor"),
    "currency": lazy_gettext("It is in another currency"),
    "overpaid": lazy_gettext("More was paid than was owed"),
}


class SplitForm(Form):
    """A payment given to one case or several: references and amounts in rows."""

    def parts(self) -> dict[str, int]:
        """Öre by reference. Raises RedaError when a row is half, or names a case again."""
        found: dict[str, int] = {}
        for number in _ROWS:
            reference = "".join((self[f"case{number}"].data or "").split()).replace("-", "")
            ore = self[f"ore{number}"].data
            if not reference and ore is None:
                continue
            if not reference or ore is None or reference in found:
                raise RedaError(N_("Write each case once, with its amount."), field=f"case{number}")
            found[reference] = ore
        return found


for _number in _ROWS:
    setattr(
        SplitForm, f"case{_number}",
        StringField(lazy_gettext("Reference of the case"), [Length(max=40)]),
    )  # fmt: skip
    setattr(SplitForm, f"ore{_number}", KronorField(lazy_gettext("Amount")))


class BackForm(Form):
    """Why a payment goes back."""

    why = SelectField(
        lazy_gettext("Why"), choices=[SelectChoice(one, WHYS[one]) for one in deciding.WHYS]
    )  # fmt: skip


class StatementForm(Form):
    """Which monthly statement a payment is for."""

    statement = StringField(
        lazy_gettext("Number of the statement, or its OCR number"),
        [InputRequired(), Length(max=40)],
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )


class ShowForm(Form):
    """Why what is protected must be seen."""

    reason = StringField(
        lazy_gettext("Why you must see it"), [InputRequired(), Length(max=places.LONGEST_REASON)]
    )


@operations.get("/payments")
def list_payments() -> Response:
    """Payments that wait, the oldest first, and what was decided last."""
    after = None
    if "day" in request.args:
        try:
            day = date.fromisoformat(request.args["day"])
        except ValueError:
            raise NotFound from None
        after = (day, request.args.get("after", 0, type=int))
    found = deciding.waiting(after=after, limit=_ON_A_PAGE + 1)
    shown = found[:_ON_A_PAGE]
    # Nothing else is given to a case.
    payments = [one.id for one in shown if one.kind == "payment"]
    best = matching.candidates(payments, most=1)
    return render(
        "operations/payments.html",
        payments=shown,
        best=best,
        cases=_named(one for some in best.values() for one in some),
        decided=deciding.decided() if after is None else [],
        told_twice=told_twice.open_() if after is None else [],
        last=shown[-1] if len(found) > _ON_A_PAGE else None,
        is_first=after is None,
    )


@operations.get("/payments/<int:payment_id>")
def show_payment(payment_id: int) -> Response:
    """A payment, the best three cases for it, and all that can be decided."""
    return _page(payment_id)


def _protected(payment_id: int) -> list[int]:
    """The cases of a protected identity that a payment was given to, may be for, or comes from."""
    best = matching.candidates([payment_id])[payment_id]
    told = [one.case_id for one in best]
    told += [one.case_id for one in taking_back.shares_of(payment_id)]
    told += [one.case_id for one in taking_back.refunds_of(payment_id) if one.case_id]
    return places.protected_among(told)


@operations.post("/payments/<int:payment_id>/payer")
def show_payer(payment_id: int) -> Response:
    """Show once the payer's address of a protected identity, to who says why."""
    if deciding.find(payment_id) is None:
        raise NotFound
    form, protected = ShowForm(), _protected(payment_id)
    if not form.validate():
        return _page(payment_id, 422, showing=form)
    for case_id in protected:
        places.show(
            case_id, places.PAYER, form.reason.data or "", actor=actor(), now=clock.now()
        )  # fmt: skip
    db.session.commit()
    return _page(payment_id, is_shown=True)


@operations.post("/payments/<int:payment_id>/give/<reference>")
def give_payment(payment_id: int, reference: str) -> Response:
    """Give all of a payment to one case."""
    payment = deciding.find(payment_id)
    if payment is None:
        raise NotFound
    parts = {reference: deciding.left_ore(payment)}
    return _decide(
        payment_id,
        lambda: deciding.give(payment_id, parts, actor=actor(), now=clock.now()),
        gettext("The payment is booked on the case."),
    )


@operations.post("/payments/<int:payment_id>/statement")
def give_payment_to_statement(payment_id: int) -> Response:
    """Book a payment on a company's monthly statement."""
    form = StatementForm()
    if not form.validate():
        return _page(payment_id, 422, of_statement=form)
    return _decide(
        payment_id,
        lambda: deciding.give_statement(
            payment_id, form.statement.data or "", actor=actor(), now=clock.now()
        ),
        gettext("The payment is booked on the monthly statement."),
        of_statement=form,
    )


@operations.post("/payments/<int:payment_id>/split")
def split_payment(payment_id: int) -> Response:
    """Give a payment to several cases."""
    form = SplitForm()
    if not form.validate():
        return _page(payment_id, 422, split=form)
    try:
        parts = form.parts()
    except RedaError as error:
        form.take(error)
        return _page(payment_id, 422, split=form)
    return _decide(
        payment_id,
        lambda: deciding.give(payment_id, parts, actor=actor(), now=clock.now()),
        gettext("The payment is booked on its cases."),
        split=form,
    )


@operations.post("/payments/<int:payment_id>/back")
def send_payment_back(payment_id: int) -> Response:
    """Let a payment go back to its payer."""
    form = BackForm()
    if not form.validate():
        return _page(payment_id, 422, back=form)
    return _decide(
        payment_id,
        lambda: deciding.send_back(payment_id, form.why.data, actor=actor(), now=clock.now()),
        gettext("The payment goes back, once the payer’s account is confirmed."),
        back=form,
    )


@operations.post("/payments/<int:payment_id>/undo")
def undo_payment(payment_id: int) -> Response:
    """Take back what was decided on a payment."""
    return _decide(
        payment_id,
        lambda: deciding.undo(payment_id, actor=actor(), today=clock.today(), now=clock.now()),
        gettext("The decision is taken back. The payment waits again."),
        is_here=True,
    )


@operations.post("/payments/<int:payment_id>/takes-back/<int:other_id>")
def take_payment_back(payment_id: int, other_id: int) -> Response:
    """Book back the payment that the bank takes back."""
    return _decide(
        payment_id,
        lambda: taking_back.take_back(payment_id, other_id, actor=actor(), now=clock.now()),
        gettext("The payment is booked back."),
    )


@operations.post("/payments/<int:payment_id>/takes-back-at-once/<request_id>")
def take_back_what_came_at_once(payment_id: int, request_id: str) -> Response:
    """Book back the payment by Swish, card or account that the bank takes back."""
    return _decide(
        payment_id,
        lambda: chargebacks.take_back_by(payment_id, request_id, actor=actor(), now=clock.now()),
        gettext("The payment is booked back."),
    )


@operations.post("/payments/<int:payment_id>/aside")
def put_payment_aside(payment_id: int) -> Response:
    """Leave what the bank took off to the bookkeeping."""
    return _decide(
        payment_id,
        lambda: taking_back.put_aside(payment_id, actor=actor()),
        gettext("It is left to the bookkeeping."),
    )


@operations.post("/payments/<int:payment_id>/came-back/<payout_key>")
def take_what_came_back(payment_id: int, payout_key: str) -> Response:
    """Book that a payout or a refund came back."""
    return _decide(
        payment_id,
        lambda: coming_back.take(payment_id, payout_key, actor=actor(), now=clock.now()),
        gettext("It is booked as come back, and owed again."),
    )


@operations.post("/payments/<int:payment_id>/came-again/<int:chargeback_id>")
def take_what_came_again(payment_id: int, chargeback_id: int) -> Response:
    """Book that what was taken back of a payment by Swish, card or account has come again."""
    return _decide(
        payment_id,
        lambda: coming_again.take(payment_id, chargeback_id, actor=actor(), now=clock.now()),
        gettext("The money is booked again."),
    )


@operations.post("/told-twice/<int:told_id>/same")
def keep_aside(told_id: int) -> Response:
    """Say that a deposit in two files is one."""
    return _decide_twice(told_id, is_same=True)


@operations.post("/told-twice/<int:told_id>/other")
def take_as_well(told_id: int) -> Response:
    """Say that a deposit like one in another file is other money."""
    return _decide_twice(told_id, is_same=False)


def _decide_twice(told_id: int, *, is_same: bool) -> Response:
    def decide() -> None:
        told_twice.decide(told_id, is_same=is_same, actor=actor(), now=clock.now())
        if not is_same:
            matching.match_soon()

    told = (
        gettext("It is not booked once more.") if is_same else gettext("It is taken, and matched.")
    )
    try:
        return once(decide, lambda _: url_for("operations.list_payments"), told)
    except RedaError as error:
        flash(text(error), "warn")
        return go(url_for("operations.list_payments"))


def _decide(
    payment_id: int,
    decide: Callable[[], None],
    told: str,
    *,
    is_here: bool = False,
    split: SplitForm | None = None,
    back: BackForm | None = None,
    of_statement: StatementForm | None = None,
) -> Response:
    """Decide, and go to the payment that waits after it; after the last one to the first."""
    try:
        return once(decide, lambda _: _next_page(payment_id, is_here=is_here), told)
    except RedaError as error:
        form = split or back or of_statement
        if form is not None:
            form.take(error)
        return _page(
            payment_id, error.status, split=split, back=back, of_statement=of_statement,
            problem=None if form else error.problem,
        )  # fmt: skip


def _next_page(payment_id: int, *, is_here: bool) -> str:
    shown = payment_id if is_here else _following(payment_id)
    if shown is not None:
        return url_for("operations.show_payment", payment_id=shown)
    return url_for("operations.list_payments")


def _following(payment_id: int) -> int | None:
    """The payment that waits after one in the list, from the first again after the last."""
    payment = deciding.find(payment_id)
    assert payment is not None
    later = deciding.waiting(after=(payment.value_on, payment.id), limit=1)
    found = [one.id for one in later or deciding.waiting(limit=1) if one.id != payment_id]
    return found[0] if found else None


def _named(candidates: Iterable[matching.Candidate]) -> dict[int, lookup.Named]:
    return lookup.named(list({one.case_id for one in candidates}))


def _page(
    payment_id: int,
    status: int = 200,
    *,
    split: SplitForm | None = None,
    back: BackForm | None = None,
    of_statement: StatementForm | None = None,
    problem: object = None,
    showing: ShowForm | None = None,
    is_shown: bool = False,
) -> Response:
    payment = deciding.find(payment_id)
    if payment is None:
        raise NotFound
    protected = _protected(payment_id)
    is_waiting = payment.state == "waiting"
    is_paid_to_us, is_back = payment.kind == "payment", payment.kind == "returned"
    best = matching.candidates([payment_id])[payment_id] if is_waiting and is_paid_to_us else []
    takes_back = is_waiting and not is_paid_to_us and not is_back
    shares = taking_back.shares_of(payment_id)
    sought = request.args.get("q", "")
    return render(
        "operations/payment.html",
        status=status,
        payment=payment,
        account=refunds.account_of(payment),
        is_waiting=is_waiting,
        following=_following(payment_id) if is_waiting else None,
        is_paid_to_us=is_paid_to_us,
        left_ore=deciding.left_ore(payment),
        best=best,
        cases=_named(best) | lookup.named([one.case_id for one in shares]),
        sought=sought,
        found=lookup.look_up(sought) if is_waiting else [],
        shares=shares,
        refunds=taking_back.refunds_of(payment_id),
        meant=taking_back.meant_by(payment) if takes_back else [],
        meant_at_once=chargebacks.meant_by(payment) if takes_back else [],
        came_again=coming_again.meant_by(payment) if is_waiting and not takes_back else [],
        chargeback=transfers.chargeback_by(payment_id) or transfers.came_again_by(payment_id),
        is_back=is_back,
        sent=coming_back.meant_by(payment) if is_waiting and not takes_back else [],
        says_swish=is_waiting and is_paid_to_us and told_at_once.says_swish(payment),
        split=split or SplitForm(formdata=None),
        rows=_ROWS,
        back=back or BackForm(formdata=None),
        of_statement=of_statement or StatementForm(formdata=None),
        paid_in=paying_in.of_payment(payment_id),
        whys=WHYS,
        problem=problem,
        is_hidden=bool(protected) and not is_shown,
        showing=showing or (ShowForm(formdata=None) if protected else None),
        transfer=transfers.find(payment_id),
        undone=transfers.undone(payment_id),
        may_note=transfers.may_note(payment),
        may_undo=transfers.may_undo(payment_id),
    )
