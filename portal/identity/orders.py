"""BankID orders: started by a browser session, followed to their end, used once.

An order belongs to the session that started it (a random binding kept in that session) and the way
back from the app carries a nonce of its own, so that nobody can be lured into completing the order
of somebody else's session (BankID's guidelines on secure start, `returnUrl`).
"""

import contextlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import select

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
    now: datetime,
) -> Started:
    """Start an order at BankID.

    binding: the secret kept in the browser's session. return_url: where the app goes back to, with
    `{key}` and `{nonce}` to fill in. Raises BankIDError when BankID refuses or does not answer.
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
        started_at=now,
        status="pending",
        hint_code="outstandingTransaction",
        subject={**purpose.subject, "return_url": address},
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


def is_return(order: BankIDOrder, nonce: str) -> bool:
    """Whether the way back from the app is this order's own."""
    return hmac.compare_digest(order.return_nonce_hash, hash_token(nonce))


def qr_text(order: BankIDOrder) -> str:
    """What the animated QR code says this second."""
    started = Order(
        order.order_ref, order.auto_start_token, order.qr_start_token, order.qr_start_secret
    )
    return client().qr_text(started, order.started_at)


def collect(order: BankIDOrder, *, now: datetime) -> BankIDOrder:
    """Learn how an order stands, at most every other second; two who ask at once ask once.

    Raises BankIDError when BankID does not answer; the order is as it was.
    """
    locked = db.session.scalars(
        select(BankIDOrder)
        .where(BankIDOrder.id == order.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if locked.status != "pending" or (locked.collected_at and now - locked.collected_at < _PACE):
        return locked
    try:
        _take(locked, client().collect(locked.order_ref), now)
    except NoSuchOrder:
        locked.status, locked.hint_code, locked.ended_at = "failed", "expiredTransaction", now
    locked.collected_at = now
    db.session.flush()
    return locked


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
    is_fresh = order.ended_at is not None and now - order.ended_at < _USABLE
    if order.status != "complete" or order.used_at is not None or not is_fresh:
        return False
    order.used_at = now
    return True


def cancel(order: BankIDOrder, *, now: datetime) -> None:
    """End an order; one that has ended already is left as it is."""
    if order.status != "pending":
        return
    # An order that cannot be reached ends by itself within minutes; nobody can use it here.
    with contextlib.suppress(BankIDError):
        client().cancel(order.order_ref)
    order.status, order.hint_code, order.ended_at = "failed", "userCancel", now


def left_alone(now: datetime, limit: int = 50) -> list[int]:
    """Orders that go on although their page is gone."""
    asked = db.func.coalesce(BankIDOrder.collected_at, BankIDOrder.started_at)
    return list(
        db.session.scalars(
            select(BankIDOrder.id)
            .where(BankIDOrder.status == "pending", asked < now - _LEFT_AFTER)
            .order_by(BankIDOrder.id)
            .limit(limit)
        )
    )
