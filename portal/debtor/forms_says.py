"""What a debtor tells us about the claim."""

from collections.abc import Mapping
from datetime import date

from flask_babel import gettext, lazy_gettext
from flask_wtf.file import MultipleFileField
from wtforms import DateField, Field, RadioField, StringField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from portal.collection import disputes, file_types, states, tellings
from portal.web.forms import Form, KronorField

# The reasons that a debtor chooses among, in the order of how common they are.
_REASONS = [
    SelectChoice(disputes.FAULTY, lazy_gettext("Something is wrong with what I bought")),
    SelectChoice(disputes.NOT_RECEIVED, lazy_gettext("I have not got what I ordered")),
    SelectChoice(disputes.NOT_MINE, lazy_gettext("I have not ordered it")),
    SelectChoice(disputes.AMOUNT, lazy_gettext("The amount is wrong")),
    SelectChoice(disputes.OTHER, lazy_gettext("Something else")),
]


class ObjectionForm(Form):
    """An objection to all of a claim or a part of it, or more about one that waits."""

    reason = RadioField(lazy_gettext("What is wrong"), [InputRequired()], choices=_REASONS)
    part = RadioField(
        lazy_gettext("How much it is about"),
        [InputRequired()],
        choices=[
            SelectChoice("all", lazy_gettext("All that is owed")),
            SelectChoice("part", lazy_gettext("A part")),
        ],
        default="all",
    )
    amount = KronorField(lazy_gettext("The part that you object to"))
    words = TextAreaField(
        lazy_gettext("Tell us more"),
        [Length(max=disputes.MOST_WORDS)],
        render_kw={"rows": 5, "dir": "auto"},
    )
    files = MultipleFileField(
        lazy_gettext("Files"), render_kw={"accept": file_types.ACCEPT, "multiple": True}
    )

    def ask_for_more(self) -> None:
        """Leave out what an objection that waits has said already."""
        del self.reason, self.part, self.amount

    @property
    def amount_ore(self) -> int | None:
        """The part objected to, in öre; None for all."""
        is_part = self.part is not None and self.part.data == "part"
        return self.amount.data if is_part else None

    def validate_amount(self, field: Field) -> None:
        """Needed for a part."""
        if self.part.data == "part" and field.data is None and not field.errors:
            raise ValidationError(gettext("Fill this in."))

    def validate_words(self, field: Field) -> None:
        """Files may say it instead, when an objection waits already."""
        has_files = self.reason is None and any(one.filename for one in self.files.data or ())
        if not (field.data or "").strip() and not has_files:
            raise ValidationError(gettext("Fill this in."))


class ToldForm(Form):
    """What all that a debtor tells has in common: words and files, if any."""

    words = TextAreaField(
        lazy_gettext("Tell us more"),
        [Length(max=tellings.MOST_WORDS)],
        render_kw={"rows": 4, "dir": "auto"},
    )
    files = MultipleFileField(
        lazy_gettext("Files"), render_kw={"accept": file_types.ACCEPT, "multiple": True}
    )


class PaidForm(ToldForm):
    """A payment that the debtor has made already."""

    on = DateField(lazy_gettext("Day you paid"), [InputRequired()])
    amount = KronorField(lazy_gettext("Amount"), [InputRequired()])
    way = RadioField(lazy_gettext("Paid to"), [InputRequired()])

    def about(self) -> str:
        """That it is paid."""
        return tellings.PAID

    def facts(self, today: date) -> Mapping[str, object]:
        """Day, amount and way."""
        return tellings.paid_facts(
            on=self.on.data, amount_ore=self.amount.data, way=self.way.data, today=today
        )


class WrongPersonForm(ToldForm):
    """Why somebody else is meant."""

    why = RadioField(
        lazy_gettext("What is wrong"),
        [InputRequired()],
        choices=[
            SelectChoice("unknown", lazy_gettext("I do not know what this is about")),
            SelectChoice("address", lazy_gettext("I live at the address, but I am somebody else")),
            SelectChoice("name", lazy_gettext("I have the same name as somebody else")),
        ],
    )

    def about(self) -> str:
        """That it is the wrong person."""
        return tellings.WRONG_PERSON

    def facts(self, today: date) -> Mapping[str, object]:
        """Why."""
        return tellings.wrong_person_facts(why=self.why.data)


class CorrectionForm(Form):
    """What is wrong among what is held, and what is right."""

    what = RadioField(
        lazy_gettext("What is wrong"),
        [InputRequired()],
        choices=[
            SelectChoice("name", lazy_gettext("Who owes it")),
            SelectChoice("address", lazy_gettext("Address")),
            SelectChoice("invoice", lazy_gettext("Invoice")),
            SelectChoice("sum", lazy_gettext("Amount")),
            SelectChoice("other", lazy_gettext("Something else")),
        ],
    )
    words = TextAreaField(
        lazy_gettext("What is right instead"),
        [InputRequired(), Length(max=tellings.MOST_WORDS)],
        render_kw={"rows": 4, "dir": "auto"},
    )


class SituationForm(ToldForm):
    """The debtor's situation, or of whoever the writer acts for."""

    role = RadioField(
        lazy_gettext("How it is"),
        [InputRequired()],
        choices=[
            SelectChoice(
                states.RESTRUCTURING, lazy_gettext("I am in debt restructuring (skuldsanering)")
            ),
            SelectChoice(states.BANKRUPT, lazy_gettext("I am bankrupt (i konkurs)")),
            SelectChoice(
                states.REPRESENTED,
                lazy_gettext("There is a trustee (god man) or an administrator (förvaltare)"),
            ),
            SelectChoice(
                states.DECEASED,
                lazy_gettext("The person has died: I write for the estate (dödsbo)"),
            ),
            SelectChoice(
                states.MINOR, lazy_gettext("The person is under 18: I am a guardian (förmyndare)")
            ),
        ],
    )
    since = DateField(lazy_gettext("Since when"), [Optional()])
    contact = StringField(
        lazy_gettext("Whom should we talk to? Name and telephone"),
        [Length(max=tellings.MOST_CONTACT)],
        render_kw={"maxlength": tellings.MOST_CONTACT, "dir": "auto"},
    )

    def facts(self, today: date) -> Mapping[str, object]:
        """Since when, and whom to talk to."""
        return tellings.situation_facts(
            since=self.since.data, contact=self.contact.data or "", today=today
        )

    def about(self) -> str:
        """The role."""
        return str(self.role.data)


# Each tells what was filled in, as the room takes it (`facts`), and the stop that it asks for
# (`about`).
AnyToldForm = PaidForm | WrongPersonForm | SituationForm
