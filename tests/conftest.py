"""The real parts that tests share: database, application, simulators, a browser.

One embedded server runs for all workers of a test run; each worker gets a database cloned from a
migrated template. A test commits for real; what it wrote is deleted after it, in milliseconds.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import fasteners
import hypothesis
import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import URL

from portal import clock, create_app
from portal.config import ROOT, Settings
from portal.database import server, tenancy
from portal.extensions import db

pytest_plugins = [
    *(
        "tests.bankid_fixtures",
        "tests.mail_fixtures",
        "tests.online_fixtures",
        "tests.swish_fixtures",
    ),
    *("tests.portal_fixtures", "tests.seal_fixtures", "tests.sms_fixtures"),
    "tests.mailbox_fixtures",
]
TEMPLATE = "reda_template"
# How long an example takes depends on what else the machine does.
hypothesis.settings.register_profile("reda", deadline=None)
hypothesis.settings.load_profile("reda")
# Begun first, so that no processor has one of them left alone in the end.
_LONG = (
    "tests/collection/test_days.py", "tests/browser/test_every_page.py",
    "tests/delivery/test_presses.py", "tests/browser/test_paying.py",
    "tests/collection/test_years.py", "tests/browser/test_collecting.py",
    "tests/journeys/test_one_invoice.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first, and of a file those that share a world; else the order is random."""
    files = list(dict.fromkeys(_file(item) for item in items))
    files.sort(key=lambda name: _LONG.index(name) if name in _LONG else len(_LONG))
    place = {name: number for number, name in enumerate(files)}
    items.sort(key=lambda item: (place[_file(item)], not _shares_a_world(item)))


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _shares_a_world(item: Any) -> bool:
    """Whether the test uses the fixture that its file's KEPT names."""
    return getattr(item.module, "KEPT", None) in item.fixturenames


def _address(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _as_owner(owner: URL) -> psycopg.Connection:
    return psycopg.connect(_address(owner), autocommit=True)


def settings_of(urls: server.Urls, var: Path) -> Settings:
    """The settings of a test: its own database, and its own folder for what is written."""
    return Settings(
        environment="test",
        base_url="http://localhost",
        var_folder=str(var),
        database_url=urls.owner.render_as_string(hide_password=False),
        app_database_url=urls.app.render_as_string(hide_password=False),
    )


@pytest.fixture(scope="session")
def postgres() -> server.Urls:
    """The server, quick because what it holds need not survive a power cut."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        return server.urls(Settings(environment="test", database_url=given))
    folder = ROOT / "var" / "test-postgres"
    folder.parent.mkdir(exist_ok=True)
    with fasteners.InterProcessLock(str(folder.parent / "test-postgres.lock")):
        urls = server.embedded(folder, "postgres", keep=False)
        with _as_owner(urls.owner) as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(f"alter system set {setting} = off")
            connection.execute("select pg_reload_conf()")
    return urls


@pytest.fixture(scope="session")
def database_urls(
    postgres: server.Urls, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[server.Urls]:
    """A migrated database of this worker's own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    template, name = f"{TEMPLATE}_{_run()}", f"reda_test_{_run()}_{worker}"
    with fasteners.InterProcessLock(str(ROOT / "var" / "test-template.lock")):
        with _as_owner(postgres.owner) as connection:
            exists = connection.execute(
                "select 1 from pg_database where datname = %s", (template,)
            ).fetchone()
        if not exists:
            _migrate(_named(postgres, template), tmp_path_factory.mktemp("template"))
        with _as_owner(postgres.owner) as connection:
            connection.execute(f'create database "{name}" template "{template}"')
    yield _named(postgres, name)
    with _as_owner(postgres.owner) as connection:
        connection.execute(f'drop database "{name}" with (force)')
        if worker == "main":
            connection.execute(f'drop database "{template}" with (force)')


@pytest.fixture
def own_database(postgres: server.Urls, database_urls: server.Urls) -> Iterator[server.Urls]:
    """A migrated database that a test may change for good."""
    name = f"{database_urls.owner.database}_own"
    with _as_owner(postgres.owner) as connection:
        connection.execute(f'create database "{name}" template "{TEMPLATE}_{_run()}"')
    yield _named(postgres, name)
    with _as_owner(postgres.owner) as connection:
        connection.execute(f'drop database "{name}" with (force)')


def _run() -> str:
    return os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))[:12]


def _named(urls: server.Urls, name: str) -> server.Urls:
    return server.Urls(urls.owner.set(database=name), urls.app.set(database=name))


def _migrate(urls: server.Urls, var: Path) -> None:
    server.ensure_database(urls.owner)
    server.ensure_role(urls.owner, urls.app)
    app = create_app(settings_of(urls, var))
    with app.app_context():
        upgrade()
        db.engine.dispose()


@pytest.fixture(scope="session")
def _cleaning(database_urls: server.Urls) -> Iterator[psycopg.Connection]:
    with _as_owner(database_urls.owner) as connection:
        yield connection


_CLEAN: list[str] = []


def _clean(connection: psycopg.Connection) -> None:
    if not _CLEAN:
        rows = connection.execute(
            "select tablename from pg_tables where schemaname = 'public'"
            " and tablename not in ('alembic_version')"
        ).fetchall()
        # As a replica the server checks neither foreign keys nor triggers, so that any order
        # will do and the books can be emptied, which nobody else can do.
        _CLEAN.append(
            "set session_replication_role = replica;"
            + "".join(f'delete from "{name}";' for (name,) in rows)
        )
    connection.execute(_CLEAN[0])  # type: ignore[arg-type]


class Client(FlaskClient):
    """A browser without JavaScript, each of whose requests gets a context of its own.

    Flask would use the test's own context again, and with it its database session and whoever was
    signed in: two requests would then see what no two requests see.
    """

    def run_wsgi_app(self, *args: Any, **values: Any) -> Any:
        with self.application.app_context():
            answer = super().run_wsgi_app(*args, **values)
        db.session.expire_all()
        return answer


@pytest.fixture
def settings(database_urls: server.Urls, tmp_path: Path) -> Settings:
    """The application's settings; a test may replace some."""
    return settings_of(database_urls, tmp_path)


@dataclass
class _Built:
    """The application that was put together last, and how it was before any test."""

    kind: Settings
    app: Flask
    config: dict[str, Any]
    extensions: dict[str, Any]


# Never more than one: the extensions are the process's, and are as the last application set them.
_BUILT: list[_Built] = []


def _kind(settings: Settings) -> Settings:
    """What of the settings is built in; the rest is asked for when it is needed."""
    outside = (
        *("bankid_", "swish_", "online_", "smtp_", "sms_", "mailbox_", "seal_", "timestamp_"),
    )
    asked_for = [one.name for one in fields(Settings) if one.name.startswith(outside)]
    return replace(settings, var_folder="", **dict.fromkeys(asked_for, ""))


def _forget() -> None:
    while _BUILT:
        app = _BUILT.pop().app
        with app.app_context():
            for engine in db.engines.values():
                engine.dispose()


def application(settings: Settings, *, is_own: bool = False) -> Flask:
    """The application with these settings: the last one once more if it is of their kind.

    Its templates, addresses and statements are then compiled already, which takes longer than
    most tests do. is_own: for a test that changes it for good.
    """
    kind = _kind(settings)
    if not _BUILT or is_own or _BUILT[0].kind != kind:
        _forget()
        app = create_app(settings)
        app.test_client_class = Client
        _BUILT.append(_Built(kind, app, dict(app.config), dict(app.extensions)))
    built = _BUILT[0]
    for now, before in ((built.app.config, built.config), (built.app.extensions, built.extensions)):
        now.clear()
        now.update(before)
    built.app.extensions["reda_settings"] = settings
    clock.follow(Path(settings.clock_file) if settings.clock_file else None)
    return built.app


# The file whose rows stay in the database for its next test.
_KEPT: list[str] = []


def _kept_by(request: pytest.FixtureRequest) -> str | None:
    """The file that this test shares its rows with, if its KEPT names a fixture that it uses.

    For a world that takes long to make and is only read.
    """
    return request.module.__name__ if _shares_a_world(request.node) else None


@pytest.fixture
def app(
    settings: Settings, _cleaning: psycopg.Connection, request: pytest.FixtureRequest
) -> Iterator[Flask]:
    """The application on an empty database, within its context, seeing every tenant."""
    is_own = request.node.get_closest_marker("own_application") is not None
    kept = _kept_by(request)
    if _KEPT and [kept] != _KEPT:
        _KEPT.clear()
        _clean(_cleaning)
    app = application(settings, is_own=is_own)
    with app.app_context():
        with tenancy.service():
            yield app
            db.session.rollback()
        db.session.remove()
        # What a thread of the test kept is not the next test's to wait for.
        if db.engine.pool.checkedout():  # type: ignore[attr-defined]
            db.engine.dispose()
    if is_own:
        _forget()
    if kept is None:
        _clean(_cleaning)
    else:
        _KEPT[:] = [kept]


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without JavaScript."""
    return app.test_client()
