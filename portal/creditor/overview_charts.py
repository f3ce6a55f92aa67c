"""The charts of the overview, each with the table of its numbers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from babel import dates
from flask_babel import get_locale, gettext, lazy_gettext, ngettext
from markupsafe import Markup

from portal.collection import tallies
from portal.collection.figures import WAITS, Figures, Money, Month
from portal.creditor import names
from portal.locales import written_as
from portal.web import charts
from portal.web.charts import Bar, Line, Part
from portal.web.formats import kronor, month_name, number, short_kronor
from portal.web.pages import Heading

STEP_NAMES = (
    lazy_gettext("Before the reminder"),
    lazy_gettext("After the reminder"),
    lazy_gettext("After the demand"),
    lazy_gettext("After legal steps"),
)
_OPEN_STEPS = ("imported", "reminded", "demanded", "deciding", "legal", "surveillance")


@dataclass(frozen=True)
class Chart:
    """A drawing, its legend, and the rows of its table: texts, the first of them its name."""

    svg: Markup
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    legend: Sequence[tuple[int, str]] = ()

    @property
    def columns(self) -> list[Heading]:
        """The headings of its table: all but the first are of numbers."""
        return [Heading(text, numeric=place > 0) for place, text in enumerate(self.headings)]


def running_chart(money: Money) -> Chart:
    """What was collected for the creditor, day by day, this month and last."""
    points = max(len(money.running_before), len(money.running))
    most = max(*money.running, *money.running_before)
    legend = [(1, month_name(money.month.from_on)), (6, month_name(money.last_month.from_on))]
    rows = []
    for place in range(points):
        values = [
            kronor(line[place], money.currency) if place < len(line) else ""
            for line in (money.running, money.running_before)
        ]
        rows.append([number(place + 1), *values])
    svg = charts.lines(
        gettext("Collected for you, added up day by day"),
        [Line(money.running_before, 6), Line(money.running, 1)],
        labels=[number(1), number((points + 1) // 2), number(points)],
        top=short_kronor(most, money.currency),
        points=points,
        description=gettext(
            "%(now)s so far this month, %(before)s by the same day last month.",
            now=kronor(money.month.collected.creditors_ore, money.currency),
            before=kronor(money.same_days.collected.creditors_ore, money.currency),
        ),
    )
    return Chart(svg, [gettext("Day"), *(name for _, name in legend)], rows, legend)


def month_parts(money: Money) -> list[tuple[str, str, str]]:
    """Each part of what was collected this month, and by the same day of the last."""
    now, before = money.month, money.same_days
    parts = (
        (gettext("Principal"), now.collected.principal_ore, before.collected.principal_ore),
        (gettext("Interest"), now.collected.interest_ore, before.collected.interest_ore),
        (gettext("Fees, ours"), now.collected.fees_ore, before.collected.fees_ore),
        (gettext("Paid to you directly"), now.direct.creditors_ore, before.direct.creditors_ore),
    )
    told = [
        (name, kronor(ore, money.currency), kronor(ore_before, money.currency))
        for name, ore, ore_before in parts
    ]
    return [*told, (gettext("Cases paid"), number(now.solved), number(before.solved))]


def month_rows(money: Money) -> list[list[str]]:
    """This month, as many days of the last, and all of that: part by part."""
    months = (money.month, money.same_days, money.last_month)
    parts: list[tuple[str, Callable[[Month], int]]] = [
        (gettext("Principal"), lambda one: one.collected.principal_ore),
        (gettext("Interest"), lambda one: one.collected.interest_ore),
        (gettext("Collected for you"), lambda one: one.collected.creditors_ore),
        (gettext("Fees, which the service keeps"), lambda one: one.collected.fees_ore),
        (gettext("Paid too much, to be refunded"), lambda one: one.collected.overpaid_ore),
        (gettext("Paid by debtors in all"), lambda one: one.collected.total_ore),
        (gettext("Paid to you directly"), lambda one: one.direct.creditors_ore),
        (gettext("Paid out to you"), lambda one: one.paid_out_ore),
    ]
    rows = [
        [name, *(kronor(value(one), money.currency) for one in months)]
        for name, value in parts
        if name in (parts[0][0], parts[1][0], parts[2][0]) or any(value(one) for one in months)
    ]
    return [
        *rows,
        [gettext("Cases opened"), *(number(one.opened) for one in months)],
        [gettext("Cases paid"), *(number(one.solved) for one in months)],
    ]


def ageing_chart(money: Money) -> Chart:
    """What is unpaid, by days after the due date."""
    labels = [gettext("Not late yet")]
    labels += [
        gettext("%(first)s–%(last)s days", first=number(before + 1), last=number(last))
        for before, last in zip(tallies.AGES, tallies.AGES[1:], strict=False)
    ]
    labels.append(gettext("Over %(days)s days", days=number(tallies.AGES[-1])))
    currency = money.currency
    bars = [
        Bar(
            label,
            [
                Part(ore, series, _says(name, ore, currency))
                for series, name, ore in (
                    (1, gettext("Principal"), one.principal_ore),
                    (3, gettext("Interest"), one.interest_ore),
                )
            ],
            short_kronor(one.creditors_ore, currency),
        )
        for label, one in zip(labels, money.ageing, strict=True)
    ]
    unpaid = money.unpaid
    rows = [
        [label, number(one.cases), kronor(one.principal_ore, currency),
         kronor(one.interest_ore, currency), kronor(one.fees_ore, currency)]
        for label, one in zip(
            [*labels, gettext("In all")], [*money.ageing, unpaid], strict=True
        )
    ]  # fmt: skip
    svg = charts.bars(
        gettext("Principal and interest that are unpaid today, by days after the due date"),
        bars,
        description=gettext("%(amount)s in all.", amount=kronor(unpaid.creditors_ore, currency)),
    )
    headings = [gettext("Days after the due date"), gettext("Cases"), gettext("Principal"),
                gettext("Interest"), gettext("Fees")]  # fmt: skip
    return Chart(svg, headings, rows, [(1, gettext("Principal")), (3, gettext("Interest"))])


def standing_chart(money: Money) -> Chart:
    """Open cases by where they stand."""
    found = [(status, money.standing[status]) for status in _OPEN_STEPS]
    bars = [
        Bar(names.status_name(status), [Part(one.cases, 2)], number(one.cases))
        for status, one in found
    ]
    rows = [
        [names.status_name(status), number(one.cases), kronor(one.creditors_ore, money.currency)]
        for status, one in found
    ]
    svg = charts.bars(
        gettext("Open cases by where they stand"),
        bars,
        description=ngettext(
            "%(num)s case is open.", "%(num)s cases are open.", money.unpaid.cases
        ),
    )
    headings = [gettext("Step"), gettext("Cases"), gettext("Principal and interest owed")]
    return Chart(svg, headings, rows)


def solved_chart(found: Figures) -> Chart:
    """Of the cases opened in each month, how many were paid, by step."""
    others = (gettext("Closed unpaid"), gettext("Open still"))
    columns, rows = [], []
    for cohort in found.cohorts:
        counts = (*cohort.solved, cohort.otherwise, cohort.open)
        parts = [
            Part(count, series, f"{name}: {number(count)}")
            for count, series, name in zip(
                counts[:5], (1, 2, 3, 4, 5), (*map(str, STEP_NAMES), others[0]), strict=True
            )
        ]
        scale = 100 / cohort.opened if cohort.opened else 0
        paid = sum(cohort.solved)
        share = number(round(100 * paid / cohort.opened)) if cohort.opened else ""
        shares = [Part(part.size * scale, part.series, part.says) for part in parts]
        columns.append(Bar(_short_month(cohort.month), shares, share))
        rows.append(
            [month_name(cohort.month), number(cohort.opened), *map(number, counts),
             f"{share} %" if share else ""]
        )  # fmt: skip
    svg = charts.columns(
        gettext("Per cent of the cases opened in each month that are paid, by step"),
        columns,
        most=100,
        description=gettext("The newest months have had less time to be paid."),
    )
    legend = [*enumerate(map(str, STEP_NAMES), 1), (5, others[0])]
    headings = [gettext("Opened in"), gettext("Cases"), *map(str, STEP_NAMES), *others,
                gettext("Paid")]  # fmt: skip
    return Chart(svg, headings, rows, legend)


def waits_chart(found: Figures) -> Chart:
    """Days from opening to payment, of the cases paid in a year."""
    firsts = (0, *(last + 1 for last in WAITS))
    labels = [f"{first}–{last}" for first, last in zip(firsts, WAITS, strict=False)]
    labels.append(f"{WAITS[-1] + 1}+")
    svg = charts.columns(
        gettext("Cases paid in the last 365 days, by days from opening to payment"),
        [
            Bar(label, [Part(count, 2)], number(count))
            for label, count in zip(labels, found.waits.classes, strict=True)
        ],
        description=_waits_text(found),
    )
    rows = [
        [label, number(count)] for label, count in zip(labels, found.waits.classes, strict=True)
    ]
    return Chart(svg, [gettext("Days"), gettext("Cases")], rows)


def _waits_text(found: Figures) -> str:
    if found.waits.median is None:
        return ""
    return gettext(
        "Half were paid within %(median)s days, nine in ten within %(most)s.",
        median=number(found.waits.median),
        most=number(found.waits.nine_in_ten or 0),
    )


def forecast_chart(money: Money, on: date) -> Chart:
    """What each of the next weeks may bring."""
    currency, weeks = money.currency, money.forecast.weeks
    columns, rows = [], []
    for place, week in enumerate(weeks):
        first = on + timedelta(days=1 + 7 * place)
        label = f"{_day_name(first)}–{_day_name(first + timedelta(days=6))}"
        rest_ore = max(0, (week.expected_ore or 0) - week.plans_ore)
        parts = [
            Part(ore, series, _says(name, ore, currency))
            for series, name, ore in (
                (1, gettext("Instalments of payment plans"), week.plans_ore),
                (2, gettext("Other payments"), rest_ore),
            )
        ]
        text = short_kronor(week.plans_ore + rest_ore, currency)
        columns.append(Bar(_day_name(first), parts, text, week.low_ore, week.high_ore))
        told = [week.planned_ore, week.expected_ore, week.low_ore, week.high_ore]
        rows.append([label, *("" if one is None else kronor(one, currency) for one in told)])
    svg = charts.columns(
        gettext("What the next four weeks may bring you, by their first days"),
        columns,
        description=gettext(
            "%(amount)s are expected in all.", amount=kronor(money.forecast.expected_ore, currency)
        )
        if money.forecast.can_tell
        else "",
    )
    headings = [gettext("Week"), gettext("Instalments due"), gettext("Expected in all"),
                gettext("At least, probably"), gettext("At most, probably")]  # fmt: skip
    legend = [(1, gettext("Instalments of payment plans")), (2, gettext("Other payments"))]
    return Chart(svg, headings, rows, legend)


def _says(name: str, ore: int, currency: str) -> str:
    return f"{name}: {kronor(ore, currency)}"


def _short_month(month: date) -> str:
    return dates.format_date(month, "LLL", locale=written_as(get_locale())).rstrip(".")[:3]


def _day_name(day: date) -> str:
    return dates.format_skeleton("MMMd", day, locale=written_as(get_locale()))
