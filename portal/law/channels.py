"""Which way a letter may go out where its reader wants a message instead, and at which hours."""

from collections.abc import Mapping
from datetime import date, time

LETTER, MAILBOX, EMAIL, SMS = "letter", "mailbox", "email", "sms"

# By kind of letter, and why. What is not named goes by letter. By e-mail or text message means
# that it says where the letter lies, on the reader's own page, and that one that is not delivered
# goes on to the next way: a text message alone is no letter.
#
# reminder, demand: lag (1981:739) §§ 2-4 lets them cost something, and inkassolagen (1974:182) § 5
# gives a time to answer that begins with them. Both ask for writing, which an e-mail is, but who
# sends must show that it was sent where it reaches the debtor: the house sends them by post, or to
# a digital mailbox, which belongs to an identity number, whose owner has chosen to read post there,
# and whose operator confirms that it holds the letter.
# plan: lag (1981:739) § 3 p. 2 asks for writing ("skriftligen"), and the debtor has agreed to it.
# more_time: no rule of form; it asks for nothing and costs nothing.
# dispute_answer: no rule of form; inkassolagen § 4 (good collection practice) asks for an answer.
MAY_GO_BY: Mapping[str, tuple[str, ...]] = {
    "reminder": (LETTER, MAILBOX),
    "demand": (LETTER, MAILBOX),
    "plan": (LETTER, MAILBOX, EMAIL, SMS),
    "more_time": (LETTER, MAILBOX, EMAIL, SMS),
    "dispute_answer": (LETTER, MAILBOX, EMAIL, SMS),
}
# No statute names hours. Inkassolagen § 4 (good collection practice) forbids to press somebody
# needlessly, and a telephone that rings at night does: text messages that nobody waits for keep to
# the day, by the clock of Stockholm.
SMS_FROM, SMS_UNTIL = time(8), time(21)
# Föräldrabalken 9 kap. 1 §: who is younger does not decide on debts.
_OF_AGE = 18


def way(kind: str, wanted: str) -> str:
    """The channel that a letter of a kind takes when its reader wants another, or the same."""
    return wanted if wanted in MAY_GO_BY.get(kind, ()) else LETTER


def may_have_mailbox(born_on: date, today: date) -> bool:
    """Whether letters may go to a person's digital mailbox; a minor's are for the guardian."""
    years = today.year - born_on.year - ((today.month, today.day) < (born_on.month, born_on.day))
    return years >= _OF_AGE


def may_text_at(hour: time) -> bool:
    """Whether a text message that nobody waits for may go out now. hour: in Stockholm."""
    return SMS_FROM <= hour < SMS_UNTIL
