"""The days to come as columns: what becomes a case on each, and what would by the rules in force.

An SVG that the server draws; its numbers stand in the table beside it. Lengths across are per cent,
so that it fills the width that it is given. Nothing in it has a style of its own.
"""

from collections.abc import Mapping
from datetime import date

from flask_babel import format_date, get_locale, gettext
from markupsafe import Markup

from portal.collection.previewing import Sum
from portal.web.formats import format_date as written
from portal.web.formats import number

_TOP, _BASE, _HEIGHT = 24.0, 168.0, 196
_SATURDAY, _NEXT_LABEL = 5, 5
_MARKS = {
    "rect": Markup('<rect class="{}" {}/>'),
    "line": Markup('<line class="{}" {}/>'),
}


def draw(
    days: Mapping[date, Sum],
    before: Mapping[date, Sum] | None,
    links: Mapping[date, str],
    *,
    title: str,
) -> Markup:
    """The columns. before: of the rules in force, None for none. links: where a day's column leads.

    title: what the chart shows.
    """
    most = max([one.count for one in (*days.values(), *(before or {}).values())] or [0]) or 1
    slot = 100 / len(days)
    marks = []
    for place, (day, taken) in enumerate(days.items()):
        x = place * slot
        if _is_from_right():
            x = 100 - x - slot
        marks.append(_column(x, slot, day, taken, most, links.get(day)))
        if before is not None and before[day].count:
            y = _y(before[day].count, most)
            marks.append(_mark("line", "day-before", x1=x, x2=x + slot, y1=y, y2=y))
        # The first Mondays would lie on top of today's on a phone.
        if place == 0 or (day.weekday() == 0 and place >= _NEXT_LABEL):
            marks.append(_label(x, slot, day, is_first=place == 0))
    return Markup(
        '<svg class="day-chart" width="100%" height="{}" role="group" aria-label="{}">'
        '<line class="day-axis" x1="0%" x2="100%" y1="{}" y2="{}"/>{}</svg>'
    ).format(_HEIGHT, title, _BASE, _BASE, Markup("").join(marks))


def _is_from_right() -> bool:
    locale = get_locale()
    return locale is not None and locale.text_direction == "rtl"


def _y(count: int, most: int) -> float:
    return round(_BASE - (_BASE - _TOP) * count / most, 1)


def _column(x: float, slot: float, day: date, taken: Sum, most: int, link: str | None) -> Markup:
    y = _y(taken.count, most)
    if taken.count:
        # A single one beside thousands is seen too.
        y = min(y, _BASE - 3)
    kind = "day-column weekend" if day.weekday() >= _SATURDAY else "day-column"
    says = gettext("%(day)s: %(count)s", day=written(day, "full"), count=number(taken.count))
    body = _mark("rect", kind, x=x + slot * 0.14, width=slot * 0.72, y=y, height=_BASE - y)
    if not taken.count:
        return Markup("")
    if link is None:
        return Markup("<g><title>{}</title>{}</g>").format(says, body)
    return Markup('<a href="{}" aria-label="{}"><title>{}</title>{}{}</a>').format(
        link, says, says, _mark("rect", "day-slot", x=x, width=slot, y=_TOP, height=_BASE - _TOP),
        body,
    )  # fmt: skip


def _label(x: float, slot: float, day: date, *, is_first: bool) -> Markup:
    text = format_date(day, "d MMM")
    anchor = "end" if is_first and _is_from_right() else "start"
    place = x + slot if anchor == "end" else x
    return Markup('<text class="day-label" x="{}%" y="{}" text-anchor="{}">{}</text>').format(
        round(place, 2), _BASE + 20, anchor, text
    )


def _mark(name: str, kind: str, **lengths: float) -> Markup:
    across = ("x", "x1", "x2", "width")
    told = Markup(" ").join(
        Markup('{}="{}{}"').format(key, round(value, 2), "%" if key in across else "")
        for key, value in lengths.items()
    )
    return _MARKS[name].format(kind, told)
