"""Letters a second on one core, ours beside bare WeasyPrint on the same letters in the same run.

Bare: each letter's HTML, its pictures inline as SVG, given to WeasyPrint with the style sheet's
file, everything anew for each. Ours begins earlier, with the letter's content: composing the text
and working out the QR code are within its time. Each way runs in a process of its own, and is
measured in the time that its core worked, so that what else the machine does is left out; the pool
is measured by the clock. Run as `PYTHONPATH=. python benchmarks/letters.py [letters]`.
"""

import multiprocessing
import os
import re
import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from weasyprint import HTML

from portal import create_app
from portal.config import ROOT, Settings
from portal.delivery import letters, presses
from portal.delivery.letters import Letter
from portal.extensions import settings
from portal.payments import qr

STYLE = str(ROOT / "templates" / "letters" / "letters.css")
WORDMARK = (ROOT / "templates" / "letters" / "wordmark.svg").read_text()
WARM_UP = 5
# Nothing here asks the database; the address is one where none is.
SETTINGS = Settings(
    environment="test",
    base_url="https://reda.example",
    database_url="postgresql://nobody@127.0.0.1:1/none",
)
GIVEN = ("Amina", "Björn", "Chen", "Dawit", "Elif", "Fatima", "Göran", "Hanna", "Ibrahim", "Åsa")
FAMILY = ("Lindqvist", "Al-Khatib", "Öberg", "Yılmaz", "Haile", "Wang", "Nowak", "Sjöström")


@dataclass(frozen=True)
class Figure:
    """Letters a second, and the peak of memory in MB of the processes that made them."""

    rate: float
    peak_mb: float


def reminder(number: int) -> Letter:
    """A reminder in Swedish, with interest, fee and QR code; each number gives another."""
    principal_ore = 50_000 + 1_377 * number
    interest_ore = principal_ore * 10 * 20 // 36_500
    content = {
        "creditor": {"name": "Norrsken Energi AB", "organisation_number": "5599000016"},
        "recipient": {
            "name": f"{GIVEN[number % 10]} {FAMILY[number % 8]}",
            "address_line": f"Storgatan {number + 1}",
            "postcode": "11122",
            "town": "Stockholm",
            "country": "SE",
        },
        "invoice": {
            "number": f"F2026-{number}",
            "issued_on": "2026-01-19",
            "due_on": "2026-02-18",
            "description": "El januari",
            "amount_ore": principal_ore,
        },
        "parts": [
            {"kind": "principal", "ore": principal_ore},
            {
                "kind": "interest",
                "ore": interest_ore,
                "periods": [
                    {
                        "from_on": "2026-02-19",
                        "to_on": "2026-03-10",
                        "days": 20,
                        "principal_ore": principal_ore,
                        "per_cent": "10.00",
                    }
                ],
            },
            {"kind": "reminder_fee", "ore": 6_000, "statute": "lag (1981:739) § 2, § 4"},
        ],
        "total_ore": principal_ore + interest_ore + 6_000,
        "currency": "SEK",
        "reference": f"{604_000_000 + number * 977:09}",
        "ocr": f"{100_000_000_000 + number * 1_013:012}",
        "account": {"kind": "bankgiro", "number": "59999991"},
        "written_on": "2026-03-10",
        "pay_by_on": "2026-03-20",
        "web_address": "https://reda.example",
    }
    return Letter("reminder", content, "K7MPQ2", "sv")


def bare(some: Sequence[Letter]) -> Callable[[], object]:
    """WeasyPrint alone on the letters' HTML."""
    pages = [_with_svg(letters.compose(one, settings())) for one in some]

    def work() -> None:
        for page in pages:
            HTML(string=page).write_pdf(stylesheets=[STYLE], pdf_variant="pdf/ua-1")

    return work


def _with_svg(composed: letters.Composed) -> str:
    def drawn(found: re.Match[str]) -> str:
        return qr.svg(composed.codes[found[1]], title=found[2], side_mm=32)

    page = re.sub(r'<img class="wordmark"[^>]*>', lambda _: WORDMARK, composed.html())
    return re.sub(r'<img class="qr" src="([^"]*)" alt="([^"]*)">', drawn, page)


def one_by_one(some: Sequence[Letter]) -> Callable[[], object]:
    """Ours, a PDF for each letter."""

    def work() -> None:
        for one in some:
            presses._render(one)

    return work


def joined(some: Sequence[Letter]) -> Callable[[], object]:
    """Ours, all letters in one PDF."""
    return lambda: letters.render_batch(some, settings=settings())


def run(way: Callable[[Sequence[Letter]], Callable[[], object]], count: int) -> Figure:
    """Measure a way in this process, after a few letters to warm up."""
    way([reminder(number) for number in range(WARM_UP)])()
    work = way([reminder(number) for number in range(count)])
    started = time.process_time()
    work()
    worked = time.process_time() - started
    return Figure(count / worked, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def enter() -> None:
    """Make this process one that knows the application and nothing more, for the bare way."""
    create_app(SETTINGS).app_context().push()


def apart(way: Callable[[Sequence[Letter]], Callable[[], object]], count: int) -> Figure:
    """Measure a way in a process of its own; ours run as the pool's processes do."""
    begin, arguments = (enter, ()) if way is bare else (presses._begin, ("portal", SETTINGS))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, begin, arguments) as process:
        return process.submit(run, way, count).result()


def pool(count: int) -> Figure:
    """Measure the pool on all cores by the clock, from when its processes are ready."""
    with create_app(SETTINGS).app_context(), presses.running() as running:
        cores = os.cpu_count() or 1
        for ready in [running.render(reminder(number)) for number in range(cores * WARM_UP)]:
            ready.result()
        started = time.perf_counter()
        for made in [running.render(reminder(number)) for number in range(count)]:
            made.result()
        seconds = time.perf_counter() - started
        return Figure(count / seconds, _peak_of_children_mb())


def _peak_of_children_mb() -> float:
    peaks, parents = {}, {}
    for path in Path("/proc").glob("[0-9]*/status"):
        try:
            told = dict(line.split(":\t", 1) for line in path.read_text().splitlines())
        except (OSError, ValueError):
            continue
        pid = int(told["Pid"])
        parents[pid] = int(told["PPid"])
        peaks[pid] = int(told.get("VmHWM", "0 kB").split()[0]) / 1024

    def is_ours(pid: int) -> bool:
        parent = parents.get(pid, 0)
        return parent == os.getpid() or (parent > 1 and is_ours(parent))

    return sum(peak for pid, peak in peaks.items() if is_ours(pid))


def main() -> None:
    """Print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    if not letters.is_fast():
        print("libharfbuzz-subset0 is not installed; every figure is a tenth of what it could be")
    baseline = apart(bare, count)
    print(f"{count} reminders{'':<22}{'letters/s':>12}{'ratio':>8}{'peak MB':>10}")
    rows = [
        ("bare WeasyPrint (baseline)", baseline),
        ("one PDF a letter", apart(one_by_one, count)),
        ("one PDF for all", apart(joined, count)),
        (f"pool, {os.cpu_count()} cores, by the clock", pool(count)),
    ]
    for name, figure in rows:
        ratio = figure.rate / baseline.rate
        print(f"{name:<34}{figure.rate:>10.1f}{ratio:>8.2f}{figure.peak_mb:>10.0f}")


if __name__ == "__main__":
    main()
