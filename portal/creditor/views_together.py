"""One act with many cases: marked in the list, looked at, done, followed, taken back."""

from typing import Any
from urllib.parse import parse_qsl

from flask import Response, flash, url_for
from flask_babel import gettext
from htmx_flask import request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import together
from portal.creditor import access, case_list
from portal.creditor.forms_cases import TogetherForm
from portal.creditor.together_texts import ACTS
from portal.creditor.views import creditor
from portal.extensions import db
from portal.law import fees
from portal.messages import N_, RedaError
from portal.web.formats import kronor
from portal.web.forms import text
from portal.web.rendering import go, is_seen, nothing_new, render


@creditor.post("/<key>/cases/together")
def prepare_together() -> Response:
    """Note the cases that are marked, shown, or found by the filter, and go to look at them."""
    try:
        act = together.prepare(
            access.role().creditor_id,
            request.form.get("act", ""),
            _wanted(),
            actor=access.actor(),
            now=clock.now(),
        )
    except RedaError as error:
        db.session.rollback()
        flash(text(error), "error")
        return go(_list_address())
    act_id = act.id
    db.session.commit()
    return go(url_for("creditor.show_together", together_id=act_id))


def _query() -> MultiDict[str, str]:
    return MultiDict(parse_qsl(request.form.get("query", "")))


def _list_address() -> str:
    return case_list.read(_query(), clock.today()).address()


def _wanted() -> Any:
    creditor_id = access.role().creditor_id
    match request.form.get("scope"):
        case "all":
            query = _query()
            asked_for = query.get("found")
            listing = case_list.read(query, clock.today())
            if asked_for and "found" not in listing.query:
                # What was searched for is forgotten; the list would be of all cases.
                raise RedaError(N_("Search for the identity number once more."))
            listing.look()
            return listing.ids_sql()
        case "shown":
            return together.by_references(creditor_id, request.form.getlist("shown"))
    return together.by_references(creditor_id, request.form.getlist("case"))


@creditor.get("/<key>/cases/together")
def list_together() -> Response:
    """What was done with many cases."""
    return render(
        "creditor/together_list.html",
        acts=together.recent(access.role().creditor_id),
        names_of=ACTS,
    )


def _find(act_id: int) -> together.Act:
    act = together.find(act_id)
    if act is None or act.creditor_id != access.role().creditor_id:
        raise NotFound
    # The history names whoever looked at it as the one who did it.
    if act.status == "draft" and act.person_id != access.actor().person_id:
        raise NotFound
    return act


@creditor.get("/<key>/cases/together/<int:together_id>")
def show_together(together_id: int) -> Response:
    """Before: how many cases it fits and what it means. After: how far it has come."""
    act = _find(together_id)
    if act.status == "draft":
        access.require_may_change()
        return _asked(act, TogetherForm.of(act.act, is_new=True))
    progress = together.progress(act)
    state = f"{act.status}-{progress.waiting}"
    if is_seen(state):
        return nothing_new()
    return render(
        "creditor/together_done.html",
        block="progress" if act.status == "waiting" else "result",
        act=act,
        progress=progress,
        state=state,
        title=ACTS[act.act][0],
        is_undone=together.undone_by(act) is not None and progress.done > 0,
    )


def _asked(act: together.Act, form: TogetherForm, status: int = 200) -> Response:
    today = clock.today()
    looked = together.look(act, today=today, options=form.options())
    name, title, about = ACTS[act.act]
    return render(
        "creditor/together.html",
        status=status,
        act=act,
        form=form,
        look=looked,
        reasons=together.REASONS,
        name=name,
        title=title,
        about=about,
        costs=_costs(act.act, looked.fits),
        is_final=act.act in (together.RECALL, together.WRITE_OFF, together.LEGAL),
    )


def _costs(act: str, fits: together.Group) -> list[tuple[str, str]]:
    """What an act comes to for the cases that it fits."""
    claims, costs = kronor(fits.principal_ore + fits.interest_ore), kronor(fits.fees_ore)
    if act == together.RECALL:
        return [(gettext("Asked for no longer"), claims), (gettext("Fees given up"), costs)]
    if act == together.WRITE_OFF:
        return [(gettext("Your loss"), claims), (gettext("Fees given up"), costs)]
    if act == together.LEGAL:
        each = fees.fee(fees.PAYMENT_ORDER, clock.today())
        return [
            (gettext("The authority’s fee for each, claimed of the debtor"),
             kronor(each.amount_ore)),
            (gettext("All of them"), kronor(each.amount_ore * fits.count)),
        ]  # fmt: skip
    return [(gettext("It costs"), gettext("nothing"))]


@creditor.post("/<key>/cases/together/<int:together_id>")
def do_together(together_id: int) -> Response:
    """Do it with the cases that it fits."""
    act = _find(together_id)
    form = TogetherForm.of(act.act, is_new=False)
    if act.status == "draft" and not form.validate():
        return _asked(act, form, status=422)
    try:
        together.begin(act, form.options(), now=clock.now())
    except RedaError as error:
        db.session.rollback()
        flash(text(error), "error")
        return go(url_for("creditor.list_cases"))
    is_few = act.total <= together.FEW
    db.session.commit()
    if is_few:
        together.go_on(together_id, today=clock.today(), now=clock.now())
        db.session.commit()
    return go(url_for("creditor.show_together", together_id=together_id))


@creditor.post("/<key>/cases/together/<int:together_id>/cancel")
def cancel_together(together_id: int) -> Response:
    """Do not do it, or do no more of it."""
    act = _find(together_id)
    was_begun = act.status == "waiting"
    together.cancel(act, now=clock.now())
    db.session.commit()
    if was_begun:
        return go(url_for("creditor.show_together", together_id=together_id))
    flash(gettext("Nothing was done."))
    return go(url_for("creditor.list_cases"))


@creditor.post("/<key>/cases/together/<int:together_id>/undo")
def undo_together(together_id: int) -> Response:
    """Prepare what takes it back."""
    act = _find(together_id)
    try:
        other = together.take_back(act, actor=access.actor(), now=clock.now())
    except RedaError as error:
        db.session.rollback()
        flash(text(error), "error")
        return go(url_for("creditor.show_together", together_id=together_id))
    other_id = other.id
    db.session.commit()
    return go(url_for("creditor.show_together", together_id=other_id))
