"""The real letter as a picture, with a look that is not saved yet."""

from datetime import date

from portal.collection import notices, policy, specimens
from portal.companies import looks
from portal.delivery import prints
from portal.delivery.letters import render_letter
from portal.extensions import db, settings
from portal.identity.models import Creditor


def picture(creditor_id: int, sender_name: str, logo: str | None, *, today: date) -> bytes:
    """The first page of a reminder as PNG, with another name and logo than those saved."""
    return prints.first_page(letter(creditor_id, sender_name, logo, today=today)).picture


def letter(creditor_id: int, sender_name: str, logo: str | None, *, today: date) -> bytes:
    """A reminder as PDF, of an invented invoice, rendered as those that are sent."""
    creditor = db.session.get_one(Creditor, creditor_id)
    look = looks.with_look(dict(creditor.letter), sender_name, logo)
    shown = {**notices.creditor(creditor), **look}
    for name in ("sender_name", "logo"):
        if name not in look:
            shown.pop(name, None)
    content = specimens.reminder(
        shown, creditor.debt_description, policy.effective(creditor.id), today=today
    )
    return render_letter(
        "reminder", content, secret=specimens.NO_CODE, language="sv", settings=settings()
    )
