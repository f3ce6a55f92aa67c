"""Bank, books and cases held against each other, day by day; and months closed for good."""

from collections.abc import Callable, Sequence
from datetime import MAXYEAR, MINYEAR, date, timedelta
from typing import Any

from flask import Response, flash, make_response, url_for
from flask_babel import gettext
from flask_login import current_user
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import cases
from portal.database import files
from portal.extensions import db, limiter, settings
from portal.messages import RedaError
from portal.operations.views import actor, once, operations
from portal.payments import (
    closing,
    own_share,
    payouts,
    reconciled_rows,
    reconciling,
    releasing,
    statuses,
    transfers,
)
from portal.payments.closing import Figures, Period
from portal.reporting import reconciliation as tables
from portal.reporting.names import entry as entry_name
from portal.reporting.tables import said
from portal.signing.starting import PAGES
from portal.web.forms import text
from portal.web.orders import is_phone
from portal.web.rendering import go, render

_ROWS_ON_A_PAGE = 100
# A period is read at once.
_LONGEST = timedelta(days=400)


def wrong_day() -> reconciling.Day | None:
    """The newest day reconciled, when something on it is not explained."""
    return reconciling.newest_wrong(closing.closed_through())


def wrong() -> int:
    """How many things on the newest day reconciled are not explained."""
    found = wrong_day()
    return found.unexplained if found else 0


@operations.get("/reconciliation")
def list_reconciled_days() -> Response:
    """The days of a month with what was found of each, our share, and the closed months."""
    return _days_page({})


def _days_page(wrong: dict[str, str]) -> Response:
    """The page, with what is wrong with the days asked for, and with them as they were typed."""
    yesterday = clock.today() - timedelta(days=1)
    month = _day(request.args.get("month", ""), "-01") or yesterday.replace(day=1)
    last = min(_end_of_month(month), yesterday)
    found = reconciling.kept_days(month, last)
    periods = closing.periods()
    days = [last - timedelta(days=back) for back in range(max(0, (last - month).days + 1))]
    return render(
        "operations/reconciliation.html",
        status=422 if wrong else 200,
        wrong={"first": "", "last": "", **wrong},
        asked={name: request.args.get(name, "")[:40] for name in ("first", "last") if wrong},
        month=month,
        last=last,
        days=[(day, found[day]) for day in days if day in found],
        others=[day for day in days if day not in found],
        earlier=month - timedelta(days=1),
        later=_end_of_month(month) + timedelta(days=1) if last < yesterday else None,
        periods=periods,
        is_waiting=any(one.status == closing.WAITING for one in periods),
        next_period=closing.next_period(clock.today()),
        own=_own_share(yesterday),
        own_account=settings().own_account,
        ordered=own_share.ordered(),
        written=own_share.written,
        explained=statuses.explained,
        yesterday=yesterday,
    )


def _own_share(day: date) -> list[tuple[str, int]]:
    found = [(one, own_share.available(one, day)) for one in reconciling.currencies()]
    return [(currency, ore) for currency, ore in found if ore or currency == "SEK"]


@operations.post("/reconciliation/own-share")
def take_out_own_share() -> Response:
    """Put together that our share is taken out, for two operators to approve."""
    on = _day(request.form.get("on", ""))
    if on is None or on >= clock.today():
        raise NotFound
    currency = request.form.get("currency", "SEK")
    try:
        return once(
            lambda: releasing.put_own_share_together(
                on=on, currency=currency, actor=actor(), now=clock.now()
            ),
            lambda batch: url_for("operations.show_payout_batch", batch_key=batch.key),
        )
    except RedaError as error:
        flash(text(error), "warn")
        return go(url_for("operations.list_reconciled_days"))


@operations.get("/reconciliation/period")
def show_reconciliation() -> Response:
    """A day or a period, as it is now."""
    if wrong := _wrong_days():
        return _days_page(wrong)
    first, last, currency = _asked()
    found = Figures(
        reconciling.reconcile(first, last, currency), reconciling.owners(last, currency)
    )
    return render(
        "operations/reconciled.html",
        found=[found],
        period=closing.of_day(last),
        is_day=first == last,
        currencies=reconciling.currencies(),
        **_words([found]),
    )


def _words(found: Sequence[Figures]) -> dict[str, Any]:
    ids = {row.case_id for each in found for row in each.reconciliation.uneven}
    return {
        "moves": tables.MOVES,
        "payers": _payers(found),
        "companies": payouts.company_names(
            row.name
            for each in found
            for row in each.reconciliation.differences
            if row.kind == "payout"
        ),
        "reasons": tables.REASONS,
        "names_of_cases": cases.names(ids),
        "entry_name": lambda kind: said(entry_name(kind)),
        "sides": reconciled_rows.SIDES,
    }


def _payers(found: Sequence[Figures]) -> dict[int, str]:
    return reconciling.payers(
        row.id
        for each in found
        for row in each.reconciliation.differences
        if row.kind == "bank" and row.id is not None
    )


@operations.post("/reconciliation/period")
def reconcile_day() -> Response:
    """Reconcile a day anew, and keep what comes of it."""
    day = _day(request.form.get("day", ""))
    if day is None or day > clock.today():
        raise NotFound
    reconciling.keep_day(day, now=clock.now())
    db.session.commit()
    flash(gettext("It is reconciled anew."), "good")
    shown = day.isoformat()
    return go(url_for("operations.show_reconciliation", first=shown, last=shown))


@operations.get("/reconciliation/period.csv")
def download_reconciliation() -> Response:
    """A day or a period for a spreadsheet."""
    first, last, currency = _asked()
    found = Figures(
        reconciling.reconcile(first, last, currency), reconciling.owners(last, currency)
    )
    return _csv([found], f"reconciliation-{first}-{last}-{currency}.csv")


def _csv(found: Sequence[Figures], name: str, period: Period | None = None) -> Response:
    told = tables.report(found, period.reasons if period else ())
    response = make_response(tables.as_csv(told))
    response.mimetype = "text/csv"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


@operations.get("/reconciliation/rows")
def list_reconciled_rows() -> Response:
    """The rows that a sum is made of."""
    first, last, currency = _asked()
    side, what = request.args.get("side", ""), request.args.get("what", "")
    if side not in reconciled_rows.SIDES or what not in reconciling.MOVES:
        raise NotFound
    found = reconciled_rows.rows(
        side, what, first, last, currency, after=request.args.get("after", 0, type=int),
        limit=_ROWS_ON_A_PAGE + 1,
    )  # fmt: skip
    shown = found[:_ROWS_ON_A_PAGE]
    return render(
        "operations/reconciled_rows.html",
        rows=shown,
        side=side,
        what=what,
        first=first,
        last=last,
        currency=currency,
        after=shown[-1].id if len(found) > _ROWS_ON_A_PAGE else None,
        is_first="after" not in request.args,
        **{
            **_words([]),
            "names_of_cases": cases.names(
                {one.case_id for one in shown if one.case_id is not None}
            ),
        },
    )


@operations.get("/reconciliation/entries/<int:entry_id>")
def show_entry(entry_id: int) -> Response:
    """An entry in the books, with its lines."""
    found = reconciled_rows.entry(entry_id)
    if found is None:
        raise NotFound
    names = cases.names({found.case_id} if found.case_id is not None else set())
    return render(
        "operations/entry.html",
        entry=found,
        name=said(entry_name(found.kind)),
        case=names.get(found.case_id) if found.case_id is not None else None,
    )


@operations.get("/reconciliation/close")
def prepare_closing() -> Response:
    """The oldest open month, and what has to be given a reason before it is closed."""
    return _closing_page()


@operations.post("/reconciliation/close")
def put_closing_together() -> Response:
    """Put the closing of the oldest open month together, for another operator to approve."""
    today, now = clock.today(), clock.now()
    days = closing.next_period(today)
    if days is None or request.form.get("last") != days[1].isoformat():
        flash(gettext("Only the oldest open month can be closed, once it is over."), "warn")
        return go(url_for("operations.list_reconciled_days"))
    found = closing.figures(*days)
    reasons = {
        name.removeprefix("why:"): words
        for name, words in request.form.items()
        if name.startswith("why:")
    }
    try:
        told = [
            {"what": one.what, "name": one.name, "ore": one.ore, "why": reasons.get(one.key, "")}
            for one in closing.points(found)
        ]
        period = closing.put_together(
            *days, reasons, found=found, report=tables.as_pdf(found, told, today),
            person=current_user, today=today, now=now,
        )  # fmt: skip
    except RedaError as error:
        db.session.rollback()
        if error.problem.field is None:
            flash(text(error), "warn")
            return go(url_for("operations.list_reconciled_days"))
        return _closing_page(error, reasons)
    db.session.commit()
    return go(url_for("operations.show_period", period_key=period.key))


def _closing_page(
    error: RedaError | None = None, reasons: dict[str, str] | None = None
) -> Response:
    days = closing.next_period(clock.today())
    if days is None:
        flash(gettext("No month is over that is not closed already."), "warn")
        return go(url_for("operations.list_reconciled_days"))
    found = closing.figures(*days)
    return render(
        "operations/close_period.html",
        status=422 if error else 200,
        first=days[0],
        last=days[1],
        found=found,
        points=closing.points(found),
        written=reasons or {},
        error=error,
        wrong=error.problem.field if error else None,
        **_words(found),
    )


@operations.get("/periods/<period_key>")
def show_period(period_key: str) -> Response:
    """A month as it was when it was put together, and who has closed it."""
    period = _period(period_key)
    found = closing.from_json(period.figures)
    heading, *lines = period.text.splitlines()
    return render(
        "operations/period.html",
        period=period,
        found=found,
        title=heading.removeprefix("# "),
        lines=[one.removeprefix("+ ").partition(": ") for one in lines[1:]],
        may_approve=period.status == closing.WAITING and period.made_by_id != current_user.id,
        is_right=closing.digest(period.figures) == period.figures_sha256,
        is_phone=is_phone(),
        **_words(found),
    )


@operations.post("/periods/<period_key>")
@limiter.limit("10 per minute")
def approve_period(period_key: str) -> Response:
    """Start to sign with BankID; only the reader's own BankID can do it."""
    period = _period(period_key)
    try:
        purpose = closing.purpose(period, current_user, now=clock.now())
    except RedaError as error:
        flash(text(error), "warn")
        return go(url_for("operations.show_period", period_key=period_key))
    return PAGES.start(purpose)


@operations.post("/periods/<period_key>/withdraw")
def withdraw_period(period_key: str) -> Response:
    """Let a month stay open that waits for approval."""
    _period(period_key)
    closing.withdraw(period_key, actor=actor(), now=clock.now())
    db.session.commit()
    return go(url_for("operations.show_period", period_key=period_key))


@operations.get("/periods/<period_key>/file")
def download_period(period_key: str) -> Response:
    """The PDF that a month is kept as; each time the same."""
    period = _period(period_key)
    response = make_response(files.read(period.report_sha256))
    response.mimetype = "application/pdf"
    name = f"avstamning-{period.first_on}-{period.last_on}.pdf"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


@operations.get("/periods/<period_key>/figures")
def download_period_figures(period_key: str) -> Response:
    """A month's figures as they were, for a spreadsheet."""
    period = _period(period_key)
    name = f"reconciliation-{period.first_on}-{period.last_on}.csv"
    return _csv(closing.from_json(period.figures), name, period)


def _period(key: str) -> Period:
    found = closing.find(key)
    if found is None:
        raise NotFound
    return found


@operations.post("/payments/<int:payment_id>/transfer")
def note_transfer(payment_id: int) -> Response:
    """Note that a bank's payment brings what is booked already, or our own money."""
    return _transfer(
        payment_id,
        lambda: transfers.note(
            payment_id, request.form.get("way", ""), actor=actor(), now=clock.now()
        ),
        gettext("It is noted."),
    )


@operations.post("/payments/<int:payment_id>/transfer/undo")
def undo_transfer(payment_id: int) -> Response:
    """Take back what a bank's payment was noted to bring."""
    return _transfer(
        payment_id,
        lambda: transfers.undo(payment_id, actor=actor(), now=clock.now()),
        gettext("The decision is taken back. The payment waits again."),
    )


def _transfer(payment_id: int, act: Callable[[], None], told: str) -> Response:
    shown = url_for("operations.show_payment", payment_id=payment_id)
    try:
        return once(act, lambda _: shown, told)
    except RedaError as error:
        flash(text(error), "warn")
        return go(shown)


def _asked() -> tuple[date, date, str]:
    first, last = (_day(request.args.get(name, "")) for name in ("first", "last"))
    currency = request.args.get("currency", "SEK")
    if first is None or last is None or not first <= last <= first + _LONGEST:
        raise NotFound
    if currency not in reconciling.currencies():
        raise NotFound
    return first, last, currency


def _wrong_days() -> dict[str, str]:
    """What is wrong with the days asked for, by field."""
    wrong, days = {}, []
    for name in ("first", "last"):
        written = request.args.get(name, "").strip()
        days.append(_day(written))
        if days[-1] is None:
            wrong[name] = gettext(
                "“%(text)s” is not a date. Write it like 2026-11-03.", text=written[:40]
            )
    first, last = days
    if first is not None and last is not None:
        if last < first:
            wrong["last"] = gettext("The last day is before the first one.")
        elif last > first + _LONGEST:
            wrong["last"] = gettext("Choose at most %(most)s days.", most=_LONGEST.days)
    return wrong


def _day(written: str, rest: str = "") -> date | None:
    try:
        day = date.fromisoformat(written + rest)
    except ValueError:
        return None
    # A month before and a month after it are days still.
    return day if MINYEAR < day.year < MAXYEAR else None


def _end_of_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
