"""What a WSGI server serves."""

from portal import create_app
from portal.web import logs

logs.configure()
app = create_app()
