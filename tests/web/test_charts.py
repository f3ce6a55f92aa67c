"""Charts: what they say, how long their bars are, and that they mirror."""

from collections.abc import Iterator

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask
from flask_babel import force_locale
from markupsafe import Markup

from portal.web import charts
from portal.web.charts import Bar, Line, Part


@pytest.fixture(autouse=True)
def reading(app: Flask) -> Iterator[None]:
    with app.test_request_context():
        yield


def drawn(svg: Markup) -> Tag:
    found = BeautifulSoup(svg, "html.parser").svg
    assert found is not None
    return found


def widths(svg: Tag, kind: str) -> list[str]:
    return [str(one["width"]) for one in svg.select(f"rect.{kind}")]


def test_a_chart_is_a_picture_with_a_title_and_a_description() -> None:
    svg = drawn(charts.bars("Unpaid", [Bar("New", [Part(1)])], description="Most is new."))
    told = [svg.find(id=one) for one in str(svg["aria-labelledby"]).split()]
    assert svg["role"] == "img"
    assert [one.get_text() for one in told if one] == ["Unpaid", "Most is new."]


def test_a_bar_is_as_long_as_its_share_of_the_longest() -> None:
    bars = [Bar("a", [Part(30), Part(10, 2)]), Bar("b", [Part(20)]), Bar("c", [Part(0)])]
    svg = drawn(charts.bars("", bars))
    assert widths(svg, "series-1") == ["75%", "50%"]
    assert [one["x"] for one in svg.select("rect.series-2")] == ["75%"]


def test_a_column_is_as_high_as_its_share_of_the_whole() -> None:
    svg = drawn(charts.columns("", [Bar("a", [Part(50), Part(25, 2)])], most=100))
    heights = [float(str(one["height"])) for one in svg.select("rect")]
    assert heights[0] == 2 * heights[1]


def test_a_column_tells_how_far_it_may_be_off() -> None:
    svg = drawn(charts.columns("", [Bar("a", [Part(50)], low=25, high=100)]))
    line = svg.select("line.chart-range")[0]
    assert float(str(line["y1"])) > float(str(line["y2"]))
    assert line["x1"] == line["x2"] == "50%"


def test_a_line_stays_until_its_next_value() -> None:
    svg = drawn(charts.lines("", [Line([0, 10, 10])], labels=["1", "3"], top="10", points=3))
    polyline = svg.select_one("polyline")
    assert polyline is not None
    assert polyline["points"] == "0,100 0,100 50,100 50,0 100,0 100,0"


@pytest.mark.parametrize(("language", "x"), [("sv", "0%"), ("ar", "25%")])
def test_a_chart_begins_where_one_begins_to_read(language: str, x: str) -> None:
    bars = [Bar("a", [Part(3)]), Bar("b", [Part(4)])]
    with force_locale(language):
        svg = drawn(charts.bars("", bars))
    assert svg.select("rect.series-1")[0]["x"] == x


def test_what_is_written_in_a_chart_is_text() -> None:
    svg = charts.bars("<b>", [Bar("<i>", [Part(1, says="<u>")], "<s>")])
    assert not {"<b>", "<i>", "<u>", "<s>"} & set(svg.split('"'))
    assert drawn(svg).select("b, i, u, s") == []


def test_a_chart_of_nothing_is_drawn() -> None:
    assert drawn(charts.columns("", [Bar("a", [])])).select("rect") == []
    assert drawn(charts.bars("", [])).select("rect") == []


def test_a_chart_has_no_style_of_its_own() -> None:
    svg = charts.columns("", [Bar("a", [Part(1)], "1", 0, 2)]) + charts.key(2)
    assert "style" not in svg
