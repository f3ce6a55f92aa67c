"""What the reader has been told of at all their companies, and how they choose to be told."""

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, flash, g, make_response, url_for
from flask_babel import gettext, ngettext
from flask_login import current_user
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock
from portal.creditor import access, notices
from portal.creditor.forms_notifications import AddressForm, ChoicesForm, choices_form
from portal.database import tenancy
from portal.extensions import csrf, db, limiter, settings
from portal.identity import people, sessions
from portal.identity.people import Role
from portal.messages import RedaError
from portal.notifications import addressing, centre, choosing
from portal.notifications.centre import Filters, Reader
from portal.notifications.kinds import KINDS
from portal.web import languages
from portal.web.rendering import go, render

notifications = Blueprint("notifications", __name__, url_prefix="/notifications")
access.guard_person(notifications, open_to_all=("stop_mails", "stop_mails_now", "show_bell"))
_FILTERS = ("company", "kind", "failed", "unread")


def reader() -> Reader:
    """The reader, and where they have a role today."""
    return Reader(current_user.id, tuple(one.creditor_id for one in access.roles()))


def _company(key: str | None) -> Role | None:
    return next((one for one in access.roles() if one.creditor_key == key), None)


def _filters() -> Filters:
    company = _company(request.args.get("company"))
    kind = request.args.get("kind")
    return Filters(
        creditor_id=company.creditor_id if company else None,
        kind=kind if kind in KINDS else None,
        is_failed=request.args.get("failed") == "1",
        is_unread=request.args.get("unread") == "1",
    )


def _asked() -> dict[str, Any]:
    """The filters in the address, to stay with them."""
    return {name: value for name in _FILTERS if (value := request.args.get(name))}


@notifications.get("/")
def list_notifications() -> Response:
    """The notifications, the newest first, filtered as the address says."""
    return _list()


def _list() -> Response:
    now, after = clock.now(), request.args.get("after")
    filters = _filters()
    return render(
        "creditor/notifications.html",
        block="list",
        page=centre.page(reader(), filters, now=now, after=after),
        filters=filters,
        asked=_asked(),
        after=after,
        until=now.isoformat(),
        companies={one.creditor_id: one for one in access.roles()},
        notices=notices,
        is_fragment=bool(request.htmx and not request.htmx.boosted),
    )


@notifications.get("/<int:id>")
def open_notification(id: int) -> Response:
    """On to what a notification is about; it is read then."""
    found = centre.open_one(reader(), id, now=clock.now())
    if found is None:
        raise NotFound
    db.session.commit()
    company = next(one for one in access.roles() if one.creditor_id == found.creditor_id)
    path = notices.page_of(found.kind, found.data, company.creditor_key, count=found.count)
    return go(path)


@notifications.post("/<int:id>/read")
def mark_read(id: int) -> Response:
    """Mark one as read."""
    return _marked(centre.mark_read(reader(), id, now=clock.now()))


@notifications.post("/<int:id>/unread")
def mark_unread(id: int) -> Response:
    """Mark one as not read."""
    return _marked(centre.mark_unread(reader(), id, now=clock.now()))


def _marked(is_theirs: bool) -> Response:
    if not is_theirs:
        raise NotFound
    db.session.commit()
    if request.htmx:
        return _list()
    return go(url_for("notifications.list_notifications", **_asked()))


@notifications.post("/read")
def mark_all_read() -> Response:
    """Mark as read all that the list showed, on its further pages too."""
    count = centre.mark_all_read(reader(), _filters(), until=_until(), now=clock.now())
    db.session.commit()
    flash(
        ngettext(
            "%(num)s notification is marked as read.",
            "%(num)s notifications are marked as read.",
            count,
        ),
        "good",
    )
    return go(url_for("notifications.list_notifications", **_asked()))


def _until() -> datetime:
    try:
        until = datetime.fromisoformat(request.form.get("until", ""))
    except ValueError:
        return clock.now()
    return until if until.tzinfo is not None else clock.now()


@notifications.get("/bell")
def show_bell() -> Response:
    """The bell with its count, for a page that asks again and again; 304 when it is as before.

    Somebody whose session has ended is not led away from what they are writing: the page stops
    asking.
    """
    # That a page stands open does not mean that anybody sits before it.
    sessions.leave_as_is()
    if not current_user.is_authenticated or not access.roles():
        response = make_response("", 286)
        response.headers["HX-Reswap"] = "none"
        return response
    count = access.unread()
    response = make_response()
    response.set_etag(str(count))
    if request.if_none_match.contains(str(count)):
        response.status_code = 304
        return response
    seen = request.args.get("seen", type=int)
    response = render("creditor/bell.html", count=count, is_more=seen is None or count > seen)
    response.set_etag(str(count))
    return response


@notifications.get("/choices")
def show_choices() -> Response:
    """How the reader is told at a company."""
    company = _chosen_company()
    return _choices_page(company, _choices_form(company))


def _chosen_company() -> Role:
    key = request.args.get("company")
    found = _company(key) if key else access.roles()[0]
    if found is None:
        raise NotFound
    return found


def _choices_form(company: Role) -> ChoicesForm:
    return choices_form(
        company.role, choosing.choices_of(current_user.id, company.creditor_id, company.role)
    )


def _choices_page(
    company: Role,
    form: ChoicesForm,
    address: AddressForm | None = None,
    status: int = 200,
) -> Response:
    known = choosing.choices_of(current_user.id, company.creditor_id, company.role)
    daily, weekly = choosing.next_times(known.times, clock.now())
    if address is None:
        # What was posted is the other form's.
        language = current_user.language or languages.current().code
        data = {"email": current_user.email, "language": language}
        address = AddressForm(formdata=None, data=data)
    return render(
        "creditor/notification_choices.html",
        status=status,
        company=company,
        form=form,
        address=address,
        email=current_user.email,
        notices=notices,
        next_daily=daily,
        next_weekly=weekly,
    )


@notifications.post("/choices")
def save_choices() -> Response:
    """Keep the choices."""
    company = _chosen_company()
    form = _choices_form(company)
    if not form.validate():
        return _choices_page(company, form, status=422)
    for one in access.roles() if form.everywhere.data else [company]:
        choosing.save(current_user.id, one.creditor_id, one.role, form.choices(), now=clock.now())
    db.session.commit()
    flash(gettext("Your choices are saved."), "good")
    return go(url_for("notifications.show_choices", company=company.creditor_key))


@notifications.post("/choices/defaults")
def reset_choices() -> Response:
    """Forget the choices."""
    company = _chosen_company()
    choosing.back_to_defaults(current_user.id, company.creditor_id, company.role, now=clock.now())
    db.session.commit()
    flash(gettext("You are told as if you had chosen nothing."), "good")
    return go(url_for("notifications.show_choices", company=company.creditor_key))


@notifications.post("/address")
@limiter.limit("10 per hour")
def save_address() -> Response:
    """Keep the language, and ask a new address whether it is the reader's."""
    company, form = _chosen_company(), AddressForm()
    if not form.validate():
        return _choices_page(company, _unposted(company), form, status=422)
    addressing.write_in(current_user.id, form.language.data)
    written = (form.email.data or "").strip()
    try:
        if written and written != current_user.email:
            _ask(written, form.language.data)
            told = gettext(
                "We have sent an e-mail to %(address)s. Follow the link in it, and mails go there.",
                address=written,
            )
        else:
            told = gettext("Saved.")
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return _choices_page(company, _unposted(company), form, status=error.status)
    db.session.commit()
    flash(told, "good")
    return go(url_for("notifications.show_choices", company=company.creditor_key))


def _unposted(company: Role) -> ChoicesForm:
    choices = choosing.choices_of(current_user.id, company.creditor_id, company.role)
    return choices_form(company.role, choices, is_posted=False)


def _ask(to: str, language: str) -> None:
    link = addressing.link_of(current_user.id, to)
    url = f"{settings().base_url}{url_for('notifications.confirm_address', link=link)}"
    person = people.by_id(current_user.id)
    assert person is not None
    addressing.ask(person, to, url=url, language=language, now=clock.now())


@notifications.get("/address/<link>")
def confirm_address(link: str) -> Response:
    """The address in a mail's link is the reader's."""
    address = addressing.confirm(current_user.id, link)
    db.session.commit()
    flash(gettext("E-mails go to %(address)s from now on.", address=address), "good")
    return go(url_for("notifications.show_choices"))


@notifications.get("/stop/<link>")
def stop_mails(link: str) -> Response:
    """Ask whether to stop the mails that the link is in; programs may look at links."""
    _stopped(link)
    return render("creditor/stop_mails.html", is_done=False, company=g.stopped_company)


@notifications.post("/stop/<link>")
@csrf.exempt
def stop_mails_now(link: str) -> Response:
    """Stop them, as the page asks or a mail program does by itself (RFC 8058)."""
    person_id, role = _stopped(link)
    if role is not None:
        choosing.stop_mails(person_id, role.creditor_id, role.role, now=clock.now())
    db.session.commit()
    return render("creditor/stop_mails.html", is_done=True, company=g.stopped_company)


def _stopped(link: str) -> tuple[int, Role | None]:
    """The person of a link, and their role, which they may have lost meanwhile."""
    person_id, creditor_id = addressing.stopped_by(link)
    tenancy.enter(tenancy.Scope("creditor", (creditor_id,), person_id))
    roles = people.roles_of(person_id, clock.today())
    role = next((one for one in roles if one.creditor_id == creditor_id), None)
    g.stopped_company = role.creditor_name if role else None
    return person_id, role
