"""Demo data: companies, people, and cases that came in as a creditor's own file would.

Run it as often as you like: what is there is left as it is. The people are those whose identity
numbers the tax agency publishes for tests; the companies are invented.
"""

import csv
import json
import sys
import time
import urllib.request
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO, StringIO

from PIL import Image, ImageDraw
from sqlalchemy import select, text
from stdnum import luhn

from portal import clock, create_app
from portal.collection import attachments, disputes, intake, notes, plans, rates, rulebook
from portal.collection.models import Case, Rules, Upload
from portal.companies import acts, addresses, contacts, invitations, looks
from portal.companies.models import PayoutAccount
from portal.config import ROOT
from portal.database import queue, tenancy
from portal.extensions import db, settings
from portal.identity import orders, people
from portal.identity.actor import SYSTEM, Actor
from portal.identity.models import Creditor, Membership, Person
from portal.payments import payouts
from portal.payments.payouts import Schedule
from portal.reporting import orders as orders_of_work
from portal.signing import agreements
from tools import seed_past, seed_second

PHONE = "http://127.0.0.1:8102"
OPERATOR, SECOND_OPERATOR = "198107212386", "197903052384"
EVA, JOHAN, SOFIA = "196507182795", "196104032898", "198811262396"
ELLA = "200205212384"
# Key, name, first nine digits of an organisation number, street, administrator, signed already.
COMPANIES = (
    ("norrsken", "Norrsken Energi AB", "559900001", "Älvgatan 4|903 26|Umeå", JOHAN, True),
    ("fjallback", "Fjällbäcks Tandvård AB", "559900002", "Kyrkogatan 11|831 34|Östersund", EVA,
     False),
    ("lindens", "Lindens Cykel & Sport AB", "559900003", "Lindvägen 2|582 46|Linköping", EVA,
     False),
    ("savar", "Sävar Fiber AB", "559900004", "Fibervägen 1|918 31|Sävar", ELLA, True),
)  # fmt: skip
CUSTOMERS = (
    "197101019052", "195003151858", "197611152393", "196403100602", "198410162393",
    "198203182384", "193801248471",
)  # fmt: skip
VERA = "200208152389"
ROLES = (
    (SOFIA, "norrsken", "collector"), ("198508202382", "norrsken", "viewer"),
    (VERA, "norrsken", "administrator"),
)  # fmt: skip


def main() -> None:
    """Seed what is missing; with the argument `table`, print the addresses and sign-ins instead."""
    app = create_app()
    with app.app_context(), tenancy.service():
        if "table" in sys.argv:
            _print_table()
            return
        _seed_law()
        for number in (OPERATOR, SECOND_OPERATOR):
            _person(number, is_operator=True)
        for number in _members():
            _person(number)
        for company in COMPANIES:
            _company(*company)
        for number, key, role in ROLES:
            _member(number, key, role)
        db.session.commit()
        for key, *_, administrator, is_signed in COMPANIES:
            if is_signed:
                _sign_agreements(_creditor(key), administrator)
                _seed_rules(_creditor(key))
        _seed_past(_creditor("norrsken"))
        _seed_cases(_creditor("norrsken"))
        seed_work(_creditor("norrsken"))
        _seed_invitation(_creditor("norrsken"))
        _seed_orders(_creditor("norrsken"))
        _seed_card(_creditor("norrsken"))
        _seed_second(_creditor("savar"))


def _members() -> list[str]:
    return [EVA, JOHAN, SOFIA, VERA, ELLA, "198508202382"]


def _seed_law() -> None:
    while (known := rates.table().known_through) < clock.today():
        # A demo must show interest; no real portal may be started with a guessed rate.
        rates.add(known + timedelta(days=1), Decimal("2.00"), "Demo value, not Riksbanken's",
                  actor=SYSTEM, now=clock.now())  # fmt: skip


def _known_people() -> dict[str, dict[str, str]]:
    text = (ROOT / "simulators" / "people.csv").read_text()
    return {row["personal_identity_number"]: row for row in csv.DictReader(StringIO(text))}


def _person(number: str, is_operator: bool = False) -> Person:
    found = people.by_identity_number(number)
    if found is None:
        row = _known_people()[number]
        found = people.add_person(
            number, row["given_name"], row["surname"], now=clock.now(), is_operator=is_operator
        )
        found.email = f"{row['given_name']}.{row['surname']}@reda.example".lower()
        found.email = found.email.translate(str.maketrans("åäöéü", "aaoeu"))
    return found


def _creditor(key: str) -> Creditor:
    return db.session.scalars(select(Creditor).where(Creditor.key == key)).one()


def _company(
    key: str, name: str, digits: str, address: str, administrator: str, _is_signed: bool
) -> None:
    if db.session.scalar(select(Creditor.id).where(Creditor.key == key)):
        return
    line, postcode, town = address.split("|")
    db.session.add(
        Creditor(
            key=key,
            organisation_number=digits + luhn.calc_check_digit(digits),
            name=name,
            address_line=line,
            postcode=postcode.replace(" ", ""),
            town=town,
            email=f"faktura@{key}.example",
            phone="010-000 00 01",
            debt_description="Vara eller tjänst enligt faktura",
            created_at=clock.now(),
        )
    )
    db.session.flush()
    bankgiro = f"99110{digits[-1]}"
    db.session.add(
        PayoutAccount(
            key=f"{key}1", creditor_id=_creditor(key).id, kind="bankgiro",
            number=bankgiro + luhn.calc_check_digit(bankgiro),
            holder=name, is_used=True, added_at=clock.now(),
        )
    )  # fmt: skip
    _member(administrator, key, "administrator")


def _member(number: str, key: str, role: str) -> None:
    person, creditor = _person(number), _creditor(key)
    is_member = select(Membership.id).where(
        Membership.person_id == person.id, Membership.creditor_id == creditor.id
    )
    if not db.session.scalar(is_member):
        db.session.add(Membership(person_id=person.id, creditor_id=creditor.id, role=role))
        db.session.flush()


def _sign_agreements(creditor: Creditor, administrator: str) -> None:
    """Sign the first version, and each newer one whose last day has been; the newest is asked."""
    signed = {one.document.version for one in agreements.of_creditor(creditor.id) if one.signature}
    for one in reversed(agreements.versions()):
        is_due = one.accept_by_on is None or one.accept_by_on < clock.today()
        if is_due and one.number not in signed:
            _sign_through_simulator(creditor, administrator, one.number)


def _sign_through_simulator(creditor: Creditor, number: str, version: int) -> None:
    """Sign the agreement as a person would; the simulator's control API plays the phone."""
    document = agreements.prepare(creditor.id, now=clock.now(), number=version)
    started = orders.start(
        agreements.purpose(document, _person(number), now=clock.now()),
        binding="seed",
        end_user_ip="127.0.0.1",
        user_agent="seed",
        return_url=f"{settings().base_url}/bankid/{{key}}/return?nonce={{nonce}}",
        now=clock.now(),
    )
    db.session.commit()
    order = started.order
    _approve(order.order_ref, number)
    for _ in range(20):
        order = orders.collect(order, now=clock.now())
        db.session.commit()
        if order.status != "pending":
            break
        time.sleep(0.5)
    agreements.finish(order, now=clock.now())
    db.session.commit()


def _approve(order_ref: str, number: str) -> None:
    request = urllib.request.Request(
        f"{PHONE}/control/orders/{order_ref}/approve",
        json.dumps({"personalNumber": number}).encode(),
        {"Content-Type": "application/json"},
        method="POST",
    )
    urllib.request.urlopen(request, timeout=10).close()


def _seed_rules(creditor: Creditor) -> None:
    if rulebook.version(creditor.id):
        return
    db.session.add(
        Rules(
            creditor_id=creditor.id,
            scope="company",
            is_active=True,
            days_after_due=7,
            reminder_fee_agreed=True,
            reminder_days=10,
            interest_kind="statutory",
            changed_at=clock.now(),
        )
    )
    db.session.commit()


def _seed_past(creditor: Creditor) -> None:
    if _has_file(creditor):
        return
    used = {*CUSTOMERS}
    others = [
        one
        for number, one in _known_people().items()
        if one["use"] == "debtor" and number not in used
    ]
    print("Living the demo's past ...", flush=True)
    seed_past.live(creditor, others, clock.today())
    # People are told of the latest of it by the worker; of all at once nobody wants to be.
    db.session.execute(
        text(
            "insert into notification_marks (creditor_id, position)"
            " select creditor_id, greatest(0, position - 40) from history_heads"
            " where creditor_id = :creditor"
        ),
        {"creditor": creditor.id},
    )
    db.session.commit()


def _has_file(creditor: Creditor, *names: str) -> bool:
    query = select(Upload.id).where(Upload.creditor_id == creditor.id)
    if names:
        query = query.where(Upload.filename.in_(names))
    return db.session.scalar(query.limit(1)) is not None


def _seed_cases(creditor: Creditor) -> None:
    if _has_file(creditor, "kundreskontra.csv"):
        return
    now, today = clock.now(), clock.today()
    actor = Actor("person", "Johan Ekdahl", _person(JOHAN).id)
    received = intake.receive(
        creditor.id, [("kundreskontra.csv", ledger_file(today))], actor=actor, now=now
    )
    intake.map_columns(received.upload, dict(received.upload.mapping))
    intake.import_upload(received.upload, actor=actor, today=today, now=now)
    _seed_exceptions(creditor, actor)
    queue.defer("advance_cases", once="advance_cases")
    db.session.commit()


def _seed_exceptions(creditor: Creditor, actor: Actor) -> None:
    """A class that gets more time, and a customer that is left out for a while."""
    today, now = clock.today(), clock.now()
    rulebook.put_many(
        creditor.id, "class", ["Fritidshus"],
        {"days_after_due": 14, "reason": "Sällan på plats"}, actor=actor, today=today, now=now,
    )  # fmt: skip
    rulebook.put_many(
        creditor.id, "customer", ["2007"],
        {"is_excluded": True, "reason": "Flyttar, betalar efter överenskommelse",
         "ends_on": today + timedelta(days=10)},
        actor=actor, today=today, now=now,
    )  # fmt: skip


def seed_work(creditor: Creditor) -> None:
    """A case that somebody objects to in part, with a note and a file, and one with a plan."""
    by_invoice = {
        one.invoice.number: one
        for one in db.session.scalars(select(Case).where(Case.creditor_id == creditor.id))
    }
    objected, planned = by_invoice.get("10403"), by_invoice.get("10405")
    if objected is None or planned is None or disputes.of_case(objected.id):
        return
    today, now, johan, sofia = clock.today(), clock.now(), _person(JOHAN), _person(SOFIA)
    actor = Actor("person", johan.name, johan.id, "creditor")
    disputes.object_to(
        objected, reason="amount", words="Mätaren lästes av fel i september. 400 kr är för mycket.",
        amount_ore=40_000, channel="phone", actor=actor, today=today, now=now,
    )  # fmt: skip
    notes.write(
        objected, "Avläsningen finns i bilagan. Kan du räkna om?", mentions=[sofia.id],
        readers=[notes.Reader(sofia.id, sofia.name)], actor=actor, now=now,
    )  # fmt: skip
    reading = "datum;mätarställning\r\n2026-08-31;40 112\r\n2026-09-30;41 036\r\n".encode()
    attachments.add(objected, [("avlasning.csv", reading)], actor=actor, now=now)
    plans.agree(planned, monthly_ore=60_000, first_on=today + timedelta(days=25), actor=actor,
                today=today, now=now)  # fmt: skip
    db.session.commit()


def _seed_orders(creditor: Creditor) -> None:
    """A report and an archive that the worker makes as soon as it runs."""
    if orders_of_work.page(creditor.id, "report").rows:
        return
    today, actor = clock.today(), Actor("person", "Johan Ekdahl", _person(JOHAN).id)
    year = {"from": f"{today.year - 1}-01-01", "to": today.isoformat()}
    for kind, asked in (
        ("report", {"name": "open-claims", "on": today.isoformat(), "currency": "SEK",
                    "rows": "customer"}),
        ("archive", {"parts": ["letters", "agreements", "histories", "ledger"], **year}),
    ):  # fmt: skip
        orders_of_work.put(creditor.id, kind, asked, language="sv", actor=actor, now=clock.now())
    db.session.commit()


def _seed_invitation(creditor: Creditor) -> None:
    if invitations.of_company(creditor.id):
        return
    johan = _person(JOHAN)
    invitations.invite(
        creditor.id, email="maria@norrsken.example", given_name="Maria", role="collector",
        ends_on=None, language="sv",
        address=lambda token: f"{settings().base_url}/invitations/{token}",
        actor=Actor("person", johan.name, johan.id, "creditor"), today=clock.today(),
        now=clock.now(),
    )  # fmt: skip
    db.session.commit()


def _seed_card(creditor: Creditor) -> None:
    if contacts.of_company(creditor.id):
        return
    johan, now = _person(JOHAN), clock.now()
    actor = Actor("person", johan.name, johan.id, "creditor")
    contacts.save(
        creditor.id, None,
        {"name": "Karin Ek", "role": "Ekonomi", "email": "karin@norrsken.example",
         "phone": "090-12 34 56"}, 0, actor=actor, now=now,
    )  # fmt: skip
    box = {**addresses.registered(creditor), "address_line": "Box 7", "postcode": "903 21"}
    addresses.save(creditor.id, "invoice", box, 0, actor=actor, now=now)
    addresses.take(creditor.id, "agreement", 0, actor=actor, now=now)
    acts.propose_account(
        creditor.id, {"kind": "plusgiro", "number": "28 65 43-4", "holder": creditor.name},
        is_used=False, actor=actor, now=now,
    )  # fmt: skip
    payouts.choose_schedule(creditor.id, Schedule("week", 3, 100_00), actor=actor, now=now)
    looks.save_letter(
        creditor.id, "Norrsken", looks.drawn(_logo()), 0, by_mailbox=True, actor=actor, now=now
    )
    db.session.commit()


def _seed_second(creditor: Creditor) -> None:
    if not _has_file(creditor):
        ella = _person(ELLA)
        actor = Actor("person", ella.name, ella.id, "creditor")
        seed_second.live(creditor, _known_people(), actor)


def _logo() -> bytes:
    """A sun over the fells, in the company's colours."""
    picture = Image.new("RGB", (640, 200), "white")
    pen = ImageDraw.Draw(picture)
    pen.ellipse((230, 30, 410, 210), fill="#e09422")
    pen.polygon([(0, 200), (190, 70), (330, 160), (470, 90), (640, 200)], fill="#17504c")
    out = BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


# Identity number, days overdue, amount in kronor, text.
_INVOICES = (
    ("197101019052", 24, "1 249,00", "El oktober"),
    ("195003151858", 40, "890,50", "El september"),
    ("197611152393", 33, "2 310,00", "El och elnät"),
    ("196403100602", 19, "615,25", "El oktober"),
    ("198410162393", 12, "1 780,00", "El oktober"),
    ("198203182384", 9, "449,00", "Elnät oktober"),
    ("193801248471", 3, "725,00", "El oktober"),
)


def ledger_file(
    today: date,
    invoices: Sequence[tuple[str, int, str, str]] = _INVOICES,
    first_number: int = 10401,
) -> bytes:
    """A list of unpaid invoices, as the creditor's ledger would export it."""
    known, rows = _known_people(), []
    for index, (number, overdue, amount, what) in enumerate(invoices):
        person, due_on = known[number], today - timedelta(days=overdue)
        place = 1 + CUSTOMERS.index(number)
        rows.append(
            f"{first_number + index};{2000 + place};{person['given_name']} {person['surname']};"
            f"{number};Storgatan {place};111 22;Stockholm;{due_on - timedelta(days=30)};{due_on};"
            f"{amount};SEK;{what};{person['language']};{'Fritidshus' if place > 5 else 'Hushåll'};"
            # Of the series that PTS keeps for fiction.
            f"kund{2000 + place}@example.com;070-174 06 {10 + place}"
        )
    head = (
        "Fakturanr;Kundnr;Kundnamn;Personnummer;Adress;Postnr;Ort;Fakturadatum;Förfallodatum;"
        "Belopp;Valuta;Text;Språk;Kundklass;E-post;Telefon"
    )
    return "\r\n".join((head, *rows, "")).encode("utf-8-sig")


def demo_cases() -> Sequence[Case]:
    """Two cases to try, preferably such as can be paid still."""
    is_closed = Case.closed_on.is_not(None)
    return db.session.scalars(
        select(Case).order_by(is_closed, Case.opened_on.desc(), Case.id).limit(2)
    ).all()


def _print_table() -> None:
    base, cases = settings().base_url, demo_cases()
    lines = [
        ("Debtors", f"{base}/"),
        ("Creditors and staff", f"{base}/sign-in"),
        ("BankID phone (simulator)", f"{PHONE}/"),
        ("Swish payer (simulator)", "http://127.0.0.1:8104/"),
        ("Card and account payments (simulator)", "http://127.0.0.1:8109/"),
        ("Mails (simulator)", "http://127.0.0.1:8106/"),
        ("Text messages (simulator)", "http://127.0.0.1:8107/"),
        ("Digital mailboxes (simulator)", "http://127.0.0.1:8111/"),
        ("Components", f"{base}/dev/components"),
        ("", ""),
    ]
    lines += [
        (f"Demo case {number}", f"reference {case.reference}  code {case.access_code}"
         f"  ({case.debtor.name}, {case.debtor.language or 'sv'})")
        for number, case in enumerate(cases, 1)
    ]  # fmt: skip
    lines += [
        ("", ""),
        ("Ahmad Al-Khatib", f"{seed_second.AHMAD}  debtor, cases at two companies"),
        ("Marek Wiśniewski", f"{seed_second.MAREK}  debtor, signs for {seed_second.BAKERY_NAME}"),
        ("Johan Ekdahl", f"{JOHAN}  administrator of Norrsken Energi, agreement signed"),
        ("Eva Sandberg", f"{EVA}  administrator of two companies, signs their agreements"),
        ("Vera Sjöberg", f"{VERA}  the other administrator of Norrsken Energi"),
        ("Sofia Nyström", f"{SOFIA}  collector at Norrsken Energi"),
        ("Ella Hedlund", f"{ELLA}  administrator of Sävar Fiber, agreement signed"),
        ("Ingrid Falk", "198508202382  viewer at Norrsken Energi"),
        ("Erik Wallin", f"{OPERATOR}  operator"),
        ("Karin Lund", f"{SECOND_OPERATOR}  the other operator; both approve what is paid out"),
    ]
    width = max(len(left) for left, _ in lines)
    print("\n" + "\n".join(f"  {left:<{width}}   {right}" for left, right in lines))


if __name__ == "__main__":
    main()
