"""Documents at the desk: chosen, counted, made in the background, fetched."""

import io
import zipfile
from collections.abc import Callable

from portal import jobs
from portal.extensions import db
from portal.reporting import holdings, orders
from tests.creditor.conftest import Desk
from tests.factories import SOFIA, a_person_at, a_reminded_case

MARCH = "from=2026-03-01&to=2026-03-31"


def test_every_kind_of_document_can_be_chosen(desk: Desk) -> None:
    boxes = {box["value"] for box in desk.get("archives").select("input[name=parts]")}
    assert boxes == {"everything", *holdings.PARTS}


def test_how_many_and_how_large_is_told_before_anything_is_made(desk: Desk) -> None:
    a_reminded_case(desk.creditor)
    page = desk.get(f"archives?parts=histories-json&parts=ledger&{MARCH}")
    rows = [
        [cell.get_text(strip=True) for cell in row.select("td")]
        for row in page.select("#choice tbody tr")
    ]
    assert [row[0] for row in rows] == ["1", "1", "2"]
    assert orders.page(desk.creditor.id, "archive").rows == []


def test_a_period_that_is_none_is_told_at_its_field(desk: Desk) -> None:
    page = desk.get("archives?parts=ledger&from=2026-03-31&to=2026-03-01", status=422)
    assert page.select_one("#to[aria-invalid=true]") is not None


def test_who_chooses_no_kind_of_document_is_told_so(desk: Desk) -> None:
    page = desk.get(f"archives?{MARCH}", status=422)
    assert "Choose at least one kind" in page.select_one("#parts-error").text


def test_of_nothing_no_archive_is_offered(desk: Desk) -> None:
    page = desk.get("archives?parts=letters&from=2020-01-01&to=2020-12-31")
    assert page.select("#choice form[method=post]") == []


def test_an_archive_is_made_and_fetched_and_stands_in_the_list(desk: Desk) -> None:
    a_reminded_case(desk.creditor)
    desk.post("archives", parts=["histories-json"], **{"from": "2026-03-01", "to": "2026-03-31"})
    jobs.make_ordered()
    db.session.rollback()
    (order,) = orders.page(desk.creditor.id, "archive").rows
    page = desk.get(f"orders/{order.id}")
    assert order.files[0]["sha256"] in page.text
    body = desk.raw(f"orders/{order.id}/files/0").data
    assert "manifest.json" in zipfile.ZipFile(io.BytesIO(body)).namelist()
    cells = [cell.get_text(strip=True) for cell in desk.get("archives").select("tbody tr td")]
    assert cells[-1] == "1"
    assert "Johan" in desk.get(f"orders/{order.id}").select("#order table")[1].text


def test_nothing_chosen_is_told(desk: Desk) -> None:
    page = desk.post("archives", **{"from": "2026-03-01", "to": "2026-03-31"})
    assert "Choose at least one kind" in page.text


def test_a_viewer_is_not_offered_to_take_documents_along(
    desk: Desk, desk_of: Callable[[str], Desk]
) -> None:
    a_person_at(desk.creditor, "viewer", SOFIA)
    assert "Take documents along" in desk.get("documents").text
    assert "Take documents along" not in desk_of(SOFIA).get("documents").text


def test_a_viewer_neither_makes_nor_fetches_documents(
    desk: Desk, desk_of: Callable[[str], Desk]
) -> None:
    a_person_at(desk.creditor, "viewer", SOFIA)
    desk.post("archives", parts=["ledger"], **{"from": "2026-03-01", "to": "2026-03-31"})
    (order,) = orders.page(desk.creditor.id, "archive").rows
    for path in ("archives", f"orders/{order.id}", f"orders/{order.id}/files/0"):
        desk_of(SOFIA).get(path, status=403)
