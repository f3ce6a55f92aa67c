"""Pages of identification and signing: sign in, follow a BankID order, agreements, documents."""

from flask import Blueprint

signing = Blueprint("signing", __name__)


from portal.signing import (  # noqa: E402, F401
    views_agreements,
    views_bankid,
    views_invitations,
    views_sign,
    views_verify,
)
