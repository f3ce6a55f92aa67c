"""The later day that a debtor chooses to pay by."""

from collections.abc import Sequence

from flask_babel import lazy_gettext
from wtforms import RadioField
from wtforms.validators import InputRequired

from portal.collection.postponing import Choice
from portal.web import formats
from portal.web.forms import Form


class MoreTimeForm(Form):
    """One of the later days that the rules leave."""

    pay_by_on = RadioField(lazy_gettext("New last day to pay"), [InputRequired()])

    def offer(self, choices: Sequence[Choice]) -> None:
        """What there is to choose from."""
        self.pay_by_on.choices = [
            (one.pay_by_on.isoformat(), formats.format_date(one.pay_by_on)) for one in choices
        ]
