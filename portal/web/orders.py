"""A BankID order on its pages: started, followed until it ends, and led on; the same at every door.

An order is followed at the door that started it and at no other, by the browser session that
started it.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, flash, session, url_for
from flask_babel import gettext
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock
from portal.database import tenancy
from portal.extensions import db, settings
from portal.identity import orders
from portal.identity.bankid import BankIDError, message_for
from portal.identity.models import BankIDOrder
from portal.identity.orders import Purpose
from portal.payments import qr
from portal.web.forms import text
from portal.web.rendering import go, is_seen, last_question, render

_PHONES = ("iPhone", "Android", "iPad", "Mobile")
_BINDING = "bankid_binding"
# The order by which this session came in, and where that led.
_IN_BY, _ONWARDS = "signed_in_by", "signed_in_onwards"

Complete = Callable[[BankIDOrder], Response]


def _is_not_told(*_: object) -> bool:
    return False


def _nothing(*_: object) -> None:
    """Where nobody asks to know."""


def is_phone() -> bool:
    """Whether the reader is likely to have BankID on the device they read on."""
    agent = request.headers.get("User-Agent", "")
    return any(one in agent for one in _PHONES)


def lead_on(order_key: str, onwards: str) -> Response:
    """Go where an order that is used up leads, also when its page is asked for once more."""
    session[_IN_BY], session[_ONWARDS] = order_key, onwards
    return go(onwards)


@dataclass(frozen=True)
class Pages:
    """The pages of one door's orders.

    blueprint: has the endpoints `show_order`, `open_app`, `return_from_app` and `stop_order`.
    title: of an order's page. beginning: where an order for a purpose and a subject is started, and
    can be started again. `complete`, told to those of its methods that may find an order completed,
    uses it, within the service's scope, and answers where it leads. failed: is told of an order
    that has failed, perhaps more than once, and refused of one that BankID did not start; both
    within the service's scope, before what they write is committed. `refused` answers whether the
    page that is gone back to tells it itself.
    """

    blueprint: str
    title: Callable[[BankIDOrder], str]
    beginning: Callable[[str, Mapping[str, Any]], str]
    failed: Callable[[BankIDOrder], None] = _nothing
    refused: Callable[[Purpose, BankIDError], bool] = _is_not_told

    def start(self, purpose: Purpose) -> Response:
        """Start an order, and go to its page; on failure say why, where the reader was.

        The form may tell where BankID is; else it is on a phone that the reader holds.
        """
        device = request.form.get("device")
        back = settings().base_url + self._url("return_from_app", "-") + "?nonce={nonce}"
        try:
            with tenancy.service():
                started = orders.start(
                    replace(purpose, subject={**purpose.subject, "door": self.blueprint}),
                    binding=_binding(),
                    end_user_ip=request.remote_addr or "127.0.0.1",
                    user_agent=request.headers.get("User-Agent", ""),
                    return_url=back.replace("/-", "/{key}"),
                    device=device if device in ("same", "other") else _likely_device(),
                    now=clock.now(),
                )
                db.session.commit()
                key = started.order.key
        except BankIDError as error:
            with tenancy.service():
                is_told = self.refused(purpose, error)
                db.session.commit()
            if not is_told:
                flash(text(error), "warn")
            return go(self.beginning(purpose.name, purpose.subject))
        return go(self._url("show_order", key))

    def show(self, key: str, complete: Complete) -> Response:
        """The order's page: code, button and state; the same page goes on when it has ended."""
        if session.get(_IN_BY) == key:
            # Refreshed while the next page was on its way.
            return go(session[_ONWARDS])
        order = self._order(key)
        trouble = None
        with tenancy.service():
            is_asked = orders.is_due(order, now=clock.now())
            try:
                order = orders.collect(order, now=clock.now())
            except BankIDError as error:
                trouble = text(error)
            if order.status == "failed":
                self.failed(order)
            if is_asked or order.status == "failed":
                # Also in trouble: BankID was asked, and is not asked again at once.
                db.session.commit()
            if order.status == "complete" and not orders.awaits_return(order, now=clock.now()):
                return last_question("order") or complete(order)
            return self._page(order, trouble)

    def open_app(self, key: str, complete: Complete) -> Response:
        """Open BankID on this device; a sign-in then needs the way back from the app."""
        with tenancy.service():
            order = self._order(key)
            is_open = order.status == "pending"
            if is_open:
                orders.open_here(order)
            address = _app_url(order)
            db.session.commit()
        response = self.show(key, complete)
        if is_open:
            # No redirect: the page stays for whom the app does not open, and Werkzeug would take
            # two of the three slashes out of `bankid:///`.
            response.headers["Refresh"] = f"0; url={address}"
        return response

    def come_back(self, key: str) -> Response:
        """Where the BankID app goes back to; only the session that started the order gets on."""
        with tenancy.service():
            if not orders.come_back(self._order(key), request.args.get("nonce", "")):
                raise NotFound
            db.session.commit()
        return go(self._url("show_order", key))

    def stop(self, key: str) -> Response:
        """Cancel the order here and in the app."""
        with tenancy.service():
            order = self._order(key)
            orders.cancel(order, now=clock.now())
            if order.status == "failed":
                self.failed(order)
            onwards = self.beginning(order.purpose, order.subject)
            db.session.commit()
        flash(gettext("You have cancelled."), "info")
        return go(onwards)

    def too_late(self, order: BankIDOrder) -> Response:
        """For an order that was used before, or that nobody came back to in time."""
        flash(gettext("This sign-in has been used or is too old. Start again."), "warn")
        return go(self.beginning(order.purpose, order.subject))

    def _page(self, order: BankIDOrder, trouble: str | None) -> Response:
        is_here, is_awaited = orders.is_here(order), order.status == "complete"
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
            "orders/order.html",
            block="code" if is_seen(state) else "order",
            title=self.title(order),
            order=order,
            message=trouble or text(message),
            # In trouble a little slower, so that the message stays until there is news.
            pace=3 if trouble else 1,
            # The code for another device and the link for this one never stand together: who holds
            # the link must come back with the nonce, who scans the code cannot.
            qr_svg=_code(order) if is_waiting and not is_here else None,
            is_here=is_here,
            open_url=_app_url(order) if is_here else self._url("open_app", order.key),
            page_url=self._url("show_order", order.key),
            ask_url=self._url("show_order", order.key, seen=state),
            stop_url=self._url("stop_order", order.key),
            again_url=self.beginning(order.purpose, order.subject),
        )
        if not is_seen(state):
            response.headers["HX-Retarget"] = "#order"
        return response

    def _order(self, key: str) -> BankIDOrder:
        with tenancy.service():
            # A look at an order starts no session.
            order = orders.find(key, binding=session.get(_BINDING, ""))
        if order is None or order.subject.get("door") != self.blueprint:
            raise NotFound
        return order

    def _url(self, endpoint: str, key: str, seen: str | None = None) -> str:
        return url_for(f"{self.blueprint}.{endpoint}", key=key, seen=seen)


def _binding() -> str:
    """The secret that binds orders to this browser session; made when first asked for."""
    if _BINDING not in session:
        session[_BINDING] = secrets.token_urlsafe(24)
    found: str = session[_BINDING]
    return found


def _likely_device() -> str:
    return "same" if is_phone() else "other"


def _code(order: BankIDOrder) -> str:
    return qr.svg(orders.qr_text(order), title="BankID", mask=qr.PASSING)


def _app_url(order: BankIDOrder) -> str:
    if own_app := settings().bankid_app_url:
        return own_app.format(token=order.auto_start_token, return_url="null")
    device = "mobile" if is_phone() else "desktop"
    return orders.client().launch_url(order.auto_start_token, device)
