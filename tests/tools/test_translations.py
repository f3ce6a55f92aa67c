from pathlib import Path

import pytest
from babel.messages import Message
from babel.support import Translations

from tools import translations
from tools.translations import ReviewedCatalog, domain_of, faults_of


def catalogue(locale: str, *messages: Message) -> ReviewedCatalog:
    made = ReviewedCatalog(locale, "debtor")
    for message in messages:
        made[message.id] = message
    return made


def whats(locale: str, message: Message) -> list[str]:
    texts = [Message(message.id, context=message.context)]
    return [what for _, what in faults_of(catalogue(locale, message), texts)]


@pytest.fixture
def a_house(tmp_path: Path) -> Path:
    """A small house with one text for debtors, one for staff and one for both."""
    for name, content in {
        "portal/creditor/views.py": '_("Export"); _("Save")',
        "portal/debtor/views.py": '_("Save"); N_("You owe %(amount)s.")',
        "templates/debtor/case.html": "{{ ngettext('%(num)s letter', '%(num)s letters', n) }}",
        "simulators/x.py": '_("Pretend")',
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path


def test_a_missing_translation_is_found() -> None:
    assert whats("sv", Message("Save", "")) == ["not translated"]


def test_a_missing_plural_form_is_found() -> None:
    letters = ("%(num)s letter", "%(num)s letters")
    assert whats("sv", Message(letters, ("%(num)s brev", ""))) == ["not translated"]


def test_a_text_that_no_catalogue_has_is_found() -> None:
    assert [text for text, _ in faults_of(catalogue("sv"), [Message("Save")])] == ["Save"]


def test_a_text_that_is_not_used_any_more_is_found() -> None:
    assert len(list(faults_of(catalogue("sv", Message("Save", "Spara")), []))) == 1


def test_a_fuzzy_translation_is_found() -> None:
    assert whats("sv", Message("Save", "Spara", flags={"fuzzy"})) == ["fuzzy"]


@pytest.mark.parametrize("said", ["Du är skyldig.", "Du är skyldig %(belopp)s.", "%(amount)d kr"])
def test_a_placeholder_mismatch_is_found(said: str) -> None:
    assert len(whats("sv", Message("You owe %(amount)s.", said))) == 1


def test_a_bare_per_cent_sign_beside_a_placeholder_is_found() -> None:
    assert len(whats("sv", Message("%(rate)s per cent", "%(rate)s % om året"))) == 1


def test_other_markup_is_found() -> None:
    assert len(whats("sv", Message("<b>Save</b> now", "Spara nu"))) == 1


def test_an_english_text_that_was_changed_in_the_catalogue_is_found() -> None:
    assert len(whats("en", Message("Save", "Keep"))) == 1


def test_forms_for_one_number_may_leave_the_number_out() -> None:
    letters = ("%(num)s letter", "%(num)s letters")
    arabic = ("لا رسائل", "رسالة", "رسالتان", "%(num)s رسائل", "%(num)s رسالة", "%(num)s رسالة")
    assert whats("ar", Message(letters, arabic)) == []
    without = (*arabic[:3], "رسائل", *arabic[4:])
    assert len(whats("ar", Message(letters, without))) == 1


def test_a_catalogue_that_does_not_say_who_read_it_is_found() -> None:
    made = catalogue("sv")
    made.review = "surely"
    assert [text for text, _ in faults_of(made, [])] == [translations.REVIEW]


def test_a_text_that_both_may_see_lies_with_the_debtors(a_house: Path) -> None:
    found = translations.extract(a_house)
    texts = {domain: {str(m.id) for m in messages} for domain, messages in found.items()}
    assert texts["staff"] == {"Export"}
    assert texts["debtor"] == {
        "Save", "You owe %(amount)s.", str(("%(num)s letter", "%(num)s letters")),
    }  # fmt: skip


def test_a_file_that_cannot_be_parsed_is_named(a_house: Path) -> None:
    (a_house / "templates/debtor/case.html").write_text("{% if %}")
    with pytest.raises(translations.Unreadable, match=r"templates/debtor/case\.html"):
        translations.extract(a_house)


def test_an_update_keeps_translations_and_who_read_them(a_house: Path) -> None:
    folder = a_house / "translations"
    translations.update(folder, a_house)
    path = translations.path_of(folder, "staff", "sv")
    path.write_text(
        path.read_text()
        .replace('msgid "Export"\nmsgstr ""', 'msgid "Export"\nmsgstr "Exportera"')
        .replace("X-Reda-Review: machine", "X-Reda-Review: native 2026-11-24")
    )
    before = path.read_bytes()
    translations.update(folder, a_house)
    assert path.read_bytes() == before
    assert b"Exportera" in before


def test_a_translation_follows_its_text_to_the_other_domain(a_house: Path) -> None:
    folder = a_house / "translations"
    translations.update(folder, a_house)
    path = translations.path_of(folder, "staff", "sv")
    path.write_text(path.read_text().replace('"Export"\nmsgstr ""', '"Export"\nmsgstr "Exportera"'))
    (a_house / "portal/debtor/views.py").write_text('_("Export")')
    translations.update(folder, a_house)
    debtor = translations.read(translations.path_of(folder, "debtor", "sv"), "sv", "debtor")
    assert debtor["Export"].string == "Exportera"


def test_a_compiled_catalogue_is_read_and_made_again_only_after_a_change(a_house: Path) -> None:
    folder = a_house / "translations"
    translations.update(folder, a_house)
    assert len(translations.compile_all(folder)) == len(translations.catalogues(folder))
    assert translations.compile_all(folder) == []
    said = Translations.load(folder, ["en"], "debtor").ungettext(
        "%(num)s letter", "%(num)s letters", 2
    )
    assert said == "%(num)s letters"


def test_bankids_messages_are_for_everyone_and_the_creditors_pages_for_staff() -> None:
    assert domain_of("portal/identity/bankid.py") == "debtor"
    assert domain_of("templates/creditor/parts/table.html") == "staff"
