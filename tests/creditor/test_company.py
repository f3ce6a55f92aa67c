"""The company's page: cards that are edited in place, with and without JavaScript."""

import io
from collections.abc import Callable

import pytest
from bs4 import BeautifulSoup
from PIL import Image

from portal.companies import contacts
from portal.extensions import db
from portal.identity.models import Creditor
from tests.companies.test_company_card import a_picture
from tests.creditor.conftest import Desk
from tests.factories import SOFIA, a_person_at
from tests.mailbox_fixtures import Boxes


def words(page: BeautifulSoup) -> str:
    return page.get_text(" ", strip=True)


def test_a_card_opens_for_editing(desk: Desk) -> None:
    page = desk.get("company?edit=description")
    assert page.select_one("#card-description input[name=debt_description]") is not None
    assert page.select_one("#card-sender input[name=town]") is None


def test_a_card_that_is_none_opens_nothing(desk: Desk) -> None:
    assert desk.get("company?edit=contacts:99").select("main form[novalidate]") == []


def test_a_case_handler_sees_and_changes_nothing(
    desk: Desk, desk_of: Callable[[str], Desk]
) -> None:
    a_person_at(desk.creditor, "collector", SOFIA)
    page = desk_of(SOFIA).get("company?edit=description")
    assert page.select("main form") == []
    assert "Payout accounts" in words(page)


def test_a_description_is_saved(desk: Desk) -> None:
    desk.post("company/description", debt_description="El och nät", version="0")
    assert db.session.get_one(Creditor, desk.creditor.id).debt_description == "El och nät"


def test_two_who_edit_find_out(desk: Desk) -> None:
    desk.post("company/description", debt_description="El", version="0")
    page = desk.post("company/description", status=409, debt_description="Nät", version="0")
    assert "changed this meanwhile" in words(page)
    card = page.select_one("#card-description")
    assert "El" in words(card)
    assert card.select_one("input[name=version]")["value"] == "1"
    assert card.select_one("input[name=debt_description]")["value"] == "Nät"


def test_a_missing_address_is_taken_from_the_source(desk: Desk) -> None:
    assert "Missing" in words(desk.get("company").select_one("#card-sender"))
    page = desk.post("company/addresses/sender/take", version="0")
    assert "As in the source" in words(page.select_one("#card-sender"))


def test_an_address_that_differs_is_marked(desk: Desk) -> None:
    page = desk.post(
        "company/addresses/invoice", name="Norrsken", address_line="Box 7", postcode="903 21",
        town="Umeå", country="", version="0",
    )  # fmt: skip
    assert "Differs from the source" in words(page.select_one("#card-invoice"))


def test_a_contact_is_added_and_removed(desk: Desk) -> None:
    desk.post("company/contacts/new", name="Karin", email="k@norrsken.example", version="0")
    (one,) = contacts.of_company(desk.creditor.id)
    desk.post(f"company/contacts/{one.id}/remove", version="1")
    assert contacts.of_company(desk.creditor.id) == []


class TestTheLetter:
    def logo(self, data: bytes) -> tuple[io.BytesIO, str]:
        return io.BytesIO(data), "logo.png"

    def kept(self, desk: Desk) -> dict[str, str]:
        return db.session.get_one(Creditor, desk.creditor.id).letter

    def test_a_look_is_saved(self, desk: Desk) -> None:
        desk.post(
            "company/letter", sender_name="Norrsken", logo=self.logo(a_picture()), version="0"
        )
        assert self.kept(desk)["sender_name"] == "Norrsken"
        shown = Image.open(io.BytesIO(desk.raw("company/logo.png").data))
        assert shown.size == (300, 90)

    def test_the_preview_saves_nothing(self, desk: Desk) -> None:
        page = desk.post(
            "company/letter", sender_name="Elbolaget", logo=self.logo(a_picture()), version="0",
            preview="yes",
        )  # fmt: skip
        picture = page.select_one("#letter-preview img")["src"]
        assert "name=Elbolaget" in picture
        assert self.kept(desk) == {}
        assert desk.client.get(picture).mimetype == "image/png"

    def test_what_was_looked_at_is_saved_without_choosing_the_file_again(self, desk: Desk) -> None:
        page = desk.post(
            "company/letter", sender_name="", logo=self.logo(a_picture()), version="0",
            preview="yes",
        )  # fmt: skip
        draft = page.select_one("input[name=draft]")["value"]
        desk.post("company/letter", sender_name="", draft=draft, version="0")
        assert set(self.kept(desk)) == {"logo"}

    def test_a_logo_is_taken_away(self, desk: Desk) -> None:
        desk.post("company/letter", sender_name="", logo=self.logo(a_picture()), version="0")
        desk.post("company/letter", sender_name="", no_logo="y", version="1")
        assert self.kept(desk) == {}

    def test_saving_the_name_keeps_the_logo(self, desk: Desk) -> None:
        desk.post("company/letter", sender_name="", logo=self.logo(a_picture()), version="0")
        desk.post("company/letter", sender_name="Norrsken", version="1")
        assert set(self.kept(desk)) == {"logo", "sender_name"}

    @pytest.mark.parametrize("data", [b"<svg/>", b"GIF89a"])
    def test_what_is_no_picture_is_told(self, desk: Desk, data: bytes) -> None:
        page = desk.post(
            "company/letter", status=422, sender_name="", logo=self.logo(data), version="0"
        )
        assert "no picture in PNG or JPEG" in words(page.select_one("#logo-error"))

    def test_htmx_gets_the_preview_alone(self, desk: Desk) -> None:
        token = desk.get("company?edit=letter").select_one("input[name=csrf_token]")["value"]
        answer = desk.client.post(
            f"/creditor/{desk.creditor.key}/company/letter/preview",
            data={"csrf_token": token, "sender_name": "Norrsken", "version": "0"},
            headers={"HX-Request": "true"},
        )
        assert answer.text.strip().startswith("<figure")


def test_a_company_chooses_whether_its_letters_go_to_mailboxes(desk: Desk, boxes: Boxes) -> None:
    running = desk.client.application.extensions
    running["reda_settings"] = boxes.settings(running["reda_settings"])
    ticked = desk.get("company?edit=letter").select_one("input[name=by_mailbox]")
    assert ticked.has_attr("checked")
    page = desk.post("company/letter", sender_name="", version="0")
    assert "To digital mailboxes No" in words(page)
    assert not db.session.get_one(Creditor, desk.creditor.id).by_mailbox


def test_where_there_are_no_mailboxes_nothing_is_asked_and_nothing_changes(desk: Desk) -> None:
    assert desk.get("company?edit=letter").select("input[name=by_mailbox]") == []
    desk.post("company/letter", sender_name="Norrsken", version="0")
    assert db.session.get_one(Creditor, desk.creditor.id).by_mailbox
