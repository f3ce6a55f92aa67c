"""When the company's invoices are taken in, and on which terms: read, changed, saved as a whole."""

from typing import Any

from flask import Response, flash, url_for
from flask_babel import gettext
from flask_login import current_user
from htmx_flask import request

from portal import clock
from portal.collection import drafts, policy, rulebook
from portal.collection.drafts import Draft
from portal.creditor import access, settings
from portal.creditor.forms_rules import RulesForm, number_of
from portal.creditor.names import actor_name
from portal.creditor.views import creditor
from portal.database import queue
from portal.extensions import db
from portal.law.demand import least_days_demand
from portal.law.fees import DEMAND, LATE_PAYMENT, PLAN, REMINDER, fee
from portal.law.reminder import least_days_reminder
from portal.messages import RedaError
from portal.web.rendering import go, render


@creditor.get("/<key>/rules")
def change_rules() -> Response:
    """The company's rules, a card for each kind."""
    creditor_id = access.role().creditor_id
    newest = rulebook.changes(creditor_id, limit=1)
    draft = drafts.of_company(creditor_id, current_user.id)
    is_wanted = draft is not None and request.args.get("draft", type=int) == draft.id
    data = {
        **policy.effective(creditor_id).values,
        "version": str(rulebook.version(creditor_id)),
        "base": str(newest[0].id if newest else 0),
    }
    if draft is not None and is_wanted:
        data |= {**draft.values, "version": str(draft.version), "base": str(draft.base)}
        draft = None
    return answer(RulesForm(formdata=None, data=data), set(), draft=draft)


@creditor.post("/<key>/rules/edit")
def edit_rules() -> Response:
    """Open a card, and keep what was written in the others; nothing is saved."""
    access.require_may_change()
    wanted = request.form.get("card", "")
    return answer(RulesForm(), {*request.form.getlist("open"), wanted}, focus=wanted)


@creditor.post("/<key>/rules")
def save_rules() -> Response:
    """Keep the company's rules, and let them decide on what waits."""
    form = RulesForm()
    opened = set(request.form.getlist("open"))
    values = posted_values(form)
    if values is None:
        return answer(form, opened, status=422)
    try:
        event_id = rulebook.save(
            access.role().creditor_id,
            values,
            number_of(form.version.data),
            actor=access.actor(),
            today=clock.today(),
            now=clock.now(),
        )
    except rulebook.ChangedMeanwhile as error:
        db.session.rollback()
        form.take(error)
        return answer(_joined(form, values), opened, status=error.status)
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return answer(form, opened, status=error.status)
    if event_id is not None:
        queue.defer("import_overdue_invoices", once="import_overdue_invoices")
        db.session.commit()
        flash(gettext("The rules are saved."), "good")
    else:
        flash(gettext("Nothing was changed; the rules are as they were."), "info")
    return go(url_for("creditor.change_rules"))


def posted_values(form: RulesForm) -> dict[str, Any] | None:
    """All of the company's rules as they were written and are not saved; None when some are wrong.

    form: shows what is wrong.
    """
    form.offer_types(rulebook.known_types(access.role().creditor_id))
    if not form.validate():
        return None
    return {**policy.effective(access.role().creditor_id).values, **form.values()}


def _joined(form: RulesForm, values: dict[str, Any]) -> RulesForm:
    """The form anew: what the reader changed, on top of what another person has saved meanwhile."""
    creditor_id = access.role().creditor_id
    base = rulebook.as_after(creditor_id, number_of(form.base.data), "company", "")
    held = policy.effective(creditor_id).values
    newest = rulebook.changes(creditor_id, limit=1)
    base = {name: policy.DEFAULTS[name] if base[name] is None else base[name] for name in held}
    mine = {name: value for name, value in values.items() if value != base[name]}
    joined = RulesForm(
        formdata=None,
        data={
            **held,
            **mine,
            # The reader has been told; saving once more is then on purpose.
            "version": str(rulebook.version(creditor_id)),
            "base": str(newest[0].id if newest else 0),
        },
    )
    joined.form_errors = form.form_errors
    for name, value in held.items():
        if value != base[name] and name in mine and mine[name] != value:
            joined.tell_meanwhile(name, actor_name(newest[0].actor), value)
    return joined


def answer(
    form: RulesForm,
    opened: set[str],
    *,
    status: int = 200,
    focus: str | None = None,
    draft: Draft | None = None,
) -> Response:
    """The page of the rules with what the form holds.

    opened: keys of the cards to change. draft: what the reader has edited before, offered.
    """
    creditor_id = access.role().creditor_id
    today = clock.today()
    form.offer_types(rulebook.known_types(creditor_id))
    saved = policy.effective(creditor_id).values
    if not access.role().may_change:
        opened = set()
    return render(
        "creditor/rules.html",
        block="rules",
        status=status,
        form=form,
        cards=settings.CARDS,
        opened=form.open_where_wrong(opened),
        focus=focus,
        saved=saved,
        is_unsaved=any(form[name].data != saved[name] for name in form.values()),
        draft=draft,
        most_words=rulebook.MOST_WORDS,
        fees={kind: fee(kind, today).amount_ore for kind in (REMINDER, DEMAND, PLAN, LATE_PAYMENT)},
        least_days=least_days_reminder(today),
        least_days_demand=least_days_demand(today),
    )
