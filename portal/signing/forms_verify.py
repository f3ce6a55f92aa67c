"""The form of the page that verifies sealed files."""

from flask_babel import lazy_gettext
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired


class VerifyForm(FlaskForm):
    """A file to verify."""

    file = FileField(
        lazy_gettext("PDF file"),
        validators=[FileRequired(lazy_gettext("Choose the file to verify."))],
        render_kw={"accept": ".pdf,application/pdf"},
    )
