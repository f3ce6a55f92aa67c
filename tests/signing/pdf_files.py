"""PDFs that people send: good ones, and each kind of bad one, made for real."""

import io
from datetime import UTC, datetime, timedelta

import pypdf
from asn1crypto import keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, StreamObject, TextStringObject


def with_pages(count: int = 1, *, width: float = 595) -> bytes:
    """Each page wider than the one before by a point, so that it is known again."""
    writer = pypdf.PdfWriter()
    for number in range(count):
        writer.add_blank_page(width + number, 842)
    return _written(writer)


def _written(writer: pypdf.PdfWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _one_page() -> pypdf.PdfWriter:
    writer = pypdf.PdfWriter()
    writer.add_blank_page(595, 842)
    return writer


def locked(password: str = "hemligt") -> bytes:
    writer = _one_page()
    writer.encrypt(password)
    return _written(writer)


def scripted() -> bytes:
    writer = _one_page()
    writer.root_object[NameObject("/OpenAction")] = DictionaryObject(
        {
            NameObject("/S"): NameObject("/JavaScript"),
            NameObject("/JS"): TextStringObject("app.alert('Hej');"),
        }
    )
    return _written(writer)


def that_launches() -> bytes:
    writer = _one_page()
    writer.root_object[NameObject("/OpenAction")] = DictionaryObject(
        {NameObject("/S"): NameObject("/Launch"), NameObject("/F"): TextStringObject("cmd.exe")}
    )
    return _written(writer)


def xfa() -> bytes:
    writer = _one_page()
    form = StreamObject()
    form.set_data(b"<xdp:xdp xmlns:xdp='http://ns.adobe.com/xdp/'/>")
    writer.root_object[NameObject("/AcroForm")] = DictionaryObject(
        {
            NameObject("/Fields"): ArrayObject(),
            NameObject("/XFA"): writer._add_object(form),
        }
    )
    return _written(writer)


def carrying(name: str, data: bytes) -> bytes:
    writer = _one_page()
    writer.add_attachment(name, data)
    return _written(writer)


def signed(*, is_final: bool = False) -> bytes:
    """With a signature of somebody else's. is_final: it forbids every later change."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Somebody Else")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    signer = signers.SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(
            certificate.public_bytes(serialization.Encoding.DER)
        ),
        signing_key=keys.PrivateKeyInfo.load(
            key.private_bytes(
                serialization.Encoding.DER,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        ),
        cert_registry=SimpleCertificateStore(),
    )
    out = signers.sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(with_pages(2))),
        signers.PdfSignatureMetadata(
            field_name="Signature",
            certify=is_final,
            docmdp_permissions=fields.MDPPerm.NO_CHANGES if is_final else fields.MDPPerm.FILL_FORMS,
        ),
        signer=signer,
    )
    return bytes(out.getvalue())
