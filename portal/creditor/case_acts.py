"""What a clerk can do with a case: each act's words, what it asks, and the verb that does it.

The verbs are the rooms'; here they get what was filled in. Which acts a case offers follows from
the table of states and from what goes on with the case.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString

from portal.collection import changes, lifecycle, stops
from portal.collection.effects import Verb
from portal.creditor import forms_case as forms
from portal.creditor.case_facts import CaseFacts
from portal.creditor.forms_case import BY_HAND, ActForm
from portal.identity.actor import Actor
from portal.messages import N_, RedaError


@dataclass(frozen=True)
class Hand:
    """Who acts, and when."""

    actor: Actor
    today: date
    now: datetime


@dataclass(frozen=True)
class CaseAct:
    """One act.

    name: in the address. group: the heading that it stands below. transition: of the table of
    states. title, about: of its page; about tells what it means before anything is filled in.
    button: what does it. done: what is said afterwards. verb: made of what was filled in.
    fits: whether the case has what the act is about.
    """

    name: str
    group: str
    transition: str
    title: LazyString
    about: LazyString
    button: LazyString
    done: LazyString
    form: type[ActForm]
    verb: Callable[[Any, Hand], Verb]
    fits: Callable[[CaseFacts], bool] = lambda facts: True
    is_final: bool = False


def _hold(form: forms.HoldForm, hand: Hand) -> Verb:
    return lambda case: stops.stop(
        case, form.kind.data, form.reason.data, actor=hand.actor, now=hand.now,
        until_on=form.until_on.data,
    )  # fmt: skip


def _resume(form: forms.ResumeForm, hand: Hand) -> Verb:
    return lambda case: lifecycle.resume(
        case, form.kind.data, actor=hand.actor, today=hand.today, now=hand.now
    )


def _recall(form: forms.RecallForm, hand: Hand) -> Verb:
    return lambda case: changes.recall(
        case, reason=form.reason.data, actor=hand.actor, today=hand.today, now=hand.now
    )


def _credit(form: forms.CreditForm, hand: Hand) -> Verb:
    number = form.number.data.strip()

    def verb(case: Any) -> None:
        if not changes.credit(
            case, amount_ore=form.amount.data or 0, on=form.on.data, key=number, actor=hand.actor,
            now=hand.now,
        ):  # fmt: skip
            raise RedaError(N_("This credit note is booked on the case already."), field="number")

    return verb


def _pay_directly(form: forms.DirectForm, hand: Hand) -> Verb:
    # Without a number of its own, the same sum on the same day is taken for the same payment.
    key = (form.number.data or "").strip() or f"{form.on.data}:{form.amount.data}"

    def verb(case: Any) -> None:
        if not changes.creditor_was_paid(
            case, amount_ore=form.amount.data or 0, on=form.on.data, key=key, actor=hand.actor,
            now=hand.now,
        ):  # fmt: skip
            raise RedaError(
                N_("This payment is registered already. If it is another one, give it a number."),
                field="number",
            )

    return verb


TIME, MONEY, END = "time", "money", "end"
GROUPS = {
    TIME: lazy_gettext("Wait or go on"),
    MONEY: lazy_gettext("Money"),
    END: lazy_gettext("End the case"),
}
ACTS = (
    CaseAct(
        "hold", TIME, "stop",
        lazy_gettext("Let the case stand still"),
        lazy_gettext("Nothing is sent and no fee is added until the last day, or until you let it"
                     " go on. The debtor can still pay, and interest runs on."),
        lazy_gettext("Let it stand still"),
        lazy_gettext("The case stands still."),
        forms.HoldForm, _hold,
    ),
    CaseAct(
        "resume", TIME, "go on",
        lazy_gettext("Let the case go on"),
        lazy_gettext("The step that waited comes next. A letter that was held back is written anew,"
                     " with the full time to pay."),
        lazy_gettext("Let it go on"),
        lazy_gettext("The case goes on."),
        forms.ResumeForm, _resume,
        fits=lambda facts: any(one in BY_HAND for one in facts.stop_kinds),
    ),
    CaseAct(
        "pay-directly", MONEY, "pay directly",
        lazy_gettext("Register a payment to you"),
        lazy_gettext("For money that the debtor paid to your own account. It covers the invoice"
                     " first, then the interest; what else is owed follows your rules."),
        lazy_gettext("Register the payment"),
        lazy_gettext("The payment is registered."),
        forms.DirectForm, _pay_directly,
    ),
    CaseAct(
        "credit", MONEY, "credit",
        lazy_gettext("Register a credit note"),
        lazy_gettext("A credit note lowers what is owed of the invoice. One for all that is left"
                     " closes the case: a claim that was never owed bears no interest and no fee."),
        lazy_gettext("Register the credit note"),
        lazy_gettext("The credit note is registered."),
        forms.CreditForm, _credit,
        fits=lambda facts: facts.due.principal_ore > 0,
    ),
    CaseAct(
        "recall", END, "recall",
        lazy_gettext("Recall the case"),
        lazy_gettext("You take the claim back. Nothing more is asked of the debtor, our fees"
                     " neither, and the case is closed for good."),
        lazy_gettext("Recall the case"),
        lazy_gettext("The case is recalled."),
        forms.RecallForm, _recall,
        is_final=True,
    ),
)  # fmt: skip
_BY_NAME = {one.name: one for one in ACTS}


def find(name: str) -> CaseAct | None:
    """The act with a name in an address."""
    return _BY_NAME.get(name)


def is_possible(act: CaseAct, facts: CaseFacts) -> bool:
    """Whether a case offers an act now."""
    return act.transition in facts.can and act.fits(facts)


def offered(facts: CaseFacts) -> list[tuple[LazyString, Sequence[CaseAct]]]:
    """The acts that a case offers, below their headings."""
    found = [one for one in ACTS if is_possible(one, facts)]
    grouped = [
        (title, [one for one in found if one.group == group]) for group, title in GROUPS.items()
    ]
    return [(title, acts) for title, acts in grouped if acts]
