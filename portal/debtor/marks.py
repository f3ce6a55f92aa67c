"""Where the numbers stand beside the picture of a letter, and where their arrows point."""

from collections.abc import Mapping
from dataclasses import dataclass

from portal.delivery.prints import Print

# Beside the page, in its points: a gutter for the numbers, and how far apart they are at least.
GUTTER = 44.0
_APART = 30.0
# How far from words within the page their number stands.
_NEAR = 37.0


@dataclass(frozen=True)
class Mark:
    """A number: its centre (x, y), the arrow's tip (to_x, to_y), the words and what they are."""

    number: int
    x: float
    y: float
    to_x: float
    to_y: float
    words: str
    explanation: str


@dataclass(frozen=True)
class Drawn:
    """A page of so many points with a gutter on either side, and the marks on it."""

    width: float
    height: float
    marks: list[Mark]


def draw(printed: Print, explanations: Mapping[str, str]) -> Drawn:
    """Number the words that stand on a page from the top down, each in the gutter nearest to it.

    An arrow to a column in the middle would cross the one before it: there the number stands near.
    explanations: what to tell of each of the words; words that the page lacks are left out.
    """
    found = sorted(
        ((printed.places[words], words) for words in explanations if words in printed.places),
        key=lambda one: (one[0].top, one[0].left),
    )
    marks, lowest = [], {True: 0.0, False: 0.0}
    for number, (place, words) in enumerate(found, 1):
        is_left = place.left < printed.width / 2
        y = middle = (place.top + place.bottom) / 2
        if is_left and place.left > printed.width / 4:
            x = place.left - _NEAR
        else:
            x = -GUTTER / 2 if is_left else printed.width + GUTTER / 2
            y = lowest[is_left] = max(middle, lowest[is_left] + _APART)
        to_x = place.left - 3 if is_left else place.right + 3
        marks.append(Mark(number, x, y, to_x, middle, words, explanations[words]))
    return Drawn(printed.width, printed.height, marks)
