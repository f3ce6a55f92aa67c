"""A debtor's way in by a link in an e-mail, a text message or a digital letter.

`identity.links` makes them. A link opens its case once, and only until its days have passed.
Looking at it uses nothing up, for mail programs look at links: a person presses a button.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from portal.collection import cases, entry_messages
from portal.collection.models import Case, Debtor
from portal.database import tenancy
from portal.extensions import db
from portal.identity import links
from portal.identity.models import EntryLink
from portal.law.channels import EMAIL, MAILBOX, SMS
from portal.messages import N_, RedaError

# So long a link that has ended is known for one of ours, and leads on.
_KEPT = timedelta(days=180)
# Pressing twice is one press: the browser that used it may do so again for a moment.
_SAME_PRESS = timedelta(minutes=2)


class LinkEnded(RedaError):
    """The link opens nothing any more, or never did."""

    status = 410

    def __init__(self) -> None:
        super().__init__(N_("This link has ended"))


@dataclass(frozen=True)
class Link:
    """A link of ours. is_open: it still opens its case. may_renew: a new one can be sent."""

    case_id: int
    reference: str
    channel: str
    language: str | None
    is_open: bool
    may_renew: bool


def make(
    case: Case, channel: str, now: datetime, language: str | None = None, *, key: str | None = None
) -> str:
    """The address of a link to a case, as `identity.links.make` tells.

    language: the message's; left out, the debtor's. key: of the message.
    """
    return links.make(
        case_id=case.id, creditor_id=case.creditor_id, channel=channel,
        language=language or case.debtor.reads, now=now, key=key,
    )  # fmt: skip


def find(token: str, *, now: datetime) -> Link | None:
    """What a link is; None when it is none of ours."""
    with tenancy.service():
        link = _find(token)
        if link is None:
            return None
        case = db.session.get_one(Case, link.case_id)
        return Link(
            case.id, case.reference, link.channel, link.language, is_open=_is_open(link, now),
            may_renew=_way(case.debtor, link.channel) is not None,
        )  # fmt: skip


def open_case(token: str, *, browser: str, now: datetime) -> Link:
    """Use a link up. Answers what it opens.

    browser: something that the browser alone knows. Raises LinkEnded.
    """
    with tenancy.service():
        link = _find(token, is_locked=True)
        if link is None:
            raise LinkEnded
        if _is_open(link, now):
            link.used_at, link.used_by = now, links.hash_of(browser)
        elif not _is_same_press(link, browser, now):
            raise LinkEnded
        case = db.session.get_one(Case, link.case_id)
        return Link(case.id, case.reference, link.channel, link.language, True, False)


def renew(token: str, *, language: str, now: datetime) -> bool:
    """Send a new link in place of one that has ended, where the case can be written to now.

    Not to where the old one went: that may be somebody else's by now. One a day for each link.
    Answers whether there is somewhere to send it. Raises LinkEnded when it is none of ours.
    """
    with tenancy.service():
        link = _find(token, is_locked=True)
        if link is None:
            raise LinkEnded
        case = cases.lock(link.case_id)
        way = _way(case.debtor, link.channel)
        if way is None:
            return False
        channel, to = way
        entry_messages.put(
            "entry_link",
            channel,
            to=to,
            content={"url": make(case, channel, now, language)},
            language=language,
            key=f"entry_link:{link.id}:{now.date()}",
            now=now,
        )
        return True


def _way(debtor: Debtor, channel: str) -> tuple[str, str] | None:
    """By which channel, and to where, a new link is sent; a digital mailbox takes letters alone."""
    ways = (EMAIL, SMS) if channel == MAILBOX else (channel,)
    found = ((way, entry_messages.address(debtor, way)) for way in ways)
    return next(((way, to) for way, to in found if to is not None), None)


def of_case(case_id: int) -> list[EntryLink]:
    """The links to a case that are kept, the oldest first."""
    with tenancy.service():
        wanted = select(EntryLink).where(EntryLink.case_id == case_id).order_by(EntryLink.id)
        return list(db.session.scalars(wanted))


def forget_old(now: datetime) -> None:
    """Delete links that ended long ago."""
    db.session.execute(delete(EntryLink).where(EntryLink.ends_at < now - _KEPT))


def _find(token: str, *, is_locked: bool = False) -> EntryLink | None:
    wanted = select(EntryLink).where(EntryLink.token_hash == links.hash_of(token))
    return db.session.scalar(wanted.with_for_update() if is_locked else wanted)


def _is_open(link: EntryLink, now: datetime) -> bool:
    return link.used_at is None and now < link.ends_at


def _is_same_press(link: EntryLink, browser: str, now: datetime) -> bool:
    return (
        link.used_at is not None
        and link.used_by is not None
        and now - link.used_at < _SAME_PRESS
        and hmac.compare_digest(link.used_by, links.hash_of(browser))
    )
