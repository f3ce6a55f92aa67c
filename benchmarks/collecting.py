"""A thousand people signing with BankID at once: what their open pages cost, how long they wait.

Each has an order and a page that asks each second, as browsers do; the simulator is a process of
its own, over mutual TLS. As many threads as a server has answer the pages, in the order in which
they are due; a page that waits for its answer asks again a second after it. In the same run stand
the bare calls: `collect` through the same client and threads, as fast as they go. At the end the
simulator tells whether an order was collected more often than each two seconds, which BankID
forbids. Run as `PYTHONPATH=. python benchmarks/collecting.py [orders]`.
"""

import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import httpx
from flask import Flask
from scale import make_world

from portal import clock
from portal.config import ROOT
from portal.database import server, tenancy
from portal.extensions import db
from portal.identity import orders
from portal.identity.orders import Purpose
from simulators.certificates import ensure
from tests.factories import session_cookie

DATABASE = "reda_collecting"
THREADS = 8
SECONDS = 30
API, PHONE = 8191, 8192
BINDING = "bench"
SUBJECT = {"door": "signing", "document": "bench"}
T = TypeVar("T")


@contextmanager
def simulator(folder: Path) -> Iterator[None]:
    """The BankID simulator in a process of its own."""
    process = subprocess.Popen(
        [
            sys.executable, "-m", "simulators.bankid", "--certificates", str(folder),
            "--port", str(API), "--phone-port", str(PHONE),
        ],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.readline()
        yield
    finally:
        process.terminate()
        process.wait()


def pointed(app: Flask, folder: Path) -> None:
    """Let the application's BankID be the simulator."""
    paths = ensure(folder)
    app.extensions["reda_settings"] = replace(
        app.extensions["reda_settings"],
        bankid_address=f"https://127.0.0.1:{API}/rp/v6.0/",
        bankid_certificate=str(paths.bankid_client),
        bankid_key=str(paths.bankid_client_key),
        bankid_ca=str(paths.tls_ca),
        bankid_roots=str(paths.bankid_root),
    )


def started(app: Flask, count: int) -> list[tuple[str, str]]:
    """So many orders under way: the key and the BankID reference of each."""
    visible = "# Avtal\n\n+ Avsändare: Norrsken Energi AB"

    def begin(_: int) -> tuple[str, str]:
        with app.app_context(), tenancy.service():
            order = orders.start(
                Purpose("sign", dict(SUBJECT), visible=visible, non_visible=b"{}"),
                binding=BINDING, end_user_ip="192.0.2.7", user_agent="bench",
                return_url="https://reda.example/{key}?nonce={nonce}", now=clock.now(),
            ).order  # fmt: skip
            db.session.commit()
            return order.key, order.order_ref

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(begin, range(count)))


class Pace:
    """Hands out the pages in the order in which they are due, each a second after its answer."""

    def __init__(self, count: int) -> None:
        self._lock = threading.Lock()
        start = time.perf_counter()
        self._due = [(start + place / count, place) for place in range(count)]

    def next(self) -> tuple[float, int]:
        """When a page is due, and whose; waits until then."""
        with self._lock:
            due, place = self._due.pop(0)
        time.sleep(max(0.0, due - time.perf_counter()))
        return due, place

    def answered(self, place: int) -> None:
        """The page asks again in a second, as htmx does."""
        with self._lock:
            self._due.append((time.perf_counter() + 1, place))


def watch(app: Flask, keys: list[str]) -> list[tuple[float, float]]:
    """Every page asks for some time; answers the seconds of waiting and of answering of each."""
    pace, end = Pace(len(keys)), time.perf_counter() + SECONDS
    cookies = ["=".join(session_cookie(app, {"bankid_binding": BINDING})) for _ in keys]

    def ask() -> list[tuple[float, float]]:
        client, told = app.test_client(use_cookies=False), []
        while time.perf_counter() < end:
            due, place = pace.next()
            asked = time.perf_counter()
            answer = client.get(
                f"/bankid/{keys[place]}", headers={"Cookie": cookies[place], "HX-Request": "true"}
            )
            assert answer.status_code == 200, answer.status
            now = time.perf_counter()
            told.append((now - due, now - asked))
            pace.answered(place)
        return told

    with ThreadPoolExecutor(THREADS) as threads:
        return [one for told in threads.map(lambda _: ask(), range(THREADS)) for one in told]


def bare(app: Flask, refs: list[str]) -> list[float]:
    """The seconds of each bare call, as fast as the threads go; each order once."""

    def call(ref: str) -> float:
        with app.app_context():
            begun = time.perf_counter()
            orders.client().collect(ref)
            return time.perf_counter() - begun

    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(call, refs))


def timed(work: Callable[[], list[T]]) -> tuple[list[T], float, float]:
    """What some work answers, and its seconds by the clock and of this process."""
    begun, worked = time.perf_counter(), time.process_time()
    found = work()
    return found, time.perf_counter() - begun, time.process_time() - worked


def line(name: str, took: list[float], seconds: float, cpu: float) -> None:
    """One line of figures."""
    p95 = statistics.quantiles(took, n=20)[-1]
    median = statistics.median(took)
    print(
        f"{name:<26}{len(took):>8}{len(took) / seconds:>10.0f}{median * 1e3:>10.1f}"
        f"{p95 * 1e3:>10.1f}{cpu / len(took) * 1e3:>10.2f}"
    )


def main(count: int) -> int:
    """Print the figures."""
    urls = server.embedded(ROOT / "var" / "bench" / "postgres", DATABASE, keep=False)
    app = make_world(urls, 0)
    app.config["RATELIMIT_ENABLED"] = False
    folder = ROOT / "var" / "bench" / "certificates"
    pointed(app, folder)
    with simulator(folder):
        under_way = started(app, count)
        refs = [ref for _, ref in under_way]
        calls, took, cpu = timed(lambda: bare(app, refs))
        # BankID is asked about an order at most each two seconds, by this too.
        time.sleep(2)
        before = collects(refs)
        asked_at = time.perf_counter()
        pages, watched, page_cpu = timed(lambda: watch(app, [key for key, _ in under_way]))
        most = max(now - then for now, then in zip(collects(refs), before, strict=True))
        allowed = int((time.perf_counter() - asked_at) / 2) + 1
    print(f"{count} orders, {THREADS} threads, {SECONDS} s")
    print(f"{'':<26}{'answers':>8}{'a second':>10}{'median ms':>10}{'p95 ms':>10}{'cpu ms':>10}")
    line("bare collect", calls, took, cpu)
    line("page, from asking", [one for _, one in pages], watched, page_cpu)
    line("page, from being due", [one for one, _ in pages], watched, page_cpu)
    print(f"BankID was asked at most {most} times about an order; {allowed} are allowed")
    return 0 if most <= allowed else 1


def collects(refs: list[str]) -> list[int]:
    """How often each order was collected, as the simulator counts."""
    with httpx.Client(base_url=f"http://127.0.0.1:{PHONE}", trust_env=False) as control:
        return [control.get(f"/control/orders/{ref}").json()["collects"] for ref in refs]


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000))
