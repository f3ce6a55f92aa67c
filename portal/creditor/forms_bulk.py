"""What is filled in for many customers at once: who they are, and what they all get."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import force_locale, gettext, lazy_gettext
from flask_wtf.file import FileField
from wtforms import HiddenField, RadioField, TextAreaField

from portal.collection import bulk, customers
from portal.creditor import settings
from portal.creditor.forms_customers import (
    BOOLEANS,
    CHOICES,
    NAMES,
    OwnRulesForm,
    own_rules_form,
)
from portal.creditor.names import BULK_ACTS
from portal.messages import N_, RedaError
from portal.sources import customer_list
from portal.sources.customer_list import NUMBER, Entry, Listed, Vocabulary, plain

_LANGUAGES = ("sv", "en")
_OTHERS = tuple(name for name in NAMES if name != "is_excluded")
_MOST_TEXT = 1_000_000
# What ledgers and people head such columns with besides the settings' names.
_HEADINGS = {
    "ends_on": "sistadag slutdatum gällertill tom till lastday enddate endson until to",
    "reason": "orsak anledning skäl kommentar reason comment why",
    "is_excluded": "undantagen undanta undantag exkluderad exkludera excluded exclude",
}


def bulk_form(company: customers.Said, types: Sequence[str], *, is_new: bool) -> "BulkForm":
    """The form, empty or with what was sent. company: what holds for everybody."""

    class _Form(BulkForm, type(own_rules_form(company, types, is_new=True))):  # type: ignore[misc]
        pass

    form: BulkForm = _Form(formdata=None, data={"act": bulk.EXCLUDE}) if is_new else _Form()
    del form.version
    return form


class BulkForm(OwnRulesForm):
    """Who, what, until when and why."""

    numbers = TextAreaField(lazy_gettext("Customer numbers"), render_kw={"rows": 6})
    file = FileField(lazy_gettext("Spreadsheet"), render_kw={"accept": ".csv,.txt,.xlsx"})
    act = RadioField(
        lazy_gettext("What they get"),
        choices=list(BULK_ACTS.items()),
    )
    of = HiddenField()

    def common(self) -> dict[str, Any]:
        """What all of them are to say: what was filled in, and nothing of what was not."""
        act = self.act.data
        if act in (bulk.INCLUDE, bulk.REMOVE):
            return {}
        said = self.said()
        names = (*NAMES, "ends_on") if act == bulk.RULES else ("ends_on",)
        values = {name: said[name] for name in names if said[name] is not None}
        return values | ({"reason": said["reason"]} if said["reason"] else {})

    def listed(self, today: date) -> tuple[Listed, str]:
        """The customers of the text and of the file, and where they came from.

        Raises RedaError at the field.
        """
        text, given = (self.numbers.data or "").strip(), self.file.data
        data = given.read() if given else b""
        if len(text) > _MOST_TEXT:
            raise RedaError(N_("The text is too long. Upload it as a file."), field="numbers")
        pasted = customer_list.read_pasted(text)
        if not data:
            return pasted, "pasted"
        try:
            read = customer_list.read_file(data, given.filename or "", vocabulary(), today=today)
        except RedaError as error:
            error.problem = replace(error.problem, field="file")
            raise
        both = [*pasted.entries, *read.entries] if text else read.entries
        problems = [*pasted.problems, *read.problems]
        return Listed(both, problems), given.filename or "file"


def marked(numbers: Sequence[str]) -> Listed:
    """Customers that were marked in a list."""
    return Listed([Entry(place, number) for place, number in enumerate(numbers, 1)], [])


def vocabulary() -> Vocabulary:
    """The settings' names and words in the languages of these pages."""
    headings: dict[str, str] = {}
    choices: dict[str, dict[str, str]] = {name: {} for name in CHOICES}
    for language in _LANGUAGES:
        with force_locale(language):
            for name in (*NAMES, "ends_on", "reason"):
                headings[plain(settings.label(name))] = name
            for name, words in CHOICES.items():
                choices[name] |= {plain(str(text)): code for code, text in words.items()}
    for name, words in CHOICES.items():
        choices[name] |= {plain(code): code for code in words}
    for name in NAMES:
        headings.setdefault(plain(name), name)
    for name, some in _HEADINGS.items():
        headings |= dict.fromkeys(some.split(), name)
    return Vocabulary(headings, choices, frozenset(BOOLEANS))


def headings() -> dict[str, str]:
    """The headings of a spreadsheet of customers' own rules, in the reader's language."""
    return {NUMBER: gettext("Customer number")} | {
        name: settings.label(name) for name in ("is_excluded", "ends_on", "reason", *_OTHERS)
    }


def cells(number: str, own: Mapping[str, Any]) -> list[object]:
    """A customer's own rules as a row below `headings`, which can be read again."""
    return [number, *(_cell(name, own[name]) for name in list(headings())[1:])]


def _cell(name: str, value: Any) -> object:
    if value is None:
        return None
    if name in BOOLEANS:
        return gettext("Yes") if value else gettext("No")
    if name in CHOICES:
        return str(CHOICES[name][value])
    if name == "left_out_types":
        return ", ".join(value) or None
    if name.endswith("_ore"):
        return Decimal(value) / 100
    return value
