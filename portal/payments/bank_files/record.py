"""What a bank's file says, whatever its format, and what it is refused with."""

from datetime import date, datetime
from typing import NamedTuple

from babel.numbers import get_currency_precision

from portal.messages import N_, RedaError

# No payment is a milliard kronor; what claims to be has lost its columns. A hundred million
# payments of it still have a sum that the database holds.
LARGEST_ORE = 100_000_000_000

# What a payment is. The first brings money in; of the others, "returned" does as well.
PAYMENT, DEDUCTION, DEBIT, REVERSAL, RETURNED = (
    "payment", "deduction", "debit", "reversal", "returned"
)  # fmt: skip
KINDS = (PAYMENT, DEDUCTION, DEBIT, REVERSAL, RETURNED)


class BankFileError(RedaError):
    """A bank's file that is refused whole."""

    def __init__(
        self, message: str, *, line: int | None = None, place: str | None = None, **values: object
    ) -> None:
        """Say why.

        line: line of the file, from 1. place: where in an XML document, such as
        `Ntfctn[1]/Ntry[3]`.
        """
        super().__init__(message, field=place, **values)
        told = self.problem
        self.problem = type(told)(told.message, told.values, told.field, line)


class Header(NamedTuple):
    """What a file says of itself, first of its records.

    kind: bgmax, camt.054 or camt.053. bank_id: the bank's own name of the file, which no other has.
    made_at: when the bank made it. is_test: whether it is marked as one, with no money behind it.
    """

    kind: str
    bank_id: str
    made_at: datetime | None
    is_test: bool


class Section(NamedTuple):
    """The account that the payments after it came to.

    account: bankgiro or account number as digits, or an IBAN. owner_numbers: Swedish organisation
    numbers of whom the bank says that it is, if it does. line, place: where it stands.
    """

    account: str
    owner_numbers: tuple[str, ...]
    line: int | None
    place: str | None


class Reference(NamedTuple):
    """What a payment is said to be for. amount_ore: its share, signed; None: not told."""

    number: str
    amount_ore: int | None


class Received(NamedTuple):
    """One payment, or what was taken off one.

    line, place: where it stands. account: that it came to. kind: one of KINDS. amount_ore: signed,
    in hundredths of the currency. value_on: the day from which the money is ours. references: in
    the file's order. text: free text, lines split by line breaks. payer_number: an organisation
    number or a personal one. serial: the bank's own number of it. deposit: the bank's name of the
    sum on the account that it is part of; position: its place, from 1, in that. end_to_end_id: how
    who ordered it named it; of what we ordered, our own name of it. payer_account_kind: bankgiro or
    plusgiro, when the file tells that it is one.
    """

    line: int | None
    place: str | None
    account: str
    kind: str
    amount_ore: int
    currency: str
    value_on: date
    references: tuple[Reference, ...]
    text: str
    payer_account: str
    payer_name: str
    payer_address: str
    payer_number: str
    serial: str
    deposit: str
    position: int
    end_to_end_id: str = ""
    payer_account_kind: str = ""


class Statement(NamedTuple):
    """What an account held, as the bank says, at the end of two days, in öre.

    opened_on: the day of the opening balance, or the day before it (`Bal/Dt`); closed_on: of the
    closing one.
    """

    account: str
    currency: str
    opened_on: date
    opening_ore: int
    closed_on: date
    closing_ore: int


Record = Header | Section | Received | Statement


def check_currency(currency: str, line: int | None, place: str | None = None) -> str:
    """The currency's code. Raises BankFileError when it is none, or has not 100 parts."""
    if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise BankFileError(
            N_("“%(currency)s” is no currency."), line=line, place=place, currency=currency
        )
    if get_currency_precision(currency) != 2:
        raise BankFileError(
            N_("Amounts in %(currency)s cannot be read."),
            line=line, place=place, currency=currency,
        )  # fmt: skip
    return currency


def check_size(amount_ore: int, line: int | None, place: str | None = None) -> int:
    """The amount. Raises BankFileError when it is zero, or larger than any payment is."""
    if not 0 < amount_ore <= LARGEST_ORE:
        raise BankFileError(
            N_("The amount %(amount_ore)s cannot be right."),
            line=line, place=place, amount_ore=amount_ore,
        )  # fmt: skip
    return amount_ore
