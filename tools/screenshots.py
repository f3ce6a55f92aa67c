"""The README's pictures, taken of a running demo: `make run` in one window, then this.

`python -m tools.screenshots [FOLDER]`: with a folder, every page of the tour besides, on a phone
and at a desk, for looking through what a change did to them.
"""

import json
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import select

from portal import create_app
from portal.collection.models import Case
from portal.config import ROOT
from portal.database import tenancy
from portal.extensions import db
from tools.seed import JOHAN, OPERATOR, PHONE

BASE = "http://127.0.0.1:8000"
PICTURES = ROOT / "docs" / "pictures"
_FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update"
    " --disable-sync --no-first-run --hide-scrollbars"
)
_CREDITOR = (
    "", "cases", "cases/views", "cases/together", "invoices", "invoices/upload",
    "reports", "reports/remittance", "reports/open-claims", "reports/steps",
    "reports/payment-times", "reports/customer-sizes", "documents", "orders/1", "orders/2",
    "payouts", "payouts/owed", "payouts/settings", "rules", "rules/preview",
    "rules/preview/invoices", "switch", "company", "approvals",
    "company/close", "people", "customers", "customers/1",
    "customers/1/rules", "classes", "classes/one?class=Hushåll",
)  # fmt: skip
_CASE = ("", "/letters", "/messages", "/money", "/parties", "/notes", "/acts/hold", "/acts/plan")
_OPERATOR = ("", "jobs", "messages", "reviews", "payouts", "books", "rates")


def main(arguments: Sequence[str]) -> int:
    """Take the pictures; answers the exit code."""
    try:
        urllib.request.urlopen(f"{BASE}/health", timeout=2).close()
    except OSError:
        print("The demo is not running. Start it with `make run`, then run this again.")
        return 1
    reference, code = _demo_case()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=_FLAGS.split()
        )
        _take_readme(browser, reference, code)
        if arguments:
            _take_tour(browser, reference, code, Path(arguments[0]))
        browser.close()
    return 0


def _demo_case() -> tuple[str, str]:
    """Reference and code of a case that is not paid."""
    app = create_app()
    with app.app_context(), tenancy.service():
        case = db.session.scalars(
            select(Case).where(Case.status == "reminded").order_by(Case.id)
        ).first()
        if case is None:
            sys.exit("Every case of the demo is paid. Run `make reset` and `make run` first.")
        return case.reference, case.access_code


def _page(browser: Browser, width: int, height: int, language: str) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale=language, device_scale_factor=2
    )
    return context.new_page()


def _take_readme(browser: Browser, reference: str, code: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page = _page(browser, 390, 780, "en")
    _enter(page, reference, code)
    page.locator(".sum-parts summary").nth(1).click()
    # The arrow turns for a moment.
    page.wait_for_timeout(300)
    page.screenshot(path=PICTURES / "debtor.png")
    page = _page(browser, 1100, 780, "en")
    _sign_in(page, JOHAN)
    page.goto(f"{BASE}/creditor/norrsken/cases")
    page.screenshot(path=PICTURES / "creditor.png")


def _take_tour(browser: Browser, reference: str, code: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for width in (360, 1280):
        for language in ("sv", "en", "ar"):
            page = _page(browser, width, 800, language)
            page.goto(f"{BASE}/")
            _keep(page, folder, f"debtor-start-{language}-{width}")
            _enter(page, reference, code)
            for summary in page.locator(".sum-parts summary").all():
                summary.click()
            _keep(page, folder, f"debtor-case-{language}-{width}")
            page.goto(f"{BASE}/case/{reference}/invoice")
            _keep(page, folder, f"debtor-invoice-{language}-{width}")
        for language in ("sv", "en"):
            page = _page(browser, width, 800, language)
            _sign_in(page, JOHAN)
            tabs = [f"cases/{reference}{tab}" for tab in _CASE]
            for path in (*_CREDITOR, *tabs):
                page.goto(f"{BASE}/creditor/norrsken/{path}")
                name = path.partition("?")[0].replace("/", "-") or "overview"
                _keep(page, folder, f"creditor-{name}-{language}-{width}")
            for path in ("", "choices"):
                page.goto(f"{BASE}/notifications/{path}")
                _keep(page, folder, f"notifications-{path or 'centre'}-{language}-{width}")
            page = _page(browser, width, 800, language)
            _sign_in(page, OPERATOR)
            for path in _OPERATOR:
                page.goto(f"{BASE}/operations/{path}")
                _keep(page, folder, f"operator-{path or 'status'}-{language}-{width}")


def _keep(page: Page, folder: Path, name: str) -> None:
    page.screenshot(path=folder / f"{name}.png", full_page=True)


def _enter(page: Page, reference: str, code: str) -> None:
    page.goto(f"{BASE}/")
    page.fill("#reference", reference)
    page.fill("#code", code)
    page.click("main form button")
    page.wait_for_url("**/case/*")


def _sign_in(page: Page, number: str) -> None:
    page.goto(f"{BASE}/sign-in")
    page.click("main form button")
    page.wait_for_selector("#order")
    with urllib.request.urlopen(f"{PHONE}/control/orders", timeout=10) as answer:
        order = json.load(answer)["orders"][-1]["orderRef"]
    request = urllib.request.Request(
        f"{PHONE}/control/orders/{order}/approve",
        json.dumps({"personalNumber": number}).encode(),
        {"Content-Type": "application/json"},
        method="POST",
    )
    urllib.request.urlopen(request, timeout=10).close()
    page.wait_for_url(lambda url: "/bankid/" not in url and "/sign-in" not in url)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
