"""Vouchers for a company's own books, written as SIE 4, which every Swedish ledger reads.

SIE-gruppen, "SIE filformat", edition 4C (2025-08-06): a file of type 4I holds vouchers alone, for
import. Texts are in code page 437 (`PC8`) and between quotation marks, a mark within them behind a
backslash; amounts have a point and at most two decimals, debit above zero; series and number of a
voucher may be left empty for the ledger to give (#VER). What is written here is Swedish whoever
asks for it: it goes into Swedish books.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from flask_babel import force_locale

from portal.companies import charts
from portal.companies.charts import Chart
from portal.identity.models import Creditor
from portal.payments import payouts
from portal.payments.accounts import written_organisation_number
from portal.payments.models import Payout
from portal.reporting import names, statements
from portal.reporting.tables import said

# Of a text; several ledgers cut what is longer.
_LONGEST = 100
# What code page 437 lacks, and people write all the same.
_INSTEAD = str.maketrans(
    {"\\": "/", "–": "-", "—": "-", "’": "'", "‘": "'", "”": '"', "“": '"', "…": "...",
     "ø": "ö", "Ø": "Ö", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "€": "EUR"}
)  # fmt: skip


@dataclass(frozen=True)
class Posting:
    """A row of a voucher. account: its four digits. ore: debit above zero, credit below."""

    account: str
    ore: int
    text: str = ""


@dataclass(frozen=True)
class Voucher:
    """What is booked on a day; its rows sum to zero."""

    on: date
    text: str
    rows: Sequence[Posting]


def is_to_book(payout: Payout) -> bool:
    """Whether there is something to book in the company's books, which are in kronor."""
    return payout.status in (payouts.SETTLED, payouts.OFFSET) and payout.currency == "SEK"


def of_payout(payout: Payout, chart: Chart) -> Voucher:
    """A payout that has ended, as a company books it: a row for each sum of each case.

    Raises ValueError when there is nothing to book.
    """
    if not is_to_book(payout) or payout.ended_on is None:
        raise ValueError(f"The payout {payout.key} is not to be booked")
    with force_locale("sv"):
        rows = [one for part in statements.parts(payout) for one in _of_part(part, chart)]
    if payout.amount_ore:
        rows.insert(0, Posting(chart.bank, payout.amount_ore, payout.account_number or ""))
    return Voucher(payout.ended_on, f"Redovisning inkasso {payout.key}", rows)


def _of_part(part: statements.Part, chart: Chart) -> Iterator[Posting]:
    kind = said(names.entry(part.kind))
    about = [part.reference, part.invoice_number, part.debtor_name]
    case = " ".join(one for one in about if one)
    # What the company has paid in itself is no cost of its once more.
    is_paid_in = part.reference is None and part.kind.startswith("payment.")
    # What is paid is a debit; what it is made of stands on the other side.
    for account, ore, what in (
        (chart.receivables, -part.principal_ore, ""),
        (chart.interest, -part.interest_ore, "Ränta"),
        (chart.other, -part.other_ore, kind),
        (chart.other if is_paid_in else chart.costs, -part.set_off_ore, kind),
        (chart.vat, -part.vat_ore, f"Moms {kind}"),
    ):
        if ore:
            yield Posting(account, ore, " ".join(one for one in (what, case) if one))


def write_sie(
    vouchers: Iterable[Voucher], company: Creditor, *, program: str, made_on: date
) -> bytes:
    """A file of type 4I. Raises ValueError when a voucher does not balance."""
    given = list(vouchers)
    for one in given:
        if sum(row.ore for row in one.rows):
            raise ValueError(f"The voucher {one.text!r} does not balance")
    used = sorted({row.account for one in given for row in one.rows})
    lines = [
        "#FLAGGA 0",
        f"#PROGRAM {_text(program)} 1.0",
        "#FORMAT PC8",
        f"#GEN {made_on:%Y%m%d}",
        "#SIETYP 4",
        f"#FNAMN {_text(company.name)}",
        f"#ORGNR {written_organisation_number(company.organisation_number)}",
        # A name that is not the company's own would be told as a difference to its chart.
        *(
            f"#KONTO {number} {_text(charts.BAS_NAMES[number])}"
            for number in used
            if number in charts.BAS_NAMES
        ),
    ]
    for voucher in given:
        lines += [f'#VER "" "" {voucher.on:%Y%m%d} {_text(voucher.text)}', "{"]
        lines += [_transaction(row, voucher.on) for row in voucher.rows]
        lines.append("}")
    return "".join(f"{line}\r\n" for line in lines).encode("cp437")


def _transaction(row: Posting, on: date) -> str:
    return (
        f"   #TRANS {row.account} {{}} {Decimal(row.ore) / 100:.2f} {on:%Y%m%d} {_text(row.text)}"
    )


def _text(words: str) -> str:
    plain = " ".join(words.translate(_INSTEAD).split())
    kept = "".join(_in_code_page(one) for one in unicodedata.normalize("NFC", plain))[:_LONGEST]
    return '"{}"'.format(kept.replace('"', '\\"'))


def _in_code_page(sign: str) -> str:
    """A sign that code page 437 has, or what is nearest to it. Control characters fall."""
    if unicodedata.category(sign)[0] == "C":
        return ""
    for one in (sign, unicodedata.normalize("NFKD", sign)[:1]):
        try:
            one.encode("cp437")
        except UnicodeEncodeError:
            continue
        return one
    return "?"
