"""What companies are charged: the price list of commission, statements, and the books beside."""

from datetime import date

from flask import Response, flash, url_for
from flask_babel import gettext, lazy_gettext
from htmx_flask import request
from werkzeug.exceptions import NotFound
from wtforms import DateField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from portal import clock, ledger
from portal.extensions import db
from portal.messages import RedaError
from portal.operations.views import actor, operations
from portal.payments import commission, exchange_rates, paying_in, statements
from portal.payments.models import ServiceStatement
from portal.reporting import charges
from portal.web.forms import Form, PerCentField
from portal.web.rendering import go, render
from portal.web.statement_files import as_pdf, as_spreadsheet

_ROWS = 100


class PriceForm(Form):
    """A price of commission from a day on."""

    creditor = SelectField(lazy_gettext("For whom"))
    from_on = DateField(lazy_gettext("From"), [InputRequired()])
    per_cent = PerCentField(lazy_gettext("Commission"), [Optional()])
    note = StringField(lazy_gettext("Note"), [Length(max=commission.LONGEST_NOTE)])


def _form() -> PriceForm:
    form = PriceForm()
    form.creditor.choices = [
        ("", gettext("All companies, the service’s own price")),
        *((str(id_), name) for id_, name in commission.companies()),
    ]
    return form


@operations.get("/charges")
def list_charges() -> Response:
    """All companies' statements of a month, and all that is charged held against the books."""
    months = statements.months()
    chosen = _month(request.args.get("month", ""), months)
    found = statements.of_month(chosen) if chosen else []
    sums: dict[str, tuple[int, int, int]] = {}
    for one, _ in found:
        net, vat, total = sums.get(one.currency, (0, 0, 0))
        sums[one.currency] = (net + one.net_ore, vat + one.vat_ore, total + one.total_ore)
    return render(
        "operations/charges.html",
        months=months,
        chosen=chosen,
        found=found,
        sums=sums,
        standings=paying_in.standings([one for one, _ in found]),
        held=statements.against_the_books(ledger.totals()),
        wanted=exchange_rates.wanted(),
    )


def _month(told: str, months: list[date]) -> date | None:
    known = {f"{one:%Y-%m}": one for one in months}
    if told and told not in known:
        raise NotFound
    return known[told] if told else next(iter(months), None)


@operations.get("/charges/<statement_key>")
def show_charges(statement_key: str) -> Response:
    """A company's statement, with every charge."""
    return render(
        "operations/charges_statement.html",
        shown=charges.shown(
            _statement(statement_key),
            most=_ROWS,
            section=request.args.get("section"),
            after=request.args.get("after", 0, type=int),
        ),
    )


@operations.get("/charges/<statement_key>.pdf")
def download_charges(statement_key: str) -> Response:
    """A company's statement as PDF."""
    return as_pdf(_statement(statement_key))


@operations.get("/charges/<statement_key>.csv", defaults={"kind": "csv"})
@operations.get("/charges/<statement_key>.xlsx", defaults={"kind": "xlsx"})
def export_charges(statement_key: str, kind: str) -> Response:
    """Every charge of a company's statement as a spreadsheet."""
    return as_spreadsheet(_statement(statement_key), kind)


def _statement(key: str) -> ServiceStatement:
    found = statements.find(key)
    if found is None:
        raise NotFound
    return found


@operations.get("/prices")
def list_prices() -> Response:
    """The price list of commission, and the form for another."""
    return _page(_form())


@operations.post("/prices")
def add_price() -> Response:
    """Add a price from a day that is to come."""
    form = _form()
    if not form.validate():
        return _page(form, 422)
    assert form.from_on.data is not None
    try:
        commission.add_price(
            int(form.creditor.data) if form.creditor.data else None,
            from_on=form.from_on.data,
            per_cent=form.per_cent.data,
            note=form.note.data or "",
            actor=actor(),
            today=clock.today(),
            now=clock.now(),
        )
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return _page(form, 422)
    db.session.commit()
    flash(gettext("The price is added."), "good")
    return go(url_for("operations.list_prices"))


def _page(form: PriceForm, status: int = 200) -> Response:
    return render(
        "operations/prices.html",
        status=status,
        form=form,
        prices=commission.prices(),
        today=clock.today(),
    )
