"""The invoice as every source tells it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from portal.messages import Problem

CustomerKind = Literal["person", "company"]


@dataclass(frozen=True)
class Invoice:
    """One unpaid invoice of a creditor.

    customer_kind: from the identity number where there is one; a sole trader is a person.
    identity_number: 12 digits of a personal identity or co-ordination number, or 10 digits of an
    organisation number. address_line, postcode, town: all given or all empty. country: ISO 3166-1
    alpha-2. phone: E.164. amount_ore: what the invoice asked for. balance_ore: what is open still.
    currency: ISO 4217. reminder_fee_charged: an earlier reminder carried a fee already. type:
    `invoice`, `prepayment`, `debit note`, `interest invoice`, or what the ledger calls it.
    size_class: how many employees a business has: `0-9`, `10-49`, `50-249` or `250+`.
    source_line: line of the spreadsheet, or place of the file among those read together, from 1.
    supplier_organisation_number: 10 digits of whoever sent the invoice, where the source tells.
    """

    number: str
    customer_number: str
    customer_name: str
    customer_kind: CustomerKind
    identity_number: str | None
    address_line: str
    postcode: str
    town: str
    country: str
    email: str | None
    phone: str | None
    language: str | None
    customer_class: str | None
    issued_on: date | None
    due_on: date
    amount_ore: int
    balance_ore: int
    currency: str
    description: str
    payment_reference: str | None
    reminder_fee_charged: bool
    source_line: int
    supplier_organisation_number: str | None = None
    type: str = "invoice"
    size_class: str | None = None


@dataclass(frozen=True)
class Reading:
    """What was read: the good invoices, and what is wrong with the others, by line."""

    invoices: Sequence[Invoice]
    problems: Sequence[Problem]
