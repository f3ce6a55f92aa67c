"""Reda: collection portal for creditors, debtors and signers."""

from flask import Flask

from portal import extensions, tables
from portal.config import ROOT, Settings
from portal.database import server


def create_app(settings: Settings | None = None) -> Flask:
    """The application.

    settings: default those of the environment.
    Raises SettingsError when a setting cannot be used.
    """
    settings = settings or Settings.from_environment()
    app = Flask(
        "portal", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static")
    )
    _configure(app, settings)
    _connect(app, settings)
    _extend(app)
    _open_doors(app, settings)
    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.extensions["reda_settings"] = settings
    app.extensions["reda_tables"] = tables.metadata
    app.config.update(
        SECRET_KEY=settings.secret_key,
        TESTING=settings.environment == "test",
        BABEL_DEFAULT_LOCALE="sv",
        BABEL_DEFAULT_TIMEZONE="Europe/Stockholm",
        BABEL_DOMAIN="debtor;staff",
        BABEL_TRANSLATION_DIRECTORIES=str(ROOT / "translations"),
    )


def _connect(app: Flask, settings: Settings) -> None:
    urls = server.urls(settings)
    app.extensions["reda_database"] = urls
    app.config.update(
        SQLALCHEMY_DATABASE_URI=urls.app,
        SQLALCHEMY_ENGINE_OPTIONS={"pool_pre_ping": True, "pool_size": 10, "max_overflow": 10},
    )
    extensions.db.init_app(app)
    extensions.migrate.init_app(
        app, extensions.db, directory=str(ROOT / "portal" / "database" / "migrations")
    )
    with app.app_context():
        server.guard(extensions.db.engine)


def _extend(app: Flask) -> None:
    from portal.web import components, errors, formats, languages, pages

    extensions.babel.init_app(app, locale_selector=languages.locale)
    extensions.htmx.init_app(app)
    extensions.csrf.init_app(app)
    for part in (languages, formats, pages, components, errors):
        part.init_app(app)


def _open_doors(app: Flask, settings: Settings) -> None:
    if not settings.is_production:
        from portal.operations.views_components import components

        app.register_blueprint(components)
