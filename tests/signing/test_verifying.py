"""Whoever has a sealed file can tell whether it is whole, and nobody can make it look so."""

import io
import json
import random
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pypdf
import pytest
from asn1crypto import keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import serialization
from flask import Flask
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import DocumentSecurityStore

from portal import clock
from portal.config import Settings
from portal.database import files
from portal.database.server import Urls
from portal.identity.models import Creditor
from portal.signing import envelopes, events, revisions, sealing, seals, verifying
from portal.signing.seals import Attachment, Sealer
from portal.signing.trust import Trust, sealer_of, trust_of
from portal.signing.verifying import INCOMPLETE, INVALID, VALID
from simulators import timestamp
from simulators.certificates import Authority
from tests.conftest import settings_of
from tests.factories import a_creditor
from tests.signing.documents import a_pdf
from tests.signing.envelopes import a_file
from tests.signing.sealed import BankID, a_sealed, a_signed_envelope, bankid, trusting
from tests.signing.test_seals import signed_by_somebody

THEN = datetime(2016, 3, 1, 12, tzinfo=UTC)
# The one envelope that most tests look at, sealed once: two signers, an attachment.
_MADE: list[bytes] = []


@pytest.fixture
def settings(
    database_urls: Urls, tmp_path: Path, seal_folder: Path, timestamps: timestamp.Running
) -> Settings:
    return trusting(settings_of(database_urls, tmp_path), seal_folder, timestamps)


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    return a_creditor("Norrsken Energi AB")


@pytest.fixture
def trusted(settings: Settings) -> Trust:
    return trust_of(settings)


@pytest.fixture
def sealer(settings: Settings) -> Sealer:
    return sealer_of(settings)


@pytest.fixture
def sealed(request: pytest.FixtureRequest) -> bytes:
    if not _MADE:
        beside = envelopes.NewFile("Villkor.txt", b"terms", "text/plain", None)
        creditor = request.getfixturevalue("creditor")
        _MADE.append(a_sealed(creditor, files=(a_file(), beside)))
    return _MADE[0]


def look(data: bytes, trusted: Trust, now: datetime | None = None) -> verifying.Report:
    return verifying.verify(data, trusted, now=now or clock.now())


def wrong(report: verifying.Report) -> list[str]:
    """The checks that failed, and how."""
    return [
        one.message.message % one.message.values
        for one in report.findings
        if one.status == verifying.BAD
    ]


def parts(sealed: bytes) -> dict[str, bytes]:
    return dict(seals.files_in(seals.open_pdf(sealed)))


def resealed(sealer: Sealer, given: dict[str, bytes], document: bytes | None = None) -> bytes:
    """What somebody makes who has the files of an envelope and a key of their own."""
    attachments = [Attachment(name, data, "text/plain", "") for name, data in given.items()]
    return seals.seal(
        document or a_pdf(), sealer, evidence=a_pdf(), attachments=attachments
    )  # fmt: skip


def test_a_sealed_file_is_valid(sealed: bytes, trusted: Trust) -> None:
    report = look(sealed, trusted)
    assert (report.verdict, wrong(report)) == (VALID, [])


def test_it_tells_who_signed(sealed: bytes, trusted: Trust) -> None:
    assert [(one.name, one.number) for one in look(sealed, trusted).signed] == [
        ("Eva Berg", "19650718-****"), ("Johan Ekdahl", "19610403-****"),
    ]  # fmt: skip


def test_the_database_is_not_asked(sealed: bytes, trusted: Trust) -> None:
    # A thread of its own has no application, and so no database.
    with ThreadPoolExecutor() as threads:
        assert threads.submit(look, sealed, trusted).result().verdict == VALID


def test_every_check_is_told(sealed: bytes, trusted: Trust) -> None:
    found = [one.check for one in look(sealed, trusted).findings]
    assert list(dict.fromkeys(found)) == list(verifying.CHECKS)


def test_every_check_is_told_of_a_file_that_is_no_pdf(trusted: Trust) -> None:
    found = [one.check for one in look(b"hello", trusted).findings]
    assert sorted(found) == sorted(verifying.CHECKS)


def known_in(reader: PdfFileReader, trusted: Trust) -> set[bytes]:
    carried = DocumentSecurityStore.read_dss(reader).load_certs()
    return {one.dump() for one in (*carried, *trusted.timestamp_roots)}


def test_no_byte_that_is_covered_can_be_another(sealed: bytes, trusted: Trust) -> None:
    chance = random.Random(1)
    reader = seals.open_pdf(sealed)
    signatures = list(reader.embedded_signatures)
    known = known_in(reader, trusted)
    revisions.require_unchanged(sealed, signatures, signatures[0], known)
    for place in chance.sample(range(len(sealed)), 4_000):
        changed = with_another(sealed, place, chance)
        with pytest.raises(revisions.Changed):
            revisions.require_unchanged(changed, signatures, signatures[0], known)


def test_no_byte_of_the_newest_timestamp_s_value_can_be_another(
    sealed: bytes, trusted: Trust
) -> None:
    chance = random.Random(2)
    reader = seals.open_pdf(sealed)
    known = known_in(reader, trusted)
    _, first, second, _ = (int(one) for one in reader.embedded_signatures[-1].byte_range)
    for place in chance.sample(range(first, second), 300):
        changed = with_another(sealed, place, chance)
        if not is_found_at_once(changed[first:second], known):
            assert look(changed, trusted).verdict != VALID, f"byte {place - first} of the value"


def is_found_at_once(gap: bytes, known: set[bytes]) -> bool:
    value = revisions.value_in(gap)
    return value is None or not revisions.is_plain(value, known)


def test_whoever_verifies_finds_any_other_byte(sealed: bytes, trusted: Trust) -> None:
    chance = random.Random(3)
    for place in chance.sample(range(len(sealed)), 60):
        changed = with_another(sealed, place, chance)
        assert look(changed, trusted).verdict != VALID, f"byte {place} of {len(sealed)}"


def with_another(data: bytes, place: int, chance: random.Random) -> bytes:
    changed = bytearray(data)
    changed[place] = _another(changed[place], chance)
    return bytes(changed)


def _another(byte: int, chance: random.Random) -> int:
    """Another byte; of a digit often another digit, which is the hardest to find."""
    digits = b"0123456789ABCDEFabcdef"
    choices = digits if byte in digits and chance.random() < 0.8 else bytes(range(256))
    return chance.choice([one for one in choices if one != byte])


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.999])
def test_a_file_that_was_cut_is_found(share: float, sealed: bytes, trusted: Trust) -> None:
    assert look(sealed[: int(len(sealed) * share)], trusted).verdict == INVALID


def test_a_file_without_its_last_timestamp_is_found(sealed: bytes, trusted: Trust) -> None:
    seal, *_ = seals.open_pdf(sealed).embedded_signatures
    report = look(sealed[: verifying.end_of(seal)], trusted)
    assert report.verdict == INVALID


@pytest.mark.parametrize("added", [b"\n", b" ", b"%%EOF\n", b"\0" * 100])
def test_bytes_behind_its_end_are_found(added: bytes, sealed: bytes, trusted: Trust) -> None:
    assert look(sealed + added, trusted).verdict == INVALID


def with_revision(sealed: bytes, what: str) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(sealed))
    root = writer.root
    if what == "page":
        page = seals.pages_of(writer.prev)[0].get_object()
        page["/Contents"] = writer.add_object(generic.StreamObject(stream_data=b"0 0 9 9 re f"))
        writer.update_container(page)
    elif what == "note":
        page = root["/Pages"]["/Kids"][0]
        note = generic.DictionaryObject(
            {
                generic.pdf_name("/Type"): generic.pdf_name("/Annot"),
                generic.pdf_name("/Subtype"): generic.pdf_name("/Text"),
                generic.pdf_name("/Rect"): generic.ArrayObject(
                    generic.NumberObject(one) for one in (0, 0, 90, 90)
                ),
            }
        )
        page["/Annots"] = generic.ArrayObject([writer.add_object(note)])
        writer.update_container(page)
    else:
        del root["/Names"]
        writer.update_root()
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize("what", ["page", "note", "files"])
def test_an_added_revision_is_found(what: str, sealed: bytes, trusted: Trust) -> None:
    assert wrong(look(with_revision(sealed, what), trusted)) != []


@pytest.mark.parametrize("what", ["page", "note", "files"])
def test_an_added_revision_under_a_new_timestamp_is_found(
    what: str, sealed: bytes, trusted: Trust, sealer: Sealer
) -> None:
    stamped = seals.renew(with_revision(sealed, what), sealer)
    assert look(stamped, trusted).verdict == INVALID


def test_a_renewed_file_is_valid(sealed: bytes, trusted: Trust, sealer: Sealer) -> None:
    report = look(seals.renew(seals.renew(sealed, sealer), sealer), trusted)
    assert (report.verdict, wrong(report)) == (VALID, [])


# Sealed anew: by somebody with another key, and by ourselves, as if our key were stolen.


def test_a_seal_of_somebody_else_is_told(sealed: bytes, trusted: Trust) -> None:
    with_other = timestamp.start(None)
    try:
        made = resealed(sealer_with(with_other), parts(sealed))
    finally:
        with_other.stop()
    assert wrong(look(made, trusted)) == [
        "The seal in the file is not ours. It says that it is of Reda Inkasso AB."
    ]


def test_a_seal_of_somebody_else_with_the_same_ca_is_not_ours(
    sealed: bytes, trusted: Trust
) -> None:
    other = replace(trusted, seals=tuple(trusted.seal_roots))
    assert "is not ours" in wrong(look(sealed, other))[0]


def test_files_of_an_envelope_behind_another_document_are_found(
    sealed: bytes, trusted: Trust, sealer: Sealer
) -> None:
    made = resealed(sealer, parts(sealed), document=with_pages(2))
    assert "not those of a document" in wrong(look(made, trusted))[0]


@pytest.mark.parametrize("begins", ["bankid", "ocsp", "manifest", "events", "attachment"])
def test_a_missing_file_is_found(
    begins: str, sealed: bytes, trusted: Trust, sealer: Sealer
) -> None:
    given = parts(sealed)
    gone = next(name for name in given if name.startswith(begins))
    made = resealed(sealer, {name: data for name, data in given.items() if name != gone})
    assert look(made, trusted).verdict == INVALID


def test_signatures_that_changed_places_are_found(
    sealed: bytes, trusted: Trust, sealer: Sealer
) -> None:
    given = parts(sealed)
    for begins in (seals.SIGNATURE, seals.OCSP):
        one, two = (name for name in given if name.startswith(begins))
        given[one], given[two] = given[two], given[one]
    report = look(resealed(sealer, given), trusted)
    assert len(wrong(report)) == 2
    assert report.signed == []


def changed_log(sealed: bytes, change: str) -> bytes:
    log = json.loads(parts(sealed)[seals.LOG])
    if change == "cut":
        log = log[:-1]
    elif change == "edited":
        log[2]["actor"] = "somebody else"
    elif change == "taken out":
        del log[3]
    else:
        log = rewritten(log)
    return events.canonical(log)


def rewritten(log: list[dict[str, object]]) -> list[dict[str, object]]:
    """A log with an event that is another, and all hashes computed anew."""
    before = events.BEGINNING
    log[2]["actor"] = "somebody else"
    for one in log:
        one["previous_sha256"] = before
        values = {name: value for name, value in one.items() if name != "sha256"}
        before = one["sha256"] = events._hash(values)
    return log


@pytest.mark.parametrize("change", ["cut", "edited", "taken out", "rewritten"])
def test_a_changed_log_is_found(change: str, sealed: bytes, trusted: Trust, sealer: Sealer) -> None:
    given = {**parts(sealed), seals.LOG: changed_log(sealed, change)}
    assert look(resealed(sealer, given), trusted).verdict == INVALID


def test_signatures_that_are_not_of_bankid_are_found(sealed: bytes, trusted: Trust) -> None:
    own = replace(trusted, bankid_roots=(BankID().root.certificate,))
    assert wrong(look(sealed, own)) == ["A signature does not hold: it is not of BankID."] * 2


def test_a_page_that_was_changed_before_sealing_is_found(
    sealed: bytes, trusted: Trust, sealer: Sealer
) -> None:
    changed = with_revision(a_pdf(), "page")
    made = resealed(sealer, parts(sealed), document=changed)
    assert wrong(look(made, trusted)) == ["The pages were changed before the file was sealed."]


# What people may bring.


def locked() -> bytes:
    writer, out = pypdf.PdfWriter(clone_from=io.BytesIO(a_pdf())), io.BytesIO()
    writer.encrypt("secret")
    writer.write(out)
    return out.getvalue()


def with_pages(count: int) -> bytes:
    writer, out = pypdf.PdfWriter(), io.BytesIO()
    for _ in range(count):
        writer.add_blank_page(595, 842)
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "This is not a PDF."),
        (b"PK\3\4 a letter in Word", "This is not a PDF."),
        (b"%PDF-1.7\n" + b"\xff" * 500, "The PDF is broken and cannot be read."),
        (b"%PDF-1.7\n" + zlib.compress(b"x" * 50) * 20, "The PDF is broken and cannot be read."),
        (a_pdf() + b"<" + b"0" * 9_000_000 + b">", "The PDF is broken and cannot be read."),
        (a_pdf()[:-60], "The PDF is broken and cannot be read."),
        (a_pdf(), "There is no seal in the file."),
        (with_pages(500), "There is no seal in the file."),
    ],
)
def test_what_is_not_a_sealed_file_is_told(data: bytes, told: str, trusted: Trust) -> None:
    assert wrong(look(data, trusted)) == [told]


def test_a_locked_file_is_told(trusted: Trust) -> None:
    assert "locked with a password" in wrong(look(locked(), trusted))[0]


def test_a_signature_of_somebody_is_no_seal_of_ours(sealer: Sealer, trusted: Trust) -> None:
    other = replace(trusted, seals=())
    assert "is not ours" in wrong(look(signed_by_somebody(a_pdf(), sealer), other))[0]


def test_a_document_that_came_with_a_signature_is_valid_and_says_so(
    creditor: Creditor, trusted: Trust
) -> None:
    with timestamp_of_somebody() as other:
        signed = signed_by_somebody(a_pdf(), other)
    given = replace(a_file(data=signed), has_signatures=True)
    report = look(a_sealed(creditor, files=(given,)), trusted)
    assert (report.verdict, wrong(report)) == (VALID, [])
    assert any(one.status == verifying.NOTE for one in report.findings)


class timestamp_of_somebody:  # noqa: N801 - read as a phrase
    """A sealer with a key and an authority that nobody trusts."""

    def __enter__(self) -> Sealer:
        self.running = timestamp.start(None)
        return sealer_with(self.running)

    def __exit__(self, *_: object) -> None:
        self.running.stop()


def sealer_with(running: timestamp.Running, moment: datetime | None = None) -> Sealer:
    made = running.certificates
    key = made.seal.key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Sealer(
        keys.PrivateKeyInfo.load(key), asn1(made.seal), [asn1(made.authority)], [asn1(made.root)],
        running.timestamp_url, moment,
    )  # fmt: skip


def asn1(one: Authority) -> asn1_x509.Certificate:
    der = one.certificate.public_bytes(serialization.Encoding.DER)
    return asn1_x509.Certificate.load(der)


# Years later.


@pytest.fixture
def long_ago() -> Iterator[timestamp.Running]:
    running = timestamp.start(None, now=lambda: THEN)
    yield running
    running.stop()


def an_old_one(creditor: Creditor, long_ago: timestamp.Running) -> tuple[bytes, Trust]:
    """A file that was sealed in 2016, and whom one trusts who knows the authorities of then."""
    people = BankID(THEN)
    made = long_ago.certificates
    trusted = Trust(
        (asn1(made.seal),), (asn1(made.root),), (asn1(made.root),), (people.root.certificate,)
    )
    envelope = a_signed_envelope(creditor, people=people, at=THEN - timedelta(minutes=5))
    sealing.seal(envelope, now=THEN, sealer=sealer_with(long_ago, THEN), trusted=trusted)
    (file,) = envelopes.files_of(envelope)
    assert file.sealed_sha256 is not None
    return files.read(file.sealed_sha256), trusted


def test_a_file_whose_seal_has_expired_long_ago_is_valid(
    creditor: Creditor, long_ago: timestamp.Running
) -> None:
    data, trusted = an_old_one(creditor, long_ago)
    in_2024 = datetime(2024, 1, 1, tzinfo=UTC)
    assert trusted.seals[0].not_valid_after < in_2024
    report = look(data, trusted, in_2024)
    assert (report.verdict, wrong(report)) == (VALID, [])


def test_a_file_whose_timestamp_has_expired_is_never_called_valid(
    creditor: Creditor, long_ago: timestamp.Running
) -> None:
    data, trusted = an_old_one(creditor, long_ago)
    report = look(data, trusted)
    assert (report.verdict, wrong(report)) == (INCOMPLETE, [])
    assert any("ended on 2026" in one.message.message % one.message.values
               for one in report.findings if one.status == verifying.UNCHECKED)  # fmt: skip


def test_a_file_that_was_renewed_in_time_is_valid_after_its_first_timestamp_has_expired(
    creditor: Creditor, long_ago: timestamp.Running, settings: Settings
) -> None:
    data, trusted = an_old_one(creditor, long_ago)
    in_2025 = datetime(2025, 3, 1, 12, tzinfo=UTC)
    long_ago.answering.now = lambda: in_2025
    newer = timestamp.start(None, now=lambda: in_2025)
    try:
        old, new = sealer_with(long_ago), sealer_with(newer)
        both = replace(
            old, moment=in_2025, timestamp_url=newer.timestamp_url,
            chain=[*old.chain, *new.chain], roots=[*old.roots, *new.roots],
        )  # fmt: skip
        renewed = seals.renew(data, both)
    finally:
        newer.stop()
    trusted = replace(trusted, timestamp_roots=(*trusted.timestamp_roots, *new.roots))
    report = look(renewed, trusted)
    assert (report.verdict, wrong(report)) == (VALID, [])


def test_the_test_s_own_people_are_of_today(trusted: Trust) -> None:
    assert trusted.bankid_roots == (bankid().root.certificate,)
