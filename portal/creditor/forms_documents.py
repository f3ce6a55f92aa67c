"""What is filled in about documents to sign: files, who signs, and how it is sent."""

from typing import Any

from flask_babel import lazy_gettext
from wtforms import (
    BooleanField,
    DateField,
    FileField,
    IntegerField,
    MultipleFileField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from portal import locales
from portal.collection import file_types
from portal.creditor.document_texts import KINDS, ROLES
from portal.signing import drafts, envelopes, folders, keeping, pdfs
from portal.web.forms import Form

MOST_DAYS = 60
# Those that people choose among.
_CHOSEN_KINDS = ("document", "accounts", "loan")


class DocumentFilesForm(Form):
    """Documents to sign."""

    files = MultipleFileField(
        lazy_gettext("Documents"), render_kw={"accept": pdfs.ACCEPT, "multiple": True}
    )


class AttachmentsForm(Form):
    """What goes along."""

    files = MultipleFileField(
        lazy_gettext("Attachments"),
        id="attachments",
        render_kw={"accept": file_types.ACCEPT, "multiple": True},
    )


class PeopleListForm(Form):
    """A list of people who sign one each."""

    list = FileField(lazy_gettext("List"), render_kw={"accept": ".csv,.txt,.xlsx"})


class DocumentForm(Form):
    """What it is called, what is written with it, and how long it can be signed."""

    title = StringField(
        lazy_gettext("Name"), [InputRequired(), Length(max=envelopes.LONGEST_TITLE)]
    )
    message = TextAreaField(
        lazy_gettext("Message"),
        [Length(max=envelopes.LONGEST_MESSAGE)],
        render_kw={"rows": 5},
    )
    kind = SelectField(
        lazy_gettext("Kind of document"),
        choices=[(one, KINDS[one]) for one in _CHOSEN_KINDS],
        validate_choice=False,
    )
    last_on = DateField(lazy_gettext("Last day to sign"), [InputRequired()])
    remind_days = IntegerField(
        lazy_gettext("Days between reminders"), [Optional(), NumberRange(min=0, max=MOST_DAYS)]
    )
    in_order = BooleanField(lazy_gettext("They sign in order, one turn after the other"))

    def values(self) -> dict[str, Any]:
        """The fields of an envelope."""
        message = (self.message.data or "").replace("\r\n", "\n").strip()
        return {
            "title": " ".join((self.title.data or "").split()),
            "message": message,
            "last_on": self.last_on.data,
            "remind_days": self.remind_days.data or 0,
            "in_order": self.in_order.data,
            # What the rest of the portal has signed keeps its kind.
            **({"kind": self.kind.data} if self.kind.data in _CHOSEN_KINDS else {}),
        }


class _AddressForm(Form):
    email = StringField(
        lazy_gettext("E-mail"),
        [Optional(), Length(max=254)],
        render_kw={"inputmode": "email", "autocomplete": "off"},
    )
    phone = StringField(
        lazy_gettext("Mobile number"),
        [Optional(), Length(max=40)],
        render_kw={"inputmode": "tel", "autocomplete": "off"},
    )


class AddressForm(_AddressForm):
    """Where somebody who was invited is written to."""


class SignerForm(_AddressForm):
    """Somebody who signs, approves or gets a copy."""

    name = StringField(
        lazy_gettext("Name"), [InputRequired(), Length(max=drafts.LONGEST_NAME)],
        render_kw={"autocomplete": "off"},
    )  # fmt: skip
    identity_number = StringField(
        lazy_gettext("Personal identity number"),
        [Optional(), Length(max=20)],
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )
    role = RadioField(lazy_gettext("Role"), choices=list(ROLES.items()), default=envelopes.SIGNS)
    step = IntegerField(
        lazy_gettext("Turn"), [Optional(), NumberRange(min=1, max=drafts.MOST_STEPS)], default=1
    )
    for_company = StringField(
        lazy_gettext("Signs for the company"), [Optional(), Length(max=120)],
        render_kw={"autocomplete": "off"},
    )  # fmt: skip
    language = SelectField(lazy_gettext("Language of the invitation"), default="sv")
    may_hand_over = BooleanField(lazy_gettext("May let somebody else sign instead"))

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self.language.choices = [(one.code, one.name) for one in locales.offered()]


class MoreTimeForm(Form):
    """Until when it can be signed."""

    last_on = DateField(lazy_gettext("Last day to sign"), [InputRequired()])


class ReasonForm(Form):
    """Why it is withdrawn."""

    reason = TextAreaField(
        lazy_gettext("Why"),
        [InputRequired(), Length(max=envelopes.LONGEST_REASON)],
        render_kw={"rows": 3},
    )


class FolderForm(Form):
    """What a folder is called."""

    folder = StringField(
        lazy_gettext("Folder"), [Length(max=folders.LONGEST_NAME)],
        render_kw={"autocomplete": "off", "list": "folders"},
    )  # fmt: skip


class HoldForm(Form):
    """Why a document must be kept."""

    reason = TextAreaField(
        lazy_gettext("Why it must be kept"),
        [InputRequired(), Length(max=keeping.LONGEST_REASON)],
        id="hold-reason",
        render_kw={"rows": 3},
    )
