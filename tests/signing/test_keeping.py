"""How long documents are kept: by rule, by hold, and that little is left when they are deleted."""

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from portal import jobs
from portal.database import files, stores, tenancy
from portal.extensions import db
from portal.identity.actor import Actor
from portal.identity.models import Creditor
from portal.law import keeping as law
from portal.messages import RedaError
from portal.notifications.models import Notification
from portal.signing import envelopes, events, keeping, log_checks
from portal.signing.models import (
    DeletedEnvelope,
    Envelope,
    EnvelopeEvent,
    EnvelopeFile,
    EnvelopeSignature,
    Signer,
)
from tests import factories
from tests.factories import EVA, NOW, TODAY, a_person_at, a_reminded_case
from tests.signing.envelopes import SENDER, an_envelope

ADMINISTRATOR = Actor("person", "Eva Berg", role="creditor")
IN_TWO_WEEKS = timedelta(days=14)
PARTS = (EnvelopeFile, Signer, EnvelopeSignature, EnvelopeEvent)


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    return factories.a_creditor("One")


def ended(creditor: Creditor, **values: object) -> Envelope:
    """An envelope that has ended today."""
    envelope = an_envelope(creditor, **values)  # type: ignore[arg-type]
    signer = envelopes.signers_of(envelope)[0]
    db.session.add(
        EnvelopeSignature(
            creditor_id=creditor.id, envelope_id=envelope.id, signer_id=signer.id, order_ref="o",
            name="Eva Berg", identity_number=EVA, xml_sha256=files.store(b"<xml/>"),
            ocsp_sha256=files.store(b"ocsp"), started_ip="", device="", signed_at=NOW,
            verified_at=NOW,
        )
    )  # fmt: skip
    envelopes.withdraw(envelope, "", actor=SENDER, now=NOW)
    db.session.commit()
    return envelope


def test_the_day_of_its_deletion_is_known_once_it_was_told(creditor: Creditor) -> None:
    kept_for(creditor, 0)
    envelope = ended(creditor)
    with tenancy.service():
        assert keeping.deletion_day(envelope, today=TODAY) is None
        keeping.tell(today=TODAY, now=NOW)
        assert keeping.deletion_day(envelope, today=TODAY) == TODAY + IN_TWO_WEEKS
        keeping.hold(envelope, "A dispute", actor=ADMINISTRATOR, now=NOW)
        assert keeping.deletion_day(envelope, today=TODAY) is None


def kept_for(creditor: Creditor, years: int | None, kind: str = "document") -> None:
    keeping.save(creditor.id, {kind: years}, actor=ADMINISTRATOR, now=NOW)
    db.session.commit()


def run(day: date) -> None:
    """What the job does on a day."""
    at = NOW + (day - TODAY)
    keeping.tell(today=day, now=at)
    for envelope_id in keeping.due(day):
        keeping.delete_due(db.session.get_one(Envelope, envelope_id), today=day, now=at)
    db.session.commit()


def is_there(envelope_id: int) -> bool:
    return db.session.scalar(select(Envelope.id).where(Envelope.id == envelope_id)) is not None


def day_after(envelope: Envelope) -> date:
    assert envelope.keep_until_on is not None
    return envelope.keep_until_on + timedelta(days=1)


def test_without_a_rule_it_is_kept_until_somebody_deletes_it(creditor: Creditor) -> None:
    assert ended(creditor).keep_until_on is None


def test_its_last_day_is_set_when_it_ends(creditor: Creditor) -> None:
    kept_for(creditor, 2)
    assert ended(creditor).keep_until_on == TODAY.replace(year=TODAY.year + 2)


def test_accounting_records_are_kept_to_the_end_of_the_seventh_year(creditor: Creditor) -> None:
    assert ended(creditor, kind="accounts").keep_until_on == date(TODAY.year + 7, 12, 31)


def test_accounting_records_are_not_kept_for_less_than_the_law_asks(creditor: Creditor) -> None:
    for years in (6, None):
        with pytest.raises(RedaError) as told:
            kept_for(creditor, years, "accounts")
        assert told.value.problem.field == "accounts"
        db.session.rollback()


def test_a_leap_day_ends_on_the_28th() -> None:
    assert law.kept_until("document", 1, date(2024, 2, 29)) == date(2025, 2, 28)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    at=st.integers(0, 10 * 365 * 24).map(lambda hours: NOW + timedelta(hours=hours)),
    years=st.integers(0, 99), kind=st.sampled_from(["document", "accounts"]),
)  # fmt: skip
def test_a_changed_rule_reckons_the_same_day_for_all_as_for_one(
    app: Flask, at: datetime, years: int, kind: str
) -> None:
    creditor = factories.a_creditor(f"C{at.timestamp()}{years}{kind}")
    envelope = ended(creditor, kind=kind)
    envelope.ended_at = at
    years = max(years, 7) if kind == "accounts" else years
    kept_for(creditor, years + 1, kind)
    kept_for(creditor, years, kind)
    db.session.refresh(envelope)
    by_all = envelope.keep_until_on
    envelope.keep_until_on = None
    keeping.reckon(envelope)
    assert envelope.keep_until_on == by_all


def test_one_that_is_opened_anew_has_no_last_day(creditor: Creditor) -> None:
    kept_for(creditor, 2)
    envelope = an_envelope(creditor)
    after = envelope.last_on + timedelta(days=1)
    envelopes.expire(today=after, now=NOW)
    envelopes.extend(envelope, after + timedelta(days=9), actor=SENDER, today=after, now=NOW)
    assert envelope.keep_until_on is None


def test_a_signer_who_ends_it_does_so_by_the_companys_rule(creditor: Creditor) -> None:
    kept_for(creditor, 2)
    envelope = an_envelope(creditor)
    with tenancy.envelopes([envelope.id]):
        envelopes.decline(envelope, envelopes.signers_of(envelope)[0], "no", now=NOW)
    assert envelope.keep_until_on == TODAY.replace(year=TODAY.year + 2)


def test_administrators_are_told_two_weeks_before_and_once(creditor: Creditor) -> None:
    eva = a_person_at(creditor, "administrator", EVA)
    kept_for(creditor, 1)
    day = day_after(ended(creditor)) - IN_TWO_WEEKS
    run(day - timedelta(days=1))
    assert db.session.scalar(select(func.count()).select_from(Notification)) == 0
    run(day)
    run(day)
    told = db.session.execute(
        select(Notification.person_id, Notification.count).where(
            Notification.kind == "document_deletion"
        )
    ).all()
    assert [tuple(one) for one in told] == [(eva.id, 1)]


def test_it_is_deleted_when_its_time_is_over_and_not_before(creditor: Creditor) -> None:
    kept_for(creditor, 1)
    envelope = ended(creditor)
    number, day = envelope.id, day_after(envelope)
    run(day - IN_TWO_WEEKS)
    run(day - timedelta(days=1))
    assert is_there(number)
    run(day)
    assert not is_there(number)


def test_what_was_not_told_of_waits_two_weeks_more(creditor: Creditor) -> None:
    kept_for(creditor, 1)
    envelope = ended(creditor)
    number, day = envelope.id, day_after(envelope) + timedelta(days=100)
    run(day)
    assert is_there(number)
    run(day + IN_TWO_WEEKS)
    assert not is_there(number)


def test_a_shorter_rule_gives_two_weeks_too(creditor: Creditor) -> None:
    kept_for(creditor, 1)
    envelope = ended(creditor)
    number, day = envelope.id, day_after(envelope)
    run(day - IN_TWO_WEEKS)
    kept_for(creditor, 0)
    run(day - timedelta(days=1))
    assert is_there(number)


def test_a_hold_beats_the_rule(creditor: Creditor) -> None:
    kept_for(creditor, 1)
    envelope = ended(creditor)
    number, day = envelope.id, day_after(envelope)
    run(day - IN_TWO_WEEKS)
    keeping.hold(envelope, "A dispute", actor=ADMINISTRATOR, now=NOW)
    run(day)
    assert is_there(number)


def test_a_lifted_hold_gives_two_weeks(creditor: Creditor) -> None:
    kept_for(creditor, 1)
    envelope = ended(creditor)
    number, day = envelope.id, day_after(envelope)
    run(day - IN_TWO_WEEKS)
    keeping.hold(envelope, "A dispute", actor=ADMINISTRATOR, now=NOW)
    keeping.release(envelope, actor=ADMINISTRATOR, now=NOW)
    run(day)
    assert is_there(number)
    run(day + IN_TWO_WEEKS)
    assert not is_there(number)


def test_a_hold_is_an_event_with_who_and_why(creditor: Creditor) -> None:
    envelope = ended(creditor)
    keeping.hold(envelope, " A  dispute ", actor=ADMINISTRATOR, now=NOW)
    keeping.hold(envelope, "A dispute", actor=ADMINISTRATOR, now=NOW)
    told = keeping.held_by(envelope)
    assert told is not None
    assert (told.actor, told.data) == ("person:Eva Berg", {"reason": "A dispute"})
    assert [one.name for one in events.of(envelope)].count("held") == 1


def test_one_of_an_open_case_is_kept(creditor: Creditor) -> None:
    kept_for(creditor, 1)
    envelope = ended(creditor, case_id=a_reminded_case(creditor).id)
    number, day = envelope.id, day_after(envelope)
    run(day - IN_TWO_WEEKS)
    run(day + timedelta(days=100))
    assert is_there(number)
    with pytest.raises(keeping.Kept, match="open"):
        keeping.delete(envelope, actor=ADMINISTRATOR, today=day, now=NOW)


def test_nothing_but_hashes_and_dates_is_left(creditor: Creditor) -> None:
    envelope = ended(creditor)
    key, (file,), log = envelope.key, envelopes.files_of(envelope), events.of(envelope)
    sha256, head = file.sha256, log[-1].sha256
    with tenancy.creditors([creditor.id]):
        keeping.delete(envelope, actor=ADMINISTRATOR, today=TODAY, now=NOW)
    db.session.commit()
    assert {db.session.scalar(select(func.count()).select_from(one)) for one in PARTS} == {0}
    (left,) = keeping.deleted(creditor.id)
    assert (left.key, left.head_sha256, left.events) == (key, head, len(log))
    assert (left.files[0]["sha256"], left.years) == (sha256, None)
    everything = db.session.scalar(text("select d::text from deleted_envelopes d"))
    assert everything is not None
    assert not any(one in everything for one in ("Avtal", "eva@", EVA))


def test_its_files_are_removed_and_those_that_others_name_stay(creditor: Creditor) -> None:
    envelope = ended(creditor)
    (file,) = envelopes.files_of(envelope)
    own = file.sha256
    other = an_envelope(creditor)
    shared = envelopes.files_of(other)[0].sha256
    db.session.execute(
        text("update envelope_files set original_sha256 = :sha where id = :id"),
        {"sha": shared, "id": file.id},
    )
    db.session.expire_all()
    keeping.delete(envelope, actor=ADMINISTRATOR, today=TODAY, now=NOW)
    later = {"now": NOW + timedelta(hours=3), "real_now": datetime.max.replace(tzinfo=UTC)}
    keeping.remove_files(**later)
    there = set(stores.store().names())
    assert shared in there
    assert own == shared or own not in there
    # And again, as after a kill, nothing is wrong.
    assert keeping.remove_files(**later) == 0


def test_a_kill_between_rows_and_files_leaves_the_files_to_the_next_run(
    creditor: Creditor,
) -> None:
    keeping.delete(ended(creditor), actor=ADMINISTRATOR, today=TODAY, now=NOW)
    db.session.commit()
    assert list(stores.store().names()) != []
    keeping.remove_files(now=NOW + timedelta(hours=3), real_now=datetime.max.replace(tzinfo=UTC))
    assert list(stores.store().names()) == []


def test_an_open_one_cannot_be_deleted(creditor: Creditor) -> None:
    envelope = an_envelope(creditor)
    with pytest.raises(keeping.Kept):
        keeping.delete(envelope, actor=ADMINISTRATOR, today=TODAY, now=NOW)


def test_the_law_beats_who_wants_to_delete_an_accounting_record(creditor: Creditor) -> None:
    envelope = ended(creditor, kind="accounts")
    with pytest.raises(keeping.Kept, match="law"):
        keeping.delete(envelope, actor=ADMINISTRATOR, today=TODAY, now=NOW)


@pytest.mark.parametrize("table", ["envelope_events", "envelope_signatures"])
def test_the_application_removes_no_part_of_what_is_not_deleted(
    creditor: Creditor, table: str
) -> None:
    ended(creditor)
    with pytest.raises(DBAPIError, match="permission denied"):
        db.session.execute(text(f"delete from {table}"))
    db.session.rollback()


def test_the_database_forgets_nothing_that_is_not_told_of_as_deleted(creditor: Creditor) -> None:
    envelope = ended(creditor)
    with pytest.raises(DBAPIError, match="not told of as deleted"):
        db.session.execute(select(func.reda_forget_envelope(envelope.id)))
    db.session.rollback()


def test_another_company_makes_the_database_forget_nothing(creditor: Creditor) -> None:
    envelope = ended(creditor)
    other = factories.a_creditor("Two").id
    kept = {name: getattr(envelope, name) for name in ("key", "creditor_id", "kind", "version",
                                                       "status", "created_at")}  # fmt: skip
    db.session.add(
        DeletedEnvelope(
            **kept, files=[], signatures=[], events=0, head_sha256="", deleted_at=NOW,
            deleted_by="",
        )
    )  # fmt: skip
    db.session.commit()
    number = envelope.id
    with pytest.raises(DBAPIError, match="not told of"), tenancy.creditors([other]):
        db.session.execute(select(func.reda_forget_envelope(number)))
    db.session.rollback()


def test_a_deleted_one_is_no_broken_log(creditor: Creditor) -> None:
    envelope = ended(creditor)
    log_checks.check(NOW)
    keeping.delete(envelope, actor=ADMINISTRATOR, today=TODAY, now=NOW)
    assert log_checks.check(NOW) == 0


def test_the_job_tells_and_deletes_nothing_on_a_day_like_any_other(creditor: Creditor) -> None:
    envelope = ended(creditor)
    jobs.delete_old_documents()
    assert is_there(envelope.id)
