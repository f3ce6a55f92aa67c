"""What is filled in about a customer or a class: its own rules, and an exclusion."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext, lazy_gettext
from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import Length, Optional
from wtforms.widgets import CheckboxInput

from portal.collection import policy
from portal.collection.customers import Said
from portal.creditor import settings
from portal.creditor.names import AFTER_DEMAND, scope_name
from portal.web.forms import Form, KronorField, PerCentField

MOST_WORDS = 300
OWN_TYPES = "own_types"
# Only the company as a whole is switched on and off: a customer is excluded instead.
NAMES = tuple(name for name in policy.DEFAULTS if name != "is_active")
_YES, _NO = "yes", "no"
BOOLEANS = tuple(name for name in NAMES if isinstance(policy.DEFAULTS[name], bool))
CHOICES: Mapping[str, settings.Choices] = {
    "collects_from": settings.COLLECTS_FROM,
    "already_reminded": settings.ALREADY_REMINDED,
    "interest_kind": settings.INTEREST,
    "direct_payment": settings.DIRECT_PAYMENT,
    "after_demand": AFTER_DEMAND,
    "reminder_fee_by": settings.FEE_BY,
    "demand_fee_by": settings.FEE_BY,
    "plan_fee_by": settings.FEE_BY,
}
_TEXTS = ("reminder_text", "demand_text")


class ExclusionForm(Form):
    """Until when, and why, a customer or a class is left out."""

    ends_on = DateField(lazy_gettext("Last day"), [Optional()])
    reason = StringField(lazy_gettext("Reason"), [Length(max=MOST_WORDS)])


class OwnRulesForm(Form):
    """What a customer or a class says itself, setting by setting; made by `own_rules_form`."""

    ends_on = DateField(lazy_gettext("Last day"), [Optional()])
    reason = StringField(lazy_gettext("Reason"), [Length(max=MOST_WORDS)])
    version = HiddenField()

    def said(self) -> dict[str, Any]:
        """The values that were chosen, None where the wider scope is to decide."""
        values = {name: self._value(name) for name in NAMES if name in self}
        return {**values, "ends_on": self.ends_on.data, "reason": (self.reason.data or "").strip()}

    def _value(self, name: str) -> Any:
        data = self[name].data
        if name in BOOLEANS:
            return {_YES: True, _NO: False}.get(data)
        if name == "left_out_types":
            return list(data or []) if self[OWN_TYPES].data else None
        return None if data == "" or data is None else data


def own_rules_form(said: Said, types: Sequence[str], *, is_new: bool) -> OwnRulesForm:
    """The form of a customer's or a class's own rules.

    types: of invoices, to choose from. is_new: it is filled in with what holds; otherwise with what
    was sent.
    """

    class _Form(OwnRulesForm):
        pass

    for name in NAMES:
        setattr(_Form, name, _field(name, said, types))
    setattr(_Form, OWN_TYPES, BooleanField(gettext("Choose here which types are left out")))
    if not is_new:
        return _Form()
    return _Form(formdata=None, data={**_as_form(said.own), "version": str(said.version)})


def _as_form(own: Mapping[str, Any]) -> dict[str, Any]:
    data = {name: own[name] for name in (*NAMES, "ends_on", "reason")}
    for name in BOOLEANS:
        data[name] = {True: _YES, False: _NO}.get(own[name], "")
    data[OWN_TYPES] = own["left_out_types"] is not None
    return data


def inherited(said: Said, name: str) -> str:
    """What holds when the field is left empty, and who says so."""
    return gettext(
        "%(scope)s: %(value)s",
        scope=scope_name(said.wider.scopes.get(name, "default")),
        value=settings.told(name, said.wider.values[name]),
    )


def _field(name: str, said: Said, types: Sequence[str]) -> Any:
    label = settings.label(name)
    nothing = ("", gettext("As it is without (%(inherited)s)", inherited=inherited(said, name)))
    if name in BOOLEANS:
        return SelectField(
            label, [Optional()], choices=[nothing, (_YES, gettext("Yes")), (_NO, gettext("No"))]
        )
    if name in CHOICES:
        choices = [nothing, *((code, str(text)) for code, text in CHOICES[name].items())]
        return SelectField(label, [Optional()], choices=choices)
    if name == "left_out_types":
        choices = [(code, settings.type_name(code)) for code in types]
        return SelectMultipleField(
            label, [Optional()], choices=choices, option_widget=CheckboxInput()
        )
    if name == "agreed_rate":
        return PerCentField(label, [Optional()])
    if name.endswith("_ore"):
        return KronorField(label, [Optional()])
    if name.endswith("_on"):
        return DateField(label, [Optional()])
    if name in _TEXTS:
        return TextAreaField(
            label,
            [Optional(), Length(max=MOST_WORDS)],
            filters=[lambda text: " ".join((text or "").split())],
            render_kw={"rows": 3},
        )
    return IntegerField(label, [Optional()])
