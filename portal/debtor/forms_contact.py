"""How a debtor wants to be reached."""

from flask_babel import lazy_gettext
from wtforms import IntegerField, RadioField, SelectField, StringField
from wtforms.validators import Length, Optional
from wtforms.widgets import HiddenInput

from portal import locales
from portal.collection import reaching
from portal.collection.models import Debtor
from portal.web.countries import countries
from portal.web.forms import Form

CHANNELS = {
    "letter": lazy_gettext("By post"),
    "email": lazy_gettext("By e-mail"),
}


class ContactForm(Form):
    """E-mail, telephone, address, language and channel. version: of what the page shows."""

    version = IntegerField(default=0, widget=HiddenInput())
    email = StringField(
        lazy_gettext("E-mail"), [Length(max=254)],
        render_kw={"type": "email", "autocomplete": "email", "dir": "ltr"},
    )  # fmt: skip
    phone = StringField(
        lazy_gettext("Telephone"), [Length(max=40)],
        render_kw={"type": "tel", "autocomplete": "tel", "dir": "ltr"},
    )  # fmt: skip
    address_line = StringField(
        lazy_gettext("Street address"), [Length(max=200)],
        render_kw={"autocomplete": "street-address", "dir": "auto"},
    )  # fmt: skip
    postcode = StringField(
        lazy_gettext("Postcode"), [Length(max=20)],
        render_kw={"autocomplete": "postal-code", "dir": "ltr"},
    )  # fmt: skip
    town = StringField(
        lazy_gettext("Town"), [Length(max=100)],
        render_kw={"autocomplete": "address-level2", "dir": "auto"},
    )  # fmt: skip
    country = SelectField(lazy_gettext("Country"), [Optional()])
    channel = RadioField(lazy_gettext("How we reach you"))
    language = SelectField(lazy_gettext("Language of letters and e-mails"))

    def prepare(self, debtor: Debtor, *, is_new: bool) -> None:
        """What there is to choose from; what is kept, to begin with."""
        told = debtor.told
        self.country.choices = countries((told and told.country) or "SE")
        self.channel.choices = list(CHANNELS.items())
        self.language.choices = [(one.code, one.name) for one in locales.offered()]
        if not is_new:
            return
        self.version.data = told.version if told else 0
        for name in reaching.FIELDS:
            self[name].data = (told and getattr(told, name)) or ""
        self.country.data = self.country.data or "SE"
        self.channel.data = self.channel.data or "letter"
        known = locales.find(debtor.reads)
        self.language.data = known.code if known in locales.offered() else "sv"
