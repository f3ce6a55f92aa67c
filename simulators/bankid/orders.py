"""The orders and their lives, from the call that starts one until nobody may collect it any more.

Source: https://developers.bankid.com, API reference (auth, sign, collect, cancel, errors).
"""

import base64
import hashlib
import hmac
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from cryptography import x509

from simulators.bankid.signature import Signer, forge, ocsp_response, sign_xml
from simulators.certificates import (
    TEST_POLICY,
    Authority,
    Certificates,
    ensure_person,
    issue_person,
    make_authority,
    make_ocsp_responder,
)
from simulators.people import Person, people, person

START_SECONDS = 30
LIFE_SECONDS = 180
KEEP_SECONDS = 180
QR_TOLERANCE_SECONDS = 2

PENDING_HINTS = (
    "outstandingTransaction",
    "noClient",
    "started",
    "userMrtd",
    "userCallConfirm",
    "userSign",
    "processing",
)
FAILED_HINTS = (
    "expiredTransaction",
    "certificateErr",
    "userCancel",
    "cancelled",
    "startFailed",
    "userDeclinedCall",
    "notSupportedByUserApp",
    "transactionRiskBlocked",
)

# What a test can ask the next order to come out as.
ORDER_FAULTS = (
    "forgedSignature",
    "textChanged",
    "untrustedRoot",
    "ocspOtherCertificate",
    "ocspRevoked",
    "ocspOtherSignature",
    "approveAfterCollects",
)
# What a test can ask the next call to the API to meet.
CALL_FAULTS = (
    "slow",
    "maintenance",
    "internalError",
    "requestTimeout",
    "dropConnection",
    "notJson",
)


class Refused(Exception):
    """A call that the API answers with an error: status, error code and details."""

    def __init__(self, status: int, code: str, details: str) -> None:
        super().__init__(f"{code}: {details}")
        self.status, self.code, self.details = status, code, details


class PhoneError(Exception):
    """Something that the app would tell its user, in a sentence."""


@dataclass(frozen=True)
class Fault:
    """One disturbance that a test asked for."""

    name: str
    # The API method that it waits for (auth, sign, collect, cancel); None: any.
    method: str | None = None
    seconds: float = 0
    collects: int = 0
    personal_number: str | None = None


@dataclass
class Order:
    """One order. `visible` and `non_visible` are decoded; instants are seconds of the clock."""

    kind: str
    end_user_ip: str
    requirement: dict[str, object]
    visible: bytes | None
    visible_format: str | None
    non_visible: bytes | None
    return_url: str | None
    return_risk: bool
    relying_party: x509.Certificate | None
    created: float
    faults: list[Fault] = field(default_factory=list)
    ref: str = field(default_factory=lambda: str(uuid.uuid4()))
    auto_start_token: str = field(default_factory=lambda: str(uuid.uuid4()))
    qr_start_token: str = field(default_factory=lambda: str(uuid.uuid4()))
    qr_start_secret: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "pending"
    hint: str | None = "outstandingTransaction"
    started: bool = False
    by_qr: bool = False
    passport_read: bool = False
    personal_number: str | None = None
    phone_address: str | None = None
    ended: float | None = None
    collects: int = 0
    completion: dict[str, object] | None = None

    @property
    def wanted(self) -> str | None:
        """The personal identity number that the order demands, if any."""
        number = self.requirement.get("personalNumber")
        return number if isinstance(number, str) else None

    @property
    def visible_text(self) -> str:
        """The visible data as text."""
        return (self.visible or b"").decode("utf-8", "replace")

    def fault(self, name: str) -> Fault | None:
        """The disturbance of that name that was asked for this order."""
        return next((f for f in self.faults if f.name == name), None)


class OrderBook:
    """All orders of the process. Every method may be called from any thread.

    speed: how much faster than a clock the lifetimes run (10: three minutes pass in 18 seconds).
    The second in a QR code is always a real one, since the relying party counts it.
    """

    def __init__(
        self,
        certificates: Certificates,
        *,
        speed: float = 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._certificates = certificates
        self._speed = speed
        self._clock = clock
        self._lock = threading.RLock()
        self._orders: dict[str, Order] = {}
        self._order_faults: list[Fault] = []
        self._call_faults: list[Fault] = []

    # The relying party's side.

    def add(self, **fields: object) -> Order:
        """A new order, with the fields of `Order`.

        Raises Refused with alreadyInProgress when the person demanded has one under way; that one
        ends too.
        """
        with self._current():
            order = Order(created=self._clock(), **fields)  # type: ignore[arg-type]
            if order.wanted:
                rivals = self._under_way_for(order.wanted)
                for rival in rivals:
                    self._fail(rival, "cancelled")
                if rivals:
                    raise Refused(
                        400, "alreadyInProgress", "Order already in progress for personal number"
                    )
            order.faults, self._order_faults = self._order_faults, []
            self._orders[order.ref] = order
            return order

    def collect(self, ref: str) -> Order:
        """The order as it is now. Raises Refused when there is no such order (any more)."""
        with self._current():
            order = self._known(ref)
            order.collects += 1
            planned = order.fault("approveAfterCollects")
            if planned and order.status == "pending" and order.collects > planned.collects:
                number = planned.personal_number or order.wanted or people()[0].personal_number
                self._bind(order, number)
                self._complete(order)
            return order

    def cancel(self, ref: str) -> None:
        """Forget a pending order. Raises Refused when there is none."""
        with self._current():
            if self._known(ref).status != "pending":
                raise Refused(400, "invalidParameters", "No such order")
            del self._orders[ref]

    # The phone's side.

    def waiting(self) -> list[Order]:
        """The pending orders, newest first."""
        with self._current():
            found = [o for o in self._orders.values() if o.status == "pending"]
            return sorted(found, key=lambda o: o.created, reverse=True)

    def get(self, ref: str) -> Order:
        """One order, pending or not. Raises Refused when there is none."""
        with self._current():
            return self._known(ref)

    def scan(self, text: str) -> Order:
        """The order that an animated QR code belongs to.

        Raises PhoneError when it is no such code, is forged, or is not of this very moment.
        """
        parts = text.strip().split(".")
        if len(parts) != 4 or parts[0] != "bankid" or not parts[2].isdecimal():
            raise PhoneError("This is not a BankID QR code.")
        _, token, seconds, code = parts
        with self._current():
            order = next((o for o in self._orders.values() if o.qr_start_token == token), None)
            if order is None or order.status != "pending":
                raise PhoneError("The QR code belongs to no order that is under way.")
            expected = hmac.new(order.qr_start_secret.encode(), seconds.encode(), hashlib.sha256)
            if not hmac.compare_digest(expected.hexdigest().encode(), code.encode()):
                raise PhoneError("The QR code is not genuine.")
            age = self._clock() - order.created
            if abs(int(age) - int(seconds)) > QR_TOLERANCE_SECONDS:
                raise PhoneError("The QR code is too old. Scan the one shown now.")
            order.by_qr = True
            return order

    def pick(self, ref: str) -> Order:
        """As if the order's QR code were scanned right now, for convenience."""
        with self._current():
            order = self._pending(ref)
            order.by_qr = True
            return order

    def autostarted(self, token: str) -> Order:
        """The pending order of an autostart token. Raises PhoneError when there is none."""
        with self._current():
            for order in self._orders.values():
                if order.auto_start_token == token and order.status == "pending":
                    order.by_qr = False
                    return order
        raise PhoneError("The order has ended, or never was. Go back and start again.")

    def open(self, ref: str, personal_number: str | None, address: str | None = None) -> Order:
        """The app opens the order, with one person's BankID in it.

        The hint becomes userSign, userMrtd when a passport is demanded, or started when the phone
        holds no BankID that the order accepts. An older order of the same person ends.
        """
        with self._current():
            order = self._pending(ref)
            order.started = True
            order.phone_address = address or order.phone_address
            if personal_number is None:
                order.hint = "started"
            else:
                for rival in self._under_way_for(personal_number):
                    if rival is not order:
                        self._fail(rival, "cancelled")
                self._bind(order, personal_number)
            return order

    def read_passport(self, ref: str) -> Order:
        """The person reads a passport with the phone."""
        with self._current():
            order = self._pending(ref)
            order.passport_read = True
            if order.personal_number:
                self._bind(order, order.personal_number)
            return order

    def approve(self, ref: str, personal_number: str | None = None) -> Order:
        """The person enters the code: the order is complete, with signature and OCSP response.

        Raises PhoneError when the order accepts no BankID of that person.
        """
        with self._current():
            order = self._pending(ref)
            number = personal_number or order.personal_number or order.wanted
            if number is None:
                raise PhoneError("Choose who you are first.")
            self._bind(order, number)
            if order.hint == "started":
                raise PhoneError("The phone has no BankID that this order accepts.")
            if order.hint == "userMrtd":
                raise PhoneError("Read your passport first.")
            self._complete(order)
            return order

    def fail(self, ref: str, hint: str) -> Order:
        """End a pending order with one of FAILED_HINTS, or another text that tests unknown ones."""
        with self._current():
            order = self._pending(ref)
            self._fail(order, hint)
            return order

    def hint(self, ref: str, hint: str) -> Order:
        """Put a pending order's hint to one of PENDING_HINTS, or a text that tests unknown ones."""
        with self._current():
            order = self._pending(ref)
            order.hint = hint
            order.started = order.started or hint not in ("outstandingTransaction", "noClient")
            return order

    # Disturbances.

    def disturb(self, fault: Fault, times: int) -> None:
        """Plan a disturbance of the next order, or of the next calls."""
        with self._lock:
            if fault.name in ORDER_FAULTS:
                self._order_faults.append(fault)
            else:
                self._call_faults.extend([fault] * times)

    def undisturbed(self) -> None:
        """Forget the planned disturbances."""
        with self._lock:
            self._order_faults, self._call_faults = [], []

    def call_fault(self, method: str) -> Fault | None:
        """The disturbance that a call to that method meets; it is used up."""
        with self._lock:
            for index, fault in enumerate(self._call_faults):
                if fault.method in (None, method):
                    return self._call_faults.pop(index)
        return None

    # Inner life; the lock is held.

    @contextmanager
    def _current(self) -> Iterator[None]:
        with self._lock:
            self._let_time_pass()
            yield

    def _let_time_pass(self) -> None:
        for order in list(self._orders.values()):
            if order.status == "pending":
                age = self._since(order.created)
                if age > START_SECONDS and not order.started:
                    self._fail(order, "startFailed")
                elif age > LIFE_SECONDS:
                    self._fail(order, "expiredTransaction")
            elif order.ended is not None and self._since(order.ended) > KEEP_SECONDS:
                del self._orders[order.ref]

    def _since(self, instant: float) -> float:
        return (self._clock() - instant) * self._speed

    def _known(self, ref: str) -> Order:
        if ref not in self._orders:
            raise Refused(400, "invalidParameters", "No such order")
        return self._orders[ref]

    def _pending(self, ref: str) -> Order:
        order = self._known(ref)
        if order.status != "pending":
            raise PhoneError("The order has ended.")
        return order

    def _under_way_for(self, personal_number: str) -> list[Order]:
        return [
            o
            for o in self._orders.values()
            if o.status == "pending" and personal_number in (o.wanted, o.personal_number)
        ]

    def _fail(self, order: Order, hint: str) -> None:
        order.status, order.hint, order.ended = "failed", hint, self._clock()

    def _bind(self, order: Order, personal_number: str) -> None:
        order.started = True
        order.personal_number = personal_number
        policies = order.requirement.get("certificatePolicies")
        unaccepted = isinstance(policies, list) and not any(_matches(str(p)) for p in policies)
        if unaccepted or order.wanted not in (None, personal_number):
            order.hint = "started"
        elif order.requirement.get("mrtd") and not order.passport_read:
            order.hint = "userMrtd"
        else:
            order.hint = "userSign"

    def _complete(self, order: Order) -> None:
        one = _whoever(order.personal_number or "")
        signer, responder = self._signer(order, one)
        visible = order.visible
        if order.fault("textChanged"):
            visible = (visible or b"") + b" (changed)"
        uhi = base64.b64encode(hashlib.sha1(one.personal_number.encode()).digest())  # noqa: S324
        xml = sign_xml(
            signer,
            function="Signing" if order.kind == "sign" else "Identification",
            visible=visible,
            visible_format=order.visible_format,
            non_visible=order.non_visible,
            relying_party=order.relying_party,
            uhi=uhi.decode(),
        )
        if order.fault("forgedSignature"):
            xml = forge(xml)
        certificate = signer.person.certificate
        if order.fault("ocspOtherCertificate"):
            other = next(p for p in people() if p.personal_number != one.personal_number)
            certificate = self._bankid_of(other).certificate
        ocsp = ocsp_response(
            certificate,
            signer.intermediates[0],
            responder,
            signature_xml=xml + b"\n" if order.fault("ocspOtherSignature") else xml,
            revoked=order.fault("ocspRevoked") is not None,
        )
        order.status, order.hint, order.ended = "complete", None, self._clock()
        order.completion = {
            "user": {
                "personalNumber": one.personal_number,
                "name": one.name,
                "givenName": one.given_name,
                "surname": one.surname,
            },
            "device": {
                "ipAddress": (order.phone_address if order.by_qr else None) or order.end_user_ip,
                "uhi": uhi.decode(),
            },
            "bankIdIssueDate": signer.person.certificate.not_valid_before_utc.date().isoformat(),
            "stepUp": {"mrtd": order.passport_read},
            "signature": base64.b64encode(xml).decode(),
            "ocspResponse": base64.b64encode(ocsp).decode(),
        }
        if order.return_risk:
            order.completion["risk"] = "low"

    def _signer(self, order: Order, one: Person) -> tuple[Signer, Authority]:
        if order.fault("untrustedRoot"):
            bank, customers, responder = self._stranger
            stranger = issue_person(customers, one.personal_number, one.given_name, one.surname)
            return Signer(stranger, (customers.certificate, bank.certificate)), responder
        chain = (self._customers.certificate, self._bank.certificate)
        return Signer(self._bankid_of(one), chain), self._responder

    def _bankid_of(self, one: Person) -> Authority:
        return ensure_person(self._certificates, one.personal_number, one.given_name, one.surname)

    @cached_property
    def _bank(self) -> Authority:
        return Authority.load(self._certificates.bankid_bank, self._certificates.bankid_bank_key)

    @cached_property
    def _customers(self) -> Authority:
        return Authority.load(
            self._certificates.bankid_customers, self._certificates.bankid_customers_key
        )

    @cached_property
    def _responder(self) -> Authority:
        return Authority.load(self._certificates.bankid_ocsp, self._certificates.bankid_ocsp_key)

    @cached_property
    def _stranger(self) -> tuple[Authority, Authority, Authority]:
        # The names are those of the real chain: only the keys tell the difference.
        root = make_authority("BankID simulator root CA")
        bank = make_authority("Testbank R CA for BankID simulator", root)
        customers = make_authority("Testbank R customer CA for BankID simulator", bank)
        return bank, customers, make_ocsp_responder(customers)


def _matches(policy: str) -> bool:
    if policy.endswith(".*"):
        return TEST_POLICY.dotted_string.startswith(policy[:-1])
    return policy == TEST_POLICY.dotted_string


def _whoever(personal_number: str) -> Person:
    try:
        return person(personal_number)
    except KeyError:
        return Person(personal_number, "Okänd", "Testperson", "sv", "none")
