"""A creditor's figures reckoned row by row in plain Python, for `figures` to be held against."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from statistics import median_low

from sqlalchemy import select

from portal import clock
from portal.collection import cases
from portal.collection.models import Case, Event, Instalment, Plan
from portal.extensions import db
from portal.ledger.models import Entry, Line

FORWARD = {
    "case.reminder_sent": 1,
    "case.demand_sent": 2,
    "case.taken_to_law": 3,
    "case.watched_over": 3,
}


@dataclass
class World:
    """All rows of a creditor."""

    cases: list[Case]
    entries: dict[int, Entry]
    lines: list[Line]
    steps: dict[int, list[tuple[date, int]]]


def world_of(creditor_id: int) -> World:
    """Every row there is."""

    def every(table: type) -> list:  # type: ignore[type-arg]
        return list(db.session.scalars(select(table).where(table.creditor_id == creditor_id)))

    steps: dict[int, list[tuple[date, int]]] = defaultdict(list)
    for event in sorted(every(Event), key=lambda one: one.id):
        if event.name in FORWARD:
            steps[event.case_id].append((clock.day_of(event.occurred_at), FORWARD[event.name]))
    return World(every(Case), {one.id: one for one in every(Entry)}, every(Line), steps)


def paid(world: World, first: date, last: date, *, direct: bool) -> dict[str, int]:
    """What payments of some days paid, by account."""
    sums: dict[str, int] = defaultdict(int)
    for line in world.lines:
        kind = world.entries[line.entry_id].kind
        if not kind.startswith("payment.") or (kind == "payment.direct") is not direct:
            continue
        if first <= line.booked_on <= last and line.account in (
            "principal", "interest", "fees", "over_payment"
        ):  # fmt: skip
            sums[line.account] -= line.amount_ore
    return sums


def owed_to_creditor(world: World) -> int:
    """What is collected and not paid out."""
    return -sum(one.amount_ore for one in world.lines if one.account == "owed_to_creditor")


def unpaid_by_age(world: World, today: date) -> list[list[int]]:
    """Cases, principal, interest and fees of open cases, by days after the due date."""
    ages = [[0, 0, 0, 0] for _ in range(7)]
    for case in world.cases:
        if case.closed_on is not None:
            continue
        late = (today - case.due_on).days
        age = sum(late > last for last in (0, 30, 60, 90, 180, 365))
        due = cases.owed_on(case, today)
        for place, value in enumerate((1, due.principal_ore, due.interest_ore, due.fees_ore)):
            ages[age][place] += value
    return ages


def step_on(world: World, case: Case, day: date) -> int:
    """The step that a case had come to at the end of a day."""
    return max((step for on, step in world.steps[case.id] if on <= day), default=0)


def place_on(world: World, case: Case, day: date) -> tuple[int, int]:
    """The step, and the class of days that the case had stood at it."""
    step = step_on(world, case, day)
    since = min((on for on, one in world.steps[case.id] if one == step), default=case.opened_on)
    return step, sum((day - since).days >= first for first in (7, 14, 30, 90))


def cohort(world: World, month: date) -> tuple[int, list[int], int, int]:
    """Cases opened in a month: all, solved by step, closed otherwise, open."""
    own = [one for one in world.cases if one.opened_on.replace(day=1) == month]
    solved = [0, 0, 0, 0]
    for case in own:
        if case.status == "paid":
            solved[step_on(world, case, date.max)] += 1
    still = sum(one.closed_on is None for one in own)
    return len(own), solved, len(own) - still - sum(solved), still


def waits(world: World, today: date) -> tuple[int, int, int]:
    """How many were paid within a year, and the days of half and nine tenths of them."""
    days = sorted(
        (one.closed_on - one.opened_on).days
        for one in world.cases
        if one.status == "paid" and one.closed_on and one.closed_on > today - timedelta(days=365)
    )
    return len(days), median_low(days), days[-(-len(days) * 9 // 10) - 1]


def share_after(world: World, look: date, place: tuple[int, int], week: int) -> tuple[int, int]:
    """Of the principal at a place on a day without a plan, what came in a week after."""
    planned = set(db.session.scalars(select(Plan.case_id)))
    own = {
        case.id: case
        for case in world.cases
        if case.id not in planned
        and case.opened_on <= look
        and (case.closed_on is None or case.closed_on > look)
        and place_on(world, case, look) == place
    }
    first, last = look + timedelta(days=7 * week - 6), look + timedelta(days=7 * week)
    came = -sum(
        line.amount_ore
        for line in world.lines
        if line.case_id in own
        and line.account in ("principal", "interest")
        and line.amount_ore < 0
        and first <= line.booked_on <= last
        and world.entries[line.entry_id].kind.startswith("payment.")
        and world.entries[line.entry_id].kind != "payment.direct"
    )
    return sum(case.principal_ore for case in own.values()), came


def stands_now(world: World, today: date) -> dict[tuple[int, int], int]:
    """The principal of open cases without a running plan, by place."""
    running = set(db.session.scalars(select(Plan.case_id).where(Plan.status == "running")))
    sums: dict[tuple[int, int], int] = defaultdict(int)
    for case in world.cases:
        if case.closed_on is None and case.id not in running:
            sums[place_on(world, case, today)] += case.principal_ore
    return sums


def planned_in_week(world: World, today: date, week: int) -> int:
    """What the instalments of a week bring the creditor, when all are paid and fees come first."""
    return _planned_by(world, today + timedelta(days=7 * week)) - _planned_by(
        world, today + timedelta(days=7 * week - 7)
    )


def _planned_by(world: World, day: date) -> int:
    total = 0
    for plan in db.session.scalars(select(Plan).where(Plan.status == "running")):
        parts: Iterable[Instalment] = plan.instalments
        lines = [one for one in world.lines if one.case_id == plan.case_id]
        came = sum(
            one.amount_ore
            for one in lines
            if one.account == "client_funds" and one.booked_on >= plan.agreed_on
        )
        fees = sum(one.amount_ore for one in lines if one.account == "fees")
        rest = max(0, sum(one.amount_ore for one in parts if one.due_on <= day) - came)
        total += max(0, rest - fees)
    return total


def expected(world: World, looks: list[date], today: date, week: int) -> Fraction:
    """What a week is expected to bring beside plans: today's claims by the shares of before."""
    total = Fraction(0)
    for place, ore in stands_now(world, today).items():
        pairs = [share_after(world, look, place, week) for look in looks]
        stood, came = sum(one for one, _ in pairs), sum(one for _, one in pairs)
        total += ore * Fraction(came, stood) if stood else 0
    return total
