"""What a debtor writes to us."""

from flask_babel import lazy_gettext
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from portal.collection import correspondence
from portal.web.forms import Form


class MessageForm(Form):
    """A message about the case."""

    words = TextAreaField(
        lazy_gettext("Your message"),
        [InputRequired(), Length(max=correspondence.MOST_WORDS)],
        render_kw={"rows": 5, "dir": "auto"},
    )
