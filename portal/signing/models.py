"""Documents to sign, and the signatures that they got."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.database.base import Base, PrimaryKey
from portal.database.encryption import EncryptedText
from portal.database.files import FILES_AT, NAMES_FILES, NO_FILE


class AgreementVersion(Base):
    """A version of the agreement between us and a creditor; never changed once published.

    is_material: it holds only once it is signed; another is told, and holds by going on.
    valid_from_on: from when it holds for who had an older one. accept_by_on: the last day to sign
    it; None for the first one, which is signed before anything else.
    """

    __tablename__ = "agreement_versions"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    published_on: Mapped[date]
    title: Mapped[str]
    is_material: Mapped[bool] = mapped_column(default=True)
    valid_from_on: Mapped[date | None]
    accept_by_on: Mapped[date | None]


class AgreementReading(Base):
    """Somebody of a creditor has read a version that is not material."""

    __tablename__ = "agreement_readings"

    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"), primary_key=True)
    version: Mapped[int] = mapped_column(ForeignKey("agreement_versions.number"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    person_name: Mapped[str]
    read_at: Mapped[datetime]


class Document(Base):
    """A PDF whose bytes are fixed, for a creditor to sign."""

    __tablename__ = "documents"
    __table_args__ = (UniqueConstraint("creditor_id", "kind", "version"),)

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(unique=True)
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    kind: Mapped[str]
    version: Mapped[int]
    title: Mapped[str]
    sha256: Mapped[str]
    pages: Mapped[int]
    signed_sha256: Mapped[str | None]
    created_at: Mapped[datetime]


class Signature(Base):
    """One person's verified BankID signature on a document, with all that proves it."""

    __tablename__ = "signatures"
    __table_args__ = (UniqueConstraint("document_id", "person_id"),)

    id: Mapped[PrimaryKey]
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id"))
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    signer_name: Mapped[str]
    order_ref: Mapped[str] = mapped_column(unique=True)
    xml_sha256: Mapped[str]
    ocsp_sha256: Mapped[str]
    visible_sha256: Mapped[str] = mapped_column(info={NO_FILE: True})
    non_visible_sha256: Mapped[str] = mapped_column(info={NO_FILE: True})
    started_ip: Mapped[str]
    device_ip: Mapped[str | None]
    signed_at: Mapped[datetime]
    verified_at: Mapped[datetime]


class Approval(Base):
    """Something that one administrator proposes and another one must approve with BankID.

    kind, values: which act, and what is done. basis_sha256: of the facts that it was proposed on.
    text: what is approved, as it was shown, in simpleMarkdownV1. status: waiting, approved,
    refused, withdrawn, expired, or overtaken when the facts had changed. evidence: of the
    approval's signature: order, hashes of its files, addresses, and when it was made.
    """

    __tablename__ = "approvals"
    __table_args__ = (
        CheckConstraint(
            "decided_by is distinct from proposed_by or status <> 'approved'", name="four_eyes"
        ),
    )

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(unique=True)
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    kind: Mapped[str]
    values: Mapped[dict[str, Any]] = mapped_column(JSONB)
    basis_sha256: Mapped[str] = mapped_column(info={NO_FILE: True})
    text: Mapped[str]
    text_sha256: Mapped[str] = mapped_column(info={NO_FILE: True})
    proposed_by: Mapped[int] = mapped_column(ForeignKey("people.id"))
    proposer_name: Mapped[str]
    proposed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(default="waiting")
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    decider_name: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="")
    evidence: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB,
        info={
            NAMES_FILES: "evidence is not null",
            FILES_AT: '$.keyvalue() ? (@.key like_regex "^(xml|ocsp)_sha256$").value',
        },
    )


# Kinds of envelopes by which the service itself is signed for: seen where they are signed alone.
OF_THE_SERVICE = ("service_agreement", "approval")


class Envelope(Base):
    """Files that are signed together, by whom and until when (`signing.envelopes`).

    kind: `document`, or what the rest of the portal has signed, such as `payment_plan`. company:
    the sender's name, as signers see it. case_id: of a case that it is about, whose debtor sees it.
    status: draft, open, completed, declined, withdrawn or expired. version: of its files, from 1;
    files that are changed after it was sent make a new one. template_key, template_version: of what
    it was written from, if from a template. in_order: signers are invited step by step.
    remind_days: days between reminders, 0 for none. last_on: the last day to sign. manifest_sha256:
    of what is signed, once it is sent (`envelopes.manifest`). sealed_at: when its files were
    sealed. renew_on: when their newest timestamp is to be renewed. keep_until_on: until when it is
    kept, if its kind has a rule; deletion_told_on: when it was told that it is deleted then;
    hold_reason: why it is kept nevertheless.
    """

    __tablename__ = "envelopes"
    __table_args__ = (
        CheckConstraint(
            "status in ('draft', 'open', 'completed', 'declined', 'withdrawn', 'expired')",
            name="status",
        ),
        CheckConstraint("status = 'draft' or manifest_sha256 is not null", name="frozen"),
        Index("ix_envelopes_creditor", "creditor_id", "id"),
        Index("ix_envelopes_open", "last_on", postgresql_where="status = 'open'"),
    )

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(unique=True)
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    company: Mapped[str]
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"), index=True)
    kind: Mapped[str] = mapped_column(default="document")
    title: Mapped[str]
    message: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="sv")
    folder: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(default="draft")
    version: Mapped[int] = mapped_column(default=1)
    template_key: Mapped[str | None]
    template_version: Mapped[int | None]
    in_order: Mapped[bool] = mapped_column(default=False)
    remind_days: Mapped[int] = mapped_column(default=0)
    last_on: Mapped[date]
    sender_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    sender_name: Mapped[str]
    sender_email: Mapped[str | None]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    manifest_sha256: Mapped[str | None] = mapped_column(info={NO_FILE: True})
    sealed_at: Mapped[datetime | None]
    renew_on: Mapped[date | None] = mapped_column(index=True)
    keep_until_on: Mapped[date | None] = mapped_column(index=True)
    deletion_told_on: Mapped[date | None]
    hold_reason: Mapped[str | None]


class EnvelopeFile(Base):
    """A file of an envelope, its bytes in the file store.

    role: `document`, which is read and signed, or `attachment`, any file that goes with it. pages:
    of a document. original_sha256, original_name: of what a document was made from, if it was no
    PDF. has_signatures: it came with signatures in it, which must stay valid. sealed_sha256: of the
    sealed PDF that a document became; its newest revision, when the seal was renewed.
    """

    __tablename__ = "envelope_files"
    __table_args__ = (
        UniqueConstraint("envelope_id", "position"),
        CheckConstraint("role in ('document', 'attachment')", name="role"),
        CheckConstraint("(role = 'document') = (pages is not null)", name="pages"),
    )

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(unique=True)
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    envelope_id: Mapped[int] = mapped_column(ForeignKey("envelopes.id"))
    position: Mapped[int]
    role: Mapped[str]
    name: Mapped[str]
    media_type: Mapped[str]
    sha256: Mapped[str]
    size: Mapped[int]
    pages: Mapped[int | None]
    original_sha256: Mapped[str | None]
    original_name: Mapped[str | None]
    has_signatures: Mapped[bool] = mapped_column(default=False)
    sealed_sha256: Mapped[str | None]


class Signer(Base):
    """Somebody who is to sign or approve an envelope's documents, or gets a copy of them.

    key: stands for them in the evidence. step: whom they sign together with; those of a lower one
    come first. role: signs, approves or copy. identity_number: of who must sign, 12 digits, if the
    sender knows it; and of who has signed. for_company: for whom they sign, if not
    for themselves. language: of what is written to them. may_hand_over: to another person.
    status: waiting (for their turn), invited, signed, declined or handed over, or told (of a copy).
    link: counts the addresses that they had; a link to an earlier one opens nothing.
    """

    __tablename__ = "envelope_signers"
    __table_args__ = (
        CheckConstraint("role in ('signs', 'approves', 'copy')", name="role"),
        CheckConstraint(
            "status in ('waiting', 'invited', 'signed', 'declined', 'handed_over', 'told')",
            name="status",
        ),
        Index("ix_envelope_signers_envelope", "envelope_id"),
        Index("ix_envelope_signers_identity", "identity_hash"),
    )

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(unique=True)
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    envelope_id: Mapped[int] = mapped_column(ForeignKey("envelopes.id"))
    step: Mapped[int] = mapped_column(default=1)
    role: Mapped[str] = mapped_column(default="signs")
    name: Mapped[str]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    identity_number: Mapped[str | None] = mapped_column(EncryptedText)
    identity_hash: Mapped[bytes | None]
    for_company: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="sv")
    may_hand_over: Mapped[bool] = mapped_column(default=False)
    status: Mapped[str] = mapped_column(default="waiting")
    token_hash: Mapped[bytes | None] = mapped_column(unique=True)
    link: Mapped[int] = mapped_column(default=0)
    invited_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    identified_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="")
    handed_to_id: Mapped[int | None] = mapped_column(ForeignKey("envelope_signers.id"))


class EnvelopeSignature(Base):
    """A signer's verified BankID signature on an envelope's documents; never changed.

    order_ref: of the BankID order, which may have signed several envelopes. name: as BankID told
    it. xml_sha256, ocsp_sha256: of the signature and its OCSP response in the file store.
    """

    __tablename__ = "envelope_signatures"
    __table_args__ = (UniqueConstraint("envelope_id", "order_ref"),)

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    envelope_id: Mapped[int] = mapped_column(ForeignKey("envelopes.id"))
    signer_id: Mapped[int] = mapped_column(ForeignKey("envelope_signers.id"), unique=True)
    order_ref: Mapped[str]
    name: Mapped[str]
    identity_number: Mapped[str] = mapped_column(EncryptedText)
    xml_sha256: Mapped[str]
    ocsp_sha256: Mapped[str]
    started_ip: Mapped[str]
    device_ip: Mapped[str | None]
    device: Mapped[str]
    signed_at: Mapped[datetime]
    verified_at: Mapped[datetime]


class EnvelopeEvent(Base):
    """Something that happened to an envelope; only added, each linked to the one before by a hash.

    number: from 1, without gaps. signer_key: of whom it is about, if of a signer. actor: who did
    it, as the evidence tells it. data: JSON of strings and whole numbers. sha256: of the event with
    previous_sha256, that of the one before (`events.canonical`).
    """

    __tablename__ = "envelope_events"
    __table_args__ = (UniqueConstraint("envelope_id", "number"),)

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    envelope_id: Mapped[int] = mapped_column(ForeignKey("envelopes.id"))
    number: Mapped[int]
    name: Mapped[str]
    occurred_at: Mapped[datetime]
    actor: Mapped[str]
    signer_key: Mapped[str | None]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    previous_sha256: Mapped[str] = mapped_column(info={NO_FILE: True})
    sha256: Mapped[str] = mapped_column(info={NO_FILE: True})


class EnvelopeCheck(Base):
    """What the latest check of an envelope's log found.

    events, head_sha256: how many it had when it last held, and the hash of the newest one.
    broken_at, what: the first event that does not hold, and why (`log_checks`), or None.
    """

    __tablename__ = "envelope_checks"

    envelope_id: Mapped[int] = mapped_column(
        ForeignKey("envelopes.id", ondelete="cascade"), primary_key=True
    )
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    checked_at: Mapped[datetime]
    events: Mapped[int]
    head_sha256: Mapped[str] = mapped_column(info={NO_FILE: True})
    broken_at: Mapped[int | None]
    what: Mapped[str | None]


class SigningTemplate(Base):
    """A version of a company's template for documents; never changed (`signing.templates`).

    key: of the template, the same for all its versions. roles, fields: as `templates.Role` and
    `templates.Field`. body: as `signing.markup` reads it. saved_by: the name of who made the
    version. archived_at: since when the template is not offered any more, on all its versions.
    """

    __tablename__ = "signing_templates"
    __table_args__ = (UniqueConstraint("creditor_id", "key", "version"),)

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    key: Mapped[str]
    version: Mapped[int]
    name: Mapped[str]
    kind: Mapped[str]
    language: Mapped[str]
    message: Mapped[str]
    days: Mapped[int]
    remind_days: Mapped[int]
    roles: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    fields: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    body: Mapped[str]
    saved_by: Mapped[str]
    saved_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class SignatureUse(Base):
    """A signature as a company pays for it; only added (`usage`).

    number: of the company's, from 1. signer_key, envelope_key: what it was, also when the document
    is not kept any more. price_ore: without value added tax, 0 for a free one.
    """

    __tablename__ = "signature_uses"
    __table_args__ = (UniqueConstraint("creditor_id", "number"),)

    id: Mapped[PrimaryKey]
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    number: Mapped[int]
    signer_key: Mapped[str] = mapped_column(unique=True)
    envelope_key: Mapped[str]
    kind: Mapped[str]
    counted_on: Mapped[date]
    price_ore: Mapped[int]


class SendingList(Base):
    """A list of people, each of whom a draft is sent to (`sending_lists`).

    key: in its page's address. sha256: of the list as it was uploaded. seen: a hash of the draft as
    it was then. people: those of the list as JSON, until it has ended. total, done: how many are on
    it, and have been sent to, in its order. failure: why it ended before, a Problem as JSON.
    """

    __tablename__ = "sending_lists"
    __table_args__ = (UniqueConstraint("envelope_id", "sha256"),)

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(unique=True)
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"))
    envelope_id: Mapped[int] = mapped_column(ForeignKey("envelopes.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    person_name: Mapped[str]
    sender_email: Mapped[str | None]
    sha256: Mapped[str] = mapped_column(info={NO_FILE: True})
    seen: Mapped[str]
    people: Mapped[str | None] = mapped_column(EncryptedText)
    total: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    begun_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    failure: Mapped[dict[str, Any] | None] = mapped_column(JSONB)


class KeepingRule(Base):
    """How many years a company keeps a kind of envelopes after their end; None until it deletes."""

    __tablename__ = "keeping_rules"

    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    years: Mapped[int | None]
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]


class DeletedEnvelope(Base):
    """What is left of an envelope that is deleted; never changed but that its files are removed.

    key, kind, version, status: as it had them. files: each {role, size, sha256, original_sha256,
    sealed_sha256}. signatures: each {signed_at, xml_sha256, ocsp_sha256}. events, head_sha256: of
    its log. years: of the rule that it was deleted by; None when a person did it. deleted_by: as
    the history tells who.
    """

    __tablename__ = "deleted_envelopes"

    id: Mapped[PrimaryKey]
    key: Mapped[str] = mapped_column(unique=True)
    creditor_id: Mapped[int] = mapped_column(ForeignKey("creditors.id"), index=True)
    kind: Mapped[str]
    version: Mapped[int]
    status: Mapped[str]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    sealed_at: Mapped[datetime | None]
    manifest_sha256: Mapped[str | None] = mapped_column(info={NO_FILE: True})
    files: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    signatures: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    events: Mapped[int]
    head_sha256: Mapped[str] = mapped_column(info={NO_FILE: True})
    years: Mapped[int | None]
    keep_until_on: Mapped[date | None]
    deleted_at: Mapped[datetime]
    deleted_by: Mapped[str]
    files_removed_at: Mapped[datetime | None]
