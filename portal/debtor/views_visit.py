"""How long the visit lasts, and staying longer."""

from flask import Response, url_for
from htmx_flask import request

from portal.debtor import access
from portal.debtor.views import debtor
from portal.identity import sessions
from portal.web.rendering import go, render


@debtor.get("/visit")
def show_visit() -> Response:
    """How long it lasts now, for the page that asks by itself; asking makes it no longer."""
    sessions.leave_as_is()
    return render("debtor/visit.html", block="visit_now", visit=access.visit())


@debtor.post("/visit")
def stay() -> Response:
    """Stay longer."""
    sessions.prolong()
    if not request.htmx:
        return go(url_for("debtor.show_visit"))
    return render("debtor/visit.html", block="visit_now", visit=access.visit())
