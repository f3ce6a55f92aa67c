"""What is filled in about a template for documents, and to write a document from one."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, cast

from flask_babel import gettext, lazy_gettext
from wtforms import (
    BooleanField,
    DateField,
    Field,
    FieldList,
    FormField,
    HiddenField,
    IntegerField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from portal.creditor import document_texts
from portal.creditor.document_texts import ROLES
from portal.creditor.forms_documents import MOST_DAYS
from portal.locales import LANGUAGES
from portal.messages import RedaError
from portal.signing import drafts, envelopes, markup, merging, templates, writing
from portal.signing.templates import Content, Role
from portal.web.forms import Form, KronorField, text

KINDS = {code: document_texts.KINDS[code] for code in templates.KINDS}
FIELD_KINDS = {
    templates.TEXT: lazy_gettext("Text on one line"),
    templates.LONG: lazy_gettext("Text on several lines"),
    templates.DATE: lazy_gettext("Date"),
    templates.AMOUNT: lazy_gettext("Amount"),
    templates.CHOICE: lazy_gettext("One of several choices"),
}
WHO = {
    templates.CUSTOMER: lazy_gettext("The customer"),
    templates.SENDER: lazy_gettext("Who writes the document"),
    templates.OTHER: lazy_gettext("Somebody else"),
}


def _choices(names: Mapping[str, Any]) -> list[SelectChoice]:
    return [SelectChoice(code, name) for code, name in names.items()]


class _Row(Form):
    class Meta(Form.Meta):
        csrf = False


class OwnFieldRow(_Row):
    """A field of a template's own."""

    label = StringField(lazy_gettext("What it is called"), [Length(max=templates.LONGEST_LABEL)])
    name = StringField(lazy_gettext("Name in the text"), [Length(max=40)])
    kind = SelectField(lazy_gettext("Kind"), choices=_choices(FIELD_KINDS))
    choices = TextAreaField(
        lazy_gettext("Choices, one a line"), [Length(max=5_000)], render_kw={"rows": 3}
    )
    is_required = BooleanField(lazy_gettext("Must be filled in"))

    def field(self) -> templates.Field | None:
        """What was filled in; None when nothing was."""
        if not any((one.data or "").strip() for one in (self.label, self.name, self.choices)):
            return None
        choices = tuple(markup.tidy(self.choices.data or "").split("\n"))
        return templates.Field(
            self.name.data or "", self.label.data or "", self.kind.data, self.is_required.data,
            choices,
        )  # fmt: skip


class RoleRow(_Row):
    """Somebody whom a document of a template is sent to."""

    label = StringField(lazy_gettext("What they are called"), [Length(max=templates.LONGEST_LABEL)])
    who = SelectField(lazy_gettext("Who it is"), choices=_choices(WHO))
    role = SelectField(lazy_gettext("Role"), choices=_choices(ROLES))
    step = IntegerField(
        lazy_gettext("Turn"), [Optional(), NumberRange(min=1, max=drafts.MOST_STEPS)], default=1
    )

    def filled(self) -> Role | None:
        """What was filled in; None when nothing was."""
        if not (self.label.data or "").strip():
            return None
        return Role(self.label.data or "", self.who.data, self.role.data, self.step.data or 1)


class TemplateForm(Form):
    """A template: what it is called, its text, its fields, and how documents of it are sent."""

    name = StringField(lazy_gettext("Name"), [InputRequired(), Length(max=envelopes.LONGEST_TITLE)])
    kind = SelectField(lazy_gettext("Kind"), choices=_choices(KINDS))
    language = SelectField(lazy_gettext("Language of the document"))
    body = TextAreaField(lazy_gettext("Text"), [InputRequired()], render_kw={"rows": 24})
    own = FieldList(FormField(OwnFieldRow), max_entries=templates.MOST_OWN_FIELDS + 1)
    roles = FieldList(FormField(RoleRow), max_entries=templates.MOST_ROLES + 1)
    message = TextAreaField(
        lazy_gettext("Message"), [Length(max=envelopes.LONGEST_MESSAGE)], render_kw={"rows": 4}
    )
    days = IntegerField(
        lazy_gettext("Days to sign"),
        [InputRequired(), NumberRange(min=1, max=templates.MOST_DAYS)],
    )
    remind_days = IntegerField(
        lazy_gettext("Days between reminders"), [Optional(), NumberRange(min=0, max=MOST_DAYS)]
    )
    version = HiddenField()

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self.language.choices = _choices(
            {code: LANGUAGES[code].name for code in templates.LANGUAGES}
        )
        self.problems: list[str] = []

    @classmethod
    def showing(cls, content: Content, version: int = 0) -> "TemplateForm":
        """The form with a template in it."""
        return cls(
            formdata=None,
            obj=content,
            data={
                "own": [
                    {"label": one.label, "name": one.name, "kind": one.kind,
                     "choices": "\n".join(one.choices), "is_required": one.is_required}
                    for one in content.fields
                ],
                "version": str(version),
            },
        )  # fmt: skip

    def content(self) -> Content:
        """What was filled in, as far as it can be understood."""
        own = [cast(OwnFieldRow, row.form).field() for row in self.own]
        roles = [cast(RoleRow, row.form).filled() for row in self.roles]
        return Content(
            name=self.name.data or "",
            kind=self.kind.data if self.kind.data in KINDS else "document",
            language=self.language.data if self.language.data in templates.LANGUAGES else "sv",
            message=self.message.data or "",
            days=self.days.data or envelopes.DAYS_OPEN,
            remind_days=self.remind_days.data or 0,
            roles=tuple(one for one in roles if one),
            fields=tuple(one for one in own if one),
            body=self.body.data or "",
        )

    def seen(self) -> int | None:
        """The newest version when the form was opened."""
        told = self.version.data or ""
        return int(told) if told.isdecimal() and len(told) < 9 else None

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether it can be saved; errors of rows are told above the form as well."""
        is_whole = super().validate(extra_validators)
        for rows, what in ((self.own, gettext("Field")), (self.roles, gettext("Person"))):
            for number, row in enumerate(rows, start=1):
                for field in cast(Form, row.form):
                    for error in field.errors:
                        told = f"{what} {number}, {field.label.text}: {error}"
                        self.form_errors = [*self.form_errors, told]
            rows.errors = []
        return is_whole

    def take(self, problem: Any) -> None:
        """Show what is wrong; all that is wrong with the text at the text."""
        if isinstance(problem, markup.NotWhole):
            self.body.errors = [text(one) for one in problem.problems]
        elif isinstance(problem, RedaError) and problem.problem.field in ("own", "roles"):
            self.form_errors = [*self.form_errors, text(problem)]
            self._show_at_row(problem)
        else:
            super().take(problem)

    def _show_at_row(self, problem: RedaError) -> None:
        rows = [cast(OwnFieldRow, row.form) for row in self.own]
        filled = [one for one in rows if one.field()]
        values = problem.problem.values
        for row, field in zip(filled, templates.tidy(self.content()).fields, strict=True):
            if field.name == values.get("name"):
                row.name.errors = [text(problem)]
            elif field.label == values.get("label"):
                row.choices.errors = [text(problem)]


class SignerRow(_Row):
    """Whom a document is sent to, in one of its template's roles."""

    name = StringField(
        lazy_gettext("Name"), [Length(max=drafts.LONGEST_NAME)], render_kw={"autocomplete": "off"}
    )
    email = StringField(
        lazy_gettext("E-mail"), [Length(max=254)],
        render_kw={"inputmode": "email", "autocomplete": "off"},
    )  # fmt: skip
    phone = StringField(
        lazy_gettext("Mobile number"), [Length(max=40)],
        render_kw={"inputmode": "tel", "autocomplete": "off"},
    )  # fmt: skip
    identity_number = StringField(
        lazy_gettext("Personal identity number"), [Length(max=20)],
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )  # fmt: skip
    for_company = StringField(
        lazy_gettext("Signs for the company"), [Length(max=120)], render_kw={"autocomplete": "off"}
    )
    language = HiddenField()


class WriteForm(Form):
    """What a document is called, and whom it is sent to; made with a template's fields."""

    title = StringField(
        lazy_gettext("Name of the document"),
        [InputRequired(), Length(max=envelopes.LONGEST_TITLE)],
    )
    signers = FieldList(FormField(SignerRow), max_entries=templates.MOST_ROLES)
    version = HiddenField()
    seen = HiddenField()
    asked: Sequence[templates.Field] = ()

    def answers(self) -> dict[str, str | date | int | None]:
        """What was filled in, by the names of fields."""
        return {one.name: self[_key(one.name)].data for one in self.asked}

    def fields(self) -> list[Field]:
        """The template's fields."""
        return [self[_key(one.name)] for one in self.asked]

    def tell(self, error: RedaError) -> None:
        """Show what is wrong with one of the template's fields, or with the whole."""
        if (key := _key(error.problem.field or "")) in self:
            self[key].errors = [text(error)]
        else:
            self.take(error)

    def told_of(self, place: int) -> dict[str, str | None]:
        """What was filled in for a role, by the fields of `Invited`."""
        told: dict[str, str | None] = self.signers[place].form.data
        return told

    def tell_of(self, place: int, error: RedaError) -> None:
        """Show what is wrong with whom a role stands for."""
        row = cast(Form, self.signers[place].form)
        row.take(error)
        label = next((one.label.text for one in row if one.errors), "")
        self.form_errors = [*self.form_errors, f"{label}: {text(error)}" if label else text(error)]

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether it can be made; errors of people are told above the form as well."""
        is_whole = super().validate(extra_validators)
        for row in self.signers:
            for field in cast(Form, row.form):
                for error in field.errors:
                    self.form_errors = [*self.form_errors, f"{field.label.text}: {error}"]
        self.signers.errors = []
        return is_whole


def _key(name: str) -> str:
    return "field-" + name.replace(".", "-")


def write_form(
    asked: Sequence[templates.Field], first: Mapping[str, Any] | None = None
) -> WriteForm:
    """A form that asks for a template's fields. first: what stands in it before it is sent."""
    fields = {_key(one.name): _field(one) for one in asked}
    made = type("WriteForm", (WriteForm,), {**fields, "asked": tuple(asked)})
    form: WriteForm = made() if first is None else made(formdata=None, data=first)
    return form


def _field(one: templates.Field) -> Field:
    label = gettext(one.label) if one.name in merging.FIELDS else one.label
    needed = [InputRequired() if one.is_required else Optional()]
    if one.kind == templates.DATE:
        return DateField(label, needed)
    if one.kind == templates.AMOUNT:
        least = NumberRange(min=0, message=lazy_gettext("Write an amount that is not below zero."))
        return KronorField(label, [*needed, least] if one.is_required else [Optional(), least])
    if one.kind == templates.CHOICE:
        words = {word: word for word in one.choices}
        return SelectField(
            label, needed, choices=_choices(words if one.is_required else {"": "–", **words})
        )
    if one.kind == templates.LONG:
        return TextAreaField(
            label, [*needed, Length(max=writing.LONGEST_LONG)], render_kw={"rows": 5}
        )
    return StringField(
        label, [*needed, Length(max=writing.LONGEST_TEXT)], render_kw={"autocomplete": "off"}
    )
