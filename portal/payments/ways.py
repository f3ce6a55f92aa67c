"""What every way of paying at once has in common: what is asked for, how it ends, what goes wrong.

A way has a client (`swish.SwishClient`, `online.OnlineClient`), and `booking` knows no more of it
than this.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from portal.messages import N_, RedaError

SWISH, CARD, ACCOUNT = "swish", "card", "account"
WAYS = (SWISH, CARD, ACCOUNT)
# What a payer may read of how money came.
NAMES: Mapping[str, str] = {
    SWISH: "Swish",
    CARD: N_("Card"),
    ACCOUNT: N_("Directly from your bank account"),
    "bankgiro": "Bankgiro",
}
# Codes that every client refuses with, named as Swish and HTTP name them.
UNKNOWN, TAKEN, TOO_LATE, ENDED = "404", "RP09", "RP07", "RP08"
# The code with which the bank fell silent: the money may have moved, or not.
OUTCOME_UNKNOWN = "DS24"
# A refund waits for another one of the same payment.
BUSY = "RF09"
TIME_RAN_OUT = "TM01"


class Status(StrEnum):
    """Where a payment request stands. All but CREATED are final."""

    CREATED = "CREATED"
    PAID = "PAID"
    DECLINED = "DECLINED"
    ERROR = "ERROR"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True)
class Created:
    """A payment request that was taken.

    token: opens the payer's app or the page to pay on; None when Swish was given a mobile number.
    location: the address that Swish answered for it.
    """

    token: str | None
    location: str = ""


@dataclass(frozen=True)
class PaymentRequest:
    """A payment request as Swish or the payment provider tells it when it is asked.

    amount: kronor. reference: ours (the OCR number). payment_reference: theirs, once paid; a refund
    names it. date_paid: UTC, once paid.
    """

    id: str
    status: Status
    amount: Decimal
    currency: str
    payee_alias: str | None = None
    payer_alias: str | None = None
    reference: str | None = None
    payment_reference: str | None = None
    message: str | None = None
    error_code: str | None = None
    date_paid: datetime | None = None

    @property
    def is_final(self) -> bool:
        """Whether the status will not change any more."""
        return self.status is not Status.CREATED

    @property
    def is_outcome_unknown(self) -> bool:
        """Whether the bank fell silent, so that the money may have moved in spite of the error."""
        return self.error_code == OUTCOME_UNKNOWN


@dataclass(frozen=True)
class Asked:
    """What a client asks for.

    id: ours. amount: kronor. reference: the OCR number, or the id where several cases are paid.
    message: for the payer. callback_identifier: a secret that only Swish has use for. return_url:
    where the payer comes back to from another page. language: the payer's.
    """

    id: str
    way: str
    amount: Decimal
    reference: str
    message: str
    callback_url: str
    callback_identifier: str
    return_url: str
    language: str


@dataclass(frozen=True)
class Back:
    """What a client pays back of a payment.

    id: ours, of the refund. payment_id: ours, of the payment; original: theirs, once it was paid.
    amount: kronor. The others as of Asked.
    """

    id: str
    payment_id: str
    original: str
    amount: Decimal
    reference: str
    message: str
    callback_url: str
    callback_identifier: str


@dataclass(frozen=True)
class PaidBack:
    """How a refund stands, when whoever pays it is asked.

    amount: kronor. error_code: why it ended without being paid; OUTCOME_UNKNOWN when the bank fell
    silent. Neither paid nor with an error it is under way. date_paid: once paid.
    """

    id: str
    amount: Decimal
    currency: str
    is_paid: bool
    error_code: str | None = None
    date_paid: datetime | None = None


@dataclass(frozen=True)
class ChargedBack:
    """What the payment provider has taken back of a payment, as it tells when it is asked.

    id: the provider's own. amount: kronor. reason: the provider's words. taken_at: UTC.
    returned_at: when the money came again; None while it is gone.
    """

    id: str
    amount: Decimal
    currency: str
    reason: str
    taken_at: datetime
    returned_at: datetime | None = None


class Unavailable(RedaError):
    """No answer, or none that can be understood: try again."""

    status = 503


class Refused(RedaError):
    """Whoever takes the payments said no. codes: at least one."""

    def __init__(self, codes: tuple[str, ...], message: str, **values: str) -> None:
        self.codes = codes
        super().__init__(message, field=None, **values)


class Client(Protocol):
    """Our end of a way. Every method but open_url raises Unavailable or Refused."""

    def ask_for(self, asked: Asked) -> Created:
        """Ask for a payment; Refused with TAKEN when it was asked for and the answer got lost."""

    def fetch(self, payment_id: str) -> PaymentRequest:
        """How a payment stands; Refused with UNKNOWN when there is none."""

    def cancel(self, payment_id: str) -> PaymentRequest:
        """Withdraw a payment; Refused with UNKNOWN, TOO_LATE or ENDED."""

    def pay_back(self, back: Back) -> None:
        """Pay back; Refused with TAKEN when it was asked for before, with BUSY when it must wait.

        Refused otherwise: it will never be paid.
        """

    def fetch_back(self, refund_id: str) -> PaidBack:
        """How a refund stands; Refused with UNKNOWN when there is none."""

    def fetch_chargebacks(self, payment_id: str) -> Sequence[ChargedBack]:
        """What is taken back of a payment, also what has come again; the oldest first."""

    def open_url(self, token: str, return_url: str) -> str:
        """The address on which the payer approves."""
