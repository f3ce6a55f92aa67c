from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from flask import Flask
from flask_babel import force_locale
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from portal.web import formats

ISOLATES = {"\u2068", "\u2069"}


@pytest.fixture
def swedish(app: Flask) -> Iterator[None]:
    with app.test_request_context(), force_locale("sv"):
        yield


@pytest.fixture
def arabic(app: Flask) -> Iterator[None]:
    with app.test_request_context(), force_locale("ar"):
        yield


def _plain(text: str) -> str:
    """With ordinary spaces, as a person sees it."""
    return "".join(" " if sign.isspace() else sign for sign in text)


def test_a_short_amount_is_rounded(swedish: None) -> None:
    assert _plain(formats.short_kronor(123_450)) == "1 234 kr"
    assert _plain(formats.short_kronor(123_456_700)) == "1,2 mn kr"
    with force_locale("en"):
        assert _plain(formats.short_kronor(123_456_700)) == "SEK 1.2 M"
        assert _plain(formats.short_kronor(99_950, "EUR")) == "€1,000"


def test_ore_become_kronor_as_swedes_write_them(swedish: None) -> None:
    assert _plain(formats.kronor(123_450)) == "1 234,50 kr"
    assert _plain(formats.kronor(5)) == "0,05 kr"
    assert _plain(formats.kronor(0)) == "0,00 kr"
    assert _plain(formats.kronor(100, "EUR")) == "1,00 €"


def test_the_currency_never_touches_the_sum(app: Flask) -> None:
    with app.test_request_context(), force_locale("en"):
        assert _plain(formats.kronor(128_450)) == "SEK 1,284.50"


def test_an_amount_keeps_its_direction_inside_arabic_text(arabic: None) -> None:
    text = formats.kronor(123_450)
    assert text[0] == "\u2068"
    assert text[-1] == "\u2069"
    assert "1,234.50" in text


def test_text_from_left_to_right_carries_no_isolates(swedish: None) -> None:
    assert not ISOLATES & set(formats.kronor(100))


@given(ore=st.integers(-(10**12), 10**12), language=st.sampled_from(["sv", "en", "ar"]))
@hypothesis_settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
def test_every_ore_of_an_amount_is_shown(app: Flask, ore: int, language: str) -> None:
    with app.test_request_context(), force_locale(language):
        digits = "".join(sign for sign in formats.kronor(ore) if sign in "0123456789")
    assert int(digits) == abs(ore)


@pytest.mark.parametrize(
    ("language", "sum_"),
    [("ar", "987"), ("fa", "۹۸۷"), ("bn", "৯৮৭"), ("my", "၉၈၇"), ("ne", "९८७")],
)
def test_sums_and_dates_have_the_digits_of_the_language(
    app: Flask, language: str, sum_: str
) -> None:
    with app.test_request_context(), force_locale(language):
        assert sum_ in formats.kronor(98_700)
        day = formats.format_date(date(2026, 3, 31)) + formats.number(987)
    native = sum_[0] != "9"
    assert {one.isascii() for one in day if one.isdigit()} == {not native}


def test_what_is_copied_to_a_bank_has_the_same_digits_in_every_language(app: Flask) -> None:
    with app.test_request_context(), force_locale("fa"):
        shown = (
            formats.ocr("12345678") + formats.plain_kronor(98_750) + formats.bankgiro("50501055")
        )
    assert [one for one in shown if one.isdigit() and not one.isascii()] == []


def test_an_instant_is_told_in_swedish_time(swedish: None) -> None:
    summer, winter = datetime(2026, 7, 1, 22, 30, tzinfo=UTC), datetime(2026, 1, 1, 23, 30)  # noqa: DTZ001
    assert _plain(formats.date_time(summer)) == "2 juli 2026 00:30"
    assert _plain(formats.date_time(winter)) == "2 jan. 2026 00:30"
    assert formats.format_date(summer) == "2 juli 2026"


def test_english_is_written_as_in_britain_and_with_24_hours(app: Flask) -> None:
    early, late = datetime(2026, 11, 24, 23, 47, tzinfo=UTC), datetime(2026, 11, 25, 12, 5)  # noqa: DTZ001
    with app.test_request_context(), force_locale("en"):
        assert _plain(formats.date_time(early)) == "25 Nov 2026, 00:47"
        assert _plain(formats.date_time(late)) == "25 Nov 2026, 13:05"
        assert formats.format_date(late) == "25 November 2026"
        assert formats.format_date(late, "medium") == "25 Nov 2026"
        assert formats.number(12_345) == "12,345"
        assert formats.percent(Decimal("10.5")) == "10.5%"
        assert _plain(formats.kronor(123_450)) == "SEK 1,234.50"


def test_a_date_is_written_in_full_or_shorter(swedish: None) -> None:
    day = date(2026, 12, 4)
    assert formats.format_date(day) == "4 december 2026"
    assert formats.format_date(day, "medium") == "4 dec. 2026"
    assert formats.format_date(day, "full") == "fredag 4 december 2026"


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 11, 24), "today"),
        (date(2026, 11, 25), "tomorrow"),
        (date(2026, 11, 23), "yesterday"),
        (date(2026, 11, 29), "in 5 days"),
        (date(2026, 11, 19), "5 days ago"),
        (date(2026, 12, 8), "in 14 days"),
        (date(2026, 12, 9), "9 December 2026"),
    ],
)
def test_a_near_day_is_told_in_words(app: Flask, day: date, words: str) -> None:
    with app.test_request_context(), force_locale("en"):
        assert formats.relative_day(day, date(2026, 11, 24)) == words


def test_an_ocr_reference_comes_in_groups_of_four(swedish: None) -> None:
    assert formats.ocr("1002043186") == "1002\u00a00431\u00a086"


def test_an_organisation_number_has_its_hyphen(swedish: None) -> None:
    assert formats.organisation_number("5560000167") == "556000-0167"
    assert formats.organisation_number("165560000167") == "556000-0167"
    assert formats.organisation_number("SE-unknown") == "SE-unknown"


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("191212121212", "19121212-••••"),
        ("121212-1212", "121212-••••"),
        ("121212+1212", "121212-••••"),
        ("12", "••••-••••"),
    ],
)
def test_the_last_four_digits_of_a_person_never_show(
    swedish: None, number: str, masked: str
) -> None:
    assert formats.masked_identity_number(number) == masked


def test_a_percentage_keeps_its_decimals(swedish: None) -> None:
    assert _plain(formats.percent(Decimal("10.5"))) == "10,5 %"
    assert _plain(formats.percent(Decimal("8"))) == "8 %"


def test_a_constant_in_a_template_follows_the_reader(app: Flask) -> None:
    template = app.jinja_env.from_string("{{ 100050 | kronor }}")
    with app.test_request_context(), force_locale("sv"):
        swedish = _plain(template.render())
    with app.test_request_context(), force_locale("en"):
        english = _plain(template.render())
    assert (swedish, english) == ("1 000,50 kr", "SEK 1,000.50")
