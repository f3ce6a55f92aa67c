"""Payments by Swish that come on the account too, which are never booked a second time.

A payment by Swish is booked when it is made. A bank that lists it on the account as well may name
it by Swish's own reference: it is then noted as what it is (`transfers`). What only says that it is
Swish, one by one or a day's in one sum, waits for a person, for a debtor may write the same; it is
never booked by itself, whatever numbers of ours it has. Bankgirot's files have none of them.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import String, cast, func, or_, select

from portal.extensions import db
from portal.identity.actor import BANK
from portal.payments import transfers, ways
from portal.payments.models import BankFile, BankPayment, SwishRequest

_NAME = re.compile(r"(?<![0-9A-F])[0-9A-F]{32}(?![0-9A-F])")
WORDS = func.concat_ws(
    " ", BankPayment.text, BankPayment.payer_name, BankPayment.serial, BankPayment.end_to_end_id,
    func.array_to_string(BankPayment.reference_numbers, " "),
)  # fmt: skip
_IS_MARKED = or_(WORDS.op("~*")(r"\mswish\M"), WORDS.op("~*")("[0-9a-f]{32}"))


def recognise(ids: Sequence[int], *, now: datetime) -> list[int]:
    """Note those payments that Swish's reference names; answers all that are or say Swish.

    The others of them must not be booked by themselves.
    """
    marked = db.session.execute(
        select(BankPayment, cast(WORDS, String))
        .join(BankFile, BankFile.id == BankPayment.file_id)
        .where(
            BankPayment.id.in_(ids), BankPayment.kind == "payment", BankPayment.state == "new",
            BankFile.kind.startswith("camt"), _IS_MARKED,
        )
        .order_by(BankPayment.id)
    ).all()  # fmt: skip
    found = []
    for payment, words in marked:
        named_ore = _paid_ore(set(_NAME.findall(words.upper())))
        if named_ore == payment.amount_ore:
            payment.state = "waiting"
            transfers.note(payment.id, ways.SWISH, actor=BANK, now=now)
        if named_ore or "swish" in words.lower():
            found.append(payment.id)
    return found


def _paid_ore(names: set[str]) -> int:
    """What the requests that Swish's references name have paid, in öre."""
    if not names:
        return 0
    paid = select(func.sum(SwishRequest.amount_ore)).where(
        SwishRequest.way == ways.SWISH,
        SwishRequest.status == "paid",
        or_(SwishRequest.payment_reference.in_(names), SwishRequest.id.in_(names)),
    )
    return int(db.session.scalar(paid) or 0)


def says_swish(payment: BankPayment) -> bool:
    """Whether a payment by bank says that it is Swish."""
    marked = select(BankPayment.id).where(BankPayment.id == payment.id, _IS_MARKED)
    return db.session.scalar(marked) is not None
