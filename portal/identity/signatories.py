"""Who may sign for a company alone (firmatecknare), and so sees what it owes.

A register of companies is asked through `Register`; which one, `building` says. The one here is
told by the operator (`flask signatories tell`). Somebody who may sign only together with another
is in none of them: one alone does not speak for the company (aktiebolagslagen 8 kap. §§ 36-38).
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Protocol

from flask import current_app
from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert

from portal.database import tenancy
from portal.database.encryption import lookup_hash
from portal.extensions import db
from portal.identity.models import Signatory


class Register(Protocol):
    """A register of companies, which answers at once from what it has: a sign-in waits for it."""

    def companies_of(self, identity_number: str, on: date) -> Sequence[str]:
        """The companies that somebody may sign for alone on a day.

        identity_number: 12 digits. Answers organisation numbers, 10 digits each.
        """
        ...


class ToldRegister:
    """What somebody has told us, in our own table."""

    def companies_of(self, identity_number: str, on: date) -> Sequence[str]:
        """As `Register` tells."""
        with tenancy.service():
            return db.session.scalars(
                select(Signatory.organisation_number)
                .where(
                    Signatory.identity_number_hash == lookup_hash(identity_number),
                    Signatory.from_on <= on,
                    or_(Signatory.until_on.is_(None), Signatory.until_on >= on),
                )
                .order_by(Signatory.id)
            ).all()


def register() -> Register:
    """The register that this portal asks."""
    found: Register = current_app.extensions["reda_signatories"]
    return found


def tell(
    organisation_number: str,
    identity_number: str,
    *,
    from_on: date,
    until_on: date | None,
    source: str,
    now: datetime,
) -> None:
    """Write down that somebody may sign for a company alone, in place of what was told before.

    organisation_number: 10 digits. identity_number: 12 digits. until_on: the last day, None for no
    end. source: who says so.
    """
    told = {
        "organisation_number": organisation_number,
        "from_on": from_on,
        "until_on": until_on,
        "source": source,
        "told_at": now,
    }
    db.session.execute(
        insert(Signatory)
        .values(
            organisation_number_hash=lookup_hash(organisation_number),
            identity_number_hash=lookup_hash(identity_number),
            **told,
        )
        .on_conflict_do_update(
            index_elements=[Signatory.identity_number_hash, Signatory.organisation_number_hash],
            set_=told,
        )
    )


def end(organisation_number: str, identity_number: str, *, today: date) -> bool:
    """Let somebody sign for a company no more from today on; False when nobody told that they may.

    Numbers as in `tell`.
    """
    ended = db.session.scalars(
        update(Signatory)
        .where(
            Signatory.organisation_number_hash == lookup_hash(organisation_number),
            Signatory.identity_number_hash == lookup_hash(identity_number),
        )
        .values(until_on=today - timedelta(days=1))
        .returning(Signatory.id)
    )
    return bool(ended.all())
