"""An act on a case: asked for, its effect shown, and then done."""

from flask import Response, flash, url_for
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import effects, states, stops
from portal.collection.effects import ChangedMeanwhile, DoneBefore, Effect
from portal.creditor import access, case_acts
from portal.creditor.case_acts import CaseAct, Hand
from portal.creditor.case_facts import CaseFacts, gather
from portal.creditor.effects import shown
from portal.creditor.forms_case import ActForm
from portal.creditor.views import creditor
from portal.extensions import db
from portal.messages import N_, RedaError
from portal.web import languages
from portal.web.forms import text
from portal.web.rendering import go, render


def _asked(reference: str, name: str) -> tuple[CaseAct, CaseFacts]:
    facts, act = gather(reference, clock.today()), case_acts.find(name)
    if act is None:
        raise NotFound
    if not case_acts.is_possible(act, facts):
        raise states.NotAllowed(
            N_("This cannot be done with the case as it is now. Look at it again; it has changed.")
        )
    return act, facts


def _hand() -> Hand:
    return Hand(access.actor(), clock.today(), clock.now(), languages.current().code)


@creditor.get("/<key>/cases/<reference>/acts/<act>")
def prepare_act(reference: str, act: str) -> Response:
    """What an act asks; its effect at once when it asks nothing."""
    access.require_may_change()
    asked, facts = _asked(reference, act)
    form = asked.form(formdata=None)
    form.prepare(facts, is_new=True)
    if form.asked():
        return _page(asked, facts, form)
    return _look(asked, facts, form)


@creditor.post("/<key>/cases/<reference>/acts/<act>")
def do_act(reference: str, act: str) -> Response:
    """Show what an act would do; do it once that has been seen."""
    facts = gather(reference, clock.today())
    asked = case_acts.find(act)
    if asked is None:
        raise NotFound
    form = asked.form()
    form.prepare(facts, is_new=False)
    if request.form.get("step") == "do" and form.seen.data:
        return _do(asked, facts, form)
    asked, facts = _asked(reference, act)
    if not form.validate():
        return _page(asked, facts, form, status=422)
    return _look(asked, facts, form)


def _lock(act: CaseAct, facts: CaseFacts) -> None:
    if act.name in case_acts.OF_PEOPLE:
        stops.lock_together(facts.case)


def _look(act: CaseAct, facts: CaseFacts, form: ActForm) -> Response:
    _lock(act, facts)
    try:
        effect = effects.preview(
            facts.case.id, act.name, act.verb(form, _hand()), said=form.said(), today=clock.today()
        )
    except RedaError as error:
        return _refused(act, facts, form, error)
    return _page(act, facts, form, effect=effect)


def _do(act: CaseAct, facts: CaseFacts, form: ActForm) -> Response:
    reference, hand = facts.case.reference, _hand()
    if not form.validate():
        return _page(act, facts, form, status=422)
    _lock(act, facts)
    try:
        effects.perform(
            facts.case.id, act.name, act.verb(form, hand), said=form.said(),
            seen=form.seen.data or "", actor=hand.actor, today=hand.today, now=hand.now,
        )  # fmt: skip
    except ChangedMeanwhile as error:
        flash(text(error), "warn")
        return _page(act, facts, form, effect=error.effect, status=error.status)
    except DoneBefore as error:
        db.session.rollback()
        flash(text(error), "info")
        return go(url_for("creditor.show_case", reference=reference))
    except RedaError as error:
        return _refused(act, facts, form, error)
    db.session.commit()
    flash(str(act.done), "good")
    return go(url_for("creditor.show_case", reference=reference))


def _refused(act: CaseAct, facts: CaseFacts, form: ActForm, error: RedaError) -> Response:
    form.take(error)
    return _page(act, facts, form, status=error.status)


def _page(
    act: CaseAct,
    facts: CaseFacts,
    form: ActForm,
    *,
    effect: Effect | None = None,
    status: int = 200,
) -> Response:
    form.seen.raw_data, form.seen.data = None, effect.seen if effect else ""
    return render(
        "creditor/case_act.html",
        status=status,
        act=act,
        case=facts.case,
        due=facts.due,
        form=form,
        effect=(
            shown(effect, facts.case.currency, hides_places=facts.places.is_hidden)
            if effect
            else None
        ),
        **act.beside(facts, form, _hand(), effect is not None),
    )
