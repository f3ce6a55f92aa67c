"""Letters, receipts and agreements as PDF, made of the templates in templates/letters/.

The Swedish text of a letter is the legal one and is written as it stands in the templates. Who
reads another language gets a sheet in it behind the letter. The address lies where a Swedish
right-hand window (H2, envelopes C5 and E65) shows it; letters.css tells how the place was found.

Letters and receipts follow PDF/UA-1 (ISO 14289-1), agreements, which are archived, PDF/A-3a
(ISO 19005-3), and batches for a print shop, which nobody has read to them, PDF/A-3u. The same
content gives the same bytes.
"""

import io
import textwrap
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import structlog
from babel import Locale
from babel.dates import format_date
from flask import current_app
from flask_babel import force_locale, gettext
from markupsafe import Markup
from PIL import Image
from pyhanko.pdf_utils.reader import PdfFileReader
from weasyprint import CSS, HTML, Document
from weasyprint.images import RasterImage, SVGImage
from weasyprint.pdf.metadata import DocumentMetadata
from weasyprint.text import ffi
from weasyprint.text.fonts import FontConfiguration

from portal.config import ROOT, Settings
from portal.database import files
from portal.delivery.pictures import Code
from portal.law.fees import AGENT, DEMAND, PAYMENT_ORDER, fee
from portal.law.interest import DAYS_OF_YEAR, round_half_up
from portal.locales import code_of, find, is_offered, locale_of, written_as
from portal.payments import qr
from portal.payments.accounts import Bankgiro, Plusgiro

_SWEDISH, _ENGLISH = locale_of("sv"), locale_of("en")
_STYLE = ROOT / "templates" / "letters" / "letters.css"
_WORDMARK = _STYLE.with_name("wordmark.svg")
_ACCESSIBLE, _ARCHIVED, _PRINTED = "pdf/ua-1", "pdf/a-3a", "pdf/a-3u"
# What each kind of letter is called in the PDF's own title and description.
_NAMES = {
    "reminder": ("Påminnelse", "Betalningspåminnelse"),
    "demand": ("Inkassokrav", "Inkassokrav"),
    "plan": ("Avbetalningsplan", "Din avbetalningsplan"),
    "dispute_answer": ("Svar på invändning", "Svar på din invändning"),
    "more_time": ("Mer tid att betala", "Mer tid att betala"),
}
# More periods than these do not fit on the letter's one page, and get a page of their own.
_MOST_PERIODS_ON_LETTER = 2
# How the address is set: lines that the window shows in 11 points, and letters that go on a line.
_ADDRESS_LINES, _ADDRESS_LETTERS = 5, 34
# Letters of a batch that are one document to WeasyPrint, which then works out their styles once.
_LAID_OUT_TOGETHER = 50
# More would hold too many pages in memory at once.
MOST_IN_BATCH = 500

log = structlog.get_logger()


@dataclass(frozen=True)
class Letter:
    """A letter to be rendered, as `render_letter` takes it.

    link: what opens the case for its reader, in a letter that is read on a screen.
    """

    kind: str
    content: Mapping[str, Any]
    secret: str | None
    language: str
    link: str | None = None


@dataclass(frozen=True)
class Batch:
    """Many letters in one PDF. pages: how many pages each has, in the order they were given."""

    pdf: bytes
    pages: tuple[int, ...]


@dataclass(frozen=True)
class Composed:
    """A document's text before it is laid out: rendered parts, one a page where they fit.

    is_long: it takes as many pages as it needs. codes: what the QR codes of it say, by the address
    of their pictures. logos: the SHA-256 of kept pictures, by their address.
    """

    parts: list[Markup]
    language: Locale
    title: str
    description: str
    made_on: str
    author: str
    codes: Mapping[str, str] = field(default_factory=dict)
    logos: Mapping[str, str] = field(default_factory=dict)
    is_long: bool = False

    def html(self, *, is_tight: bool = False) -> str:
        """The document as HTML; is_tight: with closer lines and smaller letters."""
        return current_app.jinja_env.get_template("letters/document.html").render(
            parts=self.parts,
            language=_tag(self.language),
            title=self.title,
            author=self.author,
            description=self.description,
            made_on=self.made_on,
            is_tight=is_tight,
        )


def _fetch_nothing(url: str, *_: object, **__: object) -> dict[str, object]:
    raise ValueError(f"a letter fetches nothing, not {url}")


class _Workshop(threading.local):
    """Fonts, the parsed style sheet and our mark, kept between documents, for they take their time.

    One for each thread, for WeasyPrint does not say that they can be shared.
    """

    def __init__(self) -> None:
        self.fonts = FontConfiguration()
        self.style = CSS(filename=str(_STYLE), font_config=self.fonts)
        drawing = ElementTree.fromstring(_WORDMARK.read_bytes())  # noqa: S314 - our own file
        self.wordmark = SVGImage(drawing, None, _fetch_nothing, None)


_workshop = _Workshop()


def is_fast() -> bool:
    """Whether WeasyPrint has the library that makes a letter take a tenth of the time.

    It is Debian's libharfbuzz-subset0; without it fonts are subset in Python.
    """
    return ffi.harfbuzz_subset is not None and bool(ffi.harfbuzz.hb_version_atleast(4, 1, 0))


def warn_if_slow() -> None:
    """Tell the log, at start, when that library is missing."""
    if not is_fast():
        log.warning("letters.slow", missing="libharfbuzz-subset0")


def render_letter(
    kind: str,
    content: Mapping[str, Any],
    *,
    secret: str | None,
    language: str,
    settings: Settings,
    link: str | None = None,
) -> bytes:
    """A letter as PDF: one page in Swedish, and one in the reader's language if it is another.

    Interest over many periods has a page of its own, the last one.

    kind: one of _NAMES. content: as frozen in the outbox: sums in öre, days in ISO form; for a
    reminder `lifecycle.reminder_content`, for a plan what `plans` writes, for a demand what
    `law.demand.missing` asks for, and `next`: `legal` when an application at the Enforcement
    Authority may follow; for an answer what `disputes` writes, whose `pay_by_on` is None when it
    asks for no payment. secret: the access code. language: the reader's; where we have no catalogue
    for it, the second page is in English. link: what the portal's address in it opens.
    Raises ValueError for another kind, KeyError when the content lacks something.
    """
    return _pdf(compose(Letter(kind, content, secret, language, link), settings))


def render_batch(letters: Sequence[Letter], *, settings: Settings) -> Batch:
    """Many letters as one PDF for a print shop, one after the other, their fonts there once.

    Raises ValueError when there is none or more than MOST_IN_BATCH, and as `render_letter`.
    """
    if not 0 < len(letters) <= MOST_IN_BATCH:
        raise ValueError(f"a batch holds 1 to {MOST_IN_BATCH} letters, not {len(letters)}")
    composed = [
        compose(letter, settings, number=number) for number, letter in enumerate(letters, 1)
    ]
    documents: list[Document] = []
    for start in range(0, len(letters), _LAID_OUT_TOGETHER):
        documents += _lay_out_together(composed[start : start + _LAID_OUT_TOGETHER])
    made_on = max(letter.content["written_on"] for letter in letters)
    joined = documents[0].copy([page for document in documents for page in document.pages])
    joined.metadata = DocumentMetadata(
        title=f"{len(letters)} brev",
        authors=[settings.service_name],
        generator="Reda",
        created=made_on,
        modified=made_on,
        lang=_tag(_SWEDISH),
    )
    pdf: bytes = joined.write_pdf(pdf_variant=_PRINTED)
    return Batch(pdf, tuple(len(document.pages) for document in documents))


def compose(letter: Letter, settings: Settings, *, number: int = 1) -> Composed:
    """A letter's text, each page in its language.

    number: tells its pictures from those of other letters that are laid out together with it.
    Raises as `render_letter`.
    """
    kind, content = letter.kind, letter.content
    if kind not in _NAMES:
        raise ValueError(f"there is no letter of the kind {kind}")
    reader = _reader(letter.language)
    payment_code, web_code = f"qr:payment:{number}", f"qr:web:{number}"
    values = {
        **_common(settings),
        **_values(letter, reader, settings),
        "payment_code": payment_code if is_payable(content) else None,
        "web_code": web_code,
    }
    codes = {payment_code: _payment_payload(content, settings)} if values["payment_code"] else {}
    parts = [_part(kind, _SWEDISH, **values)]
    if reader != _SWEDISH:
        parts.append(_part(f"{kind}_sheet", reader, **values))
        codes[web_code] = web_link(content, code_of(reader))
    if values["specification"]:
        # Last, so that the page after the letter is the one in the reader's language.
        parts.append(_part("interest", _SWEDISH, **values))
    name, description = _NAMES[kind]
    return Composed(
        parts,
        language=_SWEDISH,
        title=f"{name}: faktura {content['invoice']['number']} från {content['creditor']['name']}",
        description=f"{description}, referens {content['reference']}",
        made_on=content["written_on"],
        author=settings.service_name,
        codes=codes,
        logos=_logos(content),
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
    )
    with force_locale(reader):
        title = gettext("Receipt %(number)s", number=content["receipt_number"])
    return _pdf(
        Composed(
            [part],
            language=reader,
            title=title,
            description=f"{content['creditor']}, {content['invoice_number']}",
            made_on=content["paid_on"],
            author=settings.service_name,
        )
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
        english_date=format_date(made_on, "long", locale=written_as(_ENGLISH)),
    )
    name = "Collection service agreement" if language == "en" else "Avtal om inkassotjänst"
    return _pdf(
        Composed(
            [part],
            language=_SWEDISH,
            title=f"{name}, version {content['version']}: {content['creditor']['name']}",
            description=f"{settings.service_name}, {content['creditor']['name']}",
            made_on=content["made_on"],
            author=settings.service_name,
        ),
        variant=_ARCHIVED,
    )


def render_approval(content: Mapping[str, Any], *, settings: Settings) -> bytes:
    """What an administrator approves, as PDF, in Swedish: word for word what BankID shows.

    content: `heading`; `lines` of (name, value); `key`; `approver`; `made_on` in ISO form.
    """
    part = _part("approval", _SWEDISH, **_common(settings), approval=content)
    return _pdf(
        Composed(
            [part],
            language=_SWEDISH,
            title=content["heading"],
            description=content["key"],
            made_on=content["made_on"],
            author=settings.service_name,
        ),
        variant=_ARCHIVED,
    )


def render_plan_agreement(
    content: Mapping[str, Any], *, language: str, settings: Settings
) -> bytes:
    """A payment plan to be signed, as PDF: in Swedish, and what it says in the reader's language.

    content: `reference`; `currency`; `made_on` in ISO form; `creditor` {name, organisation_number};
    `debtor` {name, number}; `invoice_number`; `parts` {due_on, ore}; `owed_ore`, `fee_ore`,
    `interest_ore`, `total_ore`; `known_until`, the day through which interest is known, if that is
    before the last part.
    """
    reader = _reader(language)
    values = {**_common(settings), "plan": content, "reader": _shown(reader)}
    parts = [_part("plan_agreement", _SWEDISH, **values)]
    if reader != _SWEDISH:
        parts.append(_part("plan_agreement_sheet", reader, **values))
    return _pdf(
        Composed(
            parts,
            language=_SWEDISH,
            title=f"Avbetalningsplan: {content['creditor']['name']}, {content['reference']}",
            description=f"{content['creditor']['name']}, {content['debtor']['name']}",
            made_on=content["made_on"],
            author=settings.service_name,
        ),
        variant=_ARCHIVED,
    )


def render_report(content: Mapping[str, Any], *, language: str, settings: Settings) -> bytes:
    """A report as PDF, on pages that lie down, in the reader's language.

    content: `title`; `creditor`; `subject` and `notes`, each a Problem; `currency`; `made_on` in
    ISO form; and `tables`, each with `title`, `groups` of columns, `rows`, `total` or None,
    `empty`, and `count` of all rows, of which those beyond `rows` are told to be left out.
    """
    reader, said = _reader(language), content["title"]
    part = _part("report", reader, **_common(settings), report=content, reader=_shown(reader))
    with force_locale(reader):
        title = gettext(said)
    return _many_pages(
        part, reader, title, content["creditor"], content["made_on"], settings.service_name
    )


def render_statement(content: Mapping[str, Any], *, language: str, settings: Settings) -> bytes:
    """A company's monthly statement as PDF, the service's invoice, in the reader's language.

    content: `title`; `statement`, `sums`, `sections` with their rows, and `told`, as
    `reporting.charges` has them, and `seller` and `buyer` as they were when it was made, on
    `made_on` in ISO form.
    """
    reader = _reader(language)
    part = _part("statement", reader, **content, reader=_shown(reader), day=date.fromisoformat)
    buyer, seller, code = (
        content["buyer"]["company"],
        content["seller"]["name"],
        content["told"].code,
    )
    return _many_pages(
        part, reader, content["title"], buyer, content["made_on"], seller,
        codes={"reda:pay": code} if code else None,
    )  # fmt: skip


def render_evidence(content: Mapping[str, Any], *, language: str, settings: Settings) -> bytes:
    """The pages that go behind a sealed document. content: as `signing.evidence` makes it.

    language: sv or en.
    """
    return _render_signing("evidence", "evidence", content, language, settings)


def render_verification(content: Mapping[str, Any], *, language: str, settings: Settings) -> bytes:
    """What was found of a sealed file. content: as `signing.verification_report` makes it.

    language: sv or en.
    """
    return _render_signing("verification", "found", content, language, settings)


def _render_signing(
    template: str, name: str, content: Mapping[str, Any], language: str, settings: Settings
) -> bytes:
    reader, said = _reader(language), content["heading"]
    values = {name: content, "reader": _shown(reader)}
    part = _part(template, reader, **_common(settings), **values)
    with force_locale(reader):
        title = gettext(said)
    return _many_pages(
        part, reader, title, content["title"], content["made_on"], settings.service_name,
        codes={"reda:verify": content["address"]},
    )  # fmt: skip


def _many_pages(
    part: Markup,
    reader: Locale,
    title: str,
    about: str,
    made_on: str,
    author: str,
    codes: Mapping[str, str] | None = None,
) -> bytes:
    return _pdf(
        Composed(
            [part],
            language=reader,
            title=f"{title}: {about}",
            description=title,
            made_on=made_on,
            author=author,
            codes=codes or {},
            is_long=True,
        )
    )


def render_written(content: Mapping[str, Any], *, language: str, settings: Settings) -> bytes:
    """A document that a company has written from a template, to be signed.

    content: `title`; `body`, HTML that is safe; `creditor`, as `collection.notices` tells it; and
    `made_on` in ISO form. language: sv or en, that of the document.
    """
    reader, logos = _reader(language), _logos(content)
    values = {"written": content, "logo": next(iter(logos), None), "reader": _shown(reader)}
    return _pdf(
        Composed(
            [_part("written", reader, **values)],
            language=reader,
            title=content["title"],
            description=f"{content['title']}: {content['creditor']['name']}",
            made_on=content["made_on"],
            author=content["creditor"]["name"],
            logos=logos,
        ),
        variant=_ARCHIVED,
    )


def agreement_text(version: int, *, settings: Settings) -> str:
    """The words of a version of the agreement as HTML, for no creditor in particular.

    Raises jinja2.TemplateNotFound for a version that never was.
    """
    empty = dict.fromkeys(("name", "address_line", "postcode", "town"), "…")
    return _part(
        f"agreement_{int(version)}",
        _SWEDISH,
        **_common(settings),
        agreement={
            "version": version,
            "creditor": {**empty, "organisation_number": "0000000000"},
            "made_on": "2000-01-01",
        },
        english_date="…",
    )


def subject(kind: str, language: str) -> str:
    """What a letter of a kind is called in a list of letters, in the reader's language."""
    with force_locale(_reader(language)):
        return {
            "reminder": gettext("Reminder"),
            "demand": gettext("Demand"),
            "plan": gettext("Your payment plan"),
            "dispute_answer": gettext("Answer to your objection"),
            "more_time": gettext("More time to pay"),
        }[kind]


def count_pages(pdf: bytes) -> int:
    """How many pages a PDF has."""
    return int(PdfFileReader(io.BytesIO(pdf)).root["/Pages"]["/Count"])


def _values(letter: Letter, reader: Locale, settings: Settings) -> dict[str, object]:
    content, secret = letter.content, letter.secret
    interest = next((part for part in content["parts"] if part["kind"] == "interest"), None)
    with force_locale(reader):
        hint = gettext("The next page explains this letter in your language.")
        web_code_title = gettext("Opens your case on the web")
    recipient = content["recipient"]
    written_on = date.fromisoformat(content["written_on"])
    return {
        "letter": content,
        # As the debtor knows the creditor; its own name stands where the law asks for it.
        "called": content["creditor"].get("sender_name") or content["creditor"]["name"],
        "logo": next(iter(_logos(content)), None),
        "reader": _shown(reader),
        "sheet_hint": hint if reader != _SWEDISH else None,
        "account": _account(content["account"]).written(),
        # Asked for here, for a template prints nothing for what is not there.
        "ocr": content["ocr"],
        "reference": _grouped(content["reference"]),
        "code": secret and _grouped(secret),
        "web": _shown_address(content["web_address"]),
        "link": letter.link,
        "country": _country(recipient["country"]),
        "postcode_and_town": _postcode_and_town(recipient),
        "is_long_address": _is_long_address(recipient),
        "daily_ore": _daily_ore(interest) if interest else 0,
        "specification": interest
        and content["pay_by_on"]
        and len(interest["periods"]) > _MOST_PERIODS_ON_LETTER,
        "demand_fee_ore": fee(DEMAND, written_on).amount_ore,
        "payment_order_ore": fee(PAYMENT_ORDER, written_on).amount_ore,
        "agent_ore": fee(AGENT, written_on).amount_ore,
        "object_by_on": content.get("object_by_on") or content["pay_by_on"],
        "object_to_too": _object_to_too(content, settings),
        "web_code_title": web_code_title,
    }


def _object_to_too(content: Mapping[str, Any], settings: Settings) -> str | None:
    """Where to object besides by telephone, by e-mail and on the web, which the letter tells."""
    told = (settings.service_phone, settings.service_email, _shown_address(content["web_address"]))
    where: str | None = content.get("object_to")
    return where if where and not any(one in where for one in told) else None


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
    with force_locale(locale):
        found = current_app.jinja_env.get_template(f"letters/{template}.html")
        return Markup(found.render(**values))  # noqa: S704 - the template has escaped its values


def _pdf(composed: Composed, *, variant: str = _ACCESSIBLE) -> bytes:
    made: bytes = _lay_out(composed, variant).write_pdf(pdf_variant=variant)
    return made


def _lay_out(composed: Composed, variant: str) -> Document:
    document = _render(composed, variant)
    # Long names and sums: a page each as far as closer lines and smaller letters can do it.
    if composed.is_long or variant == _ARCHIVED or len(document.pages) == len(composed.parts):
        return document
    return _render(composed, variant, is_tight=True)


def _lay_out_together(letters: Sequence[Composed]) -> list[Document]:
    """A document for each letter, laid out as one."""
    # The mark lies inside: what has an id shares no style with others, nor does what is within it.
    wrapped = Markup('<div class="one"><div id="letter-{}"></div>{}</div>')
    whole = replace(
        letters[0],
        parts=[
            wrapped.format(place, Markup().join(letter.parts))
            for place, letter in enumerate(letters)
        ],
        codes={address: code for letter in letters for address, code in letter.codes.items()},
        logos={address: logo for letter in letters for address, logo in letter.logos.items()},
    )
    document = _render(whole, _PRINTED)
    begins = [
        number
        for number, page in enumerate(document.pages)
        if any(anchor.startswith("letter-") for anchor in page.anchors)
    ]
    ends = [*begins[1:], len(document.pages)]
    documents = []
    for letter, begin, end in zip(letters, begins, ends, strict=True):
        fits = end - begin == len(letter.parts)
        pages = document.copy(document.pages[begin:end])
        documents.append(pages if fits else _lay_out(letter, _PRINTED))
    return documents


def _render(composed: Composed, variant: str, *, is_tight: bool = False) -> Document:
    # WeasyPrint looks for a picture here before it fetches it, and adds to it.
    pictures: dict[str, object] = {"reda:wordmark": _workshop.wordmark}
    for address, payload in composed.codes.items():
        pictures[address] = Code(qr.draw(payload))
    for address, sha256 in composed.logos.items():
        pictures[address] = _picture(sha256)
    return HTML(string=composed.html(is_tight=is_tight), url_fetcher=_fetch_nothing).render(
        stylesheets=[_workshop.style],
        font_config=_workshop.fonts,
        pdf_variant=variant,
        cache=pictures,
    )


def _logos(content: Mapping[str, Any]) -> dict[str, str]:
    logo = content["creditor"].get("logo")
    return {f"logo:{logo}": logo} if logo else {}


def _picture(sha256: str) -> RasterImage:
    """A kept picture as WeasyPrint draws it. Raises FileDamaged when it is gone."""
    data = files.read(sha256)
    return RasterImage(Image.open(io.BytesIO(data)), sha256, data)


def _reader(language: str) -> Locale:
    """The reader's language where its catalogue is whole, else English."""
    known = find(language)
    return locale_of(known.code) if known and is_offered(known.code) else _ENGLISH


def _shown(locale: Locale) -> dict[str, str]:
    return {"tag": _tag(locale), "direction": locale.text_direction}


def _tag(locale: Locale) -> str:
    known = find(code_of(locale))
    return known.tag if known else str(locale).replace("_", "-")


def _account(account: Mapping[str, str]) -> Bankgiro | Plusgiro:
    return (
        Bankgiro(account["number"])
        if account["kind"] == "bankgiro"
        else Plusgiro(account["number"])
    )


def is_payable(content: Mapping[str, Any]) -> bool:
    """Whether the letter asks for a sum that a bank's app can pay."""
    asks = bool(content["total_ore"] and content["pay_by_on"])
    return asks and content["currency"] == "SEK"


def _payment_payload(content: Mapping[str, Any], settings: Settings) -> str:
    return qr.invoice_payload(
        payee_name=settings.service_name,
        organisation_number=settings.service_organisation_number,
        reference=content["ocr"],
        invoiced_on=date.fromisoformat(content["written_on"]),
        due_on=date.fromisoformat(content["pay_by_on"]),
        amount=Decimal(content["total_ore"]) / 100,
        account=_account(content["account"]),
    )


def web_link(content: Mapping[str, Any], language: str) -> str:
    """Where a letter leads: the way in to the case, in a language.

    content: of the letter, of which `web_address` and `reference` are read.
    """
    # The code stays out of the address: addresses end up in histories and logs.
    query = urlencode({"lang": language, "reference": content["reference"]})
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
