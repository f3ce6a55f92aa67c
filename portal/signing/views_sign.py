"""The pages of who is to sign an envelope's documents: identify, read, sign, decline, hand over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Response, abort, flash, make_response, session, url_for
from flask_babel import get_locale, gettext
from flask_login import current_user
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock, pdfium
from portal.collection import cases
from portal.database import files, tenancy
from portal.extensions import db, limiter
from portal.identity.orders import Purpose
from portal.messages import RedaError
from portal.signing import ceremony, envelopes, inviting, plan_signing
from portal.signing.ceremony import Known, SomebodyElse, Visit
from portal.signing.envelopes import Invited
from portal.signing.forms_sign import DeclineForm, HandOverForm
from portal.signing.models import EnvelopeFile
from portal.signing.signed_text import Item
from portal.signing.starting import PAGES
from portal.signing.views import signing
from portal.signing.views_bankid import SIGNS_AS
from portal.web import languages
from portal.web.forms import text
from portal.web.orders import is_phone
from portal.web.rendering import go, render

# Pages of a document shown at a time.
_AT_A_TIME = 20
# Pixels of a page, which is read enlarged on a phone.
_WIDTH = 1240


@dataclass(frozen=True)
class _Waiting:
    """Something else that waits for the reader. url: where it is read.

    is_together: it can be signed together with what is read now.
    """

    key: str
    title: str
    company: str
    last_on: date
    url: str
    is_together: bool


def _visit() -> Visit:
    return Visit(request.remote_addr or "", request.headers.get("User-Agent", ""))


def _who() -> Known | None:
    """Who reads, as BankID told: for what is signed, or signed in to the portal."""
    found = ceremony.known(session.get(SIGNS_AS), now=clock.now())
    if found is None and current_user.is_authenticated:
        return ceremony.signed_in(current_user)
    return found


def _open(token: str) -> Item:
    """What a link opens, seen from here on and nothing else. Raises the page that says it is gone.

    That page does not tell a link that never was from one that was replaced.
    """
    found = ceremony.open_link(token)
    if found is None:
        abort(render("signing/envelope_gone.html", status=404))
    tenancy.enter(tenancy.Scope("envelope", (found.envelope.id,)))
    return found


def _state(item: Item) -> str:
    """How it stands for a signer: open, signed, copy, or why it is over."""
    envelope, signer = item.envelope, item.signer
    if signer.status in ("declined", "handed_over"):
        return signer.status
    if envelope.status == envelopes.OPEN and envelope.last_on < clock.today():
        return "signed" if signer.status == "signed" else envelopes.EXPIRED
    if envelope.status in (envelopes.OPEN, envelopes.COMPLETED):
        return {"invited": "open", "signed": "signed", "told": "copy"}.get(signer.status, "over")
    return envelope.status


def _needs_identification(item: Item) -> bool:
    # Who gets a copy was sent it by mail, and signs nothing.
    return item.signer.role != envelopes.COPY or item.signer.identity_hash is not None


def _require_reader(item: Item) -> Known | None:
    """Who reads the files of an envelope. Raises NotFound for who may not, or may no more."""
    who = _who()
    if _state(item) not in ("open", "signed", "copy"):
        raise NotFound
    if _needs_identification(item) and (who is None or not ceremony.is_invited(item.signer, who)):
        raise NotFound
    return who


@signing.get("/sign/<token>")
@limiter.limit("120 per minute")
def show_envelope(token: str) -> Response:
    """Who sends what until when; identified, the documents to read, and to sign."""
    item, who = _open(token), _who()
    if not languages.is_known():
        # As they are written to, where the page exists so, rather than as their browser asks.
        languages.begin_in(item.signer.language if item.signer.language == "sv" else "en")
    state = _state(item)
    if state not in ("open", "signed", "copy"):
        return _page(item, token, state, None, status=410)
    ceremony.note_opened(item, _visit(), now=clock.now())
    status = 200
    if who is not None:
        try:
            ceremony.admit(item, who, _visit(), now=clock.now())
        except SomebodyElse as error:
            state, status = "somebody else", error.status
    db.session.commit()
    return _page(item, token, state, who, status=status)


def _page(item: Item, token: str, state: str, who: Known | None, *, status: int) -> Response:
    is_let_in = state in ("open", "signed", "copy") and (
        who is not None or not _needs_identification(item)
    )
    is_open = state == "open" and is_let_in
    documents = envelopes.files_of(item.envelope, "document") if is_let_in else []
    signers = [one for one in envelopes.signers_of(item.envelope) if one.role != envelopes.COPY]
    return render(
        "signing/envelope.html",
        status=status,
        token=token,
        envelope=item.envelope,
        signer=item.signer,
        state=state,
        who=who,
        is_let_in=is_let_in,
        documents=documents,
        pages_of={one.key: _pages(one, 1) for one in documents},
        attachments=envelopes.files_of(item.envelope, "attachment") if is_let_in else [],
        signers=[one for one in signers if one.status != "handed_over"],
        signature=ceremony.signature_of(item.signer) if state == "signed" else None,
        failure=ceremony.last_failure(item) if is_open else None,
        waiting=_waiting(item, who) if is_let_in else [],
        is_signed_in=current_user.is_authenticated,
        is_phone=is_phone(),
        case_reference=_case_reference(item) if is_let_in else None,
    )


def _case_reference(item: Item) -> str | None:
    """Of the case whose debtor signs, who goes on from here to its page."""
    if item.envelope.case_id is None or not plan_signing.is_offer(item.envelope):
        return None
    with tenancy.service():
        case = cases.get(item.envelope.case_id)
        return case.reference if case else None


def _pages(file: EnvelopeFile, first: int) -> range:
    return range(first, min(first + _AT_A_TIME - 1, file.pages or 0) + 1)


def _waiting(item: Item | None, who: Known | None) -> Sequence[_Waiting]:
    if who is None:
        return []
    return [
        _Waiting(
            one.signer.key, one.envelope.title, one.envelope.company, one.envelope.last_on,
            url_for("signing.show_envelope", token=inviting.token(one.signer)),
            item is not None and one.envelope.creditor_id == item.envelope.creditor_id,
        )
        for one in ceremony.waiting_for(who.number)
        if (item is None or one.signer.id != item.signer.id)
        and one.envelope.last_on >= clock.today()
    ]  # fmt: skip


@signing.get("/sign")
@limiter.limit("60 per minute")
def list_waiting() -> Response:
    """What waits for the reader's signature, at any company."""
    who = _who()
    return render(
        "signing/waiting.html", who=who, waiting=_waiting(None, who), is_phone=is_phone(),
        is_signed_in=current_user.is_authenticated,
    )  # fmt: skip


@signing.post("/sign")
@limiter.limit("10 per minute; 60 per hour")
def identify_for_waiting() -> Response:
    """Let BankID tell who reads, to show what waits for them."""
    return PAGES.start(
        Purpose("sign in", {"signer": True, "next": url_for("signing.list_waiting")})
    )


@signing.post("/sign/<token>/identify")
@limiter.limit("10 per minute; 60 per hour")
def identify_signer(token: str) -> Response:
    """Let BankID tell who the signer is."""
    _open(token)
    back = url_for("signing.show_envelope", token=token)
    return PAGES.start(Purpose("sign in", {"signer": True, "next": back}))


@signing.post("/sign/<token>/forget")
def forget_signer(token: str) -> Response:
    """Somebody else has identified than who is to sign."""
    _open(token)
    session.pop(SIGNS_AS, None)
    return go(url_for("signing.show_envelope", token=token))


def _file(item: Item, key: str) -> EnvelopeFile:
    for one in envelopes.files_of(item.envelope):
        if one.key == key:
            return one
    raise NotFound


@signing.get("/sign/<token>/files/<file_key>")
@limiter.limit("120 per minute")
def show_document(token: str, file_key: str) -> Response:
    """More pages of a long document. `?from=` names the first one."""
    item = _open(token)
    _require_reader(item)
    file = _file(item, file_key)
    first = request.args.get("from", 1, type=int)
    if file.pages is None or not 1 <= first <= file.pages:
        raise NotFound
    return render(
        "signing/envelope_document.html",
        token=token,
        envelope=item.envelope,
        document=file,
        pages=_pages(file, first),
        before=max(first - _AT_A_TIME, 1) if first > 1 else None,
    )


@signing.get("/sign/<token>/files/<file_key>/pages/<int:number>")
@limiter.limit("1200 per minute")
def show_document_page(token: str, file_key: str, number: int) -> Response:
    """A page of a document as a picture; that it was shown is noted."""
    item = _open(token)
    _require_reader(item)
    file = _file(item, file_key)
    if file.pages is None or not 1 <= number <= file.pages:
        raise NotFound
    try:
        picture = pdfium.picture(files.read(file.sha256), number, width=_WIDTH)
    except (pdfium.Unreadable, IndexError) as error:
        # The PDF itself can still be read; that this page was shown would not be true.
        raise NotFound from error
    if _state(item) == "open" and request.method == "GET":
        ceremony.note_shown(item, file, number, now=clock.now())
        db.session.commit()
    return make_response(picture, 200, {"Content-Type": "image/png"})


@signing.get("/sign/<token>/files/<file_key>/whole")
@limiter.limit("120 per minute")
def download_document(token: str, file_key: str) -> Response:
    """A document's PDF as it is signed, or an attachment."""
    item = _open(token)
    _require_reader(item)
    file = _file(item, file_key)
    name = inviting.pdf_name(file.name) if file.pages else file.name
    return _hand_over(item, file, file.sha256, name)


@signing.get("/sign/<token>/files/<file_key>/signed")
@limiter.limit("120 per minute")
def download_signed(token: str, file_key: str) -> Response:
    """A document's sealed PDF, which holds the proof of who signed."""
    item = _open(token)
    _require_reader(item)
    file = _file(item, file_key)
    if file.sealed_sha256 is None:
        raise NotFound
    return _hand_over(item, file, file.sealed_sha256, inviting.pdf_name(file.name))


def _hand_over(item: Item, file: EnvelopeFile, sha256: str, name: str) -> Response:
    data = files.read(sha256)
    if request.method == "GET":
        ceremony.note_downloaded(item, file, sha256, now=clock.now())
        db.session.commit()
    response = make_response(data)
    if file.pages is not None:
        response.headers["Content-Type"] = "application/pdf"
        response.headers.set("Content-Disposition", "inline", filename=name)
        return response
    # Somebody else's file is kept or opened elsewhere, never run as a page of ours.
    response.headers["Content-Type"] = "application/octet-stream"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


@signing.post("/sign/<token>/sign")
@limiter.limit("10 per minute")
def sign_envelope(token: str) -> Response:
    """Start signing with BankID, also other documents that wait for the same person."""
    item, who = _open(token), _who()
    back = url_for("signing.show_envelope", token=token)
    if who is None:
        flash(gettext("Too much time has passed. Identify with BankID once more."), "warn")
        return go(back)
    if _state(item) != "open":
        return go(back)
    if request.form.get("read") != "yes":
        flash(gettext("Tick that you have read the documents first."), "warn")
        return go(back)
    chosen = set(request.form.getlist("also"))
    try:
        with tenancy.service():
            others = [
                one
                for one in ceremony.waiting_for(who.number)
                if one.signer.key in chosen and one.signer.id != item.signer.id
            ]
            purpose = ceremony.purpose(
                [item, *others], who, _visit(),
                language=str(get_locale())[:2], token=token, now=clock.now(),
            )  # fmt: skip
    except RedaError as error:
        flash(text(error), "danger")
        return go(back)
    return PAGES.start(purpose)


@signing.get("/sign/<token>/decline")
def ask_why_declined(token: str) -> Response:
    """Why somebody does not want to sign."""
    item, back = _open_for_act(token)
    return back or _form_page("signing/decline.html", item, token, DeclineForm())


@signing.post("/sign/<token>/decline")
@limiter.limit("20 per minute")
def decline_envelope(token: str) -> Response:
    """Decline to sign, which ends it for all."""
    item, back = _open_for_act(token)
    if back:
        return back
    form = DeclineForm()
    if form.validate():
        try:
            envelopes.decline(item.envelope, item.signer, form.reason.data or "", now=clock.now())
            db.session.commit()
            return go(url_for("signing.show_envelope", token=token))
        except RedaError as error:
            db.session.rollback()
            form.take(error)
    return _form_page("signing/decline.html", item, token, form, status=422)


@signing.get("/sign/<token>/hand-over")
def ask_who_instead(token: str) -> Response:
    """Who signs instead, where the sender allows it."""
    item, back = _open_for_act(token)
    if not back and not item.signer.may_hand_over:
        raise NotFound
    return back or _form_page("signing/hand_over.html", item, token, HandOverForm())


@signing.post("/sign/<token>/hand-over")
@limiter.limit("20 per minute")
def hand_envelope_over(token: str) -> Response:
    """Let somebody else sign instead; they are invited at once."""
    item, back = _open_for_act(token)
    if back:
        return back
    if not item.signer.may_hand_over:
        raise NotFound
    form = HandOverForm()
    if form.validate():
        try:
            other = Invited(
                " ".join((form.name.data or "").split()),
                email=(form.email.data or "").strip() or None,
                phone=(form.phone.data or "").strip() or None,
                for_company=item.signer.for_company,
                language=item.signer.language,
            )
            envelopes.hand_over(item.envelope, item.signer, other, now=clock.now())
            db.session.commit()
            return go(url_for("signing.show_envelope", token=token))
        except RedaError as error:
            db.session.rollback()
            form.take(error)
    return _form_page("signing/hand_over.html", item, token, form, status=422)


def _open_for_act(token: str) -> tuple[Item, Response | None]:
    """What a link opens, and where to go instead when its reader cannot do anything with it."""
    item, who = _open(token), _who()
    if _state(item) == "open" and who is not None and ceremony.is_invited(item.signer, who):
        return item, None
    return item, go(url_for("signing.show_envelope", token=token))


def _form_page(template: str, item: Item, token: str, form: Any, *, status: int = 200) -> Response:
    return render(
        template, status=status, token=token, envelope=item.envelope, signer=item.signer, form=form
    )
