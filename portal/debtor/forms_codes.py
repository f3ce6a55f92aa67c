"""What somebody fills in who has no letter at hand."""

import re

from flask_babel import gettext, lazy_gettext
from wtforms import RadioField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from portal.collection.access import tidy
from portal.collection.entry_messages import EMAIL, SMS
from portal.web.forms import Form


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

    def validate_reference(self, field: StringField) -> None:
        """Nobody waits for a code to something that cannot be a reference."""
        if not re.fullmatch("[0-9]{9}", tidy(field.data or "")):
            raise ValidationError(
                gettext("Nine digits. It stands in every letter and message about the case.")
            )


class CodeForm(Form):
    """The code that came."""

    code = StringField(
        lazy_gettext("Code"),
        [InputRequired(), Length(max=30)],
        render_kw={
            "inputmode": "numeric", "autocomplete": "one-time-code", "maxlength": 30, "dir": "ltr",
        },
    )  # fmt: skip
