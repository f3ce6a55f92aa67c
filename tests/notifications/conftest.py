"""A company with an administrator, a collector and a viewer, who are told of what happens there."""

from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import select

from portal.extensions import db
from portal.identity.models import Creditor, Person
from portal.notifications import choosing, gathering
from portal.notifications.choosing import Choice, Choices, Times
from portal.notifications.models import Notification
from tests.factories import EVA, NOW, SOFIA, a_creditor, a_person, a_person_at


@dataclass
class Office:
    """The company and its people."""

    creditor: Creditor
    eva: Person
    sofia: Person
    viewer: Person

    def told(self, person: Person | None = None) -> list[Notification]:
        """What somebody (default: Eva) is told, the oldest first."""
        db.session.expire_all()
        whose = (person or self.eva).id
        return list(
            db.session.scalars(
                select(Notification)
                .where(Notification.person_id == whose)
                .order_by(Notification.id)
            )
        )

    def kinds_told(self, person: Person | None = None) -> list[str]:
        """The kinds of it."""
        return [one.kind for one in self.told(person)]

    def choose(
        self,
        kind: str,
        *,
        centre: str = "at once",
        mail: str = "never",
        failed_only: bool = False,
        times: Times | None = None,
    ) -> None:
        """Let Eva choose how she is told of a kind."""
        before = choosing.choices_of(self.eva.id, self.creditor.id, "administrator")
        chosen = {**before.kinds, kind: Choice(centre, mail, failed_only)}
        choosing.save(
            self.eva.id, self.creditor.id, "administrator",
            Choices(times or before.times, chosen), now=NOW,
        )  # fmt: skip
        db.session.commit()


def gather() -> int:
    """Let the job tell of the history."""
    return gathering.gather(NOW, between=db.session.commit)


@pytest.fixture
def office(app: Flask) -> Office:
    creditor = a_creditor()
    people = [
        a_person_at(creditor, role, number)
        for role, number in (("administrator", EVA), ("collector", SOFIA))
    ]
    viewer = a_person("198508202382", given_name="Ingrid", surname="Falk")
    a_person_at(creditor, "viewer", "198508202382")
    for number, person in enumerate([*people, viewer]):
        person.email = f"person{number}@example.com"
    db.session.commit()
    return Office(creditor, *people, viewer)
