"""The list of cases and its address: what is searched for, the filter, the order and the columns.

An identity number never stands in an address. What holds one is kept encrypted in the reader's
session, and the address has a random word for it (`found`) that means nothing to anybody else.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from cryptography.fernet import InvalidToken
from flask import session, url_for
from flask_babel import gettext, lazy_gettext, ngettext
from flask_babel.speaklater import LazyString
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from portal.collection import finding
from portal.collection.finding import Beside, Filter, Page, Row, Sought, View
from portal.creditor import access, names
from portal.creditor.forms_cases import FilterForm
from portal.database import encryption
from portal.web import formats
from portal.web.pages import Heading

_KEPT = "sought"
_MOST_KEPT = 8
# Taken away by whatever changes which rows there are.
_PLACES = ("after", "before")


@dataclass(frozen=True)
class Column:
    """A column of the list. cell: what a spreadsheet gets of a row on a day."""

    code: str
    text: LazyString
    cell: Callable[[Row, date], object]
    is_numeric: bool = False
    sort: str | None = None


def _kronor(ore: int) -> Decimal:
    return Decimal(ore) / 100


COLUMNS = {
    one.code: one
    for one in (
        Column("reference", lazy_gettext("Case"), lambda row, _: row.reference, sort="reference"),
        Column("name", lazy_gettext("Debtor"), lambda row, _: row.debtor_name, sort="name"),
        Column("customer", lazy_gettext("Customer number"), lambda row, _: row.customer_number,
               sort="customer"),
        Column("class", lazy_gettext("Customer class"), lambda row, _: row.customer_class or ""),
        Column("invoice", lazy_gettext("Invoice"), lambda row, _: row.invoice_number,
               sort="invoice"),
        Column("due", lazy_gettext("Due"), lambda row, _: row.due_on, sort="due"),
        Column("age", lazy_gettext("Days overdue"), lambda row, today: row.age_days(today),
               is_numeric=True, sort="age"),
        Column("opened", lazy_gettext("Opened"), lambda row, _: row.opened_on, sort="opened"),
        Column("amount", lazy_gettext("Claim"), lambda row, _: _kronor(row.principal_ore),
               is_numeric=True, sort="amount"),
        Column("unpaid", lazy_gettext("Unpaid as booked"), lambda row, _: _kronor(row.booked_ore),
               is_numeric=True),
        Column("currency", lazy_gettext("Currency"), lambda row, _: row.currency),
        Column("status", lazy_gettext("Status"), lambda row, _: names.status_name(row.status),
               sort="status"),
        Column("stopped", lazy_gettext("Stopped by"),
               lambda row, _: ", ".join(names.stop_name(one) for one in row.stops)),
        Column("next", lazy_gettext("Next step"),
               lambda row, _: names.next_step_name(row.next_step), sort="next"),
        Column("next_on", lazy_gettext("Next step on"), lambda row, _: row.next_step_on,
               sort="next"),
        Column("pay_by", lazy_gettext("Last day to pay"), lambda row, _: row.pay_by_on),
        Column("town", lazy_gettext("Town"), lambda row, _: row.town),
        Column("email", lazy_gettext("E-mail"), lambda row, _: row.email or ""),
        Column("phone", lazy_gettext("Telephone"), lambda row, _: row.phone or ""),
    )
}  # fmt: skip
STANDARD = ("reference", "name", "invoice", "due", "unpaid", "status", "next")
# What stands in another's cell on the page has a column of its own in a spreadsheet.
_WITHIN = {"name": "customer", "unpaid": "currency", "next": "next_on"}


@dataclass(frozen=True)
class StandardView:
    """A view that every company has."""

    code: str
    name: LazyString
    query: str


ALL = "all"
STANDARD_VIEWS = (
    StandardView(ALL, lazy_gettext("All cases"), ""),
    StandardView("open", lazy_gettext("Open cases"), "status=open"),
    StandardView("decide", lazy_gettext("To decide on"), "status=deciding"),
    StandardView("objections", lazy_gettext("Objections"), "stop=dispute"),
    StandardView("stopped", lazy_gettext("Stopped"), "stop=any"),
    StandardView("reminders", lazy_gettext("Overdue reminders"),
                 "status=reminded&mark=overdue&sort=due"),
    StandardView("demands", lazy_gettext("Overdue demands"),
                 "status=demanded&mark=overdue&sort=due"),
    StandardView("plans", lazy_gettext("Payment plans"), "mark=plan"),
    StandardView("broken", lazy_gettext("Broken payment plans"), "mark=broken+plan"),
    StandardView("address", lazy_gettext("Incomplete addresses"), "mark=no+address"),
    StandardView("largest", lazy_gettext("The largest open ones"), "status=open&sort=-amount"),
    StandardView("oldest", lazy_gettext("The oldest open ones"), "status=open&sort=-age"),
)  # fmt: skip


@dataclass(frozen=True)
class ViewLink:
    """A view as the list offers it. code: in addresses. is_current: the list is of it."""

    code: str
    name: str
    query: str
    url: str
    is_current: bool
    saved: View | None = None


_KINDS: Mapping[str, LazyString] = {
    "reference": lazy_gettext("case number"),
    "ocr": lazy_gettext("OCR number"),
    "payment reference": lazy_gettext("the invoice’s payment reference"),
    "invoice": lazy_gettext("invoice number"),
    "customer": lazy_gettext("customer number"),
    "identity": lazy_gettext("identity number"),
    "email": lazy_gettext("e-mail address"),
    "phone": lazy_gettext("telephone number"),
    "amount": lazy_gettext("amount of the claim or of what is unpaid"),
    "name": lazy_gettext("name or e-mail address"),
}


class _Heading(Heading):
    """A heading whose list is not where the page's own address says."""

    def __init__(self, column: Column, listing: "Listing") -> None:
        super().__init__(str(column.text), column.is_numeric, column.sort)
        object.__setattr__(self, "_listing", listing)
        object.__setattr__(self, "code", column.code)

    @property
    def direction(self) -> str | None:
        told = {self.sort: "ascending", f"-{self.sort}": "descending"}
        return told.get(self._listing.sort) if self.sort else None  # type: ignore[attr-defined]

    @property
    def url(self) -> str:
        prefix = "-" if self.direction == "ascending" else ""
        address: str = self._listing.address(sort=f"{prefix}{self.sort}")  # type: ignore[attr-defined]
        return address


@dataclass
class Listing:
    """A list of cases as an address tells it.

    query: the address's values, none of them empty, without the place. wanted, sought: what is
    shown. sort: of finding.SORTS or `age`, with a minus in front when it descends.
    """

    form: FilterForm
    query: dict[str, list[str]]
    wanted: Filter
    sought: Sought
    today: date
    after: str | None = None
    before: str | None = None
    beside: Beside = field(default_factory=Beside)

    @property
    def sort(self) -> str:
        told = self.query.get("sort", [finding.NEWEST])[0]
        return told if told.removeprefix("-") in (*finding.SORTS, "age") else finding.NEWEST

    @property
    def columns(self) -> list[Column]:
        told = self.query.get("cols", [""])[0].split(",")
        chosen = [one for one in COLUMNS if one in told]
        # A row without its case could not be opened.
        return [COLUMNS[one] for one in dict.fromkeys(("reference", *chosen))] if chosen else [
            COLUMNS[one] for one in STANDARD
        ]  # fmt: skip

    @property
    def headings(self) -> list[Heading]:
        return [_Heading(one, self) for one in self.columns]

    @property
    def is_filtered(self) -> bool:
        return bool(self.sought.text) or not self.wanted.is_empty

    def address(self, endpoint: str = "list_cases", **changes: str | None) -> str:
        """The address of this list with some of it changed; None takes a value away."""
        query = {name: some for name, some in self.query.items() if name not in changes}
        query |= {name: [value] for name, value in changes.items() if value}
        address = url_for(f"creditor.{endpoint}")
        return f"{address}?{urlencode(query, doseq=True)}" if query else address

    def look(self) -> None:
        """Look up what was typed, and what may be chosen."""
        self.beside = finding.beside(
            access.role().creditor_id,
            self.sought,
            person_id=current_user.id,
            classes=self.wanted.classes,
        )
        self.form.offer_classes(self.beside.classes)

    @property
    def saved_query(self) -> str:
        """What a view keeps of the address: all but a search for an identity number."""
        kept = {name: some for name, some in self.query.items() if name not in ("view", "found")}
        return urlencode(kept, doseq=True)

    @property
    def whole_query(self) -> str:
        """The address's query without the place."""
        return urlencode(self.query, doseq=True)

    def views(self) -> list[ViewLink]:
        """The page's own views, then those that people have saved."""
        # Nothing chosen is the view of all.
        unsaid = "" if self.query else ALL
        return links(self.beside.views, self.query.get("view", [unsaid])[0])

    def current_view(self) -> ViewLink | None:
        """The view that the list is of, also when something of it was changed since."""
        return next((one for one in self.views() if one.is_current), None)

    def default_url(self) -> str | None:
        """The address that the reader has chosen to begin with, or None."""
        code = self.beside.default
        return next((one.url for one in self.views() if one.code == code and code != ALL), None)

    def page(self) -> Page:
        """The page that the address tells."""
        return finding.page(
            access.role().creditor_id,
            self.wanted,
            today=self.today,
            beside=self.beside,
            sort=_by_age(self.sort),
            after=self.after,
            before=self.before,
        )

    def every(self) -> Iterator[Row]:
        """Every row, in order."""
        return finding.every(
            access.role().creditor_id,
            self.wanted,
            today=self.today,
            beside=self.beside,
            sort=_by_age(self.sort),
        )

    def ids_sql(self) -> Any:
        """A query for the ids of every case of the list, for `together`."""
        return finding.ids_sql(
            access.role().creditor_id, self.wanted, today=self.today, beside=self.beside
        )

    def for_a_spreadsheet(self) -> tuple[list[str], Iterator[list[object]]]:
        """Headings and rows of what is shown."""
        codes: list[str] = []
        for column in self.columns:
            codes += [column.code, *([_WITHIN[column.code]] if column.code in _WITHIN else ())]
        columns = [COLUMNS[one] for one in dict.fromkeys(codes)]
        rows = ([one.cell(row, self.today) for one in columns] for row in self.every())
        return [str(one.text) for one in columns], rows

    def told(self) -> str | None:
        """What was searched for, in words; None without a search."""
        found = self.beside.found
        if found is None:
            return None
        if found.kinds:
            return gettext("Found by: %(kinds)s.", kinds=_listed(found.kinds))
        if self.sought.is_secret and not self.sought.identity_hashes:
            return gettext(
                "This looks like an identity number with a wrong digit. Compare it once more."
            )
        return gettext("Looked for: %(kinds)s.", kinds=_listed(self.sought.kinds()))

    def chosen(self) -> list[tuple[str, str]]:
        """Each part of the filter in words, and the list's address without it."""
        told: list[tuple[str, str]] = []
        for name in ("status", "step", "stop", "class", "mark"):
            of_form = self.form["customer_class" if name == "class" else name]
            texts = dict(of_form.choices or ())
            for value in self.query.get(name, ()):
                if value in texts:
                    left = [one for one in self.query[name] if one != value]
                    told.append((f"{of_form.label.text}: {texts[value]}", self._with(name, left)))
        for name in _RANGES:
            of_form = self.form[name]
            if of_form.data is not None and not of_form.errors:
                shown = _shown(name, of_form.data)
                told.append((f"{of_form.label.text} {shown}", self._with(name, [])))
        return told

    def _with(self, name: str, left: Sequence[str]) -> str:
        query = {**self.query, name: list(left)} if left else {
            key: some for key, some in self.query.items() if key != name
        }  # fmt: skip
        address = url_for("creditor.list_cases")
        return f"{address}?{urlencode(query, doseq=True)}" if query else address


def view_url(code: str, query: str) -> str:
    """The address of the list that a view is of."""
    address = url_for("creditor.list_cases")
    return f"{address}?{query}&view={code}" if query else f"{address}?view={code}"


def links(saved: Sequence[View], current: str = "") -> list[ViewLink]:
    """The page's own views, then those that people have saved. current: the code of one."""
    told = [(one.code, str(one.name), one.query, None) for one in STANDARD_VIEWS]
    kept = [(str(one.id), one.name, one.query, one) for one in saved]
    return [
        ViewLink(code, name, query, view_url(code, query), code == current, view)
        for code, name, query, view in (*told, *kept)
    ]


_RANGES = ("step_from", "step_to", "amount_from", "amount_to", "due_from", "due_to", "opened_from",
           "opened_to", "age_from", "age_to")  # fmt: skip
_MANY = ("status", "step", "stop", "class", "mark")
_KNOWN = ("q", "found", "view", *_MANY, *_RANGES, "sort", "cols")


def _shown(name: str, value: Any) -> str:
    if name.startswith("amount"):
        return formats.kronor(value)
    if isinstance(value, date):
        return formats.format_date(value, "medium")
    return ngettext("%(num)s day", "%(num)s days", value)


def _listed(kinds: Sequence[str]) -> str:
    return ", ".join(str(_KINDS[one]) for one in kinds)


def _by_age(sort: str) -> str:
    """The oldest has the earliest due date."""
    return {"age": "-due", "-age": "due"}.get(sort, sort)


def read(values: MultiDict[str, str], today: date) -> Listing:
    """The list that an address or the form above it tells.

    A text with an identity number is taken out of it and kept in the session.
    """
    query = {
        name: [one for one in dict.fromkeys(values.getlist(name)) if one.strip()] for name in _KNOWN
    }
    query = {name: some if name in _MANY else some[:1] for name, some in query.items() if some}
    if "cols" not in query and (columns := values.getlist("column")):
        query["cols"] = [",".join(columns)]
    if query.get("cols") == [",".join(STANDARD)]:
        del query["cols"]
    if query.get("sort") == [finding.NEWEST]:
        del query["sort"]
    sought = finding.recognise(query.get("q", [""])[0], today=today)
    if sought.is_secret:
        query["found"] = [_keep(query.pop("q")[0])]
    elif sought.text:
        query.pop("found", None)
    elif kept := _kept(query.get("found", [""])[0]):
        sought = finding.recognise(kept, today=today)
    else:
        query.pop("found", None)
    form = FilterForm(MultiDict(query), meta={"csrf": False})
    return Listing(
        form,
        query,
        form.wanted(),
        sought,
        today,
        after=values.get("after"),
        before=values.get("before"),
    )


def _keep(text: str) -> str:
    """Keep a text in the session; answers the word that stands for it."""
    word = secrets.token_urlsafe(9)
    before = list(session.get(_KEPT, {}).items())[1 - _MOST_KEPT :]
    session[_KEPT] = {**dict(before), word: encryption.encrypt(text.encode()).decode()}
    return word


def _kept(word: str) -> str | None:
    told = session.get(_KEPT, {}).get(word)
    try:
        return encryption.decrypt(told.encode()).decode() if told else None
    except InvalidToken:
        # Of a key that has been taken out of use.
        return None
