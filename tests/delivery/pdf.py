"""A PDF read back by other programs than the one that wrote it."""

import io
import re
import subprocess
from dataclasses import dataclass
from functools import cached_property

from fontTools.ttLib import TTFont
from lxml import etree
from PIL import Image, ImageFilter
from pypdf import PdfReader

_MM = 25.4 / 72
_DPI = 300
_FONT_FILES = ("/FontFile2", "/FontFile3")
_SIDES = ("xMin", "yMin", "xMax", "yMax")


@dataclass(frozen=True)
class Word:
    """A word and where it stands on its page, in millimetres from the upper left corner."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class Pdf:
    """A document. Pages count from 1."""

    data: bytes

    @cached_property
    def reader(self) -> PdfReader:
        return PdfReader(io.BytesIO(self.data))

    @property
    def pages(self) -> int:
        return len(self.reader.pages)

    @property
    def sizes_mm(self) -> set[tuple[int, int]]:
        """The pages' widths and heights."""
        return {
            (round(float(page.mediabox.width) * _MM), round(float(page.mediabox.height) * _MM))
            for page in self.reader.pages
        }

    def text(self, page: int) -> str:
        """A page's text in the order that it is read, with single spaces."""
        return " ".join(self._run("pdftotext", page, "-", "-").decode().split())

    def layout(self, page: int) -> str:
        """A page's text as it stands on the paper, row by row."""
        return self._run("pdftotext", page, "-layout", "-", "-").decode()

    def words(self, page: int) -> list[Word]:
        """Every word of a page."""
        found = etree.fromstring(self._run("pdftotext", page, "-bbox", "-", "-"))
        return [
            Word(word.text, *(float(word.get(side)) * _MM for side in _SIDES))
            for word in found.iter("{*}word")
        ]

    def fonts(self) -> list[dict[str, str]]:
        """Every font: its name, and whether it is embedded."""
        listed = self._run("pdffonts", None, "-").decode().splitlines()[2:]
        # The columns at the end are one word each: emb, sub, uni, and two of the object.
        return [{"name": line.split()[0], "embedded": line.split()[-5]} for line in listed]

    def missing_glyphs(self) -> list[str]:
        """Text that is printed with a glyph which its embedded font does not have: a box."""
        missing = []
        for page in self.reader.pages:
            for font in page["/Resources"]["/Font"].values():
                (own,) = font["/DescendantFonts"]
                descriptor = own["/FontDescriptor"]
                file = next(descriptor[key] for key in _FONT_FILES if key in descriptor)
                count = TTFont(io.BytesIO(file.get_data()))["maxp"].numGlyphs
                mapped = font["/ToUnicode"].get_data().decode()
                for listed in re.findall(r"beginbfchar(.*?)endbfchar", mapped, re.DOTALL):
                    for glyph, text in re.findall(r"<(\w{4})> <(\w+)>", listed):
                        if not 0 < int(glyph, 16) < count:
                            missing.append(bytes.fromhex(text).decode("utf-16-be"))
        return missing

    def black_square(self, page: int) -> Image.Image:
        """The part of a page that is printed in pure black, which only QR codes are."""
        shown = self._picture(page)
        dark = shown.point(lambda level: 255 if level < 8 else 0)
        return shown.crop(dark.getbbox())

    def box_of_grey(
        self, page: int, level: int, *, right_of_mm: float, above_mm: float
    ) -> tuple[float, ...]:
        """Left, top, right and bottom, in millimetres, of a surface of one grey in a corner."""
        left = int(right_of_mm * _DPI / 25.4)
        shown = self._picture(page)
        corner = shown.crop((left, 0, shown.width, int(above_mm * _DPI / 25.4)))
        found = corner.point(lambda one: 255 if abs(one - level) < 8 else 0)
        # The edges of letters are of any grey, but no surface.
        box = found.filter(ImageFilter.MinFilter(9)).getbbox()
        assert box is not None
        across, down = (side * 25.4 / _DPI for side in (left, 0))
        return tuple(
            side * 25.4 / _DPI + start
            for side, start in zip(box, (across, down, across, down), strict=True)
        )

    def dark_rows(self, page: int, *, right_mm: float) -> list[float]:
        """Millimetres from the top of what is drawn in the left margin, up to a place."""
        width, height = (int(side * _DPI / 25.4) for side in (right_mm, 297))
        margin = self._picture(page).crop((0, 0, width, height))
        levels = margin.tobytes()
        rows = range(len(levels) // margin.width)
        drawn = [
            row for row in rows if min(levels[row * margin.width : (row + 1) * margin.width]) < 250
        ]
        return [row * 25.4 / _DPI for row in drawn if row - 1 not in drawn]

    def _picture(self, page: int) -> Image.Image:
        printed = self._run("pdftoppm", page, "-gray", "-r", str(_DPI), "-")
        return Image.open(io.BytesIO(printed))

    def _run(self, program: str, page: int | None, *arguments: str) -> bytes:
        which = [] if page is None else ["-f", str(page), "-l", str(page)]
        return subprocess.run(
            [program, *which, *arguments], input=self.data, capture_output=True, check=True
        ).stdout
