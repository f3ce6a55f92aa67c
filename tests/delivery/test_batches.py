"""Letters joined in one file for a print shop: the same pages, and a list of whose they are."""

from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask

from portal.config import Settings
from portal.delivery import batches, letters, sending
from portal.delivery.channels import letter
from portal.delivery.letters import MOST_IN_BATCH, Batch, Letter
from tests.delivery.conftest import Press
from tests.delivery.contents import a_demand, a_long_reminder, a_reminder
from tests.delivery.pdf import Pdf
from tests.factories import NOW, TODAY, a_reminded_case

THREE = [
    Letter("reminder", a_reminder(), "K7MPQ2", "sv"),
    # Does not fit its page with the usual distances, and has three pages in all.
    Letter("reminder", a_long_reminder(), "ABCDEF", "en"),
    Letter("demand", a_demand(total_ore=124_548), "GHJKLM", "ar"),
]


@pytest.fixture(scope="module")
def batch(press: Press) -> Batch:
    with press.app.app_context():
        return letters.render_batch(THREE, settings=press.settings)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Batches are asked for."""
    return replace(settings, letter_batch="on", letter_processes="1")


def day_folder(settings: Settings) -> Path:
    return letter.spool(settings.var) / TODAY.isoformat()


def written(settings: Settings) -> list[list[letter.BatchLine]]:
    return [letter.batch(path) for path in sorted(day_folder(settings).glob("batch-*.csv"))]


def test_a_batch_says_how_many_pages_each_letter_has(batch: Batch) -> None:
    assert batch.pages == (1, 3, 2)
    assert Pdf(batch.pdf).pages == 6


def test_each_letter_in_a_batch_reads_as_it_does_alone(batch: Batch, press: Press) -> None:
    joined, page = Pdf(batch.pdf), 0
    for one, count in zip(THREE, batch.pages, strict=True):
        alone = press.letter(one.content, one.language, kind=one.kind, secret=one.secret)
        assert alone.pages == count
        for own in range(1, count + 1):
            page += 1
            assert joined.layout(page) == alone.layout(own)


def test_each_letter_in_a_batch_has_its_own_payment_code(batch: Batch, press: Press) -> None:
    alone = press.letter(a_demand(total_ore=124_548), "ar", kind="demand")
    joined = Pdf(batch.pdf)
    assert joined.black_square(5).tobytes() == alone.black_square(1).tobytes()
    assert joined.black_square(1).tobytes() != joined.black_square(5).tobytes()


def test_the_fonts_of_a_batch_are_embedded_once(batch: Batch) -> None:
    fonts = Pdf(batch.pdf).fonts()
    assert {font["embedded"] for font in fonts} == {"yes"}
    assert len({font["name"] for font in fonts}) == len(fonts)


def test_a_batch_follows_pdf_a_3_and_names_nobody(batch: Batch) -> None:
    metadata = Pdf(batch.pdf).reader.trailer["/Root"]["/Metadata"].get_data().decode()
    assert 'pdfaid:part="3"' in metadata or "<pdfaid:part>3</pdfaid:part>" in metadata
    assert Pdf(batch.pdf).reader.metadata.title == "3 brev"


def test_the_same_letters_give_the_same_batch(batch: Batch, press: Press) -> None:
    with press.app.app_context():
        assert letters.render_batch(THREE, settings=press.settings) == batch


@pytest.mark.parametrize("count", [0, MOST_IN_BATCH + 1])
def test_a_batch_has_its_limits(press: Press, count: int) -> None:
    with press.app.app_context(), pytest.raises(ValueError, match="a batch holds"):
        letters.render_batch(THREE[:1] * count, settings=press.settings)


def test_letters_of_a_day_are_joined_beside_the_single_ones(app: Flask, settings: Settings) -> None:
    for _ in range(3):
        a_reminded_case()
    sending.deliver_waiting(NOW)
    assert batches.write_batches() == 1
    (lines,) = written(settings)
    assert [line.file for line in lines] == [
        line.file for line in letter.manifest(day_folder(settings))
    ]
    assert [(line.first_page, line.last_page) for line in lines] == [
        ("1", "1"), ("2", "2"), ("3", "3"),
    ]  # fmt: skip


def test_the_list_of_a_batch_tells_whose_its_pages_are(app: Flask, settings: Settings) -> None:
    for _ in range(2):
        a_reminded_case()
    sending.deliver_waiting(NOW)
    batches.write_batches()
    (pdf,) = day_folder(settings).glob("batch-*.pdf")
    printed = Pdf(pdf.read_bytes())
    for line in written(settings)[0]:
        reference = line.reference
        shown = f"{reference[:3]} {reference[3:6]} {reference[6:]}"
        assert shown in printed.text(int(line.first_page))


def test_a_letter_is_joined_once(app: Flask, settings: Settings) -> None:
    a_reminded_case()
    sending.deliver_waiting(NOW)
    assert [batches.write_batches() for _ in range(2)] == [1, 0]
    a_reminded_case()
    sending.deliver_waiting(NOW)
    assert batches.write_batches() == 1
    assert [len(lines) for lines in written(settings)] == [1, 1]


def test_a_batch_without_its_list_is_made_again(app: Flask, settings: Settings) -> None:
    a_reminded_case()
    sending.deliver_waiting(NOW)
    batches.write_batches()
    (listed,) = day_folder(settings).glob("batch-*.csv")
    # The power failed between the two files.
    listed.unlink()
    assert batches.write_batches() == 1
    assert len(written(settings)) == 1


def test_who_makes_batches_of_a_day_is_the_only_one(app: Flask, settings: Settings) -> None:
    a_reminded_case()
    sending.deliver_waiting(NOW)
    with letter.batching(day_folder(settings)) as is_ours:
        assert is_ours
        assert batches.write_batches() == 0
    assert batches.write_batches() == 1


def test_many_letters_are_joined_by_a_worker_process(app: Flask, settings: Settings) -> None:
    for _ in range(9):
        a_reminded_case()
    sending.deliver_waiting(NOW)
    assert batches.write_batches() == 1
    assert len(written(settings)[0]) == 9


def test_no_batch_is_made_where_none_is_asked_for(app: Flask, settings: Settings) -> None:
    app.extensions["reda_settings"] = replace(settings, letter_batch="off")
    a_reminded_case()
    sending.deliver_waiting(NOW)
    assert batches.write_batches() == 0
    assert written(settings) == []
