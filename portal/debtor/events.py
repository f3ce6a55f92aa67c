"""The history of a case in a debtor's words: what was sent, paid, said and agreed on.

What is the company's own, such as its notes and what it decided by which rules, is not told.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext, lazy_gettext
from flask_babel.speaklater import LazyString

from portal.collection import states
from portal.collection.history import Told
from portal.delivery.outbox import SentOrWaiting
from portal.extensions import settings
from portal.web.formats import format_date, kronor

Data = Mapping[str, Any]
# Told by what they come of, and not once more.
_TOLD_ELSEWHERE = (states.PLAN, states.DISPUTE)


@dataclass(frozen=True)
class Happened:
    """An event, and the letter that it sent, if that can be read."""

    at: datetime
    title: str
    text: str = ""
    letter_id: int | None = None


def timeline(
    events: Iterable[Told], letters: Iterable[SentOrWaiting], creditor: str
) -> Iterator[Happened]:
    """Those events that a debtor is told, in the order given.

    letters: of the case. creditor: its name.
    """
    # A letter is written in the moment of its event.
    by_moment = {(one.kind, one.created_at): one.id for one in letters if one.document_sha256}
    for event in events:
        told = _title(event.name, event.data, creditor)
        if told:
            at, kind = event.occurred_at, _LETTERS.get(event.name)
            yield Happened(at, str(told), _text(event.data), by_moment.get((kind or "", at)))


_LETTERS = {
    "case.reminder_sent": "reminder",
    "case.reminder_written_again": "reminder",
    "case.demand_sent": "demand",
    "case.demand_written_again": "demand",
    "case.plan_agreed": "plan",
    "case.plan_moved": "plan",
    "case.plan_rest": "plan",
    "case.postponed": "more_time",
    "case.dispute_asked": "dispute_answer",
    "case.dispute_answered": "dispute_answer",
}
_CLOSED = lazy_gettext("Your case is closed")
_PLAIN: Mapping[str, LazyString] = {
    "case.reminder_sent": lazy_gettext("Reminder sent"),
    "case.reminder_written_again": lazy_gettext("Reminder sent"),
    "case.demand_sent": lazy_gettext("Demand (inkassokrav) sent"),
    "case.demand_written_again": lazy_gettext("Demand (inkassokrav) sent"),
    "case.taken_to_law": lazy_gettext("At the Enforcement Authority (Kronofogden)"),
    "case.paid": lazy_gettext("Everything is paid"),
    "case.credited": _CLOSED,
    "case.recalled": _CLOSED,
    "case.returned": _CLOSED,
    "case.written_off": _CLOSED,
    "case.limited": _CLOSED,
    "case.due_date_changed": lazy_gettext("The due date was changed"),
    "case.disputed": lazy_gettext("You objected"),
    "case.dispute_asked": lazy_gettext("You were asked for more about your objection"),
    "case.dispute_replied": lazy_gettext("You told us more about your objection"),
    "case.dispute_answered": lazy_gettext("Your objection was answered"),
    "case.plan_agreed": lazy_gettext("You agreed on a payment plan"),
    "case.plan_moved": lazy_gettext("You changed the day of the payment plan"),
    "case.plan_rest": lazy_gettext("Your payment plan"),
    "case.postponed": lazy_gettext("You took more time to pay"),
    "case.plan_broken": lazy_gettext("The payment plan was not kept"),
    "case.plan_ended": lazy_gettext("The payment plan was ended"),
}


def _imported(data: Data, creditor: str) -> str:
    return gettext("%(creditor)s sent us the unpaid invoice", creditor=creditor)


def _received(data: Data, creditor: str) -> str:
    return gettext("You paid %(amount)s", amount=kronor(data["amount_ore"]))


def _taken_back(data: Data, creditor: str) -> str:
    return gettext("%(amount)s is no longer counted as paid", amount=kronor(data["amount_ore"]))


def _refunded(data: Data, creditor: str) -> str:
    return gettext(
        "%(amount)s went back on %(day)s.", amount=kronor(data["amount_ore"]), day=_day(data["on"])
    )


def _paid_directly(data: Data, creditor: str) -> str:
    return gettext(
        "You paid %(amount)s to %(creditor)s", amount=kronor(data["amount_ore"]), creditor=creditor
    )


def _lowered(data: Data, creditor: str) -> str:
    return gettext(
        "%(creditor)s took back %(amount)s", amount=kronor(data["amount_ore"]), creditor=creditor
    )


def _fee_fell(data: Data, creditor: str) -> str:
    # A fee of a letter that was ours to send, and that we took back.
    return _lowered(data, settings().service_name)


def _stopped(data: Data, creditor: str) -> str:
    if data["kind"] in _TOLD_ELSEWHERE:
        return ""
    if not data.get("until_on"):
        return gettext("Your case stands still")
    return gettext("Your case stands still until %(day)s.", day=_day(data["until_on"]))


def _resumed(data: Data, creditor: str) -> str:
    return "" if data["kind"] in _TOLD_ELSEWHERE else gettext("Your case goes on")


_SAYING: Mapping[str, Callable[[Data, str], str]] = {
    "case.imported": _imported,
    "case.payment_received": _received,
    "case.payment_taken_back": _taken_back,
    "case.refund_paid": _refunded,
    "case.paid_directly": _paid_directly,
    "case.credited_in_part": _lowered,
    "case.fee_fell": _fee_fell,
    "case.stopped": _stopped,
    "case.resumed": _resumed,
}


def _title(name: str, data: Data, creditor: str) -> str | LazyString:
    if name in _SAYING:
        return _SAYING[name](data, creditor)
    return _PLAIN.get(name, "")


def _text(data: Data) -> str:
    if not data.get("pay_by_on"):
        return ""
    return gettext("Pay no later than %(day)s.", day=_day(data["pay_by_on"]))


def _day(iso: str) -> str:
    return format_date(date.fromisoformat(iso))
