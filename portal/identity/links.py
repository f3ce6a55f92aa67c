"""Links that open a case, made for whoever writes a message; `collection.entry_links` opens them.

A link carries a token of 142 bits, of which we keep the hash alone.
"""

import hashlib
import hmac
import secrets
import string
from datetime import datetime, timedelta

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
    token = _token(secrets.randbelow(_ALL) if key is None else _number_of(key))
    # Nobody but the service sees links, not even who has one sent.
    with tenancy.service():
        db.session.execute(
            insert(EntryLink)
            .values(
                creditor_id=creditor_id, case_id=case_id, token_hash=hash_of(token),
                channel=channel, language=language, made_at=now, ends_at=now + VALID,
            )
            .on_conflict_do_nothing(index_elements=[EntryLink.token_hash])
        )  # fmt: skip
    return f"{settings().base_url}/l/{token}"


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
