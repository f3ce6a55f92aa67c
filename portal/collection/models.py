"""Debtors, invoices, rules, cases and their history."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    FetchedValue,
    ForeignKey,
    Index,
    Numeric,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from portal.collection import states
from portal.database.base import Base, PrimaryKey
from portal.database.encryption import EncryptedText
from portal.database.files import FILES_AT, NAMES_FILES, NO_FILE
from portal.identity.models import Creditor
from portal.payments.references import code_of


class Debtor(Base):
    """A creditor's customer (gäldenär when an invoice is not paid).

    size_class: of a business, how many employees it has, as `sources.values.SIZES`; None: not told.
    search_text, name_in_order: what the database looks names up in and sorts them by (0015).
    name_words: what it knows a whole name by, in whatever order and letters (0073).
    """

    __tablename__ = "debtors"
    __table_args__ = (
        UniqueConstraint("creditor_id", "customer_number"),
        CheckConstraint("kind in ('person', 'company')", name="kind"),
        CheckConstraint("size_class in ('0-9', '10-49', '50-249', '250+')", name="size_class"),
        Index("ix_debtors_creditor_name", "creditor_id", "name_in_order", "id"),
        Index("ix_debtors_creditor_class", "creditor_id", "customer_class"),
        Index("ix_debtors_name_words", "name_words"),
        Index(
            "ix_debtors_without_address",
            "creditor_id",
            "id",
            postgresql_where="address_line = '' or postcode = '' or town = ''",
        ),
    )

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    customer_number: Mapped[str]
    customer_class: Mapped[str | None]
    kind: Mapped[str]
    name: Mapped[str]
    identity_number: Mapped[str | None] = mapped_column(EncryptedText)
    identity_number_hash: Mapped[bytes | None] = mapped_column(index=True)
    address_line: Mapped[str]
    postcode: Mapped[str]
    town: Mapped[str]
    country: Mapped[str]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    language: Mapped[str | None]
    size_class: Mapped[str | None]
    search_text: Mapped[str] = mapped_column(Text, FetchedValue(), deferred=True)
    name_in_order: Mapped[str] = mapped_column(Text(collation="C"), FetchedValue(), deferred=True)
    name_words: Mapped[str | None] = mapped_column(Text, FetchedValue(), deferred=True)

    told: Mapped["OwnContact | None"] = relationship(viewonly=True)

    @property
    def reads(self) -> str:
        """The language of letters and mails: the debtor's choice, the creditor's word, Swedish."""
        return (self.told and self.told.language) or self.language or "sv"

    @property
    def mails_to(self) -> str | None:
        """Where e-mails go: the debtor's own word, or what the creditor told."""
        return (self.told and self.told.email) or self.email or None

    @property
    def is_mail_sure(self) -> bool:
        """Whether nothing says that e-mails may come to a stranger, by a slip of the pen."""
        return not (self.told and self.told.email) or self.told.email_confirmed_at is not None

    @property
    def sure_mail_to(self) -> str | None:
        """Where what opens a case may go: no address that may be a slip of the pen."""
        return self.mails_to if self.is_mail_sure else self.email or None

    @property
    def texts_to(self) -> str | None:
        """Where text messages go: the debtor's own word, or what the creditor told."""
        return (self.told and self.told.phone) or self.phone or None

    @property
    def is_number_sure(self) -> bool:
        """Whether nothing says that text messages may come to a stranger."""
        return not (self.told and self.told.phone) or self.told.phone_confirmed_at is not None

    @property
    def home(self) -> "Debtor | OwnContact":
        """Whose address letters go to: the debtor's own word, or what the creditor told."""
        return self.told if self.told and self.told.address_line else self


class OwnContact(Base):
    """How a debtor wants to be reached by one creditor, in their own words; empty: not told.

    channel: letter, mailbox, email or sms. email_confirmed_at, phone_confirmed_at: when
    somebody followed the link in a message to the address or number. phone_asked_at: when the
    one to the number was written. version: counts the changes.
    """

    __tablename__ = "debtor_contacts"
    __table_args__ = (
        CheckConstraint("channel in ('letter', 'mailbox', 'email', 'sms')", name="channel"),
        CheckConstraint(
            "num_nulls(address_line, postcode, town, country) in (0, 4)", name="address"
        ),
    )

    debtor_id: Mapped[int] = mapped_column(
        ForeignKey("debtors.id"), primary_key=True, autoincrement=False
    )
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    email: Mapped[str | None]
    email_confirmed_at: Mapped[datetime | None]
    phone: Mapped[str | None]
    phone_asked_at: Mapped[datetime | None]
    phone_confirmed_at: Mapped[datetime | None]
    address_line: Mapped[str | None]
    postcode: Mapped[str | None]
    town: Mapped[str | None]
    country: Mapped[str | None]
    channel: Mapped[str | None]
    language: Mapped[str | None]
    version: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime]


class Upload(Base):
    """A file of invoices that somebody gave us, kept as it came.

    status: `mapping` (columns not yet confirmed), `preview`, `imported`.
    result: counts and the bad rows, as last read.
    """

    __tablename__ = "uploads"
    __table_args__ = (UniqueConstraint("creditor_id", "sha256"),)

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    filename: Mapped[str]
    kind: Mapped[str]
    # Of several files together it is the hash of theirs.
    sha256: Mapped[str] = mapped_column(info={NO_FILE: True})
    status: Mapped[str]
    mapping: Mapped[dict[str, str]] = mapped_column(JSONB, default=dict)
    result: Mapped[dict[str, Any]] = mapped_column(
        JSONB, default=dict, info={NAMES_FILES: "true", FILES_AT: "$.files[*][1]"}
    )
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime]
    imported_at: Mapped[datetime | None]


class ColumnMapping(Base):
    """How a creditor's spreadsheet with these headings was read last time."""

    __tablename__ = "column_mappings"
    __table_args__ = (UniqueConstraint("creditor_id", "headings_hash"),)

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    headings_hash: Mapped[str]
    mapping: Mapped[dict[str, str]] = mapped_column(JSONB)


class Invoice(Base):
    """An overdue invoice as the creditor's ledger told it.

    type: one of policy.INVOICE_TYPES, or what the creditor's ledger calls it.
    decision: `waiting`, `imported` or `left out`; reason: why, as a code of `policy`.
    """

    __tablename__ = "invoices"
    __table_args__ = (
        UniqueConstraint("creditor_id", "number"),
        CheckConstraint("amount_ore > 0 and balance_ore > 0", name="amount"),
        Index(
            "ix_invoices_waiting", "creditor_id", "due_on", postgresql_where="decision = 'waiting'"
        ),
        Index("ix_invoices_no_case", "debtor_id", postgresql_where="decision <> 'imported'"),
        Index("ix_invoices_left_out", "creditor_id", postgresql_where="decision = 'left out'"),
        Index(
            "ix_invoices_payment_reference",
            "creditor_id",
            "payment_reference",
            postgresql_where="payment_reference is not null",
        ),
        Index("ix_invoices_number", "number", postgresql_where="decision = 'imported'"),
    )

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    debtor_id: Mapped[int] = mapped_column(ForeignKey("debtors.id"))
    upload_id: Mapped[int | None] = mapped_column(ForeignKey("uploads.id"))
    number: Mapped[str]
    issued_on: Mapped[date | None]
    due_on: Mapped[date]
    amount_ore: Mapped[int]
    balance_ore: Mapped[int]
    currency: Mapped[str]
    description: Mapped[str]
    payment_reference: Mapped[str | None]
    reminder_fee_charged: Mapped[bool]
    type: Mapped[str] = mapped_column(default="invoice")
    document_sha256: Mapped[str | None]
    document_filename: Mapped[str | None]
    decision: Mapped[str] = mapped_column(default="waiting")
    reason: Mapped[str | None]
    decided_on: Mapped[date | None]
    created_at: Mapped[datetime]

    debtor: Mapped[Debtor] = relationship()


class Rules(Base):
    """What a creditor has decided for a scope: the company, a customer class or one customer.

    An empty field inherits from the wider scope. interest_kind: `statutory` (räntelagen § 6),
    `agreed` (§ 7, at agreed_rate per cent a year) or `none`. demand_after_days: from the reminder's
    last day to the demand; demand_days: what a demand gives; decision_after_days: from the demand's
    last day to what after_demand says (`ask`, `legal`, `surveillance`, `write off`, `return`).
    small_rest_ore: a rest up to this is written off when a payment leaves it. wants_compensation:
    late-payment compensation is asked of businesses (lag 1981:739 § 4 a). direct_payment: what is
    still owed when the creditor got the money itself (`costs owed` or `costs waived`).
    lowest_ore, highest_ore: of what is unpaid, in öre; a highest of 0 is no limit. *_text: the
    creditor's own words in a letter. *_fee_by: who bears a fee. plan_* and postpone_*: what a
    debtor may do alone; plan_first_days: from agreeing to the first payment, at most;
    plan_sign_over_ore: a plan above it is signed by the debtor, with 0 none is.

    ends_on, reason: of the row itself; on the day after ends_on the row is gone.
    """

    __tablename__ = "rules"
    __table_args__ = (
        UniqueConstraint("creditor_id", "scope", "scope_key"),
        CheckConstraint("scope in ('company', 'class', 'customer')", name="scope"),
        Index("ix_rules_ends_on", "ends_on", postgresql_where="ends_on is not null"),
    )

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    scope: Mapped[str]
    scope_key: Mapped[str] = mapped_column(default="")
    is_active: Mapped[bool | None]
    days_after_due: Mapped[int | None]
    import_after_on: Mapped[date | None]
    reminder_fee_agreed: Mapped[bool | None]
    reminder_days: Mapped[int | None]
    interest_kind: Mapped[str | None]
    agreed_rate: Mapped[Decimal | None] = mapped_column(Numeric(6, 3))
    demand_after_days: Mapped[int | None]
    demand_days: Mapped[int | None]
    decision_after_days: Mapped[int | None]
    after_demand: Mapped[str | None]
    small_rest_ore: Mapped[int | None]
    wants_compensation: Mapped[bool | None]
    direct_payment: Mapped[str | None]
    is_excluded: Mapped[bool | None]
    collects_from: Mapped[str | None]
    lowest_ore: Mapped[int | None]
    highest_ore: Mapped[int | None]
    left_out_types: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    already_reminded: Mapped[str | None]
    reminder_text: Mapped[str | None]
    demand_text: Mapped[str | None]
    reminder_fee_by: Mapped[str | None]
    demand_fee_by: Mapped[str | None]
    plan_fee_by: Mapped[str | None]
    may_plan: Mapped[bool | None]
    plan_most_months: Mapped[int | None]
    plan_least_ore: Mapped[int | None]
    plan_first_days: Mapped[int | None]
    plan_sign_over_ore: Mapped[int | None]
    may_postpone: Mapped[bool | None]
    postpone_days: Mapped[int | None]
    postpone_times: Mapped[int | None]
    ends_on: Mapped[date | None]
    reason: Mapped[str] = mapped_column(default="")
    version: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[datetime]


class RuleDraft(Base):
    """A row of the rules as somebody edits it and has not saved it: their own, one for each row.

    values: as `rulebook.save` takes them, in JSON. version, base: of the row that they were read
    from, and the newest change of the rules then.
    """

    __tablename__ = "rule_drafts"
    __table_args__ = (UniqueConstraint("creditor_id", "person_id", "scope", "scope_key"),)

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    scope: Mapped[str]
    scope_key: Mapped[str] = mapped_column(default="")
    values: Mapped[dict[str, Any]] = mapped_column(JSONB)
    version: Mapped[int]
    base: Mapped[int]
    changed_at: Mapped[datetime]


class BulkRules(Base):
    """Rules for many customers at once, as somebody has chosen them: looked at first, then kept.

    act: one of bulk.ACTS. source: what the customers came from, `marked`, `pasted` or a file's
    name. values: for all of them; rows: [line, customer number, values of its own or null];
    problems: of what was left out. event_id: of the change, None when it changed nothing.
    """

    __tablename__ = "bulk_rules"

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    act: Mapped[str]
    source: Mapped[str]
    values: Mapped[dict[str, Any]] = mapped_column(JSONB)
    rows: Mapped[list[list[Any]]] = mapped_column(JSONB)
    problems: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    event_id: Mapped[int | None]


class Case(Base):
    """A claim being collected (ärende).

    reference: what the debtor types. ocr: what a payment carries. given_code: the letter's code,
    where it is not the one that belongs to the OCR number.
    next_step: what the daily advance does on next_step_on, unless a stop holds the case
    (is_stopped, told by `Stop`). pay_by_on: the last day that the newest letter gives.
    limited_on: the first day on which the claim is limited (preskriberad). charges: what it has
    been charged, and what compensation took the place of, oldest first: `law.fees.Charge` and its
    day.
    """

    __tablename__ = "cases"
    __table_args__ = (
        CheckConstraint(f"status in {states.STATUSES}", name="status"),
        Index(
            "ix_cases_due",
            "next_step_on",
            "id",
            postgresql_where="next_step is not null and not is_stopped",
        ),
        Index("ix_cases_limited", "limited_on", postgresql_where="closed_on is null"),
        Index("ix_cases_creditor_opened", "creditor_id", "opened_at", "id"),
        Index("ix_cases_open", "creditor_id", "debtor_id", postgresql_where="closed_on is null"),
        Index("ix_cases_creditor_status", "creditor_id", "status", "opened_at", "id"),
        Index("ix_cases_creditor_due", "creditor_id", "due_on", "id"),
        Index("ix_cases_creditor_amount", "creditor_id", "principal_ore", "id"),
        Index("ix_cases_creditor_next", "creditor_id", "next_step_on", "id"),
        Index(
            "ix_cases_deciding", "creditor_id", "pay_by_on", postgresql_where="status = 'deciding'"
        ),
        Index(
            "ix_cases_agreed_rate",
            "creditor_id",
            "agreed_rate",
            postgresql_where="interest_kind = 'agreed'",
        ),
    )

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int]
    debtor_id: Mapped[int] = mapped_column(index=True)
    invoice_id: Mapped[int] = mapped_column(unique=True)
    serial: Mapped[int] = mapped_column(unique=True)
    reference: Mapped[str] = mapped_column(unique=True)
    ocr: Mapped[str] = mapped_column(unique=True)
    given_code: Mapped[str | None] = mapped_column("access_code", EncryptedText)
    status: Mapped[str]
    next_step: Mapped[str | None]
    next_step_on: Mapped[date | None]
    currency: Mapped[str]
    principal_ore: Mapped[int]
    due_on: Mapped[date]
    interest_kind: Mapped[str]
    agreed_rate: Mapped[Decimal | None] = mapped_column(Numeric(6, 3))
    reminder_fee_agreed: Mapped[bool]
    reminder_days: Mapped[int]
    pay_by_on: Mapped[date | None]
    is_stopped: Mapped[bool] = mapped_column(default=False)
    is_consumer: Mapped[bool]
    claim_arose_on: Mapped[date]
    limited_on: Mapped[date]
    opened_on: Mapped[date]
    opened_at: Mapped[datetime]
    closed_on: Mapped[date | None]
    charges: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)

    # That they are the invoice's the database checks for all cases of a statement at once.
    creditor: Mapped[Creditor] = relationship(
        primaryjoin=lambda: foreign(Case.creditor_id) == Creditor.id
    )
    debtor: Mapped[Debtor] = relationship(primaryjoin=lambda: foreign(Case.debtor_id) == Debtor.id)
    invoice: Mapped[Invoice] = relationship(
        primaryjoin=lambda: foreign(Case.invoice_id) == Invoice.id
    )

    @property
    def access_code(self) -> str:
        """The letter's code."""
        return self.given_code or code_of(self.ocr)


class Stop(Base):
    """Why a case stands still, and until when; it ends by itself on until_on, if that is told.

    kind: one of states.STOPS. reason: words of whoever stopped it.
    """

    __tablename__ = "case_stops"
    __table_args__ = (
        CheckConstraint(f"kind in {states.STOPS}", name="kind"),
        Index(
            "uq_case_stops_open",
            "case_id",
            "kind",
            unique=True,
            postgresql_where="ended_at is null",
        ),
        Index("ix_case_stops_until", "until_on", postgresql_where="ended_at is null"),
        Index(
            "ix_case_stops_waiting",
            "creditor_id",
            "kind",
            "began_at",
            postgresql_where="ended_at is null",
        ),
        Index(
            "ix_case_stops_circumstances",
            "case_id",
            postgresql_where=f"kind in {states.CIRCUMSTANCES}",
        ),
        Index(
            "ix_case_stops_protected",
            "creditor_id",
            postgresql_where=f"kind = '{states.PROTECTED}'",
        ),
    )

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    kind: Mapped[str]
    reason: Mapped[str]
    until_on: Mapped[date | None]
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Plan(Base):
    """A payment plan (avbetalningsplan) for all that a case owes. status: running, kept, broken or
    ended (the debt was settled or the case closed in another way)."""

    __tablename__ = "plans"
    __table_args__ = (
        CheckConstraint("status in ('running', 'kept', 'broken', 'ended')", name="status"),
        Index("uq_plans_running", "case_id", unique=True, postgresql_where="status = 'running'"),
        Index("ix_plans_broken", "creditor_id", "ended_on", postgresql_where="status = 'broken'"),
    )

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    status: Mapped[str] = mapped_column(default="running")
    agreed_on: Mapped[date]
    agreed_at: Mapped[datetime]
    ended_on: Mapped[date | None]

    instalments: Mapped[list["Instalment"]] = relationship(order_by="Instalment.due_on")


class Instalment(Base):
    """One part of a plan, in öre, and its last day."""

    __tablename__ = "instalments"
    __table_args__ = (
        UniqueConstraint("plan_id", "due_on"),
        CheckConstraint("amount_ore > 0", name="amount"),
    )

    id: Mapped[PrimaryKey]
    plan_id: Mapped[int] = mapped_column(ForeignKey("plans.id"))
    creditor_id: Mapped[int]
    case_id: Mapped[int]
    due_on: Mapped[date]
    amount_ore: Mapped[int]


class Deed(Base):
    """An act that somebody was shown the effect of and then did. key: names what was shown, so that
    pressing twice does it once."""

    __tablename__ = "case_deeds"
    __table_args__ = (UniqueConstraint("case_id", "key"),)

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    key: Mapped[str]
    act: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    done_at: Mapped[datetime]


class SavedView(Base):
    """A list of cases that a person has kept: its name, and its address's query."""

    __tablename__ = "saved_views"
    __table_args__ = (UniqueConstraint("creditor_id", "person_id", "name"),)

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    person_name: Mapped[str]
    name: Mapped[str]
    query: Mapped[str]
    is_shared: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class ActTogether(Base):
    """Something that somebody does with many cases: `together`.

    status: draft (looked at, not begun), waiting (begun, cases are left), done or cancelled.
    undoes_id: the act that this one takes back.
    """

    __tablename__ = "acts_together"

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    person_name: Mapped[str]
    act: Mapped[str]
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    status: Mapped[str] = mapped_column(default="draft")
    total: Mapped[int]
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("acts_together.id"))
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class CaseTogether(Base):
    """One case of such an act: how it stood when it was looked at, and what came of it."""

    __tablename__ = "cases_together"

    act_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    case_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    creditor_id: Mapped[int]
    status: Mapped[str]
    is_stopped: Mapped[bool]
    outcome: Mapped[str | None]
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class Dispute(Base):
    """An objection (bestridande) to a case or a part of it. What was said stands in its turns.

    reason: a code of `disputes.REASONS`. amount_ore: how much of what is owed it is about; None for
    all. channel: how it came. status: open, upheld, partly, turned down, or lapsed when the case
    ended without an answer. credited_ore: what the creditor then took back.
    """

    __tablename__ = "disputes"
    __table_args__ = (
        CheckConstraint(
            "status in ('open', 'upheld', 'partly', 'turned down', 'lapsed')", name="status"
        ),
        CheckConstraint("amount_ore > 0", name="amount"),
        Index("uq_disputes_open", "case_id", unique=True, postgresql_where="status = 'open'"),
        Index("ix_disputes_case", "case_id"),
        Index(
            "ix_disputes_waiting", "creditor_id", "opened_at", postgresql_where="status = 'open'"
        ),
    )

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    reason: Mapped[str]
    amount_ore: Mapped[int | None]
    channel: Mapped[str]
    status: Mapped[str] = mapped_column(default="open")
    opened_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    credited_ore: Mapped[int | None]

    turns: Mapped[list["DisputeTurn"]] = relationship(order_by="DisputeTurn.id")


class DisputeTurn(Base):
    """What somebody said about an objection. kind: objected, asked, replied or answered.

    words: may be empty when files say it. language: that the words are in, where it is known.
    """

    __tablename__ = "dispute_turns"

    id: Mapped[PrimaryKey]
    dispute_id: Mapped[int] = mapped_column(ForeignKey("disputes.id"), index=True)
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    kind: Mapped[str]
    words: Mapped[str]
    language: Mapped[str | None]
    actor: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    said_at: Mapped[datetime]


class Telling(Base):
    """What a debtor told that a person of the company must look into: `tellings`.

    stop: the stop that it put on the case, and so what it is about. facts: what was filled in.
    language: of the words. outcome: one of `tellings.OUTCOMES`, or lapsed when the case ended
    without an answer. answer: the company's words; answer_language: that they are in, if known.
    """

    __tablename__ = "case_tellings"
    __table_args__ = (
        Index(
            "uq_case_tellings_open",
            "case_id",
            "stop",
            unique=True,
            postgresql_where="settled_at is null",
        ),
        Index(
            "ix_case_tellings_waiting",
            "creditor_id",
            "told_at",
            postgresql_where="settled_at is null",
        ),
    )

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    stop: Mapped[str]
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    words: Mapped[str]
    language: Mapped[str | None]
    told_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    answer: Mapped[str] = mapped_column(default="")
    answer_language: Mapped[str | None]
    settled_by: Mapped[str | None]

    @property
    def paid_on(self) -> date | None:
        """The day that it was paid, as the debtor tells."""
        return _day(self.facts.get("on"))

    @property
    def since_on(self) -> date | None:
        """Since when the debtor's situation is so, as the debtor tells."""
        return _day(self.facts.get("since"))


def _day(told: str | None) -> date | None:
    return date.fromisoformat(told) if told else None


class Note(Base):
    """What somebody of the company wrote about a case for the others. mentions: ids of people who
    are meant. Empty words: taken away."""

    __tablename__ = "case_notes"

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    actor: Mapped[str]
    words: Mapped[str]
    mentions: Mapped[list[int]] = mapped_column(JSONB, default=list)
    written_at: Mapped[datetime]
    changed_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]

    versions: Mapped[list["NoteVersion"]] = relationship(order_by="NoteVersion.id")


class NoteVersion(Base):
    """A note's earlier wording."""

    __tablename__ = "case_note_versions"

    id: Mapped[PrimaryKey]
    note_id: Mapped[int] = mapped_column(ForeignKey("case_notes.id"), index=True)
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    words: Mapped[str]
    kept_at: Mapped[datetime]


class CaseMessage(Base):
    """What a debtor wrote to the company about a case, or the company to the debtor.

    language: that the words are in, as the writer's page was. answered_at: of a debtor's, when
    somebody answered or settled that no answer is needed. read_at: of the company's, when the
    debtor's page showed it.
    """

    __tablename__ = "case_messages"
    __table_args__ = (
        Index(
            "ix_case_messages_waiting",
            "creditor_id",
            "said_at",
            postgresql_where="is_from_debtor and answered_at is null",
        ),
        Index(
            "ix_case_messages_unread",
            "case_id",
            postgresql_where="not is_from_debtor and read_at is null",
        ),
    )

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    is_from_debtor: Mapped[bool]
    actor: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    words: Mapped[str]
    language: Mapped[str]
    said_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]


class MessageTranslation(Base):
    """A message in another language, as a machine has it. made_by: the translator's name."""

    __tablename__ = "message_translations"
    __table_args__ = (UniqueConstraint("message_id", "language"),)

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    message_id: Mapped[int] = mapped_column(ForeignKey("case_messages.id"))
    language: Mapped[str]
    words: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[datetime]


class Attachment(Base):
    """A file that the company keeps with a case, or that the debtor has sent.

    kind: a value of `file_types.TAKEN`. scan: clean or not scanned. turn_id, telling_id: what the
    debtor said about an objection, or told, when it was sent. Taken away, its row stays.
    """

    __tablename__ = "case_files"

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    filename: Mapped[str]
    kind: Mapped[str]
    sha256: Mapped[str]
    size: Mapped[int]
    scan: Mapped[str]
    is_from_debtor: Mapped[bool] = mapped_column(default=False)
    turn_id: Mapped[int | None] = mapped_column(ForeignKey("dispute_turns.id"))
    telling_id: Mapped[int | None] = mapped_column(ForeignKey("case_tellings.id"))
    actor: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    added_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    removed_by: Mapped[str | None]


class Day(Base):
    """A day that the clock has run, or is running while ended_at is empty. result: what it did."""

    __tablename__ = "clock_days"

    day: Mapped[date] = mapped_column(primary_key=True)
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)


class Event(Base):
    """Something that happened, told once and never changed.

    That the case is the creditor's the database checks for all events of a statement at once.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_of_creditor", "creditor_id", "id", postgresql_where="case_id is null"),
    )

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(index=True)
    case_id: Mapped[int | None] = mapped_column(index=True)
    name: Mapped[str]
    occurred_at: Mapped[datetime]
    actor: Mapped[str]
    actor_person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)


class HistoryLink(Base):
    """An event's place in its creditor's history, 1, 2, 3 …; the database writes it at commit.

    hash: SHA-256 over the link before it and all of the event. event_id has no foreign key, so
    that a link still tells of an event that somebody has removed.
    """

    __tablename__ = "history_links"

    creditor_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(unique=True)
    hash: Mapped[bytes]


class HistoryHead(Base):
    """The last link of a creditor's history, so that a missing end is found."""

    __tablename__ = "history_heads"

    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"), primary_key=True)
    position: Mapped[int]
    hash: Mapped[bytes]


class HistoryCheck(Base):
    """What the latest check of a creditor's history found.

    events: how many it has. broken_at, what: the first place that does not hold, and why, or None.
    """

    __tablename__ = "history_checks"

    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"), primary_key=True)
    checked_at: Mapped[datetime]
    events: Mapped[int]
    broken_at: Mapped[int | None]
    what: Mapped[str | None]


class ReferenceRate(Base):
    """Riksbanken's reference rate of a half-year that an operator has added to the law's table."""

    __tablename__ = "reference_rates"

    from_on: Mapped[date] = mapped_column(primary_key=True)
    per_cent: Mapped[Decimal] = mapped_column(Numeric(6, 3))
    source: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime]


class KeptFigures(Base):
    """A creditor's figures as they were last made: `figures` says what they are, and when anew.

    position: how far the creditor's history was read. on_day: the day they are of. took_ms: how
    long it took, in milliseconds.
    """

    __tablename__ = "figures"

    creditor_id: Mapped[int] = mapped_column(
        ForeignKey("creditors.id"), primary_key=True, autoincrement=False
    )
    position: Mapped[int]
    on_day: Mapped[date]
    made_at: Mapped[datetime]
    took_ms: Mapped[int]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)


class EntryCode(Base):
    """A question for a code that opens a case, and the code: `entry_codes`.

    reference: as it was typed, whether there is such a case or not. browser_hash: of what only the
    asker's browser knows. case_id, code_hash: once a code was sent.
    """

    __tablename__ = "entry_codes"
    __table_args__ = (
        CheckConstraint("channel in ('email', 'sms')", name="channel"),
        CheckConstraint("num_nulls(case_id, code_hash) in (0, 2)", name="code"),
        Index("ix_entry_codes_reference", "reference", "asked_at"),
    )

    id: Mapped[PrimaryKey]
    reference: Mapped[str]
    browser_hash: Mapped[bytes] = mapped_column(index=True)
    channel: Mapped[str]
    language: Mapped[str]
    asked_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    code_hash: Mapped[bytes | None]
    tries: Mapped[int]
    used_at: Mapped[datetime | None]
