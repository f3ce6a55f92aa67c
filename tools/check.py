"""Everything that can be told without running the portal; `make check`.

One line for each check with the seconds it took, then what each of them found.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_BIN = Path(sys.executable).parent
# Written with a class of one letter so that this file does not find itself.
_MACHINE = re.compile(
    r"(?<![\w.])/(?:[w]ork|[r]oot|home/[a-z]\w*|Users/\w+)/"
    r"|--(?:extra-)?[i]ndex-url|\"[r]esolved\": *\"http|[r]egistry\s*=\s*http"
)


@dataclass(frozen=True)
class Check:
    """A check: its name, and the command that prints what is wrong and fails if anything is."""

    name: str
    command: Sequence[str]


@dataclass(frozen=True)
class Outcome:
    """How a check went: whether all is well, seconds, and what it printed."""

    check: Check
    is_good: bool
    seconds: float
    output: str


# The slow ones first, so that they do not run alone in the end.
CHECKS = (
    Check("types", (str(_BIN / "mypy"), "--no-color-output")),
    Check("template style", (str(_BIN / "djlint"), "templates", "--lint", "--quiet")),
    Check("architecture", (str(_BIN / "lint-imports"), "--no-cache")),
    Check("templates", (sys.executable, "-m", "tools.lint_templates")),
    Check("translations", (sys.executable, "-m", "tools.translations", "check")),
    Check("lint", (str(_BIN / "ruff"), "check", "--quiet", "--output-format=concise", ".")),
    Check("format", (str(_BIN / "ruff"), "format", "--check", "--quiet", ".")),
    Check("life cycle", (sys.executable, "-m", "tools.draw_lifecycle", "check")),
    Check("machine paths", (sys.executable, "-m", "tools.check", "paths")),
)


def run(check: Check) -> Outcome:
    """Run one check."""
    started = time.monotonic()
    ended = subprocess.run(
        check.command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    return Outcome(check, ended.returncode == 0, time.monotonic() - started, ended.stdout.strip())


def run_all(checks: Sequence[Check] = CHECKS) -> list[Outcome]:
    """Run the checks, as many at a time as there are processors, telling each as it ends."""
    outcomes = []
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for future in as_completed([pool.submit(run, check) for check in checks]):
            outcome = future.result()
            mark = "ok  " if outcome.is_good else "FAIL"
            print(f"{mark} {outcome.check.name:<16}{outcome.seconds:5.1f} s", flush=True)
            outcomes.append(outcome)
    return outcomes


def machine_paths(texts: Iterator[tuple[str, str]]) -> list[str]:
    """Where a text names a folder of one machine, or where it got its packages from.

    texts: each file's name and content.
    """
    return [
        f"{name}:{number}: {found[0]}"
        for name, content in texts
        for number, line in enumerate(content.splitlines(), 1)
        if (found := _MACHINE.search(line))
    ]


def _committed() -> Iterator[tuple[str, str]]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        path = ROOT / name
        if path.is_file() and b"\0" not in (content := path.read_bytes()):
            yield name, content.decode(errors="replace")


def main(arguments: Sequence[str] = ()) -> int:
    """Check everything; answers the exit code."""
    if list(arguments) == ["paths"]:
        found = machine_paths(_committed())
        print("\n".join(found))
        return 1 if found else 0
    outcomes = run_all()
    for outcome in outcomes:
        if not outcome.is_good:
            print(f"\n--- {outcome.check.name}\n{outcome.output}")
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
