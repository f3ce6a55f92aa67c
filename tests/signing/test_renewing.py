"""Seals are renewed before what proves them ends."""

from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from portal import clock, jobs
from portal.config import Settings
from portal.database import files
from portal.database.server import Urls
from portal.extensions import db
from portal.identity.models import Creditor
from portal.signing import envelopes, events, renewing, sealing
from portal.signing.models import Envelope
from portal.signing.seals import SealFailed
from portal.signing.trust import sealer_of, trust_of
from simulators import certificates, timestamp
from tests.conftest import settings_of
from tests.factories import a_creditor
from tests.signing.sealed import a_signed_envelope, trusting


@pytest.fixture
def settings(
    database_urls: Urls, tmp_path: Path, seal_folder: Path, timestamps: timestamp.Running
) -> Settings:
    return trusting(settings_of(database_urls, tmp_path), seal_folder, timestamps)


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    return a_creditor("Norrsken Energi AB")


@pytest.fixture
def envelope(creditor: Creditor) -> Envelope:
    """One that is sealed, and whose renewal is due."""
    made = a_signed_envelope(creditor)
    sealing.seal(made, now=clock.now())
    made.renew_on = clock.today()
    db.session.commit()
    return made


def file_of(envelope: Envelope) -> bytes:
    (file,) = envelopes.files_of(envelope)
    return files.read(file.sealed_sha256 or "")


def renew(envelope: Envelope) -> bool:
    return renewing.renew(envelope, today=clock.today(), now=clock.now())


@pytest.fixture
def newer(timestamps: timestamp.Running) -> None:
    """The authority stamps with a certificate that ends later."""
    made = timestamps.certificates
    later = certificates.issue_timestamper(
        made.authority, f"{timestamps.server.url}/ocsp", lifetime=timedelta(days=5_000)
    )
    timestamps.stamp_with(later)
    yield
    timestamps.stamp_with(made.timestamp)


def test_a_seal_that_is_due_gets_another_timestamp(envelope: Envelope, newer: None) -> None:
    before = file_of(envelope)
    assert renew(envelope)
    after = file_of(envelope)
    assert after.startswith(before)
    assert len(after) > len(before)


def test_the_log_tells_of_it(envelope: Envelope, newer: None) -> None:
    renew(envelope)
    assert events.log_of(envelope)[-1]["event"] == "renewed"


def test_it_is_not_due_again_for_years(envelope: Envelope, newer: None) -> None:
    renew(envelope)
    assert envelope.renew_on > clock.today() + timedelta(days=365)
    assert not renew(envelope)


def test_an_authority_without_a_newer_certificate_is_asked_again_in_a_week(
    envelope: Envelope,
) -> None:
    before = file_of(envelope)
    assert not renew(envelope)
    assert file_of(envelope) == before
    assert envelope.renew_on == clock.today() + timedelta(days=7)


def test_a_file_that_has_changed_is_not_stamped(envelope: Envelope, newer: None) -> None:
    (file,) = envelopes.files_of(envelope)
    file.sealed_sha256 = files.store(file_of(envelope)[:-1])
    db.session.flush()
    with pytest.raises(SealFailed):
        renew(envelope)


def test_the_job_renews_what_is_due(envelope: Envelope, newer: None) -> None:
    before = file_of(envelope)
    jobs.renew_seals()
    assert len(file_of(envelope)) > len(before)


def test_the_job_seals_what_all_have_signed(creditor: Creditor) -> None:
    made = a_signed_envelope(creditor)
    jobs.seal_envelopes()
    assert made.sealed_at is not None


def test_one_that_cannot_be_sealed_does_not_hold_up_the_others(creditor: Creditor) -> None:
    broken, whole = a_signed_envelope(creditor), a_signed_envelope(creditor)
    (file,) = envelopes.files_of(broken)
    file.sha256 = "0" * 64
    db.session.commit()
    with pytest.raises(files.FileDamaged):
        jobs.seal_envelopes()
    assert (broken.sealed_at is None, whole.sealed_at is not None) == (True, True)


def test_what_is_sealed_with_and_trusted_are_of_the_settings(settings: Settings) -> None:
    ours = [one.dump() for one in trust_of(settings).seals]
    assert ours == [sealer_of(settings).certificate.dump()]
