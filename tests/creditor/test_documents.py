"""Documents to sign at the desk: made of uploads, sent, and followed."""

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pypdf
import pytest
from bs4 import BeautifulSoup
from sqlalchemy import func, select

from portal import clock, jobs
from portal.collection import history
from portal.config import Settings
from portal.database import files, tenancy
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.models import Creditor
from portal.signing import drafts, envelopes, events, listing, sending_lists
from portal.signing.models import Envelope
from tests.creditor.conftest import Desk
from tests.factories import SOFIA, a_creditor, a_person_at
from tests.signing import pdf_files
from tests.signing.envelopes import a_draft as drafted
from tests.signing.envelopes import a_file, invited
from tests.signing.test_usage import signed_by_all

WHO = {"name": "Kim Ek", "email": "kim@signer.example", "role": "signs", "language": "sv"}


def a_file_named(name: str, data: bytes) -> tuple[io.BytesIO, str]:
    return io.BytesIO(data), name


def a_draft(creditor: Creditor, **values: object) -> Envelope:
    today = clock.today()
    return drafted(creditor, last_on=today + timedelta(days=30), now=clock.now(), **values)  # type: ignore[arg-type]


def sent(desk: Desk, **values: object) -> Envelope:
    envelope = a_draft(desk.creditor, **values)
    send(desk, envelope)
    db.session.refresh(envelope)
    return envelope


def send(desk: Desk, envelope: Envelope, status: int = 200) -> BeautifulSoup:
    seen = desk.get(f"documents/{envelope.key}/check").select_one("[name=seen]")["value"]
    return desk.post(f"documents/{envelope.key}/send", seen=seen, status=status)


def the_only() -> Envelope:
    return db.session.scalars(select(Envelope)).one()


def flashed(page: BeautifulSoup) -> str:
    return " ".join(page.select_one("#flashes").text.split())


def test_an_empty_list_says_what_to_do(desk: Desk) -> None:
    assert "Upload a PDF, say who signs it" in desk.get("documents").text


def test_a_pdf_becomes_a_draft_named_after_it(desk: Desk) -> None:
    page = desk.post(
        "documents/new", files=a_file_named("Avtal_om_hyra.pdf", pdf_files.with_pages(2))
    )
    assert page.h1.text == "Avtal om hyra"
    assert "2 pages" in page.select_one("#files").text


def test_a_bad_pdf_is_told_at_the_field_and_makes_no_draft(desk: Desk) -> None:
    page = desk.post(
        "documents/new", files=a_file_named("Avtal.pdf", pdf_files.locked()), status=422
    )
    assert "Avtal.pdf: The file is locked with a password" in page.select_one("#files-error").text
    assert db.session.scalars(select(Envelope)).all() == []


def test_a_good_file_among_bad_ones_is_kept(desk: Desk) -> None:
    both = [
        a_file_named("Avtal.pdf", pdf_files.with_pages()),
        a_file_named("Trasig.pdf", b"%PDF-1.7"),
    ]
    page = desk.post("documents/new", files=both)
    assert page.h1.text == "Avtal"
    assert "Trasig.pdf: The PDF is damaged" in flashed(page)


def test_without_a_file_it_is_told(desk: Desk) -> None:
    page = desk.post("documents/new", status=422)
    assert "Choose a file first." in page.select_one("#files-error").text


def test_the_same_file_again_changes_nothing(desk: Desk) -> None:
    envelope, data = a_draft(desk.creditor), pdf_files.with_pages(4)
    for _ in range(2):
        desk.post(f"documents/{envelope.key}/files", files=a_file_named("B.pdf", data))
    assert [one.pages for one in envelopes.files_of(envelope)] == [1, 4]


def test_an_attachment_goes_along(desk: Desk) -> None:
    envelope = a_draft(desk.creditor)
    desk.post(f"documents/{envelope.key}/attachments", files=a_file_named("a.txt", b"Hej"))
    assert [one.name for one in envelopes.files_of(envelope, "attachment")] == ["a.txt"]


def test_an_attachment_that_is_a_program_is_told_at_its_field(desk: Desk) -> None:
    envelope = a_draft(desk.creditor)
    page = desk.post(
        f"documents/{envelope.key}/attachments", files=a_file_named("a.exe", b"MZ"), status=422
    )
    assert "a.exe" in page.select_one("#attachments-error").text


def two_files(creditor: Creditor) -> Envelope:
    return a_draft(
        creditor,
        files=(
            a_file("A.pdf", pdf_files.with_pages(1)),
            a_file("B.pdf", pdf_files.with_pages(1, width=300)),
        ),
    )


def names(envelope: Envelope) -> list[str]:
    return [one.name for one in envelopes.files_of(envelope)]


def test_a_file_is_moved_up(desk: Desk) -> None:
    envelope = two_files(desk.creditor)
    last = envelopes.files_of(envelope)[1]
    desk.post(f"documents/{envelope.key}/order", move=f"{last.key}:0")
    db.session.rollback()
    assert names(envelope) == ["B.pdf", "A.pdf"]


def test_a_file_is_taken_away(desk: Desk) -> None:
    envelope = two_files(desk.creditor)
    first = envelopes.files_of(envelope)[0]
    desk.post(f"documents/{envelope.key}/files/{first.key}/remove")
    assert names(envelope) == ["B.pdf"]


def widths(file_sha256: str) -> list[float]:
    pages = pypdf.PdfReader(io.BytesIO(files.read(file_sha256))).pages
    return [float(page.mediabox.width) for page in pages]


def test_two_documents_become_one(desk: Desk) -> None:
    envelope = two_files(desk.creditor)
    desk.post(f"documents/{envelope.key}/join")
    db.session.rollback()
    (joined,) = envelopes.files_of(envelope)
    assert widths(joined.sha256) == [595, 300]


def three_pages(desk: Desk) -> tuple[Envelope, str]:
    desk.post("documents/new", files=a_file_named("Avtal.pdf", pdf_files.with_pages(3)))
    envelope = the_only()
    (file,) = envelopes.files_of(envelope)
    return envelope, f"documents/{envelope.key}/files/{file.key}/pages"


@pytest.mark.parametrize(
    ("asked", "order"),
    [
        ("act=up:1", "2,1,3"),
        ("act=down:1", "1,3,2"),
        ("act=out:0", "2-3"),
        ("move=2:0", "3,1-2"),
        ("act=move&pages=2-3&to=1", "2-3,1"),
        ("act=remove&pages=1,3", "2"),
        # Of a page that is gone since.
        ("act=up:9", "1-3"),
    ],
)
def test_pages_are_arranged_step_by_step(desk: Desk, asked: str, order: str) -> None:
    _, path = three_pages(desk)
    location = desk.raw(f"{path}?order=1-3&{asked}").location
    shown = desk.get(f"{path}?{location.partition('?')[2].partition('#')[0]}")
    assert shown.select_one("#pages-form [name=order]")["value"] == order


@pytest.mark.parametrize("asked", ["act=remove&pages=1-3", "act=remove&pages=7", "order=x"])
def test_pages_that_cannot_be_are_told_at_the_field(desk: Desk, asked: str) -> None:
    _, path = three_pages(desk)
    page = desk.get(f"{path}?{asked}", status=422)
    assert page.select_one("#pages-error") is not None
    assert len(page.select(".arranging li")) == 3


def test_pages_are_kept_as_they_were_arranged(desk: Desk) -> None:
    envelope, path = three_pages(desk)
    seen = envelopes.files_of(envelope)[0].sha256
    desk.post(path, order="3,1", seen=seen)
    db.session.rollback()
    assert widths(envelopes.files_of(envelope)[0].sha256) == [597, 595]


def test_pages_that_somebody_else_has_changed_meanwhile_are_not_overwritten(desk: Desk) -> None:
    envelope, path = three_pages(desk)
    seen = envelopes.files_of(envelope)[0].sha256
    desk.post(path, order="3,1", seen=seen)
    assert "was changed meanwhile" in flashed(desk.post(path, order="1", seen=seen))


def test_pages_of_a_signed_pdf_stay(desk: Desk) -> None:
    desk.post("documents/new", files=a_file_named("Avtal.pdf", pdf_files.signed()))
    envelope = the_only()
    (file,) = envelopes.files_of(envelope)
    page = desk.post(
        f"documents/{envelope.key}/files/{file.key}/pages", order="1", seen=file.sha256
    )
    assert "would not hold" in flashed(page)
    assert "Has signatures in it" in page.select_one("#files").text


def test_a_page_is_shown_as_a_picture(desk: Desk) -> None:
    _, path = three_pages(desk)
    assert desk.raw(f"{path}/3/small.png").data.startswith(b"\x89PNG")


@pytest.mark.parametrize("part", ["4/small.png", "0/small.png", "1/huge.png"])
def test_a_page_that_is_not_there_is_not_found(desk: Desk, part: str) -> None:
    _, path = three_pages(desk)
    assert desk.raw(f"{path}/{part}").status_code == 404


def test_somebody_is_added(desk: Desk) -> None:
    envelope = a_draft(desk.creditor, signers=())
    desk.post(
        f"documents/{envelope.key}/signers/new", **WHO, identity_number="196507182795", step="1"
    )
    (signer,) = envelopes.signers_of(envelope)
    assert (signer.name, signer.identity_number) == ("Kim Ek", "196507182795")


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("name", "", "Fill this in."),
        ("email", "", "Give an e-mail address or a mobile number."),
        ("email", "kim", "Write an e-mail address"),
        ("phone", "12", "Write a mobile number"),
        ("identity_number", "198001019071", "wrong digit"),
        ("identity_number", "5560000167", "a company signs by a person"),
        ("identity_number", "19", "Write a personal identity number"),
        ("identity_number", "Kim", "Write a personal identity number"),
        ("identity_number", "198013459071", "nobody is born"),
    ],
)
def test_what_is_wrong_about_somebody_is_told_at_the_field(
    desk: Desk, field: str, value: str, told: str
) -> None:
    envelope = a_draft(desk.creditor, signers=())
    page = desk.post(
        f"documents/{envelope.key}/signers/new", status=422, step="1", **{**WHO, field: value}
    )
    assert told in page.select_one(f"#{field}-error").text


def test_a_co_ordination_number_is_taken(desk: Desk) -> None:
    envelope = a_draft(desk.creditor, signers=())
    desk.post(
        f"documents/{envelope.key}/signers/new", **WHO, identity_number="19800161-9074", step="1"
    )
    assert len(envelopes.signers_of(envelope)) == 1


def test_somebody_is_changed_and_taken_away(desk: Desk) -> None:
    envelope = a_draft(desk.creditor)
    (signer,) = envelopes.signers_of(envelope)
    path = f"documents/{envelope.key}/signers/{signer.key}"
    desk.post(path, **{**WHO, "role": "approves"}, step="1")
    db.session.refresh(signer)
    assert (signer.name, signer.role) == ("Kim Ek", "approves")
    desk.post(f"{path}/remove")
    assert envelopes.signers_of(envelope) == []


def test_name_message_and_days_are_kept(desk: Desk) -> None:
    envelope = a_draft(desk.creditor)
    last_on = clock.today() + timedelta(days=9)
    desk.post(
        f"documents/{envelope.key}/settings", title="Hyra", message="Hej 👋", last_on=last_on,
        remind_days="3", in_order="y",
    )  # fmt: skip
    db.session.refresh(envelope)
    told = (envelope.title, envelope.message, envelope.last_on, envelope.remind_days)
    assert told == ("Hyra", "Hej 👋", last_on, 3)
    assert envelope.in_order


@pytest.mark.parametrize(
    ("field", "value"),
    [("title", ""), ("title", "x" * 121), ("last_on", "2020-01-01"), ("remind_days", "-1")],
)
def test_settings_that_cannot_be_are_told_at_the_field(desk: Desk, field: str, value: str) -> None:
    envelope = a_draft(desk.creditor)
    good = {"title": "Hyra", "last_on": clock.today() + timedelta(days=9), "remind_days": "3"}
    page = desk.post(f"documents/{envelope.key}/settings", status=422, **{**good, field: value})
    assert page.select_one(f"#{field}-error") is not None


@pytest.mark.parametrize(
    ("values", "told"),
    [({"files": ()}, "Add a document to sign."), ({"signers": ()}, "Add somebody who signs.")],
)
def test_what_is_not_whole_is_not_sent(desk: Desk, values: dict[str, object], told: str) -> None:
    envelope = a_draft(desk.creditor, **values)
    assert told in flashed(desk.get_on(f"documents/{envelope.key}/check"))


def test_everything_is_shown_before_it_is_sent(desk: Desk) -> None:
    envelope = a_draft(desk.creditor, signers=(invited("Kim Ek", for_company="Ek AB"),))
    text = desk.get(f"documents/{envelope.key}/check").text
    for told in ("Avtal.pdf", "Kim Ek", "kim@signer.example", "Ek AB", "svenska"):
        assert told in text


def mails() -> list[str]:
    return list(db.session.scalars(select(Message.kind)))


def test_sending_invites_who_signs(desk: Desk) -> None:
    envelope = sent(desk)
    assert envelope.status == "open"
    assert mails() == ["sign_invitation"]


def test_sending_twice_invites_once(desk: Desk) -> None:
    envelope = a_draft(desk.creditor)
    seen = desk.get(f"documents/{envelope.key}/check").select_one("[name=seen]")["value"]
    for _ in range(2):
        desk.post(f"documents/{envelope.key}/send", seen=seen)
    assert mails() == ["sign_invitation"]


def test_what_was_changed_in_another_tab_is_looked_at_before_it_is_sent(desk: Desk) -> None:
    envelope = a_draft(desk.creditor)
    seen = desk.get(f"documents/{envelope.key}/check").select_one("[name=seen]")["value"]
    desk.post(f"documents/{envelope.key}/signers/new", **WHO, step="1")
    page = desk.post(f"documents/{envelope.key}/send", seen=seen)
    assert "was changed meanwhile" in flashed(page)
    assert mails() == []


@pytest.mark.parametrize("verb", ["files", "order", "settings", "signers/new", "remove"])
def test_a_stale_draft_changes_nothing_that_was_sent(desk: Desk, verb: str) -> None:
    envelope = a_draft(desk.creditor)
    (file,) = envelopes.files_of(envelope)
    before = envelopes.manifest(envelope)
    send(desk, envelope)
    values: dict[str, object] = {
        "files": a_file_named("B.pdf", pdf_files.with_pages(2)), "move": f"{file.key}:1",
        "title": "Annat", "last_on": clock.today(), "remind_days": "0", **WHO, "step": "1",
    }  # fmt: skip
    response = desk.try_post(f"documents/{envelope.key}/{verb}", **values)
    db.session.rollback()
    assert "has been sent and cannot be changed" in response.text
    assert envelopes.manifest(envelope) == before


def test_a_sent_document_tells_how_far_everybody_has_come(desk: Desk) -> None:
    envelope = sent(desk)
    text = desk.get(f"documents/{envelope.key}").text
    for told in ("0 of 1 has signed", "Invited to sign: Eva Berg", "0 of 1"):
        assert told in text


def test_the_pages_that_somebody_was_shown_are_counted_and_told_once(desk: Desk) -> None:
    file = replace(a_file("Avtal.pdf", pdf_files.with_pages(3)), pages=3)
    envelope = sent(desk, files=(file,))
    (kept,), (signer,) = envelopes.files_of(envelope), envelopes.signers_of(envelope)
    for page in (1, 2, 1):
        events.record(
            envelope, "page_shown", actor=f"signer:{signer.name}", now=clock.now(), signer=signer,
            file=kept.key, file_name=kept.name, page=page,
        )  # fmt: skip
    db.session.commit()
    shown = desk.get(f"documents/{envelope.key}")
    assert "2 of 3" in shown.text
    assert shown.text.count("Was shown the pages") == 1


def test_somebody_is_reminded_once_a_day(desk: Desk) -> None:
    envelope = sent(desk)
    page = desk.post(f"documents/{envelope.key}/remind")
    assert "once a day is enough" in flashed(page)


def test_an_address_is_corrected(desk: Desk) -> None:
    envelope = sent(desk)
    (signer,) = envelopes.signers_of(envelope)
    desk.post(f"documents/{envelope.key}/signers/{signer.key}/address", email="ny@signer.example")
    db.session.refresh(signer)
    assert signer.email == "ny@signer.example"


def test_who_signed_under_another_name_is_told(desk: Desk) -> None:
    envelope = sent(desk)
    (signer,) = envelopes.signers_of(envelope)
    events.record(
        envelope, "signed", actor="signer:Vera Berg", now=clock.now(), signer=signer,
        person="Vera Berg",
    )  # fmt: skip
    db.session.commit()
    assert "as Vera Berg" in desk.get(f"documents/{envelope.key}").select_one("table").text


def test_the_last_of_the_pages_shown_is_told_in_whatever_order_they_came(desk: Desk) -> None:
    envelope = sent(desk)
    (signer,) = envelopes.signers_of(envelope)
    for page in (1, 3, 2):
        events.record(
            envelope, "page_shown", actor="signer:Vera Berg", now=clock.now(), signer=signer,
            file="f", file_name="avtal.pdf", page=page,
        )  # fmt: skip
    db.session.commit()
    told = desk.get(f"documents/{envelope.key}").select_one(".timeline").text
    assert [told.count(f"last page {number}") for number in (1, 2, 3)] == [0, 0, 1]


def test_an_address_that_is_none_is_told_at_the_field(desk: Desk) -> None:
    envelope = sent(desk)
    (signer,) = envelopes.signers_of(envelope)
    path = f"documents/{envelope.key}/signers/{signer.key}/address"
    page = desk.post(path, email="nobody", status=422)
    assert page.select_one("#email-error") is not None


def test_more_time_is_given(desk: Desk) -> None:
    envelope, day = sent(desk), clock.today() + timedelta(days=60)
    desk.post(f"documents/{envelope.key}/time", last_on=day)
    db.session.refresh(envelope)
    assert envelope.last_on == day


def test_a_day_that_cannot_be_is_told_at_the_field(desk: Desk) -> None:
    envelope = sent(desk)
    page = desk.post(f"documents/{envelope.key}/time", last_on="2020-01-01", status=422)
    assert page.select_one("#last_on-error") is not None


def test_it_is_withdrawn_with_a_reason(desk: Desk) -> None:
    envelope = sent(desk)
    page = desk.post(f"documents/{envelope.key}/withdraw", reason="Fel bilaga")
    db.session.refresh(envelope)
    assert envelope.status == "withdrawn"
    assert "Fel bilaga" in page.select_one(".timeline").text


def test_withdrawing_without_a_reason_is_asked_for_one(desk: Desk) -> None:
    envelope = sent(desk)
    page = desk.post(f"documents/{envelope.key}/withdraw", reason="", status=422)
    assert page.select_one("#reason-error") is not None


def test_a_new_version_withdraws_the_old_one(desk: Desk) -> None:
    envelope = sent(desk)
    page = desk.post(f"documents/{envelope.key}/version")
    made = db.session.scalars(select(Envelope).where(Envelope.id != envelope.id)).one()
    db.session.refresh(envelope)
    assert (envelope.status, made.status, made.version) == ("withdrawn", "draft", 2)
    assert "Version 2" in page.text
    assert [one.name for one in envelopes.signers_of(made)] == ["Eva Berg"]


def test_a_draft_is_thrown_away(desk: Desk) -> None:
    envelope = a_draft(desk.creditor)
    desk.post(f"documents/{envelope.key}/remove")
    db.session.rollback()
    assert db.session.scalars(select(Envelope)).all() == []


def test_the_list_tells_at_a_glance_how_each_stands(desk: Desk) -> None:
    envelope = sent(desk, signers=("Eva Berg", "Johan Ek"))
    envelopes.note_signed(envelope, envelopes.signers_of(envelope)[0], now=clock.now())
    db.session.commit()
    cells = [cell.get_text(" ", strip=True) for cell in desk.get("documents").select("tbody td")]
    assert "1 of 2 have signed" in cells[1]
    assert cells[2] == "Johan Ek"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"Avtal", "Hyra"}),
        ("status=open", {"Avtal"}),
        ("status=completed", set()),
        ("q=hyr", {"Hyra"}),
        ("q=kim", {"Hyra"}),
        ("q=%25", set()),
    ],
)
def test_the_list_is_filtered_by_its_address(desk: Desk, query: str, found: set[str]) -> None:
    sent(desk)
    other = a_draft(desk.creditor, signers=("Kim Ek",))
    envelopes.change(other, title="Hyra")
    db.session.commit()
    page = desk.get(f"documents?{query}")
    assert {link.text for link in page.select("tbody th a")} == found


def test_the_list_is_sorted_and_read_page_by_page(desk: Desk) -> None:
    for title in ("b", "A", "c"):
        envelopes.change(a_draft(desk.creditor), title=title)
    db.session.commit()
    wanted = listing.Wanted(sort="title")
    first = listing.page(desk.creditor.id, wanted, size=2)
    second = listing.page(desk.creditor.id, wanted, first.after, size=2)
    assert [one.title for one in (*first.rows, *second.rows)] == ["A", "b", "c"]


def test_the_list_is_taken_out_as_a_spreadsheet(desk: Desk) -> None:
    sent(desk)
    assert "Avtal;1;Waits for signatures;0;1;Eva Berg" in desk.raw("documents.csv").text


def test_a_viewer_reads_and_changes_nothing(desk: Desk, desk_of: Callable[[str], Desk]) -> None:
    a_person_at(desk.creditor, "viewer", SOFIA)
    envelope = a_draft(desk.creditor)
    page = desk_of(SOFIA).get(f"documents/{envelope.key}")
    assert page.select("main form") == []


def test_files_are_handed_back_as_they_came(desk: Desk) -> None:
    data = pdf_files.signed()
    desk.post("documents/new", files=a_file_named("Avtal.pdf", data))
    (file,) = envelopes.files_of(the_only())
    assert desk.raw(f"documents/{the_only().key}/files/{file.key}/file").data == data


def test_the_log_of_what_was_sent_is_not_removed_as_a_drafts_is(desk: Desk) -> None:
    envelope = sent(desk)
    db.session.execute(select(func.reda_forget_log_of_draft(envelope.id)))
    assert [one.name for one in events.of(envelope)][:3] == ["created", "sent", "invited"]


def test_the_log_of_another_companys_draft_is_not_removed(desk: Desk) -> None:
    envelope, other = a_draft(desk.creditor), a_creditor("Fjällbäcks Tandvård AB").id
    envelope_id = envelope.id
    with tenancy.creditors([other]):
        db.session.execute(select(func.reda_forget_log_of_draft(envelope_id)))
    assert len(events.of(envelope)) == 1


def test_what_it_costs_is_told_before_it_is_sent(desk: Desk) -> None:
    envelope = a_draft(desk.creditor, signers=[f"Eva{number} Berg" for number in range(7)])
    told = " ".join(desk.get(f"documents/{envelope.key}/check").text.split())
    assert (
        "it is 7 signatures: 5 free, and 2 at SEK 15.00 each, in all SEK 30.00 without VAT" in told
    )
    assert "5 free signatures are left." in told


def test_one_signature_more_is_told_in_the_singular(desk: Desk) -> None:
    signed_by_all(sent(desk, signers=[f"Eva{number} Berg" for number in range(5)]), clock.now())
    told = desk.get(f"documents/{a_draft(desk.creditor).key}/check").text
    assert "it is 1 signature at SEK 15.00, in all SEK 15.00 without VAT" in " ".join(told.split())


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"reason": "userCancel", "what": "order"}, "They cancelled in the BankID app."),
        ({"reason": "odd", "what": "order"}, "BankID gave the reason odd."),
        ({"reason": "ocsp status", "what": "signature"}, "no signature that holds"),
    ],
)
def test_why_a_signature_was_not_made_is_told(desk: Desk, data: dict[str, str], told: str) -> None:
    envelope = sent(desk)
    (signer,) = envelopes.signers_of(envelope)
    events.record(
        envelope, "sign_failed", actor="signer:Eva Berg", now=clock.now(), signer=signer, **data
    )
    db.session.commit()
    assert told in desk.get(f"documents/{envelope.key}").select_one(".timeline").text


def test_what_a_whole_list_costs_is_told_before_it_is_sent(desk: Desk) -> None:
    envelope = a_draft(desk.creditor, signers=["Eva Berg"] * 2)
    page = desk.post(f"documents/{envelope.key}/list", list=a_list(PEOPLE))
    told = " ".join(page.text.split())
    assert "it is 6 signatures: 5 free, and 1 at SEK 15.00 each" in told


class TestUsage:
    @pytest.fixture
    def used(self, desk: Desk) -> Envelope:
        envelope = sent(desk, signers=[f"Eva{number} Berg" for number in range(6)])
        signed_by_all(envelope, clock.now())
        return envelope

    def test_a_month_tells_what_it_costs(self, desk: Desk, used: Envelope) -> None:
        page = desk.get("documents/usage")
        cells = [" ".join(cell.text.split()) for cell in page.select("tbody tr td")]
        assert cells == ["1", "6", "5", "SEK 15.00", "SEK 3.75", "SEK 18.75"]
        assert "No free signatures are left." in page.text

    def test_each_signature_of_it_is_shown(self, desk: Desk, used: Envelope) -> None:
        page = desk.get(f"documents/usage/{clock.today():%Y-%m}")
        assert len(page.select("tbody tr")) == 6
        assert page.text.count("Free") == 5

    def test_the_months_are_a_spreadsheet(self, desk: Desk, used: Envelope) -> None:
        told = desk.raw("documents/usage.csv").text.splitlines()
        assert told[1].split(";")[1:] == ["1", "6", "5", "15,00", "3,75", "18,75"]

    @pytest.mark.parametrize("month", ["2026-13", "none"])
    def test_what_is_no_month_is_not_there(self, desk: Desk, month: str) -> None:
        desk.get(f"documents/usage/{month}", status=404)

    def test_before_the_first_it_says_that_nothing_was_signed(self, desk: Desk) -> None:
        assert "Nothing has been signed yet" in desk.get("documents/usage").text


PEOPLE = (
    "Namn;E-post;Personnummer\r\n"
    "Kim Ek;kim@signer.example;\r\n"
    "Bo Al;bo@signer.example;196507182795\r\n"
)


def a_list(text: str) -> tuple[io.BytesIO, str]:
    return a_file_named("list.csv", text.encode())


def test_a_document_is_sent_to_each_of_a_list(desk: Desk) -> None:
    envelope = a_draft(desk.creditor, signers=())
    page = desk.post(f"documents/{envelope.key}/list", list=a_list(PEOPLE))
    token = page.select_one("main [name=list]")["value"]
    assert mails() == []
    desk.post(f"documents/{envelope.key}/list/send", list=token)
    assert mails() == ["sign_invitation"] * 2
    titles = set(db.session.scalars(select(Envelope.title).where(Envelope.status == "open")))
    assert titles == {"Avtal – Kim Ek", "Avtal – Bo Al"}


def test_the_same_list_sent_twice_is_sent_once(desk: Desk) -> None:
    envelope = a_draft(desk.creditor, signers=())
    page = desk.post(f"documents/{envelope.key}/list", list=a_list(PEOPLE))
    token = page.select_one("main [name=list]")["value"]
    for _ in range(2):
        page = desk.post(f"documents/{envelope.key}/list/send", list=token)
    assert "sent before" in flashed(page)
    assert len(mails()) == 2


def people(count: int) -> str:
    rows = "".join(f"Kim{one} Ek;kim{one}@signer.example\r\n" for one in range(count))
    return f"Namn;E-post\r\n{rows}"


class TestALongList:
    @pytest.fixture
    def envelope(self, desk: Desk) -> Envelope:
        return a_draft(desk.creditor, signers=())

    @pytest.fixture
    def page(self, desk: Desk, envelope: Envelope) -> BeautifulSoup:
        return self.begun(desk, envelope)

    @staticmethod
    def begun(desk: Desk, envelope: Envelope) -> BeautifulSoup:
        page = desk.post(f"documents/{envelope.key}/list", list=a_list(people(12)))
        token = page.select_one("main [name=list]")["value"]
        return desk.post(f"documents/{envelope.key}/list/send", list=token)

    @staticmethod
    def progress(desk: Desk, envelope: Envelope) -> str:
        with tenancy.service():
            (sending,) = sending_lists.of(envelope)
        page = desk.get(f"documents/{envelope.key}/lists/{sending.key}")
        return " ".join(page.main.text.split())

    def test_is_sent_to_a_few_at_once_and_tells_how_far_it_is(self, page: BeautifulSoup) -> None:
        assert "Sent: 10 of 12" in page.main.text
        assert len(mails()) == 10

    def test_goes_on_in_the_background(
        self, desk: Desk, envelope: Envelope, page: BeautifulSoup
    ) -> None:
        with tenancy.service():
            jobs.send_lists()
        assert "12 documents are on their way." in self.progress(desk, envelope)
        assert len(mails()) == 12

    def test_keeps_nobody_once_it_has_ended(
        self, desk: Desk, envelope: Envelope, page: BeautifulSoup
    ) -> None:
        with tenancy.service():
            jobs.send_lists()
            assert [one.people for one in sending_lists.of(envelope)] == [None]

    def test_ends_when_the_draft_changes_and_tells_why(
        self, desk: Desk, envelope: Envelope, page: BeautifulSoup
    ) -> None:
        envelopes.change(envelope, message="Something else")
        db.session.commit()
        with tenancy.service():
            jobs.send_lists()
        told = self.progress(desk, envelope)
        assert "Sent: 10 of 12. The document was changed meanwhile." in told
        assert len(mails()) == 10

    def test_that_ended_goes_on_with_the_others_when_it_is_sent_again(
        self, desk: Desk, envelope: Envelope, page: BeautifulSoup
    ) -> None:
        desk.post(page.main.form["action"].removeprefix(f"/creditor/{desk.creditor.key}/"))
        assert "Not all have been sent to" in self.progress(desk, envelope)
        self.begun(desk, envelope)
        assert "12 documents are on their way." in self.progress(desk, envelope)
        assert len(mails()) == 12

    def test_of_which_something_goes_wrong_does_not_stop_the_others(
        self, desk: Desk, envelope: Envelope, page: BeautifulSoup, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(drafts, "copy", lambda *_, **__: 1 / 0)
        with tenancy.service():
            jobs.send_lists()
        assert "Something went wrong on our side" in self.progress(desk, envelope)


def test_who_only_looks_at_a_list_leaves_nothing_behind(desk: Desk, settings: Settings) -> None:
    envelope = a_draft(desk.creditor, signers=())
    before = sorted(settings.var.rglob("*"))
    desk.post(f"documents/{envelope.key}/list", list=a_list(PEOPLE))
    assert sorted(settings.var.rglob("*")) == before


def test_what_is_wrong_on_a_list_is_told_by_line_and_nothing_is_sent(desk: Desk) -> None:
    envelope = a_draft(desk.creditor, signers=())
    text = PEOPLE + "Li Ek;nobody;\r\n;a@signer.example;\r\nKim Ek;kim@signer.example;\r\n"
    page = desk.post(f"documents/{envelope.key}/list", list=a_list(text), status=422)
    told = [row.get_text(" ", strip=True) for row in page.select("tbody tr")]
    assert [one.split()[0] for one in told] == ["4", "5", "6"]
    assert page.select_one("main [name=list][type=hidden]") is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Fisk;Fågel\r\n1;2\r\n", "needs a column headed Name"),
        ("Namn;E-post\r\n" + "Kim;k@signer.example\r\n" * 501, "at most 500"),
        ("", "empty"),
    ],
)
def test_a_list_that_cannot_be_read_is_told_at_the_field(desk: Desk, text: str, told: str) -> None:
    envelope = a_draft(desk.creditor, signers=())
    page = desk.post(f"documents/{envelope.key}/list", list=a_list(text), status=422)
    assert told in page.select_one("#list-error").text


def test_a_list_of_another_draft_sends_nothing(desk: Desk) -> None:
    one, other = (a_draft(desk.creditor, signers=()) for _ in range(2))
    page = desk.post(f"documents/{one.key}/list", list=a_list(PEOPLE))
    token = page.select_one("main [name=list]")["value"]
    page = desk.post(f"documents/{other.key}/list/send", list=token)
    assert "Upload it once more" in flashed(page)
    assert mails() == []


def test_the_companys_history_tells_of_documents(desk: Desk) -> None:

    sent(desk)
    a_draft(desk.creditor)
    names = [
        one.name for one in history.of_creditor(desk.creditor.id, about=("document",), limit=5)
    ]
    assert names == ["document.sent"]
