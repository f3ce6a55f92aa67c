"""More time to pay: the later days that the rules leave, and what each costs."""

from datetime import date

from flask import Response, flash, url_for
from flask_babel import gettext

from portal import clock
from portal.collection import cases, lifecycle, postponing
from portal.debtor import access
from portal.debtor.forms_more_time import MoreTimeForm
from portal.debtor.limits import visitor
from portal.debtor.views import debtor
from portal.extensions import db, limiter
from portal.identity.actor import DEBTOR
from portal.law.fees import AGENT, DEMAND, PAYMENT_ORDER, fee
from portal.messages import N_, Problem, RedaError
from portal.web.formats import format_date
from portal.web.rendering import go, render


@debtor.get("/case/<reference>/more-time")
def show_more_time() -> Response:
    """The days to choose from, or why there are none."""
    if access.current_case().closed_on is not None:
        return go(url_for("debtor.show_case"))
    return _page(MoreTimeForm(formdata=None))


def _page(form: MoreTimeForm, *, status: int = 200) -> Response:
    case, today = access.current_case(), clock.today()
    rules = lifecycle.rules_of(case)
    choices = postponing.choices(case, today=today)
    form.offer(choices)
    why = postponing.why_not(case, rules)
    if why is None and not choices:
        why = Problem(N_("More time must be asked for. Write to us, and we answer."))
    return render(
        "debtor/more_time.html",
        status=status,
        case=case,
        form=form,
        why=why,
        choices=choices,
        times_left=postponing.times_left(case, rules),
        costs={kind: fee(kind, today).amount_ore for kind in (DEMAND, PAYMENT_ORDER, AGENT)},
    )


@debtor.post("/case/<reference>/more-time")
@limiter.limit("10 per minute; 60 per hour", key_func=visitor)
def take_more_time() -> Response:
    """Move the last day to pay."""
    case = cases.lock(access.current_case().id)
    if case.closed_on is not None:
        return go(url_for("debtor.show_case"))
    form = MoreTimeForm()
    wanted = form.pay_by_on.data or ""
    # Pressed twice, it is what was wanted already, and no choice any more.
    if case.pay_by_on is None or wanted != case.pay_by_on.isoformat():
        form.offer(postponing.choices(case, today=clock.today()))
        if not form.validate():
            return _page(form, status=422)
        try:
            postponing.postpone(
                case, date.fromisoformat(wanted), actor=DEBTOR, today=clock.today(),
                now=clock.now(),
            )  # fmt: skip
        except RedaError as error:
            db.session.rollback()
            form.take(error)
            return _page(form, status=error.status)
        db.session.commit()
    told = gettext(
        "You have time to pay, or to tell us more, through %(day)s. Nothing more happens before"
        " that.",
        day=format_date(date.fromisoformat(wanted)),
    )
    flash(told, "good")
    return go(url_for("debtor.show_case"))
