"""Templates as tests need them: `a_template(creditor, body="Hej {{customer.name}}")`."""

from typing import Any

from portal.extensions import db
from portal.identity.models import Creditor
from portal.signing import templates
from portal.signing.templates import Content, Field, Role, Template
from tests.factories import NOW
from tests.signing.envelopes import SENDER

BODY = "# Avtal\n\n**{{customer.name}}** betalar {{payment}} till {{creditor.name}}."


def content(**values: Any) -> Content:
    """What a template says: a sum of its own, a customer who signs."""
    told: dict[str, Any] = {
        "name": "Avtal",
        "body": BODY,
        "fields": (Field("payment", "Belopp", templates.AMOUNT, is_required=True),),
        "roles": (Role("Betalaren", templates.CUSTOMER),),
    }
    return Content(**told | values)


def a_template(creditor: Creditor, **values: Any) -> Template:
    """A template of a company's."""
    saved = templates.save(creditor.id, content(**values), actor=SENDER, now=NOW)
    db.session.commit()
    return saved
