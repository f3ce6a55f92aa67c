"""What tasks are called on the operator's pages."""

from flask_babel import lazy_gettext

_JOBS = {
    "import_overdue_invoices": lazy_gettext("Take in overdue invoices"),
    "advance_cases": lazy_gettext("Advance cases"),
    "tell_people": lazy_gettext("Tell people of what has happened"),
    "tell_of_agreements": lazy_gettext("Tell of new versions of the agreement"),
    "deliver_outbox": lazy_gettext("Send letters and messages"),
    "take_bank_files": lazy_gettext("Take in files from banks"),
    "propose_payouts": lazy_gettext("Propose payouts"),
    "make_statements": lazy_gettext("Make monthly statements"),
    "tell_of_statements": lazy_gettext("Tell companies what is left of monthly statements"),
    "follow_payouts": lazy_gettext("Follow payouts at the bank"),
    "match_bank_payments": lazy_gettext("Match payments from banks"),
    "ask_chargebacks": lazy_gettext("Ask what was taken back of payments"),
    "ask_swish": lazy_gettext("Ask about payments under way"),
    "collect_bankid": lazy_gettext("Follow up BankID orders"),
    "check_books": lazy_gettext("Check the books"),
    "reconcile": lazy_gettext("Reconcile bank, books and cases"),
    "verify_history": lazy_gettext("Check the history"),
    "check_files": lazy_gettext("Check all stored files"),
    "check_logs": lazy_gettext("Check the logs of documents"),
    "delete_old_documents": lazy_gettext("Delete documents whose time is over"),
    "make_ordered": lazy_gettext("Make reports and archives"),
    "seal_envelopes": lazy_gettext("Seal signed documents"),
    "renew_seals": lazy_gettext("Renew seals"),
    "send_lists": lazy_gettext("Send documents to lists of people"),
    "follow_envelopes": lazy_gettext("Remind signers, and end what is too late"),
    "act_together": lazy_gettext("Act on many cases"),
    "return_cases": lazy_gettext("Return cases of closed companies"),
    "refresh_figures": lazy_gettext("Renew the figures"),
    "ask_of_texts": lazy_gettext("Ask whether text messages arrived"),
    "send_entry_code": lazy_gettext("Send codes to debtors"),
    "tidy": lazy_gettext("Tidy up"),
}


def job_name(task: str) -> str:
    """A task in words; one without words of its own shows its name."""
    return str(_JOBS.get(task, task))


_TABLES = {
    "messages": lazy_gettext("Letters and messages"),
    "invoices": lazy_gettext("Invoices’ own files"),
    "uploads": lazy_gettext("Uploads"),
    "case_files": lazy_gettext("Files of cases"),
    "documents": lazy_gettext("Agreements"),
    "signatures": lazy_gettext("Signatures on agreements"),
    "approvals": lazy_gettext("Approvals"),
    "envelope_files": lazy_gettext("Documents to sign"),
    "envelope_signatures": lazy_gettext("Signatures on documents"),
    "work_orders": lazy_gettext("Reports and archives"),
    "bank_files": lazy_gettext("Files from banks"),
    "payout_batches": lazy_gettext("Files with payouts"),
    "payout_signatures": lazy_gettext("Approvals of payouts"),
    "closed_periods": lazy_gettext("Closed periods"),
}


def table_name(table: str) -> str:
    """What a table that names files is about, in words."""
    return str(_TABLES.get(table, table))
