"""How a person is told, by company and kind: what they have chosen, and what holds until then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time

from sqlalchemy import delete, func, literal, select, text
from sqlalchemy.dialects.postgresql import insert

from portal.extensions import db
from portal.messages import N_, RedaError
from portal.notifications.kinds import (
    DAILY_AT,
    HOWS,
    NEVER,
    WEEKLY_AT,
    WEEKLY_ON,
    Kind,
    for_role,
)
from portal.notifications.models import NotificationChoice, NotificationTimes


@dataclass(frozen=True)
class Choice:
    """How somebody is told of a kind. centre, mail: at once, daily, weekly or never."""

    centre: str
    mail: str
    failed_only: bool


@dataclass(frozen=True)
class Times:
    """When what is told daily or weekly is told: Swedish time; Monday is 1."""

    daily_at: time = DAILY_AT
    weekly_on: int = WEEKLY_ON
    weekly_at: time = WEEKLY_AT


@dataclass(frozen=True)
class Choices:
    """A person's choices at a company. kinds: of each kind that their role can be told of."""

    times: Times
    kinds: Mapping[str, Choice]


def defaults_of(kind: Kind, role: str) -> Choice:
    """How somebody with a role is told of a kind who has not chosen."""
    return Choice(kind.centre, kind.mail_for(role), kind.failed_only)


def choices_of(person_id: int, creditor_id: int, role: str) -> Choices:
    """A person's choices at a company; where they made none, what holds for their role."""
    chosen = {
        one.kind: Choice(one.centre, one.mail, one.failed_only)
        for one in db.session.scalars(
            select(NotificationChoice).where(
                NotificationChoice.person_id == person_id,
                NotificationChoice.creditor_id == creditor_id,
            )
        )
    }
    times = db.session.get(NotificationTimes, (person_id, creditor_id))
    return Choices(
        Times(times.daily_at, times.weekly_on, times.weekly_at) if times else Times(),
        {kind.key: chosen.get(kind.key, defaults_of(kind, role)) for kind in for_role(role)},
    )


def save(person_id: int, creditor_id: int, role: str, choices: Choices, *, now: datetime) -> None:
    """Keep a person's choices at a company; what waits to be told is told by them.

    Choices of kinds that the role is not told of are left out. Raises RedaError for a value that
    there is not.
    """
    if not 1 <= choices.times.weekly_on <= 7:
        raise RedaError(N_("Choose a day of the week."), field="weekly_on")
    kinds = [kind for kind in for_role(role) if kind.key in choices.kinds]
    for kind in kinds:
        chosen = choices.kinds[kind.key]
        if not {chosen.centre, chosen.mail} <= set(HOWS):
            raise RedaError(N_("Choose one of the options."), field=kind.key)
    whose = {"person_id": person_id, "creditor_id": creditor_id}
    _keep(
        NotificationChoice,
        [
            {
                **whose,
                "kind": kind.key,
                "centre": choices.kinds[kind.key].centre,
                "mail": choices.kinds[kind.key].mail,
                "failed_only": kind.can_fail and choices.kinds[kind.key].failed_only,
            }
            for kind in kinds
        ],
        ("centre", "mail", "failed_only"),
    )
    _keep(
        NotificationTimes,
        [{**whose, **choices.times.__dict__}],
        ("daily_at", "weekly_on", "weekly_at"),
    )
    _tell_by(whose, now)


def stop_mails(person_id: int, creditor_id: int, role: str, *, now: datetime) -> None:
    """Send a person no mail about a company any more; the centre tells them as before."""
    before = choices_of(person_id, creditor_id, role)
    kinds = {key: Choice(one.centre, NEVER, one.failed_only) for key, one in before.kinds.items()}
    save(person_id, creditor_id, role, Choices(before.times, kinds), now=now)


def back_to_defaults(person_id: int, creditor_id: int, role: str, *, now: datetime) -> None:
    """Forget a person's choices at a company; what waits is told as if they had made none."""
    kinds = {kind.key: defaults_of(kind, role) for kind in for_role(role)}
    save(person_id, creditor_id, role, Choices(Times(), kinds), now=now)
    for table in (NotificationChoice, NotificationTimes):
        db.session.execute(
            delete(table).where(table.person_id == person_id, table.creditor_id == creditor_id)
        )


def next_times(times: Times, now: datetime) -> tuple[datetime, datetime]:
    """When the next daily and the next weekly telling are."""
    row = db.session.execute(
        select(
            *(
                func.reda_told_at(
                    how, literal(now), literal(times.daily_at), literal(times.weekly_on),
                    literal(times.weekly_at),
                )
                for how in ("daily", "weekly")
            )
        )
    ).one()  # fmt: skip
    return row[0], row[1]


def _keep(
    table: type[NotificationChoice] | type[NotificationTimes],
    rows: Sequence[Mapping[str, object]],
    changed: Sequence[str],
) -> None:
    if not rows:
        return
    added = insert(table).values([dict(row) for row in rows])
    db.session.execute(
        added.on_conflict_do_update(
            index_elements=list(table.__table__.primary_key),
            set_={name: added.excluded[name] for name in changed},
        )
    )
    db.session.expire_all()


_TELL_BY = text(
    """
update notifications n
set shown_at = case
        when n.shown_at is null or n.shown_at <= :now then n.shown_at
        when c.failed_only and not n.is_failed then null
        else reda_told_at(c.centre, :now, t.daily_at, t.weekly_on, t.weekly_at) end,
    mail_at = case
        when n.mail_at is null or n.mailed_at is not null then n.mail_at
        when c.failed_only and not n.is_failed then null
        else reda_told_at(c.mail, :now, t.daily_at, t.weekly_on, t.weekly_at) end,
    mail_how = case when n.mailed_at is null then nullif(c.mail, 'never') else n.mail_how end
from notification_choices c, notification_times t
where n.person_id = :person_id and n.creditor_id = :creditor_id
    and (n.shown_at > :now or n.mail_at is not null and n.mailed_at is null)
    and c.person_id = n.person_id and c.creditor_id = n.creditor_id and c.kind = n.kind
    and t.person_id = n.person_id and t.creditor_id = n.creditor_id
"""
)


def _tell_by(whose: Mapping[str, object], now: datetime) -> None:
    db.session.execute(_TELL_BY, {**whose, "now": now})
