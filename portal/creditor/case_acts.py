"""What a clerk can do with a case: each act's words, what it asks, and the verb that does it.

The verbs are the rooms'; here they get what was filled in. Which acts a case offers follows from
the table of states and from what goes on with the case.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString

from portal.collection import (
    attachments,
    changes,
    disputes,
    effects,
    lifecycle,
    plan_offers,
    plans,
    states,
    stops,
    tellings,
)
from portal.collection.effects import Verb
from portal.creditor import forms_case as forms
from portal.creditor.case_facts import CaseFacts
from portal.creditor.effects import Shown, shown
from portal.creditor.forms_case import BY_HAND, ActForm
from portal.identity.actor import Actor
from portal.messages import N_, RedaError
from portal.signing import plan_signing
from portal.web.forms import text


@dataclass(frozen=True)
class Hand:
    """Who acts, when, and in which language they write."""

    actor: Actor
    today: date
    now: datetime
    language: str


@dataclass(frozen=True)
class CaseAct:
    """One act.

    name: in the address. group: the heading that it stands below. transition: of the table of
    states. title, about: of its page; about tells what it means before anything is filled in.
    button: what does it. done: what is said afterwards. verb: made of what was filled in.
    fits: whether the case has what the act is about. is_final: it cannot be undone.
    more, above: templates with what else is shown, beside the effect and above the form, with what
    beside answers; it is told whether the effect is shown.
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
    more: str | None = None
    above: str | None = None
    beside: Callable[[CaseFacts, Any, Hand, bool], Mapping[str, Any]] = lambda *_: {}


def _hold(form: forms.HoldForm, hand: Hand) -> Verb:
    return lambda case: stops.stop(
        case, form.kind.data, form.reason.data, actor=hand.actor, now=hand.now,
        until_on=form.until_on.data,
    )  # fmt: skip


def _resume(form: forms.ResumeForm, hand: Hand) -> Verb:
    return lambda case: lifecycle.resume(
        case, form.kind.data, actor=hand.actor, today=hand.today, now=hand.now
    )


def _recall(form: forms.ReasonForm, hand: Hand) -> Verb:
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


def _monthly_ore(form: forms.PlanForm, case: Any, today: date) -> int:
    first_on = form.first_on.data or today
    if form.way.data == "amount":
        return form.amount.data or 0
    return plan_offers.monthly_for(
        case, months=form.months.data or 0, first_on=first_on, today=today
    )


def _agree(form: forms.PlanForm, hand: Hand) -> Verb:
    def verb(case: Any) -> object:
        terms: dict[str, Any] = {
            "monthly_ore": _monthly_ore(form, case, hand.today), "first_on": form.first_on.data,
            "actor": hand.actor, "today": hand.today, "now": hand.now,
        }  # fmt: skip
        proposal = plans.check(
            case, **{name: value for name, value in terms.items() if name != "now"}
        )
        if not plan_offers.must_be_signed(case, proposal):
            return plans.agree(case, **terms)
        return plan_signing.offer_from_desk(case, **terms)

    return verb


def _proposal(
    facts: CaseFacts, form: forms.PlanForm, hand: Hand, is_shown: bool
) -> Mapping[str, Any]:
    if not is_shown:
        return {}
    proposal = plan_offers.propose(
        facts.case, monthly_ore=_monthly_ore(form, facts.case, hand.today),
        first_on=form.first_on.data or hand.today, today=hand.today,
    )  # fmt: skip
    must_sign = plan_offers.must_be_signed(facts.case, proposal)
    first_on = form.first_on.data or hand.today
    return {
        "proposal": proposal,
        "sign_by": plan_signing.stands_until(first_on, hand.today) if must_sign else None,
    }


def _end_plan(form: forms.ReasonForm, hand: Hand) -> Verb:
    return lambda case: lifecycle.end_plan(
        case, reason=form.reason.data, actor=hand.actor, today=hand.today, now=hand.now
    )


def _change_due_date(form: forms.DueForm, hand: Hand) -> Verb:
    return lambda case: changes.change_due_date(
        case, form.due_on.data or case.due_on, actor=hand.actor, today=hand.today, now=hand.now
    )


def _change_details(form: forms.DetailsForm, hand: Hand) -> Verb:
    return lambda case: changes.change_customer(
        case.debtor, form.values(), actor=hand.actor, now=hand.now
    )


def _take_to_law(form: ActForm, hand: Hand) -> Verb:
    return lambda case: lifecycle.take_to_law(
        case, actor=hand.actor, today=hand.today, now=hand.now
    )


def _watch_over(form: ActForm, hand: Hand) -> Verb:
    return lambda case: lifecycle.watch_over(case, actor=hand.actor, now=hand.now)


def _write_off(form: forms.ReasonForm, hand: Hand) -> Verb:
    return lambda case: lifecycle.write_off(
        case, actor=hand.actor, today=hand.today, now=hand.now, reason=form.reason.data
    )


def _decide(form: forms.DecideForm, hand: Hand) -> Verb:
    return _option(str(form.option.data), hand)


def _object(form: forms.DisputeForm, hand: Hand) -> Verb:
    return lambda case: disputes.object_to(
        case, reason=form.reason.data, words=form.words.data or "",
        amount_ore=form.amount.data if form.part.data == "part" else None,
        channel=form.channel.data, actor=hand.actor, today=hand.today, now=hand.now,
    )  # fmt: skip


def _reply(form: forms.ReplyForm, hand: Hand) -> Verb:
    return lambda case: disputes.reply(
        case, words=form.words.data or "", actor=hand.actor, now=hand.now
    )


def _answer(form: forms.AnswerForm, hand: Hand) -> Verb:
    words = form.words.data or ""
    if form.answer.data == "ask":
        return lambda case: disputes.ask(
            case, words=words, language=hand.language, actor=hand.actor, today=hand.today,
            now=hand.now,
        )  # fmt: skip
    return lambda case: disputes.answer(
        case, form.answer.data, words=words, language=hand.language,
        credited_ore=form.amount.data or 0,
        is_paid_back=form.paid is not None and form.paid.data == "back",
        actor=hand.actor, today=hand.today, now=hand.now,
    )  # fmt: skip


def _objection(facts: CaseFacts, *_: object) -> Mapping[str, Any]:
    return {"dispute": facts.dispute, "sent": attachments.sent_with(facts.case.id)}


def _answer_told(form: forms.ToldForm, hand: Hand) -> Verb:
    return lambda case: tellings.answer(
        case, form.stop, str(form.outcome.data), words=form.words.data or "",
        language=hand.language, actor=hand.actor, today=hand.today, now=hand.now,
    )  # fmt: skip


def _answer_paid(form: forms.ToldPaidForm, hand: Hand) -> Verb:
    return lambda case: tellings.answer(
        case, form.stop, str(form.outcome.data), words=form.words.data or "",
        language=hand.language, amount_ore=form.amount.data or 0, on=form.on.data,
        actor=hand.actor, today=hand.today, now=hand.now,
    )  # fmt: skip


def _told(facts: CaseFacts, form: forms.ToldForm, *_: object) -> Mapping[str, Any]:
    return {"told": facts.waits(*form.kinds), "told_files": attachments.told_with(facts.case.id)}


def _option(option: str, hand: Hand) -> Verb:
    if option == "legal":
        return _take_to_law(ActForm(formdata=None), hand)
    if option == "surveillance":
        return _watch_over(ActForm(formdata=None), hand)
    return lambda case: lifecycle.write_off(case, actor=hand.actor, today=hand.today, now=hand.now)


def _compared(
    facts: CaseFacts, form: forms.DecideForm, hand: Hand, is_shown: bool
) -> Mapping[str, Any]:
    """What each way on would do, beside the others."""
    compared: list[tuple[str, Shown | None, str | None]] = []
    for option, label in form.option.choices:
        try:
            found = effects.preview(
                facts.case.id, option, _option(option, hand), said={}, today=hand.today
            )
            compared.append((label, shown(found, facts.case.currency), None))
        except RedaError as error:
            compared.append((label, None, text(error)))
    return {"compared": compared}


OBJECTION, TIME, MONEY, DETAILS, END = "objection", "time", "money", "details", "end"
GROUPS = {
    OBJECTION: lazy_gettext("Objection"),
    TIME: lazy_gettext("Wait or go on"),
    MONEY: lazy_gettext("Money"),
    DETAILS: lazy_gettext("Details"),
    END: lazy_gettext("End the case"),
}
ACTS = (
    CaseAct(
        "answer", OBJECTION, "answer an objection",
        lazy_gettext("Answer the objection"),
        lazy_gettext("The debtor gets your answer in a letter. What you take back is credited; when"
                     " the claim stands, wholly or in part, the case goes on with at least ten"
                     " days to pay."),
        lazy_gettext("Answer so"),
        lazy_gettext("The answer goes to the debtor."),
        forms.AnswerForm, _answer,
        fits=lambda facts: facts.dispute is not None,
        above="creditor/_dispute.html", beside=_objection,
    ),
    CaseAct(
        "reply", OBJECTION, "reply about an objection",
        lazy_gettext("Note what more the debtor says"),
        lazy_gettext("For what came by telephone, e-mail or post after the objection. The case goes"
                     " on standing still."),
        lazy_gettext("Note it"),
        lazy_gettext("It is noted."),
        forms.ReplyForm, _reply,
        fits=lambda facts: facts.dispute is not None,
        above="creditor/_dispute.html", beside=_objection,
    ),
    CaseAct(
        "check-paid", OBJECTION, "answer what was told",
        lazy_gettext("Say whether the money has come"),
        lazy_gettext("The debtor says that it is paid. The case stands still until you have looked"
                     " for the money and answered."),
        lazy_gettext("Answer so"),
        lazy_gettext("What the debtor told is answered."),
        forms.ToldPaidForm, _answer_paid,
        fits=lambda facts: bool(facts.waits(*forms.ToldPaidForm.kinds)),
        above="creditor/_told.html", beside=_told,
    ),
    CaseAct(
        "check-person", OBJECTION, "answer what was told",
        lazy_gettext("Say whether it is the right person"),
        lazy_gettext("The debtor says that somebody else is meant. The case stands still until you"
                     " have compared name, address and order, and answered."),
        lazy_gettext("Answer so"),
        lazy_gettext("What the debtor told is answered."),
        forms.ToldPersonForm, _answer_told,
        fits=lambda facts: bool(facts.waits(*forms.ToldPersonForm.kinds)),
        above="creditor/_told.html", beside=_told,
    ),
    CaseAct(
        "check-situation", OBJECTION, "answer what was told",
        lazy_gettext("Answer what the debtor told of a situation"),
        lazy_gettext("The law asks that nothing is demanded as before until you have looked into"
                     " it."),
        lazy_gettext("Answer so"),
        lazy_gettext("What the debtor told is answered."),
        forms.ToldSituationForm, _answer_told,
        fits=lambda facts: bool(facts.waits(*forms.ToldSituationForm.kinds)),
        above="creditor/_told.html", beside=_told,
    ),
    CaseAct(
        "check-held", OBJECTION, "answer about a correction",
        lazy_gettext("Answer what the debtor says is wrong"),
        lazy_gettext("The debtor says that something held is wrong. Answer within a month; the case"
                     " goes on meanwhile."),
        lazy_gettext("Answer so"),
        lazy_gettext("What the debtor told is answered."),
        forms.ToldCorrectionForm, _answer_told,
        fits=lambda facts: bool(facts.waits(*forms.ToldCorrectionForm.kinds)),
        above="creditor/_told.html", beside=_told,
    ),
    CaseAct(
        "object", OBJECTION, "object",
        lazy_gettext("Register an objection"),
        lazy_gettext("When the debtor has told you that something is wrong. The case stands still"
                     " until you have answered."),
        lazy_gettext("Register the objection"),
        lazy_gettext("The objection is registered, and the case stands still."),
        forms.DisputeForm, _object,
        fits=lambda facts: facts.dispute is None,
    ),
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
        fits=lambda facts: any(one in BY_HAND for one in facts.answered_kinds),
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
        "plan", MONEY, "agree on a plan",
        lazy_gettext("Agree on a payment plan"),
        lazy_gettext("All that is owed is paid month by month. The case stands still while the plan"
                     " is kept; when a payment is missed, it goes on where it was. Interest runs on"
                     " what is left."),
        lazy_gettext("Agree on the plan"),
        lazy_gettext("The payment plan is agreed on, or sent to the debtor to be signed."),
        forms.PlanForm, _agree,
        fits=lambda facts: facts.plan is None,
        more="creditor/_act_plan.html", beside=_proposal,
    ),
    CaseAct(
        "end-plan", MONEY, "end a plan",
        lazy_gettext("End the payment plan"),
        lazy_gettext("The case goes on where it was before the plan. What was paid stays paid, and"
                     " the plan’s fee is still owed."),
        lazy_gettext("End the plan"),
        lazy_gettext("The payment plan is ended."),
        forms.ReasonForm, _end_plan,
        fits=lambda facts: facts.plan is not None,
    ),
    CaseAct(
        "details", DETAILS, "change the customer",
        lazy_gettext("Change the debtor’s address or details"),
        lazy_gettext("The next letter and the debtor’s page use them at once, in all open cases of"
                     " this customer. The history tells which details were changed, not what they"
                     " were."),
        lazy_gettext("Change the details"),
        lazy_gettext("The details are changed."),
        forms.DetailsForm, _change_details,
    ),
    CaseAct(
        "due-date", DETAILS, "change the due date",
        lazy_gettext("Change the due date"),
        lazy_gettext("When you have given the invoice more time. Interest runs from the new day; a"
                     " reminder fee falls when the invoice was not late when it was reminded of."),
        lazy_gettext("Change the due date"),
        lazy_gettext("The due date is changed."),
        forms.DueForm, _change_due_date,
    ),
    CaseAct(
        "decide", END, "write off",
        lazy_gettext("Decide how the case goes on"),
        lazy_gettext("The demand was not paid. Compare the ways on, and choose one."),
        lazy_gettext("Decide so"),
        lazy_gettext("It is decided how the case goes on."),
        forms.DecideForm, _decide,
        fits=lambda facts: facts.case.status == states.DECIDING,
        more="creditor/_act_decide.html", beside=_compared,
    ),
    CaseAct(
        "legal", END, "take to law",
        lazy_gettext("Send to the Enforcement Authority"),
        lazy_gettext("The case is handed over for an application for a payment order"
                     " (betalningsföreläggande). Not before the time of the demand has run out"
                     " (inkassolagen § 6)."),
        lazy_gettext("Send it"),
        lazy_gettext("The case goes to the Enforcement Authority."),
        ActForm, _take_to_law,
        fits=lambda facts: facts.case.status != states.DECIDING,
    ),
    CaseAct(
        "watch", END, "watch over",
        lazy_gettext("Watch over it for a long time"),
        lazy_gettext("The case waits until the debtor can pay. Nothing is sent by itself, and"
                     " interest runs on."),
        lazy_gettext("Watch over it"),
        lazy_gettext("The case is watched over."),
        ActForm, _watch_over,
        fits=lambda facts: facts.case.status != states.DECIDING,
    ),
    CaseAct(
        "write-off", END, "write off",
        lazy_gettext("Write the case off"),
        lazy_gettext("You give up what is owed. Nothing more is asked of the debtor, and the case"
                     " is closed for good."),
        lazy_gettext("Write it off"),
        lazy_gettext("The case is written off."),
        forms.ReasonForm, _write_off,
        is_final=True,
    ),
    CaseAct(
        "recall", END, "recall",
        lazy_gettext("Recall the case"),
        lazy_gettext("You take the claim back. Nothing more is asked of the debtor, our fees"
                     " neither, and the case is closed for good."),
        lazy_gettext("Recall the case"),
        lazy_gettext("The case is recalled."),
        forms.ReasonForm, _recall,
        is_final=True,
    ),
)  # fmt: skip
_BY_NAME = {one.name: one for one in ACTS}
# The act that answers what a debtor told, by the stop that it put on.
TOLD = {
    tellings.PAID: "check-paid",
    tellings.WRONG_PERSON: "check-person",
    **dict.fromkeys(tellings.SITUATIONS, "check-situation"),
    tellings.CORRECTION: "check-held",
}


# Those that may touch the same person's other cases at the company.
OF_PEOPLE = ("hold", "check-situation")


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
