"""What a column of a creditor's spreadsheet may hold, and which column seems to hold it."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from portal.messages import N_


@dataclass(frozen=True)
class Field:
    """Something that a column may hold.

    key: as in a mapping and in `Problem.field`. label: marked text. headings: how ledgers head
    such a column, in Swedish and English, in the form of `_plain`.
    """

    key: str
    label: str
    required: bool
    headings: Sequence[str]


def _field(key: str, label: str, headings: str, *, required: bool = False) -> Field:
    return Field(key, label, required, tuple(headings.split()))


FIELDS: Sequence[Field] = (
    _field(
        "number",
        N_("Invoice number"),
        "fakturanr fakturanummer faktura fakturano invoiceno invoicenumber invoicenr invoice"
        " invoiceid fakturaid verifikatnr dokumentnr dokumentnummer documentno documentnumber"
        " referencenumber refnbr",
        required=True,
    ),
    _field(
        "customer_number",
        N_("Customer number"),
        "kundnr kundnummer kundid customerno customernumber customernr customerid clientno"
        " debtorno gäldenärsnr medlemsnr medlemsnummer membernumber",
        required=True,
    ),
    _field(
        "customer_name",
        N_("Customer name"),
        "kundnamn kund namn customername customer name gäldenär debtor debtorname köpare"
        " mottagare företagsnamn companyname förochefternamn fullname",
        required=True,
    ),
    _field(
        "identity_number",
        N_("Organisation number or personal identity number"),
        "orgnr organisationsnummer organisationsnr orgnummer personnummer personnr persnr"
        " orgpersnr orgnrpersnr persorgnr personorgnr orgpersonnr orgpersonnummer"
        " personorganisationsnummer organisationspersonnummer personnummerorganisationsnummer"
        " organisationsnummerpersonnummer persnrorgnr samordningsnummer organisationnumber"
        " organizationnumber orgno orgnumber companyregistrationnumber corporateid vatregnr"
        " personalidentitynumber personalnumber personalid socialsecuritynumber identitynumber"
        " ssn vatnr momsregnr vatno vatnumber",
    ),
    _field(
        "customer_kind",
        N_("Person or company"),
        "kundtyp customertype personföretag personorcompany privatföretag customerkind",
    ),
    _field(
        "customer_class",
        N_("Customer class"),
        "kundklass kundgrupp kundkategori customerclass customergroup segment",
    ),
    _field(
        "size_class",
        N_("Number of employees"),
        "antalanställda anställda storleksklass storlek företagsstorlek medelantalanställda"
        " employees numberofemployees headcount sizeclass companysize",
    ),
    _field(
        "address_line",
        N_("Street address"),
        "adress gatuadress utdelningsadress fakturaadress adressrad adressrad1 adress1 gata"
        " address streetaddress street address1 addressline1 addressline"
        " billingaddress postaladdress",
    ),
    _field(
        "postcode",
        N_("Postcode"),
        "postnr postnummer postcode postalcode zip zipcode zippostalcode",
    ),
    _field("town", N_("Town"), "ort postort stad town city"),
    _field("country", N_("Country"), "land landskod countrycode country"),
    _field(
        "email",
        N_("E-mail"),
        "epost epostadress email mail emailaddress mejl mejladress mailadress fakturaepost"
        " invoiceemail",
    ),
    _field(
        "phone",
        N_("Telephone"),
        "telefon telefonnr telefonnummer tel mobil mobilnr mobilnummer mobiltelefon phone"
        " phonenumber telephone mobile mobilephone cellphone",
    ),
    _field("language", N_("Language"), "språk språkkod language languagecode"),
    _field(
        "issued_on",
        N_("Invoice date"),
        "fakturadatum datum utställd utställningsdatum invoicedate date issuedate issued"
        " documentdate dokumentdatum",
    ),
    _field(
        "due_on",
        N_("Due date"),
        "förfallodatum förfaller förfallodag förfallen förfdatum betalasenast sistabetalningsdag"
        " duedate due paymentdue payby documentduedate",
        required=True,
    ),
    _field(
        "amount",
        N_("Amount of the invoice"),
        "belopp fakturabelopp totalbelopp total totalt summa attbetala fakturasumma kapital"
        " ursprungligtbelopp beloppinklmoms totalinklmoms summainklmoms kapitalbelopp amount"
        " invoiceamount totalamount invoicetotal originalamount amountinclvat totalinclvat",
        required=True,
    ),
    _field(
        "balance",
        N_("Balance still open"),
        "restbelopp saldo kvarattbetala återstår återstående återståendebelopp kvarstående"
        " kvarståendebelopp obetalt obetaltbelopp rest öppetbelopp balance amountdue remaining"
        " remainingamount outstanding outstandingamount openamount openbalance unpaid",
    ),
    _field("currency", N_("Currency"), "valuta valutakod currency currencycode currencyid"),
    _field(
        "description",
        N_("What the invoice is for"),
        "beskrivning benämning avser text fakturatext specifikation vara tjänst description"
        " details subject notes item",
    ),
    _field(
        "payment_reference",
        N_("Payment reference (OCR)"),
        "ocr ocrnr ocrnummer betalningsreferens betalreferens paymentreference"
        " paymentid ocrreferens ocrnumber",
    ),
    _field(
        "type",
        N_("Type of invoice"),
        "fakturatyp typ dokumenttyp invoicetype documenttype type doctype",
    ),
    _field(
        "reminder_fee_charged",
        N_("Reminder fee already charged"),
        "påminnelseavgift påminnelseavgiftdebiterad påminnelseavgifttagen påminnelseavgiftuttagen"
        " påmind remindercharged reminderfee reminderfeecharged reminded",
    ),
)

_IN_CURRENCY = re.compile(r"(?:\(?\b(?:sek|kr|kronor)\b\.?\)?)\s*$", re.IGNORECASE)
_KEYS = {heading: field.key for field in reversed(FIELDS) for heading in field.headings}


def _plain(heading: str) -> str:
    """A heading in lower case, letters and digits only, without a currency at its end."""
    composed = unicodedata.normalize("NFC", _IN_CURRENCY.sub("", heading[:100])).casefold()
    return "".join(c for c in composed if c.isalnum())


def recognised(cells: Iterable[str]) -> int:
    """How many of the cells look like headings that we know."""
    return sum(_plain(cell) in _KEYS for cell in cells)


def guess_mapping(columns: Sequence[str]) -> dict[str, str]:
    """Which column seems to hold which field, by its heading alone.

    columns: headings as in `Table.columns`. Answers field key to heading; no heading serves twice,
    and what is not recognised is left out. A lone balance serves as the amount.
    """
    found: dict[str, str] = {}
    rank: dict[str, int] = {}
    for column in columns:
        plain = _plain(column)
        key = _KEYS.get(plain)
        if key is None:
            continue
        place = next(f for f in FIELDS if f.key == key).headings.index(plain)
        if key not in found or place < rank[key]:
            found[key], rank[key] = column, place
    if "amount" not in found and "balance" in found:
        found["amount"] = found.pop("balance")
    return found
