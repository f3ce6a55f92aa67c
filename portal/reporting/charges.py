"""The service's monthly statement to a company, as pages, PDF and spreadsheet tell it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import gettext

from portal import clock
from portal.collection import cases
from portal.collection.cases import CaseName
from portal.delivery import letters
from portal.extensions import settings
from portal.messages import N_
from portal.payments import paying_in, qr, statements
from portal.payments.accounts import Bankgiro, written_account
from portal.payments.models import ServiceStatement, StatementPayment
from portal.payments.paying_in import Standing
from portal.payments.statements import COMMISSION, FEES, SIGNATURES, Line, SetOff, Sums
from portal.reporting import names
from portal.reporting.tables import Text, said

TITLES = {
    COMMISSION: N_("Commission on money for cases under surveillance"),
    FEES: N_("Fees that you bear"),
    SIGNATURES: N_("Signatures"),
}
# A paper of more is read by nobody; the spreadsheet has every row.
MOST_ON_PAPER = 2_000
_AT_A_TIME = 1_000


@dataclass(frozen=True)
class Row:
    """A charge as it is read. what: marked text. case: None for what is of no case.

    base_ore, per_cent: what commission or tax is reckoned of, and at which rate. unit_ore: the
    price of each of quantity.
    """

    line: Line
    what: Text | str
    case: CaseName | None

    @property
    def per_cent(self) -> Decimal | None:
        points = self.line.basis_points
        return None if points is None else Decimal(points) / 100

    @property
    def unit_ore(self) -> int | None:
        return self.line.net_ore // self.line.quantity if self.line.quantity else None


@dataclass(frozen=True)
class Section:
    """The charges of one kind. ore: of all, without tax. next_after: of the next page, or None."""

    name: str
    title: str
    rows: Sequence[Row]
    ore: int
    next_after: int | None


@dataclass(frozen=True)
class InKronor:
    """The tax of a statement in another currency. rate: kronor for one of it, on a day."""

    vat_ore: int
    rate: Decimal
    on: date
    source: str


@dataclass(frozen=True)
class Shown:
    """A statement with what it is made up of, and what has become of it by now.

    payments: what the company has paid in for it. ocr: what it is paid with, no later than due_on,
    to the account of account_kind (bankgiro or iban); None when we have none in its currency.
    code: what the app of a bank reads of what is left, or None.
    """

    statement: ServiceStatement
    sums: Sums
    sections: Sequence[Section]
    set_off: Sequence[SetOff]
    payments: Sequence[StatementPayment]
    standing: Standing
    ocr: str | None
    due_on: date
    account_kind: str
    account: str
    code: str | None

    @property
    def in_kronor(self) -> InKronor | None:
        """Its tax in kronor, if it is in another currency."""
        told = self.statement.content.get("in_kronor")
        if told is None:
            return None
        on = date.fromisoformat(told["on"])
        return InKronor(told["vat_ore"], Decimal(told["rate"]), on, told["source"])

    @property
    def code_svg(self) -> str | None:
        """The code as a picture for a page."""
        return (
            qr.svg(self.code, title=gettext("Scan the code in your bank’s app"))
            if self.code
            else None
        )


def shown(
    statement: ServiceStatement, *, most: int, section: str | None = None, after: int = 0
) -> Shown:
    """A statement with the rows of one page. section, after: whose rows are read on from where."""
    sums = statements.sums_of(statement.key)
    found = []
    for name in statements.SECTIONS:
        begin = after if name == section else 0
        lines = statements.lines(statement.key, name, after=begin, limit=most + 1)
        if not lines and not begin:
            continue
        rows = as_rows(lines[:most])
        next_after = lines[most - 1].line_id if len(lines) > most else None
        found.append(Section(name, TITLES[name], rows, sums.sections[name], next_after))
    standing = paying_in.standings([statement])[statement.key]
    kind, number = paying_in.account(statement.currency) or ("", "")
    return Shown(
        statement, sums, found, statements.set_off(statement.key),
        paying_in.of_statement(statement.key), standing, paying_in.ocr(statement),
        paying_in.due_on(statement), kind, written_account(kind, number) if kind else "",
        _code(statement, standing),
    )  # fmt: skip


def _code(statement: ServiceStatement, standing: Standing) -> str | None:
    """What a bank's app reads to pay what is left; apps read it for kronor to a bankgiro alone."""
    ocr = paying_in.ocr(statement)
    if ocr is None or statement.currency != "SEK" or standing.left_ore <= 0:
        return None
    ours = settings()
    return qr.invoice_payload(
        payee_name=ours.service_name, organisation_number=ours.service_organisation_number,
        reference=ocr, invoiced_on=clock.day_of(statement.made_at),
        due_on=max(paying_in.due_on(statement), clock.today()),
        amount=Decimal(standing.left_ore) / 100, account=Bankgiro(ours.service_bankgiro),
    )  # fmt: skip


def as_rows(lines: Sequence[Line]) -> list[Row]:
    """Charges with their cases and what they are called."""
    known = cases.names(one.case_id for one in lines if one.case_id is not None)
    return [Row(one, _what(one), known.get(one.case_id or 0)) for one in lines]


def _what(line: Line) -> Text | str:
    if line.section == COMMISSION and line.is_direct:
        return Text(N_("Commission, paid to you directly"))
    return names.entry(line.kind)


def render(statement: ServiceStatement, *, language: str) -> bytes:
    """The statement as PDF, in the reader's language, with what is left of it to pay today."""
    told = shown(statement, most=MOST_ON_PAPER)
    content: dict[str, Any] = {
        "title": gettext("Invoice %(number)s", number=statement.number),
        "statement": statement, "sums": told.sums, "sections": told.sections, "told": told,
        "today": clock.today(),
        "made_on": clock.day_of(statement.made_at).isoformat(), **statement.content,
    }  # fmt: skip
    return letters.render_statement(content, language=language, settings=settings())


HEADINGS = (
    N_("Statement number"), N_("Section"), N_("What"), N_("Case"), N_("Invoice"), N_("Day"),
    N_("Reckoned of"), N_("Per cent"), N_("How many"), N_("Without VAT"), N_("VAT, per cent"),
    N_("VAT"), N_("Total"), N_("Takes back of statement"),
)  # fmt: skip


def cells(key: str) -> Iterator[list[object]]:
    """Every charge of a statement as the cells of a spreadsheet. key: the statement's."""
    statement = statements.find(key)
    number = statement.number if statement else None
    for name in statements.SECTIONS:
        for row in _every(key, name):
            line = row.line
            yield [
                number, gettext(TITLES[name]), said(row.what),
                row.case.reference if row.case else None,
                row.case.invoice_number if row.case else None, line.on_day,
                _kronor(line.base_ore), row.per_cent, line.quantity, _kronor(line.net_ore),
                line.vat_per_cent, _kronor(line.vat_ore), _kronor(line.amount_ore), line.of_number,
            ]  # fmt: skip


def _every(key: str, section: str) -> Iterable[Row]:
    after = 0
    while lines := statements.lines(key, section, after=after, limit=_AT_A_TIME):
        yield from as_rows(lines)
        after = lines[-1].line_id


def _kronor(ore: int | None) -> Decimal | None:
    return None if ore is None else Decimal(ore) / 100


def file_name(statement: ServiceStatement) -> str:
    """A name for files of a statement, without its ending."""
    return f"statement-{statement.number:06d}-{statement.last_on:%Y-%m}"
