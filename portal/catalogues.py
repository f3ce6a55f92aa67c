"""Texts in the reader's language: a catalogue is loaded when somebody first reads in it."""

from typing import cast

from babel.support import NullTranslations, Translations
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
        locale = get_locale()
        if locale is None:
            return NullTranslations()
        code = code_of(locale)
        if code not in self.cache:
            self.cache[code] = load(code)
        return cast("NullTranslations", self.cache[code])


class OurBabel(Babel):
    """Flask-Babel with our own way to the catalogues."""

    @cached_property
    def domain_instance(self) -> OurDomain:
        """Where `gettext` asks."""
        return OurDomain()
