"""Templates at the desk: edited with a preview, and documents written from them."""

import io
import re
from collections.abc import Callable

import pypdf
import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select

from portal import clock
from portal.collection.models import Case
from portal.database import files
from portal.database.encryption import lookup_hash
from portal.extensions import db
from portal.identity.models import Creditor
from portal.signing import envelopes, markup, plan_signing, templates
from portal.signing.models import Envelope
from portal.signing.templates import Field, Role
from tests.creditor.conftest import Desk
from tests.factories import SOFIA, a_case, a_creditor_that_signed, a_person_at
from tests.signing.templates import a_template

NEW = {"name": "Avtal", "kind": "document", "language": "sv", "body": "Hej", "days": "14"}


def the_only() -> Envelope:
    return db.session.scalars(select(Envelope)).one()


def text_of(envelope: Envelope) -> str:
    (file,) = envelopes.files_of(envelope)
    pages = pypdf.PdfReader(io.BytesIO(files.read(file.sha256))).pages
    return " ".join(" ".join(one.extract_text() for one in pages).split())


def test_the_list_has_what_comes_with_the_portal(desk: Desk) -> None:
    text = desk.get("documents/templates").main.text
    assert "Skulderkännande" in text
    assert "Power of attorney" in text


def test_a_new_template_is_saved(desk: Desk) -> None:
    page = desk.post("documents/templates/new", **NEW)
    assert page.h1.text == "Avtal"
    assert "Version 1" in page.main.text


def test_one_that_comes_with_the_portal_is_copied(desk: Desk) -> None:
    page = desk.get("documents/templates/new?from=payment_plan-sv")
    assert "{{case.amount_owed}}" in page.select_one("#body").text
    assert page.select_one("#own-1-label")["value"] == "Varje delbetalning"
    assert page.select_one("#roles-0-label")["value"] == "Betalaren"


def test_a_field_is_added_without_losing_what_was_written(desk: Desk) -> None:
    page = desk.post("documents/templates/new", **{**NEW, "body": "Hej {{x}}", "then": "field"})
    assert page.select_one("#own-0-label")
    assert page.select_one("#body").text.strip() == "Hej {{x}}"


def test_a_field_of_its_own_gets_a_name(desk: Desk, creditor: Creditor) -> None:
    own = {"own-0-label": "Första dagen", "own-0-kind": "date", "own-0-is_required": "y"}
    desk.post("documents/templates/new", **{**NEW, "body": "{{forsta_dagen}}", **own})
    (saved,) = templates.of_company(creditor.id)
    assert saved.content.fields == (
        Field("forsta_dagen", "Första dagen", templates.DATE, is_required=True),
    )


def test_an_unknown_field_is_told_at_the_text_with_its_line(desk: Desk) -> None:
    page = desk.post("documents/templates/new", status=422, **{**NEW, "body": "A\n\n{{nobody}}"})
    assert "Line 3: there is no field named nobody." in page.select_one("#body-error").text
    assert "{{nobody}}" in page.select_one("#body").text


def test_what_is_wrong_with_a_field_is_told_above_and_at_it(desk: Desk) -> None:
    own = {"own-0-label": "a" * 81, "own-0-kind": "text"}
    page = desk.post("documents/templates/new", status=422, **{**NEW, **own})
    assert "Field 1, What it is called: Too long" in page.select_one("#error-summary").text
    assert page.select_one("#own-0-label-error")


@pytest.mark.parametrize(
    ("own", "at"),
    [
        ({"own-0-label": "Dag", "own-0-name": "Första dagen", "own-0-kind": "text"}, "own-0-name"),
        ({"own-0-label": "Sätt", "own-0-kind": "choice", "own-0-choices": "A"}, "own-0-choices"),
    ],
)
def test_what_the_fields_of_its_own_cannot_be_is_told_at_them(
    desk: Desk, own: dict[str, str], at: str
) -> None:
    page = desk.post("documents/templates/new", status=422, **{**NEW, **own})
    assert page.select_one(f"#{at}-error")


@pytest.mark.parametrize("body", ["a" * (markup.LONGEST + 1), "a\0b", "\u202eabc"])
def test_a_bad_text_is_told_and_stays(desk: Desk, body: str) -> None:
    page = desk.post("documents/templates/new", status=422, **{**NEW, "body": body})
    assert page.select_one("#body-error")


def test_a_change_makes_a_new_version(desk: Desk, creditor: Creditor) -> None:
    key = a_template(creditor).key
    page = desk.post(f"documents/templates/{key}/edit", **{**NEW, "body": "Nytt", "version": "1"})
    assert "Version 2" in page.main.text
    assert "betalar" in desk.get(f"documents/templates/{key}?version=1").main.text


def test_two_who_change_at_once_are_told(desk: Desk, creditor: Creditor) -> None:
    key = a_template(creditor).key
    desk.post(f"documents/templates/{key}/edit", **{**NEW, "version": "1"})
    page = desk.post(
        f"documents/templates/{key}/edit", status=409, **{**NEW, "body": "Mitt", "version": "1"}
    )
    assert "meanwhile" in page.select_one("#error-summary").text
    assert page.select_one("#body").text.strip() == "Mitt"
    assert page.select_one("#version")["value"] == "2"


def test_the_preview_says_what_is_wrong_and_shows_the_text(desk: Desk) -> None:
    page = desk.post("documents/templates/preview", **{**NEW, "body": "**Hej** {{wrong}} <b>"})
    preview = page.select_one("#preview")
    assert "Line 1: there is no field named wrong." in preview.text
    assert preview.select_one("strong").text == "Hej"
    assert "<b>" in preview.text


def test_a_preview_is_a_pdf_as_well(desk: Desk, creditor: Creditor) -> None:
    response = desk.raw(f"documents/templates/{a_template(creditor).key}.pdf")
    text = pypdf.PdfReader(io.BytesIO(response.data)).pages[0].extract_text()
    assert "Kim Ek betalar Belopp till Norrsken Energi AB." in " ".join(text.split())


def test_a_line_of_hyphens_begins_a_new_page_of_the_pdf(desk: Desk, creditor: Creditor) -> None:
    key = a_template(creditor, body="Ett\n\n---\n\nTvå").key
    pages = pypdf.PdfReader(io.BytesIO(desk.raw(f"documents/templates/{key}.pdf").data)).pages
    assert ["Två" in one.extract_text() for one in pages] == [False, True]


def test_the_preview_of_what_is_being_written_is_a_pdf_as_well(desk: Desk) -> None:
    response = desk.try_post("documents/templates/preview.pdf", **NEW)
    assert response.data.startswith(b"%PDF")


def test_one_that_is_put_away_is_not_written_from(desk: Desk, creditor: Creditor) -> None:
    key = a_template(creditor).key
    desk.post(f"documents/templates/{key}/put-away")
    desk.get(f"documents/templates/{key}/write?nobody=1", status=404)
    assert desk.get(f"documents/templates/{key}").h1.text == "Avtal"
    desk.post(f"documents/templates/{key}/take-back")
    desk.get(f"documents/templates/{key}/write?nobody=1")


@pytest.mark.parametrize("odd", ["none", "%00", "a%00", "..", "é" * 300])
def test_a_template_that_is_none_is_not_there(desk: Desk, odd: str) -> None:
    desk.get(f"documents/templates/{odd}/about", status=404)
    desk.get(f"documents/templates/new?from={odd}", status=404)


@pytest.mark.parametrize("odd", ["0", "-1", "x", "9" * 30, "%00", "7"])
def test_a_version_that_is_none_answers_the_newest_or_nothing(
    desk: Desk, creditor: Creditor, odd: str
) -> None:
    key = a_template(creditor).key
    response = desk.raw(f"documents/templates/{key}?version={odd}")
    assert response.status_code in (200, 404)


def test_a_search_for_what_cannot_be_finds_nothing(desk: Desk, creditor: Creditor) -> None:
    key = a_template(creditor).key
    for odd in ("\0zq", "%%", "'zq", "\u202ezq", "a" * 500):
        assert "No case fits." in desk.post(f"documents/templates/{key}/about", q=odd).text


def test_what_comes_with_the_portal_is_never_changed(desk: Desk) -> None:
    desk.get("documents/templates/payment_plan-sv/edit", status=404)
    desk.post("documents/templates/payment_plan-sv/put-away", status=404)


def test_a_viewer_reads_and_does_not_change(
    desk: Desk, desk_of: Callable[[str], Desk], creditor: Creditor
) -> None:
    a_person_at(creditor, "viewer", SOFIA)
    page = desk_of(SOFIA).get(f"documents/templates/{a_template(creditor).key}")
    assert not page.select('a[href$="/edit"]')
    assert not page.select('a[href$="/about"]')


@pytest.fixture
def case(creditor: Creditor) -> Case:
    return a_case(creditor)


def found(desk: Desk, creditor: Creditor, sought: str) -> list[str]:
    """Where the links to write about what is found lead."""
    page = desk.post(f"documents/templates/{a_template(creditor).key}/about", q=sought)
    return [one["href"].rpartition("/")[2] for one in page.select("main a")]


def test_a_case_is_found_by_its_reference(desk: Desk, creditor: Creditor, case: Case) -> None:
    assert f"write?case={case.reference}" in found(desk, creditor, case.reference)


def test_a_customer_is_found_by_name(desk: Desk, creditor: Creditor, case: Case) -> None:
    assert f"write?customer={case.debtor_id}" in found(desk, creditor, case.debtor.name)


def test_a_customer_is_found_by_identity_number(desk: Desk, creditor: Creditor, case: Case) -> None:
    case.debtor.identity_number, case.debtor.identity_number_hash = SOFIA, lookup_hash(SOFIA)
    db.session.commit()
    assert f"write?customer={case.debtor_id}" in found(desk, creditor, SOFIA)


def test_a_cases_page_leads_to_a_document_about_it(
    desk: Desk, creditor: Creditor, case: Case
) -> None:
    (link,) = desk.get(f"cases/{case.reference}/letters").select('a[href*="documents/templates"]')
    page = desk.get(link["href"].partition(f"{creditor.key}/")[2])
    assert page.select(f'a[href$="payment_plan-sv/write?case={case.reference}"]')


def test_another_companys_case_is_not_there(desk: Desk, creditor: Creditor) -> None:
    theirs = a_case(a_creditor_that_signed("Annat AB"))
    key = a_template(creditor).key
    desk.get(f"documents/templates/{key}/write?case={theirs.reference}", status=404)
    desk.get(f"documents/templates/{key}/write?customer={theirs.debtor_id}", status=404)
    for odd in ("case=none", "case=%00", "customer=x", "customer=99999999999999999999"):
        desk.get(f"documents/templates/{key}/write?{odd}", status=404)


def filled(page: BeautifulSoup, **values: str) -> dict[str, str]:
    """A form's fields as a browser sends them, with what is written instead."""
    told = {
        one["name"]: one.get("value", "")
        for one in page.select("main form input[name]")
        if one["name"] != "csrf_token"
    }
    return told | values


def shown(desk: Desk, address: str, **values: str) -> tuple[BeautifulSoup, dict[str, str]]:
    """The document as it is shown beforehand, and what was filled in."""
    told = filled(desk.get(address), **values)
    page = desk.post(address, **{**told, "then": "show"})
    return page, filled(page, **values)


def test_the_form_is_filled_in_from_the_case(desk: Desk, creditor: Creditor, case: Case) -> None:
    key = a_template(creditor).key
    page = desk.get(f"documents/templates/{key}/write?case={case.reference}")
    assert page.select_one("#signers-0-name")["value"] == case.debtor.name
    assert page.select_one("#title")["value"] == f"Avtal, {case.debtor.name}"


def test_a_document_is_shown_and_made(desk: Desk, creditor: Creditor, case: Case) -> None:
    template = a_template(creditor)
    address = f"documents/templates/{template.key}/write?case={case.reference}"
    page, told = shown(desk, address, **{"field-payment": "1 250,50", "signers-0-email": "k@k.se"})
    assert page.select_one(".paper strong").text == case.debtor.name
    desk.post(address, **{**told, "then": "make"})
    envelope = the_only()
    assert (envelope.case_id, envelope.template_key, envelope.template_version) == (
        case.id, template.key, 1,
    )  # fmt: skip
    assert f"{case.debtor.name} betalar 1 250,50 kr till" in text_of(envelope).replace("\xa0", " ")
    assert [one.name for one in envelopes.signers_of(envelope)] == [case.debtor.name]


def test_what_is_shown_is_what_is_made(desk: Desk, case: Case) -> None:
    address = f"documents/templates/debt_acknowledgement-sv/write?case={case.reference}"
    page, told = shown(
        desk, address,
        **{"field-ground": "El, <b>mars</b> **2026**", "field-pay_by_on": "2030-01-31",
           "field-other_terms": "Rad 1\nRad 2", "field-customer-identity_number": "x",
           "field-case-interest": "0", "field-case-amount_owed": "1 000",
           "signers-0-email": "k@k.se", "signers-0-name": "Kim Ek"},
    )  # fmt: skip
    told["field-other_terms"] = "Rad 1\nRad 2"
    desk.post(address, **{**told, "then": "make"})
    letters = re.compile(r"[\s\u00ad•]+")
    seen = letters.sub("", "".join(page.select_one(".paper").find_all(string=True)))
    made = letters.sub("", text_of(the_only()))
    assert seen in made or letters.sub("", seen) in re.sub(r"\d+/\d+$", "", made)


def test_the_pdf_is_tagged_and_its_language_is_told(
    desk: Desk, creditor: Creditor, case: Case
) -> None:
    address = f"documents/templates/{a_template(creditor).key}/write?case={case.reference}"
    _, told = shown(desk, address, **{"field-payment": "1", "signers-0-email": "k@k.se"})
    desk.post(address, **{**told, "then": "make"})
    (file,) = envelopes.files_of(the_only())
    root = pypdf.PdfReader(io.BytesIO(files.read(file.sha256))).trailer["/Root"]
    assert (root["/MarkInfo"]["/Marked"], root["/Lang"]) == (True, "sv")


def test_a_document_is_not_made_before_it_was_shown(
    desk: Desk, creditor: Creditor, case: Case
) -> None:
    address = f"documents/templates/{a_template(creditor).key}/write?case={case.reference}"
    told = filled(desk.get(address), **{"field-payment": "1", "signers-0-email": "k@k.se"})
    page = desk.post(address, **{**told, "then": "make"})
    assert page.select_one(".paper")
    assert db.session.scalars(select(Envelope)).all() == []


def test_what_is_changed_after_it_was_shown_is_shown_again(
    desk: Desk, creditor: Creditor, case: Case
) -> None:
    address = f"documents/templates/{a_template(creditor).key}/write?case={case.reference}"
    _, told = shown(desk, address, **{"field-payment": "1", "signers-0-email": "k@k.se"})
    page = desk.post(address, **{**told, "field-payment": "2", "then": "make"})
    assert "Look at it once more" in page.main.text
    assert db.session.scalars(select(Envelope)).all() == []


def test_a_payment_plan_from_a_template_is_a_document_like_any_other(
    desk: Desk, creditor: Creditor, case: Case
) -> None:
    template = a_template(creditor, kind="payment_plan")
    address = f"documents/templates/{template.key}/write?case={case.reference}"
    page, told = shown(desk, address, **{"field-payment": "1"})
    assert "The case does not know of this plan" in page.main.text
    desk.post(address, **{**told, "then": "make"})
    assert (the_only().kind, plan_signing.pending(case.id, clock.today())) == ("document", None)


def test_pressed_twice_it_is_made_once(desk: Desk, creditor: Creditor, case: Case) -> None:
    address = f"documents/templates/{a_template(creditor).key}/write?case={case.reference}"
    _, told = shown(desk, address, **{"field-payment": "1", "signers-0-email": "k@k.se"})
    for _ in range(2):
        desk.post(address, **{**told, "then": "make"})
    assert the_only().title == told["title"]


def test_what_must_be_filled_in_is_told_at_its_field(desk: Desk, creditor: Creditor) -> None:
    address = f"documents/templates/{a_template(creditor).key}/write?nobody=1"
    page = desk.post(address, status=422, **{**filled(desk.get(address)), "then": "show"})
    assert "Fill this in." in page.select_one("#field-payment-error").text
    assert "Fill this in." in page.select_one("#field-customer-name-error").text


def test_without_a_case_its_fields_are_asked_for(desk: Desk, creditor: Creditor) -> None:
    address = f"documents/templates/{a_template(creditor).key}/write?nobody=1"
    _, told = shown(desk, address, **{"field-payment": "1", "field-customer-name": "Ny Kund"})
    desk.post(address, **{**told, "then": "make"})
    assert "Ny Kund betalar" in text_of(the_only())
    assert envelopes.signers_of(the_only()) == []


@pytest.mark.parametrize("bad", ["abc", "-1", "1,234,5", "9" * 30])
def test_a_wrong_amount_is_told_at_its_field(
    desk: Desk, creditor: Creditor, case: Case, bad: str
) -> None:
    address = f"documents/templates/{a_template(creditor).key}/write?case={case.reference}"
    told = filled(desk.get(address), **{"field-payment": bad})
    page = desk.post(address, status=422, **{**told, "then": "show"})
    assert page.select_one("#field-payment-error")
    assert page.select_one("#field-payment")["value"] == bad


@pytest.mark.parametrize("bad", ["a\0b", "a\u202eb", "a" * 301])
def test_a_text_that_cannot_be_used_is_told_at_its_field(
    desk: Desk, creditor: Creditor, bad: str
) -> None:
    template = a_template(creditor, body="{{x}}", fields=(Field("x", "X"),), roles=())
    address = f"documents/templates/{template.key}/write?nobody=1"
    told = filled(desk.get(address), **{"field-x": bad})
    page = desk.post(address, status=422, **{**told, "then": "show"})
    assert page.select_one("#field-x-error")


def test_a_choice_that_is_none_of_them_is_refused(desk: Desk, creditor: Creditor) -> None:
    field = Field("x", "X", templates.CHOICE, True, ("a", "b"))
    template = a_template(creditor, body="{{x}}", fields=(field,), roles=())
    address = f"documents/templates/{template.key}/write?nobody=1"
    told = filled(desk.get(address), **{"field-x": "c"})
    page = desk.post(address, status=422, **{**told, "then": "show"})
    assert page.select_one("#field-x-error")


def test_a_wrong_signer_is_told_at_its_field(desk: Desk, creditor: Creditor, case: Case) -> None:
    address = f"documents/templates/{a_template(creditor).key}/write?case={case.reference}"
    told = filled(
        desk.get(address),
        **{
            "field-payment": "1",
            "signers-0-email": "k@k.se",
            "signers-0-identity_number": "19800101-0000",
        },
    )
    page = desk.post(address, status=422, **{**told, "then": "show"})
    assert page.select_one("#signers-0-identity_number-error")


def test_who_has_no_address_is_left_for_the_draft(
    desk: Desk, creditor: Creditor, case: Case
) -> None:
    address = f"documents/templates/{a_template(creditor).key}/write?case={case.reference}"
    _, told = shown(desk, address, **{"field-payment": "1"})
    desk.post(address, **{**told, "then": "make"})
    assert envelopes.signers_of(the_only()) == []


def test_an_invitation_is_in_a_language_that_there_is(
    desk: Desk, creditor: Creditor, case: Case
) -> None:
    address = f"documents/templates/{a_template(creditor).key}/write?case={case.reference}"
    odd = {"signers-0-language": "<x>", "signers-0-email": "k@k.se", "field-payment": "1"}
    _, told = shown(desk, address, **odd)
    desk.post(address, **{**told, "then": "make"})
    assert [one.language for one in envelopes.signers_of(the_only())] == ["sv"]


def test_who_sends_it_is_a_signer_of_their_company(
    desk: Desk, creditor: Creditor, case: Case
) -> None:
    template = a_template(creditor, roles=(Role("Borgenären", templates.SENDER),))
    address = f"documents/templates/{template.key}/write?case={case.reference}"
    page = desk.get(address)
    assert page.select_one("#signers-0-for_company")["value"] == creditor.name


def test_a_case_in_another_currency_has_its_sums_in_it(desk: Desk, creditor: Creditor) -> None:
    case = a_case(creditor, currency="EUR")
    template = a_template(creditor, body="{{case.principal}} {{payment}}")
    address = f"documents/templates/{template.key}/write?case={case.reference}"
    page, _ = shown(desk, address, **{"field-payment": "5", "signers-0-email": "k@k.se"})
    assert page.select_one(".paper").text.count("€") == 2


def test_a_document_says_which_template_it_was_written_from(
    desk: Desk, creditor: Creditor, case: Case
) -> None:
    template = a_template(creditor)
    address = f"documents/templates/{template.key}/write?case={case.reference}"
    _, told = shown(desk, address, **{"field-payment": "1", "signers-0-email": "k@k.se"})
    page = desk.post(address, **{**told, "then": "make"})
    link = page.select_one(f'a[href$="documents/templates/{template.key}?version=1"]')
    assert link.text == "Template, version 1"
    assert the_only().last_on > clock.today()
