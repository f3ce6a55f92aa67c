"""Our own share of what came, taken out to our own account: fees, commission and their tax.

It is ordered as a payout is: two operators approve it with BankID, and it goes in a file to the
bank. What may be taken is what is ours and lies on the account at the end of a day, less what our
share stands in for; never more.
"""

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import Select, func, select

from portal import ledger
from portal.config import Settings
from portal.extensions import db, settings
from portal.identity.people import new_key
from portal.ledger import Account, Share
from portal.messages import N_, RedaError
from portal.payments import pain001
from portal.payments.accounts import written_account
from portal.payments.models import OwnShareOrder, PayoutBatch
from portal.payments.transfers import divided

PROPOSED, RELEASED, SETTLED, REJECTED = "proposed", "released", "settled", "rejected"
ORDERED = "own_share.ordered"


def available(currency: str, on: date) -> int:
    """What may be taken out of what was ours at the end of a day, in öre; below zero, it lacks."""
    then, now = (ledger.own_share(currency, day).total_ore for day in (on, None))
    return min(then, now) - _proposed(currency)


def _proposed(currency: str) -> int:
    return int(
        db.session.scalar(
            select(func.coalesce(func.sum(OwnShareOrder.amount_ore), 0)).where(
                OwnShareOrder.status == PROPOSED, OwnShareOrder.currency == currency
            )
        )
        or 0
    )


def put_in(batch: PayoutBatch, *, on: date, currency: str, today: date, now: datetime) -> None:
    """Make a batch one that takes out our share of a day.

    Raises RedaError when there is nothing to take, or no account is set.
    """
    if not settings().own_account:
        raise RedaError(N_("No account of our own is set (REDA_OWN_ACCOUNT)."))
    ledger.hold_own_share(currency)
    ledger.return_covers(on=today, now=now)
    ore = available(currency, on)
    if ore <= 0:
        raise RedaError(N_("There is nothing of ours to take out."))
    db.session.add(
        OwnShareOrder(
            key=new_key(12), batch_id=batch.id, on=on, currency=currency, amount_ore=ore,
            shares=[[one.creditor_id, one.ore] for one in divided(ore, _free(currency))],
            account=settings().own_account, status=PROPOSED, reason="",
        )
    )  # fmt: skip
    db.session.flush()


def _free(currency: str) -> Iterable[Share]:
    """Our shares now, less what another order is to take of them."""
    taken: dict[int, int] = {}
    for shares in db.session.scalars(
        select(OwnShareOrder.shares).where(
            OwnShareOrder.status == PROPOSED, OwnShareOrder.currency == currency
        )
    ):
        for creditor_id, ore in shares:
            taken[creditor_id] = taken.get(creditor_id, 0) + ore
    return [
        Share(one.creditor_id, one.ore - taken.get(one.creditor_id, 0))
        for one in ledger.own_share(currency).shares
    ]


def of_batch(batch: PayoutBatch) -> OwnShareOrder | None:
    """What of our share a batch takes out, locked; None when it is of something else."""
    return db.session.scalar(
        _of_batch(batch).with_for_update().execution_options(populate_existing=True)
    )


def shown_of(batch: PayoutBatch) -> OwnShareOrder | None:
    """The same to be shown, not locked."""
    return db.session.scalar(_of_batch(batch))


def _of_batch(batch: PayoutBatch) -> Select[OwnShareOrder]:
    return select(OwnShareOrder).where(OwnShareOrder.batch_id == batch.id)


def kind_of(order: OwnShareOrder) -> str:
    """Of which kind its account is: bankgiro or iban."""
    return "bankgiro" if order.account.isdigit() else "iban"


def is_still_there(order: OwnShareOrder) -> bool:
    """Whether all that an order takes is still ours, and the account is.

    Nobody else takes of our share until the transaction ends.
    """
    ledger.hold_own_share(order.currency)
    free = {one.creditor_id: one.ore for one in ledger.own_share(order.currency).shares}
    return (
        order.account == settings().own_account
        and ledger.own_share(order.currency).total_ore >= order.amount_ore
        and all(free.get(creditor_id, 0) >= ore for creditor_id, ore in order.shares)
    )


def release(order: OwnShareOrder, *, today: date, now: datetime) -> None:
    """Book that an order is at the bank, once `is_still_there` has said so in the transaction."""
    _post(order, ORDERED, "ordered", today, now, Account.OWN_SHARE, Account.OWN_SHARE_IN_TRANSIT)
    order.status, order.released_on = RELEASED, today
    db.session.flush()


def written(order: OwnShareOrder) -> str:
    """Its account, as people write it."""
    return written_account(kind_of(order), order.account)


def transfer(order: OwnShareOrder, ours: Settings) -> pain001.Transfer:
    """The payment that the bank is told to make."""
    return pain001.Transfer(
        key=order.key, amount_ore=order.amount_ore, currency=order.currency,
        name=ours.service_name, kind=kind_of(order),
        account=order.account, words=f"{ours.service_name} {order.key}",
    )  # fmt: skip


def settle(order: OwnShareOrder, *, on: date, now: datetime) -> bool:
    """Book that the bank has paid it; answers False when its end is told already."""
    if order.status != RELEASED:
        return False
    _post(
        order, "own_share.settled", "settled", on, now, Account.OWN_SHARE_IN_TRANSIT,
        Account.CLIENT_FUNDS,
    )  # fmt: skip
    order.status, order.ended_on = SETTLED, on
    db.session.flush()
    return True


def reject(order: OwnShareOrder, reason: str, *, on: date, now: datetime) -> bool:
    """Book that the bank did not pay it; answers False when its end is told already."""
    if order.status != RELEASED:
        return False
    _post(
        order, "own_share.rejected", "rejected", on, now, Account.OWN_SHARE_IN_TRANSIT,
        Account.OWN_SHARE,
    )  # fmt: skip
    order.status, order.ended_on, order.reason = REJECTED, on, reason
    db.session.flush()
    return True


def return_(order: OwnShareOrder, reason: str, *, on: date, now: datetime) -> bool:
    """Book that the bank has got it back, after it had paid it or before that was told.

    It is then as one that the bank did not pay. Answers False when that is told already.
    """
    if order.status == SETTLED:
        _post(
            order, "own_share.returned", "returned", on, now, Account.CLIENT_FUNDS,
            Account.OWN_SHARE_IN_TRANSIT,
        )  # fmt: skip
        order.status = RELEASED
        db.session.flush()
    return reject(order, reason, on=on, now=now)


def ordered(limit: int = 10) -> list[tuple[OwnShareOrder, PayoutBatch]]:
    """What of our share was ordered at the bank, with its batches, the newest first."""
    rows = db.session.execute(
        select(OwnShareOrder, PayoutBatch)
        .join(PayoutBatch, PayoutBatch.id == OwnShareOrder.batch_id)
        .where(OwnShareOrder.released_on.is_not(None))
        .order_by(OwnShareOrder.id.desc())
        .limit(limit)
    )
    return [(order, batch) for order, batch in rows]


def locked(order_id: int) -> OwnShareOrder:
    """An order, locked until the transaction ends."""
    return db.session.get_one(OwnShareOrder, order_id, with_for_update=True, populate_existing=True)


def withdraw(order: OwnShareOrder) -> None:
    """Let an order be as if it had not been; nothing of it is booked."""
    db.session.delete(order)
    db.session.flush()


def _post(
    order: OwnShareOrder,
    kind: str,
    what: str,
    on: date,
    now: datetime,
    debit: Account,
    credit: Account,
) -> None:
    for creditor_id, ore in order.shares:
        ledger.post(
            creditor_id=creditor_id, case_id=None, kind=kind, booked_on=on,
            key=f"own share:{order.key}:{what}:{creditor_id}", currency=order.currency, now=now,
            lines={debit: ore, credit: -ore},
        )  # fmt: skip
