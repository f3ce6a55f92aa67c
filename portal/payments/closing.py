"""Periods that are closed for good: what was reconciled stays as it was, and nobody opens it again.

One operator puts it together, with a reason for all that is not explained, and another one approves
it with BankID. What is approved is a hash of the figures: when anything has changed since, it does
not count. From then on the database takes no entry into the period (migration 0055); what comes
late keeps its value date, and is posted on the first open day.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from babel.numbers import format_currency
from psycopg.errors import LockNotAvailable
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from portal import clock
from portal.database import files, tenancy
from portal.extensions import db
from portal.identity import orders
from portal.identity.actor import Actor
from portal.identity.models import BankIDOrder, Person
from portal.identity.orders import Purpose
from portal.identity.people import new_key
from portal.messages import N_, RedaError
from portal.payments import reconciling
from portal.payments.booking import Unbooked
from portal.payments.models import ClosedPeriod
from portal.payments.reconciling import (
    AccountSums,
    Difference,
    Gap,
    Owner,
    Reason,
    Reconciliation,
    StatementDay,
    Sums,
)
from portal.signing import completed

# As the doors call it.
Period = ClosedPeriod
WAITING, CLOSED, WITHDRAWN = "waiting", "closed", "withdrawn"
LONGEST_REASON = 500
# As the database's own triggers.
_LOCK = 0x7265_6463
# All who post wait meanwhile, behind whoever posts already.
_LONGEST_WAIT = "2s"
_CHANGED = N_(
    "Something in the period was changed after it was put together, so it is not closed. Look at"
    " the figures again."
)


@dataclass(frozen=True)
class Figures:
    """A reconciliation, and whose the money was at its end."""

    reconciliation: Reconciliation
    owners: Sequence[Owner]


@dataclass(frozen=True)
class Point:
    """Something that is not explained, and has to be given a reason.

    key: its name in forms, the same as long as it is the same. what: as of a difference; `case`,
    `statement`, `gap`, `refused`, `sum` or `cases`. ore: the difference. payment_id: the bank's
    payment that it is of, if any.
    """

    key: str
    what: str
    currency: str
    name: str
    ore: int
    payment_id: int | None = None


def next_period(today: date) -> tuple[date, date] | None:
    """The month that may be closed next, when it is over; None when there is none."""
    closed_through = db.session.scalar(
        select(func.max(ClosedPeriod.last_on)).where(ClosedPeriod.status == CLOSED)
    )
    begin = (
        closed_through + timedelta(days=1)
        if closed_through is not None
        else db.session.scalar(text("select min(posted_on) from ledger_entries"))
    )
    if begin is None:
        return None
    first = begin.replace(day=1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return (first, last) if last < today else None


def closed_through() -> date | None:
    """The last day of the last closed period."""
    return db.session.scalar(
        select(func.max(ClosedPeriod.last_on)).where(ClosedPeriod.status == CLOSED)
    )


def figures(first: date, last: date) -> list[Figures]:
    """The reconciliation of a period in each currency."""
    return [
        Figures(reconciling.reconcile(first, last, one), reconciling.owners(last, one))
        for one in reconciling.currencies()
    ]


def points(found: Sequence[Figures]) -> list[Point]:
    """All that is not explained in some figures."""
    answer = []
    for each in found:
        one, currency = each.reconciliation, each.reconciliation.currency
        answer += [
            Point(f"{currency}:{row.what}:{row.kind}:{row.id or row.name}", row.what, currency,
                  row.name, row.ore, row.id if row.kind == "bank" else None)
            for row in one.differences if not row.is_explained
        ]  # fmt: skip
        answer += [
            Point(f"{currency}:statement:{row.day}", "statement", currency, row.day.isoformat(),
                  row.statement_ore - row.told_ore)
            for row in one.statements
        ]  # fmt: skip
        answer += [
            Point(f"{currency}:gap:{row.account}:{row.day}", "gap", currency,
                  f"{row.account}, {row.before_on} – {row.day}", row.opening_ore - row.before_ore)
            for row in one.gaps
        ]  # fmt: skip
        if currency == "SEK":
            answer += [
                Point(f"case:{row.case_id}", "case", currency, str(row.case_id),
                      row.booked_ore - row.payments_ore)
                for row in one.uneven
            ]  # fmt: skip
            answer += [
                Point(f"refused:{id_}", "refused", currency, name, 0) for id_, name in one.refused
            ]
        if one.closing.books_ore != one.closing.cases_ore:
            lacks = one.closing.books_ore - one.closing.cases_ore
            answer.append(Point(f"{currency}:cases", "cases", currency, "", lacks))
    return answer


def as_json(found: Sequence[Figures]) -> dict[str, Any]:
    """Figures as they are kept: days as texts, sums in öre."""
    told: dict[str, Any] = json.loads(
        json.dumps({"currencies": [asdict(one) for one in found]}, default=str)
    )
    return told


def from_json(told: Mapping[str, Any]) -> list[Figures]:
    """Figures as they were kept."""
    return [
        Figures(_reconciliation(one["reconciliation"]), [Owner(**each) for each in one["owners"]])
        for one in told["currencies"]
    ]


def _day(text: str | None) -> Any:
    return None if text is None else date.fromisoformat(text)


def _reconciliation(told: Mapping[str, Any]) -> Reconciliation:
    values = dict(told)
    values |= {name: _day(told[name]) for name in ("first", "last")}
    values |= {name: Sums(**told[name]) for name in ("opening", "closing")}
    values["moves"] = [Sums(**one) for one in told["moves"]]
    values["reasons"] = [Reason(**one) for one in told["reasons"]]
    values["differences"] = [
        Difference(**{**one, "bank_on": _day(one["bank_on"]), "posted_on": _day(one["posted_on"])})
        for one in told["differences"]
    ]
    values["accounts"] = [
        AccountSums(**{**one, "statement_on": _day(one["statement_on"])})
        for one in told["accounts"]
    ]
    values["statements"] = [
        StatementDay(**{**one, "day": _day(one["day"])}) for one in told["statements"]
    ]
    values["refused"] = [(id_, name) for id_, name in told["refused"]]
    values["uneven"] = [Unbooked(**one) for one in told["uneven"]]
    # Of periods that were closed before gaps were told there are none.
    values["gaps"] = [
        Gap(**{**one, "before_on": _day(one["before_on"]), "day": _day(one["day"])})
        for one in told.get("gaps", ())
    ]
    return Reconciliation(**values)


def digest(told: Mapping[str, Any]) -> str:
    """The hash of figures, written in one way."""
    written = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(written.encode()).hexdigest()


def put_together(
    first: date,
    last: date,
    reasons: Mapping[str, str],
    *,
    found: Sequence[Figures],
    report: bytes,
    person: Person,
    today: date,
    now: datetime,
) -> ClosedPeriod:
    """Put the closing of a period together, for another operator to approve.

    reasons: by the key of a point. found: `figures` of it as the operator has seen them; report:
    them as a PDF. Raises RedaError, also at the field of a reason that is missing.
    """
    if next_period(today) != (first, last):
        raise RedaError(N_("Only the oldest open month can be closed, once it is over."))
    told = []
    for one in points(found):
        why = " ".join(reasons.get(one.key, "").split())
        if not why:
            raise RedaError(N_("Write why it may stand."), field=one.key)
        if len(why) > LONGEST_REASON:
            raise RedaError(
                N_("Write at most %(most)s characters."), field=one.key, most=LONGEST_REASON
            )
        told.append({**asdict(one), "why": why})
    kept = as_json(found)
    period = ClosedPeriod(
        key=new_key(12), first_on=first, last_on=last, status=WAITING, made_by=person.name,
        made_by_id=person.id, made_at=now, text="", reasons=told, figures=kept,
        figures_sha256=digest(kept), report_sha256=files.store(report),
    )  # fmt: skip
    period.text = _text(period, found)
    try:
        with db.session.begin_nested():
            db.session.add(period)
    except IntegrityError:
        raise RedaError(
            N_("Another operator has put it together already. Look at how it is now.")
        ) from None
    return period


def _text(period: ClosedPeriod, found: Sequence[Figures]) -> str:
    lines = []
    for each in found:
        one = each.reconciliation
        closing = one.closing
        lines += [
            f"+ Bank {one.currency}: {_money(closing.bank_ore or 0, one.currency)}",
            f"+ Bokföring {one.currency}: {_money(closing.books_ore, one.currency)}",
            f"+ Ärenden {one.currency}: {_money(closing.cases_ore, one.currency)}",
            f"+ Förklarad skillnad {one.currency}: {_money(one.explained_ore, one.currency)}",
        ]
    return "\n".join(
        (
            "# Stäng en period",
            "",
            f"+ Period: {period.first_on} till {period.last_on}",
            *lines,
            f"+ Oförklarat, med skäl: {len(period.reasons)}",
            f"+ Underlagets kontrollsumma: {period.figures_sha256}",
            f"+ Sammanställt av: {_plain(period.made_by)},"
            f" {period.made_at.astimezone(clock.STOCKHOLM):%Y-%m-%d %H:%M}",
        )
    )


def _money(ore: int, currency: str) -> str:
    return format_currency(Decimal(ore).scaleb(-2), currency, locale="sv")


def _plain(text: str) -> str:
    return " ".join(text.translate(str.maketrans("*_#+|", "     ")).split())


def purpose(period: ClosedPeriod, person: Person, *, now: datetime) -> Purpose:
    """What BankID is asked to have signed. Raises RedaError when this person may not approve it."""
    _require_may_approve(period, person)
    visible = f"{period.text}\n\nJag, {_plain(person.name)}, godkänner att perioden stängs."
    hidden = {
        "period": period.key,
        "figures_sha256": period.figures_sha256,
        "report_sha256": period.report_sha256,
        "reasons_sha256": hashlib.sha256(
            json.dumps(period.reasons, sort_keys=True).encode()
        ).hexdigest(),
        "started_at": now.astimezone(UTC).isoformat(),
    }
    non_visible = json.dumps(hidden, sort_keys=True, separators=(",", ":"))
    return Purpose(
        "sign",
        {
            "period": period.key, "person_id": person.id, "visible": visible,
            "non_visible": non_visible,
        },
        visible=visible,
        non_visible=non_visible.encode(),
        personal_number=person.identity_number,
    )  # fmt: skip


def _require_may_approve(period: ClosedPeriod, person: Person) -> None:
    if not person.is_operator:
        raise RedaError(N_("Only operators close periods."))
    if period.status != WAITING:
        raise RedaError(N_("This is decided already."))
    if period.made_by_id == person.id:
        raise RedaError(N_("You have put it together. Another operator must approve it."))


def finish(order: BankIDOrder, *, now: datetime) -> ClosedPeriod | None:
    """Verify a completed order's signature and close the period, once.

    Answers None when the order cannot be used (again). Raises completed.NotSigned when the
    signature does not count, and RedaError when the person may not approve it or anything has
    changed, which withdraws it. When the books are being written in it stays as it is, and may be
    signed anew.
    """
    if not orders.use(order, now=now):
        return None
    period = _locked(order.subject["period"])
    with tenancy.service():
        person = db.session.get_one(Person, order.subject["person_id"])
    _require_may_approve(period, person)
    proof = completed.proven(order, person.identity_number, now=now)
    evidence = {
        "order_ref": order.order_ref,
        "xml_sha256": files.store(proof.xml),
        "ocsp_sha256": files.store(proof.ocsp),
        "started_ip": order.end_user_ip,
        "device_ip": proof.device_ip,
    }
    # Nobody posts between the comparison and the end of the transaction.
    hold_books()
    if not _is_same(period):
        period.status, period.ended_at = WITHDRAWN, now
        db.session.flush()
        raise RedaError(_CHANGED)
    period.approved_by, period.approved_by_id = person.name, person.id
    period.signed_at, period.evidence = proof.signed_at, evidence
    period.status, period.ended_at = CLOSED, now
    db.session.flush()
    order.completion = None
    return period


def _is_same(period: ClosedPeriod) -> bool:
    return digest(as_json(figures(period.first_on, period.last_on))) == period.figures_sha256


def hold_books() -> None:
    """Let nobody post until the transaction ends. Raises RedaError when somebody posts for long."""
    wait = func.set_config("lock_timeout", _LONGEST_WAIT, True)
    usual = db.session.scalar(select(func.current_setting("lock_timeout")))
    try:
        with db.session.begin_nested():
            db.session.execute(select(wait))
            db.session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            db.session.execute(select(func.set_config("lock_timeout", usual, True)))
    except OperationalError as error:
        if not isinstance(error.orig, LockNotAvailable):
            raise
        raise RedaError(
            N_("The books are being written in just now. Try again in a moment.")
        ) from None


def withdraw(key: str, *, actor: Actor, now: datetime) -> ClosedPeriod:
    """Let a period that waits stay open; who did is kept. What is decided stays as it is."""
    period = _locked(key)
    if period.status == WAITING:
        period.status, period.ended_at = WITHDRAWN, now
        period.withdrawn_by = actor.name or actor.label
        db.session.flush()
    return period


def _locked(key: str) -> ClosedPeriod:
    return db.session.scalars(
        select(ClosedPeriod)
        .where(ClosedPeriod.key == key)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def find(key: str) -> ClosedPeriod | None:
    """A period by its name in addresses, if it may be seen."""
    return db.session.scalar(select(ClosedPeriod).where(ClosedPeriod.key == key))


def of_day(day: date) -> ClosedPeriod | None:
    """The closed period that a day lies in, or None."""
    return db.session.scalar(
        select(ClosedPeriod).where(
            ClosedPeriod.status == CLOSED, ClosedPeriod.first_on <= day, ClosedPeriod.last_on >= day
        )
    )


def periods(limit: int = 60) -> list[ClosedPeriod]:
    """Periods that wait, are closed, or that somebody left open, the newest first."""
    return list(
        db.session.scalars(
            select(ClosedPeriod)
            .where((ClosedPeriod.status != WITHDRAWN) | ClosedPeriod.withdrawn_by.is_not(None))
            .order_by(ClosedPeriod.last_on.desc(), ClosedPeriod.id.desc())
            .limit(limit)
        )
    )
