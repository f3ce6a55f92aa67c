"""What a creditor's people fill in for an act on a case."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from flask_babel import gettext, lazy_gettext
from wtforms import DateField, Field, HiddenField, SelectField, StringField, ValidationError
from wtforms.validators import InputRequired, Length, Optional

from portal import clock
from portal.collection import states
from portal.creditor.case_facts import CaseFacts
from portal.creditor.names import stop_name
from portal.web.forms import Form, KronorField

# Kinds of stops that a creditor's person puts on and takes off by hand. The others have acts of
# their own, or are ours.
BY_HAND = (
    states.HOLD, states.BANKRUPT, states.DECEASED, states.MINOR, states.PROTECTED,
    states.RESTRUCTURING,
)  # fmt: skip
_HOLD_FOR = timedelta(days=14)
_LONGEST = 300


class ActForm(Form):
    """What is asked before an act. seen: names the effect that was shown."""

    seen = HiddenField()

    def prepare(self, facts: CaseFacts, *, is_new: bool) -> None:
        """Offer what the case has to choose from. is_new: nothing is filled in yet."""

    def asked(self) -> Sequence[Field]:
        """The fields that a person fills in."""
        return [one for one in self if one.name not in ("csrf_token", "seen")]

    def hints(self) -> Mapping[str, str]:
        """A sentence below a field's label, by the field's name."""
        return {}

    def said(self) -> dict[str, object]:
        """What was filled in, as JSON values."""
        return {
            one.name: one.data.isoformat() if isinstance(one.data, date) else one.data
            for one in self.asked()
        }


def _past(form: ActForm, field: Field) -> None:
    if field.data > clock.today():
        raise ValidationError(gettext("This day is still to come."))


def _coming(form: ActForm, field: Field) -> None:
    if field.data <= clock.today():
        raise ValidationError(gettext("Choose a day that is still to come."))


class HoldForm(ActForm):
    """Why a case stands still, and until when."""

    kind = SelectField(lazy_gettext("Why"), [InputRequired()])
    until_on = DateField(lazy_gettext("Last day"), [Optional(), _coming])
    reason = StringField(lazy_gettext("Reason"), [InputRequired(), Length(max=_LONGEST)])

    def prepare(self, facts: CaseFacts, *, is_new: bool) -> None:
        """A hold of two weeks, to begin with."""
        self.kind.choices = [(one, stop_name(one)) for one in BY_HAND]
        if is_new:
            self.kind.data, self.until_on.data = states.HOLD, clock.today() + _HOLD_FOR

    def hints(self) -> Mapping[str, str]:
        """What is not plain."""
        return {
            "until_on": gettext("Left empty, it stands still until somebody lets it go on."),
            "reason": gettext("For you and us; the debtor does not see it."),
        }


class ResumeForm(ActForm):
    """Which of the reasons to stand still is over."""

    kind = SelectField(lazy_gettext("What is over"), [InputRequired()])

    def prepare(self, facts: CaseFacts, *, is_new: bool) -> None:
        """Those that a person can take off."""
        ended = [one for one in facts.stop_kinds if one in BY_HAND]
        self.kind.choices = [(one, stop_name(one)) for one in ended]
        if is_new and ended:
            self.kind.data = ended[0]


class RecallForm(ActForm):
    """Why the claim is taken back."""

    reason = StringField(lazy_gettext("Reason"), [InputRequired(), Length(max=_LONGEST)])


class CreditForm(ActForm):
    """A credit note."""

    number = StringField(
        lazy_gettext("Number of the credit note"), [InputRequired(), Length(max=60)]
    )
    amount = KronorField(lazy_gettext("Amount"), [InputRequired()])
    on = DateField(lazy_gettext("Date"), [InputRequired(), _past])

    def prepare(self, facts: CaseFacts, *, is_new: bool) -> None:
        """All that is left of the invoice, today, to begin with."""
        if is_new:
            self.amount.data, self.on.data = facts.due.principal_ore, clock.today()

    def hints(self) -> Mapping[str, str]:
        """What is not plain."""
        return {
            "number": gettext("The same number again changes nothing."),
            "amount": gettext("As much as is left of the invoice credits all of it."),
        }


class DirectForm(ActForm):
    """A payment that reached the creditor itself."""

    amount = KronorField(lazy_gettext("Amount"), [InputRequired()])
    on = DateField(lazy_gettext("Day the money came"), [InputRequired(), _past])
    number = StringField(lazy_gettext("Your number for the payment"), [Length(max=60)])

    def prepare(self, facts: CaseFacts, *, is_new: bool) -> None:
        """Today, to begin with."""
        if is_new:
            self.on.data = clock.today()

    def hints(self) -> Mapping[str, str]:
        """What is not plain."""
        return {
            "number": gettext("Needed only when two payments of the same sum come on one day."),
        }
