"""Which case a bank's payment is for, and how sure that is; what is certain is booked at once.

One rule, in three statements that each take one payment or thousands (`hits`):

- An OCR number of ours as the payment's reference is certain: nobody else has it, and its check
  digit and length tell a slip of the pen. Several are, when their shares make up the payment.
- A number of ours in the words (OCR, case reference, invoice number) is as sure as `_SURE` says,
  by whether the amount is what is owed or can be a part of it. From `CERTAIN` on it is certain, if
  the words name one case only.
- What is certain of one case waits all the same when a number of another claim stands beside the
  case's own, unless the amount is what the case owes (`other_numbers` tells why).
- The number of a company's monthly statement is certain likewise (`paying_in`).
- A payer whom we know, by account, organisation number or name, is never certain. A name is known
  in whatever letters and order of its words, for banks' files have not all letters.
- What waits is never told as certain: `candidates` says at most `_MOST_OF_SEVERAL` of a number in a
  payment that names several claims, and less than `CERTAIN` of any other.

What is owed is told as booked, without the interest of the last days.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, insert, or_, select, text, update

from portal.collection import cases, states
from portal.collection.receiving import Received
from portal.collection.settling import Settled
from portal.database import queue
from portal.database.encryption import lookup_hash
from portal.extensions import db
from portal.identity.actor import BANK
from portal.messages import RedaError
from portal.payments import (
    booking,
    chargebacks,
    coming_again,
    other_numbers,
    paying_in,
    refunds,
    told_at_once,
)
from portal.payments.accounts import check_organisation_number
from portal.payments.models import BankPayment, BankShare, Payment

# Of a hundred. A person decides on what is less.
CERTAIN = 95
# The most that a payer alone makes sure.
_MOST_BY_PAYER = 94
CHANNEL = "bankgiro"
JOB = "match_bank_payments"
_AT_ONCE = 5_000
_BEST = 3


@dataclass(frozen=True)
class Hit:
    """A case that a payment may be for.

    how: ocr; text.ocr, text.reference or text.invoice for what stands in the words; payer.account,
    payer.number or payer.name. sure: per cent. share_ore: what the payment says is this case's;
    None: not told. place: of the reference, from 1. fits: exact, part or no, by the amount.
    """

    payment_id: int
    case_id: int
    creditor_id: int
    how: str
    sure: int
    fits: str
    share_ore: int | None = None
    place: int = 0


@dataclass(frozen=True)
class Candidate:
    """A case that a payment may be for, and all that speaks for it. sure: per cent."""

    case_id: int
    sure: int
    hows: tuple[str, ...]
    fits: str


# What the amount can be: what is owed as booked or the claim alone; up to a quarter more than is
# booked, for interest that is not; or something else.
_FITS = """
case when p.currency <> c.currency or c.closed_on is not null then 'no'
    when p.amount_ore in (b.ore, c.principal_ore) then 'exact'
    when p.amount_ore <= b.ore + b.ore / 4 then 'part'
    else 'no' end
"""
_BOOKED = """
cross join lateral (
    select coalesce(sum(amount_ore), 0)::bigint as ore from ledger_lines
    where case_id = c.id and account in ('principal', 'interest', 'fees')
) b
"""
_BY_OCR = text(
    """
select p.id, c.id, c.creditor_id, 'ocr', 'exact', r.ore, r.place,
    c.currency = p.currency and (c.closed_on is null or c.status = :paid) as takes
from bank_payments p
cross join unnest(p.reference_numbers, p.reference_ores) with ordinality as r (number, ore, place)
left join cases c on c.ocr = regexp_replace(r.number, '[^0-9]', '', 'g')
where p.id = any(:ids) and r.ore is distinct from 0
order by p.id, r.place
"""
)
# Words as they are written, and digits with spaces or hyphens between them as one number.
_IN_WORDS = text(
    f"""
with said as materialized (
    select id, amount_ore, currency,
        concat_ws(' ', text, array_to_string(reference_numbers, ' ')) as words
    from bank_payments where id = any(:ids)
), words as materialized (
    select id, word from said
    cross join regexp_split_to_table(words, '[\\s,;:"()]+') as word where length(word) >= 4
    union
    select id, regexp_replace(run[1], '[^0-9]', '', 'g') from said
    cross join regexp_matches(words, '[0-9](?:[ -]?[0-9]){{8,15}}', 'g') as run
), found as (
    select w.id, c.id as case_id, 'text.ocr' as how from words w join cases c on c.ocr = w.word
    union
    select w.id, c.id, 'text.reference' from words w join cases c on c.reference = w.word
    union
    select w.id, c.id, 'text.invoice' from words w
    join invoices i on i.number = w.word and i.decision = 'imported'
    join cases c on c.invoice_id = i.id
)
select p.id, c.id, c.creditor_id, f.how, {_FITS}, p.currency = c.currency and c.closed_on is null
from found f join said p on p.id = f.id join cases c on c.id = f.case_id {_BOOKED}
order by p.id, c.id, f.how
"""  # noqa: S608
)
_BY_PAYER = text(
    f"""
with named as materialized (
    select id, reda_words(reda_fold(payer_name)) as words from bank_payments where id = any(:ids)
), known as (
    select p.id, c.debtor_id, 'payer.account' as how
    from bank_payments p
    join bank_payments e on e.payer_hash = p.payer_hash and e.id <> p.id
    join bank_shares s on s.payment_id = e.id and s.undone_at is null
    join cases c on c.id = s.case_id
    where p.id = any(:ids)
    union
    select n.id, d.id, 'payer.number'
    from unnest(cast(:numbered as bigint[]), cast(:hashes as bytea[])) as n (id, hash)
    join debtors d on d.identity_number_hash = n.hash
    union
    select n.id, d.id, 'payer.name' from named n join debtors d on d.name_words = n.words
)
select p.id, c.id, c.creditor_id, k.how, {_FITS},
    p.value_on between c.pay_by_on - 20 and c.pay_by_on + 10
from known k join bank_payments p on p.id = k.id
join cases c on c.debtor_id = k.debtor_id and c.closed_on is null {_BOOKED}
order by p.id, c.id, k.how
"""  # noqa: S608
)
_SURE: Mapping[str, Mapping[str, int]] = {
    "text.ocr": {"exact": 99, "part": 99, "no": 90},
    "text.reference": {"exact": 98, "part": 96, "no": 60},
    # Another creditor, whom we do not know, may use the same number.
    "text.invoice": {"exact": 96, "part": 75, "no": 40},
    "payer.number": {"exact": 80, "part": 60, "no": 30},
    "payer.account": {"exact": 80, "part": 55, "no": 30},
    "payer.name": {"exact": 65, "part": 40, "no": 15},
}
# When the payment names several cases, or another claim beside the one that is known.
_MOST_OF_SEVERAL = 70
_NEAR_THE_DAY = 5
_EACH_MORE = 4


def match_new(*, now: datetime, between: Callable[[], object]) -> int:
    """Match every new payment; answers how many. between: called to commit.

    It is after each chunk, and after each of what was taken or came back, so that no case is held
    when the payment that it is of is locked (`taking_back`). Two at once take different payments.
    Doing it again takes what is left.
    """
    matched = 0
    while ids := db.session.scalars(
        select(BankPayment.id)
        .where(BankPayment.state == "new")
        .order_by(BankPayment.id)
        .limit(_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all():
        _match(ids, now=now)
        matched += len(ids)
        between()
        for one, take in _to_take_back(ids):
            take(one, actor=BANK, now=now)
            between()
    return matched


def match_soon() -> None:
    """Let what has come be matched when the transaction commits."""
    queue.defer(JOB, once=JOB)


def certain(ids: Sequence[int]) -> dict[int, list[Hit]]:
    """For payments that are certain, the cases and their shares, which make up the payment."""
    found = _named_surely(ids)
    for doubtful in _of_several_claims(found):
        del found[doubtful]
    return found


def _named_surely(ids: Sequence[int]) -> dict[int, list[Hit]]:
    """The same of what is named, whatever else the payments name."""
    amounts = {
        row.id: row.amount_ore
        for row in db.session.execute(
            select(BankPayment.id, BankPayment.amount_ore).where(
                BankPayment.id.in_(ids), BankPayment.kind == "payment"
            )
        )
    }
    found = _certain_by_ocr(amounts)
    left = [one for one in amounts if one not in found]
    return found | _certain_by_words(left)


def candidates(ids: Sequence[int], *, most: int = _BEST) -> dict[int, list[Candidate]]:
    """For each payment the cases that it may be for, the surest first."""
    per_case: dict[tuple[int, int], list[Hit]] = defaultdict(list)
    for one in (*_as_sure_as_it_is(ids), *_payer_hits(ids)):
        per_case[one.payment_id, one.case_id].append(one)
    answer: dict[int, list[Candidate]] = {one: [] for one in ids}
    for (payment_id, case_id), hits in per_case.items():
        best = max(hits, key=lambda one: one.sure)
        more = _EACH_MORE * (len({one.how for one in hits}) - 1)
        ceiling = max(best.sure, _MOST_BY_PAYER)
        answer[payment_id].append(
            Candidate(
                case_id,
                min(best.sure + more, ceiling),
                tuple(dict.fromkeys(one.how for one in sorted(hits, key=lambda one: -one.sure))),
                best.fits,
            )
        )
    for some in answer.values():
        some.sort(key=lambda one: (-one.sure, one.case_id))
        del some[most:]
    return answer


def _as_sure_as_it_is(ids: Sequence[int]) -> Iterable[Hit]:
    """The cases that payments name, surely only where a payment is certain."""
    named = _named_surely(ids)
    several = set(_of_several_claims(named))
    by_ocr = _ocr_hits(ids)
    told = {(one.payment_id, one.case_id) for one in by_ocr}
    words = _word_hits(ids)
    # The words have the references too, and they alone ask whether the amount is what is owed.
    fits = {(one.payment_id, one.case_id): one.fits for one in words if one.how == "text.ocr"}
    by_ocr = [
        replace(one, fits=fits.get((one.payment_id, one.case_id), one.fits)) for one in by_ocr
    ]
    by_words = [
        one for one in words if one.how != "text.ocr" or (one.payment_id, one.case_id) not in told
    ]
    count = Counter(payment_id for payment_id, _ in told)
    several.update(one for one in count if count[one] > 1 and one not in named)
    for one in (*by_ocr, *by_words):
        most = 100 if one.payment_id in named else CERTAIN - 1
        if one.payment_id in several:
            most = _MOST_OF_SEVERAL
        yield replace(one, sure=min(one.sure, most))


def _match(ids: Sequence[int], *, now: datetime) -> None:
    later = coming_again.may_be_among(ids)
    ids = [one for one in ids if one not in later]
    from_us = BankPayment.id.in_(ids) & (BankPayment.kind == "debit")
    db.session.execute(update(BankPayment).where(from_us).values(state="aside"))
    at_once = set(told_at_once.recognise(ids, now=now))
    at_once.update(paying_in.take_surely(set(ids) - at_once, actor=BANK, now=now))
    decided = certain([one for one in ids if one not in at_once])
    booked = _book(decided, now=now)
    if booked:
        db.session.execute(
            update(BankPayment).where(BankPayment.id.in_(booked)).values(state="settled")
        )
    rest = BankPayment.id.in_(ids) & (BankPayment.state == "new")
    payments = rest & (BankPayment.kind == "payment")
    db.session.execute(update(BankPayment).where(payments).values(state="waiting"))


def _to_take_back(ids: Sequence[int]) -> list[tuple[int, Callable[..., None]]]:
    """What banks took back of some payments, then what came back or again, with what takes it."""
    kinds = (
        (("reversal", "deduction"), chargebacks.take_back_surely),
        (("returned", "payment"), coming_again.take_surely),
    )
    return [
        (one, take)
        for some, take in kinds
        for one in db.session.scalars(
            select(BankPayment.id)
            .where(BankPayment.id.in_(ids), BankPayment.kind.in_(some), BankPayment.state == "new")
            .order_by(BankPayment.id)
        )
    ]


def _book(decided: Mapping[int, Sequence[Hit]], *, now: datetime) -> list[int]:
    """Book what is certain; answers the payments that are. One that cannot be booked waits."""
    if not decided:
        return []
    payments = {
        one.id: one
        for one in db.session.scalars(select(BankPayment).where(BankPayment.id.in_(decided)))
    }
    hits: dict[str, Hit] = {}
    came = []
    for payment_id, some in decided.items():
        payment = payments[payment_id]
        for place, hit in enumerate(some, 1):
            key = share_key(payment_id, place)
            hits[key] = hit
            came.append(
                Received(
                    hit.case_id, hit.share_ore or payment.amount_ore, key, CHANNEL,
                    payment.value_on, payment.currency, payment.payer_account,
                )
            )  # fmt: skip
    covered = booking.receive_many(came, actor=BANK, now=now)
    given = {one.key: one for one in came if isinstance(covered.get(one.key), Settled)}
    shares = add_shares(
        [
            {
                "payment_id": hits[key].payment_id, "case_id": one.case_id,
                "creditor_id": hits[key].creditor_id, "amount_ore": one.amount_ore, "key": key,
                "how": hits[key].how.partition(".")[0], "by": BANK.label, "at": now,
            }
            for key, one in given.items()
        ]
    )  # fmt: skip
    over = {
        key: one.parts.overpaid_ore
        for key, one in covered.items()
        if isinstance(one, Settled) and one.parts.overpaid_ore
    }
    ask_refunds(over, shares, payments, by=BANK.label)
    return [
        payment_id
        for payment_id, some in decided.items()
        if all(share_key(payment_id, place) in given for place in range(1, len(some) + 1))
    ]


def share_key(payment_id: int, number: int) -> str:
    """The name in the books of a payment's share, by its number from 1."""
    return f"{CHANNEL}:{payment_id}:{number}"


def add_shares(rows: Sequence[Mapping[str, object]]) -> dict[str, int]:
    """Note what cases were given; answers the ids by key."""
    if not rows:
        return {}
    added = db.session.execute(insert(BankShare).returning(BankShare.key, BankShare.id), rows)
    return {row.key: row.id for row in added}


def ask_refunds(
    over: Mapping[str, int],
    shares: Mapping[str, int],
    payments: Mapping[int, BankPayment],
    *,
    by: str,
) -> None:
    """Tell whose the money is that goes back. over: öre by key of the share."""
    if not over:
        return
    booked = db.session.execute(
        select(Payment.channel_reference, Payment.id).where(Payment.channel_reference.in_(over))
    )
    for key, booked_id in booked:
        refunds.fill_in(booked_id, payments[int(key.split(":")[1])], shares[key], by=by)
    db.session.flush()


def _certain_by_ocr(amounts: Mapping[int, int]) -> dict[int, list[Hit]]:
    told: dict[int, list[tuple[Hit | None, int | None]]] = defaultdict(list)
    for row in db.session.execute(_BY_OCR, {"ids": list(amounts), "paid": states.PAID}):
        hit = _ocr_hit(row) if row[1] is not None and row.takes else None
        told[row[0]].append((hit, row[5]))
    answer: dict[int, list[Hit]] = {}
    for payment_id, some in told.items():
        hits = [hit for hit, _ in some if hit is not None]
        if len(hits) < len(some):
            continue
        shares = [ore for _, ore in some]
        if len({one.case_id for one in hits}) == 1:
            answer[payment_id] = [_whole(hits[0])]
        elif all(ore is not None and ore > 0 for ore in shares) and (
            sum(ore or 0 for ore in shares) == amounts[payment_id]
        ):
            answer[payment_id] = hits
    return answer


def _certain_by_words(ids: Sequence[int]) -> dict[int, list[Hit]]:
    answer: dict[int, list[Hit]] = {}
    for one in _word_hits(ids):
        if one.sure >= CERTAIN and one.fits != "no" and one.payment_id not in answer:
            answer[one.payment_id] = [_whole(one)]
    return answer


def _of_several_claims(found: Mapping[int, Sequence[Hit]]) -> list[int]:
    """Payments that are not for the one case alone that they are found to be for."""
    of_one = {one: hits[0].case_id for one, hits in found.items() if len(hits) == 1}
    by_words = [one for one in of_one if found[one][0].how != "ocr"]
    payments = db.session.scalars(
        select(BankPayment).where(
            BankPayment.id.in_(of_one),
            or_(
                BankPayment.id.in_(by_words),
                BankPayment.text.op("~")(other_numbers.CAN_HAVE),
                func.cardinality(BankPayment.reference_numbers) > 1,
            ),
        )
    ).all()
    if not payments:
        return []
    numbers = cases.numbers([of_one[one.id] for one in payments])
    doubtful = [one for one in payments if _names_another(one, numbers[of_one[one.id]])]
    owed = _exact([one.id for one in doubtful])
    return [
        one.id
        for one in doubtful
        if any(one.reference_ores)
        or ((one.id, of_one[one.id]) not in owed and not _is_due(one, of_one[one.id]))
    ]


def _exact(ids: Sequence[int]) -> set[tuple[int, int]]:
    hits = _word_hits(ids)
    return {(one.payment_id, one.case_id) for one in hits if one.fits == "exact"}


def _is_due(payment: BankPayment, case_id: int) -> bool:
    """Whether a payment is what a case owes on its day, interest included."""
    (case,) = cases.of_ids([case_id])
    due = cases.amount_due(case, payment.value_on)
    return (due.total_ore, case.currency) == (payment.amount_ore, payment.currency)


def _names_another(payment: BankPayment, of_case: Sequence[str]) -> bool:
    known = (*of_case, payment.payer_account or "", payment.payer_number or "")
    return other_numbers.in_words(payment.text, known) or other_numbers.in_references(
        payment.reference_numbers, known
    )


def _whole(hit: Hit) -> Hit:
    return Hit(hit.payment_id, hit.case_id, hit.creditor_id, hit.how, hit.sure, hit.fits)


def _ocr_hit(row: Sequence[object]) -> Hit:
    payment_id, case_id, creditor_id, how, fits, ore, place = row[:7]
    return Hit(payment_id, case_id, creditor_id, how, 100, fits, ore, place)  # type: ignore[arg-type]


def _ocr_hits(ids: Sequence[int]) -> list[Hit]:
    rows = db.session.execute(_BY_OCR, {"ids": list(ids), "paid": states.PAID})
    return [_ocr_hit(row) for row in rows if row[1] is not None]


def _word_hits(ids: Sequence[int]) -> list[Hit]:
    if not ids:
        return []
    rows = db.session.execute(_IN_WORDS, {"ids": list(ids)}).all()
    named: dict[int, set[int]] = defaultdict(set)
    for row in rows:
        named[row[0]].add(row[1])
    return [
        Hit(
            row[0],
            row[1],
            row[2],
            row[3],
            min(_SURE[row[3]][row[4]], 100 if len(named[row[0]]) == 1 else _MOST_OF_SEVERAL),
            row[4],
        )
        for row in rows
    ]


def _payer_hits(ids: Sequence[int]) -> list[Hit]:
    numbered = list(_numbers(ids))
    rows = db.session.execute(
        _BY_PAYER,
        {
            "ids": list(ids),
            "numbered": [one for one, _ in numbered],
            "hashes": [hash for _, hash in numbered],
        },
    )
    return [
        Hit(
            row[0],
            row[1],
            row[2],
            row[3],
            min(_SURE[row[3]][row[4]] + (_NEAR_THE_DAY if row[5] else 0), _MOST_BY_PAYER),
            row[4],
        )
        for row in rows
    ]


def _numbers(ids: Sequence[int]) -> Iterable[tuple[int, bytes]]:
    """The payers' organisation or identity numbers, as customers are looked up by them."""
    rows = db.session.execute(
        select(BankPayment.id, BankPayment.payer_number).where(
            BankPayment.id.in_(ids), BankPayment.payer_number.is_not(None)
        )
    )
    for payment_id, number in rows:
        assert number is not None
        try:
            yield payment_id, lookup_hash(check_organisation_number(number[-10:]))
        except RedaError:
            yield payment_id, lookup_hash(number)
