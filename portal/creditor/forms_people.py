"""What an administrator fills in about the company's people."""

from flask_babel import lazy_gettext
from wtforms import DateField, RadioField, StringField
from wtforms.validators import InputRequired, Length, Optional

from portal.web.forms import Form

_ROLES = [
    ("administrator", lazy_gettext("Administrator")),
    ("collector", lazy_gettext("Case handler")),
    ("viewer", lazy_gettext("Viewer")),
]


class RoleForm(Form):
    """Somebody's role, and until when."""

    role = RadioField(lazy_gettext("Role"), [InputRequired()], choices=_ROLES, default="collector")
    ends_on = DateField(lazy_gettext("Last day"), [Optional()])


class InvitationForm(RoleForm):
    """Whom to invite."""

    email = StringField(lazy_gettext("E-mail"), [InputRequired(), Length(max=254)])
    given_name = StringField(lazy_gettext("Given name"), [Optional(), Length(max=60)])
