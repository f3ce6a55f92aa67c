"""How many signatures a company has had, and what it owes for them.

Each that counts has a row with its number and its price. It is written in the transaction of the
signature, with the company's count locked; it stays when the document it is of is deleted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Date, Integer, and_, cast, extract, func, select

from portal import clock
from portal.extensions import db
from portal.law import vat
from portal.signing import prices
from portal.signing.models import (
    Envelope,
    EnvelopeSignature,
    SignatureUse,
    Signer,
)

# Of the advisory lock on a company's count.
_LOCK = 0x51671


@dataclass(frozen=True)
class Month:
    """A company's use in a month. documents: that got a signature. free: of the signatures.

    ore: without value added tax, which is vat_ore.
    """

    first_on: date
    documents: int
    signatures: int
    free: int
    ore: int
    vat_ore: int

    @property
    def charged(self) -> int:
        return self.signatures - self.free

    @property
    def total_ore(self) -> int:
        return self.ore + self.vat_ore


@dataclass(frozen=True)
class Forecast:
    """What an envelope costs if all sign it. free: how many of its signatures.

    left: free ones that are left now. promised: how many of them other open envelopes may take.
    """

    signatures: int
    left: int
    promised: int
    free: int
    price_ore: int

    @property
    def charged(self) -> int:
        return self.signatures - self.free

    @property
    def ore(self) -> int:
        return self.charged * self.price_ore


def count(signatures: Iterable[EnvelopeSignature]) -> None:
    """Count signatures that were just stored; one that is counted already, or free, is left.

    The companies are locked in one order, so that two orders on several of them never wait for each
    other. To be called where every tenant is seen.
    """
    for one in sorted(signatures, key=lambda one: (one.creditor_id, one.id)):
        envelope = db.session.get_one(Envelope, one.envelope_id)
        if envelope.kind in prices.CHARGED:
            _count(one, envelope)


def _count(signature: EnvelopeSignature, envelope: Envelope) -> None:
    db.session.execute(
        select(func.pg_advisory_xact_lock(_LOCK, cast(signature.creditor_id, Integer)))
    )
    key = db.session.scalars(select(Signer.key).where(Signer.id == signature.signer_id)).one()
    known = select(SignatureUse.id).where(SignatureUse.signer_key == key)
    if db.session.scalar(known) is not None:
        return
    number = used(signature.creditor_id) + 1
    on = clock.day_of(signature.verified_at)
    db.session.add(
        SignatureUse(
            creditor_id=signature.creditor_id,
            number=number,
            signer_key=key,
            envelope_key=envelope.key,
            kind=envelope.kind,
            counted_on=on,
            price_ore=prices.of(number, on),
        )
    )
    db.session.flush()


def used(creditor_id: int) -> int:
    """How many signatures of a company have been counted."""
    last = select(func.max(SignatureUse.number)).where(SignatureUse.creditor_id == creditor_id)
    return db.session.scalar(last) or 0


def left(creditor_id: int) -> int:
    """How many free signatures a company has left."""
    return max(prices.FREE - used(creditor_id), 0)


def months(creditor_id: int) -> list[Month]:
    """A company's use month by month, the newest first; months without any are left out."""
    first = cast(func.date_trunc("month", SignatureUse.counted_on), Date)
    rows = db.session.execute(
        select(
            first.label("first_on"),
            func.count(SignatureUse.envelope_key.distinct()).label("documents"),
            func.count().label("signatures"),
            func.count().filter(SignatureUse.price_ore == 0).label("free"),
            func.sum(SignatureUse.price_ore).label("ore"),
        )
        .where(SignatureUse.creditor_id == creditor_id)
        .group_by(first)
        .order_by(first.desc())
    )
    return [
        Month(
            row.first_on, row.documents, row.signatures, row.free, int(row.ore),
            vat.on_top(int(row.ore), row.first_on),
        )
        for row in rows
    ]  # fmt: skip


@dataclass(frozen=True)
class Used:
    """A signature that was counted. title: of its document, if that is still kept."""

    number: int
    on: date
    envelope_key: str
    title: str | None
    kind: str
    price_ore: int


def of_month(creditor_id: int, first_on: date) -> Sequence[Used]:
    """The signatures that a company had in a month, in the order they were counted."""
    rows = db.session.execute(
        select(
            SignatureUse.number, SignatureUse.counted_on, SignatureUse.envelope_key,
            Envelope.title, SignatureUse.kind, SignatureUse.price_ore,
        )
        .outerjoin(Envelope, Envelope.key == SignatureUse.envelope_key)
        .where(
            SignatureUse.creditor_id == creditor_id,
            extract("year", SignatureUse.counted_on) == first_on.year,
            extract("month", SignatureUse.counted_on) == first_on.month,
        )
        .order_by(SignatureUse.number)
    )  # fmt: skip
    return [Used(*row) for row in rows]


@dataclass(frozen=True)
class Charged:
    """Signatures of one month at one price, to be charged. ore: of all, without value added tax.

    last_number, last_on: of the last of them.
    """

    last_number: int
    last_on: date
    signatures: int
    ore: int


def charged(creditor_id: int, *, after: int, until: date) -> list[Charged]:
    """The signatures that cost something, counted up to a day and not charged yet.

    after: the number of the last that is charged. One that was counted before others of the days
    to come, and after the first of them, waits for those.
    """
    counted = SignatureUse.creditor_id == creditor_id, SignatureUse.number > after
    later = select(func.min(SignatureUse.number)).where(*counted, SignatureUse.counted_on > until)
    month = func.date_trunc("month", SignatureUse.counted_on)
    rows = db.session.execute(
        select(
            func.max(SignatureUse.number),
            func.max(SignatureUse.counted_on),
            func.count(),
            func.sum(SignatureUse.price_ore),
        )
        .where(
            *counted,
            SignatureUse.price_ore > 0,
            func.coalesce(SignatureUse.number < later.scalar_subquery(), True),
        )
        .group_by(month, SignatureUse.price_ore)
        .order_by(func.max(SignatureUse.number))
    )
    return [Charged(number, on, count, int(ore)) for number, on, count, ore in rows]


def first_day(creditor_id: int) -> date | None:
    """The day of a company's first signature that was counted."""
    days = select(func.min(SignatureUse.counted_on)).where(SignatureUse.creditor_id == creditor_id)
    return db.session.scalar(days)


def forecast(envelope: Envelope, today: date, *, copies: int | None = None) -> Forecast | None:
    """What a draft costs if all who are to sign do; None when its kind costs nothing.

    copies: of a list, each of whose people signs a copy with those who are on the draft.
    """
    if envelope.kind not in prices.CHARGED:
        return None
    creditor_id = envelope.creditor_id
    wanted = _asked(creditor_id, Envelope.id == envelope.id)
    others = _asked(
        creditor_id,
        and_(
            Envelope.id != envelope.id,
            Envelope.status == "open",
            Signer.status.in_(("waiting", "invited")),
        ),
    )
    if copies is not None:
        wanted = (wanted + 1) * copies
    remains = left(creditor_id)
    promised = min(others, remains)
    price_ore = prices.of(prices.FREE + 1, today)
    return Forecast(wanted, remains, promised, min(wanted, remains - promised), price_ore)


def _asked(creditor_id: int, which: ColumnElement[bool]) -> int:
    asked = (
        select(func.count())
        .select_from(Signer)
        .join(Envelope, Envelope.id == Signer.envelope_id)
        .where(
            Envelope.creditor_id == creditor_id,
            Envelope.kind.in_(prices.CHARGED),
            Signer.role.in_(("signs", "approves")),
            which,
        )
    )
    return db.session.scalar(asked) or 0
