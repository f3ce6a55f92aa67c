"""Numbers of another claim that stand in a payment beside a case's own.

A payer who writes a second number means to pay two things. Where we do not know the other, a
careful clerk does not give all of the money to the one that is known: the rest may be a claim that
is not entered yet, or that a slip of the pen hides. Only when the amount is what is owed on the
known one, and no share of it is told to be the other's, there is nothing left for anything else.

As a number of another claim counts:

- a reference of its own in the bank's file with a digit in it, that is none of the case's numbers:
  the file itself says that the payment is for several things;
- in words, a number of 12 digits (the fewest that our OCR numbers have) to 25 (the most that any
  has) whose check digit is right (`references`), and that is no identity number, nor the payer's
  own account. Telephone numbers, dates and bankgiros are shorter, and of other long numbers one in
  ten is right by chance; then the payment waits for a person, who sees the case first.
"""

import re
from collections.abc import Iterable

from stdnum import luhn
from stdnum.se import personnummer

from portal.payments.references import SHORTEST

_LONGEST = 25
_SPACED = r"[ -]?"
_NUMBER = re.compile(
    rf"(?<![0-9])[0-9](?:{_SPACED}[0-9]){{{SHORTEST - 1},{_LONGEST - 1}}}(?![0-9])"
)
# For the database: whether a text can have one at all.
CAN_HAVE = rf"[0-9]({_SPACED}[0-9]){{{SHORTEST - 1}}}"


def in_words(words: str, known: Iterable[str]) -> bool:
    """Whether words have a number of another claim. known: numbers that are none of another's."""
    return any(map(_is_one, _NUMBER.findall(_without(words, known))))


def in_references(references: Iterable[str], known: Iterable[str]) -> bool:
    """Whether one of a payment's references is a number of another claim. known: as `in_words`."""
    known = list(known)
    for one in references:
        left = _without(one, known)
        is_named = left != one
        if in_words(left, ()) or (not is_named and re.search(r"[0-9]", one)):
            return True
    return False


def _without(words: str, known: Iterable[str]) -> str:
    """Words without the known numbers, also written with blanks and with zeros before them."""
    for one in filter(None, known):
        spaced = _SPACED.join(map(re.escape, one)) if one.isdigit() else re.escape(one)
        words = re.sub(rf"(?<![0-9A-Z])0*{spaced}(?![0-9A-Z])", "|", words, flags=re.IGNORECASE)
    return words


def _is_one(written: str) -> bool:
    """Whether it is a number with a check digit, whole or one of what blanks part it into."""
    return any(
        SHORTEST <= len(digits) <= _LONGEST and luhn.is_valid(digits)
        for digits in (re.sub(r"[ -]", "", one) for one in (written, *written.split(" ")))
        if not personnummer.is_valid(digits)
    )
