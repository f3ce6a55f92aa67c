"""The real letter as a picture, with a look that is not saved yet."""

import io
import threading
from datetime import date, timedelta
from typing import Any

import pypdfium2

from portal.collection import notices, policy, rates
from portal.companies import looks
from portal.delivery.letters import render_letter
from portal.extensions import db, settings
from portal.identity.models import Creditor
from portal.law.calendar import banking_day_on_or_after
from portal.law.errors import LawError
from portal.law.fees import REMINDER, fee
from portal.law.interest import Movement, Terms, accrue

# Points of the picture for a point on paper: sharp enough to read on a screen.
_SCALE = 1.6
_PRINCIPAL_ORE = 124_900
_OVERDUE = timedelta(days=24)
# It opens nothing.
_NO_CODE = "XXXXXX"
# PDFium is not made for several threads at once.
_pdfium = threading.Lock()


def picture(creditor_id: int, sender_name: str, logo: str | None, *, today: date) -> bytes:
    """The first page of a reminder as PNG, with another name and logo than those saved."""
    return _first_page(letter(creditor_id, sender_name, logo, today=today))


def letter(creditor_id: int, sender_name: str, logo: str | None, *, today: date) -> bytes:
    """A reminder as PDF, of an invented invoice, rendered as those that are sent."""
    creditor = db.session.get_one(Creditor, creditor_id)
    look = looks.with_look(dict(creditor.letter), sender_name, logo)
    content = {**sample(creditor, today), "creditor": {**notices.creditor(creditor), **look}}
    for name in ("sender_name", "logo"):
        if name not in look:
            content["creditor"].pop(name, None)
    return render_letter("reminder", content, secret=_NO_CODE, language="sv", settings=settings())


def sample(creditor: Creditor, today: date) -> dict[str, Any]:
    """What a reminder of an invented invoice says."""
    due_on = today - _OVERDUE
    pay_by_on = banking_day_on_or_after(today + timedelta(days=10))
    charged = fee(REMINDER, today)
    parts: list[dict[str, Any]] = [{"kind": "principal", "ore": _PRINCIPAL_ORE}]
    parts += _interest(due_on, today)
    parts.append({"kind": "reminder_fee", "ore": charged.amount_ore, "statute": charged.statute})
    return {
        "recipient": {
            "name": "Exempel Exempelsson", "address_line": "Exempelgatan 1", "postcode": "11122",
            "town": "Stockholm", "country": "SE",
        },
        "invoice": {
            "number": "10401", "issued_on": (due_on - timedelta(days=30)).isoformat(),
            "due_on": due_on.isoformat(), "amount_ore": _PRINCIPAL_ORE,
            "description": creditor.debt_description,
        },
        "parts": parts,
        "total_ore": sum(one["ore"] for one in parts),
        "currency": "SEK",
        "reference": "000000000",
        "ocr": "000000000000",
        **notices.common_content(settings(), today),
        **notices.timely_content("reminder", pay_by_on, policy.effective(creditor.id), settings()),
    }  # fmt: skip


def _interest(due_on: date, today: date) -> list[dict[str, Any]]:
    try:
        run = accrue(
            [Movement(due_on, _PRINCIPAL_ORE)], due_on=due_on, until=today,
            terms=Terms("statutory", None), rates=rates.table(),
        )  # fmt: skip
    except LawError:
        return []
    periods = [{**notices.period(one), "principal_ore": _PRINCIPAL_ORE} for one in run.periods]
    return [{"kind": "interest", "ore": run.ore, "periods": periods}] if run.ore else []


def _first_page(pdf: bytes) -> bytes:
    out = io.BytesIO()
    with _pdfium:
        document = pypdfium2.PdfDocument(pdf)
        try:
            document[0].render(scale=_SCALE).to_pil().convert("P").save(out, "PNG", optimize=True)
        finally:
            document.close()
    return out.getvalue()
