from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from portal.messages import RedaError
from portal.payments.accounts import (
    Bankgiro,
    Plusgiro,
    check_iban,
    check_identity_number,
    check_organisation_number,
    is_coordination_number,
    written_iban,
    written_identity_number,
    written_organisation_number,
)

TODAY = date(2026, 3, 1)


def with_check_digit(body: str) -> str:
    return body + luhn.calc_check_digit(body)


class TestBankgiro:
    @pytest.mark.parametrize(
        ("text", "digits", "written"),
        [
            ("5050-1055", "50501055", "5050-1055"),
            (" 5050 1055 ", "50501055", "5050-1055"),
            ("50501055", "50501055", "5050-1055"),
            ("5050\u20131055", "50501055", "5050-1055"),
            ("902-0033", "9020033", "902-0033"),
        ],
    )
    def test_it_is_read_in_every_usual_form_and_written_in_one(self, text, digits, written):
        bankgiro = Bankgiro.parse(text)
        assert bankgiro.digits == digits
        assert bankgiro.written() == written

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("", "Enter the bankgiro"),
            ("123456", "has 6|this has 6"),
            ("5050-1056", "wrong digit"),
            ("5050-105A", "digits only"),
        ],
    )
    def test_a_mistake_is_said(self, text, says):
        with pytest.raises(RedaError, match=says):
            Bankgiro.parse(text)

    @given(st.text("0123456789", min_size=6, max_size=7).map(with_check_digit))
    def test_what_is_written_reads_back_as_the_same(self, digits):
        assert Bankgiro.parse(Bankgiro(digits).written()) == Bankgiro(digits)


class TestPlusgiro:
    @pytest.mark.parametrize(
        ("body", "written"),
        [
            ("1", "1-"),
            ("12", "12-"),
            ("123", "1 23-"),
            ("12345", "1 23 45-"),
            ("286543", "28 65 43-"),
            ("4105468", "410 54 68-"),
        ],
    )
    def test_it_is_written_in_pairs_from_the_right(self, body, written):
        digits = with_check_digit(body)
        assert Plusgiro.parse(digits).written() == written + digits[-1]

    def test_a_known_number_is_read_with_spaces_and_hyphen(self):
        assert Plusgiro.parse("28 65 43-4").digits == "2865434"

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            (" ", "Enter the plusgiro"),
            ("1", "this has 1"),
            ("123456789", "this has 9"),
            ("28 65 43-5", "wrong digit"),
        ],
    )
    def test_a_mistake_is_said(self, text, says):
        with pytest.raises(RedaError, match=says):
            Plusgiro.parse(text)

    @given(st.text("0123456789", min_size=1, max_size=7).map(with_check_digit))
    def test_what_is_written_reads_back_as_the_same(self, digits):
        assert Plusgiro.parse(Plusgiro(digits).written()) == Plusgiro(digits)


class TestIban:
    def test_it_is_stored_without_spaces_and_shown_in_groups(self):
        assert check_iban("se45 5000 0000 0583 9825 7466") == "SE4550000000058398257466"
        assert written_iban("SE4550000000058398257466") == "SE45 5000 0000 0583 9825 7466"

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("", "Enter the IBAN"),
            ("SE45 5000 0000 0583 9825 7467", "wrong character"),
            ("SE45 5000", "not an IBAN|wrong character"),
            ("5050-1055", "not an IBAN|wrong character"),
        ],
    )
    def test_a_mistake_is_said(self, text, says):
        with pytest.raises(RedaError, match=says):
            check_iban(text)


class TestOrganisationNumber:
    @pytest.mark.parametrize("text", ["556016-0680", "5560160680", "16556016-0680", "165560160680"])
    def test_ten_digits_come_of_every_form(self, text):
        assert check_organisation_number(text) == "5560160680"

    def test_it_is_written_with_a_hyphen(self):
        assert written_organisation_number("5560160680") == "556016-0680"

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("", "Enter the organisation"),
            ("556016-068", "has 9 digits"),
            ("175560160680", "has 12 digits"),
            ("556016-0681", "wrong digit"),
            ("900101-0017", "sole trader"),
            ("556O16-0680", "digits only"),
        ],
    )
    def test_a_mistake_is_said(self, text, says):
        with pytest.raises(RedaError, match=says):
            check_organisation_number(text)


class TestIdentityNumber:
    @pytest.mark.parametrize(
        "text", ["19900101-0017", "199001010017", "900101-0017", "9001010017", "900101 0017"]
    )
    def test_twelve_digits_come_of_every_form(self, text):
        assert check_identity_number(text, today=TODAY) == "199001010017"
        assert written_identity_number("199001010017") == "19900101-0017"

    def test_a_plus_sign_means_a_hundred_years_earlier(self):
        child = with_check_digit("250301001")
        assert check_identity_number(child, today=TODAY) == "20" + child
        assert check_identity_number(f"{child[:6]}+{child[6:]}", today=TODAY) == "19" + child

    def test_the_century_follows_the_day_that_is_passed_in(self):
        number = with_check_digit("301231001")
        assert check_identity_number(number, today=date(2029, 6, 1))[:4] == "1930"
        assert check_identity_number(number, today=date(2031, 6, 1))[:4] == "2030"

    def test_a_co_ordination_number_has_sixty_added_to_its_day(self):
        digits = "19" + with_check_digit("900161001")
        assert check_identity_number(digits, today=TODAY) == digits
        assert is_coordination_number(digits)
        assert not is_coordination_number("199001010017")

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("", "Enter the personal identity"),
            ("900101-001", "has 9"),
            ("19900101-0018", "wrong digit"),
            ("19" + with_check_digit("900231001"), "does not exist"),
            ("19" + with_check_digit("901301001"), "does not exist"),
            ("19" + with_check_digit("900100001"), "does not exist"),
            ("19" + with_check_digit("900160001"), "does not exist"),
            ("20" + with_check_digit("260302001"), "to come"),
            ("19900101-OO17", "digits only"),
        ],
    )
    def test_a_mistake_is_said(self, text, says):
        with pytest.raises(RedaError, match=says):
            check_identity_number(text, today=TODAY)

    @given(
        st.integers(0, 99 * 365).map(lambda days: TODAY - timedelta(days)),
        st.integers(0, 999),
        st.booleans(),
    )
    def test_ten_digits_and_twelve_mean_the_same_person(self, born_on, serial, coordination):
        day = born_on.day + 60 * coordination
        ten = with_check_digit(f"{born_on:%y%m}{day:02}{serial:03}")
        twelve = f"{born_on.year // 100}{ten}"
        sign = "+" if TODAY.year - born_on.year >= 100 else "-"
        assert check_identity_number(f"{ten[:6]}{sign}{ten[6:]}", today=TODAY) == twelve
        assert check_identity_number(twelve, today=TODAY) == twelve
