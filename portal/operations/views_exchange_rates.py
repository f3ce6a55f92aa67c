"""Rates of exchange that statements in other currencies wait for, which the operator tells."""

from flask import Response, flash, url_for
from flask_babel import gettext, lazy_gettext
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length

from portal import clock
from portal.extensions import db
from portal.messages import RedaError
from portal.operations.views import actor, operations
from portal.payments import exchange_rates
from portal.web.formats import format_date
from portal.web.forms import Form, text
from portal.web.rendering import go, render


class ExchangeRateForm(Form):
    """A day's rate, as published."""

    day = SelectField(lazy_gettext("Currency and day"), [InputRequired()])
    rate = StringField(lazy_gettext("Kronor for one"), [InputRequired(), Length(max=20)])
    source = StringField(
        lazy_gettext("Who published it"),
        [InputRequired(), Length(max=exchange_rates.LONGEST_SOURCE)],
    )


def _form() -> ExchangeRateForm:
    form = ExchangeRateForm()
    form.day.choices = [
        (exchange_rates.name_of(one), f"{one.currency}, {format_date(one.on_day)}")
        for one in exchange_rates.wanted()
    ]
    return form


@operations.get("/exchange-rates")
def list_exchange_rates() -> Response:
    """Rates that are told, and the form for those that statements wait for."""
    return _page(_form())


@operations.post("/exchange-rates")
def tell_exchange_rate() -> Response:
    """Tell a rate; the statements that waited for it are made."""
    form = _form()
    if exchange_rates.known(exchange_rates.told(), form.day.data or ""):
        # The form may be gone from the page, and could not say so.
        flash(text(exchange_rates.AlreadyTold()), "warn")
        return go(url_for("operations.list_exchange_rates"))
    if not form.validate():
        return _page(form, 422)
    chosen = exchange_rates.known(exchange_rates.wanted(), form.day.data)
    assert chosen is not None
    try:
        exchange_rates.tell(
            chosen.currency, chosen.on_day, form.rate.data or "", form.source.data or "",
            actor=actor(), now=clock.now(),
        )  # fmt: skip
        db.session.commit()
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return _page(form, error.status)
    flash(gettext("The rate is added. The statements that waited for it are made now."), "good")
    return go(url_for("operations.list_exchange_rates"))


def _page(form: ExchangeRateForm, status: int = 200) -> Response:
    return render(
        "operations/exchange_rates.html",
        status=status,
        form=form,
        told=exchange_rates.told(),
    )
