"""Agreements to sign, and what a person with BankID makes of them."""

import io
from dataclasses import replace
from datetime import date

import pypdf

from portal import clock
from portal.database import files
from portal.extensions import db
from portal.identity import orders
from portal.identity.models import BankIDOrder, Creditor, Person
from portal.signing import agreements
from portal.signing.models import AgreementVersion, Document
from tests.bankid_fixtures import Phone


def a_version(
    number: int = 1, published_on: date = date(2020, 1, 1), **values: object
) -> AgreementVersion:
    version = AgreementVersion(
        number=number, title="Avtal om inkassotjänst", published_on=published_on, **values
    )
    db.session.add(version)
    db.session.commit()
    return version


def a_pdf() -> bytes:
    """Any PDF will do where its text is not the matter; a real agreement takes long to make."""
    writer, out = pypdf.PdfWriter(), io.BytesIO()
    writer.add_blank_page(595, 842)
    writer.write(out)
    return out.getvalue()


def a_document_of(creditor: Creditor, version: int = 1) -> Document:
    document = Document(
        key=f"agreement{creditor.id}v{version}",
        creditor_id=creditor.id,
        kind=agreements.KIND,
        version=version,
        title=f"Avtal om inkassotjänst – {creditor.name}",
        sha256=files.store(a_pdf()),
        pages=1,
        created_at=clock.now(),
    )
    db.session.add(document)
    db.session.commit()
    return document


def an_order(
    phone: Phone, document: Document, person: Person, *, by: str | None = None
) -> BankIDOrder:
    """A completed order. by: who approves, if not who was asked."""
    asked = agreements.purpose(document, person, now=clock.now())
    started = orders.start(
        asked if by is None else replace(asked, personal_number=None),
        binding="mine",
        end_user_ip="192.0.2.7",
        user_agent="test",
        return_url="https://reda.example/bankid/{key}/return?nonce={nonce}",
        now=clock.now(),
    )
    phone.approve(started.order.order_ref, by or person.identity_number)
    order = orders.collect(started.order, now=clock.now())
    db.session.commit()
    return order


def finish(order: BankIDOrder) -> Document | None:
    found = agreements.finish(order, now=clock.now())
    db.session.commit()
    return found
