"""Texts in the reader's language: a catalogue is loaded when somebody first reads in it."""

from functools import cache, lru_cache
from typing import Any

from babel import Locale
from babel.support import NullTranslations, Translations
from flask import Flask
from flask_babel import Babel, Domain, get_locale
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup
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


_kept = cache(load)


def _of(locale: Locale | None) -> NullTranslations:
    return _NONE if locale is None else _kept(code_of(locale))


@lru_cache(maxsize=20_000)
def _pattern(texts: NullTranslations, text: str, is_markup: bool) -> str:
    found: str = texts.ugettext(text)
    return Markup(found) if is_markup else found  # noqa: S704 - the texts are ours


@lru_cache(maxsize=20_000)
def _constant(texts: NullTranslations, text: str, is_markup: bool) -> str:
    """A text with nothing to fill in; a percent sign in it is written twice, as in all of them."""
    return _pattern(texts, text, is_markup) % {}


@pass_context
def _told(context: Context, text: str, /, **values: Any) -> str:
    """`_()` of the templates: as Jinja's, but a text is looked up and marked once."""
    texts, is_markup = _of(get_locale()), bool(context.eval_ctx.autoescape)
    if values:
        return _pattern(texts, text, is_markup) % values
    return _constant(texts, text, is_markup)


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
        app.jinja_env.globals.update(_=_told, gettext=_told)

    @cached_property
    def domain_instance(self) -> OurDomain:
        """Where `gettext` asks."""
        return OurDomain()
