"""Texts in the reader's language: a catalogue is loaded when somebody first reads in it."""

from functools import cache
from typing import Any

from babel import Locale
from babel.support import NullTranslations, Translations
from flask import Flask
from flask_babel import Babel, Domain, get_locale
from werkzeug.utils import cached_property

from portal.locales import TRANSLATIONS, code_of

# Of a text that both have, the debtors' is taken: it exists in more languages.
_DOMAINS = ("staff", "debtor")


def load(code: str) -> Translations:
    """Every text of one of our languages; those it lacks are answered in English."""
    texts = Translations()
    for domain in _DOMAINS:
        path = TRANSLATIONS / code / "LC_MESSAGES" / f"{domain}.mo"
        if not path.exists():
            continue
        with path.open("rb") as content:
            found = Translations(content, domain=domain)
        texts.merge(found)
        # merge() leaves behind which form belongs to which number.
        texts.plural = found.plural
    return texts


class OurDomain(Domain):
    """Catalogues by our own code of a language, which Babel may call otherwise."""

    def get_translations(self) -> NullTranslations:
        """The texts of the language being read."""
        return _of(get_locale())


_NONE = NullTranslations()


@cache
def _of(locale: Locale | None) -> NullTranslations:
    return _NONE if locale is None else load(code_of(locale))


class OurBabel(Babel):
    """Flask-Babel with our own way to the catalogues."""

    def init_app(self, app: Flask, *args: Any, **values: Any) -> None:
        """As Flask-Babel's, but a page of a hundred texts never looks up its domain."""
        super().init_app(app, *args, **values)
        app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
            gettext=lambda text: _of(get_locale()).ugettext(text),
            ngettext=lambda one, many, n: _of(get_locale()).ungettext(one, many, n),
            pgettext=lambda context, text: _of(get_locale()).upgettext(context, text),
            npgettext=lambda context, one, many, n: _of(get_locale()).unpgettext(
                context, one, many, n
            ),
            newstyle=True,
        )

    @cached_property
    def domain_instance(self) -> OurDomain:
        """Where `gettext` asks."""
        return OurDomain()
