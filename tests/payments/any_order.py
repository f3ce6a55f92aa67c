"""Cases to which anything happens in any order, for properties of money."""

import itertools
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import select

from portal import ledger
from portal.collection import cases, changes, checks, lifecycle, owed, states, stops
from portal.collection.models import Case
from portal.database import tenancy
from portal.extensions import db
from portal.identity.actor import SWISH, SYSTEM, Actor
from portal.ledger import Account
from portal.messages import RedaError
from portal.payments import booking, chargebacks, refunds
from portal.payments.models import Payment, Refund, SwishRequest
from tests.factories import NOW, TODAY, a_case, a_creditor, letters_leave, rules_of
from tests.payments.at_once import paid_at_once

ERIK = Actor("person", "Erik Wallin", None, "operator")
CLARA = Actor("person", "Clara", None, "creditor")
BANK = Actor("bank")
_serial = itertools.count(1)
Step = tuple[str, int, int, int]


@dataclass
class Letter:
    day: int
    kind: str


@dataclass
class World:
    """One case of a creditor, and what has happened to it. day: from TODAY."""

    case: Case
    day: int = 0
    told: list[str] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    changes: list[tuple[int, str, int]] = field(default_factory=list)
    requests: list[SwishRequest] = field(default_factory=list)

    @property
    def today(self) -> date:
        return TODAY + timedelta(days=self.day)

    @property
    def now(self) -> datetime:
        return NOW + timedelta(days=self.day, seconds=len(self.told))

    def held(self) -> Case:
        db.session.expire_all()
        return cases.lock(self.case.id)

    def owed(self, day: int) -> int:
        return cases.amount_due(self.held(), TODAY + timedelta(days=day)).total_ore

    def tell(self, text: str) -> None:
        self.told.append(f"day {self.day}: {text}")


def a_world(creditor=None, **values) -> World:
    if creditor is None:
        creditor = a_creditor()
        rules_of(creditor, small_rest_ore=0, **values)
    return World(a_case(creditor))


# Each step: (name, wait, a, b). Answers whether it did something.

def step(world: World, one: Step) -> bool:
    name, wait, a, b = one
    world.day += wait
    did = _STEPS[name](world, a, b)
    db.session.commit()
    db.session.expire_all()
    return bool(did)


def _amount(world: World, day: int, size: int) -> int:
    owes = world.owed(day)
    kind, rest = size % 6, size // 6
    if kind == 0 or owes <= 1_000:
        return 100 + (rest * 977) % 30_000
    if kind == 1:
        return max(100, owes * (1 + rest % 9) // 10)
    if kind == 2:
        return owes + 500
    if kind == 3:
        return max(100, owes - 500)
    if kind == 4:
        return owes + 20_000 + rest % 7 * 10_000
    return max(100, owes // 2 + 7)


def _day(world: World, age: int) -> int:
    day = max(0, world.day - age)
    while any(one.day == day for one in world.letters):
        day += 1
    return day


def pay(world: World, age: int, size: int) -> bool:
    day = _day(world, age)
    ore = _amount(world, day, size)
    on = TODAY + timedelta(days=day)
    if size % 2:
        key = f"bankgiro:{next(_serial)}"
        booking.receive(
            world.case.id, amount_ore=ore, currency="SEK", key=key, channel="bankgiro",
            value_on=on, payer=None, actor=SWISH, now=world.now,
        )
        world.tell(f"bank payment {key} of {ore} valued day {day}")
    else:
        request = paid_at_once({world.held(): ore}, on=on)
        world.requests.append(request)
        world.tell(f"card payment {len(world.requests)-1} of {ore} valued day {day}")
    return True


def _bank_payments(world: World) -> list[Payment]:
    return sorted(
        (one for one in booking.payments_of(world.case.id) if one.channel == "bankgiro"),
        key=lambda one: one.id,
    )


def back(world: World, which: int, by_bank: int) -> bool:
    found = _bank_payments(world)
    if not found:
        return False
    one = found[which % len(found)]
    for refund in refunds.of_booked([one.id]):
        refunds.locked(refund.id)
    booking.take_back(one.channel_reference, by_bank=bool(by_bank % 2), on=world.today,
                      actor=BANK if by_bank % 2 else ERIK, now=world.now)
    for refund in refunds.of_booked([one.id]):
        refunds.withdraw(refund, actor=ERIK, now=world.now)
        refunds.lose(refund, on=world.today, now=world.now)
    world.tell(f"{one.channel_reference} taken back {'by bank' if by_bank % 2 else 'undone'}")
    return True


def take(world: World, which: int, part: int) -> bool:
    found = [one for one in world.requests if chargebacks.left_ore(one)]
    if not found:
        return False
    request = found[which % len(found)]
    left = chargebacks.left_ore(request)
    ore = left if part % 3 == 0 else max(1, left * (1 + part % 7) // 9)
    chargebacks.take(request.id, ore, world.today, "domstol, T 12-26", seen_ore=left, actor=ERIK,
                     today=world.today, now=world.now)
    world.tell(f"chargeback of {ore} of {left} of card payment {world.requests.index(request)}")
    return True


def again(world: World, which: int, _b: int) -> bool:
    found = [
        one for request in world.requests for one in chargebacks.of_request(request.id)
        if one.status == chargebacks.TAKEN
    ]
    if not found:
        return False
    one = found[which % len(found)]
    chargebacks.come_again(one.id, world.today, actor=ERIK, today=world.today, now=world.now)
    n = [r.id for r in world.requests].index(one.request_id)
    world.tell(f"chargeback of {one.amount_ore} of card payment {n} comes again")
    return True


def letter(world: World, _a: int, _b: int) -> bool:
    world.day += 1
    case = world.held()
    if case.closed_on is not None or case.is_stopped:
        return False
    if case.status == states.IMPORTED:
        lifecycle.send_reminder(case, today=world.today, now=world.now)
        kind = "reminder"
    elif case.status == states.REMINDED:
        lifecycle.send_demand(case, today=world.today, now=world.now)
        kind = "demand"
    else:
        return False
    letters_leave(kind)
    world.letters.append(Letter(world.day, kind))
    world.tell(f"{kind} leaves")
    world.day += 1
    return True


_STEPS = {"pay": pay, "back": back, "take": take, "again": again, "letter": letter}


# What is to be seen.

def sums(case: Case) -> dict[str, int]:
    found: dict[str, int] = {}
    for entry in ledger.entries(case.id):
        for account, ore in entry.lines:
            found[str(account)] = found.get(str(account), 0) + ore
    return {account: ore for account, ore in found.items() if ore}


def wrong(world: World) -> list[str]:
    """What of the world is not as it must be."""
    db.session.expire_all()
    found = []
    case = world.case
    if ledger.off_balance():
        found.append(f"off balance {ledger.off_balance()}")
    for name, check in (("booking", booking), ("refunds", refunds), ("checks", checks)):
        if differing := check.differences():
            found.append(f"{name} differs {differing}")
    booked = ledger.balance(case.id)
    if min(booked.principal_ore, booked.interest_ore, booked.fees_ore) < 0:
        found.append(f"below zero {booked}")
    over = -sums(case).get("over_payment", 0)
    if over < 0:
        found.append(f"over-payment below zero {over}")
    if ledger.client_money(case.creditor_id, "SEK") < 0:
        found.append("client money below zero")
    own = ledger.own_share("SEK")
    if own.short_ore:
        found.append(f"short of {own.short_ore} that nothing covers")
    for days in (0, 30):
        day = world.today + timedelta(days=days)
        due = cases.amount_due(world.held(), day)
        (told,) = [one for one in owed.every(day, case.creditor_id) if one.case_id == case.id]
        if (due.principal_ore, due.interest_ore, due.fees_ore) != (
            told.principal_ore, told.interest_ore, told.fees_ore
        ):
            found.append(f"lists tell {told}, page {due.principal_ore, due.interest_ore, due.fees_ore} in {days} days")
    db.session.rollback()
    return found


def standing(world: World) -> list[Payment]:
    return sorted(booking.payments_of(world.case.id), key=lambda one: (one.value_on, one.id))


def twin(world: World) -> World:
    """A case that was given only what stands, in the order of its days, with the same letters."""
    other = a_world()
    events = [
        *((((one.value_on - TODAY).days), 1, one) for one in standing(world)),
        *((one.day, 0, one) for one in world.letters),
    ]
    for day, _, one in sorted(events, key=lambda e: (e[0], e[1])):
        other.day = max(other.day, day)
        if isinstance(one, Letter):
            case = other.held()
            # May be closed in truth by then.
            if case.closed_on is None:
                (lifecycle.send_reminder if one.kind == "reminder" else lifecycle.send_demand)(
                    case, today=TODAY + timedelta(days=day), now=NOW + timedelta(days=day))
                letters_leave(one.kind)
            db.session.commit()
            continue
        booking.receive(
            other.case.id, amount_ore=one.amount_ore, currency="SEK",
            key=f"bankgiro:twin{next(_serial)}", channel="bankgiro", value_on=one.value_on,
            payer=None, actor=SWISH, now=NOW + timedelta(days=day, hours=1),
        )
        db.session.commit()
    other.day = max(world.day, other.day)
    return other


def picture(world: World) -> dict[str, int]:
    due = cases.amount_due(world.held(), world.today + timedelta(days=20))
    found = sums(world.case)
    return {
        "claim": due.total_ore, "principal": due.principal_ore, "fees": due.fees_ore,
        "over": -found.get("over_payment", 0), "fee_income": -found.get("fee_income", 0),
        "creditor": -found.get("owed_to_creditor", 0),
        "closed": int(world.held().closed_on is not None),
    }
