"""What was found of a sealed file, as JSON and as PDF, to be kept by whoever asked."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from portal import clock
from portal.config import Settings
from portal.delivery import letters
from portal.messages import N_, Problem
from portal.signing.evidence import moment
from portal.signing.verifying import Finding, Report, Signed, sentences

VERDICTS = {
    "valid": N_("The file is unchanged, and all signatures in it hold"),
    "invalid": N_("Do not trust this file"),
    "incomplete": N_("Not all of it could be checked"),
}


def as_json(report: Report) -> dict[str, Any]:
    """The report as JSON values; `text` of a finding is English."""
    return {
        "verdict": report.verdict,
        "sha256": report.sha256,
        "size": report.size,
        "verified_at": report.verified_at.isoformat(),
        "sealed_at": report.sealed_at.isoformat() if report.sealed_at else None,
        "proven_until": report.proven_until.isoformat() if report.proven_until else None,
        "title": report.title,
        "company": report.company,
        "document": report.document,
        "signed": [
            {**asdict(one), "signed_at": one.signed_at.isoformat()} for one in report.signed
        ],
        "findings": [
            {
                "check": one.check,
                "status": one.status,
                "text": one.message.message % one.message.as_json()["values"],
                "message": one.message.as_json(),
            }
            for _, one in sentences(report)
        ],
    }


def from_json(told: Mapping[str, Any]) -> Report:
    """The report again, as `as_json` wrote it."""
    return Report(
        told["sha256"],
        told["size"],
        datetime.fromisoformat(told["verified_at"]),
        [
            Finding(one["check"], one["status"], Problem.from_json(one["message"]))
            for one in told["findings"]
        ],
        told["title"],
        told["company"],
        told["document"],
        _instant(told["sealed_at"]),
        _instant(told["proven_until"]),
        [
            Signed(one["name"], one["number"], one["role"],
                   datetime.fromisoformat(one["signed_at"]))
            for one in told["signed"]
        ],
    )  # fmt: skip


def _instant(told: str | None) -> datetime | None:
    return datetime.fromisoformat(told) if told else None


def render_pdf(report: Report, *, language: str, settings: Settings) -> bytes:
    """The report as PDF. language: sv; any other is English."""
    content = {
        "heading": N_("Verification of a sealed file"),
        "title": report.document or report.sha256[:16],
        "verdict": VERDICTS[report.verdict],
        "report": report,
        "sentences": list(sentences(report)),
        "verified_at": moment(report.verified_at),
        "made_on": clock.day_of(report.verified_at).isoformat(),
        "address": f"{settings.base_url}/verify",
    }
    reader = "sv" if language == "sv" else "en"
    return letters.render_verification(content, language=reader, settings=settings)
