"""The history of a company's settings: who changed what, when; compared, undone, restored."""

from flask import Response, flash, url_for
from flask_babel import gettext
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import history, policy, rulebook
from portal.creditor import access, settings, undoing
from portal.creditor.events import tell
from portal.creditor.forms_rules import number_of
from portal.creditor.names import actor_name
from portal.creditor.views import creditor
from portal.extensions import db
from portal.messages import RedaError
from portal.web.forms import text
from portal.web.rendering import go, render

_SHOWN = 50
# Rows of one change that its line tells; all of them stand on its own page.
_ROWS = 5


@creditor.get("/<key>/rules/history")
def list_changes() -> Response:
    """Every change of the settings, the newest first."""
    before = request.args.get("before", type=int)
    events = history.of_creditor(access.role().creditor_id, before=before, limit=_SHOWN)
    return render(
        "creditor/changes.html",
        changes=[_told(one) for one in events],
        before=before,
        next_before=events[-1].id if len(events) == _SHOWN else None,
    )


def _told(event: history.Told) -> dict[str, object]:
    """A line of the list: of a change of the rules, each field before and after."""
    if event.name != rulebook.EVENT:
        return {**tell(event), "id": event.id, "rows": (), "more": 0}
    rows = [_row(one) for one in rulebook.read(event.data)]
    return {
        "id": event.id,
        "is_rules": True,
        "at": event.occurred_at,
        "who": actor_name(event.actor),
        "title": gettext("The rules were changed"),
        "rows": rows[:_ROWS],
        "more": len(rows) - _ROWS if len(rows) > _ROWS else 0,
    }


def _row(change: rulebook.Change) -> dict[str, object]:
    return {
        "scope": settings.scope_name(change.scope, change.key),
        "fields": [
            (
                label,
                settings.told(name, change.before[name]),
                settings.told(name, change.after[name]),
            )
            for name, label in settings.LABELS.items()
            if name in change.after
        ],
    }


@creditor.get("/<key>/rules/history/<int:event_id>")
def show_change(event_id: int) -> Response:
    """One change, and how what held after it differs from what holds now."""
    creditor_id = access.role().creditor_id
    event = _change(event_id)
    then = rulebook.as_after(creditor_id, event_id, "company", "")
    now = rulebook.own(creditor_id)
    return render(
        "creditor/change.html",
        event=event,
        who=actor_name(event.actor),
        rows=[_row(one) for one in event.changes],
        compared=[
            (settings.label(name), settings.told(name, then[name]), settings.told(name, now[name]))
            for name in policy.DEFAULTS
            if then[name] != now[name]
        ],
        version=rulebook.version(creditor_id),
    )


def _change(event_id: int) -> rulebook.Told:
    try:
        return rulebook.told(access.role().creditor_id, event_id)
    except RedaError as error:
        raise NotFound from error


@creditor.post("/<key>/rules/history/<int:event_id>/undo")
def undo_change(event_id: int) -> Response:
    """Put back what a change changed."""
    _change(event_id)
    try:
        done = rulebook.undo(
            access.role().creditor_id, event_id, actor=access.actor(), today=clock.today(),
            now=clock.now(),
        )  # fmt: skip
    except RedaError as error:
        return _refused(error, event_id)
    undoing.done(gettext("The change is undone."), done)
    return go(undoing.way_back(url_for("creditor.list_changes")))


@creditor.post("/<key>/rules/history/<int:event_id>/restore")
def restore_rules(event_id: int) -> Response:
    """Let the company's rules be as they were right after a change."""
    creditor_id = access.role().creditor_id
    _change(event_id)
    then = rulebook.as_after(creditor_id, event_id, "company", "")
    values = {
        name: policy.DEFAULTS[name] if value is None else value
        for name, value in then.items()
        if name in policy.DEFAULTS
    }
    try:
        done = rulebook.save(
            creditor_id, values, number_of(request.form.get("version")), actor=access.actor(),
            today=clock.today(), now=clock.now(),
        )  # fmt: skip
    except RedaError as error:
        return _refused(error, event_id)
    undoing.done(gettext("The rules are as they were then."), done)
    return go(url_for("creditor.list_changes"))


def _refused(error: RedaError, event_id: int) -> Response:
    db.session.rollback()
    flash(text(error), "danger")
    return go(undoing.way_back(url_for("creditor.show_change", event_id=event_id)))
