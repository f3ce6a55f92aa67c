"""Notifications in words, and the pages that they lead to.

Each kind of `portal/notifications/kinds.py` has its words here: what happened, and to what.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from flask import current_app
from flask_babel import force_locale, gettext, lazy_gettext, ngettext
from flask_babel.speaklater import LazyString
from werkzeug.routing import BuildError

from portal.creditor.events import ACTS
from portal.extensions import settings
from portal.identity.models import Creditor, Person
from portal.notifications import addressing
from portal.notifications.mailing import Said
from portal.reporting import reports
from portal.web.formats import format_date, kronor

Data = Mapping[str, Any]

GROUPS: Mapping[str, LazyString] = {
    "cases": lazy_gettext("Cases"),
    "money": lazy_gettext("Money"),
    "work": lazy_gettext("Files and reports"),
    "company": lazy_gettext("The company"),
}
# What a kind is called where one chooses.
NAMES: Mapping[str, LazyString] = {
    "mention": lazy_gettext("Somebody mentions you in a note"),
    "dispute": lazy_gettext("A debtor objects, or tells something to look into"),
    "message": lazy_gettext("A debtor writes to you"),
    "decision": lazy_gettext("A case waits for your decision"),
    "plan_broken": lazy_gettext("A payment plan is not kept"),
    "review": lazy_gettext("A case stops for a person at Reda"),
    "letter_failed": lazy_gettext("A letter could not be sent"),
    "payment": lazy_gettext("A payment comes"),
    "paid": lazy_gettext("A case is paid in full"),
    "payout": lazy_gettext("Money is paid out to you"),
    "statement": lazy_gettext("A monthly statement is there"),
    "upload": lazy_gettext("A file of invoices is read in"),
    "report": lazy_gettext("A report that you ordered is ready"),
    "archive": lazy_gettext("An archive that you ordered is ready"),
    "rules": lazy_gettext("A colleague changes the rules"),
    "people": lazy_gettext("Who acts for the company changes"),
    "approval": lazy_gettext("Something waits for your approval, or was decided on"),
    "company": lazy_gettext("The company’s card or accounts change"),
    "agreement": lazy_gettext("A new version of the agreement is to be accepted"),
    "document": lazy_gettext("Somebody signs or declines a document that you have sent"),
    "document_completed": lazy_gettext("A document that you have sent is signed by all"),
    "document_deletion": lazy_gettext("Documents are deleted in two weeks, as your rule says"),
}
HOWS: Mapping[str, LazyString] = {
    "at once": lazy_gettext("At once"),
    "daily": lazy_gettext("Once a day"),
    "weekly": lazy_gettext("Once a week"),
    "never": lazy_gettext("Never"),
}


def _amount(text: str, data: Data) -> str:
    if "amount_ore" not in data:
        return text
    return f"{text}: {kronor(data['amount_ore'], data.get('currency', 'SEK'))}"


def _mention(data: Data, is_failed: bool) -> str:
    if "by" in data:
        return gettext("%(name)s mentioned you in a note", name=data["by"])
    return gettext("You were mentioned in a note")


def _payout(data: Data, is_failed: bool) -> str:
    if is_failed:
        return _amount(gettext("A payout to you failed"), data)
    return _amount(gettext("Money was paid out to you"), data)


def _statement(data: Data, is_failed: bool) -> str:
    if data.get("event") == "statement.due":
        return _amount(gettext("Left to pay of a monthly statement"), data)
    if data.get("event") == "statement.late":
        return _amount(gettext("Left to pay of a monthly statement whose day is over"), data)
    return gettext("A monthly statement is there")


def _upload(data: Data, is_failed: bool) -> str:
    if is_failed:
        return ngettext(
            "%(file)s was read in, but for %(num)s row",
            "%(file)s was read in, but for %(num)s rows",
            data.get("problems", 0),
            file=data.get("filename", ""),
        )
    return gettext("%(file)s was read in", file=data.get("filename", ""))


def _report(data: Data, is_failed: bool) -> str:
    if is_failed:
        return gettext("%(report)s could not be made", report=_named(data))
    return gettext("%(report)s is ready", report=_named(data))


def _named(data: Data) -> str:
    kind = reports.KINDS.get(str(data.get("report")))
    return gettext(kind.title) if kind else gettext("The report")


def _archive(data: Data, is_failed: bool) -> str:
    if is_failed:
        return gettext("The archive could not be made")
    return gettext("The archive is ready to be downloaded")


_PEOPLE: Mapping[str, LazyString] = {
    "member.joined": lazy_gettext("%(name)s acts for the company from now on"),
    "member.role_changed": lazy_gettext("%(name)s has another role"),
    "member.removed": lazy_gettext("%(name)s does not act for the company any more"),
}


def _people(data: Data, is_failed: bool) -> str:
    known = _PEOPLE.get(str(data.get("event")))
    if known is None or "who" not in data:
        return gettext("Who acts for the company has changed")
    return str(known) % {"name": data["who"]}


_EVENTS: Mapping[str, LazyString] = {
    "approval.proposed": lazy_gettext("Something waits for your approval"),
    "approval.approved": lazy_gettext("A proposal was approved with BankID"),
    "approval.refused": lazy_gettext("A proposal was turned down"),
    "approval.expired": lazy_gettext("A proposal was not approved in time"),
    "approval.overtaken": lazy_gettext("A proposal was not done, because the facts had changed"),
    "account.added": lazy_gettext("A payout account was added"),
    "account.used": lazy_gettext("Another payout account is used"),
    "account.removed": lazy_gettext("A payout account was removed"),
    "company.closed": lazy_gettext("The company was closed"),
    "company.reopened": lazy_gettext("The company was opened again"),
}


def _event(data: Data, is_failed: bool) -> str:
    return str(_EVENTS.get(str(data.get("event"))) or gettext("The company’s card was changed"))


def _agreement(data: Data, is_failed: bool) -> str:
    if data.get("event") == "agreement.told":
        return gettext("The agreement has a new version to read")
    if data.get("event") == "agreement.overdue":
        return gettext("The last day to accept the agreement is over")
    return gettext("A new version of the agreement is to be accepted")


_DOCUMENTS: Mapping[str, LazyString] = {
    "document.signed": lazy_gettext("%(name)s has signed"),
    "document.declined": lazy_gettext("%(name)s has declined to sign"),
    "document.soon_over": lazy_gettext("A document is to be signed within two days"),
    "document.overtaken": lazy_gettext(
        "A payment plan was not agreed on: what is owed had changed"
    ),
    "document.expired": lazy_gettext("A document was not signed in time"),
}


def _document(data: Data, is_failed: bool) -> str:
    known = _DOCUMENTS.get(str(data.get("event")))
    if known is None:
        return gettext("Something has happened to a document that you have sent")
    return str(known) % {"name": data.get("who", "")}


def _plain(text: LazyString) -> Callable[[Data, bool], str]:
    return lambda data, is_failed: str(text)


_TITLES: Mapping[str, Callable[[Data, bool], str]] = {
    "mention": _mention,
    "dispute": lambda data, is_failed: (
        gettext("The debtor told something to look into")
        if "stop" in data
        else gettext("An objection came")
    ),
    "message": _plain(lazy_gettext("A debtor has written to you")),
    "decision": _plain(lazy_gettext("The demand was not paid: decide how to go on")),
    "plan_broken": _plain(lazy_gettext("The payment plan was not kept")),
    "review": _plain(lazy_gettext("Stopped for a person to look at")),
    "letter_failed": _plain(lazy_gettext("A letter could not be sent")),
    "payment": lambda data, is_failed: _amount(gettext("A payment came"), data),
    "paid": _plain(lazy_gettext("Everything is paid")),
    "payout": _payout,
    "statement": _statement,
    "upload": _upload,
    "report": _report,
    "archive": _archive,
    "rules": _plain(lazy_gettext("The rules were changed")),
    "people": _people,
    "approval": _event,
    "company": _event,
    "agreement": _agreement,
    "document": _document,
    "document_completed": _plain(lazy_gettext("A document is signed by all")),
    "document_deletion": _plain(lazy_gettext("Documents are deleted in two weeks")),
}
# The page that a kind leads to, and, where that is of one thing, the one that lists them.
_CASE = ("creditor.show_case", "creditor.list_cases")
_PAGES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("mention", "dispute", "message", "decision", "plan_broken"), _CASE),
    **dict.fromkeys(("review", "letter_failed", "payment", "paid"), _CASE),
    "payout": ("creditor.show_payout", "creditor.list_payouts"),
    "statement": ("creditor.show_statement", "creditor.list_statements"),
    "upload": ("creditor.show_upload", "creditor.list_invoices"),
    "report": ("creditor.show_order", "creditor.list_reports"),
    "archive": ("creditor.show_order", "creditor.list_reports"),
    "rules": ("creditor.show_change", "creditor.list_changes"),
    "people": ("creditor.list_people",),
    "approval": ("creditor.show_approval", "creditor.list_approvals"),
    "company": ("creditor.show_company",),
    "agreement": ("signing.agreements",),
    "document_deletion": ("creditor.show_keeping",),
    **dict.fromkeys(
        ("document", "document_completed"), ("creditor.show_document", "creditor.list_documents")
    ),
}

# What an address calls a thing, by what the data calls it.
_ARGUMENTS = {
    "approval": "approval_key",
    "envelope": "envelope_key",
    "order": "order_id",
    "payout": "payout_key",
    "statement": "statement_key",
    "upload": "upload_id",
}


def said(
    kind: str, data: Data, *, count: int = 1, is_failed: bool = False, is_mail: bool = False
) -> Said:
    """A notification in the reader's language.

    count: of how many alike it tells. is_mail: it leaves the portal, and names no debtor.
    """
    if kind not in _TITLES:
        return Said(kind, "")
    if count > 1:
        return Said(gettext("%(what)s: %(count)s", what=str(NAMES[kind]), count=count), "")
    return Said(_TITLES[kind](data, is_failed), _about(data, is_mail=is_mail))


def _about(data: Data, *, is_mail: bool) -> str:
    """Which case it is about, or who did it."""
    parts = []
    if "reference" in data:
        parts.append(gettext("Case %(reference)s", reference=data["reference"]))
        if "invoice" in data:
            parts.append(gettext("invoice %(number)s", number=data["invoice"]))
        if "debtor" in data and not is_mail:
            parts.append(str(data["debtor"]))
    elif data.get("kind") in ACTS:
        parts.append(str(ACTS[data["kind"]]))
    elif data.get("until_on"):
        day = format_date(date.fromisoformat(data["until_on"]))
        parts.append(gettext("No later than %(day)s", day=day))
    elif "holder" in data:
        parts.append(str(data["holder"]))
    elif "what" in data:
        parts.append(str(data["what"]))
    return ", ".join(parts)


def page_of(kind: str, data: Data, company: str, *, count: int = 1) -> str:
    """The path of the page that a notification leads to. company: the key of its address."""
    values = {**data, **{to: data[of] for of, to in _ARGUMENTS.items() if of in data}}
    pages = _PAGES.get(kind, ())
    for endpoint in pages[-1:] if count > 1 else pages:
        path = _path(endpoint, **{**values, "key": company})
        if path is not None:
            return path
    found = _path("creditor.show_overview", key=company)
    assert found is not None
    return found


def _path(endpoint: str, **values: Any) -> str | None:
    """The path of an endpoint with what it needs of some values, or None where it is not."""
    rules = current_app.url_map.iter_rules(endpoint) if _exists(endpoint) else ()
    for rule in rules:
        if "GET" in (rule.methods or ()) and rule.arguments <= set(values):
            needed = {name: values[name] for name in rule.arguments}
            try:
                # Not url_for: a job answers no request.
                return current_app.url_map.bind("").build(endpoint, needed, "GET")
            except BuildError:
                return None
    return None


def _exists(endpoint: str) -> bool:
    return endpoint in current_app.view_functions


class MailSpeaker:
    """Says notifications in mails, for `portal.notifications.mailing`."""

    def in_mail(self, kind: str, data: Data, *, count: int, is_failed: bool, language: str) -> Said:
        with force_locale(language):
            return said(kind, data, count=count, is_failed=is_failed, is_mail=True)

    def kind_name(self, kind: str, language: str) -> str:
        with force_locale(language):
            return str(NAMES.get(kind, kind))

    def addresses(self, creditor: Creditor, person: Person) -> Mapping[str, str]:
        link = addressing.stop_link(person.id, creditor.id)
        return {
            "url": self._whole("notifications.list_notifications", company=creditor.key),
            "choices_url": self._whole("notifications.show_choices", company=creditor.key),
            "unsubscribe_url": self._whole("notifications.stop_mails", link=link),
        }

    def address_of(self, id: int) -> str:
        return self._whole("notifications.open_notification", id=id)

    def _whole(self, endpoint: str, **values: object) -> str:
        path = current_app.url_map.bind("").build(endpoint, values, "GET")
        return f"{settings().base_url}{path}"
