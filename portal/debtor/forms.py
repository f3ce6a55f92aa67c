"""What a debtor fills in."""

from flask_babel import lazy_gettext
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from portal.web.forms import Form


class EnterForm(Form):
    """Reference and code from the letter."""

    reference = StringField(
        lazy_gettext("Reference"),
        [InputRequired(), Length(max=30)],
        render_kw={"inputmode": "numeric", "autocomplete": "off", "maxlength": 30, "dir": "ltr"},
    )
    code = StringField(
        lazy_gettext("Code"),
        [InputRequired(), Length(max=30)],
        render_kw={
            "autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false",
            "maxlength": 30, "dir": "ltr",
        },
    )  # fmt: skip
