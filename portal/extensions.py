"""The Flask extensions, made once and bound in `create_app`."""

from flask import current_app
from flask_compress import Compress
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect
from htmx_flask import Htmx

from portal.catalogues import OurBabel
from portal.config import Settings

db = SQLAlchemy()
migrate = Migrate()
login_manager = LoginManager()
# It would note in each session that has no person, such as a debtor's, that it is not a fresh one;
# nothing asks for that.
login_manager.session_protection = None
babel = OurBabel()
htmx = Htmx()
csrf = CSRFProtect()
compress = Compress()
limiter = Limiter(key_func=get_remote_address, headers_enabled=True)


def settings() -> Settings:
    """The settings of the running application."""
    found: Settings = current_app.extensions["reda_settings"]
    return found
