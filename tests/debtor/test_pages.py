"""What somebody with a letter in their hand sees: the way in, the case, and nothing else."""

import re
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal import clock
from portal.collection import cases, changes, lifecycle, plans, rates, settling, stops
from portal.collection.models import Case
from portal.database import files, tenancy
from portal.delivery import outbox
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity import attempts
from portal.identity.actor import DEBTOR, SWISH, SYSTEM, Actor
from portal.payments import booking
from portal.payments.models import Payment
from tests.delivery.pdf import Pdf
from tests.factories import (
    NOW,
    SOFIA,
    a_case,
    a_creditor,
    a_debtor_of,
    a_reminded_case,
    enter_case,
    letters_leave,
)

WRONG = "The reference and the code do not belong together"
LOCKED = "Too many attempts"
CLERK = Actor("person", "Sofia", role="creditor")
ISOLATED_AMOUNT = re.compile(r"\u2068[^\u2069]*\d[^\u2069]*\u2069")


def at_first_case(path: str) -> str:
    """The address that a path beginning with `/case` has for the first case there is."""
    with tenancy.service():
        reference = db.session.scalar(select(Case.reference).order_by(Case.id).limit(1))
    return re.sub(r"^/case(?=$|/(?!\d))", f"/case/{reference}", path)


@dataclass
class Visitor:
    """Somebody at a browser without JavaScript."""

    client: FlaskClient
    language: str = "en"
    headers: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.headers = {"Accept-Language": self.language}

    def raw(self, path: str) -> TestResponse:
        """An answer as it comes; `/case` stands for the first case there is."""
        return self.client.get(at_first_case(path), headers=self.headers)

    def get(self, path: str, *, status: int = 200) -> BeautifulSoup:
        """A page, parsed."""
        return self._parsed(self.raw(path), status)

    def post(self, path: str, *, status: int = 200, **values: str) -> BeautifulSoup:
        """What comes of sending the form of the page that is open, at the end of its way."""
        at = self.get("/case" if path == "/leave" else "/")
        values["csrf_token"] = at.select_one("input[name=csrf_token]")["value"]
        response = self.client.post(path, data=values, headers=self.headers, follow_redirects=True)
        return self._parsed(response, status)

    def enter(self, case: Case, code: str | None = None, *, status: int = 200) -> BeautifulSoup:
        """Write a case's reference and code."""
        code = case.access_code if code is None else code
        return self.post("/", reference=case.reference, code=code, status=status)

    def _parsed(self, response: TestResponse, status: int) -> BeautifulSoup:
        assert response.status_code == status
        return BeautifulSoup(response.text, "html.parser")


@pytest.fixture
def visitor(client: FlaskClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
def case(app: Flask) -> Case:
    """A case reminded of today, whose invoice is twenty days overdue by the real calendar."""
    return a_case_of_today()


def make_rates_known() -> None:
    """A reference rate of 2 per cent in every half-year that the law's table does not reach."""
    while (unknown_on := rates.table().known_through + timedelta(days=1)) <= clock.today():
        rates.add(unknown_on, Decimal(2), "Made up", actor=SYSTEM, now=clock.now())


def a_case_of_today(**values: object) -> Case:
    """A case as it stands when somebody opens its page now: pages ask the clock themselves."""
    make_rates_known()
    due_on = clock.today() - timedelta(days=20)
    creditor: Any = values.pop("creditor", None)
    case = a_case(
        creditor,
        **{
            "due_on": due_on,
            "issued_on": due_on - timedelta(days=30),
            **values,
        },
    )
    lifecycle.send_reminder(case, today=clock.today(), now=clock.now())
    db.session.commit()
    return case


@pytest.fixture
def inside(app: Flask, client: FlaskClient, case: Case) -> Visitor:
    """Somebody who has opened the case."""
    enter_case(app, client, case)
    return Visitor(client)


def said(page: BeautifulSoup) -> str:
    """What a page says, with plain spaces."""
    return " ".join(page.get_text(" ").replace("\u00a0", " ").split())


def sent_letter(case: Case) -> Message:
    """The case's letter, as if it had been printed and sent."""
    message = db.session.scalars(select(Message).where(Message.case_id == case.id)).one()
    message.document_sha256 = files.store(b"%PDF-1.7 a letter")
    message.status, message.sent_at = "sent", NOW
    db.session.commit()
    return message


def pay(case: Case, amount_ore: int | None = None) -> Payment:
    """Money that came for the case; all that is owed, unless an amount is said."""
    now = clock.now()
    amount_ore = amount_ore or cases.amount_due(case, clock.today()).total_ore
    settled = settling.settle_payment(
        case, amount_ore=amount_ore, key="swish:A1B2", channel="swish",
        value_on=clock.today(), actor=SWISH, now=now,
    )  # fmt: skip
    assert settled
    payment = Payment(
        creditor_id=case.creditor_id, case_id=case.id, channel="swish",
        channel_reference="swish:A1B2", amount_ore=amount_ore, currency="SEK",
        value_on=clock.today(), received_at=now, fees_ore=settled.parts.fees_ore,
        interest_ore=settled.parts.interest_ore, principal_ore=settled.parts.principal_ore,
        overpaid_ore=settled.parts.overpaid_ore, receipt_number="2026-0000001",
    )  # fmt: skip
    db.session.add(payment)
    db.session.commit()
    return payment


def test_the_address_in_a_letter_fills_the_reference_in(visitor: Visitor) -> None:
    page = visitor.get("/?reference=604812345")
    assert page.select_one("input[name=reference]")["value"] == "604812345"


def test_what_an_address_fills_in_stays_a_value(visitor: Visitor) -> None:
    page = visitor.get('/?reference="><b>x')
    assert page.select_one("input[name=reference]")["value"] == '"><b>x'


def test_no_address_fills_the_code_in(visitor: Visitor) -> None:
    page = visitor.get("/?reference=604812345&code=ABCDEF")
    assert not page.select_one("input[name=code]").get("value")


def test_reference_and_code_open_the_case(visitor: Visitor, case: Case) -> None:
    assert "Norrsken Energi AB" in visitor.enter(case).h1.get_text()


def test_the_readers_own_digits_open_it_too(visitor: Visitor, case: Case) -> None:
    persian = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
    values = {"reference": case.reference.translate(persian)}
    page = visitor.post("/", code=case.access_code.translate(persian), **values)
    assert "Norrsken Energi AB" in said(page)


def test_small_letters_and_spaces_open_it_too(visitor: Visitor, case: Case) -> None:
    code = f" {case.access_code[:3].lower()} {case.access_code[3:].lower()} "
    assert "Norrsken Energi AB" in visitor.enter(case, code).h1.get_text()


def test_a_wrong_code_and_a_wrong_reference_are_told_in_the_same_words(
    visitor: Visitor, case: Case
) -> None:
    wrong_code = visitor.enter(case, "222222", status=422)
    wrong_reference = visitor.post("/", reference="100000009", code=case.access_code, status=422)
    told = [said(one.select_one("#error-summary")) for one in (wrong_code, wrong_reference)]
    assert WRONG in told[0]
    assert told[0] == told[1]


def test_the_code_of_another_case_opens_neither_and_is_told_alike(
    visitor: Visitor, case: Case
) -> None:
    other = a_reminded_case(a_creditor("Fjällbäcks Tandvård AB"))
    told = [
        said(visitor.post("/", reference=reference, code=code, status=422))
        for reference, code in (
            (case.reference, other.access_code),
            (other.reference, case.access_code),
            (case.reference, "222222"),
            ("100000009", case.access_code),
        )
    ]
    assert WRONG in told[0]
    assert len(set(told)) == 1
    for one in (case, other):
        assert visitor.raw(f"/case/{one.reference}").location == "/"


def test_what_was_written_wrong_stays_to_be_mended(visitor: Visitor, case: Case) -> None:
    page = visitor.enter(case, "222222", status=422)
    assert page.select_one("input[name=reference]")["value"] == case.reference


@pytest.mark.parametrize("field", ["reference", "code"])
def test_a_field_left_empty_is_pointed_at(visitor: Visitor, field: str) -> None:
    values = {"reference": "604812345", "code": "ABCDEF", field: ""}
    page = visitor.post("/", status=422, **values)
    assert page.select_one(f"input[name={field}]")["aria-invalid"] == "true"


def test_who_guesses_too_often_is_asked_to_wait(visitor: Visitor, case: Case) -> None:
    for _ in range(attempts.FREE):
        visitor.enter(case, "222222", status=422)
    assert LOCKED in said(visitor.enter(case, "222222", status=429))


def test_the_right_code_does_not_open_a_locked_door(visitor: Visitor, case: Case) -> None:
    for _ in range(attempts.FREE):
        visitor.enter(case, "222222", status=422)
    assert LOCKED in said(visitor.enter(case, status=429))


def test_a_lock_tells_when_to_come_back(visitor: Visitor, case: Case) -> None:
    for _ in range(attempts.FREE):
        visitor.enter(case, "222222", status=422)
    token = visitor.get("/").select_one("input[name=csrf_token]")["value"]
    answer = visitor.client.post(
        "/", data={"reference": case.reference, "code": "222222", "csrf_token": token}
    )
    assert 0 < int(answer.headers["Retry-After"]) <= attempts.FIRST_WAIT.total_seconds()


def test_who_has_a_case_open_is_taken_to_it(inside: Visitor) -> None:
    assert inside.raw("/").location == at_first_case("/case")


def test_the_letter_of_the_open_case_leads_to_it(inside: Visitor, case: Case) -> None:
    assert inside.raw(f"/?reference={case.reference}").location == at_first_case("/case")


def test_the_letter_of_another_case_leads_to_the_way_in(inside: Visitor) -> None:
    page = inside.get("/?reference=604812345")
    assert page.select_one("input[name=reference]")["value"] == "604812345"


def test_opening_a_second_case_closes_the_first(visitor: Visitor, case: Case) -> None:
    other = a_reminded_case(a_creditor("Fjällbäcks Tandvård AB"))
    visitor.enter(case)
    page = visitor.get(f"/?reference={other.reference}")
    token = page.select_one("input[name=csrf_token]")["value"]
    values = {"reference": other.reference, "code": other.access_code, "csrf_token": token}
    visitor.client.post("/", data=values)
    assert "Fjällbäcks Tandvård AB" in said(visitor.get(f"/case/{other.reference}"))
    visitor.get(f"/case/{case.reference}", status=404)


def test_a_page_left_open_while_another_letter_opened_its_case_leads_back(
    app: Flask, client: FlaskClient, case: Case
) -> None:
    enter_case(app, client, case)
    page = Visitor(client).get(f"/case/{(other := a_case_of_today()).reference}/pay", status=404)
    assert "Write the reference and the code again." in said(page)
    assert page.select_one("input[name=reference]")["value"] == other.reference


def test_a_case_that_is_none_looks_the_same(app: Flask, client: FlaskClient, case: Case) -> None:
    enter_case(app, client, case)
    page = Visitor(client).get("/case/999999999", status=404)
    assert "Write the reference and the code again." in said(page)


def test_a_case_begins_with_the_sum_to_pay_today(inside: Visitor, case: Case) -> None:
    # 1 000 kr, 20 days at 10 per cent, and the fee.
    assert inside.get("/case").select_one(".sum").get_text().replace("\u00a0", "") == "SEK1,065.48"


@pytest.mark.parametrize(
    ("part", "amount", "reason", "rule"),
    [
        ("The invoice", "SEK 1,000.00", "What is left to pay of invoice", None),
        ("Late interest", "SEK 5.48", "Days counted: 20", "räntelagen (1975:635) § 6"),
        ("Fees", "SEK 60.00", "the law caps it at SEK 60.00", "1981:739"),
    ],
)
def test_each_part_of_the_sum_has_its_reason(
    inside: Visitor, part: str, amount: str, reason: str, rule: str | None
) -> None:
    rows = [said(row) for row in inside.get("/case").select(".sum-parts > li")]
    (row,) = [one for one in rows if one.startswith(part)]
    assert amount in row
    assert reason in row
    assert (rule or "") in row
    assert ("Rule:" in row) is (rule is not None)


def test_the_days_of_interest_are_told_by_their_dates(inside: Visitor, case: Case) -> None:
    from_on = case.due_on + timedelta(days=1)
    text = said(inside.get("/case"))
    assert f"from {from_on.day} {from_on:%B} {from_on.year} to" in text


def test_a_reminded_case_tells_the_last_day_and_what_comes_then(
    inside: Visitor, case: Case
) -> None:
    day = case.pay_by_on
    assert day
    text = said(inside.get("/case"))
    assert f"Pay no later than {day.day} {day:%B} {day.year}." in text
    next_on = case.next_step_on
    assert next_on
    assert (
        "If nothing is paid before, a demand (inkassokrav) can be sent on"
        f" {next_on.day} {next_on:%B} {next_on.year} at the earliest."
        " It costs at most SEK 180.00 more."
    ) in text


def test_a_case_with_an_objection_asks_for_nothing_meanwhile(inside: Visitor, case: Case) -> None:
    stops.stop(cases.lock(case.id), "dispute", "Wrong sum", actor=DEBTOR, now=clock.now())
    db.session.commit()
    text = said(inside.get("/case"))
    assert "You have objected, and we look into it." in text
    assert "Pay no later than" not in text


def test_a_payment_plan_is_shown_with_each_part(inside: Visitor, case: Case) -> None:
    first_on = clock.today() + timedelta(days=30)
    plans.agree(
        cases.lock(case.id), monthly_ore=50_000, first_on=first_on, actor=DEBTOR,
        today=clock.today(), now=clock.now(),
    )  # fmt: skip
    db.session.commit()
    link = inside.get("/case").find("a", string="Your payment plan")
    rows = [said(row) for row in inside.get(link["href"]).select("table tbody tr")]
    assert len(rows) == len(plans.instalments(case.id)) >= 3
    assert "SEK 500.00" in rows[0]


def test_a_case_before_its_reminder_tells_that_one_will_come(
    app: Flask, client: FlaskClient
) -> None:
    enter_case(app, client, a_case())
    text = said(Visitor(client).get("/case"))
    assert "If nothing is paid before, a reminder can be sent on" in text
    assert "inkassokrav" not in text


def test_a_case_can_be_paid_at_a_bank(inside: Visitor, case: Case) -> None:
    link = inside.get("/case").find("a", string="Pay a part, or in another way")
    assert said(inside.get(link["href"]).h1) == "Pay"
    text = said(inside.get("/case/pay/bank"))
    assert "5050-1055" in text
    assert case.ocr in text.replace(" ", "")


def test_a_case_tells_whom_to_call(inside: Visitor) -> None:
    assert inside.get("/case").select_one("footer a[href^='tel:']")


def test_a_sent_letter_can_be_read_again(inside: Visitor, case: Case) -> None:
    letter = sent_letter(case)
    link = inside.get("/case").find("a", string=re.compile(r"Reminder, sent \d+ March"))
    assert link["href"] == at_first_case(f"/case/letters/{letter.id}.pdf")


def test_a_letter_that_still_waits_is_not_there_to_read(inside: Visitor, case: Case) -> None:
    (letter,) = outbox.messages_of(case.id)
    assert "Letters and receipts" not in said(inside.get("/case"))
    inside.get(f"/case/letters/{letter.id}.pdf", status=404)


def test_a_letter_comes_as_it_was_sent(inside: Visitor, case: Case) -> None:
    response = inside.raw(f"/case/letters/{sent_letter(case).id}.pdf")
    assert response.content_type == "application/pdf"
    assert response.data == b"%PDF-1.7 a letter"


def test_a_letter_of_another_case_is_not_there(inside: Visitor, case: Case) -> None:
    other = a_reminded_case(case.creditor)
    inside.get(f"/case/letters/{sent_letter(other).id}.pdf", status=404)


def test_a_receipt_of_another_case_is_not_there(inside: Visitor, case: Case) -> None:
    payment = pay(a_case_of_today())
    inside.get(f"/case/receipts/{payment.receipt_number}", status=404)
    inside.get(f"/case/receipts/{payment.receipt_number}.pdf", status=404)


def test_a_paid_case_is_closed_and_asks_for_nothing(inside: Visitor, case: Case) -> None:
    pay(case)
    page = inside.get("/case")
    assert page.h1.get_text() == "Your case is closed"
    assert page.select_one("form[action$='/pay']") is None
    assert "OCR" not in said(page)


def test_a_paid_case_shows_its_receipt(inside: Visitor, case: Case) -> None:
    pay(case)
    link = inside.get("/case").find("a", string=re.compile("Receipt for SEK.1,065.48"))
    assert link["href"] == at_first_case("/case/receipts/2026-0000001")


def test_a_case_paid_in_part_asks_for_the_rest(inside: Visitor, case: Case) -> None:
    pay(case, 60_000)
    page = inside.get("/case")
    assert page.select_one(".sum").get_text().replace("\u00a0", " ") == "SEK 465.48"
    assert page.select_one("form[action$='/pay']")


def test_an_invoice_is_shown_as_the_creditor_told_it(inside: Visitor, case: Case) -> None:
    text = said(inside.get("/case/invoice"))
    for told in ("Norrsken Energi AB", "Ahmad Al-Khatib", "El februari", "SEK 1,000.00"):
        assert told in text


def test_an_invoice_tells_how_to_reach_the_creditor(app: Flask, visitor: Visitor) -> None:
    creditor = a_creditor(phone="010-000 00 01", email="faktura@norrsken.example")
    visitor.enter(a_case_of_today(creditor=creditor))
    links = [one["href"] for one in visitor.get("/case/invoice").select("main a")]
    assert links[-2:] == ["tel:010-0000001", "mailto:faktura@norrsken.example"]


def test_an_invoice_without_a_file_offers_none(inside: Visitor) -> None:
    assert "Download" not in said(inside.get("/case/invoice"))
    inside.get("/case/invoice/file", status=404)


def test_an_invoices_file_is_kept_or_opened_elsewhere(app: Flask, client: FlaskClient) -> None:
    """Its content is somebody else's, and might be a page with a script."""
    content = b"<html><script>alert(1)</script></html>"
    case = a_case_of_today(document_sha256=files.store(content), document_filename="a.html")
    enter_case(app, client, case)
    assert "Download the invoice file" in said(Visitor(client).get("/case/invoice"))
    response = client.get(at_first_case("/case/invoice/file"))
    assert response.data == content
    assert response.content_type == "application/octet-stream"
    assert response.headers["Content-Disposition"].startswith("attachment")


def test_a_receipt_says_what_was_paid_and_for_what(inside: Visitor, case: Case) -> None:
    pay(case)
    text = said(inside.get("/case/receipts/2026-0000001"))
    for told in ("SEK 1,065.48", "SEK 1,000.00", "SEK 5.48", "SEK 60.00", "Everything is paid"):
        assert told in text


def test_a_receipt_of_a_part_payment_says_what_is_left(inside: Visitor, case: Case) -> None:
    pay(case, 60_000)
    text = said(inside.get("/case/receipts/2026-0000001"))
    assert "What is left today is SEK 465.48." in text
    assert "Everything is paid" not in text


def test_a_receipt_of_what_nothing_was_owed_for_tells_of_no_part(
    inside: Visitor, case: Case
) -> None:
    owed = cases.amount_due(case, clock.today()).total_ore
    for key, amount_ore in (("swish:A1B2", owed), ("swish:A1B3", 1_000)):
        booking.receive(
            case.id, amount_ore=amount_ore, currency="SEK", key=key, channel="swish",
            value_on=clock.today(), payer=None, actor=SWISH, now=clock.now(),
        )  # fmt: skip
    db.session.commit()
    number = db.session.query(Payment.receipt_number).filter_by(channel_reference="swish:A1B3")
    text = said(inside.get(f"/case/receipts/{number.scalar()}"))
    assert "SEK 0.00" not in text
    assert "Paid too much, you get it back SEK 10.00" in text


def test_what_late_money_lets_go_back_is_told_on_the_case_and_on_the_receipt(
    inside: Visitor, case: Case
) -> None:
    letters_leave("reminder")
    for key, ore, on in (("later", 106_548, clock.today()), ("first", 100_000, case.due_on)):
        booking.receive(
            case.id, amount_ore=ore, currency="SEK", key=f"swish:{key}", channel="swish",
            value_on=on, payer=None, actor=SWISH, now=clock.now(),
        )  # fmt: skip
    db.session.commit()
    number = db.session.scalar(
        select(Payment.receipt_number).where(Payment.channel_reference == "swish:later")
    )
    text = said(inside.get(f"/case/receipts/{number}"))
    assert "Paid too much, you get it back SEK 65.48" in text
    assert "Fees" not in text
    assert "SEK 65.48 goes back" in said(inside.get("/case"))


def test_a_receipt_of_what_covers_the_case_again_promises_nothing_back(
    inside: Visitor, case: Case
) -> None:
    letters_leave("reminder")
    for key, channel in (("A1B2", "swish"), ("A1B3", "bankgiro")):
        booking.receive(
            case.id, amount_ore=106_548, currency="SEK", key=f"{channel}:{key}", channel=channel,
            value_on=clock.today(), payer=None, actor=SWISH, now=clock.now(),
        )  # fmt: skip
    booking.take_back("swish:A1B2", by_bank=True, on=clock.today(), actor=SWISH, now=clock.now())
    db.session.commit()
    number = db.session.scalar(
        select(Payment.receipt_number).where(Payment.channel_reference == "bankgiro:A1B3")
    )
    text = said(inside.get(f"/case/receipts/{number}"))
    assert "get it back" not in text
    assert "SEK 1,000.00" in text


def test_a_receipt_in_swedish_says_through_whom(inside: Visitor, case: Case) -> None:
    pay(case)
    text = said(Visitor(inside.client, "sv").get("/case/receipts/2026-0000001"))
    assert "Genom Reda Inkasso AB" in text


def test_a_receipt_of_a_case_that_was_recalled_asks_for_nothing(
    inside: Visitor, case: Case
) -> None:
    pay(case, 60_000)
    changes.recall(
        cases.lock(case.id), reason="", actor=CLERK, today=clock.today(), now=clock.now()
    )
    db.session.commit()
    text = said(inside.get("/case/receipts/2026-0000001"))
    assert "Something is left to pay" not in text


def test_a_letter_that_goes_on_by_another_way_keeps_its_day(inside: Visitor, case: Case) -> None:
    letter = sent_letter(case)
    letter.status, letter.sent_at, letter.created_at = "waiting", None, NOW
    db.session.commit()
    assert "Reminder, sent 10 March 2026" in said(inside.get("/case"))


@pytest.mark.parametrize(
    ("language", "heading", "amount"),
    [
        ("sv", "Kvitto", "1 065,48 kr"),
        ("en", "Receipt", "SEK 1,065.48"),
        ("ar", "إيصال", "SEK 1,065.48"),
    ],
)
def test_a_receipt_can_be_kept_as_a_pdf_in_the_readers_language(
    inside: Visitor, case: Case, language: str, heading: str, amount: str
) -> None:
    pay(case)
    response = Visitor(inside.client, language).raw("/case/receipts/2026-0000001.pdf")
    assert response.content_type == "application/pdf"
    (page,) = Pdf(response.data).reader.pages
    text = page.extract_text().replace("\u00a0", " ")
    assert text.startswith(heading)
    assert amount in text
    assert "2026-0000001" in text


def test_a_page_in_arabic_runs_from_right_to_left(inside: Visitor) -> None:
    page = Visitor(inside.client, "ar").get("/case")
    assert (page.html["lang"], page.html["dir"]) == ("ar", "rtl")


def test_amounts_in_arabic_keep_the_order_of_their_signs(inside: Visitor) -> None:
    page = Visitor(inside.client, "ar").get("/case")
    amounts = page.select(".money")
    assert amounts
    assert all(ISOLATED_AMOUNT.fullmatch(one.get_text()) for one in amounts)


def test_amounts_in_an_arabic_sentence_keep_the_order_of_their_signs(inside: Visitor) -> None:
    page = Visitor(inside.client, "ar").get("/case")
    (fee,) = [one.get_text() for one in page.select("p") if "180" in one.get_text()]
    assert "180" in "".join(ISOLATED_AMOUNT.findall(fee))


@pytest.mark.parametrize("path", ["/case", "/case/invoice", "/case/receipts/2026-0000001"])
@pytest.mark.parametrize("language", ["sv", "en", "ar"])
def test_no_page_shows_an_identity_number(
    app: Flask, client: FlaskClient, path: str, language: str
) -> None:
    creditor = a_creditor()
    debtor = a_debtor_of(creditor, identity_number=SOFIA, email="sofia@example.com", phone="070-1")
    case = a_case_of_today(creditor=creditor, debtor=debtor)
    pay(case, 60_000)
    enter_case(app, client, case)
    html = Visitor(client, language).raw(path).text
    for told in (SOFIA, SOFIA[2:], f"{SOFIA[:8]}-{SOFIA[8:]}", "sofia@", "070-1"):
        assert told not in html


def test_the_code_of_the_letter_is_on_no_page(inside: Visitor, case: Case) -> None:
    html = "".join(inside.raw(path).text for path in ("/case", "/case/invoice"))
    assert case.access_code not in html


def test_leaving_leads_to_the_way_in(inside: Visitor) -> None:
    page = inside.post("/leave")
    assert "You have left your case." in said(page)
    assert page.select_one("input[name=code]")


def test_who_has_left_sees_the_case_no_more(inside: Visitor) -> None:
    inside.post("/leave")
    assert inside.raw("/case").location == "/"


def test_the_cookie_of_somebody_who_left_is_worth_nothing(app: Flask, inside: Visitor) -> None:
    cookie = inside.client.get_cookie("reda_session")
    assert cookie
    inside.post("/leave")
    thief = app.test_client()
    thief.set_cookie("reda_session", cookie.value)
    assert thief.get("/overview").location == "/"


def test_leaving_gives_the_browser_another_cookie(inside: Visitor) -> None:
    """A request under way while somebody leaves writes into a session that is no more."""
    before = inside.client.get_cookie("reda_session")
    inside.post("/leave")
    after = inside.client.get_cookie("reda_session")
    assert before
    assert after is None or after.value != before.value


def test_coming_in_gives_the_browser_another_cookie(visitor: Visitor, case: Case) -> None:
    """Whoever planted the one before knows the new one as little as anybody."""
    visitor.get("/")
    before = visitor.client.get_cookie("reda_session")
    visitor.enter(case)
    after = visitor.client.get_cookie("reda_session")
    assert before
    assert after
    assert after.value != before.value


def test_health_is_told_to_whoever_watches(client: FlaskClient) -> None:
    assert client.get("/health").text == "ok\n"


def test_a_number_beyond_all_names_no_file(inside: Visitor) -> None:
    inside.get("/case/files/99999999999999999999", status=404)
