"""Signing in, and following a BankID order on its page until it ends."""

from flask import Response, abort, flash, session, url_for
from flask_babel import gettext
from flask_login import current_user, login_user, logout_user
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock
from portal.companies import invitations
from portal.database import tenancy
from portal.extensions import db, limiter, settings
from portal.identity import orders, people
from portal.identity.bankid import BankIDError, message_for
from portal.identity.models import BankIDOrder
from portal.identity.orders import Purpose
from portal.messages import RedaError
from portal.payments import qr
from portal.signing import agreements, approvals
from portal.signing.starting import beginning, is_phone, known_binding, start_order
from portal.signing.views import signing
from portal.web.forms import text
from portal.web.pages import own_path
from portal.web.rendering import go, is_seen, last_question, render

# The order by which this session was signed in, and where that led.
_SIGNED_IN_BY, _ONWARDS = "signed_in_by", "signed_in_onwards"
# Who somebody is that opened an invitation, sealed.
INVITED_AS = "invited_as"


@signing.get("/sign-in")
def sign_in() -> Response:
    """Where creditors' people and our own sign in."""
    if current_user.is_authenticated:
        return go(_home())
    return render(
        "signing/sign_in.html",
        next=own_path(request.args.get("next")),
        is_phone=is_phone(),
    )


@signing.post("/sign-in")
@limiter.limit("10 per minute; 60 per hour")
def start_sign_in() -> Response:
    """Start signing in with BankID."""
    return start_order(Purpose("sign in", {"next": own_path(request.form.get("next"))}))


@signing.post("/sign-out")
def sign_out() -> Response:
    """End the session."""
    logout_user()
    session.clear()
    session.renew()  # type: ignore[attr-defined]
    flash(gettext("You are signed out."), "good")
    return go(url_for("signing.sign_in"))


def _order(key: str) -> BankIDOrder:
    with tenancy.service():
        order = orders.find(key, binding=known_binding())
    if order is None:
        raise NotFound
    return order


@signing.get("/bankid/<key>")
def show_order(key: str) -> Response:
    """The order's page: code, button and state; the same page goes on when it has ended."""
    if session.get(_SIGNED_IN_BY) == key:
        # Refreshed while the next page was on its way.
        return go(session[_ONWARDS])
    order = _order(key)
    trouble = None
    with tenancy.service():
        try:
            order = orders.collect(order, now=clock.now())
        except BankIDError as error:
            trouble = text(error)
        # Also in trouble: BankID was asked, and is not asked again at once.
        db.session.commit()
        is_awaited = orders.awaits_return(order, now=clock.now())
        if order.status == "complete" and not is_awaited:
            return last_question("order") or _complete(order)
        is_here = orders.is_here(order)
        message = message_for(
            "pending" if is_awaited else order.status,
            order.hint_code,
            "same" if is_here else "other",
        )
        is_waiting = order.status == "pending" and order.hint_code in (
            "outstandingTransaction",
            "noClient",
        )
        state = f"{order.status}-{order.hint_code}-{is_here:d}{is_awaited:d}{bool(trouble):d}"
        response = render(
            "signing/order.html",
            block="code" if is_seen(state) else "order",
            state=state,
            order=order,
            message=trouble or text(message),
            # In trouble a little slower, so that the message stays until there is news.
            pace=3 if trouble else 1,
            # The code for another device and the link for this one never stand together: who holds
            # the link must come back with the nonce, who scans the code cannot.
            qr_svg=_code(order) if is_waiting and not is_here else None,
            open_url=_open_url(order) if is_here else url_for("signing.open_app", key=key),
            is_here=is_here,
            again_url=beginning(order.purpose, order.subject),
        )
    if not is_seen(state):
        response.headers["HX-Retarget"] = "#order"
    return response


def _code(order: BankIDOrder) -> str:
    return qr.svg(orders.qr_text(order), title="BankID")


def _open_url(order: BankIDOrder) -> str:
    if own_app := settings().bankid_app_url:
        return own_app.format(token=order.auto_start_token, return_url="null")
    device = "mobile" if is_phone() else "desktop"
    return orders.client().launch_url(order.auto_start_token, device)


@signing.get("/bankid/<key>/open")
def open_app(key: str) -> Response:
    """Open BankID on this device; a sign-in then needs the way back from the app."""
    with tenancy.service():
        order = _order(key)
        is_open = order.status == "pending"
        if is_open:
            orders.open_here(order)
        address = _open_url(order)
        db.session.commit()
    response = show_order(key)
    if is_open:
        # No redirect: the page stays for whom the app does not open, and Werkzeug would take two
        # of the three slashes out of `bankid:///`.
        response.headers["Refresh"] = f"0; url={address}"
    return response


@signing.get("/bankid/<key>/return")
def return_from_app(key: str) -> Response:
    """Where the BankID app goes back to; only the session that started the order gets on."""
    with tenancy.service():
        if not orders.come_back(_order(key), request.args.get("nonce", "")):
            raise NotFound
        db.session.commit()
    return go(url_for("signing.show_order", key=key))


@signing.post("/bankid/<key>/stop")
def stop_order(key: str) -> Response:
    """Cancel the order here and in the app."""
    with tenancy.service():
        order = _order(key)
        orders.cancel(order, now=clock.now())
        onwards = beginning(order.purpose, order.subject)
        db.session.commit()
    flash(gettext("You have cancelled."), "info")
    return go(onwards)


def _complete(order: BankIDOrder) -> Response:
    if order.purpose == "sign":
        return _complete_signature(order)
    if not orders.use(order, now=clock.now()):
        flash(gettext("This sign-in has been used or is too old. Start again."), "warn")
        is_invited = bool(order.subject.get("invitation"))
        return go(order.subject["next"] if is_invited else url_for("signing.sign_in"))
    if order.subject.get("invitation"):
        return _identified(order)
    completion = orders.completion(order)
    person = people.by_identity_number(completion["user"]["personalNumber"])
    # Who it was is not needed any more, and is not kept.
    order.completion = None
    order_key, onwards = order.key, order.subject.get("next", "")
    db.session.commit()
    if person is None:
        return go(url_for("signing.no_access"))
    session.clear()
    session.renew()  # type: ignore[attr-defined]
    login_user(person)
    onwards = onwards or _home()
    session[_SIGNED_IN_BY], session[_ONWARDS] = order_key, onwards
    return go(onwards)


def _identified(order: BankIDOrder) -> Response:
    """Back to the invitation, which now knows who opened it; nobody is signed in by that."""
    session[INVITED_AS] = invitations.remember(orders.completion(order), now=clock.now())
    order.completion = None
    order_key, onwards = order.key, order.subject["next"]
    db.session.commit()
    session[_SIGNED_IN_BY], session[_ONWARDS] = order_key, onwards
    return go(onwards)


@signing.get("/no-access")
def no_access() -> Response:
    """For somebody whose BankID works, but whom no company has let in."""
    return render("signing/unknown.html", status=403)


def _complete_signature(order: BankIDOrder) -> Response:
    if not current_user.is_authenticated or order.subject["person_id"] != current_user.id:
        abort(403)
    onwards = beginning(order.purpose, order.subject)
    is_approval = "approval" in order.subject
    if not is_approval:
        onwards = url_for("signing.go_on", key=order.subject["document"])
    try:
        if is_approval:
            approvals.finish(order, now=clock.now())
        else:
            agreements.finish(order, now=clock.now())
    except RedaError as error:
        flash(text(error), "danger")
    # Also when it does not count: nothing was stored, and the order is used up.
    db.session.commit()
    return go(onwards)


def _home() -> str:
    if current_user.is_operator:
        return url_for("operations.show_status")
    return url_for("creditor.choose_company")
