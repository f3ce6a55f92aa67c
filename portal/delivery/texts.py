"""The words of text messages: a template of `templates/sms/` for each kind, kept short.

A message is sent and paid in parts of 160 signs, of 70 in most scripts; each text has room in two.
"""

from collections.abc import Mapping
from typing import Any

from flask import current_app
from flask_babel import force_locale

from portal.config import Settings
from portal.locales import find, is_offered, locale_of

_DEFAULT = "sv"


def render_sms(kind: str, content: Mapping[str, Any], *, language: str, settings: Settings) -> str:
    """A text message in its reader's language, or Swedish where we have no catalogue of it.

    Raises TemplateNotFound for an unknown kind, UndefinedError when the content lacks something.
    """
    known = find(language)
    reader = known.code if known and is_offered(known.code) else _DEFAULT
    with force_locale(locale_of(reader)):
        # Not flask.render_template: its context processors ask the request, and a job has none.
        template = current_app.jinja_env.get_template(f"sms/{kind}.txt")
        text = template.render({**content, "service": settings.service_name})
    return "\n".join(line.strip() for line in text.strip().splitlines())
