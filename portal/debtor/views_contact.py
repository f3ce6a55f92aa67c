"""How the debtor is reached: addresses, channel and language, kept for all cases at a creditor."""

from flask import Response, flash, url_for
from flask_babel import gettext
from htmx_flask import request

from portal import clock, locales
from portal.collection import cases, reaching
from portal.debtor import access, hidden
from portal.debtor.forms_contact import ContactForm
from portal.debtor.views import debtor
from portal.extensions import db, limiter
from portal.identity.actor import DEBTOR
from portal.locales import Language
from portal.messages import RedaError
from portal.web import languages
from portal.web.pages import own_path
from portal.web.rendering import go, render


@debtor.context_processor
def _for_templates() -> dict[str, object]:
    return {"language_to_keep": _language_to_keep}


def _language_to_keep() -> Language | None:
    """The language just chosen for the page of a case whose letters are written in another."""
    name = request.args.get("lang")
    chosen = locales.find(name) if name else None
    if chosen is None or chosen != languages.current():
        return None
    case = access.named_case()
    return chosen if case and chosen.code != case.debtor.reads else None


@debtor.get("/case/<reference>/contact")
def show_contact() -> Response:
    """What is kept, and a form to change it."""
    return _page(ContactForm(formdata=None), is_new=True)


def _page(form: ContactForm, *, is_new: bool = False, status: int = 200) -> Response:
    case = access.current_case()
    kept = _prepare(form)
    if is_new:
        form.show(kept, case.debtor.told.version if case.debtor.told else 0)
    return render(
        "debtor/contact.html", status=status, case=case, form=form, sees=hidden.sees(case),
        has_dots=not hidden.sees(case) and hidden.has_told(case), by_debtor=hidden.by_debtor(case),
    )  # fmt: skip


def _prepare(form: ContactForm) -> dict[str, str]:
    case = access.current_case()
    kept = hidden.shown(case, reaching.kept(case, today=clock.today()))
    form.prepare(kept, has_mailbox=reaching.has_mailbox(case, today=clock.today()))
    return kept


@debtor.post("/case/<reference>/contact")
@limiter.limit("10 per minute; 60 per hour")
def save_contact() -> Response:
    """Keep what was told."""
    form = ContactForm()
    # Before the case is locked, for it asks somebody else.
    _prepare(form)
    case = cases.lock(access.current_case().id)
    if not form.validate():
        return _page(form, status=422)
    kept = reaching.kept(case, today=clock.today())
    typed = {name: form[name].data or "" for name in reaching.FIELDS}
    values = hidden.restored(case, typed, kept)
    knows_all = hidden.sees(case) or not hidden.has_told(case)
    try:
        changed = reaching.save(
            case, values, version=form.version.data or 0, actor=DEBTOR, now=clock.now()
        )
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return _page(form, status=error.status)
    db.session.commit()
    if knows_all:
        hidden.remember(case)
    if "email" in changed and values["email"]:
        flash(gettext("Saved. We have sent an e-mail to you: follow the link in it."), "good")
    else:
        flash(gettext("Saved."), "good")
    return go(url_for("debtor.show_contact"))


@debtor.post("/case/<reference>/language")
def keep_language() -> Response:
    """Write to the debtor in the language that the page is shown in."""
    case = cases.lock(access.current_case().id)
    language = locales.find(request.form.get("language", ""))
    if language:
        reaching.write_in(case, language.code, actor=DEBTOR, now=clock.now())
        db.session.commit()
        flash(gettext("Saved."), "good")
    return go(own_path(request.form.get("back")) or url_for("debtor.show_case"))


@debtor.get("/number/<link>")
def show_number(link: str) -> Response:
    """Ask whether a mobile number is the reader's."""
    try:
        number = reaching.number_in(link, now=clock.now())
    except reaching.BadLink as error:
        return render("debtor/number.html", problem=error.problem, status=error.status)
    return render("debtor/number.html", number=number)


@debtor.post("/number/<link>")
@limiter.limit("10 per minute; 60 per hour")
def confirm_number(link: str) -> Response:
    """Text messages go to the number from now on."""
    try:
        reaching.confirm_number(link, actor=DEBTOR, now=clock.now())
    except reaching.BadLink as error:
        return render("debtor/number.html", problem=error.problem, status=error.status)
    db.session.commit()
    return render("debtor/number.html", is_done=True)


@debtor.get("/address/<link>")
def show_address(link: str) -> Response:
    """Ask whether an address is the reader's; mail programs look at links by themselves."""
    try:
        address = reaching.address_in(link)
    except reaching.BadLink as error:
        return render("debtor/address.html", problem=error.problem, status=error.status)
    return render("debtor/address.html", address=address)


@debtor.post("/address/<link>")
@limiter.limit("10 per minute; 60 per hour")
def confirm_address(link: str) -> Response:
    """E-mails go to the address from now on."""
    try:
        reaching.confirm(link, actor=DEBTOR, now=clock.now())
    except reaching.BadLink as error:
        return render("debtor/address.html", problem=error.problem, status=error.status)
    db.session.commit()
    return render("debtor/address.html", is_done=True)
