"""What a WSGI server serves."""

from portal import create_app

app = create_app()
