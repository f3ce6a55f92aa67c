"""What a company's letters say and show of it, and what an invoice is for that does not say so.

A logo is taken as PNG or JPEG by its content, not by its name, drawn anew without anything else
that the file held, and kept by the hash of what was drawn.
"""

import io
import warnings
from datetime import datetime
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer
from PIL import Image, ImageOps, UnidentifiedImageError

from portal.companies import cards
from portal.database import files
from portal.extensions import db, settings
from portal.identity.actor import Actor
from portal.identity.models import Creditor
from portal.messages import N_, RedaError

MOST_BYTES = 2_000_000
MOST_PIXELS = 20_000_000
LEAST_SIDE = 40
# Drawn at most so large; on paper that is some 600 points an inch.
_WIDTH, _HEIGHT = 1_400, 420
LONGEST_NAME = 60
LONGEST_DESCRIPTION = 160


def save_description(
    creditor_id: int, text: str, version: int, *, actor: Actor, now: datetime
) -> None:
    """Keep what an invoice is for when it does not say so itself.

    Raises RedaError at the field `debt_description`, and ChangedMeanwhile.
    """
    found = " ".join(text.split())
    if not any(one.isalnum() for one in found):
        raise RedaError(
            N_("Write what your invoices are for; a letter must say it."), field="debt_description"
        )
    if len(found) > LONGEST_DESCRIPTION:
        raise RedaError(
            N_("Write at most %(most)s characters."),
            field="debt_description",
            most=LONGEST_DESCRIPTION,
        )
    cards.claim(creditor_id, cards.DESCRIPTION, version, actor=actor, now=now)
    creditor = db.session.get_one(Creditor, creditor_id)
    before = {"debt_description": creditor.debt_description}
    creditor.debt_description = found
    cards.tell(
        creditor_id, cards.DESCRIPTION, before, {"debt_description": found}, actor=actor, now=now
    )
    db.session.flush()


def save_letter(
    creditor_id: int,
    sender_name: str,
    logo: str | None,
    version: int,
    *,
    by_mailbox: bool,
    actor: Actor,
    now: datetime,
) -> None:
    """Keep how the company is named and shown on letters written from now on, and how they go.

    sender_name: as its customers know it; empty for its own name. logo: SHA-256 of one that
    `drawn` has kept, or None for none. by_mailbox: they go to digital mailboxes where there are
    some. Raises RedaError at the field, and ChangedMeanwhile.
    """
    name = check_sender_name(sender_name)
    cards.claim(creditor_id, cards.LETTER, version, actor=actor, now=now)
    creditor = db.session.get_one(Creditor, creditor_id)
    before = {**creditor.letter, "by_mailbox": creditor.by_mailbox}
    creditor.letter = with_look(dict(creditor.letter), name, logo)
    creditor.by_mailbox = by_mailbox
    after = {**creditor.letter, "by_mailbox": by_mailbox}
    cards.tell(creditor_id, cards.LETTER, before, after, actor=actor, now=now)
    db.session.flush()


def with_look(letter: dict[str, Any], sender_name: str, logo: str | None) -> dict[str, Any]:
    """What a company's letters say of it, with another name and logo; what is empty is left out."""
    rest = {key: value for key, value in letter.items() if key not in ("sender_name", "logo")}
    look = {"sender_name": sender_name, "logo": logo}
    return rest | {key: value for key, value in look.items() if value}


def check_sender_name(text: str) -> str:
    """A sender's name as it is kept. Raises RedaError at the field `sender_name`."""
    found = " ".join(text.split())
    if len(found) > LONGEST_NAME:
        raise RedaError(
            N_("Write at most %(most)s characters."), field="sender_name", most=LONGEST_NAME
        )
    if found and not any(one.isalnum() for one in found):
        raise RedaError(N_("Write the name with letters or digits."), field="sender_name")
    return found


def drawn(data: bytes) -> str:
    """Draw a logo anew and keep it; answers its SHA-256. Raises RedaError at the field `logo`."""
    if len(data) > MOST_BYTES:
        raise RedaError(
            N_("The picture is too large. Choose one of at most %(most)s MB."),
            field="logo",
            most=MOST_BYTES // 1_000_000,
        )
    picture = _opened(data)
    if min(picture.size) < LEAST_SIDE:
        raise RedaError(
            N_("The picture is too small to print. Choose one of at least %(least)s pixels."),
            field="logo",
            least=LEAST_SIDE,
        )
    try:
        upright = ImageOps.exif_transpose(picture).convert("RGBA")
    except (OSError, ValueError, SyntaxError):
        raise _unreadable() from None
    upright.thumbnail((_WIDTH, _HEIGHT), Image.Resampling.LANCZOS)
    # A new picture on white, as the paper is: nothing of the file but its colours.
    paper = Image.new("RGB", upright.size, "white")
    paper.paste(upright, mask=upright.getchannel("A"))
    out = io.BytesIO()
    paper.save(out, "PNG", optimize=True)
    return files.store(out.getvalue())


def _opened(data: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            # WeasyPrint has Pillow draw what is cut off; a look at the whole file finds it.
            Image.open(io.BytesIO(data), formats=("PNG", "JPEG")).verify()
            picture = Image.open(io.BytesIO(data), formats=("PNG", "JPEG"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise _unreadable() from None
    # Told by its first bytes; nothing is decoded before the size is known to be sound.
    if picture.width * picture.height > MOST_PIXELS:
        raise _too_many_pixels()
    return picture


def _too_many_pixels() -> RedaError:
    return RedaError(N_("The picture has too many pixels. Choose a smaller one."), field="logo")


def _unreadable() -> RedaError:
    return RedaError(N_("This is no picture in PNG or JPEG that we can read."), field="logo")


def sealed(creditor_id: int, sha256: str) -> str:
    """A drawn logo's name for a form that is not saved yet; it opens no other file."""
    return str(_signer(creditor_id).dumps(sha256))


def unsealed(creditor_id: int, token: str) -> str | None:
    """The SHA-256 that `sealed` named, or None when it did not."""
    try:
        return str(_signer(creditor_id).loads(token))
    except BadSignature:
        return None


def _signer(creditor_id: int) -> URLSafeSerializer:
    return URLSafeSerializer(settings().secret_key, salt=f"logo:{creditor_id}")
