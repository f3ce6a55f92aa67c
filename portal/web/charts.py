"""Charts as SVG that the server draws: bars, columns and lines, for any width, theme and direction.

Lengths across are per cent and lengths down are pixels, so that a chart fills the width it is given
while its letters keep their size. Colours are the classes `series-1` and on of
`static/css/charts.css`; nothing in a chart has a style of its own. A chart is a picture with a
title and a description; its numbers belong into a table beside it (`ui.chart`). Where one reads
from right to left, a chart does too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from flask_babel import get_locale
from markupsafe import Markup, escape

from portal.web.pages import unique_id

_ROW = 52
_COLUMNS, _TOP, _BASE = 224, 28, 192
_LINES = 168


@dataclass(frozen=True)
class Part:
    """A piece of a bar: its size, the number of its series from 1, and what it says of itself."""

    size: float
    series: int = 1
    says: str = ""


@dataclass(frozen=True)
class Bar:
    """A bar or column: its label, its pieces, and what stands at its end.

    low, high: how far it may be off, or None.
    """

    label: str
    parts: Sequence[Part]
    text: str = ""
    low: float | None = None
    high: float | None = None

    @property
    def size(self) -> float:
        """All pieces together."""
        return sum(part.size for part in self.parts)


@dataclass(frozen=True)
class Line:
    """A line through values that stand at even distances. series: its number, from 1."""

    values: Sequence[float]
    series: int = 1


def _reads_from_right() -> bool:
    locale = get_locale()
    return locale is not None and locale.text_direction == "rtl"


@dataclass
class _Canvas:
    """What is drawn so far. marks: markup whose texts are escaped."""

    title: str
    description: str
    height: int
    is_mirrored: bool = field(default_factory=_reads_from_right)
    marks: list[str] = field(default_factory=list)

    def across(self, start: float, width: float = 0) -> str:
        """Where something of a width begins from the left, in per cent."""
        return _number(100 - start - width if self.is_mirrored else start)

    def rect(
        self, x: float, y: float, width: float, height: float, kind: str, says: str = ""
    ) -> None:
        """A rectangle. x: per cent from where reading starts. says: shown under a pointer."""
        title = f"<title>{escape(says)}</title>" if says else ""
        self.marks.append(
            f'<rect class="{kind}" x="{self.across(x, width)}%" y="{_number(y)}"'
            f' width="{_number(width)}%" height="{_number(height)}">{title}</rect>'
        )

    def text(self, x: float, y: float, text: str, anchor: str = "start", kind: str = "") -> None:
        """A text. anchor: which of its ends is at x."""
        self.marks.append(
            f'<text class="chart-text {kind}" x="{self.across(x)}%" y="{_number(y)}"'
            f' text-anchor="{anchor}">{escape(text)}</text>'
        )

    def line(self, x: float, y: float, to_x: float, to_y: float, kind: str) -> None:
        """A straight line."""
        self.marks.append(
            f'<line class="{kind}" x1="{self.across(x)}%" y1="{_number(y)}"'
            f' x2="{self.across(to_x)}%" y2="{_number(to_y)}"/>'
        )

    def drawn(self) -> Markup:
        """The whole chart."""
        title, description = unique_id("chart"), unique_id("chart")
        return Markup(
            '<svg class="chart-svg" width="100%" height="{}" role="img" aria-labelledby="{} {}">'
            '<title id="{}">{}</title><desc id="{}">{}</desc>{}</svg>'
        ).format(
            self.height, title, description, title, self.title, description, self.description,
            Markup("".join(self.marks)),  # noqa: S704
        )  # fmt: skip


def bars(title: str, bars: Sequence[Bar], *, description: str = "") -> Markup:
    """Bars below each other, each with its label and text above it.

    title, description: what the chart shows, and what one sees in it.
    """
    canvas = _Canvas(title, description, _ROW * len(bars))
    most = max((bar.size for bar in bars), default=0) or 1
    for number, bar in enumerate(bars):
        y = number * _ROW
        canvas.text(0, y + 16, bar.label)
        canvas.text(100, y + 16, bar.text, "end", "chart-value")
        canvas.rect(0, y + 25, 100, 14, "chart-track")
        x = 0.0
        for part in bar.parts:
            width = 100 * part.size / most
            if width > 0:
                canvas.rect(x, y + 25, width, 14, f"series-{part.series}", part.says)
            x += width
    return canvas.drawn()


def columns(
    title: str, columns: Sequence[Bar], *, description: str = "", most: float | None = None
) -> Markup:
    """Columns beside each other, with their labels below and texts above them.

    most: what the full height stands for; default the highest.
    """
    canvas = _Canvas(title, description, _COLUMNS)
    most = most or max((max(one.size, one.high or 0) for one in columns), default=0) or 1
    slot = 100 / max(len(columns), 1)
    height = _BASE - _TOP
    canvas.line(0, _BASE, 100, _BASE, "chart-axis")
    for number, column in enumerate(columns):
        middle, y = (number + 0.5) * slot, float(_BASE)
        for part in column.parts:
            part_height = height * part.size / most
            y -= part_height
            if part_height > 0:
                canvas.rect(
                    middle - slot * 0.34, y, slot * 0.68, part_height, f"series-{part.series}",
                    part.says,
                )  # fmt: skip
        if column.low is not None and column.high is not None:
            ends = [_BASE - height * value / most for value in (column.low, column.high)]
            canvas.line(middle, ends[0], middle, ends[1], "chart-range")
            for end in ends:
                canvas.line(middle - slot * 0.08, end, middle + slot * 0.08, end, "chart-range")
            y = min(y, ends[1])
        canvas.text(middle, y - 8, column.text, "middle", "chart-value")
        canvas.text(middle, _BASE + 20, column.label, "middle")
    return canvas.drawn()


def lines(
    title: str,
    lines: Sequence[Line],
    *,
    labels: Sequence[str],
    top: str,
    points: int,
    description: str = "",
) -> Markup:
    """Lines that run on in steps, such as sums day by day.

    labels: below the first and the last point, and what is between, at even distances. top: what
    the height stands for. points: how many there is room for.
    """
    canvas = _Canvas(title, description, _LINES + 28)
    most = max((max(line.values, default=0) for line in lines), default=0) or 1
    canvas.line(0, _LINES, 100, _LINES, "chart-axis")
    canvas.line(0, 20, 100, 20, "chart-grid")
    canvas.text(0, 14, top)
    drawn = "".join(
        f'<polyline class="chart-line series-{line.series}"'
        f' points="{_steps(line.values, most, points, canvas)}"/>'
        for line in lines
    )
    canvas.marks.append(
        f'<svg x="0" y="20" width="100%" height="{_LINES - 20}" viewBox="0 0 100 100"'
        f' preserveAspectRatio="none">{drawn}</svg>'
    )
    for number, label in enumerate(labels):
        place = number / max(len(labels) - 1, 1)
        anchor = "start" if number == 0 else "end" if number == len(labels) - 1 else "middle"
        canvas.text(100 * place, _LINES + 20, label, anchor)
    return canvas.drawn()


def _steps(values: Sequence[float], most: float, points: int, canvas: _Canvas) -> str:
    """A line that stays where it is until the next value, within 100 by 100."""
    found, before = [], 0.0
    for number, value in enumerate(values):
        x = canvas.across(100 * number / max(points - 1, 1))
        found += [f"{x},{_number(100 - 100 * before / most)}"]
        found += [f"{x},{_number(100 - 100 * value / most)}"]
        before = value
    return " ".join(found)


def key(series: int) -> Markup:
    """The patch of a series, for a legend."""
    return Markup(
        '<svg class="chart-key" width="14" height="14" aria-hidden="true" focusable="false">'
        '<rect class="series-{}" width="14" height="14"/></svg>'
    ).format(series)


def _number(value: float) -> str:
    return f"{round(value, 3):g}"
