"""Whether a sealed file's bytes are those that were sealed, and whether its pages are the signed
ones; certificates are not looked at.

A signature in a PDF covers all bytes but those of its own value, written in hexadecimal. What a
later timestamp covers cannot change; of the newest one, every byte of that value must therefore be
either signed or such as it can only be.
"""

import hashlib
from collections.abc import Collection, Sequence

from asn1crypto import algos, cms
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import EmbeddedPdfSignature

from portal.signing.seals import open_pdf, pages_of

_TIMESTAMP = "/DocTimeStamp"
_NULL = b"\x05\x00"


class Changed(Exception):
    """A file that is not as it was sealed. part: `added`, `sealed`, `after`, `cut` or `pages`."""

    def __init__(self, part: str) -> None:
        super().__init__(part)
        self.part = part


def is_timestamp(signature: EmbeddedPdfSignature) -> bool:
    """Whether it is a timestamp over the whole document."""
    return bool(signature.sig_object_type == _TIMESTAMP)


def end_of(signature: EmbeddedPdfSignature) -> int:
    """How many of the file's bytes, from its beginning, a signature covers."""
    _, _, second, length = signature.byte_range
    return int(second) + int(length)


def require_unchanged(
    data: bytes,
    signatures: Sequence[EmbeddedPdfSignature],
    seal: EmbeddedPdfSignature,
    known: Collection[bytes],
) -> None:
    """Look whether each signature's bytes are as they were, and the newest covers the whole file.

    signatures: all of the file, the oldest first. known: certificates (DER) that the file carries
    under its timestamps, and those trusted. Raises Changed.
    """
    for one in signatures:
        if not _holds(data, one):
            is_after = one.signed_revision > seal.signed_revision
            raise Changed("after" if is_after else "sealed")
    newest = signatures[-1]
    if not is_timestamp(newest):
        raise Changed("cut" if newest is seal else "added")
    if end_of(newest) != len(data):
        raise Changed("added")
    if not is_plain(newest.pkcs7_content, known):
        raise Changed("after")


def _holds(data: bytes, signature: EmbeddedPdfSignature) -> bool:
    """Whether the bytes are those that were signed, and what is left out is its value alone."""
    start, first, second, length = (int(one) for one in signature.byte_range)
    if start != 0 or not 0 < first < second < second + length <= len(data):
        return False
    if value_in(data[first:second]) != signature.pkcs7_content:
        return False
    digest = hashlib.new(signature.external_md_algorithm, data[:first])
    digest.update(data[second : second + length])
    return digest.digest() == _told_digest(signature)


def is_as_signed(signature: EmbeddedPdfSignature) -> bool:
    """Whether the bytes that a signature covers are those that were signed, whoever signed them."""
    return bool(signature.compute_digest() == _told_digest(signature))


def value_in(gap: bytes) -> bytes | None:
    """The value of a signature as it is written between two parts that it covers.

    None when it is none, or could be written in another way: with other letters, other padding.
    """
    try:
        value = bytes.fromhex(gap[1:-1].decode("ascii"))
        padding = value[len(cms.ContentInfo.load(value).dump()) :]
    except ValueError:
        return None
    written = [f"<{one}>".encode() for one in (value.hex(), value.hex().upper())]
    return value if gap in written and not any(padding) else None


def _told_digest(signature: EmbeddedPdfSignature) -> bytes:
    if is_timestamp(signature):
        content = signature.signed_data["encap_content_info"]["content"].parsed
        return bytes(content["message_imprint"]["hashed_message"].native)
    for attribute in signature.signer_info["signed_attrs"]:
        if attribute["type"].native == "message_digest":
            return bytes(attribute["values"][0].native)
    return b""


def is_plain(value: bytes, known: Collection[bytes]) -> bool:
    """Whether the parts of a timestamp that its signature leaves out are as they can only be.

    So that no bit of it can be another: RFC 5652, sections 5.1 and 5.3, RFC 3161, 2.4.2. known:
    certificates (DER) that it may carry.
    """
    try:
        return _is_plain(cms.ContentInfo.load(value), known)
    except (ValueError, TypeError, KeyError):
        return False


def _is_plain(token: cms.ContentInfo, known: Collection[bytes]) -> bool:
    data: cms.SignedData = token["content"]
    if len(data["signer_infos"]) != 1 or data["crls"]:
        return False
    signer = data["signer_infos"][0]
    by_issuer = signer["sid"].name == "issuer_and_serial_number"
    digests = [one.dump() for one in data["digest_algorithms"]]
    certificates = [one.chosen.dump() for one in data["certificates"]]
    return (
        data["version"].native == "v3"
        and signer["version"].native == ("v1" if by_issuer else "v3")
        and not signer["unsigned_attrs"]
        and digests == [signer["digest_algorithm"].dump()]
        and _has_no_parameters(signer["digest_algorithm"])
        and _has_no_parameters(signer["signature_algorithm"])
        and len(set(certificates)) == len(certificates)
        and set(certificates) <= set(known)
        and bool(token.copy().dump(force=True) == token.dump())
    )


def _has_no_parameters(algorithm: algos.DigestAlgorithm | algos.SignedDigestAlgorithm) -> bool:
    if algorithm["algorithm"].native == "rsassa_pss":
        # Its parameters are needed, and the signature fails with others.
        return True
    parameters = algorithm["parameters"].dump()
    return parameters in (b"", _NULL)


def require_pages(original: bytes, covered: bytes) -> None:
    """Look whether a document's pages stand first, and as they were, in the file that was sealed.

    original: the document's bytes, which the file begins with. covered: what the seal covers.
    Raises Changed.
    """
    before, after = open_pdf(original), open_pdf(covered)
    first = before.xrefs.total_revisions
    pages = pages_of(before)
    if [one.reference.idnum for one in pages_of(after)[: len(pages)]] != [
        one.reference.idnum for one in pages
    ]:
        raise Changed("pages")
    allowed = _may_change(before)
    old = after.get_historical_resolver(first - 1)
    for revision in range(first, after.xrefs.total_revisions):
        for one in after.get_historical_resolver(revision).explicit_refs_in_revision():
            if not old.is_ref_unassignable(one) and (one.idnum, one.generation) not in allowed:
                raise Changed("pages")
    _require_same_tree(before, after)


def _may_change(reader: PdfFileReader) -> set[tuple[int, int]]:
    """What a page more, a file more and a signature more make necessary to write anew."""
    nodes = _nodes(reader)
    found = {reader.root_ref, *(one.reference for one in nodes)}
    info = reader.trailer_view.raw_get("/Info") if "/Info" in reader.trailer_view else None
    places = [info, *(one.get_object().raw_get("/Kids") for one in nodes)]
    for keys in (
        *(("/Names",), ("/Names", "/EmbeddedFiles"), ("/Names", "/EmbeddedFiles", "/Names")),
        *(("/AcroForm",), ("/AcroForm", "/Fields"), ("/Perms",)),
        *(("/AF",), ("/Extensions",), ("/Metadata",)),
    ):
        places.append(_raw(reader.root, keys))
    found |= {one.reference for one in places if isinstance(one, generic.IndirectObject)}
    if reader.embedded_signatures:
        # The seal's field then stands on the first page, as a note without extent.
        page = pages_of(reader)[0]
        found.add(page.reference)
        notes = _raw(page.get_object(), ("/Annots",))
        if isinstance(notes, generic.IndirectObject):
            found.add(notes.reference)
    return {(one.idnum, one.generation) for one in found}


def _raw(value: generic.DictionaryObject, keys: Sequence[str]) -> generic.PdfObject | None:
    for key in keys[:-1]:
        if key not in value:
            return None
        value = value[key]
    return value.raw_get(keys[-1]) if keys[-1] in value else None


def _nodes(reader: PdfFileReader) -> list[generic.IndirectObject]:
    """The branches of a file's tree of pages."""
    found: list[generic.IndirectObject] = []
    waiting = [reader.root.raw_get("/Pages")]
    while waiting:
        one = waiting.pop()
        node = one.get_object()
        if "/Kids" in node and one not in found:
            found.append(one)
            waiting += list(node["/Kids"])
    return found


def _require_same_tree(before: PdfFileReader, after: PdfFileReader) -> None:
    """What pages inherit from the branches of their tree is what it was."""
    for one in _nodes(before):
        was = one.get_object()
        is_now = after.get_object(generic.Reference(one.idnum, one.generation))
        names = (set(was) | set(is_now)) - {"/Kids", "/Count"}
        for name in names:
            if name not in was or name not in is_now or was.raw_get(name) != is_now.raw_get(name):
                raise Changed("pages")


def sha256(data: bytes) -> str:
    """The SHA-256 of bytes, in hex."""
    return hashlib.sha256(data).hexdigest()
