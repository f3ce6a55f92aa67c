"""What is made in the background: how far it is, its files, and who fetched them."""

from flask import Response, flash, url_for
from flask_babel import gettext
from werkzeug.exceptions import NotFound

from portal import clock
from portal.creditor import access, navigation
from portal.creditor.views import creditor
from portal.creditor.views_reports import language
from portal.database import files
from portal.extensions import db
from portal.messages import Problem, RedaError
from portal.reporting import holdings, orders, reports
from portal.reporting.models import ARCHIVE, Order
from portal.web.forms import text
from portal.web.rendering import go, is_seen, nothing_new, render


def _order(order_id: int) -> Order:
    order = orders.find(order_id)
    if order is None:
        raise NotFound
    if order.kind == ARCHIVE:
        # An archive holds everything there is of everybody.
        access.require_may_change()
        navigation.stand_under("list_documents")
    return order


@creditor.get("/<key>/orders/<int:order_id>")
def show_order(order_id: int) -> Response:
    """How far it is, and its files once they are made."""
    order = _order(order_id)
    state = f"{order.status}-{order.attempt}-{order.done}-{order.total}"
    if is_seen(state):
        return nothing_new()
    response = render(
        "creditor/order.html",
        block="progress" if order.is_under_way else "order",
        order=order,
        state=state,
        title=reports.KINDS[order.parameters["name"]].title
        if order.parameters.get("name") in reports.KINDS
        else None,
        fetched=orders.fetched(order),
        parts=", ".join(
            holdings.title(one)
            for one in order.parameters.get("parts", ())
            if one in holdings.PARTS
        ),
        failure=Problem.from_json(order.failure) if order.failure else None,
    )
    if not order.is_under_way:
        # The page asks for the bar alone; now all of it is another.
        response.headers["HX-Retarget"] = "#order"
    return response


@creditor.post("/<key>/orders/<int:order_id>/cancel")
def cancel_order(order_id: int) -> Response:
    """Stop it."""
    order = _order(order_id)
    try:
        orders.cancel(order, actor=access.actor(), now=clock.now())
        db.session.commit()
        flash(gettext("It is cancelled. Nothing was kept."), "info")
    except RedaError as error:
        db.session.rollback()
        flash(text(error), "warn")
    return go(url_for("creditor.show_order", order_id=order_id))


@creditor.post("/<key>/orders/<int:order_id>/again")
def order_again(order_id: int) -> Response:
    """Have the same made once more."""
    order = _order(order_id)
    try:
        order = orders.again(order, language=language(), actor=access.actor(), now=clock.now())
        db.session.commit()
    except RedaError as error:
        db.session.rollback()
        flash(text(error), "warn")
        return go(url_for("creditor.show_order", order_id=order_id))
    return go(url_for("creditor.show_order", order_id=order.id))


@creditor.get("/<key>/orders/<int:order_id>/files/<int:place>")
def fetch_file(order_id: int, place: int) -> Response:
    """One of its files; that it was fetched is written down."""
    order = _order(order_id)
    try:
        file = orders.fetch(order, place, actor=access.actor(), now=clock.now())
        pieces = files.stream(file["sha256"])
    except (RedaError, files.FileDamaged):
        db.session.rollback()
        raise NotFound from None
    db.session.commit()
    response = Response(pieces, mimetype=reports.TYPES[file["name"].rpartition(".")[2]])
    response.headers["Content-Length"] = str(file["size"])
    response.headers.set("Content-Disposition", "attachment", filename=file["name"])
    return response
