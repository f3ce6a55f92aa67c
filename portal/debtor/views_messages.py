"""Writing to the creditor, in one's own language."""

from flask import Response, flash, url_for
from flask_babel import gettext

from portal import clock
from portal.collection import cases, correspondence, in_other_words
from portal.debtor import access
from portal.debtor.forms_messages import MessageForm
from portal.debtor.limits import visitor
from portal.debtor.views import debtor
from portal.extensions import db, limiter
from portal.identity.actor import DEBTOR
from portal.messages import RedaError
from portal.web import languages
from portal.web.rendering import go, render


@debtor.context_processor
def _for_templates() -> dict[str, object]:
    return {"unread_messages": lambda: correspondence.unread(access.opened())}


@debtor.get("/case/<reference>/messages")
def show_messages() -> Response:
    """What was written about the case, and a new message."""
    return _page(MessageForm(formdata=None))


def _page(form: MessageForm, *, status: int = 200) -> Response:
    case = access.current_case()
    found = correspondence.of_case(case.id)
    new = {one.id for one in found if not one.is_from_debtor and one.read_at is None}
    if new:
        correspondence.read(case.id, seen=max(new), now=clock.now())
        db.session.commit()
    form.seen.data = found[-1].id if found else 0
    return render(
        "debtor/messages.html",
        status=status,
        case=case,
        form=form,
        messages=found,
        translated=in_other_words.shown(found, languages.current().code),
        new=new,
        waits=correspondence.waits(case.id),
    )


@debtor.post("/case/<reference>/messages/translate")
@limiter.limit("10 per minute; 60 per hour", key_func=visitor)
def translate_messages() -> Response:
    """Have what is in another language translated by machine, where that is on."""
    found = correspondence.of_case(access.current_case().id)
    is_done = in_other_words.translate(found, languages.current().code, now=clock.now())
    db.session.commit()
    if not is_done:
        flash(gettext("The translation did not work now. You see the original words."), "warn")
    return go(url_for("debtor.show_messages"))


@debtor.post("/case/<reference>/messages")
@limiter.limit("10 per minute; 60 per hour", key_func=visitor)
def write_message() -> Response:
    """Write to the creditor."""
    case = cases.lock(access.current_case().id)
    form = MessageForm()
    if not form.validate():
        return _page(form, status=422)
    try:
        correspondence.write(
            case, form.words.data or "", seen=form.seen.data or 0,
            language=languages.current().code, actor=DEBTOR, now=clock.now(),
        )  # fmt: skip
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return _page(form, status=error.status)
    db.session.commit()
    flash(gettext("Your message is sent. The answer comes on this page."), "good")
    return go(url_for("debtor.show_messages"))
