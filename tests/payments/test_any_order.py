"""Money, letters and what is taken back, in any order: the books hold, and time told is no matter.

A case to which things happen in some order owes in the end what its twin owes, which was given only
the payments that stand, in the order of their days, with the same letters.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from flask import Flask
from hypothesis import HealthCheck, Phase, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from portal import ledger
from portal.collection import cases, checks, lifecycle, owed, states
from portal.collection.models import Case
from portal.extensions import db
from portal.identity.actor import SWISH, Actor
from portal.identity.models import Creditor
from portal.ledger import Account
from portal.payments import booking, chargebacks, refunds
from portal.payments.models import Chargeback, Payment, SwishRequest
from tests.factories import NOW, TODAY, a_case, a_creditor, letters_leave, rules_of
from tests.payments.at_once import paid_at_once

ERIK, BANK = Actor("person", "Erik Wallin", None, "operator"), Actor("bank")
_serial = itertools.count(1)


@dataclass
class World:
    """A case, what has happened to it, and on which day after TODAY it is now."""

    case: Case
    day: int = 0
    letters: list[tuple[int, str]] = field(default_factory=list)
    requests: list[SwishRequest] = field(default_factory=list)

    @property
    def today(self) -> date:
        return TODAY + timedelta(days=self.day)

    @property
    def now(self) -> datetime:
        return NOW + timedelta(days=self.day)

    def held(self) -> Case:
        db.session.expire_all()
        return cases.lock(self.case.id)

    def due(self, on: date) -> cases.AmountDue:
        return cases.amount_due(self.held(), on)


def a_world(creditor: Creditor) -> World:
    return World(a_case(creditor))


def _some(due: cases.AmountDue, size: int) -> int:
    """An amount that is little, a part of what is due, nearly all, or too much."""
    kind, rest = size % 6, size // 6
    amounts = (
        100 + rest * 977 % 30_000, due.total_ore * (1 + rest % 9) // 10, due.total_ore + 500,
        due.total_ore - 500, due.total_ore + 20_000, due.total_ore // 2 + 7,
    )  # fmt: skip
    return max(100, amounts[kind] if due.total_ore > 1_000 else amounts[0])


def pay(world: World, age: int, size: int) -> None:
    """Money comes, by bank or card, some days after its own."""
    day = max(0, world.day - age)
    while any(day == on for on, _ in world.letters):
        day += 1
    on = TODAY + timedelta(days=day)
    ore = _some(world.due(on), size)
    if size % 2:
        by_bank(world, ore, on)
    else:
        world.requests.append(paid_at_once({world.held(): ore}, on=on))


def by_bank(world: World, ore: int, on: date) -> None:
    booking.receive(
        world.case.id, amount_ore=ore, currency="SEK", key=f"bankgiro:{next(_serial)}",
        channel="bankgiro", value_on=on, payer=None, actor=SWISH, now=world.now,
    )  # fmt: skip


def standing(world: World, channel: str | None = None) -> list[Payment]:
    """The payments that were not taken back, in the order of their days."""
    found = booking.payments_of(world.case.id)
    return sorted(
        (one for one in found if channel in (None, one.channel)),
        key=lambda one: (one.value_on, one.id),
    )


def take_back(world: World, which: int, how: int) -> None:
    """The bank takes one back, or an operator gave it to the wrong case."""
    if not (found := standing(world, "bankgiro")):
        return
    payment = found[which % len(found)]
    is_by_bank = how % 2 == 1
    booking.take_back(
        payment.channel_reference, by_bank=is_by_bank, on=world.today,
        actor=BANK if is_by_bank else ERIK, now=world.now,
    )  # fmt: skip
    for refund in refunds.of_booked([payment.id]):
        refunds.withdraw(refund, actor=ERIK, now=world.now)
        refunds.lose(refund, on=world.today, now=world.now)


def charge_back(world: World, which: int, part: int) -> None:
    """A card payment is charged back, wholly or in part."""
    found = [one for one in world.requests if chargebacks.left_ore(one)]
    if not found:
        return
    request = found[which % len(found)]
    left_ore = chargebacks.left_ore(request)
    ore = left_ore if part % 3 == 0 else max(1, left_ore * (1 + part % 7) // 9)
    chargebacks.take(
        request.id, ore, world.today, "domstol, T 12-26", seen_ore=left_ore, actor=ERIK,
        today=world.today, now=world.now,
    )  # fmt: skip


def come_again(world: World, which: int, _: int) -> None:
    """What was charged back is won."""
    found: list[Chargeback] = [
        one
        for request in world.requests
        for one in chargebacks.of_request(request.id)
        if one.status == chargebacks.TAKEN
    ]
    if found:
        chargebacks.come_again(
            found[which % len(found)].id, world.today, actor=ERIK, today=world.today, now=world.now
        )


def write(world: World, *_: int) -> None:
    """The next letter leaves, on a day of its own."""
    world.day += 1
    case = world.held()
    kind = {states.IMPORTED: "reminder", states.REMINDED: "demand"}.get(case.status)
    if kind is not None:
        send(world, kind)
        world.letters.append((world.day, kind))
    world.day += 1


def send(world: World, kind: str) -> None:
    letter = lifecycle.send_reminder if kind == "reminder" else lifecycle.send_demand
    letter(world.held(), today=world.today, now=world.now)
    letters_leave(kind)


ACTS: dict[str, Callable[[World, int, int], None]] = {
    "pay": pay, "take back": take_back, "charge back": charge_back, "come again": come_again,
    "write": write,
}  # fmt: skip


def twin(world: World, creditor: Creditor) -> World:
    """A case that was given what stands of another, in order."""
    other = a_world(creditor)
    letters = [(TODAY + timedelta(days=day), 0, kind) for day, kind in world.letters]
    money = [(one.value_on, place, one.amount_ore) for place, one in enumerate(standing(world), 1)]
    for on, _, what in sorted([*letters, *money], key=lambda one: one[:2]):
        other.day = (on - TODAY).days
        if isinstance(what, int):
            by_bank(other, what, on)
        elif other.held().closed_on is None:
            send(other, what)
        db.session.commit()
    return other


def sums(world: World) -> dict[str, int]:
    found: dict[str, int] = {}
    for entry in ledger.entries(world.case.id):
        for account, ore in entry.lines:
            found[account] = found.get(account, 0) + ore
    return found


def the_books_hold(world: World) -> None:
    """All sums agree with each other, and nothing is below zero."""
    creditor_id = world.case.creditor_id
    assert ledger.off_balance() == {}
    assert (booking.differences(), refunds.differences(), checks.differences()) == ([], [], [])
    booked = ledger.balance(world.case.id)
    assert min(booked.principal_ore, booked.interest_ore, booked.fees_ore) >= 0
    assert ledger.client_money(creditor_id, "SEK") >= 0
    assert ledger.own_share("SEK").short_ore == 0
    # What is too much waits for nothing that is owed.
    assert not sums(world).get(Account.OVER_PAYMENT) or not booked.total_ore
    for on in (world.today, world.today + timedelta(days=30)):
        (told,) = (one for one in owed.every(on, creditor_id) if one.case_id == world.case.id)
        assert told.total_ore == world.due(on).total_ore
    db.session.rollback()


step = st.tuples(
    st.sampled_from(sorted(ACTS)), st.integers(0, 25), st.integers(0, 30), st.integers(0, 1000)
)


@given(st.lists(step, min_size=2, max_size=7))
@example([("pay", 13, 15, 591), ("pay", 6, 14, 832), ("take back", 8, 20, 830)])
@example([("pay", 5, 1, 935), ("write", 8, 30, 922), ("pay", 2, 14, 178)])
@example(
    [("pay", 7, 15, 882), ("write", 7, 9, 881), ("pay", 0, 28, 590), ("charge back", 19, 12, 312)]
)
@example([("pay", 16, 1, 25), ("pay", 0, 14, 604), ("pay", 1, 17, 364)])
@examples(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    # Shrinking a story takes minutes.
    phases=[Phase.explicit, Phase.generate],
)
def test_what_happens_in_any_order_ends_where_it_would_in_the_order_of_days(
    app: Flask, story: list[tuple[str, int, int, int]]
) -> None:
    creditor = a_creditor()
    # A rest of ten kronor would be given up, whichever payment left it.
    rules_of(creditor, small_rest_ore=0)
    world = a_world(creditor)
    for name, days, *how in story:
        world.day += days
        ACTS[name](world, *how)
        db.session.commit()
        the_books_hold(world)
    known = twin(world, creditor)
    on = max(world.today, known.today)
    here, there = world.due(on), known.due(on)
    # Interest is rounded once for each act. What later payments had paid of the claim stays paid
    # when an earlier one is taken back, and bears no interest.
    most_ore = 3 * len(story)
    kept_ore = max(0, there.principal_ore - here.principal_ore)
    spared_ore = kept_ore * 11 * world.day // 36_500
    assert here.total_ore - there.total_ore <= most_ore
    assert there.total_ore - here.total_ore <= most_ore + spared_ore + 20
    assert (world.held().closed_on is None) is (known.held().closed_on is None)
    ours, theirs = sums(world), sums(known)
    assert ours.get(Account.FEE_INCOME, 0) == theirs.get(Account.FEE_INCOME, 0)
    too_much = [one.get(Account.OVER_PAYMENT, 0) for one in (ours, theirs)]
    assert abs(too_much[0] - too_much[1]) <= most_ore + spared_ore
