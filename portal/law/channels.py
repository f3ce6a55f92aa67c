"""Which way a letter may go out, where its reader would rather have an e-mail."""

from collections.abc import Mapping

LETTER, EMAIL = "letter", "email"

# By kind of letter, and why. What is not named goes by letter.
#
# reminder, demand: lag (1981:739) §§ 2-4 lets them cost something, and inkassolagen (1974:182) § 5
# gives a time to answer that begins with them. Both ask for writing, which an e-mail is, but who
# sends must show that it was sent where it reaches the debtor: the house sends them by post always.
# plan: lag (1981:739) § 3 p. 2 asks for writing ("skriftligen"), and the debtor has agreed to it.
# more_time: no rule of form; it asks for nothing and costs nothing.
# dispute_answer: no rule of form; inkassolagen § 4 (good collection practice) asks for an answer.
MAY_GO_BY: Mapping[str, tuple[str, ...]] = {
    "reminder": (LETTER,),
    "demand": (LETTER,),
    "plan": (LETTER, EMAIL),
    "more_time": (LETTER, EMAIL),
    "dispute_answer": (LETTER, EMAIL),
}


def way(kind: str, wanted: str) -> str:
    """The channel that a letter of a kind takes when its reader wants another, or the same."""
    return wanted if wanted in MAY_GO_BY.get(kind, ()) else LETTER
