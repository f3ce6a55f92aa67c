"""Machine translation: off unless the settings name a translator, for words leave the house by it.

Another translator is a class with `name` and `translate`, and a line in `translator`.
"""

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import httpx

from portal.config import Settings

_SECONDS = 10
# What the translators call some languages that we name otherwise. Easy Swedish is Swedish to them.
_CODES = {"sv-lattlast": "sv", "prs": "fa", "zh_Hans": "zh-Hans", "zh_Hant": "zh-Hant"}


class NotTranslated(Exception):
    """The translator does not answer, or not with a translation. The text quotes no words."""


class Translator(Protocol):
    """Whoever translates."""

    @property
    def name(self) -> str:
        """As it is kept beside what it made."""

    def translate(self, words: str, source: str, target: str) -> str:
        """Words of one of our languages in another. Raises NotTranslated."""


@dataclass(frozen=True)
class LibreTranslate:
    """A server that speaks LibreTranslate's API. address: without /translate. key: may be empty."""

    address: str
    key: str
    name: str

    def translate(self, words: str, source: str, target: str) -> str:
        """Words of one of our languages in another. Raises NotTranslated."""
        asked = {
            "q": words, "source": _CODES.get(source, source), "format": "text",
            "target": _CODES.get(target, target), **({"api_key": self.key} if self.key else {}),
        }  # fmt: skip
        try:
            answer = httpx.post(f"{self.address}/translate", json=asked, timeout=_SECONDS)
            answer.raise_for_status()
            translated = answer.json()["translatedText"]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise NotTranslated(type(error).__name__) from None
        if not isinstance(translated, str) or not translated.strip():
            raise NotTranslated("empty")
        return translated


def translator(settings: Settings) -> Translator | None:
    """Who translates; None: nobody, and nothing leaves the house."""
    address = settings.translate_address.rstrip("/")
    if not address:
        return None
    return LibreTranslate(address, settings.translate_key, urlsplit(address).hostname or address)
