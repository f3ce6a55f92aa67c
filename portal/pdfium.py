"""PDFium, which reads and draws PDFs: for one thread at a time, since it is made for no more."""

import io
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pypdfium2

_one_at_a_time = threading.Lock()
# A page as long as a roll of paper is drawn smaller rather than fill the memory.
_MOST_PIXELS = 8_000_000


class Unreadable(Exception):
    """PDFium cannot open it, or a page of it."""


@contextmanager
def opened(pdf: bytes) -> Iterator[pypdfium2.PdfDocument]:
    """A PDF while it is looked at. Raises Unreadable, also for what goes wrong inside the block."""
    with _one_at_a_time:
        try:
            document = pypdfium2.PdfDocument(pdf)
            try:
                # What stands in the fields of a form is drawn only so.
                document.init_forms()
                yield document
            finally:
                document.close()
        except pypdfium2.PdfiumError as error:
            raise Unreadable from error


def count_pages(pdf: bytes) -> int:
    """How many pages a PDF has, each of which can be loaded. Raises Unreadable."""
    with opened(pdf) as document:
        for number in range(len(document)):
            document.get_page_size(number)
        return len(document)


def picture(pdf: bytes, number: int, *, width: int) -> bytes:
    """A page as a PNG. number: from 1, of a page that is there. width: in pixels."""
    out = io.BytesIO()
    with opened(pdf) as document:
        page = document[number - 1]
        wide, high = page.get_size()
        scale = min(width / max(wide, 1), (_MOST_PIXELS / max(wide * high, 1)) ** 0.5)
        page.render(scale=scale).to_pil().convert("RGB").save(out, "PNG", compress_level=3)
    return out.getvalue()


def put_together(parts: Sequence[tuple[bytes, Sequence[int]]]) -> bytes:
    """One PDF of pages of several, in order. parts: a PDF, and its pages from 1.

    Raises Unreadable.
    """
    out = io.BytesIO()
    with _one_at_a_time:
        try:
            made = pypdfium2.PdfDocument.new()
            for pdf, numbers in parts:
                source = pypdfium2.PdfDocument(pdf)
                made.import_pages(source, [number - 1 for number in numbers])
                source.close()
            made.save(out)
            made.close()
        except pypdfium2.PdfiumError as error:
            raise Unreadable from error
    return out.getvalue()
