"""One value at a time: the text of a cell or an element to what it means.

Every function takes a text that is not empty and raises RedaError, saying what to write instead.
No error repeats an identity number, since problems are stored and shown.

Sources: ISO 8601 (dates), ISO 4217 and ISO 3166-1 by way of CLDR (currencies, countries), ITU-T
E.164 (telephone numbers), lagen (1974:174) om identitetsbeteckning för juridiska personer m.fl.
(organisation number: third digit at least 2), folkbokföringslagen (1991:481) §§ 18–18 a (personal
identity number; `+` from the year of the hundredth birthday), lagen (2022:1697) om
samordningsnummer (co-ordination number: day of birth plus 60).
"""

import re
import unicodedata
from datetime import date
from decimal import Decimal
from functools import cache

from babel import Locale
from babel.core import get_global
from stdnum import luhn
from stdnum.exceptions import ValidationError
from stdnum.se import orgnr, personnummer
from stdnum.util import clean

from portal.messages import N_, RedaError

MOST_ORE = 10_000_000_00
EARLIEST_YEAR = 1975

_SHOWN = 60
# Longer than any amount or date, and short enough for any pattern to be quick.
_LONGEST_VALUE = 60


def shown(text: str) -> str:
    """A text as a message may repeat it: one line, shortened."""
    line = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"


_FORMULA_SIGNS = "=+-@＝＋－＠"
_NUMBER_LIKE = re.compile(r"[+-]?[(\d][\d\s.,:/()-]*(?:kr|sek)?\.?", re.IGNORECASE | re.ASCII)
# UTF-8 that was taken for Windows-1252, as Swedish text shows it: å ä ö Å Ä Ö é ü.
_WRONGLY_DECODED = re.compile("Ã[¥¤¶…„–©¼]|\ufffd")
_SPREADSHEET_ERROR = re.compile(r"#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|#+)")
# Control characters, lone surrogates, and signs that turn or hide the text after them; joiners
# stay, since Persian and others need them.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)


def plain_text(text: str, most: int) -> str:
    """A text of at most `most` characters, composed (NFC), with single spaces.

    Markup is text like any other: whoever prints it escapes it. What a spreadsheet would take for
    a formula is refused, because lists are exported to spreadsheets again (OWASP, CSV injection).
    """
    line = " ".join(unicodedata.normalize("NFC", text).split())
    if line[:1] in _FORMULA_SIGNS and not _NUMBER_LIKE.fullmatch(line):
        raise RedaError(
            N_("“%(text)s” starts like a formula. Write the value itself, without %(sign)s."),
            text=shown(line),
            sign=line[:1],
        )
    if _SPREADSHEET_ERROR.fullmatch(line):
        raise RedaError(
            N_("The spreadsheet shows the error %(text)s here. Mend it in the spreadsheet."),
            text=shown(line),
        )
    if _WRONGLY_DECODED.search(line):
        raise RedaError(
            N_("“%(text)s” has lost its letters. Save the file once more, as CSV UTF-8 or XLSX."),
            text=shown(line),
        )
    if _INVISIBLE.search(line):
        raise RedaError(
            N_("“%(text)s” holds characters that cannot be seen. Type it again."),
            text=shown(line),
        )
    if len(line) > most:
        raise RedaError(
            N_("This has %(count)s characters; at most %(most)s fit. Shorten it."),
            count=len(line),
            most=most,
        )
    return line


_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?E\+?\d+", re.IGNORECASE | re.ASCII)


def refuse_formula(text: str) -> None:
    """Refuse a formula that was never computed, whatever it would amount to."""
    if text.startswith("="):
        raise RedaError(
            N_("“%(text)s” is a formula without a value. Write the value itself."),
            text=shown(text),
        )


def code(text: str, most: int) -> str:
    """A number or code that must not lose a digit, such as an invoice number."""
    line = plain_text(text, most)
    if _SCIENTIFIC.fullmatch(line) and "+" in line:
        raise RedaError(
            N_(
                "The spreadsheet has shortened this number to %(text)s. Format the column as text"
                " and write the number again."
            ),
            text=shown(line),
        )
    return line


_SPACES = "\u00a0\u2007\u2009\u202f"
_AMOUNT = re.compile(
    r"(?P<whole>[0-9]{1,3}(?P<group>[ '.,])[0-9]{3}(?:(?P=group)[0-9]{3})*|[0-9]+)"
    r"(?:(?P<mark>[.,:])(?P<decimals>[0-9]+))?"
)
_CURRENCY_WORD = re.compile(r"^(?:kr|sek)\.?\s*|\s*(?:kr\.?|sek|:-|,-)$", re.IGNORECASE)


def amount(text: str) -> int:
    """Öre of an amount in kronor, as written in Swedish or English.

    "1 234,50", "1.234,50", "1,234.50", "1234.5", "1 234:50", "1 234 kr", "1234:-". A sign may
    stand before or after, or be brackets: a negative amount is refused, like none, as is more than
    10 million. "1,234" and "1.234" can mean two amounts and are refused.
    """
    line, is_negative = _without_sign(_trimmed_amount(text[: _LONGEST_VALUE + 1]))
    match = _AMOUNT.fullmatch(line) if len(text) <= _LONGEST_VALUE else None
    if match is None or (match["mark"] and match["mark"] == match["group"]):
        raise RedaError(
            N_("“%(text)s” is not an amount. Write it like 1234,50."), text=shown(text.strip())
        )
    group, decimals = match["group"], match["decimals"]
    if group in (".", ",") and not decimals and line.count(group) == 1 and line[0] != "0":
        raise RedaError(
            N_(
                "“%(text)s” can be read in two ways. Write it with two decimals and no mark between"
                " thousands, like 1234,50."
            ),
            text=shown(text.strip()),
        )
    if group in (".", ",") and not decimals and line.count(group) == 1:
        whole, decimals = line.split(group)
    else:
        whole = match["whole"].replace(group, "") if group else match["whole"]
    if len(decimals or "") > 2:
        raise _too_many_decimals(text)
    return _ore(Decimal(f"{whole}.{decimals or 0}"), is_negative=is_negative, text=text)


def _trimmed_amount(text: str) -> str:
    line = text.translate({ord(c): " " for c in _SPACES}).replace("’", "'").replace("−", "-")
    return _CURRENCY_WORD.sub("", line.strip()).strip()


def _without_sign(line: str) -> tuple[str, bool]:
    if line.startswith("(") and line.endswith(")"):
        return line[1:-1].strip(), True
    for bare in (line.removeprefix("-"), line.removesuffix("-")):
        if bare != line:
            return _CURRENCY_WORD.sub("", bare.strip()).strip(), True
    return line, False


def _too_many_decimals(text: str) -> RedaError:
    return RedaError(
        N_("“%(text)s” has more than two decimals. Round it to whole öre."),
        text=shown(text.strip()),
    )


_XML_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,10})?|\.[0-9]{1,10})")


def xml_number(text: str) -> Decimal:
    """A number in XML Schema's decimal notation."""
    if not _XML_DECIMAL.fullmatch(text):
        raise RedaError(N_("“%(text)s” is not an amount. Write it like 1234.50."), text=shown(text))
    return Decimal(text)


def xml_amount(text: str) -> int:
    """Öre of an amount in XML Schema's decimal notation, with the same bounds as `amount`."""
    number = xml_number(text)
    return _ore(abs(number), is_negative=number < 0, text=text)


def _ore(kronor: Decimal, *, is_negative: bool, text: str) -> int:
    ore = kronor * 100
    if ore != int(ore):
        raise _too_many_decimals(text)
    if is_negative or ore == 0:
        raise RedaError(
            N_(
                "“%(text)s” is nothing to collect. Leave out rows that are paid, and credit notes:"
                " lower the balance of the invoice that they credit."
            ),
            text=shown(text.strip()),
        )
    if ore > MOST_ORE:
        raise RedaError(
            N_("“%(text)s” is more than 10 million. Check the amount, or write to us about it."),
            text=shown(text.strip()),
        )
    return int(ore)


_YEAR_FIRST = re.compile(r"(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})", re.ASCII)
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})", re.ASCII)
_CLOCK = re.compile(r"[T ]+\d{1,2}[:.]\d{2}(?:[:.]\d{2}(?:\.\d+)?)?Z?$", re.ASCII)


def day(text: str) -> date:
    """The date of "2026-11-03", "20261103", "3.11.2026" (day first), or "23/11/2026".

    "03/11/2026", which is two dates, is refused. A time of day after the date is left out.
    """
    if len(text) > _LONGEST_VALUE:
        raise _not_a_date(text)
    line = _CLOCK.sub("", " ".join(text.split()))
    if match := _YEAR_FIRST.fullmatch(line):
        year, mark, month, of_month = match.groups()
        if not mark and len(line) != 8:
            raise _not_a_date(text)
    elif match := _YEAR_LAST.fullmatch(line):
        of_month, mark, month, year = match.groups()
        if mark != ".":
            of_month, month = _day_and_month(int(of_month), int(month), text)
    else:
        raise _not_a_date(text)
    try:
        found = date(int(year), int(month), int(of_month))
    except ValueError:
        raise RedaError(
            N_("There is no such day as “%(text)s”. Check year, month and day."), text=shown(text)
        ) from None
    if found.year < EARLIEST_YEAR:
        raise RedaError(
            N_("“%(text)s” is before %(year)s. Check the year."),
            text=shown(text),
            year=EARLIEST_YEAR,
        )
    return found


def _not_a_date(text: str) -> RedaError:
    return RedaError(N_("“%(text)s” is not a date. Write it like 2026-11-03."), text=shown(text))


def _day_and_month(first: int, second: int, text: str) -> tuple[str, str]:
    if first > 12 or first == second:
        return str(first), str(second)
    if second > 12:
        return str(second), str(first)
    raise RedaError(
        N_("“%(text)s” can be read as two dates. Write year, month and day, like 2026-11-03."),
        text=shown(text),
    )


def identity_number(text: str, *, today: date) -> str:
    """10 digits of an organisation number, or 12 of a personal or co-ordination number.

    With or without hyphen and spaces; an organisation number also with a leading 16 or as a
    Swedish VAT number. A sole trader's organisation number is a personal identity number and comes
    out as 12 digits. The century of 10 digits is counted from `today`.
    """
    compact = clean("".join(text.split()), "-").upper()
    if match := re.fullmatch(r"SE([0-9]{10})01", compact):
        compact = match[1]
    digits = compact.replace("+", "")
    if not (digits.isascii() and digits.isdigit()):
        raise RedaError(
            N_(
                "This is not a Swedish organisation number or personal identity number. Use digits"
                " only, or leave it empty."
            )
        )
    if len(digits) == 12 and digits.startswith("16"):
        digits = digits[2:]
    if len(digits) not in (10, 12):
        raise RedaError(
            N_(
                "An organisation number has 10 digits and a personal identity number 10 or 12; this"
                " has %(count)s. If zeros at the start are lost, format the column as text."
            ),
            count=len(digits),
        )
    if len(digits) == 10 and digits[2] >= "2":
        return _organisation_number(digits)
    return _personal_number(digits, turned_100="+" in compact, today=today)


def _organisation_number(digits: str) -> str:
    if not orgnr.is_valid(digits):
        raise RedaError(
            N_("This organisation number has a wrong digit. Compare it with the register.")
        )
    return digits


def _personal_number(digits: str, *, turned_100: bool, today: date) -> str:
    if not luhn.is_valid(digits[-10:]):
        raise RedaError(
            N_("This personal identity number has a wrong digit. Compare it with the contract.")
        )
    born_on = _born_on(digits) if len(digits) == 12 else None
    if len(digits) == 10:
        digits, born_on = _with_century(digits, turned_100=turned_100, today=today)
    if born_on is None or born_on > today:
        raise RedaError(
            N_(
                "The first digits of a personal identity number are the date of birth, and nobody"
                " is born on this one. Check year, month and day."
            )
        )
    return digits


def _with_century(digits: str, *, turned_100: bool, today: date) -> tuple[str, date | None]:
    latest = today.year // 100
    for century in (latest, latest - 1, latest - 2):
        born_on = _born_on(f"{century}{digits}")
        if born_on is None or born_on > today:
            continue
        if not turned_100 or born_on.year + 100 <= today.year:
            return f"{century}{digits}", born_on
    return digits, None


def born_on(number: str) -> date | None:
    """The day of birth that a personal identity or co-ordination number of 12 digits tells."""
    return _born_on(number) if len(number) == 12 else None


def _born_on(digits: str) -> date | None:
    of_month = int(digits[6:8])
    of_month = of_month - 60 if of_month > 60 else of_month
    try:
        return personnummer.get_birth_date(f"{digits[:6]}{of_month:02}-{digits[8:]}")
    except ValidationError:
        return None


_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"\\]+@(?:[\w-]{1,63}\.)+[^\W\d_]{2,63}")


def email(text: str) -> str:
    """An e-mail address, by its shape only."""
    line = plain_text(text.strip().removeprefix("mailto:"), 254)
    name = line.partition("@")[0]
    if not _EMAIL.fullmatch(line) or ".." in line or name[0] == "." or name[-1] == ".":
        raise RedaError(
            N_("“%(text)s” is not an e-mail address. Write one, like name@example.com."),
            text=shown(text),
        )
    return line


def phone(text: str, *, country: str) -> str:
    """A telephone number in E.164; one without country code is Swedish when the country is SE."""
    digits = re.sub(r"\(0\)|[\s()./\u2010-\u2015-]", "", plain_text(text, 40))
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    if country == "SE" and re.fullmatch(r"0[1-9][0-9]{6,9}", digits):
        digits = "+46" + digits[1:]
    elif country == "SE" and re.fullmatch(r"7[0-9]{8}", digits):
        # A spreadsheet that took the number for an amount has dropped its zero.
        digits = "+46" + digits
    elif re.fullmatch(r"46[1-9][0-9]{7,9}", digits):
        digits = "+" + digits
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", digits):
        raise RedaError(
            N_("“%(text)s” is not a telephone number. Write it like 070-123 45 67 or +46 70…"),
            text=shown(text),
        )
    return digits


def postcode(text: str, *, country: str) -> str:
    """A postcode; a Swedish one as NNN NN."""
    line = code(text, 20).upper()
    if country != "SE":
        if not re.fullmatch(r"[A-Z0-9][A-Z0-9 -]{1,11}", line):
            raise RedaError(
                N_("“%(text)s” is not a postcode. Write it as on a letter."), text=shown(text)
            )
        return line
    digits = re.sub(r"^(?:SE|S)[- ]?|\s", "", line)
    if not re.fullmatch(r"[1-9][0-9]{4}", digits):
        raise RedaError(
            N_(
                "“%(text)s” is not a Swedish postcode, which has five digits, like 123 45. If the"
                " address is abroad, give the country."
            ),
            text=shown(text),
        )
    return f"{digits[:3]} {digits[3:]}"


@cache
def _countries() -> dict[str, str]:
    """Code by code and by name in Swedish and English, in lower case."""
    found: dict[str, str] = {}
    for language in ("en", "sv"):
        for iso, name in Locale(language).territories.items():
            # CLDR's own codes for pretended and grouped territories are not countries.
            if re.fullmatch(r"(?!EU|EZ|QO|UN|ZZ|X[^K])[A-Z]{2}", iso):
                found[name.casefold()] = iso
                found[iso.casefold()] = iso
    return found


def country(text: str) -> str:
    """ISO 3166-1 alpha-2 of a code or of a country's name in Swedish or English."""
    found = _countries().get(" ".join(text.split()).casefold())
    if found is None:
        raise RedaError(
            N_("“%(text)s” is not a country. Write its two letters, like SE."), text=shown(text)
        )
    return found


@cache
def _currencies() -> frozenset[str]:
    return frozenset(
        iso
        for periods in get_global("territory_currencies").values()
        for iso, _, end, is_tender in periods
        if end is None and is_tender
    )


def currency(text: str) -> str:
    """ISO 4217 code of a currency in use; "kr" is SEK."""
    iso = text.strip().upper()
    iso = "SEK" if iso in ("KR", "KR.") else iso
    if iso not in _currencies():
        raise RedaError(
            N_("“%(text)s” is not a currency. Write its three letters, like SEK."), text=shown(text)
        )
    return iso


def language(text: str) -> str:
    """A language tag such as sv, en or sr-Latn, by its shape only."""
    line = text.strip()
    if not re.fullmatch(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}", line):
        raise RedaError(
            N_("“%(text)s” is not a language code. Write one like sv or en, or leave it empty."),
            text=shown(text),
        )
    return line


_YES = {"ja", "j", "yes", "y", "true", "sant", "1", "x"}
_NO = {"nej", "n", "no", "false", "falskt", "0"}


def yes_or_no(text: str) -> bool:
    """Ja or nej, yes or no, true or false, 1 or 0."""
    word = text.strip().casefold()
    if word not in _YES | _NO:
        raise RedaError(N_("“%(text)s” is neither yes nor no. Write yes or no."), text=shown(text))
    return word in _YES


_PERSON = {"person", "privat", "privatperson", "konsument", "consumer", "private", "p"}
_COMPANY = {"företag", "company", "business", "bolag", "organisation", "juridisk person", "f"}


def customer_kind(text: str) -> str:
    """Person or company, in Swedish or English."""
    word = " ".join(text.split()).casefold()
    if word not in _PERSON | _COMPANY:
        raise RedaError(
            N_("“%(text)s” is neither person nor company. Write one of these."), text=shown(text)
        )
    return "person" if word in _PERSON else "company"


# The groups of lagen (2022:70) § 4, and who is larger: their names, and the fewest employees.
SIZES = (("250+", 250), ("50-249", 50), ("10-49", 10), ("0-9", 0))
_NOT_IN_A_SIZE = re.compile(r"(?:st|anställda|employees|eller fler|or more|and more|och fler)\b|\s")


def size_class(text: str) -> str:
    """How many employees a business has, as one of SIZES: from a number, or from such a name."""
    plain = _NOT_IN_A_SIZE.sub("", text.casefold()).replace("–", "-").replace("—", "-")
    names = {name for name, _ in SIZES}
    if plain in names or plain.lstrip(">≥") == "250":
        return plain if plain in names else "250+"
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 7):
        raise RedaError(
            N_(
                "“%(text)s” is no number of employees. Write a number, or 0–9, 10–49, 50–249 or"
                " 250+."
            ),
            text=shown(text),
        )
    return next(name for name, least in SIZES if int(plain) >= least)


_TYPES = {
    "invoice": "faktura invoice kundfaktura f inv 380 slutfaktura",
    "prepayment": "förskott förskottsfaktura prepayment acontofaktura aconto 386",
    "debit note": "debetnota tilläggsfaktura debitnote 383",
    "interest invoice": "räntefaktura ränta interestinvoice interest",
}
_CREDIT = {
    "kredit", "kreditfaktura", "kreditnota", "credit", "creditnote", "creditinvoice", "k", "381",
}  # fmt: skip
_TYPE_OF = {word: type for type, words in _TYPES.items() for word in words.split()}


def invoice_type(text: str) -> str:
    """The type of an invoice: one that we know, or as the ledger calls it.

    Raises RedaError for a credit note, on which nothing is owed.
    """
    word = "".join(c for c in text.casefold() if c.isalnum())
    if word in _CREDIT:
        raise RedaError(N_("This is a credit note, and nothing is owed on it. Leave it out."))
    return _TYPE_OF.get(word) or plain_text(text, 40)
