"""The life of a case as one table: from where it may move, who moves it, and what follows.

`lifecycle` and its neighbours ask the table before they do anything; docs/lifecycle.md is drawn
from it. A stop lies over a status: while a case has one, no step is taken and no letter is sent,
and the step that was next waits.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from portal.messages import N_, RedaError

IMPORTED, REMINDED, DEMANDED, DECIDING = "imported", "reminded", "demanded", "deciding"
LEGAL, SURVEILLANCE = "legal", "surveillance"
PAID, WRITTEN_OFF, RETURNED = "paid", "written off", "returned"
RECALLED, CREDITED, LIMITED = "recalled", "credited", "limited"
OPEN = (IMPORTED, REMINDED, DEMANDED, DECIDING, LEGAL, SURVEILLANCE)
CLOSED = (PAID, WRITTEN_OFF, RETURNED, RECALLED, CREDITED, LIMITED)
STATUSES = (*OPEN, *CLOSED)

# What the daily advance does next with a case that no stop holds.
REMINDER, DEMAND, DECISION = "reminder", "demand", "decision"
STEPS = (REMINDER, DEMAND, DECISION)

HOLD, PLAN, DISPUTE, REVIEW = "hold", "plan", "dispute", "review"
BANKRUPT, DECEASED, MINOR = "bankrupt", "deceased", "minor"
PROTECTED, RESTRUCTURING = "protected identity", "debt restructuring"
REPRESENTED = "represented"
SAID_PAID, WRONG_PERSON = "said paid", "wrong person"
# What a debtor says is wrong among what is held; it stops nothing.
CORRECTION = "correction"
# A person's circumstances (god inkassosed).
CIRCUMSTANCES = (BANKRUPT, DECEASED, MINOR, PROTECTED, RESTRUCTURING, REPRESENTED)
# Why a case stands still; the last two are what a debtor has told and nobody has looked into.
STOPS = (HOLD, PLAN, DISPUTE, REVIEW, *CIRCUMSTANCES, SAID_PAID, WRONG_PERSON)

# Who moves a case.
SYSTEM, CREDITOR, DEBTOR, OPERATOR, BANK = "system", "creditor", "debtor", "operator", "bank"


@dataclass(frozen=True)
class Transition:
    """One thing that can happen to a case.

    name: the act. before: statuses that it is possible in. after: the status it leads to, None when
    that stays. by: who may do it. books: kinds of ledger entries that it may write. sends: the
    letter. next_step: what the daily advance then does, None for nothing, `same` when that stays.
    event: in the history. rule: what allows or asks for it.
    """

    name: str
    before: tuple[str, ...]
    after: str | None
    by: tuple[str, ...]
    event: str
    rule: str
    books: tuple[str, ...] = ()
    sends: str | None = None
    next_step: str | None = "same"


# What a letter that has not left brings with it when it is withdrawn (`unsent`).
_FALLEN = ("fee.waived", "payment.counted_anew")
TRANSITIONS = (
    Transition("remind", (IMPORTED,), REMINDED, (SYSTEM,), "case.reminder_sent",
               "lag (1981:739) § 2; reminder_days of the rules", ("fee.reminder",), "reminder",
               DEMAND),
    Transition("demand", (REMINDED,), DEMANDED, (SYSTEM,), "case.demand_sent",
               "inkassolagen (1974:182) § 5; demand_days of the rules",
               ("fee.demand", "fee.late_payment"), "demand", DECISION),
    Transition("wait for a decision", (DEMANDED,), DECIDING, (SYSTEM,), "case.awaits_decision",
               "after_demand of the rules: ask", next_step=None),
    Transition("take to law", (DEMANDED, DECIDING, SURVEILLANCE), LEGAL,
               (SYSTEM, CREDITOR, OPERATOR), "case.taken_to_law",
               "inkassolagen § 6; lag (1990:746)", next_step=None),
    Transition("watch over", (DEMANDED, DECIDING, LEGAL), SURVEILLANCE,
               (SYSTEM, CREDITOR, OPERATOR), "case.watched_over",
               "after_demand of the rules: surveillance", next_step=None),
    Transition("write off", OPEN, WRITTEN_OFF, (SYSTEM, CREDITOR, OPERATOR), "case.written_off",
               "after_demand of the rules, or the creditor's decision",
               ("interest.accrued", "claim.written_off", *_FALLEN), next_step=None),
    Transition("give back", OPEN, RETURNED, (SYSTEM, OPERATOR), "case.returned",
               "after_demand of the rules: return", ("claim.returned", *_FALLEN), next_step=None),
    Transition("pay", OPEN, PAID, (BANK, SYSTEM), "case.paid", "inkassolagen § 9",
               ("interest.accrued", "payment", "commission", "commission.taken_back",
                "rest.written_off", *_FALLEN), next_step=None),
    Transition("pay directly", OPEN, None, (CREDITOR,), "case.paid_directly",
               "the creditor has the money; direct_payment of the rules",
               ("interest.accrued", "payment.direct", "commission", "interest.waived",
                "fee.waived")),
    Transition("credit", OPEN, None, (CREDITOR,), "case.credited_in_part",
               "a credit note lowers the claim", ("interest.accrued", "claim.credited",
                                                  "interest.waived", "fee.waived")),
    Transition("credit wholly", OPEN, CREDITED, (CREDITOR,), "case.credited",
               "a claim that is credited is owed no more",
               ("claim.credited", "interest.waived", "commission.taken_back", *_FALLEN),
               next_step=None),
    Transition("recall", OPEN, RECALLED, (CREDITOR, OPERATOR), "case.recalled",
               "the claim is the creditor's own",
               ("claim.recalled", "interest.waived", "commission.taken_back", *_FALLEN),
               next_step=None),
    Transition("change the due date", (IMPORTED, REMINDED), None, (CREDITOR,),
               "case.due_date_changed", "räntelagen (1975:635) § 3"),
    Transition("let lapse", OPEN, LIMITED, (SYSTEM,), "case.limited",
               "preskriptionslagen (1981:130) § 8", ("claim.limited", *_FALLEN), next_step=None),
    Transition("stop", OPEN, None, (SYSTEM, CREDITOR, DEBTOR, OPERATOR), "case.stopped",
               "inkassolagen § 4 (god inkassosed), § 8; lag (1981:739) § 3: no fee for a"
               " letter that is not sent", _FALLEN),
    Transition("go on", OPEN, None, (SYSTEM, CREDITOR, OPERATOR), "case.resumed",
               "the reason to stop is over; a letter that was held back is charged for now",
               ("fee.reminder", "fee.demand")),
    Transition("postpone", (REMINDED, DEMANDED), None, (DEBTOR,), "case.postponed",
               "anstånd: may_postpone, postpone_days and postpone_times of the rules",
               sends="more_time"),
    Transition("agree on a plan", OPEN, None, (CREDITOR, DEBTOR, OPERATOR), "case.plan_agreed",
               "lag (1981:739) § 3 p. 2", ("fee.plan", *_FALLEN), "plan"),
    Transition("move a plan", OPEN, None, (DEBTOR,), "case.plan_moved",
               "the day of what is left is changed once for each plan", sends="plan"),
    Transition("end a plan", OPEN, None, (CREDITOR, OPERATOR), "case.plan_ended",
               "what was agreed on is called off by who agreed on it", _FALLEN),
    Transition("object", OPEN, None, (CREDITOR, DEBTOR, OPERATOR), "case.disputed",
               "inkassolagen §§ 4, 5, 8: a time to object, and no demand for what is not owed"),
    Transition("ask about an objection", OPEN, None, (CREDITOR,), "case.dispute_asked",
               "god inkassosed: an objection is looked into", sends="dispute_answer"),
    Transition("reply about an objection", OPEN, None, (CREDITOR, DEBTOR, OPERATOR),
               "case.dispute_replied", "god inkassosed: an objection is looked into"),
    Transition("answer an objection", OPEN, None, (CREDITOR,), "case.dispute_answered",
               "god inkassosed: an objection is answered before anything is demanded again",
               ("claim.credited", "claim.never_owed", "claim.recalled", "interest.waived",
                "commission.taken_back", *_FALLEN), "dispute_answer"),
    Transition("tell", OPEN, None, (DEBTOR,), "case.told",
               "inkassolagen §§ 4, 8; the statutes of law/situations.py"),
    Transition("answer what was told", OPEN, None, (CREDITOR,), "case.told_answered",
               "god inkassosed: what a debtor tells is looked into before anything goes on",
               ("interest.accrued", "payment.direct", "commission", "claim.recalled",
                "interest.waived", "commission.taken_back", *_FALLEN), "dispute_answer"),
    Transition("ask for a correction", STATUSES, None, (DEBTOR,), "case.told",
               "dataskyddsförordningen (EU 2016/679) art. 16"),
    Transition("answer about a correction", STATUSES, None, (CREDITOR,), "case.told_answered",
               "dataskyddsförordningen (EU 2016/679) art. 12.3, 12.4, 16"),
    Transition("take a payment back", STATUSES, None, (BANK, OPERATOR), "case.payment_taken_back",
               "what the bank takes back, or was another case’s, is not paid (inkassolagen § 4)",
               ("payment.taken_back", "commission", "commission.taken_back", "rest.taken_back",
                "fee.taken_back", "interest.accrued", "rest.written_off")),
    Transition("change the customer", OPEN, None, (SYSTEM, CREDITOR, OPERATOR),
               "case.customer_changed", "dataskyddsförordningen (EU 2016/679) art. 5.1 d, 16"),
)  # fmt: skip
_BY_NAME = {one.name: one for one in TRANSITIONS}


class NotAllowed(RedaError):
    """A case cannot make this move from where it is, or not by this person."""

    status = 409


def allowed(name: str, status: str) -> Transition:
    """The transition, when a case of this status may make it.

    Raises NotAllowed otherwise, and KeyError for a name that is not in the table.
    """
    found = _BY_NAME[name]
    if status not in found.before:
        raise NotAllowed(
            N_("This cannot be done with the case as it is now. Look at it again; it has changed.")
        )
    return found


def possible(status: str, by: str) -> Iterable[Transition]:
    """What somebody can do with a case of a status."""
    return (one for one in TRANSITIONS if status in one.before and by in one.by)
