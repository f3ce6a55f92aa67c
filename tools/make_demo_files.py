"""Files that a creditor could upload, for showing and trying the import.

`python -m tools.make_demo_files FOLDER --creditor 5599000014` writes three kinds: a list as CSV
(Windows-1252, semicolons, some rows with mistakes), a workbook, and two Peppol invoices. Dates lie
before --today. The people are those whose identity numbers the tax agency publishes for tests,
their telephone numbers from the series that PTS keeps for fiction; companies and addresses are
invented.
"""

import argparse
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from lxml import etree
from lxml.builder import ElementMaker
from openpyxl import Workbook
from openpyxl.styles import Font

from portal import clock


@dataclass(frozen=True)
class Customer:
    """Somebody who owes; identity_number: 12 digits of a person, 10 of a company."""

    number: str
    name: str
    identity_number: str
    address_line: str
    postcode: str
    town: str
    email: str = ""
    phone: str = ""
    language: str = "sv"


GUNNEL = Customer("3001", "Gunnel Bergström", "195003151858", "Ängsvägen 7", "831 43", "Östersund",
                  "gunnel.bergstrom@example.com", "070-174 06 05")  # fmt: skip
ARNE = Customer("3002", "Arne Lundqvist", "193801248471", "Södra Kajen 12 B", "852 31", "Sundsvall")
MATTI = Customer("3003", "Matti Korhonen", "193803129182", "Björkstigen 3", "984 31", "Pajala",
                 phone="070-174 06 12", language="fi")  # fmt: skip
ZAHRA = Customer("3004", "Zahra Hosseini", "197109049275", "Rosengatan 21", "214 55", "Malmö",
                 "zahra@example.com", "070-174 06 18", "fa")  # fmt: skip
YUSUF = Customer("3005", "Yusuf Warsame", "195510222259", "Bergsgatan 40", "415 03", "Göteborg",
                 "yusuf@example.com", language="so")  # fmt: skip
ANA = Customer("3006", "Ana Ionescu", "198502152385", "Kvarngränd 2", "753 20", "Uppsala",
               "ana.ionescu@example.com", "070-174 06 27", "ro")  # fmt: skip
VERA = Customer("3007", "Vera Sjöberg", "200208152389", "Åsgatan 15 lgh 1102", "791 71", "Falun",
                "vera@example.com", "070-174 06 33")  # fmt: skip
MAREK = Customer("3008", "Marek Wiśniewski", "196403100602", "Hamngatan 9", "374 32", "Karlshamn",
                 "marek@example.com", "070-174 06 41", "pl")  # fmt: skip
OLENA = Customer("3009", "Olena Kovalenko", "198410162393", "Torggatan 4", "891 33", "Örnsköldsvik",
                 "olena@example.com", "070-174 06 46", "uk")  # fmt: skip
MEHMET = Customer("3010", "Mehmet Yılmaz", "198203182384", "Parkvägen 18", "151 72", "Södertälje",
                  "mehmet@example.com", "070-174 06 52", "tr")  # fmt: skip
AHMAD = Customer("3011", "Ahmad Al-Khatib", "197101019052", "Köpmangatan 6", "702 23", "Örebro",
                 "ahmad@example.com", "070-174 06 58", "ar")  # fmt: skip
HAULIER = Customer("4001", "Ådalens Åkeri & Schakt AB", "5599000113", "Industrivägen 5", "872 43",
                   "Kramfors", "faktura@adalensakeri.example")  # fmt: skip
BAKERY = Customer("4002", "Bageriet Kringlan HB", "9699000015", "Stora Torget 1", "871 30",
                  "Härnösand", "hej@kringlan.example")  # fmt: skip

_HEADINGS = (
    "Fakturanr", "Kundnr", "Kundnamn", "Org.nr/Pers.nr", "Adress", "Postnr", "Ort", "E-post",
    "Telefon", "Språk", "Fakturadatum", "Förfallodatum", "Belopp", "Restbelopp", "Valuta", "Avser",
    "Påminnelseavgift",
)  # fmt: skip


@dataclass(frozen=True)
class Unpaid:
    """An invoice that fell due `overdue` days ago. kronor: the amount; open: what is left."""

    number: str
    customer: Customer
    overdue: int
    kronor: Decimal
    what: str
    open: Decimal | None = None
    is_reminded: bool = False

    def due_on(self, today: date) -> date:
        return today - timedelta(days=self.overdue)

    def issued_on(self, today: date) -> date:
        return self.due_on(today) - timedelta(days=30)


_LIST = (
    Unpaid("20401", GUNNEL, 41, Decimal("1249.00"), "Elförbrukning"),
    Unpaid("20402", ARNE, 33, Decimal("890.50"), "Elnät"),
    Unpaid("20403", MATTI, 28, Decimal("2310.00"), "Elförbrukning och elnät", Decimal("1310.00")),
    Unpaid("20404", ZAHRA, 22, Decimal("615.25"), "Elförbrukning", is_reminded=True),
    Unpaid("20405", YUSUF, 15, Decimal("12480.00"), "Laddbox med installation"),
    Unpaid("20406", HAULIER, 12, Decimal("48125.00"), "Elförbrukning, garage"),
)
_WORKBOOK = (
    Unpaid("30501", ANA, 38, Decimal("1780.00"), "Elförbrukning"),
    Unpaid("30502", VERA, 26, Decimal("449.00"), "Elnät"),
    Unpaid("30503", MAREK, 19, Decimal("3120.75"), "Elförbrukning", Decimal("2120.75")),
    Unpaid("30504", OLENA, 14, Decimal("725.00"), "Elförbrukning"),
    Unpaid("30505", MEHMET, 11, Decimal("1099.90"), "Elnät", is_reminded=True),
    Unpaid("30506", AHMAD, 9, Decimal("2045.00"), "Elförbrukning och elnät"),
)
_PEPPOL = (
    Unpaid("40601", HAULIER, 35, Decimal("18750.00"), "Elförbrukning, verkstad"),
    Unpaid("40602", BAKERY, 17, Decimal("6312.50"), "Elförbrukning, ugnar", Decimal("5312.50")),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the files and print where they lie."""
    parser = argparse.ArgumentParser(prog="python -m tools.make_demo_files", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--creditor", required=True, help="organisation number of the sender")
    parser.add_argument("--creditor-name", default="Norrsken Energi AB")
    parser.add_argument("--today", type=date.fromisoformat, default=None, help="YYYY-MM-DD")
    given = parser.parse_args(arguments)
    today = given.today or clock.today()
    given.folder.mkdir(parents=True, exist_ok=True)
    made = {
        "kundreskontra.csv": a_list(today),
        "unpaid-invoices.xlsx": a_workbook(today),
        **{
            f"peppol-{one.number}.xml": a_peppol_invoice(
                one, today, given.creditor, given.creditor_name
            )
            for one in _PEPPOL
        },
    }
    for name, data in made.items():
        (given.folder / name).write_bytes(data)
        print(given.folder / name)


def _cells(one: Unpaid, today: date) -> dict[str, object]:
    customer = one.customer
    values = (
        one.number, customer.number, customer.name, customer.identity_number,
        customer.address_line, customer.postcode, customer.town, customer.email, customer.phone,
        customer.language, one.issued_on(today), one.due_on(today), one.kronor, one.open or "",
        "SEK", one.what, "Ja" if one.is_reminded else "Nej",
    )  # fmt: skip
    return dict(zip(_HEADINGS, values, strict=True))


def _written(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:,.2f}".replace(",", " ").replace(".", ",")
    return str(value)


def a_list(today: date) -> bytes:
    """A ledger's CSV as Swedish programs write it, with the mistakes that people make in it."""
    rows = [_cells(one, today) for one in _LIST]
    rows += _mistakes(rows[0], today)
    out = io.StringIO()
    writer = csv.DictWriter(out, _HEADINGS, delimiter=";", lineterminator="\r\n", restval="")
    writer.writeheader()
    writer.writerows({key: _written(value) for key, value in row.items()} for row in rows)
    return out.getvalue().encode("windows-1252")


def _mistakes(good: Mapping[str, object], today: date) -> list[dict[str, object]]:
    """Rows that are refused: one mistake each, and the total that nobody removed."""
    in_a_week = today + timedelta(days=7)
    return [
        {**good, "Fakturanr": "20407", "Org.nr/Pers.nr": "195003151859"},
        {**good, "Fakturanr": "20408", "Belopp": "1.249"},
        {**good, "Fakturanr": "20409", "Fakturadatum": "", "Förfallodatum": "03/04/2026"},
        {**good, "Fakturanr": "20410", "Förfallodatum": in_a_week},
        {**good, "Fakturanr": "20411", "E-post": "gunnel.bergstrom(a)example.com"},
        dict(good),
        {"Fakturanr": "Summa", "Belopp": sum(one.kronor for one in _LIST)},
    ]


def a_workbook(today: date) -> bytes:
    """An XLSX with a title, real dates and real numbers, all rows good."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Förfallna"
    sheet.append([f"Förfallna fakturor {today}"])
    sheet.append(_HEADINGS)
    for one in _WORKBOOK:
        sheet.append(list(_cells(one, today).values()))
    for cell in (*sheet[1], *sheet[2]):
        cell.font = Font(bold=True)
    for column, width in zip("ABCDEFGHIJKLMNOPQ", (11, 9, 26, 17, 24, 9, 16), strict=False):
        sheet.column_dimensions[column].width = width
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_NAMESPACES = {
    None: f"{_UBL}Invoice-2",
    "cac": f"{_UBL}CommonAggregateComponents-2",
    "cbc": f"{_UBL}CommonBasicComponents-2",
}
_CAC = ElementMaker(namespace=_NAMESPACES["cac"], nsmap=_NAMESPACES)
_CBC = ElementMaker(namespace=_NAMESPACES["cbc"], nsmap=_NAMESPACES)


def a_peppol_invoice(one: Unpaid, today: date, creditor: str, creditor_name: str) -> bytes:
    """A Peppol BIS Billing 3 invoice with one line and 25 % VAT."""
    invoice = ElementMaker(namespace=_NAMESPACES[None], nsmap=_NAMESPACES)
    root = invoice(
        "Invoice",
        _CBC(
            "CustomizationID",
            "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0",
        ),
        _CBC("ProfileID", "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"),
        _CBC("ID", one.number),
        _CBC("IssueDate", one.issued_on(today).isoformat()),
        _CBC("DueDate", one.due_on(today).isoformat()),
        _CBC("InvoiceTypeCode", "380"),
        _CBC("DocumentCurrencyCode", "SEK"),
        _CBC("BuyerReference", one.customer.number),
        _CAC("AccountingSupplierParty", _supplier(creditor, creditor_name)),
        _CAC("AccountingCustomerParty", _customer(one.customer)),
        _CAC(
            "PaymentMeans",
            _CBC("PaymentMeansCode", "30"),
            _CBC("PaymentID", one.number),
            _CAC("PayeeFinancialAccount", _CBC("ID", "50501055")),
        ),
        *_totals(one),
    )
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _supplier(creditor: str, name: str) -> etree._Element:
    digits = creditor.replace("-", "")
    return _CAC(
        "Party",
        _CBC("EndpointID", digits, schemeID="0007"),
        _CAC("PostalAddress", _CAC("Country", _CBC("IdentificationCode", "SE"))),
        _vat_number(digits),
        _CAC(
            "PartyLegalEntity",
            _CBC("RegistrationName", name),
            _CBC("CompanyID", digits, schemeID="0007"),
        ),
    )


def _customer(customer: Customer) -> etree._Element:
    return _CAC(
        "Party",
        _CBC("EndpointID", customer.identity_number, schemeID="0007"),
        _CAC("PartyIdentification", _CBC("ID", customer.number)),
        _CAC(
            "PostalAddress",
            _CBC("StreetName", customer.address_line),
            _CBC("CityName", customer.town),
            _CBC("PostalZone", customer.postcode),
            _CAC("Country", _CBC("IdentificationCode", "SE")),
        ),
        _CAC(
            "PartyLegalEntity",
            _CBC("RegistrationName", customer.name),
            _CBC("CompanyID", customer.identity_number, schemeID="0007"),
        ),
        _CAC("Contact", _CBC("ElectronicMail", customer.email)),
    )


def _vat_number(digits: str) -> etree._Element:
    return _CAC("PartyTaxScheme", _CBC("CompanyID", f"SE{digits}01"), _vat())


def _vat() -> etree._Element:
    return _CAC("TaxScheme", _CBC("ID", "VAT"))


def _money(name: str, kronor: Decimal) -> etree._Element:
    return _CBC(name, f"{kronor:.2f}", currencyID="SEK")


def _totals(one: Unpaid) -> list[etree._Element]:
    net = (one.kronor / Decimal("1.25")).quantize(Decimal("0.01"))
    payable = one.kronor if one.open is None else one.open
    prepaid = [] if one.open is None else [_money("PrepaidAmount", one.kronor - one.open)]
    category = (_CBC("ID", "S"), _CBC("Percent", "25"), _vat())
    return [
        _CAC(
            "TaxTotal",
            _money("TaxAmount", one.kronor - net),
            _CAC(
                "TaxSubtotal",
                _money("TaxableAmount", net),
                _money("TaxAmount", one.kronor - net),
                _CAC("TaxCategory", *category),
            ),
        ),
        _CAC(
            "LegalMonetaryTotal",
            _money("LineExtensionAmount", net),
            _money("TaxExclusiveAmount", net),
            _money("TaxInclusiveAmount", one.kronor),
            *prepaid,
            _money("PayableAmount", payable),
        ),
        _CAC(
            "InvoiceLine",
            _CBC("ID", "1"),
            _CBC("InvoicedQuantity", "1", unitCode="C62"),
            _money("LineExtensionAmount", net),
            _CAC(
                "Item",
                _CBC("Name", one.what),
                _CAC("ClassifiedTaxCategory", _CBC("ID", "S"), _CBC("Percent", "25"), _vat()),
            ),
            _CAC("Price", _money("PriceAmount", net)),
        ),
    ]


if __name__ == "__main__":
    main()
