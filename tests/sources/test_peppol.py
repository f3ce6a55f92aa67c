from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.messages import Problem, RedaError
from portal.sources import peppol
from portal.sources.invoice import Invoice
from tests.sources.factory import (
    COMPANY,
    CREDITOR,
    PERSON,
    TODAY,
    PeppolInvoice,
    a_peppol_invoice,
)


def invoice(given_: PeppolInvoice) -> Invoice:
    read = peppol.read(given_.as_xml(), "faktura.xml", today=TODAY)
    assert read.problems == []
    (one,) = read.invoices
    return one


def problem(given_: PeppolInvoice) -> Problem:
    read = peppol.read(given_.as_xml(), "faktura.xml", today=TODAY)
    assert read.invoices == []
    (one,) = read.problems
    assert one.values["filename"] == "faktura.xml"
    return one


def said(one: Problem) -> str:
    return one.message % one.values


def test_an_invoice_is_read_with_every_value_in_its_place():
    assert invoice(a_peppol_invoice("1001").paid_in_part("500.00")) == Invoice(
        number="1001",
        customer_number="4711",
        customer_name="Åkeriet i Växjö AB",
        customer_kind="company",
        identity_number=COMPANY,
        address_line="Verkstadsgatan 5",
        postcode="352 33",
        town="Växjö",
        country="SE",
        email="ekonomi@example.com",
        phone="+464701740605",
        language=None,
        customer_class=None,
        issued_on=date(2026, 9, 24),
        due_on=date(2026, 10, 24),
        amount_ore=1_300_000,
        balance_ore=1_250_000,
        currency="SEK",
        description="Däck, 4 st, Montering",
        payment_reference="123456782",
        reminder_fee_charged=False,
        source_line=1,
        supplier_organisation_number=CREDITOR,
    )


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "utf-16"])
def test_the_encoding_that_the_file_declares_holds(encoding):
    read = peppol.read(a_peppol_invoice().as_xml(encoding), "faktura.xml", today=TODAY)
    assert [one.town for one in read.invoices] == ["Växjö"]


def test_a_note_describes_the_invoice_better_than_its_lines():
    assert invoice(a_peppol_invoice().with_(note="Service\n i maj")).description == "Service i maj"


def test_many_lines_are_told_by_the_first_and_a_long_note_is_shortened():
    assert invoice(a_peppol_invoice().with_(lines=list("abcde"))).description == "a, b, c"
    assert len(invoice(a_peppol_invoice().with_(note="x" * 2000)).description) == 500


def test_an_invoice_in_the_networks_envelope_is_read():
    inner = a_peppol_invoice().as_xml().split(b"?>", 1)[1]
    namespace = b"http://www.unece.org/cefact/namespaces/StandardBusinessDocumentHeader"
    data = b'<StandardBusinessDocument xmlns="%s"><StandardBusinessDocumentHeader/>%s%s' % (
        namespace,
        inner,
        b"</StandardBusinessDocument>",
    )
    assert len(peppol.read(data, "faktura.xml", today=TODAY).invoices) == 1


class TestParties:
    def test_a_sole_trader_is_a_person(self):
        one = invoice(a_peppol_invoice().with_(customer=PERSON[2:]))
        assert (one.customer_kind, one.identity_number) == ("person", PERSON)

    def test_a_vat_number_tells_the_organisation_number(self):
        one = invoice(a_peppol_invoice().with_(customer=None, customer_vat=f"SE{COMPANY}01"))
        assert (one.customer_kind, one.identity_number) == ("company", COMPANY)

    def test_a_number_without_scheme_is_swedish_when_the_customer_is(self):
        one = invoice(a_peppol_invoice().with_(customer="556016-0680", customer_scheme=None))
        assert one.identity_number == COMPANY

    def test_a_company_abroad_is_a_company_without_swedish_number(self):
        abroad = a_peppol_invoice().with_(
            customer="983294", customer_scheme="0192", country="NO", postcode="0150"
        )
        one = invoice(abroad)
        assert (one.customer_kind, one.identity_number, one.country) == ("company", None, "NO")

    def test_an_organisation_number_serves_as_customer_number(self):
        assert invoice(a_peppol_invoice().with_(customer_number=None)).customer_number == COMPANY

    @pytest.mark.parametrize("number", [PERSON, PERSON[2:], "500315-1858"])
    def test_a_personal_number_does_not(self, number):
        one = problem(a_peppol_invoice().with_(customer=number, customer_number=None))
        assert one.field == "customer_number"

    def test_a_contact_that_cannot_be_used_is_left_out(self):
        one = invoice(a_peppol_invoice().with_(phone="växeln", email="se vår hemsida"))
        assert one.phone is one.email is None

    def test_a_supplier_is_told_by_ten_digits(self):
        one = invoice(a_peppol_invoice().from_company("556016-0680"))
        assert one.supplier_organisation_number == COMPANY

    def test_a_suppliers_address_in_the_network_tells_the_number_too(self):
        given_ = a_peppol_invoice().with_(
            supplier=None, supplier_endpoint=COMPANY, supplier_endpoint_scheme="0007"
        )
        assert invoice(given_).supplier_organisation_number == COMPANY

    def test_an_invoice_that_does_not_say_who_sent_it_is_a_problem(self):
        one = problem(a_peppol_invoice().with_(supplier=None))
        assert one.field == "supplier_organisation_number"


class TestProblems:
    def test_a_credit_note_is_not_taken_for_a_claim(self):
        one = problem(a_peppol_invoice("77").with_(root="CreditNote"))
        assert said(one).startswith("77 is a credit note, not a claim.")

    @pytest.mark.parametrize(
        ("values", "field", "says"),
        [
            ({"customization": "urn:example:other"}, None, "not Peppol BIS Billing 3"),
            ({"number": ""}, "number", "missing"),
            ({"due_on": None}, "due_on", "only the terms “30 dagar netto”"),
            ({"due_on": None, "terms": None}, "due_on", "There is no due date."),
            ({"due_on": "2026-12-24"}, "due_on", "not overdue"),
            ({"issued_on": "2026-10-25"}, "due_on", "before the invoice date"),
            ({"payable": ""}, "amount", "missing"),
            ({"payable": "-5.00"}, "amount", "nothing to collect"),
            ({"payable": "0.00", "prepaid": "5.00"}, "balance", "nothing to collect"),
            ({"payable": "10.005"}, "amount", "two decimals"),
            ({"payable": "1,50"}, "amount", "not an amount"),
            ({"payable": "10.00", "prepaid": "-5.00"}, "balance", "More is open"),
            ({"payable_currency": "EUR"}, "currency", "amounts are in EUR"),
            ({"currency": "DEM", "payable_currency": "DEM"}, "currency", "not a currency"),
            ({"customer": "5560160681"}, "identity_number", "wrong digit"),
            ({"supplier": "5560160681"}, "supplier_organisation_number", "wrong digit"),
            ({"customer_name": "=cmd"}, "customer_name", "formula"),
            ({"postcode": "35"}, "postcode", "five digits"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field(self, values, field, says):
        one = problem(a_peppol_invoice().with_(**values))
        assert one.field == field
        assert says in said(one)


class TestSeveralFiles:
    def test_each_file_is_a_line_and_a_bad_one_hides_no_other(self):
        files = [
            ("a.xml", a_peppol_invoice("1").as_xml()),
            ("b.xml", b"<broken"),
            ("c.xml", a_peppol_invoice("2").with_(due_on=None).as_xml()),
            ("d.xml", a_peppol_invoice("3").as_xml()),
            ("e.xml", a_peppol_invoice("1").as_xml()),
        ]
        read = peppol.read_many(files, today=TODAY)
        assert [(one.number, one.source_line) for one in read.invoices] == [("1", 1), ("3", 4)]
        assert [one.line for one in read.problems] == [2, 3, 5]
        assert [one.values.get("filename") for one in read.problems[:2]] == ["b.xml", "c.xml"]
        assert said(read.problems[2]) == "Invoice 1 is in file number 1 already. Remove one."

    def test_no_files_are_no_invoices(self):
        assert peppol.read_many([], today=TODAY).invoices == []


class TestHostileFiles:
    def refused(self, data: bytes, says: str) -> None:
        with pytest.raises(RedaError, match=says):
            peppol.read(data, "faktura.xml", today=TODAY)
        (one,) = peppol.read_many([("faktura.xml", data)], today=TODAY).problems
        assert one.line == 1

    def test_entities_that_multiply_are_refused(self):
        levels = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10))
        bomb = a_peppol_invoice().with_(
            doctype=f'<!DOCTYPE Invoice [<!ENTITY e0 "lol">{levels}]>', number="NUMBER"
        )
        data = bomb.as_xml()
        self.refused(data.replace(b"NUMBER", b"&e9;"), "document type|not whole XML")
        in_attribute = data.replace(b'schemeID="0007"', b'schemeID="&e9;"')
        assert in_attribute != data
        self.refused(in_attribute, "document type|not whole XML")

    def test_an_entity_from_a_file_is_not_read(self, tmp_path):
        secret = tmp_path / "secret"
        secret.write_text("hemligt")
        doctype = f'<!DOCTYPE Invoice [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'
        data = a_peppol_invoice("NUMBER").with_(doctype=doctype).as_xml()
        self.refused(data.replace(b"NUMBER", b"&e;"), "document type")

    def test_a_document_type_from_elsewhere_is_not_fetched(self, tmp_path):
        dtd = tmp_path / "types.dtd"
        dtd.write_text('<!ENTITY e "hemligt">')
        doctype = f'<!DOCTYPE Invoice SYSTEM "{dtd.as_uri()}">'
        self.refused(a_peppol_invoice().with_(doctype=doctype).as_xml(), "document type")

    def test_elements_without_end_are_refused(self):
        self.refused(b"<a>" * 100_000 + b"</a>" * 100_000, "not whole XML")

    @pytest.mark.parametrize(
        ("data", "says"),
        [
            (b"", "empty"),
            (b"x" * 20_000_001, "21 MB; at most 20 MB"),
            (b"%PDF-1.7", "not whole XML"),
            (b"<Invoice/>", "“Invoice”, not a Peppol"),
            (b"<html><body/></html>", "“html”, not a Peppol"),
            (b'<?xml version="1.0" encoding="nonsense"?><a/>', "not whole XML"),
        ],
    )
    def test_what_is_no_invoice_is_refused(self, data, says):
        self.refused(data, says)

    def test_comments_and_instructions_do_not_split_a_value(self):
        data = a_peppol_invoice("10NUMBER").as_xml().replace(b"NUMBER", b"<!-- x -->0<?y z?>1")
        assert peppol.read(data, "faktura.xml", today=TODAY).invoices[0].number == "1001"

    @given(
        st.binary(max_size=200)
        | st.text('<>/&;:ab"= !?-[]', max_size=100).map(str.encode)
        | st.tuples(st.integers(0, 3000), st.binary(min_size=1, max_size=4)).map(
            lambda change: _damaged(*change)
        )
    )
    def test_any_bytes_are_an_invoice_a_problem_or_a_refusal(self, data):
        try:
            read = peppol.read(data, "faktura.xml", today=TODAY)
        except RedaError:
            return
        assert read.invoices or read.problems
        assert all(said(one) for one in read.problems)


def _damaged(at: int, by: bytes) -> bytes:
    data = a_peppol_invoice().as_xml()
    at %= len(data)
    return data[:at] + by + data[at + len(by) :]


@given(ore=st.integers(1, 500_000_000), paid=st.integers(0, 500_000_000))
def test_amounts_come_through_a_file_unchanged(ore, paid):
    given_ = a_peppol_invoice().with_(
        payable=f"{ore // 100}.{ore % 100:02}", prepaid=f"{paid // 100}.{paid % 100:02}"
    )
    one = invoice(given_)
    assert (one.balance_ore, one.amount_ore) == (ore, ore + paid)
