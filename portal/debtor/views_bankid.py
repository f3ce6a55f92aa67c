"""In with BankID: all one's cases at once, of every company."""

from collections.abc import Mapping
from typing import Any

from flask import Response, url_for
from flask_babel import gettext
from htmx_flask import request

from portal import clock
from portal.collection import access as entry
from portal.debtor import access
from portal.debtor.unsent import is_page_of
from portal.debtor.views import debtor, first_page
from portal.extensions import db, limiter
from portal.identity import orders
from portal.identity.models import BankIDOrder
from portal.identity.orders import Purpose
from portal.web.orders import Pages, is_phone, lead_on
from portal.web.pages import own_path
from portal.web.rendering import render


@debtor.get("/identify")
def identify() -> Response:
    """For somebody who is in by a letter's code, or who begins anew: what BankID shows them."""
    return render(
        "debtor/identify.html", reference=_reference(), back=_back(), is_phone=is_phone()
    )  # fmt: skip


@debtor.post("/identify")
@limiter.limit("10 per minute; 60 per hour")
def start_identifying() -> Response:
    """Start identifying with BankID. The form may name the case to begin at, and its page."""
    return PAGES.start(Purpose("sign in", {"reference": _reference(), "back": _back()}))


def _reference() -> str:
    return entry.tidy(request.values.get("reference", ""))[:30]


def _back() -> str:
    """The page to go on to once in: of the case that is named, or empty."""
    path, reference = own_path(request.values.get("back", ""))[:200], _reference()
    return path if reference and is_page_of(path, reference) else ""


@debtor.get("/identify/<key>")
def show_order(key: str) -> Response:
    """The order's page until it ends, and on from there."""
    return PAGES.show(key, _complete)


@debtor.get("/identify/<key>/open")
def open_app(key: str) -> Response:
    """Open BankID on this device."""
    return PAGES.open_app(key, _complete)


@debtor.get("/identify/<key>/return")
def return_from_app(key: str) -> Response:
    """Where the BankID app goes back to."""
    return PAGES.come_back(key)


@debtor.post("/identify/<key>/stop")
def stop_order(key: str) -> Response:
    """Cancel the order here and in the app."""
    return PAGES.stop(key)


@debtor.get("/no-case")
def no_case() -> Response:
    """For somebody whose BankID works, but who owes nothing here in their own name."""
    return render("debtor/no_case.html", reference=_reference())


def _title(order: BankIDOrder) -> str:
    return gettext("Sign in with BankID")


def _beginning(purpose: str, subject: Mapping[str, Any]) -> str:
    """Back to where the reader was: in the case that is open, or before the door."""
    page = "debtor.identify" if access.opened() else "debtor.start"
    back = subject.get("back") or None
    return url_for(page, reference=subject.get("reference") or None, back=back)


def _complete(order: BankIDOrder) -> Response:
    """Open all that is theirs. What a letter's code has opened before stays open.

    What BankID has opened before does not: another may hold the device by now.
    """
    if not orders.use(order, now=clock.now()):
        return PAGES.too_late(order)
    number = orders.completion(order)["user"]["personalNumber"]
    found = entry.of_person(number, today=clock.today())
    # Who it was is not needed any more, and is not kept.
    order.completion = None
    order_key, reference = order.key, order.subject.get("reference", "")
    back = order.subject.get("back", "")
    db.session.commit()
    if access.is_identified():
        access.leave()
    if not found:
        return lead_on(order_key, url_for("debtor.no_case", reference=reference or None))
    access.open_all_of_one(found)
    if not access.has_opened(reference):
        reference = back = ""
    return lead_on(order_key, back or first_page(reference))


PAGES = Pages("debtor", _title, _beginning)
