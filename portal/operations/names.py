"""What tasks are called on the operator's pages."""

from flask_babel import lazy_gettext

_JOBS = {
    "import_overdue_invoices": lazy_gettext("Take in overdue invoices"),
    "advance_cases": lazy_gettext("Advance cases"),
    "tell_people": lazy_gettext("Tell people of what has happened"),
    "tell_of_agreements": lazy_gettext("Tell of new versions of the agreement"),
    "deliver_outbox": lazy_gettext("Send letters and messages"),
    "take_bank_files": lazy_gettext("Take in files from banks"),
    "ask_swish": lazy_gettext("Ask about payments under way"),
    "collect_bankid": lazy_gettext("Follow up BankID orders"),
    "check_books": lazy_gettext("Check the books"),
    "verify_history": lazy_gettext("Check the history"),
    "make_ordered": lazy_gettext("Make reports and archives"),
    "seal_envelopes": lazy_gettext("Seal signed documents"),
    "renew_seals": lazy_gettext("Renew seals"),
    "send_entry_code": lazy_gettext("Send codes to debtors"),
    "tidy": lazy_gettext("Tidy up"),
}


def job_name(task: str) -> str:
    """A task in words; one without words of its own shows its name."""
    return str(_JOBS.get(task, task))
