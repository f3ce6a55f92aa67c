"""Several cases at once, from the overview to the receipts, without JavaScript."""

from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from portal import clock
from portal.collection import cases, changes
from portal.collection.models import Case
from portal.config import Settings
from portal.extensions import db
from portal.identity.actor import SYSTEM, Actor
from portal.law import calendar
from portal.payments import booking
from portal.payments.models import SwishRequest
from portal.web.formats import plain_kronor
from tests.debtor.test_pages import a_case_of_today, pay, said
from tests.factories import a_creditor, a_debtor_of, session_cookie
from tests.online_fixtures import Online
from tests.swish_fixtures import Swish

HEADERS = {"Accept-Language": "en"}


@pytest.fixture
def settings(settings: Settings, swish: Swish, online: Online) -> Settings:
    return online.settings(swish.settings(settings))


@pytest.fixture
def some(app: Flask) -> list[Case]:
    return [
        a_case_of_today(creditor=a_creditor("Norrsken Energi AB")),
        a_case_of_today(creditor=a_creditor("Fjällbäcks Tandvård AB"), balance_ore=33_333),
    ]


@pytest.fixture
def inside(app: Flask, client: FlaskClient, some: list[Case]) -> FlaskClient:
    """Somebody who has all of them open."""
    client.set_cookie(*session_cookie(app, {"debtor_cases": [one.id for one in some]}))
    return client


def look(client: FlaskClient, path: str, *, status: int = 200) -> BeautifulSoup:
    answer = client.get(path, headers=HEADERS, follow_redirects=True)
    assert answer.status_code == status
    return BeautifulSoup(answer.text, "html.parser")


def start(
    client: FlaskClient, *references: str, status: int = 200, token: str = "", **told: str
) -> BeautifulSoup:
    """The page that choosing these cases leads to. token: of a page that was loaded before."""
    token = token or token_of(look(client, "/pay"))
    answer = client.post(
        "/pay", data={"csrf_token": token, "cases": list(references), **told}, headers=HEADERS,
        follow_redirects=True,
    )  # fmt: skip
    assert answer.status_code == status
    return BeautifulSoup(answer.text, "html.parser")


def token_of(page: BeautifulSoup) -> str:
    return str(page.select_one("main input[name=csrf_token]")["value"])


def ticked(page: BeautifulSoup) -> list[str]:
    return [one["value"] for one in page.select("input[name=cases][checked]")]


def all_of(some: list[Case]) -> list[str]:
    return [one.reference for one in some]


def request_of(way: str) -> SwishRequest:
    """The newest request by a way, as the database has it now."""
    db.session.rollback()
    found = db.session.query(SwishRequest).filter_by(way=way)
    newest = found.order_by(SwishRequest.created_at.desc()).first()
    assert newest is not None
    return newest


def booked(some: list[Case]) -> list[list[int]]:
    db.session.rollback()
    return [[p.amount_ore for p in booking.payments_of(one.id)] for one in some]


def receive(case: Case, key: str) -> None:
    """All that is owed comes from a bank."""
    booking.receive(
        case.id, amount_ore=cases.amount_due(case, clock.today()).total_ore, currency="SEK",
        key=key, channel="bankgiro", value_on=clock.today(), payer=None, actor=SYSTEM,
        now=clock.now(),
    )  # fmt: skip
    db.session.commit()


def money(ore: int) -> str:
    return f"SEK {Decimal(ore) / 100:,.2f}"


def owed(some: list[Case]) -> list[int]:
    return [cases.amount_due(one, clock.today()).total_ore for one in some]


def test_the_overview_leads_to_all_cases_ticked_with_their_sum(
    inside: FlaskClient, some: list[Case]
) -> None:
    assert look(inside, "/overview").select_one("a[href='/pay']")
    page = look(inside, "/pay")
    assert len(page.select("input[name=cases][checked]")) == 2
    assert money(sum(owed(some))) in said(page.select_one("#sum"))


def test_the_sum_follows_the_choice(inside: FlaskClient, some: list[Case]) -> None:
    page = look(inside, f"/pay?chosen=1&cases={some[1].reference}")
    assert money(owed(some)[1]) in said(page.select_one("#sum"))
    assert money(0) in said(look(inside, "/pay?chosen=1").select_one("#sum"))


def test_what_is_shown_is_what_is_booked(
    inside: FlaskClient, swish: Swish, some: list[Case]
) -> None:
    before = owed(some)
    page = start(inside, *(one.reference for one in some))
    shown = said(page.select_one("#payment"))
    assert all(money(one) in shown for one in [*before, sum(before)])
    (request,) = db.session.query(SwishRequest)
    swish.control(f"requests/{request.id}/pay")
    booking.ask(request.id, now=clock.now())
    db.session.commit()
    page = look(inside, f"/pay/{request.id}")
    assert "Thank you. Your payment has come." in said(page)
    assert [one["href"].rpartition("/")[0] for one in page.select("main li a")] == [
        f"/case/{one.reference}/receipts" for one in some
    ]
    assert [booking.payments_of(one.id)[0].amount_ore for one in some] == before


def test_a_single_case_is_paid_on_its_own_page(inside: FlaskClient, some: list[Case]) -> None:
    page = start(inside, some[0].reference)
    assert f"/case/{some[0].reference}" in page.select_one(".crumbs a")["href"]


def test_none_chosen_is_told_at_the_field(inside: FlaskClient, some: list[Case]) -> None:
    page = start(inside, status=422)
    assert page.select_one("#cases-error")


def test_one_that_was_paid_meanwhile_is_told(inside: FlaskClient, some: list[Case]) -> None:
    pay(some[0])
    page = start(inside, *(one.reference for one in some))
    assert "This case is paid." in said(page)
    assert len(page.select("input[name=cases]")) == 1
    assert db.session.query(SwishRequest).count() == 0


def test_another_persons_case_cannot_be_chosen(inside: FlaskClient) -> None:
    start(inside, a_case_of_today().reference)
    assert db.session.query(SwishRequest).count() == 0


def test_stopping_leads_back_to_all_cases(
    inside: FlaskClient, swish: Swish, some: list[Case]
) -> None:
    page = start(inside, *(one.reference for one in some))
    form = page.select_one("form[action$='/stop']")
    token = form.select_one("input[name=csrf_token]")["value"]
    answer = inside.post(
        form["action"], data={"csrf_token": token}, headers=HEADERS, follow_redirects=True
    )
    assert "The payment is stopped. Nothing has been paid." in answer.text
    assert db.session.query(SwishRequest).one().status == "cancelled"


def test_who_has_one_of_the_cases_sees_neither_the_sum_nor_the_code(
    app: Flask, inside: FlaskClient, some: list[Case]
) -> None:
    before = owed(some)
    start(inside, *(one.reference for one in some))
    request_id = db.session.query(SwishRequest.id).scalar()
    other = app.test_client()
    other.set_cookie(*session_cookie(app, {"debtor_cases": [some[0].id]}))
    page = look(other, f"/case/{some[0].reference}/pay/{request_id}")
    assert money(before[0]) in said(page)
    assert money(sum(before)) not in said(page)
    assert some[1].creditor.name not in said(page)
    assert page.select_one(".qr-plate") is None
    look(other, f"/pay/{request_id}", status=404)


@pytest.mark.parametrize("way", ["card", "account"])
def test_one_payment_by_another_way_pays_each_case_what_was_shown(
    inside: FlaskClient, online: Online, some: list[Case], way: str
) -> None:
    before = owed(some)
    page = start(inside, *all_of(some), way=way)
    shown = said(page.select_one("#payment"))
    assert all(money(one) in shown for one in [*before, sum(before)])
    request = request_of(way)
    assert page.find("a", string="Go on to the payment page")["href"] == request.token
    asked = online.payment(request.id)
    assert (asked.amount, asked.asked["method"]) == (sum(before), way)
    assert asked.text("return_url").endswith(f"/pay/{request.id}?returned=1")
    online.ends_silently(request.id, "approve")
    page = look(inside, f"/pay/{request.id}?returned=1")
    assert "Thank you. Your payment has come." in said(page)
    assert len(page.select("main li a[href*='/receipts/']")) == 2
    # Going back to the page of the payment, and forth again, changes nothing.
    for _ in range(2):
        look(inside, f"/pay/{request.id}")
    assert booked(some) == [[one] for one in before]


def test_a_payment_of_all_that_is_declined_is_paid_on_none_and_can_be_tried_again(
    inside: FlaskClient, online: Online, some: list[Case]
) -> None:
    start(inside, *all_of(some), way="card")
    request = request_of("card")
    online.ends_silently(request.id, "decline")
    page = look(inside, f"/pay/{request.id}?returned=1")
    assert "It was declined. Nothing has been paid." in said(page)
    assert booked(some) == [[], []]
    again = page.find("button", string="Try again").find_parent("form")
    told = [(one["name"], one["value"]) for one in again.select("input[name!=csrf_token]")]
    assert sorted(told) == sorted(
        [("way", "card"), *(("cases", reference) for reference in all_of(some))]
    )


def test_one_case_of_them_in_another_tab_withdraws_the_payment_of_all_by_card(
    inside: FlaskClient, online: Online, swish: Swish, some: list[Case]
) -> None:
    start(inside, *all_of(some), way="card")
    start(inside, some[0].reference, way="swish")
    first = request_of("card")
    assert (first.status, request_of("swish").status) == ("cancelled", "created")
    assert online.payment(first.id).status == "cancelled"


def test_all_once_more_after_the_card_was_charged_leads_to_the_receipts(
    inside: FlaskClient, online: Online, some: list[Case]
) -> None:
    before = owed(some)
    start(inside, *all_of(some), way="card")
    tab = token_of(look(inside, "/pay"))
    online.ends_silently(request_of("card").id, "approve")
    page = start(inside, *all_of(some), token=tab, way="swish")
    assert "Thank you. Your payment has come." in said(page)
    assert booked(some) == [[one] for one in before]


def test_all_pressed_twice_by_card_asks_once(
    inside: FlaskClient, online: Online, some: list[Case]
) -> None:
    for _ in range(2):
        start(inside, *all_of(some), way="card")
    assert len(online.running.register.payments()) == 1


def test_what_was_chosen_stays_when_the_payment_page_does_not_answer(
    inside: FlaskClient, online: Online, some: list[Case]
) -> None:
    some.append(a_case_of_today(creditor=a_creditor("Älvens Bredband AB")))
    online.control("next", answer=500)
    inside.set_cookie(
        *session_cookie(inside.application, {"debtor_cases": [one.id for one in some]})
    )
    page = start(inside, *all_of(some[:2]), way="account")
    assert "The payment page does not answer just now." in said(page)
    assert sorted(ticked(page)) == sorted(all_of(some[:2]))
    assert page.select_one("input[name=way][checked]")["value"] == "account"


def test_a_way_that_is_none_is_told_at_its_field(inside: FlaskClient, some: list[Case]) -> None:
    page = start(inside, *all_of(some), status=422, way="cheque")
    assert page.select_one("#way-error")
    assert len(ticked(page)) == 2


def test_by_a_transfer_each_case_has_its_own_number_amount_and_code(
    inside: FlaskClient, some: list[Case], settings: Settings
) -> None:
    page = start(inside, *all_of(some), way="bank")
    arrives = calendar.arrives_by(clock.today())
    cards = page.select("section.card")
    assert len(cards) == 2
    told = {}
    for card in cards:
        bankgiro, ocr, amount = (one["data-copy"] for one in card.select("button[data-copy]"))
        assert card.select_one(".qr-plate svg")
        told[ocr] = (bankgiro, amount)
    assert told == {
        one.ocr: (settings.service_bankgiro, plain_kronor(cases.owed_on(one, arrives).total_ore))
        for one in some
    }
    assert db.session.query(SwishRequest).count() == 0


def test_transfers_that_come_after_the_next_step_tell_what_that_costs(
    inside: FlaskClient, some: list[Case]
) -> None:
    on = max(one.next_step_on for one in some if one.next_step_on)
    asked = "&".join(f"cases={one}" for one in all_of(some))
    page = said(look(inside, f"/pay/bank?{asked}&on={on}"))
    assert page.count("It costs at most SEK 180.00 more.") == len(some)


@pytest.mark.parametrize(("on", "words"), [("1999-01-01", "The date must be between"), ("x", "")])
def test_a_day_that_cannot_be_paid_on_is_told_and_the_transfers_stay(
    inside: FlaskClient, some: list[Case], on: str, words: str
) -> None:
    path = "/pay/bank?" + "&".join(f"cases={one}" for one in all_of(some)) + f"&on={on}"
    page = look(inside, path, status=422)
    assert words in said(page.select_one("#on-error"))
    assert len(page.select("section.card")) == 2


def test_a_transfer_of_one_is_on_its_own_page_and_of_none_is_chosen_again(
    inside: FlaskClient, some: list[Case]
) -> None:
    page = start(inside, some[0].reference, way="bank")
    assert page.select_one(".crumbs a")["href"] == f"/case/{some[0].reference}/pay"
    assert ticked(look(inside, "/pay/bank"))
    assert ticked(look(inside, f"/pay/bank?cases={a_case_of_today().reference}"))


def test_one_that_was_paid_by_a_bank_meanwhile_withdraws_the_payment_of_all(
    inside: FlaskClient, online: Online, some: list[Case]
) -> None:
    start(inside, *all_of(some), way="card")
    request_id = request_of("card").id
    pay(some[0])
    page = look(inside, f"/pay/{request_id}")
    assert "It was stopped. Nothing has been paid." in said(page)
    assert online.payment(request_id).status == "cancelled"
    page = start(inside, *all_of(some), token=token_of(page), way="card")
    assert "This case is paid." in said(page)
    assert ticked(page) == [some[1].reference]


def test_a_payment_of_all_that_was_made_before_it_could_be_stopped_has_its_receipts(
    inside: FlaskClient, online: Online, some: list[Case]
) -> None:
    page = start(inside, *all_of(some), way="account")
    request_id = request_of("account").id
    online.ends_silently(request_id, "approve")
    answer = inside.post(
        f"/pay/{request_id}/stop", data={"csrf_token": token_of(page)}, headers=HEADERS,
        follow_redirects=True,
    )  # fmt: skip
    assert "Thank you. Your payment has come." in answer.text
    assert "Nothing has been paid" not in answer.text


def test_receipts_of_what_is_not_paid_lead_to_the_payment(
    inside: FlaskClient, online: Online, some: list[Case]
) -> None:
    start(inside, *all_of(some), way="card")
    page = look(inside, f"/pay/{request_of('card').id}/receipts")
    assert page.find("a", string="Go on to the payment page")


def test_where_nothing_is_owed_neither_a_payment_nor_a_transfer_is_offered(
    inside: FlaskClient, some: list[Case]
) -> None:
    token = token_of(look(inside, "/pay"))
    references = all_of(some)
    for place, one in enumerate(some):
        receive(one, f"bank:{place}")
    for way in ("swish", "card", "bank"):
        page = start(inside, *references, token=token, way=way)
        assert "There is nothing to pay to us" in said(page)
    asked = "&".join(f"cases={one}" for one in references)
    assert "There is nothing to pay to us" in said(look(inside, f"/pay/bank?{asked}"))
    assert db.session.query(SwishRequest).count() == 0


class TestOfASignatory:
    """A person and two companies that they sign for."""

    @pytest.fixture
    def some(self, app: Flask) -> list[Case]:
        def case_of(name: str, kind: str, number: bytes, **values: object) -> Case:
            creditor = a_creditor()
            debtor = a_debtor_of(creditor, name=name, kind=kind, identity_number_hash=number)
            return a_case_of_today(creditor=creditor, debtor=debtor, **values)

        return [
            case_of("Östers Bygg AB", "company", b"o", balance_ore=500_000),
            case_of("Alms Kafé AB", "company", b"a", balance_ore=70_000),
            case_of("Karin Öster", "person", b"k"),
            case_of("Östers Bygg AB", "company", b"o", balance_ore=40_000),
            case_of("ÖSTER KARIN", "person", b"k", balance_ore=30_000),
        ]

    def test_each_payer_is_shown_apart_with_its_own_sum(
        self, inside: FlaskClient, some: list[Case]
    ) -> None:
        page = look(inside, "/overview")
        due = owed(some)
        names = [said(one) for one in page.select("main > h2")]
        assert names == ["Karin Öster", "Alms Kafé AB", "Östers Bygg AB"]
        assert [said(one) for one in page.select(".sum-card .sum")] == [
            money(due[2] + due[4]), money(due[1]), money(due[0] + due[3]),
        ]  # fmt: skip

    def test_their_own_are_ticked_and_no_companys(
        self, inside: FlaskClient, some: list[Case]
    ) -> None:
        page = look(inside, "/pay")
        assert sorted(ticked(page)) == sorted([some[2].reference, some[4].reference])
        box = page.select_one(f"input[value='{some[1].reference}']")["id"]
        assert "Alms Kafé AB" in said(page.select_one(f"label[for='{box}']"))

    def test_a_companys_own_button_ticks_its_cases_alone(
        self, inside: FlaskClient, some: list[Case]
    ) -> None:
        _, link = (one["href"] for one in look(inside, "/overview").select("a[href^='/pay']"))
        assert sorted(ticked(look(inside, link))) == sorted([some[0].reference, some[3].reference])

    def test_whoever_ticks_both_pays_both(
        self, inside: FlaskClient, online: Online, some: list[Case]
    ) -> None:
        start(inside, *all_of(some), way="card")
        assert request_of("card").amount_ore == sum(owed(some))


def test_a_claim_that_was_taken_back_meanwhile_is_not_called_paid(
    inside: FlaskClient, some: list[Case]
) -> None:
    token = token_of(look(inside, "/pay"))
    changes.credit(
        cases.lock(some[0].id), amount_ore=100_000, on=clock.today(), key="credit",
        actor=Actor("person", "Sofia", role="creditor"), now=clock.now(),
    )  # fmt: skip
    db.session.commit()
    page = said(start(inside, *all_of(some), token=token, way="swish"))
    assert ("There is nothing to pay to us" in page, "is paid" in page) == (True, False)
