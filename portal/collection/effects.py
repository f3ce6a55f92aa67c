"""What an act does to a case, found out by doing it: what is shown before is what is done.

`preview` runs the very verb, looks at the case, and takes all of it back; `perform` runs it again
and keeps it only when it has done exactly what was shown. There is no second account of what an
act does that could differ from the act.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime

from sqlalchemy import func, select

from portal import ledger
from portal.collection import cases, disputes, plans, states
from portal.collection.changes import CUSTOMER_FIELDS
from portal.collection.models import Case, Deed, Event
from portal.collection.moves import open_stops
from portal.delivery import outbox
from portal.extensions import db
from portal.identity.actor import Actor
from portal.ledger import Account
from portal.messages import N_, RedaError

# A verb with all that it needs but the case, which it gets locked.
Verb = Callable[[Case], object]
_ON_THE_WAY = ("waiting", "failed")


@dataclass(frozen=True)
class Standing:
    """How a case stands. Sums are öre, interest to today.

    stops: kind, and the day it ends by itself or None. plan: each part's last day and öre.
    objection: the newest one's status, empty without any. details: the customer's, by field.
    """

    status: str
    next_step: str | None
    next_step_on: date | None
    stops: tuple[tuple[str, date | None], ...]
    due_on: date
    pay_by_on: date | None
    principal_ore: int
    interest_ore: int
    fees_ore: int
    plan: tuple[tuple[date, int], ...]
    objection: str
    details: tuple[tuple[str, str | None], ...]

    @property
    def total_ore(self) -> int:
        return self.principal_ore + self.interest_ore + self.fees_ore


@dataclass(frozen=True)
class Letter:
    """A letter that an act writes or holds back."""

    kind: str
    channel: str
    language: str


@dataclass(frozen=True)
class Booked:
    """An entry that an act writes, as (account, öre)."""

    kind: str
    booked_on: date
    lines: tuple[tuple[Account, int], ...]


@dataclass(frozen=True)
class Effect:
    """What an act does.

    seen: names this effect on the case as it is; the same name again means the same effect.
    """

    before: Standing
    after: Standing
    written: tuple[Letter, ...]
    withdrawn: tuple[Letter, ...]
    booked: tuple[Booked, ...]
    seen: str

    @property
    def debtor_ore(self) -> int:
        """What the debtor owes more by it, in öre; below zero, less."""
        return self.after.total_ore - self.before.total_ore

    @property
    def fees_ore(self) -> int:
        """Our fees, charged or given up (below zero), in öre."""
        return self.after.fees_ore - self.before.fees_ore

    @property
    def received_ore(self) -> int:
        """What the creditor has got itself, in öre."""
        return sum(
            ore
            for one in self.booked
            for account, ore in one.lines
            if one.kind == "payment.direct" and account == Account.CLAIMS
        )

    @property
    def back_ore(self) -> int:
        """What was paid and goes back to who paid it, in öre."""
        return -sum(
            ore for one in self.booked for account, ore in one.lines
            if account == Account.OVER_PAYMENT
        )  # fmt: skip

    @property
    def charged_ore(self) -> int:
        """Our fees that the creditor bears itself, in öre."""
        return sum(
            ore
            for one in self.booked
            for account, ore in one.lines
            if account == Account.OWED_BY_CREDITOR
        )

    @property
    def lost_ore(self) -> int:
        """What the creditor gives up of the claim and its interest, in öre."""
        return -(self.debtor_ore - self.fees_ore) - self.received_ore


class NothingChanges(RedaError):
    """An act would leave all as it is."""


class DoneBefore(RedaError):
    """The act that was shown has been done already; nothing was done again."""

    status = 409


class ChangedMeanwhile(RedaError):
    """The act would no longer do what was shown. effect: what it would do now."""

    status = 409

    def __init__(self, effect: Effect) -> None:
        super().__init__(
            N_("The case, or what you wrote, has changed since this was shown. Nothing was done."
               " Look at what would happen now.")
        )  # fmt: skip
        self.effect = effect


def preview(
    case_id: int, act: str, verb: Verb, *, said: Mapping[str, object], today: date
) -> Effect:
    """What an act would do to a case. Nothing of it stays.

    act: its name. said: what the person gave for it, as JSON values.
    Raises what the verb raises, and NothingChanges when it would do nothing.
    """
    case = cases.lock(case_id)
    with _taken_back():
        return _effect(case, act, verb, said, today)


def perform(
    case_id: int,
    act: str,
    verb: Verb,
    *,
    said: Mapping[str, object],
    seen: str,
    actor: Actor,
    today: date,
    now: datetime,
) -> Effect:
    """Do an act that was shown, in the caller's transaction.

    seen: of the effect that was shown. Raises ChangedMeanwhile, with nothing done, when the act
    would now do something else; DoneBefore when it was done already; and as `preview`.
    """
    case = cases.lock(case_id)
    if db.session.scalar(select(Deed.id).where(Deed.case_id == case_id, Deed.key == seen)):
        raise DoneBefore(N_("This is done already. Nothing was done again."))
    with _kept() as keep:
        effect = _effect(case, act, verb, said, today)
        if effect.seen == seen:
            keep()
    if effect.seen != seen:
        raise ChangedMeanwhile(effect)
    db.session.add(
        Deed(
            creditor_id=case.creditor_id, case_id=case_id, key=seen, act=act,
            person_id=actor.person_id, done_at=now,
        )
    )  # fmt: skip
    db.session.flush()
    return effect


def standing(case: Case, today: date) -> Standing:
    """How a case stands on a day."""
    due = cases.amount_due(case, today)
    return Standing(
        status=case.status,
        next_step=case.next_step,
        next_step_on=case.next_step_on,
        stops=tuple((one.kind, one.until_on) for one in open_stops(case.id)),
        due_on=case.due_on,
        pay_by_on=case.pay_by_on,
        principal_ore=due.principal_ore,
        interest_ore=due.interest_ore,
        fees_ore=due.fees_ore,
        plan=tuple((one.due_on, one.amount_ore) for one in plans.instalments(case.id)),
        objection=next((one.status for one in disputes.of_case(case.id)), ""),
        details=tuple((name, getattr(case.debtor, name)) for name in CUSTOMER_FIELDS),
    )


def can(case: Case, by: str) -> set[str]:
    """Names of the transitions that somebody may make with a case as it is."""
    return {one.name for one in states.possible(case.status, by)}


@contextmanager
def _kept() -> Iterator[Callable[[], None]]:
    """What is done within stays only when the block says so."""
    savepoint = db.session.begin_nested()
    wanted: list[bool] = []
    try:
        yield lambda: wanted.append(True)
        if wanted:
            savepoint.commit()
    finally:
        if savepoint.is_active:
            savepoint.rollback()


@contextmanager
def _taken_back() -> Iterator[None]:
    with _kept():
        yield


def _effect(case: Case, act: str, verb: Verb, said: Mapping[str, object], today: date) -> Effect:
    before, told = standing(case, today), _last_event(case)
    letters = {one.id: one for one in outbox.messages_of(case.id)}
    entries = {one.id for one in ledger.entries(case.id)}
    verb(case)
    db.session.flush()
    if _last_event(case) == told:
        raise NothingChanges(N_("Nothing would change by this."))
    after = standing(case, today)
    written, withdrawn = [], []
    for message in outbox.messages_of(case.id):
        letter = Letter(message.kind, message.channel, message.language)
        old = letters.get(message.id)
        if old is None:
            written.append(letter)
        elif old.status in _ON_THE_WAY and message.status == "withdrawn":
            withdrawn.append(letter)
    booked = [
        Booked(one.kind, one.booked_on, one.lines)
        for one in ledger.entries(case.id)
        if one.id not in entries
    ]
    found = Effect(before, after, tuple(written), tuple(withdrawn), tuple(booked), "")
    return replace(found, seen=_name([act, dict(said), told, today, asdict(found)]))


def _name(of: object) -> str:
    written = json.dumps(of, default=str, sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()


def _last_event(case: Case) -> int:
    # Events of the customer's other cases do not count: they tell of the same change.
    db.session.flush()
    # A note or a file that somebody adds changes nothing of what was shown.
    newest = select(func.max(Event.id)).where(
        Event.case_id == case.id, Event.name.startswith("case.")
    )
    return db.session.scalar(newest) or 0
