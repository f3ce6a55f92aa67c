"""Seals on PDF files: bytes in, bytes out, and nothing of ours is asked.

A seal is a PAdES signature of the service (ETSI EN 319 142-1, baseline B-LTA): a revision is added
to the file, the bytes before it stay as they are. That revision holds the evidence and the seal;
one more holds what shows that the certificates were good, under a timestamp that covers the whole
file. Later only timestamps may follow, of which the newest again covers everything. pyHanko writes
and signs.
"""

import asyncio
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import keys, x509
from pyhanko.pdf_utils import embed, generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec, MDPPerm, SigSeedSubFilter
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers.pdf_signer import (
    DSSContentSettings,
    PdfTimeStamper,
    SigDSSPlacementPreference,
    TimestampDSSContentSettings,
)
from pyhanko.sign.timestamps import HTTPTimeStamper
from pyhanko.sign.validation import DocumentSecurityStore
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathError, ValidationError
from pyhanko_certvalidator.registry import SimpleCertificateStore

FIELD = "RedaSeal"
# Names of files that every sealed document has, and how those of each signer begin.
MANIFEST, LOG, EVIDENCE = "manifest.json", "events.json", "evidence.pdf"
SIGNATURE, OCSP = "bankid-signature-", "ocsp-response-"
# What ISO 32000-2, 7.11.3, calls an associated file's relation to the document.
DATA, SUPPLEMENT, SOURCE = "Data", "Supplement", "Source"
_DIGEST = "sha256"
_TIMEOUT_SECONDS = 20
_DEEPEST = 10
_BEFORE_TIMESTAMP = TimestampDSSContentSettings(include_vri=False, update_before_ts=True)


class SealFailed(Exception):
    """The file could not be sealed; nothing was changed. The text says why, for operators."""


@dataclass(frozen=True)
class Attachment:
    """A file that goes into the sealed one. relation: DATA, SUPPLEMENT or SOURCE."""

    name: str
    data: bytes
    media_type: str
    description: str
    relation: str = DATA


@dataclass(frozen=True)
class Sealer:
    """What seals: key, certificate with its chain (root left out), and a timestamp authority.

    roots: that the seal and its timestamps lead up to. timestamp_url: RFC 3161 over HTTP. moment:
    as which time the certificates are looked at; None: now.
    """

    key: keys.PrivateKeyInfo
    certificate: x509.Certificate
    chain: Sequence[x509.Certificate]
    roots: Sequence[x509.Certificate]
    timestamp_url: str
    moment: datetime | None = None

    def context(self, *, known: DocumentSecurityStore | None = None) -> ValidationContext:
        """What pyHanko checks certificates with; it asks their issuers whether they are good."""
        carried = [] if known is None else list(known.load_certs())
        return ValidationContext(
            trust_roots=list(self.roots),
            other_certs=[*self.chain, *carried],
            moment=self.moment,
            allow_fetching=True,
            revocation_mode="hard-fail",
            # An answer may be some milliseconds younger than the moment that was looked at.
            retroactive_revinfo=True,
        )

    def timestamper(self) -> HTTPTimeStamper:
        """The authority's client."""
        return HTTPTimeStamper(self.timestamp_url, timeout=_TIMEOUT_SECONDS)


def seal(
    document: bytes, sealer: Sealer, *, evidence: bytes, attachments: Sequence[Attachment]
) -> bytes:
    """A document with the pages of evidence behind its own, files in it, and a seal on all.

    The result begins with the document's bytes, untouched. One that came with signatures gets no
    pages, for those would end their validity: the evidence goes in as a file, and all files hang on
    the seal's own (empty) appearance, which a signer may add. Raises SealFailed.
    """
    try:
        return _seal(document, sealer, evidence, attachments)
    except (PdfError, SigningError, PathError, ValidationError, OSError, ValueError) as error:
        raise SealFailed(f"{type(error).__name__}: {error}") from error


def _seal(
    document: bytes, sealer: Sealer, evidence: bytes, attachments: Sequence[Attachment]
) -> bytes:
    writer = _writer(document)
    is_signed = bool(writer.prev.embedded_signatures)
    if is_signed:
        told = Attachment(EVIDENCE, evidence, "application/pdf", "Evidence")
        _attach_to_field(writer, [*attachments, told])
    else:
        _append_pages(writer, evidence)
        _attach(writer, attachments)
        fields.append_signature_field(writer, fields.SigFieldSpec(FIELD, on_page=-1))
    signer = signers.SimpleSigner(
        signing_cert=sealer.certificate,
        signing_key=sealer.key,
        cert_registry=SimpleCertificateStore.from_certs(list(sealer.chain)),
    )
    metadata = signers.PdfSignatureMetadata(
        field_name=FIELD,
        subfilter=SigSeedSubFilter.PADES,
        md_algorithm=_DIGEST,
        embed_validation_info=True,
        use_pades_lta=True,
        validation_context=sealer.context(),
        # Only the first signature of a file may certify it; another locks it instead.
        certify=not is_signed,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        dss_settings=DSSContentSettings(
            include_vri=False,
            placement=SigDSSPlacementPreference.TOGETHER_WITH_NEXT_TS,
            next_ts_settings=_BEFORE_TIMESTAMP,
        ),
    )
    out = signers.PdfSigner(metadata, signer, timestamper=sealer.timestamper()).sign_pdf(writer)
    return bytes(out.getbuffer())


def _writer(data: bytes) -> IncrementalPdfFileWriter:
    strict = open_pdf(data).strict
    return IncrementalPdfFileWriter(io.BytesIO(data), strict=strict)


def open_pdf(data: bytes) -> PdfFileReader:
    """A reader of a PDF. Raises PdfError, and whatever else a broken one makes it raise."""
    try:
        reader = PdfFileReader(io.BytesIO(data))
        reader.root["/Pages"]
        if not reader.xrefs.hybrid_xrefs_present:
            return reader
    except PdfError:
        # Some programs write tables of references that are only almost right.
        pass
    # Word writes two of them, which pyHanko takes for signing only so.
    return PdfFileReader(io.BytesIO(data), strict=False)


def _append_pages(writer: IncrementalPdfFileWriter, evidence: bytes) -> None:
    for page in pages_of(PdfFileReader(io.BytesIO(evidence))):
        # Its parent is left behind, and with it the other pages.
        taken = page.get_object()
        del taken["/Parent"]
        # Else it would turn as the pages before it, if their parent says so.
        taken["/Rotate"] = generic.NumberObject(0)
        taken.pop("/StructParents", None)
        writer.insert_page(writer.import_object(taken))


def pages_of(reader: PdfFileReader) -> list[generic.IndirectObject]:
    """References to a PDF's pages, in their order. Raises PdfError when its tree has a loop."""
    found: list[generic.IndirectObject] = []
    seen: set[generic.Reference] = set()

    def walk(reference: generic.IndirectObject) -> None:
        if reference.reference in seen:
            raise PdfError("a page stands twice")
        seen.add(reference.reference)
        node = reference.get_object()
        if "/Kids" not in node:
            found.append(reference)
            return
        for one in node["/Kids"]:
            walk(one)

    walk(reader.root.raw_get("/Pages"))
    return found


def _attach(writer: IncrementalPdfFileWriter, attachments: Sequence[Attachment]) -> None:
    """Put files into the tree of the document's files, those that it had before among them."""
    root = writer.root
    kept = _at(root, "/Names", "/EmbeddedFiles")
    pairs = _pairs(kept) if kept is not None else []
    associated = generic.ArrayObject(_at(root, "/AF") or ())
    for one in attachments:
        reference = writer.add_object(_file(writer, one).as_pdf_object())
        pairs.append((generic.pdf_string(one.name), reference))
        associated.append(reference)
    # Readers look names up by halving (ISO 32000-2, 7.9.6).
    pairs.sort(key=lambda pair: str(pair[0]))
    tree = generic.DictionaryObject(
        {pdf_name("/Names"): generic.ArrayObject(part for pair in pairs for part in pair)}
    )
    names = _at(root, "/Names")
    if names is None:
        names = root["/Names"] = generic.DictionaryObject()
    names["/EmbeddedFiles"] = writer.add_object(tree)
    root["/AF"] = associated
    if names.container_ref is not None:
        writer.update_container(names)
    writer.update_root()
    writer.ensure_output_version(version=(2, 0))


def _file(writer: IncrementalPdfFileWriter, one: Attachment) -> embed.FileSpec:
    stream = embed.EmbeddedFileObject.from_file_data(
        writer, one.data, mime_type=one.media_type, params=embed.EmbeddedFileParams()
    )
    return embed.FileSpec(
        one.name, one.name, stream, one.description, af_relationship=pdf_name(f"/{one.relation}")
    )


def _attach_to_field(writer: IncrementalPdfFileWriter, attachments: Sequence[Attachment]) -> None:
    specifications = generic.ArrayObject(
        writer.add_object(_file(writer, one).as_pdf_object()) for one in attachments
    )
    appearance = generic.StreamObject(
        {
            pdf_name("/Type"): pdf_name("/XObject"),
            pdf_name("/Subtype"): pdf_name("/Form"),
            pdf_name("/BBox"): generic.ArrayObject(generic.NumberObject(0) for _ in range(4)),
            # Associated files of an XObject: ISO 32000-2, 14.13.5.
            pdf_name("/AF"): specifications,
        },
        stream_data=b"",
    )
    reference = writer.add_object(appearance)
    fields.append_signature_field(
        writer,
        fields.SigFieldSpec(
            FIELD,
            field_mdp_spec=FieldMDPSpec(FieldMDPAction.ALL),
            doc_mdp_update_value=MDPPerm.NO_CHANGES,
        ),
    )
    field = next(
        one.get_object()
        for one in writer.root["/AcroForm"]["/Fields"]
        if _at(one.get_object(), "/T") == FIELD
    )
    field["/AP"] = generic.DictionaryObject({pdf_name("/N"): reference})
    writer.update_container(field)


def files_in(reader: PdfFileReader) -> list[tuple[str, bytes]]:
    """Name and bytes of each file in a PDF, those that hang on the seal too."""
    found: list[tuple[str, bytes]] = []
    tree = _at(reader.root, "/Names", "/EmbeddedFiles")
    if tree is not None:
        found += [_read_file(one.get_object()) for _, one in _pairs(tree)]
    for one in _at(reader.root, "/AcroForm", "/Fields") or ():
        field = one.get_object()
        if _at(field, "/T") == FIELD:
            files = _at(field, "/AP", "/N", "/AF") or ()
            found += [_read_file(file.get_object()) for file in files]
    return found


def _at(value: Any, *keys: str) -> Any:
    """What lies under some keys of a PDF's dictionaries, one within the other, or None."""
    for key in keys:
        if key not in value:
            return None
        value = value[key]
    return value


def _pairs(tree: generic.DictionaryObject, depth: int = 0) -> list[tuple[Any, Any]]:
    """Names and references of a tree of names."""
    if depth > _DEEPEST:
        raise PdfError("the tree of files is too deep")
    flat = list(_at(tree, "/Names") or ())
    found = list(zip(flat[::2], flat[1::2], strict=True))
    for kid in _at(tree, "/Kids") or ():
        found += _pairs(kid.get_object(), depth + 1)
    return found


def _read_file(specification: generic.DictionaryObject) -> tuple[str, bytes]:
    name = _at(specification, "/UF") or _at(specification, "/F")
    return str(name), specification["/EF"]["/F"].data


def renew(sealed: bytes, sealer: Sealer) -> bytes:
    """A sealed file with one more timestamp over all of it; its earlier bytes stay as they are.

    What shows that the newest timestamp's certificate is still good goes in first. Raises
    SealFailed.
    """
    try:
        return asyncio.run(_renew(sealed, sealer))
    except (PdfError, SigningError, PathError, ValidationError, OSError, ValueError) as error:
        raise SealFailed(f"{type(error).__name__}: {error}") from error


async def _renew(sealed: bytes, sealer: Sealer) -> bytes:
    writer = _writer(sealed)
    newest = writer.prev.embedded_signatures[-1]
    context = sealer.context(known=DocumentSecurityStore.read_dss(writer.prev))
    try:
        path = await CertificateValidator(
            newest.signer_cert,
            intermediate_certs=newest.other_embedded_certs,
            validation_context=context,
        ).async_validate_usage(set(), {"time_stamping"})
        out = await PdfTimeStamper(sealer.timestamper()).async_timestamp_pdf(
            writer, _DIGEST, context, validation_paths=[path], dss_settings=_BEFORE_TIMESTAMP
        )
    finally:
        await context.aclose()
    return bytes(out.getbuffer())


def proves_until(sealed: bytes) -> datetime:
    """When the certificate of a sealed file's newest timestamp ends, UTC."""
    newest = open_pdf(sealed).embedded_signatures[-1]
    ends: datetime = newest.signer_cert.not_valid_after
    return ends
