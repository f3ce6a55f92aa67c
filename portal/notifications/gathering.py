"""The history's new events become notifications, each once, thousands at a time.

How far a company's history has been told of is one number, locked while it is read on: a run that
is cut off tells nothing, and two runs at once tell nothing twice.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import text

from portal.collection import history
from portal.extensions import db
from portal.notifications.kinds import sources_json
from portal.notifications.telling import COLUMNS, LISTENERS, WHEN, parameters

# Of more than these of one kind at once, a person is told in one sentence.
MOST_ALIKE = 20
_CHUNK = 20_000
# What of an event's data its words may need; the rest stands in the history.
_KEPT = (
    "amount_ore", "approval", "filename", "holder", "kind", "new", "problems", "role", "upload",
    "who",
)  # fmt: skip

_GATHER = f"""
with {LISTENERS}, told as (
    select e.position, e.event_id, e.name, e.actor_person_id, e.reference, e.debtor_name,
        e.invoice_number, e.data, s.kind,
        coalesce((e.data ->> s.fails_when)::bigint, 0) > 0 as is_failed
    from ({{events}}) e
    join jsonb_to_recordset(cast(:sources as jsonb))
        as s (event text, kind text, needs jsonb, fails_when text)
        on s.event = e.name and e.data @> s.needs
), heard as (
    select l.*, t.position, t.event_id, t.is_failed,
        (select coalesce(jsonb_object_agg(key, value), '{{{{}}}}') from jsonb_each(t.data)
            where key = any(:kept))
        || jsonb_strip_nulls(jsonb_build_object('event', t.name,
            'event_id', t.event_id, 'reference', t.reference,
            'debtor', t.debtor_name, 'invoice', t.invoice_number)) as data,
        count(*) over alike as count,
        row_number() over (alike order by t.position desc) as place
    from told t join listeners l on l.kind = t.kind
    where (t.is_failed or not l.failed_only) and (l.centre <> 'never' or l.mail <> 'never')
        and l.person_id is distinct from t.actor_person_id
    window alike as (partition by l.person_id, l.kind, t.is_failed)
)
insert into notifications ({COLUMNS})
select l.person_id, :creditor, l.kind, 'event:' || l.event_id, l.data,
    case when l.count > :most_alike then l.count else 1 end, l.is_failed, :now, {WHEN}
from heard l
where l.count <= :most_alike or l.place = 1
order by l.position
on conflict (person_id, creditor_id, key) do nothing
"""  # noqa: S608 - the pieces are ours


def gather(now: datetime, *, between: Callable[[], None], chunk: int = _CHUNK) -> int:
    """Tell of all that has happened since the last time.

    between: called when a part is done, to commit. chunk: most events in one part.
    Answers how many events were read.
    """
    count = 0
    for creditor_id in _behind():
        while read := _gather_of(creditor_id, now, chunk):
            count += read
            between()
    return count


def _behind() -> list[int]:
    """The companies with history that nobody has been told of."""
    db.session.execute(
        text(
            "insert into notification_marks (creditor_id, position)"
            " select creditor_id, 0 from history_heads h where not exists"
            " (select from notification_marks m where m.creditor_id = h.creditor_id)"
            " on conflict do nothing"
        )
    )
    return list(
        db.session.scalars(
            text(
                "select h.creditor_id from history_heads h join notification_marks m"
                " on m.creditor_id = h.creditor_id and m.position < h.position"
                " order by h.creditor_id"
            )
        )
    )


def _gather_of(creditor_id: int, now: datetime, chunk: int) -> int:
    """Tell of the next events of a company; answers how many were read."""
    mark = db.session.scalar(
        text(
            "select position from notification_marks where creditor_id = :creditor"
            " for update skip locked"
        ),
        {"creditor": creditor_id},
    )
    # None: somebody else is telling of them.
    head = None if mark is None else history.position_of(creditor_id)
    if mark is None or head is None or head <= mark:
        return 0
    until = min(head, mark + chunk)
    values = {
        **parameters(creditor_id, now),
        "sources": sources_json(),
        "most_alike": MOST_ALIKE,
        "kept": list(_KEPT),
        "after": mark,
        "until": until,
    }
    db.session.execute(text(_GATHER.format(events=history.EVENTS_BETWEEN)), values)
    db.session.execute(
        text("update notification_marks set position = :until where creditor_id = :creditor"),
        {"until": until, "creditor": creditor_id},
    )
    return until - mark
