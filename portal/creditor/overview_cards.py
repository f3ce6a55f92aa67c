"""The cards of the overview: which there are, how a person wants them, and what waits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from flask import url_for
from flask_babel import gettext, lazy_gettext, ngettext
from flask_babel.speaklater import LazyString

from portal import clock
from portal.collection import needs
from portal.collection.needs import Need
from portal.web.formats import number

PREFERENCE = "overview"
SMALL, WIDE = "small", "wide"
SIZES = (SMALL, WIDE)
TITLES: Mapping[str, LazyString] = {
    "needs": lazy_gettext("What needs you"),
    "owed": lazy_gettext("Owed to you"),
    "money": lazy_gettext("Collected this month"),
    "ageing": lazy_gettext("Unpaid, by days after the due date"),
    "forecast": lazy_gettext("The next four weeks"),
    "standing": lazy_gettext("Open cases, by step"),
    "solved": lazy_gettext("Paid, by the step they had come to"),
    "waits": lazy_gettext("Days to payment"),
    "invoices": lazy_gettext("Invoices that are no cases"),
    "uploads": lazy_gettext("Latest uploads"),
}
_WIDE_AT_FIRST = ("needs", "money", "forecast", "solved")


@dataclass(frozen=True)
class Card:
    """A card as a person wants it. size: small or wide."""

    name: str
    size: str
    is_shown: bool

    @property
    def title(self) -> str:
        """What it is called."""
        return str(TITLES[self.name])


STANDARD = tuple(Card(name, WIDE if name in _WIDE_AT_FIRST else SMALL, True) for name in TITLES)


def arranged(chosen: Any) -> list[Card]:
    """The cards in a person's order. chosen: as `as_json` wrote it, or None.

    What is not known any more is passed over; what is new comes last, as it is at first.
    """
    known = {card.name: card for card in STANDARD}
    cards = []
    for one in chosen or ():
        if known.pop(one.get("name"), None) and one.get("size") in SIZES:
            cards.append(Card(one["name"], one["size"], bool(one.get("is_shown"))))
    return [*cards, *known.values()]


def as_json(cards: Sequence[Card]) -> list[dict[str, object]]:
    """Cards as they are kept."""
    return [asdict(card) for card in cards]


def changed(cards: Sequence[Card], form: Mapping[str, Any], shown: Sequence[str]) -> list[Card]:
    """Cards as a form wants them.

    form: `size-NAME` of each card, and `move` as `NAME up` or `NAME down`. shown: names of cards.
    """
    wanted = [
        Card(card.name, size if size in SIZES else card.size, card.name in shown)
        for card in cards
        for size in (form.get(f"size-{card.name}"),)
    ]
    name, _, way = str(form.get("move", "")).partition(" ")
    place = next((n for n, card in enumerate(wanted) if card.name == name), None)
    other = None if place is None else place + {"up": -1, "down": 1}.get(way, 0)
    if place is not None and other is not None and 0 <= other < len(wanted):
        wanted[place], wanted[other] = wanted[other], wanted[place]
    return wanted


@dataclass(frozen=True)
class NeedRow:
    """Something that waits: how many, what, since when, and where to."""

    count: str
    text: str
    days: int
    url: str | None


def need_rows(found: Sequence[Need], today: date) -> list[NeedRow]:
    """What waits, as it is told."""
    return [
        NeedRow(
            gettext("over %(number)s", number=number(needs.MOST)) if one.is_more
            else number(one.count),
            _need_text(one),
            (today - _day_of(one)).days,
            _need_url(one.name),
        )
        for one in found
    ]  # fmt: skip


def _day_of(need: Need) -> date:
    return clock.day_of(need.since)


def _need_text(need: Need) -> str:
    count = need.count
    texts: dict[str, Callable[[], str]] = {
        needs.APPROVALS: lambda: ngettext(
            "proposal to approve or refuse", "proposals to approve or refuse", count
        ),
        needs.DISPUTES: lambda: ngettext("objection to answer", "objections to answer", count),
        needs.TELLINGS: lambda: ngettext(
            "thing told by a debtor to look into", "things told by debtors to look into", count
        ),
        needs.MESSAGES: lambda: ngettext("message to answer", "messages to answer", count),
        needs.DECISIONS: lambda: ngettext("case to decide on", "cases to decide on", count),
        needs.PLANS: lambda: ngettext(
            "payment plan that was not kept", "payment plans that were not kept", count
        ),
        needs.UNDELIVERED: lambda: ngettext(
            "letter that could not be sent", "letters that could not be sent", count
        ),
        needs.ADDRESSES: lambda: ngettext(
            "open case without a full address", "open cases without a full address", count
        ),
        needs.ROWS: lambda: ngettext(
            "row of a file that was left out", "rows of files that were left out", count
        ),
        needs.FILES: lambda: ngettext(
            "file that is not read in yet", "files that are not read in yet", count
        ),
        needs.REVIEWS: lambda: ngettext(
            "case that a person at Reda looks at", "cases that a person at Reda looks at", count
        ),
    }
    return texts[need.name]()


def _need_url(name: str) -> str | None:
    queries: dict[str, dict[str, Any]] = {
        needs.DISPUTES: {"stop": "dispute"},
        needs.TELLINGS: {"mark": "told"},
        needs.MESSAGES: {"mark": "unanswered"},
        needs.DECISIONS: {"status": "deciding"},
        needs.PLANS: {"mark": "broken plan"},
        needs.UNDELIVERED: {"mark": "undelivered"},
        needs.ADDRESSES: {"mark": "no address"},
        needs.REVIEWS: {"stop": "review"},
    }
    if name == needs.APPROVALS:
        return url_for("creditor.list_approvals")
    if name in (needs.ROWS, needs.FILES):
        return url_for("creditor.list_invoices")
    return url_for("creditor.list_cases", **queries[name])
