"""Each tenant sees its own rows and nobody else's, whoever forgets to ask."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from werkzeug.test import Client

from portal import ledger
from portal.collection import (
    attachments,
    correspondence,
    disputes,
    entry_codes,
    entry_links,
    history,
    intake,
    notes,
    plans,
    reaching,
    tellings,
)
from portal.collection.models import (
    ActTogether,
    BulkRules,
    Case,
    CaseTogether,
    ColumnMapping,
    Deed,
    KeptFigures,
    MessageTranslation,
    NoteVersion,
    RuleDraft,
    SavedView,
)
from portal.companies import charts
from portal.companies.models import (
    AddressSource,
    BookingChart,
    CompanyAddress,
    CompanyCard,
    ContactPerson,
    Invitation,
    PayoutAccount,
)
from portal.database import file_checks, tenancy
from portal.database.tenancy import Scope
from portal.extensions import db
from portal.identity import button_presses
from portal.identity.actor import DEBTOR, SYSTEM
from portal.identity.models import (
    BankIDOrder,
    CompanyHold,
    Creditor,
    Membership,
    Person,
    Preference,
    Signatory,
)
from portal.ledger import Account
from portal.notifications import choosing, gathering
from portal.notifications.kinds import KINDS
from portal.notifications.telling import notify
from portal.payments import booking
from portal.payments.models import (
    BankBalance,
    BankFile,
    BankPayment,
    BankShare,
    BankTransfer,
    BooksRead,
    Chargeback,
    ClosedPeriod,
    Commission,
    CommissionPrice,
    ExchangeRate,
    LeftOver,
    OwnShareOrder,
    Payment,
    Payout,
    PayoutBatch,
    PayoutLine,
    PayoutSchedule,
    PayoutSignature,
    ReconciledDay,
    ReconciledSum,
    Refund,
    ServiceStatement,
    ServiceStatementLine,
    StatementPayment,
    ToldTwice,
    UndoneTransfer,
)
from portal.reporting import orders
from portal.signing import envelopes, log_checks
from portal.signing.models import (
    AgreementReading,
    Approval,
    DeletedEnvelope,
    EnvelopeSignature,
    KeepingRule,
    SignatureUse,
    SigningTemplate,
)
from tests import factories
from tests.factories import (
    NOW,
    TODAY,
    a_person_at,
    a_reminded_case,
    a_signed_agreement,
    rules_of,
)
from tests.signing.envelopes import a_list_of, an_envelope

# Tables whose rows a debtor sees: those of the case, and what the case is about.
OF_A_CASE = {
    *("cases", "creditors", "debtors", "invoices", "events", "messages"),
    *("ledger_entries", "ledger_lines", "payments"),
    *("case_stops", "plans", "instalments", "disputes", "dispute_turns", "case_messages"),
    *("case_files", "case_tellings", "case_deeds", "rules", "company_holds"),
    *("debtor_contacts", "message_translations"),
    *("envelopes", "envelope_files", "envelope_signers", "envelope_signatures", "envelope_events"),
}
# What a debtor sees of them, and no company: it may be about another company's case as well.
OF_A_PAYMENT = {"swish_requests", "swish_parts", "refunds"}
# Those of them that are the company's: a debtor reads what holds for the case, and writes nothing.
ONLY_READ_BY_DEBTORS = {"rules", "company_holds"}
# Tables of a company's, which its people see.
OF_A_CREDITOR = OF_A_CASE | {
    *("memberships", "uploads", "column_mappings", "documents", "signatures"),
    *("invitations", "company_cards", "company_addresses", "address_sources"),
    *("contact_people", "payout_accounts", "approvals", "agreement_readings"),
    *("history_heads", "history_links", "keeping_rules", "deleted_envelopes"),
    *("case_notes", "case_note_versions", "acts_together", "cases_together"),
    "signing_templates",
    *("signature_uses", "sending_lists"),
    *("payouts", "payout_lines", "payout_schedules", "booking_charts"),
    *("commission_prices", "commissions", "service_statements", "service_statement_lines"),
}
ONLY_ADDED_TO = {
    *("ledger_entries", "ledger_lines", "events", "payments", "signatures"),
    *("history_heads", "history_links", "case_deeds", "dispute_turns", "case_note_versions"),
    # Of a message only that it is answered or read may be written later.
    *("case_messages", "message_translations"),
    *("envelope_signatures", "envelope_events", "signature_uses"),
    *("commission_prices", "commissions", "service_statements", "service_statement_lines"),
    # Of what is left of a document only that its files are removed.
    "deleted_envelopes",
    # Of a template only that it is put away.
    "signing_templates",
}


def a_creditor(name: str, organisation_number: str) -> Creditor:
    creditor = Creditor(
        key=name.lower(),
        organisation_number=organisation_number,
        name=name,
        address_line="Storgatan 1",
        postcode="11122",
        town="Stockholm",
        created_at=datetime.now(UTC),
    )
    db.session.add(creditor)
    db.session.commit()
    return creditor


def names_seen() -> list[str]:
    return list(db.session.scalars(select(Creditor.name).order_by(Creditor.name)))


def test_the_application_is_not_the_owner_of_its_tables(app: Flask) -> None:
    row = db.session.execute(
        text(
            "select current_user, rolsuper, rolbypassrls from pg_roles where rolname = current_user"
        )
    ).one()
    assert tuple(row) == ("reda_app", False, False)


def test_a_creditor_sees_only_itself(app: Flask) -> None:
    one, _ = a_creditor("One", "5560000001").id, a_creditor("Two", "5560000002")
    with tenancy.creditors([one]):
        assert names_seen() == ["One"]


def test_the_service_sees_everyone(app: Flask) -> None:
    a_creditor("One", "5560000001")
    a_creditor("Two", "5560000002")
    assert names_seen() == ["One", "Two"]


def test_nobody_in_particular_sees_nothing(app: Flask) -> None:
    a_creditor("One", "5560000001")
    with tenancy.creditors([]):
        assert names_seen() == []


def test_a_creditor_cannot_write_for_another(app: Flask) -> None:
    one, two = a_creditor("One", "5560000001").id, a_creditor("Two", "5560000002").id
    insert = text(
        "insert into rules (creditor_id, scope, scope_key, version, changed_at)"
        " values (:id, 'company', '', 1, now())"
    )
    with tenancy.creditors([one]):
        db.session.execute(insert, {"id": one})
    with pytest.raises(DBAPIError, match="row-level security"), tenancy.creditors([one]):
        db.session.execute(insert, {"id": two})


def test_a_scope_ends_with_its_block_also_inside_one_transaction(app: Flask) -> None:
    one = a_creditor("One", "5560000001").id
    a_creditor("Two", "5560000002")
    with tenancy.creditors([one]):
        assert names_seen() == ["One"]
    assert names_seen() == ["One", "Two"]


def test_every_table_of_a_tenant_has_a_wall(app: Flask) -> None:
    open_tables = set(
        db.session.scalars(
            text(
                "select relname from pg_class join pg_namespace n on n.oid = relnamespace"
                " where nspname = 'public' and relkind = 'r' and not relrowsecurity"
                " and relname not like 'procrastinate_%'"
            )
        )
    )
    assert open_tables == {
        "access_attempts",
        "agreement_versions",
        "alembic_version",
        "browser_sessions",
        "clock_days",
        "reference_rates",
    }


@dataclass
class Tenant:
    """A company with a row in every table."""

    creditor_id: int
    case_id: int
    person_id: int


def a_tenant(name: str, identity_number: str) -> Tenant:
    """A company with one of each thing."""
    creditor = factories.a_creditor(name)
    person = a_person_at(creditor, "administrator", identity_number)
    a_signed_agreement(creditor, person)
    rules_of(creditor)
    case = a_reminded_case(creditor)
    intake.receive(
        creditor.id, [("list.csv", b"Fakturanr;Kundnr\r\n1;2\r\n")], actor=SYSTEM, now=NOW
    )
    request = booking.prepare({case.id: None}, now=NOW)
    order = orders.put(creditor.id, "report", {}, language="sv", actor=SYSTEM, now=NOW)
    order.status, order.files = "done", [{"name": "a", "sha256": "b", "size": 1}]
    orders.fetch(order, 0, actor=SYSTEM, now=NOW)
    plans.agree(case, monthly_ore=50_000, first_on=TODAY, actor=DEBTOR, today=TODAY, now=NOW)
    disputes.object_to(
        case, reason="paid", words="w", amount_ore=None, channel="web", actor=DEBTOR, today=TODAY,
        now=NOW,
    )  # fmt: skip
    button_presses.keep(person.id, "p", url="/", told="t", now=NOW)
    message = correspondence.write(case, "w", seen=0, language="sv", actor=DEBTOR, now=NOW)
    assert message is not None
    db.session.add(
        MessageTranslation(
            creditor_id=creditor.id, case_id=case.id, message_id=message.id, language="en",
            words="w", made_by="m", made_at=NOW,
        )
    )  # fmt: skip
    reaching.write_in(case, "ar", actor=DEBTOR, now=NOW)
    entry_links.make(case, "email", NOW)
    entry_codes.ask(case.reference, "email", browser="b", language="sv", now=NOW)
    a_note = notes.write(case, "w", mentions=(), readers=(), actor=SYSTEM, now=NOW)
    tellings.tell(
        case, tellings.WRONG_PERSON, facts={"why": "name"}, words="w", files=[], language="sv",
        actor=DEBTOR, now=NOW,
    )  # fmt: skip
    attachments.add(case, [("a.txt", name.encode())], actor=SYSTEM, now=NOW)
    attachments.add(case, [("b.txt", name.encode())], actor=DEBTOR, now=NOW)
    envelope = an_envelope(creditor, case_id=case.id)
    a_list_of(envelope)
    signer = envelopes.signers_of(envelope)[0]
    together = ActTogether(
        creditor_id=creditor.id, person_name=name, act="hold", total=1, created_at=NOW
    )
    bank_file = BankFile(
        sha256=name, size=1, name=name, kind="bgmax", bank_id=name, accounts=["50501055"],
        way="page", by=name, at=NOW, status="taken", totals=[], repeated=0,
    )  # fmt: skip
    batch = PayoutBatch(key=name, made_by=name, made_at=NOW, text="", rows=[], status="waiting")
    payout = Payout(
        key=name, creditor_id=creditor.id, currency="SEK", collected_ore=1, set_off_ore=0,
        amount_ore=1, is_chosen=False, status="proposed", note="", reason="", proposed_at=NOW,
    )  # fmt: skip
    price = CommissionPrice(
        creditor_id=creditor.id, from_on=TODAY, basis_points=1, note="", made_by=name, made_at=NOW
    )
    db.session.add_all([together, bank_file, batch, payout, price])
    db.session.flush()
    bank_payment = BankPayment(
        file_id=bank_file.id, account="50501055", kind="payment", amount_ore=100, currency="SEK",
        value_on=TODAY, reference_numbers=[], reference_ores=[], text="", payer_name=name,
        payer_address="", serial="", deposit="", position=1, state="new",
    )  # fmt: skip
    paid = Payment(
        creditor_id=creditor.id, case_id=case.id, channel="swish", channel_reference=name,
        amount_ore=100, currency="SEK", value_on=NOW.date(), received_at=NOW, fees_ore=100,
        interest_ore=0, principal_ore=0, overpaid_ore=0, receipt_number=name,
    )  # fmt: skip
    db.session.add_all([bank_payment, paid])
    db.session.flush()
    db.session.add_all(
        [
            CaseTogether(
                act_id=together.id, case_id=case.id, creditor_id=creditor.id, status="imported",
                is_stopped=False,
            ),
            SavedView(
                creditor_id=creditor.id, person_id=person.id, person_name=name, name="v", query="",
                created_at=NOW,
            ),
            BulkRules(
                creditor_id=creditor.id, person_id=person.id, act="exclude", source="pasted",
                values={}, rows=[], problems=[], created_at=NOW,
            ),
            NoteVersion(
                note_id=a_note.id, creditor_id=creditor.id, case_id=case.id, words="w", kept_at=NOW,
            ),
            ColumnMapping(creditor_id=creditor.id, headings_hash="h", mapping={}),
            AgreementReading(
                creditor_id=creditor.id, version=1, person_id=person.id, person_name=name,
                read_at=NOW,
            ),
            Approval(
                key=name, creditor_id=creditor.id, kind="account.add", values={}, basis_sha256="",
                text="", text_sha256="", proposed_by=person.id, proposer_name="", proposed_at=NOW,
                expires_at=NOW,
            ),
            CompanyCard(creditor_id=creditor.id, card="letter", changed_at=NOW),
            CompanyAddress(
                creditor_id=creditor.id, kind="sender", value={}, origin="written", kept_at=NOW
            ),
            AddressSource(
                creditor_id=creditor.id, source="peppol", detail="", value={}, fetched_at=NOW
            ),
            ContactPerson(creditor_id=creditor.id, name=name, role="", email="", phone=""),
            PayoutAccount(
                key=name, creditor_id=creditor.id, kind="bankgiro", number="50501055", holder=name,
                added_at=NOW,
            ),
            Invitation(
                key=name, creditor_id=creditor.id, token_hash=name.encode(), email="",
                role="viewer",
                invited_by=person.id, inviter_name="", created_at=NOW, sent_at=NOW, expires_at=NOW,
            ),
            Deed(
                creditor_id=creditor.id, case_id=case.id, key="k", act="hold", done_at=NOW,
            ),
            ToldTwice(
                file_id=bank_file.id, deposit=name, other_file_id=bank_file.id, other_deposit=name,
                account="50501055", value_on=TODAY, currency="SEK", amount_ore=1, payments=1,
                status="open",
            ),
            BankShare(
                payment_id=bank_payment.id, case_id=case.id, creditor_id=creditor.id,
                amount_ore=100, key=name, how="ocr", by=name, at=NOW,
            ),
            Refund(
                key=name, booked_id=paid.id, creditor_id=creditor.id, case_id=case.id, way="swish",
                amount_ore=100, currency="SEK", why="overpaid", payer_name="", status="waiting",
                by=name, at=NOW,
            ),
            BookingChart(creditor_id=creditor.id, **dict.fromkeys(charts.PARTS, "1930")),
            PayoutSchedule(creditor_id=creditor.id, every="day", weekday=1, lowest_ore=0),
            PayoutLine(
                line_id=payout.id, payout_id=payout.id, creditor_id=creditor.id, kind="claim",
                account="owed_to_creditor", booked_on=TODAY, amount_ore=1,
            ),
            BankBalance(
                file_id=bank_file.id, account=name, currency="SEK", opened_on=TODAY,
                opening_ore=0, closed_on=TODAY, closing_ore=0,
            ),
            BankTransfer(
                payment_id=bank_payment.id, way="swish", state="new", by=name, at=NOW,
            ),
            Chargeback(
                request_id=request.id, amount_ore=100, taken_on=TODAY, status="taken", parts=[],
                reason="", by=name, at=NOW,
            ),
            UndoneTransfer(
                payment_id=bank_payment.id, way="swish", by=name, at=NOW, undone_by=name,
                undone_at=NOW,
            ),
            ExchangeRate(currency=name, on_day=TODAY, wanted_at=NOW),
            OwnShareOrder(
                key=name, batch_id=batch.id, on=TODAY, currency="SEK", amount_ore=1, shares=[],
                account="", status="proposed", reason="",
            ),
            ReconciledDay(
                day=TODAY, currency=name, made_at=NOW, bank_ore=0, books_ore=0, explained_ore=0,
                unexplained=0,
            ),
            ReconciledSum(
                side="bank", currency=name, day=TODAY, what="bankgiro", name="", ore=1, came_ore=1,
                number=1,
            ),
            LeftOver(kind="case", id=case.id),
            BooksRead(id=case.id, at=NOW),
            ClosedPeriod(
                key=name, first_on=TODAY, last_on=TODAY, status="withdrawn", made_by=name,
                made_by_id=person.id, made_at=NOW, text="", reasons=[], figures={},
                figures_sha256="", report_sha256="",
            ),
            Commission(
                creditor_id=creditor.id, case_id=case.id, key=name, payment_key=name,
                is_direct=False, value_on=TODAY, currency="SEK", base_ore=1, price_id=price.id,
                basis_points=1, ore=1, vat_per_cent=25, vat_ore=0, booked_at=NOW,
            ),
            ServiceStatement(
                key=name, number=payout.id, creditor_id=creditor.id, currency="SEK",
                first_on=TODAY, last_on=TODAY, made_at=NOW, net_ore=0, vat_ore=0, total_ore=0,
                fees_ore=0, signatures_through=0, content={},
            ),
            StatementPayment(
                key=name, statement_key=name, creditor_id=creditor.id, payment_id=bank_payment.id,
                amount_ore=1, covers_ore=1, currency="SEK", value_on=TODAY, by="", at=NOW,
            ),
            ServiceStatementLine(
                line_id=payout.id, statement_key=name, creditor_id=creditor.id, section="fees",
                kind="fee", on_day=TODAY, is_direct=False, net_ore=0, vat_per_cent=25, vat_ore=0,
                amount_ore=0,
            ),
            PayoutSignature(
                batch_id=batch.id, person_id=person.id, person_name=name, signed_at=NOW,
                evidence={},
            ),
            KeptFigures(
                creditor_id=creditor.id, position=1, on_day=TODAY, made_at=NOW, took_ms=1, data={},
            ),
            Preference(person_id=person.id, creditor_id=creditor.id, name="cards", value=[]),
            RuleDraft(
                creditor_id=creditor.id, person_id=person.id, scope="company", scope_key="",
                values={}, version=1, base=0, changed_at=NOW,
            ),
            Signatory(
                organisation_number=name, organisation_number_hash=name.encode(),
                identity_number_hash=name.encode(), from_on=TODAY, source="s", told_at=NOW,
            ),
            EnvelopeSignature(
                creditor_id=creditor.id, envelope_id=envelope.id, signer_id=signer.id,
                order_ref=name, name=name, identity_number=identity_number, xml_sha256="",
                ocsp_sha256="", started_ip="", device="", signed_at=NOW, verified_at=NOW,
            ),
            SignatureUse(
                creditor_id=creditor.id, number=1, signer_key=name, envelope_key=name,
                kind="document", counted_on=TODAY, price_ore=0,
            ),
            KeepingRule(creditor_id=creditor.id, kind="loan", changed_at=NOW, changed_by=name),
            DeletedEnvelope(
                key=name, creditor_id=creditor.id, kind="document", version=1, status="completed",
                created_at=NOW, files=[], signatures=[], events=0, head_sha256="", deleted_at=NOW,
                deleted_by="",
            ),
            CompanyHold(creditor_id=creditor.id, reason="", began_at=NOW, began_by="person"),
            SigningTemplate(
                creditor_id=creditor.id, key=name, version=1, name=name, kind="document",
                language="sv", message="", days=30, remind_days=0, roles=[], fields=[], body="x",
                saved_by=name, saved_at=NOW,
            ),
            BankIDOrder(
                key=name, purpose="sign in", order_ref=name, auto_start_token="", subject={},
                qr_start_token="", qr_start_secret="", session_hash=b"", return_nonce_hash=b"",
                end_user_ip="127.0.0.1", started_at=NOW,
            ),
        ]
    )  # fmt: skip
    ledger.post(
        creditor_id=creditor.id, case_id=case.id, kind="payment.swish", booked_on=TODAY, key=name,
        currency="SEK", now=NOW,
        lines={Account.CLIENT_FUNDS: 1, Account.OWED_TO_CREDITOR: -1},
    )  # fmt: skip
    ledger.keep_sums(ledger.newest_entry())
    db.session.commit()
    history.check(NOW)
    log_checks.check(NOW)
    file_checks.run(lambda: NOW, is_asked=True)
    gathering.gather(NOW, between=db.session.commit)
    notify("mention", creditor_id=creditor.id, data={}, key="k", now=NOW)
    choosing.save(
        person.id,
        creditor.id,
        "administrator",
        choosing.choices_of(person.id, creditor.id, "administrator"),
        now=NOW,
    )
    db.session.commit()
    return Tenant(creditor.id, case.id, person.id)


# Made once for all tests of this file: what they change of it they commit nothing of.
KEPT = "tenants"


@pytest.fixture
def tenants(app: Flask) -> tuple[Tenant, Tenant]:
    """Two companies; the first has another customer, and rules for some that are none of either."""
    rows = db.session.execute(
        select(Case.creditor_id, func.min(Case.id), func.min(Membership.person_id))
        .join(Membership, Membership.creditor_id == Case.creditor_id)
        .group_by(Case.creditor_id)
        .order_by(Case.creditor_id)
    )
    kept = [Tenant(*row) for row in rows]
    if kept:
        return kept[0], kept[1]
    one, two = a_tenant("One", factories.EVA), a_tenant("Two", factories.JOHAN)
    creditor = db.session.get_one(Creditor, one.creditor_id)
    a_reminded_case(creditor)
    customer = db.session.get_one(Case, one.case_id).debtor.customer_number
    for scope, key in (("customer", customer), ("customer", "another"), ("class", "another")):
        rules_of(creditor, scope=scope, scope_key=key)
    db.session.commit()
    return one, two


def walls() -> set[str]:
    """The tables that have a wall."""
    return set(db.session.scalars(text("select tablename from pg_policies")))


def rows_seen() -> dict[str, int]:
    """How many rows of each table behind a wall are seen now; tables without any are left out."""
    count = "select count(*) from {}"
    counts = {one: db.session.scalar(text(count.format(one))) or 0 for one in walls()}
    return {table: seen for table, seen in counts.items() if seen}


def owners_seen(column: str) -> set[int]:
    """Whose rows are seen in any table behind a wall, by the column that says so."""
    having = db.session.scalars(
        text(
            "select table_name from information_schema.columns"
            " where table_schema = 'public' and column_name = :column"
        ),
        {"column": column},
    )
    found: set[int] = set()
    for table in walls() & set(having):
        found |= set(db.session.scalars(text(f"select {column} from {table}")))
    return found


def test_each_wall_stands_before_reading_and_writing(app: Flask) -> None:
    policies = db.session.execute(
        text("select distinct policyname, cmd, permissive, roles::text from pg_policies order by 1")
    ).all()
    assert [tuple(one) for one in policies] == [
        ("wall", "ALL", "PERMISSIVE", "{reda_app}"),
        ("wall_of_cases", "SELECT", "PERMISSIVE", "{reda_app}"),
    ]


def test_the_tenants_of_these_tests_have_a_row_in_every_table(
    tenants: tuple[Tenant, Tenant],
) -> None:
    """A table without rows would prove nothing: whoever adds one adds a row of it here."""
    assert set(rows_seen()) == walls()


def test_a_creditor_sees_its_own_rows_in_every_table_and_no_other_row(
    tenants: tuple[Tenant, Tenant],
) -> None:
    one, _ = tenants
    with tenancy.creditors([one.creditor_id]):
        assert set(rows_seen()) >= OF_A_CREDITOR
        assert not set(rows_seen()) & OF_A_PAYMENT
        assert owners_seen("creditor_id") == {one.creditor_id}
        assert set(db.session.scalars(text("select id from creditors"))) == {one.creditor_id}


def test_a_debtor_sees_the_rows_of_the_case_and_no_other_row(
    tenants: tuple[Tenant, Tenant],
) -> None:
    one, _ = tenants
    # Another customer of the same company is as much a stranger as another company's.
    assert len(db.session.scalars(select(Case)).all()) == 3
    with tenancy.cases([one.case_id]):
        seen = rows_seen()
        assert set(seen) == OF_A_CASE | OF_A_PAYMENT
        assert owners_seen("case_id") == {one.case_id}
        assert {seen[table] for table in ("cases", "creditors", "debtors", "invoices")} == {1}


def test_of_files_a_debtor_sees_only_what_a_debtor_has_sent(
    tenants: tuple[Tenant, Tenant],
) -> None:
    one, _ = tenants
    with tenancy.cases([one.case_id]):
        assert list(db.session.scalars(text("select filename from case_files"))) == ["b.txt"]


def test_a_debtor_sees_the_rules_that_hold_for_the_customer_and_no_other(
    tenants: tuple[Tenant, Tenant],
) -> None:
    one, _ = tenants
    debtor = db.session.get_one(Case, one.case_id).debtor
    with tenancy.cases([one.case_id]):
        seen = db.session.execute(text("select scope, scope_key from rules order by 1")).all()
    assert [tuple(row) for row in seen] == [("company", ""), ("customer", debtor.customer_number)]


@pytest.mark.parametrize("table", sorted(ONLY_READ_BY_DEBTORS))
def test_a_debtor_changes_nothing_of_the_companys(
    tenants: tuple[Tenant, Tenant], table: str
) -> None:
    one, _ = tenants
    with tenancy.cases([one.case_id]):
        assert db.session.execute(text(f"delete from {table}")).rowcount == 0  # type: ignore[attr-defined]


def test_what_somebody_edits_of_the_rules_only_they_see(tenants: tuple[Tenant, Tenant]) -> None:
    one, two = tenants
    for person_id, seen in ((one.person_id, 1), (two.person_id, 0), (None, 0)):
        with tenancy.creditors([one.creditor_id], person_id):
            assert rows_seen().get("rule_drafts", 0) == seen


def test_a_person_sees_themselves_and_their_own_roles(tenants: tuple[Tenant, Tenant]) -> None:
    one, _ = tenants
    with tenancy.creditors([], one.person_id):
        seen = rows_seen()
        assert seen.pop("notification_choices") == len(KINDS)
        assert seen.pop("notifications") > 1
        assert seen == {"people": 1, "memberships": 1, "notification_times": 1}
        assert owners_seen("person_id") == {one.person_id}
        assert db.session.scalar(text("select id from people")) == one.person_id


def test_a_person_whose_role_has_ended_is_told_nothing_more(
    tenants: tuple[Tenant, Tenant],
) -> None:
    one, _ = tenants
    db.session.execute(
        text("update memberships set ends_on = '2020-01-01' where person_id = :id"),
        {"id": one.person_id},
    )
    with tenancy.creditors([one.creditor_id], one.person_id):
        assert not {"notifications", "notification_choices"} & set(rows_seen())


def test_outside_every_scope_no_row_is_seen(tenants: tuple[Tenant, Tenant]) -> None:
    tenancy.enter(Scope())
    assert rows_seen() == {}


def test_a_creditor_changes_no_other_row_in_any_table(tenants: tuple[Tenant, Tenant]) -> None:
    one, two = tenants
    changed = {}
    with tenancy.creditors([one.creditor_id]):
        for table in walls() & OF_A_CREDITOR - ONLY_ADDED_TO:
            own, same = ("id", "name") if table == "creditors" else ("creditor_id", "creditor_id")
            update = text(f"update {table} set {same} = {same} where {own} = :other")
            changed[table] = db.session.execute(update, {"other": two.creditor_id}).rowcount
    assert set(changed.values()) == {0}


@pytest.mark.parametrize("table", sorted(ONLY_ADDED_TO))
@pytest.mark.parametrize("change", ["update {} set creditor_id = 1", "delete from {}"])
def test_what_is_only_added_to_is_changed_by_nobody(app: Flask, table: str, change: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        db.session.execute(text(change.format(table)))
    db.session.rollback()


def test_the_application_cannot_take_a_wall_down(app: Flask) -> None:
    with pytest.raises(DBAPIError, match="must be owner"):
        db.session.execute(text("alter table cases disable row level security"))
    db.session.rollback()


def test_an_error_inside_a_scope_brings_the_outer_one_back(app: Flask) -> None:
    with pytest.raises(ZeroDivisionError), tenancy.creditors([1]):
        raise ZeroDivisionError
    assert tenancy.current().kind == "service"


def test_after_an_error_inside_a_scope_the_database_knows_the_outer_one(app: Flask) -> None:
    a_creditor("One", "5560000001")
    with pytest.raises(DBAPIError), tenancy.creditors([]):
        db.session.execute(text("select 1/0"))
    assert names_seen() == ["One"]


def test_what_cannot_be_written_at_a_scopes_end_brings_the_outer_one_back(app: Flask) -> None:
    a_creditor("One", "5560000001")
    tenancy.enter(Scope())
    with pytest.raises(IntegrityError), tenancy.service():
        db.session.add(Person(identity_number="", given_name="", surname="", created_at=NOW))
    assert tenancy.current() == Scope()
    assert names_seen() == []


def test_what_cannot_be_written_when_a_scope_begins_leaves_the_outer_one(app: Flask) -> None:
    db.session.begin()
    db.session.add(Person(identity_number="", given_name="", surname="", created_at=NOW))
    with pytest.raises(IntegrityError), tenancy.creditors([1]):
        pass
    assert tenancy.current().kind == "service"


def test_a_transaction_that_begins_inside_a_scope_is_within_it(app: Flask) -> None:
    one = a_creditor("One", "5560000001").id
    a_creditor("Two", "5560000002")
    with tenancy.creditors([one]):
        db.session.commit()
        assert names_seen() == ["One"]


def test_one_threads_scope_is_not_anothers(app: Flask) -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(tenancy.current).result() == Scope()


@pytest.fixture
def one_thread(app: Flask) -> Iterator[ThreadPoolExecutor]:
    """A server with a single thread, as far as scopes go."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


@pytest.mark.parametrize("path", ["/dev/sees", "/dev/breaks"])
@pytest.mark.own_application
def test_a_request_leaves_no_scope_behind_on_its_thread(
    app: Flask, one_thread: ThreadPoolExecutor, path: str
) -> None:
    @app.get("/dev/sees")
    def sees() -> str:
        tenancy.enter(Scope("service"))
        return ""

    @app.get("/dev/breaks")
    def breaks() -> str:
        tenancy.enter(Scope("service"))
        raise ZeroDivisionError

    one_thread.submit(Client(app).get, path).result()
    assert one_thread.submit(tenancy.current).result() == Scope()


@pytest.mark.own_application
def test_a_request_begins_behind_every_wall(app: Flask) -> None:
    @app.get("/dev/scope")
    def scope() -> str:
        return tenancy.current().kind

    # The test itself sees everything.
    assert app.test_client().get("/dev/scope").text == "none"


def test_a_connection_goes_back_to_the_pool_without_its_scope(app: Flask) -> None:
    db.session.scalars(select(Case.id)).all()
    db.session.rollback()
    with db.engine.connect() as connection:
        scopes = connection.scalar(text("select current_setting('reda.scope', true)"))
    assert not scopes
