"""One invoice's whole life: agreement, upload, reminder, payment, and what is owed for it."""

import io
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from playwright.sync_api import Page, expect
from pypdf import PdfReader
from sqlalchemy import text

from portal import clock, jobs, ledger
from portal.collection import rates
from portal.companies.models import PayoutAccount
from portal.config import Settings
from portal.delivery.channels import letter
from portal.extensions import db
from portal.identity.actor import SYSTEM
from portal.identity.models import Creditor
from portal.law.calendar import banking_day_on_or_after
from portal.law.interest import half_year_start
from portal.signing import agreements
from tests.factories import EVA, a_creditor, a_person_at
from tests.portal_fixtures import Portal, Visitor

HEAD = "Fakturanr;Kundnr;Kundnamn;Personnr;Adress;Postnr;Ort;Språk;Förfallodatum;Belopp"


def test_an_overdue_invoice_is_reminded_of_paid_and_owed_to_its_creditor(
    portal: Portal, settings: Settings, tmp_path: Path
) -> None:
    creditor = a_creditor_with_an_account("Fjällbäcks Tandvård AB")
    a_person_at(creditor, "administrator", EVA)
    publish_the_agreement_and_this_half_year_s_rate()
    eva = portal.visitor()

    sign_the_agreement(portal, eva)
    wait_for_a_banking_day(settings)
    switch_collection_on(eva, creditor)
    upload_an_invoice(eva, creditor, tmp_path)
    portal.run_jobs()

    reference, code = read_the_letter(settings)
    debtor = portal.visitor(width=360, language="ar")
    page = open_the_case(debtor, reference, code)
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    pay_with_swish(portal, page)

    page = eva.go(f"/creditor/{creditor.key}/cases/{reference}")
    expect(page.get_by_text("Everything is paid")).to_be_visible()
    page = eva.go(f"/creditor/{creditor.key}/payouts")
    # 890.50 kr and 20 days of interest at 10 per cent; the reminder's 60 kr stay with us.
    expect(page.locator(".sum")).to_have_text(re.compile(r"895\.38"))
    assert ledger.owed_to(creditor.id) == 89_050 + 488
    assert sum(ledger.trial_balance().values()) == 0


def a_creditor_with_an_account(name: str) -> Creditor:
    creditor = a_creditor(name)
    db.session.add(
        PayoutAccount(
            key="account", creditor_id=creditor.id, kind="bankgiro", number="50501055",
            holder=name, is_used=True, added_at=clock.now(),
        )
    )  # fmt: skip
    return creditor


def publish_the_agreement_and_this_half_year_s_rate() -> None:
    agreements.publish_all()
    start = half_year_start(clock.today())
    if rates.table().known_through < start:
        rates.add(start, Decimal("2.00"), "a test's", actor=SYSTEM, now=clock.now())
    db.session.commit()


def sign_the_agreement(portal: Portal, eva: Visitor) -> None:
    portal.sign_in(eva, EVA)
    page = eva.page
    expect(page.get_by_role("heading", name="Agreements")).to_be_visible()
    eva.press("Read and sign")
    page.get_by_label("I have read the agreement").check()
    eva.press("Sign with BankID")
    page.wait_for_selector("#order")
    portal.approve_newest(EVA)
    expect(page.get_by_text("The agreement is signed")).to_be_visible()


def wait_for_a_banking_day(settings: Settings) -> None:
    """Nobody is reminded on a Sunday: there the story goes on when the banks are open again."""
    days = (banking_day_on_or_after(clock.today()) - clock.today()).days
    if days:
        Path(settings.clock_file).write_text(str(days * 86_400))


def switch_collection_on(eva: Visitor, creditor: Creditor) -> None:
    page = eva.go(f"/creditor/{creditor.key}/rules")
    eva.press("Change: The reminder")
    page.get_by_label("A reminder fee is agreed with our customers").check()
    eva.press("Save the rules")
    expect(page.get_by_text("The rules are saved.")).to_be_visible()
    page = eva.go(f"/creditor/{creditor.key}/switch")
    page.get_by_text("Switch collection on", exact=True).click()
    eva.press("Yes, switch it on")
    expect(page.get_by_text("Collection is on", exact=True)).to_be_visible()


def upload_an_invoice(eva: Visitor, creditor: Creditor, folder: Path) -> None:
    due_on = clock.today() - timedelta(days=20)
    row = f"10402;2001;Ahmad Al-Khatib;197101019052;Köpmangatan 6;702 23;Örebro;ar;{due_on};890,50"
    path = folder / "reskontra.csv"
    path.write_bytes(f"{HEAD}\r\n{row}\r\n".encode("cp1252"))
    page = eva.go(f"/creditor/{creditor.key}/invoices/upload")
    page.get_by_label("Files").set_input_files(path)
    eva.press("Upload")
    eva.press("Go on to the preview")
    eva.press("Take in 1 invoice")
    expect(page.get_by_text("1 case was opened.")).to_be_visible()


def read_the_letter(settings: Settings) -> tuple[str, str]:
    """Reference and code, as the debtor reads them in the printed letter."""
    (path,) = letter.spool(settings.var).glob("*/*.pdf")
    pages = PdfReader(io.BytesIO(path.read_bytes())).pages
    assert len(pages) == 2
    said = " ".join(pages[0].extract_text().split())
    assert "Ahmad Al-Khatib" in said
    assert "Fjällbäcks Tandvård AB" in said
    found = re.search(r"Referens\W+(\d{3} \d{3} \d{3})\W+Kod\W+([0-9A-Z]{3} [0-9A-Z]{3})", said)
    assert found, said
    return found[1].replace(" ", ""), found[2]


def open_the_case(debtor: Visitor, reference: str, code: str) -> Page:
    page = debtor.go("/")
    page.locator("#reference").fill(reference)
    page.locator("#code").fill(code)
    page.locator("#code").press("Enter")
    page.wait_for_url("**/case/*")
    return page


def pay_with_swish(portal: Portal, page: Page) -> None:
    page.locator(".sum-actions button").click()
    page.wait_for_selector("#payment .qr-plate")
    phone = portal.visitor().page
    phone.goto(f"{portal.swish.running.payer.url}/")
    phone.locator("main a").first.click()
    phone.get_by_role("button", name="Approve the payment").click()
    page.wait_for_url("**/case/*/receipts/*")


def test_nothing_is_sent_or_booked_twice_when_everything_runs_twice(
    portal: Portal, settings: Settings, tmp_path: Path
) -> None:
    creditor = a_creditor_with_an_account("Fjällbäcks Tandvård AB")
    a_person_at(creditor, "administrator", EVA)
    publish_the_agreement_and_this_half_year_s_rate()
    eva = portal.visitor()
    sign_the_agreement(portal, eva)
    wait_for_a_banking_day(settings)
    switch_collection_on(eva, creditor)
    upload_an_invoice(eva, creditor, tmp_path)
    for _ in range(2):
        portal.run_jobs()
        for work in (jobs.import_overdue_invoices, jobs.advance_cases, jobs.deliver_outbox):
            work()
    assert len(list(letter.spool(settings.var).glob("*/*.pdf"))) == 1
    assert db.session.scalar(text("select count(*) from ledger_entries")) == 2
