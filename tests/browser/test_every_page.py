"""Every page there is: read by axe-core, at a phone's and a desk's width, in light and dark.

Each is opened once in every language that it exists in; the window then changes its width and its
light. The browser's own complaints, such as one about the Content-Security-Policy, fail the test as
well.
"""

import io
import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser
from sqlalchemy import select, text

from portal import clock
from portal.collection import (
    attachments,
    bulk,
    cases,
    disputes,
    drafts,
    intake,
    lifecycle,
    notes,
    plans,
    policy,
    reaching,
    rulebook,
    settling,
    states,
    stops,
    together,
)
from portal.collection.models import Case
from portal.collection.notes import Reader
from portal.companies import acts, invitations
from portal.config import Settings
from portal.database import tenancy
from portal.delivery import outbox
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity import people
from portal.identity.actor import DEBTOR, SWISH, SYSTEM, Actor
from portal.identity.models import Creditor, Membership
from portal.notifications import addressing
from portal.notifications.telling import notify
from portal.payments import booking, closing, deciding, matching, reconciling, releasing, taking
from portal.payments.models import (
    BankPayment,
    Chargeback,
    Payment,
    Payout,
    Refund,
    ServiceStatement,
    SwishPart,
    SwishRequest,
)
from portal.reporting import orders
from portal.signing import envelopes, plan_signing
from portal.signing.envelopes import NewFile
from portal.sources import customer_list
from tests.factories import (
    EVA,
    JOHAN,
    NOW,
    SOFIA,
    TODAY,
    a_case,
    a_case_whose_reminder_left,
    a_creditor,
    a_creditor_that_signed,
    a_debtor_of,
    a_person,
    a_person_at,
    an_invoice_of,
    rules_of,
)
from tests.payments.bank_files.written import Deposit, Paid, bgmax, camt, entry
from tests.payments.charging import a_price, a_statement, a_watched_case, pay
from tests.payments.paying_out import an_account, collect, owe, propose, refuse, settle
from tests.portal_fixtures import AXE, Portal, Visitor
from tests.signing.ceremonies import link, sent
from tests.signing.documents import a_pdf
from tests.signing.envelopes import a_draft, a_list_of, an_envelope, invited
from tests.signing.templates import a_template

OPERATOR = "198107212386"
PHONE, DESK = 360, 1280
SHEET = (
    "Fakturanr;Kundnr;Kundnamn;Adress;Postnr;Ort;Förfallodatum;Belopp\r\n"
    "77;9;Ella Hedlund;Storgatan 1;111 22;Stockholm;2026-02-01;100,00\r\n"
    "78;9;Ella Hedlund;Storgatan 1;111 22;Stockholm;i går;-5\r\n"
)


@dataclass
class World:
    """A company with a case of each kind, and what a page of each kind is about."""

    creditor: Creditor
    case: Case
    paid: Case
    values: dict[str, object]

    def at(self, place: str, paths: Sequence[str]) -> list[str]:
        """The addresses of pages below a place, with what they are about filled in."""
        return [f"{place}{one.format(**self.values)}" for one in paths]


# Made once for all tests of this file: they look at it.
KEPT = "world"
_MADE: list[tuple[int, int, int, dict[str, object]]] = []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the files lie that the world's rows name."""
    return tmp_path_factory.mktemp("pages")


@pytest.fixture
def settings(portal_settings: Settings, folder: Path) -> Settings:
    return replace(portal_settings, var_folder=str(folder))


@pytest.fixture
def world(portal: Portal) -> World:
    """The company as it was made for the first test that asks."""
    if not _MADE or db.session.get(Creditor, _MADE[0][0]) is None:
        made = a_world()
        _MADE[:] = [(made.creditor.id, made.case.id, made.paid.id, made.values)]
    creditor_id, case_id, paid_id, values = _MADE[0]
    case, paid = (db.session.get_one(Case, id) for id in (case_id, paid_id))
    return World(db.session.get_one(Creditor, creditor_id), case, paid, values)


def a_world() -> World:
    """A company with one of everything that a page can be about."""
    creditor = a_creditor_that_signed()
    rules_of(creditor, is_active=False)
    a_case(creditor)
    case = a_case_whose_reminder_left(creditor)
    paid = a_case_whose_reminder_left(creditor)
    _pay(paid)
    an_invoice_of(creditor)
    waiting = an_invoice_of(creditor, due_on=clock.today(), currency="SEK")
    a_person_at(a_creditor("Lindens Cykel & Sport AB"), "administrator", JOHAN)
    a_person(OPERATOR, is_operator=True)
    stopped = a_case(creditor)
    stopped.invoice.number = ""
    lifecycle.advance(TODAY, NOW)
    db.session.commit()
    rulebook.put_many(
        creditor.id, "class", ["Retail"], {"days_after_due": 14}, actor=SYSTEM, today=TODAY, now=NOW
    )
    rulebook.put_many(
        creditor.id, "customer", [case.debtor.customer_number, "K9"],
        {"is_excluded": True, "reason": "Agreed by phone"}, actor=SYSTEM, today=TODAY, now=NOW,
    )  # fmt: skip
    values: dict[str, object] = {
        **_acts_together(creditor, case, paid),
        "customer": case.debtor_id,
        "bulk": _a_choice(creditor, case.debtor.customer_number),
        "reference": case.reference,
        "invoice": waiting.id,
        "draft": _draft(creditor),
        "making": _order(creditor, "running"),
        "came": _a_payment_that_waits(case),
        "refund": _a_refund(),
        "ready": _order(creditor, "done"),
        "number": db.session.scalars(select(Payment.receipt_number)).one(),
        "created": _request(case, "created"),
        "declined": _request(case, "declined"),
        "together_created": _request(case, "created", paid),
        "together_paid": (together_paid := _request(case, "paid", paid)),
        "chargeback": _a_chargeback(together_paid, case),
    }
    for name, status in (("mapping", "mapping"), ("preview", "preview"), ("done", "imported")):
        values[name] = _upload(creditor, name, status)
    values["stop"] = _tell(creditor, case)
    values["member"], values["invitation"] = _people(creditor)
    values["objected"], values["undecided"] = _objected(creditor), _undecided(creditor)
    eva = people.by_identity_number(EVA)
    assert eva is not None
    values["approval"] = acts.propose_account(
        creditor.id, {"kind": "bankgiro", "number": "5050-1055", "holder": "Norrsken"},
        is_used=True, actor=Actor("person", eva.name, eva.id), now=clock.now(),
    )  # fmt: skip
    failed = db.session.scalars(select(Message).limit(1)).one()
    failed.status, failed.failure = "failed", "OSError: No space left on device"
    db.session.commit()
    values |= _documents(creditor) | _payouts(creditor, case)
    values["statement"] = _charged(creditor).key
    values |= _reconciled()
    values["protected"], values["kept_back"] = _protected(creditor)
    return World(creditor, case, paid, values)


def _protected(creditor: Creditor) -> tuple[str, int]:
    """A case of a protected identity, and a letter in it that is not posted."""
    debtor = a_debtor_of(creditor, identity_number="197101019052")
    case = a_case_whose_reminder_left(creditor, debtor=debtor)
    stops.stop(cases.lock(case.id), states.PROTECTED, "", actor=SYSTEM, now=NOW)
    letter = db.session.scalars(select(Message).where(Message.case_id == case.id)).one()
    letter.status, letter.failure = "failed", outbox.KEPT_BACK
    db.session.commit()
    return case.reference, letter.id


def _charged(creditor: Creditor) -> ServiceStatement:
    a_price("25")
    a_price("20", creditor)
    watched = a_watched_case(creditor)
    pay(watched, 50_000)
    owe(watched, 180_00)
    made = a_statement(creditor)
    pay(watched, 10_000, now=clock.now())
    return made


def _payouts(creditor: Creditor, case: Case) -> dict[str, object]:
    """A payout that is paid, one that the bank refused, one that is approved and a proposal."""
    an_account(creditor, "9912346")
    owe(case, 60_00)
    found = {"payout": settle(_proposed(case, 500_00)), "refused": refuse(_proposed(case, 200_25))}
    batch = releasing.put_together([_proposed(case, 1).key], actor=SYSTEM, now=NOW)
    db.session.commit()
    found["proposal"] = _proposed(case, 300_00)
    return {"batch": batch.key, **{name: one.key for name, one in found.items()}}


def _reconciled() -> dict[str, object]:
    """A day that is kept, an entry, and a month that waits to be closed."""
    reconciling.keep_day(clock.today() - timedelta(days=1), now=clock.now())
    days = closing.next_period(clock.today())
    operator = people.by_identity_number(OPERATOR)
    assert days is not None
    assert operator is not None
    found = closing.figures(*days)
    period = closing.put_together(
        *days, {one.key: "x" for one in closing.points(found)}, found=found, report=b"%PDF-1.7",
        person=operator, today=clock.today(), now=clock.now(),
    )  # fmt: skip
    entry_id = db.session.scalar(text("select min(id) from ledger_entries"))
    db.session.commit()
    return {"period": period.key, "entry": entry_id}


def _proposed(case: Case, ore: int) -> Payout:
    collect(case, ore)
    (payout,) = propose(case.creditor)
    return payout


def _documents(creditor: Creditor) -> dict[str, object]:
    last_on = clock.today() + timedelta(days=30)
    unsent = a_draft(creditor, last_on=last_on)
    open_one = an_envelope(
        creditor,
        last_on=last_on,
        signers=("Eva Berg", "Johan Ek"),
        today=clock.today(),
        now=clock.now(),
    )
    return {
        "unsent": unsent.key,
        "sending": a_list_of(unsent).key,
        "unsent_file": envelopes.files_of(unsent)[0].key,
        "sent": open_one.key,
        "sent_to": envelopes.signers_of(open_one)[0].key,
        "template": a_template(creditor).key,
    }


def _acts_together(creditor: Creditor, case: Case, paid: Case) -> dict[str, object]:
    """Something that may be done with two cases, and something that was done with none of them."""
    eva = people.by_identity_number(EVA)
    assert eva is not None
    draft, done = (
        together.prepare(
            creditor.id, together.HOLD,
            together.by_references(creditor.id, [one.reference for one in some]),
            actor=Actor("person", eva.name, eva.id, "creditor"), now=NOW,
        )
        for some in ([case, paid], [paid])
    )  # fmt: skip
    together.begin(done, {}, now=NOW)
    together.go_on(done.id, today=TODAY, now=NOW)
    db.session.commit()
    return {"draft_together": draft.id, "together": done.id}


def _objected(creditor: Creditor) -> str:
    """A case that somebody objects to, with a note and a file."""
    case, eva = a_case_whose_reminder_left(creditor), people.by_identity_number(EVA)
    assert eva is not None
    clerk = Actor("person", eva.name, eva.id, "creditor")
    disputes.object_to(
        case, reason="paid", words="Jag betalade i maj.", amount_ore=20_000, channel="phone",
        actor=clerk, today=TODAY, now=NOW,
    )  # fmt: skip
    readers = [Reader(eva.id, eva.name)]
    notes.write(case, "Ringde", mentions=[eva.id], readers=readers, actor=clerk, now=clock.now())
    attachments.add(case, [("kvitto.txt", b"Betalt")], actor=clerk, now=NOW)
    return case.reference


def _undecided(creditor: Creditor) -> str:
    """A case whose demand was not paid."""
    case = a_case_whose_reminder_left(creditor)
    lifecycle.send_demand(case, today=TODAY, now=NOW)
    case.status, case.next_step, case.next_step_on = "deciding", None, None
    return case.reference


def _tell(creditor: Creditor, case: Case) -> str:
    """Tell Eva of this and that; answers the end of the link that stops her mails."""
    eva = people.by_identity_number(EVA)
    assert eva is not None
    data = {"reference": case.reference, "invoice": "F1", "debtor": case.debtor.name}
    for kind, is_failed in (("dispute", False), ("letter_failed", True)):
        notify(
            kind, creditor_id=creditor.id, data=data, key=kind, now=clock.now(), to=[eva.id],
            is_failed=is_failed,
        )  # fmt: skip
    return addressing.stop_link(eva.id, creditor.id)


def _a_payment_that_waits(case: Case) -> int:
    """A payment by bank whose payer is known by name alone."""
    stream = io.BytesIO(bgmax(Deposit([Paid(100_000, name=case.debtor.name)], day=TODAY)))
    taking.take(taking.keep(stream, "b"), stream, way="page", by="", today=TODAY, now=NOW)
    matching.match_new(now=NOW, between=db.session.commit)
    return db.session.scalars(select(BankPayment.id).where(BankPayment.state == "waiting")).one()


def _a_refund() -> int:
    """Of a payment by bank that is for nobody here, told of in two files."""
    paid = Paid(50_000, "4711", payer="9912346", name="Kalles Plåt AB")
    files = (
        bgmax(Deposit([paid], serial="00099", day=TODAY), stamp="20260310173035019999"),
        camt(entry([paid], reference="R99", day=TODAY), message="M99"),
    )
    for data in files:
        stream = io.BytesIO(data)
        taking.take(taking.keep(stream, "b"), stream, way="page", by="", today=TODAY, now=NOW)
    matching.match_new(now=NOW, between=db.session.commit)
    payment_id = db.session.scalars(
        select(BankPayment.id).where(
            BankPayment.state == "waiting", BankPayment.payer_name == "Kalles Plåt AB"
        )
    ).one()
    deciding.send_back(payment_id, "not ours", actor=SYSTEM, now=NOW)
    db.session.commit()
    return db.session.scalars(select(Refund.id)).one()


def _draft(creditor: Creditor) -> int:
    eva = people.by_identity_number(EVA)
    assert eva is not None
    values = {**policy.effective(creditor.id).values, "is_active": True, "days_after_due": 9}
    return drafts.keep(creditor.id, eva.id, values, 1, now=clock.now())


def _people(creditor: Creditor) -> tuple[int, str]:
    """A colleague's membership, and the link of an invitation."""
    eva, sofia = people.by_identity_number(EVA), a_person_at(creditor, "collector", SOFIA)
    assert eva is not None
    links: list[str] = []
    invitations.invite(
        creditor.id, email="ny@norrsken.example", given_name="Nils", role="viewer", ends_on=None,
        language="sv", address=lambda token: links.append(token) or token,
        actor=Actor("person", eva.name, eva.id), today=clock.today(), now=clock.now(),
    )  # fmt: skip
    member = db.session.scalars(select(Membership.id).where(Membership.person_id == sofia.id)).one()
    return member, links[0]


def _a_choice(creditor: Creditor, number: str) -> int:
    eva = people.by_identity_number(EVA)
    assert eva is not None
    listed = customer_list.read_pasted(f"{number}\nK10\n{number}")
    return bulk.keep(
        creditor.id, eva.id, bulk.RULES, {"days_after_due": 20}, listed, source="pasted",
        today=TODAY, now=NOW,
    )  # fmt: skip


def _pay(case: Case) -> None:
    settled = settling.settle_payment(
        case, amount_ore=106_548, key="swish:A", channel="swish", value_on=TODAY, actor=SWISH,
        now=NOW,
    )  # fmt: skip
    db.session.add(
        Payment(
            creditor_id=case.creditor_id, case_id=case.id, channel="swish",
            channel_reference="swish:A", amount_ore=106_548, currency="SEK", value_on=TODAY,
            received_at=NOW, fees_ore=settled.parts.fees_ore,
            interest_ore=settled.parts.interest_ore, principal_ore=settled.parts.principal_ore,
            overpaid_ore=0, receipt_number="2026-9000001",
        )
    )  # fmt: skip


def _request(case: Case, status: str, *others: Case) -> str:
    paid = [case, *others]
    request = SwishRequest(
        id=booking.new_payment_id(), amount_ore=100 * len(paid), currency="SEK", status=status,
        callback_identifier="x", token="token", created_at=clock.now(),
        error_code="RF07" if status == "declined" else None,
        payment_reference="A" if status == "paid" else None,
        ended_at=clock.now() if status == "paid" else None,
    )  # fmt: skip
    db.session.add(request)
    db.session.flush()
    db.session.add_all(
        SwishPart(
            request_id=request.id, case_id=one.id, creditor_id=one.creditor_id, amount_ore=100
        )
        for one in paid
    )
    return request.id


def _a_chargeback(request_id: str, case: Case) -> int:
    rows = [
        Chargeback(
            request_id=request_id, amount_ore=100, taken_on=TODAY, status=status,
            parts=[{"case_id": case.id, "ore": 100, "refund_id": None}], reason="Fraud",
            provider_key=status, by="provider", at=NOW,
        )
        for status in ("taken", "unclear")
    ]  # fmt: skip
    db.session.add_all(rows)
    db.session.flush()
    return rows[0].id


def _order(creditor: Creditor, status: str) -> int:
    order = orders.put(
        creditor.id, "archive", {"parts": ["ledger"], "from": "2026-03-01", "to": status},
        language="en", actor=SYSTEM, now=NOW,
    )  # fmt: skip
    order.status, order.done, order.total = status, 3, 10
    if status == "done":
        order.files = [{"name": "Documents part 1.zip", "sha256": "ab" * 32, "size": 12_345_678}]
        order.finished_at, order.expires_at = NOW, NOW + timedelta(days=7)
        db.session.commit()
        orders.fetch(order, 0, actor=SYSTEM, now=NOW)
    db.session.commit()
    return order.id


def _upload(creditor: Creditor, name: str, status: str) -> int:
    upload = intake.receive(
        creditor.id, [(f"{name}.csv", f"{SHEET}\r\n{name}".encode())], actor=SYSTEM, now=NOW
    ).upload
    if status != "mapping":
        intake.map_columns(upload, dict(upload.mapping))
    if status == "imported":
        intake.import_upload(upload, actor=SYSTEM, today=TODAY, now=NOW)
    return upload.id


@pytest.fixture(scope="module")
def opened(browser: Browser, door: socket.socket) -> Iterator[Visitor]:
    """A window that is opened once: that takes as long as a page."""
    # Nothing moves, so that no colour is read on its way from light to dark.
    context = browser.new_context(locale="en", reduced_motion="reduce")
    context.set_default_timeout(20_000)
    # Compiled once, where one given to each page would be read anew each time.
    context.add_init_script(AXE)
    yield Visitor(context.new_page(), f"http://127.0.0.1:{door.getsockname()[1]}")
    context.close()


@pytest.fixture
def window(portal: Portal, opened: Visitor) -> Iterator[Visitor]:
    """The window before the portal, as somebody's who was never there."""
    opened.page.context.clear_cookies()
    opened.complaints.clear()
    yield opened
    # What a page goes on asking for would otherwise reach the next test's portal.
    opened.page.goto("about:blank")
    assert opened.complaints == []


def problems(window: Visitor) -> Iterator[str]:
    """What is wrong with the page that is open, on a phone in the light and a desk in the dark."""
    if window.page.locator("h1").count() != 1:
        yield "it has not one h1"
    for width, scheme in ((PHONE, "light"), (DESK, "dark")):
        become(window, width, scheme)
        found = window.barriers(looks_alone=width == DESK) + window.tabs_outside()
        if window.overflow() > 0:
            found.append("it is wider than the window")
        yield from (f"at {width} px: {one}" for one in found)
    become(window, PHONE, "light")


def become(window: Visitor, width: int, scheme: Literal["light", "dark"]) -> None:
    window.page.set_viewport_size({"width": width, "height": 800})
    window.page.emulate_media(color_scheme=scheme)


def look_everywhere(window: Visitor, paths: Sequence[str], languages: str) -> None:
    """Open pages in languages, and hold each against what every page must be."""
    found = []
    for path in paths:
        sign = "&" if "?" in path else "?"
        for language in languages.split():
            response = window.page.goto(f"{window.address}{path}{sign}lang={language}")
            assert response is not None
            assert response.status in (200, 422) or NOT_THERE.search(path), path
            found += [f"{path} in {language} {one}" for one in problems(window)]
    assert found == []


def enter(portal: Portal, visitor: Visitor, case: Case) -> None:
    visitor.take_session(portal.app, {"debtor_cases": [case.id]})


def sign_in(portal: Portal, visitor: Visitor, number: str) -> None:
    person = people.by_identity_number(number)
    assert person is not None
    visitor.take_session(portal.app, {"_user_id": person.get_id(), "_fresh": True})


# What tells that something is not there, or is not for whoever asks.
NOT_THERE = re.compile(r"/none$|/no$|/no-case$|^/sign/")
DEBTORS, STAFF = "sv en ar fa ti zh_Hans", "sv en"


@pytest.mark.parametrize(
    "paths",
    [
        ("", "/history", "/why/principal", "/why/interest?each=1&on=x&", "/why/fees", "/invoice"),
        ("/object", "/paid", "/wrong-person", "/situation", "/cannot-pay", "/messages"),
        ("/contact", "/data", "/pay", "/pay/bank?amount=100&", "/pay/{created}"),
        ("/pay/{declined}", "/receipts/no", "/plan", "/plan?way=amount&amount=1&day=28&"),
        ("/plan?way=months&months=3&day=28&", "/more-time"),
    ],
    ids=lambda paths: paths[0],
)
def test_a_debtors_pages(
    portal: Portal, world: World, window: Visitor, paths: tuple[str, ...]
) -> None:
    enter(portal, window, world.case)
    look_everywhere(window, world.at(f"/case/{world.case.reference}", paths), DEBTORS)


def test_what_a_debtor_owes_in_all(portal: Portal, world: World, window: Visitor) -> None:
    company = a_debtor_of(world.creditor, kind="company", name="Östers Bygg och Måleri AB")
    companys = a_case_whose_reminder_left(world.creditor, debtor=company)
    opened = [world.case.id, world.paid.id, companys.id]
    window.take_session(portal.app, {"debtor_cases": opened})
    paths = (
        "/overview", "/data", "/pay", "/pay/{together_created}", "/pay/{together_paid}/receipts",
    )  # fmt: skip
    by_bank = f"/pay/bank?cases={world.case.reference}&cases={companys.reference}&"
    look_everywhere(window, [*world.at("", paths), by_bank], DEBTORS)


def test_a_debtors_pages_of_a_case_that_is_paid_in_parts(portal: Portal, window: Visitor) -> None:
    case, today = a_case_whose_reminder_left(), clock.today()
    plans.agree(
        case, monthly_ore=40_000, first_on=today, actor=DEBTOR, today=today, now=clock.now()
    )
    db.session.commit()
    enter(portal, window, case)
    paths = [f"/case/{case.reference}{one}" for one in ("/plan", "/plan/day?day=3&", "/more-time")]
    look_everywhere(window, paths, DEBTORS)


def test_a_debtors_page_of_a_plan_that_waits_for_a_signature(
    portal: Portal, world: World, window: Visitor
) -> None:
    case, today = a_case_whose_reminder_left(), clock.today()
    case.debtor.identity_number = EVA
    plan_signing.offer(
        case, monthly_ore=40_000, first_on=today, actor=DEBTOR, today=today, now=clock.now()
    )
    db.session.commit()
    enter(portal, window, case)
    look_everywhere(window, [f"/case/{case.reference}/plan"], DEBTORS)


def test_a_debtors_pages_of_a_paid_case(portal: Portal, world: World, window: Visitor) -> None:
    enter(portal, window, world.paid)
    paths = world.at(f"/case/{world.paid.reference}", ("", "/receipts/{number}"))
    look_everywhere(window, paths, DEBTORS)


@pytest.mark.parametrize(
    "paths",
    [
        (
            "/", "/cases", "/cases?status=open&amount_from=x&cols=name,stopped,class,age&",
            "/cases?q=nobody&", "/cases/views", "/cases/together",
            "/cases/together/{draft_together}", "/cases/together/{together}", "/cases/none",
        ),
        (
            "/cases/{reference}", "/cases/{reference}/letters",
            "/cases/{reference}/money?on=2026-12-31&", "/cases/{reference}/parties",
            "/cases/{reference}/acts/credit", "/cases/{objected}", "/cases/{objected}/notes",
            "/cases/{protected}/parties", "/cases/{objected}/messages",
            "/cases/{objected}/acts/answer", "/cases/{undecided}/acts/decide",
        ),
        (
            "/invoices", "/invoices/upload", "/invoices/uploads/{mapping}/columns",
            "/invoices/uploads/{preview}/preview", "/invoices/uploads/{done}", "/rules", "/switch",
            "/rules/preview", "/rules/preview?draft={draft}&",
            "/rules/preview/invoices?draft={draft}&",
            "/rules/preview/invoices/{invoice}?draft={draft}&",
        ),
        (
            "/reports", "/reports/remittance", "/reports/open-claims", "/reports/steps",
            "/reports/payment-times", "/reports/customer-sizes", "/orders/{making}",
            "/orders/{ready}", "/statements", "/statements/{statement}",
            "/archives?parts=ledger&parts=letters&from=2026-03-01&to=2026-03-31",
        ),
        (
            "/payouts", "/payouts/owed", "/payouts/{payout}", "/payouts/{refused}",
            "/payouts/settings", "/cases/{reference}/money",
        ),
        (
            "/customers", "/customers/{customer}", "/customers/{customer}/rules",
            "/customers/expected", "/customers/many", "/customers/many/{bulk}", "/classes",
            "/classes/one?class=Retail&", "/classes/rules?class=Retail&",
        ),
        (
            "/documents", "/documents?status=completed&", "/documents/new", "/documents/{unsent}",
            "/documents/{unsent}/settings", "/documents/{unsent}/signers/new",
            "/documents/{unsent}/files/{unsent_file}/pages", "/documents/{unsent}/check",
            "/documents/{unsent}/list", "/documents/{unsent}/lists/{sending}",
            "/documents/usage", "/documents/keeping",
            "/documents/{sent}", "/documents/{sent}/signers/{sent_to}/address",
        ),
        (
            "/documents/templates", "/documents/templates/{template}",
            "/documents/templates/{template}/edit", "/documents/templates/{template}/about",
            "/documents/templates/payment_plan-sv/write?nobody=1&",
        ),
        (
            "/people", "/people/{member}", "/company/accounts/new", "/company/close", "/approvals",
            "/approvals/{approval}", "/company", "/company?edit=letter&",
            "/company?edit=contacts:new&", "/company?edit=address:invoice&",
        ),
    ],
    ids=lambda paths: paths[0],
)  # fmt: skip
def test_a_creditors_pages(
    portal: Portal, world: World, window: Visitor, paths: tuple[str, ...]
) -> None:
    sign_in(portal, window, EVA)
    look_everywhere(window, world.at(f"/creditor/{world.creditor.key}", paths), STAFF)


def test_pages_of_ones_own(portal: Portal, world: World, window: Visitor) -> None:
    sign_in(portal, window, EVA)
    paths = ("/", "/?kind=payment", "/choices", "/stop/{stop}")
    look_everywhere(window, world.at("/notifications", paths), STAFF)


def test_an_operators_pages(portal: Portal, world: World, window: Visitor) -> None:
    sign_in(portal, window, OPERATOR)
    paths = (
        "/", "/bank-files", "/payments", "/payments/{came}", "/refunds", "/refunds/{refund}",
        "/at-once", "/at-once/{together_paid}", "/at-once/{together_paid}/taken-back",
        "/chargebacks/{chargeback}/came-again", "/books", "/checks",
        "/charges", "/charges/{statement}", "/prices", "/exchange-rates",
        "/jobs", "/messages", "/messages/{kept_back}/forward", "/reviews", "/rates", "/payouts",
        "/payouts/{proposal}",
        "/payouts/{refused}", "/payouts/{payout}/statement", "/payout-batches/{batch}",
        "/reconciliation", "/reconciliation/period?first=2026-01-01&last=2026-12-31&",
        "/reconciliation/rows?first=2026-01-01&last=2026-12-31&side=books&what=swish&",
        "/reconciliation/entries/{entry}", "/reconciliation/close", "/periods/{period}",
    )  # fmt: skip
    look_everywhere(window, world.at("/operations", paths), STAFF)


def test_a_comparison_of_agreements(portal: Portal, world: World, window: Visitor) -> None:
    sign_in(portal, window, EVA)
    look_everywhere(window, ["/agreements/versions/2/changes"], STAFF)


def test_pages_before_the_agreement_is_signed(
    portal: Portal, world: World, window: Visitor
) -> None:
    sign_in(portal, window, JOHAN)
    look_everywhere(window, ["/agreements", "/creditor/"], STAFF)


def test_pages_of_an_invitation(world: World, window: Visitor) -> None:
    paths = ("/invitations/{invitation}", "/invitations/none")
    look_everywhere(window, world.at("", paths), STAFF)


def test_an_invitation_of_somebody_signed_in(portal: Portal, world: World, window: Visitor) -> None:
    sign_in(portal, window, JOHAN)
    look_everywhere(window, [f"/invitations/{world.values['invitation']}"], STAFF)


def test_pages_of_documents_to_sign(portal: Portal, world: World, window: Visitor) -> None:
    address, file = _to_sign(JOHAN)
    sign_in(portal, window, JOHAN)
    parts = ("", "/decline", "/hand-over", f"/files/{file}?from=2&")
    look_everywhere(window, ["/sign", *(f"{address}{one}" for one in parts)], STAFF)


def test_pages_of_documents_for_who_is_not_known(world: World, window: Visitor) -> None:
    look_everywhere(window, ["/sign/none", _to_sign(JOHAN)[0]], STAFF)


def test_documents_that_are_for_another(portal: Portal, world: World, window: Visitor) -> None:
    sign_in(portal, window, JOHAN)
    look_everywhere(window, [_to_sign(EVA)[0]], STAFF)


def _to_sign(number: str) -> tuple[str, str]:
    """The address of documents that somebody is to sign, and the key of the first."""
    long = NewFile("Avtal.pdf", a_pdf(), "application/pdf", 3)
    files = [long, NewFile("Pris.txt", b"1", "text/plain", None)]
    who = invited("Johan Ek", identity_number=number, may_hand_over=True, for_company="Ek AB")
    envelope = sent(a_creditor("Ek AB"), signers=[who, "Eva Berg"], files=files, message="Hej!")
    return link(envelope), envelopes.files_of(envelope)[0].key


def test_the_companies_of_somebody_with_many(portal: Portal, world: World, window: Visitor) -> None:
    for number in range(9):
        a_person_at(a_creditor(f"Bolag {number} AB"), "viewer", JOHAN)
    sign_in(portal, window, JOHAN)
    look_everywhere(window, ["/creditor/companies"], STAFF)


@pytest.mark.parametrize(
    ("paths", "languages"),
    [
        (("/", "/?reference=604812345", "/identify", "/no-case"), DEBTORS),
        (("/code", "/help", "/help/words", "/help/letters/demand"), DEBTORS),
        (("/privacy", "/accessibility", "/l/none"), DEBTORS),
        (("/sign-in", "/verify"), STAFF),
    ],
    ids=lambda one: one[0] if isinstance(one, tuple) else "",
)
def test_doors(window: Visitor, paths: tuple[str, ...], languages: str) -> None:
    look_everywhere(window, paths, languages)


def test_pages_of_a_number_that_is_not_confirmed_yet(
    portal: Portal, world: World, window: Visitor
) -> None:
    wanted = dict.fromkeys(reaching.FIELDS, "") | {"phone": "070-174 06 12", "channel": "sms"}
    now = clock.now()
    with tenancy.service():
        reaching.save(cases.lock(world.case.id), wanted, version=0, actor=DEBTOR, now=now)
        asked = select(Message.secret).where(Message.kind == "debtor_number")
        end = (db.session.scalars(asked).one() or "").rpartition("/")[2]
        db.session.commit()
    enter(portal, window, world.case)
    look_everywhere(window, [f"/number/{end}", f"/case/{world.case.reference}/contact"], DEBTORS)


@pytest.mark.parametrize("beginning", ["/", "/sign-in"])
def test_the_page_of_a_bankid_order(window: Visitor, beginning: str) -> None:
    window.go(beginning)
    window.press("Sign in with BankID")
    window.page.wait_for_selector("#order .qr-plate")
    assert list(problems(window)) == []


def test_pages_of_components(window: Visitor) -> None:
    look_everywhere(window, ["/dev/components", "/dev/debtor", "/dev/quiet"], "en")
