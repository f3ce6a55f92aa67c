"""BankID orders: started by a browser session, followed to their end, used once.

An order belongs to the session that started it (a random binding kept in that session), and the way
back from the app carries a nonce of its own. What opens the app on this device could be sent to
somebody else, who would then sign the sender in: once it was given out, only the way back, in the
browser that started the order, completes a sign-in (BankID's guidelines on secure start,
`returnUrl`). A signature names the only person who can make it and needs no such care.
"""

import contextlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import and_, delete, or_, select, update

from portal.extensions import db, settings
from portal.identity.bankid import BankID, BankIDError, Collected, NoSuchOrder, Order
from portal.identity.models import BankIDOrder
from portal.identity.people import new_key
from portal.identity.sessions import hash_token

# BankID asks not to be asked more often.
_PACE = timedelta(seconds=2)
# A page that is open asks every second; one that has not for this long is gone.
_LEFT_AFTER = timedelta(seconds=15)
# A completed order can be used for this long after it ended, and once.
_USABLE = timedelta(minutes=3)
# As long as somebody may ask how a sign-in went.
_KEPT = timedelta(days=30)


@dataclass(frozen=True)
class Started:
    """An order just started. nonce: what the way back from the app must carry."""

    order: BankIDOrder
    nonce: str


@dataclass(frozen=True)
class Purpose:
    """What an order is for.

    name: `sign in` or `sign`. visible, non_visible: what is signed, None when signing in.
    personal_number: who must do it, 12 digits, or None for anyone. subject: JSON values for whoever
    finishes the order.
    """

    name: str
    subject: dict[str, Any]
    visible: str | None = None
    non_visible: bytes | None = None
    personal_number: str | None = None


def client() -> BankID:
    """The process's connection to BankID, with the certificates of the settings."""
    found: BankID | None = current_app.extensions.get("reda_bankid")
    if found is None:
        ours = settings()
        found = BankID(
            ours.bankid_address,
            ours.certificate("bankid_certificate"),
            ours.certificate("bankid_key"),
            ours.certificate("bankid_ca"),
        )
        current_app.extensions["reda_bankid"] = found
    return found


def start(
    purpose: Purpose,
    *,
    binding: str,
    end_user_ip: str,
    user_agent: str,
    return_url: str,
    device: str = "other",
    now: datetime,
) -> Started:
    """Start an order at BankID.

    binding: the secret kept in the browser's session. return_url: where the app goes back to, with
    `{key}` and `{nonce}` to fill in. device: where BankID is, `same` as the page or `other`.
    Raises BankIDError when BankID refuses or does not answer.
    """
    key, nonce = new_key(16), secrets.token_urlsafe(24)
    address = return_url.format(key=key, nonce=nonce)
    common: dict[str, Any] = {
        "end_user_ip": end_user_ip,
        "return_url": address,
        "user_agent": user_agent,
    }
    if purpose.name == "sign in":
        answer = client().authenticate(**common)
    else:
        answer = client().sign(
            visible=purpose.visible or "",
            non_visible=purpose.non_visible,
            personal_number=purpose.personal_number,
            **common,
        )
    order = BankIDOrder(
        key=key,
        purpose=purpose.name,
        order_ref=answer.order_ref,
        auto_start_token=answer.auto_start_token,
        qr_start_token=answer.qr_start_token,
        qr_start_secret=answer.qr_start_secret,
        session_hash=hash_token(binding),
        return_nonce_hash=hash_token(nonce),
        end_user_ip=end_user_ip,
        started_at=now + answer.answered_after,
        status="pending",
        hint_code="outstandingTransaction",
        subject={**purpose.subject, "device": device},
    )
    db.session.add(order)
    db.session.flush()
    return Started(order, nonce)


def find(key: str, *, binding: str) -> BankIDOrder | None:
    """An order by its name in addresses, if this session started it."""
    order = db.session.scalar(select(BankIDOrder).where(BankIDOrder.key == key))
    if order is None or not hmac.compare_digest(order.session_hash, hash_token(binding)):
        return None
    return order


def open_here(order: BankIDOrder) -> None:
    """The app is opened on the page's own device, from now on."""
    order.subject = {**order.subject, "device": "same"}


def is_here(order: BankIDOrder) -> bool:
    """Whether BankID is on the page's own device."""
    return order.subject.get("device") == "same"


def come_back(order: BankIDOrder, nonce: str) -> bool:
    """Take note of the way back from the app; False when it is not this order's own."""
    if not hmac.compare_digest(order.return_nonce_hash, hash_token(nonce)):
        return False
    order.subject = {**order.subject, "came_back": True}
    return True


def awaits_return(order: BankIDOrder, *, now: datetime) -> bool:
    """Whether a completed order can be used as soon as the person comes back from the app."""
    return order.status == "complete" and _is_fresh(order, now) and _lacks_return(order)


def _lacks_return(order: BankIDOrder) -> bool:
    came_back = order.subject.get("came_back", False)
    return order.purpose == "sign in" and is_here(order) and not came_back


def _is_fresh(order: BankIDOrder, now: datetime) -> bool:
    return order.ended_at is not None and now - order.ended_at < _USABLE


def qr_text(order: BankIDOrder) -> str:
    """What the animated QR code says this second."""
    started = Order(
        order.order_ref, order.auto_start_token, order.qr_start_token, order.qr_start_secret
    )
    return client().qr_text(started, order.started_at)


def is_due(order: BankIDOrder, *, now: datetime) -> bool:
    """Whether BankID may be asked (again) how an order stands."""
    is_rested = order.collected_at is None or now - order.collected_at >= _PACE
    return order.status == "pending" and is_rested


def collect(order: BankIDOrder, *, now: datetime) -> BankIDOrder:
    """Learn how an order stands, at most every other second; two who ask at once ask once.

    Raises BankIDError when BankID does not answer; the order is as it was, except that it was asked
    about.
    """
    if not is_due(order, now=now):
        return order
    _lock(order)
    if not is_due(order, now=now):
        return order
    # Also when there is no answer: a BankID in trouble is the last to be asked more often.
    order.collected_at = now
    try:
        _take(order, client().collect(order.order_ref), now)
    except NoSuchOrder:
        order.status, order.hint_code, order.ended_at = "failed", "expiredTransaction", now
    db.session.flush()
    return order


def _lock(order: BankIDOrder) -> None:
    """Keep other requests from changing an order until this transaction ends, and see it as is."""
    db.session.flush()
    db.session.refresh(order, with_for_update=True)


def _take(order: BankIDOrder, answer: Collected, now: datetime) -> None:
    order.status, order.hint_code = answer.status, answer.hint_code
    if answer.status != "pending":
        order.ended_at = now
    if answer.completion is not None:
        order.completion = json.dumps(answer.completion)


def completion(order: BankIDOrder) -> dict[str, Any]:
    """BankID's completion data of a completed order."""
    data: dict[str, Any] = json.loads(order.completion or "{}")
    return data


def use(order: BankIDOrder, *, now: datetime) -> bool:
    """Use a completed order for what it was started for; False when it cannot be used (again)."""
    _lock(order)
    if order.status != "complete" or order.used_at is not None:
        return False
    if not _is_fresh(order, now) or _lacks_return(order):
        return False
    order.used_at = now
    return True


def cancel(order: BankIDOrder, *, now: datetime) -> None:
    """End an order; one that has ended already is left as it is."""
    _lock(order)
    if order.status != "pending":
        return
    # An order that cannot be reached ends by itself within minutes; nobody can use it here.
    with contextlib.suppress(BankIDError):
        client().cancel(order.order_ref)
    order.status, order.hint_code, order.ended_at = "failed", "userCancel", now


def left_alone(now: datetime, limit: int = 50) -> list[int]:
    """Orders whose page is gone: they go on, or are signed and were not used."""
    asked = db.func.coalesce(BankIDOrder.collected_at, BankIDOrder.started_at)
    is_signed = and_(
        BankIDOrder.status == "complete",
        BankIDOrder.purpose == "sign",
        BankIDOrder.used_at.is_(None),
        BankIDOrder.ended_at > now - _USABLE,
    )
    return list(
        db.session.scalars(
            select(BankIDOrder.id)
            .where(or_(BankIDOrder.status == "pending", is_signed), asked < now - _LEFT_AFTER)
            .order_by(BankIDOrder.id)
            .limit(limit)
        )
    )


def forget_old(now: datetime) -> None:
    """Forget who signed in once the order cannot be used, and all of an order after a month."""
    db.session.execute(
        update(BankIDOrder)
        .where(BankIDOrder.completion.is_not(None), BankIDOrder.ended_at < now - _USABLE)
        .values(completion=None)
    )
    db.session.execute(delete(BankIDOrder).where(BankIDOrder.started_at < now - _KEPT))
