"""Two companies with the same customers, invoices and rules, and all that became of each."""

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select, text

from portal.collection.models import Case, Debtor, Event, Rules, Stop
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.models import Creditor, EntryLink
from portal.ledger.models import Entry, Line
from portal.payments.models import Payment
from tests.factories import NOW, TODAY, a_creditor

# What differs from case to case whatever the rule says.
_OWN = frozenset(
    ("id", "serial", "reference", "ocr", "given_code", "invoice_id", "debtor_id", "case_id",
     "creditor_id", "entry_id", "idempotency_key", "channel_reference", "receipt_number",
     "token_hash")
)  # fmt: skip
CUSTOMERS = 40
# In which order an entry's lines are written says nothing.
_TOLD_BY: Any = (
    (Entry, (Entry.id,)),
    (Line, (Line.entry_id, Line.account)),
    (Event, (Event.id,)),
    (Stop, (Stop.id,)),
    (Message, (Message.id,)),
    (Payment, (Payment.id,)),
    (EntryLink, (EntryLink.id,)),
)


def make_twins(count: int, seed: int) -> list[Creditor]:
    """Two companies with so many invoices each."""
    look = {"sender_name": "Norrsken", "logo": "0" * 64, "address": "Box 7, 903 21 Umeå"}
    numbers = ("5590000017", "5590000025")
    twins = [a_creditor(organisation_number=number, letter=look) for number in numbers]
    for creditor in twins:
        dice = random.Random(seed)
        some_rules(creditor, dice)
        some_invoices(creditor, dice, count)
    return twins


def some_rules(creditor: Creditor, dice: random.Random) -> None:
    """Rules of every scope, each saying something of its own."""

    def maybe(*values: object) -> Any:
        return dice.choice([None, *values])

    customers = [("customer", f"K{number}") for number in range(0, CUSTOMERS, 3)]
    scopes = [("company", ""), ("class", "A"), ("class", "B"), *customers, ("customer", "nobody")]
    for scope, key in scopes:
        db.session.add(
            Rules(
                creditor_id=creditor.id, scope=scope, scope_key=key, changed_at=NOW,
                is_active=True if scope == "company" else maybe(True, True, False),
                days_after_due=maybe(5, 7, 12, 30),
                import_after_on=maybe(TODAY - timedelta(days=60)),
                reminder_fee_agreed=maybe(True, False), reminder_days=maybe(8, 10, 14),
                interest_kind=maybe("statutory", "agreed", "none"), agreed_rate=Decimal("12.5"),
                demand_after_days=maybe(1, 4), demand_days=maybe(8, 10, 21),
                decision_after_days=maybe(1, 4), wants_compensation=maybe(True, False),
                after_demand=maybe("ask", "legal", "surveillance", "write off", "return"),
                small_rest_ore=maybe(0, 2_000),
                is_excluded=maybe(False, False, True), lowest_ore=maybe(0, 2_000),
                collects_from=maybe("everyone", "everyone", "businesses", "consumers"),
                highest_ore=maybe(0, 5_000_000), left_out_types=maybe([], ["prepayment"]),
                reminder_fee_by=maybe("debtor", "creditor"), demand_text=maybe("", "Ring oss!"),
                demand_fee_by=maybe("debtor", "creditor"), reminder_text=maybe("", "Hej där!"),
                already_reminded=maybe("without fee", "leave out"),
                may_postpone=maybe(True, True, False), postpone_days=maybe(5, 14, 40),
                postpone_times=maybe(1, 3),
            )
        )  # fmt: skip


def some_invoices(creditor: Creditor, dice: random.Random, count: int) -> None:
    """Waiting invoices of forty customers, some of which no letter can be written of."""
    for number in range(CUSTOMERS):
        db.session.add(
            Debtor(
                creditor_id=creditor.id, customer_number=f"K{number}", name=f"Åsa {number}",
                customer_class=dice.choice([None, "A", "B", "C"]), address_line="Storgatan 1",
                kind=dice.choice(["person", "company"]), postcode="11122", town="Stockholm",
                country="SE", language=dice.choice([None, "", "en"]),
            )
        )  # fmt: skip
    db.session.flush()
    db.session.execute(
        text(
            "insert into invoices (creditor_id, debtor_id, number, issued_on, due_on, amount_ore,"
            " balance_ore, currency, description, reminder_fee_charged, type, decision,"
            " created_at)"
            " select d.creditor_id, d.id, case when n % 41 = 0 then repeat(' ', n) else 'F' || n"
            " end, case when n % 3 > 0 then cast(:today as date) - n % 97 - 20 end,"
            " cast(:today as date) - n % 83 + 4 - case when n % 1009 = 0 then 16500 else 0 end,"
            " 100 + n * n, 100 + n * n, case when n % 31 = 0 then 'EUR' else 'SEK' end,"
            " case when n % 29 = 0 then '' else 'El ' || n end, n % 2 = 0,"
            " case when n % 11 = 0 then 'prepayment' else 'invoice' end, 'waiting', :now"
            " from generate_series(1, :count) n"
            " join debtors d on d.creditor_id = :creditor and d.customer_number = 'K' || n % 40"
        ),
        {"count": count, "creditor": creditor.id, "today": TODAY, "now": NOW},
    )
    db.session.commit()


def cases_of(creditor: Creditor) -> Sequence[Case]:
    """The company's cases, in the order of their invoices."""
    return db.session.scalars(
        select(Case).where(Case.creditor_id == creditor.id).order_by(Case.invoice_id)
    ).all()


def everything_of(creditor: Creditor) -> Iterator[list[dict[str, object]]]:
    """Each case with its books, history, stops and letters, without what is its own."""
    becoming: dict[int, list[Any]] = {case.id: [case] for case in cases_of(creditor)}
    for table, order in _TOLD_BY:
        of_cases = (table.creditor_id == creditor.id) & table.case_id.is_not(None)
        for one in db.session.scalars(select(table).where(of_cases).order_by(*order)):
            becoming[one.case_id].append(one)
    for case, *rest in becoming.values():
        own = {case.reference: "reference", case.ocr: "ocr"}
        yield [_told(one, own) for one in (case, *rest)]


def _told(row: Any, own: dict[str, str]) -> dict[str, object]:
    told = {
        name: value
        for name, value in vars(row).items()
        if name not in _OWN and not name.startswith("_") and name not in ("creditor", "debtor",
        "invoice")
    }  # fmt: skip
    if "content" in told:
        told["content"] = {
            name: own.get(value, value) if isinstance(value, str) else value
            for name, value in told["content"].items()
            if name not in ("creditor", "receipt_number")
        }
        told["secret"] = (told["secret"] or "").partition("/l/")[:2]
    return told
