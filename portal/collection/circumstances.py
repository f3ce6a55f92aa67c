"""What is known of a customer as a person, on whichever of their cases it was told."""

from sqlalchemy import TextualSelect, text

from portal.collection import states
from portal.collection.models import Debtor
from portal.database import tenancy
from portal.extensions import db

# Customers p who are the customer d, of companies that are still to be told apart. Each half is
# found by an index, which "this one or that one" in one condition might not be.
_SAME = """(
    select d.id
    union all
    select e.id from debtors e
    where e.identity_number_hash = d.identity_number_hash and e.id <> d.id
) p"""
# Kinds of the circumstances s known of the customer d: they hold now, or did when their case was
# closed, whereupon nobody has said that they are over. The company is asked of them and not of the
# customers: of those the database would look through all that it has, for each letter.
KNOWN = f"""
select s.kind from {_SAME}
join cases k on k.debtor_id = p.id
join case_stops s on s.case_id = k.id
where s.creditor_id = d.creditor_id and s.kind in {states.CIRCUMSTANCES}
    and (s.ended_at is null
        or cast(s.ended_at at time zone 'Europe/Stockholm' as date) >= k.closed_on)
"""  # noqa: S608
# Customers of the company :creditor_id with a protected identity, as KNOWN tells of one: where many
# are listed, those few are found first.
PROTECTED = f"""
with marked as (
    select d.id, d.identity_number_hash
    from case_stops s join cases k on k.id = s.case_id join debtors d on d.id = k.debtor_id
    where s.creditor_id = :creditor_id and s.kind = '{states.PROTECTED}'
        and (s.ended_at is null
            or cast(s.ended_at at time zone 'Europe/Stockholm' as date) >= k.closed_on)
)
select id from marked
union
select e.id from debtors e join marked m on m.identity_number_hash = e.identity_number_hash
where e.creditor_id = :creditor_id
"""  # noqa: S608
_OF_ONE = text(f"select distinct x.kind from debtors d cross join lateral ({KNOWN}) x"  # noqa: S608
               " where d.id = :debtor")  # fmt: skip
_OPEN_CASES = text(
    f"select k.id from debtors d cross join lateral {_SAME}"  # noqa: S608
    " join cases k on k.debtor_id = p.id where d.id = :debtor and k.closed_on is null"
    " and k.creditor_id = d.creditor_id order by k.id"
)


def known_of(debtor: Debtor) -> frozenset[str]:
    """Kinds of states.CIRCUMSTANCES, also of cases that whoever looks at this one does not see."""
    with tenancy.service():
        return frozenset(db.session.scalars(_OF_ONE, {"debtor": debtor.id}))


def is_protected(debtor: Debtor) -> bool:
    """Whether the debtor has a protected identity (skyddad folkbokföring)."""
    return states.PROTECTED in known_of(debtor)


def protected_of(creditor_id: int) -> TextualSelect:
    """A query for the customers of a company that have a protected identity, as `is_protected`."""
    return text(PROTECTED).bindparams(creditor_id=creditor_id).columns(Debtor.id)


def open_cases_of(debtor: Debtor) -> list[int]:
    """All open cases of the same person at the same company, of those that are seen."""
    return list(db.session.scalars(_OPEN_CASES, {"debtor": debtor.id}))
