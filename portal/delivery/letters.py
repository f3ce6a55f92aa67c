"""Letters, receipts and agreements as PDF, made of the templates in templates/letters/.

The Swedish text of a letter is the legal one and is written as it stands in the templates. Who
reads another language gets a sheet in it behind the letter. The address lies where a Swedish
right-hand window (H2, envelopes C5 and E65) shows it; letters.css tells how the place was found.

Letters and receipts follow PDF/UA-1 (ISO 14289-1), agreements, which are archived, PDF/A-3a
(ISO 19005-3). The same content gives the same bytes.
"""

import io
import textwrap
import threading
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from flask import current_app
from flask_babel import force_locale, get_babel, gettext
from markupsafe import Markup
from pyhanko.pdf_utils.reader import PdfFileReader
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration

from portal.config import ROOT, Settings
from portal.law.fees import DEMAND, fee
from portal.law.interest import DAYS_OF_YEAR, round_half_up
from portal.payments import qr
from portal.payments.accounts import Bankgiro, Plusgiro

_SWEDISH, _ENGLISH = Locale("sv"), Locale("en")
_STYLE = ROOT / "templates" / "letters" / "letters.css"
_ACCESSIBLE, _ARCHIVED = "pdf/ua-1", "pdf/a-3a"
# More periods than these do not fit on the letter's one page, and get a page of their own.
_MOST_PERIODS_ON_LETTER = 2
# How the address is set: lines that the window shows in 11 points, and letters that go on a line.
_ADDRESS_LINES, _ADDRESS_LETTERS = 5, 34
_CHANNELS = {"swish": "Swish", "bankgiro": "Bankgiro"}


class _Workshop(threading.local):
    """Fonts and the parsed style sheet, kept between documents: parsing costs more than a letter.

    One for each thread, for WeasyPrint does not say that they can be shared.
    """

    def __init__(self) -> None:
        self.fonts = FontConfiguration()
        self.style = CSS(filename=str(_STYLE), font_config=self.fonts)


_workshop = _Workshop()


def render_letter(
    kind: str,
    content: Mapping[str, Any],
    *,
    secret: str | None,
    language: str,
    settings: Settings,
) -> bytes:
    """A letter as PDF: one page in Swedish, and one in the reader's language if it is another.

    Interest over many periods has a page of its own, the last one.

    kind: `reminder`. content: as frozen in the outbox (`lifecycle.reminder_content`): sums in öre,
    days in ISO form. secret: the access code. language: the reader's; where we have no catalogue
    for it, the second page is in English.
    Raises ValueError for another kind, KeyError when the content lacks something.
    """
    if kind != "reminder":
        raise ValueError(f"there is no letter of the kind {kind}")
    reader = _reader(language)
    values = {**_common(settings), **_reminder(content, secret, reader, settings)}
    parts = [_part("reminder", _SWEDISH, **values)]
    if reader != _SWEDISH:
        parts.append(_part("reminder_sheet", reader, **values))
    if values["specification"]:
        # Last, so that the page after the letter is the one in the reader's language.
        parts.append(_part("reminder_periods", _SWEDISH, **values))
    title = f"Påminnelse: faktura {content['invoice']['number']} från {content['creditor']['name']}"
    return _pdf(
        parts,
        language=_SWEDISH,
        title=title,
        description=f"Betalningspåminnelse, referens {content['reference']}",
        made_on=content["written_on"],
        settings=settings,
    )


def render_receipt(content: Mapping[str, Any], *, language: str, settings: Settings) -> bytes:
    """A receipt as PDF, one page in the reader's language.

    content: `booking.receipt_content`: sums in öre, days in ISO form; `left_ore` is what is owed
    after the payment, and when it is 0 the receipt says that the case is closed.
    """
    reader = _reader(language)
    part = _part(
        "receipt",
        reader,
        **_common(settings),
        receipt=content,
        reader=_shown(reader),
        reference=_grouped(content["reference"]),
        channel=_CHANNELS.get(content["channel"], content["channel"]),
    )
    with force_locale(str(reader)):
        title = gettext("Receipt %(number)s", number=content["receipt_number"])
    return _pdf(
        [part],
        language=reader,
        title=title,
        description=f"{content['creditor']}, {content['invoice_number']}",
        made_on=content["paid_on"],
        settings=settings,
    )


def render_agreement(content: Mapping[str, Any], *, language: str, settings: Settings) -> bytes:
    """The service agreement as PDF, in Swedish and then in English.

    content: `version`, `creditor` {name, organisation_number, address_line, postcode, town},
    `made_on` in ISO form, and `signer_name` where it is known who will sign. language: of the
    document's title; both texts are always there.
    Raises jinja2.TemplateNotFound for a version that never was.
    """
    made_on = date.fromisoformat(content["made_on"])
    part = _part(
        f"agreement_{int(content['version'])}",
        _SWEDISH,
        **_common(settings),
        agreement=content,
        english_date=format_date(made_on, "long", locale=_ENGLISH),
    )
    name = "Collection service agreement" if language == "en" else "Avtal om inkassotjänst"
    return _pdf(
        [part],
        language=_SWEDISH,
        title=f"{name}, version {content['version']}: {content['creditor']['name']}",
        description=f"{settings.service_name}, {content['creditor']['name']}",
        made_on=content["made_on"],
        settings=settings,
        variant=_ARCHIVED,
    )


def count_pages(pdf: bytes) -> int:
    """How many pages a PDF has."""
    return int(PdfFileReader(io.BytesIO(pdf)).root["/Pages"]["/Count"])


def _reminder(
    content: Mapping[str, Any], secret: str | None, reader: Locale, settings: Settings
) -> dict[str, object]:
    account = _account(content["account"])
    interest = next((part for part in content["parts"] if part["kind"] == "interest"), None)
    with force_locale(str(reader)):
        web_qr_title = gettext("Opens your case on the web")
        hint = gettext("The next page explains this letter in your language.")
    recipient = content["recipient"]
    return {
        "letter": content,
        "reader": _shown(reader),
        "sheet_hint": hint if reader != _SWEDISH else None,
        "account": account.written(),
        "reference": _grouped(content["reference"]),
        "code": secret and _grouped(secret),
        "web": _shown_address(content["web_address"]),
        "country": _country(recipient["country"]),
        "postcode_and_town": _postcode_and_town(recipient),
        "is_long_address": _is_long_address(recipient),
        "daily_ore": _daily_ore(interest) if interest else 0,
        "specification": interest and len(interest["periods"]) > _MOST_PERIODS_ON_LETTER,
        "demand_fee_ore": fee(DEMAND, date.fromisoformat(content["written_on"])).amount_ore,
        "payment_qr": _payment_qr(content, account, settings),
        "web_qr": _svg(_web_link(content, reader), web_qr_title, side_mm=27),
    }


def _common(settings: Settings) -> dict[str, object]:
    return {
        "service": {
            "name": settings.service_name,
            "organisation_number": settings.service_organisation_number,
            "address": settings.service_address_lines,
            "phone": settings.service_phone,
            "email": settings.service_email,
        },
        "day": date.fromisoformat,
        "decimal": Decimal,
    }


def _part(template: str, locale: Locale, **values: object) -> Markup:
    # Not flask.render_template: its context processors ask the request, and a job has none.
    with force_locale(str(locale)):
        found = current_app.jinja_env.get_template(f"letters/{template}.html")
        return Markup(found.render(**values))  # noqa: S704 - the template has escaped its values


def _pdf(
    parts: list[Markup],
    *,
    language: Locale,
    title: str,
    description: str,
    made_on: str,
    settings: Settings,
    variant: str = _ACCESSIBLE,
) -> bytes:
    frame = current_app.jinja_env.get_template("letters/document.html")
    for is_tight in (False, True):
        html = frame.render(
            parts=parts,
            language=_tag(language),
            title=title,
            author=settings.service_name,
            description=description,
            made_on=made_on,
            is_tight=is_tight,
        )
        document = HTML(string=html, url_fetcher=_fetch_nothing).render(
            stylesheets=[_workshop.style], font_config=_workshop.fonts, pdf_variant=variant
        )
        # Long names and sums: a page each as far as closer lines and smaller letters can do it.
        if variant == _ARCHIVED or len(document.pages) == len(parts):
            break
    made: bytes = document.write_pdf(pdf_variant=variant)
    return made


def _fetch_nothing(url: str, *_: object, **__: object) -> dict[str, object]:
    raise ValueError(f"a letter fetches nothing, not {url}")


def _reader(language: str) -> Locale:
    """The reader's language where we have its catalogue, else English."""
    try:
        locale = Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return _ENGLISH
    return locale if locale in get_babel().instance.list_translations() else _ENGLISH


def _shown(locale: Locale) -> dict[str, str]:
    return {"tag": _tag(locale), "direction": locale.text_direction}


def _tag(locale: Locale) -> str:
    return str(locale).replace("_", "-")


def _account(account: Mapping[str, str]) -> Bankgiro | Plusgiro:
    return (
        Bankgiro(account["number"])
        if account["kind"] == "bankgiro"
        else Plusgiro(account["number"])
    )


def _payment_qr(
    content: Mapping[str, Any], account: Bankgiro | Plusgiro, settings: Settings
) -> Markup | None:
    if content["currency"] != "SEK":
        return None
    payload = qr.invoice_payload(
        payee_name=settings.service_name,
        organisation_number=settings.service_organisation_number,
        reference=content["ocr"],
        invoiced_on=date.fromisoformat(content["written_on"]),
        due_on=date.fromisoformat(content["pay_by_on"]),
        amount=Decimal(content["total_ore"]) / 100,
        account=account,
    )
    return _svg(payload, "QR-kod för din bankapp")


def _svg(payload: str, title: str, side_mm: int = 32) -> Markup:
    return Markup(qr.svg(payload, title=title, side_mm=side_mm))  # noqa: S704 - our own drawing


def _web_link(content: Mapping[str, Any], reader: Locale) -> str:
    # The code stays out of the address: addresses end up in histories and logs.
    query = urlencode({"lang": str(reader), "reference": content["reference"]})
    return f"{content['web_address'].rstrip('/')}/?{query}"


def _shown_address(web_address: str) -> str:
    return web_address.removeprefix("https://").removeprefix("http://").rstrip("/")


def _daily_ore(interest: Mapping[str, Any]) -> int:
    """What a further day of interest adds, by the rate and the principal of the last period."""
    last = interest["periods"][-1]
    yearly = Fraction(last["per_cent"]) * last["principal_ore"] / 100
    return round_half_up(yearly / DAYS_OF_YEAR)


def _grouped(characters: str) -> str:
    """In groups of three, easier to read and to type."""
    groups = [characters[start : start + 3] for start in range(0, len(characters), 3)]
    return "\u00a0".join(groups)


def _postcode_and_town(recipient: Mapping[str, str]) -> str:
    """As PostNord asks: 123 45, two spaces, the town."""
    postcode = recipient["postcode"].replace(" ", "")
    if recipient["country"] in ("SE", "") and len(postcode) == 5:
        return f"{postcode[:3]} {postcode[3:]}\u00a0 {recipient['town']}"
    return f"{recipient['postcode']} {recipient['town']}"


def _is_long_address(recipient: Mapping[str, str]) -> bool:
    lines = [recipient["name"], recipient["address_line"], _postcode_and_town(recipient)]
    count = sum(len(textwrap.wrap(line, _ADDRESS_LETTERS)) for line in lines)
    return count + bool(_country(recipient["country"])) > _ADDRESS_LINES


def _country(code: str) -> str | None:
    """The name of a country abroad, in capitals on the last line of the address."""
    if code in ("SE", ""):
        return None
    return _SWEDISH.territories.get(code, code).upper()
