"""To whose digital mailbox letters may go."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from portal.law import channels


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)))
def test_from_the_eighteenth_birthday_on(born_on: date) -> None:
    leap = (born_on.month, born_on.day) == (2, 29)
    of_age_on = date(born_on.year + 18, 3, 1) if leap else born_on.replace(year=born_on.year + 18)
    assert not channels.may_have_mailbox(born_on, of_age_on - timedelta(days=1))
    assert channels.may_have_mailbox(born_on, of_age_on)


def test_every_letter_may_go_there_and_a_code_may_not() -> None:
    ways = {kind: channels.way(kind, channels.MAILBOX) for kind in (*channels.MAY_GO_BY, "code")}
    assert ways == dict.fromkeys(channels.MAY_GO_BY, "mailbox") | {"code": "letter"}
