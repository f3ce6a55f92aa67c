"""What codes of the rooms are called on the creditor's pages."""

from babel.dates import get_day_names
from flask_babel import get_locale, gettext, lazy_gettext, lazy_pgettext, ngettext
from flask_babel.speaklater import LazyString

from portal import locales
from portal.law.situations import SITUATIONS
from portal.payments.payouts import Schedule
from portal.web.formats import kronor

_STATUSES = {
    "imported": lazy_gettext("New"),
    "reminded": lazy_gettext("Reminded"),
    "demanded": lazy_gettext("Demanded"),
    "deciding": lazy_gettext("To decide on"),
    "legal": lazy_gettext("At the Enforcement Authority"),
    "surveillance": lazy_gettext("Watched over"),
    "paid": lazy_gettext("Paid"),
    "written off": lazy_gettext("Written off"),
    "returned": lazy_gettext("Given back"),
    "recalled": lazy_gettext("Recalled"),
    "credited": lazy_gettext("Credited"),
    "limited": lazy_gettext("Limited by time"),
    "open": lazy_pgettext("cases", "Open"),
}
_TONES = {
    "reminded": "info",
    "demanded": "info",
    "deciding": "warn",
    "legal": "info",
    "paid": "good",
}
_STOPS = {
    "hold": lazy_gettext("On hold"),
    "plan": lazy_gettext("Payment plan"),
    "dispute": lazy_gettext("Objection"),
    "review": lazy_gettext("A person at Reda looks at it"),
    "bankrupt": lazy_gettext("Bankrupt"),
    "deceased": lazy_gettext("Deceased"),
    "minor": lazy_gettext("Minor"),
    "protected identity": lazy_gettext("Protected identity"),
    "debt restructuring": lazy_gettext("Debt restructuring"),
    "represented": lazy_gettext("Trustee or administrator"),
    "said paid": lazy_gettext("Says it is paid"),
    "wrong person": lazy_gettext("Says it is the wrong person"),
    "correction": lazy_gettext("Says that something held is wrong"),
}
_STEPS = {
    "reminder": lazy_gettext("Send a reminder"),
    "demand": lazy_gettext("Send a demand"),
    "decision": lazy_gettext("Decide how to go on"),
}
AFTER_DEMAND = {
    "ask": lazy_gettext("Ask us each time"),
    "legal": lazy_gettext("Apply at the Enforcement Authority"),
    "surveillance": lazy_gettext("Watch over it for a long time"),
    "write off": lazy_gettext("Write it off"),
    "return": lazy_gettext("Give it back to us"),
}
_ENTRIES = {
    "claim.taken": lazy_gettext("The claim was taken in"),
    "fee.reminder": lazy_gettext("Reminder fee"),
    "fee.demand": lazy_gettext("Fee for the demand"),
    "fee.late_payment": lazy_gettext("Late-payment compensation"),
    "fee.plan": lazy_gettext("Fee for the payment plan"),
    "creditor_fee.reminder": lazy_gettext("Reminder fee that you bear"),
    "creditor_fee.demand": lazy_gettext("Fee for the demand that you bear"),
    "creditor_fee.plan": lazy_gettext("Fee for the payment plan that you bear"),
    "fee.waived": lazy_gettext("Fees waived"),
    "interest.waived": lazy_gettext("Interest waived"),
    "payment.direct": lazy_gettext("Payment to the creditor"),
    "claim.credited": lazy_gettext("Credit note"),
    "claim.never_owed": lazy_gettext("Never owed"),
    "claim.recalled": lazy_gettext("Recalled"),
    "claim.written_off": lazy_gettext("Written off"),
    "claim.returned": lazy_gettext("Given back"),
    "claim.limited": lazy_gettext("Limited by time"),
    "rest.written_off": lazy_gettext("Small rest written off"),
    "payment.statement": lazy_gettext("Payment of a monthly statement"),
    "payment.taken_back": lazy_gettext("Payment taken back"),
    "payment.counted_anew": lazy_gettext("Payment counted anew"),
    "payment.returned_by_bank": lazy_gettext("Money returned by the bank"),
    "payment.came_again": lazy_gettext("Money come again"),
    "rest.taken_back": lazy_gettext("Rest owed again"),
    "fee.taken_back": lazy_gettext("Fee owed again"),
    "interest.accrued": lazy_gettext("Interest to this day"),
    "payment.bankgiro": lazy_gettext("Payment by bankgiro"),
    "payment.swish": lazy_gettext("Payment by Swish"),
    "payment.card": lazy_gettext("Payment by card"),
    "payment.account": lazy_gettext("Payment from a bank account"),
    "commission": lazy_gettext("Commission"),
    "commission.taken_back": lazy_gettext("Commission taken back"),
    "signatures": lazy_gettext("Signatures"),
    "fees.vat": lazy_gettext("VAT on fees that you bear"),
    "payout": lazy_gettext("Paid out to you"),
    "payout.rejected": lazy_gettext("A payout that did not arrive"),
    "payout.settled": lazy_gettext("The bank has paid"),
    "payout.returned": lazy_gettext("A payout that came back"),
    "refund.paid": lazy_gettext("Paid back to the payer"),
    "refund.returned": lazy_gettext("A refund that came back"),
    "refund.lost": lazy_gettext("Borne by the service"),
}
_ACCOUNTS = {
    "principal": lazy_gettext("Owed by the debtor: invoice"),
    "interest": lazy_gettext("Owed by the debtor: interest"),
    "fees": lazy_gettext("Owed by the debtor: fees"),
    "claims": lazy_gettext("Your claim, not yet collected"),
    "client_funds": lazy_gettext("Client funds account"),
    "owed_to_creditor": lazy_gettext("Owed to you"),
    "fee_income": lazy_gettext("Our fees"),
    "over_payment": lazy_gettext("Paid too much, to be refunded"),
    "unmatched": lazy_gettext("Received, not yet matched"),
    "bad_debt": lazy_gettext("Given up, or lost"),
    "owed_by_creditor": lazy_gettext("What you are charged, to be set off"),
    "payout_in_transit": lazy_gettext("On its way to you"),
    "covered": lazy_gettext("Covered by the service"),
    "own_share": lazy_gettext("The service's share"),
    "own_share_in_transit": lazy_gettext("The service's share, on its way"),
    "commission_income": lazy_gettext("Our commission"),
    "signature_income": lazy_gettext("Our income from signatures"),
    "vat_owed": lazy_gettext("VAT"),
}
_MESSAGES = {
    "reminder": lazy_gettext("Reminder"),
    "demand": lazy_gettext("Demand (inkassokrav)"),
    "plan": lazy_gettext("Payment plan"),
    "dispute_answer": lazy_gettext("Answer to an objection"),
    "case_message": lazy_gettext("That you have written a message"),
    "letter": lazy_gettext("That there is a letter"),
    "entry_link": lazy_gettext("Link to the case"),
    "debtor_address": lazy_gettext("Question whether the e-mail address is right"),
    "debtor_number": lazy_gettext("Question whether the mobile number is right"),
    "more_time": lazy_gettext("More time to pay"),
    "news": lazy_gettext("That there is news in the case"),
    "payment": lazy_gettext("That a payment has come"),
    "refund": lazy_gettext("That money has gone back"),
}
_CHANNELS = {
    "letter": lazy_gettext("Letter"),
    "swish": lazy_gettext("Swish"),
    "card": lazy_gettext("Card"),
    "account": lazy_gettext("Directly from a bank account"),
    "email": lazy_gettext("E-mail"),
    "sms": lazy_gettext("Text message"),
    "mailbox": lazy_gettext("Digital mailbox"),
}
_DISPUTES = {
    "": (lazy_gettext("None"), "neutral"),
    "open": (lazy_gettext("Waits for an answer"), "warn"),
    "upheld": (lazy_gettext("The debtor was right"), "good"),
    "partly": (lazy_gettext("The debtor was right in part"), "info"),
    "turned down": (lazy_gettext("Turned down"), "neutral"),
    "lapsed": (lazy_gettext("The case ended before an answer"), "neutral"),
}
DISPUTE_REASONS = {
    "paid": lazy_gettext("Has paid already"),
    "not mine": lazy_gettext("Has not ordered it, or is somebody else"),
    "amount": lazy_gettext("The amount is wrong"),
    "faulty": lazy_gettext("Something is wrong with what was bought"),
    "not received": lazy_gettext("Has not got what was bought"),
    "cancelled": lazy_gettext("Has cancelled it or sent it back"),
    "no invoice": lazy_gettext("Never got the invoice"),
    "other": lazy_gettext("Something else"),
}
DISPUTE_CHANNELS = {
    "phone": lazy_gettext("By telephone"),
    "email": lazy_gettext("By e-mail"),
    "post": lazy_gettext("By post"),
    "web": lazy_gettext("On the web"),
}
TELLING_OUTCOMES = {
    "came": lazy_gettext("The money has come to us"),
    "not come": lazy_gettext("The money has not come: the case goes on"),
    "wrong": lazy_gettext("It is the wrong person: take the claim back"),
    "right": lazy_gettext("It is the right person: the case goes on"),
    "holds": lazy_gettext("It is so: the case goes on standing still"),
    "goes on": lazy_gettext("It does not hinder: the case goes on"),
    "corrected": lazy_gettext("It is corrected"),
    "stands": lazy_gettext("It is right as it is"),
    "lapsed": lazy_gettext("The case ended before an answer"),
}
TELLING_WHAT = {
    "name": lazy_gettext("Name"),
    "address": lazy_gettext("Address"),
    "invoice": lazy_gettext("Invoice"),
    "sum": lazy_gettext("Amount"),
    "other": lazy_gettext("Something else"),
}
TELLING_WAYS = {
    "creditor": lazy_gettext("To you"),
    "us": lazy_gettext("To Reda"),
    "other": lazy_gettext("In another way, or does not know"),
}
TELLING_WHY = {
    "unknown": lazy_gettext("Does not know what it is about"),
    "address": lazy_gettext("Lives at the address, but is somebody else"),
    "name": lazy_gettext("Has the same name as somebody else"),
}
_TURNS = {
    "objected": lazy_gettext("The debtor objected"),
    "asked": lazy_gettext("You asked for more"),
    "replied": lazy_gettext("The debtor replied"),
    "answered": lazy_gettext("You answered"),
}
_DELIVERY = {
    "waiting": (lazy_gettext("Waits to be sent"), "neutral"),
    "sent": (lazy_gettext("Sent"), "good"),
    "delivered": (lazy_gettext("Delivered"), "good"),
    "failed": (lazy_gettext("Could not be sent"), "danger"),
    "withdrawn": (lazy_gettext("Withdrawn"), "neutral"),
}
_FIELDS = {
    "name": lazy_gettext("Name"),
    "address_line": lazy_gettext("Street address"),
    "postcode": lazy_gettext("Postcode"),
    "town": lazy_gettext("Town"),
    "country": lazy_gettext("Country"),
    "email": lazy_gettext("E-mail"),
    "phone": lazy_gettext("Telephone"),
    "language": lazy_gettext("Language"),
    "customer_class": lazy_gettext("Customer class"),
    "size_class": lazy_gettext("Number of employees"),
    "channel": lazy_gettext("How to be reached"),
}
SIZES = {
    "": lazy_pgettext("size", "Not known"),
    "0-9": "0–9",
    "10-49": "10–49",
    "50-249": "50–249",
    "250+": lazy_gettext("250 or more"),
}
_REASONS = {
    "": lazy_gettext("Not looked at yet"),
    "paused": lazy_gettext("Collection is not switched on"),
    "too early": lazy_gettext("Not overdue long enough yet"),
    "currency": lazy_gettext("Not in Swedish kronor"),
    "too old": lazy_gettext("So old that it is limited by time"),
    "before import date": lazy_gettext("Fell due before the date you chose"),
    "excluded": lazy_gettext("The customer is excluded"),
    "not this kind of customer": lazy_gettext("Not the kind of customer you chose"),
    "type": lazy_gettext("A type of invoice that you leave out"),
    "amount too low": lazy_gettext("Below your lowest amount"),
    "amount too high": lazy_gettext("Above your highest amount"),
    "reminded already": lazy_gettext("A reminder fee is charged already"),
}
_SCOPES = {
    "default": lazy_pgettext("scope", "Default"),
    "company": lazy_pgettext("scope", "Company"),
    "class": lazy_pgettext("scope", "Class"),
    "customer": lazy_pgettext("scope", "Customer"),
}
_EXCLUDED = {
    "company": lazy_gettext("Excluded, as all are"),
    "class": lazy_gettext("Excluded by its class"),
    "customer": lazy_gettext("Excluded"),
}
_CUSTOMER_KINDS = {
    "excluded": lazy_gettext("excluded"),
    "own": lazy_gettext("with rules of their own"),
    "ending": lazy_gettext("whose rules end within 14 days"),
    "open": lazy_gettext("with open cases"),
    "no address": lazy_gettext("without a full address"),
}
BULK_ACTS = {
    "exclude": lazy_gettext("Exclude them from collection"),
    "include": lazy_gettext("Collect from them again"),
    "rules": lazy_gettext("Give them rules of their own"),
    "file": lazy_gettext("What the spreadsheet says for each"),
    "remove": lazy_gettext("Remove all rules of their own"),
}
_ROLES = {
    "administrator": lazy_gettext("Administrator"),
    "collector": lazy_gettext("Case handler"),
    "viewer": lazy_gettext("Viewer"),
}
_UPLOADS = {
    "mapping": (lazy_gettext("Columns to confirm"), "warn"),
    "preview": (lazy_gettext("To be read in"), "warn"),
    "imported": (lazy_gettext("Read in"), "good"),
}


def _named(names: dict[str, LazyString], code: str | None) -> str:
    return "" if code is None else str(names.get(code, code))


def status_name(code: str) -> str:
    """The status of a case."""
    return _named(_STATUSES, code)


def status_tone(code: str) -> str:
    """The tone of a case's status tag."""
    return _TONES.get(code, "neutral")


def next_step_name(code: str | None) -> str:
    """What happens next with a case; nothing when it is closed."""
    return _named(_STEPS, code)


def stop_name(code: str) -> str:
    """Why a case stands still."""
    return _named(_STOPS, code)


def telling_outcome(code: str) -> str:
    """What came of what a debtor told."""
    return _named(TELLING_OUTCOMES, code)


def situation_rule(stop: str) -> str:
    """The statute that asks for a stop."""
    return SITUATIONS[stop].rule


def situation_means(stop: str) -> str:
    """What a company must know of a situation before the case goes on."""
    return gettext(SITUATIONS[stop].means)


def weekday_name(day: int) -> str:
    """A day of the week. day: 1 Monday to 7 Sunday."""
    name: str = get_day_names("wide", locale=get_locale() or "sv")[day - 1]
    return name


def schedule_told(schedule: Schedule) -> str:
    """When a company is paid out to."""
    lowest = kronor(schedule.lowest_ore)
    if schedule.every == "day":
        return gettext("You are paid every banking day, from %(lowest)s.", lowest=lowest)
    return gettext(
        "You are paid once a week (%(day)s), from %(lowest)s.",
        day=weekday_name(schedule.weekday), lowest=lowest,
    )  # fmt: skip


def entry_name(code: str) -> str:
    """The kind of a ledger entry."""
    return _named(_ENTRIES, code)


def account_name(code: str) -> str:
    """An account of the ledger, as the creditor reads it."""
    return _named(_ACCOUNTS, code)


def message_name(code: str) -> str:
    """What was written to the debtor."""
    return _named(_MESSAGES, code)


def channel_name(code: str) -> str:
    """By which way something went out or came in."""
    return _named(_CHANNELS, code)


def delivery_status(code: str) -> tuple[str, str]:
    """How it went with a message, and the tone of its tag."""
    told, tone = _DELIVERY[code]
    return str(told), tone


def field_name(code: str) -> str:
    """One of a customer's details."""
    return _named(_FIELDS, code)


def dispute_status(code: str) -> tuple[str, str]:
    """How it stands with an objection, and the tone of its tag."""
    told, tone = _DISPUTES[code]
    return str(told), tone


def dispute_reason(code: str) -> str:
    """Why somebody objects."""
    return _named(DISPUTE_REASONS, code)


def dispute_channel(code: str) -> str:
    """How an objection came."""
    return _named(DISPUTE_CHANNELS, code)


def turn_name(code: str) -> str:
    """What was said about an objection, and by whom."""
    return _named(_TURNS, code)


def language_name(code: str) -> str:
    """A language, as the reader calls it."""
    known, locale = locales.find(code), locales.parse(code)
    if locale is None:
        return code.capitalize()
    told = locale.get_display_name(get_locale() or "sv") or code
    # Babel takes easy Swedish for Swedish; the language's own name tells them apart.
    if known and known.code == "sv-lattlast":
        told = known.name
    return told.capitalize()


def languages(also: str | None) -> list[tuple[str, str]]:
    """The languages that debtors read, by code. also: a code that is to be among them."""
    codes = [one.code for one in locales.offered()]
    codes += [also] if also and also not in codes else []
    return [(code, language_name(code)) for code in codes]


def reason_name(code: str) -> str:
    """Why an invoice is not a case."""
    return _named(_REASONS, code)


def scope_name(code: str) -> str:
    """Whose rules a setting comes from."""
    return _named(_SCOPES, code)


def excluded_name(scope: str) -> str:
    """That a customer is left out, and by whose rules."""
    return _named(_EXCLUDED, scope)


def customer_kind(code: str) -> str:
    """What a list of customers can be narrowed to."""
    return _named(_CUSTOMER_KINDS, code)


def bulk_act(code: str) -> str:
    """What many customers get at once."""
    return _named(BULK_ACTS, code)


def invoice_fate(code: str, count: int) -> str:
    """How many invoices fare otherwise, and how: a code of previewing.CHANGES."""
    return {
        "gained": ngettext(
            "%(num)s invoice becomes a case, and would not have",
            "%(num)s invoices become cases, and would not have",
            count,
        ),
        "lost": ngettext(
            "%(num)s invoice becomes no case, and would have",
            "%(num)s invoices become no cases, and would have",
            count,
        ),
        "earlier": ngettext(
            "%(num)s invoice becomes a case earlier",
            "%(num)s invoices become cases earlier",
            count,
        ),
        "later": ngettext(
            "%(num)s invoice becomes a case later",
            "%(num)s invoices become cases later",
            count,
        ),
        "other reason": ngettext(
            "%(num)s invoice stays no case, for another reason",
            "%(num)s invoices stay no cases, for another reason",
            count,
        ),
    }[code]


def role_name(code: str) -> str:
    """A person's role at a company."""
    return _named(_ROLES, code)


def upload_status(code: str) -> tuple[str, str]:
    """The status of an upload, and the tone of its tag."""
    text, tone = _UPLOADS[code]
    return str(text), tone


def actor_name(label: str) -> str:
    """Who did something, from the label in the history."""
    kind, _, name = label.partition(":")
    known = {
        "system": "Reda",
        "debtor": gettext("The debtor"),
        "swish": "Swish",
        "provider": gettext("The payment provider"),
        "bank": gettext("The bank"),
        "person": gettext("A person"),
    }
    return name or known.get(kind, kind)
