"""Run every test, on all processors, in a random order whose seed is printed; `make test`.

Further arguments go to pytest: `python -m tools.run_tests tests/law -k interest`, or, for
`make coverage`, `--cov`. Give `--randomly-seed=...` with the number printed to have an order once
more.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

from portal.database import server

ROOT = Path(__file__).resolve().parent.parent
# Of a run that was killed; those of another run that is still going are in use and stay.
_STALE = (
    "select datname from pg_database d where (datname like 'reda\\_test\\_%'"
    " or datname like 'reda\\_template\\_%')"
    " and not exists (select from pg_stat_activity a where a.datname = d.datname)"
)


def command(seed: int, further: Sequence[str] = ()) -> list[str]:
    """The pytest command. seed: of the random order. further: arguments given by the person."""
    # One more at once than there are processors: tests also wait, for a browser or a payment.
    processes = (os.cpu_count() or 2) + 1
    return [
        sys.executable, "-m", "pytest", "-n", str(processes), "--dist", "loadfile",
        "--no-loadscope-reorder", "-q", f"--randomly-seed={seed}", *further,
    ]  # fmt: skip


def remove_stale_databases(owner: str) -> list[str]:
    """Drop test databases that nobody is connected to; answers their names.

    owner: address of the test server, as the role that owns it.
    """
    with psycopg.connect(owner, autocommit=True) as connection:
        names = [name for (name,) in connection.execute(_STALE).fetchall()]
        for name in names:
            connection.execute(f'drop database if exists "{name}"')
    return names


def main(further: Sequence[str]) -> int:
    """Run the tests; answers pytest's exit code."""
    if "TEST_DATABASE_URL" not in os.environ:
        urls = server.embedded(ROOT / "var" / "test-postgres", "postgres", keep=False)
        address = urls.owner.set(drivername="postgresql").render_as_string(hide_password=False)
        remove_stale_databases(address)
    seed = int(time.time())
    print(f"Order of the tests: --randomly-seed={seed}", flush=True)
    # One that was killed has a negative code.
    return abs(subprocess.call(command(seed, further), cwd=ROOT))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
