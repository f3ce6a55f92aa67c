"""A demand as its reader gets it: what inkassolagen § 5 asks for, and nothing that is not so."""

import pytest

from tests.delivery.conftest import Press
from tests.delivery.contents import a_demand, a_long_demand, a_reminder
from tests.delivery.pdf import Pdf
from tests.delivery.test_letter_layout import overlapping
from tests.delivery.test_letters import is_code_of


@pytest.fixture(scope="module")
def demand(press: Press) -> Pdf:
    return press.letter(a_demand(), kind="demand")


@pytest.fixture(scope="module")
def english(press: Press) -> Pdf:
    return press.letter(a_demand(), "en", kind="demand")


def said(printed: Pdf, page: int = 1) -> str:
    """A page's text, row by row and then column by column."""
    return " ".join(printed.layout(page).split()) + printed.text(page)


@pytest.mark.parametrize(
    "words",
    [
        "Inkassokrav",
        "Norrsken Energi AB, org.nr 559900-0016",
        "Faktura F2026-17 av den 19 januari 2026 på 1 200,00 kr, El januari",
        "Obetalt på fakturan Kapitalbelopp, faktura F2026-17 1 000,00 kr",
        "20 dagar, 19 feb. 2026 – 10 mars 2026: 10 % per år på 1 000,00 kr 5,48 kr",
        "Påminnelseavgift För påminnelsen den 24 februari 2026, lag (1981:739) § 2, § 4 60,00 kr",
        "Inkassokostnad För det här kravet, lag (1981:739) § 3 p. 1, § 4 180,00 kr",
        "Att betala 1 245,48 kr",
        "Senast den 20 mars 2026",
        "Till bankgiro",
        "5999-9991",
        "OCR-nummer 1000 0000 4224",
        "Invänd senast den 19 mars 2026: ring 010-000 00 00, skriv till hej@reda.example eller gå"
        " in på reda.example. Då stannar ärendet medan vi reder ut det.",
        "Nej, inte av det här kravet.",
    ],
)
def test_the_demand_says(demand: Pdf, words: str) -> None:
    assert words in said(demand)


def test_a_demand_does_not_call_itself_a_reminder(demand: Pdf) -> None:
    assert "här påminnelsen" not in said(demand)


def test_what_an_application_would_cost_is_told_where_one_may_follow(demand: Pdf) -> None:
    assert (
        "ansökan om betalningsföreläggande göras hos Kronofogden. Den kostar 300,00 kr, och"
        " arbetet med den högst 380,00 kr." in demand.text(1)
    )


def test_no_application_is_spoken_of_where_none_follows(press: Press) -> None:
    text = press.letter(a_demand(next=None), kind="demand").text(1)
    assert "betalningsföreläggande" not in text
    assert "Skulden finns kvar, och räntan fortsätter att räknas." in text


def test_an_assigned_claim_is_said_to_be_so(press: Press) -> None:
    content = a_demand(assignment={"kind": "assigned", "by": "Gamla Elbolaget AB"})
    text = press.letter(content, kind="demand").text(1)
    assert "Fordran har överlåtits av Gamla Elbolaget AB till Norrsken Energi AB." in text
    assert "Betala inte till Gamla Elbolaget AB" in text


def test_a_pledged_claim_is_said_to_be_so(press: Press) -> None:
    content = a_demand(assignment={"kind": "pledged", "by": "Gamla Elbolaget AB"})
    text = press.letter(content, kind="demand").text(1)
    assert "Fordran har pantsatts av Gamla Elbolaget AB hos Norrsken Energi AB." in text


def test_a_further_place_to_object_is_told(press: Press) -> None:
    content = a_demand(object_to="Ombudet, Box 7, 903 26 Umeå")
    text = press.letter(content, kind="demand").text(1)
    assert "Du kan också vända dig till Ombudet, Box 7, 903 26 Umeå." in text


@pytest.mark.parametrize("kind", ["late_payment", "late_payment_compensation"])
def test_compensation_for_late_payment_is_a_part_of_its_own(press: Press, kind: str) -> None:
    parts = [
        *a_reminder()["parts"][:2],
        {"kind": kind, "ore": 45_000, "statute": "lag (1981:739) § 4 a"},
    ]
    printed = press.letter(a_demand(parts=parts, total_ore=145_548), kind="demand")
    words = "Förseningsersättning För sen betalning mellan företag, lag (1981:739) § 4 a 450,00 kr"
    assert words in said(printed)


def test_the_payment_code_of_a_demand_asks_for_its_total(demand: Pdf) -> None:
    payload = (
        '{"uqr":1,"tp":1,"nme":"Reda Inkasso AB","cid":"556000-0167","iref":"100000004224",'
        '"idt":"20260310","ddt":"20260320","due":1245.48,"pt":"BG","acc":"5999-9991"}'
    )
    assert is_code_of(demand.black_square(1), payload)


@pytest.mark.parametrize(
    "words",
    [
        "This is a demand for payment (inkassokrav).",
        "Pay by 20 March 2026, or tell us by 19 March 2026 if something is wrong.",
        "Reminder fee 24 February 2026 SEK 60.00",
        "Demand fee For this letter SEK 180.00",
        "To pay SEK 1,245.48",
        "The case then stops while we look into it.",
        "The application costs SEK 300.00",
        "No, not from this demand.",
    ],
)
def test_the_english_page_of_a_demand_says(english: Pdf, words: str) -> None:
    assert words in said(english, 2)


@pytest.mark.parametrize("language", ["sv", "en", "ar"])
@pytest.mark.parametrize(
    ("content", "extra"), [(a_demand(), 0), (a_long_demand(), 1)], ids=["short", "long"]
)
def test_a_demand_takes_one_page_a_language_and_prints_no_word_over_another(
    press: Press, language: str, content: dict[str, object], extra: int
) -> None:
    printed = press.letter(content, language, kind="demand")
    assert printed.pages == (1 if language == "sv" else 2) + extra
    for page in range(1, printed.pages + 1):
        assert overlapping(printed.words(page)) == []


def test_a_demand_that_lacks_something_is_not_made(press: Press) -> None:
    content = a_demand()
    del content["ocr"]
    with pytest.raises(KeyError):
        press.letter(content, kind="demand")
