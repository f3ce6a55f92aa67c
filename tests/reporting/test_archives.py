"""What is in an archive is what its manifest says, in as many volumes as it takes."""

import csv
import dataclasses
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from portal import ledger
from portal.collection.models import Case
from portal.config import Settings
from portal.creditor import views_archives  # noqa: F401 - says histories in words
from portal.database import files
from portal.delivery.models import Message
from portal.extensions import db
from portal.identity.models import Creditor, Person
from portal.messages import RedaError
from portal.notifications.models import Notification
from portal.payments.models import Payment
from portal.reporting import archives, holdings, making, names, orders
from portal.reporting.making import Making
from portal.reporting.models import Order
from tests.factories import (
    NOW,
    TODAY,
    a_case_whose_reminder_left,
    a_creditor_that_signed,
    a_debtor_of,
)
from tests.reporting.conftest import EVA_AT_DESK, contents, current, make, paid
from tests.signing.envelopes import an_envelope

PERIOD = {"from": "2026-03-01", "to": "2026-03-31"}
EVERYTHING = {"parts": list(holdings.PARTS), **PERIOD}
# All but what takes long to set.
MOST = {
    "parts": ["letters", "invoices", "agreements", "histories-json", "ledger"], **PERIOD,
}  # fmt: skip
# What Windows refuses, and what would lead out of the folder.
REFUSED = re.compile(r'[<>:"|?*\\\x00-\x1f]|[ .](?:/|$)|(?:^|/)\.\.?(?:/|$)')


@pytest.fixture
def creditor(app: Flask) -> Creditor:
    """A company with two customers, of whom one has paid."""
    creditor = a_creditor_that_signed()
    first = a_case_whose_reminder_left(
        creditor,
        debtor=a_debtor_of(creditor, name='Åke "Con" <AB>: / 100 %.', customer_number="A/1"),
        document_sha256=files.store(b"<Invoice/>"), document_filename="faktura 1.xml",
    )  # fmt: skip
    paid(first, 200_000)
    db.session.add(
        Payment(
            creditor_id=creditor.id, case_id=first.id, channel="swish",
            channel_reference="swish:A", amount_ore=200_000, currency="SEK", value_on=TODAY,
            received_at=NOW, fees_ore=6_000, interest_ore=548, principal_ore=100_000,
            overpaid_ore=93_452, receipt_number="2026-0000001",
        )
    )  # fmt: skip
    a_case_whose_reminder_left(creditor)
    for place, message in enumerate(db.session.scalars(select(Message).order_by(Message.id))):
        message.document_sha256 = files.store(f"%PDF-1.7 letter {place}".encode() * 50)
        message.status, message.sent_at = "sent", NOW
    db.session.commit()
    return creditor


def ask(creditor: Creditor, parameters: Mapping[str, Any] = MOST) -> Order:
    order = orders.put(
        creditor.id, "archive", parameters, language="en", actor=EVA_AT_DESK, now=NOW
    )
    db.session.commit()
    return order


def made(creditor: Creditor, parameters: Mapping[str, Any] = MOST) -> Order:
    order = ask(creditor, parameters)
    make()
    order = current(order)
    assert order.status == "done", order.failure
    return order


def volumes(order: Order) -> list[zipfile.ZipFile]:
    return [zipfile.ZipFile(io.BytesIO(one)) for one in contents(order)]


def manifest(volume: zipfile.ZipFile) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(volume.read("manifest.json"))
    return told


def entries(order: Order) -> Iterator[tuple[zipfile.ZipFile, dict[str, Any]]]:
    for volume in volumes(order):
        for entry in manifest(volume)["files"]:
            yield volume, entry


def test_every_document_is_there_and_is_what_the_manifest_says(creditor: Creditor) -> None:
    order = made(creditor, EVERYTHING)
    told = list(entries(order))
    assert len(told) > 15
    kinds = {entry["kind"].partition(" ")[0] for _, entry in told}
    assert kinds == {"reminder", "invoice", "receipt", "agreement", "report", "history", "ledger"}
    said = archives.estimate(creditor.id, EVERYTHING)
    assert sum(one.count for one in said) == len(told)
    assert order.size / 4 < sum(one.size for one in said) < order.size * 4
    paths = [entry["path"] for _, entry in told]
    assert [path for path in paths if REFUSED.search(path)] == []
    assert len({path.casefold() for path in paths}) == len(paths)
    assert max(map(len, paths)) < 240
    for volume, entry in told:
        data = volume.read(entry["path"])
        assert (len(data), hashlib.sha256(data).hexdigest()) == (entry["size"], entry["sha256"])


def test_nothing_is_in_it_that_the_manifest_does_not_tell(creditor: Creditor) -> None:
    (volume,) = volumes(made(creditor))
    told = {entry["path"] for entry in manifest(volume)["files"]}
    assert set(volume.namelist()) == told | {"manifest.json", "manifest.csv"}
    assert volume.testzip() is None


def test_the_manifest_as_csv_says_the_same(creditor: Creditor) -> None:
    (volume,) = volumes(made(creditor))
    text = volume.read("manifest.csv").decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    assert [(row["path"], row["sha256"]) for row in rows] == [
        (entry["path"], entry["sha256"]) for entry in manifest(volume)["files"]
    ]


def test_documents_lie_in_a_folder_of_their_customer_and_case(creditor: Creditor) -> None:
    for _, entry in entries(made(creditor)):
        folder = entry["path"].rpartition("/")[0]
        if entry["case"]:
            assert folder.endswith(f"/{entry['case']}")
        else:
            assert folder in ("agreements", "reports", "ledger")


@pytest.mark.parametrize(
    ("name", "safe"),
    [("../../etc/passwd", "-..-etc-passwd"), ("con", "_con"), ("LPT1.txt", "_LPT1.txt"),
     ("Åsa  Öberg ", "Åsa Öberg"), ("a:b|c?", "a-b-c-"), ("...", "_"), ("", "_"),
     ("\u202eexe.pdf", "exe.pdf"), ("A\u030aka", "Åka")],
)  # fmt: skip
def test_a_name_is_made_such_that_every_computer_takes_it(name: str, safe: str) -> None:
    assert names.safe(name) == safe


def test_names_are_short_enough_for_a_path() -> None:
    assert len(names.safe("x" * 500)) <= 60


def test_a_letter_is_the_one_that_was_sent(creditor: Creditor) -> None:
    order = made(creditor, {"parts": ["letters"], **PERIOD})
    sent = {message.document_sha256 for message in db.session.scalars(select(Message))}
    assert {entry["sha256"] for _, entry in entries(order)} == sent


def test_the_ledger_in_it_is_the_ledger(creditor: Creditor) -> None:
    order = made(creditor, {"parts": ["ledger"], **PERIOD})
    ((volume, entry),) = entries(order)
    text = volume.read(entry["path"]).decode("utf-8-sig")
    sums: dict[str, int] = {}
    for row in csv.DictReader(io.StringIO(text), delimiter=";"):
        ore = ore_of(row["debit"]) - ore_of(row["credit"])
        sums[row["account"]] = sums.get(row["account"], 0) + ore
    assert sums == {str(account): ore for account, ore in ledger.trial_balance().items()}


def ore_of(written: str) -> int:
    return int(written.replace(",", "") or 0)


def test_a_history_tells_every_event_and_entry_of_its_case(creditor: Creditor) -> None:
    order = made(creditor, {"parts": ["histories-json"], **PERIOD})
    told = {
        entry["case"]: json.loads(volume.read(entry["path"])) for volume, entry in entries(order)
    }
    for case in db.session.scalars(select(Case)):
        one = told[case.reference]
        assert one["events"][0]["name"] == "case.imported"
        assert len(one["ledger"]) == len(ledger.entries(case.id))


def test_what_is_outside_of_the_period_is_left_out(creditor: Creditor) -> None:
    order = made(
        creditor, {"parts": ["letters", "receipts", "ledger"], "from": "2025-01-01",
                   "to": "2025-12-31"},
    )  # fmt: skip
    assert list(entries(order)) == []


def test_another_companys_documents_are_not_in_it(creditor: Creditor) -> None:
    other = a_creditor_that_signed("Fjällbäcks Tandvård AB")
    case = a_case_whose_reminder_left(other)
    message = db.session.scalars(select(Message).where(Message.case_id == case.id)).one()
    message.document_sha256, message.status, message.sent_at = files.store(b"x"), "sent", NOW
    db.session.commit()
    assert case.reference not in {entry["case"] for _, entry in entries(made(creditor))}


def test_a_file_that_is_damaged_is_told_and_the_others_are_there(
    creditor: Creditor, settings: Settings
) -> None:
    message = db.session.scalars(select(Message).limit(1)).one()
    sha256 = str(message.document_sha256)
    (settings.var / "files" / sha256[:2] / sha256).unlink()
    told = [entry for _, entry in entries(made(creditor, {"parts": ["letters"], **PERIOD}))]
    assert sorted(entry["missing"] for entry in told) == [False, True]


@pytest.fixture
def small_volumes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_FILES", 3)


def test_a_large_archive_is_split_and_each_volume_stands_alone(
    creditor: Creditor, small_volumes: None
) -> None:
    order = made(creditor)
    whole = volumes(order)
    assert len(whole) == 3
    assert [manifest(one)["volume"] for one in whole] == list(range(1, len(whole) + 1))
    assert max(len(manifest(one)["files"]) for one in whole) == 3
    paths = [entry["path"] for _, entry in entries(order)]
    assert (
        len(set(paths))
        == len(paths)
        == sum(one.count for one in archives.estimate(creditor.id, MOST))
    )


def test_a_volume_is_no_larger_than_the_setting_says(
    app: Flask, creditor: Creditor, settings: Settings
) -> None:
    app.extensions["reda_settings"] = dataclasses.replace(settings, archive_volume_mb="1")
    big = 400_000
    for place, message in enumerate(db.session.scalars(select(Message).order_by(Message.id))):
        message.document_sha256 = files.store(bytes([place + 65]) * big)
    case = a_case_whose_reminder_left(creditor)
    message = db.session.scalars(select(Message).where(Message.case_id == case.id)).one()
    message.document_sha256 = files.store(b"c" * big)
    message.status, message.sent_at = "sent", NOW
    db.session.commit()
    order = made(creditor, {"parts": ["letters"], **PERIOD})
    assert [len(manifest(one)["files"]) for one in volumes(order)] == [2, 1]
    assert all(one["size"] < 1_000_000 for one in order.files)


def test_a_killed_worker_has_cost_no_more_than_the_volume_at_hand(
    creditor: Creditor, small_volumes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    kept = Making.keep

    def dies_after_two(telling: Making, *args: Any) -> None:
        kept(telling, *args)
        if len(args[0]) == 2:
            raise Killed

    order = ask(creditor)
    with monkeypatch.context() as patch:
        patch.setattr(Making, "keep", dies_after_two)
        with pytest.raises(Killed):
            making.make_next(lambda: NOW)
    db.session.rollback()
    halfway = current(order)
    before = [one["sha256"] for one in halfway.files]
    assert (halfway.status, len(before)) == ("running", 2)
    make()
    order = current(order)
    paths = [entry["path"] for _, entry in entries(order)]
    assert [one["sha256"] for one in order.files][:2] == before
    assert (
        len(set(paths))
        == len(paths)
        == sum(one.count for one in archives.estimate(creditor.id, MOST))
    )


def test_a_long_archive_lets_others_go_first_between_volumes(
    creditor: Creditor, small_volumes: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "_TURN", 0.0)
    order = ask(creditor)
    making.make_next(lambda: NOW)
    assert (current(order).status, len(order.files)) == ("waiting", 1)
    make()
    assert current(order).status == "done"


def test_the_same_documents_make_the_same_bytes(creditor: Creditor) -> None:
    first, second = made(creditor), made(creditor)
    assert [one["sha256"] for one in first.files] == [one["sha256"] for one in second.files]


def test_who_asked_is_told_when_it_is_ready(creditor: Creditor) -> None:
    eva = db.session.scalars(select(Person)).first()
    assert eva is not None
    actor = dataclasses.replace(EVA_AT_DESK, person_id=eva.id)
    order = orders.put(
        creditor.id, "archive", {"parts": ["agreements"], **PERIOD}, language="en", actor=actor,
        now=NOW,
    )  # fmt: skip
    db.session.commit()
    make()
    (told,) = db.session.scalars(select(Notification))
    assert (told.kind, told.data["order"], told.is_failed) == ("archive", order.id, False)


@pytest.mark.parametrize(
    ("given", "parts", "at"),
    [(PERIOD, [], "parts"), (PERIOD, ["nonsense"], "parts"),
     ({"from": "2026-03-31", "to": "2026-03-01"}, ["letters"], "to"),
     ({"from": "x", "to": "2026-03-01"}, ["letters"], "from")],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_told_at_its_field(
    given: dict[str, str], parts: list[str], at: str
) -> None:
    with pytest.raises(RedaError) as refused:
        archives.parameters(given, parts)
    assert refused.value.problem.field == at


def test_everything_is_every_kind() -> None:
    assert archives.parameters(PERIOD, ["everything"])["parts"] == list(holdings.PARTS)


def test_what_proves_an_approval_is_in_no_archive_of_documents(creditor: Creditor) -> None:
    an_envelope(creditor, kind="approval")
    kept = an_envelope(creditor)
    order = made(creditor, {"parts": ["signed"], **PERIOD})
    paths = [entry["path"] for _, entry in entries(order)]
    assert {one.split("/")[1].split()[-1] for one in paths} == {kept.key}
