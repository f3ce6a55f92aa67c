"""Changes of the rules in words: who made them, and what each field was and is."""

from collections.abc import Iterable, Mapping
from typing import Any

from flask import url_for
from flask_babel import gettext, ngettext

from portal.collection.rulebook import Change, Told
from portal.creditor import settings
from portal.creditor.names import actor_name


def told(change: Change) -> list[tuple[str, str, str]]:
    """Each field that changed: its label, what it was, and what it is."""
    return [
        (settings.label(name), _value(name, change.before), _value(name, change.after))
        for name in change.after
    ]


def _value(name: str, values: Mapping[str, Any]) -> str:
    value = values[name]
    return gettext("not chosen") if value in (None, "") else settings.told(name, value)


def tell_all(changes: Iterable[tuple[Told, Change]]) -> list[dict[str, object]]:
    """What became of one customer or class, change by change, each with its way back."""
    return [
        {
            "at": event.at,
            "who": actor_name(event.actor),
            "fields": told(change),
            "others": _others(len(event.changes) - 1),
            "undo_url": url_for("creditor.undo_change", event_id=event.id),
        }
        for event, change in changes
    ]


def _others(count: int) -> str:
    if not count:
        return ""
    return ngettext(
        "The same change touched %(num)s other; undoing it undoes that too.",
        "The same change touched %(num)s others; undoing it undoes those too.",
        count,
    )
