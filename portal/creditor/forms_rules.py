"""The settings of the rules as a form: each card is shown in words, or open to be changed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask_babel import gettext
from wtforms import (
    BooleanField,
    DateField,
    Field,
    HiddenField,
    IntegerField,
    RadioField,
    SelectMultipleField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from portal.collection import rulebook
from portal.creditor import settings
from portal.creditor.names import AFTER_DEMAND
from portal.creditor.settings import CARDS, LABELS, Card
from portal.web.forms import Form, KronorField, PerCentField


class ManyField(SelectMultipleField):
    """Any of some choices, each with a box of its own."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


def _days(name: str) -> IntegerField:
    return IntegerField(LABELS[name], [InputRequired()], render_kw={"inputmode": "numeric"})


def _choice(name: str, choices: settings.Choices) -> RadioField:
    return RadioField(LABELS[name], [InputRequired()], choices=list(choices.items()))


def _words(name: str) -> TextAreaField:
    return TextAreaField(
        LABELS[name],
        filters=[lambda text: " ".join((text or "").split())],
        render_kw={"rows": 3, "maxlength": rulebook.MOST_WORDS},
    )


def number_of(text: str | None) -> int:
    """The number that a hidden field carries; 0 when there is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else 0


class RulesForm(Form):
    """Everything that a company decides."""

    days_after_due = _days("days_after_due")
    import_after_on = DateField(LABELS["import_after_on"], [Optional()])
    collects_from = _choice("collects_from", settings.COLLECTS_FROM)
    lowest_ore = KronorField(LABELS["lowest_ore"], [InputRequired()])
    highest_ore = KronorField(LABELS["highest_ore"], [InputRequired()])
    left_out_types = ManyField(LABELS["left_out_types"])
    already_reminded = _choice("already_reminded", settings.ALREADY_REMINDED)
    reminder_fee_agreed = BooleanField(LABELS["reminder_fee_agreed"])
    reminder_days = _days("reminder_days")
    reminder_text = _words("reminder_text")
    demand_after_days = _days("demand_after_days")
    demand_days = _days("demand_days")
    wants_compensation = BooleanField(LABELS["wants_compensation"])
    demand_text = _words("demand_text")
    decision_after_days = _days("decision_after_days")
    after_demand = _choice("after_demand", AFTER_DEMAND)
    interest_kind = _choice("interest_kind", settings.INTEREST)
    agreed_rate = PerCentField(LABELS["agreed_rate"], [Optional()])
    small_rest_ore = KronorField(LABELS["small_rest_ore"], [InputRequired()])
    direct_payment = _choice("direct_payment", settings.DIRECT_PAYMENT)
    reminder_fee_by = _choice("reminder_fee_by", settings.FEE_BY)
    demand_fee_by = _choice("demand_fee_by", settings.FEE_BY)
    plan_fee_by = _choice("plan_fee_by", settings.FEE_BY)
    may_plan = BooleanField(LABELS["may_plan"])
    plan_most_months = _days("plan_most_months")
    plan_least_ore = KronorField(LABELS["plan_least_ore"], [InputRequired()])
    plan_first_days = _days("plan_first_days")
    plan_sign_over_ore = KronorField(LABELS["plan_sign_over_ore"], [InputRequired()])
    may_postpone = BooleanField(LABELS["may_postpone"])
    postpone_days = _days("postpone_days")
    postpone_times = _days("postpone_times")
    version = HiddenField()
    base = HiddenField()

    def offer_types(self, codes: Sequence[str]) -> None:
        """Say which types of invoices there are to leave out."""
        self.left_out_types.choices = [(one, settings.type_name(one)) for one in codes]

    def values(self) -> dict[str, Any]:
        """What was written, by the names of `policy.DEFAULTS`."""
        return {name: field.data for name, field in self._fields.items() if name in LABELS}

    def rows(self, card: Card, before: Mapping[str, Any]) -> Iterator[tuple[str, str, str | None]]:
        """A closed card: the settings' names and values in words, and what held before a change."""
        for name in card.names:
            field: Field = self[name]
            told = settings.told(name, field.data)
            held = settings.told(name, before[name])
            yield settings.label(name), told, None if told == held else held

    def hidden(self, card: Card) -> Iterator[tuple[str, str]]:
        """Names and values that a closed card carries along."""
        for name in card.names:
            field = self[name]
            if isinstance(field, BooleanField):
                yield from [(name, "y")] if field.data else []
            elif isinstance(field, ManyField):
                yield from ((name, one) for one in field.data or ())
            elif isinstance(field, RadioField):
                yield name, field.data or ""
            else:
                yield name, field._value()

    def open_where_wrong(self, opened: set[str]) -> set[str]:
        """The cards to open: those given, and those with something to mend."""
        return opened | {card.key for card in CARDS if any(self[n].errors for n in card.names)}

    def tell_meanwhile(self, name: str, who: str, value: Any) -> None:
        """At a field that another person changed as well: what they chose."""
        self[name].errors = [
            *self[name].errors,
            gettext(
                "%(who)s has chosen “%(value)s” meanwhile. Save once more to keep yours.",
                who=who,
                value=settings.told(name, value),
            ),
        ]
