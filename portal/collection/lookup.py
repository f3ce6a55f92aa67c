"""Cases of every creditor, as an operator finds them for money that came."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select

from portal import ledger
from portal.collection import states
from portal.collection.models import Case, Debtor, Invoice
from portal.extensions import db
from portal.identity.models import Creditor


@dataclass(frozen=True)
class Named:
    """A case as it is told of beside a payment. booked_ore: unpaid as booked."""

    id: int
    creditor_id: int
    reference: str
    ocr: str
    creditor_name: str
    debtor_name: str
    invoice_number: str
    status: str
    booked_ore: int
    currency: str

    @property
    def is_closed(self) -> bool:
        """Whether nothing more is asked of the debtor."""
        return self.status not in states.OPEN


def named(ids: Sequence[int]) -> dict[int, Named]:
    """Cases as they are told of, by id."""
    return {one.id: one for one in _named(Case.id.in_(ids), len(ids))}


def by_references(references: Iterable[str]) -> list[Named]:
    """The cases of some references, those that are there."""
    wanted = list(references)
    return _named(Case.reference.in_(wanted), len(wanted))


def look_up(typed: str, limit: int = 10) -> list[Named]:
    """Cases that somebody may mean: by reference, OCR or invoice number, or the debtor's name."""
    words = " ".join(typed.split())
    if not words:
        return []
    digits = words.replace(" ", "").replace("-", "")
    return _named(
        or_(
            Case.reference == digits,
            Case.ocr == digits,
            Case.id.in_(
                select(Case.id).join(Invoice, Invoice.id == Case.invoice_id)
                .where(Invoice.number == words, Invoice.decision == "imported")
            ),
            Case.debtor_id.in_(
                select(Debtor.id)
                .where(Debtor.name_words == func.reda_words(func.reda_fold(words)))
            ),
        ),
        limit,
    )  # fmt: skip


def _named(condition: ColumnElement[bool], limit: int) -> list[Named]:
    rows = db.session.execute(
        select(
            Case, Creditor.name, Debtor.name, Invoice.number, ledger.unpaid_sql(Case.id.expression)
        )
        .join(Creditor, Creditor.id == Case.creditor_id)
        .join(Debtor, Debtor.id == Case.debtor_id)
        .join(Invoice, Invoice.id == Case.invoice_id)
        .where(condition)
        .order_by(Case.closed_on.desc().nulls_first(), Case.id)
        .limit(limit)
    ).all()
    return [
        Named(
            one.id, one.creditor_id, one.reference, one.ocr, creditor, debtor, invoice, one.status,
            int(booked), one.currency,
        )
        for one, creditor, debtor, invoice, booked in rows
    ]  # fmt: skip
