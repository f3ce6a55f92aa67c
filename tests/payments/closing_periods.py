"""A period that is closed, as if two operators had done it, for tests."""

from datetime import date

from portal.database import files
from portal.extensions import db
from portal.identity import people
from portal.identity.models import Person
from portal.payments.models import ClosedPeriod
from tests.factories import EVA, JOHAN, NOW, a_person


def _person(number: str) -> Person:
    return people.by_identity_number(number) or a_person(number, is_operator=True)


def close(last_on: date, *, first_on: date | None = None) -> ClosedPeriod:
    """Close everything through a day."""
    eva, johan = _person(EVA), _person(JOHAN)
    period = ClosedPeriod(
        key=f"period{last_on:%Y%m%d}", first_on=first_on or last_on.replace(day=1),
        last_on=last_on, status="closed", made_by=eva.name, made_by_id=eva.id, made_at=NOW,
        text="", reasons=[], figures={}, figures_sha256="", report_sha256=files.store(b"%PDF"),
        ended_at=NOW, approved_by=johan.name, approved_by_id=johan.id, signed_at=NOW, evidence={},
    )  # fmt: skip
    db.session.add(period)
    db.session.commit()
    return period
