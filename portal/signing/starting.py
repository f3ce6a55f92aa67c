"""Starting a BankID order from a page, and where it leads back to."""

import secrets
from collections.abc import Mapping
from typing import Any

from flask import Response, flash, session, url_for
from htmx_flask import request

from portal import clock
from portal.database import tenancy
from portal.extensions import db, settings
from portal.identity import orders
from portal.identity.bankid import BankIDError
from portal.identity.orders import Purpose
from portal.web.forms import text
from portal.web.rendering import go

_PHONES = ("iPhone", "Android", "iPad", "Mobile")
_BINDING = "bankid_binding"


def binding() -> str:
    """The secret that binds BankID orders to this browser session; made when first asked for."""
    if _BINDING not in session:
        session[_BINDING] = secrets.token_urlsafe(24)
    found: str = session[_BINDING]
    return found


def known_binding() -> str:
    """The same, empty in a session that has started no order; a look at one starts no session."""
    known: str = session.get(_BINDING, "")
    return known


def is_phone() -> bool:
    """Whether the reader is likely to have BankID on the device they read on."""
    agent = request.headers.get("User-Agent", "")
    return any(one in agent for one in _PHONES)


def start_order(purpose: Purpose) -> Response:
    """Start a BankID order, and go to its page; on failure say why, where the reader was.

    The form may tell where BankID is; else it is on a phone that the reader holds.
    """
    device = request.form.get("device")
    back = settings().base_url + url_for("signing.return_from_app", key="-") + "?nonce={nonce}"
    try:
        with tenancy.service():
            started = orders.start(
                purpose,
                binding=binding(),
                end_user_ip=request.remote_addr or "127.0.0.1",
                user_agent=request.headers.get("User-Agent", ""),
                return_url=back.replace("/-", "/{key}"),
                device=device if device in ("same", "other") else _likely_device(),
                now=clock.now(),
            )
            db.session.commit()
            key = started.order.key
    except BankIDError as error:
        flash(text(error), "warn")
        return go(beginning(purpose.name, purpose.subject))
    return go(url_for("signing.show_order", key=key))


def _likely_device() -> str:
    return "same" if is_phone() else "other"


def beginning(purpose: str, subject: Mapping[str, Any]) -> str:
    """Where an order for something is started, and can be started again."""
    if "approval" in subject:
        return url_for(
            "creditor.show_approval", key=subject["company"], approval_key=subject["approval"]
        )
    if purpose == "sign":
        return url_for("signing.read_agreement", key=subject["document"])
    if subject.get("invitation"):
        return str(subject["next"])
    return url_for("signing.sign_in", next=subject.get("next") or None)
