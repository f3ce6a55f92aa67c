"""OCR numbers: the reference that a payment in Sweden carries.

An OCR number has 2–25 digits and ends with a check digit by the 10-modulus (Luhn). With the
agreement level that we use, the digit before it is a length digit: the number of digits in the
whole reference, both control digits counted, modulo 10. Source: Bankgirot, "OCR-referenskontroll",
the levels "checksiffra" and "checksiffra och längdsiffra"
(https://www.bankgirot.se/tjanster/inbetalningar/bankgiro-inbetalningar/ocr-referenskontroll/).
"""

import re

from stdnum import luhn

from portal.database import encryption
from portal.messages import N_, RedaError

SHORTEST = 12
LONGEST = 16

CODE_LENGTH = 6
# No vowels, so that no word is formed; nothing that is mistaken for something else on paper.
_ALPHABET = "2345679CDFGHJKMNPQRTVWXZ"

# Added to every serial, so that no reference begins with a zero: payers and spreadsheets drop it.
_FIRST_BODY = 10 ** (SHORTEST - 3)
# Serials of monthly statements: those whose numbers have 16 digits and begin with a nine. No case
# gets there: ninety trillion serials come before.
_FIRST_STATEMENT = 9 * 10 ** (LONGEST - 3) - _FIRST_BODY
# As they are written, also with spaces or hyphens between the digits.
STATEMENT_PATTERN = r"9(?:[ -]?[0-9]){15}"
_LAST_SERIAL = 10 ** (LONGEST - 2) - 1 - _FIRST_BODY


def make_ocr(serial: int) -> str:
    """The OCR number of a serial number: 12–16 digits, with length digit and check digit.

    serial: 0 or more, unique per case for ever. Different serials give different references.
    Raises ValueError when the serial is negative or too large for 16 digits.
    """
    if not 0 <= serial <= _LAST_SERIAL:
        raise ValueError(f"no OCR number for serial {serial}: it must be 0 to {_LAST_SERIAL}")
    body = str(_FIRST_BODY + serial)
    counted = body + str((len(body) + 2) % 10)
    return counted + luhn.calc_check_digit(counted)


def statement_ocr(number: int) -> str:
    """The OCR number of a monthly statement: 16 digits that begin with 9.

    number: the statement's, 1 or more.
    """
    return make_ocr(_FIRST_STATEMENT + number)


def statement_number(ocr: str) -> int | None:
    """Which monthly statement an OCR number is of; None when it is no statement's.

    ocr: its digits.
    """
    if re.fullmatch(STATEMENT_PATTERN, ocr) is None:
        return None
    number = int(ocr[:-2]) - _FIRST_BODY - _FIRST_STATEMENT
    return number if number > 0 and statement_ocr(number) == ocr else None


def code_of(ocr: str) -> str:
    """The code that opens the case of an OCR number: six characters, one in 191 million.

    It is derived from the number with the key of the settings and kept nowhere, so that a million
    cases need no million secrets.
    """
    left = int.from_bytes(encryption.derive("access code", ocr))
    code = ""
    for _ in range(CODE_LENGTH):
        left, place = divmod(left, len(_ALPHABET))
        code += _ALPHABET[place]
    return code


def reference_keys() -> list[int]:
    """The keys of `reda_reference` in the database, which makes what a debtor types of a serial."""
    derived = encryption.derive("reference", "")
    # Of 31 bits, so that what the database reckons with them stays within 63.
    return [int.from_bytes(derived[place : place + 4]) >> 1 for place in range(0, 24, 4)]


def check_ocr(text: str) -> str:
    """The digits of one of our OCR numbers, as a person or a bank wrote it.

    Spaces anywhere are dropped. Raises RedaError that says what is wrong with it. Every single
    wrong digit, and every exchange of two neighbours but 0 and 9, is found.
    """
    digits = "".join(text.split())
    if not digits:
        raise RedaError(N_("Enter the OCR number. It is printed on the letter."))
    if not (digits.isascii() and digits.isdigit()):
        raise RedaError(N_("An OCR number has digits only. Leave out letters and signs."))
    if not SHORTEST <= len(digits) <= LONGEST:
        raise RedaError(
            N_(
                "This number has %(count)s digits, but our OCR numbers have %(shortest)s to "
                "%(longest)s. Check that no digit is missing and none is written twice."
            ),
            count=len(digits),
            shortest=SHORTEST,
            longest=LONGEST,
        )
    if not luhn.is_valid(digits):
        raise RedaError(
            N_("A digit of this OCR number is wrong, or two have changed places. Compare it again.")
        )
    if int(digits[-2]) != len(digits) % 10:
        raise RedaError(
            N_("This OCR number has a digit too many or too few. Compare it with the letter again.")
        )
    return digits
