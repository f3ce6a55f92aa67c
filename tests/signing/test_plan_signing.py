"""A payment plan above the creditor's limit holds once the debtor has signed it."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal import clock
from portal.collection import cases, plan_offers, plans, tellings
from portal.collection.models import Case, Event, Plan
from portal.database import tenancy
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity import signatories
from portal.identity.actor import DEBTOR, Actor
from portal.messages import RedaError
from portal.signing import envelopes, plan_signing
from portal.signing.models import Envelope, EnvelopeSignature, SignatureUse
from tests.bankid_fixtures import Phone
from tests.debtor.test_pages import a_case_of_today, pay
from tests.factories import EVA, JOHAN, a_creditor, enter_case, letters_leave, rules_of
from tests.signing.ceremonies import identify, link, names_of, sent, sign, start_to_sign
from tests.signing.envelopes import invited
from tests.signing.pages import Browser, later, order_ref, words

CLERK = Actor("person", "Sofia", role="creditor")
CHILD = "201508192381"


@pytest.fixture
def case(app: Flask) -> Case:
    creditor = a_creditor()
    rules_of(creditor, plan_sign_over_ore=50_000)
    return with_number(a_case_of_today(creditor=creditor))


def with_number(case: Case, number: str | None = EVA, **values: object) -> Case:
    case.debtor.identity_number = number
    case.debtor.email = "eva@debtor.example"
    for name, value in values.items():
        setattr(case.debtor, name, value)
    db.session.commit()
    return case


def terms_of(case: Case, monthly_ore: int = 40_000, **values: Any) -> dict[str, Any]:
    today = clock.today()
    first_on = today + timedelta(days=20)
    return {
        "monthly_ore": monthly_ore, "first_on": first_on, "actor": DEBTOR, "today": today,
        "now": clock.now(), **values,
    }  # fmt: skip


def offer(case: Case, **values: Any) -> Envelope:
    envelope = plan_signing.offer(cases.lock(case.id), **terms_of(case, **values))
    db.session.commit()
    return envelope


def running() -> int:
    return db.session.scalar(select(func.count()).select_from(Plan)) or 0


def signed(browser: Browser, phone: Phone, envelope: Envelope, number: str = EVA) -> str:
    identify(browser, phone, link(envelope), number)
    return words(sign(browser, phone, link(envelope), number))


def test_it_is_agreed_on_as_it_is_signed(browser: Browser, phone: Phone, case: Case) -> None:
    envelope = offer(case)
    assert running() == 0
    assert "You have signed" in signed(browser, phone, envelope)
    assert running() == 1
    assert names_of(envelope)[-2:] == ["signed", "completed"]


def test_a_signed_plan_is_counted_for_the_company(
    browser: Browser, phone: Phone, case: Case
) -> None:
    signed(browser, phone, offer(case))
    assert db.session.scalars(select(SignatureUse.kind)).all() == ["payment_plan"]


def test_until_it_is_signed_the_case_goes_on(case: Case) -> None:
    offer(case)
    db.session.refresh(case)
    assert not case.is_stopped


def test_a_plan_signed_another_day_is_the_one_that_was_shown(case: Case) -> None:
    letters_leave()
    envelope = offer(case)
    then = clock.now() + timedelta(days=2)
    plan_signing.settle(envelope, now=then)
    (plan,) = db.session.scalars(select(Plan))
    assert plan.agreed_on == clock.day_of(then)
    terms = terms_of(case)
    proposal = plan_offers.propose(
        case, monthly_ore=40_000, first_on=terms["first_on"], today=terms["today"]
    )
    assert [one.amount_ore for one in plan.instalments][:-1] == [
        one.amount_ore for one in proposal.parts
    ][:-1]


def test_what_is_owed_has_changed_so_it_is_not_agreed_on(
    browser: Browser, phone: Phone, case: Case
) -> None:
    envelope = offer(case)
    identify(browser, phone, link(envelope))
    pay(case, 10_000)
    browser_says = sign_late(browser, phone, envelope)
    assert "What you owe has changed" in browser_says
    db.session.refresh(envelope)
    assert (running(), envelope.status) == (0, "withdrawn")
    assert db.session.query(EnvelopeSignature).count() == 0
    assert "sign_failed" in names_of(envelope)
    assert db.session.scalars(select(Message.kind).where(Message.kind == "sign_ended")).all()
    assert "document.overtaken" in db.session.scalars(select(Event.name)).all()


def sign_late(browser: Browser, phone: Phone, envelope: Envelope) -> str:
    """Sign; the page after it says that it is over."""
    order = start_to_sign(browser, link(envelope))
    phone.approve(order_ref(phone), EVA)
    later()
    return words(browser.page(order, 410))


def test_finished_twice_it_is_agreed_on_once(browser: Browser, phone: Phone, case: Case) -> None:
    envelope = offer(case)
    identify(browser, phone, link(envelope))
    order = start_to_sign(browser, link(envelope))
    phone.approve(order_ref(phone), EVA)
    later()
    for _ in range(2):
        browser.get(order)
    assert (running(), db.session.query(EnvelopeSignature).count()) == (1, 1)


def test_a_plan_that_a_clerk_agreed_on_meanwhile_stands_alone(
    browser: Browser, phone: Phone, case: Case
) -> None:
    envelope = offer(case)
    identify(browser, phone, link(envelope))
    terms = terms_of(case, 45_000, actor=CLERK)
    plans.agree(cases.lock(case.id), **terms, is_signed=True)
    db.session.commit()
    sign_late(browser, phone, envelope)
    assert running() == 1


def test_one_that_was_written_by_hand_is_signed_like_any_document(
    browser: Browser, phone: Phone, case: Case
) -> None:
    signer = invited("Eva Berg", identity_number=EVA)
    envelope = sent(case.creditor, kind="payment_plan", signers=[signer], case_id=case.id)
    assert plan_signing.pending(case.id, clock.today()) is None
    assert "You have signed" in signed(browser, phone, envelope)
    assert running() == 0


def test_an_offer_stands_three_days(case: Case) -> None:
    envelope = offer(case)
    today = clock.today()
    assert envelope.last_on == today + timedelta(days=3)
    with tenancy.service():
        envelopes.expire(today=today + timedelta(days=4), now=clock.now() + timedelta(days=4))
    assert envelope.status == "expired"


def test_it_stands_no_longer_than_to_its_first_payment(case: Case) -> None:
    first_on = clock.today() + timedelta(days=1)
    assert offer(case, first_on=first_on).last_on == first_on


def test_the_same_plan_twice_is_offered_once(case: Case) -> None:
    assert offer(case).id == offer(case).id


def test_another_plan_takes_its_place(case: Case) -> None:
    first, second = offer(case), offer(case, monthly_ore=30_000)
    db.session.refresh(first)
    assert (first.status, second.status) == ("withdrawn", "open")
    waits = plan_signing.pending(case.id, clock.today())
    assert waits is not None
    assert waits.id == second.id


def test_no_verb_goes_round_the_signature(case: Case) -> None:
    with pytest.raises(plans.NotSigned):
        plans.agree(cases.lock(case.id), **terms_of(case))


@pytest.mark.parametrize("number", [None, CHILD])
def test_who_cannot_sign_is_led_to_a_person(case: Case, number: str | None) -> None:
    with_number(case, number)
    with pytest.raises(plan_signing.CannotSign):
        offer(case)


def told(case: Case, kind: str) -> None:
    tellings.tell(
        case, kind, facts=tellings.situation_facts(since=None, contact="", today=clock.today()),
        words="w", files=[], language="sv", actor=DEBTOR, now=clock.now(),
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["minor", "represented"])
def test_nor_does_who_has_somebody_to_act_for_them(case: Case, kind: str) -> None:
    told(case, kind)
    with pytest.raises(RedaError):
        plan_signing.require_able(case, clock.today())


@pytest.mark.parametrize("kind", ["minor", "represented"])
def test_who_was_found_to_act_for_themselves_signs(case: Case, kind: str) -> None:
    told(case, kind)
    tellings.answer(
        cases.lock(case.id), kind, tellings.GOES_ON, words="w", actor=CLERK, today=clock.today(),
        now=clock.now(),
    )  # fmt: skip
    plan_signing.require_able(case, clock.today())


def test_a_clerk_is_told_why_the_debtor_cannot(case: Case) -> None:
    with_number(case, None)
    with pytest.raises(RedaError) as error:
        plan_signing.offer_from_desk(cases.lock(case.id), **terms_of(case, actor=CLERK))
    assert "identity number is missing" in error.value.problem.message


def test_somebody_else_does_not_sign_it(browser: Browser, phone: Phone, case: Case) -> None:
    page = identify(browser, phone, link(offer(case)), JOHAN)
    assert "These documents are for somebody else" in words(page)


class TestCompany:
    NUMBER = "5566778899"

    @pytest.fixture
    def envelope(self, case: Case) -> Envelope:
        with_number(case, self.NUMBER, kind="company", name="Fisk AB")
        return offer(case)

    def test_nobody_but_its_signatory_reads_it(
        self, browser: Browser, phone: Phone, envelope: Envelope
    ) -> None:
        page = identify(browser, phone, link(envelope), EVA)
        assert "These documents are for somebody else" in words(page)

    def test_its_signatory_signs(self, browser: Browser, phone: Phone, envelope: Envelope) -> None:
        with tenancy.service():
            signatories.tell(
                self.NUMBER, EVA, from_on=clock.today(), until_on=None, source="s",
                now=clock.now(),
            )  # fmt: skip
            db.session.commit()
        assert "You have signed" in signed(browser, phone, envelope)
        assert running() == 1


def test_from_the_page_of_the_case_it_leads_to_the_signature(
    app: Flask, browser: Browser, case: Case
) -> None:
    enter_case(app, browser.client, case)
    path = f"/case/{case.reference}/plan"
    page = browser.page(f"{path}?way=amount&amount=400&months=&day=28&lang=en")
    assert "The plan holds once you have signed it with BankID" in words(page)
    answer = browser.press(page, "Read and sign")
    assert answer.headers["Location"].startswith("/sign/")
    assert "Read and sign" in words(browser.page(f"{path}?lang=en"))
