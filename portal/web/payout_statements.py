"""A payout's remittance statement on a page and as files, for whoever may see the payout."""

from typing import Any

from flask import Response, make_response
from flask_babel import get_locale
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock, ledger
from portal.companies import charts
from portal.extensions import settings
from portal.identity import people
from portal.payments import payouts, statuses
from portal.payments.models import Payout
from portal.reporting import names, reports, statements, vouchers
from portal.reporting.tables import Text
from portal.web.forms import text

_PARTS = 100
_SIE = "application/octet-stream"


def paid_out(payout_key: str) -> Payout:
    """A payout that was ordered or set off, if it may be seen. Raises NotFound."""
    payout = payouts.find(payout_key)
    if payout is None or payout.released_on is None:
        raise NotFound
    return payout


def page(payout: Payout) -> dict[str, Any]:
    """What `payouts/_statement.html` takes, but for addresses."""
    first = max(0, request.args.get("first", 0, type=int))
    return {
        "payout": payout,
        "shares": [
            {"label": _said(one.label), "ore": one.ore} for one in statements.shares(payout)
        ],
        "parts": list(statements.parts(payout, first, _PARTS)),
        "first": first,
        "per_page": _PARTS,
        "rows_count": statements.count(payout),
        "earlier": statements.earlier(payout),
        "later": statements.later(payout),
        # The bank gave it back when it had paid.
        "was_paid_first": payout.status == payouts.REJECTED
        and ledger.is_posted(f"payout:{payout.key}:settled"),
        "is_to_book": vouchers.is_to_book(payout),
        "entry_name": lambda kind: _said(names.entry(kind)),
        "explained": statuses.explained,
    }


def _said(told: Text | str) -> str:
    return told if isinstance(told, str) else text(told)


def file(payout: Payout, extension: str) -> Response:
    """The statement as a file: pdf, xlsx, csv, or si, the voucher of its company's own books.

    Raises NotFound when there is no voucher.
    """
    company = people.company(payout.creditor_id)
    if extension == "si":
        if not vouchers.is_to_book(payout):
            raise NotFound
        voucher = vouchers.of_payout(payout, charts.of_company(payout.creditor_id))
        data = vouchers.write_sie(
            [voucher], company, program=settings().service_name, made_on=clock.today()
        )
    else:
        data = statements.written(
            payout, extension, company.name, language=str(get_locale() or "sv"), now=clock.now()
        )
    response = make_response(data)
    response.headers["Content-Type"] = reports.TYPES.get(extension, _SIE)
    response.headers.set(
        "Content-Disposition", "attachment", filename=statements.file_name(payout, extension)
    )
    return response
