import json
import random
import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
import segno
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from segno import encoder

from portal.payments.accounts import Bankgiro, Plusgiro
from portal.payments.qr import (
    Editable,
    draw,
    invoice_payload,
    svg,
    swish_payload,
    swish_request_payload,
)

SVG = "{http://www.w3.org/2000/svg}"
AN_INVOICE = {
    "payee_name": "Åkes Bygg & Färg AB",
    "organisation_number": "5560160680",
    "reference": "100000004224",
    "invoiced_on": date(2026, 1, 31),
    "due_on": date(2026, 3, 2),
    "amount": Decimal("1234.50"),
    "account": Bankgiro("50501055"),
}


def test_an_invoice_code_is_the_usingqr_record_in_its_order():
    assert invoice_payload(**AN_INVOICE) == (
        '{"uqr":1,"tp":1,"nme":"Åkes Bygg & Färg AB","cid":"556016-0680","iref":"100000004224",'
        '"idt":"20260131","ddt":"20260302","due":1234.5,"pt":"BG","acc":"5050-1055"}'
    )


@pytest.mark.parametrize(
    ("account", "kind", "number"),
    [
        (Plusgiro("2865434"), "PG", "28 65 43-4"),
        ("SE4550000000058398257466", "IBAN", "SE4550000000058398257466"),
    ],
)
def test_the_kind_of_account_is_said(account, kind, number):
    fields = json.loads(invoice_payload(**{**AN_INVOICE, "account": account}))
    assert (fields["pt"], fields["acc"]) == (kind, number)


@given(
    amount=st.decimals(Decimal("0.01"), Decimal("10000000"), places=2),
    name=st.text(min_size=1, max_size=40),
)
def test_amount_and_name_read_back_exactly(amount, name):
    text = invoice_payload(**{**AN_INVOICE, "amount": amount, "payee_name": name})
    fields = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    assert fields["due"] == amount
    assert fields["nme"] == name


@pytest.mark.parametrize("amount", ["0", "-1", "1.005", "NaN"])
def test_an_amount_that_cannot_be_paid_is_refused(amount):
    with pytest.raises(ValueError, match="cannot be paid"):
        invoice_payload(**{**AN_INVOICE, "amount": Decimal(amount)})
    with pytest.raises(ValueError, match="cannot be paid"):
        swish_payload("1231181189", Decimal(amount), "x")


def test_a_static_swish_code_has_a_decimal_comma_and_an_encoded_message():
    # The example of the QR manual: 100 SEK with the OCR number 12229445 to 1237856901.
    assert swish_payload("1237856901", Decimal(100), "12229445") == "C1237856901;100,00;12229445;0"
    assert swish_payload("1231181189", Decimal("0.5"), "Hej; du", Editable.AMOUNT) == (
        "C1231181189;0,50;Hej%3B%20du;2"
    )
    both = Editable.AMOUNT | Editable.MESSAGE
    assert swish_payload("1231181189", Decimal(1), "", both).endswith(";6")


def test_a_code_for_our_own_request_carries_its_token():
    assert swish_request_payload("37ca502428ff40c1b17310787165236f") == (
        "D37ca502428ff40c1b17310787165236f"
    )


def modules_drawn(text: str) -> set[tuple[int, int]]:
    """The dark modules of the drawing, as (column, row)."""
    path = etree.fromstring(text).findall(f"{SVG}path")[1].get("d")
    column, row, dark = 0, 0.0, set()
    for command, numbers in re.findall(r"([Mmh])([^Mmh]*)", path):
        values = [float(n) for n in re.findall(r"-?[\d.]+", numbers)]
        if command == "h":
            dark |= {(column + i, int(row)) for i in range(int(values[0]))}
            column += int(values[0])
        elif command == "M":
            column, row = int(values[0]), values[1]
        else:
            column, row = column + int(values[0]), row + values[1]
    return dark


@settings(max_examples=20)
@given(st.text(min_size=1, max_size=150))
def test_the_drawing_holds_exactly_the_modules_of_the_code(payload):
    code = segno.make(
        payload, micro=False, error="m", mode="byte", encoding="utf-8", eci=not payload.isascii()
    )
    expected = {
        (column + 4, row + 4)
        for row, line in enumerate(code.matrix)
        for column, module in enumerate(line)
        if module
    }
    drawn = svg(payload, title="A code")
    side = code.symbol_size(border=4)[0]
    assert etree.fromstring(drawn).get("viewBox") == f"0 0 {side} {side}"
    assert modules_drawn(drawn) == expected


@settings(max_examples=20)
@given(st.text(min_size=1, max_size=150))
def test_a_code_for_paper_holds_exactly_the_modules_of_one_with_the_invoices_mask(payload):
    drawing = draw(payload)
    code = segno.make(
        payload, micro=False, error="m", mode="byte", encoding="utf-8",
        eci=not payload.isascii(), mask=2,
    )  # fmt: skip
    dark = {
        (column + along - 4, row - 4)
        for column, row, length in drawing.runs
        for along in range(length)
    }
    assert dark == {
        (column, row)
        for row, line in enumerate(code.matrix)
        for column, module in enumerate(line)
        if module
    }
    assert drawing.side == code.symbol_size(border=4)[0]


def test_the_invoices_mask_is_about_as_good_as_the_best():
    dice, chosen, best = random.Random(1), 0, 0
    for _ in range(30):
        payload = invoice_payload(
            **{
                **AN_INVOICE,
                "reference": str(dice.randrange(10**11, 10**12)),
                "amount": Decimal(dice.randrange(10_000, 900_000)) / 100,
                "due_on": date(2026, 1, 1) + timedelta(days=dice.randrange(3_000)),
            }
        )
        penalties = [penalty(payload, mask) for mask in range(8)]
        chosen += penalties[2]
        best += min(penalties)
    assert chosen < 1.1 * best


def penalty(payload, mask):
    """How bad a mask is, as ISO/IEC 18004 reckons it."""
    code = segno.make(
        payload, micro=False, error="m", mode="byte", encoding="utf-8",
        eci=not payload.isascii(), mask=mask,
    )  # fmt: skip
    side = len(code.matrix)
    return encoder.evaluate_mask(code.matrix, side, side)


def test_the_drawing_stands_alone_speaks_and_carries_no_style_or_script():
    text = svg("D37ca502428ff40c1b17310787165236f", title="Betala <1> & klart", side_mm=30)
    root = etree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "Betala <1> & klart"
    assert (root.get("width"), root.get("height")) == ("30mm", "30mm")
    names = {element.tag for element in root.iter()}
    assert names == {f"{SVG}svg", f"{SVG}title", f"{SVG}path"}
    attributes = {name for element in root.iter() for name in element.attrib}
    assert "style" not in attributes
    assert not any(name.startswith("on") for name in attributes)
    assert len(text) < 6000
