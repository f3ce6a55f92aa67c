"""A debtor whose money has gone back is told, once, and nobody in another's place."""

import pytest
from flask import Flask
from sqlalchemy import select

from portal.collection import cases, stops
from portal.collection.models import Case
from portal.delivery.mails import render_mail
from portal.delivery.models import Message
from portal.extensions import db, settings
from portal.payments import refunds
from tests.factories import NOW, TODAY, a_case_whose_reminder_left, a_creditor, a_debtor_of
from tests.payments.bank_files.written import Paid
from tests.payments.bank_money import paid_by_bank
from tests.payments.going_back import ERIK, by_bank, paid_back, the_refund
from tests.payments.test_deciding import came

PAID = 200_000


@pytest.fixture
def case(app: Flask) -> Case:
    creditor = a_creditor()
    debtor = a_debtor_of(creditor, name="Fatima Haddad", language="sv", email="fatima@example.com")
    return a_case_whose_reminder_left(creditor, debtor=debtor)


def told() -> list[Message]:
    return list(db.session.scalars(select(Message).where(Message.kind == "refund")))


def test_the_debtor_is_told_in_their_language_when_it_has_gone(case: Case) -> None:
    by_bank(case, PAID)
    refund = the_refund()
    assert told() == []
    paid_back(refund)
    (message,) = told()
    assert (message.channel, message.address) == ("email", "fatima@example.com")
    mail = render_mail(
        "refund", {**message.content, "url": "https://x"}, to="fatima@example.com",
        language=message.language, key="k", settings=settings(),
    )  # fmt: skip
    assert mail.subject == "För mycket betalt, du får tillbaka det"
    assert case.reference in mail.text
    assert case.reference in mail.html


def test_told_once_though_the_bank_says_it_twice(case: Case) -> None:
    by_bank(case, PAID)
    refund = paid_back(the_refund())
    refunds.return_(refund, "AC04", on=TODAY, actor=ERIK, now=NOW)
    refunds.settle(refund, on=TODAY, actor=ERIK, now=NOW)
    db.session.commit()
    assert len(told()) == 1


@pytest.mark.parametrize(
    ("name", "is_told"), [("HADDAD FATIMA", True), ("", True), ("Sara Haddad", False)]
)
def test_who_paid_for_the_debtor_has_it_back_and_the_debtor_is_not_told(
    case: Case, name: str, is_told: bool
) -> None:
    came(Paid(PAID, case.ocr, payer="9912346", name=name))
    paid_back(the_refund())
    assert bool(told()) is is_told


@pytest.mark.parametrize(
    ("name", "written"),
    [("Marek Wiśniewski", "MAREK WISNIEWSKI"), ("Łucja Åström", "ASTROM LUCJA"),
     ("Mehmet Yılmaz", "MEHMET YILMAZ")],
)  # fmt: skip
def test_a_name_without_the_marks_that_banks_leave_out_is_the_debtors(
    app: Flask, name: str, written: str
) -> None:
    creditor = a_creditor()
    debtor = a_debtor_of(creditor, name=name, email="a@example.com")
    case = a_case_whose_reminder_left(creditor, debtor=debtor)
    came(Paid(PAID, case.ocr, payer="9912346", name=written))
    paid_back(the_refund())
    assert len(told()) == 1


@pytest.mark.parametrize("kind", ["deceased", "represented", "protected identity"])
def test_nobody_is_told_in_the_place_of_who_must_not_be_reached_so(case: Case, kind: str) -> None:
    stops.stop(cases.lock(case.id), kind, "", actor=ERIK, now=NOW)
    by_bank(case, PAID)
    paid_back(the_refund())
    assert told() == []


def test_who_has_no_address_is_told_on_the_page_alone(app: Flask) -> None:
    paid_by_bank(a_case_whose_reminder_left(), PAID)
    paid_back(the_refund())
    assert told() == []
