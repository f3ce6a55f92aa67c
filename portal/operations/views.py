"""The operator's door: whether all is well, what has failed, and what needs a person."""

import json
from collections.abc import Callable
from typing import TypeVar

from flask import Blueprint, Response, flash, session, url_for
from flask_babel import gettext
from flask_login import current_user
from htmx_flask import request
from werkzeug.exceptions import Forbidden

from portal import clock, ledger
from portal.collection import cases, days, history, lifecycle, rates
from portal.database import tenancy
from portal.delivery import letters, outbox
from portal.extensions import db
from portal.identity import button_presses
from portal.identity.actor import Actor
from portal.messages import RedaError
from portal.operations import jobs
from portal.operations.names import job_name
from portal.payments import (
    chargebacks,
    deciding,
    exchange_rates,
    refunds,
    told_twice,
    uneven,
)
from portal.signing import log_checks
from portal.web.rendering import go, render

T = TypeVar("T")
operations = Blueprint("operations", __name__, url_prefix="/operations")


def actor() -> Actor:
    """The reader, for the history."""
    return Actor("person", current_user.name, current_user.id, "operator")


def once(decide: Callable[[], T], where: Callable[[T], str], told: str = "") -> Response:
    """Decide and go to the page that shows it; also when the same press has just decided that.

    where: the page, of what decide answers. told: what it says then, if that is to be said. Raises
    what decide raises, rolled back.
    """
    pressed = _pressed()
    try:
        url = where(decide())
        button_presses.keep(current_user.id, pressed, url=url, told=told, now=clock.now())
        db.session.commit()
    except RedaError:
        db.session.rollback()
        led_to = button_presses.led_to(current_user.id, pressed, now=clock.now())
        if led_to is None:
            raise
        url, told = led_to
    if told and told not in (words for _, words in session.get("_flashes", ())):
        flash(told, "good")
    return go(url)


def _pressed() -> str:
    values = request.form.items(multi=True)
    return json.dumps([request.path, sorted(one for one in values if one[0] != "csrf_token")])


@operations.before_request
def _require_operator() -> Response | None:
    if not current_user.is_authenticated:
        is_reading = request.method in ("GET", "HEAD")
        asked = request.path if is_reading else url_for("operations.show_status")
        return go(url_for("signing.sign_in", next=asked))
    if not current_user.is_operator:
        raise Forbidden
    tenancy.enter(tenancy.Scope("service", person_id=current_user.id))
    return None


# Endpoint of a tab, its text, and how many things wait there.
def _tabs() -> tuple[tuple[str, str, int], ...]:
    return (
        ("show_status", gettext("Status"), 0),
        ("list_jobs", gettext("Jobs"), jobs.counts().get("failed", 0)),
        ("list_messages", gettext("Messages"), outbox.counts().get("failed", 0)),
        ("list_reviews", gettext("For a person"), cases.count_for_review()),
        ("list_bank_files", gettext("Files from banks"), 0),
        ("list_payouts", gettext("Payouts"), 0),
        ("list_payments", gettext("Payments to match"), deciding.count() + told_twice.count()),
        ("list_at_once", gettext("Swish, card and account"), chargebacks.count()),
        ("list_refunds", gettext("Refunds"), refunds.count()),
        ("list_charges", gettext("Charges"), exchange_rates.count_wanted()),
        ("show_books", gettext("Books"), 0),
        ("list_reconciled_days", gettext("Reconciliation"), views_reconciliation.wrong()),
        ("list_checks", gettext("Files and logs"), views_checks.wrong()),
        ("list_rates", gettext("Reference rates"), 0),
        ("list_languages", gettext("Languages"), 0),
    )


@operations.context_processor
def _frame() -> dict[str, object]:
    # An error page is drawn for whoever was kept out, too.
    if not (current_user.is_authenticated and current_user.is_operator):
        return {}
    here = (request.endpoint or "").partition(".")[2]
    items = [
        {
            "text": name,
            "url": url_for(f"operations.{endpoint}"),
            "current": here == endpoint,
            "count": waiting,
        }
        for endpoint, name, waiting in _tabs()
    ]
    return {
        "nav_items": items,
        "person_name": current_user.name,
        "sign_out_url": url_for("signing.sign_out"),
        "home_url": url_for("operations.show_status"),
    }


@operations.get("/")
def show_status() -> Response:
    """Whether all is well, and where it is not."""
    table = rates.table()
    return render(
        "operations/status.html",
        jobs=jobs.counts(),
        latest=jobs.latest_runs(),
        job_name=job_name,
        messages=outbox.counts(),
        to_try_again=outbox.to_try_again(),
        reviews=cases.count_for_review(),
        off_balance_ore=sum(ledger.totals().values()),
        rates_through=table.known_through,
        broken_histories=history.broken(),
        history_checked_at=history.checked_at(),
        wrong_files=views_checks.wrong_files(),
        broken_logs=log_checks.broken(),
        wrong_day=views_reconciliation.wrong_day(),
        files_checked_at=views_checks.checked_at(),
        are_letters_fast=letters.is_fast(),
        are_rates_known=table.known_through >= clock.today(),
    )


@operations.get("/books")
def show_books() -> Response:
    """The trial balance: every account's sum over all creditors."""
    balance = ledger.totals()
    unbooked, unbalanced = uneven.payments(), uneven.refunds_due()
    return render(
        "operations/books.html",
        rows=list(balance.items()),
        total_ore=sum(balance.values()),
        differences=uneven.statuses(),
        unbooked=unbooked,
        unbalanced=unbalanced,
        read_at=uneven.read_at(),
        names_of_cases=cases.names(
            [*(one.case_id for one in unbooked), *(one.case_id for one in unbalanced)]
        ),
        days=days.newest(),
    )


@operations.get("/jobs")
def list_jobs() -> Response:
    """Jobs that were tried in vain."""
    return render("operations/jobs.html", failed=jobs.failed(), job_name=job_name)


@operations.post("/jobs/<int:job_id>/retry")
def retry_job(job_id: int) -> Response:
    """Let a failed job run again."""
    jobs.retry(job_id)
    db.session.commit()
    flash(gettext("The job runs again soon."), "good")
    return go(url_for("operations.list_jobs"))


@operations.get("/messages")
def list_messages() -> Response:
    """Letters and messages that could not be sent."""
    messages = outbox.given_up()
    return render(
        "operations/messages.html",
        messages=messages,
        kept_back=outbox.KEPT_BACK,
        names_of_cases=cases.names(one.case_id for one in messages if one.case_id is not None),
    )


@operations.post("/messages/<int:message_id>/retry")
def retry_message(message_id: int) -> Response:
    """Write a letter that was given up anew, or try an e-mail again; it is sent soon."""
    if outbox.try_again(message_id, clock.now()):
        told = gettext("The e-mail is sent again soon.")
    else:
        lifecycle.write_again(message_id, actor=actor(), today=clock.today(), now=clock.now())
        told = gettext("The letter is written again, and sent soon.")
    db.session.commit()
    flash(told, "good")
    return go(url_for("operations.list_messages"))


from portal.operations import (  # noqa: E402
    views_at_once,  # noqa: F401
    views_bank,  # noqa: F401
    views_charges,  # noqa: F401
    views_checks,
    views_exchange_rates,  # noqa: F401
    views_forwarding,  # noqa: F401
    views_languages,  # noqa: F401
    views_payments,  # noqa: F401
    views_payouts,  # noqa: F401
    views_rates,  # noqa: F401
    views_reconciliation,
    views_refunds,  # noqa: F401
    views_reviews,  # noqa: F401
)
