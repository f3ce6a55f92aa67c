"""A page that shows every component in each of its states, in development only."""

from datetime import UTC, date, datetime
from decimal import Decimal

from flask import Blueprint, Response, abort, flash
from flask_wtf.file import FileField
from markupsafe import Markup
from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from portal.messages import Problem
from portal.payments import qr
from portal.web import charts
from portal.web.charts import Bar, Line, Part
from portal.web.forms import Form, KronorField
from portal.web.rendering import render

components = Blueprint("components", __name__, url_prefix="/dev")


class ExampleForm(Form):
    """One field of each kind."""

    name = StringField("Name", [InputRequired(), Length(min=2, max=60)])
    email = EmailField("E-mail")
    amount = KronorField("Amount each month", [InputRequired()])
    first_on = DateField("First payment", [InputRequired()])
    letter = SelectField(
        "Letters come by", choices=[("kivra", "Digital mailbox"), ("post", "Post")]
    )
    plan = RadioField(
        "Payment plan",
        [InputRequired()],
        choices=[("3", "3 months"), ("6", "6 months"), ("12", "12 months")],
    )
    days = SelectMultipleField(
        "Call me on",
        choices=[("1", "Monday"), ("2", "Tuesday")],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    reason = TextAreaField("What is wrong with the invoice?")
    agreed = BooleanField("I have read how the plan works", [InputRequired()])
    invoice = FileField("Invoice file")


_EVENTS = [
    {
        "at": datetime(2026, 11, 2, 8, 30, tzinfo=UTC),
        "title": "The invoice came to us",
        "who": "Norrbo Energi AB",
    },
    {
        "at": datetime(2026, 11, 3, 9, 0, tzinfo=UTC),
        "title": "Reminder sent",
        "text": "By digital mailbox. The fee of 60 kr was added.",
        "who": "Reda",
    },
    {"at": date(2026, 11, 24), "title": "You are here", "text": "Pay today, and it ends here."},
    {
        "at": date(2026, 12, 4),
        "title": "Last day to pay without a further cost",
        "upcoming": True,
    },
    {"at": date(2026, 12, 8), "title": "A demand for payment may be sent", "upcoming": True},
]

_CASES = [
    {
        "number": "100-204-318",
        "name": "Sara Lindqvist",
        "due_on": date(2026, 10, 14),
        "ore": 128_450,
        "status": ("Reminded", "info"),
    },
    {
        "number": "100-204-319",
        "name": "Bygg & Trädgård i Ångermanland AB",
        "due_on": date(2026, 9, 30),
        "ore": 10_245_000,
        "status": ("Objection", "warn"),
    },
    {
        "number": "100-204-320",
        "name": "Mohammed al-Rashid",
        "due_on": date(2026, 11, 1),
        "ore": 0,
        "status": ("Paid", "good"),
    },
]


def _example_forms() -> tuple[ExampleForm, ExampleForm]:
    empty = ExampleForm(formdata=None, data={"plan": "6", "amount": 45_000}, prefix="empty-")
    wrong = ExampleForm(formdata=None, data={"name": "S"}, prefix="wrong-")
    wrong.validate()
    wrong.take(
        Problem("Choose a day before %(last_on)s.", {"last_on": date(2026, 12, 31)}, "first_on")
    )
    wrong.take(Problem("Together the parts must be %(sum_ore)s.", {"sum_ore": 128_450}))
    return empty, wrong


@components.get("/components")
def show() -> Response:
    """Every component in each of its states."""
    empty, wrong = _example_forms()
    flash("Your changes are saved.", "success")
    return render(
        "operations/components.html",
        form=empty,
        wrong=wrong,
        events=_EVENTS,
        cases=_CASES,
        code=qr.svg("https://reda.example/", title="Example"),
        drawings=_drawings(),
        rate=Decimal("9.5"),
        nav_items=[
            {"text": "Overview", "url": "#overview"},
            {"text": "Cases", "url": "#tables", "current": True, "count": 1240},
            {"text": "Rules", "url": "#forms"},
            {"text": "Payments", "url": "#money"},
            {"text": "Reports", "url": "#lists"},
        ],
        person_name="Tolvan Tolvansson",
        sign_out_url="#",
    )


def _drawings() -> list[Markup]:
    """A chart of each kind."""
    late = [
        Bar("1–30", [Part(1000), Part(200, 3)], "SEK 1,200"),
        Bar("31–60", [Part(640)], "SEK 640"),
    ]
    weeks = [Bar("26/11", [Part(40), Part(20, 3)], "60", 30, 80), Bar("3/12", [Part(25)], "25")]
    lines = [Line([0, 2, 2, 5], 6), Line([1, 1, 4])]
    return [
        charts.bars("Bars", late, description="Most is new."),
        charts.columns("Columns", weeks, description="Less the second week."),
        charts.lines("Lines", lines, labels=["1", "4"], top="5", points=4),
    ]


@components.get("/debtor")
def show_debtor() -> Response:
    """A debtor's page with every part that one may have."""
    return render("operations/components_debtor.html", events=_EVENTS)


@components.get("/quiet")
def show_quiet() -> Response:
    """A quiet page with a form."""
    return render("operations/components_quiet.html", form=_example_forms()[0])


@components.get("/errors/<int:status>")
def show_error(status: int) -> Response:
    """The error page of a status."""
    abort(status)
