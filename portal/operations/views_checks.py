"""Whether stored files and the logs of documents are what was written, as the checks found."""

from datetime import datetime

from flask import Response, flash, url_for
from flask_babel import gettext
from sqlalchemy import select

from portal.database import file_checks, queue
from portal.extensions import db
from portal.identity.models import Creditor
from portal.operations.names import table_name
from portal.operations.views import operations
from portal.signing import log_checks
from portal.web.rendering import go, render


def wrong_files() -> int:
    """How many files the newest check found damaged or missing."""
    last = file_checks.last_ended()
    return last.damaged + last.missing if last else 0


def wrong() -> int:
    """How many files and logs are not what was written."""
    return wrong_files() + len(log_checks.broken())


def checked_at() -> datetime | None:
    """When all files were last read to the end."""
    last = file_checks.last_ended()
    return last.ended_at if last else None


@operations.get("/checks")
def list_checks() -> Response:
    """The checks of all files, and what they found."""
    checks = file_checks.newest()
    # What goes on tells what it has found so far.
    told = next((one for one in checks if one.problems or one.ended_at), None)
    return render(
        "operations/checks.html",
        checks=checks,
        problems=told.problems if told else [],
        most_told=file_checks.MOST_TOLD,
        count=told.damaged + told.missing if told else 0,
        company={
            row.id: row.name for row in db.session.execute(select(Creditor.id, Creditor.name))
        },
        broken=log_checks.broken(),
        logs=log_checks.checked(),
        table_name=table_name,
    )


@operations.post("/checks")
def check_files() -> Response:
    """Have all files read again now."""
    queue.defer("check_files", once="check_files", is_asked=True)
    db.session.commit()
    flash(gettext("All files are read again, beginning soon."), "good")
    return go(url_for("operations.list_checks"))
