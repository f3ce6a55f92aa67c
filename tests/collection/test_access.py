"""Reference and code let a debtor in, and slow down whoever guesses."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stdnum import luhn

from portal.collection import access
from portal.collection.models import Case
from portal.extensions import db
from portal.identity import attempts
from portal.payments.references import make_ocr, reference_keys
from tests.factories import NOW, a_case


def enter(case: Case, code: str | None = None, *, minutes: float = 0, address: str = "192.0.2.1"):
    return access.enter(
        case.reference,
        case.access_code if code is None else code,
        address=address,
        now=NOW + timedelta(minutes=minutes),
    )


def guess_wrong(case: Case, times: int) -> None:
    for attempt in range(times):
        with pytest.raises(access.EntryRefused):
            enter(case, "WRONG1", address=f"192.0.2.{attempt}")


def test_the_letters_reference_and_code_open_the_case(app: Flask) -> None:
    case = a_case()
    assert enter(case) == case.id


def test_spaces_hyphens_and_small_letters_do_not_matter(app: Flask) -> None:
    case = a_case()
    code = f"{case.access_code[:3]}-{case.access_code[3:]} ".lower()
    assert enter(case, code) == case.id


def test_a_wrong_reference_and_a_wrong_code_are_told_apart_by_nobody(app: Flask) -> None:
    case = a_case()
    with pytest.raises(access.EntryRefused) as wrong_code:
        enter(case, "WRONG1")
    with pytest.raises(access.EntryRefused) as wrong_reference:
        access.enter("000000000", case.access_code, address="192.0.2.9", now=NOW)
    assert str(wrong_code.value) == str(wrong_reference.value)


def test_after_five_wrong_guesses_even_the_right_code_must_wait(app: Flask) -> None:
    case = a_case()
    guess_wrong(case, 5)
    with pytest.raises(access.EntryLocked):
        enter(case, address="198.51.100.1")


def test_the_lock_ends_after_its_minute(app: Flask) -> None:
    case = a_case()
    guess_wrong(case, 5)
    assert enter(case, minutes=1.1, address="198.51.100.1") == case.id


def test_an_address_that_guesses_at_many_cases_is_slowed_too(app: Flask) -> None:
    for serial in range(attempts.patience("address:192.0.2.1").free):
        with pytest.raises(access.EntryRefused):
            access.enter(f"1000000{serial:02}", "WRONG1", address="192.0.2.1", now=NOW)
    with pytest.raises(access.EntryLocked):
        enter(a_case())


def test_a_reference_that_does_not_exist_locks_like_one_that_does(app: Flask) -> None:
    for address in range(5):
        with pytest.raises(access.EntryRefused):
            access.enter("123456789", "WRONG1", address=f"192.0.2.{address}", now=NOW)
    with pytest.raises(access.EntryLocked):
        access.enter("123456789", "WRONG1", address="198.51.100.1", now=NOW)


def test_the_code_lies_nowhere_in_the_database(app: Flask) -> None:
    case = a_case()
    assert case.access_code not in db.session.scalar(db.text("select cases::text from cases"))


def test_a_code_that_was_given_lies_encrypted_in_the_database(app: Flask) -> None:
    case = a_case()
    case.given_code = "K7MPQ2"
    db.session.commit()
    stored = db.session.scalar(db.text("select access_code from cases"))
    assert b"K7MPQ2" not in bytes(stored)


def test_a_code_that_was_given_opens_the_case(app: Flask) -> None:
    case = a_case()
    case.given_code = "K7MPQ2"
    db.session.commit()
    assert access.enter(case.reference, "K7MPQ2", address="192.0.2.1", now=NOW) == case.id


def test_two_cases_have_two_codes(app: Flask) -> None:
    assert a_case().access_code != a_case().access_code


def test_with_another_key_a_case_has_another_code(app: Flask) -> None:
    case = a_case()
    before = case.access_code
    ours = app.extensions["reda_settings"]
    app.extensions["reda_settings"] = replace(ours, access_key="another key, as long as needed")
    assert case.access_code != before


def test_references_have_nine_digits_with_a_check_digit(app: Flask) -> None:
    reference = a_case().reference
    assert len(reference) == 9
    assert luhn.is_valid(reference)


def test_a_hundred_thousand_serials_have_as_many_references(app: Flask) -> None:
    found = db.session.scalar(
        db.text(
            "select count(distinct reda_reference(one, :keys)) from generate_series(0, 99999) one"
        ),
        {"keys": reference_keys()},
    )
    assert found == 100_000


def test_references_do_not_follow_each_other(app: Flask) -> None:
    first, second = sorted(int(a_case().reference) // 10 for _ in range(2))
    assert second - first > 1


def test_a_reference_that_was_drawn_of_old_is_passed_over(app: Flask) -> None:
    old = a_case()
    coming = db.session.scalar(
        db.text("select reda_reference(:serial, :keys)"),
        {"serial": old.serial + 1, "keys": reference_keys()},
    )
    old.reference = coming
    db.session.commit()
    assert a_case().reference != coming


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(serial=st.integers(0, 10**10))
def test_the_database_makes_the_same_ocr_numbers(app: Flask, serial: int) -> None:
    made = db.session.scalar(db.text("select reda_ocr(:serial)"), {"serial": serial})
    assert made == make_ocr(serial)
