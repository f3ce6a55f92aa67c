"""A case's page says why each thing happened on its day."""

from collections.abc import Callable

import pytest
from bs4 import BeautifulSoup
from flask import Flask

from portal.collection import cases, history, lifecycle, policy, settling
from portal.collection.models import Case
from portal.extensions import db
from portal.identity import people
from portal.identity.actor import SWISH, SYSTEM
from tests.factories import EVA, NOW, TODAY, a_creditor_that_signed, an_invoice_of, sign_in

Why = Callable[[str], str]


@pytest.fixture
def case(app: Flask) -> Case:
    """A reminded case whose customer has a longer time to pay than its company says."""
    rules = policy.Effective(
        {**policy.DEFAULTS, "reminder_fee_agreed": True, "reminder_days": 14},
        {"days_after_due": "company", "reminder_fee_agreed": "class", "reminder_days": "customer"},
    )
    invoice = an_invoice_of(a_creditor_that_signed())
    case = lifecycle.open_case(invoice, rules, today=TODAY, now=NOW)
    lifecycle.send_reminder(case, today=TODAY, now=NOW)
    db.session.commit()
    return case


@pytest.fixture
def why(app: Flask, case: Case) -> Why:
    """What unfolds below the event with a title; nothing when nothing does."""
    client, eva = app.test_client(), people.by_identity_number(EVA)
    assert eva is not None
    sign_in(app, client, eva)

    def why(title: str) -> str:
        page = client.get(
            f"/creditor/{case.creditor.key}/cases/{case.reference}",
            headers={"Accept-Language": "en"},
        )
        for event in BeautifulSoup(page.text, "html.parser").select(".event"):
            if event.select_one(".event-title").get_text() == title:
                return " ".join(one.get_text(" ", strip=True) for one in event.select("details"))
        raise LookupError(title)

    return why


def test_each_rule_of_a_case_is_shown_with_its_scope(why: Why) -> None:
    told = why("The invoice became a case")
    assert "Days after the due date 7, by the company's rules" in told
    assert (
        "A reminder fee is agreed with our customers Yes, by the rules of the customer class"
        in told
    )
    assert "Late interest By the Interest Act (räntelagen § 6), by the rules that hold" in told


def test_a_reminder_is_shown_with_its_law(why: Why) -> None:
    told = why("A reminder was written")
    assert "Rule: lag (1981:739) § 2, § 4" in told
    assert "Days to pay after a reminder 14, by the rules of this customer" in told
    assert "Reminder fee charged before No" in told


def test_a_payment_is_shown_with_what_was_owed(why: Why, case: Case) -> None:
    settling.settle_payment(
        cases.lock(case.id), amount_ore=50_000, key="one", channel="swish", value_on=TODAY,
        actor=SWISH, now=NOW,
    )  # fmt: skip
    db.session.commit()
    told = why("A payment came").replace("\u00a0", " ")
    assert "SEK 60.00 fees, SEK 5.48 interest, SEK 1,000.00 on the invoice" in told


def test_an_event_without_words_of_its_own_has_no_reason_to_unfold(why: Why, case: Case) -> None:
    history.record(
        "case.said", creditor_id=case.creditor_id, case_id=case.id, actor=SYSTEM, now=NOW
    )
    db.session.commit()
    assert why("case.said") == ""
