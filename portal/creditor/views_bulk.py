"""Rules for many customers at once: who and what, a look at what comes of it, and the act."""

from flask import Response, flash, url_for
from flask_babel import gettext, ngettext
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import bulk, customers, rulebook, states
from portal.collection.models import BulkRules
from portal.creditor import access, forms_bulk, settings, subjects, undoing
from portal.creditor.forms_bulk import BulkForm, bulk_form
from portal.creditor.views import creditor
from portal.creditor.views_customers import filters
from portal.extensions import db
from portal.messages import RedaError
from portal.sources.customer_list import MOST_NUMBERS, Listed
from portal.web import spreadsheets
from portal.web.rendering import go, render

_PROBLEMS_SHOWN = 200
_NUMBERS_SHOWN = 200


def _form(*, is_new: bool) -> BulkForm:
    creditor_id = access.role().creditor_id
    return bulk_form(customers.said(creditor_id), rulebook.known_types(creditor_id), is_new=is_new)


def _bulk(bulk_id: int) -> BulkRules:
    person_id = access.actor().person_id
    try:
        return bulk.find(access.role().creditor_id, person_id or 0, bulk_id)
    except bulk.NotThere as error:
        raise NotFound from error


@creditor.get("/<key>/customers/many")
def choose_many() -> Response:
    """Say who they are and what they get."""
    access.require_may_change()
    marked = request.args.get("of", type=int)
    form = _form(is_new=True)
    form.of.data = str(marked or "")
    return _page(form)


def _page(form: BulkForm, status: int = 200) -> Response:
    marked = form.of.data or ""
    return render(
        "creditor/many.html",
        status=status,
        form=form,
        marked=_bulk(int(marked)) if marked.isascii() and marked.isdigit() else None,
        cards=subjects.cards_to_choose(),
        opened={
            card.key
            for card in subjects.cards_to_choose()
            if any(form[name].errors or form[name].data for name in card.names)
        },
        most=MOST_NUMBERS,
    )


@creditor.post("/<key>/customers/many/marked")
def mark_customers() -> Response:
    """Take those that were marked in the list, all on its page, or all that it finds."""
    creditor_id, which = access.role().creditor_id, request.form.get("which", "marked")
    if which == "found":
        numbers = customers.numbers(creditor_id, filters(), clock.today(), MOST_NUMBERS + 1)
    else:
        ids = request.form.getlist("shown" if which == "shown" else "mark", type=int)
        numbers = customers.numbers_of(creditor_id, ids)
    if not numbers or len(numbers) > MOST_NUMBERS:
        text = (
            gettext("Mark at least one customer.")
            if not numbers
            else gettext(
                "At most %(most)s customers are taken at a time. Narrow the list, or give the"
                " rules to their class.",
                most=MOST_NUMBERS,
            )
        )
        flash(text, "warn")
        return go(undoing.way_back(url_for("creditor.list_customers")))
    bulk_id = _keep("", {}, forms_bulk.marked(numbers), "marked")
    db.session.commit()
    return go(url_for("creditor.choose_many", of=bulk_id))


def _keep(act: str, values: dict[str, object], listed: Listed, source: str) -> int:
    return bulk.keep(
        access.role().creditor_id,
        access.actor().person_id or 0,
        act,
        values,
        listed,
        source=source,
        today=clock.today(),
        now=clock.now(),
    )


@creditor.post("/<key>/customers/many")
def prepare_many() -> Response:
    """Keep what was chosen, to be looked at."""
    form = _form(is_new=False)
    if not form.validate():
        return _page(form, 422)
    try:
        listed, source = form.listed(clock.today())
        marked = form.of.data or ""
        if marked.isascii() and marked.isdigit():
            chosen = _bulk(int(marked))
            listed, source = forms_bulk.marked([row[1] for row in chosen.rows]), "marked"
        bulk_id = _keep(form.act.data, form.common(), listed, source)
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return _page(form, error.status)
    db.session.commit()
    return go(url_for("creditor.preview_many", bulk_id=bulk_id))


@creditor.get("/<key>/customers/many/<int:bulk_id>")
def preview_many(bulk_id: int) -> Response:
    """What would become of them; nothing is kept yet."""
    access.require_may_change()
    chosen = _bulk(bulk_id)
    if chosen.done_at is not None:
        flash(gettext("This is done already. Nothing has changed."), "info")
        return go(url_for("creditor.list_customers"))
    problems = bulk.problems_of(chosen)
    look = bulk.look(chosen, today=clock.today())
    return render(
        "creditor/many_preview.html",
        chosen=chosen,
        look=look,
        problems=problems[:_PROBLEMS_SHOWN],
        problem_count=len(problems),
        unknown=look.unknown[:_NUMBERS_SHOWN],
        cases_query={"status": list(states.OPEN)},
        labels={**settings.LABELS, "customer_number": gettext("Customer number")},
    )


@creditor.post("/<key>/customers/many/<int:bulk_id>")
def do_many(bulk_id: int) -> Response:
    """Do it."""
    chosen = _bulk(bulk_id)
    try:
        event_id = bulk.do(
            chosen,
            keeps_unknown=request.form.get("unknown") == "keep",
            actor=access.actor(),
            today=clock.today(),
            now=clock.now(),
        )
    except RedaError as error:
        db.session.rollback()
        undoing.refused(error)
        return go(url_for("creditor.preview_many", bulk_id=bulk_id))
    count = rulebook.size(access.role().creditor_id, event_id) if event_id else 0
    undoing.done(
        ngettext("%(num)s customer is changed.", "%(num)s customers are changed.", count), event_id
    )
    return go(url_for("creditor.list_customers"))


@creditor.get("/<key>/customers/rules.csv", defaults={"kind": "csv"})
@creditor.get("/<key>/customers/rules.xlsx", defaults={"kind": "xlsx"})
def export_own_rules(kind: str) -> Response:
    """Every customer's own rules, as a spreadsheet that can be changed and uploaded."""
    rows = bulk.every_own(access.role().creditor_id)
    return spreadsheets.answer(
        kind,
        "customer-rules",
        list(forms_bulk.headings().values()),
        (forms_bulk.cells(number, own) for number, _, own in rows),
    )
