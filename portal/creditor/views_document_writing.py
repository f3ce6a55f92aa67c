"""A document is written from a template: about whom, what stands in its fields, and its draft."""

import hashlib
from typing import Any

from flask import Response, flash, url_for
from flask_babel import gettext
from flask_login import current_user
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import customers, finding
from portal.creditor import access, document_texts
from portal.creditor.forms_document_templates import WriteForm, write_form
from portal.creditor.views import creditor
from portal.creditor.views_document_templates import shown_as_pdf, template_of, version_in
from portal.creditor.views_documents import page_of
from portal.extensions import db, limiter, settings
from portal.messages import RedaError
from portal.signing import envelopes, merging, writing
from portal.signing.templates import Template
from portal.signing.writing import Writing
from portal.web.rendering import go, render

_MOST_FOUND = 8


def _usable(template_key: str, version: int | None = None) -> Template:
    found = template_of(template_key, version)
    if found.is_archived:
        raise NotFound
    return found


@creditor.get("/<key>/documents/templates/<template_key>/about")
def choose_subject(template_key: str) -> Response:
    """Which case or customer a document is about."""
    access.require_may_change()
    return _subjects(_usable(template_key))


@creditor.post("/<key>/documents/templates/<template_key>/about")
def find_subject(template_key: str) -> Response:
    """Cases and customers that a text finds. Posted, since it may be an identity number."""
    typed = request.form.get("q", "")[:100]
    sought = "".join(one for one in typed if one.isprintable()).strip()
    return _subjects(_usable(template_key), sought)


def _subjects(template: Template, sought: str = "") -> Response:
    creditor_id, today = access.role().creditor_id, clock.today()
    found_cases: list[Any] = []
    found_customers: list[Any] = []
    if sought:
        meant = finding.recognise(sought, today=today)
        beside = finding.beside(creditor_id, meant)
        page = finding.page(creditor_id, finding.Filter(), today=today, beside=beside)
        found_cases = list(page.rows[:_MOST_FOUND])
        chosen = customers.Filters(search=sought)
        if customers.is_secret(sought, today):
            ids = customers.find_by_number(creditor_id, sought, today)
            chosen = customers.Filters(ids=ids or (0,))
        listed = customers.page(creditor_id, chosen, today, size=_MOST_FOUND)
        found_customers = list(listed.rows)
    return render(
        "creditor/document_about.html",
        source=template,
        sought=sought,
        cases=found_cases,
        customers=found_customers,
    )


def _writing(template: Template) -> Writing:
    """The document to be written, about the case or the customer that the address names."""
    creditor_id, today = access.role().creditor_id, clock.today()
    subject = None
    if reference := request.args.get("case"):
        if reference.isdecimal():
            subject = merging.of_case(
                creditor_id, reference, today=today, language=template.content.language
            )
        if subject is None:
            raise NotFound
    elif customer := request.args.get("customer"):
        known = customer.isdecimal() and len(customer) < 19
        subject = merging.of_customer(creditor_id, int(customer)) if known else None
        if subject is None:
            raise NotFound
    return writing.begin(
        creditor_id, template, subject, sender=current_user.name, today=today, settings=settings()
    )


@creditor.get("/<key>/documents/templates/<template_key>/write")
def write_document(template_key: str) -> Response:
    """What is asked for before a document can be made."""
    access.require_may_change()
    template = _usable(template_key)
    if not {"case", "customer", "nobody"} & set(request.args):
        return go(url_for("creditor.choose_subject", template_key=template_key))
    wanted = _writing(template)
    content = template.content
    subject = wanted.subject
    title = f"{content.name}, {subject.name}" if subject else content.name
    first = {
        "title": title[: envelopes.LONGEST_TITLE],
        "version": str(template.version),
        "signers": writing.signers_for(
            wanted, sender=current_user.name, sender_email=current_user.email
        ),
    }
    return _page(wanted, write_form(wanted.asked(), first))


@creditor.post("/<key>/documents/templates/<template_key>/write")
@limiter.limit("60 per minute")
def make_document(template_key: str) -> Response:
    """Show the document as it becomes, and make it once it was seen."""
    access.require_may_change()
    template = _usable(template_key, version_in(request.form.get("version", "")))
    wanted = _writing(template)
    form = write_form(wanted.asked())
    values, signers = _understood(wanted, form)
    if values is None:
        return _page(wanted, form, 422)
    title = " ".join((form.title.data or "").split())
    body = writing.laid_out(template.content, values)
    then = request.form.get("then")
    if then == "pdf":
        made = writing.pdf(
            access.role().creditor_id, title, body, language=template.content.language,
            today=clock.today(), settings=settings(),
        )  # fmt: skip
        return shown_as_pdf(made, title)
    state = hashlib.sha256(f"{title}\n{body}".encode()).hexdigest()
    was_seen, form.seen.data = form.seen.data, state
    if then != "make" or was_seen != state:
        return _page(wanted, form, preview=body, is_new=bool(was_seen) and then == "make")
    try:
        envelope = writing.make(
            access.role().creditor_id, wanted, title=title, values=values, signers=signers,
            actor=access.actor(), sender_email=current_user.email, today=clock.today(),
            now=clock.now(), settings=settings(),
        )  # fmt: skip
    except RedaError as error:
        db.session.rollback()
        form.tell(error)
        return _page(wanted, form, 422)
    db.session.commit()
    flash(gettext("The document is made. Look at who signs it, then send it."), "good")
    return go(page_of(envelope))


def _understood(
    wanted: Writing, form: WriteForm
) -> tuple[dict[str, str] | None, list[envelopes.Invited]]:
    """What stands in the fields, and who signs; no fields when something is wrong."""
    signers: list[envelopes.Invited] = []
    values: dict[str, str] | None = None
    if form.validate():
        try:
            form.title.data = writing.require_title(form.title.data or "")
            values = wanted.filled(form.answers())
        except RedaError as error:
            form.tell(error)
    for place, role in enumerate(wanted.content.roles[: len(form.signers)]):
        try:
            one = writing.invited(role, form.told_of(place), today=clock.today())
            signers += [one] if one else []
        except RedaError as error:
            form.tell_of(place, error)
            values = None
    return values, signers


def _page(
    wanted: Writing,
    form: WriteForm,
    status: int = 200,
    *,
    preview: str | None = None,
    is_new: bool = False,
) -> Response:
    subject, used = wanted.subject, wanted.content.used()
    return render(
        "creditor/document_write.html",
        status=status,
        source=wanted.template,
        content=wanted.content,
        subject=subject,
        form=form,
        known=[
            (gettext(label), wanted.known[name]) for name, label in merging.FIELDS.items()
            if name in wanted.known and name in used
        ],
        preview=preview,
        is_new=is_new,
        texts=document_texts,
    )  # fmt: skip
