"""What fields of a template stand for: of a company, a case and a customer, and the day.

Sums are those that the case owes today, as `collection.cases` counts them; nothing is counted here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from babel import Locale, dates, numbers

from portal.collection import cases, customers, places
from portal.config import Settings
from portal.extensions import db
from portal.identity.models import Creditor
from portal.locales import locale_of, written_as
from portal.messages import N_

# What a template may name, and what a person reads that it is.
FIELDS: Mapping[str, str] = {
    "creditor.name": N_("Your company's name"),
    "creditor.organisation_number": N_("Your company's number"),
    "creditor.address": N_("Your company's address"),
    "creditor.email": N_("Your company's e-mail"),
    "creditor.phone": N_("Your company's telephone"),
    "customer.name": N_("Customer's name"),
    "customer.number": N_("Customer number"),
    "customer.identity_number": N_("Customer's identity or company number"),
    "customer.address": N_("Customer's address"),
    "customer.email": N_("Customer's e-mail"),
    "customer.phone": N_("Customer's telephone"),
    "case.reference": N_("Case"),
    "case.invoice_number": N_("Invoice number"),
    "case.invoice_on": N_("Invoice date"),
    "case.due_on": N_("Due date"),
    "case.principal": N_("Principal left"),
    "case.interest": N_("Interest until today"),
    "case.fees": N_("Fees left"),
    "case.amount_owed": N_("Owed in all today"),
    "sender.name": N_("Who sends it"),
    "service.name": N_("The collection service"),
    "today": N_("Today's date"),
}  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """Whom a document is about, as far as it is known. case_id: of the case, if of one.

    identity_number: of a person, 12 digits. company: the customer's name, if it is a company, for
    which a person signs.
    """

    case_id: int | None
    reference: str | None
    customer_id: int
    name: str
    email: str | None
    phone: str | None
    identity_number: str | None
    company: str
    language: str
    values: Mapping[str, str]
    currency: str = "SEK"


def written_in(language: str) -> Locale:
    """How dates and sums are written in a document's language."""
    return written_as(locale_of(language))


def day(on: date, language: str) -> str:
    """A date as a document writes it, such as 4 december 2026."""
    return dates.format_date(on, "long", locale=written_in(language))


# CLDR's currencySpacing, which Babel leaves out: a letter and a digit never touch.
_TOUCHING = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")


def money(ore: int, language: str, currency: str = "SEK") -> str:
    """A sum as a document writes it, such as 1 234,50 kr. ore: hundredths of the currency."""
    made = numbers.format_currency(Decimal(ore) / 100, currency, locale=written_in(language))
    return _TOUCHING.sub("\N{NO-BREAK SPACE}", made)


def of_company(
    creditor_id: int, *, sender: str, today: date, language: str, settings: Settings
) -> dict[str, str]:
    """What fields say that are about no customer. sender: the name of who writes the document."""
    company = db.session.get_one(Creditor, creditor_id)
    told = {
        "creditor.name": company.name,
        "creditor.organisation_number": _number(company.organisation_number),
        "creditor.address": _address(company.address_line, company.postcode, company.town),
        "creditor.email": company.email,
        "creditor.phone": company.phone,
        "sender.name": sender,
        "service.name": settings.service_name,
        "today": day(today, language),
    }
    return {name: value for name, value in told.items() if value}


def of_case(creditor_id: int, reference: str, *, today: date, language: str) -> Subject | None:
    """A company's case, its customer and what is owed on it today; None when it has no such."""
    case = cases.find(reference)
    if case is None or case.creditor_id != creditor_id:
        return None
    customer = of_customer(creditor_id, case.debtor_id)
    assert customer is not None
    told = {
        "case.reference": case.reference,
        "case.invoice_number": case.invoice.number,
        "case.invoice_on": day(case.invoice.issued_on, language) if case.invoice.issued_on else "",
        "case.due_on": day(case.due_on, language),
    } | _owed(cases.owed_on(case, today), language, case.currency)
    return Subject(
        case.id, case.reference, customer.customer_id, customer.name, customer.email,
        customer.phone, customer.identity_number, customer.company, customer.language,
        {**customer.values, **{name: value for name, value in told.items() if value}},
        case.currency,
    )  # fmt: skip


def _owed(due: cases.AmountDue, language: str, currency: str) -> dict[str, str]:
    sums = {"case.principal": due.principal_ore, "case.fees": due.fees_ore}
    # What is not known is left open, for whoever writes the document to fill in or leave.
    if due.is_interest_known:
        sums |= {"case.interest": due.interest_ore, "case.amount_owed": due.total_ore}
    return {name: money(ore, language, currency) for name, ore in sums.items()}


def of_customer(creditor_id: int, customer_id: int) -> Subject | None:
    """A company's customer; None when it has no such."""
    one = customers.get(creditor_id, customer_id)
    if one is None:
        return None
    is_person = one.kind == "person"
    number = one.identity_number or ""
    home = one.home
    address = _address(home.address_line or "", home.postcode or "", home.town or "")
    email, phone = one.mails_to, one.texts_to
    if places.of(one).is_hidden:
        # Whoever writes the document fills in what they know.
        address, email, phone = "", None, None
    told = {
        "customer.name": one.name,
        "customer.number": one.customer_number,
        "customer.identity_number": _number(number),
        "customer.address": address,
        "customer.email": email,
        "customer.phone": phone,
    }  # fmt: skip
    return Subject(
        case_id=None,
        reference=None,
        customer_id=one.id,
        name=one.name,
        email=email,
        phone=phone,
        identity_number=number if is_person and len(number) == 12 else None,
        company="" if is_person else one.name,
        language=one.reads,
        values={name: value for name, value in told.items() if value},
    )


def _address(line: str, postcode: str, town: str) -> str:
    place = " ".join(one for one in (postcode, town) if one)
    return ", ".join(one for one in (line, place) if one)


def _number(digits: str) -> str:
    return f"{digits[:-4]}-{digits[-4:]}" if digits.isdecimal() and len(digits) > 9 else digits


def examples(language: str, today: date) -> dict[str, str]:
    """What stands in a preview for a customer and a case that are nobody's."""
    return {
        "customer.name": "Kim Ek",
        "customer.number": "1042",
        # Its check digit is wrong, so that it is nobody's.
        "customer.identity_number": "19800101-0000",
        "customer.address": "Storgatan 1, 111 22 Stockholm",
        "customer.email": "kim@example.com",
        "customer.phone": "070-174 06 05",
        "case.reference": "123456789",
        "case.invoice_number": "10231",
        "case.invoice_on": day(today, language),
        "case.due_on": day(today, language),
        "case.principal": money(100_000, language),
        "case.interest": money(1_234, language),
        "case.fees": money(6_000, language),
        "case.amount_owed": money(107_234, language),
    }
