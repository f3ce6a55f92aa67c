"""Envelopes that are signed today, and a signer who does what the pages ask."""

from datetime import timedelta
from typing import Any

from bs4 import BeautifulSoup

from portal import clock
from portal.extensions import db
from portal.identity.models import Creditor
from portal.signing import envelopes, events, inviting
from portal.signing.models import Envelope, EnvelopeEvent, Signer
from tests.bankid_fixtures import Phone
from tests.factories import EVA
from tests.signing.envelopes import an_envelope
from tests.signing.pages import Browser, later, order_ref


def sent(creditor: Creditor, **values: Any) -> Envelope:
    """An envelope that was sent just now, to be signed within a month."""
    today = clock.today()
    values = {"last_on": today + timedelta(days=30), **values}
    return an_envelope(creditor, today=today, now=clock.now(), **values)


def signer_of(envelope: Envelope, number: int = 0) -> Signer:
    return envelopes.signers_of(envelope)[number]


def link(envelope: Envelope, number: int = 0) -> str:
    """The address of a signer's page."""
    return f"/sign/{inviting.token(signer_of(envelope, number))}"


def identify(browser: Browser, phone: Phone, path: str, number: str = EVA) -> BeautifulSoup:
    """Let BankID tell who reads; answers the page that this leads to."""
    page = browser.page(f"{path}?lang=en")
    order = browser.press(page, "Identify with BankID").headers["Location"]
    phone.approve(order_ref(phone), number)
    later()
    browser.get(order)
    return BeautifulSoup(browser.get(path).text, "html.parser")


def start_to_sign(
    browser: Browser, path: str, button: str = "Sign with BankID", **more: Any
) -> str:
    """Press to sign; answers the address of the order's page."""
    answer = browser.press(browser.page(path), button, **{"read": "yes", **more})
    return str(answer.headers["Location"])


def sign(
    browser: Browser, phone: Phone, path: str, number: str = EVA, **more: Any
) -> BeautifulSoup:
    """Read and sign; answers the page after it."""
    order = start_to_sign(browser, path, **more)
    phone.approve(order_ref(phone), number)
    later()
    return browser.page(order)


def log_of(envelope: Envelope) -> list[EnvelopeEvent]:
    db.session.expire_all()
    return events.of(envelope)


def names_of(envelope: Envelope) -> list[str]:
    """What happened, in order."""
    return [one.name for one in log_of(envelope)]


def last(envelope: Envelope, name: str) -> EnvelopeEvent:
    """The last event of a name."""
    return next(one for one in reversed(log_of(envelope)) if one.name == name)
