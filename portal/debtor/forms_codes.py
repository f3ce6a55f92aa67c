"""What somebody fills in who has no letter at hand."""

from flask_babel import lazy_gettext
from wtforms import RadioField, StringField
from wtforms.validators import InputRequired, Length

from portal.collection.entry_messages import EMAIL, SMS
from portal.web.forms import Form, in_our_digits


class AskForm(Form):
    """Which case, and where the code is to go."""

    reference = StringField(
        lazy_gettext("Reference"),
        [InputRequired(), Length(max=30)],
        render_kw={"inputmode": "numeric", "autocomplete": "off", "maxlength": 30, "dir": "ltr"},
    )
    channel = RadioField(
        lazy_gettext("Send the code by"),
        [InputRequired()],
        choices=[(SMS, lazy_gettext("Text message")), (EMAIL, lazy_gettext("E-mail"))],
        default=SMS,
    )


class CodeForm(Form):
    """The code that came."""

    code = StringField(
        lazy_gettext("Code"),
        [InputRequired(), Length(max=30)],
        filters=[lambda text: in_our_digits(text) if text else text],
        render_kw={
            "inputmode": "numeric", "autocomplete": "one-time-code", "maxlength": 30, "dir": "ltr",
        },
    )  # fmt: skip
