"""Reda: collection portal for creditors, debtors and signers."""

from flask import Flask

from portal import extensions
from portal.config import ROOT, Settings


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
    _extend(app)
    _open_doors(app, settings)
    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.extensions["reda_settings"] = settings
    app.config.update(
        SECRET_KEY=settings.secret_key,
        TESTING=settings.environment == "test",
        SQLALCHEMY_DATABASE_URI="postgresql+psycopg://",
        BABEL_DEFAULT_LOCALE="sv",
        BABEL_DEFAULT_TIMEZONE="Europe/Stockholm",
        BABEL_DOMAIN="debtor;staff",
        BABEL_TRANSLATION_DIRECTORIES=str(ROOT / "translations"),
    )


def _extend(app: Flask) -> None:
    from portal.web import languages

    extensions.babel.init_app(app, locale_selector=languages.locale)
    extensions.htmx.init_app(app)
    extensions.csrf.init_app(app)
    languages.init_app(app)


def _open_doors(app: Flask, settings: Settings) -> None:
    if not settings.is_production:
        from portal.operations.views_components import components

        app.register_blueprint(components)
