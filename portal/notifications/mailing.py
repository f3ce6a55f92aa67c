"""Notifications that are due by e-mail: one at a time, or many in one digest.

A person gets one digest about a company, whatever of it is daily or weekly, and none when there is
nothing to say. What they have read in the centre meanwhile is not mailed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Protocol

import structlog
from sqlalchemy import or_, select, update

from portal import clock
from portal.delivery import outbox
from portal.delivery.channels.mail import NotAnAddress
from portal.extensions import db
from portal.identity.models import Creditor, Membership, Person
from portal.notifications.kinds import AT_ONCE, KINDS, WEEKLY
from portal.notifications.models import Notification

log = structlog.get_logger()
# More than these at once come together in one mail, and so do more than one kind's first items.
MOST_SINGLE, MOST_OF_A_KIND, MOST_IN_DIGEST = 3, 10, 50
_DEFAULT_LANGUAGE = "sv"


@dataclass(frozen=True)
class Said:
    """A notification in words. title: what happened. text: to what, or nothing more."""

    title: str
    text: str


class Speaker(Protocol):
    """Who knows the words of notifications and the addresses of pages: the door of the people."""

    def in_mail(
        self, kind: str, data: Mapping[str, Any], *, count: int, is_failed: bool, language: str
    ) -> Said:
        """A notification as a mail may say it, without the names of debtors."""

    def kind_name(self, kind: str, language: str) -> str:
        """What a kind is called."""

    def addresses(self, creditor: Creditor, person: Person) -> Mapping[str, str]:
        """`url` of the centre, `choices_url`, and `unsubscribe_url` where a POST stops mails."""

    def address_of(self, id: int) -> str:
        """Where a notification opens what it is about."""


def send_due(
    speaker: Speaker, *, now: datetime, between: Callable[[], None], limit: int = 500
) -> int:
    """Put the mails that are due in the outbox.

    between: called after each person's, to commit. limit: most people and companies in a run.
    Answers how many mails there were.
    """
    count = 0
    for person_id, creditor_id in _waiting(now, limit):
        count += _send(person_id, creditor_id, speaker, now)
        between()
    return count


def _waiting(now: datetime, limit: int) -> list[tuple[int, int]]:
    rows = db.session.execute(
        select(Notification.person_id, Notification.creditor_id)
        .where(Notification.mail_at <= now, Notification.mailed_at.is_(None))
        .distinct()
        .order_by(Notification.person_id, Notification.creditor_id)
        .limit(limit)
    )
    return [(person_id, creditor_id) for person_id, creditor_id in rows]


def _send(person_id: int, creditor_id: int, speaker: Speaker, now: datetime) -> int:
    """Put a person's mails about a company in the outbox; answers how many."""
    due = list(
        db.session.scalars(
            select(Notification)
            .where(
                Notification.person_id == person_id,
                Notification.creditor_id == creditor_id,
                Notification.mail_at <= now,
                Notification.mailed_at.is_(None),
            )
            .order_by(Notification.id)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
    )
    person = db.session.get_one(Person, person_id)
    creditor = db.session.get_one(Creditor, creditor_id)
    unread = [one for one in due if one.read_at is None]
    mailed: Sequence[Notification] = ()
    count = 0
    if unread and person.email and _acts_for(person_id, creditor_id, now):
        mailed = unread
        count = _Letterbox(person, creditor, speaker, now).put(unread)
    ids = [one.id for one in mailed]
    rest = [one.id for one in due if one.id not in set(ids)]
    _note(ids, mailed_at=now)
    # Read, or of a company that they have left, or nowhere to be sent to.
    _note(rest, mail_at=None)
    return count


def _note(ids: Sequence[int], **values: object) -> None:
    if ids:
        db.session.execute(update(Notification).where(Notification.id.in_(ids)).values(**values))


def _acts_for(person_id: int, creditor_id: int, now: datetime) -> bool:
    return bool(
        db.session.scalar(
            select(Membership.id).where(
                Membership.person_id == person_id,
                Membership.creditor_id == creditor_id,
                or_(Membership.ends_on.is_(None), Membership.ends_on >= clock.day_of(now)),
            )
        )
    )


@dataclass(frozen=True)
class _Letterbox:
    """A person's mails about a company."""

    person: Person
    creditor: Creditor
    speaker: Speaker
    now: datetime

    @property
    def language(self) -> str:
        return self.person.language or _DEFAULT_LANGUAGE

    def put(self, due: Sequence[Notification]) -> int:
        """One mail for all of it, or one each when they are few and to be told at once."""
        try:
            if len(due) <= MOST_SINGLE and all(one.mail_how == AT_ONCE for one in due):
                return sum(self._put_one(one) for one in due)
            return int(self._put_digest(due))
        except NotAnAddress:
            log.warning("notifications.no_address", person=self.person.id)
            return 0

    def _put_one(self, one: Notification) -> bool:
        item = self._item(one)
        return self._put("notification", {**item, **self._shared()}, f"notification:{one.id}")

    def _put_digest(self, due: Sequence[Notification]) -> bool:
        order = list(KINDS)
        by_kind = sorted(due, key=lambda one: (order.index(one.kind), one.id))
        groups, shown = [], 0
        for kind, rows in groupby(by_kind, lambda one: one.kind):
            some = list(rows)[: min(MOST_OF_A_KIND, MOST_IN_DIGEST - shown)]
            shown += len(some)
            name = self.speaker.kind_name(kind, self.language)
            if some:
                groups.append({"name": name, "items": [self._item(one) for one in some]})
        hows = {one.mail_how for one in due}
        content = {
            **self._shared(),
            "period": "week" if hows == {WEEKLY} else "once" if hows == {AT_ONCE} else "day",
            "count": sum(one.count for one in due),
            "groups": groups,
            "left": len(due) - shown,
        }
        return self._put("digest", content, f"digest:{self.person.id}:{due[-1].id}")

    def _item(self, one: Notification) -> dict[str, object]:
        said = self.speaker.in_mail(
            one.kind, one.data, count=one.count, is_failed=one.is_failed, language=self.language
        )
        return {
            "title": said.title,
            "text": said.text,
            "failed": one.is_failed,
            "url": self.speaker.address_of(one.id),
        }

    def _shared(self) -> dict[str, object]:
        addresses = self.speaker.addresses(self.creditor, self.person)
        return {
            "company": self.creditor.name,
            "centre_url": addresses["url"],
            "choices_url": addresses["choices_url"],
            "unsubscribe_url": addresses["unsubscribe_url"],
            "is_one_click": True,
        }

    def _put(self, kind: str, content: Mapping[str, object], key: str) -> bool:
        return outbox.put_mail(
            kind,
            to=self.person.email or "",
            content=content,
            language=self.language,
            key=key,
            now=self.now,
            creditor_id=self.creditor.id,
        )
