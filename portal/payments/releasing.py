"""Payouts and refunds that two operators have approved with BankID are ordered at the bank.

What both sign is a batch: its text and rows are fixed when it is made. When anything that it rests
on has changed since, nothing of it is released, and its payouts are proposals again. A payout is
booked when it is ordered, a refund when it is paid.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from babel.numbers import format_currency
from sqlalchemy import func, select

from portal import clock, ledger
from portal.collection import cases
from portal.companies import accounts
from portal.config import Settings
from portal.database import files, tenancy
from portal.extensions import db, settings
from portal.identity import orders
from portal.identity.actor import Actor
from portal.identity.models import BankIDOrder, Creditor, Person
from portal.identity.orders import Purpose
from portal.identity.people import new_key
from portal.law import calendar
from portal.messages import N_, RedaError
from portal.payments import own_share, pain001, payouts, refunds
from portal.payments.accounts import written_account
from portal.payments.models import (
    OwnShareOrder,
    Payout,
    PayoutBatch,
    PayoutSignature,
    Refund,
)
from portal.signing import completed

Order = Payout | Refund | OwnShareOrder
WAITING, RELEASED, WITHDRAWN = "waiting", "released", "withdrawn"
NEEDED = 2
_ROWS_IN_TEXT = 40
# The mark of a refund's row, and what is signed by whether all of it are refunds.
_REFUND, _OWN = "refund", "own share"
_HEADINGS = {
    "": "Betala ut redovisningsmedel",
    _REFUND: "Betala tillbaka för mycket betalt",
    _OWN: "Ta ut vår andel",
    None: "Betala ut redovisningsmedel och betala tillbaka för mycket betalt",
}
_NOT_FREE = N_("One of them is held, waits for approval or is paid. Look at how it is now.")
_CHANGED = N_(
    "Something that this rests on was changed after it was put together, so nothing was paid. The"
    " payouts are proposals again."
)


def put_together(
    keys: Sequence[str], refund_keys: Sequence[str] = (), *, actor: Actor, now: datetime
) -> PayoutBatch:
    """Put proposals and refunds together, to be approved by two operators.

    Raises RedaError when there are none, or one is held, has no account or waits already.
    """
    if not keys and not refund_keys:
        raise RedaError(N_("Choose at least one payout."))
    chosen = [payouts.locked(key) for key in sorted(set(keys))]
    back = [refunds.by_key(key) for key in sorted(set(refund_keys))]
    for one in chosen:
        if one.status != payouts.PROPOSED or one.batch_id is not None:
            raise RedaError(_NOT_FREE)
        if one.account_key is None:
            raise RedaError(N_("One of them has no account to be paid to."))
    if any(one is None or not _is_free(one) for one in back):
        raise RedaError(_NOT_FREE)
    batch = _begin(actor, now)
    for order in (*chosen, *back):
        assert order is not None
        order.batch_id = batch.id
    db.session.flush()
    _write(batch, now)
    return batch


def put_own_share_together(*, on: date, currency: str, actor: Actor, now: datetime) -> PayoutBatch:
    """Put together that our own share of a day is taken out. Raises RedaError."""
    batch = _begin(actor, now)
    own_share.put_in(batch, on=on, currency=currency, today=clock.day_of(now), now=now)
    _write(batch, now)
    return batch


def _begin(actor: Actor, now: datetime) -> PayoutBatch:
    batch = PayoutBatch(
        key=new_key(12), made_by=actor.name, made_at=now, text="", rows=[], status=WAITING
    )
    db.session.add(batch)
    db.session.flush()
    return batch


def _write(batch: PayoutBatch, now: datetime) -> None:
    batch.rows = _rows(batch)
    batch.text = _text(batch, now)
    db.session.flush()


def _is_free(refund: Refund) -> bool:
    return (
        refund.status == refunds.WAITING and refund.way == refunds.BANK and refund.batch_id is None
    )


def orders_of(batch: PayoutBatch) -> list[Order]:
    """What a batch orders: its payouts, its refunds, and our own share."""
    own = own_share.of_batch(batch)
    return [
        *(one for one, _ in payouts.of_batch(batch)),
        *refunds.of_batch(batch.id),
        *([own] if own else []),
    ]


def is_own_share(batch: PayoutBatch) -> bool:
    """Whether a batch takes out our own share, also once it is taken apart."""
    return bool(batch.rows) and batch.rows[0][-1] == _OWN


def _rows(batch: PayoutBatch) -> list[list[Any]]:
    out = [
        [one.key, name, one.amount_ore, one.currency, one.account_kind, one.account_number,
         one.account_holder]
        for one, name in payouts.of_batch(batch)
    ]  # fmt: skip
    back = [
        [one.key, one.payer_name, one.amount_ore, one.currency, one.account_kind,
         refunds.written(one), one.payer_name, _REFUND]
        for one in refunds.of_batch(batch.id)
    ]  # fmt: skip
    return [*out, *back, *_own_rows(batch)]


def _own_rows(batch: PayoutBatch) -> list[list[Any]]:
    own = own_share.of_batch(batch)
    if own is None:
        return []
    told = own_share.transfer(own, settings())
    return [
        [own.key, told.name, own.amount_ore, own.currency, told.kind, told.account, told.name, _OWN]
    ]


def _text(batch: PayoutBatch, now: datetime) -> str:
    sums: dict[str, int] = {}
    for row in batch.rows:
        sums[row[3]] = sums.get(row[3], 0) + row[2]
    told = [
        f"+ {_who(row)}: {_money(row[2], row[3])} till {_plain(_account(row))}"
        for row in batch.rows[:_ROWS_IN_TEXT]
    ]
    kinds = {row[-1] if row[-1] in (_REFUND, _OWN) else "" for row in batch.rows}
    heading = _HEADINGS[kinds.pop()] if len(kinds) == 1 else _HEADINGS[None]
    if len(batch.rows) > _ROWS_IN_TEXT:
        told.append(f"+ och {len(batch.rows) - _ROWS_IN_TEXT} till")
    return "\n".join(
        (
            f"# {heading}",
            "",
            f"+ Antal: {len(batch.rows)}",
            *(f"+ Summa: {_money(ore, currency)}" for currency, ore in sorted(sums.items())),
            *told,
            f"+ Sammanställt av: {_plain(batch.made_by)},"
            f" {now.astimezone(clock.STOCKHOLM):%Y-%m-%d %H:%M}",
        )
    )


def _who(row: Sequence[Any]) -> str:
    who = _plain(row[1]) or "okänd betalare"
    return f"Återbetalning till {who}" if row[-1] == _REFUND else who


def _account(row: Sequence[Any]) -> str:
    return written_account(row[4], row[5]) if row[-1] == _OWN else row[5]


def _money(ore: int, currency: str) -> str:
    return format_currency(Decimal(ore).scaleb(-2), currency, locale="sv")


def _plain(text: str | None) -> str:
    """A text on one line, without what simpleMarkdown would read as its own."""
    return " ".join((text or "").translate(str.maketrans("*_#+|", "     ")).split())


def signatures(batch: PayoutBatch) -> list[PayoutSignature]:
    """Who has approved a batch, in order."""
    return list(
        db.session.scalars(
            select(PayoutSignature)
            .where(PayoutSignature.batch_id == batch.id)
            .order_by(PayoutSignature.id)
        )
    )


def has_signed(batch: PayoutBatch, person_id: int) -> bool:
    """Whether an operator has approved a batch."""
    return any(one.person_id == person_id for one in signatures(batch))


def purpose(batch: PayoutBatch, person: Person, *, now: datetime) -> Purpose:
    """What BankID is asked to have signed: the batch as it was put together.

    Raises RedaError when this operator has approved it already, or it is decided.
    """
    _require_may_approve(batch, person)
    visible = f"{batch.text}\n\nJag, {_plain(person.name)}, godkänner utbetalningarna."
    hidden = {
        "payouts": batch.key,
        "rows_sha256": _sha256(json.dumps(batch.rows, sort_keys=True)),
        "text_sha256": _sha256(batch.text),
        "started_at": now.astimezone(UTC).isoformat(),
    }
    non_visible = json.dumps(hidden, sort_keys=True, separators=(",", ":"))
    return Purpose(
        "sign",
        {
            "payouts": batch.key,
            "person_id": person.id,
            "visible": visible,
            "non_visible": non_visible,
        },
        visible=visible,
        non_visible=non_visible.encode(),
        personal_number=person.identity_number,
    )


def _require_may_approve(batch: PayoutBatch, person: Person) -> None:
    if not person.is_operator:
        raise RedaError(N_("Only operators approve payouts."))
    if batch.status != WAITING:
        raise RedaError(N_("This is decided already."))
    # A person is known by the identity number, so that one number is one person.
    if has_signed(batch, person.id):
        raise RedaError(N_("You have approved this already. Another operator must approve it too."))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def finish(order: BankIDOrder, *, now: datetime) -> PayoutBatch | None:
    """Verify a completed order's signature and store it, once; with the second one, pay.

    Answers None when the order cannot be used (again). Raises completed.NotSigned when the
    signature does not count, and RedaError when the person may not approve it or anything has
    changed, which ends the batch.
    """
    if not orders.use(order, now=now):
        return None
    batch = _locked(order.subject["payouts"])
    with tenancy.service():
        person = db.session.get_one(Person, order.subject["person_id"])
    _require_may_approve(batch, person)
    proof = completed.proven(order, person.identity_number, now=now)
    _require_same(batch, now)
    db.session.add(
        PayoutSignature(
            batch_id=batch.id, person_id=person.id, person_name=person.name,
            signed_at=proof.signed_at,
            evidence={
                "order_ref": order.order_ref,
                "xml_sha256": files.store(proof.xml),
                "ocsp_sha256": files.store(proof.ocsp),
                "started_ip": order.end_user_ip,
                "device_ip": proof.device_ip,
            },
        )
    )  # fmt: skip
    db.session.flush()
    order.completion = None
    if len(signatures(batch)) >= NEEDED:
        actor = Actor("person", person.name, person.id, "operator")
        _release(batch, actor, now, settings())
    return batch


def _require_same(batch: PayoutBatch, now: datetime) -> None:
    found = [payouts.locked(one.key) for one, _ in payouts.of_batch(batch)]
    back = [refunds.locked(one.id) for one in refunds.of_batch(batch.id)]
    own = own_share.of_batch(batch)
    is_right = (
        _rows(batch) == batch.rows
        and all(map(_is_still_right, found))
        and all(one.status == refunds.WAITING for one in back)
        and (own is None or own_share.is_still_there(own))
    )
    lacks = next((one for one in found if not _is_there(one)), None)
    if is_right and lacks is None:
        return
    _end(batch, now)
    if is_right and lacks is not None:
        raise RedaError(
            N_(
                "The client money of %(name)s does not suffice for %(amount_ore)s, so nothing was"
                " paid. The payouts are proposals again."
            ),
            name=payouts.company_name(lacks), amount_ore=lacks.amount_ore,
        )  # fmt: skip
    raise RedaError(_CHANGED)


def _is_there(payout: Payout) -> bool:
    """Whether a company's client money suffices for what it is paid."""
    return ledger.client_money(payout.creditor_id, payout.currency) >= payout.amount_ore


def _is_still_right(payout: Payout) -> bool:
    """Whether its account is the company's still, and what was collected is still owed.

    What is left of it when fees are set off would say too little: they hide what was taken back.
    """
    known = {one.key: one.number for one in accounts.of_company(payout.creditor_id)}
    return (
        known.get(payout.account_key or "") == payout.account_number
        and ledger.owed_to(payout.creditor_id, currency=payout.currency) >= payout.collected_ore
    )


def _release(batch: PayoutBatch, actor: Actor, now: datetime, ours: Settings) -> None:
    today = clock.day_of(now)
    found = [payouts.locked(one.key) for one, _ in payouts.of_batch(batch)]
    for one in found:
        payouts.post_released(one, today=today, now=now)
        one.status, one.released_on = payouts.RELEASED, today
        payouts.tell_released(one, actor, now)
    if (own := own_share.of_batch(batch)) is not None:
        own_share.release(own, today=today, now=now)
    back = [refunds.locked(one.id) for one in refunds.of_batch(batch.id)]
    for refund in back:
        refund.status, refund.released_on, refund.sent_at = refunds.RELEASED, today, now
    batch.status, batch.ended_at = RELEASED, now
    batch.execute_on = calendar.banking_day_on_or_after(today)
    batch.file_sha256 = files.store(_file(batch, found, back, now, ours, batch.execute_on))
    db.session.flush()


def _file(
    batch: PayoutBatch,
    found: Sequence[Payout],
    back: Sequence[Refund],
    now: datetime,
    ours: Settings,
    execute_on: date,
) -> bytes:
    named = db.session.execute(
        select(Creditor.id, Creditor.name).where(
            Creditor.id.in_({one.creditor_id for one in found})
        )
    )
    names = {row[0]: row[1] for row in named}
    transfers = [
        pain001.Transfer(
            key=one.key, amount_ore=one.amount_ore, currency=one.currency,
            name=one.account_holder or names[one.creditor_id], kind=one.account_kind or "",
            account=re.sub(r"[\s-]", "", one.account_number or ""),
            words=f"{ours.service_name} {one.key}",
        )
        for one in found
    ] + [
        pain001.Transfer(
            key=one.key, amount_ore=one.amount_ore, currency=one.currency, name=one.payer_name,
            kind=one.account_kind or "", account=one.payer_account or "",
            words=f"Återbetalning {_reference(one)}".strip(),
        )
        for one in back
    ]  # fmt: skip
    if (own := own_share.of_batch(batch)) is not None:
        transfers.append(own_share.transfer(own, ours))
    return pain001.build(
        batch.key,
        transfers,
        ours=pain001.Ours(
            ours.service_name,
            ours.service_organisation_number,
            ours.payout_account or ours.service_bankgiro,
            ours.payout_bic,
        ),
        execute_on=execute_on,
        now=now.astimezone(clock.STOCKHOLM).replace(tzinfo=None),
    )


def _reference(refund: Refund) -> str:
    if refund.case_id is None:
        return ""
    return cases.names([refund.case_id])[refund.case_id].reference


def withdraw(key: str, *, now: datetime) -> PayoutBatch:
    """Take a batch apart; its payouts are proposals again. What is decided stays as it is."""
    batch = _locked(key)
    if batch.status == WAITING:
        _end(batch, now)
    return batch


def _end(batch: PayoutBatch, now: datetime) -> None:
    batch.status, batch.ended_at = WITHDRAWN, now
    for one, _ in payouts.of_batch(batch):
        payouts.take_back(payouts.locked(one.key))
    if (own := own_share.of_batch(batch)) is not None:
        own_share.withdraw(own)
    for refund in refunds.of_batch(batch.id):
        refund.batch_id = None
    db.session.flush()


def _locked(key: str) -> PayoutBatch:
    return db.session.scalars(
        select(PayoutBatch)
        .where(PayoutBatch.key == key)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def find(key: str) -> PayoutBatch | None:
    """A batch by its name in addresses, if it may be seen."""
    return db.session.scalar(select(PayoutBatch).where(PayoutBatch.key == key))


def batches(limit: int = 30) -> list[tuple[PayoutBatch, int]]:
    """Batches with how many have approved each: those that wait first, then the newest."""
    signed = (
        select(func.count()).where(PayoutSignature.batch_id == PayoutBatch.id).scalar_subquery()
    )
    rows = db.session.execute(
        select(PayoutBatch, signed)
        .order_by((PayoutBatch.status == WAITING).desc(), PayoutBatch.id.desc())
        .limit(limit)
    )
    return [(batch, count) for batch, count in rows]


def file_name(batch: PayoutBatch) -> str:
    """What a batch's file is called, each time the same."""
    return f"pain001-{batch.key}.xml"


def unwritten() -> list[PayoutBatch]:
    """Released batches whose file is not in the folder yet."""
    return list(
        db.session.scalars(
            select(PayoutBatch)
            .where(PayoutBatch.file_sha256.is_not(None), PayoutBatch.written_at.is_(None))
            .order_by(PayoutBatch.id)
            .with_for_update(skip_locked=True)
        )
    )
