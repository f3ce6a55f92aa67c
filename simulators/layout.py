"""What the simulators' pages have in common: the layout `simulator.html` and its styles."""

from pathlib import Path

from flask import Blueprint, Flask

# Nothing but our own styles and forms.
POLICY = (
    "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none';"
    " form-action 'self'"
)


def create_app(name: str) -> Flask:
    """A WSGI application with templates of its own. name: its module."""
    app = Flask(name, static_folder=Path(__file__).with_name("static"))
    app.register_blueprint(Blueprint("layout", __name__, template_folder="templates"))
    return app
