"""One act with many cases: looked at first, then done a chunk at a time, told case by case.

`prepare` notes which cases are meant and how each stands; `look` says how many of them the act
fits, and why not the others; `begin` lets it go on, and `go_on` does it. A case that has changed
since it was looked at is left alone and told. Run twice, nothing is done twice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    delete,
    func,
    insert,
    literal,
    select,
    true,
)

from portal import ledger
from portal.collection import cases, changes, lifecycle, states, stops
from portal.collection.models import ActTogether, Case, CaseTogether, Debtor, Stop
from portal.database import queue
from portal.extensions import db
from portal.identity.actor import Actor
from portal.messages import N_, Problem, RedaError

# As the doors call it.
Act = ActTogether
JOB = "act_together"
MOST = 100_000
# So many are done at once, while their person waits.
FEW = 25
_CHUNK = 100

HOLD, RESUME, RECALL, LEGAL = "hold", "resume", "recall", "legal"
SURVEILLANCE, WRITE_OFF, CLASS = "surveillance", "write off", "class"
ACTS = (HOLD, RESUME, LEGAL, SURVEILLANCE, RECALL, WRITE_OFF, CLASS)
_TRANSITION = {
    HOLD: "stop", RESUME: "go on", LEGAL: "take to law", SURVEILLANCE: "watch over",
    RECALL: "recall", WRITE_OFF: "write off", CLASS: "stop",
}  # fmt: skip
_UNDONE_BY = {HOLD: RESUME, RESUME: HOLD}

# What a case's outcome is; None while it waits for its turn.
DONE, LEFT_OUT = "done", "left out"
# Why an act does not fit a case.
CHANGED, CLOSED, NOT_HERE, NOT_HELD = "changed", "closed", "not at this step", "not on hold"
TIME_LEFT, STOPPED, SAME = "time left", "stopped", "same"


class NotThisWay(RedaError):
    """The act has gone on meanwhile."""

    status = 409


@dataclass(frozen=True)
class Group:
    """Some of the cases: why the act does not fit them, or None when it does; sums are öre."""

    reason: str | None
    count: int
    principal_ore: int
    interest_ore: int
    fees_ore: int

    @property
    def total_ore(self) -> int:
        return self.principal_ore + self.interest_ore + self.fees_ore


@dataclass(frozen=True)
class Look:
    """What an act would do: of the cases it fits, and of the others by reason."""

    fits: Group
    others: Sequence[Group]


@dataclass(frozen=True)
class LeftOut:
    """A case that nothing was done with, and why."""

    reference: str
    debtor_name: str
    reason: Problem


@dataclass(frozen=True)
class Progress:
    """How far an act has come. left_out: how many; their first ones are told by name."""

    done: int
    left_out: int
    waiting: int
    told: Sequence[LeftOut]


def prepare(
    creditor_id: int, act: str, wanted: Select[Any], *, actor: Actor, now: datetime
) -> ActTogether:
    """Note the cases that an act is for, and how each stands. wanted: a query for their ids.

    Raises RedaError for an unknown act, for no case at all, and for more than MOST.
    """
    if act not in ACTS:
        raise RedaError(N_("Choose what to do."), field="act")
    found = ActTogether(
        creditor_id=creditor_id, person_id=actor.person_id, person_name=actor.name, act=act,
        total=0, created_at=now,
    )  # fmt: skip
    db.session.add(found)
    db.session.flush()
    ids = wanted.limit(MOST + 1).subquery()
    seen = (
        select(literal(found.id), Case.id, Case.creditor_id, Case.status, Case.is_stopped)
        .join(ids, ids.c[0] == Case.id)
        .where(Case.creditor_id == creditor_id)
    )
    columns = ["act_id", "case_id", "creditor_id", "status", "is_stopped"]
    db.session.execute(insert(CaseTogether).from_select(columns, seen))
    found.total = db.session.scalar(
        select(func.count()).where(CaseTogether.act_id == found.id)
    ) or 0  # fmt: skip
    if not found.total:
        raise RedaError(N_("Mark the cases first."), field="case")
    if found.total > MOST:
        raise RedaError(
            N_("More than %(most)s cases at a time are too many. Narrow the filter."), most=MOST
        )
    db.session.flush()
    return found


def find(act_id: int) -> ActTogether | None:
    """An act, as it is now, if it may be seen."""
    return db.session.get(ActTogether, act_id, populate_existing=True)


def look(act: ActTogether, *, today: date, options: Mapping[str, Any] | None = None) -> Look:
    """How many cases an act fits as they stand now, for how much, and why not the others.

    options: of `begin`, where they decide.
    """
    reason = _reason(act, today, options or act.options).label("reason")
    owed = ledger.balances_sql(Case.id.expression)
    rows = db.session.execute(
        select(
            reason,
            func.count(),
            *(func.coalesce(func.sum(owed.c[part]), 0) for part in ("principal", "interest",
                                                                   "fees")),
        )
        .select_from(CaseTogether)
        .join(Case, Case.id == CaseTogether.case_id)
        .join(Debtor, Debtor.id == Case.debtor_id)
        .join(owed, true())
        .where(CaseTogether.act_id == act.id)
        .group_by(reason)
    )  # fmt: skip
    groups = [Group(row[0], *(int(one) for one in row[1:])) for row in rows]
    fits = next((one for one in groups if one.reason is None), Group(None, 0, 0, 0, 0))
    others = [one for one in groups if one.reason is not None]
    return Look(fits, sorted(others, key=lambda one: -one.count))


def _reason(act: ActTogether, today: date, options: Mapping[str, Any]) -> ColumnElement[Any]:
    """Why an act does not fit the case of a query, as a column; null when it does."""
    before = next(
        one.before for one in states.TRANSITIONS if one.name == _TRANSITION[act.act]
    )  # fmt: skip
    held = (
        select(Stop.id)
        .where(Stop.case_id == Case.id, Stop.kind == states.HOLD, Stop.ended_at.is_(None))
        .exists()
    )
    ways: list[tuple[ColumnElement[bool], Any]] = [
        (
            (Case.status != CaseTogether.status) | (Case.is_stopped != CaseTogether.is_stopped),
            CHANGED,
        ),
    ]
    if act.act == CLASS:
        wanted = str(options.get("customer_class", ""))
        ways.append((func.coalesce(Debtor.customer_class, "") == wanted, SAME))
        return case(*ways, else_=None)
    ways += [(Case.status.in_(states.CLOSED), CLOSED), (Case.status.not_in(before), NOT_HERE)]
    if act.act == RESUME:
        ways.append((~held, NOT_HELD))
    if act.act == HOLD:
        # Another hold has a reason and a day of its own, which taking this one back must not end.
        ways.append((held, SAME))
    if act.act in (LEGAL, SURVEILLANCE):
        # A claim that is objected to, or being paid off, is no matter for the authority.
        ways.append((Case.is_stopped.is_(True), STOPPED))
    if act.act == LEGAL:
        ways.append((and_(Case.pay_by_on.is_not(None), Case.pay_by_on >= today), TIME_LEFT))
    return case(*ways, else_=None)


def begin(act: ActTogether, options: Mapping[str, Any], *, now: datetime) -> None:
    """Let an act that was looked at go on, in the background. Once begun, nothing changes.

    options: JSON values; reason, until_on (ISO), customer_class, as the act takes them.
    Raises NotThisWay for one that was cancelled.
    """
    db.session.refresh(act, with_for_update=True)
    if act.status == "cancelled":
        raise NotThisWay(N_("This was cancelled. Mark the cases again."))
    if act.status != "draft":
        return
    act.options = dict(options)
    act.status, act.started_at = "waiting", now
    db.session.flush()
    queue.defer(JOB, once=JOB)


def cancel(act: ActTogether, *, now: datetime) -> None:
    """Do nothing more: what is done stays done."""
    db.session.refresh(act, with_for_update=True)
    if act.status in ("draft", "waiting"):
        act.status, act.ended_at = "cancelled", now
        db.session.flush()


def waiting() -> list[int]:
    """Acts that were begun and have cases left, the oldest first."""
    return list(
        db.session.scalars(
            select(ActTogether.id).where(ActTogether.status == "waiting").order_by(ActTogether.id)
        )
    )


def go_on(act_id: int, *, today: date, now: datetime) -> bool:
    """Do an act with the next cases; answers whether some may be left. Commit between two."""
    act = db.session.scalars(
        select(ActTogether).where(ActTogether.id == act_id).with_for_update()
    ).one()
    if act.status != "waiting":
        return False
    some = db.session.scalars(
        select(CaseTogether)
        .where(CaseTogether.act_id == act_id, CaseTogether.outcome.is_(None))
        .order_by(CaseTogether.case_id)
        .limit(_CHUNK)
    ).all()
    for one in some:
        _do(act, one, today=today, now=now)
    if len(some) < _CHUNK:
        act.status, act.ended_at = "done", now
    db.session.flush()
    return len(some) == _CHUNK


def _do(act: ActTogether, one: CaseTogether, *, today: date, now: datetime) -> None:
    try:
        with db.session.begin_nested():
            found = cases.lock(one.case_id)
            reason = db.session.scalar(
                select(_reason(act, today, act.options))
                .select_from(CaseTogether)
                .join(Case, Case.id == CaseTogether.case_id)
                .join(Debtor, Debtor.id == Case.debtor_id)
                .where(CaseTogether.act_id == act.id, CaseTogether.case_id == one.case_id)
            )
            if reason is not None:
                raise RedaError(REASONS[reason])
            actor = Actor("person", act.person_name, act.person_id, "creditor")
            _VERBS[act.act](found, act.options, actor, today, now)
            db.session.flush()
        one.outcome = DONE
    except RedaError as error:
        one.outcome, one.problem = LEFT_OUT, error.problem.as_json()


REASONS = {
    CHANGED: N_("It has changed since you looked at it."),
    CLOSED: N_("It is closed."),
    NOT_HERE: N_("It is not at a step where this can be done."),
    NOT_HELD: N_("It is not on hold."),
    TIME_LEFT: N_("The demand still gives time to pay."),
    STOPPED: N_("It stands still for a reason of its own."),
    SAME: N_("It is so already."),
}

Verb = Callable[[Case, Mapping[str, Any], Actor, date, datetime], object]


def _hold(found: Case, options: Mapping[str, Any], actor: Actor, _: date, now: datetime) -> None:
    until = options.get("until_on")
    stops.stop(
        found, states.HOLD, options.get("reason", ""), actor=actor, now=now,
        until_on=date.fromisoformat(until) if until else None,
    )  # fmt: skip


def _change_class(
    found: Case, options: Mapping[str, Any], actor: Actor, _: date, now: datetime
) -> None:
    wanted = options.get("customer_class") or None
    changes.change_customer(found.debtor, {"customer_class": wanted}, actor=actor, now=now)


_VERBS: Mapping[str, Verb] = {
    HOLD: _hold,
    RESUME: lambda found, _, actor, today, now: lifecycle.resume(
        found, states.HOLD, actor=actor, today=today, now=now
    ),
    RECALL: lambda found, options, actor, today, now: changes.recall(
        found, reason=options["reason"], actor=actor, today=today, now=now
    ),
    LEGAL: lambda found, _, actor, today, now: lifecycle.take_to_law(
        found, actor=actor, today=today, now=now
    ),
    SURVEILLANCE: lambda found, _, actor, today, now: lifecycle.watch_over(
        found, actor=actor, now=now
    ),
    WRITE_OFF: lambda found, options, actor, today, now: lifecycle.write_off(
        found, actor=actor, today=today, now=now, reason=options["reason"]
    ),
    CLASS: _change_class,
}


def progress(act: ActTogether, *, limit: int = 200) -> Progress:
    """How far an act has come, and the first cases that were left out."""
    rows = db.session.execute(
        select(CaseTogether.outcome, func.count())
        .where(CaseTogether.act_id == act.id)
        .group_by(CaseTogether.outcome)
    )
    counts = {outcome: int(count) for outcome, count in rows}
    left = db.session.execute(
        select(Case.reference, Debtor.name, CaseTogether.problem)
        .join(Case, Case.id == CaseTogether.case_id)
        .join(Debtor, Debtor.id == Case.debtor_id)
        .where(CaseTogether.act_id == act.id, CaseTogether.outcome == LEFT_OUT)
        .order_by(CaseTogether.case_id)
        .limit(limit)
    )
    return Progress(
        counts.get(DONE, 0),
        counts.get(LEFT_OUT, 0),
        counts.get(None, 0),
        [LeftOut(reference, name, Problem.from_json(told)) for reference, name, told in left],
    )


def undone_by(act: ActTogether) -> str | None:
    """The act that takes an act back, or None when nothing does."""
    return _UNDONE_BY.get(act.act) if act.status in ("done", "cancelled") else None


def take_back(act: ActTogether, *, actor: Actor, now: datetime) -> ActTogether:
    """Prepare what takes an act back, for the cases that it was done with.

    Raises NotThisWay when nothing does, and RedaError when no case is left of it.
    """
    other = undone_by(act)
    if other is None:
        raise NotThisWay(N_("This cannot be taken back."))
    done = select(CaseTogether.case_id).where(
        CaseTogether.act_id == act.id, CaseTogether.outcome == DONE
    )
    found = prepare(act.creditor_id, other, done, actor=actor, now=now)
    found.undoes_id = act.id
    db.session.flush()
    return found


def recent(creditor_id: int, limit: int = 50) -> list[ActTogether]:
    """What was done with many cases of a creditor, the newest first."""
    return list(
        db.session.scalars(
            select(ActTogether)
            .where(ActTogether.creditor_id == creditor_id, ActTogether.status != "draft")
            .order_by(ActTogether.id.desc())
            .limit(limit)
        )
    )


def forget_drafts(before: datetime) -> None:
    """Forget what was looked at before an instant and never begun."""
    old = select(ActTogether.id).where(
        ActTogether.status == "draft", ActTogether.created_at < before
    )
    db.session.execute(delete(CaseTogether).where(CaseTogether.act_id.in_(old)))
    db.session.execute(delete(ActTogether).where(ActTogether.id.in_(old)))


def by_references(creditor_id: int, references: Sequence[str]) -> Select[Any]:
    """A query for the ids of cases by their references, for `prepare`."""
    return select(Case.id).where(
        Case.creditor_id == creditor_id, Case.reference.in_(list(references))
    )
