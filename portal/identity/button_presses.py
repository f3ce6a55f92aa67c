"""What a person has pressed, kept for moments with where it led.

Who presses a button twice sends the same twice, and sees the answer to the second. The first has
decided, so that the second comes too late; it is led to where the first was.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from portal.database.encryption import lookup_hash
from portal.extensions import db
from portal.identity.models import ButtonPress

MOMENTS = timedelta(seconds=15)


def keep(person_id: int, pressed: str, *, url: str, told: str, now: datetime) -> None:
    """Keep where a press led, in the transaction of what it has decided.

    pressed: all that the person has sent. url, told: the page and what it says.
    """
    db.session.execute(
        delete(ButtonPress).where(
            ButtonPress.person_id == person_id, ButtonPress.pressed_at < now - MOMENTS
        )
    )
    led = {"url": url, "told": told, "pressed_at": now}
    db.session.execute(
        insert(ButtonPress)
        .values(person_id=person_id, pressed_hash=lookup_hash(pressed), **led)
        .on_conflict_do_update(
            index_elements=[ButtonPress.person_id, ButtonPress.pressed_hash], set_=led
        )
    )


def led_to(person_id: int, pressed: str, *, now: datetime) -> tuple[str, str] | None:
    """Where the same press of the same person led moments ago, as `keep` took it; or None."""
    found = db.session.execute(
        select(ButtonPress.url, ButtonPress.told).where(
            ButtonPress.person_id == person_id,
            ButtonPress.pressed_hash == lookup_hash(pressed),
            ButtonPress.pressed_at >= now - MOMENTS,
        )
    ).one_or_none()
    return (found.url, found.told) if found else None
