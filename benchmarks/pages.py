"""Pages over many cases: how many statements each takes, and what it costs beside them alone.

One big creditor has so many cases, twenty small ones have two hundred each. Each page goes through
the application as a browser's request does, with the walls between companies up. `sql` is the same
statements with the same values, sent by the bare driver on a connection of the same role; `ratio`
is what the page costs beside that. All statements are counted: session, person, walls and all.

Run as `PYTHONPATH=. python benchmarks/pages.py [cases …]`; default 10 000, 100 000 and 1 000 000,
whose medians are then compared.
"""

import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from flask import Flask
from flask.testing import FlaskClient
from psycopg import sql
from sqlalchemy import event, text

from benchmarks.scale import address, make_world
from portal.config import ROOT
from portal.database import server, tenancy
from portal.extensions import db
from portal.identity import people
from portal.identity.models import Membership
from portal.signing import agreements

DATABASE = "reda_pages"
SMALL, OF_SMALL = 20, 200
REPEATS = 25
# A page that has taken so long together is not asked for again.
LONGEST_MS = 20_000
NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)

GIVEN = (
    "Anna", "Erik", "Lars", "Karin", "Maria", "Johan", "Eva", "Nils", "Sara", "Åke", "Östen", "Zoë",
    "Ahmad", "Fatima", "Björn", "Gösta", "Ingrid", "Märta", "Sven", "Ulla",
)  # fmt: skip
FAMILY = (
    "Andersson", "Johansson", "Karlsson", "Nilsson", "Eriksson", "Larsson", "Olsson", "Persson",
    "Svensson", "Gustafsson", "Lindqvist", "Öberg", "Åkesson", "Al-Khatib", "Hedlund", "Ström",
    "Björklund", "Sjögren", "Ekdahl", "Nyström",
)  # fmt: skip

# Cases are opened over a year, older ones are further on; what is unpaid stands in the books.
WORLD = """
set session_replication_role = replica;
insert into creditors (key, organisation_number, name, address_line, postcode, town, country,
    debt_description, created_at)
select 'c' || n, '55' || lpad(n::text, 8, '0'), 'Borgenär ' || n || ' AB', 'Gatan ' || n, '11122',
    'Stockholm', 'SE', 'Varor', '2025-01-02 08:00+01'
from generate_series(1, 1 + {small}) n;
create unlogged table making as
select k.id as creditor_id, n, 1 + (n - 1) / 5 * 2 + (n - 1) % 5 % 2 as debtor,
    20000 + (n * 7919) % 900000 as ore, n * 365 / k.cases as day
from (select id, case when id = (select min(id) from creditors) then {cases} else {of_small} end
    as cases from creditors) k, generate_series(1::bigint, k.cases) n;
insert into debtors (creditor_id, customer_number, customer_class, kind, name, address_line,
    postcode, town, country, email, phone, language)
select creditor_id, 'K' || debtor, case when debtor % 4 > 0 then 'k' || debtor % 4 end,
    case when debtor % 5 = 0 then 'company' else 'person' end,
    (array[{given}])[1 + debtor % 20] || ' '
        || (array[{family}])[1 + debtor / 20 % 20] || ' ' || to_hex(debtor * 7919 % 65536),
    case when debtor % 500 = 0 then '' else 'Storgatan ' || debtor end, '11122', 'Stockholm', 'SE',
    'k' || debtor || '@example.test', '+4670' || lpad(debtor::text, 7, '0'), null
from (select distinct creditor_id, debtor from making) d order by 1, debtor;
insert into invoices (creditor_id, debtor_id, number, issued_on, due_on, amount_ore, balance_ore,
    currency, description, reminder_fee_charged, decision, created_at)
select m.creditor_id, d.id, 'F' || n, date '2025-09-01' + day::int, date '2025-10-01' + day::int,
    ore, ore, 'SEK', 'El', false, 'imported', '2025-10-10 08:00+01'
from making m join debtors d on d.creditor_id = m.creditor_id
    and d.customer_number = 'K' || m.debtor order by m.creditor_id, n;
insert into cases (creditor_id, debtor_id, invoice_id, serial, reference, ocr, status, next_step,
    next_step_on, currency, principal_ore, due_on, interest_kind, reminder_fee_agreed,
    reminder_days, pay_by_on, is_stopped, is_consumer, claim_arose_on, limited_on, opened_on,
    opened_at, closed_on, charges)
select creditor_id, debtor_id, id, id, reda_reference(id, array[{keys}]), reda_ocr(id), status,
    case status when 'imported' then 'reminder' when 'reminded' then 'demand'
        when 'demanded' then 'decision' end,
    case when status in ('imported', 'reminded', 'demanded') then due_on + 40 + id::int % 30 end,
    'SEK', amount_ore, due_on, 'statutory', true, 10,
    case when status in ('reminded', 'demanded', 'deciding') then due_on + 30 end, id % 50 = 0,
    true, issued_on, issued_on + 1095, due_on + 9, (due_on + 9)::timestamp + interval '8 hours',
    case when status in ('paid', 'written off', 'recalled') then due_on + 60 end, '[]'
from (select *, case
    when id % 100 < 60 and due_on < '2026-08-01' then 'paid'
    when due_on < '2026-08-01' then (array['deciding', 'legal', 'surveillance', 'written off',
        'recalled', 'demanded', 'paid', 'demanded'])[1 + id % 8]
    when id % 3 = 0 then 'paid' when due_on < '2026-09-01' then 'reminded' else 'imported' end
    as status from invoices) i order by id;
insert into case_stops (creditor_id, case_id, kind, reason, began_at)
select creditor_id, id, (array['hold', 'dispute', 'plan'])[1 + id % 3], '', opened_at
from cases where is_stopped and closed_on is null;
insert into ledger_entries (creditor_id, case_id, kind, booked_on, posted_on, created_at,
    idempotency_key)
select creditor_id, id, 'claim.taken', opened_on, opened_on, opened_at, 'claim:' || id
from cases order by id;
insert into ledger_lines (entry_id, creditor_id, case_id, booked_on, posted_on, account,
    amount_ore, currency)
select e.id, e.creditor_id, c.id, e.booked_on, e.booked_on, a.account,
    a.sign * c.principal_ore, 'SEK'
from ledger_entries e join cases c on c.id = e.case_id,
    (values ('principal', 1), ('claims', -1)) a (account, sign) order by e.id;
insert into ledger_entries (creditor_id, case_id, kind, booked_on, posted_on, created_at,
    idempotency_key)
select creditor_id, id, 'payment', closed_on, closed_on, opened_at, 'pay:' || id from cases
where status = 'paid' order by id;
insert into ledger_lines (entry_id, creditor_id, case_id, booked_on, posted_on, account,
    amount_ore, currency)
select e.id, e.creditor_id, c.id, e.booked_on, e.booked_on, a.account,
    a.sign * c.principal_ore, 'SEK'
from ledger_entries e join cases c on c.id = e.case_id,
    (values ('principal', -1), ('owed_to_creditor', -1), ('claims', 1), ('client_funds', 1))
        a (account, sign)
where e.kind = 'payment' order by e.id;
drop table making;
set session_replication_role = origin
"""
# What is measured: its name, and its address below the company's own. Words in braces are known
# of the world; `deep` is the key of a place in the middle.
PAGES = (
    ("the list", "cases?view=all"),
    ("deep in it, by due date", "cases?sort=due&after={deep}"),
    ("by name, backwards", "cases?sort=-name"),
    ("by customer number", "cases?sort=customer"),
    ("by status", "cases?sort=status"),
    ("one status", "cases?status=demanded"),
    ("two statuses, largest first", "cases?status=legal&status=deciding&sort=-amount"),
    ("a class of customers, open", "cases?class=k1&status=open"),
    ("stopped, by next step", "cases?stop=any&sort=next"),
    ("due long ago, newest first", "cases?due_to=2025-10-20"),
    ("old, small and open, by name", "cases?status=open&age_from=300&amount_to=300&sort=name"),
    ("a class and a day that none has", "cases?class=k2&opened_from=2030-01-01"),
    ("search: a common family name", "cases?q=andersson"),
    ("search: two words, in part", "cases?q=gren+zo"),
    ("search: two letters", "cases?q=an"),
    ("search: no such name", "cases?q=wxyzzy"),
    ("search: OCR number", "cases?q={ocr}"),
    ("search: invoice number", "cases?q={invoice}"),
    ("search: amount", "cases?q={amount}"),
    ("search: telephone", "cases?q={phone}"),
    ("the overview", ""),
)


@dataclass
class Measured:
    """What a page took, in milliseconds: of the application, and of its statements alone."""

    name: str
    statements: int = 0
    pages: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.pages)

    @property
    def p95(self) -> float:
        return sorted(self.pages)[int(len(self.pages) * 0.95)]


def fill(urls: server.Urls, cases: int, keys: Sequence[int]) -> None:
    def quoted(names: Sequence[str]) -> str:
        return ", ".join(f"'{one}'" for one in names)

    told = WORLD.format(
        cases=cases, small=SMALL, of_small=OF_SMALL, given=quoted(GIVEN), family=quoted(FAMILY),
        keys=", ".join(map(str, keys)),
    )  # fmt: skip
    with psycopg.connect(address(urls), autocommit=True) as owner:
        for statement in told.split(";\n"):
            owner.execute(statement.encode())
        owner.execute("vacuum analyze")


def sign_in(app: Flask) -> tuple[FlaskClient, str]:
    """A browser of an administrator of the big company that has signed; and the company's key."""
    creditor_id, key = db.session.execute(text("select id, key from creditors order by id")).first()
    person = people.add_person("196507182795", "Eva", "Nyström", now=NOW)
    db.session.add(Membership(person_id=person.id, creditor_id=creditor_id, role="administrator"))
    agreements.publish_all()
    db.session.execute(
        text(
            "with d as (insert into documents (key, creditor_id, kind, version, title, sha256,"
            " pages, created_at) select 'd', :creditor, :kind, max(number), '', '', 1, :now"
            " from agreement_versions returning id)"
            " insert into signatures (document_id, creditor_id, person_id, signer_name, order_ref,"
            " xml_sha256, ocsp_sha256, visible_sha256, non_visible_sha256, started_ip, signed_at,"
            " verified_at) select id, :creditor, :person, '', '', '', '', '', '', '', :now, :now"
            " from d"
        ),
        {"creditor": creditor_id, "person": person.id, "kind": agreements.KIND, "now": NOW},
    )
    db.session.commit()
    client = app.test_client()
    with app.test_request_context("/"):
        session = app.session_interface.open_session(app, app.request_class({}))
        session.update({"_user_id": person.get_id(), "_fresh": True})
        response = app.response_class()
        app.session_interface.save_session(app, session, response)
    name, _, rest = response.headers["Set-Cookie"].partition("=")
    client.set_cookie(name, rest.partition(";")[0])
    return client, key


def known() -> dict[str, str]:
    """What is searched for: of a case in the middle of the big company's."""
    row = db.session.execute(
        text(
            "select c.id, c.ocr, i.number, c.principal_ore, d.phone, c.due_on from cases c"
            " join invoices i on i.id = c.invoice_id join debtors d on d.id = c.debtor_id"
            " where c.creditor_id = (select min(id) from creditors) order by c.due_on, c.id"
            " offset (select count(*) / 2 from cases) limit 1"
        )
    ).one()
    db.session.commit()
    return {
        "ocr": row.ocr, "invoice": row.number, "amount": f"{row.principal_ore / 100:.2f}",
        "phone": "0" + row.phone.removeprefix("+46"), "deep": f"0~{row.due_on}~{row.id}",
    }  # fmt: skip


@contextmanager
def noting() -> Iterator[list[tuple[str, Any]]]:
    sent: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
        sent.append((statement, values))

    event.listen(db.engine, "before_cursor_execute", note)
    yield sent
    event.remove(db.engine, "before_cursor_execute", note)


def measure(app: Flask, urls: server.Urls) -> list[Measured]:
    with app.app_context(), tenancy.service():
        client, key = sign_in(app)
        words = known()
    found = []
    bare = psycopg.connect(address(urls))
    bare.execute(sql.SQL("set role {}").format(sql.Identifier(server.APP_ROLE)))
    for setting, value in server.PLANNING.items():
        bare.execute(f"set {setting} = {value}".encode())
    bare.commit()
    for name, path in PAGES:
        one = Measured(name)
        where = f"/creditor/{key}/{path.format(**words)}"
        with app.app_context():
            # The first to come may make what is then kept for those who follow.
            client.get(where)
            with noting() as sent:
                answer = client.get(where)
            assert answer.status_code == 200, (where, answer.status_code)
            one.statements = len(sent)
            # Taken in turn, so that what else the machine does falls on both.
            for _ in range(REPEATS):
                if sum(one.pages) > LONGEST_MS:
                    break
                began = time.perf_counter()
                client.get(where)
                one.pages.append(1000 * (time.perf_counter() - began))
                began = time.perf_counter()
                for statement, values in sent:
                    cursor = bare.execute(statement.encode(), values)
                    if cursor.description:
                        cursor.fetchall()
                one.alone.append(1000 * (time.perf_counter() - began))
                bare.rollback()
        found.append(one)
    bare.close()
    return found


def tell(cases: int, found: Sequence[Measured]) -> None:
    print(f"\n{cases:,} cases of one creditor".replace(",", " "))
    print(f"{'':34}{'statements':>11}{'p50 ms':>8}{'p95 ms':>8}{'sql ms':>8}{'ratio':>7}")
    for one in found:
        alone = statistics.median(one.alone)
        print(
            f"{one.name:34}{one.statements:>11}{one.median:>8.1f}{one.p95:>8.1f}{alone:>8.1f}"
            f"{one.median / alone:>7.2f}",
            flush=True,
        )


def bench(cases: int) -> list[Measured]:
    """Measure every page over so many cases."""
    urls = server.embedded(ROOT / "var" / "bench" / "postgres", DATABASE, keep=False)
    app = make_world(urls, 0)
    with app.app_context():
        from portal.payments.references import reference_keys

        fill(urls, cases, reference_keys())
    found = measure(app, urls)
    with app.app_context():
        db.engine.dispose()
    tell(cases, found)
    return found


def main(sizes: Sequence[int]) -> None:
    measured = [bench(size) for size in sizes]
    if len(sizes) > 1:
        print(f"\np50 at {' and '.join(map(str, sizes[1:]))} cases, times that at {sizes[0]}")
    for pages in zip(*measured, strict=True):
        if len(pages) > 1:
            times = "".join(f"{one.median / pages[0].median:>8.2f}" for one in pages[1:])
            print(f"{pages[0].name:34}{times}")


if __name__ == "__main__":
    main([int(one) for one in sys.argv[1:]] or [10_000, 100_000, 1_000_000])
