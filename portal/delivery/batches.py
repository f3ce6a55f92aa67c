"""The letters of a day joined for a printer that takes them together."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select

from portal.database import tenancy
from portal.delivery import presses
from portal.delivery.channels import letter
from portal.delivery.letters import MOST_IN_BATCH, Batch, Letter, render_batch
from portal.delivery.models import Message
from portal.delivery.sending import letter_of
from portal.extensions import db, settings


def write_batches() -> int:
    """Join the letters of each day that lie in no batch yet, where the settings ask for it.

    Letters that are handed over and not yet noted as sent wait for the next time. Answers how many
    batches were written.
    """
    ours = settings()
    if ours.letter_batch != "on":
        return 0
    written = 0
    with tenancy.service():
        for folder in letter.days(ours.var):
            with letter.batching(folder) as is_ours:
                if is_ours:
                    written += _write_batches(folder)
    return written


def _write_batches(folder: Path) -> int:
    lines = letter.unbatched(folder)
    ids = [letter.message_id_of(line) for line in lines]
    sent = set(db.session.scalars(select(Message.id).where(Message.id.in_(ids), _IS_SENT)))
    ready = [line for line in lines if letter.message_id_of(line) in sent]
    chunks = [ready[start : start + MOST_IN_BATCH] for start in range(0, len(ready), MOST_IN_BATCH)]
    for chunk in chunks:
        joined = [
            letter_of(db.session.get_one(Message, letter.message_id_of(line))) for line in chunk
        ]
        made = _joined(joined)
        letter.hand_over_batch(made.pdf, chunk, made.pages, folder=folder)
    return len(chunks)


_IS_SENT = Message.status == "sent"


def _joined(joined: Sequence[Letter]) -> Batch:
    if len(joined) < presses.FEW:
        return render_batch(joined, settings=settings())
    with presses.running() as running:
        return running.render_batch(joined).result()
