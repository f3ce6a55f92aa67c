"""Where a debtor is reached, kept from who has a letter's code alone.

The letter may lie where the debtor does not live any more. What was told since is shown to who
comes in by BankID, or by what was sent to where the debtor is now, and in the visit in which it was
told; in its stand are dots, and where they stay nothing is changed. Of a protected identity
`access.may_see_where` hides more.
"""

from collections.abc import Mapping

from flask import session

from portal.collection import reaching
from portal.collection.models import Case
from portal.debtor import access

DOTS = "••••"
_PLACES = ("email", "phone", "address_line", "postcode", "town", "country")
_WROTE = "told_where"


def sees(case: Case) -> bool:
    """Whether this visit is shown what the debtor of a case has told of where they are."""
    told = case.debtor.told
    return (
        told is None
        or not access.is_by_letter(case)
        or session.get(_WROTE) == [told.debtor_id, told.version]
    )


def has_told(case: Case) -> bool:
    """Whether the debtor of a case has told anything of where they are."""
    told = case.debtor.told
    return told is not None and any(getattr(told, name) for name in _PLACES)


def remember(case: Case) -> None:
    """This visit has told all that is told now, and is shown it."""
    told = case.debtor.told
    if told is not None:
        session[_WROTE] = [told.debtor_id, told.version]


def by_debtor(case: Case) -> dict[str, str]:
    """Where the debtor says that they are."""
    told = case.debtor.told
    return shown(case, {name: (told and getattr(told, name)) or "" for name in _PLACES})


def shown(case: Case, kept: Mapping[str, str]) -> dict[str, str]:
    """What is kept of a debtor, as `reaching.kept` tells it, as this visit is shown it."""
    return dict(kept) if sees(case) else _hidden(kept)


def _hidden(kept: Mapping[str, str]) -> dict[str, str]:
    places = {name: DOTS if value else "" for name, value in kept.items() if name in _PLACES}
    # A country is chosen from a list.
    return {**kept, **places, "country": ""}


def restored(case: Case, typed: Mapping[str, str], kept: Mapping[str, str]) -> dict[str, str]:
    """What was typed on the page, and where dots were left what is kept."""
    if sees(case):
        return dict(typed)
    left = {name for name in reaching.FIELDS if name in _PLACES and typed[name] == DOTS}
    if "address_line" in left:
        left.add("country")
    return {**typed, **{name: kept[name] for name in left}}
