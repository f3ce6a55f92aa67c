"""A list of customers that rules are for: pasted text, or a spreadsheet with what each is to get.

What the settings are called and what their words mean the caller says, in any languages.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from portal.messages import N_, Problem, RedaError
from portal.sources import values
from portal.sources.columns import FIELDS
from portal.sources.tables import Row, open_table

MOST_NUMBERS = 20_000
NUMBER = "customer_number"
_LONGEST = 50
_LONGEST_TEXT = 300
_TOLD = 200
_BETWEEN = re.compile(r"[,;\t\r\n]+")
_HEADINGS = next(set(one.headings) for one in FIELDS if one.key == NUMBER)
_EMPTY_MARKS = ("-", "–", "—")


@dataclass(frozen=True)
class Entry:
    """A customer number, the line that it stands on, and what its row says besides."""

    line: int
    number: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Listed:
    """What a list holds, each number once, and what is wrong with the rest of it."""

    entries: Sequence[Entry]
    problems: Sequence[Problem]


@dataclass(frozen=True)
class Vocabulary:
    """How a spreadsheet's headings and words are understood.

    headings: as `plain` makes them, to the name of a setting. choices: of a setting with choices,
    its words as `plain` makes them, to their codes. booleans: settings that are yes or no.
    """

    headings: Mapping[str, str]
    choices: Mapping[str, Mapping[str, str]]
    booleans: frozenset[str]


def plain(text: str) -> str:
    """A heading or a word as they are compared: lower case, letters and digits only."""
    composed = unicodedata.normalize("NFC", text[:200]).casefold()
    return "".join(sign for sign in composed if sign.isalnum())


def read_pasted(text: str) -> Listed:
    """The numbers of a text, one a line or parted by comma, semicolon or tab.

    Spaces part them too, in the end, but may as well belong to a number: `split_at_spaces`.
    """
    entries = []
    for line, content in enumerate(text.splitlines(), 1):
        for part in _BETWEEN.split(content):
            if number := " ".join(part.strip().strip("\"'").split()):
                entries.append(Entry(line, number))
    if entries and plain(entries[0].number) in _HEADINGS:
        entries = entries[1:]
    return _each_once(entries, [])


def split_at_spaces(listed: Listed, known: frozenset[str]) -> Listed:
    """The same, where what holds spaces and is no customer's number is several numbers."""
    entries = []
    for one in listed.entries:
        parts = [one.number] if one.number in known or one.values else one.number.split()
        entries += [Entry(one.line, part, one.values) for part in parts]
    return _each_once(entries, listed.problems)


def read_file(data: bytes, filename: str, vocabulary: Vocabulary, *, today: date) -> Listed:
    """The customers of a spreadsheet, each with what its row says.

    Rows that cannot be understood are told, and the others are good. Raises RedaError when it is no
    spreadsheet, or has no column with customer numbers.
    """
    table = open_table(data, filename, least_columns=1)
    names = _columns(table.columns, vocabulary)
    if NUMBER not in names:
        if len(table.columns) == 1:
            # A bare list: its first number was taken for the heading.
            first = table.rows[0].line - 1 if table.rows else 1
            lines = [Entry(max(first, 1), table.columns[0])]
            lines += [Entry(row.line, row.cells[0]) for row in table.rows if row.cells[0]]
            return _each_once(lines, [])
        raise RedaError(
            N_("No column holds customer numbers. Head it “Customer number”."), field="file"
        )
    entries: list[Entry] = []
    problems: list[Problem] = []
    for row in table.rows:
        found = _read_row(row, names, vocabulary, today)
        if isinstance(found, Entry):
            entries.append(found)
        else:
            problems += found
    return _each_once(entries, problems)


def _columns(columns: Sequence[str], vocabulary: Vocabulary) -> dict[str, int]:
    names: dict[str, int] = {}
    for place, heading in enumerate(columns):
        word = plain(heading)
        name = NUMBER if word in _HEADINGS else vocabulary.headings.get(word)
        if name is not None:
            names.setdefault(name, place)
    return names


def _read_row(
    row: Row, names: Mapping[str, int], vocabulary: Vocabulary, today: date
) -> Entry | list[Problem]:
    if row.problem is not None:
        return [row.problem]
    number = row.cells[names[NUMBER]].strip()
    if not number:
        return [Problem(N_("This is missing. Fill it in."), field=NUMBER, line=row.line)]
    said: dict[str, Any] = {}
    problems = []
    for name, place in names.items():
        text = row.cells[place].strip()
        if name == NUMBER or not text or text in _EMPTY_MARKS:
            continue
        try:
            values.refuse_formula(text)
            said[name] = _value(name, text, vocabulary, today)
        except RedaError as error:
            told = error.problem
            problems.append(Problem(told.message, told.values, name, row.line))
    return problems or Entry(row.line, number, said)


def _value(name: str, text: str, vocabulary: Vocabulary, today: date) -> Any:
    if name in vocabulary.choices:
        code = vocabulary.choices[name].get(plain(text))
        if code is None:
            raise RedaError(
                N_("“%(text)s” is none of the choices. Write one as the page names it."),
                text=values.shown(text),
            )
        return code
    if name in vocabulary.booleans:
        return values.yes_or_no(text)
    if name.endswith("_ore"):
        return 0 if re.fullmatch(r"0+(?:[.,]0+)?", text) else values.amount(text)
    if name.endswith("_on"):
        return values.day(text)
    if name == "left_out_types":
        return [values.invoice_type(one.strip()) for one in text.split(",") if one.strip()]
    if name == "agreed_rate":
        return _rate(text)
    if name in ("reason", "reminder_text", "demand_text"):
        return values.plain_text(text, _LONGEST_TEXT)
    if not re.fullmatch(r"\d{1,5}(?:[.,]0+)?", text):
        raise RedaError(
            N_("“%(text)s” is not a whole number. Write digits only."), text=values.shown(text)
        )
    return int(re.split("[.,]", text)[0])


def _rate(text: str) -> Decimal:
    written = text.replace("%", "").replace(",", ".").strip()
    if not re.fullmatch(r"\d{1,3}(?:\.\d{1,3})?", written):
        raise RedaError(
            N_("“%(text)s” is not a rate in per cent. Write it like 8 or 8,5."),
            text=values.shown(text),
        )
    return Decimal(written)


def _each_once(entries: Sequence[Entry], problems: Sequence[Problem]) -> Listed:
    found: dict[str, Entry] = {}
    told = list(problems)
    for one in entries:
        if len(one.number) > _LONGEST:
            told.append(
                Problem(
                    N_("“%(number)s” is longer than any customer number."),
                    {"number": values.shown(one.number)},
                    NUMBER,
                    one.line,
                )
            )
        elif one.number in found:
            told.append(
                Problem(
                    N_("%(number)s is on line %(line)s already; that line counts."),
                    {"number": one.number, "line": found[one.number].line},
                    NUMBER,
                    one.line,
                )
            )
        else:
            found[one.number] = one
    if len(found) > MOST_NUMBERS:
        raise RedaError(
            N_("These are %(count)s customers; at most %(most)s are taken at a time."),
            field="numbers",
            count=len(found),
            most=MOST_NUMBERS,
        )
    return Listed(list(found.values()), told)
