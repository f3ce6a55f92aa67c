"""The service agreement: which version holds, what is signed, and the signature verified."""

import hashlib
import io
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import date, datetime

import structlog
from pyhanko.pdf_utils import embed
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.dialects.postgresql import insert

from portal import clock
from portal.collection import history
from portal.companies import addresses
from portal.database import files
from portal.delivery.letters import render_agreement
from portal.extensions import db, settings
from portal.identity import orders, people
from portal.identity.actor import Actor
from portal.identity.models import BankIDOrder, Creditor, Person
from portal.identity.orders import Purpose
from portal.identity.people import new_key
from portal.messages import N_, RedaError
from portal.notifications.telling import notify
from portal.signing import completed, envelopes, service_documents
from portal.signing.completed import NotSigned, Proof
from portal.signing.envelopes import NewFile
from portal.signing.models import AgreementReading, AgreementVersion, Document, Signature

log = structlog.get_logger()
KIND = "service_agreement"
ACCEPTED, UNSIGNED, ASKED, OVERDUE, TOLD = "accepted", "unsigned", "asked", "overdue", "told"


@dataclass(frozen=True)
class _Version:
    """A version that this release brings; its text is the letter template of its number."""

    number: int
    published_on: date
    is_material: bool = True
    valid_from_on: date | None = None
    accept_by_on: date | None = None


_TITLE = "Avtal om inkassotjänst"
_VERSIONS = (
    _Version(1, date(2026, 11, 1)),
    # Demands, fees and payouts became part of what is agreed.
    _Version(
        2, date(2026, 11, 20), valid_from_on=date(2027, 1, 1), accept_by_on=date(2026, 12, 31)
    ),
    # Commission, signatures and value added tax, and that they are set off.
    _Version(
        3, date(2026, 11, 30), valid_from_on=date(2027, 1, 1), accept_by_on=date(2026, 12, 31)
    ),
)


@dataclass(frozen=True)
class Signed:
    """A creditor's agreement and its signature, if it has one."""

    document: Document
    signature: Signature | None


def current_version() -> AgreementVersion:
    """The newest published version. Raises RedaError when none is published."""
    version = db.session.scalar(
        select(AgreementVersion)
        .where(AgreementVersion.published_on <= clock.today())
        .order_by(AgreementVersion.number.desc())
        .limit(1)
    )
    if version is None:
        raise RedaError(N_("No service agreement is published yet."))
    return version


def publish_all() -> None:
    """Publish every version of the agreement that this release brings; again, nothing changes."""
    for version in _VERSIONS:
        db.session.execute(
            insert(AgreementVersion)
            .values(title=_TITLE, **asdict(version))
            .on_conflict_do_nothing()
        )


def state_sql(creditor_id: ColumnElement[int]) -> ColumnElement[str]:
    """How the creditor of an outer query stands to the agreement; see `state`."""
    today = clock.today()
    signed = (
        select(func.max(Document.version))
        .join(Signature, Signature.document_id == Document.id)
        .where(Document.creditor_id == creditor_id, Document.kind == KIND)
        .scalar_subquery()
    )
    version = AgreementVersion
    newer = (
        select(version.number)
        .where(version.published_on <= today, version.number > signed)
        .correlate_except(version)
    )
    is_read = (
        select(AgreementReading.version)
        .where(
            AgreementReading.creditor_id == creditor_id,
            AgreementReading.version == version.number,
        )
        .correlate(version)
        .correlate_except(AgreementReading)
        .exists()
    )
    material = newer.where(version.is_material)
    return case(
        (signed.is_(None), UNSIGNED),
        (material.where(version.accept_by_on < today).exists(), OVERDUE),
        (material.exists(), ASKED),
        (newer.where(~is_read).exists(), TOLD),
        else_=ACCEPTED,
    )


def states_among(creditor_ids: Collection[int]) -> dict[int, str]:
    """How each of some creditors stands to the agreement; see `state`."""
    told = state_sql(Creditor.id.expression).label("told")
    rows = db.session.execute(select(Creditor.id, told).where(Creditor.id.in_(creditor_ids)))
    return {row.id: row.told for row in rows}


def state(creditor_id: int) -> str:
    """How a creditor stands to the agreement.

    UNSIGNED: has signed none. ASKED: a new version waits for a signature. OVERDUE: its last day is
    over. TOLD: a new version that needs no signature is not read yet. Else ACCEPTED.
    """
    return states_among([creditor_id]).get(creditor_id, UNSIGNED)


def is_signed(creditor_id: int) -> bool:
    """Whether a creditor has signed a version, which lets it in."""
    return state(creditor_id) != UNSIGNED


def needs_signature(creditor_id: int) -> bool:
    """Whether the newest version waits for a creditor's signature."""
    return state(creditor_id) in (UNSIGNED, ASKED, OVERDUE)


def tell_of_versions(now: datetime) -> None:
    """Tell the administrators of each company of a version that waits for it, each version once.

    Once more when its last day is over. To be called where every company is seen.
    """
    state_of = state_sql(Creditor.id.expression).label("state")
    waiting = select(Creditor.id, state_of).where(state_of.in_((ASKED, OVERDUE, TOLD)))
    newest = current_version()
    for creditor_id, how in db.session.execute(waiting.order_by(Creditor.id)).all():
        version = newest if how == TOLD else newest_material()
        until_on = version.accept_by_on
        notify(
            "agreement",
            creditor_id=creditor_id,
            data={
                "event": f"agreement.{how}",
                "version": version.number,
                "until_on": until_on.isoformat() if until_on and how != TOLD else None,
            },
            key=f"agreement:{version.number}:{how}",
            now=now,
        )


def versions() -> list[AgreementVersion]:
    """Every published version, the newest first."""
    return list(
        db.session.scalars(
            select(AgreementVersion)
            .where(AgreementVersion.published_on <= clock.today())
            .order_by(AgreementVersion.number.desc())
        )
    )


def newest_material() -> AgreementVersion:
    """The newest version that needs a signature, whose last day is told."""
    return next(one for one in versions() if one.is_material)


def note_reading(creditor_id: int, *, actor: Actor, now: datetime) -> bool:
    """Somebody has read the newest version, which needs no signature. Answers whether it was new.

    Raises RedaError when it must be signed.
    """
    if needs_signature(creditor_id):
        raise RedaError(N_("This version must be signed with BankID."))
    version = current_version().number
    added = db.session.scalar(
        insert(AgreementReading)
        .values(
            creditor_id=creditor_id,
            version=version,
            person_id=actor.person_id,
            person_name=actor.name,
            read_at=now,
        )
        .on_conflict_do_nothing()
        .returning(AgreementReading.version)
    )
    if added is None:
        return False
    history.record("agreement.read", creditor_id=creditor_id, actor=actor, now=now, version=version)
    return True


def readings(creditor_id: int) -> list[AgreementReading]:
    """Who has read which version that needed no signature, the newest first."""
    return list(
        db.session.scalars(
            select(AgreementReading)
            .where(AgreementReading.creditor_id == creditor_id)
            .order_by(AgreementReading.version.desc())
        )
    )


def prepare(creditor_id: int, *, now: datetime, number: int | None = None) -> Document:
    """The creditor's copy of a version; its bytes are fixed the first time.

    number: which one; the version in force when it is not told.
    """
    version = current_version() if number is None else db.session.get_one(AgreementVersion, number)
    found = _find(creditor_id, version.number)
    if found is not None:
        return found
    creditor = db.session.get_one(Creditor, creditor_id)
    address = addresses.of_kind(creditor_id, "agreement")
    data = render_agreement(
        {
            "version": version.number,
            "creditor": {
                "name": creditor.name,
                "organisation_number": creditor.organisation_number,
                **{name: address[name] for name in ("address_line", "postcode", "town")},
            },
            "made_on": clock.day_of(now).isoformat(),
        },
        language="sv",
        settings=settings(),
    )
    db.session.execute(
        insert(Document)
        .values(
            key=new_key(16),
            creditor_id=creditor_id,
            kind=KIND,
            version=version.number,
            title=f"{version.title} – {creditor.name}",
            sha256=files.store(data),
            pages=len(list(PdfFileReader(io.BytesIO(data)).root["/Pages"]["/Kids"])),
            created_at=now,
        )
        .on_conflict_do_nothing()
    )
    document = _find(creditor_id, version.number)
    assert document is not None
    return document


def _find(creditor_id: int, version: int) -> Document | None:
    return db.session.scalar(
        select(Document).where(
            Document.creditor_id == creditor_id, Document.kind == KIND, Document.version == version
        )
    )


def find(key: str) -> Signed | None:
    """A document by its name in addresses, with its signature, if it may be seen."""
    document = db.session.scalar(select(Document).where(Document.key == key))
    if document is None:
        return None
    signature = db.session.scalar(select(Signature).where(Signature.document_id == document.id))
    return Signed(document, signature)


def of_creditor(creditor_id: int) -> list[Signed]:
    """All agreements of a creditor, the newest version first."""
    rows = db.session.execute(
        select(Document, Signature)
        .outerjoin(Signature, Signature.document_id == Document.id)
        .where(Document.creditor_id == creditor_id, Document.kind == KIND)
        .order_by(Document.version.desc())
    )
    return [Signed(document, signature) for document, signature in rows]


def purpose(document: Document, person: Person, *, now: datetime) -> Purpose:
    """What BankID is asked to have signed: who, with whom, which file.

    The text that the app shows is simpleMarkdownV1; the hidden data is JSON with sorted keys.
    """
    creditor = db.session.get_one(Creditor, document.creditor_id)
    ours = settings()
    groups = " ".join(document.sha256[i : i + 4] for i in range(0, 64, 4))
    visible = "\n".join(
        (
            f"# {document.title}",
            "",
            f"Version {document.version}, {document.pages} sidor.",
            "",
            f"+ Kund: {creditor.name}",
            f"+ Inkassoföretag: {ours.service_name}",
            f"+ Skrivs under av: {person.name}",
            "",
            "Jag har läst avtalet, får företräda kunden och godkänner det.",
            "",
            "## Filens SHA-256",
            groups,
        )
    )
    item = service_documents.prepare(
        document.creditor_id,
        KIND,
        NewFile("Avtal.pdf", files.read(document.sha256), "application/pdf", pages=document.pages),
        title=document.title,
        person=person,
        role=envelopes.SIGNS,
        for_company=creditor.name,
        now=now,
    )
    hidden = {
        "document": document.key,
        "kind": document.kind,
        "version": document.version,
        "creditor": creditor.key,
        "sha256": document.sha256,
    }
    return service_documents.purpose(
        item, visible, hidden, {"document": document.key, "person_id": person.id}, now=now
    )


def finish(order: BankIDOrder, *, now: datetime) -> Document | None:
    """Verify a completed order's signature and store it with its document, once.

    Answers None when the order cannot be used (again).
    Raises NotSigned when any check of the signature fails.
    """
    if not orders.use(order, now=now):
        return None
    # Two administrators may finish at once; the first to come has signed.
    document = db.session.scalars(
        select(Document).where(Document.key == order.subject["document"]).with_for_update()
    ).one()
    if db.session.scalar(select(Signature.id).where(Signature.document_id == document.id)):
        return document
    person = db.session.get_one(Person, order.subject["person_id"])
    if not _may_sign(person, document, now):
        raise NotSigned(N_("You are no longer an administrator of this company."))
    proof = completed.proven(order, person.identity_number, now=now)
    _store(document, person, order, proof, now)
    service_documents.sign(order, person.identity_number, proof, now=now)
    # What proves it lies with the document; who it was is kept nowhere else.
    order.completion = None
    return document


def _may_sign(person: Person, document: Document, now: datetime) -> bool:
    # Asked again at the end: a role may have been taken away while BankID was open.
    roles = people.roles_of(person.id, clock.day_of(now))
    return any(one.creditor_id == document.creditor_id and one.is_administrator for one in roles)


def _store(
    document: Document,
    person: Person,
    order: BankIDOrder,
    proof: Proof,
    now: datetime,
) -> None:
    signature = Signature(
        document_id=document.id,
        creditor_id=document.creditor_id,
        person_id=person.id,
        signer_name=person.name,
        order_ref=order.order_ref,
        xml_sha256=files.store(proof.xml),
        ocsp_sha256=files.store(proof.ocsp),
        visible_sha256=hashlib.sha256(order.subject["visible"].encode()).hexdigest(),
        non_visible_sha256=hashlib.sha256(order.subject["non_visible"].encode()).hexdigest(),
        started_ip=order.end_user_ip,
        device_ip=proof.device_ip,
        signed_at=proof.signed_at,
        verified_at=now,
    )
    db.session.add(signature)
    document.signed_sha256 = files.store(
        with_evidence(files.read(document.sha256), proof.xml, proof.ocsp)
    )
    history.record(
        "agreement.signed",
        creditor_id=document.creditor_id,
        actor=Actor("person", person.name, person.id),
        now=now,
        document=document.key,
        version=document.version,
        sha256=document.sha256,
    )
    db.session.flush()


def sealed_sha256(document: Document) -> str | None:
    """Of the sealed PDF, once it is sealed; what was signed before there were seals has none."""
    return service_documents.sealed(document.creditor_id, KIND, document.sha256)


def with_evidence(pdf: bytes, xml: bytes, ocsp: bytes) -> bytes:
    """A PDF with its signature and OCSP response attached; its own bytes come first, unchanged."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    for name, data, kind in (
        ("bankid-signature.xml", xml, "application/xml"),
        ("ocsp-response.der", ocsp, "application/ocsp-response"),
    ):
        file = embed.EmbeddedFileObject.from_file_data(writer, data=data, mime_type=kind)
        embed.embed_file(
            writer,
            embed.FileSpec(file_spec_string=name, file_name=name, embedded_data=file),
        )
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
