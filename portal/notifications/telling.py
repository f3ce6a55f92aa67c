"""Tell a company's people of something, each as they have chosen."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import text

from portal import clock
from portal.database import tenancy
from portal.extensions import db
from portal.notifications.kinds import (
    DAILY_AT,
    KINDS,
    WEEKLY_AT,
    WEEKLY_ON,
    kinds_json,
)

# Who can be told of each kind at a company, and how. Needs :kinds, :creditor, :today and the times
# of those who have chosen none.
LISTENERS = """
listeners as (
    select m.person_id, k.kind, coalesce(c.centre, k.centre) as centre,
        coalesce(c.mail, k.mail) as mail, coalesce(c.failed_only, k.failed_only) as failed_only,
        coalesce(t.daily_at, :daily_at) as daily_at,
        coalesce(t.weekly_on, :weekly_on) as weekly_on,
        coalesce(t.weekly_at, :weekly_at) as weekly_at
    from memberships m
    join jsonb_to_recordset(cast(:kinds as jsonb))
        as k (kind text, role text, centre text, mail text, failed_only boolean)
        on k.role = m.role
    left join notification_choices c on c.person_id = m.person_id
        and c.creditor_id = m.creditor_id and c.kind = k.kind
    left join notification_times t on t.person_id = m.person_id
        and t.creditor_id = m.creditor_id
    where m.creditor_id = :creditor and (m.ends_on is null or m.ends_on >= :today)
)
"""
# The columns of a notification that follow from a listener `l`.
WHEN = """
reda_told_at(l.centre, :now, l.daily_at, l.weekly_on, l.weekly_at),
reda_told_at(l.mail, :now, l.daily_at, l.weekly_on, l.weekly_at),
nullif(l.mail, 'never')
"""
COLUMNS = (
    "person_id, creditor_id, kind, key, data, count, is_failed, created_at, shown_at, mail_at,"
    " mail_how"
)
_NOTIFY = text(
    f"""
with {LISTENERS}
insert into notifications as n ({COLUMNS})
select l.person_id, :creditor, l.kind, :key, cast(:data as jsonb), 1, :is_failed, :now, {WHEN}
from listeners l
where l.kind = :kind and (:is_failed or not l.failed_only)
    and (l.centre <> 'never' or l.mail <> 'never')
    and l.person_id is distinct from :actor
    and (cast(:people as bigint[]) is null or l.person_id = any(cast(:people as bigint[])))
on conflict (person_id, creditor_id, key) do update
    set count = n.count + 1, read_at = null, created_at = excluded.created_at,
        shown_at = least(n.shown_at, excluded.shown_at), data = excluded.data
    where :adds
returning n.id
"""  # noqa: S608 - the pieces are ours
)


def parameters(creditor_id: int, now: datetime) -> dict[str, object]:
    """What `LISTENERS` and `WHEN` need."""
    return {
        "kinds": kinds_json(),
        "creditor": creditor_id,
        "today": clock.day_of(now),
        "now": now,
        "daily_at": DAILY_AT,
        "weekly_on": WEEKLY_ON,
        "weekly_at": WEEKLY_AT,
    }


def notify(
    kind: str,
    *,
    creditor_id: int,
    data: Mapping[str, object],
    key: str,
    now: datetime,
    to: Iterable[int] | None = None,
    actor_person_id: int | None = None,
    is_failed: bool = False,
    adds: bool = False,
) -> int:
    """Tell of something, in the caller's transaction.

    kind: of `kinds.KINDS`. data: JSON values that the kind's words in `portal/creditor/notices.py`
    ask for, such as `reference` of a case. key: the same key tells each person once for ever.
    to: people, where not all of the company are meant; who has no role there any more is told
    nothing. actor_person_id: who did it, and needs not be told. is_failed: it tells of a failure.
    adds: told again under its key, it stands there as one of several, unread.
    Answers how many people it was written down for. Raises KeyError for an unknown kind.
    """
    known = KINDS[kind]
    values = {
        **parameters(creditor_id, now),
        "kind": known.key,
        "key": key,
        "data": json.dumps(dict(data)),
        "is_failed": is_failed,
        "actor": actor_person_id,
        "people": None if to is None else list(to),
        "adds": adds,
    }
    # What others are told is not the actor's to see, nor therefore to write.
    with tenancy.service():
        return len(db.session.execute(_NOTIFY, values).all())
