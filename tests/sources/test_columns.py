import pytest

from portal.sources.columns import FIELDS, _plain, guess_mapping


def test_a_swedish_ledgers_headings_are_recognised():
    columns = ["Fakturanr", "Kundnr", "Kundnamn", "Org.nr", "Adress", "Postnr", "Ort", "E-post"]
    columns += ["Fakturadatum", "Förfallodatum", "Belopp", "Restbelopp", "Valuta", "OCR-nummer"]
    assert guess_mapping(columns) == {
        "number": "Fakturanr",
        "customer_number": "Kundnr",
        "customer_name": "Kundnamn",
        "identity_number": "Org.nr",
        "address_line": "Adress",
        "postcode": "Postnr",
        "town": "Ort",
        "email": "E-post",
        "issued_on": "Fakturadatum",
        "due_on": "Förfallodatum",
        "amount": "Belopp",
        "balance": "Restbelopp",
        "currency": "Valuta",
        "payment_reference": "OCR-nummer",
    }


def test_an_english_ledgers_headings_are_recognised():
    columns = ["Invoice no.", "CUSTOMER NUMBER", "Customer name", "Due date", "Amount (SEK)"]
    assert guess_mapping(columns) == {
        "number": "Invoice no.",
        "customer_number": "CUSTOMER NUMBER",
        "customer_name": "Customer name",
        "due_on": "Due date",
        "amount": "Amount (SEK)",
    }


def test_letters_of_two_parts_are_the_same_letters():
    assert guess_mapping(["Fo\u0308rfallodatum"]) == {"due_on": "Fo\u0308rfallodatum"}


def test_the_plainer_of_two_headings_is_taken():
    assert guess_mapping(["Namn", "Kundnamn"])["customer_name"] == "Kundnamn"
    assert guess_mapping(["Kundnamn", "Namn"])["customer_name"] == "Kundnamn"


def test_a_lone_balance_serves_as_the_amount():
    assert guess_mapping(["Saldo"]) == {"amount": "Saldo"}


def test_what_is_not_recognised_is_left_out():
    assert guess_mapping(["Säljare", "", "Kostnadsställe"]) == {}


def test_no_column_serves_twice():
    columns = [heading for field in FIELDS for heading in field.headings]
    guessed = guess_mapping(columns)
    assert set(guessed) == {field.key for field in FIELDS}
    assert len(set(guessed.values())) == len(guessed)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.key)
def test_the_headings_of_a_field_are_its_own_and_plain(field):
    others = {heading for other in FIELDS if other is not field for heading in other.headings}
    assert not others & set(field.headings)
    assert all(_plain(heading) == heading for heading in field.headings)
