"""What a new version of the agreement says otherwise than an older one, word by word.

Both texts are taken from the letter templates that are signed. They are laid beside each other
paragraph by paragraph, and within a paragraph that was changed, word by word.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from lxml import html

from portal.delivery.letters import agreement_text
from portal.extensions import settings

# Less alike, a paragraph is told as one taken away and another put in its place.
_ALIKE = 0.45
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
SAME, REMOVED, ADDED = "same", "removed", "added"
Run = tuple[str, str]


@dataclass(frozen=True)
class Paragraph:
    """A paragraph: kind `h2`, `p` or `li`, and its text in runs, each SAME, REMOVED or ADDED."""

    kind: str
    runs: tuple[Run, ...]

    @property
    def is_changed(self) -> bool:
        return any(what != SAME for what, _ in self.runs)


@dataclass(frozen=True)
class Section:
    """A heading and the paragraphs below it."""

    heading: Paragraph
    paragraphs: tuple[Paragraph, ...]

    @property
    def is_changed(self) -> bool:
        return self.heading.is_changed or any(one.is_changed for one in self.paragraphs)


def compare(before: int, after: int, language: str) -> list[Section]:
    """One version beside another, section by section. language: `sv`, which binds, or `en`.

    Raises jinja2.TemplateNotFound for a version that never was.
    """
    old, new = (_paragraphs(number, language) for number in (before, after))
    return list(_sections(list(_compared(old, new))))


def _paragraphs(number: int, language: str) -> list[Run]:
    """Each paragraph of a version as its kind and its text."""
    tree = html.fromstring(f"<div>{agreement_text(number, settings=settings())}</div>")
    article = next(one for one in tree.iter("article") if one.get("lang") == language)
    found = []
    for element in article.iter("h2", "p", "li"):
        if "soft" in (element.get("class") or "").split():
            continue
        if text := " ".join(str(element.xpath("string()")).split()):
            found.append((str(element.tag), text))
    return found


def _compared(old: Sequence[Run], new: Sequence[Run]) -> Iterator[Paragraph]:
    for what, a, b, c, d in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if what == "equal":
            yield from (Paragraph(kind, ((SAME, text),)) for kind, text in new[c:d])
        else:
            yield from _replaced(list(old[a:b]), new[c:d])


def _replaced(old: list[Run], new: Sequence[Run]) -> Iterator[Paragraph]:
    """Paragraphs that took the place of others; each is laid beside the one most like it."""
    for kind, text in new:
        likeness = [
            SequenceMatcher(a=_split(one), b=_split(text)).ratio() if tag == kind else 0.0
            for tag, one in old
        ]
        best = max(range(len(old)), key=likeness.__getitem__, default=None)
        if best is None or likeness[best] < _ALIKE:
            yield Paragraph(kind, ((ADDED, text),))
            continue
        # What stood before it and has no like is gone.
        for gone_kind, gone in old[:best]:
            yield Paragraph(gone_kind, ((REMOVED, gone),))
        yield Paragraph(kind, tuple(_runs(old[best][1], text)))
        del old[: best + 1]
    for gone_kind, gone in old:
        yield Paragraph(gone_kind, ((REMOVED, gone),))


def _split(text: str) -> list[str]:
    return _WORDS.findall(text)


def _runs(old: str, new: str) -> Iterator[Run]:
    before, after = _split(old), _split(new)
    for what, a, b, c, d in SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes():
        if what == "equal":
            yield SAME, "".join(after[c:d])
            continue
        if gone := "".join(before[a:b]):
            yield REMOVED, gone
        if come := "".join(after[c:d]):
            yield ADDED, come


def _sections(paragraphs: Sequence[Paragraph]) -> Iterator[Section]:
    heading: Paragraph | None = None
    below: list[Paragraph] = []
    for one in paragraphs:
        if one.kind == "h2":
            if heading is not None:
                yield Section(heading, tuple(below))
            heading, below = one, []
        elif heading is not None:
            below.append(one)
    if heading is not None:
        yield Section(heading, tuple(below))
