"""What a person fills in to choose what they are told."""

from collections.abc import Iterator

from flask_babel import lazy_gettext
from wtforms import BooleanField, EmailField, Field, RadioField, SelectField, TimeField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from portal.creditor.notices import HOWS
from portal.notifications.choosing import Choice, Choices, Times
from portal.notifications.kinds import GROUPS, Kind, for_role
from portal.web.forms import Form

_DAYS = (
    lazy_gettext("Monday"),
    lazy_gettext("Tuesday"),
    lazy_gettext("Wednesday"),
    lazy_gettext("Thursday"),
    lazy_gettext("Friday"),
    lazy_gettext("Saturday"),
    lazy_gettext("Sunday"),
)


class ChoicesForm(Form):
    """How somebody is told of each kind at a company; made by `choices_form`."""

    daily_at = TimeField(lazy_gettext("Time of the daily summary"), [InputRequired()])
    weekly_on = SelectField(
        lazy_gettext("Day of the weekly summary"),
        choices=[SelectChoice(str(number), name) for number, name in enumerate(_DAYS, 1)],
    )
    weekly_at = TimeField(lazy_gettext("Time of the weekly summary"), [InputRequired()])
    everywhere = BooleanField(lazy_gettext("Choose the same at all my companies"))
    kinds: tuple[Kind, ...] = ()

    def groups(self) -> Iterator[tuple[str, list[Kind]]]:
        """The kinds of each group that has any."""
        for group in GROUPS:
            if found := [kind for kind in self.kinds if kind.group == group]:
                yield group, found

    def fields_of(self, kind: Kind) -> dict[str, Field]:
        """The fields of a kind: centre, mail, and failed_only where it can fail."""
        names = ("centre", "mail", *(("failed_only",) if kind.can_fail else ()))
        return {name: self[f"{kind.key}-{name}"] for name in names}

    def choices(self) -> Choices:
        """What was filled in."""
        chosen = {}
        for kind in self.kinds:
            fields = self.fields_of(kind)
            failed_only = bool(fields["failed_only"].data) if kind.can_fail else False
            chosen[kind.key] = Choice(fields["centre"].data, fields["mail"].data, failed_only)
        times = Times(self.daily_at.data, int(self.weekly_on.data), self.weekly_at.data)
        return Choices(times, chosen)


def choices_form(role: str, choices: Choices, *, is_posted: bool = True) -> ChoicesForm:
    """The form of what a role can be told of, filled in.

    is_posted: with what the request holds, if it holds any.
    """

    class _Form(ChoicesForm):
        kinds = tuple(for_role(role))

    data: dict[str, object] = {
        "daily_at": choices.times.daily_at,
        "weekly_on": str(choices.times.weekly_on),
        "weekly_at": choices.times.weekly_at,
    }
    hows = [SelectChoice(how, name) for how, name in HOWS.items()]
    for kind in _Form.kinds:
        chosen = choices.kinds[kind.key]
        for name, label in (
            ("centre", lazy_gettext("In the notification centre")),
            ("mail", lazy_gettext("By e-mail")),
        ):
            setattr(_Form, f"{kind.key}-{name}", SelectField(label, choices=hows))
            data[f"{kind.key}-{name}"] = getattr(chosen, name)
        if kind.can_fail:
            label = lazy_gettext("Only when something failed")
            setattr(_Form, f"{kind.key}-failed_only", BooleanField(label))
            data[f"{kind.key}-failed_only"] = chosen.failed_only
    return _Form(data=data) if is_posted else _Form(formdata=None, data=data)


class AddressForm(Form):
    """Where a person's mails go, and their language."""

    email = EmailField(lazy_gettext("Your e-mail address"))
    language = RadioField(
        lazy_gettext("Language of e-mails"),
        [InputRequired()],
        choices=[SelectChoice("sv", "Svenska"), SelectChoice("en", "English")],
    )
