"""Money, dates and numbers as the reader writes them: the filters of every template.

The reader's locale decides the form, and its digits are the locale's own. Numbers that are copied
to a bank (OCR, bankgiro, organisation numbers, `plain_kronor`) keep 0-9 in every language. In a
right-to-left language a value is wrapped in Unicode's isolates (UAX #9, FSI … PDI), so that its
signs keep their order inside a sentence.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel import Locale, dates, numbers
from flask import Flask
from flask_babel import get_locale, gettext
from jinja2 import pass_context
from jinja2.runtime import Context

from portal import clock
from portal.locales import native_digits, written_as
from portal.payments import ways
from portal.payments.accounts import Bankgiro

_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"
_NO_BREAK_SPACE = "\u00a0"
_TOUCHING = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")
_BULLETS = "••••"
# Beyond two weeks people look for the date in a calendar, and "in 23 days" no longer helps.
_NEAR_DAYS = 14
# What Babel writes is kept: a page says the same few sums and days in several places, and many
# pages those of the law. So many are kept of each kind.
_KEPT = 4096


def _locale() -> Locale:
    # Outside a request, as on the command line, nobody has chosen.
    return written_as(get_locale() or Locale("sv"))


def _isolated(text: str, locale: Locale | None = None) -> str:
    if (locale or _locale()).text_direction == "rtl":
        return f"{_FIRST_STRONG_ISOLATE}{text}{_POP_ISOLATE}"
    return text


def _counted(text: str, locale: Locale | None = None) -> str:
    """A text with its digits as the reader's language writes them."""
    digits = native_digits(locale or _locale())
    return text if digits[0] == "0" else text.translate(str.maketrans("0123456789", digits))


def _decimal(value: int | Decimal, pattern: str | None = None) -> str:
    return _counted(
        numbers.format_decimal(value, pattern, locale=_locale(), numbering_system="default")
    )


def kronor(ore: int, currency: str = "SEK") -> str:
    """An amount with its currency, such as "1 234,50 kr".

    ore: whole öre, or hundredths of another currency. currency: ISO 4217.
    """
    return _kronor(ore, currency, _locale())


@lru_cache(_KEPT)
def _kronor(ore: int, currency: str, locale: Locale) -> str:
    written = numbers.format_currency(
        Decimal(ore) / 100, currency, locale=locale, numbering_system="default"
    )
    # CLDR's currencySpacing, which Babel leaves out: a letter and a digit never touch.
    return _isolated(_TOUCHING.sub(_NO_BREAK_SPACE, _counted(written, locale)), locale)


_MILLION = 100_000_000


def short_kronor(ore: int, currency: str = "SEK") -> str:
    """An amount where there is little room, such as "1 235 kr" or "1,2 mn kr".

    ore: as `kronor` takes it; rounded here.
    """
    amount, locale = Decimal(ore) / 100, _locale()
    if abs(ore) >= _MILLION:
        written = numbers.format_compact_currency(
            amount, currency, locale=locale, fraction_digits=1, numbering_system="default"
        )
    else:
        pattern = locale.currency_formats["standard"].pattern.replace(".00", "")
        written = numbers.format_currency(
            round(amount), currency, pattern, locale=locale, currency_digits=False,
            numbering_system="default",
        )  # fmt: skip
    return _isolated(_TOUCHING.sub(_NO_BREAK_SPACE, _counted(written)))


def amount(ore: int) -> str:
    """An amount without its currency, such as "1 234,50", for a table that tells it once.

    ore: whole öre, or hundredths of another currency.
    """
    return _isolated(_decimal(Decimal(ore) / 100, "#,##0.00"))


def plain_kronor(ore: int) -> str:
    """An amount as a bank's form takes it, such as "1234,50"."""
    return f"{Decimal(ore) / 100:.2f}".replace(".", ",")


def number(value: int | Decimal) -> str:
    """A number with the reader's separators, such as "12 345"."""
    return _isolated(_decimal(value))


def in_digits(value: int) -> str:
    """A whole number inside a sentence in the reader's digits, without separators: it may name a
    year."""
    return _counted(str(value))


def percent(value: Decimal) -> str:
    """A percentage, such as "10,5 %".

    value: per cent, so 10.5 for that one.
    """
    return _percent(value, _locale())


@lru_cache(_KEPT)
def _percent(value: Decimal, locale: Locale) -> str:
    written = numbers.format_percent(
        value / 100, locale=locale, decimal_quantization=False, numbering_system="default"
    )
    return _isolated(_counted(written, locale), locale)


def _aware(value: datetime) -> datetime:
    return value.replace(tzinfo=value.tzinfo or UTC)


def _on_day(value: date | datetime) -> date:
    return clock.day_of(_aware(value)) if isinstance(value, datetime) else value


def file_size(count: int) -> str:
    """How large a file is, such as "12,5 MB"; of a kilobyte's thousand bytes, as disks are sold.

    count: bytes.
    """
    size, unit = Decimal(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 1000:
            break
        size, unit = size / 1000, larger
    shown = (
        size.quantize(Decimal("0.1")) if size < 100 and unit != "B" else size.quantize(Decimal(1))
    )
    written = _decimal(shown)
    return _isolated(f"{written}{_NO_BREAK_SPACE}{unit}")


def format_date(value: date | datetime, width: str = "long") -> str:
    """A date, such as "4 december 2026"; an instant's is the date in Sweden.

    width: long, medium ("4 dec. 2026", for tables) or full (with the day of the week).
    """
    return _date(_on_day(value), width, _locale())


@lru_cache(_KEPT)
def _date(day: date, width: str, locale: Locale) -> str:
    return _counted(dates.format_date(day, width, locale=locale), locale)


def month_name(value: date) -> str:
    """The month of a date, such as "december 2026"."""
    return _counted(dates.format_skeleton("yMMMM", value, locale=_locale()))


def date_time(value: datetime) -> str:
    """An instant as Swedish date and time, such as "4 dec. 2026 13:05".

    value: aware; a naive one is taken as UTC, as the database keeps it.
    """
    locale = _locale()
    moment = _aware(value).astimezone(clock.STOCKHOLM)
    pattern = str(dates.get_datetime_format("medium", locale=locale)).replace("'", "")
    day = dates.format_date(moment.date(), "medium", locale=locale)
    time = dates.format_time(moment, "short", tzinfo=clock.STOCKHOLM, locale=locale)
    return _counted(pattern.replace("{0}", time).replace("{1}", day))


def time_of_day(value: datetime) -> str:
    """The time of an instant in Sweden, such as "13:05"."""
    moment = _aware(value).astimezone(clock.STOCKHOLM)
    return _time(moment.replace(second=0, microsecond=0), _locale())


@lru_cache(_KEPT)
def _time(minute: datetime, locale: Locale) -> str:
    written = dates.format_time(minute, "short", tzinfo=clock.STOCKHOLM, locale=locale)
    return _counted(written, locale)


def relative_day(value: date | datetime, on: date | None = None) -> str:
    """A near day in words, such as "tomorrow" or "in 5 days"; a far one as a date.

    on: the day it is seen from; default today in Sweden.
    """
    day = _on_day(value)
    days = (day - (on or clock.today())).days
    near = {0: gettext("today"), 1: gettext("tomorrow"), -1: gettext("yesterday")}
    if days in near:
        return near[days]
    if abs(days) > _NEAR_DAYS:
        return format_date(day)
    told = dates.format_timedelta(
        day - (on or clock.today()),
        granularity="day",
        threshold=_NEAR_DAYS + 1,
        add_direction=True,
        locale=_locale(),
    )
    return _counted(told)


def ocr(reference: str) -> str:
    """An OCR reference in groups of four, easier to read aloud and to compare."""
    groups = [reference[start : start + 4] for start in range(0, len(reference), 4)]
    return _isolated(_NO_BREAK_SPACE.join(groups))


def bankgiro(digits: str) -> str:
    """A bankgiro number as people write it, such as "5050-1055"."""
    return _isolated(Bankgiro.parse(digits).written())


def organisation_number(value: str) -> str:
    """An organisation number as 556000-0167.

    value: 10 digits, or 12 with the century 16 in front; anything else is answered as it is.
    """
    digits = value.replace("-", "").replace(" ", "")
    if len(digits) == 12:
        digits = digits.removeprefix("16")
    if len(digits) != 10 or not digits.isdigit():
        return _isolated(value)
    return _isolated(f"{digits[:6]}-{digits[6:]}")


def masked_identity_number(value: str) -> str:
    """A personal identity number with its last four digits hidden: 19121212-••••.

    value: 10 or 12 digits, with or without its hyphen or plus sign. Of anything else nothing shows.
    """
    digits = "".join(sign for sign in value if sign.isdigit())
    born = digits[:-4] if len(digits) in (10, 12) else _BULLETS
    return _isolated(f"{born}-{_BULLETS}")


def _asked_anew(function: Callable[..., str]) -> Callable[..., str]:
    # Jinja works out a filter of constants once, when it compiles, in whatever language is read
    # then. A filter that takes the context is worked out each time.
    @pass_context
    def filtered(context: Context, *args: Any, **values: Any) -> str:
        return function(*args, **values)

    return filtered


def paid_with(channel: str) -> str:
    """By which way money came, in the payer's words."""
    return gettext(ways.NAMES[channel]) if channel in ways.NAMES else channel


def init_app(app: Flask) -> None:
    """Give every template these filters."""
    filters: dict[str, Callable[..., str]] = {
        "kronor": kronor,
        "amount": amount,
        "plain_kronor": plain_kronor,
        "short_kronor": short_kronor,
        "number": number,
        "percent": percent,
        "file_size": file_size,
        "date": format_date,
        "date_time": date_time,
        "month_name": month_name,
        "relative_day": relative_day,
        "time_of_day": time_of_day,
        "ocr": ocr,
        "paid_with": paid_with,
        "bankgiro": bankgiro,
        "organisation_number": organisation_number,
        "masked_identity_number": masked_identity_number,
    }
    for name, function in filters.items():
        app.add_template_filter(_asked_anew(function), name)
