"""What signatures cost: a company's use month by month, and what each signature was."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from flask import Response
from flask_babel import gettext
from werkzeug.exceptions import NotFound

from portal import clock
from portal.creditor import access, document_texts
from portal.creditor.views import creditor
from portal.signing import prices, usage
from portal.web import spreadsheets
from portal.web.rendering import render


@creditor.get("/<key>/documents/usage")
def show_usage() -> Response:
    """How many signatures each month had, and what they cost."""
    creditor_id = access.role().creditor_id
    return render(
        "creditor/document_usage.html",
        months=usage.months(creditor_id),
        free=prices.FREE,
        left=usage.left(creditor_id),
        price_ore=prices.of(prices.FREE + 1, clock.today()),
    )


@creditor.get("/<key>/documents/usage/<month>")
def show_usage_month(month: str) -> Response:
    """Each signature of a month."""
    first_on = _first_day(month)
    return render(
        "creditor/document_usage_month.html",
        used=usage.of_month(access.role().creditor_id, first_on),
        first_on=first_on,
        texts=document_texts,
    )


def _first_day(month: str) -> date:
    try:
        return date.fromisoformat(f"{month}-01")
    except ValueError as error:
        raise NotFound from error


@creditor.get("/<key>/documents/usage.csv", defaults={"kind": "csv"})
@creditor.get("/<key>/documents/usage.xlsx", defaults={"kind": "xlsx"})
def export_usage(kind: str) -> Response:
    """The months as a spreadsheet."""
    headings = [
        gettext("Month"), gettext("Documents"), gettext("Signatures"), gettext("Of them free"),
        gettext("Price without VAT"), gettext("VAT"), gettext("Total"),
    ]  # fmt: skip
    return spreadsheets.answer(kind, "signatures", headings, _rows(access.role().creditor_id))


def _rows(creditor_id: int) -> Iterator[list[object]]:
    for one in usage.months(creditor_id):
        yield [
            one.first_on.strftime("%Y-%m"), one.documents, one.signatures, one.free,
            *(Decimal(ore) / 100 for ore in (one.ore, one.vat_ore, one.total_ore)),
        ]  # fmt: skip
