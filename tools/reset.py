"""Forget all demo data, if nothing is using it."""

import shutil
import sys
from pathlib import Path

from portal.config import ROOT

KEPT = {"test-postgres", "test-postgres.lock", "test-template.lock"}


def main() -> None:
    """Empty var/, but for what tests and set-up keep there."""
    var = ROOT / "var"
    if _is_running(var / "postgres"):
        sys.exit("Reda is running. End it with Ctrl-C first, then run `make reset` again.")
    for path in var.glob("*"):
        if path.name in KEPT or path.name.startswith(".setup-"):
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    print("All demo data is gone. `make run` starts over.")


def _is_running(data: Path) -> bool:
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return False
    pid = int(pid_file.read_text().split()[0])
    return Path(f"/proc/{pid}").exists()


if __name__ == "__main__":
    main()
