"""How a person wants a company's pages to be: kept for that person and company alone."""

from typing import Any

from sqlalchemy import ScalarSelect, delete, select
from sqlalchemy.dialects.postgresql import insert

from portal.extensions import db
from portal.identity.models import Preference


def kept(person_id: int, creditor_id: int, name: str) -> Any:
    """What a person has chosen, as JSON values; None for nothing. name: of what is chosen."""
    return db.session.scalar(select(kept_sql(person_id, creditor_id, name)))


def kept_sql(person_id: int, creditor_id: int, name: str) -> ScalarSelect[Any]:
    """The same, for a statement that asks for more besides."""
    return (
        select(Preference.value)
        .where(
            Preference.person_id == person_id,
            Preference.creditor_id == creditor_id,
            Preference.name == name,
        )
        .scalar_subquery()
    )


def keep(person_id: int, creditor_id: int, name: str, value: Any) -> None:
    """Keep what a person has chosen, in place of what was. value: JSON values."""
    db.session.execute(
        insert(Preference)
        .values(person_id=person_id, creditor_id=creditor_id, name=name, value=value)
        .on_conflict_do_update(
            index_elements=[Preference.person_id, Preference.creditor_id, Preference.name],
            set_={"value": value},
        )
    )


def forget(person_id: int, creditor_id: int, name: str) -> None:
    """Let what holds for everyone hold again."""
    db.session.execute(
        delete(Preference).where(
            Preference.person_id == person_id,
            Preference.creditor_id == creditor_id,
            Preference.name == name,
        )
    )
