"""Paying in parts: what the rules offer, the plan that goes on, and its day changed once."""

from typing import Any

from flask import Response, flash, url_for
from flask_babel import gettext
from htmx_flask import request

from portal import clock
from portal.collection import cases, plan_offers, plans
from portal.collection.plan_offers import Chosen
from portal.debtor import access
from portal.debtor.forms_plan import USUAL_DAY, DayForm, PlanForm
from portal.debtor.limits import visitor
from portal.debtor.views import debtor
from portal.extensions import db, limiter
from portal.identity.actor import DEBTOR
from portal.messages import N_, Problem, RedaError
from portal.signing import plan_signing
from portal.web.rendering import go, render


@debtor.get("/case/<reference>/plan")
def show_plan() -> Response:
    """The plan that goes on, or those that can be chosen and what the chosen one comes to."""
    case = access.current_case()
    if case.closed_on is not None:
        return go(url_for("debtor.show_case"))
    if plans.running(case.id) is not None:
        return _running()
    is_asked = "way" in request.args
    waits = plan_signing.pending(case.id, clock.today())
    if waits is not None and "way" not in request.args:
        token = plan_signing.address(waits)
        return render("debtor/plan_waits.html", case=case, waits=waits, token=token)
    form = PlanForm(
        request.args if is_asked else None, data={"day": USUAL_DAY}, meta={"csrf": False}
    )
    if why := _offer(form):
        return render("debtor/plan.html", case=case, why=why)
    if not is_asked:
        return _choices(form)
    chosen = _chosen(form)
    return _choices(form, chosen, status=200 if chosen else 422)


def _offer(form: PlanForm) -> Problem | None:
    """Put what can be chosen in the form; answers why nothing can."""
    case = access.current_case()
    why = plan_offers.why_not_alone(case, plan_offers.rules_of(case))
    if why is not None:
        return why
    offers = plan_offers.offers(case, day=form.usable_day(), today=clock.today())
    form.offer(offers, case.currency)
    if offers:
        return None
    return Problem(N_("The sum is too small to be divided."))


def _chosen(form: PlanForm) -> Chosen | None:
    if not form.validate():
        return None
    try:
        return plan_offers.choose(
            access.current_case(),
            months=form.chosen_months(),
            monthly_ore=form.amount.data or 0,
            day=form.day.data,
            today=clock.today(),
        )
    except RedaError as error:
        form.take(error)
        return None


def _choices(form: PlanForm, chosen: Chosen | None = None, *, status: int = 200) -> Response:
    case, today = access.current_case(), clock.today()
    charge = plan_offers.fee(case, today)
    must_sign = chosen is not None and plan_offers.must_be_signed(case, chosen.proposal)
    return render(
        "debtor/plan.html",
        status=status,
        case=case,
        form=form,
        fee_ore=charge.ore if charge else 0,
        last_first_on=plan_offers.last_first_day(plan_offers.rules_of(case), today),
        proposal=chosen.proposal if chosen else None,
        sign_by=plan_signing.stands_until(chosen.first_on, today) if chosen and must_sign else None,
    )


@debtor.post("/case/<reference>/plan")
@limiter.limit("10 per minute; 60 per hour", key_func=visitor)
def agree_on_plan() -> Response:
    """Agree on the plan that was shown."""
    case = cases.lock(access.current_case().id)
    # Pressed twice, or agreed on in another window.
    if case.closed_on is not None or plans.running(case.id) is not None:
        return go(url_for("debtor.show_plan"))
    form = PlanForm()
    if why := _offer(form):
        return render("debtor/plan.html", case=case, why=why, status=409)
    chosen = _chosen(form)
    if chosen is None:
        return _choices(form, status=422)
    terms: dict[str, Any] = {
        "monthly_ore": chosen.monthly_ore, "first_on": chosen.first_on, "day": chosen.day,
        "seen": form.seen.data or "", "actor": DEBTOR, "today": clock.today(), "now": clock.now(),
    }  # fmt: skip
    try:
        if plan_offers.must_be_signed(case, chosen.proposal):
            waits = plan_signing.offer(case, **terms)
            db.session.commit()
            return go(url_for("signing.show_envelope", token=plan_signing.address(waits)))
        plans.agree(case, **terms)
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return _choices(form, chosen, status=error.status)
    db.session.commit()
    flash(gettext("Your payment plan is agreed on. We send it to you in writing as well."), "good")
    return go(url_for("debtor.show_plan"))


def _running(form: DayForm | None = None, *, status: int = 200) -> Response:
    case, today = access.current_case(), clock.today()
    plan = plans.running(case.id)
    if plan is None:
        return go(url_for("debtor.show_case"))
    progress = plans.still_to_come(case, plan, today)
    left = [one for one in progress if not one.is_paid]
    parts_ore = sum(one.left_ore for one in left)
    owed_ore = cases.amount_due(case, today).total_ore
    return render(
        "debtor/plan_running.html",
        status=status,
        case=case,
        today=today,
        progress=progress,
        following=left[0] if left else None,
        owed_ore=owed_ore,
        saved_ore=max(0, parts_ore - owed_ore),
        form=form or DayForm(None, data={"day": USUAL_DAY}, meta={"csrf": False}),
        may_move=bool(left) and not plans.is_moved(plan),
    )


@debtor.get("/case/<reference>/plan/day")
def show_plan_day() -> Response:
    """The days and the sums that another day of the month would give."""
    case, form = access.current_case(), DayForm(request.args, meta={"csrf": False})
    plan = plans.running(case.id)
    if plan is None or plans.is_moved(plan):
        return go(url_for("debtor.show_plan"))
    if not form.validate():
        return _running(form, status=422)
    try:
        moved = plans.on_day(case, plan, day=form.day.data, today=clock.today())
    except RedaError as error:
        form.take(error)
        return _running(form, status=error.status)
    return render("debtor/plan_day.html", case=case, form=form, moved=moved)


@debtor.post("/case/<reference>/plan/day")
@limiter.limit("10 per minute; 60 per hour", key_func=visitor)
def move_plan_day() -> Response:
    """Change the day of the month, once."""
    case = cases.lock(access.current_case().id)
    if plans.running(case.id) is None:
        return go(url_for("debtor.show_plan"))
    form = DayForm()
    if not form.validate():
        return _running(form, status=422)
    try:
        plans.move_day(case, day=form.day.data, actor=DEBTOR, today=clock.today(), now=clock.now())
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return _running(form, status=error.status)
    db.session.commit()
    flash(gettext("The day is changed. We send you the new days in writing as well."), "good")
    return go(url_for("debtor.show_plan"))
