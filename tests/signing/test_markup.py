"""The text of a template: a little markup, fields, and nothing else."""

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from portal.signing import markup

KNOWN = {"customer.name", "day"}


def html(text: str, **values: str) -> str:
    return str(markup.render(text, {name.replace("__", "."): one for name, one in values.items()}))


def problems(text: str) -> list[str]:
    with pytest.raises(markup.NotWhole) as told:
        markup.require_whole(text, KNOWN)
    return [one.message % one.values for one in told.value.problems]


def test_headings_begin_below_the_documents_own_title() -> None:
    assert html("# A\n\n### B") == "<h2>A</h2>\n<h4>B</h4>\n"


def test_lines_that_are_written_apart_stay_apart() -> None:
    assert html("A\nB") == "<p>A<br>\nB</p>\n"


def test_a_column_to_the_right_has_a_class_and_no_style() -> None:
    made = html("| A | B |\n|---|--:|\n| 1 | {{day}} |", day="2")
    assert '<td class="end">2</td>' in made
    assert "style" not in made


def test_a_line_of_hyphens_begins_a_new_page() -> None:
    assert '<div class="page-break"></div>' in html("A\n\n---\n\nB")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>", "<b onclick=x>", "[a](javascript:alert(1))", "<http://a.se>",
        "![a](http://a.se/b.png)", "`a`", "```\na\n```", "    a", "[a]: http://a.se\n\n[a]",
        "&lt;b&gt;", "https://a.se", "a\n===", "> a",
    ],
)  # fmt: skip
def test_what_is_no_markup_of_ours_is_text(text: str) -> None:
    names = {one.name for one in BeautifulSoup(html(text), "html.parser").find_all(True)}
    assert names <= {"p", "br"}


def test_html_in_a_field_is_text() -> None:
    assert html("{{customer.name}}", customer__name="<b>&") == "<p>&lt;b&gt;&amp;</p>\n"


def test_markup_in_a_field_is_text() -> None:
    assert html("{{customer.name}}", customer__name="**a** # b") == "<p>**a** # b</p>\n"


def test_a_field_in_a_field_is_text() -> None:
    assert html("{{customer.name}}", customer__name="{{day}}", day="x") == "<p>{{day}}</p>\n"


def test_a_column_mark_in_a_field_makes_no_column() -> None:
    made = html("| A |\n|---|\n| {{day}} |", day="a | b")
    assert made.count("<td>") == 1


def test_lines_of_a_field_stay_apart() -> None:
    assert html("{{day}}", day="a\nb") == "<p>a<br>b</p>\n"


def test_a_field_without_a_value_is_left_empty() -> None:
    assert html("a {{day}} b") == "<p>a  b</p>\n"


def test_a_field_without_a_value_is_marked_in_a_preview() -> None:
    made = markup.render("{{day}}", {}, {"day": "First <day>"})
    assert made == '<p><mark class="blank">First &lt;day&gt;</mark></p>\n'


def test_an_unknown_field_is_told_by_name_and_line() -> None:
    assert problems("A\n\n{{customer.nmae}}") == ["Line 3: there is no field named customer.nmae."]


@pytest.mark.parametrize(
    "text", ["{{ {{day}} }}", "{{Day}}", "{{day", "{{day|safe}}", "{{a.b.c}}", "{{ 7*7 }}", "}}"]
)
def test_a_field_that_is_written_wrongly_is_told_by_its_line(text: str) -> None:
    assert problems(f"A\n{text}") == [
        "Line 2: a field is written as {{case.reference}}, in small letters."
    ]


@pytest.mark.parametrize("sign", ["\0", "\x1b", "\u202e", "\u2066", "\u200b", "\u2028"])
def test_a_character_that_cannot_be_seen_is_told_by_its_line(sign: str) -> None:
    assert problems(f"A\nB{sign}")[0].startswith("Line 2 holds a character")


def test_too_long_a_text_is_told() -> None:
    assert problems("a" * (markup.LONGEST + 1)) == [
        "The text is too long. At most 50000 characters fit."
    ]


def test_too_many_fields_are_told() -> None:
    assert problems("{{day}} " * (markup.MOST_FIELDS + 1)) == [
        "There are too many fields. At most 500 can be used."
    ]


def test_an_empty_text_is_told() -> None:
    assert problems(" \n") == ["Write the text."]


@pytest.mark.parametrize("piece", ["*", "**a", "{{", "- ", "| a ", "[", "\\", "#", "> - ", "_a_*"])
def test_a_long_text_of_one_sign_is_laid_out(piece: str) -> None:
    assert html(piece * (markup.LONGEST // len(piece)))


@given(st.text(max_size=300), st.text(max_size=60))
def test_whatever_is_written_there_is_no_other_html(text: str, value: str) -> None:
    made = html(f"{text} {{{{day}}}}", day=value)
    names = {one.name for one in BeautifulSoup(made, "html.parser").find_all(True)}
    assert names <= {
        *("h2", "h3", "h4", "p", "br", "strong", "em", "ul", "ol", "li", "div"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    }
