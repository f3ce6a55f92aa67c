"""What stands in the history is told to the company's people, each event once."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from portal.collection import disputes, history, stops
from portal.collection.models import Case
from portal.database import tenancy
from portal.extensions import db
from portal.identity.actor import DEBTOR, SYSTEM, Actor
from portal.identity.models import Membership
from portal.notifications import gathering
from portal.notifications.kinds import KINDS
from tests.factories import NOW, TODAY, a_case, a_creditor, a_person_at
from tests.notifications.conftest import Office, gather


def object_to(case: Case, actor: Actor = DEBTOR) -> None:
    disputes.object_to(
        case, reason="paid", words="Paid.", amount_ore=None, channel="web", actor=actor,
        today=TODAY, now=NOW,
    )  # fmt: skip
    db.session.commit()


def happen(office: Office, name: str, actor: Actor = SYSTEM, **data: object) -> None:
    history.record(name, creditor_id=office.creditor.id, actor=actor, now=NOW, **data)
    db.session.commit()


def test_an_objection_is_told_to_everybody_with_the_case_that_it_is_about(office: Office) -> None:
    case = a_case(office.creditor)
    object_to(case)
    gather()
    for person in (office.eva, office.sofia, office.viewer):
        (one,) = office.told(person)
        assert (one.kind, one.data["reference"]) == ("dispute", case.reference)
        assert one.data["debtor"] == case.debtor.name


def test_another_reason_to_stop_is_no_objection(office: Office) -> None:
    stops.stop(a_case(office.creditor), "hold", reason="", actor=SYSTEM, now=NOW)
    db.session.commit()
    gather()
    assert office.told() == []


def test_what_was_told_is_not_told_again(office: Office) -> None:
    object_to(a_case(office.creditor))
    assert gather() > 0
    assert gather() == 0
    assert len(office.told()) == 1


def test_told_again_from_the_beginning_nobody_hears_anything_twice(office: Office) -> None:
    """As after a restored backup whose mark is older than its notifications."""
    object_to(a_case(office.creditor))
    gather()
    db.session.execute(text("update notification_marks set position = 0"))
    db.session.commit()
    gather()
    assert len(office.told()) == 1


def test_a_run_that_is_cut_off_has_told_nothing(office: Office) -> None:
    object_to(a_case(office.creditor))
    with pytest.raises(ZeroDivisionError):
        gathering.gather(NOW, between=lambda: 1 // 0)
    db.session.rollback()
    assert office.told() == []
    gather()
    assert len(office.told()) == 1


def test_parts_of_a_long_history_are_told_one_after_the_other(office: Office) -> None:
    for _ in range(3):
        object_to(a_case(office.creditor))
    parts: list[int] = []
    gathering.gather(NOW, between=lambda: parts.append(1), chunk=2)
    assert len(parts) >= 3
    assert office.kinds_told() == ["dispute"] * 3


def test_who_did_it_is_not_told_of_it(office: Office) -> None:
    eva = Actor("person", office.eva.name, office.eva.id, "creditor")
    happen(office, "rules.changed", eva)
    gather()
    assert office.told(office.eva) == []
    assert office.kinds_told(office.sofia) == ["rules"]


def test_a_role_is_told_of_what_is_for_it(office: Office) -> None:
    happen(office, "member.joined", person=7, who="Nils Berg")
    happen(office, "rules.changed")
    gather()
    assert office.kinds_told(office.eva) == ["people", "rules"]
    told = office.told(office.eva)[0].data
    assert (told["event"], told["who"]) == ("member.joined", "Nils Berg")
    assert "person" not in told
    assert office.kinds_told(office.sofia) == ["rules"]
    assert office.kinds_told(office.viewer) == []


def test_who_has_left_the_company_is_told_nothing(office: Office) -> None:
    memberships = {one.person_id: one for one in db.session.query(Membership)}
    memberships[office.sofia.id].ends_on = TODAY - timedelta(days=1)
    memberships[office.viewer.id].ends_on = TODAY
    db.session.commit()
    object_to(a_case(office.creditor))
    gather()
    assert office.told(office.sofia) == []
    assert office.kinds_told(office.viewer) == ["dispute"]


def test_another_companys_history_is_not_told(office: Office) -> None:
    object_to(a_case(a_creditor("Fjällbäcks Tandvård AB")))
    gather()
    assert office.told() == []


def test_somebody_of_two_companies_is_told_of_each(office: Office) -> None:
    other = a_creditor("Fjällbäcks Tandvård AB")
    a_person_at(other, "viewer", "196507182795")
    object_to(a_case(other))
    object_to(a_case(office.creditor))
    gather()
    assert {one.creditor_id for one in office.told()} == {other.id, office.creditor.id}


@pytest.mark.parametrize(("problems", "told"), [(0, []), (3, ["upload"])])
def test_a_file_is_told_of_by_default_only_when_rows_of_it_failed(
    office: Office, problems: int, told: list[str]
) -> None:
    happen(office, "upload.imported", upload=1, filename="a.csv", new=2, known=0, problems=problems)
    gather()
    assert office.kinds_told() == told
    assert all(one.is_failed for one in office.told())


def test_one_may_choose_to_be_told_of_files_that_did_not_fail(office: Office) -> None:
    office.choose("upload", failed_only=False)
    happen(office, "upload.imported", upload=1, filename="a.csv", new=2, known=0, problems=0)
    gather()
    assert [one.is_failed for one in office.told()] == [False]


def test_what_one_has_chosen_never_to_be_told_is_not_written_down(office: Office) -> None:
    office.choose("dispute", centre="never", mail="never")
    object_to(a_case(office.creditor))
    gather()
    assert office.told(office.eva) == []
    assert office.kinds_told(office.sofia) == ["dispute"]


def test_very_many_alike_are_told_in_one_sentence(office: Office) -> None:
    for _ in range(gathering.MOST_ALIKE + 1):
        happen(office, "rules.changed")
    object_to(a_case(office.creditor))
    gather()
    assert [(one.kind, one.count) for one in office.told()] == [
        ("rules", gathering.MOST_ALIKE + 1),
        ("dispute", 1),
    ]


def test_what_happened_before_there_were_notifications_is_not_told_now(office: Office) -> None:
    object_to(a_case(office.creditor))
    db.session.execute(
        text(
            "insert into notification_marks select creditor_id, position from history_heads"
            " on conflict (creditor_id) do update set position = excluded.position"
        )
    )
    db.session.commit()
    assert gather() == 0


def test_nobody_but_the_service_reads_on(office: Office) -> None:
    object_to(a_case(office.creditor))
    gather()
    with tenancy.creditors([office.creditor.id], office.eva.id):
        assert db.session.scalar(text("select count(*) from notification_marks")) == 0


def test_no_event_tells_of_two_kinds() -> None:
    told = [source.event for kind in KINDS.values() for source in kind.sources]
    assert len(told) == len(set(told))
