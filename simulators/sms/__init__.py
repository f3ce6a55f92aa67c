"""A provider of text messages that sends nothing: it keeps what it is given, and shows it."""

from simulators.sms.running import Running, start

__all__ = ["Running", "start"]
