"""BankID's relying party API, version 6.0, through pybankid.

What pybankid lacks is added here: the address and certificates from settings, the fields that
newer versions of the API take, typed answers, and errors that say what a person should do. Source:
BankID, "Relying Party API reference" and "User messages" (https://developers.bankid.com).
"""

import base64
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import bankid
import httpx
from bankid import exceptions
from bankid.baseclient import BankIDClientBaseclass

from portal.messages import N_, Problem, RedaError

_TIMEOUT = 10

# BankID's recommended messages, by their number.
RFA = {
    1: N_("Start your BankID app."),
    2: N_(
        "You don't have the BankID app installed. Please contact your bank to get one."
    ),
    3: N_("Action cancelled. Please try again."),
    4: N_("An identification or signing for this personal number is already started. Please try"
          " again."),
    5: N_("Internal error. Please try again."),
    6: N_("Action cancelled."),
    8: N_(
        "The BankID app is not responding. Please check that it's started and that you have"
        " internet access. If you don't have a valid BankID you can get one from your bank. Try"
        " again."
    ),
    9: N_("Enter your security code in the BankID app and select Identify or Sign."),
    13: N_("Trying to start your BankID app."),
    14: N_(
        "Searching for BankID, it may take a little while … If a few seconds have passed and still"
        " no BankID has been found, you probably don't have a BankID which can be used here."
    ),
    16: N_(
        "The BankID you are trying to use is blocked or too old. Please use another BankID or get"
        " a new one from your bank."
    ),
    17: N_(
        "Failed to scan the QR code or to start the BankID app. Please try again, and check that"
        " the app is up to date. If you don't have it, get a BankID from your bank."
    ),
    21: N_("Identification or signing in progress."),
    22: N_("Unknown error. Please try again."),
    23: N_("Process your machine-readable travel document using the BankID app."),
}  # fmt: skip

_PENDING = {
    "noClient": 1,
    "started": 14,
    "userMrtd": 23,
    "userCallConfirm": 21,
    "userSign": 9,
}
_FAILED = {
    "expiredTransaction": 8,
    "certificateErr": 16,
    "userCancel": 6,
    "cancelled": 3,
    "startFailed": 17,
    "userDeclinedCall": 6,
    "notSupportedByUserApp": 17,
    "transactionRiskBlocked": 22,
}


def message_for(status: str, hint_code: str | None, device: str = "other") -> Problem:
    """What BankID recommends to say of an order's state.

    status: pending or failed. hint_code: as collected; an unknown one is taken as "going on" or as
    an unknown error. device: `same` when BankID is started on the device of the page.
    """
    if status == "pending" and hint_code == "outstandingTransaction":
        return Problem(RFA[13 if device == "same" else 1])
    if status == "pending":
        return Problem(RFA[_PENDING.get(hint_code or "", 21)])
    return Problem(RFA[_FAILED.get(hint_code or "", 22)])


class BankIDError(RedaError):
    """BankID said no, or nothing; the text is what to tell the person."""

    status = 503
    rfa = 22

    def __init__(self) -> None:
        super().__init__(RFA[self.rfa])


class BankIDUnavailable(BankIDError):
    """BankID does not answer, or is being maintained (RFA5)."""

    rfa = 5


class AlreadyInProgress(BankIDError):
    """Another order for the same person goes on; both are ended (RFA4). Not tried again by us."""

    rfa = 4


class NoSuchOrder(BankIDError):
    """BankID knows no such order (any more)."""


class RequestRefused(BankIDError):
    """We asked wrongly or may not ask; nothing that the person can mend."""


@dataclass(frozen=True)
class Order:
    """An order just started. qr_start_secret never leaves the server.

    answered_after: how long BankID took to answer; the QR code's seconds count from the answer.
    """

    order_ref: str
    auto_start_token: str
    qr_start_token: str
    qr_start_secret: str
    answered_after: timedelta = timedelta()


@dataclass(frozen=True)
class Collected:
    """How an order stands. status: pending, failed or complete.

    completion: BankID's completion data when complete, else None.
    """

    status: str
    hint_code: str | None
    completion: dict[str, Any] | None


class BankID(bankid.BankIDClient):
    """Our end of BankID over mutual TLS. Make one per process; threads may share it.

    address: of the API, ending with /rp/v6.0/. certificate, key, ca: PEM files: our client
    certificate, its key, and the CA of BankID's server.
    Every method raises BankIDUnavailable, AlreadyInProgress, NoSuchOrder or RequestRefused.
    """

    def __init__(self, address: str, certificate: Path, key: Path, ca: Path) -> None:
        # Not pybankid's client, which would make a connection of its own, to BankID itself.
        BankIDClientBaseclass.__init__(self, (str(certificate), str(key)))
        base = address.rstrip("/") + "/"
        self.api_url = base
        self._auth_endpoint, self._sign_endpoint = f"{base}auth", f"{base}sign"
        self._collect_endpoint, self._cancel_endpoint = f"{base}collect", f"{base}cancel"
        context = ssl.create_default_context(cafile=ca)
        context.load_cert_chain(certificate, key)
        self.client = httpx.Client(
            headers={"Content-Type": "application/json"},
            verify=context,
            timeout=_TIMEOUT,
            trust_env=False,
        )

    def authenticate(self, *, end_user_ip: str, return_url: str, user_agent: str) -> Order:
        """Start an identification."""
        return self._start(self._auth_endpoint, self._payload(end_user_ip, return_url, user_agent))

    def sign(
        self,
        *,
        visible: str,
        non_visible: bytes | None,
        personal_number: str | None,
        end_user_ip: str,
        return_url: str,
        user_agent: str,
    ) -> Order:
        """Start a signature of a text (simpleMarkdownV1) and hidden data.

        personal_number: 12 digits of the only one who can sign, or None for anyone.
        """
        payload = self._payload(end_user_ip, return_url, user_agent)
        payload["userVisibleData"] = self._encode_user_data(visible)
        payload["userVisibleDataFormat"] = "simpleMarkdownV1"
        if non_visible:
            payload["userNonVisibleData"] = base64.b64encode(non_visible).decode()
        if personal_number:
            payload["requirement"] = {"personalNumber": personal_number}
        return self._start(self._sign_endpoint, payload)

    def collect(self, order_ref: str) -> Collected:
        """How an order stands; BankID allows it every other second."""
        answer, _ = self._call(self._collect_endpoint, {"orderRef": order_ref})
        status, completion = answer.get("status"), None
        if status not in ("pending", "failed", "complete"):
            raise BankIDUnavailable
        if status == "complete":
            completion = answer.get("completionData")
            if not _is_whole(completion):
                raise BankIDUnavailable
        return Collected(status, answer.get("hintCode"), completion)

    def cancel(self, order_ref: str) -> bool:
        """End an order."""
        answer, _ = self._call(self._cancel_endpoint, {"orderRef": order_ref})
        return answer == {}

    def qr_text(self, order: Order, started_at: datetime) -> str:
        """What the animated QR code says this second; started_at: when the answer came."""
        return self.generate_qr_code_content(
            order.qr_start_token, started_at, order.qr_start_secret
        )

    def launch_url(self, auto_start_token: str, device: str) -> str:
        """The address that opens the app on this device. device: `mobile` or `desktop`.

        It does not tell where to go back to: that is told to BankID alone (`returnUrl`), so that
        nobody can read the nonce out of their own page and leave the way back out.
        """
        start = "https://app.bankid.com/" if device == "mobile" else "bankid:///"
        return f"{start}?autostarttoken={auto_start_token}&redirect=null"

    @staticmethod
    def _payload(end_user_ip: str, return_url: str, user_agent: str) -> dict[str, Any]:
        payload: dict[str, Any] = {"endUserIp": end_user_ip, "returnUrl": return_url}
        if user_agent:
            payload["web"] = {"userAgent": user_agent[:512]}
        return payload

    def _start(self, endpoint: str, payload: dict[str, Any]) -> Order:
        answer, took = self._call(endpoint, payload)
        try:
            return Order(
                answer["orderRef"],
                answer["autoStartToken"],
                answer["qrStartToken"],
                answer["qrStartSecret"],
                took,
            )
        except KeyError:
            raise BankIDUnavailable from None

    def _call(self, endpoint: str, payload: dict[str, Any]) -> tuple[dict[str, Any], timedelta]:
        """The answer, and how long it took to come."""
        try:
            response = self.client.post(endpoint, json=payload)
            answer = response.json()
        except (httpx.RequestError, ValueError):
            raise BankIDUnavailable from None
        # Whatever stands between us and BankID may answer in JSON of its own.
        if not isinstance(answer, dict):
            raise BankIDUnavailable
        if response.status_code != 200:
            raise _translated(exceptions.get_json_error_class(response))
        return answer, response.elapsed


def _is_whole(completion: object) -> bool:
    """Whether completion data has the parts that we read."""
    if not isinstance(completion, dict):
        return False
    user, proof = (
        completion.get("user"),
        (completion.get("signature"), completion.get("ocspResponse")),
    )
    return (
        isinstance(user, dict)
        and isinstance(user.get("personalNumber"), str)
        and all(isinstance(one, str) for one in proof)
    )


def _translated(error: exceptions.BankIDError) -> BankIDError:
    if isinstance(error, exceptions.AlreadyInProgressError):
        return AlreadyInProgress()
    if isinstance(error, exceptions.InvalidParametersError):
        details = str(error.json.get("details", ""))
        return NoSuchOrder() if "such order" in details.lower() else RequestRefused()
    if isinstance(error, exceptions.UnauthorizedError):
        return RequestRefused()
    return BankIDUnavailable()
