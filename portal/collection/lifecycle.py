"""What the passing of days does to a case: opened, reminded, demanded, decided on, lapsed.

Each verb does the change, its ledger entries, its event and its outgoing messages in the caller's
transaction, and does nothing the second time. `states` is the table that they go by.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import select, text

from portal import ledger
from portal.collection import (
    advancing,
    cases,
    charging,
    notices,
    plans,
    policy,
    reaching,
    settling,
    states,
    stops,
    unsent,
)
from portal.collection.charging import Charged, Facts
from portal.collection.models import Case, Invoice
from portal.collection.moves import (
    charge_creditor,
    close,
    give_up,
    interrupt_limitation,
    move,
    note_charges,
    post,
    record,
)
from portal.collection.policy import Effective
from portal.database import queue
from portal.delivery import outbox
from portal.extensions import db
from portal.identity import holds
from portal.identity.actor import SYSTEM, Actor
from portal.law import limitation
from portal.law.calendar import banking_day_on_or_after, is_banking_day
from portal.law.errors import LawError
from portal.law.fees import Charge
from portal.ledger import Account
from portal.messages import N_, Problem, RedaError
from portal.payments.references import make_ocr, reference_keys

_NEW_NUMBER = text(
    "select serial, reference, reda_is_free(reference) as is_free from ("
    " select serial, reda_reference(serial, :keys) as reference"
    " from (select nextval('case_serials') as serial) new) named"
)


class LetterUnlawful(RedaError):
    """A letter lacks something that the law requires; it must not be sent. problems: what."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(problems[0].message)
        self.problem, self.problems = problems[0], problems


class NotStopped(RedaError):
    """Only a case that waits for a person can be let go on."""

    status = 409


@dataclass(frozen=True)
class Advanced:
    """How many cases were taken in a run."""

    taken: int


def open_case(invoice: Invoice, rules: Effective, *, today: date, now: datetime) -> Case:
    """Make a case of an overdue invoice: the claim is booked and a reminder becomes due."""
    serial, reference = new_number()
    is_consumer = invoice.debtor.kind == "person"
    # When in doubt the earlier day (preskriptionslagen § 2): the invoice's, not the due date.
    arose_on = invoice.issued_on or invoice.due_on
    limited_on = limitation.limited_on(arose_on, is_consumer=is_consumer)
    assert limited_on is not None
    case = Case(
        creditor_id=invoice.creditor_id,
        debtor_id=invoice.debtor_id,
        invoice_id=invoice.id,
        serial=serial,
        reference=reference,
        ocr=make_ocr(serial),
        status=states.IMPORTED,
        next_step=states.REMINDER,
        next_step_on=banking_day_on_or_after(today),
        currency=invoice.currency,
        principal_ore=invoice.balance_ore,
        due_on=invoice.due_on,
        interest_kind=rules.interest_kind,
        agreed_rate=rules.agreed_rate,
        reminder_fee_agreed=rules.reminder_fee_agreed,
        reminder_days=rules.reminder_days,
        is_consumer=is_consumer,
        claim_arose_on=arose_on,
        limited_on=limited_on,
        opened_on=today,
        opened_at=now,
    )
    db.session.add(case)
    db.session.flush()
    post(
        case,
        ledger.CLAIM_TAKEN,
        booked_on=today,
        key=f"claim:{invoice.id}",
        lines={Account.PRINCIPAL: case.principal_ore, Account.CLAIMS: -case.principal_ore},
        now=now,
    )
    record(
        case,
        "case.imported",
        SYSTEM,
        now,
        invoice=invoice.number,
        principal_ore=case.principal_ore,
        due_on=case.due_on.isoformat(),
        **rules.told_at_import(),
    )
    stops.stop_for_what_is_known(case, now=now)
    return case


def new_number() -> tuple[int, str]:
    """A new case's serial and reference. References of old, which were drawn, are passed over."""
    while True:
        row = db.session.execute(_NEW_NUMBER, {"keys": reference_keys()}).one()
        if row.is_free:
            return row.serial, row.reference


def advance(
    today: date, now: datetime, *, writes_letters: bool = True, limit: int = 5_000
) -> Advanced:
    """Do what is due on cases up to a day; on a day that is no banking day, no letter is written.

    writes_letters: False for a day that was missed, whose letters would carry a day that is past.
    limit: cases taken in one transaction; call again until nothing moves. Two runs at once take
    different cases. A company that stands still as a whole (`holding`) is left alone, but for what
    the law lets lapse.
    """
    holds.keep_still()
    taken = _let_lapse(today, now, limit=limit)
    if not writes_letters:
        return Advanced(taken)
    taken += _end_stops(today, now, limit=limit)
    taken += _break_plans(today, now, limit=limit)
    if is_banking_day(today):
        taken += _ask_for_rests(today, now, limit=limit)
        taken += _write_held_letters(today, now, limit=limit)
        # Nobody gets the next letter before the one that was held back.
        if not holds.with_letters_left():
            taken += _take_steps(today, now, limit=limit)
    return Advanced(taken)


def _write_held_letters(today: date, now: datetime, *, limit: int) -> int:
    """Write anew what companies that stood still held back for days."""
    written = 0
    for creditor_id in holds.with_letters_left():
        withdrawn = outbox.newest_withdrawn(creditor_id)
        left = db.session.scalars(
            select(Case.id)
            .where(
                Case.id.in_(withdrawn),
                Case.status.in_(_LETTERS),
                Case.closed_on.is_(None),
                ~Case.is_stopped,
            )
            .order_by(Case.id)
            .limit(limit)
        ).all()
        for case_id in left:
            case = cases.lock(case_id)
            key = f"{now:%Y%m%d%H%M%S}"
            again = partial(_write_newest_again, case, key, actor=SYSTEM, today=today)
            _or_leave_to_a_person(case, again, today=today, now=now)
        written += len(left)
        if len(left) < limit:
            holds.letters_done(creditor_id)
    return written


def _end_stops(today: date, now: datetime, *, limit: int) -> int:
    ending = stops.ending(today, limit)
    for case_id, kind in ending:
        case = cases.lock(case_id)
        goes_on = partial(resume, case, kind, actor=SYSTEM, today=today)
        _or_leave_to_a_person(case, goes_on, today=today, now=now, ends=kind)
    return len(ending)


def _break_plans(today: date, now: datetime, *, limit: int) -> int:
    missed = plans.missed(today, limit)
    for case_id in missed:
        case = cases.lock(case_id)
        if plans.break_off(case, actor=SYSTEM, today=today, now=now):
            goes_on = partial(resume, case, states.PLAN, actor=SYSTEM, today=today)
            _or_leave_to_a_person(case, goes_on, today=today, now=now, ends=states.PLAN)
    return len(missed)


def _ask_for_rests(today: date, now: datetime, *, limit: int) -> int:
    return sum(
        plans.ask_for_rest(cases.lock(case_id), actor=SYSTEM, today=today, now=now)
        for case_id in plans.all_came(today, limit)
    )


def _take_steps(today: date, now: datetime, *, limit: int) -> int:
    taken = advancing.take_steps(today, now, limit=limit)
    for case_id in taken.alone:
        case = cases.lock(case_id)
        assert case.next_step is not None
        step = partial(_STEPS[case.next_step], case, today=today)
        _or_leave_to_a_person(case, step, today=today, now=now)
    return taken.found


def _or_leave_to_a_person(
    case: Case,
    act: Callable[..., object],
    *,
    today: date,
    now: datetime,
    ends: str | None = None,
) -> None:
    """Do something with a case; one that no rule fits must not keep the others waiting.

    ends: kind of the stop that the act takes off; a person's look takes its place.
    """
    try:
        with db.session.begin_nested():
            act(now=now)
        return
    except LetterUnlawful as error:
        problems = error.problems
    except LawError as error:
        problems = [error.problem]
    if ends is not None:
        stops.end(case, ends, actor=SYSTEM, today=today, now=now)
    stops.stop(case, states.REVIEW, "", actor=SYSTEM, now=now)
    record(
        case, "case.needs_review", SYSTEM, now, problems=[problem.as_json() for problem in problems]
    )


def let_go_on(case_id: int, *, actor: Actor, today: date, now: datetime) -> Case:
    """Try again what stopped a case, once a person has mended the reason.

    Raises NotStopped when the case does not wait for a person.
    """
    case = cases.lock(case_id)
    if not stops.end(case, states.REVIEW, actor=actor, today=today, now=now):
        raise NotStopped(N_("This case does not wait for a person any more."))
    record(case, "case.review_ended", actor, now)
    queue.defer("advance_cases", once="advance_cases")
    return case


def rules_of(case: Case) -> Effective:
    """The rules that hold for a case's customer now."""
    return policy.of_debtor(case.debtor)


def send_reminder(case: Case, *, today: date, now: datetime) -> None:
    """Charge the reminder fee where it may be charged, and put the reminder in the outbox.

    Lag (1981:739) § 2: one written reminder per claim, and only if agreed. A case that is reminded
    or closed is left as it is. Raises LetterUnlawful when the letter would lack what it must state.
    """
    if case.status != states.IMPORTED:
        return
    rules = rules_of(case)
    charged = _charge(case, charging.REMINDER, rules, today=today, now=now)
    move(case, "remind", SYSTEM)
    key = f"reminder:{case.id}"
    asked = _write(case, "reminder", charged.charges, key=key, today=today, now=now)
    case.next_step_on = step_after(case, rules)
    record(
        case,
        "case.reminder_sent",
        SYSTEM,
        now,
        charges=[asdict(one) for one in charged.charges],
        no_charge=charged.reasons,
        to_creditor=[asdict(one) for one in charged.to_creditor],
        fee_agreed=case.reminder_fee_agreed,
        fee_charged_before=case.invoice.reminder_fee_charged,
        days=case.reminder_days,
        **asked,
    )
    note_charges(case, charged.charges, today)


def send_demand(case: Case, *, today: date, now: datetime) -> None:
    """Charge what a demand may cost, and put the demand (inkassokrav) in the outbox.

    Inkassolagen § 5; lag (1981:739) §§ 3–4 a. A case that is not at this step is left as it is.
    Raises LetterUnlawful when the letter would lack what it must state.
    """
    if case.status != states.REMINDED:
        return
    rules = rules_of(case)
    charged = _charge(case, charging.DEMAND, rules, today=today, now=now)
    move(case, "demand", SYSTEM)
    key = f"demand:{case.id}"
    asked = _write(case, "demand", charged.charges, key=key, today=today, now=now)
    case.next_step_on = step_after(case, rules)
    record(
        case,
        "case.demand_sent",
        SYSTEM,
        now,
        terms=rules.chosen("demand_after_days", "demand_days", "wants_compensation"),
        charges=[asdict(one) for one in charged.charges],
        no_charge=charged.reasons,
        to_creditor=[asdict(one) for one in charged.to_creditor],
        **asked,
    )
    note_charges(case, charged.charges, today)


def step_after(case: Case, rules: Effective) -> date:
    """The day of the step that follows a case's last day to pay, at the earliest."""
    assert case.pay_by_on is not None
    is_early = case.status in (states.IMPORTED, states.REMINDED)
    wait = rules.demand_after_days if is_early else rules.decision_after_days
    return banking_day_on_or_after(case.pay_by_on + timedelta(days=wait))


def _charge(
    case: Case, letter: str, rules: Effective, *, today: date, now: datetime, again: str = ""
) -> Charged:
    """Book what a letter may cost; answers the charges, and why others were not made.

    again: names the writing of a letter that was withdrawn: it alone is charged for, and not what
    the creditor has borne for it before.
    """
    facts = Facts(
        is_consumer=case.is_consumer,
        reminder_fee_agreed=case.reminder_fee_agreed,
        bears_interest=case.interest_kind != "none" and today > case.due_on,
        wants_compensation=rules.wants_compensation,
        fee_charged_before=case.invoice.reminder_fee_charged,
        before=tuple(cases.charges(case)),
        # A letter costs nothing when only costs and interest are left to ask for.
        is_called_for=cases.amount_due(case, today).principal_ore > 0,
        creditor_pays=rules.creditor_pays,
    )
    if not again:
        found = charging.charge(letter, facts, today)
    else:
        found = charging.charge_again(letter, facts, today)
        if ledger.is_posted(f"creditor_fee:{letter}:{case.id}"):
            found = replace(found, charges=[])
    for one in found.charges:
        post(
            case,
            f"fee.{one.kind}",
            booked_on=today,
            key=f"fee:{one.kind}:{case.id}{again}",
            lines={Account.FEES: one.ore, Account.FEE_INCOME: -one.ore},
            now=now,
        )
    charge_creditor(case, found.to_creditor, booked_on=today, key=str(case.id), now=now)
    return found


_MISSING = {letter.kind: letter.missing for letter in notices.LETTERS.values()}


def _write(
    case: Case,
    kind: str,
    new: Sequence[Charge],
    *,
    key: str,
    today: date,
    now: datetime,
    not_before: date | None = None,
) -> dict[str, object]:
    """Put a letter in the outbox; answers what it asks for, for the history.

    new: charges of the same act, which the history does not tell of yet. not_before: the last day
    to pay that was given already.
    """
    rules = rules_of(case)
    days = case.reminder_days if kind == "reminder" else rules.demand_days
    pay_by_on = banking_day_on_or_after(today + timedelta(days=days))
    pay_by_on = max(pay_by_on, not_before or pay_by_on)
    charges = [*cases.charges_booked(case), *(one for one in new if one.ore)]
    said = notices.content(case, kind, charges, rules=rules, today=today, pay_by_on=pay_by_on)
    problems = _MISSING[kind](said)
    if problems:
        raise LetterUnlawful(problems)
    outbox.put(
        kind,
        case_id=case.id,
        creditor_id=case.creditor_id,
        content=said,
        secret=case.given_code,
        language=case.debtor.reads,
        to=reaching.reader(case),
        key=key,
        now=now,
    )
    case.pay_by_on = pay_by_on
    interrupt_limitation(case, today)
    return {"total_ore": said["total_ore"], "pay_by_on": pay_by_on.isoformat()}


def write_again(message_id: int, *, actor: Actor, today: date, now: datetime) -> None:
    """Write a letter that could not be sent anew, with today's sum and time to pay.

    The fee is the same, for this letter takes the other's place. Of a case that has gone on
    meanwhile, or that a stop holds, nothing is written, and the fee falls.
    Raises outbox.NotFailed, and LetterUnlawful when it would lack something.
    """
    # The case before its letter, as all who lock both do.
    case = cases.lock(outbox.failed_letter(message_id).case_id)
    given_up = outbox.withdraw(message_id)
    if not case.is_stopped and _LETTERS.get(case.status) == given_up.kind:
        _write_newest_again(case, str(message_id), actor=actor, today=today, now=now)
    else:
        settling.let_fall([given_up], now=now)


_LETTERS = {states.REMINDED: "reminder", states.DEMANDED: "demand"}


def _write_newest_again(case: Case, key: str, *, actor: Actor, today: date, now: datetime) -> None:
    kind = _LETTERS.get(case.status)
    if kind is None:
        return
    rules = rules_of(case)
    charges = _charge(case, kind, rules, today=today, now=now, again=f":{key}").charges
    asked = _write(
        case, kind, charges, key=f"{kind}:{case.id}:{key}", today=today, now=now,
        not_before=case.pay_by_on,
    )  # fmt: skip
    case.next_step_on = step_after(case, rules)
    told = {"charges": [asdict(one) for one in charges]} if charges else {}
    record(case, f"case.{kind}_written_again", actor, now, **told, **asked)
    note_charges(case, charges, today)


def resume(case: Case, kind: str, *, actor: Actor, today: date, now: datetime) -> bool:
    """End a stop and let the case go on; a letter that it held back is written anew.

    Answers whether there was such a stop.
    """
    if not stops.end(case, kind, actor=actor, today=today, now=now):
        return False
    if not case.is_stopped and outbox.is_newest_withdrawn(case.id):
        _write_newest_again(case, f"{now:%Y%m%d%H%M%S}", actor=actor, today=today, now=now)
    return True


def end_plan(case: Case, *, reason: str, actor: Actor, today: date, now: datetime) -> bool:
    """End the plan that goes on with a case, which goes on where it was. Answers if there was one.

    case: locked. Raises states.NotAllowed for a closed case.
    """
    if not plans.call_off(case, reason=reason, actor=actor, today=today, now=now):
        return False
    if case.closed_on is None:
        resume(case, states.PLAN, actor=actor, today=today, now=now)
    return True


def decide(case: Case, *, today: date, now: datetime) -> None:
    """Do what the creditor's rules say when a demand has not been paid."""
    if case.status != states.DEMANDED:
        return
    rules = rules_of(case)
    data = {"terms": rules.chosen("after_demand", "decision_after_days")}
    match rules.after_demand:
        case "legal":
            take_to_law(case, actor=SYSTEM, today=today, now=now, **data)
        case "surveillance":
            watch_over(case, actor=SYSTEM, now=now, **data)
        case "write off":
            write_off(case, actor=SYSTEM, today=today, now=now, **data)
        case "return":
            give_back(case, actor=SYSTEM, today=today, now=now, **data)
        case _:
            move(case, "wait for a decision", SYSTEM)
            record(case, "case.awaits_decision", SYSTEM, now, **data)


def take_to_law(case: Case, *, actor: Actor, today: date, now: datetime, **data: object) -> None:
    """Hand a case over for an application at the Enforcement Authority (Kronofogden).

    Inkassolagen § 6: not before the time of the demand has run out. What the application costs is
    claimed in it, and booked when it has been sent. Raises states.NotAllowed then, and while the
    case stands still.
    """
    if case.is_stopped:
        raise states.NotAllowed(N_("The case stands still. End first what stops it."))
    if case.pay_by_on is not None and today <= case.pay_by_on:
        raise states.NotAllowed(
            N_("The demand gives time to pay through %(pay_by_on)s. Wait until that day is over."),
            pay_by_on=case.pay_by_on,
        )
    move(case, "take to law", actor)
    record(case, "case.taken_to_law", actor, now, **data)


def watch_over(case: Case, *, actor: Actor, now: datetime, **data: object) -> None:
    """Put a case under long-term surveillance: it waits until the debtor can pay."""
    move(case, "watch over", actor)
    record(case, "case.watched_over", actor, now, **data)


def write_off(case: Case, *, actor: Actor, today: date, now: datetime, **data: object) -> None:
    """Give up what is owed: the claim is the creditor's loss, the fees are ours."""
    _end(case, "write off", "claim.written_off", "case.written_off", Account.BAD_DEBT, actor=actor,
         today=today, now=now, **data)  # fmt: skip


def give_back(case: Case, *, actor: Actor, today: date, now: datetime, **data: object) -> None:
    """Give a case back to its creditor, who goes on with the claim alone."""
    _end(case, "give back", "claim.returned", "case.returned", Account.BAD_DEBT, actor=actor,
         today=today, now=now, **data)  # fmt: skip


def _let_lapse(today: date, now: datetime, *, limit: int) -> int:
    """Close what is limited (preskriptionslagen § 8): it may not be demanded any more."""
    limited = db.session.scalars(
        select(Case)
        .where(Case.limited_on <= today, Case.closed_on.is_(None), Case.status != states.LEGAL)
        .order_by(Case.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for case in limited:
        _end(case, "let lapse", "claim.limited", "case.limited", Account.BAD_DEBT, actor=SYSTEM,
             today=today, now=now, limited_on=case.limited_on.isoformat())  # fmt: skip
    return len(limited)


def _end(
    case: Case,
    name: str,
    kind: str,
    event: str,
    fees_to: Account,
    *,
    actor: Actor,
    today: date,
    now: datetime,
    **data: object,
) -> None:
    move(case, name, actor)
    unsent.withdraw(case, now=now)
    left = give_up(case, kind, on=today, fees_to=fees_to, key=f"{kind}:{case.id}", now=now)
    close(case, on=today, now=now)
    record(
        case,
        event,
        actor,
        now,
        principal_ore=left.principal_ore,
        interest_ore=left.interest_ore,
        fees_ore=left.fees_ore,
        **data,
    )


_STEPS: Mapping[str, Callable[..., None]] = {
    states.REMINDER: send_reminder,
    states.DEMAND: send_demand,
    states.DECISION: decide,
}
