"""What a debtor's page costs the server beside a bare Flask page, and what all languages cost.

The bare page is an application of its own that runs one query (`select 1`) on a connection it keeps
and answers a template of one line; both are asked in turn, in one process, so that `ratio` is the
page's median beside the bare one's. Catalogues are loaded when somebody first reads in them; here
all are loaded at once, in a process that has none.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import psycopg
from flask import Flask, render_template_string
from flask.testing import FlaskClient

from benchmarks.scale import address, make_world
from portal.config import ROOT
from portal.database import server, tenancy
from tests.factories import a_creditor, a_reminded_case, rules_of, session_cookie

DATABASE = "reda_light"

REPEATS = 200
ALL_LANGUAGES = """
import resource, time
from portal.catalogues import load
from portal.locales import LANGUAGES
def held():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
before, start = held(), time.perf_counter()
kept = [load(code) for code in LANGUAGES]
took = time.perf_counter() - start
grown = (held() - before) / 1e6
texts = sum(len(one._catalog) for one in kept)
print(f"{'all catalogues':<28}{took:>9.2f} s{grown:>9.1f} MB{texts:>9} texts   aim 2 s, 100 MB")
"""


def bare(database: str) -> Flask:
    """A Flask page with one query and nothing else."""
    app = Flask("bare")
    connection = psycopg.connect(database, autocommit=True)

    @app.get("/")
    def show() -> str:
        found = connection.execute("select 1").fetchone()
        return render_template_string("<p>{{ found }}</p>", found=found)

    return app


def inside(app: Flask, count: int) -> tuple[FlaskClient, str]:
    """A browser that has so many cases open, and the reference of the first."""
    client = app.test_client()
    with app.app_context(), tenancy.service():
        creditor = a_creditor()
        rules_of(creditor)
        opened = [a_reminded_case(creditor) for _ in range(count)]
        ids, reference = [case.id for case in opened], opened[0].reference
        cookie = session_cookie(app, {"debtor_cases": ids})
    client.set_cookie(*cookie)
    return client, reference


def median_ms(asks: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The median of each, asked in turn."""
    took: dict[str, list[float]] = {name: [] for name in asks}
    for turn in range(REPEATS + 20):
        for name, ask in asks.items():
            start = time.perf_counter()
            ask()
            if turn >= 20:
                took[name].append((time.perf_counter() - start) * 1000)
    return {name: statistics.median(values) for name, values in took.items()}


def main() -> int:
    """Print the figures."""
    urls = server.embedded(ROOT / "var" / "bench" / "postgres", DATABASE, keep=False)
    app = make_world(urls, 0)
    simple, ours = bare(address(urls)).test_client(), app.test_client()
    visitor, reference = inside(app, 5)
    swedish = {"Accept-Language": "sv"}
    case_page = f"/case/{reference}"
    for path in (case_page, f"{case_page}/why/interest", "/overview"):
        assert visitor.get(path, headers=swedish).status_code == 200, path
    found = median_ms({
        "bare page, one query": lambda: simple.get("/"),
        "way in": lambda: ours.get("/", headers=swedish),
        "health, one query": lambda: ours.get("/health"),
        "case": lambda: visitor.get(case_page, headers=swedish),
        "why, interest": lambda: visitor.get(f"{case_page}/why/interest", headers=swedish),
        "overview of 5 cases": lambda: visitor.get("/overview", headers=swedish),
    })  # fmt: skip
    base = found["bare page, one query"]
    for name, took in found.items():
        print(f"{name:<28}{took:>9.2f} ms   ratio {took / base:.2f}")
    subprocess.run([sys.executable, "-c", ALL_LANGUAGES], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
