"""When the company's invoices are taken in, and on which terms."""

from flask import Response, flash, url_for
from flask_babel import gettext

from portal import clock
from portal.collection import policy, rulebook
from portal.creditor import access
from portal.creditor.forms import RulesForm
from portal.creditor.views import creditor
from portal.database import queue
from portal.extensions import db
from portal.law.demand import least_days_demand
from portal.law.fees import LATE_PAYMENT, REMINDER, fee
from portal.law.reminder import least_days_reminder
from portal.messages import RedaError
from portal.web.rendering import go, render


@creditor.get("/<key>/rules")
def change_rules() -> Response:
    """The company's rules."""
    creditor_id = access.role().creditor_id
    form = RulesForm(
        formdata=None,
        data={
            **policy.effective(creditor_id).values,
            "version": str(rulebook.version(creditor_id)),
        },
    )
    return _page(form)


@creditor.post("/<key>/rules")
def save_rules() -> Response:
    """Keep the company's rules, and let them decide on what waits."""
    form = RulesForm()
    if not form.validate():
        return _page(form, 422)
    kept = policy.effective(access.role().creditor_id).values
    values = {name: form[name].data if name in form else kept[name] for name in policy.DEFAULTS}
    version = form.version.data or ""
    try:
        rulebook.save(
            access.role().creditor_id,
            values,
            int(version) if version.isascii() and version.isdigit() else 0,
            actor=access.actor(),
            today=clock.today(),
            now=clock.now(),
        )
    except rulebook.ChangedMeanwhile as error:
        db.session.rollback()
        form.take(error)
        # The reader has been told; saving once more is then on purpose.
        form.version.raw_data = None
        form.version.data = str(rulebook.version(access.role().creditor_id))
        return _page(form, error.status)
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return _page(form, error.status)
    queue.defer("import_overdue_invoices", once="import_overdue_invoices")
    db.session.commit()
    flash(gettext("The rules are saved."), "good")
    return go(url_for("creditor.change_rules"))


def _page(form: RulesForm, status: int = 200) -> Response:
    return render(
        "creditor/rules.html",
        status=status,
        form=form,
        compensation_ore=fee(LATE_PAYMENT, clock.today()).amount_ore,
        reminder_fee_ore=fee(REMINDER, clock.today()).amount_ore,
        least_days=least_days_reminder(clock.today()),
        least_days_demand=least_days_demand(clock.today()),
    )
