"""The style sheet: small, and readable in the light and in the dark."""

import gzip
import re
from itertools import product

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from portal.config import ROOT

CSS = (ROOT / "static" / "css" / "reda.css").read_text()
_BLOCK = re.compile(r":root\s*{([^}]*)}")
_COLOUR = re.compile(r"--([\w-]+):\s*#([0-9a-f]{3,6})\b")


def _colours(block: str) -> dict[str, str]:
    return {
        name: value if len(value) == 6 else "".join(sign * 2 for sign in value)
        for name, value in _COLOUR.findall(block)
    }


CHARTS = (ROOT / "static" / "css" / "charts.css").read_text()
DOCUMENTS = (ROOT / "static" / "css" / "documents.css").read_text()
LIGHT = _colours(_BLOCK.findall(CSS)[0])
DARK = LIGHT | _colours(_BLOCK.findall(CSS)[1])
SCHEMES = {"light": LIGHT, "dark": DARK}


def _luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio, WCAG 2.2: from 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


BACKGROUNDS = ["paper", "surface", "tint"]
# Text of any size needs 4.5 (WCAG 1.4.3); borders of controls and signs need 3 (1.4.11).
TEXT = [*product(["ink", "ink-soft", "link", "care"], BACKGROUNDS)]
TEXT += [(name, name.removeprefix("on-")) for name in LIGHT if name.startswith("on-")]
TEXT += [("ink", "tint-deep")]
SIGNS = [*product(["edge-strong", "focus", "pine"], BACKGROUNDS)]


def test_contrast_is_computed_as_wcag_does() -> None:
    assert contrast("000000", "ffffff") == pytest.approx(21)
    assert contrast("767676", "ffffff") == pytest.approx(4.54, abs=0.01)


def test_both_schemes_give_every_colour() -> None:
    given = _colours(_BLOCK.findall(CSS)[1])
    assert set(LIGHT) - {"radius"} == set(given)
    for name in (one for one in LIGHT if one.startswith("on-")):
        assert name.removeprefix("on-") in LIGHT


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("text", "behind"), TEXT)
def test_text_can_be_read(scheme: str, text: str, behind: str) -> None:
    colours = SCHEMES[scheme]
    assert contrast(colours[text], colours[behind]) >= 4.5


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("sign", "behind"), SIGNS)
def test_controls_can_be_seen(scheme: str, sign: str, behind: str) -> None:
    colours = SCHEMES[scheme]
    assert contrast(colours[sign], colours[behind]) >= 3


@pytest.mark.parametrize("scheme", SCHEMES)
def test_what_is_drawn_can_be_seen(scheme: str) -> None:
    series = _colours(_BLOCK.findall(CHARTS)[list(SCHEMES).index(scheme)])
    assert len(series) == 7
    for name, colour in series.items():
        if name.startswith("series"):
            assert contrast(colour, SCHEMES[scheme]["surface"]) >= 3, name


def test_every_custom_property_that_is_used_is_given() -> None:
    used = set(re.findall(r"var\(--([\w-]+)\)", CSS + CHARTS + DOCUMENTS))
    assert used <= set(re.findall(r"--([\w-]+):", CSS + CHARTS + DOCUMENTS))


def test_colours_are_named_once_and_used_by_name() -> None:
    rules = re.sub(r":root\s*{[^}]*}", "", CSS + CHARTS + DOCUMENTS)
    # The plate of a code and paper are white and black whatever the scheme.
    assert set(re.findall(r"#[0-9a-f]{3,6}\b", rules)) <= {"#fff", "#999"}


def test_the_sheet_is_laid_out_in_both_directions() -> None:
    physical = re.findall(
        r"(?:margin|padding|border)-(?:left|right)\b|text-align:\s*(?:left|right)|[{;]\s*(?:left|right):",
        CSS + CHARTS + DOCUMENTS,
    )
    assert physical == []


def test_the_sheet_is_small() -> None:
    assert len(CSS.encode()) < 36_000


def test_a_debtors_page_travels_in_less_than_60_kb(client: FlaskClient) -> None:
    html = client.get("/dev/debtor").text
    soup = BeautifulSoup(html, "html.parser")
    addresses = [one.get("src") or one["href"] for one in soup.select("script[src], link[href]")]
    bodies = [html.encode(), *(client.get(one).data for one in addresses)]
    assert len(addresses) == 4
    assert sum(len(gzip.compress(body)) for body in bodies) < 60_000
