"""The overview: what waits, the figures, and each person's own cards."""

import random
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import event, select, update
from sqlalchemy.engine import Engine

from portal import clock, ledger
from portal.collection import figures, states, stops
from portal.collection.models import Case, Debtor, KeptFigures
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.models import Creditor
from portal.jobs import refresh_figures
from tests.collection.lives import (
    CLERK,
    a_life,
    a_long_history,
    agree_on_plan,
    at,
    break_plan,
    open_on,
    pay,
)
from tests.creditor.conftest import Desk
from tests.factories import EVA, SOFIA, a_creditor, a_person_at

TODAY = clock.today()


def needs(page: BeautifulSoup) -> list[str]:
    return [" ".join(one.get_text(" ").split()) for one in page.select(".needs li")]


def titles(page: BeautifulSoup) -> list[str]:
    return [one.get_text(strip=True) for one in page.select(".overview > section > h2")]


def a_case_of(creditor: Creditor) -> Case:
    return open_on(creditor, TODAY - timedelta(days=9), due_on=TODAY - timedelta(days=20), ore=10_000)  # fmt: skip # noqa: E501


def test_nothing_waits_where_all_goes_by_itself(desk: Desk, creditor: Creditor) -> None:
    a_case_of(creditor)
    db.session.commit()
    assert "Nothing waits for you" in desk.get("").select_one("#card-needs").get_text()


def test_what_waits_is_counted_and_tells_since_when(desk: Desk, creditor: Creditor) -> None:
    for days in (3, 8):
        stops.stop(
            a_case_of(creditor), states.DISPUTE, "", actor=CLERK,
            now=at(TODAY - timedelta(days=days)),
        )  # fmt: skip
    deciding = a_case_of(creditor)
    deciding.status, deciding.pay_by_on = states.DECIDING, TODAY - timedelta(days=4)
    kept = a_case_of(creditor)
    agree_on_plan(kept, TODAY - timedelta(days=8))
    break_plan(kept, TODAY)
    homeless = a_case_of(creditor)
    db.session.get_one(Debtor, homeless.debtor_id).town = ""
    db.session.commit()
    assert needs(desk.get("")) == [
        "2 objections to answer the oldest for 8 days",
        "1 case to decide on the oldest for 4 days",
        "1 payment plan that was not kept new today",
        "1 open case without a full address the oldest for 9 days",
    ]


def test_a_letter_that_could_not_be_sent_waits(desk: Desk, creditor: Creditor) -> None:
    db.session.add(
        Message(
            creditor_id=creditor.id, case_id=a_case_of(creditor).id, kind="reminder",
            channel="letter", language="sv", content={}, idempotency_key="x", status="failed",
            created_at=at(TODAY), due_at=at(TODAY),
        )
    )  # fmt: skip
    db.session.commit()
    assert needs(desk.get("")) == ["1 letter that could not be sent new today"]


def test_an_objection_that_is_answered_waits_no_more(desk: Desk, creditor: Creditor) -> None:
    case = a_case_of(creditor)
    stops.stop(case, states.DISPUTE, "", actor=CLERK, now=at(TODAY))
    stops.end(case, states.DISPUTE, actor=CLERK, today=TODAY, now=at(TODAY))
    db.session.commit()
    assert needs(desk.get("")) == []


def test_another_companys_needs_are_not_told(desk: Desk, creditor: Creditor) -> None:
    a_case_of(creditor)
    stops.stop(a_case_of(a_creditor()), states.DISPUTE, "", actor=CLERK, now=at(TODAY))
    db.session.commit()
    assert needs(desk.get("")) == []


def test_what_waits_leads_to_where_it_is(desk: Desk, creditor: Creditor) -> None:
    stops.stop(a_case_of(creditor), states.DISPUTE, "", actor=CLERK, now=at(TODAY))
    db.session.commit()
    address = desk.get("").select_one(".needs a")["href"]
    assert desk.client.get(address).status_code == 200


def test_the_page_shows_what_the_ledger_says(desk: Desk, creditor: Creditor) -> None:
    dice = random.Random(1)
    for _ in range(25):
        a_life(creditor, dice, TODAY)
    db.session.commit()
    page = desk.get("")
    shown = page.select_one("#card-owed .figure").get_text(strip=True)
    assert int(re.sub(r"\D", "", shown)) == ledger.owed_to(creditor.id)
    columns = page.select("#card-ageing tbody tr:last-child td")
    opened = len(db.session.scalars(select(Case).where(Case.closed_on.is_(None))).all())
    assert columns[0].get_text(strip=True) == str(opened)


def test_a_small_companys_figures_are_of_now(desk: Desk, creditor: Creditor) -> None:
    case = a_case_of(creditor)
    db.session.commit()
    assert "Figures as of" in desk.get("").select_one("#overview [role=status]").get_text()
    pay(case, TODAY)
    db.session.commit()
    page = desk.get("")
    assert page.select_one("#overview").get("hx-get") is None
    assert page.select_one("#card-owed .figure").get_text() == "SEK\xa0100.00"


def test_old_figures_are_shown_with_their_time_until_the_job_has_made_new_ones(
    desk: Desk, creditor: Creditor
) -> None:
    case = a_case_of(creditor)
    a_long_history(creditor, TODAY)
    db.session.commit()
    desk.get("")
    long_ago = clock.now() - timedelta(hours=3)
    db.session.execute(update(KeptFigures).values(took_ms=5_000, made_at=long_ago))
    pay(case, TODAY)
    db.session.commit()
    page = desk.get("")
    assert "Newer ones are on their way" in page.get_text()
    address = page.select_one("#overview")["hx-get"]
    htmx = {"HX-Request": "true", "Accept-Language": "en"}
    # Nothing new yet; the job waits.
    assert desk.client.get(address, headers=htmx).status_code == 204
    refresh_figures(creditor.id)
    fresh = desk.client.get(address, headers=htmx)
    assert fresh.status_code == 200
    assert "<h1" not in fresh.text
    assert "Newer ones" not in fresh.text
    assert 'hx-trigger="load' not in fresh.text


def test_without_scripts_the_reader_asks_for_newer_figures(desk: Desk, creditor: Creditor) -> None:
    a_case_of(creditor)
    db.session.commit()
    assert desk.raw("overview/figures").status_code == 303


def test_a_company_without_cases_is_shown_the_way_to_the_first(
    desk: Desk, creditor: Creditor
) -> None:
    steps = desk.get("").select(".to-do li")
    assert [one.h3.get_text(" ", strip=True) for one in steps] == [
        "Sign the agreement (done)",
        "Say where your money is to be paid out",
        "Look at the rules (done)",
        "Upload your unpaid invoices",
        "Switch collection on (done)",
    ]
    a_case_of(creditor)
    db.session.commit()
    assert desk.get("").select(".to-do") == []


def test_too_little_to_foretell_is_said(desk: Desk, creditor: Creditor) -> None:
    a_case_of(creditor)
    db.session.commit()
    assert "too little to tell" in desk.get("").select_one("#card-forecast").get_text()


def test_a_chart_has_its_numbers_in_a_table(desk: Desk, creditor: Creditor) -> None:
    pay(a_case_of(creditor), TODAY)
    a_case_of(creditor)
    db.session.commit()
    for chart in desk.get("").select("figure.chart"):
        assert chart.select("svg[role=img] > title")
        assert chart.select("details table tbody tr")


@pytest.mark.parametrize("currency", ["SEK", "EUR", "XXX", ""])
def test_a_currency_is_chosen_in_the_address(desk: Desk, creditor: Creditor, currency: str) -> None:
    a_case_of(creditor)
    db.session.commit()
    assert desk.get(f"?currency={currency}").select("#card-owed")


def test_the_page_asks_the_database_six_times(desk: Desk, creditor: Creditor) -> None:
    a_case_of(creditor)
    db.session.commit()
    desk.get("")
    address, seen = f"/creditor/{creditor.key}/", list[str]()

    def note(_: object, __: object, statement: str, *rest: object) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        desk.client.get(address)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert len(seen) <= 6, seen


# Cards


def arrange(desk: Desk, **values: object) -> BeautifulSoup:
    """Send the form as it stands, with some of it changed."""
    form = desk.get("?arrange=1").select_one("form.arrange")
    told = {
        "shown": [one["value"] for one in form.select("input[name=shown][checked]")],
        **{
            one["name"]: one.select_one("option[selected]")["value"]
            for one in form.select("select")
        },
    }
    return desk.post("overview/cards", **{**told, **values})


def test_a_card_is_moved_and_stays_there(desk: Desk) -> None:
    before = titles(desk.get(""))
    arrange(desk, move="needs down")
    after = titles(desk.get(""))
    assert after == [before[1], before[0], *before[2:]]


def test_a_card_is_made_small_or_left_out(desk: Desk) -> None:
    arrange(desk, **{"size-money": "small", "shown": ["money", "needs"]})
    page = desk.get("")
    assert titles(page) == ["What needs you", "Collected this month"]
    assert "is-wide" not in page.select_one("#card-money")["class"]


def test_who_leaves_all_cards_out_can_choose_again(desk: Desk) -> None:
    arrange(desk, shown=[])
    page = desk.get("")
    assert titles(page) == []
    assert len(page.select(".arrange input[name=shown]")) == 10


def test_the_cards_are_as_at_first_when_that_is_wished(desk: Desk) -> None:
    before = titles(desk.get(""))
    arrange(desk, shown=["money"])
    arrange(desk, reset="1")
    assert titles(desk.get("")) == before


def test_cards_are_each_persons_own(
    desk: Desk, creditor: Creditor, desk_of: Callable[[str], Desk]
) -> None:
    a_person_at(creditor, "viewer", SOFIA)
    arrange(desk, shown=["money"])
    assert len(titles(desk_of(SOFIA).get(""))) == 10
    arrange(desk_of(SOFIA), shown=["needs"])
    assert titles(desk_of(EVA).get("")) == ["Collected this month"]


@pytest.mark.parametrize(
    "values",
    [{"move": "needs up"}, {"move": "uploads down"}, {"move": "nothing down"}, {"move": "x"},
     {"move": "needs sideways"}, {"size-needs": "huge"}],
)  # fmt: skip
def test_what_cannot_be_changes_nothing(desk: Desk, values: dict[str, str]) -> None:
    before = str(desk.get("").select_one(".overview").find_all("section", recursive=False)[0])
    arrange(desk, **values)
    assert titles(desk.get(""))[0] in before


def test_with_scripts_only_the_cards_are_exchanged(desk: Desk) -> None:
    token = desk.get("").select_one("form.arrange input[name=csrf_token]")["value"]
    answer = desk.client.post(
        f"/creditor/{desk.creditor.key}/overview/cards",
        data={"csrf_token": token, "shown": "needs"},
        headers={"HX-Request": "true"},
    )
    page = BeautifulSoup(answer.text, "html.parser")
    assert page.select("h1") == []
    assert page.select_one("#overview details#arrange").has_attr("open")


def test_a_job_that_runs_while_nothing_happens_makes_nothing(
    desk: Desk, creditor: Creditor
) -> None:
    a_case_of(creditor)
    db.session.commit()
    refresh_figures()
    made_at = db.session.scalar(select(KeptFigures.made_at))
    refresh_figures()
    assert db.session.scalar(select(KeptFigures.made_at)) == made_at
    assert figures.due(clock.today(), clock.now()) == []
