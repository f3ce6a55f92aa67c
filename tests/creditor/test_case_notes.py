"""Notes and files of a case: the company's own, told in the history, never the debtor's."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from portal.collection import cases, history, notes
from portal.collection.models import Attachment, Case, Note
from portal.database import tenancy
from portal.extensions import db
from portal.identity import people
from portal.identity.actor import Actor
from portal.identity.models import Creditor
from tests.creditor.conftest import Desk
from tests.factories import EVA, NOW, SOFIA, a_person_at, a_reminded_case, enter_case


def address(case: Case) -> str:
    return f"cases/{case.reference}/notes"


def write(desk: Desk, case: Case, words: str, **said: Any) -> BeautifulSoup:
    return desk.post(address(case), words=words, **said)


def only_note() -> Note:
    return db.session.scalars(select(Note)).one()


def send(desk: Desk, case: Case, *files: tuple[str, bytes]) -> BeautifulSoup:
    return desk.post(
        f"cases/{case.reference}/files",
        files=[(io.BytesIO(data), name) for name, data in files],
    )


def download(desk: Desk, case: Case) -> TestResponse:
    kept = db.session.scalars(select(Attachment)).one()
    return desk.raw(f"cases/{case.reference}/files/{kept.id}")


@pytest.fixture
def sofia(creditor: Creditor, desk_of: Callable[[str], Desk]) -> Desk:
    a_person_at(creditor, "collector", SOFIA)
    return desk_of(SOFIA)


def test_a_note_is_written_and_read(desk: Desk, creditor: Creditor) -> None:
    page = write(desk, a_reminded_case(creditor), "Ringde, inget svar")
    assert "Ringde, inget svar" in page.select_one(".note .said").get_text()


def test_an_empty_note_is_refused(desk: Desk, creditor: Creditor) -> None:
    page = desk.post(address(a_reminded_case(creditor)), words=" ", status=422)
    assert page.select_one("#words-error")


def test_colleagues_are_mentioned_by_choice_and_by_name(
    desk: Desk, sofia: Desk, creditor: Creditor
) -> None:
    person, eva = people.by_identity_number(SOFIA), people.by_identity_number(EVA)
    write(desk, a_reminded_case(creditor), f"Se här @{person.name}", mentions=[eva.id])
    assert only_note().mentions == sorted([person.id, eva.id])


def test_who_is_mentioned_is_told(desk: Desk, sofia: Desk, creditor: Creditor) -> None:
    person = people.by_identity_number(SOFIA)
    write(desk, a_reminded_case(creditor), "Se här", mentions=[person.id])
    told = db.session.execute(text("select person_id, kind from notifications")).all()
    assert [tuple(one) for one in told] == [(person.id, "mention")]


def test_only_the_companys_people_are_mentioned(desk: Desk, creditor: Creditor) -> None:
    desk.post(address(a_reminded_case(creditor)), words="Hej", mentions=[999_999], status=422)


def test_ones_own_note_is_changed_and_the_earlier_wording_kept(
    desk: Desk, creditor: Creditor
) -> None:
    case = a_reminded_case(creditor)
    write(desk, case, "Fel")
    page = desk.post(f"{address(case)}/{only_note().id}", words="Rätt")
    assert [one.get_text() for one in page.select(".said")] == ["Rätt", "Fel"]


def test_another_ones_note_is_not_changed(desk: Desk, sofia: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    write(desk, case, "Mitt")
    sofia.post(f"{address(case)}/{only_note().id}", words="Ditt", status=403)
    assert only_note().words == "Mitt"


def test_after_a_day_a_note_stands(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    write(desk, case, "Står")
    note = only_note()
    note.written_at -= timedelta(hours=25)
    db.session.commit()
    desk.post(f"{address(case)}/{note.id}/remove", status=403)
    assert only_note().words == "Står"


def test_a_note_that_was_taken_away_is_still_told(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    write(desk, case, "Bort")
    page = desk.post(f"{address(case)}/{only_note().id}/remove")
    assert "Taken away" in page.select_one(".note").get_text()
    assert "Bort" not in page.get_text()
    assert "A note was taken away" in desk.get(f"cases/{case.reference}").get_text()


def test_no_debtor_sees_notes_or_files_or_what_the_history_tells_of_them(
    desk: Desk, creditor: Creditor
) -> None:
    case = a_reminded_case(creditor)
    write(desk, case, "Hemligt")
    send(desk, case, ("a.txt", b"a"))
    with tenancy.cases([case.id]):
        assert {one.name.partition(".")[0] for one in history.of_case(case.id)} == {"case"}
        for table in ("case_notes", "case_note_versions", "case_files"):
            assert db.session.scalar(text(f"select count(*) from {table}")) == 0
    client = desk.client.application.test_client()
    enter_case(desk.client.application, client, case)
    assert "Hemligt" not in client.get("/case").text


def test_a_note_changes_nothing_of_an_effect_that_was_shown(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    acts = f"cases/{case.reference}/acts/recall"
    page = desk.post(acts, step="look", reason="Fel")
    write(desk, case, "Under tiden")
    seen = page.select_one("input[name=seen]")["value"]
    desk.post(acts, step="do", reason="Fel", seen=seen)
    assert cases.lock(case.id).closed_on is not None


def test_files_are_kept_and_handed_back_as_downloads(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    page = send(desk, case, ("kvitto.txt", b"Betalt"))
    assert "Not scanned for viruses" in page.select_one(".files").get_text()
    answer = download(desk, case)
    assert answer.data == b"Betalt"
    assert answer.headers["Content-Disposition"] == "attachment; filename=kvitto.txt"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_the_good_files_are_kept_and_the_others_told_with_the_reason(
    desk: Desk, creditor: Creditor
) -> None:
    page = send(
        desk, a_reminded_case(creditor), ("kvitto.txt", b"Betalt"), ("kul.exe", b"MZ"),
        ("kopia.txt", b"Betalt"),
    )  # fmt: skip
    told = page.select_one("#flashes").get_text()
    assert "1 file is kept." in told
    assert "kul.exe: Files of this kind are not taken." in told
    assert "kopia.txt is here already." in told


def test_more_than_ten_files_are_too_many_at_once(desk: Desk, creditor: Creditor) -> None:
    page = send(
        desk,
        a_reminded_case(creditor),
        *((f"{number}.txt", b"%d" % number) for number in range(11)),
    )
    assert "10.txt: At most 10 files at a time" in page.select_one("#flashes").get_text()


def test_no_file_at_all_is_told(desk: Desk, creditor: Creditor) -> None:
    assert "Choose a file first" in send(desk, a_reminded_case(creditor)).get_text()


def test_a_file_that_is_taken_away_is_handed_back_to_nobody(desk: Desk, creditor: Creditor) -> None:
    case = a_reminded_case(creditor)
    send(desk, case, ("kvitto.txt", b"Betalt"))
    kept = db.session.scalars(select(Attachment)).one()
    desk.post(f"cases/{case.reference}/files/{kept.id}/remove")
    assert download(desk, case).status_code == 404
    assert "A file was taken away" in desk.get(f"cases/{case.reference}").get_text()


def test_a_viewer_reads_and_writes_nothing(
    creditor: Creditor, desk: Desk, desk_of: Callable[[str], Desk]
) -> None:
    case = a_reminded_case(creditor)
    write(desk, case, "Läs")
    a_person_at(creditor, "viewer", SOFIA)
    page = desk_of(SOFIA).get(address(case))
    assert "Läs" in page.get_text()
    assert page.select("main form") == []


def test_a_note_told_twice_with_the_same_words_is_changed_once(
    desk: Desk, creditor: Creditor
) -> None:
    case = a_reminded_case(creditor)
    write(desk, case, "Samma")
    person = people.by_identity_number(EVA)
    author = Actor("person", person.name, person.id, "creditor")
    notes.change(case, only_note().id, "Samma", mentions=(), readers=(), actor=author, now=NOW)
    db.session.commit()
    assert only_note().versions == []
