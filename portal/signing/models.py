"""Documents to sign, and the signatures that they got."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from portal.database.base import Base, PrimaryKey


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
    visible_sha256: Mapped[str]
    non_visible_sha256: Mapped[str]
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
    basis_sha256: Mapped[str]
    text: Mapped[str]
    text_sha256: Mapped[str]
    proposed_by: Mapped[int] = mapped_column(ForeignKey("people.id"))
    proposer_name: Mapped[str]
    proposed_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(default="waiting")
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    decider_name: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="")
    evidence: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
