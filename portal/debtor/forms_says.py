"""What a debtor tells us about the claim."""

from flask_babel import gettext, lazy_gettext
from flask_wtf.file import MultipleFileField
from wtforms import Field, RadioField, TextAreaField, ValidationError
from wtforms.validators import InputRequired, Length

from portal.collection import disputes, file_types
from portal.web.forms import Form, KronorField

# The reasons that a debtor chooses among, in the order of how common they are.
_REASONS = [
    (disputes.FAULTY, lazy_gettext("Something is wrong with what I bought")),
    (disputes.NOT_RECEIVED, lazy_gettext("I have not got what I ordered")),
    (disputes.NOT_MINE, lazy_gettext("I have not ordered it")),
    (disputes.AMOUNT, lazy_gettext("The amount is wrong")),
    (disputes.OTHER, lazy_gettext("Something else")),
]


class ObjectionForm(Form):
    """An objection to all of a claim or a part of it, or more about one that waits."""

    reason = RadioField(lazy_gettext("What is wrong"), [InputRequired()], choices=_REASONS)
    part = RadioField(
        lazy_gettext("How much it is about"),
        [InputRequired()],
        choices=[("all", lazy_gettext("All that is owed")), ("part", lazy_gettext("A part"))],
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
