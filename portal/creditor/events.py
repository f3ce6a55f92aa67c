"""The history of a case in words: what happened, and why it happened on that day."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from flask_babel import gettext, lazy_gettext
from flask_babel.speaklater import LazyString

from portal.collection.history import Setting, Told
from portal.companies import charts
from portal.creditor import settings
from portal.creditor.names import (
    actor_name,
    dispute_channel,
    dispute_reason,
    dispute_status,
    entry_name,
    field_name,
    role_name,
    schedule_told,
    stop_name,
    telling_outcome,
)
from portal.messages import Problem
from portal.payments.accounts import written_account
from portal.payments.payouts import Schedule
from portal.web.formats import format_date, kronor
from portal.web.forms import text as problem_text

Data = Mapping[str, Any]


Fact = tuple[str, str]


def _day(data: Data, name: str) -> str:
    return format_date(date.fromisoformat(data[name]))


def _imported(data: Data) -> tuple[str, str]:
    return gettext("The invoice became a case"), gettext(
        "Invoice %(number)s of %(amount)s fell due on %(due)s. Days of waiting: %(days)s, by"
        " %(scope)s.",
        number=data["invoice"],
        amount=kronor(data["principal_ore"]),
        due=_day(data, "due_on"),
        days=data["days_after_due"],
        scope=_scope(data["scope"]),
    )


def _scope(code: str) -> str:
    return {
        "company": gettext("the company's rules"),
        "class": gettext("the rules of the customer class"),
        "customer": gettext("the rules of this customer"),
    }.get(code, gettext("the rules that hold when nothing else is chosen"))


def _asked(data: Data) -> str:
    return gettext(
        "It asks for %(amount)s no later than %(day)s.",
        amount=kronor(data["total_ore"]),
        day=_day(data, "pay_by_on"),
    )


def _charged(data: Data) -> str:
    """Each fee that was added, and why others were not."""
    told = [
        gettext(
            "%(fee)s of %(amount)s was added (%(statute)s).",
            fee=entry_name(f"fee.{one['kind']}"),
            amount=kronor(one["ore"]),
            statute=one["statute"],
        )
        for one in data["charges"]
        if one["ore"]
    ]
    told += [problem_text(Problem.from_json(one)) for one in data.get("no_charge", ())]
    return " ".join(told)


def _reminder_sent(data: Data) -> tuple[str, str]:
    return gettext("A reminder was written"), f"{_asked(data)} {_charged(data)}"


def _demand_sent(data: Data) -> tuple[str, str]:
    return gettext("A demand (inkassokrav) was written"), f"{_asked(data)} {_charged(data)}"


def _reminder_written_again(data: Data) -> tuple[str, str]:
    return gettext("The reminder was written anew"), _asked(data)


def _demand_written_again(data: Data) -> tuple[str, str]:
    return gettext("The demand was written anew"), _asked(data)


def _awaits_decision(data: Data) -> tuple[str, str]:
    return gettext("The demand was not paid"), gettext("You decide how the case goes on.")


def _taken_to_law(data: Data) -> tuple[str, str]:
    return gettext("The case goes to the Enforcement Authority (Kronofogden)"), ""


def _watched_over(data: Data) -> tuple[str, str]:
    return gettext("The case is watched over for a long time"), ""


def _given_up(data: Data) -> str:
    return gettext(
        "Given up: %(principal)s of the invoice, %(interest)s interest, %(fees)s fees.",
        principal=kronor(data["principal_ore"]),
        interest=kronor(data["interest_ore"]),
        fees=kronor(data["fees_ore"]),
    )


def _written_off(data: Data) -> tuple[str, str]:
    told = f"{_given_up(data)} {data.get('reason', '')}"
    return gettext("The case was written off"), told.strip()


def _returned(data: Data) -> tuple[str, str]:
    return gettext("The case was given back"), _given_up(data)


def _recalled(data: Data) -> tuple[str, str]:
    told = (_given_up(data), _went_back(data), data["reason"])
    return gettext("The case was recalled"), " ".join(filter(None, told))


def _limited(data: Data) -> tuple[str, str]:
    return gettext("The claim is limited by time and is not asked for any more"), _given_up(data)


def _stopped(data: Data) -> tuple[str, str]:
    told = stop_name(data["kind"])
    if data["until_on"]:
        told = gettext("%(why)s, until %(day)s", why=told, day=_day(data, "until_on"))
    return gettext("The case stands still"), f"{told}. {data['reason']}".strip()


def _resumed(data: Data) -> tuple[str, str]:
    return gettext("The case goes on"), gettext("%(why)s is over.", why=stop_name(data["kind"]))


def _paid_directly(data: Data) -> tuple[str, str]:
    return gettext("You were paid directly"), gettext(
        "%(amount)s on %(day)s: %(principal)s on the invoice, %(interest)s interest.",
        amount=kronor(data["amount_ore"]),
        day=_day(data, "on"),
        principal=kronor(data["principal_ore"]),
        interest=kronor(data["interest_ore"]),
    )


def _credited(data: Data) -> tuple[str, str]:
    told = gettext(
        "%(amount)s on %(day)s. %(left)s is left of the invoice.",
        amount=kronor(data["amount_ore"]),
        day=_day(data, "on"),
        left=kronor(data["left_ore"]),
    )
    return gettext("The invoice was credited"), f"{told} {_went_back(data)}".strip()


def _went_back(data: Data) -> str:
    if not data.get("back_ore"):
        return ""
    return gettext("%(sum)s that was paid goes back to who paid it.", sum=kronor(data["back_ore"]))


def _due_date_changed(data: Data) -> tuple[str, str]:
    return gettext("The due date was changed"), gettext(
        "From %(before)s to %(after)s.", before=_day(data, "before"), after=_day(data, "due_on")
    )


def _customer_changed(data: Data) -> tuple[str, str]:
    told = ", ".join(field_name(one) for one in data.get("fields", ()))
    return gettext("The customer’s details were changed"), told


def _contact_told(data: Data) -> tuple[str, str]:
    told = ", ".join(field_name(one) for one in data.get("fields", ()))
    return gettext("The debtor told how to be reached"), told


def _contact_confirmed(data: Data) -> tuple[str, str]:
    if data.get("field") == "phone":
        return gettext("The debtor’s mobile number was confirmed"), ""
    return gettext("The debtor’s e-mail address was confirmed"), ""


def _places_shown(data: Data) -> tuple[str, str]:
    what = {
        "places": gettext("Address, e-mail and telephone"),
        "letter": gettext("A letter"),
        "invoice": gettext("The invoice’s file"),
        "payer": gettext("The payer’s address"),
    }[data["what"]]
    return gettext("What is protected was shown"), f"{what}: {data['reason']}"


def _text_not_arrived(data: Data) -> tuple[str, str]:
    goes_on = {
        "email": gettext("It goes by e-mail instead."),
        "letter": gettext("It goes by post instead."),
    }
    return gettext("A text message did not arrive"), goes_on.get(data.get("now_by") or "", "")


def _mailbox_not_arrived(_: Data) -> tuple[str, str]:
    told = gettext("The digital mailbox did not take the letter")
    return told, gettext("It goes by post instead.")


def _postponed(data: Data) -> tuple[str, str]:
    return gettext("The debtor took more time to pay"), gettext(
        "From %(before)s to %(after)s.", before=_day(data, "before"), after=_day(data, "pay_by_on")
    )


def _plan_agreed(data: Data) -> tuple[str, str]:
    told = gettext(
        "%(amount)s in all. Payments: %(parts)s.",
        amount=kronor(data["total_ore"]),
        parts=data["parts"],
    )
    return gettext("A payment plan was agreed on"), f"{told} {_charged(data)}".strip()


def _plan_offered(data: Data) -> tuple[str, str]:
    told = gettext(
        "%(amount)s in all. Payments: %(parts)s. To be signed by %(day)s; until then the case goes"
        " on as it is.",
        amount=kronor(data["total_ore"]),
        parts=data["parts"],
        day=_day(data, "until_on"),
    )
    return gettext("A payment plan waits for the debtor’s signature"), told


def _plan_moved(data: Data) -> tuple[str, str]:
    told = gettext("The next payment comes no later than %(day)s.", day=_day(data, "due_on"))
    return gettext("The debtor changed the day of the payment plan"), told


def _plan_rest(data: Data) -> tuple[str, str]:
    told = gettext("The next payment comes no later than %(day)s.", day=_day(data, "due_on"))
    return gettext("Interest was left when the payment plan was paid: one more payment"), told


def _plan_broken(data: Data) -> tuple[str, str]:
    return gettext("The payment plan was not kept"), gettext("The case goes on where it was.")


def _plan_ended(data: Data) -> tuple[str, str]:
    told = gettext("The case goes on where it was.")
    return gettext("The payment plan was ended"), f"{told} {data['reason']}".strip()


def _disputed(data: Data) -> tuple[str, str]:
    told = gettext(
        "%(reason)s. About %(part)s. %(channel)s.",
        reason=dispute_reason(data["reason"]),
        part=kronor(data["amount_ore"]) if data["amount_ore"] else gettext("all that is owed"),
        channel=dispute_channel(data["channel"]),
    )
    return gettext("The debtor objected"), told


def _dispute_asked(data: Data) -> tuple[str, str]:
    return gettext("The debtor was asked for more about the objection"), ""


def _dispute_replied(data: Data) -> tuple[str, str]:
    return gettext("The debtor replied about the objection"), ""


def _dispute_answered(data: Data) -> tuple[str, str]:
    told = [dispute_status(data["answer"])[0] + "."]
    if data["credited_ore"]:
        told.append(
            gettext("%(sum)s of the invoice was credited.", sum=kronor(data["credited_ore"]))
        )
    if data["pay_by_on"]:
        told.append(gettext("Time to pay through %(day)s.", day=_day(data, "pay_by_on")))
    return gettext("The objection was answered"), " ".join(told)


def _note(title: LazyString) -> Callable[[Data], tuple[str, str]]:
    return lambda data: (str(title), "")


def _file_added(data: Data) -> tuple[str, str]:
    return gettext("A file was added"), data["filename"]


def _file_removed(data: Data) -> tuple[str, str]:
    return gettext("A file was taken away"), data["filename"]


def _file_received(data: Data) -> tuple[str, str]:
    return gettext("The debtor sent a file"), data["filename"]


def _told(data: Data) -> tuple[str, str]:
    return gettext("The debtor told something to look into"), stop_name(data["stop"])


def _told_answered(data: Data) -> tuple[str, str]:
    told = f"{stop_name(data['stop'])}. {telling_outcome(data['outcome'])}."
    if data["pay_by_on"]:
        told += " " + gettext("Time to pay through %(day)s.", day=_day(data, "pay_by_on"))
    return gettext("What the debtor told was answered"), told


def _payment_received(data: Data) -> tuple[str, str]:
    told = gettext(
        "%(amount)s, valued on %(day)s: %(principal)s on the invoice, %(interest)s interest,"
        " %(fees)s fees.",
        amount=kronor(data["amount_ore"]),
        day=_day(data, "value_on"),
        principal=kronor(data["principal_ore"]),
        interest=kronor(data["interest_ore"]),
        fees=kronor(data["fees_ore"]),
    )
    if data.get("crossed_ore"):
        told += " " + gettext(
            "%(amount)s of fees for a letter that crossed the payment falls away.",
            amount=kronor(data["crossed_ore"]),
        )
    if data["overpaid_ore"]:
        told += " " + gettext(
            "%(amount)s was paid too much and goes back.", amount=kronor(data["overpaid_ore"])
        )
    if data["left_ore"]:
        told += " " + gettext("%(amount)s is left to pay.", amount=kronor(data["left_ore"]))
    return gettext("A payment came"), told


def _fee_fell(data: Data) -> tuple[str, str]:
    return gettext("Fees waived"), gettext(
        "%(amount)s falls away: the letter was withdrawn before it left.",
        amount=kronor(data["amount_ore"]),
    )


def _payment_taken_back(data: Data) -> tuple[str, str]:
    amount, day = kronor(data["amount_ore"]), _day(data, "value_on")
    if data["by_bank"]:
        told = gettext("The bank took back %(amount)s, valued on %(day)s.", amount=amount, day=day)
    else:
        told = gettext(
            "%(amount)s, valued on %(day)s, was for another case.", amount=amount, day=day
        )
    if data["reopened"]:
        told += " " + gettext("The case is open again.")
    return gettext("A payment was taken back"), told


def _refunded(data: Data) -> tuple[str, str]:
    return gettext("What was paid too much went back"), gettext(
        "%(amount)s was paid back to who paid it.", amount=kronor(data["amount_ore"])
    )


def _refund_returned(data: Data) -> tuple[str, str]:
    return gettext("A refund came back"), gettext(
        "%(amount)s did not arrive, and is paid back once more.", amount=kronor(data["amount_ore"])
    )


def _paid(data: Data) -> tuple[str, str]:
    return gettext("Everything is paid"), gettext(
        "The case was closed as of %(day)s.", day=_day(data, "closed_on")
    )


def _needs_review(data: Data) -> tuple[str, str]:
    return gettext("Stopped for a person to look at"), " ".join(
        problem_text(Problem.from_json(one)) for one in data["problems"]
    )


def _review_ended(data: Data) -> tuple[str, str]:
    return gettext("A person at Reda has looked at it, and it goes on"), ""


_INVITED = {
    "invitation.sent": lazy_gettext("Somebody was invited"),
    "invitation.sent_again": lazy_gettext("An invitation was sent again"),
    "invitation.withdrawn": lazy_gettext("An invitation was withdrawn"),
}


def _as_role(data: Data) -> str:
    """A role, and its last day if it has one."""
    if data["ends_on"]:
        return gettext(
            "%(role)s until %(day)s", role=role_name(data["role"]), day=_day(data, "ends_on")
        )
    return role_name(data["role"])


def _invitation(name: str) -> Callable[[Data], tuple[str, str]]:
    return lambda data: (str(_INVITED[name]), f"{data['email']}: {_as_role(data)}")


def _held(data: Data) -> tuple[str, str]:
    return gettext("Everything was held: no step, no letter, no new case"), data["reason"]


def _let_go_on(data: Data) -> tuple[str, str]:
    return gettext("Everything goes on again"), gettext(
        "Letters that are written anew, with the full time to pay: %(count)s.",
        count=data["letters"],
    )


def _member_joined(data: Data) -> tuple[str, str]:
    return gettext("%(name)s accepted an invitation", name=data["who"]), _as_role(data)


def _member_changed(data: Data) -> tuple[str, str]:
    return gettext("%(name)s got another role", name=data["who"]), gettext(
        "%(before)s before, %(after)s now",
        before=_as_role(data["before"]),
        after=_as_role(data["after"]),
    )


def _member_removed(data: Data) -> tuple[str, str]:
    return gettext("%(name)s was removed", name=data["who"]), role_name(data["role"])


_APPROVALS = {
    "approval.proposed": lazy_gettext("Something was proposed"),
    "approval.approved": lazy_gettext("A proposal was approved with BankID"),
    "approval.refused": lazy_gettext("A proposal was turned down"),
    "approval.withdrawn": lazy_gettext("A proposal was taken back"),
    "approval.expired": lazy_gettext("A proposal was not approved in time"),
    "approval.overtaken": lazy_gettext("A proposal was not done, because the facts had changed"),
}
# What can be proposed to a second administrator.
ACTS = {
    "account.add": lazy_gettext("Add a payout account"),
    "account.use": lazy_gettext("Use another payout account"),
    "account.remove": lazy_gettext("Remove a payout account"),
    "company.close": lazy_gettext("Close the company"),
    "company.reopen": lazy_gettext("Open the company again"),
}
_ACCOUNT_EVENTS = {
    "account.added": lazy_gettext("A payout account was added"),
    "account.used": lazy_gettext("Another payout account is used"),
    "account.removed": lazy_gettext("A payout account was removed"),
}


def _approval(name: str) -> Callable[[Data], tuple[str, str]]:
    return lambda data: (
        str(_APPROVALS[name]),
        " ".join((f"{ACTS.get(data['kind'], data['kind'])}.", data["reason"])).strip(),
    )


def _account(name: str) -> Callable[[Data], tuple[str, str]]:
    return lambda data: (
        str(_ACCOUNT_EVENTS[name]),
        f"{written_account(data['kind'], data['number'])}, {data['holder']}",
    )


_PAYOUTS = {
    "payout.released": lazy_gettext("A payout to you was ordered at the bank"),
    "payout.settled": lazy_gettext("Money was paid out to you"),
    "payout.rejected": lazy_gettext("A payout to you failed"),
}


def _payout(name: str) -> Callable[[Data], tuple[str, str]]:
    return lambda data: (
        str(_PAYOUTS[name]),
        f"{kronor(data['amount_ore'], data['currency'])}, {data['account']}",
    )


def _payout_schedule(data: Data) -> tuple[str, str]:
    chosen = Schedule(data["every"], data["weekday"], data["lowest_ore"])
    return gettext("When you are paid out to was changed"), schedule_told(chosen)


def _chart_changed(data: Data) -> tuple[str, str]:
    return gettext("The accounts of your vouchers were changed"), ", ".join(
        str(data[name]) for name in charts.PARTS
    )


def _statement(data: Data) -> tuple[str, str]:
    return gettext("Monthly statement %(number)s was made", number=data["number"]), kronor(
        data["total_ore"], data["currency"]
    )


def _statement_paid(data: Data) -> tuple[str, str]:
    return gettext("Monthly statement %(number)s was paid in", number=data["number"]), kronor(
        data["amount_ore"], data["currency"]
    )


def _statement_payment_taken_back(data: Data) -> tuple[str, str]:
    return gettext(
        "A payment of monthly statement %(number)s was taken back", number=data["number"]
    ), kronor(data["amount_ore"], data["currency"])


def _company_closed(data: Data) -> tuple[str, str]:
    if data["cases"] == "return":
        return gettext("The company was closed"), gettext("Open cases are given back to you.")
    return gettext("The company was closed"), gettext("Open cases go on until they end.")


def _agreement_signed(data: Data) -> tuple[str, str]:
    return gettext("The agreement was signed with BankID"), gettext(
        "Version %(number)s", number=data["version"]
    )


_DOCUMENTS = {
    "document.sent": lazy_gettext("A document was sent to be signed"),
    "document.sent_to_list": lazy_gettext("A document was sent to be signed by all of a list"),
    "document.list_failed": lazy_gettext("A document could not be sent to all of a list"),
    "document.extended": lazy_gettext("The last day to sign a document was changed"),
    "document.discarded": lazy_gettext("A draft of a document was thrown away"),
    "document.signed": lazy_gettext("%(name)s signed a document with BankID"),
    "document.completed": lazy_gettext("A document is signed by all"),
    "document.declined": lazy_gettext("%(name)s declined to sign a document"),
    "document.handed_over": lazy_gettext("%(name)s let %(to)s sign a document instead"),
    "document.soon_over": lazy_gettext("A document is to be signed within two days"),
    "document.expired": lazy_gettext("A document was not signed in time"),
    "document.overtaken": lazy_gettext(
        "A payment plan was not agreed on: what is owed had changed"
    ),
    "document.withdrawn": lazy_gettext("A document to sign was withdrawn"),
}


def _document(name: str) -> Callable[[Data], tuple[str, str]]:
    return lambda data: (
        str(_DOCUMENTS[name]) % {"name": data.get("who", ""), "to": data.get("to", "")},
        ". ".join(one for one in (data["title"], data.get("reason")) if one),
    )


def _agreement_read(data: Data) -> tuple[str, str]:
    return gettext("A new version of the agreement was read"), gettext(
        "Version %(number)s", number=data["version"]
    )


def _company_reopened(data: Data) -> tuple[str, str]:
    return gettext("The company was opened again"), ""


_CARDS = {
    "description": lazy_gettext("What the debt is"),
    "letter": lazy_gettext("Your letters"),
    "address:sender": lazy_gettext("Sender’s address"),
    "address:invoice": lazy_gettext("Address for our invoices"),
    "address:agreement": lazy_gettext("Address in the agreement"),
    "contacts": lazy_gettext("Contact people"),
}


def _card_says(name: str, value: object) -> str:
    if name == "by_mailbox":
        return gettext("To digital mailboxes") if value else gettext("By post")
    return str(value) if value and name != "logo" else ""


def _company_changed(data: Data) -> tuple[str, str]:
    before, after = (
        ", ".join(_card_says(*one) for one in data[when].items() if _card_says(*one)) or "–"
        for when in ("before", "after")
    )
    return gettext("%(card)s was changed", card=_CARDS[data["card"]]), gettext(
        "%(before)s before, %(after)s now", before=before, after=after
    )


_TEXTS: Mapping[str, Callable[[Data], tuple[str, str]]] = {
    "case.imported": _imported,
    "case.reminder_sent": _reminder_sent,
    "case.reminder_written_again": _reminder_written_again,
    "case.demand_sent": _demand_sent,
    "case.demand_written_again": _demand_written_again,
    "case.awaits_decision": _awaits_decision,
    "case.taken_to_law": _taken_to_law,
    "case.watched_over": _watched_over,
    "case.written_off": _written_off,
    "case.returned": _returned,
    "case.recalled": _recalled,
    "case.limited": _limited,
    "case.stopped": _stopped,
    "case.resumed": _resumed,
    "case.paid_directly": _paid_directly,
    "case.fee_fell": _fee_fell,
    "case.credited": _credited,
    "case.credited_in_part": _credited,
    "case.due_date_changed": _due_date_changed,
    "case.customer_changed": _customer_changed,
    "case.contact_told": _contact_told,
    "case.contact_confirmed": _contact_confirmed,
    "case.places_shown": _places_shown,
    "case.letter_forwarded": _note(
        lazy_gettext("A letter was posted through the Tax Agency (Skatteverket)")
    ),
    "case.text_arrived": _note(lazy_gettext("A text message arrived")),
    "case.text_not_arrived": _text_not_arrived,
    "case.mailbox_arrived": _note(lazy_gettext("The letter is in the digital mailbox")),
    "case.mailbox_not_arrived": _mailbox_not_arrived,
    "case.postponed": _postponed,
    "case.plan_agreed": _plan_agreed,
    "case.plan_offered": _plan_offered,
    "case.plan_moved": _plan_moved,
    "case.plan_broken": _plan_broken,
    "case.plan_rest": _plan_rest,
    "case.plan_ended": _plan_ended,
    "case.message_received": _note(lazy_gettext("The debtor wrote a message")),
    "case.message_sent": _note(lazy_gettext("A message was written to the debtor")),
    "case.message_settled": _note(lazy_gettext("The debtor’s message needs no answer")),
    "note.written": _note(lazy_gettext("A note was written")),
    "note.changed": _note(lazy_gettext("A note was changed")),
    "note.removed": _note(lazy_gettext("A note was taken away")),
    "file.added": _file_added,
    "file.removed": _file_removed,
    "case.file_received": _file_received,
    "case.told": _told,
    "case.told_answered": _told_answered,
    "case.disputed": _disputed,
    "case.dispute_asked": _dispute_asked,
    "case.dispute_replied": _dispute_replied,
    "case.dispute_answered": _dispute_answered,
    "case.payment_received": _payment_received,
    "case.payment_taken_back": _payment_taken_back,
    "case.refund_paid": _refunded,
    "case.refund_returned": _refund_returned,
    "case.paid": _paid,
    "case.needs_review": _needs_review,
    "case.review_ended": _review_ended,
    **{name: _invitation(name) for name in _INVITED},
    "collection.held": _held,
    "collection.resumed": _let_go_on,
    "company.changed": _company_changed,
    "company.closed": _company_closed,
    "agreement.signed": _agreement_signed,
    **{name: _document(name) for name in _DOCUMENTS},
    "agreement.read": _agreement_read,
    "company.reopened": _company_reopened,
    **{name: _approval(name) for name in _APPROVALS},
    **{name: _account(name) for name in _ACCOUNT_EVENTS},
    **{name: _payout(name) for name in _PAYOUTS},
    "payout.schedule_changed": _payout_schedule,
    "statement.made": _statement,
    "statement.paid": _statement_paid,
    "statement.payment_taken_back": _statement_payment_taken_back,
    "company.chart_changed": _chart_changed,
    "member.joined": _member_joined,
    "member.role_changed": _member_changed,
    "member.removed": _member_removed,
}


def _why_imported(data: Data) -> tuple[str, str | None]:
    return gettext(
        "An unpaid invoice becomes a case when it has been overdue for the days that the rules"
        " say. The other rules hold for the case from this day, also if they are changed later."
    ), None


def _why_reminded(data: Data) -> tuple[str, str | None]:
    return gettext(
        "The case was due for its reminder. A fee is added only if one was agreed at the"
        " latest when the debt arose, and once for each claim."
    ), "lag (1981:739) § 2, § 4"


def _why_demanded(data: Data) -> tuple[str, str | None]:
    return gettext(
        "The reminder’s time to pay was out. A demand must come before anything else can be done,"
        " and gives a time to pay or to object."
    ), "inkassolagen (1974:182) §§ 5–6"


def _why_decided(data: Data) -> tuple[str, str | None]:
    return gettext("The demand’s time was out, and your rules say what comes then."), None


def _why_limited(data: Data) -> tuple[str, str | None]:
    return gettext(
        "A claim on a consumer is limited after three years, others after ten, if nothing"
        " interrupts the time."
    ), "preskriptionslagen (1981:130) §§ 2, 5–8"


def _why_stopped_by(data: Data) -> tuple[str, str | None]:
    return gettext(
        "While the case stands still, no letter is sent and no fee is added. Interest runs on."
    ), "inkassolagen (1974:182) § 4"


def _why_written_again(data: Data) -> tuple[str, str | None]:
    return gettext(
        "The first letter could not be sent. The new one gives the full time to pay, and costs"
        " nothing more."
    ), "lag (1981:739) § 2"


def _why_disputed(data: Data) -> tuple[str, str | None]:
    return gettext(
        "Nothing is demanded of somebody who says that it is not owed, until that is looked into"
        " and answered."
    ), "inkassolagen (1974:182) §§ 4, 8"


def _why_settled(data: Data) -> tuple[str, str | None]:
    return gettext(
        "A payment covers the fees first, then the interest, then the invoice. Interest runs to"
        " the day that the money counts from."
    ), "handelsbalken 9 kap. 5 §"


def _why_paid(data: Data) -> tuple[str, str | None]:
    return gettext("Nothing was left to pay after the payment."), None


def _why_stopped(data: Data) -> tuple[str, str | None]:
    return gettext(
        "A letter must state all that the law asks for, and a sum must rest on a rule. Until both"
        " hold, nothing is sent."
    ), None


_WHY: Mapping[str, Callable[[Data], tuple[str, str | None]]] = {
    "case.imported": _why_imported,
    "case.reminder_sent": _why_reminded,
    "case.reminder_written_again": _why_written_again,
    "case.demand_sent": _why_demanded,
    "case.demand_written_again": _why_written_again,
    "case.awaits_decision": _why_decided,
    "case.taken_to_law": _why_decided,
    "case.watched_over": _why_decided,
    "case.written_off": _why_decided,
    "case.returned": _why_decided,
    "case.limited": _why_limited,
    "case.stopped": _why_stopped_by,
    "case.disputed": _why_disputed,
    "case.payment_received": _why_settled,
    "case.paid": _why_paid,
    "case.needs_review": _why_stopped,
}


def _why(event: Told) -> dict[str, object] | None:
    """The rule that decided, the law it rests on, and what it decided from: (label, value)."""
    known = _WHY.get(event.name)
    if known is None:
        return None
    if known is _why_decided and event.actor.startswith("person"):
        return None
    text, rule = known(event.data)
    facts = [fact for one in event.settings if (fact := _setting(one))]
    return {"text": text, "rule": rule, "facts": facts + _inputs(event.inputs)}


def _setting(setting: Setting) -> Fact | None:
    if setting.value is None:
        return None
    value = settings.told(setting.name, setting.value)
    return settings.label(setting.name), gettext(
        "%(value)s, by %(scope)s", value=value, scope=_scope(setting.scope)
    )


def _inputs(inputs: Data) -> list[Fact]:
    facts: list[Fact] = []
    if "limited_on" in inputs:
        facts.append((gettext("Limited (preskriberad) from"), _day(inputs, "limited_on")))
    if "due_on" in inputs:
        facts.append((gettext("Due date"), _day(inputs, "due_on")))
    if "fee_charged_before" in inputs:
        charged = gettext("Yes") if inputs["fee_charged_before"] else gettext("No")
        facts.append((gettext("Reminder fee charged before"), charged))
    if "owed" in inputs:
        owed = gettext(
            "%(fees)s fees, %(interest)s interest, %(principal)s on the invoice",
            fees=kronor(inputs["owed"]["fees_ore"]),
            interest=kronor(inputs["owed"]["interest_ore"]),
            principal=kronor(inputs["owed"]["principal_ore"]),
        )
        facts.append((gettext("Owed before the payment"), owed))
    if "amount_ore" in inputs:
        facts.append((gettext("Paid"), kronor(inputs["amount_ore"])))
    return facts


def tell(event: Told) -> dict[str, object]:
    """An event for a timeline: when, what, who, why. One without words shows its name."""
    text = _TEXTS.get(event.name)
    title, told = text(event.data) if text else (event.name, "")
    return {
        "at": event.occurred_at,
        "title": title,
        "text": told,
        "who": actor_name(event.actor),
        "why": _why(event),
    }


# What a timeline can be narrowed to: key, its name, and the events.
_STEPS = (
    "case.reminder_sent", "case.reminder_written_again", "case.demand_sent",
    "case.demand_written_again",
)  # fmt: skip
_MONEY = (
    "case.payment_received", "case.payment_taken_back", "case.paid", "case.paid_directly",
    "case.fee_fell",
    "case.refund_paid", "case.refund_returned",
    "case.credited",
    "case.credited_in_part", "case.written_off", "case.returned", "case.recalled", "case.limited",
    "case.plan_offered", "case.plan_agreed", "case.plan_moved", "case.plan_ended",
    "case.plan_broken", "case.plan_rest",
)  # fmt: skip
_WAITING = (
    "case.disputed", "case.dispute_asked", "case.dispute_replied", "case.dispute_answered",
    "case.told", "case.told_answered",
    "case.stopped", "case.resumed", "case.needs_review", "case.review_ended",
    "case.awaits_decision", "case.taken_to_law", "case.watched_over", "case.postponed",
)  # fmt: skip
_DETAILS = (
    "case.imported", "case.customer_changed", "case.contact_told", "case.contact_confirmed",
    "case.due_date_changed", "case.places_shown",
)  # fmt: skip
_NOTES = (
    "case.message_received", "case.message_sent", "case.message_settled",
    "note.written", "note.changed", "note.removed", "file.added", "file.removed",
    "case.file_received",
)  # fmt: skip
_ARRIVALS = (
    "case.letter_forwarded",
    "case.text_arrived", "case.text_not_arrived", "case.mailbox_arrived",
    "case.mailbox_not_arrived",
)  # fmt: skip
KINDS = (
    ("letters", lazy_gettext("Letters"), (*_STEPS, *_ARRIVALS)),
    ("money", lazy_gettext("Money"), _MONEY),
    ("waiting", lazy_gettext("Stops and decisions"), _WAITING),
    ("details", lazy_gettext("Details"), _DETAILS),
    ("notes", lazy_gettext("Messages, notes and files"), _NOTES),
)


def names_of(kind: str) -> tuple[str, ...]:
    """The events of a kind that a timeline is narrowed to; none for all of them."""
    return next((events for key, _, events in KINDS if key == kind), ())
