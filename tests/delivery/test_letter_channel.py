"""The spool that the printer fetches from: every file whole, every letter listed once."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest

from portal.delivery.channels import letter
from portal.delivery.channels.letter import MANIFEST, Line, hand_over, manifest

DAY = date(2026, 3, 10)
PDF = b"%PDF-1.7 whole"


def give(var: Path, message_id: int = 1, *, pdf: bytes = PDF, on: date = DAY) -> Path:
    return hand_over(
        pdf, message_id=message_id, reference="123456789", pages=2, postcode="11122",
        country="SE", on=on, var=var,
    )  # fmt: skip


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_letter_lies_whole_in_the_day_s_folder(tmp_path: Path) -> None:
    path = give(tmp_path)
    assert path == tmp_path / "spool" / "letters" / "2026-03-10" / "1-123456789.pdf"
    assert path.read_bytes() == PDF


def test_the_manifest_tells_what_the_printer_needs(tmp_path: Path) -> None:
    folder = give(tmp_path).parent
    sha256 = hashlib.sha256(PDF).hexdigest()
    assert manifest(folder) == [Line("1-123456789.pdf", "2", sha256, "123456789", "11122", "SE")]
    heading = (folder / MANIFEST).read_text().splitlines()[0]
    assert heading == "file,pages,sha256,reference,postcode,country"


def test_letters_are_listed_in_the_order_they_came(tmp_path: Path) -> None:
    for number in (3, 1, 2):
        folder = give(tmp_path, number).parent
    assert [line.file[0] for line in manifest(folder)] == ["3", "1", "2"]


def test_the_same_letter_again_is_one_file_and_one_line(tmp_path: Path) -> None:
    for _ in range(2):
        folder = give(tmp_path).parent
    assert len(manifest(folder)) == 1
    assert len(list(folder.glob("*.pdf"))) == 1


def test_a_letter_again_another_day_goes_where_it_lies_already(tmp_path: Path) -> None:
    first = give(tmp_path)
    assert give(tmp_path, on=DAY + timedelta(days=1)) == first
    assert not (first.parent.parent / "2026-03-11").exists()


def test_a_letter_again_with_other_content_is_listed_with_that(tmp_path: Path) -> None:
    give(tmp_path)
    path = give(tmp_path, pdf=b"%PDF-1.7 other")
    (line,) = manifest(path.parent)
    assert path.read_bytes() == b"%PDF-1.7 other"
    assert line.sha256 == hashlib.sha256(b"%PDF-1.7 other").hexdigest()


def test_a_letter_whose_line_was_not_written_is_listed_the_next_time(tmp_path: Path) -> None:
    give(tmp_path, 1)
    folder = give(tmp_path, 2).parent
    path = folder / MANIFEST
    # The power fails in the middle of the second letter's line.
    path.write_bytes(path.read_bytes()[:-20])
    assert [line.file[0] for line in manifest(folder)] == ["1"]
    give(tmp_path, 2)
    assert [line.file[0] for line in manifest(folder)] == ["1", "2"]


def test_a_cut_off_line_does_not_spoil_the_next_letter_s(tmp_path: Path) -> None:
    give(tmp_path, 1)
    folder = give(tmp_path, 2).parent
    path = folder / MANIFEST
    path.write_bytes(path.read_bytes()[:-20])
    give(tmp_path, 3)
    assert [line.file[0] for line in manifest(folder)] == ["1", "3"]


def test_many_hands_at_once_list_each_letter_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        folders = {path.parent for path in pool.map(lambda n: give(tmp_path, n), range(40))}
    (folder,) = folders
    assert sorted(int(line.file.split("-")[0]) for line in manifest(folder)) == list(range(40))
    assert len(list(folder.glob("*.pdf"))) == 40


def test_nothing_half_written_is_left_behind(tmp_path: Path) -> None:
    folder = give(tmp_path).parent
    assert {path.name for path in folder.iterdir()} == {"1-123456789.pdf", MANIFEST, ".lock"}


def test_a_letter_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    folder = give(tmp_path, 1).parent
    # A folder stands where the letter's file is to be.
    (folder / "2-123456789.pdf").mkdir()
    with pytest.raises(OSError, match="directory"):
        give(tmp_path, 2)
    assert [line.file[0] for line in manifest(folder)] == ["1"]
    assert not list(folder.glob(".[!l]*"))


def test_nobody_else_can_read_the_letters(tmp_path: Path) -> None:
    path = give(tmp_path)
    assert mode(path.parent) == 0o700
    assert {mode(one) for one in path.parent.iterdir()} == {0o600}


def test_a_folder_without_a_manifest_lists_nothing(tmp_path: Path) -> None:
    assert manifest(tmp_path) == []
    assert letter.spool(tmp_path) == tmp_path / "spool" / "letters"
