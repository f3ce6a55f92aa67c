"""On which other day somebody wants to know what is owed."""

from datetime import timedelta

from flask_babel import lazy_gettext
from wtforms import DateField, Field
from wtforms.validators import InputRequired, ValidationError

from portal import clock
from portal.messages import N_, Problem
from portal.web.forms import Form, text

_FURTHEST = timedelta(days=730)


def _near(form: Form, field: Field) -> None:
    least, most = clock.today(), clock.today() + _FURTHEST
    # None: what was written is no date, which is told already.
    if field.data is not None and not least <= field.data <= most:
        told = N_("The date must be between %(min)s and %(max)s.")
        raise ValidationError(text(Problem(told, {"min": least, "max": most})))


class OnDayForm(Form):
    """A day ahead; it changes nothing, and so can be kept as an address."""

    class Meta(Form.Meta):
        csrf = False

    on = DateField(lazy_gettext("Day"), [InputRequired(), _near])
