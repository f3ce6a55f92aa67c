"""In by a code that is sent to the telephone or e-mail of the case, without a letter at hand."""

import secrets
from datetime import datetime
from math import ceil

from flask import Response, session, url_for
from htmx_flask import request

from portal import clock
from portal.collection import entry_codes
from portal.collection.access import EntryLocked
from portal.debtor import access
from portal.debtor.forms_codes import AskForm, CodeForm
from portal.debtor.limits import is_refused
from portal.debtor.views import debtor
from portal.extensions import db, limiter
from portal.messages import RedaError
from portal.web import languages
from portal.web.rendering import go, render

# What only this browser session knows: the code works nowhere else.
_BROWSER = "asks_for_code"


@debtor.get("/code")
def ask_for_code() -> Response:
    """Which case, and whether by e-mail or text message."""
    form = AskForm(formdata=None, reference=request.args.get("reference", ""))
    return render("debtor/code.html", form=form)


@debtor.post("/code")
@limiter.limit("5 per minute; 20 per hour")
def send_code() -> Response:
    """Have a code sent, and lead on to where it is written, whatever there is to send it to."""
    form = AskForm()
    if not form.validate():
        return render("debtor/code.html", form=form, status=422)
    browser = session.get(_BROWSER) or secrets.token_urlsafe(24)
    try:
        entry_codes.ask(
            form.reference.data or "", form.channel.data, browser=browser,
            language=languages.current().code, now=clock.now(),
        )  # fmt: skip
    except entry_codes.AskedOften as error:
        db.session.rollback()
        form.take(error)
        return render("debtor/code.html", form=form, status=error.status)
    db.session.commit()
    session[_BROWSER] = browser
    return go(url_for("debtor.write_code"))


@debtor.get("/code/enter")
def write_code() -> Response:
    """Where the code is written."""
    asked = entry_codes.asked_by(session.get(_BROWSER, ""), now=clock.now())
    if asked is None:
        return go(url_for("debtor.ask_for_code"))
    return render("debtor/code_enter.html", form=CodeForm(formdata=None), asked=asked)


@debtor.post("/code/enter")
@limiter.limit("10 per minute; 60 per hour", deduct_when=is_refused)
def enter_by_code() -> Response:
    """Open the case that the code belongs to."""
    form, now, browser = CodeForm(), clock.now(), session.get(_BROWSER, "")
    asked = entry_codes.asked_by(browser, now=now)
    if not form.validate():
        return _again(form, asked, 422)
    try:
        case_id, reference = entry_codes.enter(
            form.code.data or "", browser=browser, address=request.remote_addr or "", now=now
        )
    except (entry_codes.CodeRefused, entry_codes.CodeEnded, EntryLocked) as error:
        return _refused(form, asked, error, now)
    db.session.commit()
    access.open_cases([case_id])
    return go(url_for("debtor.show_case", reference=reference))


def _refused(
    form: CodeForm, asked: entry_codes.Asked | None, error: RedaError, now: datetime
) -> Response:
    db.session.rollback()
    if isinstance(error, entry_codes.CodeEnded):
        again = AskForm(formdata=None, reference=asked.reference if asked else "")
        again.take(error)
        return render("debtor/code.html", form=again, status=error.status)
    form.take(error)
    response = _again(form, asked, error.status)
    if isinstance(error, EntryLocked):
        response.headers["Retry-After"] = str(ceil((error.until - now).total_seconds()))
    return response


def _again(form: CodeForm, asked: entry_codes.Asked | None, status: int) -> Response:
    if asked is None:
        return go(url_for("debtor.ask_for_code"))
    return render("debtor/code_enter.html", form=form, asked=asked, status=status)
