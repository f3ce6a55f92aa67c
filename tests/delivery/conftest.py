"""Where letters are printed for the tests that look at them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask

from portal import create_app
from portal.config import Settings
from portal.database import server
from portal.delivery import letters
from tests.delivery.pdf import Pdf

Printer = Callable[..., Pdf]


@dataclass(frozen=True)
class Press:
    """An application to print in, with settings that no test changes."""

    app: Flask
    settings: Settings
    printed: dict[str, Pdf] = field(default_factory=dict)

    def letter(
        self,
        content: Mapping[str, Any],
        language: str = "sv",
        *,
        kind: str = "reminder",
        secret: str = "K7MPQ2",
    ) -> Pdf:
        """A letter."""
        with self.app.app_context():
            return Pdf(
                letters.render_letter(
                    kind, content, secret=secret, language=language, settings=self.settings
                )
            )

    def receipt(self, content: Mapping[str, Any], language: str = "sv") -> Pdf:
        """A receipt."""
        with self.app.app_context():
            return Pdf(letters.render_receipt(content, language=language, settings=self.settings))

    def agreement(self, content: Mapping[str, Any]) -> Pdf:
        """An agreement."""
        with self.app.app_context():
            return Pdf(letters.render_agreement(content, language="sv", settings=self.settings))


@pytest.fixture(scope="session")
def press(database_urls: server.Urls, tmp_path_factory: pytest.TempPathFactory) -> Press:
    """Where letters are printed."""
    settings = Settings(
        environment="test",
        base_url="https://reda.example",
        var_folder=str(tmp_path_factory.mktemp("printing")),
        database_url=database_urls.owner.render_as_string(hide_password=False),
        app_database_url=database_urls.app.render_as_string(hide_password=False),
    )
    return Press(create_app(settings), settings)


@pytest.fixture(scope="session")
def reminder(press: Press) -> Printer:
    """A reminder by its content and its reader's language, printed once for all who look at it."""

    def reminder(content: Mapping[str, Any], language: str = "sv", secret: str = "K7MPQ2") -> Pdf:
        key = json.dumps([content, language, secret])
        if key not in press.printed:
            press.printed[key] = press.letter(content, language, secret=secret)
        return press.printed[key]

    return reminder
