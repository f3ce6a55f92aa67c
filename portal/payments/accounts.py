"""Numbers of accounts, organisations and people, as they are typed and as they are stored.

Each is taken with or without hyphens and spaces and stored as digits. Every error is a RedaError
whose text says what to do.

Sources: Bankgirot, "10-modul" and "Bankernas kontonummer" (check digit and written form of bankgiro
and plusgiro numbers); ISO 13616 (IBAN); lagen (1974:174) om identitetsbeteckning för juridiska
personer m.fl. (organisation number); folkbokföringslagen (1991:481) §§ 18–18 a (personal identity
number, and its plus sign from the year in which a person turns 100); lagen (2022:1697) om
samordningsnummer (co-ordination number: the day of birth plus 60).
"""

from dataclasses import dataclass
from datetime import date
from typing import Self

from stdnum import iban, luhn
from stdnum.exceptions import InvalidChecksum, ValidationError
from stdnum.se import personnummer
from stdnum.util import clean

from portal.messages import N_, RedaError


@dataclass(frozen=True)
class Bankgiro:
    """A bankgiro number. digits: 7 or 8 digits, the last a check digit."""

    digits: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The bankgiro number in a text. Raises RedaError when it is not one."""
        digits = _digits(text)
        if not digits:
            raise RedaError(N_("Enter the bankgiro number, such as 5050-1055."))
        if len(digits) not in (7, 8):
            raise RedaError(
                N_(
                    "A bankgiro number has 7 or 8 digits, but this has %(count)s. "
                    "Check the number on the invoice."
                ),
                count=len(digits),
            )
        if not luhn.is_valid(digits):
            raise RedaError(
                N_("This bankgiro number has a wrong digit. Compare it with the invoice again.")
            )
        return cls(digits)

    def written(self) -> str:
        """NNN-NNNN or NNNN-NNNN."""
        return f"{self.digits[:-4]}-{self.digits[-4:]}"


@dataclass(frozen=True)
class Plusgiro:
    """A plusgiro number. digits: 2–8 digits, the last a check digit."""

    digits: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The plusgiro number in a text. Raises RedaError when it is not one."""
        digits = _digits(text)
        if not digits:
            raise RedaError(N_("Enter the plusgiro number, such as 28 65 43-4."))
        if not 2 <= len(digits) <= 8:
            raise RedaError(
                N_(
                    "A plusgiro number has 2 to 8 digits, but this has %(count)s. "
                    "Check the number on the invoice."
                ),
                count=len(digits),
            )
        if not luhn.is_valid(digits):
            raise RedaError(
                N_("This plusgiro number has a wrong digit. Compare it with the invoice again.")
            )
        return cls(digits)

    def written(self) -> str:
        """Pairs from the right before the hyphen: N-N to NN NN NN-N, and NNN NN NN-N."""
        body, check = self.digits[:-1], self.digits[-1]
        first = 3 if len(body) == 7 else len(body) % 2
        pairs = [body[i : i + 2] for i in range(first, len(body), 2)]
        return " ".join(filter(None, [body[:first], *pairs])) + f"-{check}"


def check_iban(text: str) -> str:
    """An IBAN without spaces, in capitals.

    Country, length, the country's own structure and the check digits (mod 97) are checked.
    Raises RedaError.
    """
    if not text.strip():
        raise RedaError(N_("Enter the IBAN. It begins with two letters, such as SE."))
    try:
        return str(iban.validate(text))
    except InvalidChecksum:
        raise RedaError(
            N_("This IBAN has a wrong character. Copy it from the bank once more.")
        ) from None
    except ValidationError:
        raise RedaError(
            N_("This is not an IBAN. A Swedish IBAN is SE followed by 22 digits.")
        ) from None


def written_iban(number: str) -> str:
    """An IBAN in groups of four characters."""
    return str(iban.format(number))


def check_account(kind: str, text: str) -> str:
    """The number of an account in a text, as it is kept. kind: bankgiro, plusgiro or iban.

    Raises RedaError when it is not one.
    """
    if kind == "bankgiro":
        return Bankgiro.parse(text).digits
    return Plusgiro.parse(text).digits if kind == "plusgiro" else check_iban(text)


def written_account(kind: str, number: str) -> str:
    """An account's number as people write it. kind: bankgiro, plusgiro or iban."""
    if kind == "bankgiro":
        return Bankgiro(number).written()
    return Plusgiro(number).written() if kind == "plusgiro" else written_iban(number)


def check_organisation_number(text: str) -> str:
    """The 10 digits of a legal person's organisation number.

    text: 10 digits, or 12 with a leading 16. Raises RedaError; a sole trader's number, which is a
    personal identity number, is refused with a text that says so.
    """
    digits = _digits(text)
    if not digits:
        raise RedaError(N_("Enter the organisation number, such as 556016-0680."))
    if len(digits) == 12 and digits.startswith("16"):
        digits = digits[2:]
    if len(digits) != 10:
        raise RedaError(
            N_(
                "An organisation number has 10 digits, or 12 that begin with 16. "
                "This has %(count)s digits."
            ),
            count=len(digits),
        )
    if digits[2] < "2":
        raise RedaError(
            N_(
                "This is not an organisation number: its third digit is below 2. If the company "
                "is a sole trader, register the owner's personal identity number instead."
            )
        )
    if not luhn.is_valid(digits):
        raise RedaError(
            N_("This organisation number has a wrong digit. Compare it with the register again.")
        )
    return digits


def written_organisation_number(digits: str) -> str:
    """NNNNNN-NNNN of 10 digits."""
    return f"{digits[:6]}-{digits[6:]}"


def check_identity_number(text: str, *, today: date) -> str:
    """The 12 digits of a personal identity number or a co-ordination number.

    text: 12 digits, or 10 with an optional `-`, or with `+` from the year in which the person turns
    100. today: the day that the century of 10 digits is counted from; a later birth is refused.
    Raises RedaError.
    """
    compact = clean(text, " \u00a0:").strip()
    digits = _digits(compact.replace("+", ""))
    if not digits:
        raise RedaError(N_("Enter the personal identity number, such as 19900101-0017."))
    if len(digits) not in (10, 12):
        raise RedaError(
            N_("A personal identity number has 10 or 12 digits, but this has %(count)s."),
            count=len(digits),
        )
    if len(digits) == 10:
        digits = _century(digits, turned_100="+" in compact, today=today) + digits
    if not luhn.is_valid(digits[2:]):
        raise RedaError(
            N_("This personal identity number has a wrong digit. Check every digit once more.")
        )
    if _birth_date(digits) > today:
        raise RedaError(
            N_("This personal identity number says a birth date to come. Enter all 12 digits.")
        )
    return digits


def is_coordination_number(digits: str) -> bool:
    """Whether 12 digits are a co-ordination number, whose day of birth is raised by 60."""
    return int(digits[6:8]) > 60


def written_identity_number(digits: str) -> str:
    """YYYYMMDD-NNNN of 12 digits."""
    return f"{digits[:8]}-{digits[8:]}"


def _century(digits: str, *, turned_100: bool, today: date) -> str:
    century, year = divmod(today.year, 100)
    if int(digits[:2]) > year:
        century -= 1
    if turned_100:
        century -= 1
    return str(century)


def _birth_date(digits: str) -> date:
    day = int(digits[6:8])
    calendar_day = day - 60 if day > 60 else day
    try:
        return personnummer.get_birth_date(f"{digits[:6]}{calendar_day:02}-{digits[8:]}")
    except ValidationError:
        raise RedaError(
            N_(
                "The first digits of a personal identity number are the date of birth, and this "
                "date does not exist. Check year, month and day."
            )
        ) from None


def _digits(text: str) -> str:
    """The digits of a text with spaces and any kind of hyphen; RedaError for anything else."""
    compact = clean("".join(text.split()), "-")
    if compact and not (compact.isascii() and compact.isdigit()):
        raise RedaError(N_("Use digits only, with spaces and hyphens if you like."))
    return compact
