"""A mail server that delivers nothing: it keeps what it is given, and shows it on a page."""

from simulators.mail.running import Running, start

__all__ = ["Running", "start"]
