"""The effect of an act in words: how the case stands before and after, letters, money."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext

from portal.collection.effects import Effect, Letter, Standing
from portal.creditor.forms_case import PLACES
from portal.creditor.names import (
    dispute_status,
    entry_name,
    field_name,
    language_name,
    message_name,
    next_step_name,
    status_name,
    stop_name,
)
from portal.web.countries import countries
from portal.web.formats import format_date, kronor


@dataclass(frozen=True)
class Row:
    """One thing about a case before and after. is_money: shown at the end of its column."""

    label: str
    before: str
    after: str

    @property
    def has_changed(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True)
class Shown:
    """rows: how the case stands. letters, money: sentences. booked: kind and öre of entries.

    status, next, total: how it stands afterwards, for comparing acts.
    """

    rows: Sequence[Row]
    letters: Sequence[str]
    money: Sequence[str]
    booked: Sequence[tuple[str, int]]
    status: str
    next: str
    total: str


def shown(effect: Effect, currency: str, *, hides_places: bool = False) -> Shown:
    """An effect, ready for a template. hides_places: where the debtor was is not told."""
    return Shown(
        _rows(effect.before, effect.after, currency, hides_places),
        _letters(effect),
        _money(effect, currency),
        [(entry_name(one.kind), sum(ore for _, ore in one.lines if ore > 0))
         for one in effect.booked],
        status_name(effect.after.status),
        _next(effect.after),
        kronor(effect.after.total_ore, currency),
    )  # fmt: skip


def _rows(before: Standing, after: Standing, currency: str, hides_places: bool) -> list[Row]:
    def row(label: str, name: str) -> Row:
        return Row(label, *(kronor(getattr(one, name), currency) for one in (before, after)))

    rows = [
        Row(gettext("Status"), status_name(before.status), status_name(after.status)),
        Row(gettext("Stands still"), _stops(before), _stops(after)),
        Row(gettext("What happens next"), _next(before), _next(after)),
        row(gettext("The invoice"), "principal_ore"),
        row(gettext("Late interest"), "interest_ore"),
        row(gettext("Fees"), "fees_ore"),
        row(gettext("Left to pay today"), "total_ore"),
    ]
    rows += [
        Row(gettext("Due date"), format_date(before.due_on), format_date(after.due_on)),
        Row(gettext("Time to pay through"), _day(before.pay_by_on), _day(after.pay_by_on)),
    ]
    if before.plan or after.plan:
        rows.append(Row(gettext("Payment plan"), _plan(before), _plan(after)))
    if before.objection != after.objection:
        names = (dispute_status(one.objection)[0] for one in (before, after))
        rows.append(Row(gettext("Objection"), *names))
    was, hidden = dict(before.details), PLACES if hides_places else ()
    rows += [
        Row(
            field_name(name),
            gettext("Protected") if name in hidden else _detail(name, was[name]),
            _detail(name, value),
        )
        for name, value in after.details
        if value != was[name]
    ]
    return rows


def _detail(name: str, value: str | None) -> str:
    if value and name == "language":
        return language_name(value)
    if value and name == "country":
        return dict(countries(value))[value]
    return value or "–"


def _day(day: date | None) -> str:
    return format_date(day) if day else "–"


def _stops(standing: Standing) -> str:
    told = [
        gettext("%(why)s, until %(day)s", why=stop_name(kind), day=format_date(until_on))
        if until_on
        else stop_name(kind)
        for kind, until_on in standing.stops
    ]
    return ", ".join(told) or gettext("No")


def _plan(standing: Standing) -> str:
    if not standing.plan:
        return gettext("None")
    return gettext(
        "Payments: %(count)s, the last on %(day)s",
        count=len(standing.plan), day=format_date(standing.plan[-1][0]),
    )  # fmt: skip


def _next(standing: Standing) -> str:
    if standing.next_step is None:
        return gettext("Nothing by itself")
    if standing.next_step_on is None:
        return next_step_name(standing.next_step)
    step = next_step_name(standing.next_step)
    if standing.stops:
        return gettext("%(step)s, when it goes on", step=step)
    return f"{step}, {format_date(standing.next_step_on)}"


def _letters(effect: Effect) -> list[str]:
    told = [
        gettext("%(letter)s that waits is withdrawn and not sent.", letter=_letter(one))
        for one in effect.withdrawn
    ]
    told += [
        gettext("%(letter)s is written and sent.", letter=_letter(one)) for one in effect.written
    ]
    return told or [gettext("No letter is sent or withdrawn.")]


def _letter(letter: Letter) -> str:
    return message_name(letter.kind)


def _money(effect: Effect, currency: str) -> list[str]:
    def amount(ore: int) -> str:
        return kronor(abs(ore), currency)

    told = []
    if effect.debtor_ore > 0:
        told.append(gettext("The debtor owes %(sum)s more.", sum=amount(effect.debtor_ore)))
    elif effect.debtor_ore < 0:
        told.append(gettext("The debtor owes %(sum)s less.", sum=amount(effect.debtor_ore)))
    else:
        told.append(gettext("The debtor owes as much as before."))
    if effect.received_ore:
        told.append(gettext("You have got %(sum)s yourself.", sum=amount(effect.received_ore)))
    if effect.lost_ore > 0:
        told.append(
            gettext("You give up %(sum)s of the invoice and its interest.",
                    sum=amount(effect.lost_ore))
        )  # fmt: skip
    if effect.back_ore > 0:
        told.append(
            gettext("%(sum)s that was paid goes back to who paid it.",
                    sum=amount(effect.back_ore))
        )  # fmt: skip
    if effect.fees_ore > 0:
        told.append(gettext("Reda charges the debtor %(sum)s.", sum=amount(effect.fees_ore)))
    elif effect.fees_ore < 0:
        told.append(gettext("Reda gives up its fees of %(sum)s.", sum=amount(effect.fees_ore)))
    if effect.charged_ore > 0:
        told.append(gettext("Reda charges you %(sum)s.", sum=amount(effect.charged_ore)))
    else:
        told.append(gettext("It costs you nothing more."))
    return told
