"""How the application is put together: settings, extensions, doors, commands, in that order."""

from pathlib import Path

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from portal import cli, clock, extensions, tables
from portal.api.views_swish import api
from portal.config import ROOT, Settings
from portal.creditor import access
from portal.creditor.views import creditor
from portal.creditor.views_notifications import notifications
from portal.database import reading, reads, server, tenancy
from portal.debtor.views import debtor
from portal.delivery import letters
from portal.identity.sessions import DatabaseSessions
from portal.identity.signatories import ToldRegister
from portal.operations.views import operations
from portal.operations.views_components import components as component_page
from portal.signing.views import signing
from portal.web import (
    components,
    errors,
    formats,
    forms,
    headers,
    keeping,
    languages,
    logs,
    pages,
    rendering,
)


def build(settings: Settings | None) -> Flask:
    """The application, as `portal.create_app` tells."""
    settings = settings or Settings.from_environment()
    clock.follow(Path(settings.clock_file) if settings.clock_file else None)
    app = Flask(
        "portal", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static")
    )
    _configure(app, settings)
    _connect(app, settings)
    _extend(app)
    _open_doors(app, settings)
    letters.warn_if_slow()
    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.extensions["reda_settings"] = settings
    app.extensions["reda_tables"] = tables.metadata
    app.config.update(
        SECRET_KEY=settings.secret_key,
        TESTING=settings.environment == "test",
        # With this prefix a browser takes the cookie from us alone, over TLS (RFC 6265bis).
        SESSION_COOKIE_NAME="__Host-reda_session" if settings.is_secure else "reda_session",
        SESSION_COOKIE_SECURE=settings.is_secure,
        # A little above what intake takes, so that a file too large is told so in its own words.
        MAX_CONTENT_LENGTH=60 * 1024 * 1024,
        MAX_FORM_PARTS=1000,
        # Files only: the size of a compressed page could tell what secret stands beside a text that
        # somebody else chose (BREACH, CVE-2013-3587).
        COMPRESS_MIMETYPES=["text/css", "text/javascript", "image/svg+xml"],
        COMPRESS_ALGORITHM=["br", "gzip"],
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=settings.is_secure,
        RATELIMIT_STORAGE_URI=settings.rate_limit_storage,
        RATELIMIT_ENABLED=settings.environment != "test",
        BABEL_DEFAULT_LOCALE="sv",
        BABEL_DEFAULT_TIMEZONE="Europe/Stockholm",
        # One folder for each domain. The domain that every language has comes last, because the
        # last one's plural rule is used.
        BABEL_DOMAIN="staff;debtor",
        BABEL_TRANSLATION_DIRECTORIES=f"{ROOT / 'translations'};{ROOT / 'translations'}",
    )


def _connect(app: Flask, settings: Settings) -> None:
    urls = server.urls(settings)
    app.extensions["reda_database"] = urls
    # Errors that are logged must not quote what was to be written: names, addresses, codes.
    options = {"pool_size": 10, "max_overflow": 10, "hide_parameters": True}
    app.config.update(
        SQLALCHEMY_DATABASE_URI=urls.app,
        SQLALCHEMY_ENGINE_OPTIONS=options,
        SQLALCHEMY_BINDS={
            reading.BIND: {"url": urls.app, "isolation_level": "AUTOCOMMIT", **options}
        },
    )
    extensions.db.init_app(app)
    extensions.migrate.init_app(
        app, extensions.db, directory=str(ROOT / "portal" / "database" / "migrations")
    )
    with app.app_context():
        readers = extensions.db.engines[reading.BIND]
        server.guard(extensions.db.engine)
        server.guard(readers, server.READING)
        for engine in (extensions.db.engine, readers):
            server.ping_after_a_while(engine)
    reads.init_app(app)


def _extend(app: Flask) -> None:
    settings: Settings = app.extensions["reda_settings"]
    tenancy.init_app(app)
    app.session_interface = DatabaseSessions()
    app.extensions["reda_signatories"] = ToldRegister()
    extensions.babel.init_app(app, locale_selector=languages.locale)
    extensions.htmx.init_app(app)
    extensions.csrf.init_app(app)
    extensions.compress.init_app(app)
    extensions.limiter.init_app(app)
    extensions.login_manager.init_app(app)
    extensions.login_manager.user_loader(access.load_person)
    for part in (logs, languages, formats, forms, pages, components, errors, rendering, keeping):
        part.init_app(app)
    headers.init_app(app, is_secure=settings.is_secure)
    if proxies := int(settings.trusted_proxies):
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies
        )


def _open_doors(app: Flask, settings: Settings) -> None:
    for door in (debtor, creditor, notifications, signing, operations, api):
        app.register_blueprint(door)
    if not settings.is_production:
        app.register_blueprint(component_page)
    cli.init_app(app)
