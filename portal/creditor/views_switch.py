"""The switch: collection on, paused, or everything held; what is missing; what happens next."""

from dataclasses import dataclass
from datetime import date, datetime, time

from flask import Response, flash, url_for
from flask_babel import gettext
from htmx_flask import request

from portal import clock, jobs
from portal.collection import holding, previewing
from portal.collection.previewing import Asked, Sum
from portal.creditor import access, checklist
from portal.creditor.names import actor_name
from portal.creditor.views import creditor
from portal.extensions import db
from portal.law.calendar import banking_day_on_or_after
from portal.law.fees import REMINDER, fee
from portal.messages import RedaError
from portal.web.forms import text
from portal.web.rendering import go, render


@dataclass(frozen=True)
class Coming:
    """What happens in the next hour, and from then on.

    taken: what becomes a case at the next run, imported_at. written_on: the day on which its
    reminders are written, at written_at. later: what follows within the days of a preview.
    """

    taken: Sum
    imported_at: datetime
    written_on: date
    written_at: datetime
    fee_ore: int
    later: Sum


def coming(creditor_id: int, *, now: datetime, is_on: bool) -> Coming:
    """is_on: as collection is; else as if it were switched on now."""
    today = clock.day_of(now)
    found = previewing.preview(Asked(creditor_id, today, assumes_on=not is_on))
    written_on = banking_day_on_or_after(today)
    midnight = datetime.combine(written_on, time(), clock.STOCKHOLM)
    return Coming(
        taken=found.taken_today,
        imported_at=jobs.next_run("import_overdue_invoices", now),
        written_on=written_on,
        written_at=jobs.next_run("advance_cases", max(now, midnight)),
        fee_ore=fee(REMINDER, written_on).amount_ore,
        later=found.taken,
    )


@creditor.get("/<key>/switch")
def show_switch() -> Response:
    """Whether collection is on, what is missing, and what happens next."""
    return _page()


def _page(status: int = 200) -> Response:
    creditor_id, now = access.role().creditor_id, clock.now()
    stands = holding.standing(creditor_id)
    items = checklist.of_company(creditor_id, clock.today())
    return render(
        "creditor/switch.html",
        status=status,
        stands=stands,
        items=items,
        missing=checklist.missing(items),
        coming=coming(creditor_id, now=now, is_on=stands.is_active),
        actor_name=actor_name,
        most_words=holding.MOST_WORDS,
    )


@creditor.post("/<key>/switch/on")
def turn_on() -> Response:
    """Switch collection on, if nothing is missing."""
    creditor_id = access.role().creditor_id
    missing = checklist.missing(checklist.of_company(creditor_id, clock.today()))
    try:
        holding.turn_on(creditor_id, missing=missing, actor=access.actor(), now=clock.now())
    except RedaError as error:
        db.session.rollback()
        flash(text(error), "danger")
        return _page(error.status)
    db.session.commit()
    flash(gettext("Collection is on."), "good")
    return go(url_for("creditor.show_switch"))


@creditor.post("/<key>/switch/off")
def pause() -> Response:
    """Open no new case from now on."""
    holding.pause(access.role().creditor_id, actor=access.actor(), now=clock.now())
    db.session.commit()
    flash(gettext("Collection is paused. From now on no new case is opened."), "good")
    return go(url_for("creditor.show_switch"))


@creditor.post("/<key>/switch/hold")
def hold_everything() -> Response:
    """Let every case stand still at once."""
    reason = " ".join(request.form.get("reason", "").split())
    try:
        holding.hold_everything(
            access.role().creditor_id, reason, actor=access.actor(), now=clock.now()
        )
    except RedaError as error:
        db.session.rollback()
        flash(text(error), "danger")
        return _page(error.status)
    db.session.commit()
    flash(gettext("Everything stands still. Nothing is sent until you let it go on."), "good")
    return go(url_for("creditor.show_switch"))


@creditor.post("/<key>/switch/go-on")
def resume_everything() -> Response:
    """Let the cases go on."""
    holding.go_on(access.role().creditor_id, actor=access.actor(), now=clock.now())
    db.session.commit()
    flash(gettext("The cases go on."), "good")
    return go(url_for("creditor.show_switch"))
