"""Cases that stopped for a person to look at."""

from flask import Response, flash, url_for
from flask_babel import gettext
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import cases, lifecycle
from portal.extensions import db
from portal.operations.views import actor, operations
from portal.web.rendering import go, render


@operations.get("/reviews")
def list_reviews() -> Response:
    """The cases that wait for a person, and why each of them stopped."""
    return render("operations/reviews.html", stopped=cases.for_review())


@operations.post("/reviews/<reference>")
def let_case_go_on(reference: str) -> Response:
    """Try again what stopped a case."""
    case = cases.find(reference)
    if case is None:
        raise NotFound
    lifecycle.let_go_on(case.id, actor=actor(), today=clock.today(), now=clock.now())
    db.session.commit()
    flash(gettext("The case goes on, and is tried again at once."), "good")
    return go(url_for("operations.list_reviews"))
