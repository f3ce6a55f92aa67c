"""On to the preview of rules that somebody edits, from whichever form."""

from collections.abc import Mapping
from typing import Any

from flask import Response, url_for
from flask_login import current_user

from portal import clock
from portal.collection import drafts, rulebook
from portal.creditor import access
from portal.extensions import db
from portal.web.rendering import go


def leads_to(
    values: Mapping[str, Any], version: int, base: int = 0, *, scope: str = "company", key: str = ""
) -> Response:
    """Keep what the reader has edited of a row and not saved, and go on to its preview.

    values, version, base: as of drafts.Draft. Raises RedaError at the field that cannot hold.
    """
    creditor_id = access.role().creditor_id
    rulebook.check(creditor_id, values, scope=scope, key=key, today=clock.today())
    draft_id = drafts.keep(
        creditor_id, current_user.id, values, version, base, scope=scope, key=key, now=clock.now()
    )
    db.session.commit()
    return go(url_for("creditor.show_preview", draft=draft_id))
