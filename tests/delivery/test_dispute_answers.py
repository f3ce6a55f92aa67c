"""The answer to an objection, as the debtor reads it."""

from typing import Any

import pytest

from tests.delivery.conftest import Press
from tests.delivery.contents import a_reminder
from tests.delivery.pdf import Pdf

ANSWERS = ("upheld", "partly", "turned down", "asked")


def an_answer(answer: str, **changed: Any) -> dict[str, Any]:
    asks = answer in ("partly", "turned down")
    return a_reminder(
        **{
            "answer": answer,
            "words": "Mätaren lästes av den 3 februari.\nVi har räknat om.",
            "objected_on": "2026-03-02",
            "credited_ore": 20_000 if answer == "partly" else 0,
            "pay_by_on": "2026-03-20" if asks else None,
            "is_closed": answer == "upheld",
            **({"total_ore": 0, "parts": []} if answer == "upheld" else {}),
            **changed,
        }
    )


def printed(press: Press, answer: str, language: str = "sv", **changed: Any) -> Pdf:
    return press.letter(an_answer(answer, **changed), language, kind="dispute_answer")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("upheld", "ger dig rätt"), ("upheld", "Du ska inte betala något"),
        ("partly", "ger dig rätt till en del"), ("partly", "200,00 kr av fakturan är borttaget"),
        ("turned down", "anser att kravet stämmer"), ("turned down", "arn.se"),
        ("asked", "vill gärna veta mer"), ("asked", "Så svarar du"),
    ],
)  # fmt: skip
def test_the_answer_says(press: Press, answer: str, words: str) -> None:
    assert words in " ".join(printed(press, answer).text(1).split())


@pytest.mark.parametrize("answer", ANSWERS)
def test_the_creditors_words_stand_in_it(press: Press, answer: str) -> None:
    assert "Vi har räknat om." in printed(press, answer).text(1)


@pytest.mark.parametrize(("answer", "asks"), [("upheld", False), ("asked", False),
                                              ("partly", True), ("turned down", True)])  # fmt: skip
def test_only_an_answer_that_leaves_something_to_pay_asks_for_it(
    press: Press, answer: str, asks: bool
) -> None:
    assert ("Till bankgiro" in printed(press, answer).text(1)) == asks


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("language", ["en", "ar"])
def test_another_reader_gets_a_page_in_their_language(
    press: Press, answer: str, language: str
) -> None:
    assert printed(press, answer, language).pages == 2


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_takes_one_page(press: Press, answer: str) -> None:
    assert printed(press, answer, words="Vi har gått igenom det. " * 30).pages == 1


def test_what_somebody_wrote_is_text(press: Press) -> None:
    assert "<b>arg</b>" in printed(press, "asked", words="<b>arg</b>").text(1)
