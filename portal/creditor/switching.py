"""From one of the reader's companies to another."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from flask_login import current_user

from portal.collection import policy
from portal.creditor import access
from portal.database import tenancy
from portal.identity.people import Role
from portal.signing import agreements

# More are found by their name.
MOST_SHOWN = 50


@dataclass(frozen=True)
class Standing:
    """One of the reader's companies. state: closed, unsigned, paused, active."""

    role: Role
    state: str


def found(search: str) -> list[Role]:
    """The reader's companies whose name has each of some words, those that begin so first."""
    words = search.casefold().split()
    named = [(one.creditor_name.casefold(), one) for one in access.roles()]
    fitting = [(name, one) for name, one in named if all(word in name for word in words)]
    first = words[0] if words else ""
    return [one for name, one in sorted(fitting, key=lambda row: not row[0].startswith(first))]


def states(roles: Sequence[Role]) -> list[Standing]:
    """How each of some companies stands, in two queries for all."""
    ids = [one.creditor_id for one in roles]
    with tenancy.creditors(ids, current_user.id):
        signed = agreements.states_among(ids)
        active = policy.active_among(ids)
    return [Standing(one, _state(one, signed[one.creditor_id], active)) for one in roles]


def _state(role: Role, agreement: str, active: Set[int]) -> str:
    if role.is_closed:
        return "closed"
    if agreement == agreements.UNSIGNED:
        return "unsigned"
    if agreement == agreements.OVERDUE:
        return "paused"
    return "active" if role.creditor_id in active else "paused"
