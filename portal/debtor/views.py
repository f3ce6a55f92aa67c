"""The debtor's door: the blueprint, and the way in and out."""

from math import ceil

from flask import Blueprint, Response, flash, g, make_response, url_for
from flask_babel import gettext
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import access as entry
from portal.collection import cases, debts
from portal.debtor import access
from portal.debtor.forms import EnterForm
from portal.debtor.limits import is_refused
from portal.extensions import db, limiter
from portal.web import errors
from portal.web.keeping import kept
from portal.web.orders import is_phone
from portal.web.rendering import go, render, render_kept

debtor = Blueprint("debtor", __name__)
access.guard(debtor)


@debtor.get("/")
def start() -> Response:
    """Where a letter leads: reference and code."""
    reference = request.args.get("reference", "")
    # The letter of another case leads to that case, also for whoever has one open.
    if access.opened() and (not reference or access.has_opened(reference)):
        return go(first_page(reference))
    on_phone = is_phone()
    return render_kept(
        "debtor/start.html",
        lambda: {"form": EnterForm(reference=reference), "is_phone": on_phone},
        key=on_phone,
    )


def _before_the_door(form: EnterForm, *, status: int = 200) -> Response:
    return render("debtor/start.html", status=status, form=form, is_phone=is_phone())


@debtor.errorhandler(NotFound)
def _not_open(error: NotFound) -> Response:
    """A page of a case that this visit does not see, such as in a tab from before another letter's
    code was written: it opens again as it did, whether there is such a case or not."""
    reference = g.get("debtor_reference")
    is_read = request.method == "GET" and not request.htmx and access.opened()
    if not is_read or not reference or access.has_opened(reference):
        return errors.answer(404)
    flash(gettext("Your visit has ended. Write the reference and the code again."), "info")
    return _before_the_door(EnterForm(formdata=None, reference=reference), status=404)


def first_page(reference: str = "") -> str:
    """Where somebody who is in begins: at the case named, at the only one, or at all of them."""
    opened = access.opened()
    if not reference and len(opened) == 1:
        reference = "".join(one.reference for one in cases.of_ids(opened))
    if reference:
        return url_for("debtor.show_case", reference=reference)
    return url_for("debtor.overview")


@debtor.post("/")
@limiter.limit("10 per minute; 60 per hour", deduct_when=is_refused)
def enter() -> Response:
    """Open the case that reference and code belong to."""
    form = EnterForm()
    if not form.validate_on_submit():
        return _before_the_door(form, status=422)
    now = clock.now()
    try:
        case_id = entry.enter(
            form.reference.data or "",
            form.code.data or "",
            address=request.remote_addr or "",
            now=now,
        )
    except (entry.EntryRefused, entry.EntryLocked) as error:
        form.take(error)
        response = _before_the_door(form, status=error.status)
        if isinstance(error, entry.EntryLocked):
            response.headers["Retry-After"] = str(ceil((error.until - now).total_seconds()))
        return response
    db.session.commit()
    access.open_by_letter(case_id)
    return go(url_for("debtor.show_case", reference=entry.tidy(form.reference.data or "")))


@debtor.get("/overview")
@kept
def overview() -> Response:
    """All the cases that were opened: what is owed in all, and what comes next in each."""
    today, opened = clock.today(), access.opened()
    found = debts.of(opened, today)
    return render(
        "debtor/overview.html",
        debts=found,
        today=today,
        news=views_news.news_of_all(found.newest_money),
    )


@debtor.post("/leave")
def leave() -> Response:
    """End the visit on this device."""
    access.leave()
    flash(gettext("You have left your case. Nothing of it is kept on this device."), "good")
    return go(url_for("debtor.start"))


@debtor.get("/health")
def health() -> Response:
    """Whether the portal and its database answer, for whoever watches over them."""
    db.session.execute(db.select(1))
    return make_response("ok\n", 200, {"Content-Type": "text/plain"})


from portal.debtor import (  # noqa: E402, F401
    views_bankid,
    views_cannot_pay,
    views_case,
    views_codes,
    views_contact,
    views_data,
    views_files,
    views_help,
    views_languages,
    views_links,
    views_messages,
    views_more_time,
    views_news,
    views_object,
    views_pay,
    views_pay_many,
    views_plan,
    views_told,
    views_visit,
    views_why,
)
