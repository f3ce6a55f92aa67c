"""Whole stories, told in a browser."""

from tests.portal_fixtures import portal_settings as settings

__all__ = ["settings"]
