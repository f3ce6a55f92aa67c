"""What happens to a case, and when: opened, reminded, paid.

Each verb does the change, its ledger entries, its event and its outgoing messages in the caller's
transaction, and does nothing the second time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Sequence as DatabaseSequence
from sqlalchemy import select

from portal import ledger
from portal.collection import access, cases, history
from portal.collection.models import Case, Invoice
from portal.collection.policy import Effective
from portal.database import queue
from portal.delivery import outbox
from portal.extensions import db, settings
from portal.identity.actor import SYSTEM, Actor
from portal.law.calendar import banking_day_on_or_after, is_banking_day
from portal.law.errors import LawError
from portal.law.fees import REMINDER as REMINDER_FEE
from portal.law.fees import Charge, reminder_fee
from portal.law.reminder import missing
from portal.law.settlement import Settlement, settle
from portal.ledger import Account
from portal.messages import N_, Problem, RedaError
from portal.payments.references import make_ocr

_SERIALS = DatabaseSequence("case_serials")
REMINDER = "reminder"
AWAIT_PAYMENT = "await payment"
REVIEW = "review"


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


@dataclass(frozen=True)
class Settled:
    """What a payment covered, in öre, and what is left to pay on its day."""

    parts: Settlement
    left_ore: int


def open_case(invoice: Invoice, rules: Effective, *, today: date, now: datetime) -> Case:
    """Make a case of an overdue invoice: the claim is booked and a reminder becomes due."""
    serial = db.session.scalar(_SERIALS)
    assert serial is not None
    case = Case(
        creditor_id=invoice.creditor_id,
        debtor_id=invoice.debtor_id,
        invoice_id=invoice.id,
        serial=serial,
        reference=_free_reference(),
        ocr=make_ocr(serial),
        access_code=access.new_code(),
        status="imported",
        next_step=REMINDER,
        next_step_on=banking_day_on_or_after(today),
        currency=invoice.currency,
        principal_ore=invoice.balance_ore,
        due_on=invoice.due_on,
        interest_kind=rules.interest_kind,
        agreed_rate=rules.agreed_rate,
        reminder_fee_agreed=rules.reminder_fee_agreed,
        reminder_days=rules.reminder_days,
        opened_on=today,
        opened_at=now,
    )
    db.session.add(case)
    db.session.flush()
    ledger.post(
        creditor_id=case.creditor_id,
        case_id=case.id,
        kind="claim.taken",
        booked_on=today,
        key=f"claim:{invoice.id}",
        lines={Account.PRINCIPAL: case.principal_ore, Account.CLAIMS: -case.principal_ore},
        currency=case.currency,
        now=now,
    )
    _record(
        case,
        "case.imported",
        SYSTEM,
        now,
        invoice=invoice.number,
        principal_ore=case.principal_ore,
        due_on=case.due_on.isoformat(),
        days_after_due=rules.days_after_due,
        scope=rules.scopes.get("days_after_due", "default"),
        terms=_terms(case, rules),
    )
    return case


def _terms(case: Case, rules: Effective) -> dict[str, list[object]]:
    """The rules that hold for a case's whole life: each value and the scope that chose it."""
    values = {
        "reminder_days": case.reminder_days,
        "reminder_fee_agreed": case.reminder_fee_agreed,
        "interest_kind": case.interest_kind,
        "agreed_rate": None if case.agreed_rate is None else str(case.agreed_rate),
    }
    return {name: [value, rules.scopes.get(name, "default")] for name, value in values.items()}


def _free_reference() -> str:
    while True:
        reference = access.new_reference()
        if not db.session.scalar(select(Case.id).where(Case.reference == reference)):
            return reference


def _record(case: Case, name: str, actor: Actor, now: datetime, **data: object) -> None:
    history.record(
        name, creditor_id=case.creditor_id, case_id=case.id, actor=actor, now=now, **data
    )


def advance(today: date, now: datetime, *, limit: int = 500) -> Advanced:
    """Do what is due on cases up to a day; on a day that is no banking day, nothing.

    limit: cases taken in one transaction; call again until nothing moves. Two runs at once take
    different cases.
    """
    if not is_banking_day(today):
        return Advanced(0)
    due = db.session.scalars(
        select(Case)
        .where(Case.next_step == REMINDER, Case.next_step_on <= today)
        .order_by(Case.next_step_on, Case.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for case in due:
        try:
            with db.session.begin_nested():
                send_reminder(case, today=today, now=now)
        except LetterUnlawful as error:
            _leave_to_a_person(case, error.problems, now)
        except LawError as error:
            # One case that no rule fits must not keep the others waiting.
            _leave_to_a_person(case, [error.problem], now)
    return Advanced(len(due))


def _leave_to_a_person(case: Case, problems: Sequence[Problem], now: datetime) -> None:
    case.next_step, case.next_step_on = REVIEW, None
    _record(
        case, "case.needs_review", SYSTEM, now, problems=[problem.as_json() for problem in problems]
    )


def let_go_on(case_id: int, *, actor: Actor, today: date, now: datetime) -> Case:
    """Try again what stopped a case, once a person has mended the reason.

    Raises NotStopped when the case does not wait for a person.
    """
    case = cases.lock(case_id)
    if case.next_step != REVIEW:
        raise NotStopped(N_("This case does not wait for a person any more."))
    case.next_step, case.next_step_on = REMINDER, banking_day_on_or_after(today)
    _record(case, "case.review_ended", actor, now)
    queue.defer("advance_cases", once="advance_cases")
    return case


def send_reminder(case: Case, *, today: date, now: datetime) -> None:
    """Charge the reminder fee where it may be charged, and put the reminder in the outbox.

    Lag (1981:739) § 2: one written reminder per claim, and only if agreed. A case that is reminded
    or paid is left as it is.
    Raises LetterUnlawful when the letter would lack what it must state.
    """
    if case.status != "imported":
        return
    charge = reminder_fee(
        today,
        agreed=case.reminder_fee_agreed,
        already_charged=case.invoice.reminder_fee_charged,
    )
    if charge is not None:
        ledger.post(
            creditor_id=case.creditor_id,
            case_id=case.id,
            kind="fee.reminder",
            booked_on=today,
            key=f"fee:reminder:{case.id}",
            lines={Account.FEES: charge.ore, Account.FEE_INCOME: -charge.ore},
            currency=case.currency,
            now=now,
        )
    asked = _write_reminder(case, charge, key=f"reminder:{case.id}", today=today, now=now)
    case.status = "reminded"
    _record(
        case,
        "case.reminder_sent",
        SYSTEM,
        now,
        fee_ore=charge.ore if charge else 0,
        statute=charge.statute if charge else None,
        fee_agreed=case.reminder_fee_agreed,
        fee_charged_before=case.invoice.reminder_fee_charged,
        days=case.reminder_days,
        **asked,
    )


def _write_reminder(
    case: Case, charge: Charge | None, *, key: str, today: date, now: datetime
) -> dict[str, object]:
    """Put the letter in the outbox; answers what it asks for, for the history."""
    pay_by_on = banking_day_on_or_after(today + timedelta(days=case.reminder_days))
    content = reminder_content(case, charge, today=today, pay_by_on=pay_by_on)
    if problems := missing(content):
        raise LetterUnlawful(problems)
    outbox.put(
        "reminder",
        channel="letter",
        case_id=case.id,
        creditor_id=case.creditor_id,
        content=content,
        secret=case.access_code,
        language=case.debtor.language or "sv",
        key=key,
        now=now,
    )
    case.next_step, case.next_step_on = AWAIT_PAYMENT, pay_by_on
    return {"total_ore": content["total_ore"], "pay_by_on": pay_by_on.isoformat()}


def write_again(message_id: int, *, actor: Actor, today: date, now: datetime) -> None:
    """Write a letter that could not be sent anew, with today's sum and time to pay.

    The fee is not charged again: the debtor has had no letter. Of a case that is paid meanwhile,
    nothing is written. Raises outbox.NotFailed, and LetterUnlawful when it would lack something.
    """
    given_up = outbox.withdraw(message_id)
    case = cases.lock(given_up.case_id)
    sent = cases.latest_event(case.id, "case.reminder_sent")
    if case.status != "reminded" or sent is None:
        return
    fee_ore, statute = sent.data["fee_ore"], sent.data["statute"]
    charge = Charge(REMINDER_FEE, fee_ore, statute) if fee_ore else None
    key = f"reminder:{case.id}:{message_id}"
    asked = _write_reminder(case, charge, key=key, today=today, now=now)
    _record(case, "case.reminder_written_again", actor, now, **asked)


def reminder_content(
    case: Case, charge: Charge | None, *, today: date, pay_by_on: date
) -> dict[str, object]:
    """All that a reminder says, as JSON values: sums in öre, days in ISO form."""
    due = cases.amount_due(case, today)
    parts: list[dict[str, object]] = [{"kind": "principal", "ore": due.principal_ore}]
    if due.interest_ore:
        parts.append({"kind": "interest", "ore": due.interest_ore, "periods": _periods(case, due)})
    if charge is not None:
        parts.append({"kind": "reminder_fee", "ore": charge.ore, "statute": charge.statute})
    ours, debtor, invoice = settings(), case.debtor, case.invoice
    return {
        "creditor": {
            "name": case.creditor.name,
            "organisation_number": case.creditor.organisation_number,
        },
        "recipient": {
            "name": debtor.name,
            "address_line": debtor.address_line,
            "postcode": debtor.postcode,
            "town": debtor.town,
            "country": debtor.country,
        },
        "invoice": {
            "number": invoice.number,
            "issued_on": invoice.issued_on.isoformat() if invoice.issued_on else None,
            "due_on": invoice.due_on.isoformat(),
            "description": invoice.description or case.creditor.debt_description,
            "amount_ore": invoice.amount_ore,
        },
        "parts": parts,
        "total_ore": due.total_ore,
        "currency": case.currency,
        "reference": case.reference,
        "ocr": case.ocr,
        "account": {"kind": "bankgiro", "number": ours.service_bankgiro},
        "written_on": today.isoformat(),
        "pay_by_on": pay_by_on.isoformat(),
        "web_address": ours.base_url,
    }


def _periods(case: Case, due: cases.AmountDue) -> list[dict[str, object]]:
    return [
        {
            "from_on": period.from_on.isoformat(),
            "to_on": period.to_on.isoformat(),
            "days": period.days,
            "principal_ore": period.principal_ore,
            "per_cent": str(period.per_cent),
        }
        for period in cases.interest_stated(case, due).periods
    ]


def settle_payment(
    case: Case,
    *,
    amount_ore: int,
    key: str,
    channel: str,
    value_on: date,
    actor: Actor,
    now: datetime,
) -> Settled | None:
    """Settle money that came for a case, and close the case when nothing is left.

    case: locked by the caller. amount_ore: what came. key: the payment's own, unique for ever.
    value_on: the day the money counts from; interest runs to and including it.
    Money beyond what is owed stands as over-payment, for refund. Answers None when the payment is
    settled already.
    """
    payment_key = f"payment:{key}"
    if ledger.is_posted(payment_key):
        return None
    due = cases.amount_due(case, value_on)
    if due.accrual.ore:
        ledger.post(
            creditor_id=case.creditor_id,
            case_id=case.id,
            kind=ledger.INTEREST_ACCRUED,
            # Not further than it was counted: what a missing rate held back can still be added.
            booked_on=due.interest_through_on,
            key=f"interest:{key}",
            lines={Account.INTEREST: due.accrual.ore, Account.CLAIMS: -due.accrual.ore},
            currency=case.currency,
            now=now,
        )
    parts = settle(
        amount_ore,
        fees_ore=due.fees_ore,
        interest_ore=due.interest_ore,
        principal_ore=due.principal_ore,
    )
    to_creditor = parts.interest_ore + parts.principal_ore
    ledger.post(
        creditor_id=case.creditor_id,
        case_id=case.id,
        kind=f"payment.{channel}",
        booked_on=value_on,
        key=payment_key,
        lines={
            Account.CLIENT_FUNDS: amount_ore,
            Account.FEES: -parts.fees_ore,
            Account.INTEREST: -parts.interest_ore,
            Account.PRINCIPAL: -parts.principal_ore,
            Account.OVER_PAYMENT: -parts.overpaid_ore,
            Account.CLAIMS: to_creditor,
            Account.OWED_TO_CREDITOR: -to_creditor,
        },
        currency=case.currency,
        now=now,
    )
    left_ore = due.total_ore - amount_ore + parts.overpaid_ore
    _record(
        case,
        "case.payment_received",
        actor,
        now,
        amount_ore=amount_ore,
        channel=channel,
        value_on=value_on.isoformat(),
        fees_ore=parts.fees_ore,
        interest_ore=parts.interest_ore,
        principal_ore=parts.principal_ore,
        overpaid_ore=parts.overpaid_ore,
        left_ore=left_ore,
        owed={
            "fees_ore": due.fees_ore,
            "interest_ore": due.interest_ore,
            "principal_ore": due.principal_ore,
        },
    )
    if left_ore == 0 and case.status != "paid":
        close_as_paid(case, on=value_on, now=now)
    return Settled(parts, left_ore)


def close_as_paid(case: Case, *, on: date, now: datetime) -> None:
    """Close a case on which nothing is owed any more."""
    case.status = "paid"
    case.next_step = None
    case.next_step_on = None
    case.closed_on = on
    outbox.withdraw_unsent(case.id)
    _record(case, "case.paid", SYSTEM, now, closed_on=on.isoformat())
