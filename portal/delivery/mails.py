"""The texts of e-mails: a template of plain text and one of HTML for each kind.

`templates/emails/<kind>.txt` holds the subject, in a block of that name, and the text;
`<kind>.html` says the same in HTML. Both are written in the reader's language.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import current_app
from flask_babel import force_locale
from jinja2 import Template

from portal.config import Settings
from portal.delivery.channels.mail import Mail
from portal.locales import LANGUAGES, find, is_offered, locale_of

_DEFAULT = "sv"
# These go to people who sign in, whose texts exist in two languages.
_TO_STAFF, _STAFF = {"address", "digest", "invitation", "notification"}, ("sv", "en")
# What a template's conditions leave behind.
_BLANKS = re.compile(r"\n\s*\n\s*\n")


def render_mail(
    kind: str,
    content: Mapping[str, Any],
    *,
    to: str,
    language: str,
    key: str,
    settings: Settings,
) -> Mail:
    """A mail in its reader's language, or Swedish where we have no catalogue of it.

    kind: `invitation` (content: company, role, inviter, url, until_on), `notification` or `digest`
    (as portal/notices tells them); to debtors `case_message` and `letter` (creditor, url),
    `payment`, `refund`, `news` and `debtor_address` (url); to signers `sign_invitation`,
    `sign_reminder`, `sign_ended` and `sign_completed` (as portal/signing/inviting.py tells them).
    Any of them may have `unsubscribe_url` and `is_one_click`.
    Raises TemplateNotFound for another kind, UndefinedError or KeyError when the content lacks
    something.
    """
    known = find(language)
    is_there = known and (known.code in _STAFF if kind in _TO_STAFF else is_offered(known.code))
    reader = known.code if known and is_there else _DEFAULT
    written = LANGUAGES[reader]
    values = {
        **content, **_shared(settings), "language": written.tag, "direction": written.direction,
    }  # fmt: skip
    with force_locale(locale_of(reader)):
        text = _template(kind, "txt")
        context = text.new_context(values)
        subject = "".join(text.blocks["subject"](context))
        return Mail(
            to=to,
            subject=subject.strip(),
            text=_BLANKS.sub("\n\n", text.render(values)).strip() + "\n",
            html=_template(kind, "html").render({**values, "subject": subject.strip()}),
            language=reader,
            key=key,
            unsubscribe_url=content.get("unsubscribe_url"),
            is_one_click=bool(content.get("is_one_click")),
        )


def _template(kind: str, ending: str) -> Template:
    # Not flask.render_template: its context processors ask the request, and a job has none.
    return current_app.jinja_env.get_template(f"emails/{kind}.{ending}")


def _shared(settings: Settings) -> dict[str, object]:
    return {
        "service": {
            "name": settings.service_name,
            "organisation_number": settings.service_organisation_number,
            "address": settings.service_address_lines,
            "phone": settings.service_phone,
            "email": settings.service_email,
        },
        "base_url": settings.base_url,
        "day": date.fromisoformat,
    }
