"""What a company pays in of its monthly statement, instead of waiting for a payout to cover it.

A statement has an OCR number of its own, made of its number, in a part of the series that no case
ever reaches. A payment with it is matched by itself and booked in one entry: what is left of the
statement on what the company owes, and the rest on what it is owed, so that it goes out with its
next payout. Payouts take both lines as any other; what they take of a statement and of what was
paid in for it is together what they set off (`statements.set_off`).

Kronor come to the bankgiro that debtors pay to, euro to an account of their own. A company is told
when payouts have had time to cover a statement and have not, and once more when its last day to pay
is over.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy import func, select

from portal import clock, ledger
from portal.collection import history
from portal.extensions import db, settings
from portal.identity.actor import Actor
from portal.identity.models import Creditor
from portal.law import payment_time
from portal.ledger import Account
from portal.messages import N_, RedaError
from portal.notifications.telling import notify
from portal.payments import other_numbers, references, statements
from portal.payments.models import BankPayment, ServiceStatement, StatementPayment

log = structlog.get_logger()
# Payouts go out once a week at least; what two of them have not covered waits to be paid in.
TOLD_AFTER = timedelta(days=14)
# What is older was told of long ago, or before anybody was told.
_TOLD_WITHIN = timedelta(days=60)
_IN_WORDS = re.compile(rf"(?<![0-9]){references.STATEMENT_PATTERN}(?![0-9])")


@dataclass(frozen=True)
class Standing:
    """What has become of a statement, in öre.

    paid_ore: of it that the company has paid in. over_ore: that it paid in beside, and is owed.
    """

    total_ore: int
    set_off_ore: int
    paid_ore: int
    over_ore: int

    @property
    def left_ore(self) -> int:
        """What is neither paid in nor set off; below zero, what the company is owed."""
        return self.total_ore - self.set_off_ore - self.paid_ore

    @property
    def state(self) -> str:
        """credit, when nothing was ever to be paid; else over, paid, set off, part or open."""
        if self.over_ore:
            return "over"
        if self.total_ore <= 0:
            return "credit"
        if self.left_ore <= 0:
            return "paid" if self.paid_ore else "set off"
        return "part" if self.left_ore < self.total_ore else "open"


def account(currency: str) -> tuple[str, str] | None:
    """Kind (bankgiro or iban) and number of what statements are paid to, or None."""
    ours = settings()
    accounts = {"SEK": ("bankgiro", ours.service_bankgiro), "EUR": ("iban", ours.euro_account)}
    found = accounts.get(currency)
    return found if found and found[1] else None


def ocr(statement: ServiceStatement) -> str | None:
    """The number that a statement is paid with; None when there is no account to pay it to."""
    if statement.total_ore <= 0 or account(statement.currency) is None:
        return None
    return references.statement_ocr(statement.number)


def due_on(statement: ServiceStatement) -> date:
    """The last day to pay what no payout has covered."""
    return payment_time.last_day(clock.day_of(statement.made_at))


def tell_due(creditor_id: int, *, today: date, now: datetime) -> int:
    """Tell a company's people what of its statements is to be paid in; answers how many were told.

    Each once when payouts have had their time, and once after its last day to pay.
    """
    found = db.session.scalars(
        select(ServiceStatement)
        .where(
            ServiceStatement.creditor_id == creditor_id, ServiceStatement.total_ore > 0,
            ServiceStatement.made_at.between(now - _TOLD_WITHIN, now - TOLD_AFTER),
        )
        .order_by(ServiceStatement.number)
    ).all()  # fmt: skip
    told = 0
    for key, standing in standings(found, is_ordered=True).items() if found else ():
        statement = next(one for one in found if one.key == key)
        if standing.left_ore > 0 and ocr(statement) is not None:
            is_late = today > due_on(statement)
            told += notify(
                "statement", creditor_id=creditor_id, now=now,
                key=f"statement {'late' if is_late else 'due'}:{key}",
                data={
                    "event": f"statement.{'late' if is_late else 'due'}", "statement": key,
                    "amount_ore": standing.left_ore, "currency": statement.currency,
                    "until_on": due_on(statement).isoformat(),
                },
            )  # fmt: skip
    return told


def standings(
    found: Sequence[ServiceStatement], *, is_ordered: bool = False
) -> dict[str, Standing]:
    """What has become of statements, by their keys. is_ordered: as `statements.set_off_many`."""
    keys = [one.key for one in found]
    set_off = statements.set_off_many(keys, is_ordered=is_ordered)
    sums = select(
        StatementPayment.statement_key,
        func.sum(StatementPayment.covers_ore),
        func.sum(StatementPayment.amount_ore),
    )
    paid = {
        key: (int(covers), int(amount))
        for key, covers, amount in db.session.execute(
            sums.where(
                StatementPayment.statement_key.in_(keys), StatementPayment.undone_at.is_(None)
            ).group_by(StatementPayment.statement_key)
        )
    }
    answer = {}
    for one in found:
        covers, amount = paid.get(one.key, (0, 0))
        answer[one.key] = Standing(one.total_ore, set_off.get(one.key, 0), covers, amount - covers)
    return answer


def of_statement(key: str) -> list[StatementPayment]:
    """What was paid in for a statement and is not taken back, in order."""
    return list(
        db.session.scalars(
            select(StatementPayment)
            .where(StatementPayment.statement_key == key, StatementPayment.undone_at.is_(None))
            .order_by(StatementPayment.id)
        )
    )


def of_payment(payment_id: int) -> tuple[StatementPayment, ServiceStatement] | None:
    """What a bank's payment was booked on, and its statement, if it is booked on one."""
    row = db.session.execute(
        select(StatementPayment, ServiceStatement)
        .join(ServiceStatement, ServiceStatement.key == StatementPayment.statement_key)
        .where(StatementPayment.payment_id == payment_id, StatementPayment.undone_at.is_(None))
    ).first()
    return None if row is None else (row[0], row[1])


def take_surely(ids: Iterable[int], *, actor: Actor, now: datetime) -> list[int]:
    """Book new payments by bank that name one statement and nothing else.

    The payments are locked by the caller. Answers the ids of those that name a statement at all:
    what is not booked of them, such as one in another currency, is for a person.
    """
    named, sure = [], []
    for payment in db.session.scalars(
        select(BankPayment)
        .where(
            BankPayment.id.in_(ids), BankPayment.kind == "payment", BankPayment.amount_ore > 0,
            func.concat_ws(
                " ", BankPayment.text, func.array_to_string(BankPayment.reference_numbers, " ")
            ).regexp_match(references.STATEMENT_PATTERN),
        )
        .order_by(BankPayment.id)
    ):  # fmt: skip
        numbers, is_alone = _named(payment)
        statement = _by_number(max(numbers, default=0))
        if statement is None:
            continue
        named.append(payment.id)
        if is_alone and len(numbers) == 1 and statement.currency == payment.currency:
            sure.append((payment, statement))
    # Companies in the order of their ids, before the cases of other payments.
    owners = {statement.creditor_id for _, statement in sure}
    db.session.execute(
        select(Creditor.id)
        .where(Creditor.id.in_(owners))
        .order_by(Creditor.id)
        .with_for_update(key_share=True)
    ).all()
    for payment, statement in sure:
        _book(payment, statement, actor, now)
        payment.state = "settled"
    db.session.flush()
    return named


def _named(payment: BankPayment) -> tuple[set[int], bool]:
    """The statements that a payment names, and whether it names nothing else (`other_numbers`)."""
    told = [
        references.statement_number(re.sub(r"[^0-9]", "", one)) for one in payment.reference_numbers
    ]
    words = [
        references.statement_number(re.sub(r"[ -]", "", one))
        for one in _IN_WORDS.findall(payment.text)
    ]
    numbers = {one for one in (*told, *words) if one is not None}
    known = [references.statement_ocr(one) for one in numbers]
    return numbers, None not in told and not other_numbers.in_words(payment.text, known)


def _by_number(number: int) -> ServiceStatement | None:
    return db.session.scalar(select(ServiceStatement).where(ServiceStatement.number == number))


def give(payment: BankPayment, written: str, *, actor: Actor, now: datetime) -> None:
    """Book a payment that waits on the statement that a person says it is for.

    payment: all of it, locked by the caller. written: the statement's number, or its OCR number.
    Raises RedaError at the field `statement`.
    """
    digits = "".join(written.split())
    number = references.statement_number(digits)
    if number is None and digits.isascii() and digits.isdecimal() and len(digits) <= 9:
        number = int(digits)
    statement = _by_number(number or 0)
    if statement is None:
        raise RedaError(
            N_("There is no monthly statement with this number. Compare it."), field="statement"
        )
    if statement.currency != payment.currency:
        raise RedaError(
            N_("The statement is in %(currency)s. Let the payment go back."),
            field="statement", currency=statement.currency,
        )  # fmt: skip
    _book(payment, statement, actor, now)
    payment.state = "settled"
    db.session.flush()


def _book(payment: BankPayment, statement: ServiceStatement, actor: Actor, now: datetime) -> None:
    # One at a time at each company, as its payouts are proposed.
    db.session.get_one(Creditor, statement.creditor_id, with_for_update={"key_share": True})
    earlier = select(func.count()).where(StatementPayment.payment_id == payment.id)
    key = f"statement:{payment.id}:{(db.session.scalar(earlier) or 0) + 1}"
    # What two operators are approving sets off what it says, whatever is paid in meanwhile.
    left_ore = standings([statement], is_ordered=True)[statement.key].left_ore
    covers_ore = max(0, min(payment.amount_ore, left_ore))
    over_ore = payment.amount_ore - covers_ore
    ledger.post(
        creditor_id=statement.creditor_id, case_id=None, kind=ledger.STATEMENT_PAID,
        booked_on=payment.value_on, key=f"payment:{key}", currency=payment.currency, now=now,
        lines={
            Account.CLIENT_FUNDS: payment.amount_ore, Account.OWED_BY_CREDITOR: -covers_ore,
            Account.OWED_TO_CREDITOR: -over_ore,
        },
    )  # fmt: skip
    db.session.add(
        StatementPayment(
            key=key, statement_key=statement.key, creditor_id=statement.creditor_id,
            payment_id=payment.id, amount_ore=payment.amount_ore, covers_ore=covers_ore,
            currency=payment.currency, value_on=payment.value_on, by=actor.name or actor.label,
            at=now,
        )
    )  # fmt: skip
    _tell("statement.paid", statement, payment.amount_ore, over_ore, actor, now)


def undo(payment: BankPayment, *, by_bank: bool, on: date, actor: Actor, now: datetime) -> None:
    """Book back what a payment was booked on, if that is a statement; again changes nothing.

    by_bank: the bank has taken it back on a day; else it is still ours, and waits.
    """
    found = of_payment(payment.id)
    if found is None:
        return
    paid, statement = found
    over_ore = paid.amount_ore - paid.covers_ore
    way = "returned by bank" if by_bank else "taken back"
    ledger.post(
        creditor_id=paid.creditor_id, case_id=None,
        kind="payment.returned_by_bank" if by_bank else "payment.taken_back",
        booked_on=on if by_bank else paid.value_on, key=f"{way}:{paid.key}",
        currency=paid.currency, now=now,
        lines={
            Account.CLIENT_FUNDS: -paid.amount_ore, Account.OWED_BY_CREDITOR: paid.covers_ore,
            Account.OWED_TO_CREDITOR: over_ore,
        },
    )  # fmt: skip
    # What the company has had of it already, no other company's money pays.
    ledger.cover(paid.creditor_id, paid.currency, on=on, key=f"{way}:{paid.key}", now=now)
    paid.undone_by, paid.undone_at = actor.name or actor.label, now
    _tell("statement.payment_taken_back", statement, paid.amount_ore, over_ore, actor, now)


def _tell(
    event: str, statement: ServiceStatement, ore: int, over_ore: int, actor: Actor, now: datetime
) -> None:
    history.record(
        event, creditor_id=statement.creditor_id, actor=actor, now=now, number=statement.number,
        amount_ore=ore, over_ore=over_ore, currency=statement.currency,
    )  # fmt: skip
    db.session.flush()
    log.info(event, statement=statement.number)
