"""Letters to a protected identity, which an operator posts to the Tax Agency."""

from flask import Response, flash, make_response, url_for
from flask_babel import gettext

from portal import clock
from portal.collection import forwarding
from portal.delivery import sending
from portal.extensions import db
from portal.operations.views import actor, operations
from portal.web.rendering import go, render


@operations.get("/messages/<int:message_id>/forward")
def show_forwarding(message_id: int) -> Response:
    """How a letter that is kept back is posted, step by step."""
    kept = forwarding.find(message_id)
    return render("operations/forward.html", kept=kept, agency=forwarding.AGENCY)


@operations.get("/messages/<int:message_id>/forward.pdf")
def print_forwarded(message_id: int) -> Response:
    """The letter to print, without an address."""
    response = make_response(sending.without_address(message_id))
    response.headers["Content-Type"] = "application/pdf"
    response.headers.set("Content-Disposition", "inline", filename=f"letter-{message_id}.pdf")
    return response


@operations.post("/messages/<int:message_id>/forward")
def note_forwarded(message_id: int) -> Response:
    """Note that the letter is posted."""
    forwarding.note_posted(message_id, actor=actor(), now=clock.now())
    db.session.commit()
    flash(gettext("The letter is noted as posted."), "good")
    return go(url_for("operations.list_messages"))
