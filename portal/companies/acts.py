"""What needs two administrators: payout accounts, and closing a company or opening it again."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select, update

from portal.collection import closing, history
from portal.companies import accounts
from portal.companies.models import PayoutAccount
from portal.database import queue
from portal.extensions import db
from portal.identity.actor import Actor
from portal.identity.models import Creditor
from portal.identity.people import new_key
from portal.messages import N_, RedaError
from portal.payments.accounts import written_account
from portal.signing import approvals
from portal.signing.approvals import Act, Values

ADD, REMOVE, USE = "account.add", "account.remove", "account.use"
CLOSE, REOPEN = "company.close", "company.reopen"
CLOSED_CASES = ("finish", "return")
RETURN_JOB = "return_cases"
_KINDS = {"bankgiro": "Bankgiro", "plusgiro": "Plusgiro", "iban": "IBAN"}
_CASES = {
    "finish": "Öppna ärenden drivs till sitt slut",
    "return": "Öppna ärenden återkallas och lämnas tillbaka",
}


def propose_account(
    creditor_id: int, values: Values, *, is_used: bool, actor: Actor, now: datetime
) -> str:
    """Propose to add an account. values: kind, number as typed, holder, currency.

    Answers the proposal's key. Raises RedaError at the field, or when it is there already.
    """
    checked = accounts.checked({name: str(value or "") for name, value in values.items()})
    _refuse_known(creditor_id, checked)
    proposed = {**checked, "is_used": is_used}
    return approvals.propose(creditor_id, ADD, proposed, actor=actor, now=now).key


def propose_change(
    creditor_id: int, kind: str, account_key: str, *, actor: Actor, now: datetime
) -> str:
    """Propose to use an account, or to remove one. kind: USE or REMOVE. Answers the key.

    Raises RedaError when it is gone, in use already, or the last one.
    """
    row = _account(creditor_id, account_key)
    if kind == USE and row.is_used:
        raise RedaError(N_("This account is in use already."))
    if kind == REMOVE:
        _refuse_last(creditor_id, row)
    return approvals.propose(creditor_id, kind, {"account": row.key}, actor=actor, now=now).key


def propose_closing(creditor_id: int, cases: str, *, actor: Actor, now: datetime) -> str:
    """Propose to close a company. cases: one of CLOSED_CASES. Answers the proposal's key."""
    if cases not in CLOSED_CASES:
        raise RedaError(N_("Choose one of the options."), field="cases")
    if db.session.get_one(Creditor, creditor_id).closed_at is not None:
        raise RedaError(N_("The company is closed already."))
    return approvals.propose(creditor_id, CLOSE, {"cases": cases}, actor=actor, now=now).key


def propose_reopening(creditor_id: int, *, actor: Actor, now: datetime) -> str:
    """Propose to open a closed company again. Answers the proposal's key."""
    if db.session.get_one(Creditor, creditor_id).closed_at is None:
        raise RedaError(N_("The company is not closed."))
    return approvals.propose(creditor_id, REOPEN, {}, actor=actor, now=now).key


def _account(creditor_id: int, key: str) -> PayoutAccount:
    row = db.session.scalar(
        select(PayoutAccount).where(
            PayoutAccount.creditor_id == creditor_id, PayoutAccount.key == key
        )
    )
    if row is None:
        raise RedaError(N_("This account is not there any more."))
    return row


def _refuse_known(creditor_id: int, values: Values) -> None:
    known = select(PayoutAccount.id).where(
        PayoutAccount.creditor_id == creditor_id,
        PayoutAccount.kind == values["kind"],
        PayoutAccount.number == values["number"],
        PayoutAccount.currency.is_not_distinct_from(values["currency"]),
    )
    if db.session.scalar(known.limit(1)):
        raise RedaError(N_("This account is among yours already."), field="number")


def _refuse_last(creditor_id: int, row: PayoutAccount) -> None:
    others = [one for one in accounts.of_company(creditor_id) if one.key != row.key]
    if not others:
        raise RedaError(N_("This is the only account. Add another one first."))
    if row.is_used and not any(one.is_used and one.currency is None for one in others):
        raise RedaError(N_("This account is in use. Choose another one to use first."))


def _account_lines(values: Values) -> list[str]:
    kind, number = str(values["kind"]), str(values["number"])
    return [
        f"{_KINDS[kind]}: {written_account(kind, number)}",
        f"Kontohavare: {values['holder']}",
        f"Valuta: {values['currency'] or 'alla'}",
    ]


def _added(creditor_id: int, values: Values) -> Sequence[str]:
    used = "Utbetalningar går till kontot" if values["is_used"] else "Kontot används inte än"
    return ("Lägg till utbetalningskonto", *_account_lines(values), used)


def _existing(heading: str, creditor_id: int, values: Values) -> Sequence[str]:
    row = _account(creditor_id, values["account"])
    told = {name: getattr(row, name) for name in ("kind", "number", "holder", "currency")}
    return (heading, *_account_lines(told))


def _accounts(creditor_id: int, values: Values) -> object:
    """All accounts as they are: whoever approves a change has seen them so."""
    rows = db.session.scalars(
        select(PayoutAccount)
        .where(PayoutAccount.creditor_id == creditor_id)
        .order_by(PayoutAccount.key)
    )
    return [[one.key, one.kind, one.number, one.holder, one.currency, one.is_used] for one in rows]


def _add(creditor_id: int, values: Values, actor: Actor, now: datetime) -> None:
    _refuse_known(creditor_id, values)
    is_first = not accounts.of_company(creditor_id)
    row = PayoutAccount(
        key=new_key(12),
        creditor_id=creditor_id,
        kind=values["kind"],
        number=values["number"],
        holder=values["holder"],
        currency=values["currency"],
        is_used=False,
        added_at=now,
    )
    db.session.add(row)
    db.session.flush()
    if values["is_used"] or is_first:
        _use_row(row)
    _tell("account.added", row, actor, now)


def _use_row(row: PayoutAccount) -> None:
    db.session.execute(
        update(PayoutAccount)
        .where(
            PayoutAccount.creditor_id == row.creditor_id,
            PayoutAccount.currency.is_not_distinct_from(row.currency),
        )
        .values(is_used=False)
    )
    row.is_used = True
    db.session.flush()


def _use(creditor_id: int, values: Values, actor: Actor, now: datetime) -> None:
    row = _account(creditor_id, values["account"])
    _use_row(row)
    _tell("account.used", row, actor, now)


def _remove(creditor_id: int, values: Values, actor: Actor, now: datetime) -> None:
    row = _account(creditor_id, values["account"])
    _refuse_last(creditor_id, row)
    _tell("account.removed", row, actor, now)
    db.session.execute(delete(PayoutAccount).where(PayoutAccount.id == row.id))
    db.session.expire_all()


def _tell(event: str, row: PayoutAccount, actor: Actor, now: datetime) -> None:
    history.record(
        event, creditor_id=row.creditor_id, actor=actor, now=now, kind=row.kind,
        number=row.number, holder=row.holder, currency=row.currency,
    )  # fmt: skip


def _closing_lines(creditor_id: int, values: Values) -> Sequence[str]:
    found = closing.open_cases(creditor_id)
    return (
        "Stäng företaget",
        "Nya fakturor blir inte ärenden",
        f"{_CASES[values['cases']]} ({found.count} ärenden)",
        "Insamlade pengar betalas ut som vanligt",
    )


def _is_closed(creditor_id: int, values: Values) -> object:
    return db.session.get_one(Creditor, creditor_id).closed_at


def _close(creditor_id: int, values: Values, actor: Actor, now: datetime) -> None:
    creditor = db.session.get_one(Creditor, creditor_id, with_for_update=True)
    creditor.closed_at, creditor.closed_cases = now, values["cases"]
    history.record(
        "company.closed", creditor_id=creditor_id, actor=actor, now=now, cases=values["cases"]
    )
    if values["cases"] == "return":
        queue.defer(RETURN_JOB, once=RETURN_JOB)
    db.session.flush()


def _reopen(creditor_id: int, values: Values, actor: Actor, now: datetime) -> None:
    creditor = db.session.get_one(Creditor, creditor_id, with_for_update=True)
    creditor.closed_at = creditor.closed_cases = None
    history.record("company.reopened", creditor_id=creditor_id, actor=actor, now=now)
    db.session.flush()


approvals.register(ADD, Act(_added, _accounts, _add))
approvals.register(
    USE,
    Act(
        lambda creditor_id, values: _existing("Använd utbetalningskonto", creditor_id, values),
        _accounts,
        _use,
    ),
)
approvals.register(
    REMOVE,
    Act(
        lambda creditor_id, values: _existing("Ta bort utbetalningskonto", creditor_id, values),
        _accounts,
        _remove,
    ),
)
approvals.register(CLOSE, Act(_closing_lines, _is_closed, _close))
approvals.register(
    REOPEN,
    Act(
        lambda creditor_id, values: ("Öppna företaget igen", "Fakturor blir ärenden igen"),
        _is_closed,
        _reopen,
    ),
)
