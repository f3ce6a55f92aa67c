"""One act with many cases: looked at, done, told case by case, taken back."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import select

from portal import clock, jobs
from portal.collection import cases, stops, together
from portal.collection.models import ActTogether, Case, Event, Stop
from portal.extensions import db
from portal.identity.actor import Actor
from portal.identity.models import Creditor
from tests.creditor.conftest import Desk
from tests.factories import NOW, SOFIA, TODAY, a_case, a_debtor_of, a_person_at, a_reminded_case

EVA_HERSELF = Actor("person", "Eva", None, "creditor")


def look_at(desk: Desk, act: str, *some: Case, **more: object) -> BeautifulSoup:
    """The page that tells what an act would do with the cases that are marked."""
    marked = [one.reference for one in some]
    return desk.post("cases/together", act=act, scope="marked", case=marked, **more)


def do(desk: Desk, page: BeautifulSoup, **options: object) -> BeautifulSoup:
    """Press the button of that page."""
    (form,) = [one for one in page.select("main form") if one["action"].endswith(_newest())]
    return desk.post(form["action"].partition(f"/{desk.creditor.key}/")[2], **options)


def _newest() -> str:
    return str(db.session.scalar(select(ActTogether.id).order_by(ActTogether.id.desc()).limit(1)))


def words(page: BeautifulSoup) -> str:
    return page.select_one("main").get_text(" ", strip=True)


def holds(case: Case) -> list[Stop]:
    return list(db.session.scalars(select(Stop).where(Stop.case_id == case.id)))


def test_the_page_says_how_many_for_how_much_and_why_not_the_others(
    desk: Desk, creditor: Creditor
) -> None:
    fits = [a_reminded_case(creditor) for _ in range(2)]
    closed = a_case(creditor)
    desk_recall(closed)
    told = words(look_at(desk, "recall", *fits, closed))
    assert "It is done with 2 cases" in told
    assert "SEK 2,120.00" in told.replace("\xa0", " ")
    assert "Fees given up SEK 120.00" in told.replace("\xa0", " ")
    assert "It is closed. 1" in told


def desk_recall(case: Case) -> None:
    from portal.collection import changes

    changes.recall(cases.lock(case.id), reason="", actor=EVA_HERSELF, today=TODAY, now=NOW)
    db.session.commit()


def test_marked_cases_are_put_on_hold_and_let_go_again(desk: Desk, creditor: Creditor) -> None:
    some, other = [a_reminded_case(creditor) for _ in range(2)], a_reminded_case(creditor)
    until = clock.today() + timedelta(days=20)
    page = do(desk, look_at(desk, "hold", *some), reason="Strike", until_on=until.isoformat())
    assert "Done with 2 cases." in words(page)
    assert [(one.kind, one.reason, one.until_on) for case in some for one in holds(case)] == [
        ("hold", "Strike", until)
    ] * 2
    assert not holds(other)
    back = desk.post(f"cases/together/{_newest()}/undo")
    assert "Let these cases go on?" in words(back)
    assert "Done with 2 cases." in words(do(desk, back))
    assert all(one.ended_at for case in some for one in holds(case))


def test_all_on_the_page_and_all_that_the_list_finds_are_others(
    desk: Desk, creditor: Creditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.collection.finding.PAGE_SIZE", 2)
    for _ in range(3):
        a_reminded_case(creditor)
    a_case(creditor)
    page = desk.get("cases?status=reminded")
    form = page.select_one("#together")
    shown = [one["value"] for one in form.select("[name=shown]")]
    query = form.select_one("[name=query]")["value"]
    assert "All 3 that the list finds" in form.get_text()
    few = desk.post("cases/together", act="hold", scope="shown", shown=shown, query=query)
    assert "It is done with 2 cases" in words(few)
    every = desk.post("cases/together", act="hold", scope="all", query=query)
    assert "It is done with 3 cases" in words(every)


def test_a_search_for_an_identity_number_can_be_acted_on(desk: Desk, creditor: Creditor) -> None:
    from portal.database.encryption import lookup_hash

    number = "197101019052"
    a_case(creditor, debtor=a_debtor_of(
        creditor, identity_number=number, identity_number_hash=lookup_hash(number)))  # fmt: skip
    a_case(creditor)
    page = desk.post("cases/find", q=number)
    query = page.select_one("#together [name=query]")["value"]
    assert number not in query
    told = words(desk.post("cases/together", act="hold", scope="all", query=query))
    assert "It is done with 1 case" in told


def test_a_case_that_changed_meanwhile_is_left_alone_and_told(
    desk: Desk, creditor: Creditor
) -> None:
    kept, changed = a_reminded_case(creditor), a_reminded_case(creditor)
    page = look_at(desk, "write off", kept, changed)
    stops.stop(cases.lock(changed.id), "dispute", "", actor=EVA_HERSELF, now=NOW)
    db.session.commit()
    told = do(desk, page, reason="Too small")
    assert "Done with 1 case. Left alone: 1 case." in words(told)
    row = told.select_one("main tbody tr").get_text(" ", strip=True)
    assert changed.reference in row
    assert "It has changed since you looked at it." in row
    db.session.refresh(changed)
    db.session.refresh(kept)
    assert (kept.status, changed.status) == ("written off", "reminded")


@pytest.mark.parametrize(
    ("act", "why"),
    [
        ("legal", "It is not at a step where this can be done."),
        ("surveillance", "It is not at a step where this can be done."),
        ("resume", "It is not on hold."),
    ],
)
def test_what_does_not_fit_has_no_button(
    desk: Desk, creditor: Creditor, act: str, why: str
) -> None:
    page = look_at(desk, act, a_reminded_case(creditor))
    assert "It can be done with none of these cases" in words(page)
    assert why in words(page)
    assert len(page.select("main form")) == 1


def test_what_is_objected_to_or_has_time_left_is_no_matter_for_the_authority(
    desk: Desk, creditor: Creditor
) -> None:
    ready, stopped, early = (a_reminded_case(creditor) for _ in range(3))
    for case in (ready, stopped, early):
        case.status, case.next_step, case.next_step_on = "deciding", None, None
        case.pay_by_on = TODAY - timedelta(days=1)
    early.pay_by_on = clock.today()
    db.session.commit()
    stops.stop(cases.lock(stopped.id), "dispute", "", actor=EVA_HERSELF, now=NOW)
    db.session.commit()
    page = look_at(desk, "legal", ready, stopped, early)
    told = words(page)
    assert "It stands still for a reason of its own." in told
    assert "The demand still gives time to pay." in told
    do(desk, page)
    assert [db.session.get_one(Case, one.id).status for one in (ready, stopped, early)] == [
        "legal", "deciding", "deciding",
    ]  # fmt: skip


def test_customers_are_given_another_class(desk: Desk, creditor: Creditor) -> None:
    one = a_case(creditor, debtor=a_debtor_of(creditor, customer_class="Old"))
    same = a_case(creditor, debtor=a_debtor_of(creditor, customer_class="New"))
    do(desk, look_at(desk, "class", one, same), customer_class=" New ")
    db.session.refresh(one.debtor)
    assert one.debtor.customer_class == "New"
    names = db.session.scalars(select(Event.case_id).where(Event.name == "case.customer_changed"))
    assert list(names) == [one.id]


def test_many_are_done_in_the_background_and_a_second_run_does_nothing(
    app: Flask, desk: Desk, creditor: Creditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "FEW", 1)
    monkeypatch.setattr(together, "_CHUNK", 2)
    some = [a_reminded_case(creditor) for _ in range(5)]
    page = do(desk, look_at(desk, "hold", *some), reason="Strike")
    assert page.select_one("progress")["max"] == "5"
    assert not any(holds(case) for case in some)
    jobs.act_together()
    jobs.act_together()
    assert all(len(holds(case)) == 1 for case in some)
    events = db.session.scalars(select(Event).where(Event.name == "case.stopped")).all()
    assert len(events) == 5
    assert "Done with 5 cases." in words(desk.get(f"cases/together/{_newest()}"))


def test_what_is_stopped_midway_stays_where_it_is(
    app: Flask, desk: Desk, creditor: Creditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "FEW", 1)
    monkeypatch.setattr(together, "_CHUNK", 2)
    some = [a_reminded_case(creditor) for _ in range(3)]
    do(desk, look_at(desk, "hold", *some), reason="Strike")
    together.go_on(int(_newest()), today=TODAY, now=NOW)
    db.session.commit()
    page = desk.post(f"cases/together/{_newest()}/cancel")
    assert "Done with 2 cases. Not reached: 1 case." in words(page)
    jobs.act_together()
    assert sum(len(holds(case)) for case in some) == 2


def test_nothing_marked_and_nothing_chosen_are_told(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    assert "Mark the cases first." in desk.post("cases/together", act="hold").get_text()
    assert "Choose what to do." in look_at(desk, "", case).get_text()


def test_a_reason_is_asked_for(desk: Desk, creditor: Creditor) -> None:
    page = look_at(desk, "recall", a_reminded_case(creditor))
    again = desk.post(f"cases/together/{_newest()}", status=422)
    assert "Fill this in." in again.get_text()
    assert page.select_one("input[name=reason]").has_attr("required")


def test_another_companys_case_is_not_taken_along(desk: Desk, creditor: Creditor) -> None:
    from tests.factories import a_creditor_that_signed

    other = a_case(a_creditor_that_signed("Lindens Cykel & Sport AB"))
    assert "Mark the cases first." in look_at(desk, "hold", other).get_text()


def test_more_than_may_be_done_at_once_is_refused(
    desk: Desk, creditor: Creditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "MOST", 1)
    told = look_at(desk, "hold", a_case(creditor), a_case(creditor)).get_text()
    assert "More than 1 cases at a time are too many." in told


def test_drafts_are_forgotten_and_what_was_done_is_listed(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    do(desk, look_at(desk, "hold", case), reason="Strike")
    look_at(desk, "resume", case)
    together.forget_drafts(clock.now() + timedelta(days=1))
    db.session.commit()
    assert db.session.scalars(select(ActTogether.act)).all() == ["hold"]
    assert "Put on hold" in words(desk.get("cases/together"))


def test_a_viewer_is_shown_no_marks(desk_of: Callable[[str], Desk], creditor: Creditor) -> None:
    a_person_at(creditor, "viewer", SOFIA)
    a_case(creditor)
    page = desk_of(SOFIA).get("cases")
    assert not page.select("[name=case], #together")


def test_what_a_colleague_has_looked_at_is_theirs_to_do(
    desk: Desk, desk_of: Callable[[str], Desk], creditor: Creditor
) -> None:
    case = a_reminded_case(creditor)
    desk.post("cases/together", act="hold", scope="marked", case=case.reference)
    act = db.session.scalars(select(ActTogether)).one()
    a_person_at(creditor, "collector", SOFIA)
    desk_of(SOFIA).get(f"cases/together/{act.id}", status=404)
    assert act.status == "draft"


def test_a_search_that_is_forgotten_is_not_all_cases(desk: Desk, creditor: Creditor) -> None:
    a_reminded_case(creditor)
    desk.post("cases/together", act="hold", scope="all", query="found=gone")
    assert db.session.scalars(select(ActTogether)).all() == []
    assert desk.raw("cases.csv?found=gone").status_code == 303
