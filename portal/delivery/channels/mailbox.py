"""Digital mailboxes, by Kivra's interface for senders: JSON over HTTP.

Source: Kivra Sweden API, https://developer.kivra.com/ (its OpenAPI document and introduction in
github.com/kivra/developer.kivra.com, read 2026-11-30):

- `POST /v1/auth` with the client's name and secret (RFC 6749, 4.4; HTTP Basic) answers an
  `access_token` that holds for `expires_in` seconds; 401 says that it holds no more.
- `POST /v2/tenant/<key>/usermatch/ssn` and `…/companymatch/vatnr` with `{"list": […]}` answer those
  of the list that have a mailbox and take letters from us. A person is told by 12 digits, a company
  by SE, its 10 digits and 01. A request may have 10 MB, some 500 000 of them.
- `POST /v2/tenant/<key>/content` with the receiver, `subject`, `type` and the PDF in base64 answers
  201 and the letter's name in `kivra-objkey`: the mailbox has it. The whole may have 1 MB. The same
  once more, but for `generated_at`, is answered alike and delivered once; so what is handed over is
  kept until it has been, and not made anew.
- Errors have a `code` of five digits that begins with the HTTP status. 4xx says that the request
  will never do, 429 that it may later, 5xx that it is safe to repeat it.
- Nothing of a person stands in the subject. A link of the reader's own stands in the PDF alone: in
  the HTML that may go beside one, Kivra wants none.

An operator that speaks otherwise gets a small bridge, or a class beside `Operator`.
"""

import base64
import threading
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from portal.config import Settings
from portal.database.encryption import lookup_hash
from portal.delivery.channels.mail import NotNow, Refused
from portal.law import channels
from portal.sources import values

# Kivra's types of content: a demand is a debt collection claim there (inkassokrav).
TYPES = {"reminder": "invoice.reminder", "demand": "invoice.debtcollection"}
_LETTER = "letter"
DELIVERED = "delivered"
# How Kivra calls the kinds of accounts.
_METHODS = {"bankgiro": "1", "plusgiro": "2"}
_SECONDS = 20.0
# A page waits no longer than this to know whether its reader has a mailbox.
_SECONDS_OF_A_PAGE = 3.0
_MOST_BYTES = 1_000_000
_MATCHED_AT_ONCE = 20_000
# Long before a token ends we take another, for clocks differ.
_MARGIN_SECONDS = 60
# 401 that is about the receiver: no longer there, or takes nothing from us.
_NO_RECEIVER = {"40105", "40113"}
_NEVER = {400, 404, 413, 415, 422}
_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
# So long a page remembers whether somebody has a mailbox.
_REMEMBERED_SECONDS, _SILENCE_SECONDS = 600, 60
_MOST_REMEMBERED = 2_000


@dataclass(frozen=True)
class Payment:
    """What a letter asks to be paid. kind: bankgiro or plusgiro. reference: the OCR number."""

    kind: str
    account: str
    reference: str
    amount: Decimal
    due_on: date


@dataclass(frozen=True)
class Content:
    """A letter as it is handed over.

    to: the receiver's number, as `values.identity_number` answers it. kind: of the letter. payment:
    None when it asks for none that a mailbox can pay.
    """

    to: str
    kind: str
    subject: str
    pdf: bytes
    made_at: datetime
    payment: Payment | None


def may_have_one(number: str, today: date) -> bool:
    """Whether it may be asked if somebody has a mailbox: of a minor it may not."""
    born_on = values.born_on(number)
    return born_on is None or channels.may_have_mailbox(born_on, today)


class Operator:
    """The operator. Whoever makes one closes it.

    One that cannot be reached, or that has told us to wait, is not asked again by the same: a
    hundred letters must not each wait for the same silence.
    """

    def __init__(self, settings: Settings, *, seconds: float = _SECONDS) -> None:
        self._settings = settings
        self._seconds = seconds
        self._http: httpx.Client | None = None
        self._not_now: NotNow | None = None

    def __enter__(self) -> "Operator":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the connection go."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def match(self, numbers: Collection[str]) -> set[str]:
        """Those of some numbers that have a mailbox which takes letters from us.

        Raises Refused, or NotNow when it cannot be told now.
        """
        people = {one: one for one in numbers if len(one) == 12}
        companies = {_vat_number(one): one for one in numbers if len(one) == 10}
        found: set[str] = set()
        for path, asked in (("usermatch/ssn", people), ("companymatch/vatnr", companies)):
            every = sorted(asked)
            for start in range(0, len(every), _MATCHED_AT_ONCE):
                answer = self._post(path, {"list": every[start : start + _MATCHED_AT_ONCE]})
                # Nobody whom we have not asked about.
                found |= {asked[one] for one in _texts(_json(answer).get("list")) if one in asked}
        return found

    def hand_over(self, content: Content) -> str | None:
        """Put a letter into its receiver's mailbox; answers the operator's name for it.

        Raises Refused, also when the receiver has left, and NotNow when it may be taken later.
        """
        body = _body(content)
        if sum(len(part["data"]) for part in body["parts"]) > _MOST_BYTES * 9 // 10:
            raise Refused("Mailbox: too large")
        return self._post("content", body).headers.get("kivra-objkey")

    def _post(self, path: str, body: object) -> httpx.Response:
        """The answer to a request that was understood."""
        url = f"/v2/tenant/{self._settings.mailbox_tenant}/{path}"
        answer = self._send(url, json=body, headers=self._bearer())
        if answer.status_code == 401 and _code(answer) not in _NO_RECEIVER:
            _tokens.forget(self._settings)
            answer = self._send(url, json=body, headers=self._bearer())
        if answer.is_success:
            return answer
        if answer.status_code in _NEVER or _code(answer) in _NO_RECEIVER:
            raise Refused(_reason(answer))
        raise self._later(answer)

    def _later(self, answer: httpx.Response) -> NotNow:
        if answer.status_code != 429:
            return NotNow(_reason(answer))
        self._not_now = NotNow(_reason(answer), after=_asked_to_wait(answer))
        return self._not_now

    def _bearer(self) -> dict[str, str]:
        token = _tokens.kept(self._settings)
        if token is None:
            ours = self._settings
            answer = self._send(
                "/v1/auth",
                data={"grant_type": "client_credentials"},
                auth=(ours.mailbox_client_id, ours.mailbox_client_secret),
            )
            if not answer.is_success:
                raise self._later(answer)
            told = _json(answer)
            token = str(told.get("access_token") or "")
            seconds = told.get("expires_in")
            _tokens.keep(ours, token, seconds if isinstance(seconds, int) else 0)
        return {"Authorization": f"Bearer {token}"}

    def _send(self, path: str, **what: Any) -> httpx.Response:
        if self._not_now is not None:
            raise self._not_now
        try:
            return self._client().post(path, **what)
        except httpx.RequestError as error:
            self._not_now = NotNow(f"Mailbox: {type(error).__name__}")
            raise self._not_now from error

    def _client(self) -> httpx.Client:
        if self._http is None:
            self._http = httpx.Client(
                base_url=self._settings.mailbox_url.rstrip("/"),
                timeout=self._seconds,
                trust_env=False,
                headers={"Accept": "application/json"},
            )
        return self._http


class _Tokens:
    """The token of each client, for as long as it holds; one process keeps one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], tuple[str, float]] = {}

    def kept(self, settings: Settings) -> str | None:
        with self._lock:
            token, ends_at = self._kept.get(self._whose(settings), ("", 0.0))
        return token if token and time.monotonic() < ends_at else None

    def keep(self, settings: Settings, token: str, seconds: int) -> None:
        with self._lock:
            self._kept[self._whose(settings)] = (
                token,
                time.monotonic() + seconds - _MARGIN_SECONDS,
            )

    def forget(self, settings: Settings) -> None:
        with self._lock:
            self._kept.pop(self._whose(settings), None)

    def _whose(self, settings: Settings) -> tuple[str, str]:
        return settings.mailbox_url, settings.mailbox_client_id


class _Remembered:
    """Whether somebody has a mailbox, for some minutes, by the keyed hash of the number alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, bytes], tuple[bool, float]] = {}

    def find(self, whose: tuple[str, bytes]) -> bool | None:
        with self._lock:
            has_one, until = self._kept.get(whose, (False, 0.0))
        return has_one if time.monotonic() < until else None

    def keep(self, whose: tuple[str, bytes], has_one: bool, seconds: float) -> None:
        now = time.monotonic()
        with self._lock:
            if len(self._kept) >= _MOST_REMEMBERED:
                self._kept = {key: one for key, one in self._kept.items() if now < one[1]}
            if len(self._kept) < _MOST_REMEMBERED:
                self._kept[whose] = (has_one, now + seconds)


_tokens = _Tokens()
_remembered = _Remembered()


def has_one(number: str, settings: Settings, today: date) -> bool:
    """Whether a page may offer its reader letters to a mailbox.

    number: as `values.identity_number` answers it. Not when the operator does not answer at once.
    """
    if not settings.has_mailbox or not may_have_one(number, today):
        return False
    whose = settings.mailbox_url, lookup_hash(number)
    found = _remembered.find(whose)
    if found is None:
        seconds = _REMEMBERED_SECONDS
        try:
            with Operator(settings, seconds=_SECONDS_OF_A_PAGE) as operator:
                found = bool(operator.match([number]))
        except (NotNow, Refused):
            # The next page does not wait for the same silence.
            found, seconds = False, _SILENCE_SECONDS
        _remembered.keep(whose, found, seconds)
    return found


def _body(content: Content) -> dict[str, Any]:
    to = {"ssn": content.to} if len(content.to) == 12 else {"vat_number": _vat_number(content.to)}
    # What a company is to pay Kivra takes by another, unfinished interface, and a letter that is
    # neither a reminder nor a demand asks for nothing new.
    payment = content.payment if "ssn" in to and content.kind in TYPES else None
    data = base64.b64encode(content.pdf).decode()
    body: dict[str, Any] = {
        **to,
        "subject": content.subject,
        "type": TYPES[content.kind] if payment else _LETTER,
        "generated_at": content.made_at.isoformat(),
        "parts": [{"name": f"{content.kind}.pdf", "data": data, "content_type": "application/pdf"}],
    }
    if payment:
        body["payment_multiple_options"] = {
            "payable": True, "currency": "SEK", "method": _METHODS[payment.kind],
            "account": payment.account,
            "options": [
                {"due_date": payment.due_on.isoformat(), "amount": f"{payment.amount:.2f}",
                 "type": "SE_OCR", "reference": payment.reference}
            ],
        }  # fmt: skip
    return body


def _vat_number(organisation_number: str) -> str:
    return f"SE{organisation_number}01"


def _texts(told: object) -> list[str]:
    return [one for one in told if isinstance(one, str)] if isinstance(told, list) else []


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _code(answer: httpx.Response) -> str:
    """The operator's code of an error; empty when there is none."""
    code = str(_json(answer).get("code", ""))
    return code if len(code) == 5 and code.isascii() and code.isdecimal() else ""


def _reason(answer: httpx.Response) -> str:
    # Not the operator's sentence, which may quote the number.
    return f"Mailbox: HTTP {answer.status_code} {_code(answer)}".rstrip()


def _asked_to_wait(answer: httpx.Response) -> timedelta:
    """How long the operator asks us to wait (RFC 9110, 10.2.3), within reason."""
    told, wait = answer.headers.get("Retry-After", ""), _WAIT
    if told.isascii() and told.isdecimal() and len(told) < 10:
        wait = timedelta(seconds=int(told))
    else:
        # By the operator's own clock.
        with suppress(TypeError, ValueError):
            sent_at = parsedate_to_datetime(answer.headers.get("Date", ""))
            wait = parsedate_to_datetime(told) - sent_at
    return min(max(wait, timedelta(seconds=1)), _LONGEST_WAIT)
