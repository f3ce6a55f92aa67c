"""What Swish accepts in a payment request or a refund, and the error code for what it does not.

From the object and error tables of the Merchant Integration Guide. Each function answers codes;
none means that the value is accepted.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import urlsplit

LEAST_KRONOR = Decimal("0.01")
MOST_KRONOR = Decimal("999999999999.99")

# A message that is one of these fails at once ("payment request created" step of the user guide).
CODES_AT_ONCE = frozenset({"ACMT01", "ACMT03", "ACMT07", "AM02", "AM03", "AM06", "BE18", "FF08"})
CODES_AT_ONCE |= frozenset({"PA02", "RP01", "RP02", "RP03", "RP06"})
# … and one of these when the payer has approved ("payment result" step).
CODES_LATER = frozenset({"BANKIDCL", "BANKIDONGOING", "BANKIDUNKN", "DS24", "FF10", "RF07", "TM01"})
# Of refunds, one of these can be asked of the simulator for the next one.
REFUND_CODES_AT_ONCE = frozenset({"ACMT07", "AM04", "RF02", "RF03", "RF04", "RF06", "RF08", "RF09"})
# "The amount cannot be less than 1 SEK", the refund request object of the guide.
LEAST_REFUND = Decimal(1)

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def payment_errors(body: Mapping[str, object]) -> list[str]:
    """The codes of everything that is wrong with a payment request object."""
    errors = _common(body, "payeePaymentReference")
    payer = body.get("payerAlias")
    if payer is not None and not (isinstance(payer, str) and re.fullmatch(r"\d{8,15}", payer)):
        errors.append("BE18")
    if not body.get("payeeAlias"):
        errors.append("RP01")
    return errors


def refund_errors(body: Mapping[str, object]) -> list[str]:
    """The codes of everything that is wrong with a refund object taken by itself."""
    errors = _common(body, "payerPaymentReference")
    if not body.get("payerAlias"):
        errors.append("RP01")
    original = body.get("originalPaymentReference")
    if not (isinstance(original, str) and re.fullmatch(r"[0-9A-F]{32}", original)):
        errors.append("RF02")
    amount = kronor(body.get("amount"))
    if amount is not None and LEAST_KRONOR <= amount < LEAST_REFUND:
        errors.append("AM06")
    return errors


def kronor(value: object) -> Decimal | None:
    """The amount, or None: all digits, or digits, a period and two decimal digits."""
    text = str(value) if isinstance(value, str | Decimal) else ""
    return Decimal(text) if re.fullmatch(r"\d{1,15}(\.\d{2})?", text) else None


def is_callback_identifier(value: object) -> bool:
    """32–36 letters, digits and hyphens, or left out."""
    return value is None or (
        isinstance(value, str) and re.fullmatch(r"[0-9A-Za-z-]{32,36}", value) is not None
    )


def _common(body: Mapping[str, object], reference: str) -> list[str]:
    message = body.get("message") or ""
    wrong = {
        "FF08": not _is_reference(body.get(reference)),
        "RP03": not _is_callback(body.get("callbackUrl")),
        "AM03": body.get("currency") != "SEK",
        "RP02": not (isinstance(message, str) and _is_message(message)),
    }
    errors = [code for code, is_wrong in wrong.items() if is_wrong] + _amount(body.get("amount"))
    if message in CODES_AT_ONCE:
        errors.append(str(message))
    return errors


def _amount(value: object) -> list[str]:
    amount = kronor(value)
    if amount is None:
        return ["PA02"]
    if amount < LEAST_KRONOR:
        return ["AM06"]
    return ["AM02"] if amount > MOST_KRONOR else []


def _is_reference(value: object) -> bool:
    return value is None or (
        isinstance(value, str) and re.fullmatch(r"[0-9A-Za-z-]{1,35}", value) is not None
    )


def _is_message(value: str) -> bool:
    return re.fullmatch(r"[a-zåäöA-ZÅÄÖ0-9 :;.,?!()”\"]{0,50}", value) is not None


def _is_callback(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        address = urlsplit(value)
    except ValueError:
        return False
    if not address.hostname:
        return False
    return address.scheme == "https" or (address.scheme == "http" and address.hostname in _LOOPBACK)
