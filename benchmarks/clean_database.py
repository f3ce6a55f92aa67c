"""What a test's database costs: cloned from a migrated template, emptied, or migrated anew.

Each figure is the median of several runs on one embedded server, in milliseconds.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from flask_migrate import upgrade

from portal import create_app
from portal.config import Settings
from portal.database import server
from portal.extensions import db

RUNS = 5


def median_ms(work: Callable[[int], None]) -> float:
    """How long some work takes, in milliseconds; it is told the number of its run."""
    times = []
    for number in range(RUNS):
        started = time.perf_counter()
        work(number)
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def migrate(urls: server.Urls, name: str, var: Path) -> None:
    """Make a database and bring it up to date, as a fresh installation does."""
    owner, app_url = urls.owner.set(database=name), urls.app.set(database=name)
    server.ensure_database(owner)
    server.ensure_role(owner, app_url)
    app = create_app(
        Settings(
            environment="test", var_folder=str(var),
            database_url=owner.render_as_string(hide_password=False),
            app_database_url=app_url.render_as_string(hide_password=False),
        )
    )  # fmt: skip
    with app.app_context():
        upgrade()
        db.engine.dispose()


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder)
        urls = server.embedded(var / "postgres", "postgres", keep=False)
        address = urls.owner.set(drivername="postgresql").render_as_string(hide_password=False)
        migrated = median_ms(lambda number: migrate(urls, f"fresh{number}", var))
        with psycopg.connect(address, autocommit=True) as connection:

            def clone(number: int) -> None:
                connection.execute(f'create database "clone{number}" template "fresh0"')

            cloned = median_ms(clone)
        tables = "select tablename from pg_tables where schemaname = 'public'"
        own = urls.owner.set(drivername="postgresql", database="clone0")
        with psycopg.connect(
            own.render_as_string(hide_password=False), autocommit=True
        ) as connection:
            names = [name for (name,) in connection.execute(tables).fetchall()]
            wipe = "set session_replication_role = replica;" + "".join(
                f'delete from "{name}";' for name in names
            )
            emptied = median_ms(lambda _: connection.execute(wipe) and None)
    print(f"{'migrated anew (baseline)':<28}{migrated:>10.1f} ms")
    for name, figure in (("cloned, once a worker", cloned), ("emptied, after a test", emptied)):
        print(f"{name:<28}{figure:>10.1f} ms{migrated / figure:>8.0f} times quicker")


if __name__ == "__main__":
    sys.exit(main())
