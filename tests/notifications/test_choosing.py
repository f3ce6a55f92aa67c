"""When people are told: at once, or at their own time in Sweden, in summer and winter."""

from datetime import UTC, datetime, time

import pytest
from flask import Flask

from portal.extensions import db
from portal.messages import RedaError
from portal.notifications import choosing
from portal.notifications.choosing import Choice, Choices, Times
from portal.notifications.kinds import KINDS, for_role
from portal.notifications.telling import notify
from tests.factories import NOW
from tests.notifications.conftest import Office

EARLY = Times(daily_at=time(7, 30), weekly_on=1, weekly_at=time(9, 0))
# Clocks go forward in the night of 29 March 2026, from 2 to 3, and back on 25 October, from 3 to 2.


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def next_of(times: Times, now: str) -> tuple[str, str]:
    return tuple(
        one.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
        for one in choosing.next_times(times, at(now))
    )  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("now", "daily"),
    [
        ("2026-01-10T06:29", "2026-01-10 06:30"),
        ("2026-01-10T06:30", "2026-01-11 06:30"),
        ("2026-07-10T05:29", "2026-07-10 05:30"),
        # The first after each change comes at the same time by the clock on the wall.
        ("2026-03-28T12:00", "2026-03-29 05:30"),
        ("2026-10-24T12:00", "2026-10-25 06:30"),
        # Already the next day in Sweden.
        ("2026-01-10T23:30", "2026-01-11 06:30"),
    ],
)
def test_a_daily_time_is_the_same_on_the_wall_all_year(app: Flask, now: str, daily: str) -> None:
    assert next_of(EARLY, now)[0] == daily


@pytest.mark.parametrize(
    ("now", "daily"),
    [
        # 02:30 is not there on this day, and comes an hour later.
        ("2026-03-29T00:00", "2026-03-29 01:30"),
        # It is there twice, and comes once.
        ("2026-10-24T22:00", "2026-10-25 01:30"),
        ("2026-10-25T01:30", "2026-10-26 01:30"),
    ],
)
def test_a_time_in_the_night_of_the_change_comes_once(app: Flask, now: str, daily: str) -> None:
    assert next_of(Times(daily_at=time(2, 30)), now)[0] == daily


@pytest.mark.parametrize(
    ("now", "weekly"),
    [
        # 9 March 2026 is a Monday.
        ("2026-03-09T07:59", "2026-03-09 08:00"),
        ("2026-03-09T08:00", "2026-03-16 08:00"),
        ("2026-03-23T09:00", "2026-03-30 07:00"),
    ],
)
def test_a_weekly_time_is_on_its_day(app: Flask, now: str, weekly: str) -> None:
    assert next_of(EARLY, now)[1] == weekly


def test_what_nobody_has_chosen_is_sensible(office: Office) -> None:
    chosen = choosing.choices_of(office.eva.id, office.creditor.id, "administrator").kinds
    assert set(chosen) == set(KINDS)
    assert chosen["dispute"] == Choice("at once", "at once", False)
    assert chosen["payment"] == Choice("never", "never", False)
    assert chosen["upload"].failed_only


def test_a_viewer_chooses_among_what_a_viewer_is_told(office: Office) -> None:
    chosen = choosing.choices_of(office.viewer.id, office.creditor.id, "viewer").kinds
    assert "approval" not in chosen
    assert {kind.key for kind in for_role("viewer")} == set(chosen)


def test_a_choice_is_kept_for_its_person_and_company_alone(office: Office) -> None:
    office.choose("dispute", centre="weekly", mail="daily", times=EARLY)
    own = choosing.choices_of(office.eva.id, office.creditor.id, "administrator")
    others = choosing.choices_of(office.sofia.id, office.creditor.id, "collector")
    assert (own.kinds["dispute"], own.times) == (Choice("weekly", "daily", False), EARLY)
    assert others.kinds["dispute"].mail == "at once"


def test_how_one_is_told_follows_the_choice(office: Office) -> None:
    office.choose("dispute", centre="weekly", mail="daily", times=EARLY)
    tell(office)
    (one,) = office.told()
    daily, weekly = choosing.next_times(EARLY, NOW)
    assert (one.shown_at, one.mail_at, one.mail_how) == (weekly, daily, "daily")


def tell(office: Office, key: str = "one", kind: str = "dispute") -> None:
    notify(kind, creditor_id=office.creditor.id, data={}, key=key, now=NOW)
    db.session.commit()


def test_what_waits_is_told_by_a_new_choice(office: Office) -> None:
    office.choose("dispute", centre="weekly", mail="daily", times=EARLY)
    tell(office)
    office.choose("dispute", centre="at once", mail="never")
    (one,) = office.told()
    assert (one.shown_at, one.mail_at, one.mail_how) == (NOW, None, None)


def test_what_was_told_stays_told(office: Office) -> None:
    tell(office)
    office.choose("dispute", centre="never", mail="never")
    (one,) = office.told()
    assert (one.shown_at, one.mail_at) == (NOW, None)


def test_mails_can_be_stopped_all_at_once(office: Office) -> None:
    tell(office)
    choosing.stop_mails(office.eva.id, office.creditor.id, "administrator", now=NOW)
    db.session.commit()
    tell(office, "two")
    assert [(one.mail_at, one.shown_at) for one in office.told()] == [(None, NOW)] * 2


def test_one_can_go_back_to_what_holds_when_nothing_is_chosen(office: Office) -> None:
    office.choose("dispute", centre="never", mail="never", times=EARLY)
    choosing.back_to_defaults(office.eva.id, office.creditor.id, "administrator", now=NOW)
    db.session.commit()
    chosen = choosing.choices_of(office.eva.id, office.creditor.id, "administrator")
    assert (chosen.kinds["dispute"].mail, chosen.times) == ("at once", Times())


@pytest.mark.parametrize(
    ("choice", "times"),
    [
        (Choice("often", "never", False), EARLY),
        (Choice("never", "", False), EARLY),
        (Choice("never", "never", False), Times(weekly_on=8)),
    ],
)
def test_a_value_that_there_is_not_is_refused(office: Office, choice: Choice, times: Times) -> None:
    choices = Choices(times, {"dispute": choice})
    with pytest.raises(RedaError):
        choosing.save(office.eva.id, office.creditor.id, "administrator", choices, now=NOW)


def test_only_what_can_fail_is_told_of_failures_only(office: Office) -> None:
    office.choose("dispute", failed_only=True)
    chosen = choosing.choices_of(office.eva.id, office.creditor.id, "administrator")
    assert not chosen.kinds["dispute"].failed_only
