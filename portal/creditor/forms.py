"""What a creditor's people fill in."""

from collections.abc import Mapping

from flask_babel import gettext, lazy_gettext
from flask_wtf.file import MultipleFileField
from wtforms import BooleanField, DateField, HiddenField, IntegerField, RadioField, SelectField
from wtforms.validators import InputRequired, Optional

from portal.creditor.names import AFTER_DEMAND
from portal.sources.spreadsheet import FIELDS, Table
from portal.web.forms import Form, KronorField, PerCentField

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


class RulesForm(Form):
    """When an invoice is taken in, and what it costs to be late."""

    is_active = BooleanField(lazy_gettext("Collect overdue invoices"))
    days_after_due = IntegerField(lazy_gettext("Days after the due date"), [InputRequired()])
    import_after_on = DateField(lazy_gettext("Leave out what fell due before"), [Optional()])
    reminder_fee_agreed = BooleanField(lazy_gettext("A reminder fee is agreed with our customers"))
    reminder_days = IntegerField(lazy_gettext("Days to pay after a reminder"), [InputRequired()])
    interest_kind = RadioField(
        lazy_gettext("Late interest"),
        [InputRequired()],
        choices=[
            ("statutory", lazy_gettext("By the Interest Act")),
            ("agreed", lazy_gettext("As agreed with the customer")),
            ("none", lazy_gettext("None")),
        ],
    )
    agreed_rate = PerCentField(lazy_gettext("Agreed rate"), [Optional()])
    demand_after_days = IntegerField(
        lazy_gettext("Days from the reminder’s last day to the demand"), [InputRequired()]
    )
    demand_days = IntegerField(lazy_gettext("Days to pay after a demand"), [InputRequired()])
    wants_compensation = BooleanField(lazy_gettext("Ask businesses for late-payment compensation"))
    decision_after_days = IntegerField(
        lazy_gettext("Days from the demand’s last day to the decision"), [InputRequired()]
    )
    after_demand = RadioField(
        lazy_gettext("When the demand is not paid"),
        [InputRequired()],
        choices=list(AFTER_DEMAND.items()),
    )
    small_rest_ore = KronorField(lazy_gettext("Let go of a rest up to"), [InputRequired()])
    direct_payment = RadioField(
        lazy_gettext("When a customer has paid you directly"),
        [InputRequired()],
        choices=[
            ("costs owed", lazy_gettext("Interest and fees are still owed")),
            ("costs waived", lazy_gettext("Interest and fees are waived")),
        ],
    )
    version = HiddenField()
