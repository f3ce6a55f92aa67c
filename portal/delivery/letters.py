"""Letters, receipts and agreements as PDF, made of the templates in templates/letters/.

The Swedish text of a letter is the legal one and is written as it stands in the templates. Who
reads another language gets a sheet in it behind the letter.

The address lies where a Swedish right-hand window (H2, C5 and E65 envelopes) shows it; how that
place was found is told in templates/letters/letters.css.
"""

import functools
import hashlib
import io
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from babel import Locale, UnknownLocaleError
from flask import current_app
from flask_babel import Babel, force_locale
from markupsafe import Markup
from pyhanko.pdf_utils.reader import PdfFileReader
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration

from portal.config import Settings
from portal.law.fees import DEMAND, fee
from portal.law.interest import DAYS_OF_YEAR
from portal.payments import qr
from portal.payments.accounts import Bankgiro

SWEDISH = "sv"
ENGLISH = "en"
# More periods of interest than fit on the letter get a page of their own.
_PERIODS_ON_LETTER = 4


class _Styles(threading.local):
    """Parsed style sheet and fonts, once a thread: WeasyPrint's are not made to be shared."""

    def __init__(self) -> None:
        self.fonts = FontConfiguration()
        self.sheet: CSS | None = None

    def of(self, folder: str) -> CSS:
        if self.sheet is None:
            self.sheet = CSS(filename=f"{folder}/letters.css", font_config=self.fonts)
        return self.sheet
