"""Messages that open a case, sent to where its debtor is known to be and nowhere else."""

from collections.abc import Mapping
from datetime import datetime

from portal.collection.models import Debtor
from portal.delivery import outbox
from portal.delivery.channels.mail import NotAnAddress, address_of
from portal.delivery.channels.sms import NotANumber, number_of

EMAIL, SMS = "email", "sms"


def address(debtor: Debtor, channel: str) -> str | None:
    """Where what opens a case of a debtor is sent by a channel now; None when nowhere."""
    number = debtor.texts_to if debtor.is_number_sure else debtor.phone
    try:
        if channel == EMAIL:
            return address_of(debtor.sure_mail_to) if debtor.sure_mail_to else None
        if channel == SMS:
            return number_of(number) if number else None
    except (NotAnAddress, NotANumber):
        # A creditor's ledger may hold anything, such as two addresses or a number at a desk.
        return None
    return None


def put(
    kind: str,
    channel: str,
    *,
    to: str,
    content: Mapping[str, object],
    language: str,
    key: str,
    now: datetime,
) -> None:
    """Write such a message down. to: as `address` answered it.

    It is about no case: neither the company nor whoever is in sees it, and it goes also when the
    case stands still, for somebody waits for it.
    """
    send = outbox.put_mail if channel == EMAIL else outbox.put_sms
    send(
        kind, to=to, content=content, language=language, key=key, now=now, creditor_id=None,
        case_id=None,
    )  # fmt: skip
