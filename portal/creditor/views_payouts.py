"""Money out to the company: what waits, what was paid, each payout's statement, and when."""

from flask import Response, flash, url_for
from flask_babel import gettext
from htmx_flask import request

from portal import clock, ledger
from portal.collection import cases
from portal.companies import accounts, charts
from portal.creditor import access
from portal.creditor.forms_payouts import ChartForm, ScheduleForm
from portal.creditor.views import creditor
from portal.extensions import db
from portal.messages import RedaError
from portal.payments import payouts, statuses
from portal.web import payout_statements
from portal.web.formats import format_date
from portal.web.rendering import go, render

_ROWS = 50


@creditor.get("/<key>/payouts")
def list_payouts() -> Response:
    """What waits to be paid out and when, and every payout there was."""
    creditor_id = access.role().creditor_id
    after = payouts.find(request.args.get("after", ""))
    rows = payouts.of_company(creditor_id, after, limit=_ROWS)
    owed_ore, borne_ore = ledger.owed_to(creditor_id), ledger.owed_by(creditor_id)
    schedule = payouts.schedule_of(creditor_id)
    return render(
        "creditor/payouts.html",
        payouts=rows,
        after=after,
        next_after=rows[-1].key if len(rows) == _ROWS else None,
        owed_ore=owed_ore,
        borne_ore=borne_ore,
        left_ore=owed_ore - borne_ore,
        proposed_ore=sum(one.amount_ore for one in payouts.waiting(creditor_id)),
        has_account=bool(accounts.of_company(creditor_id)),
        schedule=schedule,
        next_on=schedule.next_after(clock.today()),
        explained=statuses.explained,
    )


@creditor.get("/<key>/payouts/owed")
def show_owed() -> Response:
    """The sum owed, and the payments that make it up."""
    creditor_id = access.role().creditor_id
    after = request.args.get("after", type=int)
    rows = ledger.owed_rows(creditor_id, after, limit=_ROWS)
    return render(
        "creditor/owed.html",
        owed_ore=ledger.owed_to(creditor_id),
        borne_ore=ledger.owed_by(creditor_id),
        rows=rows,
        names_of_cases=cases.names(row.case_id for row in rows if row.case_id is not None),
        after=after,
        next_after=rows[-1].entry_id if len(rows) == _ROWS else None,
    )


@creditor.get("/<key>/payouts/<payout_key>")
def show_payout(payout_key: str) -> Response:
    """A payout's remittance statement, case by case."""
    return render(
        "creditor/payout.html", **payout_statements.page(payout_statements.paid_out(payout_key))
    )


@creditor.get("/<key>/payouts/<payout_key>/statement.<any(pdf, xlsx, csv, si):extension>")
def export_payout(payout_key: str, extension: str) -> Response:
    """The same statement as a file, or as a voucher for the company's own books."""
    return payout_statements.file(payout_statements.paid_out(payout_key), extension)


@creditor.get("/<key>/payouts/settings")
def change_payouts() -> Response:
    """When the company is paid, and which accounts its vouchers use."""
    access.require_administrator()
    return _settings()


@creditor.post("/<key>/payouts/settings/schedule")
def save_schedule() -> Response:
    """Keep when the company is paid."""
    access.require_administrator()
    form, creditor_id = ScheduleForm(), access.role().creditor_id
    if not form.validate():
        return _settings(schedule=form, status=422)
    try:
        payouts.choose_schedule(creditor_id, form.chosen(), actor=access.actor(), now=clock.now())
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return _settings(schedule=form, status=error.status)
    db.session.commit()
    next_on = payouts.schedule_of(creditor_id).next_after(clock.today())
    flash(gettext("Saved. The next payout is on %(day)s.", day=format_date(next_on, "full")),
          "good")  # fmt: skip
    return go(url_for("creditor.list_payouts"))


@creditor.post("/<key>/payouts/settings/chart")
def save_chart() -> Response:
    """Keep which accounts the company's vouchers use."""
    access.require_administrator()
    form = ChartForm()
    if not form.validate():
        return _settings(chart=form, status=422)
    try:
        charts.choose(
            access.role().creditor_id, form.chosen(), actor=access.actor(), now=clock.now()
        )
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return _settings(chart=form, status=error.status)
    db.session.commit()
    flash(gettext("Saved. Vouchers that you fetch from now on use these accounts."), "good")
    return go(url_for("creditor.change_payouts", _anchor="chart"))


def _settings(
    *, schedule: ScheduleForm | None = None, chart: ChartForm | None = None, status: int = 200
) -> Response:
    creditor_id = access.role().creditor_id
    kept = payouts.schedule_of(creditor_id)
    return render(
        "creditor/payout_settings.html",
        status=status,
        schedule=schedule
        or ScheduleForm(
            formdata=None,
            data={"every": kept.every, "weekday": kept.weekday, "lowest": kept.lowest_ore},
        ),
        chart=chart or ChartForm(formdata=None, obj=charts.of_company(creditor_id)),
        next_on=kept.next_after(clock.today()),
    )
