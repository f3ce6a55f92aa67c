"""What is filled in above the list of cases."""

from collections.abc import Iterable, Sequence
from typing import Any

from flask_babel import gettext, lazy_gettext
from flask_babel.speaklater import LazyString
from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    IntegerField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from portal import clock
from portal.collection import finding, states, together
from portal.creditor import names
from portal.web.forms import Form, KronorField

OPEN = "open"
MARKS: dict[str, LazyString] = {
    finding.PLAN: lazy_gettext("Has a payment plan"),
    finding.BROKEN_PLAN: lazy_gettext("A payment plan was broken in the last 30 days"),
    finding.DISPUTE: lazy_gettext("Has an objection"),
    finding.OVERDUE: lazy_gettext("The time to pay has run out"),
    finding.TOLD: lazy_gettext("The debtor has told something to look into"),
    finding.UNANSWERED: lazy_gettext("A message waits for an answer"),
    finding.NO_ADDRESS: lazy_gettext("The address is incomplete"),
    finding.UNDELIVERED: lazy_gettext("A message could not be sent"),
}


class Choices(SelectMultipleField):
    """Check boxes; a value that is no choice is left out without a word."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def pre_validate(self, form: Any) -> None:
        """An old address may hold a value that is no choice any more."""

    @property
    def chosen(self) -> tuple[str, ...]:
        """The values that are choices, in the order of the choices."""
        return tuple(value for value, _ in self.choices or () if value in (self.data or ()))


def _named(codes: Iterable[str], name: Any) -> list[tuple[str, str]]:
    return [(code, name(code)) for code in codes]


class FilterForm(Form):
    """The filter; its fields are named as they stand in the address."""

    q = StringField(lazy_gettext("Find"))
    status = Choices(lazy_gettext("Status"))
    step = Choices(lazy_gettext("Next step"))
    step_from = DateField(lazy_gettext("Next step from"), [Optional()])
    step_to = DateField(lazy_gettext("Next step to"), [Optional()])
    stop = Choices(lazy_gettext("Stopped by"))
    mark = Choices(lazy_gettext("Only cases of which this is true"))
    # "class" is a word of the language.
    customer_class = Choices(lazy_gettext("Customer class"), name="class")
    amount_from = KronorField(lazy_gettext("Claim from"), [Optional()])
    amount_to = KronorField(lazy_gettext("Claim to"), [Optional()])
    due_from = DateField(lazy_gettext("Due from"), [Optional()])
    due_to = DateField(lazy_gettext("Due to"), [Optional()])
    opened_from = DateField(lazy_gettext("Opened from"), [Optional()])
    opened_to = DateField(lazy_gettext("Opened to"), [Optional()])
    age_from = IntegerField(lazy_gettext("Days overdue from"), [Optional(), NumberRange(0, 36500)])
    age_to = IntegerField(lazy_gettext("Days overdue to"), [Optional(), NumberRange(0, 36500)])

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self.status.choices = [
            (OPEN, gettext("Every open status")),
            *_named(states.STATUSES, names.status_name),
        ]
        self.step.choices = [
            *_named(states.STEPS, names.next_step_name),
            (finding.NO_STEP, gettext("None")),
        ]
        self.stop.choices = [
            (finding.ANY_STOP, gettext("Anything")),
            (finding.NO_STOP, gettext("Nothing, and open")),
            *_named(states.STOPS, names.stop_name),
        ]
        self.mark.choices = [(code, str(text)) for code, text in MARKS.items()]
        self.customer_class.choices = []

    def offer_classes(self, classes: Sequence[str]) -> None:
        """Let the customers' classes be chosen; those that the address names already, too."""
        offered = dict.fromkeys((*classes, *(self.customer_class.data or ())))
        self.customer_class.choices = [(one, one) for one in offered]

    def wanted(self) -> finding.Filter:
        """The filter, without the fields that have an error."""
        self.validate()
        some = self.status.chosen
        if OPEN in some:
            some = tuple(one for one in states.STATUSES if one in some or one in states.OPEN)

        def value(name: str) -> Any:
            return None if self[name].errors else self[name].data

        ranges = ("step_from", "step_to", "amount_from", "amount_to", "due_from", "due_to",
                  "opened_from", "opened_to", "age_from", "age_to")  # fmt: skip
        return finding.Filter(
            statuses=some,
            steps=self.step.chosen,
            stops=self.stop.chosen,
            classes=tuple(self.customer_class.data or ()),
            marks=self.mark.chosen,
            **{name: value(name) for name in ranges},
        )


class ViewForm(Form):
    """A view: the list, and what it is called. view: of the one that takes the list instead."""

    query = HiddenField()
    name = StringField(lazy_gettext("Name of the view"), [InputRequired()])
    is_shared = BooleanField(lazy_gettext("Everybody of the company sees it"))
    is_default = BooleanField(lazy_gettext("Begin with it each time"))


def _coming(form: Any, field: DateField) -> None:
    if field.data is not None and field.data <= clock.today():
        raise ValidationError(gettext("Choose a day to come."))


class TogetherForm(Form):
    """What an act with many cases asks besides; `of` leaves what the act does not take."""

    until_on = DateField(lazy_gettext("Last day"), [Optional(), _coming])
    reason = StringField(lazy_gettext("Reason"), [InputRequired(), Length(max=200)])
    customer_class = StringField(lazy_gettext("Customer class"), [Length(max=60)])

    @classmethod
    def of(cls, act: str, *, is_new: bool) -> "TogetherForm":
        """The form of an act of `together`. is_new: nothing is filled in yet."""
        form = cls(formdata=None) if is_new else cls()
        taken = {
            together.HOLD: ("until_on", "reason"),
            together.RECALL: ("reason",),
            together.WRITE_OFF: ("reason",),
            together.CLASS: ("customer_class",),
        }.get(act, ())
        for name in ("until_on", "reason", "customer_class"):
            if name not in taken:
                del form[name]
        return form

    def options(self) -> dict[str, str]:
        """What was filled in, as JSON values."""
        told = {}
        for name in ("until_on", "reason", "customer_class"):
            if name in self and self[name].data:
                told[name] = str(self[name].data).strip()
        return told
