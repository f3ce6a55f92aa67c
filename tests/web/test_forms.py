from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask
from flask_babel import force_locale
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from wtforms import IntegerField, StringField
from wtforms.validators import InputRequired, Length, NumberRange

from portal.messages import Problem, RedaError
from portal.web import forms


class _Form(forms.Form):
    name = StringField("Name", [InputRequired(), Length(min=2, max=10)])
    days = IntegerField("Days", [NumberRange(1, 30)])
    amount = forms.KronorField("Amount")


@pytest.fixture
def filled(app: Flask) -> Callable[..., _Form]:
    def fill(**values: str) -> _Form:
        with app.test_request_context("/?lang=en"), force_locale("en"):
            form = _Form(MultiDict(values), meta={"csrf": False})
            form.validate()
        return form

    return fill


def test_an_empty_field_is_told_in_our_words(filled: Callable[..., _Form]) -> None:
    assert filled(days="3").errors == {"name": ["Fill this in."]}


def test_numbers_are_filled_into_the_message(filled: Callable[..., _Form]) -> None:
    errors = filled(name="S", days="99").errors
    assert errors["days"] == ["The number must be between 1 and 30."]
    assert errors["name"] == ["Characters needed: between 2 and 10."]


def test_a_rooms_problem_lands_at_its_field(app: Flask, filled: Callable[..., _Form]) -> None:
    form = filled(name="Sara", days="3")
    with app.test_request_context(), force_locale("sv"):
        form.take(Problem("Before %(day)s.", {"day": date(2026, 12, 4)}, "days"))
        form.take(RedaError("At most %(most_ore)s.", most_ore=100_000))
        form.take(Problem("Not 100 % sure.", field="unknown"))
    assert list(form.days.errors) == ["Before 4 december 2026."]
    assert form.form_errors == ["At most 1\xa0000,00\xa0kr.", "Not 100 % sure."]
    assert set(form.errors) == {"days", ""}


@pytest.mark.parametrize(("language", "digits"), [("en", "12"), ("fa", "۱۲"), ("bn", "১২")])
def test_a_number_in_a_message_has_the_digits_of_the_language(
    app: Flask, language: str, digits: str
) -> None:
    with app.test_request_context(), force_locale(language):
        assert forms.text(Problem("Days: %(days)s.", {"days": 12})) == f"Days: {digits}."


@pytest.mark.parametrize(
    ("written", "ore"),
    [
        ("1 234,50", 123_450),
        ("1234.50", 123_450),
        ("1.234,50", 123_450),
        ("1,234.50", 123_450),
        ("1'234.5", 123_450),
        ("1.234", 123_400),
        ("1.234.567", 123_456_700),
        ("250", 25_000),
        ("250 kr", 25_000),
        ("0,05", 5),
        ("-20", -2_000),
        ("١٢٣٤٫٥٠", 123_450),
        ("1\u00a0234,50", 123_450),
    ],
)
def test_an_amount_is_read_as_people_write_it(
    filled: Callable[..., _Form], written: str, ore: int
) -> None:
    form = filled(name="Sara", days="3", amount=written)
    assert not form.errors
    assert form.amount.data == ore


@pytest.mark.parametrize(
    "written", ["abc", "1,2345", "0,001", "12,5x", "--3", "1,,2", "²", "1.23.45,6", "-"]
)
def test_what_is_no_amount_is_an_error(filled: Callable[..., _Form], written: str) -> None:
    form = filled(name="Sara", days="3", amount=written)
    assert list(form.errors) == ["amount"]
    assert form.amount.data is None


def test_an_empty_amount_is_none(filled: Callable[..., _Form]) -> None:
    assert filled(name="Sara", days="3", amount=" ").amount.data is None


@given(ore=st.integers(0, 10**10))
def test_a_shown_amount_is_read_back_unchanged(ore: int) -> None:
    assert forms._ore(f"{ore // 100},{ore % 100:02}") == ore
    assert forms._ore(f"{ore // 100:,}.{ore % 100:02}") == ore


@pytest.mark.parametrize("written", ["۱۲۵۰٫۵۰", "١٢٥٠,٥٠", "১২৫০,৫০", "१२५०.५०", "၁၂၅၀.၅၀"])
def test_an_amount_is_read_in_any_digits(filled: Callable[..., _Form], written: str) -> None:
    assert filled(amount=written).amount.data == 125_050
