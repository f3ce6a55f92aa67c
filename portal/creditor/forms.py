"""What a creditor's people fill in."""

from collections.abc import Mapping

from flask_babel import gettext, lazy_gettext
from flask_wtf.file import MultipleFileField
from wtforms import SelectField
from wtforms.validators import InputRequired, Optional

from portal.sources.spreadsheet import FIELDS, Table
from portal.web.forms import Form

_SAMPLES = 2
_SAMPLE_LENGTH = 24


class UploadForm(Form):
    """Files of invoices."""

    files = MultipleFileField(
        lazy_gettext("Files"), render_kw={"accept": ".csv,.txt,.xlsx,.xml", "multiple": True}
    )


class MappingForm(Form):
    """For each field of an invoice, the column that holds it; made by `mapping_form`."""

    def mapping(self) -> dict[str, str]:
        """Field key to column heading, those chosen."""
        return {field.key: self[field.key].data for field in FIELDS if self[field.key].data}


def mapping_form(table: Table, mapping: Mapping[str, str]) -> MappingForm:
    """The form for the columns of a table, filled in with a mapping."""

    class _Form(MappingForm):
        pass

    choices = [("", gettext("No column"))]
    choices += [(column, _with_samples(table, column)) for column in table.columns]
    for field in FIELDS:
        setattr(
            _Form,
            field.key,
            SelectField(
                gettext(field.label),
                [InputRequired(gettext("Choose a column."))] if field.required else [Optional()],
                choices=choices,
            ),
        )
    return _Form(data=dict(mapping))


def _with_samples(table: Table, column: str) -> str:
    samples = [text[:_SAMPLE_LENGTH] for text in table.samples(column, _SAMPLES)]
    return f"{column} ({', '.join(samples)})" if samples else column
