"""Invoices in Peppol BIS Billing 3 (UBL 2.1 Invoice), one a file.

Sources: Peppol BIS Billing 3.0 and EN 16931-1, whose business terms (BT) are named below; ISO 6523
identifiers 0007 (Swedish organisation number); UBL 2.1 (OASIS). A document in the network's
envelope (Standard Business Document) is read as well.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date

from lxml import etree

from portal.messages import N_, Problem, RedaError
from portal.sources import record, values
from portal.sources.invoice import Invoice, Reading
from portal.sources.tables import check_size

CUSTOMIZATION = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_ENVELOPE = "http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"
_INVOICE = f"{{{_UBL}Invoice-2}}Invoice"
_CREDIT_NOTE = f"{{{_UBL}CreditNote-2}}CreditNote"
_PREFIXES = {
    "cac": f"{_UBL}CommonAggregateComponents-2",
    "cbc": f"{_UBL}CommonBasicComponents-2",
}
_LINE_NAMES = 3


def read(data: bytes, filename: str, *, today: date) -> Reading:
    """The one invoice in a file, or what is wrong with it.

    filename: for messages only. today: the day on which it must be overdue. A credit note is a
    problem, not a claim. Raises RedaError when the file is not a Peppol invoice at all.
    """
    document = _document(data)
    found = _read_document(document, line=1, today=today)
    if isinstance(found, Invoice):
        return Reading([found], [])
    return Reading([], [_in_file(problem, filename) for problem in found])


def read_many(files: Iterable[tuple[str, bytes]], *, today: date) -> Reading:
    """The invoices in several files; a bad file is a problem and hides no other.

    files: (file name, bytes) of each; its place among them, from 1, is its line.
    """
    invoices: list[Invoice] = []
    problems: list[Problem] = []
    for line, (filename, data) in enumerate(files, 1):
        try:
            found = _read_document(_document(data), line=line, today=today)
        except RedaError as error:
            found = [Problem(error.problem.message, error.problem.values, line=line)]
        if isinstance(found, Invoice):
            invoices.append(found)
        else:
            problems += [_in_file(problem, filename) for problem in found]
    kept, problems = record.without_twins(
        invoices, problems, N_("Invoice %(number)s is in file number %(line)s already. Remove one.")
    )
    return Reading(kept, problems)


def seller(data: bytes) -> tuple[str, dict[str, str]]:
    """Who sent an invoice: the Swedish number, or "", and the address that it gives of itself.

    The address has name, address_line, postcode, town and country, each empty when not told.
    Raises RedaError when the file is not a Peppol invoice at all.
    """
    party = _document(data).find("cac:AccountingSupplierParty/cac:Party", _PREFIXES)
    street = (_text(party, f"cac:PostalAddress/cbc:{part}") for part in _STREET)  # BT-35, BT-36
    return re.sub(r"\D", "", _swedish_number(party)), {
        "name": _text(party, "cac:PartyName/cbc:Name")  # BT-28
        or _text(party, "cac:PartyLegalEntity/cbc:RegistrationName"),  # BT-27
        "address_line": ", ".join(filter(None, street)),
        "postcode": re.sub(r"\s", "", _text(party, "cac:PostalAddress/cbc:PostalZone")),  # BT-38
        "town": _text(party, "cac:PostalAddress/cbc:CityName"),  # BT-37
        "country": _text(party, "cac:PostalAddress/cac:Country/cbc:IdentificationCode"),  # BT-40
    }


def _in_file(problem: Problem, filename: str) -> Problem:
    told = {**problem.values, "filename": values.shown(filename)}
    return Problem(problem.message, told, problem.field, problem.line)


def _document(data: bytes) -> etree._Element:
    """The root of the document, parsed without entities, document types, network or huge trees."""
    check_size(data)
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise RedaError(
            N_("The file is not whole XML. Export the invoice again and upload it unchanged.")
        ) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise RedaError(
            N_(
                "The file declares a document type, which a Peppol invoice never does. Export it"
                " again."
            )
        )
    if root.tag == f"{{{_ENVELOPE}}}StandardBusinessDocument" and len(root):
        root = root[-1]
    if root.tag not in (_INVOICE, _CREDIT_NOTE):
        raise RedaError(
            N_("The file holds “%(root)s”, not a Peppol BIS Billing 3 invoice (UBL 2.1)."),
            root=values.shown(etree.QName(root).localname),
        )
    return root


def _read_document(root: etree._Element, *, line: int, today: date) -> Invoice | list[Problem]:
    if root.tag == _CREDIT_NOTE:
        return [
            Problem(
                N_(
                    "%(number)s is a credit note, not a claim. Lower the balance of the invoice"
                    " that it credits."
                ),
                {"number": values.shown(_text(root, "cbc:ID"))},
                line=line,
            )
        ]
    customization = _text(root, "cbc:CustomizationID")
    if not customization.startswith(CUSTOMIZATION):
        return [
            Problem(
                N_(
                    "The invoice follows “%(customization)s”, not Peppol BIS Billing 3. Export it"
                    " in that format."
                ),
                {"customization": values.shown(customization)},
                line=line,
            )
        ]
    texts = _texts(root)
    problems = _shortcomings(root, texts, line)
    missing = {problem.field for problem in problems}
    found = record.read(texts, line=line, today=today, amount=values.xml_amount)
    if isinstance(found, Invoice):
        return problems or found
    return problems + [problem for problem in found if problem.field not in missing]


def _texts(root: etree._Element) -> dict[str, str]:
    """What the document says, by the keys of `record.read`."""
    buyer = root.find("cac:AccountingCustomerParty/cac:Party", _PREFIXES)
    seller = root.find("cac:AccountingSupplierParty/cac:Party", _PREFIXES)
    balance = _text(root, "cac:LegalMonetaryTotal/cbc:PayableAmount")  # BT-115
    prepaid = _text(root, "cac:LegalMonetaryTotal/cbc:PrepaidAmount")  # BT-113
    return {
        "number": _text(root, "cbc:ID"),  # BT-1
        "issued_on": _text(root, "cbc:IssueDate"),  # BT-2
        "due_on": _text(root, "cbc:DueDate"),  # BT-9
        "type": _text(root, "cbc:InvoiceTypeCode"),  # BT-3
        "currency": _text(root, "cbc:DocumentCurrencyCode"),  # BT-5
        "amount": _sum(balance, prepaid),
        "balance": balance if prepaid else "",
        "payment_reference": _text(root, "cac:PaymentMeans/cbc:PaymentID"),  # BT-83
        "description": _description(root),
        "supplier_organisation_number": _swedish_number(seller),
        **_customer(buyer),
    }


def _customer(party: etree._Element | None) -> dict[str, str]:
    identity_number = _swedish_number(party)
    if identity_number:
        is_company = re.sub(r"\D", "", identity_number)[-10:][2:3] >= "2"
    else:
        is_company = bool(_text(party, _LEGAL) or _text(party, _VAT))
    country = _text(party, "cac:PostalAddress/cac:Country/cbc:IdentificationCode")  # BT-55
    number = _text(party, "cac:PartyIdentification/cbc:ID")  # BT-46
    street = (_text(party, f"cac:PostalAddress/cbc:{part}") for part in _STREET)
    return {
        # An organisation number is public and may serve as customer number; a person's may not.
        "customer_number": number or (identity_number if is_company else ""),
        "customer_name": _text(party, "cac:PartyLegalEntity/cbc:RegistrationName")  # BT-44
        or _text(party, "cac:PartyName/cbc:Name"),
        "customer_kind": "company" if is_company else "person",
        "identity_number": identity_number,
        "address_line": ", ".join(filter(None, street)),
        "postcode": _text(party, "cac:PostalAddress/cbc:PostalZone"),  # BT-53
        "town": _text(party, "cac:PostalAddress/cbc:CityName"),  # BT-52
        "country": country,
        "email": _if_sound(_text(party, "cac:Contact/cbc:ElectronicMail"), values.email),  # BT-58
        "phone": _if_sound(  # BT-57
            _text(party, "cac:Contact/cbc:Telephone"),
            lambda text: values.phone(text, country=country or "SE"),
        ),
    }


_STREET = ("StreetName", "AdditionalStreetName")  # BT-50, BT-51
_LEGAL = "cac:PartyLegalEntity/cbc:CompanyID"  # BT-30, BT-47
_VAT = "cac:PartyTaxScheme/cbc:CompanyID"  # BT-31, BT-48
_ENDPOINT = "cbc:EndpointID"  # BT-34, BT-49


def _swedish_number(party: etree._Element | None) -> str:
    """A party's Swedish number: as registered, else its address in the network, else from VAT."""
    country = _text(party, "cac:PostalAddress/cac:Country/cbc:IdentificationCode")
    legal = _element(party, _LEGAL)
    if legal is not None and _scheme(legal) in ("0007", "" if country == "SE" else "0007"):
        return _own_text(legal)
    endpoint = _element(party, _ENDPOINT)
    if endpoint is not None and _scheme(endpoint) == "0007":
        return _own_text(endpoint)
    vat = re.fullmatch(r"SE([0-9]{10})01", re.sub(r"\s", "", _text(party, _VAT)))
    return vat[1] if vat else ""


def _if_sound(text: str, parse: Callable[[str], str]) -> str:
    """A contact's text if it can be used; BIS lets it be anything, so it fails no invoice."""
    try:
        return parse(text) if text else ""
    except RedaError:
        return ""


def _description(root: etree._Element) -> str:
    """The invoice's note (BT-22), else the names of its first lines (BT-153)."""
    names = [
        _own_text(name)
        for name in root.iterfind("cac:InvoiceLine/cac:Item/cbc:Name", namespaces=_PREFIXES)
    ]
    whole = _text(root, "cbc:Note") or ", ".join(filter(None, names[:_LINE_NAMES]))
    return whole if len(whole) <= 500 else whole[:499] + "…"


def _sum(balance: str, prepaid: str) -> str:
    """What was asked for: what is due (BT-115) and what is paid (BT-113)."""
    try:
        return str(values.xml_number(balance) + values.xml_number(prepaid or "0"))
    except RedaError:
        return balance


def _shortcomings(root: etree._Element, texts: Mapping[str, str], line: int) -> list[Problem]:
    """What a spreadsheet could leave out but a Peppol invoice must say."""
    problems = []
    if not texts["due_on"]:
        problems.append(_no_due_date(root, line))
    if not texts["supplier_organisation_number"]:
        problems.append(
            Problem(
                N_("The invoice does not say its sender's organisation number. Export it with it."),
                field="supplier_organisation_number",
                line=line,
            )
        )
    amounts = root.iterfind("cac:LegalMonetaryTotal/*", namespaces=_PREFIXES)
    others = {amount.get("currencyID", "") for amount in amounts} - {texts["currency"]}
    if others or not texts["currency"]:
        problems.append(
            Problem(
                N_("The amounts are in %(others)s but the invoice in %(currency)s. Correct it."),
                {"others": ", ".join(sorted(others)) or "?", "currency": texts["currency"] or "?"},
                field="currency",
                line=line,
            )
        )
    return problems


def _no_due_date(root: etree._Element, line: int) -> Problem:
    terms = _text(root, "cac:PaymentTerms/cbc:Note")  # BT-20
    if terms:
        return Problem(
            N_("There is no due date, only the terms “%(terms)s”. Export it with its due date."),
            {"terms": values.shown(terms)},
            field="due_on",
            line=line,
        )
    return Problem(
        N_("There is no due date. Export the invoice with its due date."), field="due_on", line=line
    )


def _element(parent: etree._Element | None, path: str) -> etree._Element | None:
    return None if parent is None else parent.find(path, _PREFIXES)


def _text(parent: etree._Element | None, path: str) -> str:
    element = _element(parent, path)
    return "" if element is None else _own_text(element)


def _own_text(element: etree._Element) -> str:
    return " ".join((element.text or "").split())


def _scheme(element: etree._Element) -> str:
    return element.get("schemeID", "")
