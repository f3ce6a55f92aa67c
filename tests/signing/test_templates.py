"""Templates for documents: versions, what is refused, and those that come with the portal."""

from dataclasses import replace

import pytest
from flask import Flask

from portal.extensions import db
from portal.identity.models import Creditor
from portal.messages import RedaError
from portal.signing import markup, merging, templates
from portal.signing.templates import Content, Field, Role
from tests.factories import NOW, a_creditor
from tests.signing.envelopes import SENDER
from tests.signing.templates import a_template, content


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    return a_creditor()


def saved(creditor: Creditor, told: Content, **values: object) -> templates.Template:
    return templates.save(creditor.id, told, actor=SENDER, now=NOW, **values)  # type: ignore[arg-type]


def test_saving_makes_a_new_version_and_keeps_the_old(creditor: Creditor) -> None:
    first = a_template(creditor)
    saved(creditor, replace(first.content, name="Nytt"), key=first.key, seen=1)
    found = [templates.find(creditor.id, first.key, number) for number in (1, 2)]
    assert [one and one.content.name for one in found] == ["Avtal", "Nytt"]


def test_the_list_has_the_newest_version(creditor: Creditor) -> None:
    first = a_template(creditor)
    saved(creditor, replace(first.content, name="Nytt"), key=first.key, seen=1)
    assert [(one.version, one.content.name) for one in templates.of_company(creditor.id)] == [
        (2, "Nytt")
    ]


def test_saving_the_same_twice_makes_one(creditor: Creditor) -> None:
    first = a_template(creditor)
    again = saved(creditor, first.content)
    once_more = saved(creditor, first.content, key=first.key, seen=1)
    assert [again.key, again.version, once_more.version] == [first.key, 1, 1]


def test_what_somebody_saved_meanwhile_is_not_overwritten(creditor: Creditor) -> None:
    first = a_template(creditor)
    saved(creditor, replace(first.content, name="Nytt"), key=first.key, seen=1)
    with pytest.raises(templates.SavedMeanwhile):
        saved(creditor, replace(first.content, name="Annat"), key=first.key, seen=1)


def test_one_that_is_put_away_is_not_listed_and_can_be_read(creditor: Creditor) -> None:
    first = a_template(creditor)
    templates.put_away(creditor.id, first.key, now=NOW)
    assert templates.of_company(creditor.id) == []
    found = templates.find(creditor.id, first.key, 1)
    assert found is not None
    assert found.is_archived


def test_one_that_is_taken_back_is_listed_again(creditor: Creditor) -> None:
    first = a_template(creditor)
    templates.put_away(creditor.id, first.key, now=NOW)
    templates.take_back(creditor.id, first.key)
    assert [one.key for one in templates.of_company(creditor.id)] == [first.key]


def test_another_companys_template_is_not_found(creditor: Creditor) -> None:
    theirs = a_template(a_creditor("Annat AB"))
    assert templates.find(creditor.id, theirs.key) is None


def test_a_version_is_never_changed(creditor: Creditor) -> None:
    a_template(creditor)
    db.session.execute(db.text("set local role reda_app"))
    allowed = db.session.scalar(
        db.text("select has_column_privilege('reda_app', 'signing_templates', 'body', 'update')")
    )
    assert not allowed


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a" * 121}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"message": "a\0b"}, "message"),
        ({"body": ""}, "body"),
        ({"body": "{{unknown}}"}, "body"),
        ({"fields": (Field("a b", "A"),)}, "own"),
        ({"fields": (Field("case.reference", "A"),)}, "own"),
        ({"fields": (Field("payment", "A"), Field("payment", "B"))}, "own"),
        ({"fields": (Field("payment", "A", templates.CHOICE, choices=("one",)),)}, "own"),
        ({"fields": (Field("payment", "a" * 81),)}, "own"),
        ({"fields": tuple(Field(f"payment_{n}", "A") for n in range(21))}, "own"),
        ({"roles": tuple(Role(f"R{n}") for n in range(11))}, "roles"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(
    creditor: Creditor, values: dict[str, object], field: str
) -> None:
    with pytest.raises(RedaError) as told:
        saved(creditor, content(**values))
    assert told.value.problem.field == field


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Första dagen", "forsta_dagen"), ("Sum (SEK)", "sum_sek"),
        ("1:a dagen", "field_1_a_dagen"),
        ("日", "field"),
    ],
)  # fmt: skip
def test_a_field_without_a_name_gets_one_of_its_label(label: str, name: str) -> None:
    assert templates.name_of(label) == name


@pytest.mark.parametrize("key", list(templates.built_in()))
def test_what_comes_with_the_portal_is_whole(key: str) -> None:
    told = templates.built_in()[key].content
    templates.require_whole(told)
    assert templates.tidy(told) == told


@pytest.mark.parametrize("key", list(templates.built_in()))
def test_every_field_of_what_comes_with_the_portal_is_used(key: str) -> None:
    told = templates.built_in()[key].content
    used = {one.name for one in markup.fields_of(told.body)}
    assert {one.name for one in told.fields} <= used


def test_each_that_comes_with_the_portal_is_there_in_swedish_and_english() -> None:
    kinds = {(one.content.kind, one.content.language) for one in templates.built_in().values()}
    assert kinds == {
        (kind, language)
        for kind in ("payment_plan", "debt_acknowledgement", "power_of_attorney")
        for language in ("sv", "en")
    }


def test_the_same_fields_stand_in_both_languages() -> None:
    for stem in ("payment_plan", "debt_acknowledgement", "power_of_attorney"):
        swedish, english = (templates.built_in()[f"{stem}-{code}"].content for code in ("sv", "en"))
        assert sorted(swedish.used()) == sorted(english.used())


def test_an_example_stands_for_every_field_about_a_customer_or_a_case() -> None:
    ours = {name for name in merging.FIELDS if name.split(".")[0] in ("customer", "case")}
    assert set(merging.examples("sv", NOW.date())) == ours
