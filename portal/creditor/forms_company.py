"""What an administrator fills in about the company."""

from flask_babel import lazy_gettext
from flask_wtf.file import FileField
from wtforms import BooleanField, HiddenField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from portal.companies import accounts, looks
from portal.web.forms import Form


class CardForm(Form):
    """A card of the company's page. version: how often it was saved when it was read."""

    version = HiddenField()

    def read_version(self) -> int:
        """The version that came back, 0 when it is none."""
        told = self.version.data or ""
        return int(told) if told.isascii() and told.isdigit() else 0

    def read_anew(self, version: int) -> None:
        """The reader was told of another version; saving once more is then on purpose."""
        self.version.raw_data = None
        self.version.data = str(version)


class DescriptionForm(CardForm):
    """What an invoice is for when it does not say so."""

    debt_description = StringField(
        lazy_gettext("What your invoices are for"),
        [InputRequired(), Length(max=looks.LONGEST_DESCRIPTION)],
    )


class AddressForm(CardForm):
    """An address."""

    name = StringField(lazy_gettext("Name"), [InputRequired(), Length(max=80)])
    address_line = StringField(lazy_gettext("Street or box"), [InputRequired(), Length(max=80)])
    postcode = StringField(lazy_gettext("Postcode"), [InputRequired(), Length(max=20)])
    town = StringField(lazy_gettext("Town"), [InputRequired(), Length(max=80)])
    country = StringField(lazy_gettext("Country"), [Optional(), Length(max=60)])


class ContactForm(CardForm):
    """Somebody whom we may call or write to."""

    name = StringField(lazy_gettext("Name"), [InputRequired(), Length(max=80)])
    role = StringField(lazy_gettext("Role at the company"), [Optional(), Length(max=80)])
    email = StringField(lazy_gettext("E-mail"), [Optional(), Length(max=254)])
    phone = StringField(lazy_gettext("Telephone"), [Optional(), Length(max=40)])


class LetterForm(CardForm):
    """How letters name and show the company. draft: a logo that was chosen and is not saved yet."""

    sender_name = StringField(
        lazy_gettext("Name on letters"), [Optional(), Length(max=looks.LONGEST_NAME)]
    )
    logo = FileField(lazy_gettext("Logo"), render_kw={"accept": "image/png,image/jpeg"})
    no_logo = BooleanField(lazy_gettext("No logo"))
    by_mailbox = BooleanField(lazy_gettext("To the customer’s digital mailbox, where there is one"))
    draft = HiddenField()


class AccountForm(Form):
    """An account to be paid out to."""

    kind = RadioField(
        lazy_gettext("Kind of account"),
        [InputRequired()],
        choices=[
            ("bankgiro", lazy_gettext("Bankgiro")),
            ("plusgiro", lazy_gettext("Plusgiro")),
            ("iban", lazy_gettext("IBAN")),
        ],
        default="bankgiro",
    )
    number = StringField(lazy_gettext("Number"), [InputRequired(), Length(max=50)])
    holder = StringField(
        lazy_gettext("Holder"), [InputRequired(), Length(max=accounts.LONGEST_HOLDER)]
    )
    currency = SelectField(
        lazy_gettext("Used for"),
        [Optional()],
        choices=[("", lazy_gettext("Any currency")), *((one, one) for one in accounts.CURRENCIES)],
    )
    is_used = BooleanField(lazy_gettext("Pay out to this account from now on"), default=True)
