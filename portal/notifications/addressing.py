"""Where a person's e-mails go: an address counts once the link in a mail to it was followed."""

from datetime import datetime

from itsdangerous import BadSignature, URLSafeSerializer, URLSafeTimedSerializer

from portal.database import tenancy
from portal.delivery import outbox
from portal.delivery.channels.mail import address_of
from portal.extensions import db, settings
from portal.identity.models import Person
from portal.messages import N_, RedaError

_CONFIRMABLE_SECONDS = 3 * 24 * 3600


class BadLink(RedaError):
    """A link in a mail that was cut off, is too old, or was sent to somebody else."""

    status = 400

    def __init__(self) -> None:
        super().__init__(
            N_("This link does not hold any more. Ask for a new one on the page of your choices.")
        )


def _confirming() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings().secret_key, salt="mail address")


def _stopping() -> URLSafeSerializer:
    # No time limit: whoever finds an old mail may stop new ones.
    return URLSafeSerializer(settings().secret_key, salt="stop notifications")


def link_of(person_id: int, to: str) -> str:
    """The end of a link that says: mails to this address reach this person. Raises NotAnAddress."""
    return str(_confirming().dumps([person_id, address_of(to, field="email")]))


def ask(person: Person, to: str, *, url: str, language: str, now: datetime) -> str:
    """Send a mail to an address whose link confirms it; answers the address.

    url: the page of the link, as `link_of` ends it. The same address is asked once an hour.
    Raises NotAnAddress.
    """
    address = address_of(to, field="email")
    outbox.put_mail(
        "address",
        to=address,
        content={"name": person.name, "url": url},
        language=language,
        key=f"address:{person.id}:{address}:{now:%Y%m%d%H}",
        now=now,
        creditor_id=None,
    )
    return address


def confirm(person_id: int, link: str) -> str:
    """Write to a person at the address of a link from now on; answers it. Raises BadLink."""
    try:
        whose, address = _confirming().loads(link, max_age=_CONFIRMABLE_SECONDS)
    except (BadSignature, ValueError):
        raise BadLink from None
    if whose != person_id:
        raise BadLink
    with tenancy.service():
        db.session.get_one(Person, person_id).email = address
    return str(address)


def write_in(person_id: int, language: str) -> None:
    """Write to a person in a language from now on."""
    with tenancy.service():
        db.session.get_one(Person, person_id).language = language


def stop_link(person_id: int, creditor_id: int) -> str:
    """The end of a link that stops a person's mails about a company, without signing in."""
    return str(_stopping().dumps([person_id, creditor_id]))


def stopped_by(link: str) -> tuple[int, int]:
    """The person and the company whose mails a link stops. Raises BadLink."""
    try:
        person_id, creditor_id = _stopping().loads(link)
    except (BadSignature, ValueError):
        raise BadLink from None
    return int(person_id), int(creditor_id)
