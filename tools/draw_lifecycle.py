"""docs/lifecycle.md, drawn from the table that the code goes by.

`python -m tools.draw_lifecycle` writes it; with `check` it tells whether it is up to date.
"""

import sys
from collections.abc import Sequence

from portal.collection import states
from portal.config import ROOT

PAGE = ROOT / "docs" / "lifecycle.md"
_HEAD = """\
# The life of a case

Drawn from `portal/collection/states.py` by `python -m tools.draw_lifecycle`; not edited by hand.

A stop lies over a status: {stops}.
While a case has one, the daily advance passes it by and no letter is sent.

```mermaid
stateDiagram-v2
    [*] --> imported: an overdue invoice, by the rules
"""


def draw() -> str:
    """The page as text."""
    lines = [_HEAD.format(stops=", ".join(states.STOPS))]
    for one in states.TRANSITIONS:
        if one.after is None:
            continue
        if one.before == states.OPEN:
            lines.append(f"    any_open --> {_id(one.after)}: {one.name}\n")
            continue
        for before in one.before:
            lines.append(f"    {_id(before)} --> {_id(one.after)}: {one.name}\n")
    lines += [f"    {_id(one)} --> [*]\n" for one in states.CLOSED]
    lines.append(f"    any_open: any of {', '.join(states.OPEN)}\n```\n\n")
    lines.append("| what happens | from | to | by | books | sends | next step | rule |\n")
    lines.append("|---|---|---|---|---|---|---|---|\n")
    lines += [_row(one) for one in states.TRANSITIONS]
    return "".join(lines)


def _id(status: str) -> str:
    return status.replace(" ", "_")


def _row(one: states.Transition) -> str:
    before = "any open" if one.before == states.OPEN else ", ".join(one.before)
    cells = (
        one.name, before, one.after or "as it was", ", ".join(one.by), ", ".join(one.books) or "–",
        one.sends or "–", one.next_step or "none", one.rule,
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |\n"


def main(arguments: Sequence[str]) -> int:
    """Write or check the page; answers the exit code."""
    drawn = draw()
    if list(arguments) == ["check"]:
        if PAGE.exists() and PAGE.read_text() == drawn:
            return 0
        print("docs/lifecycle.md is not what the code does; run python -m tools.draw_lifecycle")
        return 1
    PAGE.write_text(drawn)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
