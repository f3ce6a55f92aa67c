"""What a signer writes who does not sign: why not, or who signs instead."""

from flask_babel import lazy_gettext
from wtforms import StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from portal.signing.envelopes import LONGEST_REASON
from portal.web.forms import Form


class DeclineForm(Form):
    """Why somebody declines to sign."""

    reason = TextAreaField(
        lazy_gettext("Why?"), [InputRequired(), Length(max=LONGEST_REASON)],
        render_kw={"rows": 4, "dir": "auto"},
    )  # fmt: skip


class HandOverForm(Form):
    """Who signs instead."""

    name = StringField(
        lazy_gettext("Name"), [InputRequired(), Length(max=100)],
        render_kw={"autocomplete": "off", "dir": "auto"},
    )  # fmt: skip
    email = StringField(
        lazy_gettext("E-mail"), [Length(max=254)],
        render_kw={"type": "email", "autocomplete": "off", "dir": "ltr"},
    )  # fmt: skip
    phone = StringField(
        lazy_gettext("Mobile number"), [Length(max=40)],
        render_kw={"type": "tel", "autocomplete": "off", "dir": "ltr"},
    )  # fmt: skip
