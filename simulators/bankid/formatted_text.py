"""Show a text in "simpleMarkdownV1" as HTML, as the app does before a person signs it.

Source: BankID, "Guidelines for formatted text" 1.1: headings (#, ##, ###), strong emphasis (*…*),
lists (+ or -), rules (---) and tables (| … |). Everything else is text. It is not CommonMark, where
one star is weak emphasis; hence no Markdown library.
"""

import re
from collections.abc import Callable, Iterator

from markupsafe import Markup, escape

_HEADING = re.compile(r"(#{1,3})\s+(.*)")
_ITEM = re.compile(r"[+\-]\s+(.*)")
_RULE = re.compile(r"-{3,}\s*")
_STRONG = re.compile(r"(\*{1,2})(?=\S)(.+?)(?<=\S)\1")


def to_html(text: str) -> Markup:
    """The text as HTML; whatever HTML stands in it is shown, not obeyed."""
    return Markup("\n").join(_blocks(text.splitlines()))


def plain_to_html(text: str) -> Markup:
    """A text without format, its lines kept."""
    return Markup("<p>{}</p>").format(Markup("<br>").join(text.splitlines()))


def _blocks(lines: list[str]) -> Iterator[Markup]:
    at = 0
    while at < len(lines):
        line = lines[at].strip()
        if not line:
            at += 1
        elif heading := _HEADING.fullmatch(line):
            # The page has its own h1 and h2.
            level = f"h{len(heading[1]) + 2}"
            yield Markup("<{0}>{1}</{0}>").format(level, _inline(heading[2]))
            at += 1
        elif _RULE.fullmatch(line):
            yield Markup("<hr>")
            at += 1
        elif line.startswith("|"):
            stop = _run(lines, at, lambda s: s.startswith("|"))
            yield _table([row.strip() for row in lines[at:stop]])
            at = stop
        elif _ITEM.fullmatch(line):
            stop = _run(lines, at, lambda s: _ITEM.fullmatch(s) is not None)
            yield _list([row.strip() for row in lines[at:stop]])
            at = stop
        else:
            stop = _run(lines, at, _is_prose)
            paragraph = Markup("<br>").join(_inline(row.strip()) for row in lines[at:stop])
            yield Markup("<p>{}</p>").format(paragraph)
            at = stop


def _run(lines: list[str], start: int, belongs: Callable[[str], bool]) -> int:
    stop = start + 1
    while stop < len(lines) and belongs(lines[stop].strip()):
        stop += 1
    return stop


def _is_prose(line: str) -> bool:
    starts_block = line.startswith("|") or any(p.fullmatch(line) for p in (_HEADING, _ITEM, _RULE))
    return bool(line) and not starts_block


def _list(rows: list[str]) -> Markup:
    items = Markup().join(
        Markup("<li>{}</li>").format(_inline(match[1]))
        for row in rows
        if (match := _ITEM.fullmatch(row))
    )
    return Markup("<ul>{}</ul>").format(items)


def _table(rows: list[str]) -> Markup:
    has_head = len(rows) > 1 and "-" in rows[1] and not rows[1].strip("|:- ")
    head = Markup("<thead>{}</thead>").format(_row(rows[0], "th")) if has_head else Markup()
    body = Markup().join(_row(row, "td") for row in (rows[2:] if has_head else rows))
    return Markup("<table>{}<tbody>{}</tbody></table>").format(head, body)


def _row(row: str, tag: str) -> Markup:
    cells = row.strip("|").split("|")
    inner = Markup().join(
        Markup("<{0}>{1}</{0}>").format(tag, _inline(cell.strip())) for cell in cells
    )
    return Markup("<tr>{}</tr>").format(inner)


def _inline(text: str) -> Markup:
    # Escaped first, so that only the tags put in here are tags.
    return Markup(_STRONG.sub(r"<strong>\2</strong>", str(escape(text))))  # noqa: S704
