"""Telling that rules were changed, with a way back, and going back."""

from flask import flash, url_for
from flask_babel import gettext
from htmx_flask import request

from portal.database import queue
from portal.extensions import db
from portal.messages import RedaError
from portal.web.forms import text as in_words


def done(text: str, event_id: int | None) -> None:
    """Commit a change of the rules, let them decide on what waits, and tell it with its way back.

    event_id: of the change, None when nothing changed.
    """
    if event_id is None:
        db.session.commit()
        flash(gettext("It was so already. Nothing has changed."), "info")
        return
    queue.defer("import_overdue_invoices", once="import_overdue_invoices")
    db.session.commit()
    flash(
        {
            "text": text,
            "post": url_for("creditor.undo_change", event_id=event_id),
            "button": gettext("Undo"),
        },  # type: ignore[arg-type]
        "good",
    )


def refused(error: RedaError) -> None:
    """Tell at the top of the page that comes next why something was not done."""
    flash(in_words(error), "warn")


def way_back(otherwise: str) -> str:
    """The company's page that an act was asked for on. otherwise: when none is told."""
    company = url_for("creditor.show_overview")
    back = request.form.get("back", "")
    # Only the company's own pages: an address from outside could be someone else's.
    is_own = back.startswith(company) and "\\" not in back and back.isprintable()
    return back if is_own else otherwise
