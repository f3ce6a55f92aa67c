"""What every form shares: messages in the reader's language, and problems told by the rooms."""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from babel.numbers import format_decimal
from flask import Flask, g, request
from flask_babel import get_locale, gettext
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import Field, StringField

from portal.law.explanation import Explanation
from portal.locales import in_our_digits
from portal.messages import N_, Problem, RedaError
from portal.web import formats

# WTForms' own texts on the left; what a person reads on the right.
_TEXTS = {
    "This field is required.": N_("Fill this in."),
    "Not a valid choice.": N_("Choose one of the options."),
    "Invalid Choice: could not coerce.": N_("Choose one of the options."),
    "Not a valid date value.": N_("Write a date as year-month-day, such as 2026-03-31."),
    "Not a valid datetime value.": N_("Write a date and a time, such as 2026-03-31 14:30."),
    "Not a valid time value.": N_("Write a time, such as 14:30."),
    "Not a valid decimal value.": N_("Write a number."),
    "Not a valid integer value.": N_("Write a whole number."),
    "Not a valid float value.": N_("Write a number."),
    "Number must be at least %(min)s.": N_("The number must be at least %(min)s."),
    "Number must be at most %(max)s.": N_("The number must be at most %(max)s."),
    "Number must be between %(min)s and %(max)s.": N_(
        "The number must be between %(min)s and %(max)s."
    ),
    "Date must be at least %(min)s.": N_("The date must be %(min)s or later."),
    "Date must be at most %(max)s.": N_("The date must be %(max)s or earlier."),
    "Date must be between %(min)s and %(max)s.": N_(
        "The date must be between %(min)s and %(max)s."
    ),
    "Invalid email address.": N_("Write an e-mail address, such as name@example.com."),
    "Invalid URL.": N_("Write a web address, such as https://example.com."),
    "Field must be equal to %(other_name)s.": N_("The two do not match."),
    "Invalid input.": N_("This does not look right. Please check it."),
    "Invalid value, must be one of: %(values)s.": N_("Choose one of these: %(values)s."),
    "Invalid value, can't be any of: %(values)s.": N_("It cannot be any of these: %(values)s."),
    "This field cannot be edited.": N_("This cannot be changed."),
    "This field is disabled and cannot have a value.": N_("This cannot be changed."),
    "The CSRF token is missing.": N_("The page had been open too long. Please send it again."),
    "The CSRF session token is missing.": N_(
        "The page had been open too long. Please send it again."
    ),
    "The CSRF token has expired.": N_("The page had been open too long. Please send it again."),
    "The CSRF token is invalid.": N_("The page had been open too long. Please send it again."),
    "The CSRF tokens do not match.": N_("The page had been open too long. Please send it again."),
}

# Worded so that the number needs no plural: WTForms fills it in after the text was translated.
_LENGTHS = {
    "Field must be at least %(min)d character long.": N_(
        "Too short. Characters needed: %(min)d or more."
    ),
    "Field cannot be longer than %(max)d character.": N_(
        "Too long. Characters allowed: %(max)d or fewer."
    ),
    "Field must be exactly %(max)d character long.": N_("Characters needed: %(max)d."),
    "Field must be between %(min)d and %(max)d characters long.": N_(
        "Characters needed: between %(min)d and %(max)d."
    ),
}


class _Translations:
    """WTForms' messages through our catalogues, which have languages that WTForms lacks."""

    def gettext(self, string: str) -> str:
        return gettext(_TEXTS.get(string) or _LENGTHS.get(string, string))

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        return self.gettext(singular)


def _shown(name: str, value: object) -> object:
    if isinstance(value, int) and name.endswith("_ore"):
        return formats.kronor(value)
    if isinstance(value, datetime):
        return formats.date_time(value)
    if isinstance(value, date):
        return formats.format_date(value)
    if isinstance(value, Decimal):
        return formats.percent(value) if name.endswith("per_cent") else formats.number(value)
    if isinstance(value, int):
        return formats.in_digits(value)
    return value


def text(problem: Problem | RedaError) -> str:
    """A room's message in the reader's language.

    Its dates are written as the reader writes them, and values named *_ore as money.
    """
    told = problem.problem if isinstance(problem, RedaError) else problem
    message = gettext(told.message)
    if not told.values:
        return message
    return message % {name: _shown(name, value) for name, value in told.values.items()}


def explanation(told: Explanation) -> str:
    """Why a sum is owed, in the reader's language."""
    return text(Problem(told.what, told.values))


def init_app(app: Flask) -> None:
    """Let templates say what rooms tell: filters `problem` and `explanation`."""
    app.add_template_filter(text, "problem")
    app.add_template_filter(explanation)


def _input_type(field: Field) -> str:
    return str(getattr(field.widget, "input_type", ""))


def _is_choice(field: Field) -> bool:
    return hasattr(field, "option_widget") or _input_type(field) == "checkbox"


class Form(FlaskForm):
    """A form whose errors are in the reader's language and can come from a room as well."""

    form_errors: list[str]

    class Meta(FlaskForm.Meta):
        def get_translations(self, form: FlaskForm) -> _Translations:
            return _Translations()

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        # What the reader wrote on this page before their visit ended.
        written: MultiDict[str, str] | None = g.get("unsent")
        if written and request.method == "GET":
            self._write(written)

    def _write(self, written: MultiDict[str, str]) -> None:
        """Fill the form in, if it is the one that was written."""
        # What is hidden is ours, and is as it is now.
        shown = [one for one in self if _input_type(one) not in ("hidden", "file")]
        # A browser sends these also when they are empty.
        always = [one for one in shown if not _is_choice(one)]
        if any(one.name in written for one in shown) and all(one.name in written for one in always):
            for field in shown:
                field.process(written)

    def take(self, problem: Problem | RedaError) -> None:
        """Show a room's problem at the field it names, or above the form if it names none here."""
        told = problem.problem if isinstance(problem, RedaError) else problem
        if told.field in self._fields:
            field = self._fields[told.field]
            field.errors = [*field.errors, text(told)]
        else:
            self.form_errors = [*self.form_errors, text(told)]


class KronorField(StringField):
    """An amount in kronor as people write it; its data is whole öre, or None when empty.

    Takes "1 234,50", "1234.50", "1.234,50" and "1234"; a single separator before exactly three
    digits ("1.234") separates thousands. More than two decimals is an error.
    """

    data: int | None
    render_kw: dict[str, Any] | None

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self.render_kw = {"inputmode": "decimal", **(self.render_kw or {})}

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what was written. Raises ValueError when it is no amount."""
        self.data = None
        written = valuelist[0].strip() if valuelist else ""
        if written:
            self.data = _ore(written)

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        if self.data is None:
            return ""
        amount = Decimal(self.data) / 100
        locale = get_locale() or "sv"
        return format_decimal(amount, "0.00" if self.data % 100 else "0", locale=locale)


# Of an amount; more digits than anybody owes.
_LONGEST = 20
_OTHER_SIGNS = str.maketrans("٫−", ",-")


# Thousands in groups by one kind of separator, or none; then one or two decimals after another.
_AMOUNT = re.compile(
    r"(?P<minus>-)?(?:(?P<plain>\d+)|(?P<grouped>[1-9]\d{0,2}(?:(?P<mark>[.,])\d{3})(?:(?P=mark)\d{3})*))"
    r"(?:(?P<point>[.,])(?P<decimals>\d{1,2}))?",
    re.ASCII,
)


def _ore(written: str) -> int:
    signs = re.sub(
        r"[\s'’٬]|kr|sek", "", in_our_digits(written).translate(_OTHER_SIGNS), flags=re.IGNORECASE
    )
    read = _AMOUNT.fullmatch(signs) if len(signs) <= _LONGEST else None
    if not read or (read["mark"] and read["mark"] == read["point"]):
        raise ValueError(gettext("Write an amount in kronor, such as 1 250 or 1 250,50."))
    whole = int(re.sub(r"[.,]", "", read["plain"] or read["grouped"]))
    ore = whole * 100 + int((read["decimals"] or "").ljust(2, "0"))
    return -ore if read["minus"] else ore


_RATE = re.compile(r"-?\d{1,3}(?:[.,]\d{1,3})?", re.ASCII)


class PerCentField(StringField):
    """A rate in per cent as people write it, such as "8" or "8,5 %"; its data is a Decimal or None.

    More than three decimals is an error.
    """

    data: Decimal | None

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read what was written. Raises ValueError when it is no rate."""
        self.data = None
        written = (
            "".join(in_our_digits(valuelist[0]).translate(_OTHER_SIGNS).split())
            if valuelist
            else ""
        )
        if not written:
            return
        plain = written.removesuffix("%")
        if not _RATE.fullmatch(plain):
            raise ValueError(gettext("Write a rate in per cent, such as 8 or 8,5."))
        self.data = Decimal(plain.replace(",", "."))

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        if self.data is None:
            return ""
        return format_decimal(self.data, "0.###", locale=get_locale() or "sv")
