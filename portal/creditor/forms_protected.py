"""What is shown once of a debtor with a protected identity, and why."""

from collections.abc import Sequence

from flask_babel import gettext, lazy_gettext
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Length

from portal.collection import places
from portal.creditor import names
from portal.creditor.case_facts import CaseFacts
from portal.delivery.outbox import SentOrWaiting
from portal.web.formats import format_date
from portal.web.forms import Form


class ShowForm(Form):
    """What is to be shown, and the reason, which the history keeps."""

    what = SelectField(lazy_gettext("What to show"), [InputRequired()])
    reason = StringField(
        lazy_gettext("Why you must see it"), [InputRequired(), Length(max=places.LONGEST_REASON)]
    )


def show_form(
    letters: Sequence[SentOrWaiting], facts: CaseFacts, *, is_new: bool = True
) -> ShowForm:
    """The form of a case. letters: of the case, those that can be read."""
    form = ShowForm(formdata=None) if is_new else ShowForm()
    choices = [(places.PLACES, gettext("Address, e-mail and telephone"))]
    choices += [(f"{places.LETTER}-{one.id}", _letter(one)) for one in letters]
    if facts.case.invoice.document_sha256:
        choices.append((places.INVOICE, gettext("The invoice’s file")))
    form.what.choices = choices
    return form


def _letter(one: SentOrWaiting) -> str:
    on = format_date(one.sent_at or one.created_at, "medium")
    return gettext("%(letter)s, %(day)s", letter=names.message_name(one.kind), day=on)
