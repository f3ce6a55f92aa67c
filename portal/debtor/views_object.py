"""Objecting (bestrida) to a claim: told, added to, and answered on the same page."""

from flask import Response, flash, url_for
from flask_babel import gettext

from portal import clock
from portal.collection import attachments, cases, disputes
from portal.debtor import access, views_files
from portal.debtor.forms_says import ObjectionForm
from portal.debtor.limits import visitor
from portal.debtor.views import debtor
from portal.extensions import db, limiter
from portal.identity.actor import DEBTOR
from portal.messages import RedaError
from portal.web import languages
from portal.web.rendering import go, render


@debtor.get("/case/<reference>/object")
def show_objection() -> Response:
    """What was objected and answered, and the way to object or to say more."""
    return _page(ObjectionForm(formdata=None))


def _page(form: ObjectionForm, *, status: int = 200) -> Response:
    case = access.current_case()
    found, due = disputes.of_case(case.id), cases.amount_due(case, clock.today())
    waiting = next((one for one in found if one.status == "open"), None)
    if waiting is not None and form.reason is not None:
        form.ask_for_more()
    return render(
        "debtor/object.html",
        status=status,
        case=case,
        due=due,
        form=form,
        waiting=waiting,
        expected_on=disputes.expected_on(waiting) if waiting else None,
        undisputed_ore=disputes.undisputed_ore(waiting, due) if waiting else 0,
        answered=[one for one in found if one is not waiting],
        files=attachments.sent_with(case.id),
        limits=views_files.hints(),
        today=clock.today(),
    )


@debtor.post("/case/<reference>/object")
@limiter.limit("10 per minute; 60 per hour", key_func=visitor)
def object_to_claim() -> Response:
    """Object, or say more about an objection that waits."""
    case = cases.lock(access.current_case().id)
    is_new, form = disputes.current(case.id) is None, ObjectionForm()
    if not is_new:
        form.ask_for_more()
    if not form.validate():
        return _page(form, status=422)
    try:
        added = disputes.tell(
            case, reason=form.reason.data if is_new else None, words=form.words.data or "",
            amount_ore=form.amount_ore, files=views_files.sent(),
            language=languages.current().code, actor=DEBTOR, today=clock.today(), now=clock.now(),
        )  # fmt: skip
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return _page(form, status=error.status)
    db.session.commit()
    if is_new:
        flash(gettext("We have your objection, and the case stands still."), "good")
    elif not added.refused:
        flash(gettext("It is sent. The answer comes on this page."), "good")
    views_files.tell_of(added)
    return go(url_for("debtor.show_objection"))
