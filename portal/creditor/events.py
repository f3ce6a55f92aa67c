"""The history of a case in words."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Protocol

from flask_babel import gettext

from portal.creditor.names import actor_name
from portal.messages import Problem
from portal.web.formats import format_date, kronor
from portal.web.forms import text as problem_text

Data = Mapping[str, Any]


class Event(Protocol):
    """What the history tells of one event."""

    name: str
    occurred_at: datetime
    actor: str
    data: dict[str, Any]


def _day(data: Data, name: str) -> str:
    return format_date(date.fromisoformat(data[name]))


def _imported(data: Data) -> tuple[str, str]:
    return gettext("The invoice became a case"), gettext(
        "Invoice %(number)s of %(amount)s fell due on %(due)s. Days of waiting: %(days)s, by"
        " %(scope)s.",
        number=data["invoice"],
        amount=kronor(data["principal_ore"]),
        due=_day(data, "due_on"),
        days=data["days_after_due"],
        scope=_scope(data["scope"]),
    )


def _scope(code: str) -> str:
    return {
        "company": gettext("the company's rules"),
        "class": gettext("the rules of the customer class"),
        "customer": gettext("the rules of this customer"),
    }.get(code, gettext("the rules that hold when nothing else is chosen"))


def _reminder_sent(data: Data) -> tuple[str, str]:
    asked = gettext(
        "It asks for %(amount)s no later than %(day)s.",
        amount=kronor(data["total_ore"]),
        day=_day(data, "pay_by_on"),
    )
    if data["fee_ore"]:
        fee = gettext(
            "The reminder fee of %(amount)s was added (%(statute)s).",
            amount=kronor(data["fee_ore"]),
            statute=data["statute"],
        )
    elif data["fee_charged_before"]:
        fee = gettext("No fee was added, because a reminder fee had been charged before.")
    elif not data["fee_agreed"]:
        fee = gettext("No fee was added, because none was agreed with the customer.")
    else:
        fee = gettext("No fee was added.")
    return gettext("A reminder was written"), f"{asked} {fee}"


def _reminder_written_again(data: Data) -> tuple[str, str]:
    return gettext("The reminder was written again, because it could not be sent"), gettext(
        "It asks for %(amount)s no later than %(day)s.",
        amount=kronor(data["total_ore"]),
        day=_day(data, "pay_by_on"),
    )


def _payment_received(data: Data) -> tuple[str, str]:
    told = gettext(
        "%(amount)s, valued on %(day)s: %(principal)s on the invoice, %(interest)s interest,"
        " %(fees)s fees.",
        amount=kronor(data["amount_ore"]),
        day=_day(data, "value_on"),
        principal=kronor(data["principal_ore"]),
        interest=kronor(data["interest_ore"]),
        fees=kronor(data["fees_ore"]),
    )
    if data["overpaid_ore"]:
        told += " " + gettext(
            "%(amount)s was paid too much and goes back.", amount=kronor(data["overpaid_ore"])
        )
    if data["left_ore"]:
        told += " " + gettext("%(amount)s is left to pay.", amount=kronor(data["left_ore"]))
    return gettext("A payment came"), told


def _paid(data: Data) -> tuple[str, str]:
    return gettext("Everything is paid"), gettext(
        "The case was closed as of %(day)s.", day=_day(data, "closed_on")
    )


def _needs_review(data: Data) -> tuple[str, str]:
    return gettext("Stopped for a person to look at"), " ".join(
        problem_text(Problem.from_json(one)) for one in data["problems"]
    )


def _review_ended(data: Data) -> tuple[str, str]:
    return gettext("A person at Reda has looked at it, and it goes on"), ""


_TEXTS: Mapping[str, Callable[[Data], tuple[str, str]]] = {
    "case.imported": _imported,
    "case.reminder_sent": _reminder_sent,
    "case.reminder_written_again": _reminder_written_again,
    "case.payment_received": _payment_received,
    "case.paid": _paid,
    "case.needs_review": _needs_review,
    "case.review_ended": _review_ended,
}


def tell(event: Event) -> dict[str, object]:
    """An event for a timeline: when, what, who. One without words of its own shows its name."""
    text = _TEXTS.get(event.name)
    title, told = text(event.data) if text else (event.name, "")
    return {
        "at": event.occurred_at,
        "title": title,
        "text": told,
        "who": actor_name(event.actor),
    }
