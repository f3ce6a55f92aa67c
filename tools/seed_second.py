"""The demo's second creditor: what somebody sees who owes something in more places than one.

Ahmad has a case here and one at the first creditor. Marek has one at the first, and signs for a
bakery that has cases at both.
"""

import csv
from collections.abc import Mapping
from datetime import date, timedelta
from io import StringIO

from portal import clock
from portal.collection import intake
from portal.database import queue
from portal.extensions import db
from portal.identity import signatories
from portal.identity.actor import Actor
from portal.identity.models import Creditor

AHMAD, MAREK = "197101019052", "196403100602"
# Of those that the first creditor's past is made of.
BAKERY, BAKERY_NAME = "5569000002", "Ume Bageri AB"
FILE = "kundfordringar.csv"
# Identity or organisation number, customer number, days overdue, amount in kronor, text.
_INVOICES = (
    (AHMAD, 101, 16, "399,00", "Bredband oktober"),
    ("195003151858", 102, 21, "399,00", "Bredband oktober"),
    (BAKERY, 201, 28, "1 249,00", "Företagsfiber oktober"),
)


def live(creditor: Creditor, people: Mapping[str, Mapping[str, str]], actor: Actor) -> None:
    """Let the company give us its unpaid invoices. people: by identity number."""
    now, today = clock.now(), clock.today()
    signatories.tell(
        BAKERY, MAREK, from_on=today, until_on=None, source="The demo", now=clock.now()
    )
    received = intake.receive(
        creditor.id, [(FILE, ledger_file(people, today))], actor=actor, now=now
    )
    intake.map_columns(received.upload, dict(received.upload.mapping))
    intake.import_upload(received.upload, actor=actor, today=today, now=now)
    queue.defer("advance_cases", once="advance_cases")
    db.session.commit()


def ledger_file(people: Mapping[str, Mapping[str, str]], today: date) -> bytes:
    """A list of unpaid invoices, as the company's ledger would export it."""
    written = StringIO()
    out = csv.writer(written, delimiter=";", lineterminator="\r\n")
    out.writerow([
        "Fakturanr", "Kundnr", "Kundnamn", "Org.nr/Pers.nr", "Adress", "Postnr", "Ort",
        "Fakturadatum", "Förfallodatum", "Belopp", "Text", "Språk",
    ])  # fmt: skip
    for invoice, (number, customer, overdue, amount, what) in enumerate(_INVOICES, 501):
        person, due_on = people.get(number), today - timedelta(days=overdue)
        name = f"{person['given_name']} {person['surname']}" if person else BAKERY_NAME
        out.writerow([
            invoice, customer, name, number, f"Storgatan {customer % 100}", "903 26", "Umeå",
            due_on - timedelta(days=30), due_on, amount, what,
            person["language"] if person else "sv",
        ])  # fmt: skip
    return written.getvalue().encode("utf-8-sig")
