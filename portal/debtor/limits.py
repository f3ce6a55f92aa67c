"""Whom requests at the debtor's door are counted by.

Behind one address may be a family, a library or a town on its telephones: nobody there is kept
waiting for what the others do. Where somebody could guess, only what went wrong is counted.
"""

from flask import Response
from flask_limiter.util import get_remote_address

from portal.debtor import access


def visitor() -> str:
    """The visit, by the cases that it has opened; before the door, the address."""
    opened = sorted(access.opened())
    return f"cases:{opened}" if opened else get_remote_address()


def is_refused(response: Response) -> bool:
    """Whether nobody was let in."""
    return response.status_code >= 400
