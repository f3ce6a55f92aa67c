"""A reconciliation as tables, for a spreadsheet and for the PDF that a closed period is kept as."""

import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from flask_babel import force_locale, gettext

from portal.extensions import settings
from portal.messages import N_
from portal.payments import reconciling
from portal.payments.closing import Figures
from portal.payments.reconciling import Reconciliation
from portal.reporting import sheets
from portal.reporting.names import entry
from portal.reporting.reports import Paper
from portal.reporting.tables import COUNT, DAY, MONEY, Column, Report, Row, Table, Text

MOVES: Mapping[str, str] = {
    "opening": N_("Opening balance"),
    reconciling.BANKGIRO: N_("Came by bank"),
    "swish": N_("Came by Swish"),
    "card": N_("Came by card"),
    "account": N_("Came directly from bank accounts"),
    reconciling.TAKEN_BACK: N_("Taken back"),
    reconciling.PAYOUT: N_("Paid out to companies"),
    reconciling.REFUND: N_("Paid back to payers"),
    reconciling.OWN_SHARE: N_("Our share, taken out"),
    reconciling.PAID_IN: N_("Our own money, paid in or borne"),
    reconciling.OTHER: N_("Other"),
    "closing": N_("Closing balance"),
}
REASONS: Mapping[str, str] = {
    reconciling.WAITING: N_("Waits to be matched: nobody’s yet"),
    reconciling.GOING_BACK: N_("Goes back to who paid"),
    reconciling.GONE_BACK: N_("Came and has gone back, never booked"),
    reconciling.REVERSAL_WAITS: N_("Taken off by the bank, waits for a person"),
    reconciling.OTHER_DAY: N_("Is in both, on different days"),
    reconciling.UNDONE: N_("Taken back by the bank before it was booked"),
    reconciling.NOT_DEBITED: N_("Paid, as the bank reports; the debit has not come yet"),
    reconciling.NOT_SETTLED: N_("Debited, and booked in a moment"),
    reconciling.NOT_DRAWN: N_("Taken back or paid back, not drawn by Swish or the provider yet"),
    reconciling.ON_ITS_WAY: N_("Paid by the debtor, on its way from Swish or the provider"),
    "too old": N_("Should have come to the bank by now"),
    "other sum": N_("The bank has another sum"),
    "debit without payout": N_("Left the account, and no payout of ours is named"),
    "returned": N_("Came back, and no payout of ours is named"),
    "left aside": N_("Left to the bookkeeping"),
    "not in a file": N_("Booked, and in no bank’s file"),
    "not in the books": N_("More has come than is booked"),
    "drawn": N_("More was drawn than ever came by this way"),
    "statement": N_("The statement has another sum than the other files"),
    "gap": N_("A statement does not begin with what the one before it ended with"),
    "refused": N_("A file was refused, and has not come again"),
    "case": N_("Payments and books of the case differ"),
    "cases": N_("Books and cases differ"),
}


def report(found: Sequence[Figures], reasons: Sequence[Mapping[str, Any]] = ()) -> Report:
    """The tables of a day or a period. reasons: of what is not explained, as a period keeps them.

    To be called, and written down, where the language is set.
    """
    first = found[0].reconciliation
    tables = [table for one in found for table in _tables(one, len(found) > 1)]
    if reasons:
        tables.append(_why(reasons))
    return Report(
        "reconciliation",
        N_("Reconciliation"),
        Text(N_("%(first)s to %(last)s"), {"first": first.first, "last": first.last}),
        (
            Text(
                N_(
                    "Bank: what banks’ files have told of, by value date. Books: client funds and"
                    " what our own share stands in for, by accounting day. Cases: payments, payouts"
                    " and our share, on the day that the books have them."
                )
            ),
        ),
        tables,
        first.currency,
    )


def as_csv(told: Report) -> bytes:
    """The tables for a spreadsheet, one after the other."""
    out = io.BytesIO()
    sheets.write(told, (sheets.Csv(out, told),))
    return out.getvalue()


def as_pdf(found: Sequence[Figures], reasons: Sequence[Mapping[str, Any]], on: date) -> bytes:
    """The PDF in Swedish. on: the day it is made."""
    with force_locale("sv"):
        told, paper = report(found, reasons), Paper()
        sheets.write(told, (paper,))
        return paper.render(told, settings().service_name, "sv", on)


def _tables(found: Figures, is_of_several: bool) -> Iterator[Table]:
    one = found.reconciliation
    suffix = f" ({one.currency})" if is_of_several else ""
    yield Table(
        gettext("Bank, books and cases") + suffix,
        (Column(N_("What")), Column(N_("Bank"), MONEY), Column(N_("Books"), MONEY),
         Column(N_("Cases"), MONEY)),
        _sums(one),
    )  # fmt: skip
    yield Table(
        gettext("What the bank has more than the books") + suffix,
        (Column(N_("Why")), Column(N_("Explained")), Column(N_("Rows"), COUNT, is_summed=True),
         Column(N_("Amount"), MONEY, is_summed=True)),
        [
            (Text(REASONS[each.what]), Text(N_("Yes") if each.is_explained else N_("No")),
             each.count, each.ore)
            for each in one.reasons
        ],
        empty=N_("Nothing: the bank and the books have the same."),
    )  # fmt: skip
    yield Table(
        gettext("Row by row") + suffix,
        (Column(N_("Why")), Column(N_("Name")), Column(N_("Value date"), DAY),
         Column(N_("Accounting day"), DAY, is_under=True), Column(N_("Bank"), MONEY),
         Column(N_("Books"), MONEY, is_under=True), Column(N_("Difference"), MONEY)),
        [
            (
                Text(REASONS[each.what]), entry(each.name), each.bank_on, each.posted_on,
                each.bank_ore, each.books_ore, each.ore,
            )
            for each in one.differences
        ],
        empty=N_("There is no difference."),
    )  # fmt: skip
    yield Table(
        gettext("Accounts at the bank") + suffix,
        (Column(N_("Account")), Column(N_("Opening balance"), MONEY), Column(N_("In"), MONEY),
         Column(N_("Out"), MONEY), Column(N_("Closing balance"), MONEY, is_summed=True),
         Column(N_("By the bank’s statement"), MONEY)),
        [
            (each.account, each.opening_ore, each.in_ore, each.out_ore, each.closing_ore,
             each.statement_ore)
            for each in one.accounts
        ],
        empty=N_("No file has told of an account."),
    )  # fmt: skip
    yield Table(
        gettext("Whose the money is") + suffix,
        (Column(N_("Company")), Column(N_("Owed to it"), MONEY, is_summed=True),
         Column(N_("Ordered paid"), MONEY, is_summed=True),
         Column(N_("To payers"), MONEY, is_summed=True), Column(N_("Ours"), MONEY, is_summed=True),
         Column(N_("Covered by our share"), MONEY, is_summed=True),
         Column(N_("Client funds"), MONEY, is_summed=True)),
        [
            (each.name, each.to_creditor_ore, each.ordered_ore, each.too_much_ore, each.ours_ore,
             each.covered_ore, each.money_ore)
            for each in found.owners
        ],
        empty=N_("Nothing is booked yet."),
    )  # fmt: skip


def _sums(one: Reconciliation) -> list[Row]:
    return [
        (Text(MOVES[each.what]), each.bank_ore, each.books_ore, each.cases_ore)
        for each in (one.opening, *one.moves, one.closing)
    ]


def _why(reasons: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        gettext("What is not explained, and why it may stand"),
        (Column(N_("What")), Column(N_("Name")), Column(N_("Difference"), MONEY),
         Column(N_("Reason"))),
        [
            (Text(REASONS[each["what"]]), entry(each["name"]), each["ore"], each["why"])
            for each in reasons
        ],
    )  # fmt: skip
