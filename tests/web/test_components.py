from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from markupsafe import Markup
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, FileField, HiddenField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired

from portal.config import ROOT
from portal.messages import Problem
from portal.web import components
from portal.web.forms import Form

Shown = Callable[..., BeautifulSoup]
# Marked by what an attribute that runs or styles looks like in the source of a template.
DEV_PAGES = ["/dev/components", "/dev/debtor", "/dev/quiet"]


class _Form(Form):
    name = StringField("Name", [InputRequired()])
    nick = StringField("Nickname")
    plan = RadioField("Plan", [InputRequired()], choices=[("3", "Three"), ("6", "Six")])
    agreed = BooleanField("I agree")
    way = SelectField("Way", choices=[("a", "A")])
    file = FileField("File")
    secret = HiddenField("Secret")


@pytest.fixture
def form(app: Flask) -> _Form:
    with app.test_request_context("/?lang=en"):
        form = _Form(MultiDict({"way": "a"}), meta={"csrf": False})
        form.validate()
    return form


def test_every_component_is_on_the_component_page() -> None:
    folder = ROOT / "templates" / "operations"
    used = "".join(one.read_text() for one in folder.glob("components*.html"))
    layouts = "".join(one.read_text() for one in (ROOT / "templates" / "layouts").glob("*.html"))
    layouts += "".join(one.read_text() for one in components.FOLDER.glob("*.html"))
    missing = {
        name
        for name in components.names()
        if f"ui.{name}(" not in used and f"{{ {name}(" not in layouts
    }
    assert missing == set()


@pytest.mark.parametrize("address", DEV_PAGES)
def test_a_page_holds_no_style_or_script_of_its_own(
    page: Callable[..., BeautifulSoup], address: str
) -> None:
    soup = page(address)
    assert not soup.select("[style], style, script:not([src])")
    for tag in soup.find_all(True):
        assert not [name for name in tag.attrs if name.startswith("on")], tag
        assert not [name for name in tag.attrs if name.startswith("hx-on")], tag
    addresses = [one.get("src") or one.get("href") for one in soup.select("script, link")]
    assert all(one.startswith("/static/") for one in addresses)


@pytest.mark.parametrize("address", DEV_PAGES)
def test_no_id_is_used_twice(page: Callable[..., BeautifulSoup], address: str) -> None:
    ids = [one["id"] for one in page(address).select("[id]")]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("address", DEV_PAGES)
def test_what_a_page_refers_to_exists(page: Callable[..., BeautifulSoup], address: str) -> None:
    soup = page(address)
    for name in ("for", "aria-describedby", "aria-labelledby", "popovertarget"):
        for one in soup.select(f"[{name}]"):
            for target in one[name].split():
                assert soup.find(id=target), f"{name}={target}"


def test_a_component_works_in_a_block_rendered_alone(client: FlaskClient) -> None:
    from jinja2_fragments.flask import render_block

    with client.application.test_request_context("/dev/debtor"):
        from portal.operations.views_components import _EVENTS

        part = render_block("operations/components_debtor.html", "main", events=_EVENTS)
    assert "sum-card" in part
    assert "<html" not in part


def test_a_field_ties_hint_and_error_to_its_input(shown: Shown, form: _Form) -> None:
    soup = shown(
        "{{ ui.field(form.name, hint='As on the letter.', autocomplete='name') }}", form=form
    )
    box = soup.input
    texts = [soup.find(id=one).get_text(strip=True) for one in box["aria-describedby"].split()]
    assert texts == ["As on the letter.", "Fill this in."]
    assert (box["aria-invalid"], box["autocomplete"]) == ("true", "name")
    assert soup.label["for"] == box["id"]


def test_only_a_field_that_may_be_empty_is_called_optional(shown: Shown, form: _Form) -> None:
    soup = shown("{{ ui.field(form.name) }}{{ ui.field(form.nick) }}", form=form)
    assert [one.get_text(" ", strip=True) for one in soup.select("label")] == [
        "Name",
        "Nickname (optional)",
    ]


def test_radio_buttons_are_a_named_group(shown: Shown, form: _Form) -> None:
    soup = shown("{{ ui.field(form.plan, option_hints={'6': 'In all 100 kr.'}) }}", form=form)
    assert soup.fieldset.legend.get_text(strip=True) == "Plan"
    assert len(soup.select("input[type=radio]")) == 2
    # Read with the label, and not again as a description.
    assert "In all 100 kr." in soup.select("label")[1].get_text()
    assert "aria-describedby" not in soup.select("input")[1].attrs
    assert soup.find(id=soup.fieldset["aria-describedby"]).get_text(strip=True) == "Fill this in."


def test_other_kinds_of_field_keep_their_input(shown: Shown, form: _Form) -> None:
    source = (
        "{{ ui.field(form.agreed) }}{{ ui.field(form.way) }}{{ ui.field(form.secret) }}"
        "{{ ui.file_drop(form.file, hint='PDF') }}"
    )
    soup = shown(source, form=form)
    kinds = [one.get("type", one.name) for one in soup.select("input, select")]
    assert kinds == ["checkbox", "select", "hidden", "file"]
    assert not soup.find("label", attrs={"for": "secret"})


def test_the_error_summary_leads_to_each_field(shown: Shown, form: _Form) -> None:
    form.take(Problem("The parts do not add up."))
    soup = shown(
        "{{ ui.error_summary(form) }}{{ ui.field(form.plan) }}{{ ui.field(form.name) }}", form=form
    )
    assert soup.select_one("[role=alert]")
    assert "The parts do not add up." in soup.get_text()
    for link in soup.select(".error-summary a"):
        assert soup.find("input", id=link["href"].removeprefix("#")), link


def test_a_form_without_errors_has_no_summary(app: Flask, shown: Shown) -> None:
    with app.test_request_context("/"):
        form = _Form(formdata=None, meta={"csrf": False})
    assert not shown("{{ ui.error_summary(form) }}", form=form).find(True)


def test_money_stands_in_its_own_direction(shown: Shown) -> None:
    assert shown("{{ ui.money(128450) }}").bdi.get_text() == "SEK\xa01,284.50"


def test_a_table_tells_how_it_is_sorted(app: Flask, shown: Shown) -> None:
    source = (
        "{% call(row) ui.table('Cases', [heading('Due', sort='due'), 'Name'], rows) %}"
        "<th scope='row'>{{ row }}</th><td>B</td>{% endcall %}"
    )
    soup = shown(source, rows=["<i>A</i>"])
    assert soup.caption.get_text() == "Cases"
    assert soup.select_one("tbody th").get_text() == "<i>A</i>"
    assert soup.select_one("a.sort")["href"].endswith("sort=due")


def test_an_empty_table_says_what_to_do(shown: Shown) -> None:
    source = "{% call(row) ui.table('Cases', ['Due'], [], empty=empty) %}{% endcall %}"
    assert "<b>" in shown(source, empty="<b>None</b> yet.").get_text()
    assert shown(source, empty=Markup("<b>None</b> yet.")).b.get_text() == "None"
    assert "Nothing to show." in shown(source, empty=None).get_text()


def test_pages_of_a_list_lead_both_ways(shown: Shown) -> None:
    soup = shown("{{ ui.pagination(previous='/a', next='/b', summary='1-2') }}")
    assert [(one["rel"], one["href"]) for one in soup.select("a")] == [
        (["prev"], "/a"),
        (["next"], "/b"),
    ]
    assert not shown("{{ ui.pagination() }}").find(True)


def test_the_sum_unfolds_into_its_parts(shown: Shown) -> None:
    source = "{% call ui.sum_card(300, parts, due='Soon.') %}<a href='/pay'>Pay</a>{% endcall %}"
    parts = [{"label": "Fee", "ore": 200, "explanation": "By law."}, {"label": "Rest", "ore": 100}]
    soup = shown(source, parts=parts)
    assert soup.details.select_one(".sum-why").get_text() == "By law."
    assert [one.get_text() for one in soup.select("bdi")] == [
        "SEK\xa03.00",
        "SEK\xa02.00",
        "SEK\xa01.00",
    ]
    assert soup.select_one(".sum-actions a")


def test_the_sum_needs_neither_parts_nor_actions(shown: Shown) -> None:
    soup = shown("{{ ui.sum_card(300, heading='Left to pay') }}")
    assert soup.h2.get_text() == "Left to pay"
    assert not soup.select(".sum-parts, .sum-actions")


def test_events_carry_their_time_for_machines(shown: Shown) -> None:
    events = [
        {"at": datetime(2026, 11, 3, 9, 0, tzinfo=UTC), "title": "Sent", "who": "Reda"},
        {"at": date(2026, 12, 4), "title": "Last day", "upcoming": True},
    ]
    soup = shown("{{ ui.timeline(events, 'History') }}", events=events)
    assert [one["datetime"] for one in soup.select("time")] == [
        "2026-11-03T09:00:00+00:00",
        "2026-12-04",
    ]
    assert "10:00" in soup.time.get_text()
    assert "is-upcoming" in soup.select("li")[1]["class"]


def test_a_row_without_a_value_is_left_out(shown: Shown) -> None:
    soup = shown("{{ ui.summary_list([('A', 0), ('B', none), ('C', 'c', 'Change')]) }}")
    assert [one.get_text() for one in soup.select("dt")] == ["A", "C"]
    assert [one.get_text() for one in soup.select("dd")] == ["0", "c", "Change"]


def test_steps_tell_the_present_one(shown: Shown) -> None:
    soup = shown("{{ ui.steps(2, ['Choose', 'Check', 'Agree']) }}")
    assert soup.select_one("[aria-current=step]").get_text() == "Check"
    assert "Step 2 of 3" in soup.get_text()
    assert "(done)" in soup.select_one(".is-done").get_text()


def test_what_a_user_wrote_is_escaped_everywhere(shown: Shown) -> None:
    evil = "<script>alert(1)</script>"
    source = (
        "{{ ui.status_tag(x) }}{{ ui.copy_field(x, x) }}{{ ui.term(x, x) }}"
        "{{ ui.empty_state(x, x) }}"
        "{{ ui.button(x, **{'aria-label': x}) }}{{ ui.link_button(x, x) }}{{ ui.loading(text=x) }}"
        "{{ ui.summary_list([(x, x, x)]) }}{{ ui.steps(1, [x]) }}{{ ui.qr('', x) }}"
        "{{ ui.sum_card(1, [{'label': x, 'ore': 1, 'explanation': x}], x, x) }}"
        "{% call ui.notice('info', x) %}{{ x }}{% endcall %}"
        "{% call ui.dialog(x, x) %}{{ x }}{% endcall %}"
    )
    soup = shown(source, x=evil)
    assert not soup.find("script")
    assert soup.get_text().count(evil) > 15


def test_a_flashed_message_is_read_out_once(app: Flask) -> None:
    from flask import flash, render_template_string, session

    with app.test_request_context("/"):
        flash("Saved.", "success")
        first = render_template_string("{{ ui.flashes(oob=True) }}")
        assert "_flashes" not in session
    soup = BeautifulSoup(first, "html.parser")
    assert (soup.div["role"], soup.div["hx-swap-oob"]) == ("status", "true")
    assert "Saved." in soup.select_one(".tone-good").get_text()
