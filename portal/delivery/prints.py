"""A finished PDF as it looks: a page as a picture, and where on it some words stand."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import pypdfium2

from portal import pdfium

# Points of the picture for a point on paper: sharp enough to read on a screen.
_SCALE = 1.6


@dataclass(frozen=True)
class Place:
    """Where the line of words stands on a page, in points from its upper left corner."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class Print:
    """The first page of a PDF. picture: PNG; width and height in points.

    places: of words that were looked for, those found.
    """

    picture: bytes
    width: float
    height: float
    places: dict[str, Place]


def first_page(pdf: bytes, words: Sequence[str] = ()) -> Print:
    """The first page of a PDF as a picture, and where on it each of some words first stands."""
    out = io.BytesIO()
    with pdfium.opened(pdf) as document:
        page = document[0]
        page.render(scale=_SCALE).to_pil().convert("P").save(out, "PNG", optimize=True)
        width, height = page.get_size()
        text = page.get_textpage()
        found = {one: place for one in words if (place := _place(text, one, height))}
    return Print(out.getvalue(), width, height, found)


def _place(text: pypdfium2.PdfTextPage, words: str, height: float) -> Place | None:
    found = text.search(words, match_case=True).get_next()
    if found is None:
        return None
    start, count = found
    before = text.get_text_range(0, start)
    begun = before.rfind("\n") + 1
    boxes = [text.get_charbox(index) for index in range(begun, start + count)]
    # PDF counts upwards from the lower edge.
    return Place(
        min(box[0] for box in boxes),
        height - max(box[3] for box in boxes),
        max(box[2] for box in boxes),
        height - min(box[1] for box in boxes),
    )
