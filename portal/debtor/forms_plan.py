"""What a debtor chooses of a payment plan."""

from collections.abc import Sequence

from flask_babel import gettext, lazy_gettext, ngettext
from wtforms import HiddenField, IntegerField, RadioField, SelectField
from wtforms.validators import InputRequired, Optional

from portal.collection.plan_offers import LAST_DAY, Offer
from portal.web import formats
from portal.web.forms import Form, KronorField

AMOUNT, MONTHS = "amount", "months"
# After the wages of most people, before the end of the month.
USUAL_DAY = 28


class DayForm(Form):
    """A day of the month. The last one is that of the longest month."""

    day = SelectField(lazy_gettext("Day of the month"), coerce=int)

    def __init__(self, *args: object, **values: object) -> None:
        super().__init__(*args, **values)
        days = [(one, formats.number(one)) for one in range(1, 29)]
        self.day.choices = [*days, (LAST_DAY, gettext("The last day"))]

    def usable_day(self) -> int:
        """The day that was chosen, or the usual one where that is none."""
        return self.day.data if self.day.data in dict(self.day.choices) else USUAL_DAY


class PlanForm(DayForm):
    """One of the plans that are offered, or one's own: so much a month, or so many months.

    seen: names the plan that the page shows.
    """

    way = RadioField(lazy_gettext("How do you want to pay?"), [InputRequired()])
    amount = KronorField(lazy_gettext("Amount a month"))
    months = IntegerField(
        lazy_gettext("Number of months"), [Optional()], render_kw={"inputmode": "numeric"}
    )
    seen = HiddenField()

    def offer(self, offers: Sequence[Offer], currency: str) -> None:
        """What there is to choose from."""
        self.way.choices = [
            *((str(one.months), _said(one, currency)) for one in offers),
            (AMOUNT, gettext("Another amount a month")),
            (MONTHS, gettext("Another number of months")),
        ]

    def chosen_months(self) -> int | None:
        """The number of months that was chosen; None when the amount was."""
        if self.way.data == AMOUNT:
            return None
        return self.months.data if self.way.data == MONTHS else int(self.way.data)

    def validate(self, extra_validators: object = None) -> bool:
        """Also what belongs to the way that was chosen; the other is not looked at."""
        super().validate(extra_validators)
        for name, field in ((AMOUNT, self.amount), (MONTHS, self.months)):
            if self.way.data != name:
                field.errors = []
            elif field.data is None and not field.errors:
                field.errors = [gettext("Fill this in.")]
        return not self.errors


def _said(one: Offer, currency: str) -> str:
    return ngettext(
        "%(months)s month, %(amount)s a month",
        "%(months)s months, %(amount)s a month",
        one.months,
        months=formats.number(one.months),
        amount=formats.kronor(one.monthly_ore, currency),
    )
