import pytest

from tools.lint_templates import problems_of_code, problems_of_template

ENDPOINTS = {"debtor.start"}


def whats(source: str) -> list[str]:
    return [what for _, what in problems_of_template(source, ENDPOINTS)]


@pytest.mark.parametrize(
    "planted",
    [
        '<p style="color:red">x</p>',
        "<style>p { color: red }</style>",
        "<script>alert(1)</script>",
        '<button type="button" onclick="go()">x</button>',
        '<p{% if a %} hx-on:click="go()"{% endif %}>x</p>',
        '<a href="javascript:go()">x</a>',
        "{{ ui.button('x', onclick='go()') }}",
        "{{ ui.button('x', **{'style': 'color:red'}) }}",
        '<img src="x.png">',
        '<form method="post"><button type="submit">x</button></form>',
        '<form method="post">{{ ui.csrf_field() }}',
        "{{ url_for('debtor.gone') }}",
        "{{ url_for('debtor.start' if a else 'debtor.gone') }}",
        "{% if a %}",
    ],
)
def test_what_a_page_must_not_say_is_found(planted: str) -> None:
    assert len(whats(planted)) == 1


@pytest.mark.parametrize(
    "good",
    [
        '<p class="{{ \'quiet\' if a else "loud" }}"{% if b %} id="{{ b }}"{% endif %}>x</p>',
        "<script src=\"{{ asset('reda.js') }}\" defer></script>",
        '<img src="x.png" alt="">',
        '<form method="post">{{ form.csrf_token }}</form>',
        '<form method="post">{{ ui.csrf_field() }}</form><form method="get"></form>',
        "{{ url_for('debtor.start', only=1) }} {{ f(one=1) }}",
        "{# <p style='x'> #}",
    ],
)
def test_a_page_without_fault_is_left_alone(good: str) -> None:
    assert whats(good) == []


def test_the_line_of_a_problem_is_that_of_the_tag_below_several_lines_of_jinja() -> None:
    source = "{#\n long\n#}\n{% set a = {\n 'b': 1 } %}\n<p\n class='x' style='y'>z</p>\n"
    assert [line for line, _ in problems_of_template(source, ENDPOINTS)] == [6]


def test_an_endpoint_that_the_code_names_must_exist() -> None:
    code = 'def f():\n    url_for("debtor.start")\n    return url_for("debtor.gone")\n'
    assert [line for line, _ in problems_of_code(code, ENDPOINTS)] == [3]


def test_a_mail_may_hold_its_styles_since_mail_programs_fetch_no_sheet() -> None:
    assert problems_of_template("<style>p {}</style>", ENDPOINTS, is_mail=True) == []
