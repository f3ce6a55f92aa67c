"""How a debtor wants to be reached."""

from collections.abc import Mapping

from flask_babel import lazy_gettext
from wtforms import IntegerField, RadioField, SelectField, StringField
from wtforms.validators import Length, Optional
from wtforms.widgets import HiddenInput

from portal import locales
from portal.web.countries import countries
from portal.web.forms import Form

CHANNELS = {
    "letter": lazy_gettext("By post"),
    "mailbox": lazy_gettext("To your digital mailbox"),
    "email": lazy_gettext("By e-mail"),
    "sms": lazy_gettext("Text message"),
}


def _in_our_digits(written: str | None) -> str:
    return locales.in_our_digits(written or "")


class ContactForm(Form):
    """E-mail, telephone, address, language and channel. version: of what the page shows."""

    version = IntegerField(default=0, widget=HiddenInput())
    email = StringField(
        lazy_gettext("E-mail"), [Length(max=254)],
        render_kw={"type": "email", "autocomplete": "email", "dir": "ltr"},
    )  # fmt: skip
    phone = StringField(
        lazy_gettext("Telephone"), [Length(max=40)], filters=[_in_our_digits],
        render_kw={"type": "tel", "autocomplete": "tel", "dir": "ltr"},
    )  # fmt: skip
    address_line = StringField(
        lazy_gettext("Street address"), [Length(max=200)],
        render_kw={"autocomplete": "street-address", "dir": "auto"},
    )  # fmt: skip
    postcode = StringField(
        lazy_gettext("Postcode"), [Length(max=20)], filters=[_in_our_digits],
        render_kw={"autocomplete": "postal-code", "dir": "ltr"},
    )  # fmt: skip
    town = StringField(
        lazy_gettext("Town"), [Length(max=100)],
        render_kw={"autocomplete": "address-level2", "dir": "auto"},
    )  # fmt: skip
    country = SelectField(lazy_gettext("Country"), [Optional()])
    channel = RadioField(lazy_gettext("How we reach you"))
    language = SelectField(lazy_gettext("Language of letters and e-mails"))

    def prepare(self, kept: Mapping[str, str], *, has_mailbox: bool) -> None:
        """What there is to choose from. kept: as `reaching.kept` tells it."""
        offers_mailbox = has_mailbox or kept["channel"] == "mailbox"
        self.channel.choices = [
            (code, name) for code, name in CHANNELS.items() if code != "mailbox" or offers_mailbox
        ]
        self.country.choices = countries(kept["country"] or "SE")
        self.language.choices = [(one.code, one.name) for one in locales.offered()]

    def show(self, kept: Mapping[str, str], version: int) -> None:
        """What is kept, to begin with."""
        self.version.data = version
        for name, value in kept.items():
            self[name].data = value
        self.country.data = kept["country"] or "SE"
