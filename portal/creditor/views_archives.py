"""Documents to take along: what kinds, of which days, how much it is; made in the background."""

from datetime import date

from flask import Response, flash, url_for
from flask_babel import gettext
from htmx_flask import request

from portal import clock
from portal.collection.history import Told
from portal.creditor import access, events
from portal.creditor.views import creditor
from portal.creditor.views_reports import language
from portal.extensions import db
from portal.messages import RedaError
from portal.reporting import archives, holdings, orders
from portal.reporting.models import ARCHIVE
from portal.web.forms import text
from portal.web.rendering import go, render


def _said(event: Told) -> tuple[str, str, str]:
    told = events.tell(event)
    return str(told["title"]), str(told["text"]), str(told["who"])


# Histories on paper say what the case's page says.
holdings.speak_with(_said)


@creditor.get("/<key>/archives")
def list_archives() -> Response:
    """Choose documents, see how much it is, and what was made before."""
    access.require_may_change()
    creditor_id, found, problem = access.role().creditor_id, [], None
    today = clock.today()
    asked = {
        "from": request.args.get("from") or date(today.year, 1, 1).isoformat(),
        "to": request.args.get("to") or today.isoformat(),
    }
    parts = request.args.getlist("parts")
    # The form tells its days even when no kind of document is chosen in it.
    if parts or "from" in request.args:
        try:
            found = archives.estimate(creditor_id, archives.parameters(asked, parts))
        except RedaError as error:
            problem = error
    after = request.args.get("after", type=int)
    return render(
        "creditor/archives.html",
        block="choice",
        status=problem.status if problem else 200,
        asked=asked,
        parts=parts,
        all_parts=holdings.PARTS,
        found=found,
        problem=problem,
        page=orders.page(creditor_id, ARCHIVE, after),
        after=after,
    )


@creditor.post("/<key>/archives")
def order_archive() -> Response:
    """Have an archive made."""
    parts = request.form.getlist("parts")
    try:
        chosen = archives.parameters(request.form, parts)
        order = orders.put(
            access.role().creditor_id,
            ARCHIVE,
            chosen,
            language=language(),
            actor=access.actor(),
            now=clock.now(),
        )
    except RedaError as error:
        db.session.rollback()
        flash(text(error), "warn")
        return go(url_for("creditor.list_archives"))
    db.session.commit()
    flash(gettext("You may leave this page; the archive is kept for you."), "info")
    return go(url_for("creditor.show_order", order_id=order.id))
