"""BankID orders of everyone who signs in: what they are called, and where they begin."""

from collections.abc import Mapping
from typing import Any

from flask import url_for
from flask_babel import gettext

from portal import clock
from portal.identity.bankid import BankIDError
from portal.identity.models import BankIDOrder
from portal.identity.orders import Purpose
from portal.signing import ceremony, finishing
from portal.web.orders import Pages


def _title(order: BankIDOrder) -> str:
    if order.purpose == "sign":
        return gettext("Sign with BankID")
    if order.subject.get("invitation") or order.subject.get("signer"):
        return gettext("Identify with BankID")
    return gettext("Sign in with BankID")


def beginning(purpose: str, subject: Mapping[str, Any]) -> str:
    """Where an order for something is started, and can be started again."""
    if "approval" in subject:
        return url_for(
            "creditor.show_approval", key=subject["company"], approval_key=subject["approval"]
        )
    if "payouts" in subject:
        return url_for("operations.show_payout_batch", batch_key=subject["payouts"])
    if "period" in subject:
        return url_for("operations.show_period", period_key=subject["period"])
    if "signing" in subject:
        return url_for("signing.show_envelope", token=subject["token"])
    if purpose == "sign":
        return url_for("signing.read_agreement", key=subject["document"])
    if subject.get("invitation") or subject.get("signer"):
        return str(subject["next"])
    return url_for("signing.sign_in", next=subject.get("next") or None)


def _failed(order: BankIDOrder) -> None:
    finishing.note_failed(order, now=clock.now())


def _refused(purpose: Purpose, error: BankIDError) -> bool:
    if "signing" not in purpose.subject:
        return False
    ceremony.note_refused(purpose, error, now=clock.now())
    return True


PAGES = Pages("signing", _title, beginning, _failed, _refused)
