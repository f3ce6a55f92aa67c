"""Whoever comes to an address that is not theirs is turned away, at every address there is."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from portal import clock
from portal.collection import (
    attachments,
    bulk,
    intake,
    notes,
    rulebook,
    saved_views,
    together,
)
from portal.collection.models import Case
from portal.companies import acts, invitations
from portal.companies.models import ContactPerson, PayoutAccount
from portal.config import Settings
from portal.database import files, server
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity import people as people_room
from portal.identity.actor import SYSTEM, Actor
from portal.identity.models import Creditor, Membership, Person
from portal.notifications.telling import notify
from portal.payments import booking, payouts, releasing
from portal.payments.models import Payment
from portal.reporting import orders
from portal.signing import agreements, approvals, envelopes
from portal.signing.models import Document
from portal.sources import customer_list
from tests.companies.test_company_card import a_picture
from tests.conftest import settings_of
from tests.factories import (
    EVA,
    JOHAN,
    NOW,
    SOFIA,
    a_creditor,
    a_creditor_that_signed,
    a_person,
    a_person_at,
    a_reminded_case,
    a_signed_agreement,
    an_invoice_of,
    enter_case,
    sign_in,
)
from tests.payments.charging import a_statement
from tests.payments.paying_out import an_account, collect, propose
from tests.signing.envelopes import a_list_of, an_envelope
from tests.signing.templates import a_template

NEWCOMER = "198507202383"
CREDITOR_READ = {
    "creditor.show_overview": (),
    "creditor.ask_for_figures": (),
    "creditor.list_cases": (),
    "creditor.list_views": (),
    "creditor.list_together": (),
    "creditor.show_together": ("together_id",),
    "creditor.export_cases": (),
    "creditor.export_cases_to_excel": (),
    "creditor.show_case": ("reference",),
    "creditor.show_case_letters": ("reference",),
    "creditor.show_case_money": ("reference",),
    "creditor.show_case_parties": ("reference",),
    "creditor.show_case_messages": ("reference",),
    "creditor.show_case_notes": ("reference",),
    "creditor.download_file": ("reference", "file_id"),
    "creditor.read_document": ("reference", "message_id"),
    "creditor.download_invoice": ("reference",),
    "creditor.list_invoices": (),
    "creditor.show_upload": ("upload_id",),
    "creditor.list_payouts": (),
    "creditor.show_owed": (),
    "creditor.show_payout": ("payout_key",),
    "creditor.export_payout": ("payout_key", "extension"),
    "creditor.list_statements": (),
    "creditor.show_statement": ("statement_key",),
    "creditor.download_statement": ("statement_key",),
    "creditor.export_statement": ("statement_key",),
    "creditor.change_rules": (),
    "creditor.show_switch": (),
    "creditor.show_company": (),
    "creditor.show_letter_preview": (),
    "creditor.show_logo": (),
    "creditor.show_closing": (),
    "creditor.list_approvals": (),
    "creditor.show_approval": ("approval_key",),
    "creditor.list_customers": (),
    "creditor.export_customers": (),
    "creditor.show_customer": ("customer_id",),
    "creditor.list_expected": (),
    "creditor.list_classes": (),
    "creditor.export_own_rules": (),
    "creditor.show_class": ("class",),
    "creditor.show_preview": (),
    "creditor.list_preview": (),
    "creditor.explain_preview": ("invoice_id",),
    "creditor.export_preview": (),
    "creditor.list_reports": (),
    "creditor.list_sizes": (),
    "creditor.show_report": ("name",),
    "creditor.export_report": ("name", "extension"),
    "creditor.show_order": ("order_id",),
    "creditor.fetch_file": ("order_id", "place"),
    "creditor.list_people": (),
    "creditor.show_member": ("member_id",),
    "creditor.list_documents": (),
    "creditor.export_documents": (),
    "creditor.show_keeping": (),
    "creditor.export_document_log": ("envelope_key",),
    "creditor.download_evidence": ("envelope_key",),
    "creditor.show_document": ("envelope_key",),
    "creditor.show_list": ("envelope_key", "list_key"),
    "creditor.download_document": ("envelope_key", "file_key", "content"),
    "creditor.show_document_page": ("envelope_key", "file_key", "page", "size"),
    "creditor.list_templates": (),
    "creditor.show_template": ("template_key",),
    "creditor.show_template_as_pdf": ("template_key",),
    "creditor.show_usage": (),
    "creditor.show_usage_month": ("month",),
    "creditor.export_usage": (),
    "creditor.list_changes": (),
    "creditor.show_change": ("event_id",),
}
# What only an administrator does; a case handler may not either.
ADMINISTRATOR = {
    "creditor.show_protected": ("reference",),
    "creditor.change_payouts": (),
    "creditor.save_schedule": (),
    "creditor.save_chart": (),
    "creditor.save_keeping": (),
    "creditor.hold_document": ("envelope_key",),
    "creditor.release_document": ("envelope_key",),
    "creditor.delete_document": ("envelope_key",),
    "creditor.fetch_evidence": ("approval_key", "part"),
    "creditor.invite": (),
    "creditor.send_invitation_again": ("invitation_key",),
    "creditor.withdraw_invitation": ("invitation_key",),
    "creditor.change_member": ("member_id",),
    "creditor.remove_member": ("member_id",),
    "creditor.save_description": (),
    "creditor.save_address": ("kind",),
    "creditor.take_address": ("kind",),
    "creditor.save_contact": ("which",),
    "creditor.remove_contact": ("which",),
    "creditor.save_letter": (),
    "creditor.preview_letter": (),
    "creditor.new_account": (),
    "creditor.propose_account": (),
    "creditor.propose_account_change": ("account_key", "change"),
    "creditor.propose_closing": (),
    "creditor.approve": ("approval_key",),
    "creditor.refuse": ("approval_key",),
    "creditor.new_template": (),
    "creditor.create_template": (),
    "creditor.edit_template": ("template_key",),
    "creditor.save_template": ("template_key",),
    "creditor.preview_template": (),
    "creditor.preview_template_as_pdf": (),
    "creditor.put_template_away": ("template_key",),
    "creditor.take_template_back": ("template_key",),
}
CREDITOR_CHANGE = ADMINISTRATOR | {
    "creditor.prepare_together": (),
    "creditor.do_together": ("together_id",),
    "creditor.cancel_together": ("together_id",),
    "creditor.undo_together": ("together_id",),
    "creditor.upload_invoices": (),
    "creditor.receive_invoices": (),
    "creditor.map_columns": ("upload_id",),
    "creditor.confirm_columns": ("upload_id",),
    "creditor.preview_upload": ("upload_id",),
    "creditor.import_upload": ("upload_id",),
    "creditor.save_rules": (),
    "creditor.turn_on": (),
    "creditor.pause": (),
    "creditor.hold_everything": (),
    "creditor.resume_everything": (),
    "creditor.save_sizes": (),
    "creditor.list_archives": (),
    "creditor.order_archive": (),
    "creditor.move_documents": (),
    "creditor.rename_folder": (),
    "creditor.archive_documents": (),
    "creditor.choose_subject": ("template_key",),
    "creditor.find_subject": ("template_key",),
    "creditor.write_document": ("template_key",),
    "creditor.make_document": ("template_key",),
    "creditor.new_document": (),
    "creditor.begin_document": (),
    "creditor.edit_document": ("envelope_key",),
    "creditor.save_document": ("envelope_key",),
    "creditor.remove_document": ("envelope_key",),
    "creditor.add_documents": ("envelope_key",),
    "creditor.add_attachments": ("envelope_key",),
    "creditor.order_documents": ("envelope_key",),
    "creditor.join_documents": ("envelope_key",),
    "creditor.remove_document_file": ("envelope_key", "file_key"),
    "creditor.edit_pages": ("envelope_key", "file_key"),
    "creditor.save_pages": ("envelope_key", "file_key"),
    "creditor.new_signer": ("envelope_key",),
    "creditor.add_signer": ("envelope_key",),
    "creditor.edit_signer": ("envelope_key", "signer_key"),
    "creditor.save_signer": ("envelope_key", "signer_key"),
    "creditor.remove_signer": ("envelope_key", "signer_key"),
    "creditor.check_document": ("envelope_key",),
    "creditor.send_document": ("envelope_key",),
    "creditor.download_list_form": (),
    "creditor.choose_list": ("envelope_key",),
    "creditor.read_list": ("envelope_key",),
    "creditor.send_list": ("envelope_key",),
    "creditor.stop_list": ("envelope_key", "list_key"),
    "creditor.remind_signers": ("envelope_key",),
    "creditor.edit_signers_address": ("envelope_key", "signer_key"),
    "creditor.save_signers_address": ("envelope_key", "signer_key"),
    "creditor.extend_document": ("envelope_key",),
    "creditor.withdraw_document": ("envelope_key",),
    "creditor.renew_document": ("envelope_key",),
    "creditor.exclude_customer": ("customer_id",),
    "creditor.include_customer": ("customer_id",),
    "creditor.change_customer_rules": ("customer_id",),
    "creditor.save_customer_rules": ("customer_id",),
    "creditor.remove_customer_rules": ("customer_id",),
    "creditor.exclude_class": ("class",),
    "creditor.include_class": ("class",),
    "creditor.change_class_rules": ("class",),
    "creditor.save_class_rules": ("class",),
    "creditor.remove_class_rules": ("class",),
    "creditor.remove_expected": (),
    "creditor.choose_many": (),
    "creditor.mark_customers": (),
    "creditor.prepare_many": (),
    "creditor.preview_many": ("bulk_id",),
    "creditor.do_many": ("bulk_id",),
    "creditor.preview_rules": (),
    "creditor.save_preview": (),
    "creditor.forget_preview": (),
    "creditor.prepare_act": ("reference", "act"),
    "creditor.do_act": ("reference", "act"),
    "creditor.write_message": ("reference",),
    "creditor.translate_messages": ("reference",),
    "creditor.settle_messages": ("reference",),
    "creditor.write_note": ("reference",),
    "creditor.change_note": ("reference", "note_id"),
    "creditor.remove_note": ("reference", "note_id"),
    "creditor.add_files": ("reference",),
    "creditor.remove_file": ("reference", "file_id"),
    "creditor.edit_rules": (),
    "creditor.undo_change": ("event_id",),
    "creditor.restore_rules": ("event_id",),
}
# What is asked for changes nothing of the company's: a viewer may do it, and is led on.
CREDITOR_ASK = {
    "creditor.arrange_cards": (),
    "creditor.order_report": ("name",),
    "creditor.cancel_order": ("order_id",),
    "creditor.order_again": ("order_id",),
    "creditor.find_cases": (),
    "creditor.save_view": (),
    "creditor.change_view": ("view_id",),
    "creditor.remove_view": ("view_id",),
    "creditor.begin_with_view": (),
    "creditor.find_customer": (),
}
CREDITOR = CREDITOR_ASK | CREDITOR_READ | CREDITOR_CHANGE
OPERATOR = {
    "operations.show_status": (),
    "operations.show_books": (),
    "operations.list_checks": (),
    "operations.check_files": (),
    "operations.list_bank_files": (),
    "operations.take_bank_file": (),
    "operations.download_bank_file": ("file_id",),
    "operations.list_charges": (),
    "operations.show_charges": ("statement_key",),
    "operations.download_charges": ("statement_key",),
    "operations.export_charges": ("statement_key",),
    "operations.list_prices": (),
    "operations.add_price": (),
    "operations.list_payouts": (),
    "operations.propose_payouts": (),
    "operations.do_payouts": (),
    "operations.take_payout_report": (),
    "operations.show_payout": ("payout_key",),
    "operations.change_payout": ("payout_key",),
    "operations.show_statement": ("payout_key",),
    "operations.export_statement": ("payout_key", "extension"),
    "operations.show_payout_batch": ("batch_key",),
    "operations.approve_payouts": ("batch_key",),
    "operations.withdraw_payouts": ("batch_key",),
    "operations.download_payout_file": ("batch_key",),
    "operations.list_payments": (),
    "operations.show_payment": ("payment_id",),
    "operations.show_payer": ("payment_id",),
    "operations.give_payment": ("payment_id", "reference"),
    "operations.split_payment": ("payment_id",),
    "operations.send_payment_back": ("payment_id",),
    "operations.undo_payment": ("payment_id",),
    "operations.take_payment_back": ("payment_id", "other_id"),
    "operations.put_payment_aside": ("payment_id",),
    "operations.give_payment_to_statement": ("payment_id",),
    "operations.take_what_came_back": ("payment_id", "payout_key"),
    "operations.keep_aside": ("told_id",),
    "operations.take_as_well": ("told_id",),
    "operations.take_what_came_again": ("payment_id", "chargeback_id"),
    "operations.take_back_what_came_at_once": ("payment_id", "request_id"),
    "operations.list_at_once": (),
    "operations.show_at_once": ("request_id",),
    "operations.ask_taken_back": ("request_id",),
    "operations.take_at_once_back": ("request_id",),
    "operations.ask_came_again": ("chargeback_id",),
    "operations.book_came_again": ("chargeback_id",),
    "operations.keep_chargeback_out": ("chargeback_id",),
    "operations.book_chargeback": ("chargeback_id",),
    "operations.list_refunds": (),
    "operations.show_refund": ("refund_id",),
    "operations.let_refund_go": ("refund_id",),
    "operations.confirm_refund": ("refund_id",),
    "operations.approve_refund": ("refund_id",),
    "operations.refuse_refund": ("refund_id",),
    "operations.retry_refund": ("refund_id",),
    "operations.refund_by_bank": ("refund_id",),
    "operations.list_jobs": (),
    "operations.retry_job": ("job_id",),
    "operations.list_messages": (),
    "operations.retry_message": ("message_id",),
    "operations.show_forwarding": ("message_id",),
    "operations.print_forwarded": ("message_id",),
    "operations.note_forwarded": ("message_id",),
    "operations.list_reviews": (),
    "operations.let_case_go_on": ("reference",),
    "operations.list_languages": (),
    "operations.list_reconciled_days": (),
    "operations.take_out_own_share": (),
    "operations.show_reconciliation": (),
    "operations.reconcile_day": (),
    "operations.download_reconciliation": (),
    "operations.list_reconciled_rows": (),
    "operations.show_entry": ("entry_id",),
    "operations.prepare_closing": (),
    "operations.put_closing_together": (),
    "operations.show_period": ("period_key",),
    "operations.approve_period": ("period_key",),
    "operations.withdraw_period": ("period_key",),
    "operations.download_period": ("period_key",),
    "operations.download_period_figures": ("period_key",),
    "operations.note_transfer": ("payment_id",),
    "operations.undo_transfer": ("payment_id",),
    "operations.list_exchange_rates": (),
    "operations.tell_exchange_rate": (),
    "operations.list_rates": (),
    "operations.add_rate": (),
}
DEBTOR = {
    "debtor.overview": (),
    "debtor.show_case": ("reference",),
    "debtor.stay": (),
    "debtor.show_history": ("reference",),
    "debtor.explain_part": ("reference", "sum_name"),
    "debtor.show_invoice": ("reference",),
    "debtor.download_invoice": ("reference",),
    "debtor.read_letter": ("reference", "message_id"),
    "debtor.show_receipt": ("reference", "number"),
    "debtor.download_receipt": ("reference", "number"),
    "debtor.choose_payment": ("reference",),
    "debtor.start_payment": ("reference",),
    "debtor.show_transfer": ("reference",),
    "debtor.show_news": ("reference",),
    "debtor.show_news_of_all": (),
    "debtor.choose_cases": (),
    "debtor.show_transfers": (),
    "debtor.start_joint_payment": (),
    "debtor.show_joint_payment": ("request_id",),
    "debtor.stop_joint_payment": ("request_id",),
    "debtor.list_joint_receipts": ("request_id",),
    "debtor.show_messages": ("reference",),
    "debtor.write_message": ("reference",),
    "debtor.translate_messages": ("reference",),
    "debtor.show_contact": ("reference",),
    "debtor.show_data": ("reference",),
    "debtor.ask_to_correct": ("reference",),
    "debtor.list_data": (),
    "debtor.download_all_cases": (),
    "debtor.download_data": ("reference",),
    "debtor.download_all": ("reference",),
    "debtor.save_contact": ("reference",),
    "debtor.keep_language": ("reference",),
    "debtor.show_objection": ("reference",),
    "debtor.object_to_claim": ("reference",),
    "debtor.show_paid": ("reference",),
    "debtor.tell_paid": ("reference",),
    "debtor.show_wrong_person": ("reference",),
    "debtor.tell_wrong_person": ("reference",),
    "debtor.show_situation": ("reference",),
    "debtor.tell_situation": ("reference",),
    "debtor.show_cannot_pay": ("reference",),
    "debtor.download_file": ("reference", "file_id"),
    "debtor.show_payment": ("reference", "request_id"),
    "debtor.stop_payment": ("reference", "request_id"),
    "debtor.show_more_time": ("reference",),
    "debtor.take_more_time": ("reference",),
    "debtor.show_plan": ("reference",),
    "debtor.agree_on_plan": ("reference",),
    "debtor.show_plan_day": ("reference",),
    "debtor.move_plan_day": ("reference",),
}
SIGNER = {
    "signing.agreements": (),
    "signing.choose_companies": (),
    "signing.read_agreement": ("key",),
    "signing.sign_agreement": ("key",),
    "signing.go_on": ("key",),
    "signing.download_agreement": ("key",),
    "signing.note_agreement_read": ("company",),
}
# One's own, at all one's companies: tests/creditor/test_notifications.py holds them to that.
PERSON = {
    "signing.show_agreement_changes": ("version",),
    "notifications.list_notifications": (),
    "notifications.open_notification": ("id",),
    "notifications.mark_read": ("id",),
    "notifications.mark_unread": ("id",),
    "notifications.mark_all_read": (),
    "notifications.show_choices": (),
    "notifications.save_choices": (),
    "notifications.reset_choices": (),
    "notifications.save_address": (),
    "notifications.confirm_address": ("link",),
}
# An order is its browser session's own: tests/signing/ and test_identifying.py hold it to that.
ORDER = {
    "signing.show_order",
    "signing.open_app",
    "signing.return_from_app",
    "signing.stop_order",
    "debtor.show_order",
    "debtor.open_app",
    "debtor.return_from_app",
    "debtor.stop_order",
}
# Who has the link and is who was invited: tests/signing/test_ceremony.py holds them to that.
LINK = {
    "signing.show_envelope": ("token",),
    "signing.identify_signer": ("token",),
    "signing.forget_signer": ("token",),
    "signing.show_document": ("token", "file_key"),
    "signing.show_document_page": ("token", "file_key", "number"),
    "signing.download_document": ("token", "file_key"),
    "signing.download_signed": ("token", "file_key"),
    "signing.sign_envelope": ("token",),
    "signing.ask_why_declined": ("token",),
    "signing.decline_envelope": ("token",),
    "signing.ask_who_instead": ("token",),
    "signing.hand_envelope_over": ("token",),
}
# Anyone may come here; what they then see is their own.
OPEN = {
    "api.online_callback",
    "api.sms_callback",
    "api.swish_callback",
    "api.swish_refund_callback",
    "creditor.choose_company",
    "creditor.find_company",
    "debtor.accessibility",
    "debtor.ask_for_code",
    "debtor.confirm_address",
    "debtor.confirm_number",
    "debtor.enter",
    "debtor.enter_by_code",
    "debtor.explain_letter",
    "debtor.explain_words",
    "debtor.health",
    "debtor.help_me",
    "debtor.identify",
    "debtor.leave",
    "debtor.list_languages",
    "debtor.no_case",
    "debtor.open_link",
    "debtor.picture_letter",
    "debtor.renew_link",
    "debtor.send_code",
    "debtor.show_address",
    "debtor.show_number",
    "debtor.show_privacy",
    "debtor.show_link",
    "debtor.show_visit",
    "debtor.start",
    "debtor.start_identifying",
    "debtor.write_code",
    "notifications.show_bell",
    "notifications.stop_mails",
    "notifications.stop_mails_now",
    "signing.accept_invitation",
    "signing.download_verification",
    "signing.identify_for_waiting",
    "signing.identify_invited",
    "signing.list_waiting",
    "signing.no_access",
    "signing.open_invitation",
    "signing.show_verification",
    "signing.sign_in",
    "signing.sign_out",
    "signing.start_sign_in",
    "signing.verify",
    "static",
}


@dataclass
class World:
    """Norrsken with one of each thing, and people of several kinds.

    neighbour: another case of Norrsken's. unsigned: of a company that has signed no agreement.
    """

    app: Flask
    case: Case
    neighbour: Case
    unsigned: Case
    values: dict[str, object]
    people: dict[str, Person] = field(default_factory=dict)

    def address(self, endpoint: str, needed: tuple[str, ...], **others: object) -> str:
        """Where an endpoint answers for Norrsken's things."""
        values = {name: self.values[name] for name in needed} | others
        if endpoint.startswith("creditor."):
            values.setdefault("key", self.case.creditor.key)
        with self.app.test_request_context():
            return self.app.url_for(endpoint, **values)

    def send(self, client: FlaskClient, endpoint: str, address: str) -> TestResponse:
        """Ask for an address the way that its endpoint takes."""
        methods = {
            method
            for rule in self.app.url_map.iter_rules(endpoint)
            for method in rule.methods or ()
        }
        return client.open(address, method="GET" if "GET" in methods else "POST")


# Made once for all tests of this file: whoever is turned away changes nothing of it.
KEPT = "world"
_MADE: list["Made"] = []


@dataclass
class Made:
    """The rows of a world, by their ids."""

    cases: list[int]
    people: dict[str, int]
    values: dict[str, object]

    @classmethod
    def of(cls, world: World) -> "Made":
        people = {name: one.id for name, one in world.people.items()}
        cases = [world.case.id, world.neighbour.id, world.unsigned.id]
        return cls(cases, people, world.values)

    def found(self, app: Flask) -> World:
        cases = (db.session.get_one(Case, id) for id in self.cases)
        people = {name: db.session.get_one(Person, id) for name, id in self.people.items()}
        return World(app, *cases, self.values, people)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the files lie that the world's rows name."""
    return tmp_path_factory.mktemp("walls")


@pytest.fixture
def settings(database_urls: server.Urls, folder: Path) -> Settings:
    return settings_of(database_urls, folder)


@pytest.fixture
def world(app: Flask) -> World:
    """Norrsken as it was made for the first test that asks."""
    # Off, so that the wall itself is what turns people away.
    app.config["WTF_CSRF_ENABLED"] = False
    if not _MADE or db.session.get(Case, _MADE[0].cases[0]) is None:
        _MADE[:] = [Made.of(a_world(app))]
    return _MADE[0].found(app)


def a_world(app: Flask) -> World:
    """Norrsken with one of each thing, another company, and people."""
    creditor = a_creditor_that_signed()
    document = files.store(b"<Invoice/>")
    case = a_reminded_case(creditor, document_sha256=document, document_filename="f.xml")
    message = db.session.scalars(select(Message).where(Message.case_id == case.id)).one()
    message.document_sha256, message.status = files.store(b"%PDF-1.7"), "failed"
    upload = intake.receive(
        creditor.id, [("list.csv", b"Fakturanr;Kundnr\r\n1;2\r\n")], actor=SYSTEM, now=NOW
    ).upload
    request = booking.prepare({case.id: None}, now=NOW)
    payment = Payment(
        creditor_id=creditor.id, case_id=case.id, channel="swish", channel_reference="swish:A",
        amount_ore=100, currency="SEK", value_on=NOW.date(), received_at=NOW, fees_ore=100,
        interest_ore=0, principal_ore=0, overpaid_ore=0, receipt_number="2026-0000001",
    )  # fmt: skip
    db.session.add(payment)
    db.session.commit()
    note = notes.write(case, "w", mentions=(), readers=(), actor=SYSTEM, now=NOW)
    (kept,) = attachments.add(case, [("a.txt", b"a")], actor=SYSTEM, now=NOW).kept
    db.session.commit()
    other = a_creditor_that_signed("Fjällbäcks Tandvård AB")
    people = {
        "viewer": a_person_at(creditor, "viewer", SOFIA),
        "collector": a_person_at(creditor, "collector", "198508202382"),
        "stranger": a_person_at(other, "administrator", JOHAN),
        "operator": a_person("198107212386", is_operator=True),
    }
    key = db.session.scalars(select(Document.key).where(Document.creditor_id == creditor.id)).one()
    event_id = rulebook.put_many(
        creditor.id, "class", ["Retail"], {"is_excluded": True}, actor=SYSTEM, today=NOW.date(),
        now=NOW,
    )  # fmt: skip
    db.session.commit()
    bulk_id = _a_choice(creditor)
    values: dict[str, object] = {
        "event_id": event_id,
        "customer_id": case.debtor_id,
        "bulk_id": bulk_id,
        "class": "Retail",
        "reference": case.reference,
        "message_id": message.id,
        "upload_id": upload.id,
        "request_id": request.id,
        "number": payment.receipt_number,
        "act": "hold",
        "note_id": note.id,
        "file_id": kept.id,
        "invoice_id": an_invoice_of(creditor).id,
        "job_id": 1,
        "key": key,
        "id": 1,
        "link": "made-up",
        "member_id": _membership_of(people["viewer"]).id,
        "invitation_key": _an_invitation(creditor),
        "together_id": _an_act_together(case),
        "view_id": _a_view(creditor, people["viewer"]),
        "token": "none",
        "kind": "sender",
        "approval_key": _a_proposal(creditor),
        "part": "signature.xml",
        "sum_name": "interest",
        "version": 2,
        "company": creditor.key,
        "account_key": "first",
        "change": "use",
        "month": "2026-11",
        "which": _a_contact(creditor),
        "payment_id": 1,
        "entry_id": 1,
        "period_key": "none",
        "other_id": 1,
        "refund_id": 1,
        "chargeback_id": 1,
        "told_id": 1,
        "template_key": a_template(creditor).key,
        **_a_payout(case),
        "statement_key": a_statement(creditor).key,
    }
    values |= _a_report(creditor.id) | _an_envelope(creditor)
    return World(app, case, a_reminded_case(creditor), _unsigned(other, people), values, people)


def _unsigned(other: Creditor, people: dict[str, Person]) -> Case:
    """A case of a company without an agreement, whose newcomer has come from one that has it."""
    people["newcomer"] = a_person_at(other, "administrator", NEWCOMER)
    company = a_creditor("Lindens Cykel & Sport AB")
    a_person_at(company, "administrator", NEWCOMER)
    return a_reminded_case(company)


def _a_payout(case: Case) -> dict[str, object]:
    an_account(case.creditor)
    collect(case, 500_00)
    (payout,) = propose(case.creditor)
    batch = releasing.put_together([payout.key], actor=SYSTEM, now=NOW)
    payouts.post_released(payout, today=NOW.date(), now=NOW)
    payout.status, payout.released_on = "released", NOW.date()
    batch.file_sha256 = files.store(b"<Document/>")
    db.session.commit()
    return {"payout_key": payout.key, "batch_key": batch.key}


def _an_envelope(creditor: Creditor) -> dict[str, object]:
    envelope = an_envelope(creditor)
    sending = a_list_of(envelope)
    return {
        "list_key": sending.key,
        "envelope_key": envelope.key,
        "signer_key": envelopes.signers_of(envelope)[0].key,
        "file_key": envelopes.files_of(envelope)[0].key,
        "content": "file",
        "page": 1,
        "size": "small",
    }


def _an_act_together(case: Case) -> int:
    wanted = together.by_references(case.creditor_id, [case.reference])
    act = together.prepare(case.creditor_id, together.HOLD, wanted, actor=SYSTEM, now=NOW)
    together.begin(act, {}, now=NOW)
    db.session.commit()
    return act.id


def _a_view(creditor: Creditor, person: Person) -> int:
    actor = Actor("person", person.name, person.id, "creditor")
    view = saved_views.save(creditor.id, "Mine", "", is_shared=False, actor=actor, now=NOW)
    db.session.commit()
    return view.id


def _a_report(creditor_id: int) -> dict[str, object]:
    order = orders.put(creditor_id, "report", {}, language="sv", actor=SYSTEM, now=NOW)
    order.status, order.expires_at = "done", clock.now() + timedelta(days=7)
    order.files = [{"name": "a.pdf", "sha256": files.store(b"%PDF-1.7"), "size": 8}]
    db.session.commit()
    return {"name": "remittance", "extension": "csv", "order_id": order.id, "place": 0}


def _a_choice(creditor: Creditor) -> int:
    eva = people_room.by_identity_number(EVA)
    assert eva is not None
    listed = customer_list.read_pasted("K1")
    bulk_id = bulk.keep(
        creditor.id, eva.id, bulk.EXCLUDE, {}, listed, source="pasted", today=NOW.date(), now=NOW
    )
    db.session.commit()
    return bulk_id


def _membership_of(person: Person) -> Membership:
    return db.session.scalars(select(Membership).where(Membership.person_id == person.id)).one()


def _an_invitation(creditor: Creditor) -> str:
    eva = people_room.by_identity_number(EVA)
    assert eva is not None
    invited = invitations.invite(
        creditor.id, email="ny@norrsken.example", given_name="", role="viewer", ends_on=None,
        language="sv", address=str, actor=Actor("person", eva.name, eva.id), today=clock.today(),
        now=clock.now(),
    )  # fmt: skip
    db.session.commit()
    return invited.key


def _a_contact(creditor: Creditor) -> int:
    contact = ContactPerson(
        creditor_id=creditor.id, name="Karin", role="", email="k@norrsken.example", phone=""
    )
    db.session.add(contact)
    creditor.letter = {"logo": files.store(a_picture())}
    db.session.commit()
    return contact.id


def _a_proposal(creditor: Creditor) -> str:
    eva = people_room.by_identity_number(EVA)
    assert eva is not None
    key = acts.propose_account(
        creditor.id, {"kind": "bankgiro", "number": "5050-1055", "holder": "Norrsken"},
        is_used=True, actor=Actor("person", eva.name, eva.id), now=clock.now(),
    )  # fmt: skip
    approval = approvals.find(key)
    assert approval is not None
    approval.evidence = {"xml_sha256": files.store(b"<Signature/>")}
    db.session.add(
        PayoutAccount(
            key="first", creditor_id=creditor.id, kind="plusgiro", number="2865434", holder="N",
            added_at=NOW,
        )
    )  # fmt: skip
    db.session.commit()
    return key


@pytest.fixture
def as_(world: World) -> Callable[[str], FlaskClient]:
    """A browser that somebody is signed in on, or nobody."""

    def browser(who: str) -> FlaskClient:
        client = world.app.test_client()
        if who in world.people:
            sign_in(world.app, client, world.people[who])
        return client

    return browser


def is_sent_to(response: TestResponse, path: str) -> bool:
    return response.status_code == 303 and response.location.partition("?")[0] == path


def test_every_address_is_held_against_the_wrong_person(app: Flask) -> None:
    known = {*CREDITOR, *OPERATOR, *DEBTOR, *SIGNER, *PERSON, *ORDER, *LINK, *OPEN}
    there = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert {one for one in there if not one.startswith("components.")} == known


@pytest.mark.parametrize("endpoint", [*CREDITOR, *OPERATOR, *SIGNER, *PERSON])
def test_who_is_not_signed_in_is_asked_to(
    world: World, as_: Callable[[str], FlaskClient], endpoint: str
) -> None:
    needed = (CREDITOR | OPERATOR | SIGNER | PERSON)[endpoint]
    response = world.send(as_("nobody"), endpoint, world.address(endpoint, needed))
    assert is_sent_to(response, "/sign-in")


@pytest.mark.parametrize("endpoint", CREDITOR)
@pytest.mark.parametrize("who", ["stranger", "operator"])
def test_another_companys_pages_are_not_there(
    world: World, as_: Callable[[str], FlaskClient], endpoint: str, who: str
) -> None:
    response = world.send(as_(who), endpoint, world.address(endpoint, CREDITOR[endpoint]))
    assert response.status_code == 404


# What each company has of its own under the same address.
OF_EACH = {"name", "extension", "kind", "month"}


@pytest.mark.parametrize("endpoint", [one for one, need in CREDITOR.items() if {*need} - OF_EACH])
def test_another_companys_things_are_not_among_ones_own(
    world: World, as_: Callable[[str], FlaskClient], endpoint: str
) -> None:
    own = db.session.scalars(
        select(Document.creditor_id).where(Document.creditor_id != world.case.creditor_id)
    ).one()
    key = db.session.get_one(type(world.case.creditor), own).key
    address = world.address(endpoint, CREDITOR[endpoint], key=key)
    assert world.send(as_("stranger"), endpoint, address).status_code == 404


@pytest.mark.parametrize("endpoint", CREDITOR_CHANGE)
def test_a_viewer_changes_nothing(
    world: World, as_: Callable[[str], FlaskClient], endpoint: str
) -> None:
    response = world.send(as_("viewer"), endpoint, world.address(endpoint, CREDITOR[endpoint]))
    assert response.status_code == 403


@pytest.mark.parametrize("endpoint", ADMINISTRATOR)
def test_a_case_handler_does_nothing_that_is_an_administrators(
    world: World, as_: Callable[[str], FlaskClient], endpoint: str
) -> None:
    address = world.address(endpoint, ADMINISTRATOR[endpoint])
    assert world.send(as_("collector"), endpoint, address).status_code == 403


@pytest.mark.parametrize("endpoint", CREDITOR_READ)
def test_a_viewer_sees_everything(
    world: World, as_: Callable[[str], FlaskClient], endpoint: str
) -> None:
    response = world.send(as_("viewer"), endpoint, world.address(endpoint, CREDITOR[endpoint]))
    # An upload that is not taken in yet goes on at a step that is not a viewer's; figures are for
    # the page that asks.
    leads_on = ("creditor.show_upload", "creditor.ask_for_figures")
    assert response.status_code == (303 if endpoint in leads_on else 200)


@pytest.mark.parametrize("endpoint", CREDITOR_ASK)
def test_a_viewer_asks_for_what_changes_nothing(app: Flask, endpoint: str) -> None:
    # What is one's own may be gone afterwards, so that each has a world to itself.
    world, client = a_world(app), app.test_client()
    app.config["WTF_CSRF_ENABLED"] = False
    sign_in(app, client, world.people["viewer"])
    response = world.send(client, endpoint, world.address(endpoint, CREDITOR[endpoint]))
    # A view without a name is not kept.
    assert response.status_code == (422 if endpoint.endswith(("save_view", "change_view")) else 303)


@pytest.mark.parametrize("endpoint", OPERATOR)
@pytest.mark.parametrize("who", ["stranger", "viewer"])
def test_only_operators_come_to_the_operators_pages(
    world: World, as_: Callable[[str], FlaskClient], endpoint: str, who: str
) -> None:
    response = world.send(as_(who), endpoint, world.address(endpoint, OPERATOR[endpoint]))
    assert response.status_code == 403


@pytest.mark.parametrize("endpoint", DEBTOR)
@pytest.mark.parametrize("who", ["nobody", "viewer", "operator"])
def test_who_has_not_opened_a_case_begins_with_reference_and_code(
    world: World, as_: Callable[[str], FlaskClient], endpoint: str, who: str
) -> None:
    response = world.send(as_(who), endpoint, world.address(endpoint, DEBTOR[endpoint]))
    assert is_sent_to(response, "/")


@pytest.mark.parametrize("endpoint", [one for one, needed in DEBTOR.items() if needed])
def test_a_debtor_sees_nothing_of_another_case(world: World, app: Flask, endpoint: str) -> None:
    client = app.test_client()
    enter_case(app, client, world.neighbour)
    response = world.send(client, endpoint, world.address(endpoint, DEBTOR[endpoint]))
    assert response.status_code == 404


@pytest.mark.parametrize("endpoint", PERSON)
def test_who_acts_for_no_company_is_told_nothing(
    world: World, as_: Callable[[str], FlaskClient], endpoint: str
) -> None:
    address = world.address(endpoint, PERSON[endpoint])
    assert world.send(as_("operator"), endpoint, address).status_code == 403


@pytest.mark.parametrize("endpoint", [one for one, needed in PERSON.items() if "id" in needed])
@pytest.mark.parametrize("who", ["stranger", "viewer"])
def test_what_another_is_told_is_not_there(
    world: World, as_: Callable[[str], FlaskClient], endpoint: str, who: str
) -> None:
    eva = people_room.by_identity_number(EVA)
    assert eva is not None
    notify("dispute", creditor_id=world.case.creditor_id, data={}, key="k", now=NOW, to=[eva.id])
    db.session.commit()
    id = db.session.scalar(text("select id from notifications"))
    response = world.send(as_(who), endpoint, world.address(endpoint, (), id=id))
    assert response.status_code == 404


@pytest.mark.parametrize("endpoint", [one for one, needed in SIGNER.items() if needed])
@pytest.mark.parametrize("who", ["stranger", "operator"])
def test_another_companys_agreement_is_not_there(
    world: World, as_: Callable[[str], FlaskClient], endpoint: str, who: str
) -> None:
    response = world.send(as_(who), endpoint, world.address(endpoint, SIGNER[endpoint]))
    assert response.status_code == 404


@pytest.mark.parametrize("endpoint", CREDITOR)
def test_nobody_gets_further_before_the_agreement_is_signed(
    world: World, as_: Callable[[str], FlaskClient], endpoint: str
) -> None:
    values: dict[str, object] = {name: 1 for names in CREDITOR.values() for name in names}
    values |= {"reference": world.unsigned.reference, "act": "hold"}
    values |= {"name": "remittance", "extension": "csv", "key": world.unsigned.creditor.key}
    address = replace(world, values=values).address(endpoint, (*CREDITOR[endpoint], "key"))
    assert is_sent_to(world.send(as_("newcomer"), endpoint, address), "/agreements")


def test_a_role_that_has_ended_opens_nothing(app: Flask) -> None:
    world = a_world(app)
    membership = db.session.scalars(
        select(Membership).where(Membership.person_id == world.people["viewer"].id)
    ).one()
    membership.ends_on = clock.today() - timedelta(days=1)
    db.session.commit()
    client = app.test_client()
    sign_in(app, client, world.people["viewer"])
    assert client.get(world.address("creditor.list_cases", ())).status_code == 404


def test_every_post_without_the_pages_token_is_refused(world: World) -> None:
    world.app.config["WTF_CSRF_ENABLED"] = True
    needed = CREDITOR | OPERATOR | DEBTOR | SIGNER | PERSON | LINK
    needed |= dict.fromkeys(ORDER, ("key",))
    needed |= {one: ("token",) for one in OPEN if one.endswith(("_invitation", "_invited"))}
    links = ("notifications.stop_mails_now", "debtor.confirm_address", "debtor.confirm_number")
    needed |= dict.fromkeys(links, ("link",))
    needed |= {one: ("token",) for one in OPEN if one.startswith("debtor.") and "_link" in one}
    # The providers sign what they send, which tests/api holds.
    signed = {"api.online_callback", "api.sms_callback"}
    client = world.app.test_client()
    let_through = [
        rule.endpoint
        for rule in world.app.url_map.iter_rules()
        if "POST" in (rule.methods or ())
        and rule.endpoint not in signed
        and client.post(world.address(rule.endpoint, needed.get(rule.endpoint, ()))).status_code
        != 400
    ]
    # Swish sends no cookie, and what it sends is only a hint; 400 means that it was no callback.
    assert let_through == []


def test_signing_for_one_company_signs_for_no_other(app: Flask) -> None:
    one, other = a_creditor(), a_creditor("Fjällbäcks Tandvård AB")
    a_signed_agreement(one, a_person_at(one, "administrator"))
    assert agreements.is_signed(one.id)
    assert not agreements.is_signed(other.id)
