"""QR codes that a payer points the bank's app or the Swish app at.

Sources: UsingQR, format specification revision 2 (https://qrkod.info/), for the invoice code that
Swedish bank apps read; Getswish, "QR-code API manual", chapter 6 "QR code encoding specification"
(https://developer.getswish.se/qr-api-manual/6-qr-code-encoding-specification/), for `C…`; Getswish,
"Merchant Integration Guide", for `D<token>`.
"""

import io
import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import IntFlag
from itertools import groupby
from urllib.parse import quote

import segno

from portal.payments.accounts import Bankgiro, Plusgiro, written_organisation_number

# Both specifications ask for a quiet zone of at least four modules.
_QUIET_ZONE = 4
# Of the eight masks of ISO/IEC 18004 any may be chosen, and a reader takes all of them. This one
# suits the invoice record so well that the best of the eight is better by some hundredths, and to
# look for it takes a tenth of a letter's time.
_INVOICE_MASK = 2
# For a code that is drawn anew each second, of text as good as random: no mask suits it better than
# another, and to look for the best takes half of the page's time.
PASSING = 2


class Editable(IntFlag):
    """What the payer may change in the Swish app. The numbers are the lock mask's own bits."""

    NOTHING = 0
    PAYEE = 1
    AMOUNT = 2
    MESSAGE = 4


def invoice_payload(
    *,
    payee_name: str,
    organisation_number: str,
    reference: str,
    invoiced_on: date,
    due_on: date,
    amount: Decimal,
    account: Bankgiro | Plusgiro | str,
) -> str:
    """The Swedish invoice code: UsingQR's JSON, kind 1 (payment).

    organisation_number: the payee's, 10 digits. amount: kronor to pay, more than 0, at most two
    decimals. account: a bankgiro, a plusgiro, or an IBAN without spaces.
    Raises ValueError when the amount cannot be paid.
    """
    kind, number = _account(account)
    fields: dict[str, int | str | Decimal] = {
        "uqr": 1,
        "tp": 1,
        "nme": payee_name,
        "cid": written_organisation_number(organisation_number),
        "iref": reference,
        "idt": f"{invoiced_on:%Y%m%d}",
        "ddt": f"{due_on:%Y%m%d}",
        "due": amount,
        "pt": kind,
        "acc": number,
    }
    return "{" + ",".join(f'"{name}":{_json(value)}' for name, value in fields.items()) + "}"


def swish_payload(
    payee_alias: str,
    amount: Decimal,
    message: str,
    editable: Editable = Editable.NOTHING,
) -> str:
    """A static Swish code: `C<payee>;<kronor,öre>;<message, URL-encoded>;<lock mask>`.

    amount: kronor, more than 0, at most two decimals. Raises ValueError when it cannot be paid.
    """
    _plain(amount)
    kronor = f"{amount:.2f}".replace(".", ",")
    return f"C{payee_alias};{kronor};{quote(message, safe='')};{int(editable)}"


def swish_request_payload(token: str) -> str:
    """The code that opens a payment request of ours: `D<token>`.

    token: the PaymentRequestToken that Swish answered when the request was created.
    """
    return f"D{token}"


@dataclass(frozen=True)
class Drawing:
    """A QR code to be drawn.

    side: modules along a side, quiet zone included. runs: dark modules that lie side by side, as
    (column, row, how many), the upper left corner of the quiet zone being (0, 0).
    """

    side: int
    runs: tuple[tuple[int, int, int], ...]


def draw(payload: str) -> Drawing:
    """The QR code of an invoice's text, for paper: error correction M, model 2, byte mode.

    Text outside ASCII is UTF-8 and marked as such, as UsingQR asks.
    """
    code = _code(payload, mask=_INVOICE_MASK)
    runs = []
    for row, modules in enumerate(code.matrix, _QUIET_ZONE):
        start = 0
        for is_dark, run in groupby(modules):
            length = len(list(run))
            if is_dark:
                runs.append((start + _QUIET_ZONE, row, length))
            start += length
    return Drawing(len(code.matrix) + 2 * _QUIET_ZONE, tuple(runs))


def svg(payload: str, *, title: str, side_mm: int = 35, mask: int | None = None) -> str:
    """A QR code as SVG, for HTML, or as a response of its own (`image/svg+xml`).

    title: what a screen reader says instead of the picture. side_mm: its side, quiet zone included,
    when no style sheet says otherwise. mask: PASSING, or None for the one that reads best. It has
    neither style nor script, so that a strict Content-Security-Policy lets it through inline.
    """
    out = io.BytesIO()
    _code(payload, mask=mask).save(
        out,
        kind="svg",
        border=_QUIET_ZONE,
        dark="#000",
        light="#fff",
        title=title,
        xmldecl=False,
        nl=False,
        omitsize=True,
        svgclass="qr",
        lineclass=None,
    )
    size = f'width="{side_mm}mm" height="{side_mm}mm"'
    return out.getvalue().decode().replace("<svg ", f'<svg role="img" {size} ', 1)


def _code(payload: str, mask: int | None = None) -> segno.QRCode:
    return segno.make(
        payload,
        micro=False,
        error="m",
        mode="byte",
        encoding="utf-8",
        eci=not payload.isascii(),
        mask=mask,
    )


def _json(value: int | str | Decimal) -> str:
    # json writes no Decimal, and a float could write another amount than the one owed.
    return _plain(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def _plain(amount: Decimal) -> str:
    """The amount without insignificant digits, as UsingQR wants it: 500, 500.1, 500.15."""
    if not amount.is_finite() or amount <= 0 or amount != round(amount, 2):
        raise ValueError(f"{amount} kronor cannot be paid")
    return f"{amount.normalize():f}"


def _account(account: Bankgiro | Plusgiro | str) -> tuple[str, str]:
    match account:
        case Bankgiro():
            return "BG", account.written()
        case Plusgiro():
            return "PG", account.written()
        case _:
            return "IBAN", account
