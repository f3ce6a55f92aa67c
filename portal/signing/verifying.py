"""Verify any sealed PDF from its bytes alone: no database is asked.

What is looked at, in this order, is CHECKS; each check is one sentence. A file is valid only when
all of it was looked at and is good: what could not be looked at is told, with the reason.
"""

import asyncio
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import (
    DocumentSecurityStore,
    EmbeddedPdfSignature,
    async_validate_pdf_signature,
    async_validate_pdf_timestamp,
)
from pyhanko_certvalidator import ValidationContext

from portal.messages import N_, Problem
from portal.signing import bankid_signature, events, revisions, seals, signed_text
from portal.signing.revisions import Changed, end_of, is_timestamp
from portal.signing.trust import Trust

GOOD, BAD, UNCHECKED, NOTE = "good", "bad", "unchecked", "note"
VALID, INVALID, INCOMPLETE = "valid", "invalid", "incomplete"
CHECKS = {
    "pdf": N_("The file"),
    "seal": N_("The seal"),
    "unchanged": N_("Unchanged since it was sealed"),
    "timestamp": N_("The time"),
    "certificate": N_("The seal's certificate"),
    "files": N_("The evidence in the file"),
    "document": N_("The pages that were signed"),
    "log": N_("The log"),
    "signer": N_("Who signed"),
}
# BankID signs within its order's three minutes; clocks differ.
_CLOCKS_DIFFER = timedelta(minutes=2)
_LONGEST_ORDER = timedelta(minutes=10)
# Longer than any signature; read sign by sign, it would keep a server busy for minutes.
_ENDLESS = re.compile(rb"<[0-9A-Fa-f\s]{1000000}")
_NOT_REACHED = N_("Not looked at, because of what was found before.")
_TAKES_TOO_MUCH = N_(
    "It takes more time or memory to look through it than we give to one file. Our sealed files do"
    " not: ask whoever gave it to you for the file as it was sent to them."
)


@dataclass(frozen=True)
class Finding:
    """What one check found. status: good, bad, unchecked, or a note that decides nothing."""

    check: str
    status: str
    message: Problem


@dataclass(frozen=True)
class Signed:
    """Who signed, as BankID proves it. number: of identity, its last four digits hidden."""

    name: str
    number: str
    role: str
    signed_at: datetime


@dataclass
class Report:
    """What was found of a file. sha256: its own. sealed_at: by the timestamp, UTC.

    title, company, document: of the envelope, its sender and this file, as they were signed.
    proven_until: when the newest timestamp's certificate ends.
    """

    sha256: str
    size: int
    verified_at: datetime
    findings: list[Finding] = field(default_factory=list)
    title: str | None = None
    company: str | None = None
    document: str | None = None
    sealed_at: datetime | None = None
    proven_until: datetime | None = None
    signed: list[Signed] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """valid, invalid, or incomplete when a part could not be looked at."""
        statuses = {one.status for one in self.findings}
        if BAD in statuses:
            return INVALID
        return INCOMPLETE if UNCHECKED in statuses or not statuses else VALID


class _Stop(Exception):
    """Nothing that comes after this can be looked at."""


def verify(data: bytes, trust: Trust, *, now: datetime) -> Report:
    """Look at a file in every respect that CHECKS names. now: aware, whose certificates count."""
    report = Report(hashlib.sha256(data).hexdigest(), len(data), now)
    try:
        _Looking(data, trust, now, report).look()
    except _Stop:
        reached = {one.check for one in report.findings}
        report.findings += [
            Finding(check, UNCHECKED, Problem(_NOT_REACHED))
            for check in CHECKS
            if check not in reached
        ]
    return report


def gave_up(data: bytes, *, now: datetime) -> Report:
    """The report on a file that takes too much time or memory to be looked at."""
    rest = [Finding(check, UNCHECKED, Problem(_NOT_REACHED)) for check in CHECKS if check != "pdf"]
    pdf = Finding("pdf", UNCHECKED, Problem(_TAKES_TOO_MUCH))
    return Report(hashlib.sha256(data).hexdigest(), len(data), now, [pdf, *rest])


@dataclass
class _Looking:
    """One file that is looked at."""

    data: bytes
    trust: Trust
    now: datetime
    report: Report

    def look(self) -> None:
        reader = self._open()
        try:
            signatures = list(reader.embedded_signatures)
            seal = self._seal(signatures)
        except _Stop:
            raise
        except Exception as error:
            self._stop("seal", N_("The signatures in the file cannot be read."), error)
        known = self._unchanged(reader, signatures, seal)
        if known is None:
            return
        timestamps = [one for one in signatures if is_timestamp(one) and _is_after(one, seal)]
        self._times(timestamps, known)
        self._certificate(seal, timestamps, known)
        self._earlier([one for one in signatures if not _is_after(one, seal)], seal)
        evidence = self._evidence(reader, seal)
        log = self._log(evidence)
        self._signers(evidence, log)

    def _say(self, check: str, status: str, message: str, **values: object) -> None:
        self.report.findings.append(Finding(check, status, Problem(message, values)))

    def _stop(
        self, check: str, message: str, error: Exception | None = None, **values: object
    ) -> Any:
        if isinstance(error, MemoryError):
            # It says nothing of the file.
            raise error
        self._say(check, BAD, message, **values)
        raise _Stop from error

    def _open(self) -> PdfFileReader:
        if not self.data.startswith(b"%PDF-"):
            self._stop("pdf", N_("This is not a PDF."))
        if _ENDLESS.search(self.data):
            self._stop("pdf", N_("The PDF is broken and cannot be read."))
        try:
            reader = seals.open_pdf(self.data)
            is_locked = reader.encrypted
        except Exception as error:
            self._stop("pdf", N_("The PDF is broken and cannot be read."), error)
        if is_locked:
            self._stop(
                "pdf", N_("The PDF is locked with a password, which sealed files never are.")
            )
        self._say("pdf", GOOD, N_("The file is a PDF that can be read."))
        return reader

    def _seal(self, signatures: Sequence[EmbeddedPdfSignature]) -> EmbeddedPdfSignature:
        ours = {one.dump() for one in self.trust.seals}
        regular = [one for one in signatures if not is_timestamp(one)]
        found = [one for one in regular if one.signer_cert.dump() in ours]
        if found:
            seal = found[-1]
            self._say("seal", GOOD, N_("It carries the seal of %(name)s."), name=_name(seal))
            return seal
        if not regular:
            self._stop("seal", N_("There is no seal in the file."))
        self._stop(
            "seal",
            N_("The seal in the file is not ours. It says that it is of %(name)s."),
            name=_name(regular[-1]),
        )
        raise AssertionError

    def _unchanged(
        self,
        reader: PdfFileReader,
        signatures: Sequence[EmbeddedPdfSignature],
        seal: EmbeddedPdfSignature,
    ) -> "_Known | None":
        try:
            known = _Known.of(reader)
            trusted = [*self.trust.timestamp_roots, *self.trust.seal_roots]
            certificates = {one.dump() for one in (*known.certificates, *trusted)}
            revisions.require_unchanged(self.data, signatures, seal, certificates)
            seal.compute_integrity_info()
            if not seal.summarise_integrity_info()["docmdp_ok"]:
                raise Changed("added")
        except Changed as changed:
            self._stop("unchanged", _CHANGED[changed.part], changed)
        except Exception as error:
            self._stop("unchanged", _CHANGED["after"], error)
        self._say(
            "unchanged", GOOD, N_("Not one byte of it has changed since, and nothing was added.")
        )
        return known

    def _times(self, timestamps: Sequence[EmbeddedPdfSignature], known: "_Known") -> None:
        """Each timestamp by the next one's time, the newest one by its own."""
        stamped = [_time_of(one) for one in timestamps]
        for one, moment in zip(timestamps, [*stamped[1:], stamped[-1]], strict=True):
            context = known.context(self.trust.timestamp_roots, moment)
            try:
                status = asyncio.run(_timestamp_status(one, context))
                holds = status.intact and status.valid and status.trusted
            except Exception:
                holds = False
            if not holds:
                self._say(
                    "timestamp",
                    BAD,
                    N_("The timestamp of %(time)s is of nobody whom we trust."),
                    time=_minute(_time_of(one)),
                )
                return
        self.report.sealed_at = stamped[0]
        ends: datetime = timestamps[-1].signer_cert.not_valid_after
        self.report.proven_until = ends
        if ends <= self.now:
            self._say(
                "timestamp",
                UNCHECKED,
                N_("Sealed at %(time)s, but the certificate of its newest timestamp ended on"
                   " %(day)s. Whether it was withdrawn before that cannot be looked at any more."),
                time=_minute(stamped[0]),
                day=ends.date(),
            )  # fmt: skip
            return
        self._say(
            "timestamp",
            GOOD,
            N_("Sealed at %(time)s, by the clock of %(name)s."),
            time=_minute(stamped[0]),
            name=_name(timestamps[0]),
        )

    def _certificate(
        self,
        seal: EmbeddedPdfSignature,
        timestamps: Sequence[EmbeddedPdfSignature],
        known: "_Known",
    ) -> None:
        moment = _time_of(timestamps[0])
        try:
            status = asyncio.run(
                _seal_status(
                    seal,
                    known.context(self.trust.seal_roots, moment),
                    known.context(self.trust.timestamp_roots, moment),
                )
            )
            stamped = status.timestamp_validity
            holds = status.intact and status.valid and status.trusted
            holds = holds and stamped is not None and stamped.valid and stamped.trusted
        except Exception:
            holds = False
        if holds:
            self._say("certificate", GOOD, N_("It was valid when the file was sealed."))
        else:
            self._say(
                "certificate",
                BAD,
                N_("It was not valid when the file was sealed, or nothing shows that it was."),
            )

    def _earlier(
        self, signatures: Sequence[EmbeddedPdfSignature], seal: EmbeddedPdfSignature
    ) -> None:
        earlier = [one for one in signatures if one is not seal]
        if not earlier:
            return
        for one in earlier:
            one.compute_integrity_info()
            if not one.summarise_integrity_info()["docmdp_ok"]:
                self._say("unchanged", BAD, N_("A signature that it came with no longer holds."))
                return
        self._say(
            "unchanged",
            NOTE,
            N_("It came with signatures of others, which are untouched. Whose they are is not"
               " looked at here."),
        )  # fmt: skip

    def _evidence(self, reader: PdfFileReader, seal: EmbeddedPdfSignature) -> "_Evidence":
        covered = self.data[: end_of(seal)]
        try:
            files = seals.files_in(seals.open_pdf(covered))
            if sorted(files) != sorted(seals.files_in(reader)):
                self._stop("files", N_("A file in it is not covered by the seal."))
            evidence = _Evidence.of(files, self.data)
        except _Stop:
            raise
        except Exception as error:
            self._stop("files", N_("A part of the evidence is missing or cannot be read."), error)
        missing = evidence.missing()
        if missing:
            self._stop(
                "files",
                N_("What was signed is not all here: %(name)s is missing."),
                name=missing[0],
            )
        self._say("files", GOOD, N_("All of it is there, and the seal covers it."))
        self._document(evidence, covered)
        return evidence

    def _document(self, evidence: "_Evidence", covered: bytes) -> None:
        file = evidence.document
        if file is None:
            self._stop(
                "document", N_("The pages are not those of a document that the evidence names.")
            )
            raise AssertionError
        try:
            revisions.require_pages(self.data[: file["size"]], covered)
        except Exception as error:
            self._stop("document", N_("The pages were changed before the file was sealed."), error)
        manifest = evidence.manifest
        self.report.title, self.report.company = manifest["title"], manifest["company"]
        self.report.document = file["name"]
        self._say(
            "document",
            GOOD,
            N_("The file begins with %(name)s as it was signed, byte for byte: SHA-256 %(hash)s."),
            name=file["name"],
            hash=signed_text.in_fours(file["sha256"]),
        )
        others = [
            one["name"] for one in manifest["files"]
            if one["role"] == "document" and one["key"] != file["key"]
        ]  # fmt: skip
        if others:
            self._say(
                "document",
                NOTE,
                N_("Signed together with it, each in a file of its own: %(names)s."),
                names=", ".join(others),
            )

    def _log(self, evidence: "_Evidence") -> Sequence[Mapping[str, Any]]:
        try:
            log = events.verify(evidence.log)
            is_whole = _is_whole(log, evidence)
        except Exception:
            is_whole = False
        if not is_whole:
            self._stop("log", N_("The log of what happened has been changed or cut."))
        self._say(
            "log",
            GOOD,
            N_("The log is whole, from %(first)s until it was sealed."),
            first=_minute(_at(log[0])),
        )
        return log

    def _signers(self, evidence: "_Evidence", log: Sequence[Mapping[str, Any]]) -> None:
        signed = [one for one in log if one["event"] == "signed"]
        keys = [str(one["signer"]) for one in signed]
        if not keys or sorted(keys) != sorted(evidence.signatures):
            self._say(
                "signer", BAD, N_("The signatures in it are not those that the log tells of.")
            )
            return
        for event in signed:
            try:
                found = _verified(event, evidence, log, self.trust)
            except bankid_signature.SignatureRejected as rejected:
                self._say(
                    "signer",
                    BAD,
                    N_("A signature does not hold: %(reason)s."),
                    reason=_REASONS.get(rejected.check, _REASONS["document"]),
                    signer=event["signer"],
                )
                continue
            sealed_at = self.report.sealed_at
            if sealed_at is not None and found.signed_at > sealed_at + _CLOCKS_DIFFER:
                self._say("signer", BAD, N_("A signature is younger than the seal."))
                continue
            self.report.signed.append(found)
            self._say("signer", GOOD, _SIGNED[found.role], name=found.name, number=found.number,
                      time=_minute(found.signed_at))  # fmt: skip


_CHANGED = {
    "sealed": N_(
        "It has been changed since it was sealed: the pages, the evidence or the seal itself."
    ),
    "after": N_(
        "It has been changed since it was sealed: behind the seal, where certificates and"
        " timestamps lie."
    ),
    "added": N_("Something has been added to it since it was sealed."),
    "cut": N_("Its end is missing, where the timestamp lies."),
    "pages": N_("The pages were changed before the file was sealed."),
}
_SIGNED = {
    "signs": N_("%(name)s (%(number)s) signed it with BankID at %(time)s."),
    "approves": N_("%(name)s (%(number)s) approved it with BankID at %(time)s."),
}
_REASONS = {
    "document": N_("it is damaged"),
    "signature": N_("it does not match what it signs"),
    "content": N_("it is on something else"),
    "function": N_("it was made for something else"),
    "person": N_("it is of somebody else"),
    "time": N_("it is not from the time that the log tells"),
    "chain": N_("it is not of BankID"),
    **dict.fromkeys(
        (
            *("ocsp", "ocsp status", "ocsp certificate", "ocsp signature", "ocsp responder"),
            "ocsp nonce",
        ),
        N_("nothing shows that the person's certificate was valid then"),
    ),
}


@dataclass(frozen=True)
class _Known:
    """What a file carries to show that certificates were good: its document security store."""

    store: DocumentSecurityStore
    certificates: tuple[x509.Certificate, ...]

    @classmethod
    def of(cls, reader: PdfFileReader) -> "_Known":
        store = DocumentSecurityStore.read_dss(reader)
        return cls(store, tuple(store.load_certs()))

    def context(self, roots: Sequence[x509.Certificate], moment: datetime) -> ValidationContext:
        """To look at certificates as they were at a moment, by what is in the file alone."""
        return self.store.as_validation_context(
            {
                "trust_roots": list(roots),
                "moment": moment,
                "allow_fetching": False,
                "revocation_mode": "hard-fail",
            }
        )


async def _timestamp_status(one: EmbeddedPdfSignature, context: ValidationContext) -> Any:
    # What was added after it is looked at once, from the seal on.
    return await async_validate_pdf_timestamp(one, context, skip_diff=True)


async def _seal_status(
    seal: EmbeddedPdfSignature, context: ValidationContext, timestamps: ValidationContext
) -> Any:
    return await async_validate_pdf_signature(seal, context, timestamps, skip_diff=True)


@dataclass(frozen=True)
class _Evidence:
    """What is in the file to prove who signed what.

    files: hashes of all in it. document: of the manifest's documents, the one that the sealed file
    begins with. signatures: XML and OCSP response by the signer's key.
    """

    manifest: Mapping[str, Any]
    manifest_sha256: str
    document: Mapping[str, Any] | None
    log: list[Mapping[str, Any]]
    signatures: Mapping[str, tuple[bytes, bytes]]
    hashes: frozenset[str]

    @classmethod
    def of(cls, files: Sequence[tuple[str, bytes]], data: bytes) -> "_Evidence":
        """Raises ValueError, KeyError and TypeError when something is missing or unreadable."""
        given = _given(files, data)
        manifest = json.loads(given[seals.MANIFEST])
        if events.canonical(manifest) != given[seals.MANIFEST]:
            raise ValueError("the manifest is not written as it was signed")
        keys = [
            name.removeprefix(seals.SIGNATURE).removesuffix(".xml")
            for name in given
            if name.startswith(seals.SIGNATURE)
        ]
        return cls(
            manifest,
            hashlib.sha256(given[seals.MANIFEST]).hexdigest(),
            _begins_with(data, manifest),
            json.loads(given[seals.LOG]),
            {
                key: (given[f"{seals.SIGNATURE}{key}.xml"], given[f"{seals.OCSP}{key}.der"])
                for key in keys
            },
            frozenset(hashlib.sha256(one).hexdigest() for one in given.values()),
        )

    def missing(self) -> list[str]:
        """Names of attachments that were signed and are not in the file."""
        return [
            one["name"]
            for one in self.manifest["files"]
            if one["role"] == "attachment" and one["sha256"] not in self.hashes
        ]


def _given(files: Sequence[tuple[str, bytes]], data: bytes) -> dict[str, bytes]:
    """The files that sealing put in, by name; not those that the document had itself."""
    manifest = next(one for name, one in reversed(files) if name == seals.MANIFEST)
    document = _begins_with(data, json.loads(manifest))
    own = seals.files_in(seals.open_pdf(data[: document["size"]])) if document else []
    given = [one for one in files if one not in own]
    if len({name for name, _ in given}) != len(given):
        raise ValueError("two files have one name")
    return dict(given)


def _begins_with(data: bytes, manifest: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The manifest's document that a file begins with; the longest, where one begins another."""
    documents = [one for one in manifest["files"] if one["role"] == "document"]
    for one in sorted(documents, key=lambda one: -int(one["size"])):
        if hashlib.sha256(data[: one["size"]]).hexdigest() == one["sha256"]:
            return dict(one)
    return None


def _is_whole(log: Sequence[Mapping[str, Any]], evidence: _Evidence) -> bool:
    names = [one["event"] for one in log]
    sent = [one["data"].get("manifest_sha256") for one in log if one["event"] == "sent"]
    return (
        names[:1] == ["created"]
        and names[-1:] == ["sealed"]
        and "completed" in names
        and sent[-1:] == [evidence.manifest_sha256]
        and all(one["envelope"] == evidence.manifest["envelope"] for one in log)
    )


def _verified(
    event: Mapping[str, Any],
    evidence: _Evidence,
    log: Sequence[Mapping[str, Any]],
    trust: Trust,
) -> Signed:
    """Who made the signature that an event of the log tells of. Raises SignatureRejected."""
    xml, ocsp = evidence.signatures[event["signer"]]
    if event["data"].get("xml_sha256") != hashlib.sha256(xml).hexdigest():
        raise bankid_signature.SignatureRejected("signature", "it is not the one of the log")
    visible, hidden = bankid_signature.told(xml)
    try:
        asked = _asked(hidden, evidence.manifest["envelope"])
        started_at = datetime.fromisoformat(signed_text.read(hidden)["started_at"])
        ends_at = min(_at(event), started_at + _LONGEST_ORDER) + _CLOCKS_DIFFER
    except (ValueError, KeyError, TypeError) as error:
        raise bankid_signature.SignatureRejected("content", "it is on something else") from error
    verified = bankid_signature.verify(
        xml,
        ocsp,
        roots=list(trust.bankid_roots),
        expected_visible=visible,
        expected_non_visible=hidden,
        expected_personal_number=None,
        signed_between=(started_at - _CLOCKS_DIFFER, ends_at),
    )
    before = {one["sha256"] for one in log if one["number"] < event["number"]}
    shown = visible.decode()
    files = [
        {name: one[name] for name in ("name", "role", "size", "sha256")}
        for one in evidence.manifest["files"]
    ]
    if not (
        asked["signer"] == event["signer"]
        and asked["version"] == evidence.manifest["version"]
        and asked["manifest_sha256"] == evidence.manifest_sha256
        and asked["files"] == files
        and asked["previous_sha256"] in before
        and asked["role"] in _SIGNED
        and all(signed_text.in_fours(one["sha256"]) in shown for one in files)
    ):
        raise bankid_signature.SignatureRejected("content", "it is on something else")
    number = f"{verified.personal_number[:8]}-****"
    return Signed(verified.name, number, asked["role"], verified.signed_at)


def _asked(hidden: bytes, envelope: str) -> Mapping[str, Any]:
    asked: Mapping[str, Any]
    (asked,) = (
        one for one in signed_text.read(hidden)["envelopes"] if one["envelope"] == envelope
    )  # fmt: skip
    return asked


def _is_after(one: EmbeddedPdfSignature, seal: EmbeddedPdfSignature) -> bool:
    return bool(one.signed_revision > seal.signed_revision)


def _time_of(timestamp: EmbeddedPdfSignature) -> datetime:
    content = timestamp.signed_data["encap_content_info"]["content"].parsed
    told: datetime = content["gen_time"].native
    return told.astimezone(UTC)


def _at(event: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(event["at"])


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _name(signature: EmbeddedPdfSignature) -> str:
    subject: Mapping[str, str] = signature.signer_cert.subject.native
    return subject.get("common_name") or subject.get("organization_name") or "?"


def sentences(report: Report) -> Iterator[tuple[str, Finding]]:
    """Each check's name with what it found, in the order of CHECKS."""
    order = list(CHECKS)
    for one in sorted(report.findings, key=lambda one: order.index(one.check)):
        yield CHECKS[one.check], one
