"""Links that open a case, made for whoever writes a message; `collection.entry_links` opens them.

A link carries a token of 142 bits, of which we keep the hash alone.
"""

import hashlib
import hmac
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from portal.database import tenancy
from portal.extensions import db, settings
from portal.identity.models import EntryLink

VALID = timedelta(days=14)
# Letters and digits alone: programs that find addresses in texts leave out signs at the end.
_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 24
_ALL = len(_ALPHABET) ** _LENGTH


def make(
    *,
    case_id: int,
    creditor_id: int,
    channel: str,
    language: str,
    now: datetime,
    key: str | None = None,
) -> str:
    """The address of a link to a case, for a message in the caller's transaction.

    channel: where the message goes, `email`, `sms` or `mailbox`. language: the message's, in which
    the page greets who has chosen none. key: names what the link stands in; the same key makes the
    same link, so that what is sent again after a power failure opens too. Left out, a new one.
    """
    (url,) = make_many([Wanted(case_id, creditor_id, channel, language, key)], now=now)
    return url


@dataclass(frozen=True)
class Wanted:
    """A link that is to be made, as `make` tells."""

    case_id: int
    creditor_id: int
    channel: str
    language: str
    key: str | None = None


def make_many(wanted: Sequence[Wanted], *, now: datetime) -> list[str]:
    """The addresses of links to some cases, in their order, made as `make` does."""
    tokens = [
        _token(secrets.randbelow(_ALL) if one.key is None else _number_of(one.key))
        for one in wanted
    ]
    rows = [
        {
            "creditor_id": one.creditor_id, "case_id": one.case_id, "token_hash": hash_of(token),
            "channel": one.channel, "language": one.language, "made_at": now,
            "ends_at": now + VALID,
        }
        for one, token in zip(wanted, tokens, strict=True)
    ]  # fmt: skip
    if rows:
        # Nobody but the service sees links, not even who has one sent.
        with tenancy.service():
            db.session.execute(
                insert(EntryLink).on_conflict_do_nothing(index_elements=[EntryLink.token_hash]),
                rows,
            )
    return [f"{settings().base_url}/l/{token}" for token in tokens]


def end(case_ids: Sequence[int], channel: str, *, now: datetime) -> None:
    """Let links to some cases that went out by a channel, and that nobody has used, open nothing.

    To be called when what they were sent to is not their reader's any more.
    """
    with tenancy.service():
        db.session.execute(
            update(EntryLink)
            .where(
                EntryLink.case_id.in_(case_ids), EntryLink.channel == channel,
                EntryLink.used_at.is_(None), EntryLink.ends_at > now,
            )
            .values(used_at=now)
        )  # fmt: skip


def hash_of(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


def _number_of(key: str) -> int:
    secret = settings().secret_key.encode()
    return int.from_bytes(hmac.digest(secret, f"entry link:{key}".encode(), "sha256")) % _ALL


def _token(number: int) -> str:
    signs = []
    for _ in range(_LENGTH):
        number, at = divmod(number, len(_ALPHABET))
        signs.append(_ALPHABET[at])
    return "".join(signs)
