import string
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.messages import Problem, RedaError
from portal.sources import spreadsheet
from portal.sources.invoice import Invoice, Reading
from tests.sources.factory import (
    COMPANY,
    HEADINGS,
    PERSON,
    TODAY,
    InvoiceRow,
    a_list,
    a_workbook,
    an_invoice,
)


def reading(*rows: InvoiceRow) -> Reading:
    table = spreadsheet.open_table(a_list(*rows).as_csv(), "list.csv")
    return spreadsheet.read(table, spreadsheet.guess_mapping(table.columns), today=TODAY)


def invoice(row: InvoiceRow) -> Invoice:
    read = reading(row)
    assert read.problems == []
    (one,) = read.invoices
    return one


def problem(row: InvoiceRow) -> Problem:
    """The one problem of a row that has one, with the other row of the list read well."""
    read = reading(row, an_invoice("other"))
    assert [one.number for one in read.invoices] == ["other"]
    (one,) = read.problems
    assert one.line == 2
    return one


def said(one: Problem) -> str:
    return one.message % one.values


def test_a_row_becomes_an_invoice_with_every_value_in_its_place():
    assert invoice(an_invoice("1001").of("1 234,50", "1 000,00")) == Invoice(
        number="1001",
        customer_number="K1001",
        customer_name="Gunnel Bergström",
        customer_kind="person",
        identity_number=PERSON,
        address_line="Storgatan 1 B",
        postcode="831 30",
        town="Östersund",
        country="SE",
        email="gunnel@example.com",
        phone="+46701740605",
        language=None,
        customer_class=None,
        issued_on=date(2026, 9, 24),
        due_on=date(2026, 10, 24),
        amount_ore=123450,
        balance_ore=100000,
        currency="SEK",
        description="Årsavgift för vägen",
        payment_reference="123456782",
        reminder_fee_charged=False,
        source_line=2,
    )


def test_a_workbook_says_the_same_as_the_csv_of_it():
    rows = [an_invoice("1001"), an_invoice("1002").overdue(3), an_invoice("1003").of("0")]
    table = spreadsheet.open_table(a_list(*rows).as_xlsx(), "list.xlsx")
    mapping = spreadsheet.guess_mapping(table.columns)
    assert spreadsheet.read(table, mapping, today=TODAY) == reading(*rows)


def test_dates_and_numbers_of_a_workbook_are_read_as_such():
    columns = ["Fakturanr", "Kundnr", "Kundnamn", "E-post", "Förfallodatum", "Belopp"]
    row = [1001, 42, "Anna Ek", "anna@example.com", date(2026, 10, 24), 1234.5]
    table = spreadsheet.open_table(a_workbook([columns, row]), "list.xlsx")
    read = spreadsheet.read(table, spreadsheet.guess_mapping(columns), today=TODAY)
    (one,) = read.invoices
    assert (one.number, one.customer_number) == ("1001", "42")
    assert (one.due_on, one.amount_ore, one.balance_ore) == (date(2026, 10, 24), 123450, 123450)


def test_what_is_left_empty_has_its_default():
    empty = dict.fromkeys(
        set(HEADINGS) - {"number", "customer_number", "customer_name", "due_on", "amount", "email"},
        "",
    )
    one = invoice(an_invoice().with_(**empty))
    assert (one.country, one.currency, one.description) == ("SE", "SEK", "")
    assert one.balance_ore == one.amount_ore
    assert one.identity_number is one.issued_on is one.payment_reference is None
    assert one.reminder_fee_charged is False


@pytest.mark.parametrize("mark", ["-", "–", "—"])
def test_a_dash_is_an_empty_cell(mark):
    assert invoice(an_invoice().with_(payment_reference=mark)).payment_reference is None


class TestKindOfCustomer:
    def test_an_organisation_number_makes_a_company(self):
        one = invoice(an_invoice().to("Åkeriet AB", COMPANY))
        assert (one.customer_kind, one.identity_number) == ("company", COMPANY)

    def test_a_sole_trader_is_a_person(self):
        one = invoice(an_invoice().to("Bergströms Bygg", PERSON[2:]))
        assert (one.customer_kind, one.identity_number) == ("person", PERSON)

    def test_without_a_number_the_customer_has_a_persons_protection(self):
        assert invoice(an_invoice().to("Åkeriet AB")).customer_kind == "person"

    def test_without_a_number_the_list_may_say_the_kind(self):
        data = a_workbook(
            [
                ["Fakturanr", "Kundnr", "Kundnamn", "Kundtyp", "E-post", "Förfallodatum", "Belopp"],
                ["1", "1", "Åkeriet AB", "Företag", "a@example.com", "2026-10-24", 100],
            ]
        )
        table = spreadsheet.open_table(data, "list.xlsx")
        read = spreadsheet.read(table, spreadsheet.guess_mapping(table.columns), today=TODAY)
        assert [one.customer_kind for one in read.invoices] == ["company"]


class TestProblems:
    @pytest.mark.parametrize("key", ["number", "customer_number", "customer_name", "due_on"])
    def test_what_is_needed_is_missed(self, key):
        one = problem(an_invoice().with_(**{key: ""}))
        assert (one.field, said(one)) == (key, "This is missing. Fill it in.")

    def test_an_amount_that_is_missing_is_missed(self):
        assert problem(an_invoice().of("")).field == "amount"

    @pytest.mark.parametrize(
        ("cells", "field", "says"),
        [
            ({"amount": "gratis"}, "amount", "“gratis” is not an amount"),
            ({"amount": "-100"}, "amount", "nothing to collect"),
            ({"amount": "100", "balance": "0"}, "balance", "nothing to collect"),
            ({"amount": "100", "balance": "100,01"}, "balance", "More is open"),
            ({"due_on": "igår"}, "due_on", "“igår” is not a date"),
            ({"due_on": "2027-01-01"}, "due_on", "not overdue: it is due on 2027-01-01"),
            ({"due_on": TODAY.isoformat()}, "due_on", "not overdue"),
            ({"due_on": "2026-09-23"}, "due_on", "before the invoice date 2026-09-24"),
            ({"issued_on": "1974-01-01"}, "issued_on", "before 1975"),
            ({"identity_number": "556016-0681"}, "identity_number", "wrong digit"),
            ({"currency": "kronor"}, "currency", "not a currency"),
            ({"country": "Narnia"}, "country", "not a country"),
            ({"postcode": "1234"}, "postcode", "five digits"),
            ({"town": ""}, "town", "address is not complete"),
            ({"email": "gunnel"}, "email", "not an e-mail address"),
            ({"phone": "saknas"}, "phone", "not a telephone number"),
            ({"customer_name": "=1+1"}, "customer_name", "is a formula without a value"),
            ({"customer_name": "@SUM(A1)"}, "customer_name", "starts like a formula"),
            ({"amount": "=B2*2"}, "amount", "is a formula without a value"),
            ({"description": "a\x07b"}, "description", "cannot be seen"),
            ({"description": "x" * 501}, "description", "at most 500"),
            ({"number": "1E+12"}, "number", "shortened"),
            ({"reminder_fee_charged": "kanske"}, "reminder_fee_charged", "neither yes nor no"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_line_and_field(self, cells, field, says):
        one = problem(an_invoice().with_(**cells))
        assert one.field == field
        assert says in said(one)

    def test_everything_wrong_with_a_row_is_said_at_once(self):
        read = reading(an_invoice().with_(number="", amount="x", due_on="y", email="z"))
        assert [one.field for one in read.problems] == ["number", "due_on", "amount", "email"]

    def test_a_customer_who_cannot_be_reached_is_a_problem(self):
        nowhere = dict.fromkeys(
            ["identity_number", "address_line", "postcode", "town", "email", "phone"], ""
        )
        one = problem(an_invoice().with_(**nowhere))
        assert "cannot be reached" in said(one)
        assert invoice(an_invoice().with_(**nowhere | {"email": "a@example.com"})).email

    def test_an_identity_number_is_never_repeated(self):
        one = problem(an_invoice().with_(identity_number="19500315-1859"))
        assert "1950" not in said(one)

    def test_the_same_invoice_number_again_is_a_problem_of_the_later_line(self):
        read = reading(an_invoice("7"), an_invoice("8"), an_invoice("7").of("99"))
        assert [one.number for one in read.invoices] == ["7", "8"]
        assert read.invoices[0].amount_ore == 123450
        (one,) = read.problems
        assert (one.line, one.field) == (4, "number")
        assert said(one) == "Invoice 7 is on line 2 already. Remove one."

    def test_a_row_of_totals_is_one_problem(self):
        empty = dict.fromkeys(HEADINGS, "")
        for cells in ({"number": "Summa:"}, {"customer_number": "Totalt"}, {}):
            total = InvoiceRow(empty | cells | {"amount": "2 469,00"})
            read = reading(an_invoice("1"), total)
            assert len(read.invoices) == 1
            assert [(p.line, said(p)) for p in read.problems] == [
                (3, "This row looks like a total. It was left out.")
            ]

    def test_a_row_that_is_broken_in_the_file_is_a_problem(self):
        data = a_list(an_invoice("1"), an_invoice("2")).as_csv() + b'3;"Anna\r\n'
        table = spreadsheet.open_table(data, "list.csv")
        read = spreadsheet.read(table, spreadsheet.guess_mapping(table.columns), today=TODAY)
        assert [one.number for one in read.invoices] == ["1", "2"]
        assert [(one.line, "quotation mark" in said(one)) for one in read.problems] == [(4, True)]

    def test_a_bad_row_never_hides_the_others(self):
        bad = [an_invoice(str(i)).with_(due_on="x") for i in range(0, 100, 2)]
        good = [an_invoice(str(i)) for i in range(1, 100, 2)]
        read = reading(*(row for pair in zip(bad, good, strict=True) for row in pair))
        assert [one.number for one in read.invoices] == [str(i) for i in range(1, 100, 2)]
        assert [one.line for one in read.problems] == list(range(2, 102, 2))

    def test_markup_in_a_name_is_a_name(self):
        name = "<script>alert(1)</script> & Co"
        assert invoice(an_invoice().to(name)).customer_name == name

    def test_a_customer_abroad_keeps_the_postcode_of_the_country(self):
        one = invoice(
            an_invoice().with_(identity_number="", country="Norge", postcode="0150", phone="")
        )
        assert (one.country, one.postcode) == ("NO", "0150")


class TestMapping:
    def test_a_needed_field_without_a_column_is_refused(self):
        table = spreadsheet.open_table(a_list().as_csv(), "list.csv")
        mapping = spreadsheet.guess_mapping(table.columns)
        del mapping["due_on"]
        with pytest.raises(RedaError, match="Choose the column") as refusal:
            spreadsheet.read(table, mapping, today=TODAY)
        assert refusal.value.problem.field == "due_on"

    def test_a_column_that_is_not_there_is_refused(self):
        table = spreadsheet.open_table(a_list().as_csv(), "list.csv")
        mapping = spreadsheet.guess_mapping(table.columns) | {"language": "Språk"}
        with pytest.raises(RedaError, match="no such column") as refusal:
            spreadsheet.read(table, mapping, today=TODAY)
        assert refusal.value.problem.field == "language"


@given(
    cells=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            HEADINGS,
            st.text(max_size=20) | st.text(string.digits + " -+.,=@/kr", max_size=15),
        ),
    )
)
def test_no_cell_makes_reading_fail_or_hides_the_next_row(cells):
    columns = list(HEADINGS.values())
    row = an_invoice("1").with_(**cells)
    table = spreadsheet.Table(
        columns,
        [
            spreadsheet.Row(2, [row.cells[key] for key in HEADINGS]),
            spreadsheet.Row(3, [an_invoice("2-2").cells[key] for key in HEADINGS]),
        ],
    )
    read = spreadsheet.read(table, spreadsheet.guess_mapping(columns), today=TODAY)
    assert {one.source_line for one in read.invoices} | {p.line for p in read.problems} == {2, 3}
    assert all(said(one) for one in read.problems)
    for one in read.invoices:
        assert 0 < one.balance_ore <= one.amount_ore <= 1_000_000_000
        assert one.due_on < TODAY
        assert one.issued_on is None or one.issued_on <= one.due_on


@given(
    ore=st.integers(1, 1_000_000_000),
    days=st.integers(1, 18_000),
    open_share=st.integers(1, 100),
)
def test_amounts_and_dates_come_through_a_file_unchanged(ore, days, open_share):
    balance = max(1, ore * open_share // 100)
    due_on = TODAY - timedelta(days)
    row = an_invoice().with_(
        amount=f"{ore // 100},{ore % 100:02}",
        balance=f"{balance // 100},{balance % 100:02}",
        due_on=due_on.isoformat(),
        issued_on="",
    )
    one = invoice(row)
    assert (one.amount_ore, one.balance_ore, one.due_on) == (ore, balance, due_on)
