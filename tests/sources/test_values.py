import contextlib
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from portal.messages import RedaError
from portal.sources import values

TODAY = date(2026, 11, 24)


# The mark between thousands and the one before decimals.
STYLES = [
    (" ", ","),
    ("\u00a0", ","),
    ("\u202f", ","),
    ("", ","),
    ("", "."),
    ("", ":"),
    (",", "."),
    (".", ","),
    ("'", "."),
]


class TestAmounts:
    @pytest.mark.parametrize(
        ("text", "ore"),
        [
            ("1 234,50", 123450),
            ("1,234.50", 123450),
            ("1.234,50", 123450),
            ("1'234.50", 123450),
            ("1234.5", 123450),
            ("1234,5", 123450),
            ("1234", 123400),
            ("1 234\u00a0567,89", 123456789),
            ("1\u00a0234,50", 123450),
            ("1\u202f234,50", 123450),
            ("1,234,567", 123456700),
            ("1.234.567", 123456700),
            ("1 234,50 kr", 123450),
            ("kr 1 234,50", 123450),
            ("SEK 1,234.50", 123450),
            ("100:-", 10000),
            ("100,-", 10000),
            ("100:50", 10050),
            (" 0,01 ", 1),
            ("10 000 000,00", 1_000_000_000),
        ],
    )
    def test_swedish_and_english_amounts_are_read(self, text, ore):
        assert values.amount(text) == ore

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("1,234", "two ways"),
            ("1.234", "two ways"),
            ("12,345", "two ways"),
            ("1234,567", "two decimals"),
            ("0,500", "two decimals"),
            ("1 234,501", "two decimals"),
            ("0", "nothing to collect"),
            ("0,00 kr", "nothing to collect"),
            ("-100", "nothing to collect"),
            ("−100", "nothing to collect"),
            ("100-", "nothing to collect"),
            ("1 234,50-", "nothing to collect"),
            ("(100,00)", "nothing to collect"),
            ("10 000 000,01", "more than 10 million"),
            ("9" * 39, "more than 10 million"),
            ("9" * 1000, "not an amount"),
            ("12 34", "not an amount"),
            ("1,23,456", "not an amount"),
            ("1.234.56", "not an amount"),
            ("1 234 56", "not an amount"),
            ("1e3", "not an amount"),
            ("NaN", "not an amount"),
            ("Infinity", "not an amount"),
            ("EUR 100", "not an amount"),
            ("١٢٣", "not an amount"),
            ("tusen", "not an amount"),
            ("", "not an amount"),
            ("kr", "not an amount"),
        ],
    )
    def test_an_amount_that_is_unclear_or_impossible_is_refused(self, text, says):
        with pytest.raises(RedaError, match=says):
            values.amount(text)

    @given(
        ore=st.integers(1, values.MOST_ORE),
        style=st.sampled_from(STYLES),
        around=st.sampled_from(["{}", " {} ", "{} kr", "{}kr", "{} SEK", "kr {}", "{}\u00a0kr"]),
    )
    def test_an_amount_written_with_two_decimals_is_read_back_to_the_ore(self, ore, style, around):
        group, mark = style
        whole = f"{ore // 100:,}".replace(",", group)
        assert values.amount(around.format(f"{whole}{mark}{ore % 100:02}")) == ore

    @given(st.integers(1, values.MOST_ORE))
    def test_a_plain_number_is_read_back_however_few_its_decimals(self, ore):
        assert values.amount(f"{(Decimal(ore) / 100).normalize():f}") == ore
        assert values.xml_amount(f"{Decimal(ore) / 100:f}") == ore

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("1,50", "not an amount"),
            ("1 000.00", "not an amount"),
            ("1e3", "not an amount"),
            ("INF", "not an amount"),
            ("10.005", "two decimals"),
            ("-1.00", "nothing to collect"),
            ("0", "nothing to collect"),
        ],
    )
    def test_xml_knows_one_notation_only(self, text, says):
        with pytest.raises(RedaError, match=says):
            values.xml_amount(text)

    def test_xml_may_write_more_zeros(self):
        assert values.xml_amount("10.5000") == 1050


class TestDates:
    @pytest.mark.parametrize(
        "text",
        [
            "2026-11-03",
            "20261103",
            "2026/11/03",
            "2026.11.03",
            "2026-11-3",
            "3.11.2026",
            "03.11.2026",
            " 2026-11-03 ",
            "2026-11-03 00:00:00",
            "2026-11-03T10:30:00Z",
        ],
    )
    def test_dates_that_mean_one_day_are_read(self, text):
        assert values.day(text) == date(2026, 11, 3)

    @pytest.mark.parametrize(
        ("text", "day"),
        [
            ("23/11/2026", date(2026, 11, 23)),
            ("11/23/2026", date(2026, 11, 23)),
            ("11-11-2026", date(2026, 11, 11)),
        ],
    )
    def test_slashes_are_read_when_only_one_day_fits(self, text, day):
        assert values.day(text) == day

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("03/11/2026", "two dates"),
            ("3-11-2026", "two dates"),
            ("2026-02-29", "no such day"),
            ("2026-13-01", "no such day"),
            ("31.4.2026", "no such day"),
            ("1974-12-31", "before 1975"),
            ("26-11-03", "not a date"),
            ("261103", "not a date"),
            ("2026113", "not a date"),
            ("46329", "not a date"),
            ("2026-11/03", "not a date"),
            ("i går", "not a date"),
            ("", "not a date"),
        ],
    )
    def test_a_date_that_is_unclear_or_impossible_is_refused(self, text, says):
        with pytest.raises(RedaError, match=says):
            values.day(text)

    @given(
        st.dates(min_value=date(1975, 1, 1), max_value=date(9999, 12, 31)),
        st.sampled_from(["{0:%Y-%m-%d}", "{0:%Y%m%d}", "{0.day}.{0.month}.{0.year}"]),
    )
    def test_a_date_is_read_back_as_it_was_written(self, day, style):
        assert values.day(style.format(day)) == day

    @given(st.dates(min_value=date(1975, 1, 1), max_value=date(9999, 12, 31)))
    def test_slashes_are_never_read_as_another_day(self, day):
        for text in (f"{day:%d/%m/%Y}", f"{day:%m/%d/%Y}"):
            try:
                assert values.day(text) == day
            except RedaError:
                assert day.day <= 12
                assert day.day != day.month


class TestIdentityNumbers:
    @pytest.mark.parametrize(
        "text", ["556016-0680", "5560160680", "16556016-0680", "SE556016068001", "556016–0680"]
    )
    def test_an_organisation_number_comes_out_as_ten_digits(self, text):
        assert values.identity_number(text, today=TODAY) == "5560160680"

    @pytest.mark.parametrize(
        "text", ["19500315-1858", "195003151858", "500315-1858", "5003151858", "500315 1858"]
    )
    def test_a_personal_number_comes_out_as_twelve_digits(self, text):
        assert values.identity_number(text, today=TODAY) == "195003151858"

    def test_a_co_ordination_number_is_a_persons(self):
        body = "701063239"
        digits = body + luhn.calc_check_digit(body)
        assert values.identity_number(digits, today=TODAY) == f"19{digits}"

    def test_a_plus_sign_means_that_the_person_has_turned_hundred(self):
        body = "260315185"
        digits = body + luhn.calc_check_digit(body)
        assert values.identity_number(f"260315+{digits[6:]}", today=TODAY) == f"19{digits}"
        assert values.identity_number(f"260315-{digits[6:]}", today=TODAY) == f"20{digits}"

    def test_ten_digits_are_not_a_birth_later_this_year(self):
        body = "261224185"
        digits = body + luhn.calc_check_digit(body)
        assert values.identity_number(digits, today=TODAY) == f"19{digits}"

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("556016-0681", "wrong digit"),
            ("19500315-1859", "wrong digit"),
            ("556016", "has 6"),
            ("505282384", "zeros at the start"),
            ("DE123456789", "not a Swedish"),
            ("٥٥٦٠١٦٠٦٨٠", "not a Swedish"),
        ],
    )
    def test_a_mistake_is_said_without_repeating_the_number(self, text, says):
        with pytest.raises(RedaError, match=says) as refusal:
            values.identity_number(text, today=TODAY)
        assert text not in str(refusal.value)

    @pytest.mark.parametrize("start", ["19991332", "20270101", "19990230"])
    def test_a_birth_date_that_is_none_or_to_come_is_refused(self, start):
        body = start + "123"
        digits = body + luhn.calc_check_digit(body[2:])
        with pytest.raises(RedaError, match="date of birth"):
            values.identity_number(digits, today=TODAY)

    @given(st.dates(min_value=date(1927, 1, 1), max_value=TODAY), st.integers(0, 999))
    def test_ten_digits_find_the_century_of_everybody_below_hundred(self, born_on, serial):
        body = f"{born_on:%y%m%d}{serial:03}"
        digits = body + luhn.calc_check_digit(body)
        assert values.identity_number(digits, today=TODAY) == f"{born_on:%Y}"[:2] + digits


class TestTexts:
    @pytest.mark.parametrize(
        ("text", "read"),
        [
            ("  Åsa \n Öberg\t", "Åsa Öberg"),
            ("A\u030asa", "Åsa"),
            ("<script>alert(1)</script>", "<script>alert(1)</script>"),
            ("Möller & Söner <b>AB</b>", "Möller & Söner <b>AB</b>"),
            ("-12,50", "-12,50"),
            ("+46 (0)70-174 06 05", "+46 (0)70-174 06 05"),
            ("بريوان\u200cها", "بريوان\u200cها"),
        ],
    )
    def test_a_text_stays_plain_text(self, text, read):
        assert values.plain_text(text, 100) == read

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("=HYPERLINK(1)", "like a formula"),
            ("  =1+1", "like a formula"),
            ("@SUM(A1)", "like a formula"),
            ("+A1", "like a formula"),
            ("-2+3", "like a formula"),
            ("-cmd|calc", "like a formula"),
            ("＝1", "like a formula"),
            ("#REF!", "shows the error"),
            ("####", "shows the error"),
            ("LÃ¥ngstrÃ¶m", "lost its letters"),
            ("L\ufffdngstrom", "lost its letters"),
            ("Anna\x00", "cannot be seen"),
            ("Anna\x07", "cannot be seen"),
            ("Anna \u202egnp.exe", "cannot be seen"),
            ("Anna\ud800", "cannot be seen"),
            ("A" * 101, "at most 100"),
        ],
    )
    def test_a_text_that_could_harm_or_mislead_is_refused(self, text, says):
        with pytest.raises(RedaError, match=says):
            values.plain_text(text, 100)

    @pytest.mark.parametrize("text", ["1,23457E+12", "1.2E+15", "1E+3"])
    def test_a_number_that_a_spreadsheet_has_shortened_is_refused(self, text):
        with pytest.raises(RedaError, match="shortened"):
            values.code(text, 50)

    def test_a_message_repeats_a_long_text_in_short(self):
        assert len(values.shown("x" * 1000)) == 60
        assert values.shown("a\nb\x00c") == "a b c"


class TestWaysToReachSomebody:
    @pytest.mark.parametrize("text", ["åsa.öberg@exempel.se", "a+b@mail.example.co.uk"])
    def test_an_e_mail_address_is_kept(self, text):
        assert values.email(text) == text

    @pytest.mark.parametrize(
        "text", ["a@b", "a b@example.com", "a@example..com", ".a@example.com", "a@x.com, b@x.com"]
    )
    def test_what_has_not_the_shape_of_an_e_mail_address_is_refused(self, text):
        with pytest.raises(RedaError, match="not an e-mail address"):
            values.email(text)

    @pytest.mark.parametrize(
        "text",
        [
            "070-174 06 05",
            "0701740605",
            "+46 70 174 06 05",
            "+46 (0)70-174 06 05",
            "0046701740605",
            "46701740605",
            "701740605",
        ],
    )
    def test_a_telephone_number_comes_out_in_one_form(self, text):
        assert values.phone(text, country="SE") == "+46701740605"

    @pytest.mark.parametrize("text", ["12", "ring mig", "070-174 06 05 / 08-465 004 00", "0" * 12])
    def test_what_is_no_telephone_number_is_refused(self, text):
        with pytest.raises(RedaError, match="not a telephone number"):
            values.phone(text, country="SE")

    @pytest.mark.parametrize("text", ["83130", "831 30", "SE-831 30", "s-83130", "831\u00a030"])
    def test_a_swedish_postcode_comes_out_in_one_form(self, text):
        assert values.postcode(text, country="SE") == "831 30"

    @pytest.mark.parametrize(("text", "country"), [("8313", "SE"), ("012 34", "SE"), ("?", "NO")])
    def test_a_wrong_postcode_is_refused(self, text, country):
        with pytest.raises(RedaError, match="postcode"):
            values.postcode(text, country=country)

    def test_a_postcode_abroad_is_kept(self):
        assert values.postcode("sw1a 1aa", country="GB") == "SW1A 1AA"

    @pytest.mark.parametrize("text", ["SE", "se", "Sverige", "sweden"])
    def test_a_country_is_known_by_code_and_by_name(self, text):
        assert values.country(text) == "SE"

    @pytest.mark.parametrize("text", ["Sverge", "EU", "ZZ", "XA", "752", ""])
    def test_what_is_no_country_is_refused(self, text):
        with pytest.raises(RedaError, match="not a country"):
            values.country(text)


class TestWords:
    @pytest.mark.parametrize(("text", "code"), [("SEK", "SEK"), ("kr", "SEK"), ("eur", "EUR")])
    def test_a_currency_is_its_code(self, text, code):
        assert values.currency(text) == code

    @pytest.mark.parametrize("text", ["DEM", "XXX", "XTS", "€", "kronor"])
    def test_a_currency_that_is_none_is_refused(self, text):
        with pytest.raises(RedaError, match="not a currency"):
            values.currency(text)

    @pytest.mark.parametrize("text", ["sv", "sr-Latn", "zh_Hans", "ckb"])
    def test_a_language_is_known_by_its_shape(self, text):
        assert values.language(text) == text
        with pytest.raises(RedaError, match="not a language code"):
            values.language(f"{text} 1")

    @pytest.mark.parametrize(("text", "meaning"), [("Ja", True), ("NEJ", False), ("1", True)])
    def test_yes_and_no_are_understood(self, text, meaning):
        assert values.yes_or_no(text) is meaning

    def test_perhaps_is_refused(self):
        with pytest.raises(RedaError, match="neither yes nor no"):
            values.yes_or_no("kanske")

    @pytest.mark.parametrize(("text", "kind"), [("Privat", "person"), ("Företag", "company")])
    def test_person_and_company_are_understood(self, text, kind):
        assert values.customer_kind(text) == kind

    def test_another_kind_is_refused(self):
        with pytest.raises(RedaError, match="neither person nor company"):
            values.customer_kind("förening?")


PARSERS = [
    values.amount,
    values.xml_amount,
    values.day,
    values.email,
    values.country,
    values.currency,
    values.language,
    values.yes_or_no,
    values.customer_kind,
    lambda text: values.identity_number(text, today=TODAY),
    lambda text: values.phone(text, country="SE"),
    lambda text: values.postcode(text, country="SE"),
    lambda text: values.postcode(text, country="NO"),
    lambda text: values.code(text, 50),
]


@given(st.text(max_size=60) | st.text("0123456789 ,.:+-−()kreESE'\u00a0/", max_size=30))
def test_no_text_makes_a_parser_raise_anything_but_its_refusal(text):
    for parse in PARSERS:
        with contextlib.suppress(RedaError):
            parse(text)


@given(st.dates(min_value=date(1990, 1, 1), max_value=date(2025, 1, 1)), st.integers(0, 999))
def test_an_accepted_personal_number_has_its_check_digit(born_on, serial):
    body = f"{born_on:%y%m%d}{serial:03}"
    right = int(luhn.calc_check_digit(body))
    for digit in range(10):
        text = f"{born_on:%Y}"[:2] + f"{body}{digit}"
        if digit == right:
            assert values.identity_number(text, today=born_on + timedelta(1)) == text
        else:
            with pytest.raises(RedaError, match="wrong digit"):
                values.identity_number(text, today=TODAY)


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", "0-9"), ("9", "0-9"), ("10", "10-49"), ("49", "10-49"), ("50", "50-249"),
     ("249", "50-249"), ("250", "250+"), ("1 200", "250+"), ("10–49", "10-49"),
     ("50-249 anställda", "50-249"), ("250+", "250+"), ("250 eller fler", "250+")],
)  # fmt: skip
def test_a_number_of_employees_is_a_size(text: str, size: str) -> None:
    assert values.size_class(text) == size


@pytest.mark.parametrize("text", ["många", "-3", "10-50", "1,5"])
def test_what_is_no_number_of_employees_is_refused(text: str) -> None:
    with pytest.raises(RedaError, match="no number of employees"):
        values.size_class(text)
