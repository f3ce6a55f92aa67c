"""When a company is paid out to, and which accounts its vouchers use."""

from flask_babel import lazy_gettext
from wtforms import RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from portal.companies import charts
from portal.creditor.names import weekday_name
from portal.payments import payouts
from portal.web.forms import Form, KronorField


class ScheduleForm(Form):
    """How often, on which day of the week, and from which amount."""

    every = RadioField(
        lazy_gettext("How often you are paid"),
        [InputRequired()],
        choices=[
            SelectChoice("day", lazy_gettext("Every banking day")),
            SelectChoice("week", lazy_gettext("Once a week")),
        ],
    )
    weekday = SelectField(lazy_gettext("Day of the week"), [InputRequired()], coerce=int)
    lowest = KronorField(lazy_gettext("Lowest amount"), [InputRequired()])

    def __init__(self, *args: object, **values: object) -> None:
        super().__init__(*args, **values)
        self.weekday.choices = [SelectChoice(day, weekday_name(day)) for day in range(1, 6)]

    def chosen(self) -> payouts.Schedule:
        """What was chosen, once it is valid."""
        return payouts.Schedule(self.every.data, self.weekday.data, self.lowest.data or 0)


class ChartForm(Form):
    """An account of the company's own books for each thing that a payout is made of."""

    bank = StringField(lazy_gettext("Bank account"), [InputRequired()])
    receivables = StringField(lazy_gettext("Accounts receivable"), [InputRequired()])
    interest = StringField(lazy_gettext("Interest income"), [InputRequired()])
    other = StringField(lazy_gettext("Anything else that came"), [InputRequired()])
    costs = StringField(lazy_gettext("Fees and commission"), [InputRequired()])
    vat = StringField(lazy_gettext("VAT to deduct"), [InputRequired()])

    def chosen(self) -> charts.Chart:
        """What was chosen, once it is valid."""
        return charts.Chart(**{name: self[name].data for name in charts.PARTS})
