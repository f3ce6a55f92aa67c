"""What needs the company's people, how things stand, and how each person wants to see it."""

from flask import Response, flash, url_for
from flask_babel import gettext
from flask_login import current_user
from htmx_flask import request

from portal import clock
from portal.collection import needs, overview
from portal.collection.overview import Overview
from portal.creditor import access, overview_cards, overview_charts
from portal.creditor.overview_cards import PREFERENCE
from portal.creditor.views import creditor
from portal.database import queue
from portal.extensions import db
from portal.identity import preferences
from portal.signing import approvals
from portal.web.rendering import go, is_seen, nothing_new, render

REFRESH = "refresh_figures"


@creditor.get("/<key>/")
def show_overview() -> Response:
    """What needs attention, and how it stands."""
    return _page(_read())


@creditor.get("/<key>/overview/figures")
def ask_for_figures() -> Response:
    """Newer figures for a page that shows older ones, as soon as they are made."""
    found = _read()
    if not found.look.is_fresh:
        creditor_id = access.role().creditor_id
        queue.defer(REFRESH, once=f"{REFRESH}:{creditor_id}", creditor_id=creditor_id)
        db.session.commit()
    if not request.htmx:
        return go(url_for("creditor.show_overview"))
    return nothing_new() if is_seen(_state(found)) else _page(found, block="overview")


@creditor.post("/<key>/overview/cards")
def arrange_cards() -> Response:
    """Keep which cards the reader wants, in which order and size."""
    mine = current_user.id, access.role().creditor_id, PREFERENCE
    if "reset" in request.form:
        preferences.forget(*mine)
    else:
        cards = overview_cards.arranged(preferences.kept(*mine))
        wanted = overview_cards.changed(cards, request.form, request.form.getlist("shown"))
        preferences.keep(*mine, overview_cards.as_json(wanted))
    db.session.commit()
    if not request.htmx:
        flash(gettext("The cards are as you want them."), "good")
        return go(url_for("creditor.show_overview", arrange="1", _anchor="arrange"))
    return _page(_read(), block="overview", is_arranging=True)


def _read() -> Overview:
    creditor_id = access.role().creditor_id
    also = {}
    if access.role().is_administrator:
        also[needs.APPROVALS] = approvals.waiting_for_sql(creditor_id, current_user.id)
    found = overview.of(
        creditor_id,
        also=also,
        chosen=preferences.kept_sql(current_user.id, creditor_id, PREFERENCE),
        today=clock.today(),
        now=clock.now(),
    )
    if found.is_new:
        # Kept for the next who looks.
        db.session.commit()
    return found


def _state(found: Overview) -> str:
    return found.look.figures.made_at.isoformat() if found.look.figures else "none"


def _page(found: Overview, *, block: str | None = None, is_arranging: bool = False) -> Response:
    figures = found.look.figures
    money = figures.of(request.args.get("currency")) if figures else None
    return render(
        "creditor/overview.html",
        block=block,
        beginning=found.beginning,
        cards=overview_cards.arranged(found.chosen),
        charts=overview_charts,
        figures=figures,
        is_arranging=is_arranging or "arrange" in request.args,
        is_fresh=found.look.is_fresh,
        money=money,
        needs=overview_cards.need_rows(found.needs, clock.today()),
        state=_state(found),
        uploads=found.uploads,
    )
