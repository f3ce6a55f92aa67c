"""On which days a case is under long-term surveillance (långtidsbevakning)."""

# The history tells it, also of a day that is past: what came last by the end of that day. A case
# that is closed and opened again stands where it stood.
_IS_WATCHED = """(
    select w.name from events w
    where w.case_id = {case_id} and w.name in ('case.watched_over', 'case.taken_to_law')
        and (w.occurred_at at time zone 'Europe/Stockholm')::date <= {on}
    order by w.id desc limit 1
) is not distinct from 'case.watched_over'"""
_WAS_EVER = (
    "exists (select from events w where w.case_id = {case_id} and w.name = 'case.watched_over')"
)


def is_watched_sql(case_id: str, on: str) -> str:
    """Whether a case is under surveillance at the end of a day; both are expressions of SQL."""
    return _IS_WATCHED.format(case_id=case_id, on=on)


def was_ever_watched_sql(case_id: str) -> str:
    """Whether a case has ever been: for few of many, what costs nearly nothing of the others."""
    return _WAS_EVER.format(case_id=case_id)
