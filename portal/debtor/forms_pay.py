"""How much somebody pays, in which way, and when."""

from typing import Any

from flask_babel import gettext, lazy_gettext
from wtforms import DateField, RadioField, SelectMultipleField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from portal.payments import ways
from portal.payments.ways import ACCOUNT, CARD, SWISH
from portal.web.forms import Form, KronorField

ALL, PART = "all", "part"
BANK = "bank"


class WayForm(Form):
    """By which way; by Swish where nothing is said.

    is_online_offered: whether card and account can be chosen.
    """

    way = RadioField(
        lazy_gettext("How do you want to pay?"),
        choices=[SelectChoice(SWISH, "Swish"), SelectChoice(BANK, lazy_gettext("Bank transfer"))],
        default=SWISH,
    )

    def __init__(self, *args: Any, is_online_offered: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_online_offered:
            swish, bank = self.way.choices
            online = [SelectChoice(one, gettext(ways.NAMES[one])) for one in (CARD, ACCOUNT)]
            self.way.choices = [swish, *online, bank]


class PayForm(WayForm):
    """All or a part, and by which way; all where nothing is said."""

    how_much = RadioField(
        lazy_gettext("How much do you want to pay?"),
        choices=[
            SelectChoice(ALL, lazy_gettext("All that is owed")),
            SelectChoice(PART, lazy_gettext("A part")),
        ],
        default=ALL,
    )
    amount = KronorField(lazy_gettext("Amount"), render_kw={"dir": "ltr", "maxlength": 20})


class PayManyForm(WayForm):
    """The references of the cases to pay, and by which way."""

    cases = SelectMultipleField(
        lazy_gettext("Which cases do you want to pay?"),
        [InputRequired()],
        # Of the cases that were paid meanwhile, the page tells more kindly.
        validate_choice=False,
        choices=[],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )


class TransferForm(Form):
    """When the bank is told to pay. amount: the part to pay, empty for all."""

    class Meta(Form.Meta):
        # It only asks.
        csrf = False

    on = DateField(lazy_gettext("When do you pay?"), [Optional()])
    amount = KronorField()
