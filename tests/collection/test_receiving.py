"""Payments settled together, held against the settlement of one."""

import itertools
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select

from portal import ledger
from portal.collection import (
    cases,
    history,
    plans,
    rates,
    receiving,
    settling,
    states,
    stops,
    tellings,
)
from portal.collection.models import Case, Debtor, OwnContact
from portal.collection.receiving import Received
from portal.database import tenancy
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.actor import DEBTOR, SYSTEM, Actor
from portal.identity.models import Creditor
from portal.messages import Problem
from portal.payments import booking
from tests.collection.test_advancing import live
from tests.collection.twins import cases_of, everything_of, make_twins
from tests.factories import NOW, TODAY, a_case, a_person, a_reminded_case
from tests.payments.charging import a_price

BANK, OPERATOR = Actor("bank"), Actor("person", role="operator")
LATER = NOW + timedelta(days=60)


def some_payments(of: Sequence[Case], dice: random.Random) -> list[Received]:
    """Too little, just enough, too much; on days before and after; several for one case."""
    made = []
    for place, case in enumerate(of):
        for number in range(dice.choice([1, 1, 1, 2, 3])):
            day = TODAY + timedelta(days=dice.choice([20, 55, 60, 130]))
            total_ore = max(cases.amount_due(case, day).total_ore, 0)
            amount_ore = int(total_ore * dice.choice([0.02, 0.4, 0.97, 1, 1, 1.5])) + 1
            made.append(Received(case.id, amount_ore, f"{case.creditor_id}:{place}:{number}",
                                 "bankgiro", day))  # fmt: skip
    return made


def reached(creditor: Creditor) -> None:
    """Customers who are reached in every way, and some in none."""
    ways = [
        ("a@example.com", None, None), (None, "0701234567", None), ("no address", "no", None),
        (None, None, None), ("a@example.com", "0701234567", "sms"),
        ("a@example.com", None, "email"), ("a@example.com", None, "unsure"),
    ]  # fmt: skip
    customers = db.session.scalars(
        select(Debtor).where(Debtor.creditor_id == creditor.id).order_by(Debtor.id)
    )
    for customer, (email, phone, channel) in zip(customers, itertools.cycle(ways), strict=False):
        customer.email, customer.phone = email, phone
        if channel:
            unsure = "b@example.com" if channel == "unsure" else None
            db.session.add(
                OwnContact(
                    debtor_id=customer.id, creditor_id=creditor.id, email=unsure, language="ar",
                    channel="letter" if unsure else channel, version=1, changed_at=NOW,
                )
            )  # fmt: skip
    db.session.commit()
    db.session.expire_all()


def test_interest_held_back_by_a_missing_rate_is_owed_after_a_payment_that_was_taken_back(
    app: Flask,
) -> None:
    case = a_reminded_case()
    first, then = date(2026, 7, 30), date(2026, 8, 20)
    for number, ore, day in ((1, 8_000, first), (2, 20_000, then)):
        owed = cases.amount_due(case, day).total_ore
        one = Received(case.id, ore, f"bankgiro:{number}", "bankgiro", day)
        booking.receive_many([one], actor=BANK, now=LATER)
        assert cases.amount_due(case, day).total_ore == owed - ore
        if number == 1:
            booking.take_back(one.key, by_bank=False, on=day, actor=OPERATOR, now=LATER)
            rates.add(date(2026, 7, 1), Decimal(2), "a test's", actor=SYSTEM, now=LATER)


def by_day(came: list[Received]) -> list[Received]:
    return sorted(came, key=lambda one: one.value_on)


def test_payments_received_together_are_as_those_received_one_by_one(app: Flask) -> None:
    together, alone = make_twins(120, seed=4)
    a_price("25")
    for creditor in (together, alone):
        live(creditor, 40, random.Random(4))
        reached(creditor)
        for case in cases_of(creditor)[::9]:
            if case.closed_on is None:
                stops.stop(cases.lock(case.id), states.HOLD, "", actor=SYSTEM, now=NOW)
        db.session.commit()
    came = by_day(some_payments(cases_of(together), random.Random(6)))
    done = booking.receive_many(came, actor=BANK, now=LATER)
    db.session.commit()
    assert booking.receive_many(came, actor=BANK, now=LATER) == {}
    for one in by_day(some_payments(cases_of(alone), random.Random(6))):
        booking.receive(
            one.case_id, amount_ore=one.amount_ore, currency="SEK", key=one.key,
            channel=one.channel, value_on=one.value_on, payer=None, actor=BANK, now=LATER,
        )  # fmt: skip
    db.session.commit()
    db.session.expire_all()
    told = select(Message.channel).where(Message.kind == "payment").distinct()
    assert set(db.session.scalars(told)) == {"email", "sms"}
    assert len(done) == len(came)
    for one, other in zip(everything_of(together), everything_of(alone), strict=True):
        assert one == other


def test_a_payment_that_is_settled_is_not_settled_again(app: Flask) -> None:
    case = a_reminded_case()
    one = Received(case.id, 10_000, "one", "bankgiro", TODAY)
    assert list(receiving.settle_many([one], actor=BANK, now=NOW)) == ["one"]
    db.session.commit()
    assert receiving.settle_many([one], actor=BANK, now=NOW) == {}


def test_a_payment_given_twice_is_settled_once(app: Flask) -> None:
    case = a_reminded_case()
    one = Received(case.id, 10_000, "one", "bankgiro", TODAY)
    receiving.settle_many([one, one], actor=BANK, now=NOW)
    assert ledger.balance(case.id).total_ore == 106_000 - 10_000 + 548


def settled_meanwhile(app: Flask, of: list[Received], then: list[Received]) -> dict[str, object]:
    """Settle some, and others on another connection before that commits; what those answered."""

    def meanwhile() -> dict[str, object]:
        with app.app_context(), tenancy.service():
            done = dict(receiving.settle_many(then, actor=BANK, now=NOW))
            db.session.commit()
            return done

    receiving.settle_many(of, actor=BANK, now=NOW)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(meanwhile)
        time.sleep(0.5)
        db.session.commit()
        return waiting.result()


def test_two_payments_of_a_case_at_once_come_one_after_the_other(app: Flask) -> None:
    case = a_reminded_case()
    one, other = (Received(case.id, 10_000, key, "bankgiro", TODAY) for key in ("one", "other"))
    settled_meanwhile(app, [one], [other])
    assert ledger.balance(case.id) == ledger.Balance(106_548 - 20_000, 0, 0)


def test_a_payment_settled_twice_at_once_is_settled_once(app: Flask) -> None:
    case = a_reminded_case()
    one = Received(case.id, 10_000, "one", "bankgiro", TODAY)
    assert settled_meanwhile(app, [one], [one]) == {}
    names = [event.name for event in history.of_case(case.id)]
    assert names.count("case.payment_received") == 1


@pytest.mark.parametrize("amount_ore", [0, -500])
def test_a_payment_of_nothing_is_answered_and_the_others_are_settled(
    app: Flask, amount_ore: int
) -> None:
    good, bad = a_case(), a_case()
    done = receiving.settle_many(
        [
            Received(bad.id, amount_ore, "bad", "bankgiro", TODAY),
            Received(good.id, 5_000, "good", "bankgiro", TODAY),
        ],
        actor=BANK,
        now=NOW,
    )
    assert isinstance(done["bad"], Problem)
    assert isinstance(done["good"], settling.Settled)
    db.session.commit()
    assert ledger.balance(bad.id).total_ore == 100_000


def test_a_claim_older_than_the_rates_is_answered_and_the_others_are_settled(app: Flask) -> None:
    good, old = a_case(), a_case(due_on=date(1999, 2, 1))
    done = receiving.settle_many(
        [Received(one.id, 5_000, str(one.id), "bankgiro", TODAY) for one in (old, good)],
        actor=BANK,
        now=NOW,
    )
    assert isinstance(done[str(old.id)], Problem)
    assert isinstance(done[str(good.id)], settling.Settled)


def test_who_told_of_a_payment_is_kept(app: Flask) -> None:
    case, person = a_case(), a_person()
    receiving.settle_many(
        [Received(case.id, 5_000, "one", "bankgiro", TODAY)],
        actor=Actor("person", "Johan", person.id, "operator"),
        now=NOW,
    )
    event = cases.latest_event(case.id, "case.payment_received")
    assert event is not None
    assert event.actor_person_id == person.id


def test_a_plan_whose_debt_is_paid_is_kept(app: Flask) -> None:
    case = a_reminded_case()
    plan = plans.agree(
        cases.lock(case.id), monthly_ore=50_000, first_on=TODAY + timedelta(days=20),
        actor=OPERATOR, today=TODAY, now=NOW,
    )  # fmt: skip
    db.session.commit()
    receiving.settle_many(
        [Received(case.id, 1_000_000, "one", "bankgiro", TODAY)], actor=BANK, now=NOW
    )
    db.session.commit()
    assert plan.status == "kept"
    assert not cases.lock(case.id).is_stopped


def test_what_was_told_in_a_case_that_is_paid_waits_no_more(app: Flask) -> None:
    case = a_reminded_case()
    tellings.tell(
        cases.lock(case.id), tellings.PAID, facts={}, words="", files=[], language="sv",
        actor=DEBTOR, now=NOW,
    )  # fmt: skip
    db.session.commit()
    receiving.settle_many(
        [Received(case.id, 1_000_000, "one", "bankgiro", TODAY)], actor=BANK, now=NOW
    )
    db.session.commit()
    assert [one.outcome for one in tellings.of_case(case.id)] == [tellings.LAPSED]


def test_more_than_are_settled_at_once_are_settled_in_parts(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "MOST_AT_ONCE", 2)
    some = [Received(a_case().id, 5_000, str(n), "bankgiro", TODAY) for n in range(5)]
    assert len(receiving.settle_many(some, actor=BANK, now=NOW)) == 5
