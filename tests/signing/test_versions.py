"""A new version of the agreement asks to be signed by a day, or tells; its changes are marked."""

from datetime import date, timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from portal import clock
from portal.collection import intake
from portal.companies import standing
from portal.extensions import db
from portal.identity.actor import Actor
from portal.identity.models import Creditor, Person
from portal.messages import RedaError
from portal.signing import agreements, asking, comparing
from tests.bankid_fixtures import Phone
from tests.factories import JOHAN, SOFIA, TODAY, a_person_at, an_invoice_of, rules_of, sign_in
from tests.signing.documents import a_document_of, a_version, an_order, finish
from tests.signing.pages import Browser, words

DAY = timedelta(days=1)


def acting(person: Person) -> Actor:
    return Actor("person", person.name, person.id, "creditor")


@pytest.fixture
def signed(phone: Phone, creditor: Creditor, eva: Person) -> Creditor:
    """The company, whose administrator has signed version 1."""
    finish(an_order(phone, a_document_of(creditor), eva))
    return creditor


@pytest.fixture
def evas(app: Flask, signed: Creditor, eva: Person) -> Browser:
    browser = Browser(app.test_client())
    sign_in(app, browser.client, eva)
    browser.page("/agreements?lang=en")
    return browser


def a_material_one(accept_in: timedelta) -> None:
    day = clock.today() + accept_in
    a_version(2, accept_by_on=day, valid_from_on=day + DAY)


def told() -> list[tuple[int, str]]:
    """Who was told of the agreement, and what."""
    rows = db.session.execute(
        text("select person_id, data ->> 'event' from notifications order by id")
    )
    return [tuple(row) for row in rows]


def test_of_a_version_that_a_company_has_signed_nobody_is_told(signed: Creditor) -> None:
    agreements.tell_of_versions(clock.now())
    assert told() == []


class TestAMaterialVersion:
    def test_is_asked_for_until_its_last_day(self, signed: Creditor) -> None:
        a_material_one(timedelta())
        assert agreements.state(signed.id) == agreements.ASKED
        assert standing.stopped(signed.id) is None

    def test_stops_new_cases_after_it(self, signed: Creditor) -> None:
        a_material_one(-DAY)
        rules_of(signed)
        an_invoice_of(signed)
        assert agreements.state(signed.id) == agreements.OVERDUE
        assert intake.import_overdue(signed.id, today=TODAY, now=clock.now()) == 0

    def test_once_signed_holds(self, phone: Phone, signed: Creditor, eva: Person) -> None:
        a_material_one(-DAY)
        finish(an_order(phone, a_document_of(signed, 2), eva))
        assert agreements.state(signed.id) == agreements.ACCEPTED
        assert standing.stopped(signed.id) is None

    def test_is_told_to_administrators_once_and_once_more_when_its_day_is_over(
        self, signed: Creditor, eva: Person
    ) -> None:
        a_person_at(signed, "viewer", SOFIA)
        a_material_one(9 * DAY)
        for _ in range(2):
            agreements.tell_of_versions(clock.now())
        assert told() == [(eva.id, "agreement.asked")]
        db.session.execute(text("update agreement_versions set accept_by_on = '2026-01-01'"))
        for _ in range(2):
            agreements.tell_of_versions(clock.now())
        assert told() == [(eva.id, "agreement.asked"), (eva.id, "agreement.overdue")]

    def test_the_pages_tell_by_when(self, evas: Browser, signed: Creditor) -> None:
        a_material_one(9 * DAY)
        told = words(evas.page(f"/creditor/{signed.key}/cases"))
        assert "A new version of the agreement" in told
        assert "signs it with BankID by" in told

    def test_after_its_day_pages_are_read_and_settings_stay(
        self, evas: Browser, signed: Creditor
    ) -> None:
        a_material_one(-DAY)
        page = evas.page(f"/creditor/{signed.key}/company?edit=description")
        assert "was to be signed by" in words(page)
        answer = evas.press(page.select_one("#card-description"), "Save", debt_description="El")
        assert answer.location == "/agreements"
        assert db.session.get_one(Creditor, signed.id).debt_description != "El"

    def test_it_is_taken_up_for_signing_from_the_list(
        self, evas: Browser, signed: Creditor
    ) -> None:
        a_material_one(9 * DAY)
        document = a_document_of(signed, 2)
        answer = evas.press(evas.page("/agreements"), "Read and sign")
        assert answer.location == f"/agreements/{document.key}"

    def test_what_was_signed_before_stays_in_the_list(
        self, evas: Browser, signed: Creditor
    ) -> None:
        a_material_one(9 * DAY)
        assert "Download with the signature" in words(evas.page("/agreements"))


class TestTelling:
    def told(self, signed: Creditor, today: date) -> int:
        return asking.ask(today=today, now=clock.now())

    def test_an_administrator_is_told_once(self, signed: Creditor) -> None:
        a_material_one(60 * DAY)
        assert self.told(signed, clock.today()) == 1
        assert self.told(signed, clock.today()) == 0

    def test_and_again_before_the_last_day(self, signed: Creditor) -> None:
        a_material_one(60 * DAY)
        self.told(signed, clock.today())
        assert self.told(signed, clock.today() + 46 * DAY) == 1
        assert self.told(signed, clock.today() + 57 * DAY) == 1

    def test_who_has_signed_is_told_nothing(
        self, phone: Phone, signed: Creditor, eva: Person
    ) -> None:
        a_material_one(60 * DAY)
        finish(an_order(phone, a_document_of(signed, 2), eva))
        assert self.told(signed, clock.today()) == 0


class TestAVersionThatIsNotMaterial:
    @pytest.fixture(autouse=True)
    def _published(self, signed: Creditor) -> None:
        a_version(2, is_material=False)

    def test_is_told_and_stops_nothing(self, signed: Creditor) -> None:
        assert agreements.state(signed.id) == agreements.TOLD
        assert standing.stopped(signed.id) is None

    def test_is_accepted_by_a_click(self, evas: Browser, signed: Creditor) -> None:
        answer = evas.press(evas.page("/agreements"), "I have read it")
        assert answer.location == f"/creditor/{signed.key}/"
        assert agreements.state(signed.id) == agreements.ACCEPTED
        assert "was read by" in words(evas.page("/agreements"))

    def test_reading_twice_is_noted_once(self, signed: Creditor, eva: Person) -> None:
        assert agreements.note_reading(signed.id, actor=acting(eva), now=clock.now())
        assert not agreements.note_reading(signed.id, actor=acting(eva), now=clock.now())

    def test_a_viewer_has_no_button(self, app: Flask, signed: Creditor) -> None:
        johan = a_person_at(signed, "viewer", JOHAN)
        browser = Browser(app.test_client())
        sign_in(app, browser.client, johan)
        page = browser.page("/agreements?lang=en")
        assert "needs no new signature" in words(page)
        assert "I have read it" not in words(page)

    def test_one_that_must_be_signed_is_not_read_away(self, signed: Creditor, eva: Person) -> None:
        a_version(3, accept_by_on=clock.today())
        with pytest.raises(RedaError, match="must be signed"):
            agreements.note_reading(signed.id, actor=acting(eva), now=clock.now())


class TestTheComparison:
    @pytest.mark.parametrize(
        ("language", "added", "removed"),
        [
            ("sv", "och inkassokrav", "Inkassokrav, ansökan hos Kronofogden"),
            ("en", "and demands (inkassokrav)", "Demands, applications"),
        ],
    )
    def test_version_two_brings_demands(
        self, app: Flask, language: str, added: str, removed: str
    ) -> None:
        sections = comparing.compare(1, 2, language)
        runs = [run for one in sections for part in one.paragraphs for run in part.runs]
        told = {
            what: " ".join(text.strip() for kind, text in runs if kind == what)
            for what in (comparing.SAME, comparing.ADDED, comparing.REMOVED)
        }
        assert added.split()[-1] in told[comparing.ADDED]
        assert removed.split()[0] in told[comparing.REMOVED]

    def test_what_is_not_removed_is_the_new_text(self, app: Flask) -> None:
        same = comparing.compare(2, 2, "sv")
        for one, other in zip(comparing.compare(1, 2, "sv"), same, strict=True):
            assert self.new_text(one) == self.new_text(other)

    def new_text(self, section: comparing.Section) -> list[str]:
        parts = [
            "".join(text for what, text in one.runs if what != comparing.REMOVED)
            for one in section.paragraphs
        ]
        return [" ".join(text.split()) for text in parts if text.strip()]

    def test_a_version_beside_itself_says_the_same(self, app: Flask) -> None:
        assert not any(one.is_changed for one in comparing.compare(1, 1, "sv"))

    def test_the_page_marks_what_is_new_and_gone(self, evas: Browser) -> None:
        a_material_one(9 * DAY)
        page = evas.page("/agreements/versions/2/changes?since=1")
        assert page.find("ins") is not None
        assert page.find("del") is not None

    def test_a_comparison_of_nothing_is_not_there(self, evas: Browser) -> None:
        evas.page("/agreements/versions/9/changes", 404)


def test_this_releases_agreement_is_made_in_its_newest_version(
    app: Flask, creditor: Creditor
) -> None:
    db.session.query(agreements.AgreementVersion).delete()
    agreements.publish_all()
    document = agreements.prepare(creditor.id, now=clock.now())
    assert document.version == 3
