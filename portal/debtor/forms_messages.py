"""What a debtor writes to us."""

from flask_babel import lazy_gettext
from wtforms import IntegerField, TextAreaField
from wtforms.validators import InputRequired, Length
from wtforms.widgets import HiddenInput

from portal.collection import correspondence
from portal.web.forms import Form


class MessageForm(Form):
    """A message about the case. seen: the newest message that the page shows."""

    seen = IntegerField(default=0, widget=HiddenInput())
    words = TextAreaField(
        lazy_gettext("Your message"),
        [InputRequired(), Length(max=correspondence.MOST_WORDS)],
        render_kw={"rows": 5, "dir": "auto"},
    )
