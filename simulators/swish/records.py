"""What the simulated Swish remembers, and what it says of it in JSON."""

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from simulators.moments import now

# What Swish says of each code, from the error tables of the Merchant Integration Guide.
MEANINGS = {
    "ACMT01": "Counterpart is not activated",
    "ACMT03": "Payer not enrolled",
    "ACMT07": "Payee not enrolled",
    "AM02": "Amount value is too large",
    "AM03": "Invalid or missing currency",
    "AM04": "Insufficient funds in debtor account",
    "AM06": "Specified transaction amount is less than agreed minimum",
    "BANKIDCL": "Payer cancelled BankID signing",
    "BANKIDONGOING": "BankID already in use",
    "BANKIDUNKN": "BankID is not able to authorize the payment",
    "BE18": "Payer alias is invalid",
    "DS24": "Swish timed out waiting for an answer from the banks after payment was started",
    "FF08": "Payment reference is invalid",
    "FF10": "Bank system processing error",
    "PA01": "Payee alias is not the one of the certificate",
    "PA02": "Amount value is missing or not a valid number",
    "RF02": "Original payment not found or original payment is more than 13 months old",
    "RF03": "Payer alias in the refund does not match the payee alias in the original payment",
    "RF04": "Payer organisation number does not match the original payment",
    "RF06": "Payee alias in the refund does not match the payer alias in the original payment",
    "RF07": "Transaction declined",
    "RF08": "Amount value is too large or exceeds what is left of the original payment",
    "RF09": "Refund already in progress",
    "RP01": "Missing merchant Swish number",
    "RP02": "Wrong formatted message",
    "RP03": "Callback URL is missing or does not use HTTPS",
    "RP06": "Another active payment request already exists for this payer alias",
    "RP07": "The payment request can not be cancelled.",
    "RP08": "The payment request has been cancelled.",
    "RP09": "The given instructionUUID is not available",
    "TM01": "Swish timed out before the payment was started",
}


def instant(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds and Z, as Swish writes it."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def reference() -> str:
    """A new payment reference as the banks give it: 32 upper-case hexadecimal digits."""
    return uuid.uuid4().hex.upper()


@dataclass
class Attempt:
    """One callback sent. answer: the HTTP status, or why none came."""

    sent_at: datetime
    answer: str


@dataclass
class Payment:
    """A payment request. token: what opens it in the payer's app."""

    id: str
    payee_alias: str
    amount: Decimal
    callback_url: str
    callback_identifier: str | None
    payee_reference: str | None
    message: str
    payer_alias: str | None
    is_mobile: bool
    expires_at: datetime
    created_at: datetime = field(default_factory=now)
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    status: str = "CREATED"
    error_code: str | None = None
    payment_reference: str | None = None
    paid_at: datetime | None = None
    callbacks: list[Attempt] = field(default_factory=list)

    def told(self) -> dict[str, object]:
        """The payment request object, as it is fetched and called back."""
        return {
            "id": self.id,
            "payeePaymentReference": self.payee_reference,
            "paymentReference": self.payment_reference,
            "callbackUrl": self.callback_url,
            "payerAlias": self.payer_alias,
            "payeeAlias": self.payee_alias,
            # Swish writes a JSON number here; what the rules let through passes a float unharmed.
            "amount": float(self.amount),
            "currency": "SEK",
            "message": self.message,
            "status": self.status,
            "dateCreated": instant(self.created_at),
            "datePaid": instant(self.paid_at),
            "errorCode": self.error_code,
            "errorMessage": MEANINGS[self.error_code] if self.error_code else None,
        }


@dataclass
class Refund:
    """A refund of a payment, of the whole or a part."""

    id: str
    original: Payment
    amount: Decimal
    callback_url: str
    callback_identifier: str | None
    payer_reference: str | None
    message: str
    created_at: datetime = field(default_factory=now)
    status: str = "CREATED"
    error_code: str | None = None
    payment_reference: str | None = None
    paid_at: datetime | None = None
    callbacks: list[Attempt] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Whether it is paid or never will be; what the banks were silent on may still be paid."""
        return self.status in ("PAID", "ERROR")

    def told(self) -> dict[str, object]:
        """The refund object, as it is fetched and called back."""
        return {
            "id": self.id,
            "paymentReference": self.payment_reference,
            "payerPaymentReference": self.payer_reference,
            "originalPaymentReference": self.original.payment_reference,
            "callbackUrl": self.callback_url,
            "payerAlias": self.original.payee_alias,
            "payeeAlias": self.original.payer_alias,
            "amount": f"{self.amount:.2f}",
            "currency": "SEK",
            "message": self.message,
            "status": self.status,
            "dateCreated": instant(self.created_at),
            "datePaid": instant(self.paid_at),
            "errorCode": self.error_code,
            "errorMessage": MEANINGS[self.error_code] if self.error_code else None,
        }
