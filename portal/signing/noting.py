"""What happens to an envelope, in its company's history, and told to whom it concerns there."""

from datetime import datetime

from portal.collection import history
from portal.database import tenancy
from portal.identity.actor import SYSTEM, Actor
from portal.notifications.telling import notify
from portal.signing.models import OF_THE_SERVICE, Envelope

# What its sender is told of, by the kind of notification.
_TOLD = {
    "signed": "document", "declined": "document", "soon_over": "document",
    "expired": "document", "overtaken": "document", "completed": "document_completed",
    "list_failed": "document",
}  # fmt: skip


def note(
    what: str, envelope: Envelope, *, now: datetime, actor: Actor = SYSTEM, **data: str
) -> None:
    """Add an event to the company's history, and tell the envelope's sender, who may wish it.

    what: past tense, such as `signed`. What no person has sent is told to all who may be told. Of
    what the service itself is signed for, its own room tells.
    """
    if envelope.kind in OF_THE_SERVICE:
        return
    said = {"envelope": envelope.key, "title": envelope.title, **data}
    # A signer sees their envelope, and neither the company's history nor its people.
    with tenancy.service():
        history.record(
            f"document.{what}", creditor_id=envelope.creditor_id, case_id=envelope.case_id,
            actor=actor, now=now, **said,
        )  # fmt: skip
        if what in _TOLD:
            notify(
                _TOLD[what],
                creditor_id=envelope.creditor_id,
                data={"event": f"document.{what}", "what": envelope.title, **said},
                key=f"{what}:{envelope.key}:{now.isoformat()}",
                now=now,
                to=None if envelope.sender_id is None else [envelope.sender_id],
            )
