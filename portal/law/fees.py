"""What the debtor may be charged for reminders, demands, plans, lateness and enforcement.

Source: lag (1981:739) om ersättning för inkassokostnader m.m. as amended by 2013:56 (in force
2013-03-16), and for measures taken before that förordning (1981:1057) as amended by 2003:294 (in
force 2003-07-01). No other measure is charged (§ 5), and no agreement widens this (§ 6). What an
application to the Enforcement Authority costs stands in förordning (1992:1094) om avgifter vid
Kronofogdemyndigheten and lag (1990:746) om betalningsföreläggande och handräckning § 48.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from portal.law.errors import LawError
from portal.messages import N_, Problem

REMINDER = "reminder"
DEMAND = "demand"
PLAN = "plan"
LATE_PAYMENT = "late_payment"
PAYMENT_ORDER = "payment_order"
AGENT = "agent"
ENFORCEMENT = "enforcement"
KINDS = (REMINDER, DEMAND, PLAN, LATE_PAYMENT, PAYMENT_ORDER, AGENT, ENFORCEMENT)
# Late-payment compensation takes the place of these; what the authority costs is beside it.
_REPLACED = (REMINDER, DEMAND, PLAN)
# Confirm: more than one is hardly reasonably called for (lag 1981:739 § 4, lag 1990:746 § 48).
_ONE_PER_CLAIM = (REMINDER, DEMAND, LATE_PAYMENT, PAYMENT_ORDER, AGENT)

CONSUMER = "consumer"
BUSINESS = "business"
PUBLIC_BODY = "public_body"
DEBTORS = (CONSUMER, BUSINESS, PUBLIC_BODY)


@dataclass(frozen=True)
class FeeRow:
    """The most that one kind of measure may cost while a rule was in force.

    kind: one of KINDS. amount_ore: öre. from_on, to_on: first and last day of the rule, both
    counted; to_on is None while it is in force. statute: where the amount stands.
    """

    kind: str
    amount_ore: int
    statute: str
    from_on: date
    to_on: date | None


@dataclass(frozen=True)
class Charge:
    """A fee put on a claim: kind (one of KINDS), öre, and the statute that allows it.

    covered_ore: how much of what the measure may cost is not charged, because late-payment
    compensation takes its place; for the compensation, what fees charged before had taken of it.
    """

    kind: str
    ore: int
    statute: str
    covered_ore: int = 0


@dataclass(frozen=True)
class ClaimTerms:
    """What decides which fees a claim may bear.

    debtor: one of DEBTORS. reminder_fee_agreed: at the latest when the debt arose (lag 1981:739
    § 2). The rest is for late-payment compensation (§ 4 a): is_creditor_business: whether the
    creditor acts in its business; is_for_goods_or_services: whether payment for those is claimed;
    bears_default_interest: whether the creditor is entitled to it on the day of the measure;
    compensation_wanted: the creditor's setting.
    Raises LawError for another kind of debtor.
    """

    debtor: str
    reminder_fee_agreed: bool = False
    is_creditor_business: bool = False
    is_for_goods_or_services: bool = True
    bears_default_interest: bool = False
    compensation_wanted: bool = False

    def __post_init__(self) -> None:
        if self.debtor not in DEBTORS:
            raise LawError(N_("%(debtor)s is no kind of debtor."), debtor=self.debtor)


@dataclass(frozen=True)
class Measure:
    """What is done to get paid, on a day.

    kind: one of KINDS. is_sent: the letter or the application is sent, or goes out in the same
    act; late-payment compensation needs neither. is_complete: of a demand, that it states what
    inkassolagen § 5 asks (`demand.missing` finds nothing); of a plan, that it is agreed with the
    debtor, in writing, for all that is left. is_called_for: reasonably so (lag 1981:739 § 4).
    """

    kind: str
    on: date
    is_sent: bool = False
    is_complete: bool = False
    is_called_for: bool = True


@dataclass(frozen=True)
class Decision:
    """Whether a measure is charged: the charge, or None and the reason.

    covered_ore: of a measure that may be charged for but is not, what compensation takes the place
    of. Keep it: with `Charge(kind, 0, statute, covered_ore)` among what was before, a later fee is
    charged for what exceeds the compensation.
    """

    charge: Charge | None
    reason: Problem | None = None
    covered_ore: int = 0


_OLD = (date(2003, 7, 1), date(2013, 3, 15))
_NOW = (date(2013, 3, 16), None)

FEES: tuple[FeeRow, ...] = (
    FeeRow(REMINDER, 5_000, "lag (1981:739) § 2, förordning (1981:1057)", *_OLD),
    FeeRow(REMINDER, 6_000, "lag (1981:739) § 2, § 4", *_NOW),
    FeeRow(DEMAND, 16_000, "lag (1981:739) § 3 p. 1, förordning (1981:1057)", *_OLD),
    FeeRow(DEMAND, 18_000, "lag (1981:739) § 3 p. 1, § 4", *_NOW),
    FeeRow(PLAN, 15_000, "lag (1981:739) § 3 p. 2, förordning (1981:1057)", *_OLD),
    FeeRow(PLAN, 17_000, "lag (1981:739) § 3 p. 2, § 4", *_NOW),
    # § 4 a came with 2013:56: there was no such compensation before.
    FeeRow(LATE_PAYMENT, 45_000, "lag (1981:739) § 4 a", *_NOW),
    # The first days that we can vouch for: those of the wordings read (2008:893, 2017:471). The
    # amounts are older.
    FeeRow(PAYMENT_ORDER, 30_000, "förordning (1992:1094) § 1", date(2008, 12, 12), None),
    FeeRow(ENFORCEMENT, 60_000, "förordning (1992:1094) § 6", date(2017, 7, 1), None),
    # The applicant's own work or agent; more only for special reasons (2013:1062).
    FeeRow(AGENT, 38_000, "lag (1990:746) § 48", date(2014, 1, 1), None),
)


def fee(kind: str, on: date) -> FeeRow:
    """The most that a measure taken on a day may cost.

    kind: one of KINDS. on: the day the measure is taken, which decides the rule (2013:56 and
    2003:294, transitional provisions). Raises LawError for another kind and for a day before the
    table begins.
    """
    if kind not in KINDS:
        raise LawError(N_("The law knows no fee of the kind %(kind)s."), kind=kind)
    for row in FEES:
        if row.kind == kind and row.from_on <= on and (row.to_on is None or on <= row.to_on):
            return row
    raise LawError(
        N_("No fee of the kind %(kind)s is known for %(on)s, which is before our table begins."),
        kind=kind,
        on=on.isoformat(),
    )


def decide(measure: Measure, terms: ClaimTerms, before: Sequence[Charge] = ()) -> Decision:
    """Whether a measure may be charged to the debtor, and how much, or why not.

    before: what has been charged on the claim, by us or the creditor, and what would have been but
    for compensation (see `Decision`). Late-payment compensation takes the place of the fees for
    reminder, demand and plan (§ 4 a): in whatever order they come, they are together never more
    than the compensation, or than those fees where they alone are more.
    Raises LawError for a kind that the law does not know, a day before the table begins, and a
    negative charge.
    """
    if measure.kind not in KINDS:
        raise LawError(N_("The law knows no fee of the kind %(kind)s."), kind=measure.kind)
    if any(one.ore < 0 or one.covered_ore < 0 for one in before):
        raise LawError(N_("A fee that was charged before cannot be negative."))
    if reason := _why_not(measure, terms, before):
        return Decision(None, Problem(reason))
    row = fee(measure.kind, measure.on)
    covered_ore = _covered(row, measure.on, before)
    if covered_ore < row.amount_ore:
        return Decision(
            Charge(row.kind, row.amount_ore - covered_ore, row.statute, covered_ore),
            covered_ore=covered_ore,
        )
    reason = (
        N_("No late-payment compensation: the fees charged before are at least as much.")
        if row.kind == LATE_PAYMENT
        else N_("No fee: the compensation for late payment takes its place.")
    )
    return Decision(None, Problem(reason), covered_ore)


def _why_not(measure: Measure, terms: ClaimTerms, before: Sequence[Charge]) -> str | None:
    if measure.kind in _ONE_PER_CLAIM and any(one.kind == measure.kind for one in before):
        return N_("The claim has been charged for this before, and it is charged only once.")
    if measure.kind == LATE_PAYMENT:
        return _why_no_compensation(terms)
    if not measure.is_sent:
        return N_("Nothing is charged for what is not sent.")
    if not measure.is_called_for:
        return N_("Nothing is charged for what is not reasonably called for.")
    if measure.kind == REMINDER and not terms.reminder_fee_agreed:
        return N_("No reminder fee: none was agreed on at the latest when the debt arose.")
    if measure.kind == DEMAND and not measure.is_complete:
        return N_("No fee for the demand: it does not state all that the law asks of it.")
    if measure.kind == PLAN and not measure.is_complete:
        return N_(
            "No fee for the payment plan: it is not agreed in writing with the debtor for all that "
            "is left."
        )
    return None


def _why_no_compensation(terms: ClaimTerms) -> str | None:
    if not terms.compensation_wanted:
        return N_("No late-payment compensation: the creditor does not ask for it.")
    if terms.debtor == CONSUMER:
        return N_("No late-payment compensation: consumers never pay it.")
    if not terms.is_creditor_business:
        return N_("No late-payment compensation: the creditor is no business.")
    if not terms.is_for_goods_or_services:
        return N_("No late-payment compensation: the claim is not for goods or services.")
    if not terms.bears_default_interest:
        return N_("No late-payment compensation: the claim bears no default interest yet.")
    return None


def _covered(row: FeeRow, on: date, before: Sequence[Charge]) -> int:
    """How much of what a measure may cost is charged already, as compensation or by fees."""
    fees = [one for one in before if one.kind in _REPLACED]
    charged_ore = sum(one.ore for one in fees)
    if row.kind == LATE_PAYMENT:
        return min(charged_ore, row.amount_ore)
    compensation_ore = sum(one.ore for one in before if one.kind == LATE_PAYMENT)
    if row.kind not in _REPLACED or not compensation_ore:
        return 0
    cost_ore = row.amount_ore + sum(one.ore + one.covered_ore for one in fees)
    most_ore = max(fee(LATE_PAYMENT, on).amount_ore, cost_ore)
    left_ore = most_ore - charged_ore - compensation_ore
    return row.amount_ore - min(max(left_ore, 0), row.amount_ore)


def reminder_fee(on: date, *, agreed: bool, already_charged: bool) -> Charge | None:
    """The fee for a written reminder sent on a day, or None when none may be charged.

    agreed: whether creditor and debtor agreed on a reminder fee at the latest when the debt arose
    (lag 1981:739 § 2). already_charged: whether the claim has borne a reminder fee before; one per
    claim, as more is not reasonably called for (§ 4). Of a claim that bears no late-payment
    compensation; `decide` knows that too. Raises LawError for a day before the table.
    """
    before = [Charge(REMINDER, 0, "")] if already_charged else []
    terms = ClaimTerms(CONSUMER, reminder_fee_agreed=agreed)
    return decide(Measure(REMINDER, on, is_sent=True), terms, before).charge
