"""The page of a company's people, and switching between companies."""

from collections.abc import Callable

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import select

from portal.companies.models import Invitation
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.models import Creditor, Membership
from tests.creditor.conftest import Desk
from tests.factories import (
    EVA,
    JOHAN,
    SOFIA,
    a_creditor,
    a_creditor_that_signed,
    a_person_at,
    rules_of,
    sign_in,
)


def words(page: BeautifulSoup) -> str:
    return page.get_text(" ", strip=True)


def invite(desk: Desk, email: str = "ny@norrsken.example", **values: object) -> BeautifulSoup:
    return desk.post("people", email=email, role="collector", **values)


def the_invitation() -> Invitation:
    return db.session.scalars(select(Invitation)).one()


def test_everybody_who_acts_for_the_company_is_there(desk: Desk) -> None:
    a_person_at(desk.creditor, "viewer", SOFIA)
    rows = desk.get("people").select("tbody tr")
    assert ["Administrator" in words(row) for row in rows] == [True, False]


def test_an_invitation_waits_in_the_list_and_in_the_outbox(desk: Desk) -> None:
    page = invite(desk)
    assert "An invitation is on its way to ny@norrsken.example" in words(page)
    assert "Waits until" in words(page)
    mail = db.session.scalars(select(Message).where(Message.kind == "invitation")).one()
    assert (mail.channel, mail.address) == ("email", "ny@norrsken.example")


def test_what_is_wrong_stands_at_its_field(desk: Desk) -> None:
    page = desk.post("people", status=422, email="ny", role="collector")
    assert page.select_one("#email-error") is not None


def test_an_invitation_is_withdrawn(desk: Desk) -> None:
    invite(desk)
    page = desk.post(f"people/invitations/{the_invitation().key}/withdraw")
    assert "is withdrawn" in words(page)
    assert the_invitation().withdrawn_at is not None


def test_an_invitation_is_sent_again(desk: Desk) -> None:
    invite(desk)
    desk.post(f"people/invitations/{the_invitation().key}/send")
    assert the_invitation().times_sent == 2


def test_a_case_handler_sees_no_form_to_invite(desk: Desk, desk_of: Callable[[str], Desk]) -> None:
    a_person_at(desk.creditor, "collector", SOFIA)
    page = desk_of(SOFIA).get("people")
    assert page.select_one("#invite") is None
    assert page.select("main form") == []


class TestSomebodysPage:
    @pytest.fixture
    def sofia(self, desk: Desk) -> int:
        person = a_person_at(desk.creditor, "viewer", SOFIA)
        return db.session.scalars(
            select(Membership.id).where(Membership.person_id == person.id)
        ).one()

    def test_a_role_is_changed(self, desk: Desk, sofia: int) -> None:
        desk.post(f"people/{sofia}", role="collector", ends_on="")
        assert db.session.get_one(Membership, sofia).role == "collector"

    def test_somebody_is_removed(self, desk: Desk, sofia: int) -> None:
        page = desk.post(f"people/{sofia}/remove")
        assert "does not act for the company any more" in words(page)
        assert db.session.get(Membership, sofia) is None

    def test_ones_own_page_has_no_form(self, desk: Desk) -> None:
        own = db.session.scalars(select(Membership.id)).one()
        page = desk.get(f"people/{own}")
        assert "You cannot change your own role" in words(page)
        assert page.select("main form") == []


class TestTheSwitcher:
    @pytest.fixture
    def many(self, app: Flask, desk: Desk) -> list[Creditor]:
        """Nine more companies of Eva's: one paused, one active, the others unsigned."""
        paused = a_creditor_that_signed("Älvdalens Bageri AB")
        active = a_creditor_that_signed("Östersunds Buss AB")
        rules_of(active)
        others = [a_creditor(f"Bolag {number} AB") for number in range(7)]
        for one in others:
            a_person_at(one, "viewer", EVA)
        return [paused, active, *others]

    def found(self, desk: Desk, **query: str) -> BeautifulSoup:
        response = desk.client.get(
            "/creditor/companies", query_string=query,
            headers={"HX-Request": "true", "Accept-Language": "en"},
        )  # fmt: skip
        return BeautifulSoup(response.text, "html.parser")

    def test_one_company_needs_none(self, desk: Desk) -> None:
        assert desk.get("cases").select_one(".switcher") is None

    def test_with_many_one_searches(self, desk: Desk, many: list[Creditor]) -> None:
        assert desk.get("cases").select_one(".switcher input[type=search]") is not None

    def test_it_stays_on_the_page_that_the_other_has_too(
        self, desk: Desk, many: list[Creditor]
    ) -> None:
        link = self.found(desk, q="bageri", page="list_cases").select_one("a")
        assert link["href"] == f"/creditor/{many[0].key}/cases"

    def test_it_tells_how_each_stands_and_the_role(self, desk: Desk, many: list[Creditor]) -> None:
        told = [words(one) for one in self.found(desk).select("li")]
        assert "Älvdalens Bageri AB Administrator Paused" in told
        assert "Östersunds Buss AB Administrator" in told
        assert "Bolag 0 AB Viewer Agreement not signed" in told

    def test_the_only_one_found_is_gone_to(self, desk: Desk, many: list[Creditor]) -> None:
        response = desk.client.get("/creditor/companies?q=buss&page=list_cases")
        assert response.location == f"/creditor/{many[1].key}/cases"

    def test_a_page_that_is_none_leads_to_the_overview(
        self, desk: Desk, many: list[Creditor]
    ) -> None:
        link = self.found(desk, q="buss", page="//evil").select_one("a")
        assert link["href"] == f"/creditor/{many[1].key}/"

    def test_nobody_finds_companies_of_others(self, app: Flask, desk: Desk) -> None:
        johan = a_person_at(a_creditor("Lindens AB"), "viewer", JOHAN)
        client = app.test_client()
        sign_in(app, client, johan)
        assert "Norrsken" not in client.get("/creditor/companies?q=norr").text
