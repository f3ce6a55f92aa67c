"""The rules for many cases held against those for one, on a hundred thousand random cases.

Random companies, customers, rules of every scope and invoices are taken in, reminded of and
demanded together. Then each case alone is judged anew by the functions for one case: whether it
becomes a case, what it is charged, when it must be paid, when the next step comes, every word and
öre of its letter, and what the law asks of that letter. What differs is told, and nothing may. Run
as `PYTHONPATH=. python benchmarks/agreement.py [cases]`.
"""

import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

from flask import Flask
from scale import at, make_world
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from portal.collection import (
    advancing,
    cases,
    charging,
    importing,
    lifecycle,
    notices,
    owed,
    policy,
    states,
)
from portal.collection.charging import Facts
from portal.collection.models import Case, Invoice
from portal.config import ROOT
from portal.database import server, tenancy
from portal.delivery.models import Message
from portal.extensions import db
from portal.law import demand as demand_law
from portal.law import reminder as reminder_law
from portal.law.calendar import banking_day_on_or_after
from tests.collection.twins import some_invoices, some_rules
from tests.factories import TODAY, a_creditor

PER_CREDITOR = 5_000
LOOKS = ({}, {"sender_name": "Elen"}, {"logo": "0" * 64, "address": "Box 7, 903 21 Umeå"})
MISSING = {"reminder": reminder_law.missing, "demand": demand_law.missing}
seen: Counter[str] = Counter()
differ: Counter[str] = Counter()


def hold(what: str, together: object, alone: object) -> None:
    """Count a comparison; show the first that differ."""
    seen[what] += 1
    if together != alone:
        differ[what] += 1
        if differ[what] <= 3:
            print(f"{what}: together {together!r}, alone {alone!r}")


def decide(creditor_id: int) -> None:
    """Take the invoices in, and compare each decision."""
    invoices = select(Invoice).where(Invoice.creditor_id == creditor_id)
    alone = {
        invoice.id: decision.code
        for invoice, decision in policy.decide_each(
            db.session.scalars(invoices.options(joinedload(Invoice.debtor))).all(),
            creditor_id,
            today=TODAY,
        )
    }
    db.session.expunge_all()
    importing.import_waiting(creditor_id, today=TODAY, now=at(TODAY))
    db.session.commit()
    for id, reason in db.session.execute(
        select(Invoice.id, Invoice.reason).where(Invoice.creditor_id == creditor_id)
    ):
        hold("decision", reason, alone[id])


def step(day: date) -> Sequence[int]:
    """Take the steps of a day together; answers the cases that were not left to be taken alone."""
    due = select(Case.id).where(
        Case.next_step.is_not(None), ~Case.is_stopped, Case.next_step_on <= day
    )
    moved: list[int] = []
    while found := db.session.scalars(due.order_by(Case.next_step_on, Case.id).limit(5_000)).all():
        alone = set(advancing.take_steps(day, at(day), limit=5_000).alone)
        moved += [id for id in found if id not in alone]
        for case_id in alone:
            case = cases.lock(case_id)
            act = lifecycle._STEPS[case.next_step or ""]
            lifecycle._or_leave_to_a_person(
                case, lambda now, act=act, case=case: act(case, today=day, now=now),
                today=day, now=at(day),
            )  # fmt: skip
        db.session.commit()
    return moved


def compare(ids: Sequence[int], day: date) -> None:
    """Judge each case that was moved on a day alone, from what was before."""
    for start in range(0, len(ids), 500):
        some = db.session.scalars(
            select(Case)
            .where(Case.id.in_(ids[start : start + 500]))
            .options(joinedload(Case.debtor), joinedload(Case.invoice), joinedload(Case.creditor))
        ).all()
        letters = {
            (one.case_id, one.kind): one
            for one in db.session.scalars(
                select(Message).where(Message.case_id.in_([case.id for case in some]))
            )
        }
        for case in some:
            kind = {states.REMINDED: "reminder", states.DEMANDED: "demand"}.get(case.status)
            if kind is not None:
                compare_letter(case, kind, letters[case.id, kind], day)
        db.session.expunge_all()


def compare_letter(case: Case, kind: str, letter: Message, day: date) -> None:
    rules = lifecycle.rules_of(case)
    is_reminder = kind == "reminder"
    days = case.reminder_days if is_reminder else rules.demand_days
    pay_by_on = banking_day_on_or_after(day + timedelta(days=days))
    wait = rules.demand_after_days if is_reminder else rules.decision_after_days
    hold("last day to pay", case.pay_by_on, pay_by_on)
    hold("next step", case.next_step_on, banking_day_on_or_after(pay_by_on + timedelta(days=wait)))
    today = [one for one in case.charges if one["on"] == day.isoformat()]
    facts = Facts(
        case.is_consumer, case.reminder_fee_agreed,
        case.interest_kind != "none" and day > case.due_on, rules.wants_compensation,
        case.invoice.reminder_fee_charged,
        tuple(cases.charges(case)[: len(case.charges) - len(today)]),
        cases.amount_due(case, day).principal_ore > 0, rules.creditor_pays,
    )  # fmt: skip
    alone = charging.charge(kind, facts, day).charges
    hold("charges", cases.charges(case)[len(case.charges) - len(today) :], list(alone))
    charges = cases.charges_booked(case)
    said = notices.content(case, kind, charges, rules=rules, today=day, pay_by_on=pay_by_on)
    hold("letter", letter.content, said)
    hold("what the law misses", MISSING[kind](letter.content), [])


def compare_owed(on: date) -> None:
    """What all owe on a day, against what each of a tenth owes."""
    some = {one.case_id: one for one in owed.every(on) if one.case_id % 10 == 0}
    for case in db.session.scalars(select(Case).where(Case.id % 10 == 0)):
        due, one = cases.owed_on(case, on), some[case.id]
        hold("owed", (one.principal_ore, one.interest_ore, one.fees_ore),
             (due.principal_ore, due.interest_ore, due.fees_ore))  # fmt: skip


def run(app: Flask, invoices: int) -> None:
    with app.app_context(), tenancy.service():
        dice, ids = random.Random(20260310), []
        for _ in range(max(1, invoices // PER_CREDITOR)):
            creditor = a_creditor(letter=dice.choice(LOOKS))
            some_rules(creditor, dice)
            some_invoices(creditor, dice, min(invoices, PER_CREDITOR))
            ids.append(creditor.id)
        for creditor_id in ids:
            decide(creditor_id)
        for day in (TODAY, TODAY + timedelta(days=21)):
            compare(step(day), day)
        compare_owed(TODAY + timedelta(days=21))


def main(invoices: int) -> int:
    began = time.monotonic()
    urls = server.embedded(ROOT / "var" / "bench" / "postgres", "reda_agreement", keep=False)
    run(make_world(urls, 0), invoices)
    for what, count in seen.items():
        print(f"{what:20}{count:>10} compared{differ[what]:>8} differ")
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else 100_000))
