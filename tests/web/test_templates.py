"""Rules that the source of every template keeps, the letters (which are printed) apart."""

import re
from pathlib import Path

import pytest

from portal.config import ROOT

FOLDER = ROOT / "templates"
PRINTED = {"letters", "emails"}
PAGES = [
    path
    for path in sorted(FOLDER.rglob("*.html"))
    if path.relative_to(FOLDER).parts[0] not in PRINTED
]
# What is the template's own and no markup.
_NO_MARKUP = re.compile(r"{#.*?#}|{%.*?%}|url_for\([^)]*\)", re.S)
_INLINE = re.compile(
    r"<[a-z][^>]*\s(?:style|on[a-z]+|hx-on[:\w-]*|hx-vals=['\"]js:)\s*=|<style|<script(?![^>]*\ssrc=)"
    r"|javascript:",
    re.I,
)


def _name(path: Path) -> str:
    return str(path.relative_to(FOLDER))


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_a_template_holds_nothing_inline(path: Path) -> None:
    assert not _INLINE.search(_NO_MARKUP.sub("", path.read_text()))


@pytest.mark.parametrize(
    "markup",
    [
        '<p style="a">',
        "<a class=x onclick='f()'>",
        "<style>",
        "<script>f()</script>",
        '<a href="javascript:f()">',
    ],
)
def test_inline_things_are_noticed(markup: str) -> None:
    assert _INLINE.search(markup)


def test_a_script_from_a_file_is_no_inline_script() -> None:
    assert not _INLINE.search('<script src="/static/js/reda.js" defer></script>')
