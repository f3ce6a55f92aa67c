"""A creditor's figures: money by month, what is unpaid and how old, what became of cases.

They are reckoned from all cases and books, which takes seconds for a million, and kept with the
place in the creditor's history up to which they hold. A page compares that place with where the
history is now (`look`), and says as of when the figures are. `refresh` is the one way they are
made, by a job or at once.
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, select, text
from sqlalchemy.dialects.postgresql import insert

from portal.collection import forecast, kept, sets, states, tallies
from portal.collection.forecast import Forecast
from portal.collection.models import HistoryHead, KeptFigures
from portal.collection.tallies import AGES, STEPS, Days, Row
from portal.extensions import db
from portal.identity.models import Creditor

# Of what is kept; what was kept in another form is as good as nothing.
VERSION = 2
# What took less is made anew while the reader waits. So is what is made for the first time of a
# history of so many events, and at any time of one so short that it can only have been the machine.
QUICK_MS = 100
SHORT_HISTORY, SHORTEST_HISTORY = 3_000, 300
# The work of making them anew is at most this share of all time.
_SHARE = 20
# Last day of each class of the histogram.
WAITS = (7, 14, 30, 60, 90, 180)


@dataclass(frozen=True)
class Parts:
    """Money that was paid, by what it paid, in öre."""

    principal_ore: int = 0
    interest_ore: int = 0
    fees_ore: int = 0
    overpaid_ore: int = 0

    @property
    def creditors_ore(self) -> int:
        """What of it is the creditor's."""
        return self.principal_ore + self.interest_ore

    @property
    def total_ore(self) -> int:
        return self.creditors_ore + self.fees_ore + self.overpaid_ore


@dataclass(frozen=True)
class Month:
    """What happened from the first of a month to a day.

    collected: paid to the service. direct: paid to the creditor itself. paid_out_ore: settled with
    the creditor. opened, solved: cases taken in, and cases paid.
    """

    from_on: date
    through_on: date
    collected: Parts
    direct: Parts
    paid_out_ore: int
    opened: int
    solved: int


@dataclass(frozen=True)
class Unpaid:
    """What is owed on some open cases today, interest included, in öre."""

    cases: int = 0
    principal_ore: int = 0
    interest_ore: int = 0
    fees_ore: int = 0

    @property
    def creditors_ore(self) -> int:
        return self.principal_ore + self.interest_ore

    @property
    def total_ore(self) -> int:
        return self.creditors_ore + self.fees_ore


@dataclass(frozen=True)
class Money:
    """The figures of one currency.

    running, running_before: what was collected for the creditor from the first of this and of last
    month to each of its days, in öre. ageing: by age, as `tallies.AGES`. standing: by status.
    """

    currency: str
    month: Month
    same_days: Month
    last_month: Month
    running: Sequence[int]
    running_before: Sequence[int]
    owed_ore: int
    ageing: Sequence[Unpaid]
    standing: Mapping[str, Unpaid]
    forecast: Forecast

    @property
    def unpaid(self) -> Unpaid:
        """All that is unpaid."""
        return _sum_of(self.ageing)


@dataclass(frozen=True)
class Cohort:
    """The cases opened in a month, and what has become of them.

    solved: how many were paid, by the step that each then stood at (`tallies.STEPS`). otherwise:
    how many are closed without having been paid.
    """

    month: date
    opened: int
    solved: Sequence[int]
    otherwise: int
    open: int


@dataclass(frozen=True)
class Waits:
    """Days from the opening of a case until it was paid, of the cases paid in a year.

    median, nine_in_ten: days, or None without cases. classes: cases by WAITS, and those longer.
    """

    cases: int
    median: int | None
    nine_in_ten: int | None
    classes: Sequence[int]


@dataclass(frozen=True)
class Figures:
    """All figures of a creditor. on: the day they are of. made_at: when they were read."""

    on: date
    made_at: datetime
    money: Sequence[Money]
    cohorts: Sequence[Cohort]
    waits: Waits
    invoices: Mapping[str, int]

    def of(self, currency: str | None) -> Money:
        """The figures of one currency; of the first when there are none of it."""
        return next((one for one in self.money if one.currency == currency), self.money[0])


@dataclass(frozen=True)
class Look:
    """The figures that are kept, and whether anything has happened since.

    figures: None when there are none. is_quick: making them anew keeps no reader waiting.
    """

    figures: Figures | None
    is_fresh: bool
    is_quick: bool


def look(creditor_id: int, today: date) -> Look:
    """A creditor's figures as they are kept; one statement."""
    row = db.session.execute(kept_sql(creditor_id)).one_or_none()
    return judge(tuple(row) if row is not None else (None,) * 6, today)


def kept_sql(creditor_id: int) -> Select[*tuple[Any, ...]]:
    """What `judge` takes, for a statement that asks for more besides."""
    return (
        select(
            KeptFigures.position,
            KeptFigures.on_day,
            KeptFigures.made_at,
            KeptFigures.took_ms,
            KeptFigures.data,
            HistoryHead.position,
        )
        .select_from(Creditor)
        .outerjoin(HistoryHead, HistoryHead.creditor_id == Creditor.id)
        .outerjoin(KeptFigures, KeptFigures.creditor_id == Creditor.id)
        .where(Creditor.id == creditor_id)
    )


def judge(row: Sequence[Any], today: date) -> Look:
    """What is to be thought of figures that are kept.

    row: position, day, instant, milliseconds and data that were kept, each None when nothing is,
    and the position of the history now.
    """
    position, on, _, took_ms, data, now_at = row
    now_at = now_at or 0
    if data is None or data["version"] != VERSION:
        return Look(None, False, now_at <= SHORT_HISTORY)
    is_fresh = on == today and position == now_at
    is_quick = took_ms < QUICK_MS or now_at <= SHORTEST_HISTORY
    return Look(kept.from_json(Figures, data["figures"]), is_fresh, is_quick)


def current(creditor_id: int, *, today: date, now: datetime) -> Look:
    """A creditor's figures, made anew at once where that is quick and something has happened."""
    found = look(creditor_id, today)
    if found.is_fresh or not found.is_quick:
        return found
    return Look(refresh(creditor_id, today=today, now=now), True, True)


def refresh(creditor_id: int, *, today: date, now: datetime) -> Figures:
    """Reckon a creditor's figures and keep them; of two at once the last stays."""
    # The place is read first: what happens meanwhile is then known to be newer.
    position = (
        db.session.scalar(
            select(HistoryHead.position).where(HistoryHead.creditor_id == creditor_id)
        )
        or 0
    )
    began = time.monotonic()
    made = _put_together(tallies.read(creditor_id, today), today, now)
    values = {
        "position": position,
        "on_day": today,
        "made_at": now,
        "took_ms": int(1000 * (time.monotonic() - began)),
        "data": {"version": VERSION, "figures": kept.as_json(made)},
    }
    db.session.execute(
        insert(KeptFigures)
        .values(creditor_id=creditor_id, **values)
        .on_conflict_do_update(index_elements=[KeptFigures.creditor_id], set_=values)
    )
    return made


def due(today: date, now: datetime, creditor_id: int | None = None) -> list[int]:
    """The creditors whose figures are old, the oldest first.

    creditor_id: only this one. Those that take long are left until that is a small share of time.
    """
    query = (
        select(HistoryHead.creditor_id, KeptFigures.made_at, KeptFigures.took_ms)
        .outerjoin(KeptFigures, KeptFigures.creditor_id == HistoryHead.creditor_id)
        .where(
            (KeptFigures.position.is_(None))
            | (KeptFigures.position != HistoryHead.position)
            | (KeptFigures.on_day != today)
        )
        .order_by(KeptFigures.made_at.nulls_first(), HistoryHead.creditor_id)
    )
    if creditor_id is not None:
        query = query.where(HistoryHead.creditor_id == creditor_id)
    return [
        found
        for found, made_at, took_ms in db.session.execute(query)
        if made_at is None or now - made_at >= timedelta(milliseconds=_SHARE * took_ms)
    ]


def prepare() -> None:
    """Let this transaction read much: for a job that makes figures anew."""
    sets.begin()
    db.session.execute(text("set local work_mem = '64MB'"))


def _put_together(read: Mapping[str, Sequence[Row]], on: date, made_at: datetime) -> Figures:
    days = Days(on)
    currencies = {row["currency"] for name in ("stood", "money", "owed") for row in read[name]}
    # The one that most cases are in comes first.
    count = Counter(dict.fromkeys(currencies or {"SEK"}, 0))
    for row in read["stood"]:
        count[row["currency"]] += row["cases"]
    order = sorted(count, key=lambda one: (-count[one], one))
    return Figures(
        on,
        made_at,
        tuple(_money(read, currency, days) for currency in order),
        _cohorts(read["cohorts"], days),
        _waits(read["waits"]),
        {row["reason"] or "": row["invoices"] for row in read["invoices"]},
    )


def _money(read: Mapping[str, Sequence[Row]], currency: str, days: Days) -> Money:
    own = {
        name: [row for row in read[name] if row["currency"] == currency]
        for name in ("stood", "money", "settled", "owed")
    }
    whole = days.month - timedelta(days=1)
    counts = {name: read[name] for name in ("opened", "closed")}
    standing = [row for row in own["stood"] if row["status"] in states.OPEN]
    return Money(
        currency,
        _month(own | counts, days.month, days.today),
        _month(own | counts, days.last_month, days.same_day),
        _month(own | counts, days.last_month, whole),
        _running(own["money"], days.month, days.today),
        _running(own["money"], days.last_month, whole),
        sum(int(row["ore"]) for row in own["owed"]),
        tuple(
            _sum_of(_unpaid(row) for row in standing if row["age"] == age)
            for age in range(len(AGES) + 1)
        ),
        {
            status: _sum_of(_unpaid(row) for row in standing if row["status"] == status)
            for status in states.OPEN
        },
        forecast.forecast(read, currency),
    )


def _within(rows: Iterable[Row], from_on: date, through_on: date) -> list[Row]:
    # Days are ISO texts, which come in the order of the days.
    first, last = from_on.isoformat(), through_on.isoformat()
    return [row for row in rows if first <= row["day"] <= last]


def _month(rows: Mapping[str, Sequence[Row]], from_on: date, through_on: date) -> Month:
    money = _within(rows["money"], from_on, through_on)
    return Month(
        from_on,
        through_on,
        _parts(row for row in money if not row["is_direct"]),
        _parts(row for row in money if row["is_direct"]),
        sum(int(row["ore"]) for row in _within(rows["settled"], from_on, through_on)),
        sum(row["cases"] for row in _within(rows["opened"], from_on, through_on)),
        sum(
            row["cases"]
            for row in _within(rows["closed"], from_on, through_on)
            if row["status"] == states.PAID
        ),
    )


def _parts(rows: Iterable[Row]) -> Parts:
    names = ("principal", "interest", "fees", "overpaid")
    sums = Counter(dict.fromkeys(names, 0))
    for row in rows:
        for name in names:
            sums[name] += int(row[name] or 0)
    return Parts(*(sums[name] for name in names))


def _running(rows: Sequence[Row], from_on: date, through_on: date) -> tuple[int, ...]:
    """What was collected for the creditor to each day, from one to another."""
    by_day: Counter[str] = Counter()
    for row in rows:
        if not row["is_direct"]:
            by_day[row["day"]] += int(row["principal"] or 0) + int(row["interest"] or 0)
    total, running = 0, []
    for number in range((through_on - from_on).days + 1):
        total += by_day[(from_on + timedelta(days=number)).isoformat()]
        running.append(total)
    return tuple(running)


def _unpaid(row: Row) -> Unpaid:
    return Unpaid(row["cases"], int(row["principal"]), int(row["interest"]), int(row["fees"]))


def _sum_of(some: Iterable[Unpaid]) -> Unpaid:
    total = Unpaid()
    for one in some:
        total = Unpaid(
            total.cases + one.cases,
            total.principal_ore + one.principal_ore,
            total.interest_ore + one.interest_ore,
            total.fees_ore + one.fees_ore,
        )
    return total


def _cohorts(rows: Sequence[Row], days: Days) -> tuple[Cohort, ...]:
    by_month = {row["month"]: row for row in rows}
    cohorts = []
    for month in days.cohorts:
        row = by_month.get(month.isoformat())
        if row is None:
            cohorts.append(Cohort(month, 0, (0,) * len(STEPS), 0, 0))
            continue
        solved = tuple(row[step] for step in STEPS)
        closed = row["opened"] - row["open"]
        cohorts.append(Cohort(month, row["opened"], solved, closed - sum(solved), row["open"]))
    return tuple(cohorts)


def _waits(rows: Sequence[Row]) -> Waits:
    by_days = sorted((row["days"], row["cases"]) for row in rows)
    cases = sum(count for _, count in by_days)
    classes = [0] * (len(WAITS) + 1)
    for waited, count in by_days:
        place = next((n for n, last in enumerate(WAITS) if waited <= last), len(WAITS))
        classes[place] += count
    return Waits(cases, _rank(by_days, cases, 50), _rank(by_days, cases, 90), tuple(classes))


def _rank(by_days: Sequence[tuple[int, int]], cases: int, per_cent: int) -> int | None:
    """The days that so many per cent of the cases did not exceed (nearest rank)."""
    wanted, seen = -(-cases * per_cent // 100), 0
    for waited, count in by_days:
        seen += count
        if seen >= wanted:
            return waited
    return None
