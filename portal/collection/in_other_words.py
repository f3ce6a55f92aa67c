"""Messages translated by machine when their reader asks for it, kept beside the original."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from portal.collection.models import CaseMessage, MessageTranslation
from portal.delivery.translating import NotTranslated, translator
from portal.extensions import db, settings

log = structlog.get_logger()
# So many are asked for at once: somebody waits for the page.
_MOST = 10


@dataclass(frozen=True)
class Shown:
    """What a page shows of machine translations.

    kept: translations by message. lacking: whether a message could be translated that is not.
    """

    kept: dict[int, str]
    lacking: bool


def shown(messages: Sequence[CaseMessage], language: str) -> Shown:
    """The translations that there are of messages; nothing at all when the translator is off."""
    if translator(settings()) is None:
        return Shown({}, lacking=False)
    rows = db.session.execute(
        select(MessageTranslation.message_id, MessageTranslation.words).where(
            MessageTranslation.message_id.in_([one.id for one in messages]),
            MessageTranslation.language == language,
        )
    )
    kept = {message_id: words for message_id, words in rows}  # noqa: C416 - a row is no pair to mypy
    return Shown(kept, lacking=bool(_lacking(messages, language, kept)))


def translate(messages: Sequence[CaseMessage], language: str, *, now: datetime) -> bool:
    """Translate what is not yet in a language, the newest first; answers whether all went well.

    language: of the reader. Once translated, words are not sent again. What cannot be translated
    now is left as it is. Nothing is done when the translator is off.
    """
    machine = translator(settings())
    if machine is None:
        return True
    for one in _lacking(messages, language, shown(messages, language).kept)[-_MOST:][::-1]:
        try:
            words = machine.translate(one.words, one.language, language)
        except NotTranslated as error:
            log.warning("message.not_translated", message=one.id, error=str(error))
            return False
        db.session.execute(
            insert(MessageTranslation)
            .values(
                creditor_id=one.creditor_id, case_id=one.case_id, message_id=one.id,
                language=language, words=words, made_by=machine.name, made_at=now,
            )
            .on_conflict_do_nothing()
        )  # fmt: skip
    return True


def _lacking(
    messages: Sequence[CaseMessage], language: str, kept: dict[int, str]
) -> list[CaseMessage]:
    return [one for one in messages if one.language != language and one.id not in kept]
