"""Run every test, on all processors, in a random order whose seed is printed; `make test`.

Further arguments go to pytest: `python -m tools.run_tests tests/law -k interest`. Give
`--randomly-seed=...` with the number printed to have an order once more.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile

import psycopg

from portal.database import server

ROOT = Path(__file__).resolve().parent.parent
# Of a run that was killed; those of another run that is still going are in use and stay.
_STALE = (
    "select datname from pg_database d where (datname like 'reda\\_test\\_%'"
    " or datname like 'reda\\_template\\_%')"
    " and not exists (select from pg_stat_activity a where a.datname = d.datname)"
)


# What these drive is measured by the rooms' own tests; measuring it again costs minutes.
_NOT_MEASURED = (
    "tests/browser", "tests/journeys", "tests/simulators", "tests/test_walls.py",
    "tests/collection/test_years.py", "tests/collection/test_days.py",
    "tests/delivery/test_presses.py", "tests/delivery/test_batches.py",
)  # fmt: skip


def commands(seed: int, further: Sequence[str] = ()) -> list[list[str]]:
    """The pytest commands: one for what is not measured, one for the others with their coverage.

    seed: of the random order. further: arguments given by the person; then there is one command,
    without coverage.
    """
    processors = os.cpu_count() or 2
    # A few more at once than there are processors: tests also wait, for a browser or a payment.
    processes = processors if further else processors // 2 + 1
    pytest = [
        sys.executable, "-m", "pytest", "-n", str(processes), "--dist", "loadfile",
        "--no-loadscope-reorder", "-q", f"--randomly-seed={seed}",
    ]  # fmt: skip
    if further:
        return [[*pytest, *further]]
    measured = ["tests", *(f"--ignore={path}" for path in _NOT_MEASURED)]
    coverage = ["--cov=portal", "--cov-report=term:skip-covered"]
    return [[*pytest, *_NOT_MEASURED], [*pytest, *coverage, *measured]]


def run_at_once(commands: Sequence[Sequence[str]]) -> int:
    """Run commands beside each other; answers the worst exit code.

    The last one's output is seen as it comes, the others' when all have ended.
    """
    with ExitStack() as stack:
        outputs = [stack.enter_context(TemporaryFile()) for _ in commands[:-1]]
        running = [
            subprocess.Popen(one, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
            for one, output in zip(commands, [*outputs, None], strict=True)
        ]
        codes = [one.wait() for one in running]
        for output in outputs:
            output.seek(0)
            print(output.read().decode(), flush=True)
    # One that was killed has a negative code.
    return max(abs(code) for code in codes)


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
    """Run the tests; answers pytest's worst exit code."""
    if "TEST_DATABASE_URL" not in os.environ:
        urls = server.embedded(ROOT / "var" / "test-postgres", "postgres", keep=False)
        address = urls.owner.set(drivername="postgresql").render_as_string(hide_password=False)
        remove_stale_databases(address)
    seed = int(time.time())
    print(f"Order of the tests: --randomly-seed={seed}", flush=True)
    return run_at_once(commands(seed, further))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
