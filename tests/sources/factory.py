"""Files of a creditor, told as a story: who was invoiced, what is unpaid, how it was saved.

a_list(an_invoice("1001").to("Gunnel Bergström").overdue(30)).as_csv(encoding="windows-1252")
a_peppol_invoice("1002").from_company("5560160680").paid_in_part("100.00").as_xml()
"""

import csv
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Self
from xml.sax.saxutils import escape

from openpyxl import Workbook

TODAY = date(2026, 11, 24)

# Invented people with numbers that the Swedish Tax Agency publishes for tests.
PERSON = "195003151858"
COMPANY = "5560160680"
CREDITOR = "5566778899"

HEADINGS = {
    "number": "Fakturanr",
    "customer_number": "Kundnr",
    "customer_name": "Kundnamn",
    "identity_number": "Org.nr/Pers.nr",
    "address_line": "Adress",
    "postcode": "Postnr",
    "town": "Ort",
    "country": "Land",
    "email": "E-post",
    "phone": "Telefon",
    "issued_on": "Fakturadatum",
    "due_on": "Förfallodatum",
    "amount": "Belopp",
    "balance": "Restbelopp",
    "currency": "Valuta",
    "description": "Avser",
    "payment_reference": "OCR",
    "reminder_fee_charged": "Påminnelseavgift",
}


@dataclass(frozen=True)
class InvoiceRow:
    """One row of a list, by the keys of FIELDS."""

    cells: dict[str, Any]

    def to(self, name: str, identity_number: str = "") -> Self:
        return self.with_(customer_name=name, identity_number=identity_number)

    def of(self, amount: Any, balance: Any = "") -> Self:
        return self.with_(amount=amount, balance=balance)

    def overdue(self, days: int) -> Self:
        return self.with_(due_on=(TODAY - timedelta(days)).isoformat())

    def with_(self, **cells: Any) -> Self:
        return replace(self, cells={**self.cells, **cells})


def an_invoice(number: str = "1001") -> InvoiceRow:
    """A good row: a person in Östersund who owes 1 234.50 kr since a month."""
    return InvoiceRow(
        {
            "number": number,
            "customer_number": f"K{number}",
            "customer_name": "Gunnel Bergström",
            "identity_number": "19500315-1858",
            "address_line": "Storgatan 1 B",
            "postcode": "831 30",
            "town": "Östersund",
            "country": "SE",
            "email": "gunnel@example.com",
            "phone": "070-174 06 05",
            "issued_on": "2026-09-24",
            "due_on": "2026-10-24",
            "amount": "1 234,50",
            "balance": "",
            "currency": "SEK",
            "description": "Årsavgift för vägen",
            "payment_reference": "123456782",
            "reminder_fee_charged": "Nej",
        }
    )


@dataclass(frozen=True)
class InvoiceList:
    """A list as the creditor's program has it, to be saved in one format or another."""

    rows: Sequence[InvoiceRow]

    @property
    def headings(self) -> list[str]:
        return list(HEADINGS.values())

    def cells(self) -> list[list[Any]]:
        return [[row.cells[key] for key in HEADINGS] for row in self.rows]

    def as_csv(
        self, *, delimiter: str = ";", encoding: str = "utf-8", newline: str = "\r\n"
    ) -> bytes:
        out = io.StringIO()
        writer = csv.writer(out, delimiter=delimiter, lineterminator=newline)
        writer.writerows([self.headings, *self.cells()])
        return out.getvalue().encode(encoding)

    def as_xlsx(self) -> bytes:
        return a_workbook([self.headings, *self.cells()])


def a_list(*rows: InvoiceRow) -> InvoiceList:
    return InvoiceList(rows or (an_invoice(),))


def a_workbook(rows: Sequence[Sequence[Any]], *, formats: dict[str, str] | None = None) -> bytes:
    """XLSX bytes. formats: cell to number format."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    for cell, number_format in (formats or {}).items():
        sheet[cell].number_format = number_format
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def with_part(workbook: bytes, name: str, content: bytes) -> bytes:
    """A workbook with one part of its zip replaced or added."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for part in old.namelist():
            if part != name:
                new.writestr(part, old.read(part))
        new.writestr(name, content)
    return out.getvalue()


def part_of(workbook: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        return archive.read(name)


def with_shared_strings(workbook: bytes) -> bytes:
    """A workbook with its texts kept apart from its cells, as Excel keeps them."""
    sheet, types = "xl/worksheets/sheet1.xml", "[Content_Types].xml"
    texts: list[str] = []

    def shared(match: re.Match[str]) -> str:
        texts.append(match[1])
        return f't="s"><v>{len(texts) - 1}</v></c>'

    cells = part_of(workbook, sheet).decode()
    cells = re.sub(r't="inlineStr"><is><t>([^<]*)</t></is></c>', shared, cells)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    strings = "".join(f"<si><t>{text}</t></si>" for text in texts)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    override = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/>'
    known = part_of(workbook, types).decode().replace("</Types>", f"{override}</Types>")
    workbook = with_part(workbook, sheet, cells.encode())
    workbook = with_part(workbook, types, known.encode())
    return with_part(
        workbook, "xl/sharedStrings.xml", f'<sst xmlns="{main}">{strings}</sst>'.encode()
    )


@dataclass(frozen=True)
class PeppolInvoice:
    """A Peppol BIS Billing 3 invoice; a value of None leaves its element out."""

    number: str
    root: str = "Invoice"
    customization: str = (
        "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
    )
    issued_on: str | None = "2026-09-24"
    due_on: str | None = "2026-10-24"
    terms: str | None = "30 dagar netto"
    note: str | None = None
    currency: str = "SEK"
    payable: str = "12500.00"
    payable_currency: str = "SEK"
    prepaid: str | None = None
    payment_id: str | None = "123456782"
    supplier: str | None = CREDITOR
    supplier_endpoint: str = "7300010000001"
    supplier_endpoint_scheme: str = "0088"
    customer: str | None = COMPANY
    customer_scheme: str | None = "0007"
    customer_vat: str | None = None
    customer_number: str | None = "4711"
    customer_name: str = "Åkeriet i Växjö AB"
    country: str = "SE"
    postcode: str = "352 33"
    phone: str = "0470-17 40 605"
    email: str = "ekonomi@example.com"
    lines: Sequence[str] = ("Däck, 4 st", "Montering")
    doctype: str = ""

    def with_(self, **values: Any) -> Self:
        return replace(self, **values)

    def from_company(self, organisation_number: str) -> Self:
        return replace(self, supplier=organisation_number)

    def paid_in_part(self, amount: str) -> Self:
        return replace(self, prepaid=amount)

    def as_xml(self, encoding: str = "utf-8") -> bytes:
        text = (
            f'<?xml version="1.0" encoding="{encoding}"?>{self.doctype}'
            f'<{self.root} xmlns="urn:oasis:names:specification:ubl:schema:xsd:{self.root}-2"'
            ' xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"'
            ' xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">'
            f"{self._head()}{self._supplier()}{self._customer()}{self._money()}"
            f"</{self.root}>"
        )
        return text.encode(encoding)

    def _head(self) -> str:
        return (
            _element("cbc:CustomizationID", self.customization)
            + _element("cbc:ProfileID", "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0")
            + _element("cbc:ID", self.number)
            + _element("cbc:IssueDate", self.issued_on)
            + _element("cbc:DueDate", self.due_on)
            + _element("cbc:InvoiceTypeCode", "380")
            + _element("cbc:Note", self.note)
            + _element("cbc:DocumentCurrencyCode", self.currency)
        )

    def _supplier(self) -> str:
        legal = _element("cbc:RegistrationName", "Däckbolaget AB") + _element(
            "cbc:CompanyID", self.supplier, schemeID="0007"
        )
        endpoint = _element(
            "cbc:EndpointID", self.supplier_endpoint, schemeID=self.supplier_endpoint_scheme
        )
        return _wrap(
            "cac:AccountingSupplierParty/cac:Party",
            endpoint + _wrap("cac:PartyLegalEntity", legal),
        )

    def _customer(self) -> str:
        address = (
            _element("cbc:StreetName", "Verkstadsgatan 5")
            + _element("cbc:CityName", "Växjö")
            + _element("cbc:PostalZone", self.postcode)
            + _wrap("cac:Country", _element("cbc:IdentificationCode", self.country))
        )
        legal = _element("cbc:RegistrationName", self.customer_name) + _element(
            "cbc:CompanyID", self.customer, schemeID=self.customer_scheme
        )
        contact = _element("cbc:Telephone", self.phone) + _element("cbc:ElectronicMail", self.email)
        return _wrap(
            "cac:AccountingCustomerParty/cac:Party",
            _wrap("cac:PartyIdentification", _element("cbc:ID", self.customer_number))
            + _wrap("cac:PostalAddress", address)
            + _wrap("cac:PartyTaxScheme", _element("cbc:CompanyID", self.customer_vat))
            + _wrap("cac:PartyLegalEntity", legal)
            + _wrap("cac:Contact", contact),
        )

    def _money(self) -> str:
        totals = _element(
            "cbc:PrepaidAmount", self.prepaid, currencyID=self.payable_currency
        ) + _element("cbc:PayableAmount", self.payable, currencyID=self.payable_currency)
        lines = (
            _wrap("cac:InvoiceLine/cac:Item", _element("cbc:Name", name)) for name in self.lines
        )
        return (
            _wrap("cac:PaymentMeans", _element("cbc:PaymentID", self.payment_id))
            + _wrap("cac:PaymentTerms", _element("cbc:Note", self.terms))
            + _wrap("cac:LegalMonetaryTotal", totals)
            + "".join(lines)
        )


def a_peppol_invoice(number: str = "1001") -> PeppolInvoice:
    """A good invoice to a company in Växjö over 12 500 kr, a month overdue."""
    return PeppolInvoice(number)


def _element(name: str, text: str | None, **attributes: str | None) -> str:
    if text is None:
        return ""
    written = "".join(f' {key}="{value}"' for key, value in attributes.items() if value)
    return f"<{name}{written}>{escape(text)}</{name}>"


def _wrap(path: str, content: str) -> str:
    for name in reversed(path.split("/")):
        content = f"<{name}>{content}</{name}>"
    return content
