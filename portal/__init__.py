"""Reda: collection portal for creditors, debtors and signers."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from portal.config import Settings


def create_app(settings: "Settings | None" = None) -> "Flask":
    """The application.

    settings: default those of the environment.
    Raises SettingsError when a setting cannot be used.
    """
    # Imported here, so that whoever needs one room, such as the law, does not load the house.
    from portal.building import build

    return build(settings)
