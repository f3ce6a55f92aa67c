"""Refunds: what goes back to who paid it, where, and what a person has to decide of it."""

from collections.abc import Callable, Mapping

from flask import Response, url_for
from flask_babel import gettext, lazy_gettext
from flask_login import current_user
from werkzeug.exceptions import NotFound
from wtforms import BooleanField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from portal import clock
from portal.collection import lookup
from portal.extensions import db, settings
from portal.messages import N_, RedaError
from portal.operations.views import actor, once, operations
from portal.operations.views_payments import WHYS
from portal.payments import booking, paying_back, refunds, statuses, ways
from portal.payments.models import Refund
from portal.payments.swish import explain
from portal.web.forms import Form
from portal.web.rendering import render

_KINDS = {
    "bankgiro": lazy_gettext("Bankgiro"),
    "plusgiro": lazy_gettext("Plusgiro"),
    "iban": "IBAN",
}
WAY_NAMES = {
    ways.SWISH: "Swish",
    ways.CARD: lazy_gettext("Card"),
    ways.ACCOUNT: lazy_gettext("Directly from the payer’s bank account"),
    refunds.BANK: lazy_gettext("By bank"),
}
# What a code means of a refund, where it means something else of a payment.
_OF_REFUNDS: Mapping[str, str] = {
    ways.OUTCOME_UNKNOWN: N_(
        "The bank did not answer, so it is not known whether the money has gone. Look in the bank"
        " before you try again."
    ),
    "RF07": N_("The bank refused. Try again, or pay the money back to an account."),
    "ACMT01": N_("The payer’s account is closed. Pay the money back to another account."),
}


class AccountForm(Form):
    """The account that a refund goes to."""

    kind = SelectField(
        lazy_gettext("Kind of account"),
        choices=[
            SelectChoice("", lazy_gettext("Choose")),
            *(SelectChoice(*one) for one in _KINDS.items()),
        ],
    )
    account = StringField(lazy_gettext("The payer’s account"), [Length(max=60)])
    reason = StringField(
        lazy_gettext("How do you know that it is the payer’s?"),
        [Length(max=refunds.LONGEST_REASON)],
    )


class AgainForm(Form):
    """That a refund is tried again."""

    is_known = BooleanField(lazy_gettext("I have looked in the bank: the money has not gone"))


@operations.get("/refunds")
def list_refunds() -> Response:
    """Refunds that are owed, those that wait for a person first, and those that are paid."""
    found, done = refunds.open_(), refunds.ended()
    ids = [one.case_id for one in (*found, *done) if one.case_id is not None]
    return render(
        "operations/refunds.html",
        refunds=found,
        ended=done,
        cases=lookup.named(ids),
        whys=WHYS,
        written=refunds.written,
        way_names=WAY_NAMES,
    )


@operations.get("/refunds/<int:refund_id>")
def show_refund(refund_id: int) -> Response:
    """A refund, where it stands, and what can be decided."""
    return _page(refund_id)


@operations.post("/refunds/<int:refund_id>/go")
def let_refund_go(refund_id: int) -> Response:
    """Pay back the way that the money came."""
    return _decide(
        refund_id,
        lambda: refunds.let_go(refund_id, actor=actor(), now=clock.now()),
        gettext("The refund goes back the way that the money came."),
    )


@operations.post("/refunds/<int:refund_id>/account")
def confirm_refund(refund_id: int) -> Response:
    """Say that an account is the payer's."""
    form = AccountForm()
    if not form.validate():
        return _page(refund_id, 422, form=form)
    return _decide(
        refund_id,
        lambda: refunds.confirm(
            refund_id, form.kind.data, form.account.data or "", form.reason.data or "",
            actor=actor(), now=clock.now(),
        ),
        gettext("The account is written down."),
        form=form,
    )  # fmt: skip


@operations.post("/refunds/<int:refund_id>/approve")
def approve_refund(refund_id: int) -> Response:
    """Agree that an account which the bank has not told is the payer's."""
    return _decide(
        refund_id,
        lambda: refunds.approve(refund_id, actor=actor(), now=clock.now()),
        gettext("The account is approved. The refund waits to be paid out."),
    )


@operations.post("/refunds/<int:refund_id>/refuse")
def refuse_refund(refund_id: int) -> Response:
    """Let an account that the bank has not told be looked at again."""
    return _decide(
        refund_id,
        lambda: refunds.refuse(refund_id),
        gettext("The account is not approved. Write another one."),
    )


@operations.post("/refunds/<int:refund_id>/again")
def retry_refund(refund_id: int) -> Response:
    """Try again the same way."""
    return _again(refund_id, by_bank=False)


@operations.post("/refunds/<int:refund_id>/by-bank")
def refund_by_bank(refund_id: int) -> Response:
    """Pay back to an account instead."""
    return _again(refund_id, by_bank=True)


def _again(refund_id: int, *, by_bank: bool) -> Response:
    form = AgainForm()
    refund = refunds.find(refund_id)
    if refund is None:
        raise NotFound
    if refund.error_code == ways.OUTCOME_UNKNOWN:
        # It may have been learnt since.
        paying_back.follow(refund_id, settings().base_url, now=clock.now())
        db.session.commit()
    try:
        return once(
            lambda: refunds.try_again(
                refund_id, actor=actor(), now=clock.now(), by_bank=by_bank,
                is_known=bool(form.is_known.data),
            ),
            lambda tried: url_for("operations.show_refund", refund_id=tried.id),
            gettext("It is tried again."),
        )  # fmt: skip
    except RedaError as error:
        form.take(error)
        return _page(refund_id, error.status, again=form)


def _decide(
    refund_id: int,
    decide: Callable[[], object],
    told: str,
    *,
    form: AccountForm | None = None,
) -> Response:
    try:
        return once(decide, lambda _: url_for("operations.show_refund", refund_id=refund_id), told)
    except RedaError as error:
        if form is not None:
            form.take(error)
        return _page(
            refund_id, error.status, form=form, problem=None if form else error.problem
        )  # fmt: skip


def _page(
    refund_id: int,
    status: int = 200,
    *,
    form: AccountForm | None = None,
    again: AgainForm | None = None,
    problem: object = None,
) -> Response:
    refund = refunds.find(refund_id)
    if refund is None:
        raise NotFound
    receipt = booking.payment(refund.booked_id) if refund.booked_id else None
    case_id = refund.case_id
    return render(
        "operations/refund.html",
        status=status,
        refund=refund,
        receipt=receipt,
        case=lookup.named([case_id]).get(case_id) if case_id else None,
        whys=WHYS,
        way_names=WAY_NAMES,
        kind_names=_KINDS,
        written=refunds.written(refund),
        told_account=refunds.told_account(refund),
        reason=_reason(refund),
        is_unknown=refund.error_code == ways.OUTCOME_UNKNOWN,
        may_approve=refund.decided_id != current_user.id,
        form=form or _form(refund),
        again=again or AgainForm(formdata=None),
        problem=problem,
    )


def _form(refund: Refund) -> AccountForm:
    is_bank = refund.way == refunds.BANK
    return AccountForm(
        formdata=None,
        kind=refund.account_kind or "",
        account=refund.payer_account if is_bank else "",
    )


def _reason(refund: Refund) -> str:
    """Why it did not go, or does not go by itself."""
    if refund.error_code:
        meant = _OF_REFUNDS.get(refund.error_code)
        known = explain(refund.error_code)
        return gettext(meant) if meant else gettext(known.message, **known.values)
    if meant := statuses.explained(refund.reason):
        return f"{gettext(meant)} ({refund.reason})"
    # What a bank says stays as it is.
    return gettext(refund.reason) if refund.reason else ""
