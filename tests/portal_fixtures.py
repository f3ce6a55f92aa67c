"""Chromium before the real portal, with the real simulators behind it.

A folder whose tests take `portal` has `portal_settings` as `settings` in its conftest.
"""

import dataclasses
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from portal.config import ROOT, Settings
from portal.database import server as database
from portal.jobs import make_worker
from tests.bankid_fixtures import Phone
from tests.conftest import settings_of
from tests.factories import session_cookie
from tests.mail_fixtures import Mailbox
from tests.swish_fixtures import Swish

AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()
_FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update"
    " --disable-sync --no-first-run"
)
# WCAG 2.2 AA, and what axe-core recommends besides.
_ALL = ("tag", ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
# What can differ when the same page has another width or other colours.
_LOOKS = (
    "rule",
    [
        "color-contrast", "target-size", "scrollable-region-focusable", "link-in-text-block",
        "heading-order", "region",
    ],
)  # fmt: skip
_RUN_AXE = """async ([type, values]) => (await axe.run(document, {runOnly: {type, values},
    resultTypes: ['violations'], preload: false})).violations
    .map(one => one.id + ': ' + one.help + ' ' + one.nodes.map(node => node.html).join(' '))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, for a file: Playwright's event loop must not go on in other files."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=_FLAGS.split()
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def door() -> Iterator[socket.socket]:
    """A port of our own, taken before the application is told its address.

    It stays the same, so that the application need not be put together again.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=64) as one:
        yield one


@pytest.fixture
def portal_settings(
    database_urls: database.Urls, tmp_path: Path, phone: Phone, swish: Swish, mailbox: Mailbox,
    door: socket.socket,
) -> Settings:  # fmt: skip
    """The portal at its address, and BankID, Swish and the mail server at the simulators'."""
    bankid, paths = phone.simulator.certificates, swish.running.certificates
    return dataclasses.replace(
        mailbox.settings(settings_of(database_urls, tmp_path)),
        base_url=f"http://127.0.0.1:{door.getsockname()[1]}",
        bankid_address=phone.simulator.address,
        bankid_certificate=str(bankid.bankid_client),
        bankid_key=str(bankid.bankid_client_key),
        bankid_ca=str(bankid.tls_ca),
        bankid_roots=str(bankid.bankid_root),
        bankid_app_url=f"{phone.simulator.phone_url}?autostarttoken={{token}}"
        "&redirect={return_url}",
        swish_address=swish.running.api.url,
        swish_certificate=str(paths.swish_client),
        swish_key=str(paths.swish_client_key),
        swish_ca=str(paths.tls_ca),
        swish_app_url=f"{swish.running.payer.url}/?token={{token}}&callbackurl={{return_url}}",
    )


@dataclass
class Visitor:
    """Somebody at a browser; what it complained of is in `complaints`."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._heard)

    def _heard(self, message: object) -> None:
        text: str = message.text  # type: ignore[attr-defined]
        # A status that the page is meant to have is no complaint.
        if message.type == "error" and "Failed to load resource" not in text:  # type: ignore[attr-defined]
            self.complaints.append(text)

    def go(self, path: str) -> Page:
        """Open a page of the portal."""
        self.page.goto(f"{self.address}{path}")
        return self.page

    def take_session(self, app: Flask, content: dict[str, object]) -> None:
        """Have the session that somebody gets who has come in already."""
        name, value = session_cookie(app, content)
        self.page.context.add_cookies([{"name": name, "value": value, "url": self.address}])

    def press(self, name: str) -> None:
        """Press the button or link that says this."""
        self.page.get_by_role("button", name=name).or_(
            self.page.get_by_role("link", name=name)
        ).first.click()

    def barriers(self, *, looks_alone: bool = False) -> list[str]:
        """What axe-core finds on the page. looks_alone: of what width and colours can change."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE)
        found: list[str] = self.page.evaluate(_RUN_AXE, _LOOKS if looks_alone else _ALL)
        return found

    def overflow(self) -> int:
        """How many pixels the page is wider than its window."""
        wider: int = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return wider

    def tabs_outside(self) -> list[str]:
        """The tabs that cannot be seen without scrolling sideways."""
        found: list[str] = self.page.evaluate(
            """() => [...document.querySelectorAll('.tabs a')].filter(tab => {
                const box = tab.getBoundingClientRect();
                return box.left < 0 || box.right > document.documentElement.clientWidth;
            }).map(tab => tab.textContent)"""
        )
        return found


@dataclass
class Portal:
    """The running portal, and those who visit it."""

    app: Flask
    address: str
    phone: Phone
    swish: Swish
    mailbox: Mailbox
    browser: Browser
    visitors: list[Visitor] = field(default_factory=list)

    def visitor(
        self,
        *,
        language: str = "en",
        width: int = 1280,
        scripts: bool = True,
        dark: bool = False,
        touch: bool = False,
        user_agent: str | None = None,
    ) -> Visitor:
        """A new person at a browser of their own."""
        context = self.browser.new_context(
            locale=language,
            viewport={"width": width, "height": 800},
            java_script_enabled=scripts,
            color_scheme="dark" if dark else "light",
            has_touch=touch,
            is_mobile=touch,
            user_agent=user_agent,
        )
        context.set_default_timeout(20_000)
        one = Visitor(context.new_page(), self.address)
        self.visitors.append(one)
        return one

    def sign_in(self, visitor: Visitor, number: str, button: str = "Sign in with BankID") -> None:
        """Sign in with BankID: the order is picked up and approved by another device."""
        visitor.go("/sign-in")
        visitor.press(button)
        visitor.page.wait_for_selector("#order")
        self.approve_newest(number)
        visitor.page.wait_for_url(lambda url: "/bankid/" not in url and "/sign-in" not in url)

    def approve_newest(self, number: str) -> None:
        """Approve the order that was started last."""
        order = self.phone.simulator.orders.waiting()[-1]
        self.phone.approve(order.ref, number)

    def run_jobs(self) -> None:
        """Let a worker do all that waits, and stop."""
        worker = make_worker(self.app)
        # In a thread of its own, since Playwright has an event loop going in this one.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(
                worker.run_worker, wait=False, concurrency=1, install_signal_handlers=False
            ).result()


@pytest.fixture
def portal(
    app: Flask, settings: Settings, door: socket.socket, phone: Phone, swish: Swish,
    mailbox: Mailbox, browser: Browser,
) -> Iterator[Portal]:  # fmt: skip
    """The portal over real HTTP. When the test ends, no browser may have complained."""
    server = make_server("127.0.0.1", 0, app, threaded=True, fd=door.fileno())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    portal = Portal(app, settings.base_url, phone, swish, mailbox, browser)
    yield portal
    for one in portal.visitors:
        one.page.context.close()
    server.shutdown()
    thread.join()
    assert [text for one in portal.visitors for text in one.complaints] == []
