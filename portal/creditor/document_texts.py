"""What is said of documents to sign: how they stand, who does what, what happened."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from flask_babel import gettext, lazy_gettext, lazy_pgettext, ngettext

from portal.creditor.names import actor_name
from portal.signing.models import EnvelopeEvent
from portal.web.formats import format_date

STATUSES = {
    "draft": lazy_gettext("Draft"),
    "open": lazy_gettext("Waits for signatures"),
    "completed": lazy_gettext("Signed by all"),
    "declined": lazy_pgettext("document", "Declined"),
    "withdrawn": lazy_pgettext("document", "Withdrawn"),
    "expired": lazy_gettext("Time is out"),
}
TONES = {"open": "info", "completed": "good", "declined": "danger", "expired": "warn"}
ROLES = {
    "signs": lazy_gettext("Signs"),
    "approves": lazy_gettext("Approves"),
    "copy": lazy_gettext("Gets a copy"),
}
KINDS = {
    "document": lazy_gettext("Document"),
    "accounts": lazy_gettext("Accounting record"),
    "loan": lazy_gettext("Loan paper"),
    "payment_plan": lazy_gettext("Payment plan"),
    "debt_acknowledgement": lazy_gettext("Debt acknowledgement"),
    "power_of_attorney": lazy_gettext("Power of attorney"),
    "service_agreement": lazy_gettext("Service agreement"),
    "approval": lazy_gettext("Approval"),
}
_SIGNER_STATUSES = {
    "waiting": lazy_gettext("Not invited yet"),
    "invited": lazy_gettext("Invited"),
    "signed": lazy_pgettext("signer", "Signed"),
    "declined": lazy_pgettext("document", "Declined"),
    "handed_over": lazy_gettext("Handed over"),
    "told": lazy_gettext("Has got a copy"),
}
_KEPT_BECAUSE = {
    "document": lazy_gettext(
        "You know how long you need it, and say so here. What nobody needs is not kept (GDPR"
        " art. 5.1 e)."
    ),
    "accounts": lazy_gettext(
        "Accounting records are kept for seven years after the end of the calendar year in which"
        " the accounting year ended (bokföringslagen 7 kap. 2 §). If your accounting year does"
        " not end in December, add a year."
    ),
    "loan": lazy_gettext(
        "A loan can be asked for during ten years, and the paper proves it (preskriptionslagen"
        " 2 §)."
    ),
    "debt_acknowledgement": lazy_gettext(
        "A debtor who acknowledges the debt can be asked for it during ten years more, or three"
        " (preskriptionslagen 2 and 5 §§)."
    ),
    "payment_plan": lazy_gettext(
        "A debtor who promises to pay acknowledges the debt, which can then be asked for during"
        " ten years more, or three (preskriptionslagen 2 and 5 §§)."
    ),
}
ACCESSES = {
    "opened": lazy_gettext("Opened"),
    "identified": lazy_gettext("Identified with BankID"),
    "read": lazy_gettext("Read"),
    "signed": lazy_gettext("Signed with BankID"),
    "downloaded": lazy_gettext("Downloaded a file"),
}
_SIGNER_TONES = {"invited": "info", "signed": "good", "declined": "danger"}

Data = Mapping[str, Any]
_EVENTS: dict[str, tuple[Any, Callable[[Data], str]]] = {}


def _nothing(data: Data) -> str:
    return ""


def _reason(data: Data) -> str:
    return str(data.get("reason", ""))


_WHY_FAILED: Mapping[str, Any] = {
    "userCancel": lazy_gettext("They cancelled in the BankID app."),
    "userDeclinedCall": lazy_gettext("They cancelled in the BankID app."),
    "cancelled": lazy_gettext("It was cancelled."),
    "expiredTransaction": lazy_gettext("The BankID app was not used in time."),
    "certificateErr": lazy_gettext("The BankID is blocked or too old."),
    "startFailed": lazy_gettext("The BankID app could not be started."),
    "notSupportedByUserApp": lazy_gettext("The BankID app could not be started."),
    "transactionRiskBlocked": lazy_gettext("BankID stopped it, because it looked risky."),
    "alreadyInProgress": lazy_gettext("They had begun something else with BankID meanwhile."),
    "unavailable": lazy_gettext("BankID did not answer."),
    "refused": lazy_gettext("BankID did not take it."),
    "not open": lazy_gettext("It could not be signed any more."),
    "plan changed": lazy_gettext("The plan did not fit the case any more."),
}


def _why_failed(data: Data) -> str:
    reason = data.get("reason", "")
    if reason in _WHY_FAILED:
        return str(_WHY_FAILED[reason])
    if data.get("what") == "order":
        return gettext("BankID gave the reason %(reason)s.", reason=reason)
    return gettext("What BankID gave was no signature that holds. It does not count.")


def _person(data: Data) -> str:
    return str(data.get("person", ""))


def _last_day(data: Data) -> str:
    return gettext("Last day: %(day)s", day=format_date(date.fromisoformat(data["last_on"])))


def _pages(data: Data) -> str:
    return gettext(
        "%(name)s, last page %(page)s", name=data.get("file_name", ""), page=data["page"]
    )


def _corrected(data: Data) -> str:
    return ", ".join(str(data[name]) for name in ("email", "phone") if data.get(name))


_EVENTS |= {
    "created": (lazy_pgettext("document", "Made"), _nothing),
    "opened_by_staff": (lazy_gettext("Opened at the company"), _nothing),
    "held": (lazy_gettext("Put on legal hold"), _reason),
    "released": (lazy_gettext("The legal hold was lifted"), _nothing),
    "plan_offered": (lazy_gettext("A payment plan was offered"), _nothing),
    "sent": (lazy_gettext("Sent"), _last_day),
    "sent_to_list": (lazy_gettext("Sent to all of a list"), _nothing),
    "invited": (lazy_gettext("Invited to sign"), _nothing),
    "delivered": (lazy_gettext("The invitation was delivered"), _nothing),
    "opened": (lazy_gettext("Opened"), _nothing),
    "identified": (lazy_gettext("Identified with BankID"), _person),
    "identified_other": (lazy_gettext("Somebody else identified with BankID"), _nothing),
    "page_shown": (lazy_gettext("Was shown the pages"), _pages),
    "downloaded": (lazy_gettext("Downloaded a file"), lambda data: str(data.get("file_name", ""))),
    "signed": (lazy_gettext("Signed with BankID"), _person),
    "sign_failed": (lazy_gettext("A signature was not made"), _why_failed),
    "declined": (lazy_pgettext("document", "Declined"), _reason),
    "handed_over": (lazy_gettext("Handed over"), lambda data: str(data.get("to_name", ""))),
    "reminded": (lazy_gettext("Reminded"), _nothing),
    "address_corrected": (lazy_gettext("The address was corrected"), _corrected),
    "extended": (lazy_gettext("Given more time"), _last_day),
    "soon_over": (lazy_gettext("The time is soon out"), _last_day),
    "withdrawn": (lazy_pgettext("document", "Withdrawn"), _reason),
    "expired": (lazy_gettext("Time is out"), _nothing),
    "completed": (lazy_gettext("Signed by all"), _nothing),
    "copy_sent": (lazy_gettext("Got a copy"), _nothing),
    "sealed": (lazy_gettext("Sealed"), _nothing),
    "renewed": (lazy_gettext("The seal was renewed"), _nothing),
}


def status(code: str) -> str:
    """How an envelope stands."""
    return str(STATUSES[code])


def kept_because(code: str) -> str:
    """Why a kind of document is kept as long as its rule says."""
    return str(_KEPT_BECAUSE[code])


def tone(code: str) -> str:
    """The tone of how it stands."""
    return TONES.get(code, "neutral")


def kind(code: str) -> str:
    """What sort of document it is."""
    return str(KINDS.get(code, code))


def role(code: str) -> str:
    """What somebody is asked to do."""
    return str(ROLES[code])


def signer_status(code: str, role: str) -> str:
    """How far somebody has come with what they are asked to do."""
    if (code, role) == ("signed", "approves"):
        return gettext("Has approved")
    return str(_SIGNER_STATUSES[code])


def signer_tone(code: str) -> str:
    """The tone of how far they have come."""
    return _SIGNER_TONES.get(code, "neutral")


def have_signed(signed: int, of: int) -> str:
    """How many of all have signed."""
    return ngettext("%(signed)s of %(num)s has signed", "%(signed)s of %(num)s have signed", of,
                    signed=signed)  # fmt: skip


def waited_for(names: list[str], most: int) -> str:
    """Whose turn it is, those that there is room for."""
    shown = ", ".join(names[:most])
    return gettext("%(names)s and others", names=shown) if len(names) > most else shown


def timeline(log: Sequence[EnvelopeEvent], names: Mapping[str, str]) -> list[dict[str, object]]:
    """A log for a timeline, the newest first. names: of the signers, by their keys.

    Of the pages of a file that somebody was shown the last one stands for all.
    """
    last: dict[tuple[str | None, str], EnvelopeEvent] = {}
    for one in log:
        if one.name == "page_shown":
            pages = (one.signer_key, one.data["file"])
            # Pictures of pages may be fetched in any order.
            last[pages] = max(last.get(pages, one), one, key=lambda shown: int(shown.data["page"]))
    return [
        _told(one, names)
        for one in reversed(log)
        if one.name != "page_shown" or last[one.signer_key, one.data["file"]] is one
    ]


def _told(event: EnvelopeEvent, names: Mapping[str, str]) -> dict[str, object]:
    title, text = _EVENTS.get(event.name, (event.name, _nothing))
    who, said = names.get(event.signer_key or "", ""), text(event.data)
    return {
        "at": event.occurred_at,
        "title": gettext("%(what)s: %(who)s", what=title, who=who) if who else str(title),
        "text": said,
        "who": actor(event.actor),
    }


def actor(label: str) -> str:
    """Who did something, as the log tells it."""
    kind, _, name = label.partition(":")
    return name if kind == "signer" else actor_name(label)
