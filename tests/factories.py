"""Test data that reads as the story: `a_case(overdue_days=20)`, `a_person_at(creditor, 'viewer')`.

Whatever a test does not say is unremarkable. Everything is written through the rooms' own verbs
where they have one, and committed.
"""

import itertools
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from stdnum import luhn

from portal import clock
from portal.collection import lifecycle, policy
from portal.collection.models import Case, Debtor, Invoice, Rules
from portal.database import files
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity import people
from portal.identity.models import Creditor, Membership, Person
from portal.signing import agreements
from portal.signing.models import Document, Signature

# A Tuesday in a half-year whose reference rate is in the law's table.
TODAY = date(2026, 3, 10)
NOW = datetime.combine(TODAY, time(9, 30), clock.STOCKHOLM)
EVA, JOHAN, SOFIA = "196507182795", "196104032898", "198811262396"
_serial = itertools.count(1)


def a_creditor(name: str = "Norrsken Energi AB", **values: object) -> Creditor:
    """A company."""
    serial = next(_serial)
    digits = f"5599{serial:05d}"
    creditor = Creditor(
        **{
            "key": f"creditor{serial}",
            "organisation_number": digits + luhn.calc_check_digit(digits),
            "name": name,
            "address_line": "Älvgatan 4",
            "postcode": "90326",
            "town": "Umeå",
            "email": "faktura@creditor.example",
            "created_at": NOW,
            **values,
        }
    )
    db.session.add(creditor)
    db.session.commit()
    return creditor


def rules_of(creditor: Creditor, **values: object) -> Rules:
    """The company's rules: switched on, seven days, fee agreed, unless told otherwise."""
    rules = Rules(
        **{
            "creditor_id": creditor.id,
            "scope": "company",
            "is_active": True,
            "days_after_due": 7,
            "reminder_fee_agreed": True,
            "reminder_days": 10,
            "interest_kind": "statutory",
            "changed_at": NOW,
            **values,
        }
    )
    db.session.add(rules)
    db.session.commit()
    return rules


def a_debtor_of(creditor: Creditor, **values: object) -> Debtor:
    """A customer of a company."""
    serial = next(_serial)
    debtor = Debtor(
        **{
            "creditor_id": creditor.id,
            "customer_number": f"K{serial}",
            "kind": "person",
            "name": "Ahmad Al-Khatib",
            "address_line": "Storgatan 1",
            "postcode": "11122",
            "town": "Stockholm",
            "country": "SE",
            **values,
        }
    )
    db.session.add(debtor)
    db.session.flush()
    return debtor


def an_invoice_of(creditor: Creditor, **values: object) -> Invoice:
    """An unpaid invoice of 1 000.00 kr, twenty days overdue."""
    debtor = values.pop("debtor", None) or a_debtor_of(creditor)
    due_on = TODAY - timedelta(days=20)
    invoice = Invoice(
        **{
            "creditor_id": creditor.id,
            "debtor_id": debtor.id,
            "number": f"F{next(_serial)}",
            "issued_on": due_on - timedelta(days=30),
            "due_on": due_on,
            "amount_ore": 100_000,
            "balance_ore": 100_000,
            "currency": "SEK",
            "description": "El februari",
            "reminder_fee_charged": False,
            "decision": "waiting",
            "created_at": NOW,
            **values,
        }
    )
    db.session.add(invoice)
    db.session.commit()
    return invoice


def a_case(creditor: Creditor | None = None, **values: object) -> Case:
    """A case just imported; values are the invoice's, `terms` the rules'."""
    creditor = creditor or a_creditor()
    terms = {
        "is_active": True,
        "reminder_fee_agreed": True,
        "interest_kind": "statutory",
        **dict(values.pop("terms", {})),
    }
    invoice = an_invoice_of(creditor, **values)
    invoice.decision = "imported"
    rules = policy.Effective({**policy.DEFAULTS, **terms}, {})
    case = lifecycle.open_case(invoice, rules, today=TODAY, now=NOW)
    db.session.commit()
    return case


def a_reminded_case(creditor: Creditor | None = None, **values: object) -> Case:
    """A case that was reminded of today; the letter waits to be handed over."""
    case = a_case(creditor, **values)
    lifecycle.send_reminder(case, today=TODAY, now=NOW)
    db.session.commit()
    return case


def a_case_whose_reminder_left(creditor: Creditor | None = None, **values: object) -> Case:
    """A case that was reminded of today by a letter that was handed over."""
    case = a_reminded_case(creditor, **values)
    letters_leave("reminder")
    db.session.commit()
    return case


def letters_leave(*kinds: str) -> None:
    """The letters that wait are handed over. kinds: default all whose fees need it."""
    db.session.execute(
        update(Message)
        .where(
            Message.status == "waiting",
            Message.kind.in_(kinds or ("reminder", "demand", "plan")),
        )
        .values(status="sent", sent_at=NOW)
    )


def a_person(number: str = "196104032898", **values: object) -> Person:
    """Somebody who may sign in."""
    person = people.add_person(
        number, str(values.pop("given_name", "Johan")), str(values.pop("surname", "Ekdahl")),
        now=NOW, **values,
    )  # fmt: skip
    db.session.commit()
    return person


def a_person_at(creditor: Creditor, role: str, number: str = "196104032898") -> Person:
    """Somebody with a role at a company."""
    person = people.by_identity_number(number) or a_person(number)
    db.session.add(Membership(person_id=person.id, creditor_id=creditor.id, role=role))
    db.session.commit()
    return person


def a_signed_agreement(creditor: Creditor, person: Person) -> Signature:
    """The agreement in force, as if the person had signed it for the company."""
    agreements.publish_all()
    serial = next(_serial)
    document = Document(
        key=f"document{serial}",
        creditor_id=creditor.id,
        kind=agreements.KIND,
        version=agreements.current_version().number,
        title=f"Avtal om inkassotjänst – {creditor.name}",
        sha256=files.store(b"%PDF-1.7 unsigned"),
        signed_sha256=files.store(b"%PDF-1.7 signed"),
        pages=4,
        created_at=NOW,
    )
    db.session.add(document)
    db.session.flush()
    signature = Signature(
        document_id=document.id,
        creditor_id=creditor.id,
        person_id=person.id,
        signer_name=person.name,
        order_ref=f"order{serial}",
        xml_sha256="",
        ocsp_sha256="",
        visible_sha256="",
        non_visible_sha256="",
        started_ip="127.0.0.1",
        signed_at=NOW,
        verified_at=NOW,
    )
    db.session.add(signature)
    db.session.commit()
    return signature


def a_creditor_that_signed(name: str = "Norrsken Energi AB", **values: object) -> Creditor:
    """A company with its agreement signed by Eva, its administrator."""
    creditor = a_creditor(name, **values)
    a_signed_agreement(creditor, a_person_at(creditor, "administrator", EVA))
    return creditor


def sign_in(app: Flask, client: FlaskClient, person: Person) -> None:
    """Give a test's browser the session that a completed BankID sign-in gives."""
    _give_session(app, client, {"_user_id": person.get_id(), "_fresh": True})


def enter_case(app: Flask, client: FlaskClient, case: Case) -> None:
    """Give a test's browser the session that a right reference and code give."""
    _give_session(app, client, {"debtor_cases": [case.id]})


def _give_session(app: Flask, client: FlaskClient, content: dict[str, object]) -> None:
    client.set_cookie(*session_cookie(app, content))


def session_cookie(app: Flask, content: dict[str, object]) -> tuple[str, str]:
    """Name and value of the cookie of a new session with some content."""
    with app.test_request_context("/"):
        session = app.session_interface.open_session(app, app.request_class({}))
        session.update(content)
        response = app.response_class()
        app.session_interface.save_session(app, session, response)
    name, _, rest = response.headers["Set-Cookie"].partition("=")
    return name, rest.partition(";")[0]


def kronor(text: str) -> int:
    """Öre of an amount written in kronor."""
    return int(Decimal(text) * 100)
