"""Signing in, and following a BankID order on its page until it ends."""

from urllib.parse import quote, urlsplit

from flask import Response, abort, flash, session, url_for
from flask_babel import gettext
from flask_login import current_user, login_user, logout_user
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock
from portal.database import tenancy
from portal.extensions import db, limiter, settings
from portal.identity import orders, people
from portal.identity.bankid import BankIDError, message_for
from portal.identity.models import BankIDOrder
from portal.identity.orders import Purpose
from portal.payments import qr
from portal.signing import agreements
from portal.signing.views import binding, signing
from portal.web.forms import text
from portal.web.rendering import go, render

_PHONES = ("iPhone", "Android", "iPad", "Mobile")


def is_phone() -> bool:
    """Whether the reader is likely to have BankID on the device they read on."""
    agent = request.headers.get("User-Agent", "")
    return any(one in agent for one in _PHONES)


def start_order(purpose: Purpose) -> Response:
    """Start a BankID order, and go to its page; on failure say why, where the reader was."""
    back = settings().base_url + url_for("signing.return_from_app", key="-") + "?nonce={nonce}"
    try:
        with tenancy.service():
            started = orders.start(
                purpose,
                binding=binding(),
                end_user_ip=request.remote_addr or "127.0.0.1",
                user_agent=request.headers.get("User-Agent", ""),
                return_url=back.replace("/-", "/{key}"),
                now=clock.now(),
            )
            db.session.commit()
            key = started.order.key
    except BankIDError as error:
        flash(text(error), "warn")
        return go(_sign_in_url())
    return go(url_for("signing.show_order", key=key))


def _sign_in_url() -> str:
    return url_for("signing.agreements" if current_user.is_authenticated else "signing.sign_in")


def _safe_next(url: str | None) -> str:
    """A path of ours to go on to, or the front page of whoever signs in."""
    parts = urlsplit(url or "")
    is_ours = url and not parts.scheme and not parts.netloc and url.startswith("/")
    return url if is_ours and url and not url.startswith(("//", "/\\")) else ""


@signing.get("/sign-in")
def sign_in() -> Response:
    """Where creditors' people and our own sign in."""
    if current_user.is_authenticated:
        return go(_home())
    return render("signing/sign_in.html", next=_safe_next(request.args.get("next")))


@signing.post("/sign-in")
@limiter.limit("10 per minute; 60 per hour")
def start_sign_in() -> Response:
    """Start signing in with BankID."""
    return start_order(Purpose("sign in", {"next": _safe_next(request.form.get("next"))}))


@signing.post("/sign-out")
def sign_out() -> Response:
    """End the session."""
    logout_user()
    session.clear()
    flash(gettext("You are signed out."), "good")
    return go(url_for("signing.sign_in"))


def _order(key: str) -> BankIDOrder:
    with tenancy.service():
        order = orders.find(key, binding=binding())
    if order is None:
        raise NotFound
    return order


@signing.get("/bankid/<key>")
def show_order(key: str) -> Response:
    """The order's page: code, button and state; the same page goes on when it has ended."""
    order = _order(key)
    trouble = None
    with tenancy.service():
        try:
            order = orders.collect(order, now=clock.now())
            db.session.commit()
        except BankIDError as error:
            db.session.rollback()
            trouble = text(error)
            order = _order(key)
        if order.status == "complete":
            return _complete(order)
        device = "same" if is_phone() else "other"
        message = message_for(order.status, order.hint_code, device)
        is_waiting = order.status == "pending" and order.hint_code in (
            "outstandingTransaction",
            "noClient",
        )
        return render(
            "signing/order.html",
            block="order",
            order=order,
            message=trouble or text(message),
            is_phone=is_phone(),
            qr_svg=qr.svg(orders.qr_text(order), title="BankID") if is_waiting else None,
            open_url=_open_url(order),
        )


def _open_url(order: BankIDOrder) -> str:
    ours = settings()
    back = order.subject["return_url"]
    if ours.bankid_app_url:
        return ours.bankid_app_url.format(token=order.auto_start_token, return_url=quote(back, ""))
    return orders.client().launch_url(
        order.auto_start_token, "mobile" if is_phone() else "desktop", back
    )


@signing.get("/bankid/<key>/return")
def return_from_app(key: str) -> Response:
    """Where the BankID app goes back to; only the session that started the order gets on."""
    order = _order(key)
    if not orders.is_return(order, request.args.get("nonce", "")):
        raise NotFound
    return go(url_for("signing.show_order", key=key))


@signing.post("/bankid/<key>/stop")
def stop_order(key: str) -> Response:
    """Cancel the order here and in the app."""
    with tenancy.service():
        order = _order(key)
        orders.cancel(order, now=clock.now())
        db.session.commit()
    flash(gettext("You have cancelled."), "info")
    return go(_sign_in_url())


def _complete(order: BankIDOrder) -> Response:
    if order.purpose == "sign":
        return _complete_signature(order)
    if not orders.use(order, now=clock.now()):
        flash(gettext("This sign-in has been used or is too old. Start again."), "warn")
        return go(url_for("signing.sign_in"))
    completion = orders.completion(order)
    person = people.by_identity_number(completion["user"]["personalNumber"])
    # Who it was is not needed any more, and is not kept.
    order.completion = None
    onwards = order.subject.get("next", "")
    db.session.commit()
    if person is None:
        return render("signing/unknown.html", status=403)
    session.clear()
    session.renew()  # type: ignore[attr-defined]
    login_user(person)
    return go(onwards or _home())


def _complete_signature(order: BankIDOrder) -> Response:
    if not current_user.is_authenticated or order.subject["person_id"] != current_user.id:
        abort(403)
    key = order.subject["document"]
    try:
        agreements.finish(order, now=clock.now())
        db.session.commit()
    except agreements.NotSigned as error:
        db.session.rollback()
        flash(text(error), "danger")
    return go(url_for("signing.go_on", key=key))


def _home() -> str:
    if current_user.is_operator:
        return url_for("operations.show_status")
    return url_for("creditor.choose_company")
