"""All that a company's overview shows, with one statement: what waits, and how things stand.

`needs` is what waits now; `figures` is how things stood when they were last reckoned.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ScalarSelect, Select, func, select

from portal.collection import figures, needs
from portal.collection.figures import Look
from portal.collection.models import Case, Invoice, Rules, Upload
from portal.collection.needs import Need
from portal.companies import accounts
from portal.extensions import db

_UPLOADS = 5


@dataclass(frozen=True)
class UploadName:
    """A file as the overview lists it."""

    id: int
    filename: str
    created_at: datetime
    status: str


@dataclass(frozen=True)
class Beginning:
    """What a company has done so far of what must be done before its invoices are collected."""

    has_payout_account: bool
    has_rules: bool
    is_active: bool
    has_invoices: bool
    has_cases: bool


@dataclass(frozen=True)
class Overview:
    """look: the figures. is_new: they were made just now, and wait to be committed.

    chosen: what the reader has chosen (`preferences`), or None.
    """

    look: Look
    is_new: bool
    needs: Sequence[Need]
    beginning: Beginning
    uploads: Sequence[UploadName]
    chosen: Any


def of(
    creditor_id: int,
    *,
    chosen: ScalarSelect[Any],
    also: Mapping[str, Select[datetime]],
    today: date,
    now: datetime,
) -> Overview:
    """A company's overview.

    chosen: SQL of what the reader has chosen. also: as `needs.of` takes it. Figures that are
    quickly made are made anew when something has happened since; then there are more statements,
    and something to commit.
    """
    waiting = needs.told_sql(creditor_id, also=also, today=today, now=now)
    row = tuple(db.session.execute(_statement(creditor_id, chosen, waiting)).one())
    found = figures.judge(row[:6], today)
    is_new = not found.is_fresh and found.is_quick
    if is_new:
        found = Look(figures.refresh(creditor_id, today=today, now=now), True, True)
    account, is_active, has_rules, has_invoices, has_cases, uploads, choice, told = row[6:]
    beginning = Beginning(
        bool(account), bool(has_rules), bool(is_active), bool(has_invoices), bool(has_cases)
    )
    names = [
        UploadName(one["id"], one["filename"], datetime.fromisoformat(one["at"]), one["status"])
        for one in uploads or ()
    ]
    return Overview(found, is_new, needs.read(told), beginning, names, choice)


def _statement(creditor_id: int, chosen: ScalarSelect[Any], waiting: ScalarSelect[Any]) -> Any:
    company = (Rules.creditor_id == creditor_id) & (Rules.scope == "company")
    latest = (
        select(Upload.id, Upload.filename, Upload.created_at.label("at"), Upload.status)
        .where(Upload.creditor_id == creditor_id)
        .order_by(Upload.id.desc())
        .limit(_UPLOADS)
        .subquery()
    )
    uploads = select(func.jsonb_agg(func.to_jsonb(latest.table_valued()))).scalar_subquery()
    return figures.kept_sql(creditor_id).add_columns(
        accounts.is_any(creditor_id),
        select(Rules.is_active).where(company).scalar_subquery(),
        select(Rules.id).where(company).exists(),
        select(Invoice.id).where(Invoice.creditor_id == creditor_id).exists(),
        select(Case.id).where(Case.creditor_id == creditor_id).exists(),
        uploads,
        chosen,
        waiting,
    )
