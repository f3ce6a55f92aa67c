"""Documents that are kept: found, in folders, until when, on hold, and who has had them."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup

from portal import clock
from portal.creditor import notices
from portal.database import files
from portal.extensions import db
from portal.identity.actor import SYSTEM
from portal.identity.models import Creditor
from portal.reporting import making
from portal.reporting.models import Order
from portal.signing import envelopes, events, folders, keeping, listing
from portal.signing.models import Envelope
from tests.creditor.conftest import Desk
from tests.factories import SOFIA, a_creditor, a_person_at
from tests.signing.envelopes import SENDER, a_file, an_envelope, invited

DeskOf = Callable[[str], Desk]


def sent(creditor: Creditor, **values: object) -> Envelope:
    today = clock.today()
    values = {"last_on": today + timedelta(days=30), "now": clock.now(), **values}
    return an_envelope(creditor, today=today, **values)  # type: ignore[arg-type]


def ended(creditor: Creditor, **values: object) -> Envelope:
    envelope = sent(creditor, **values)
    envelopes.withdraw(envelope, "", actor=SENDER, now=clock.now())
    db.session.commit()
    return envelope


def viewer(desk: Desk, desk_of: DeskOf, role: str = "viewer") -> Desk:
    a_person_at(desk.creditor, role, SOFIA)
    return desk_of(SOFIA)


def shown(page: BeautifulSoup) -> list[str]:
    return [row.select_one("th a").text for row in page.select("#list tbody tr")]


def renamed(envelope: Envelope, title: str) -> Envelope:
    envelope.title = title
    db.session.commit()
    return envelope


@pytest.fixture
def three(desk: Desk) -> list[Envelope]:
    """Of one each: a file's name, a signer, a kind."""
    return [
        renamed(sent(desk.creditor, files=[a_file("Hyresavtal 2026.pdf")]), "Lokal"),
        renamed(
            sent(desk.creditor, signers=[invited("Åsa Öberg", email="asa@signer.example")]),
            "Anställning",
        ),
        renamed(sent(desk.creditor, kind="loan"), "Skuldebrev"),
    ]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("q=hyres", ["Lokal"]),
        ("q=lokal+2026", ["Lokal"]),
        ("q=lokal+2027", []),
        ("q=åsa", ["Anställning"]),
        ("q=%C3%96BERG", ["Anställning"]),
        ("q=asa@signer", ["Anställning"]),
        ("q=%25", []),
        ("person=öberg", ["Anställning"]),
        ("person=Sara+Lind", ["Skuldebrev", "Anställning", "Lokal"]),
        ("type=loan", ["Skuldebrev"]),
        ("from=2100-01-01", []),
        ("to=2000-01-01", []),
        ("from=nonsense", ["Skuldebrev", "Anställning", "Lokal"]),
        ("status=draft", []),
    ],
)
def test_documents_are_found(
    desk: Desk, three: list[Envelope], asked: str, found: list[str]
) -> None:
    assert shown(desk.get(f"documents?{asked}")) == found


def test_the_chosen_are_moved_into_a_new_folder(desk: Desk, three: list[Envelope]) -> None:
    page = desk.post("documents/move", document=[three[0].key, three[2].key], folder="  Lån  2026 ")
    assert "Moved: 2" in page.text
    assert folders.of(desk.creditor.id) == [folders.Folder("Lån 2026", 2)]
    assert shown(desk.get("documents?folder=L%C3%A5n+2026")) == ["Skuldebrev", "Lokal"]
    assert shown(desk.get("documents?folder=-")) == ["Anställning"]


def test_a_folder_that_differs_in_case_is_the_same(desk: Desk, three: list[Envelope]) -> None:
    desk.post("documents/move", document=three[0].key, folder="Lån")
    desk.post("documents/move", document=three[1].key, folder="LÅN")
    assert folders.of(desk.creditor.id) == [folders.Folder("Lån", 2)]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"folder": "Lån"}, "Choose at least one document"),
        ({"folder": "=1+1", "document": "x"}, "starts like a formula"),
        ({"folder": "x" * 61, "document": "x"}, "60"),
    ],
)
def test_what_is_wrong_about_a_folder_is_told_at_the_field(
    desk: Desk, three: list[Envelope], values: dict[str, str], told: str
) -> None:
    page = desk.post("documents/move", status=422, **values)
    assert told in page.select_one("#folder-error").text


def test_another_companys_document_is_not_moved(desk: Desk, three: list[Envelope]) -> None:
    other = sent(a_creditor("Annat AB"))
    desk.post("documents/move", document=other.key, folder="Mine")
    db.session.refresh(other)
    assert other.folder == ""


def test_a_folder_is_renamed(desk: Desk, three: list[Envelope]) -> None:
    desk.post("documents/move", document=three[0].key, folder="Lån")
    desk.post("documents/rename-folder", before="Lån", folder="lån")
    assert folders.of(desk.creditor.id) == [folders.Folder("lån", 1)]


def test_who_opens_it_at_the_company_is_noted_once_an_hour(desk: Desk) -> None:
    envelope = sent(desk.creditor)
    for _ in range(2):
        desk.get(f"documents/{envelope.key}")
    db.session.rollback()
    assert [one.name for one in events.of(envelope)].count("opened_by_staff") == 1


def test_each_download_is_noted_with_its_file(desk: Desk) -> None:
    envelope = sent(desk.creditor)
    (file,) = envelopes.files_of(envelope)
    for _ in range(2):
        desk.raw(f"documents/{envelope.key}/files/{file.key}/file")
    db.session.rollback()
    told = [one for one in events.of(envelope) if one.name == "downloaded"]
    assert [(one.data["file_name"], one.data["sha256"]) for one in told] == [
        (file.name, file.sha256)
    ]
    events.verify(events.log_of(envelope))


def test_who_has_had_it_is_a_table_that_is_filtered_and_exported(desk: Desk) -> None:
    envelope = sent(desk.creditor)
    (file,) = envelopes.files_of(envelope)
    desk.get(f"documents/{envelope.key}")
    desk.raw(f"documents/{envelope.key}/files/{file.key}/file")
    rows = desk.get(f"documents/{envelope.key}?what=downloaded").select("#log tbody tr")
    assert len(rows) == 1
    assert file.name in rows[0].text
    assert desk.get(f"documents/{envelope.key}?who=Nobody").select("#log tbody tr") == []
    exported = desk.raw(f"documents/{envelope.key}/log.csv?what=downloaded").get_data(as_text=True)
    assert file.name in exported
    assert "Opened" not in exported


def test_the_evidence_is_downloaded_as_it_is(desk: Desk) -> None:
    envelope = sent(desk.creditor)
    assert desk.raw(f"documents/{envelope.key}/evidence.pdf").data.startswith(b"%PDF")
    log = json.loads(desk.raw(f"documents/{envelope.key}/evidence.json").data)
    assert [one["event"] for one in events.verify(log)][:2] == ["created", "sent"]


def test_a_draft_has_no_evidence(desk: Desk) -> None:
    draft = envelopes.draft(
        desk.creditor.id, title="A", last_on=clock.today(), actor=SYSTEM, sender_email=None,
        now=clock.now(),
    )  # fmt: skip
    db.session.commit()
    assert desk.raw(f"documents/{draft.key}/evidence.pdf").status_code == 404


def test_a_document_says_until_when_it_is_kept_and_why(desk: Desk) -> None:
    envelope = ended(desk.creditor, kind="accounts")
    page = desk.get(f"documents/{envelope.key}").text
    assert f"31 December {clock.today().year + 7}" in page
    assert "bokföringslagen" in page


def test_it_is_put_on_hold_and_released(desk: Desk) -> None:
    envelope = ended(desk.creditor)
    page = desk.post(f"documents/{envelope.key}/hold", reason="A dispute").text
    assert "It is not deleted, because: A dispute" in page
    assert "On legal hold" not in desk.post(f"documents/{envelope.key}/release").text


def test_a_hold_without_a_reason_is_told_at_the_field(desk: Desk) -> None:
    envelope = ended(desk.creditor)
    page = desk.post(f"documents/{envelope.key}/hold", reason="", status=422)
    assert page.select_one("#hold-reason-error") is not None


def test_one_on_hold_is_not_deleted(desk: Desk) -> None:
    envelope = ended(desk.creditor)
    keeping.hold(envelope, "A dispute", actor=SYSTEM, now=clock.now())
    db.session.commit()
    assert "on legal hold" in desk.post(f"documents/{envelope.key}/delete").text
    assert envelopes.find(envelope.key) is not None


def test_a_deleted_document_leaves_its_hash(desk: Desk) -> None:
    envelope = ended(desk.creditor)
    sha256, address = envelopes.files_of(envelope)[0].sha256, f"documents/{envelope.key}"
    desk.post(f"{address}/delete")
    for page in (desk.get("documents/keeping"), desk.get(address, status=410)):
        assert sha256 in page.text
        assert "Avtal" not in page.text


@pytest.mark.parametrize("act", ["hold", "release", "delete"])
def test_who_is_no_administrator_neither_holds_nor_deletes(
    desk: Desk, desk_of: DeskOf, act: str
) -> None:
    envelope = ended(desk.creditor)
    handler = viewer(desk, desk_of, "collector")
    assert handler.try_post(f"documents/{envelope.key}/{act}", reason="x").status_code == 403


def test_a_rule_is_chosen_and_holds_for_what_has_ended(desk: Desk) -> None:
    envelope = ended(desk.creditor)
    chosen = {"document": "3", "accounts": "8", "loan": "", "payment_plan": "10",
              "debt_acknowledgement": "10"}  # fmt: skip
    assert "Saved." in desk.post("documents/keeping", **chosen).text
    db.session.refresh(envelope)
    assert envelope.keep_until_on is not None
    assert envelope.keep_until_on.year == clock.today().year + 3
    assert [one.years for one in keeping.rules(desk.creditor.id)][:3] == [3, 8, None]


@pytest.mark.parametrize("years", ["6", "", "-1", "1.5", "1000", "🦊"])
def test_years_that_cannot_be_are_told_at_the_field(desk: Desk, years: str) -> None:
    page = desk.post("documents/keeping", status=422, accounts=years)
    assert page.select_one("#accounts-error") is not None
    assert page.select_one("#accounts")["value"] == years


def test_the_notice_leads_to_what_is_deleted_soon(desk: Desk) -> None:
    renamed(ended(desk.creditor), "Gammalt").keep_until_on = clock.today() + timedelta(days=13)
    renamed(ended(desk.creditor), "Nytt").keep_until_on = clock.today() + timedelta(days=99)
    db.session.commit()
    assert shown(desk.get("documents?deleted=soon")) == ["Gammalt"]


def test_the_page_of_the_notice_leads_to_them(desk: Desk) -> None:
    path = notices.page_of("document_deletion", {}, desk.creditor.key)
    page = desk.get(path.partition(f"{desk.creditor.key}/")[2])
    assert page.select_one("a[href$='documents?deleted=soon']") is not None


def test_the_chosen_are_downloaded_as_a_zip_with_an_index(desk: Desk) -> None:
    one, two = sent(desk.creditor), sent(desk.creditor)
    sent(desk.creditor)
    desk.post("documents/archive", document=[one.key, two.key])
    db.session.rollback()
    assert making.make_next(clock.now)
    db.session.rollback()
    order = db.session.query(Order).one()
    with zipfile.ZipFile(io.BytesIO(files.read(order.files[0]["sha256"]))) as archive:
        index = archive.read("manifest.csv").decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(index), delimiter=";"))
        assert len({row["path"].split("/")[1] for row in rows}) == 2
        assert {row["kind"] for row in rows} == {"document original", "document log"}
        log = json.loads(archive.read(next(r["path"] for r in rows if "events" in r["path"])))
    assert events.verify(log)
    assert "downloaded" in [event.name for event in events.of(one)]


def test_an_archive_of_nothing_is_told(desk: Desk) -> None:
    assert "Choose at least one document" in desk.post("documents/archive").text


def test_the_kind_of_a_draft_is_chosen(desk: Desk) -> None:
    draft = envelopes.draft(
        desk.creditor.id, title="A", last_on=clock.today(), actor=SYSTEM, sender_email=None,
        now=clock.now(),
    )  # fmt: skip
    db.session.commit()
    desk.post(
        f"documents/{draft.key}/settings", title="A", kind="accounts",
        last_on=clock.today().isoformat(),
    )  # fmt: skip
    assert [one.kind for one in listing.page(desk.creditor.id, listing.Wanted()).rows] == [
        "accounts"
    ]
