"""The company's page: what it tells about itself, in cards that are edited in place."""

from collections.abc import Callable

from flask import Response, flash, make_response, url_for
from flask_babel import gettext
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock
from portal.companies import accounts, addresses, cards, contacts, looks, previews
from portal.creditor import access
from portal.creditor.forms_company import (
    AddressForm,
    CardForm,
    ContactForm,
    DescriptionForm,
    LetterForm,
)
from portal.creditor.views import creditor
from portal.database import files
from portal.extensions import db, limiter, settings
from portal.identity import people
from portal.messages import RedaError
from portal.signing import approvals
from portal.web.rendering import go, render


@creditor.get("/<key>/company")
def show_company() -> Response:
    """The cards, and the one of `?edit=` open for editing."""
    wanted = request.args.get("edit", "")
    form = _form_of(wanted) if wanted and access.role().is_administrator else None
    return _page(wanted if form else "", form)


def _form_of(card: str) -> CardForm | None:
    """A card's form, filled in with what is kept; None when there is no such card."""
    creditor_id = access.role().creditor_id
    name, _, which = card.partition(":")
    form: CardForm | None = None
    if card == cards.DESCRIPTION:
        form = DescriptionForm(formdata=None, obj=people.company(creditor_id))
    elif card == cards.LETTER:
        form = LetterForm(
            formdata=None,
            data={
                "sender_name": people.company(creditor_id).letter.get("sender_name", ""),
                "by_mailbox": people.company(creditor_id).by_mailbox,
            },
        )
    elif name == "address" and which in addresses.KINDS:
        kept = addresses.of_kind(creditor_id, which)
        form = AddressForm(formdata=None, data=kept)
    elif name == cards.CONTACTS:
        if which == "new":
            form = ContactForm(formdata=None)
        elif which.isdigit() and (one := contacts.find(creditor_id, int(which))):
            form = ContactForm(formdata=None, obj=one)
    if form is not None:
        form.version.data = str(_version(card))
    return form


def _version(card: str) -> int:
    name = cards.CONTACTS if card.startswith(cards.CONTACTS) else card
    return cards.versions(access.role().creditor_id).get(name, 0)


@creditor.post("/<key>/company/description")
def save_description() -> Response:
    """Keep what an invoice is for when it does not say so."""
    access.require_administrator()
    form = DescriptionForm()
    return _save(
        cards.DESCRIPTION,
        form,
        lambda: looks.save_description(
            access.role().creditor_id, form.debt_description.data or "", form.read_version(),
            actor=access.actor(), now=clock.now(),
        ),
    )  # fmt: skip


@creditor.post("/<key>/company/addresses/<kind>")
def save_address(kind: str) -> Response:
    """Keep an address as written."""
    access.require_administrator()
    if kind not in addresses.KINDS:
        raise NotFound
    form = AddressForm()
    return _save(
        f"address:{kind}",
        form,
        lambda: addresses.save(
            access.role().creditor_id, kind,
            {name: form[name].data or "" for name in addresses.FIELDS}, form.read_version(),
            actor=access.actor(), now=clock.now(),
        ),
    )  # fmt: skip


@creditor.post("/<key>/company/addresses/<kind>/take")
def take_address(kind: str) -> Response:
    """Keep what the source says."""
    access.require_administrator()
    if kind not in addresses.KINDS:
        raise NotFound
    form = CardForm()
    return _save(
        f"address:{kind}",
        form,
        lambda: addresses.take(
            access.role().creditor_id, kind, form.read_version(), actor=access.actor(),
            now=clock.now(),
        ),
    )  # fmt: skip


@creditor.post("/<key>/company/contacts/<which>")
def save_contact(which: str) -> Response:
    """Keep a contact person; `new` adds one."""
    access.require_administrator()
    creditor_id = access.role().creditor_id
    if which != "new" and not _is_contact(which):
        raise NotFound
    form = ContactForm()
    return _save(
        f"{cards.CONTACTS}:{which}",
        form,
        lambda: contacts.save(
            creditor_id, None if which == "new" else int(which),
            {name: form[name].data or "" for name in contacts.FIELDS}, form.read_version(),
            actor=access.actor(), now=clock.now(),
        ),
    )  # fmt: skip


@creditor.post("/<key>/company/contacts/<which>/remove")
def remove_contact(which: str) -> Response:
    """Take a contact person away."""
    access.require_administrator()
    if not _is_contact(which):
        raise NotFound
    form = CardForm()
    return _save(
        cards.CONTACTS,
        form,
        lambda: contacts.remove(
            access.role().creditor_id, int(which), form.read_version(), actor=access.actor(),
            now=clock.now(),
        ),
    )  # fmt: skip


def _is_contact(which: str) -> bool:
    found = which.isdigit() and len(which) < 19
    return found and contacts.find(access.role().creditor_id, int(which)) is not None


@creditor.post("/<key>/company/letter")
def save_letter() -> Response:
    """Keep how letters name and show the company; without JavaScript, also look at it first."""
    access.require_administrator()
    form = LetterForm()
    if "preview" in request.form:
        return _preview(form)
    return _save(
        cards.LETTER,
        form,
        lambda: looks.save_letter(
            access.role().creditor_id, form.sender_name.data or "", _logo(form),
            form.read_version(), by_mailbox=_by_mailbox(form), actor=access.actor(),
            now=clock.now(),
        ),
    )  # fmt: skip


def _by_mailbox(form: LetterForm) -> bool:
    """What the form says; where it does not ask, what is kept stays."""
    if not settings().has_mailbox:
        return people.company(access.role().creditor_id).by_mailbox
    return bool(form.by_mailbox.data)


@creditor.post("/<key>/company/letter/preview")
@limiter.limit("120 per minute")
def preview_letter() -> Response:
    """The letter as it would be; nothing is kept but a logo that nothing points to."""
    access.require_administrator()
    return _preview(LetterForm())


def _preview(form: LetterForm) -> Response:
    try:
        if form.validate():
            looks.check_sender_name(form.sender_name.data or "")
            _logo(form)
    except RedaError as error:
        form.take(error)
    return _page(cards.LETTER, form, 422 if form.errors else 200, block="preview")


def _logo(form: LetterForm) -> str | None:
    """The SHA-256 of the logo that the form says; one just chosen is kept in `draft`.

    Raises RedaError when what was chosen is no picture.
    """
    creditor_id = access.role().creditor_id
    if form.no_logo.data:
        form.draft.raw_data, form.draft.data = None, ""
        return None
    given = request.files.get("logo")
    if given is not None and given.filename:
        # One byte more than may be, so that one too large is told so and not read whole.
        sha256 = looks.drawn(given.read(looks.MOST_BYTES + 1))
        given.seek(0)
        form.draft.raw_data, form.draft.data = None, looks.sealed(creditor_id, sha256)
        return sha256
    if form.draft.data and (sha256 := looks.unsealed(creditor_id, form.draft.data) or ""):
        return sha256
    kept: str | None = people.company(creditor_id).letter.get("logo")
    return kept


@creditor.get("/<key>/company/letter.png")
@limiter.limit("120 per minute")
def show_letter_preview() -> Response:
    """A reminder's first page as a picture. `draft`: a logo that is not saved; `-` for none."""
    creditor_id = access.role().creditor_id
    letter = people.company(creditor_id).letter
    draft = request.args.get("draft", "")
    if draft == "-":
        logo = None
    else:
        logo = looks.unsealed(creditor_id, draft) if draft else letter.get("logo")
    name = request.args.get("name", letter.get("sender_name", ""))[: looks.LONGEST_NAME]
    return _picture(previews.picture(creditor_id, name.strip(), logo, today=clock.today()))


@creditor.get("/<key>/company/logo.png")
def show_logo() -> Response:
    """The company's logo."""
    logo = people.company(access.role().creditor_id).letter.get("logo")
    if not logo:
        raise NotFound
    return _picture(files.read(logo))


def _picture(data: bytes) -> Response:
    return make_response(data, 200, {"Content-Type": "image/png"})


def _save(card: str, form: CardForm, act: Callable[[], None]) -> Response:
    """Do what a form asks; on failure the card comes back with what is wrong."""
    if not form.validate():
        return _page(card, form, 422)
    try:
        act()
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        if isinstance(error, cards.ChangedMeanwhile):
            form.read_anew(_version(card))
        return _page(card, form, error.status)
    db.session.commit()
    flash(gettext("Saved."), "good")
    return go(url_for("creditor.show_company", _anchor=_anchor(card)))


def _anchor(card: str) -> str:
    name, _, which = card.partition(":")
    return f"card-{which if name == 'address' else name}"


def _page(
    editing: str, form: CardForm | None, status: int = 200, block: str | None = None
) -> Response:
    creditor_id = access.role().creditor_id
    company = people.company(creditor_id)
    draft = None
    if isinstance(form, LetterForm):
        draft = "-" if form.no_logo.data else form.draft.data or None
    return render(
        "creditor/company.html",
        block=block,
        status=status,
        editing=editing,
        form=form,
        company=company,
        addresses=addresses.of_company(creditor_id),
        contacts=contacts.of_company(creditor_id),
        accounts=accounts.of_company(creditor_id),
        offers_mailbox=settings().has_mailbox,
        waiting=approvals.waiting(creditor_id, "account."),
        versions=cards.versions(creditor_id),
        preview_name=form.sender_name.data if isinstance(form, LetterForm) else None,
        preview_draft=draft,
    )
