"""Money out: proposals per company, their approval by two operators, and the bank's file."""

from collections.abc import Callable

from flask import Response, flash, make_response, url_for
from flask_babel import gettext, lazy_gettext, ngettext
from flask_login import current_user
from flask_wtf.file import FileField, FileRequired
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import cases, lookup
from portal.companies import accounts
from portal.database import files
from portal.extensions import db, limiter
from portal.ledger import owing_creditors
from portal.messages import RedaError
from portal.operations.views import actor, once, operations
from portal.payments import own_share, payouts, refunds, releasing, statuses
from portal.reporting.names import entry as entry_name
from portal.reporting.tables import said
from portal.signing.starting import PAGES
from portal.web import payout_statements
from portal.web.forms import Form, text
from portal.web.orders import is_phone
from portal.web.rendering import go, render

# Cases of a payout that the list shows; the payout's own page has all.
_CASES_SHOWN = 20


class ReportForm(Form):
    """What the bank says of payouts."""

    file = FileField(
        lazy_gettext("Status report from the bank"),
        [FileRequired(lazy_gettext("Choose a file."))],
        render_kw={"accept": ".xml"},
    )


@operations.get("/payouts")
def list_payouts() -> Response:
    """Proposals grouped per company, what waits for approval, and what was sent."""
    return _page(ReportForm(formdata=None))


@operations.post("/payouts/propose")
def propose_payouts() -> Response:
    """Propose at once, whatever the companies' schedules."""
    now, count = clock.now(), 0
    for creditor_id in owing_creditors():
        count += len(payouts.propose(creditor_id, today=clock.day_of(now), now=now))
        db.session.commit()
    flash(
        ngettext(
            "%(num)s proposal is new or changed.", "%(num)s proposals are new or changed.", count
        ),
        "good",
    )
    return go(url_for("operations.list_payouts"))


@operations.post("/payouts")
def do_payouts() -> Response:
    """Hold, let go on, pay to the account in use, or put together: what is marked."""
    keys, back = request.form.getlist("payout"), request.form.getlist("refund")
    act = request.form.get("act", "")
    if not keys and not (back and act == "together"):
        return _told(gettext("Choose at least one payout."))
    if act == "together":
        return _put_together(keys, back)
    acts: dict[str, Callable[[str], None]] = {
        "hold": lambda key: payouts.hold(key, is_held=True),
        "go on": lambda key: payouts.hold(key, is_held=False),
        "account": lambda key: payouts.change_account(key, None),
    }
    if act not in acts:
        return _told(gettext("Choose one of the options."))
    try:
        for key in sorted(set(keys)):
            acts[act](key)
    except RedaError as error:
        db.session.rollback()
        return _told(text(error))
    db.session.commit()
    flash(gettext("It is done."), "good")
    return go(url_for("operations.list_payouts"))


def _put_together(keys: list[str], back: list[str]) -> Response:
    try:
        return once(
            lambda: releasing.put_together(keys, back, actor=actor(), now=clock.now()),
            lambda batch: url_for("operations.show_payout_batch", batch_key=batch.key),
        )
    except RedaError as error:
        return _told(text(error))


def _told(words: str) -> Response:
    flash(words, "warn")
    return go(url_for("operations.list_payouts"))


@operations.post("/payouts/report")
def take_payout_report() -> Response:
    """Take the bank's status report (pain.002)."""
    form = ReportForm()
    if not form.validate():
        return _page(form, 422)
    try:
        outcome = statuses.take_report(form.file.data.read(statuses.LARGEST), now=clock.now())
    except RedaError as error:
        db.session.rollback()
        form.file.errors = [text(error)]
        return _page(form, 422)
    db.session.commit()
    flash(
        gettext(
            "Paid: %(paid)s. Refused: %(refused)s. On their way: %(rest)s.",
            paid=outcome.paid, refused=outcome.refused, rest=outcome.under_way,
        ),
        "good" if not outcome.refused and not outcome.denied else "warn",
    )  # fmt: skip
    if outcome.denied:
        flash(
            ngettext(
                "The report says that one is paid which the bank refused before, and which is owed "
                "again. Hold it, and ask the bank which is right before it is paid anew.",
                "The report says that %(num)s are paid which the bank refused before, and which "
                "are owed again. Hold them, and ask the bank which is right before they are paid "
                "anew.",
                outcome.denied,
            ),
            "warn",
        )
    return go(url_for("operations.list_payouts"))


@operations.get("/payouts/<payout_key>")
def show_payout(payout_key: str) -> Response:
    """What a payout is made of, its account and its note."""
    return _payout_page(payout_key)


@operations.post("/payouts/<payout_key>")
def change_payout(payout_key: str) -> Response:
    """Keep a note on a payout, and choose its account while it is a proposal."""
    if payouts.find(payout_key) is None:
        raise NotFound
    try:
        payouts.write_note(payout_key, request.form.get("note", ""))
        if "account" in request.form:
            payouts.change_account(payout_key, request.form["account"])
    except RedaError as error:
        db.session.rollback()
        return _payout_page(payout_key, error)
    db.session.commit()
    flash(gettext("Saved."), "good")
    return go(url_for("operations.show_payout", payout_key=payout_key))


def _payout_page(key: str, error: RedaError | None = None) -> Response:
    payout = payouts.find(key)
    if payout is None:
        raise NotFound
    lines = payouts.lines(payout)
    return render(
        "operations/payout.html",
        status=error.status if error else 200,
        payout=payout,
        company=payouts.company_name(payout),
        lines=lines,
        names_of_cases=cases.names(one.case_id for one in lines if one.case_id is not None),
        entry_name=lambda kind: said(entry_name(kind)),
        accounts=accounts.of_company(payout.creditor_id),
        may_change=payout.status in payouts.OPEN and payout.batch_id is None,
        explained=statuses.explained,
        error=error,
        note=request.form.get("note", payout.note),
    )


@operations.get("/payouts/<payout_key>/statement")
def show_statement(payout_key: str) -> Response:
    """The remittance statement, as the company reads it."""
    payout = payout_statements.paid_out(payout_key)
    return render(
        "operations/statement.html",
        company=payouts.company_name(payout),
        **payout_statements.page(payout),
    )


@operations.get("/payouts/<payout_key>/statement.<any(pdf, xlsx, csv, si):extension>")
def export_statement(payout_key: str, extension: str) -> Response:
    """The same statement as a file."""
    return payout_statements.file(payout_statements.paid_out(payout_key), extension)


@operations.get("/payout-batches/<batch_key>")
def show_payout_batch(batch_key: str) -> Response:
    """What is approved, word for word, who has approved it, and the file."""
    batch = releasing.find(batch_key)
    if batch is None:
        raise NotFound
    heading, *lines = batch.text.splitlines()
    signed = releasing.signatures(batch)
    own = own_share.shown_of(batch)
    return render(
        "operations/payout_batch.html",
        batch=batch,
        title=heading.removeprefix("# "),
        lines=[one.removeprefix("+ ").partition(": ") for one in lines[1:]],
        payouts=payouts.of_batch(batch),
        refunds=refunds.of_batch(batch.id),
        written=refunds.written,
        own=own,
        own_account=own_share.written(own) if own else "",
        is_own=releasing.is_own_share(batch),
        signatures=signed,
        needed=releasing.NEEDED,
        explained=statuses.explained,
        may_approve=batch.status == releasing.WAITING
        and all(one.person_id != current_user.id for one in signed),
        is_phone=is_phone(),
    )


@operations.post("/payout-batches/<batch_key>")
@limiter.limit("10 per minute")
def approve_payouts(batch_key: str) -> Response:
    """Start to sign with BankID; only the reader's own BankID can do it."""
    batch = releasing.find(batch_key)
    if batch is None:
        raise NotFound
    try:
        purpose = releasing.purpose(batch, current_user, now=clock.now())
    except RedaError as error:
        flash(text(error), "warn")
        return go(url_for("operations.show_payout_batch", batch_key=batch_key))
    return PAGES.start(purpose)


@operations.post("/payout-batches/<batch_key>/withdraw")
def withdraw_payouts(batch_key: str) -> Response:
    """Take a batch apart that nobody shall approve."""
    if releasing.find(batch_key) is None:
        raise NotFound
    releasing.withdraw(batch_key, now=clock.now())
    db.session.commit()
    return go(url_for("operations.list_payouts"))


@operations.get("/payout-batches/<batch_key>/file")
def download_payout_file(batch_key: str) -> Response:
    """The file for the bank (pain.001); each time the same."""
    batch = releasing.find(batch_key)
    if batch is None or batch.file_sha256 is None:
        raise NotFound
    response = make_response(files.read(batch.file_sha256))
    response.mimetype = "application/xml"
    response.headers.set("Content-Disposition", "attachment", filename=releasing.file_name(batch))
    return response


def _page(form: ReportForm, status: int = 200) -> Response:
    order = request.args.get("sort", "creditor")
    found = payouts.proposals(order)
    by_case = payouts.by_case([one.id for one, _ in found], most=_CASES_SHOWN)
    ids = {row.case_id for rows in by_case.values() for row in rows if row.case_id is not None}
    sums: dict[str, int] = {}
    for one, _ in found:
        sums[one.currency] = sums.get(one.currency, 0) + one.amount_ore
    return render(
        "operations/payouts.html",
        status=status,
        proposals=found,
        sums=sums,
        by_case=by_case,
        cases_shown=_CASES_SHOWN,
        names_of_cases=cases.names(ids),
        batches=releasing.batches(),
        refunds=(back := refunds.to_put_together()),
        refunded=lookup.named([one.case_id for one in back if one.case_id is not None]),
        written=refunds.written,
        order=order,
        form=form,
    )
