"""Views of the list of cases: what people keep under a name."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from bs4 import BeautifulSoup

from portal.collection.models import SavedView
from portal.creditor import case_list
from portal.extensions import db
from portal.identity.models import Creditor
from tests.creditor.conftest import Desk
from tests.factories import SOFIA, a_case, a_person_at, a_reminded_case

OTHER = "196104032898"


def listed(page: BeautifulSoup) -> set[str]:
    return {one.get_text(strip=True) for one in page.select("#list tbody th")}


def offered(page: BeautifulSoup) -> list[str]:
    return [one.get_text(" ", strip=True) for one in page.select(".views .menu-list a")]


def keep(
    desk: Desk, name: str = "Mine", query: str = "status=reminded", **more: object
) -> SavedView:
    desk.post("cases/views", name=name, query=query, **more)
    return db.session.query(SavedView).filter_by(name=name).one()


def test_a_view_is_kept_and_offered_and_shows_its_list(desk: Desk, creditor: Creditor) -> None:
    a_case(creditor)
    case = a_reminded_case(creditor)
    page = desk.post("cases/views", name="My reminded", query="status=reminded&cols=town&sort=due")
    assert "The view “My reminded” is kept." in page.get_text()
    assert listed(page) == {case.reference}
    assert page.select_one(".views summary").get_text(strip=True) == "View: My reminded"
    assert "My reminded" in offered(desk.get("cases"))


def test_every_view_of_the_page_shows_a_list(desk: Desk, creditor: Creditor) -> None:
    a_reminded_case(creditor)
    links = desk.get("cases").select(".views .menu-list a")[: len(case_list.STANDARD_VIEWS)]
    for link in links:
        page = desk.get("cases" + link["href"].partition("/cases")[2])
        assert page.select_one(".views [aria-current]").get_text(strip=True) == link.get_text(
            strip=True
        )
        assert not page.select(".finder .error")


@pytest.mark.parametrize(
    ("name", "told"), [(" ", "Give the view a name."), ("x" * 61, "60 characters")]
)
def test_a_view_needs_a_name(desk: Desk, name: str, told: str) -> None:
    page = desk.post("cases/views", name=name, query="status=paid", status=422)
    assert told in page.select_one(".error-summary").get_text()
    assert page.select_one("input[name=query]")["value"] == "status=paid"


def test_a_name_is_taken_once(desk: Desk) -> None:
    keep(desk, "Mine")
    page = desk.post("cases/views", name=" Mine ", query="", status=422)
    assert "A view of that name is there already." in page.get_text()


def test_a_search_for_an_identity_number_is_not_kept(desk: Desk) -> None:
    view = keep(desk, query="q=19710101-9052&status=paid&junk=1&view=open")
    assert view.query == "status=paid"


def test_a_view_begins_the_list_when_chosen(desk: Desk, creditor: Creditor) -> None:
    a_case(creditor)
    case = a_reminded_case(creditor)
    view = keep(desk, is_default="y")
    answer = desk.raw("cases")
    assert parse_qs(urlsplit(answer.location).query) == {
        "status": ["reminded"], "view": [str(view.id)],
    }  # fmt: skip
    assert len(listed(desk.get("cases?view=all"))) == 2
    desk.post("cases/views/begin", view="all")
    assert case.reference in listed(desk.get("cases"))
    desk.post("cases/views/begin", view="open")
    assert desk.raw("cases").location.endswith("cases?status=open&view=open")


def test_a_view_that_is_removed_begins_no_list(desk: Desk, creditor: Creditor) -> None:
    view = keep(desk, is_default="y")
    page = desk.post(f"cases/views/{view.id}/remove")
    assert "The view “Mine” is removed." in page.get_text()
    assert "Mine" not in offered(desk.get("cases"))


def test_a_view_is_renamed_and_takes_the_list_as_it_is_now(desk: Desk, creditor: Creditor) -> None:
    view = keep(desk)
    desk.post(f"cases/views/{view.id}", name="Ours", is_shared="y")
    page = desk.get(f"cases?status=paid&view={view.id}")
    form = page.select_one(f"form[action$='/cases/views/{view.id}']")
    assert "Keep the changes of “Ours”" in form.get_text()
    desk.post(f"cases/views/{view.id}", query=form.select_one("[name=query]")["value"])
    db.session.refresh(view)
    assert (view.name, view.query, view.is_shared) == ("Ours", "status=paid", True)


def test_a_new_name_that_is_taken_is_told_at_its_view(desk: Desk) -> None:
    keep(desk, "One")
    view = keep(desk, "Two")
    page = desk.post(f"cases/views/{view.id}", name="One", status=422)
    field = page.select_one(f"#name-{view.id}")
    assert (field["value"], field["aria-invalid"]) == ("One", "true")


def test_a_view_is_its_owners_until_shared(
    desk: Desk, desk_of: Callable[[str], Desk], creditor: Creditor
) -> None:
    a_person_at(creditor, "collector", OTHER)
    view, other = keep(desk), desk_of(OTHER)
    assert not any("Mine" in one for one in offered(other.get("cases")))
    other.post(f"cases/views/{view.id}/remove", status=404)
    desk.post(f"cases/views/{view.id}", name="Mine", is_shared="y")
    assert any(one.startswith("Mine (") for one in offered(other.get("cases")))
    other.post(f"cases/views/{view.id}", name="Stolen", status=404)
    other.post(f"cases/views/{view.id}/remove", status=404)


def test_an_administrator_tidies_what_is_shared(
    desk: Desk, desk_of: Callable[[str], Desk], creditor: Creditor
) -> None:
    a_person_at(creditor, "collector", OTHER)
    shared = keep(desk_of(OTHER), "Theirs", is_shared="y")
    desk.post(f"cases/views/{shared.id}", name="Tidier", is_shared="")
    db.session.refresh(shared)
    assert (shared.name, shared.is_shared) == ("Tidier", True)
    desk.post(f"cases/views/{shared.id}/remove")
    assert db.session.query(SavedView).count() == 0


def test_who_may_only_look_keeps_views_for_themselves(
    desk_of: Callable[[str], Desk], creditor: Creditor
) -> None:
    a_person_at(creditor, "viewer", SOFIA)
    assert not keep(desk_of(SOFIA), is_shared="y").is_shared
