"""What a debtor's page costs the server beside a bare Flask page, and what all languages cost.

The bare page is an application of its own, as one begins it with the same parts: Flask and
Flask-SQLAlchemy with our pool's settings, one query (`select 1`) and a compiled template of one
line; no session, no languages, no walls. The barest has not even the pool: psycopg on a connection
that it keeps. All are asked in turn, in one process, through the test client.

A page of a case is asked for twice: made anew, as when something has changed or nobody has read it
for a while, and found kept (`web.keeping`).

`cpu` is the time that this process worked, which other processes lengthen little; `wall` has the
database's work in it. Each is a median, and each ratio is to the bare page's. Catalogues are loaded
when somebody first reads in them; here all are loaded at once, in a process that has none.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

import psycopg
from flask import Flask, render_template
from flask.testing import FlaskClient
from flask_sqlalchemy import SQLAlchemy
from jinja2 import DictLoader
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from benchmarks.scale import address, make_world
from portal.config import ROOT
from portal.database import server, tenancy
from portal.web import keeping
from tests.factories import a_creditor, a_reminded_case, rules_of, session_cookie

DATABASE = "reda_light"

REPEATS = 200
_TEMPLATE = {"bare.html": "<!doctype html><title>Bare</title><p>{{ found }}</p>"}
_OF_POOL = ("SQLALCHEMY_DATABASE_URI", "SQLALCHEMY_ENGINE_OPTIONS")
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


def bare(app: Flask) -> Flask:
    """A Flask page with one query and nothing else, on a pool as the application's."""
    page = Flask("bare")
    page.jinja_loader = DictLoader(_TEMPLATE)
    page.config.update({name: app.config[name] for name in _OF_POOL})
    database = SQLAlchemy(page)

    @page.get("/")
    def show() -> str:
        return render_template("bare.html", found=database.session.scalar(select(1)))

    return page


def barest(database: str) -> Flask:
    """The same without a pool: one connection, kept."""
    page = Flask("barest")
    page.jinja_loader = DictLoader(_TEMPLATE)
    connection = psycopg.connect(database, autocommit=True)

    @page.get("/")
    def show() -> str:
        return render_template("bare.html", found=connection.execute("select 1").fetchone())

    return page


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


# What is asked, and what holds meanwhile.
Asks = dict[str, tuple[Callable[[], object], Callable[[], AbstractContextManager[None]]]]


@dataclass
class Took:
    """The median of what a page took, in milliseconds by the clock and of this process's work."""

    wall: float
    cpu: float


@contextmanager
def no_walls() -> Iterator[None]:
    """No scope for any session of the process, as in an application of its own."""
    event.remove(Session, "after_begin", tenancy.scope_transaction)
    yield
    event.listen(Session, "after_begin", tenancy.scope_transaction)


@contextmanager
def none_kept(app: Flask) -> Iterator[None]:
    """No page of the application is found kept."""
    keeping.init_app(app)
    yield


def once(ask: Callable[[], object]) -> Took:
    """What one asking takes."""
    start, worked = time.perf_counter(), time.process_time()
    ask()
    worked, start = time.process_time() - worked, time.perf_counter() - start
    return Took(start * 1000, worked * 1000)


def medians(asks: Asks) -> dict[str, Took]:
    """The medians of each, asked in turn."""
    took: dict[str, list[Took]] = {name: [] for name in asks}
    for turn in range(REPEATS + 20):
        for name, (ask, around) in asks.items():
            with around():
                one = once(ask)
            if turn >= 20:
                took[name].append(one)
    return {
        name: Took(
            statistics.median(one.wall for one in some), statistics.median(one.cpu for one in some)
        )
        for name, some in took.items()
    }


def main() -> int:
    """Print the figures."""
    urls = server.embedded(ROOT / "var" / "bench" / "postgres", DATABASE, keep=False)
    app = make_world(urls, 0)
    simple, plain = bare(app).test_client(), barest(address(urls)).test_client()
    ours = app.test_client()
    visitor, reference = inside(app, 5)
    swedish = {"Accept-Language": "sv"}
    case_page = f"/case/{reference}"
    pages = {
        "case": case_page,
        "why, interest": f"{case_page}/why/interest",
        "overview of 5 cases": "/overview",
    }
    asks: Asks = {
        "bare page, one query": (lambda: simple.get("/"), no_walls),
        "barest, one connection": (lambda: plain.get("/"), nullcontext),
        "way in": (lambda: ours.get("/", headers=swedish), nullcontext),
        "health, one query": (lambda: ours.get("/health"), nullcontext),
    }
    for name, path in pages.items():
        assert visitor.get(path, headers=swedish).status_code == 200, path
        ask = partial(visitor.get, path, headers=swedish)
        asks[f"{name}, anew"] = ask, partial(none_kept, app)
        asks[name] = ask, nullcontext
    found = medians(asks)
    base = found["bare page, one query"]
    print(f"{'ms':<28}{'cpu':>9}{'wall':>9}{'ratio':>9}{'of wall':>9}")
    for name, took in found.items():
        print(
            f"{name:<28}{took.cpu:>9.2f}{took.wall:>9.2f}"
            f"{took.cpu / base.cpu:>9.2f}{took.wall / base.wall:>9.2f}"
        )
    subprocess.run([sys.executable, "-c", ALL_LANGUAGES], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
