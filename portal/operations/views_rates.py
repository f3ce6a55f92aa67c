"""Riksbanken's reference rates, which the operator adds each half-year."""

from datetime import date

from flask import Response, flash, url_for
from flask_babel import gettext, lazy_gettext
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length

from portal import clock
from portal.collection import rates
from portal.extensions import db
from portal.law.interest import REFERENCE_RATES, half_year_start, next_half_year
from portal.messages import RedaError
from portal.operations.views import actor, operations
from portal.web.formats import format_date
from portal.web.forms import Form, PerCentField
from portal.web.rendering import go, render


class RateForm(Form):
    """A half-year's rate, as published."""

    from_on = SelectField(lazy_gettext("Half-year from"), [InputRequired()])
    per_cent = PerCentField(lazy_gettext("Reference rate"), [InputRequired()])
    source = StringField(lazy_gettext("Where you read it"), [InputRequired(), Length(max=200)])


def _form() -> RateForm:
    """The form, with the half-years that lack a rate: those up to now, and the next."""
    form = RateForm()
    day, last = rates.table().known_through, next_half_year(clock.today())
    missing = []
    while (day := next_half_year(half_year_start(day))) <= last:
        missing.append(day)
    form.from_on.choices = [(one.isoformat(), format_date(one)) for one in missing]
    return form


@operations.get("/rates")
def list_rates() -> Response:
    """All known rates, and the form for the next."""
    return _page(_form())


@operations.post("/rates")
def add_rate() -> Response:
    """Add a rate; interest that had stopped for it runs again."""
    form = _form()
    if not form.validate():
        return _page(form, 422)
    assert form.per_cent.data is not None
    try:
        rates.add(
            date.fromisoformat(form.from_on.data),
            form.per_cent.data,
            form.source.data or "",
            actor=actor(),
            now=clock.now(),
        )
        db.session.commit()
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return _page(form, error.status)
    flash(gettext("The rate is added."), "good")
    return go(url_for("operations.list_rates"))


def _page(form: RateForm, status: int = 200) -> Response:
    return render(
        "operations/rates.html",
        status=status,
        form=form,
        added=rates.added(),
        published=list(reversed(REFERENCE_RATES)),
        known_through=rates.table().known_through,
        are_rates_known=rates.table().known_through >= clock.today(),
    )
