"""What a creditor's people fill in for an act on a case."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from flask_babel import gettext, lazy_gettext
from flask_wtf.file import MultipleFileField
from wtforms import (
    DateField,
    Field,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, HiddenInput, ListWidget

from portal import clock
from portal.collection import correspondence, disputes, file_types, notes, states, tellings
from portal.collection.notes import Reader
from portal.creditor.case_facts import CaseFacts
from portal.creditor.names import (
    DISPUTE_CHANNELS,
    DISPUTE_REASONS,
    SIZES,
    TELLING_OUTCOMES,
    languages,
    stop_name,
)
from portal.web.countries import countries
from portal.web.formats import kronor
from portal.web.forms import Form, KronorField

# Kinds of stops that a creditor's person puts on and takes off by hand. The others have acts of
# their own, or are ours.
BY_HAND = (
    states.HOLD, *states.CIRCUMSTANCES,
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


# A field whose text is no date has no data, and has told so already.
def _past(form: ActForm, field: Field) -> None:
    if field.data is not None and field.data > clock.today():
        raise ValidationError(gettext("This day is still to come."))


def _coming(form: ActForm, field: Field) -> None:
    if field.data is not None and field.data <= clock.today():
        raise ValidationError(gettext("Choose a day that is still to come."))


def _not_past(form: ActForm, field: Field) -> None:
    if field.data is not None and field.data < clock.today():
        raise ValidationError(gettext("Choose today or a day that is still to come."))


def _email(form: ActForm, field: Field) -> None:
    name, _, host = field.data.strip().rpartition("@")
    if not name or "." not in host or " " in field.data.strip():
        raise ValidationError(gettext("Write an e-mail address, such as name@example.com."))


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
        ended = [one for one in facts.answered_kinds if one in BY_HAND]
        self.kind.choices = [(one, stop_name(one)) for one in ended]
        if is_new and ended:
            self.kind.data = ended[0]


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


class PlanForm(ActForm):
    """A payment plan: so much a month, or in so many months."""

    way = RadioField(
        lazy_gettext("The plan is made by"),
        [InputRequired()],
        choices=[
            ("amount", lazy_gettext("An amount a month")),
            ("months", lazy_gettext("A number of payments")),
        ],
    )
    amount = KronorField(lazy_gettext("Amount a month"))
    months = IntegerField(lazy_gettext("Number of payments"), [Optional()])
    first_on = DateField(lazy_gettext("First payment by"), [InputRequired(), _not_past])

    def prepare(self, facts: CaseFacts, *, is_new: bool) -> None:
        """Six payments, the first at the end of next month, to begin with."""
        if is_new:
            self.way.data, self.months.data = "months", 6
            self.first_on.data = _end_of_next_month(clock.today())

    def hints(self) -> Mapping[str, str]:
        """What is not plain."""
        return {
            "amount": gettext("Only when the plan is made by an amount. The last payment is the"
                              " rest."),
            "months": gettext("Only when the plan is made by a number of payments."),
            "first_on": gettext("The others fall on the same day of each month, or on the next"
                                " banking day."),
        }  # fmt: skip

    def validate_amount(self, field: Field) -> None:
        """Needed for a plan by amount."""
        if self.way.data == "amount" and field.data is None and not field.errors:
            raise ValidationError(gettext("Fill this in."))


def _end_of_next_month(today: date) -> date:
    year, month = divmod(today.month + 1, 12)
    return date(today.year + year, month + 1, 1) - timedelta(days=1)


class ReasonForm(ActForm):
    """Why, in words."""

    reason = StringField(lazy_gettext("Reason"), [InputRequired(), Length(max=_LONGEST)])


class DueForm(ActForm):
    """Another due date."""

    due_on = DateField(lazy_gettext("New due date"), [InputRequired()])

    def prepare(self, facts: CaseFacts, *, is_new: bool) -> None:
        """The one that it has, to begin with."""
        if is_new:
            self.due_on.data = facts.case.due_on


PLACES = ("address_line", "postcode", "town", "email", "phone")


class DetailsForm(ActForm):
    """A customer's details. keeps_places: where they are is hidden, and empty leaves it alone."""

    keeps_places = False

    name = StringField(lazy_gettext("Name"), [InputRequired(), Length(max=200)])
    address_line = StringField(lazy_gettext("Street address"), [Length(max=200)])
    postcode = StringField(lazy_gettext("Postcode"), [Length(max=20)])
    town = StringField(lazy_gettext("Town"), [Length(max=100)])
    country = SelectField(lazy_gettext("Country"), [InputRequired()])
    email = StringField(lazy_gettext("E-mail"), [Optional(), Length(max=200), _email])
    phone = StringField(lazy_gettext("Telephone"), [Length(max=40)])
    language = SelectField(lazy_gettext("Language"), [InputRequired()])
    customer_class = StringField(lazy_gettext("Customer class"), [Length(max=60)])
    size_class = SelectField(
        lazy_gettext("Number of employees"), [Optional()], choices=list(SIZES.items())
    )

    def prepare(self, facts: CaseFacts, *, is_new: bool) -> None:
        """Those that we have, to begin with."""
        debtor = facts.case.debtor
        if debtor.kind == "person":
            del self.size_class
        self.country.choices = countries(debtor.country)
        self.language.choices = languages(debtor.language)
        if is_new:
            for field in self.asked():
                field.data = getattr(debtor, field.name) or ""
            self.country.data = debtor.country or "SE"
            self.language.data = debtor.language or "sv"
        self.keeps_places = facts.places.is_hidden
        if self.keeps_places and is_new:
            for name in PLACES:
                self[name].data = ""
            self.country.data = "SE"

    def hints(self) -> Mapping[str, str]:
        """What is not plain."""
        hidden = gettext("Protected. What you leave empty stays as it is.")
        return {
            **(dict.fromkeys(PLACES, hidden) if self.keeps_places else {}),
            "language": gettext("Letters get a page in it, and the web page opens in it."),
            "customer_class": gettext("Decides which of your rules hold for the customer."),
            "size_class": gettext("Groups the customer in the report of payment behaviour."),
        }

    def values(self) -> dict[str, str | None]:
        """The details, those that may be missing as None when empty."""
        written = {one.name: (one.data or "").strip() for one in self.asked()}
        may_miss = ("email", "phone", "customer_class", "size_class")
        if self.keeps_places:
            kept = [name for name in PLACES if not written[name]]
            if {"address_line", "postcode", "town"} <= {*kept}:
                kept.append("country")
            written = {name: value for name, value in written.items() if name not in kept}
        return {name: None if name in may_miss and not value else value
                for name, value in written.items()}  # fmt: skip


class DecideForm(ActForm):
    """How a case goes on whose demand was not paid."""

    option = RadioField(
        lazy_gettext("How the case goes on"),
        [InputRequired()],
        choices=[
            ("legal", lazy_gettext("Apply at the Enforcement Authority")),
            ("surveillance", lazy_gettext("Watch over it for a long time")),
            ("write off", lazy_gettext("Write it off")),
        ],
    )


class DisputeForm(ActForm):
    """An objection that came to the company."""

    reason = SelectField(lazy_gettext("What is wrong"), [InputRequired()])
    words = TextAreaField(
        lazy_gettext("What the debtor says"), [InputRequired(), Length(max=disputes.MOST_WORDS)]
    )
    part = RadioField(
        lazy_gettext("How much it is about"),
        [InputRequired()],
        choices=[("all", lazy_gettext("All that is owed")), ("part", lazy_gettext("A part"))],
        default="all",
    )
    amount = KronorField(lazy_gettext("The part"))
    channel = SelectField(lazy_gettext("How it came"), [InputRequired()])

    def prepare(self, facts: CaseFacts, *, is_new: bool) -> None:
        """By telephone about all of it, to begin with."""
        self.reason.choices = list(DISPUTE_REASONS.items())
        self.channel.choices = list(DISPUTE_CHANNELS.items())
        if is_new:
            self.part.data = "all"

    def hints(self) -> Mapping[str, str]:
        """What is not plain."""
        return {
            "words": gettext("As the debtor said it. The debtor can read it."),
            "amount": gettext("Only for a part. The rest can be paid meanwhile."),
        }

    def validate_amount(self, field: Field) -> None:
        """Needed for a part."""
        if self.part.data == "part" and field.data is None and not field.errors:
            raise ValidationError(gettext("Fill this in."))


class AnswerForm(ActForm):
    """The answer to an objection."""

    answer = RadioField(
        lazy_gettext("Your answer"),
        [InputRequired()],
        choices=[
            (disputes.UPHELD, lazy_gettext("The debtor is right: take back all of it")),
            (disputes.PARTLY, lazy_gettext("The debtor is right in part: take back a part")),
            (disputes.TURNED_DOWN, lazy_gettext("The claim is right: the case goes on")),
            ("ask", lazy_gettext("We need to know more")),
        ],
    )
    amount = KronorField(lazy_gettext("Taken back of the invoice"))
    paid = RadioField(
        lazy_gettext("What was paid of the invoice"),
        validate_choice=False,
        choices=[
            ("stays", lazy_gettext("It was owed, and stays paid")),
            ("back", lazy_gettext("It was not owed either, and is paid back")),
        ],
    )
    words = TextAreaField(
        lazy_gettext("What you write to the debtor"), [InputRequired(), Length(max=1_200)]
    )
    _paid = ""

    def prepare(self, facts: CaseFacts, *, is_new: bool) -> None:
        """What was paid is asked about when something was."""
        if facts.principal_paid_ore:
            self._paid = kronor(facts.principal_paid_ore, facts.case.currency)
        else:
            del self.paid

    def hints(self) -> Mapping[str, str]:
        """What is not plain."""
        return {
            "amount": gettext("Only when the debtor is right in part."),
            "paid": gettext(
                "Only when you take back all of it. %(amount)s of the invoice itself was paid to"
                " us. What was paid of interest and fees goes back to who paid it in any case.",
                amount=self._paid,
            ),
            "words": gettext("It stands in the letter as you write it. Be plain and kind: what you"
                             " have found, and why."),
        }  # fmt: skip

    def validate_amount(self, field: Field) -> None:
        """Needed for a part."""
        if self.answer.data == disputes.PARTLY and field.data is None and not field.errors:
            raise ValidationError(gettext("Fill this in."))

    def validate_paid(self, field: Field) -> None:
        """Who takes back all says what becomes of what was paid of it."""
        if self.answer.data == disputes.UPHELD and field.data not in ("stays", "back"):
            raise ValidationError(gettext("Choose one of the options."))


class ToldForm(ActForm):
    """The answer to something that the debtor told. kinds: the stops that it is about."""

    kinds: Sequence[str] = ()

    outcome = RadioField(lazy_gettext("Your answer"), [InputRequired()])
    words = TextAreaField(lazy_gettext("What you write to the debtor"), [Length(max=1_200)])

    def prepare(self, facts: CaseFacts, *, is_new: bool) -> None:
        """The answers that there are."""
        self.outcome.choices = [
            (one, TELLING_OUTCOMES[one]) for one in tellings.OUTCOMES[self.kinds[0]]
        ]

    def hints(self) -> Mapping[str, str]:
        """What is not plain."""
        return {"words": gettext("The debtor reads it on the page of the case.")}

    @property
    def stop(self) -> str:
        """What is answered."""
        return self.kinds[0]

    def validate_words(self, field: Field) -> None:
        """Needed when the claim stands, or what is held: the debtor gets the reasons."""
        is_needed = self.outcome.data in (tellings.NOT_COME, tellings.RIGHT, tellings.STANDS)
        if is_needed and not (field.data or "").strip():
            raise ValidationError(gettext("Fill this in."))


class ToldPaidForm(ToldForm):
    """Whether the money has come."""

    kinds = (tellings.PAID,)

    amount = KronorField(lazy_gettext("Amount"))
    on = DateField(lazy_gettext("Day the money came"), [Optional(), _past])

    def prepare(self, facts: CaseFacts, *, is_new: bool) -> None:
        """What the debtor told, to begin with."""
        super().prepare(facts, is_new=is_new)
        told = facts.waits(*self.kinds)
        if is_new and told:
            self.amount.data = told[0].facts["amount_ore"]
            self.on.data = date.fromisoformat(told[0].facts["on"])

    def hints(self) -> Mapping[str, str]:
        """What is not plain."""
        return {
            "amount": gettext("Only when the money has come: it is registered as paid to you."),
            "words": gettext("Needed when the money has not come: it goes to the debtor in a"
                             " letter."),
        }  # fmt: skip

    def validate_amount(self, field: Field) -> None:
        """Needed when the money has come."""
        if self.outcome.data == tellings.CAME and field.data is None and not field.errors:
            raise ValidationError(gettext("Fill this in."))

    def validate_on(self, field: Field) -> None:
        """Needed when the money has come."""
        if self.outcome.data == tellings.CAME and field.data is None and not field.errors:
            raise ValidationError(gettext("Fill this in."))


class ToldPersonForm(ToldForm):
    """Whether it is the right person."""

    kinds = (tellings.WRONG_PERSON,)

    def hints(self) -> Mapping[str, str]:
        """What is not plain."""
        return {"words": gettext("It goes to the debtor in a letter.")}


class ToldCorrectionForm(ToldForm):
    """Whether what is held is wrong, and has been corrected."""

    kinds = (tellings.CORRECTION,)

    def hints(self) -> Mapping[str, str]:
        """What is not plain."""
        return {
            "outcome": gettext("Correct it first: the address or details, the due date, or a"
                               " credit note."),
            "words": gettext("Needed when it is right as it is: the debtor reads why on the page"
                             " of the case."),
        }  # fmt: skip


class ToldSituationForm(ToldForm):
    """What comes of a debtor's situation."""

    kinds = tellings.SITUATIONS

    which = SelectField(lazy_gettext("What was told"), [InputRequired()])

    def prepare(self, facts: CaseFacts, *, is_new: bool) -> None:
        """The situations that wait."""
        super().prepare(facts, is_new=is_new)
        told = [one.stop for one in facts.waits(*self.kinds)]
        self.which.choices = [(one, stop_name(one)) for one in told]
        if is_new and told:
            self.which.data = told[0]

    @property
    def stop(self) -> str:
        """What is answered."""
        return str(self.which.data)

    def hints(self) -> Mapping[str, str]:
        """What is not plain."""
        return {
            "outcome": gettext("While it stands still, nothing is sent. You let it go on by hand"
                               " when that is over."),
            **super().hints(),
        }  # fmt: skip


class ReplyForm(ActForm):
    """What more the debtor says."""

    words = TextAreaField(
        lazy_gettext("What the debtor says"), [InputRequired(), Length(max=disputes.MOST_WORDS)]
    )


class MessageForm(Form):
    """A message to the debtor. seen: the newest message that the page shows."""

    seen = IntegerField(default=0, widget=HiddenInput())
    words = TextAreaField(
        lazy_gettext("Message to the debtor"),
        [InputRequired(), Length(max=correspondence.MOST_WORDS)],
        render_kw={"rows": 4},
    )


class NoteForm(Form):
    """A note for the others at the company."""

    words = TextAreaField(lazy_gettext("Note"), [InputRequired(), Length(max=notes.MOST_WORDS)])
    mentions = SelectMultipleField(
        lazy_gettext("Tell"), coerce=int, option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )  # fmt: skip

    def offer(self, readers: Sequence[Reader]) -> None:
        """The people to choose among."""
        self.mentions.choices = [(one.person_id, one.name) for one in readers]


class FilesForm(Form):
    """Files to keep with a case."""

    files = MultipleFileField(
        lazy_gettext("Files"), render_kw={"accept": file_types.ACCEPT, "multiple": True}
    )
