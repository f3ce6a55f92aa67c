"""What the debtor and the company write to each other about a case."""

from flask import Response, flash, url_for
from flask_babel import gettext
from htmx_flask import request

from portal import clock, locales
from portal.collection import cases, correspondence, in_other_words
from portal.creditor import access
from portal.creditor.case_facts import gather
from portal.creditor.forms_case import MessageForm
from portal.creditor.views import creditor
from portal.extensions import db
from portal.messages import RedaError
from portal.web import languages
from portal.web.rendering import go, render


@creditor.get("/<key>/cases/<reference>/messages")
def show_case_messages(reference: str) -> Response:
    """What was written, and a new message."""
    return _page(reference, MessageForm(formdata=None))


def _page(reference: str, form: MessageForm, *, status: int = 200) -> Response:
    facts = gather(reference, clock.today())
    found = correspondence.of_case(facts.case.id)
    form.seen.data = found[-1].id if found else 0
    reads = locales.find(facts.case.debtor.reads)
    return render(
        "creditor/case_messages.html",
        status=status,
        facts=facts,
        case=facts.case,
        due=facts.due,
        stops=facts.stops,
        form=form,
        messages=found,
        translated=in_other_words.shown(found, languages.current().code),
        waits=correspondence.waits(facts.case.id),
        reads=reads.name if reads else facts.case.debtor.reads,
    )


@creditor.post("/<key>/cases/<reference>/messages")
def write_message(reference: str) -> Response:
    """Write to the debtor."""
    case = cases.lock(gather(reference, clock.today()).case.id)
    form = MessageForm()
    if not form.validate():
        return _page(reference, form, status=422)
    try:
        correspondence.write(
            case, form.words.data or "", seen=form.seen.data or 0,
            language=languages.current().code, actor=access.actor(), now=clock.now(),
        )  # fmt: skip
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return _page(reference, form, status=error.status)
    db.session.commit()
    flash(gettext("The message is there for the debtor."), "good")
    return go(url_for("creditor.show_case_messages", reference=reference))


@creditor.post("/<key>/cases/<reference>/messages/translate")
def translate_messages(reference: str) -> Response:
    """Have what is in another language translated by machine, where that is on."""
    found = correspondence.of_case(gather(reference, clock.today()).case.id)
    is_done = in_other_words.translate(found, languages.current().code, now=clock.now())
    db.session.commit()
    if not is_done:
        flash(gettext("The translation did not work now. You see the original words."), "warn")
    return go(url_for("creditor.show_case_messages", reference=reference))


@creditor.post("/<key>/cases/<reference>/messages/settle")
def settle_messages(reference: str) -> Response:
    """What the debtor wrote needs no answer."""
    case = cases.lock(gather(reference, clock.today()).case.id)
    correspondence.settle(
        case, seen=request.form.get("seen", 0, type=int), actor=access.actor(), now=clock.now()
    )
    db.session.commit()
    return go(url_for("creditor.show_case_messages", reference=reference))
