"""What the next weeks will probably bring: what happened after days like today, told as a range.

Of the claims that stood at a step on a day, for a week or for a month already, how much was paid in
each of the weeks after it? That share is known for a day in each of the last 26 weeks. Today's
claims, by step and by how long they have stood there, times the shares of all those days together
is what is expected; the shares of each single day tell how far it may be off. Cases with a payment
plan are reckoned by their instalments instead.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from portal.collection.tallies import WEEKS, Row

# Fewer say nothing of the next ones.
FEWEST_PAYMENTS = 20
FEWEST_LOOKS = 8
FEWEST_PLANS = 10
# A step, and the class of days that a case has stood at it.
_Place = tuple[str, int]


@dataclass(frozen=True)
class Week:
    """What a week may bring the creditor, in öre. The first begins tomorrow.

    planned_ore: instalments that fall due. plans_ore: what of them is expected to come.
    expected_ore, low_ore, high_ore: that and other payments; None when there is too little to tell.
    """

    planned_ore: int
    plans_ore: int
    expected_ore: int | None
    low_ore: int | None
    high_ore: int | None


@dataclass(frozen=True)
class Forecast:
    """The next weeks. payments: that it learns from. looks: days of before that were like today.

    plans: how many plans have ended in a year. kept: how many of them were kept.
    """

    weeks: Sequence[Week]
    payments: int
    looks: int
    plans: int
    kept: int

    @property
    def can_tell(self) -> bool:
        """Whether there is enough to tell from."""
        return all(week.expected_ore is not None for week in self.weeks)

    @property
    def planned_ore(self) -> int:
        return sum(week.planned_ore for week in self.weeks)

    @property
    def expected_ore(self) -> int:
        return sum(week.expected_ore or 0 for week in self.weeks)


def forecast(tallies: Mapping[str, Sequence[Row]], currency: str) -> Forecast:
    """The forecast of one currency from `tallies.read`."""
    past = _Past(tallies, currency)
    now = {
        (row["step"], row["stood"]): int(row["ore"])
        for row in tallies["stands_now"]
        if row["currency"] == currency
    }
    by_end = {
        row["k"]: int(row["ore"]) for row in tallies["planned"] if row["currency"] == currency
    }
    ended = {row["status"]: int(row["plans"]) for row in tallies["plans_ended"]}
    plans, kept = sum(ended.values()), ended.get("kept", 0)
    share = Fraction(kept, plans) if plans >= FEWEST_PLANS else None
    enough = past.payments >= FEWEST_PAYMENTS and len(past.looks) >= FEWEST_LOOKS
    weeks = []
    for week in range(1, WEEKS + 1):
        planned = by_end.get(week, 0) - by_end.get(week - 1, 0)
        if not enough:
            weeks.append(Week(planned, planned, None, None, None))
            continue
        # Of the instalments as many as of the plans that ended; without enough of them, all, and
        # perhaps none.
        from_plans = planned * (share if share is not None else 1)
        expected = sum((ore * past.share(at, week) for at, ore in now.items()), Fraction(0))
        among = sorted(past.total_after(look, week, now) for look in past.looks)
        low = _at(among, 10) + (from_plans if share is not None else 0)
        high = max(_at(among, 90), expected) + planned
        expected += from_plans
        weeks.append(
            Week(
                planned,
                _whole(from_plans),
                _whole(expected),
                _whole(min(low, expected)),
                _whole(high),
            )
        )
    return Forecast(tuple(weeks), past.payments, len(past.looks), plans, kept)


class _Past:
    """What stood on the days of before, and what came in the weeks after each."""

    def __init__(self, tallies: Mapping[str, Sequence[Row]], currency: str) -> None:
        self._stood: Counter[tuple[_Place, int]] = Counter()
        self._came: Counter[tuple[_Place, int, int]] = Counter()
        self._all_stood: Counter[_Place] = Counter()
        self._all_came: Counter[tuple[_Place, int]] = Counter()
        self.payments = 0
        for row in tallies["stood_before"]:
            if row["currency"] == currency:
                place = (row["step"], row["stood"])
                self._stood[place, row["look"]] += int(row["ore"])
                self._all_stood[place] += int(row["ore"])
        for row in tallies["came_after"]:
            if row["currency"] == currency:
                place = (row["step"], row["stood"])
                self._came[place, row["look"], row["week"]] += int(row["ore"])
                self._all_came[place, row["week"]] += int(row["ore"])
                self.payments += int(row["payments"]) if row["week"] == 1 else 0
        self.looks = sorted({look for _, look in self._stood})

    def share(self, place: _Place, week: int) -> Fraction:
        """Of what stood somewhere, how much came in a week after, over all days together."""
        stood = self._all_stood[place]
        return Fraction(self._all_came[place, week], stood) if stood else Fraction(0)

    def total_after(self, look: int, week: int, now: Mapping[_Place, int]) -> Fraction:
        """What today's claims would bring in a week if it went as after one day of before."""
        total = Fraction(0)
        for place, ore in now.items():
            stood = self._stood[place, look]
            came = self._came[place, look, week]
            total += ore * (Fraction(came, stood) if stood else self.share(place, week))
        return total


def _at(values: Sequence[Fraction], per_cent: int) -> Fraction:
    """The value that so many per cent of some sorted values do not exceed."""
    return values[max(0, -(-len(values) * per_cent // 100) - 1)]


def _whole(ore: Fraction | int) -> int:
    """Whole kronor, in öre: a forecast tells no öre."""
    return round(Fraction(ore) / 100) * 100
