"""Views of the list of cases: kept, renamed, shared, removed, and begun with."""

from urllib.parse import parse_qsl

from flask import Response, flash, url_for
from flask_babel import gettext
from flask_login import current_user
from htmx_flask import request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import saved_views
from portal.creditor import access, case_list
from portal.creditor.case_list import Listing
from portal.creditor.forms_cases import ViewForm
from portal.creditor.views import creditor
from portal.extensions import db
from portal.messages import RedaError
from portal.web.forms import text
from portal.web.rendering import go, render


@creditor.get("/<key>/cases/views")
def list_views() -> Response:
    """The reader's views and those shared with them."""
    return _page()


@creditor.post("/<key>/cases/views")
def save_view() -> Response:
    """Keep a list under a name."""
    form = ViewForm()
    listing = _listing(form.query.data or "")
    if not form.validate_on_submit():
        return _page(form, listing, status=422)
    try:
        view = saved_views.save(
            access.role().creditor_id,
            form.name.data or "",
            listing.saved_query,
            # Who may only look keeps views for themselves.
            is_shared=form.is_shared.data and access.role().may_change,
            actor=access.actor(),
            now=clock.now(),
        )
        if form.is_default.data:
            _begin_with(str(view.id))
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return _page(form, listing, status=error.status)
    code, name = str(view.id), view.name
    db.session.commit()
    flash(gettext("The view “%(name)s” is kept.", name=name), "success")
    return go(case_list.view_url(code, listing.saved_query))


@creditor.post("/<key>/cases/views/<int:view_id>")
def change_view(view_id: int) -> Response:
    """Give a view another name, share it or no longer, or let it be of the list as it is now."""
    form = ViewForm()
    query = _listing(form.query.data).saved_query if form.query.data is not None else None
    is_renamed = query is None
    if is_renamed and not form.validate_on_submit():
        return _page(form, of=view_id, status=422)
    try:
        view = saved_views.change(
            access.role().creditor_id,
            view_id,
            actor=access.actor(),
            is_administrator=access.role().is_administrator,
            name=form.name.data if is_renamed else None,
            query=query,
            is_shared=_wants_shared(form) if is_renamed else None,
        )
        code, name, kept = str(view.id), view.name, view.query
        db.session.commit()
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return _page(form, of=view_id, status=error.status)
    flash(gettext("The view “%(name)s” is kept.", name=name), "success")
    return go(url_for("creditor.list_views") if is_renamed else case_list.view_url(code, kept))


def _wants_shared(form: ViewForm) -> bool | None:
    return bool(form.is_shared.data) if access.role().may_change else None


@creditor.post("/<key>/cases/views/<int:view_id>/remove")
def remove_view(view_id: int) -> Response:
    """Remove a view."""
    try:
        name = saved_views.remove(
            access.role().creditor_id,
            view_id,
            actor=access.actor(),
            is_administrator=access.role().is_administrator,
        )
        db.session.commit()
        flash(gettext("The view “%(name)s” is removed.", name=name), "success")
    except saved_views.NoSuchView as error:
        db.session.rollback()
        return _page(ViewForm(formdata=None), problem=text(error), status=error.status)
    return go(url_for("creditor.list_views"))


@creditor.post("/<key>/cases/views/begin")
def begin_with_view() -> Response:
    """Begin with a view each time."""
    _begin_with(request.form.get("view", case_list.ALL))
    db.session.commit()
    flash(gettext("From now on your list of cases begins with that."), "success")
    return go(url_for("creditor.list_views"))


def _begin_with(code: str) -> None:
    saved_views.choose_default(
        access.role().creditor_id, current_user.id, None if code == case_list.ALL else code
    )


def _listing(query: str) -> Listing:
    return case_list.read(MultiDict(parse_qsl(query)), clock.today())


def _page(
    form: ViewForm | None = None,
    listing: Listing | None = None,
    *,
    of: int | None = None,
    problem: str | None = None,
    status: int = 200,
) -> Response:
    """The page of views; form: one that could not be taken. of: the view that it is about."""
    creditor_id = access.role().creditor_id
    views = saved_views.every(creditor_id, current_user.id)
    if of is not None and of not in {one.id for one in views}:
        raise NotFound
    return render(
        "creditor/views.html",
        status=status,
        links=case_list.links(views),
        default=saved_views.default(creditor_id, current_user.id) or case_list.ALL,
        form=form or ViewForm(formdata=None),
        query=listing.saved_query if listing else None,
        of=of,
        problem=problem,
    )
