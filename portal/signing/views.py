"""Pages of identification and signing: sign in, follow a BankID order, agreements."""

import secrets

from flask import Blueprint, session

signing = Blueprint("signing", __name__)
_BINDING = "bankid_binding"


def binding() -> str:
    """The secret that binds BankID orders to this browser session; made when first asked for."""
    if _BINDING not in session:
        session[_BINDING] = secrets.token_urlsafe(24)
    found: str = session[_BINDING]
    return found


def known_binding() -> str:
    """The same, empty in a session that has started no order; a look at one starts no session."""
    known: str = session.get(_BINDING, "")
    return known


from portal.signing import (  # noqa: E402, F401
    views_agreements,
    views_bankid,
    views_invitations,
)
