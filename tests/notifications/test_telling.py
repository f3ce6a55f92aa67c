"""A room tells people of something in its own transaction."""

import pytest

from portal.database import tenancy
from portal.extensions import db
from portal.notifications.telling import notify
from tests.factories import JOHAN, NOW, a_person
from tests.notifications.conftest import Office


def mention(office: Office, key: str = "note:1", **values: object) -> int:
    count = notify(
        "mention",
        **{
            "creditor_id": office.creditor.id,
            "data": {"reference": "123456789", "by": "Sofia Nyström"},
            "key": key,
            "now": NOW,
            "to": [office.eva.id],
            **values,
        },
    )
    db.session.commit()
    return count


def test_those_who_are_named_are_told_and_nobody_else(office: Office) -> None:
    assert mention(office) == 1
    assert office.kinds_told(office.eva) == ["mention"]
    assert office.told(office.sofia) == []


def test_the_same_key_tells_once(office: Office) -> None:
    assert [mention(office), mention(office)] == [1, 0]
    assert len(office.told()) == 1


def test_somebody_who_mentions_themselves_is_not_told(office: Office) -> None:
    assert mention(office, actor_person_id=office.eva.id) == 0


def test_nobody_outside_the_company_is_told(office: Office) -> None:
    assert mention(office, to=[a_person(JOHAN).id]) == 0


def test_a_viewer_gets_a_mail_for_what_is_meant_for_them_alone(office: Office) -> None:
    mention(office, to=[office.viewer.id])
    notify("dispute", creditor_id=office.creditor.id, data={}, key="d", now=NOW)
    db.session.commit()
    assert [one.mail_how for one in office.told(office.viewer)] == ["at once", None]


def test_somebody_of_the_company_can_tell_a_colleague_what_they_cannot_read(
    office: Office,
) -> None:
    creditor_id, eva_id = office.creditor.id, office.eva.id
    with tenancy.creditors([creditor_id], office.sofia.id):
        told = notify(
            "mention", creditor_id=creditor_id, data={}, key="note:1", now=NOW, to=[eva_id]
        )
        db.session.commit()
    assert told == 1
    assert office.kinds_told() == ["mention"]


def test_told_again_it_stands_there_as_several_and_unread(office: Office) -> None:
    told = {"creditor_id": office.creditor.id, "data": {}, "key": "letters", "is_failed": True}
    notify("letter_failed", now=NOW, adds=True, **told)
    db.session.commit()
    (one,) = office.told()
    one.read_at = NOW
    db.session.commit()
    notify("letter_failed", now=NOW, adds=True, **told)
    db.session.commit()
    (one,) = office.told()
    assert (one.count, one.read_at) == (2, None)


def test_a_kind_that_there_is_not_is_refused(office: Office) -> None:
    with pytest.raises(KeyError):
        notify("gossip", creditor_id=office.creditor.id, data={}, key="k", now=NOW)
