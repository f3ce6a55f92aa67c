"""Finding cases: what somebody types, filters, and pages of a list in every order."""

from datetime import date, timedelta

import pytest
from sqlalchemy import text

from portal.collection import finding, plans, states, stops
from portal.collection.finding import Filter, Found
from portal.collection.models import Case
from portal.database import tenancy
from portal.database.encryption import lookup_hash
from portal.extensions import db
from portal.identity.actor import Actor
from portal.identity.models import Creditor
from tests.factories import NOW, TODAY, a_case, a_creditor, a_debtor_of, a_reminded_case

EVA_HERSELF = Actor("person", "Eva", None, "creditor")


@pytest.fixture
def creditor(app: object) -> Creditor:
    return a_creditor()


def found(creditor: Creditor, typed: str) -> tuple[tuple[str, ...], set[str]]:
    """As what something is found, and which cases."""
    sought = finding.recognise(typed, today=TODAY)
    looked = finding.beside(creditor.id, sought)
    page = finding.page(creditor.id, Filter(), today=TODAY, beside=looked)
    return (looked.found or Found(())).kinds, {row.reference for row in page.rows}


def listed(creditor: Creditor, wanted: Filter) -> set[str]:
    return {row.reference for row in finding.page(creditor.id, wanted, today=TODAY).rows}


@pytest.mark.parametrize(
    "typed",
    [
        "Öberg",
        "oberg",
        "ÖBERG",
        "sara öberg",
        "Öberg Sara",
        "berg",
        "sa",
        "Öberg, Sara",
        "  öberg ",
    ],
)
def test_a_name_is_found_by_any_part_in_any_order(creditor: Creditor, typed: str) -> None:
    case = a_case(creditor, debtor=a_debtor_of(creditor, name="Sara Öberg"))
    a_case(creditor, debtor=a_debtor_of(creditor, name="Nils Rask"))
    assert found(creditor, typed) == (("name",), {case.reference})


@pytest.mark.parametrize("typed", ["Sara Rask", "ra%k", "a_a", "rg"])
def test_all_words_must_fit_and_signs_stand_for_themselves(creditor: Creditor, typed: str) -> None:
    a_case(creditor, debtor=a_debtor_of(creditor, name="Sara Öberg"))
    a_case(creditor, debtor=a_debtor_of(creditor, name="Nils Rask"))
    assert found(creditor, typed) == ((), set())


def test_a_number_is_found_as_people_write_it(creditor: Creditor) -> None:
    debtor = a_debtor_of(
        creditor, customer_number="AB-77", email="Sara@Exempel.se", phone="+46701234567"
    )
    case = a_reminded_case(creditor, debtor=debtor, payment_reference="5501234", number="INV-9")
    a_case(creditor)
    ocr = case.ocr
    for typed, kind in (
        (case.reference, "reference"),
        (f"{case.reference[:4]} {case.reference[4:]}", "reference"),
        (case.reference[:-1], "reference"),
        (ocr, "ocr"),
        (f"{ocr[:4]} {ocr[4:8]} {ocr[8:]}", "ocr"),
        (ocr[:-1], "ocr"),
        ("inv-9", "invoice"),
        ("5501234", "payment reference"),
        ("550123", "payment reference"),
        ("ab-77", "customer"),
        ("sara@exempel.se", "email"),
        ("sara@exempel", "email"),
        ("070-123 45 67", "phone"),
        ("+46 70 123 45 67", "phone"),
        ("0046701234567", "phone"),
    ):
        assert found(creditor, typed) == ((kind,), {case.reference}), typed


@pytest.mark.parametrize("typed", ["1 234,50", "1234.50", "1 234,50 kr", "1 294,50"])
def test_an_amount_is_the_claim_or_what_is_unpaid(creditor: Creditor, typed: str) -> None:
    case = a_reminded_case(creditor, amount_ore=123_450, balance_ore=123_450)
    a_case(creditor)
    assert found(creditor, typed) == (("amount",), {case.reference})


def test_a_number_that_is_an_invoices_is_no_amount(creditor: Creditor) -> None:
    case = a_case(creditor, number="1000")
    a_case(creditor)
    assert found(creditor, "1000") == (("invoice",), {case.reference})


@pytest.mark.parametrize(
    "typed", ["197101019052", "19710101-9052", "710101-9052", "7101019052", "19710101 9052"]
)
def test_an_identity_number_is_found_by_its_hash_alone(creditor: Creditor, typed: str) -> None:
    number = "197101019052"
    debtor = a_debtor_of(creditor, identity_number=number, identity_number_hash=lookup_hash(number))
    case = a_case(creditor, debtor=debtor)
    a_case(creditor)
    assert found(creditor, typed) == (("identity",), {case.reference})
    assert finding.recognise(typed, today=TODAY).is_secret


@pytest.mark.parametrize("typed", ["19710101-9053", "sara 19710101-9052", "710101-9053"])
def test_what_was_meant_as_an_identity_number_is_secret_too(typed: str) -> None:
    assert finding.recognise(typed, today=TODAY).is_secret


@pytest.mark.parametrize("typed", ["100000000016", "5560360793", "070-123 45 67", "1 234,50", "F1"])
def test_another_number_is_no_secret(app: object, typed: str) -> None:
    assert not finding.recognise(typed, today=TODAY).is_secret


def test_another_companys_customers_are_not_found(creditor: Creditor) -> None:
    other = a_creditor()
    a_case(other, debtor=a_debtor_of(other, name="Sara Öberg"))
    a_case(creditor)
    ids = (creditor.id, other.id)
    with tenancy.creditors(ids[:1]):
        for own in ids:
            sought = finding.recognise("öberg", today=TODAY)
            assert finding.beside(own, sought).found == Found(())


def test_too_many_of_a_name_are_asked_for_page_by_page(creditor: Creditor) -> None:
    case = a_case(creditor, debtor=a_debtor_of(creditor, name="Sara Öberg"))
    a_case(creditor, debtor=a_debtor_of(creditor, name="Nils Rask"))
    many = finding.Beside(found=Found(("name",), words=("obe",)))
    page = finding.page(creditor.id, Filter(), today=TODAY, beside=many)
    assert [row.reference for row in page.rows] == [case.reference]


def test_a_name_in_the_database_is_folded_as_people_type_it(app: object) -> None:
    folded = db.session.scalar(
        text("select reda_fold('Åsa ÅÄÖ É ø Ł Ñ') || '|' || reda_phone('+46 (0)70-12')")
    )
    assert folded == "asa aao e o l n|07012"


# ---- filters


def test_a_filter_leaves_out_what_does_not_fit(creditor: Creditor) -> None:
    plain = a_case(creditor, debtor=a_debtor_of(creditor, customer_class="Private"))
    large = a_reminded_case(creditor, amount_ore=900_000, balance_ore=900_000)
    homeless = a_case(creditor, debtor=a_debtor_of(creditor, postcode=""))
    due = plain.due_on
    for wanted, fits in (
        (Filter(), {plain, large, homeless}),
        (Filter(statuses=("reminded", "paid")), {large}),
        (Filter(statuses=("imported",)), {plain, homeless}),
        (Filter(steps=("demand",)), {large}),
        (Filter(steps=(finding.NO_STEP,)), set()),
        (Filter(step_from=TODAY, step_to=TODAY), {plain, homeless}),
        (Filter(classes=("Private", "Other")), {plain}),
        (Filter(amount_from=900_000), {large}),
        (Filter(amount_to=899_999), {plain, homeless}),
        (Filter(due_from=due, due_to=due), {plain, large, homeless}),
        (Filter(due_to=due - timedelta(days=1)), set()),
        (Filter(age_from=20, age_to=20), {plain, large, homeless}),
        (Filter(age_from=21), set()),
        (Filter(age_to=19), set()),
        (Filter(opened_from=TODAY, opened_to=TODAY), {plain, large, homeless}),
        (Filter(opened_to=TODAY - timedelta(days=1)), set()),
        (Filter(marks=(finding.NO_ADDRESS,)), {homeless}),
        (Filter(marks=(finding.OVERDUE,)), set()),
    ):
        assert listed(creditor, wanted) == {one.reference for one in fits}, wanted


def test_what_stands_still_is_found_by_its_reason(creditor: Creditor) -> None:
    free, held, disputed, planned = (a_reminded_case(creditor) for _ in range(4))
    stops.stop(held, states.HOLD, "", actor=EVA_HERSELF, now=NOW)
    stops.stop(disputed, states.DISPUTE, "", actor=EVA_HERSELF, now=NOW)
    plans.agree(
        planned, monthly_ore=50_000, first_on=TODAY + timedelta(days=20), actor=EVA_HERSELF,
        today=TODAY, now=NOW,
    )  # fmt: skip
    db.session.commit()
    for wanted, fits in (
        (Filter(stops=(finding.ANY_STOP,)), {held, disputed, planned}),
        (Filter(stops=(finding.NO_STOP,)), {free}),
        (Filter(stops=(states.HOLD,)), {held}),
        (Filter(stops=(states.HOLD, finding.NO_STOP)), {held, free}),
        (Filter(stops=(finding.ANY_STOP, finding.NO_STOP)), {free, held, disputed, planned}),
        (Filter(marks=(finding.DISPUTE,)), {disputed}),
        (Filter(marks=(finding.PLAN,)), {planned}),
    ):
        assert listed(creditor, wanted) == {one.reference for one in fits}, wanted


def test_time_to_pay_that_has_run_out_is_a_mark(creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    later = case.pay_by_on + timedelta(days=1)
    wanted = Filter(marks=(finding.OVERDUE,))
    page = finding.page(creditor.id, wanted, today=later)
    assert [row.reference for row in page.rows] == [case.reference]


# ---- order and pages


@pytest.fixture
def many(creditor: Creditor, monkeypatch: pytest.MonkeyPatch) -> list[Case]:
    """Nine cases of which some are alike in everything that one sorts by; pages of two."""
    monkeypatch.setattr(finding, "PAGE_SIZE", 2)
    made = []
    for number, name in enumerate(
        ("Åsa", "Zoe", "Ärla", "Örjan", "adam", "Zoe", "Ben", "Åsa", "Zoe")
    ):
        make = a_reminded_case if number % 3 else a_case
        made.append(
            make(
                creditor,
                debtor=a_debtor_of(creditor, name=name),
                amount_ore=100 * (number % 4 + 1),
                balance_ore=100 * (number % 4 + 1),
                due_on=TODAY - timedelta(days=20 + number % 2),
            )
        )
    made[4].next_step = made[4].next_step_on = None
    db.session.commit()
    return made


@pytest.mark.parametrize("statuses", [(), ("imported", "reminded")])
@pytest.mark.parametrize("sort", [f"{way}{name}" for name in finding.SORTS for way in ("", "-")])
def test_pages_follow_each_other_without_gaps_both_ways(
    creditor: Creditor, many: list[Case], sort: str, statuses: tuple[str, ...]
) -> None:
    wanted = Filter(statuses=statuses)

    def page(**key: str | None) -> finding.Page:
        return finding.page(creditor.id, wanted, today=TODAY, sort=sort, **key)

    pages = [page()]
    while pages[-1].after:
        pages.append(page(after=pages[-1].after))
    walked = [row.reference for one in pages for row in one.rows]
    assert sorted(walked) == sorted(case.reference for case in many)
    assert walked == [
        row.reference for row in finding.every(creditor.id, wanted, today=TODAY, sort=sort)
    ]
    back = [pages[-1]]
    while back[0].before:
        back.insert(0, page(before=back[0].before))
    assert [row.reference for one in back for row in one.rows] == walked
    assert [one.before is None for one in pages] == [True, *[False] * (len(pages) - 1)]


@pytest.mark.parametrize(
    ("sort", "of"),
    [
        ("due", lambda row: row.due_on),
        ("amount", lambda row: row.principal_ore),
        ("reference", lambda row: row.reference),
        ("invoice", lambda row: row.invoice_number),
        ("customer", lambda row: row.customer_number),
        ("status", lambda row: states.STATUSES.index(row.status)),
        ("next", lambda row: row.next_step_on or date.max),
    ],
)
def test_a_list_comes_in_the_order_asked_for(
    creditor: Creditor, many: list[Case], sort: str, of: object
) -> None:
    rows = list(finding.every(creditor.id, Filter(), today=TODAY, sort=sort))
    told = [of(row) for row in rows]  # type: ignore[operator]
    assert told == sorted(told)


def test_names_come_in_the_order_of_the_swedish_alphabet(
    creditor: Creditor, many: list[Case]
) -> None:
    names = [
        row.debtor_name for row in finding.every(creditor.id, Filter(), today=TODAY, sort="name")
    ]
    assert list(dict.fromkeys(names)) == ["adam", "Ben", "Zoe", "Åsa", "Ärla", "Örjan"]


def test_the_newest_come_first_unless_told_otherwise(creditor: Creditor, many: list[Case]) -> None:
    page = finding.page(creditor.id, Filter(), today=TODAY)
    assert [row.reference for row in page.rows] == [many[8].reference, many[7].reference]


def test_a_key_that_is_none_begins_at_the_first_page(creditor: Creditor, many: list[Case]) -> None:
    for key in ("x", "0~x~1", "0~~", "~~~"):
        page = finding.page(creditor.id, Filter(), today=TODAY, after=key)
        assert page.rows[0].reference == many[8].reference


def test_a_page_tells_how_many_there_are_and_for_how_much(
    creditor: Creditor, many: list[Case]
) -> None:
    page = finding.page(creditor.id, Filter(), today=TODAY)
    assert (page.count, page.claims) == (9, {"SEK": sum(case.principal_ore for case in many)})


def test_more_than_is_counted_is_told_as_more(
    creditor: Creditor, many: list[Case], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "MOST_COUNTED", 5)
    page = finding.page(creditor.id, Filter(), today=TODAY)
    assert (page.count, page.is_counted, page.claims) == (6, False, None)


def test_customer_classes_are_told_once_each(creditor: Creditor) -> None:
    for name in ("Private", "Public", "Private", None):
        a_debtor_of(creditor, customer_class=name)
    assert finding.beside(creditor.id, finding.Sought()).classes == ["Private", "Public"]
