"""Signing in, and following a BankID order on its page until it ends."""

from flask import Response, abort, flash, session, url_for
from flask_babel import gettext
from flask_login import current_user, login_user, logout_user
from htmx_flask import request

from portal import clock
from portal.companies import invitations
from portal.extensions import db, limiter
from portal.identity import orders, people
from portal.identity.models import BankIDOrder
from portal.identity.orders import Purpose
from portal.messages import RedaError
from portal.signing import ceremony, finishing
from portal.signing.completed import NotSigned
from portal.signing.starting import PAGES, beginning
from portal.signing.views import signing
from portal.web.forms import text
from portal.web.orders import is_phone, lead_on
from portal.web.pages import own_path
from portal.web.rendering import go, render

# Who somebody is that opened an invitation, sealed.
INVITED_AS = "invited_as"
# Who somebody is that reads what they are to sign, sealed.
SIGNS_AS = "signs_as"


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
    return PAGES.start(Purpose("sign in", {"next": own_path(request.form.get("next"))}))


@signing.post("/sign-out")
def sign_out() -> Response:
    """End the session."""
    logout_user()
    session.clear()
    session.renew()  # type: ignore[attr-defined]
    flash(gettext("You are signed out."), "good")
    return go(url_for("signing.sign_in"))


@signing.get("/bankid/<key>")
def show_order(key: str) -> Response:
    """The order's page until it ends, and on from there."""
    return PAGES.show(key, _complete)


@signing.get("/bankid/<key>/open")
def open_app(key: str) -> Response:
    """Open BankID on this device."""
    return PAGES.open_app(key, _complete)


@signing.get("/bankid/<key>/return")
def return_from_app(key: str) -> Response:
    """Where the BankID app goes back to."""
    return PAGES.come_back(key)


@signing.post("/bankid/<key>/stop")
def stop_order(key: str) -> Response:
    """Cancel the order here and in the app."""
    return PAGES.stop(key)


def _complete(order: BankIDOrder) -> Response:
    if order.purpose == "sign":
        return _complete_signature(order)
    if not orders.use(order, now=clock.now()):
        return PAGES.too_late(order)
    if order.subject.get("invitation"):
        return _identified(order)
    if order.subject.get("signer"):
        return _identified_signer(order)
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
    return lead_on(order_key, onwards or _home())


def _identified(order: BankIDOrder) -> Response:
    """Back to the invitation, which now knows who opened it; nobody is signed in by that."""
    session[INVITED_AS] = invitations.remember(orders.completion(order), now=clock.now())
    order.completion = None
    order_key, onwards = order.key, order.subject["next"]
    db.session.commit()
    return lead_on(order_key, onwards)


def _identified_signer(order: BankIDOrder) -> Response:
    """On to the documents; nobody is signed in by that."""
    session[SIGNS_AS] = ceremony.remember(order, now=clock.now())
    order.completion = None
    order_key, onwards = order.key, order.subject["next"]
    db.session.commit()
    return lead_on(order_key, onwards)


@signing.get("/no-access")
def no_access() -> Response:
    """For somebody whose BankID works, but whom no company has let in."""
    return render("signing/unknown.html", status=403)


def _complete_signature(order: BankIDOrder) -> Response:
    if "signing" in order.subject:
        return _finish(order, beginning(order.purpose, order.subject))
    if not current_user.is_authenticated or order.subject["person_id"] != current_user.id:
        abort(403)
    onwards = beginning(order.purpose, order.subject)
    if "document" in order.subject:
        onwards = url_for("signing.go_on", key=order.subject["document"])
    return _finish(order, onwards)


def _finish(order: BankIDOrder, onwards: str) -> Response:
    try:
        finishing.finish(order, now=clock.now())
    except RedaError as error:
        if "signing" not in order.subject or not isinstance(error, NotSigned):
            # Else the documents' page tells it from their log, as long as it is so.
            flash(text(error), "danger")
    # Also when it does not count: nothing was stored as signed, and the order is used up.
    db.session.commit()
    return go(onwards)


def _home() -> str:
    if current_user.is_operator:
        return url_for("operations.show_status")
    return url_for("creditor.choose_company")
