"""Text messages by a provider's HTTP interface: JSON, one request for each message.

`POST <REDA_SMS_URL>/messages` with `{"from", "to", "text", "callback_url"}` and the headers
`Authorization: Bearer <key>` and `Idempotency-Key`. 200–299 says that the provider has it, also
when it had it before under that key; `{"status": "rejected", "reason": …}` in such an answer, and
400, 404, 409, 413, 415 and 422, say that it never will; everything else that it may later. An `id`
in the answer is the provider's name for it.

When it has arrived or is given up, the provider posts `{"id", "status"}` to the callback address,
signed (`SIGNATURE`: the hexadecimal HMAC-SHA256 of the body, by REDA_SMS_CALLBACK_KEY). That is a
hint: `GET <REDA_SMS_URL>/messages/<id>` with the same Authorization tells the status. A provider
that speaks otherwise gets a small bridge, or a class beside `Gateway`.
"""

import hashlib
import hmac
import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

import httpx

from portal.config import Settings
from portal.delivery.channels.mail import NotNow, Refused
from portal.messages import N_, RedaError
from portal.sources import values

SIGNATURE = "Sms-Signature"
LONGEST_CALLBACK = 4_096
CALLBACK_PATH = "/callbacks/sms"
DELIVERED, FAILED = "delivered", "failed"
_SECONDS = 15
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NEVER = {400, 404, 409, 413, 415, 422}
# Post- och telestyrelsen's numbering plan: mobile numbers are 070, 072, 073, 076 and 079.
_SWEDISH_MOBILE = re.compile(r"\+467[02369]\d{7}")

# 3GPP TS 23.038, 6.2.1: what a 7-bit text may hold; the signs of the second row take two places.
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = "\f^{}\\[~]|€"
_REASON = re.compile(r"[a-z0-9_-]{1,40}")


class NotANumber(RedaError):
    """What was given is no number that a text message can be sent to."""

    def __init__(self, *, field: str | None = None) -> None:
        super().__init__(N_("Write a mobile number, such as 070-123 45 67."), field=field)


@dataclass(frozen=True)
class Sms:
    """A text message as it is sent. to: what `number_of` answered. key: its idempotency key."""

    to: str
    text: str
    key: str


def number_of(text: str, *, field: str | None = None) -> str:
    """A mobile number as it is sent to, with + and country code. Raises NotANumber.

    A number without a country code is Swedish. field: of the form that it was written in.
    """
    bare = "".join(str(unicodedata.digit(one)) if one.isdecimal() else one for one in text)
    try:
        number = values.phone(bare, country="SE")
    except RedaError:
        raise NotANumber(field=field) from None
    if number.startswith("+46") and not _SWEDISH_MOBILE.fullmatch(number):
        raise NotANumber(field=field)
    return number


def segments(text: str) -> int:
    """How many messages a text is sent and paid as (3GPP TS 23.040, 9.2.3.24.1)."""
    if all(one in _BASIC or one in _EXTENDED for one in text):
        places = len(text) + sum(one in _EXTENDED for one in text)
        whole, part = 160, 153
    else:
        places = len(text.encode("utf-16-be")) // 2
        whole, part = 70, 67
    return 1 if places <= whole else -(-places // part)


class Gateway:
    """The provider. Whoever makes one closes it.

    One that cannot be reached is not tried again by the same: a hundred messages must not each wait
    for the same silence.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._http: httpx.Client | None = None
        self._unreachable: NotNow | None = None

    def __enter__(self) -> "Gateway":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the connection go."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def hand_over(self, sms: Sms) -> str | None:
        """Give a message to the provider; answers its own name for it, if it has one.

        Raises Refused, or NotNow when it may take it later.
        """
        body = {
            "from": self._settings.sms_sender,
            "to": sms.to,
            "text": sms.text,
            "callback_url": self._settings.base_url + CALLBACK_PATH,
        }
        # The provider sees no key of ours, which may name a case.
        key = hashlib.sha256(sms.key.encode()).hexdigest()
        answer = self._ask("POST", "/messages", json=body, headers={"Idempotency-Key": key})
        _check(answer)
        name = str(_json(answer).get("id", ""))
        return name if _ID.fullmatch(name) else None

    def status(self, name: str) -> str | None:
        """What became of a message: DELIVERED, FAILED, or None when the provider cannot tell yet.

        name: as `hand_over` answered. Raises Refused for one it does not know, and NotNow.
        """
        answer = self._ask("GET", f"/messages/{name}")
        told = str(_json(answer).get("status", ""))
        if not answer.is_success:
            _check(answer)
        return {DELIVERED: DELIVERED, FAILED: FAILED, "rejected": FAILED}.get(told)

    def _ask(self, method: str, path: str, **what: Any) -> httpx.Response:
        if self._unreachable is not None:
            raise self._unreachable
        try:
            return self._client().request(method, path, **what)
        except httpx.RequestError as error:
            self._unreachable = NotNow(f"SMS: {type(error).__name__}")
            raise self._unreachable from error

    def _client(self) -> httpx.Client:
        if self._http is None:
            self._http = httpx.Client(
                base_url=self._settings.sms_url.rstrip("/"),
                timeout=_SECONDS,
                trust_env=False,
                headers={
                    "Accept": "application/json",
                    "Authorization": f"Bearer {self._settings.sms_key}",
                },
            )
        return self._http


def is_signed(body: bytes, received: str | None, key: str) -> bool:
    """Whether a callback is the provider's, in constant time."""
    ours = hmac.new(key.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(ours.encode(), (received or "").encode())


def name_in(body: bytes) -> str | None:
    """Which message a callback tells of; None when it is no callback."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return None
    name = told.get("id") if isinstance(told, dict) else None
    return name if isinstance(name, str) and _ID.fullmatch(name) else None


def _check(answer: httpx.Response) -> None:
    reason = f"SMS: HTTP {answer.status_code}"
    if answer.is_success:
        told = _json(answer)
        if told.get("status") == "rejected":
            why = str(told.get("reason", ""))
            # Only a word: a sentence of theirs may quote the number.
            raise Refused(f"SMS: {why if _REASON.fullmatch(why) else 'rejected'}")
        return
    if answer.status_code in _NEVER:
        raise Refused(reason)
    raise NotNow(reason)


def _json(answer: httpx.Response) -> dict[str, object]:
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
