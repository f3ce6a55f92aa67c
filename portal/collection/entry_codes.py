"""A debtor's way in by a code of six digits, sent to the telephone or e-mail that the case has.

Whoever asks writes a reference and is told the same, in the same time, whether or not there is such
a case and whether or not it can be written to: what asking does is to keep the question, and a job
finds out the rest. The code opens the case only in the browser that asked for it, for ten minutes
and five tries. `docs/security.md` has the odds.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NoReturn

from sqlalchemy import delete, func, select

from portal.collection import entry_messages
from portal.collection.access import EntryLocked, tidy
from portal.collection.models import Case, EntryCode
from portal.database import queue, tenancy
from portal.database.encryption import lookup_hash
from portal.extensions import db
from portal.identity import attempts
from portal.messages import N_, RedaError

JOB = "send_entry_code"
DIGITS = 6
VALID = timedelta(minutes=10)
MOST_TRIES = 5
PAUSE = timedelta(seconds=60)
# Of one reference, whoever asks.
MOST_AN_HOUR, MOST_A_DAY = 5, 10
_ASKING = 0x7265_6463


class AskedOften(RedaError):
    """A code for this reference was asked for a moment ago, or often."""

    status = 429


class CodeRefused(RedaError):
    """The code is not the one that was sent."""

    def __init__(self) -> None:
        super().__init__(
            N_("That is not the code. Write the six digits of the newest message."), field="code"
        )


class CodeEnded(RedaError):
    """No code works in this browser (any more)."""

    status = 410

    def __init__(self) -> None:
        super().__init__(N_("The code has ended. Ask for a new one."))


@dataclass(frozen=True)
class Asked:
    """What a browser has asked for last. reference: as it was typed."""

    reference: str
    channel: str


def ask(reference: str, channel: str, *, browser: str, language: str, now: datetime) -> None:
    """Have a code sent for a reference, if there is such a case that can be written to so.

    reference: as typed. channel: `email` or `sms`. browser: something that only the asker's browser
    knows. language: of the message.
    Raises AskedOften, the same whether there is such a case or not.
    """
    reference = tidy(reference)
    with tenancy.service():
        db.session.execute(
            select(func.pg_advisory_xact_lock(func.hashtextextended(reference, _ASKING)))
        )
        _refuse_often(reference, now)
        asked = EntryCode(
            reference=reference,
            browser_hash=lookup_hash(browser),
            channel=channel,
            language=language,
            asked_at=now,
            ends_at=now + VALID,
            tries=0,
        )
        db.session.add(asked)
        db.session.flush()
        queue.defer(JOB, code_id=asked.id)


def _refuse_often(reference: str, now: datetime) -> None:
    times = db.session.scalars(
        select(EntryCode.asked_at).where(
            EntryCode.reference == reference, EntryCode.asked_at > now - timedelta(days=1)
        )
    ).all()
    if any(now - one < PAUSE for one in times):
        raise AskedOften(N_("A code was asked for a moment ago. Wait a minute, then ask again."))
    in_the_hour = [one for one in times if now - one < timedelta(hours=1)]
    if len(times) >= MOST_A_DAY or len(in_the_hour) >= MOST_AN_HOUR:
        raise AskedOften(
            N_("Too many attempts. Wait a while and try again, or call us and we help you.")
        )


def asked_by(browser: str, *, now: datetime) -> Asked | None:
    """What a browser has asked for last, while a code for it may be written."""
    with tenancy.service():
        found = _newest(browser, now)
        return None if found is None else Asked(found.reference, found.channel)


def send(code_id: int, *, now: datetime) -> str | None:
    """Make the code that was asked for, and write the message down; for the job.

    Answers the message's idempotency key, None when nothing is to be sent.
    """
    asked = db.session.get(EntryCode, code_id, with_for_update=True)
    if asked is None or asked.code_hash is not None or asked.ends_at <= now:
        return None
    case = db.session.scalar(select(Case).where(Case.reference == asked.reference))
    to = None if case is None else entry_messages.address(case.debtor, asked.channel)
    if case is None or to is None:
        return None
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    asked.case_id, asked.code_hash = case.id, _hash(asked, code)
    key = f"entry_code:{asked.id}"
    entry_messages.put(
        "entry_code", asked.channel, to=to, content={"code": code}, language=asked.language,
        key=key, now=now,
    )  # fmt: skip
    return key


def enter(code: str, *, browser: str, address: str, now: datetime) -> tuple[int, str]:
    """Id and reference of the case that a code opens in the browser that asked for it.

    address: the network address they come from. Commits the count of wrong tries itself, as
    `access.enter` does. Raises CodeRefused, CodeEnded or EntryLocked.
    """
    with tenancy.service():
        asked = _newest(browser, now, is_locked=True)
        if asked is None:
            raise CodeEnded
        guessed_at, guessed_from = f"one-time:{asked.reference}", f"address:{address}"
        until = attempts.locked_until([guessed_at, guessed_from], now)
        if until is not None:
            raise EntryLocked(until)
        # Compared also when nothing was sent, so that both take the same time.
        right = asked.code_hash or bytes(32)
        if not hmac.compare_digest(right, _hash(asked, tidy(code))) or asked.case_id is None:
            _count(asked, [guessed_at, guessed_from], now)
        asked.used_at = now
        attempts.succeeded(guessed_at)
        return asked.case_id, asked.reference


def _count(asked: EntryCode, keys: list[str], now: datetime) -> NoReturn:
    asked.tries += 1
    is_over = asked.tries >= MOST_TRIES
    attempts.failed(keys, now)
    db.session.commit()
    raise CodeEnded if is_over else CodeRefused


def _newest(browser: str, now: datetime, *, is_locked: bool = False) -> EntryCode | None:
    newest = (
        select(EntryCode)
        .where(EntryCode.browser_hash == lookup_hash(browser))
        .order_by(EntryCode.id.desc())
        .limit(1)
    )
    found = db.session.scalar(newest.with_for_update() if is_locked else newest)
    if found is None or found.used_at is not None or found.ends_at <= now:
        return None
    return found if found.tries < MOST_TRIES else None


def _hash(asked: EntryCode, code: str) -> bytes:
    # Six digits are soon tried out: without the key the hash tells nothing.
    return lookup_hash(f"entry_code:{asked.id}:{code}")


def of_case(case_id: int) -> list[EntryCode]:
    """The codes that were sent for a case and are kept, the oldest first."""
    with tenancy.service():
        wanted = select(EntryCode).where(EntryCode.case_id == case_id).order_by(EntryCode.id)
        return list(db.session.scalars(wanted))


def forget_old(now: datetime) -> None:
    """Delete questions that count no more."""
    db.session.execute(delete(EntryCode).where(EntryCode.asked_at < now - timedelta(days=1)))
