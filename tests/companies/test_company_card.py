"""What a company tells about itself: cards, addresses, contact people, accounts, its letters."""

import io
import struct
import zlib
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image

from portal.collection import history
from portal.companies import accounts, addresses, cards, contacts, looks, previews
from portal.companies.models import PayoutAccount
from portal.database import files
from portal.extensions import db
from portal.identity.models import Creditor, Person
from portal.messages import RedaError
from portal.sources import peppol
from tests.companies.conftest import acting
from tests.factories import NOW, TODAY

BOX = {
    "name": "Norrsken", "address_line": "Box 7", "postcode": "903 21", "town": "Umeå",
    "country": "SE",
}  # fmt: skip


def a_picture(kind: str = "PNG", size: tuple[int, int] = (300, 90), **saved: Any) -> bytes:
    out = io.BytesIO()
    mode = "RGB" if kind in ("JPEG", "GIF") else "RGBA"
    Image.new(mode, size, "#17504c").save(out, kind, **saved)
    return out.getvalue()


def refused_at(field: str, act: Any) -> RedaError:
    with pytest.raises(RedaError) as refused:
        act()
    assert refused.value.problem.field == field
    return refused.value


class TestVersions:
    def describe(self, company: Creditor, by: Person, text: str, version: int) -> None:
        looks.save_description(company.id, text, version, actor=acting(by), now=NOW)

    def test_who_has_seen_the_newest_saves(self, company: Creditor, eva: Person) -> None:
        self.describe(company, eva, "El", 0)
        self.describe(company, eva, "El och nät", 1)
        assert company.debt_description == "El och nät"

    def test_who_has_not_is_told_who_was_first(
        self, company: Creditor, eva: Person, johan: Person
    ) -> None:
        self.describe(company, eva, "El", 0)
        with pytest.raises(cards.ChangedMeanwhile, match=eva.name):
            self.describe(company, johan, "Nät", 0)
        assert company.debt_description == "El"

    def test_one_card_does_not_hinder_another(self, company: Creditor, eva: Person) -> None:
        self.describe(company, eva, "El", 0)
        addresses.save(company.id, "sender", BOX, 0, actor=acting(eva), now=NOW)

    def test_the_history_tells_what_it_was(self, company: Creditor, eva: Person) -> None:
        self.describe(company, eva, "El", 0)
        told = history.of_creditor(company.id, about=["company"])[0]
        assert told.data["after"] == {"debt_description": "El"}

    def test_a_description_says_something(self, company: Creditor, eva: Person) -> None:
        refused_at("debt_description", lambda: self.describe(company, eva, " – ", 0))


class TestAddresses:
    def kept(self, company: Creditor) -> addresses.Address:
        return addresses.of_company(company.id)[0]

    def save(self, company: Creditor, by: Person, **changed: str) -> None:
        addresses.save(company.id, "sender", BOX | changed, 0, actor=acting(by), now=NOW)

    def test_what_is_not_kept_is_missing(self, company: Creditor) -> None:
        assert self.kept(company).state == "missing"

    def test_what_the_source_says_is_taken(self, company: Creditor, eva: Person) -> None:
        addresses.take(company.id, "sender", 0, actor=acting(eva), now=NOW)
        found = self.kept(company)
        assert (found.state, found.origin, found.value["town"]) == ("same", "register", "Umeå")

    def test_what_differs_is_marked(self, company: Creditor, eva: Person) -> None:
        self.save(company, eva)
        found = self.kept(company)
        assert found.state == "different"
        assert found.differing == {"address_line", "postcode"}

    def test_the_sender_stands_on_the_letters(self, company: Creditor, eva: Person) -> None:
        self.save(company, eva)
        assert company.letter["address"] == "Box 7, 903 21 Umeå"

    @pytest.mark.parametrize(
        ("field", "text"), [("postcode", "1"), ("town", " "), ("country", "Nowhere")]
    )
    def test_what_is_wrong_is_told_at_its_field(
        self, company: Creditor, eva: Person, field: str, text: str
    ) -> None:
        refused_at(field, lambda: self.save(company, eva, **{field: text}))

    def test_a_newer_source_is_what_is_compared_with(self, company: Creditor, eva: Person) -> None:
        addresses.take(company.id, "sender", 0, actor=acting(eva), now=NOW)
        addresses.note(company.id, "peppol", "f.xml", BOX, now=NOW + timedelta(days=1))
        found = self.kept(company)
        assert (found.state, found.told.source, found.told.detail) == (
            "different", "peppol", "f.xml",
        )  # fmt: skip

    def test_a_source_that_says_little_is_left_out(self, company: Creditor) -> None:
        addresses.note(company.id, "peppol", "f.xml", {"town": "Umeå"}, now=NOW)
        assert self.kept(company).told.source == "register"


def test_a_peppol_invoice_tells_its_sellers_address() -> None:
    number, address = peppol.seller(
        b"""<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
        xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
        xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
        <cac:AccountingSupplierParty><cac:Party>
        <cbc:EndpointID schemeID="0007">5599000016</cbc:EndpointID>
        <cac:PartyName><cbc:Name>Norrsken</cbc:Name></cac:PartyName>
        <cac:PostalAddress><cbc:StreetName>Box 7</cbc:StreetName><cbc:CityName>Boden</cbc:CityName>
        <cbc:PostalZone>961 21</cbc:PostalZone>
        <cac:Country><cbc:IdentificationCode>SE</cbc:IdentificationCode></cac:Country>
        </cac:PostalAddress></cac:Party></cac:AccountingSupplierParty></Invoice>"""
    )
    assert number == "5599000016"
    assert (address["address_line"], address["postcode"], address["town"]) == (
        "Box 7", "96121", "Boden",
    )  # fmt: skip


class TestContacts:
    def save(self, company: Creditor, by: Person, version: int = 0, **values: str) -> None:
        told = {"name": "Karin Ek", "role": "Ekonomi", "email": "k@norrsken.example", "phone": ""}
        contacts.save(company.id, None, told | values, version, actor=acting(by), now=NOW)

    def test_a_contact_is_kept(self, company: Creditor, eva: Person) -> None:
        self.save(company, eva, phone="090-12 34 56")
        assert contacts.of_company(company.id)[0].phone == "+4690123456"

    def test_one_that_cannot_be_reached_is_refused(self, company: Creditor, eva: Person) -> None:
        refused_at("email", lambda: self.save(company, eva, email=""))

    def test_a_contact_is_removed(self, company: Creditor, eva: Person) -> None:
        self.save(company, eva)
        one = contacts.of_company(company.id)[0]
        contacts.remove(company.id, one.id, 1, actor=acting(eva), now=NOW)
        assert contacts.of_company(company.id) == []


class TestLogo:
    @pytest.mark.parametrize("kind", ["PNG", "JPEG"])
    def test_a_picture_is_drawn_anew(self, company: Creditor, kind: str) -> None:
        kept = Image.open(io.BytesIO(files.read(looks.drawn(a_picture(kind)))))
        assert (kept.format, kept.mode, kept.size) == ("PNG", "RGB", (300, 90))

    def test_nothing_else_of_the_file_is_kept(self, company: Creditor) -> None:
        exif = Image.Exif()
        exif[0x010E] = "written by Karin"
        data = a_picture("JPEG", exif=exif, comment=b"secret")
        assert b"secret" in data
        kept = files.read(looks.drawn(data))
        assert b"Karin" not in kept
        assert b"secret" not in kept
        assert Image.open(io.BytesIO(kept)).info == {}

    def test_the_same_picture_is_the_same_file(self, company: Creditor) -> None:
        assert looks.drawn(a_picture()) == looks.drawn(a_picture())

    def test_a_large_one_is_made_smaller(self, company: Creditor) -> None:
        kept = Image.open(io.BytesIO(files.read(looks.drawn(a_picture(size=(4000, 1000))))))
        assert kept.size == (1400, 350)

    @pytest.mark.parametrize(
        "data",
        [
            a_picture("GIF"), b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"", b"%PDF-1.7",
            a_picture()[:-30], a_picture(size=(300, 20)), b"x" * (looks.MOST_BYTES + 1),
        ],
        ids=["gif", "svg", "empty", "pdf", "cut off", "too small", "too large"],
    )  # fmt: skip
    def test_what_is_no_such_picture_is_refused(self, company: Creditor, data: bytes) -> None:
        refused_at("logo", lambda: looks.drawn(data))

    def test_a_picture_that_would_fill_the_memory_is_refused(self, company: Creditor) -> None:
        refused_at("logo", lambda: looks.drawn(_a_bomb()))

    def test_a_seal_opens_nothing_of_another_company(self, company: Creditor) -> None:
        token = looks.sealed(company.id, "a" * 64)
        assert looks.unsealed(company.id, token) == "a" * 64
        assert looks.unsealed(company.id + 1, token) is None
        assert looks.unsealed(company.id, "a" * 64) is None


def _a_bomb() -> bytes:
    """A PNG whose head says that it is 60 000 pixels wide and high."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + check

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IEND", b"")


class TestAccounts:
    @pytest.mark.parametrize(
        ("kind", "typed", "kept"),
        [
            ("bankgiro", "5050-1055", "50501055"), ("bankgiro", "50501055", "50501055"),
            ("plusgiro", "28 65 43-4", "2865434"),
            ("iban", "SE35 5000 0000 0549 1000 0003", "SE3550000000054910000003"),
        ],
    )  # fmt: skip
    def test_a_number_is_taken_as_people_write_it(self, kind: str, typed: str, kept: str) -> None:
        assert accounts.parse(kind, typed) == kept

    @pytest.mark.parametrize(
        ("kind", "typed"),
        [("bankgiro", "5050-1056"), ("plusgiro", "28 65 43-5"),
         ("iban", "SE36 5000 0000 0549 1000 0003")],
    )  # fmt: skip
    def test_a_wrong_check_digit_is_told(self, kind: str, typed: str) -> None:
        refused_at("number", lambda: accounts.parse(kind, typed))

    def test_a_currency_of_its_own_goes_first(self, company: Creditor) -> None:
        for number, currency in (("50501055", None), ("2865434", "EUR")):
            db.session.add(
                PayoutAccount(
                    key=number, creditor_id=company.id, kind="bankgiro", number=number,
                    holder="Norrsken", currency=currency, is_used=True, added_at=NOW,
                )
            )  # fmt: skip
        db.session.flush()
        euro, krona = accounts.used(company.id, "EUR"), accounts.used(company.id, "SEK")
        assert euro is not None
        assert krona is not None
        assert (euro.key, krona.key) == ("2865434", "50501055")

    def test_without_an_account_there_is_none(self, company: Creditor) -> None:
        assert accounts.used(company.id, "SEK") is None


class TestThePreview:
    def test_it_is_a_picture_of_the_page(self, company: Creditor) -> None:
        data = previews.picture(company.id, "Norrsken", None, today=TODAY)
        assert Image.open(io.BytesIO(data)).size == (953, 1348)

    def test_it_changes_with_the_name_and_saves_nothing(self, company: Creditor) -> None:
        one, other = (
            previews.picture(company.id, name, None, today=TODAY)
            for name in ("Norrsken", "Elbolaget")
        )
        assert one != other
        assert company.letter == {}

    def test_it_shows_the_logo(self, company: Creditor) -> None:
        logo = looks.drawn(a_picture())
        with_logo = previews.picture(company.id, "", logo, today=TODAY)
        assert with_logo != previews.picture(company.id, "", None, today=TODAY)
