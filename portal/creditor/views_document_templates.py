"""Templates for documents: the list, one to read, and the editor with its preview."""

from flask import Response, flash, make_response, url_for
from flask_babel import get_locale, gettext
from flask_login import current_user
from htmx_flask import request
from markupsafe import Markup
from werkzeug.exceptions import NotFound

from portal import clock
from portal.creditor import access, document_texts
from portal.creditor.forms_document_templates import FIELD_KINDS, KINDS, WHO, TemplateForm
from portal.creditor.views import creditor
from portal.extensions import db, limiter, settings
from portal.locales import LANGUAGES
from portal.messages import RedaError
from portal.signing import markup, merging, templates, writing
from portal.signing.templates import Content, Template
from portal.web.rendering import go, render


def template_of(template_key: str, version: int | None = None) -> Template:
    """One that the company may use, or nothing is there."""
    found = templates.find(access.role().creditor_id, template_key, version)
    if found is None:
        raise NotFound
    return found


def version_in(told: str) -> int | None:
    """The version that an address or a form names, if it names one."""
    return int(told) if told.isdecimal() and len(told) < 9 else None


def _own(template_key: str) -> Template:
    found = template_of(template_key)
    if found.is_built_in:
        raise NotFound
    return found


def _language() -> str:
    return "sv" if str(get_locale()) == "sv" else "en"


@creditor.get("/<key>/documents/templates")
def list_templates() -> Response:
    """The company's templates, and those that come with the portal."""
    creditor_id = access.role().creditor_id
    return render(
        "creditor/document_templates.html",
        own=templates.of_company(creditor_id),
        put_away=templates.of_company(creditor_id, archived=True),
        built_in=sorted(
            templates.built_in().values(),
            key=lambda one: (one.content.language != _language(), one.content.name),
        ),
        case=request.args.get("case", "")[:40] or None,
        kinds=KINDS,
        languages=LANGUAGES,
    )


@creditor.get("/<key>/documents/templates/<template_key>")
def show_template(template_key: str) -> Response:
    """A template as it is, or as it was in an earlier version."""
    template = template_of(template_key, version_in(request.args.get("version", "")))
    creditor_id = access.role().creditor_id
    return render(
        "creditor/document_template.html",
        source=template,
        newest=template_of(template_key),
        versions=templates.versions(creditor_id, template_key),
        preview=_example(template.content),
        kinds=KINDS,
        field_kinds=FIELD_KINDS,
        who=WHO,
        texts=document_texts,
        languages=LANGUAGES,
    )


def _example(content: Content) -> Markup:
    """The text with examples in its fields; too much of it is not laid out."""
    return writing.example(
        access.role().creditor_id,
        content,
        sender=current_user.name,
        today=clock.today(),
        settings=settings(),
    )


def _editor(
    form: TemplateForm,
    template: Template | None,
    status: int = 200,
    block: str | None = None,
    is_stale: bool = False,
) -> Response:
    content = form.content()
    return render(
        "creditor/document_template_edit.html",
        block=block,
        status=status,
        form=form,
        source=template,
        is_stale=is_stale,
        content=content,
        preview=_example(content) if len(content.body) <= markup.LONGEST else None,
        problems=_problems(content),
        insertable=merging.FIELDS,
        languages=LANGUAGES,
    )


def _problems(content: Content) -> list[object]:
    """What is wrong with the text while it is written."""
    try:
        if content.body.strip():
            tidied = templates.tidy(content)
            markup.require_whole(tidied.body, tidied.known())
    except markup.NotWhole as error:
        return list(error.problems)
    return []


@creditor.get("/<key>/documents/templates/new")
def new_template() -> Response:
    """A template from the beginning, or from another one."""
    access.require_administrator()
    content = Content("", language=_language())
    if source := request.args.get("from"):
        content = template_of(source[:60]).content
    return _editor(TemplateForm.showing(content), None)


@creditor.post("/<key>/documents/templates/new")
def create_template() -> Response:
    """Save a new template, or go on with it as the pressed button says."""
    access.require_administrator()
    return _save(None)


@creditor.get("/<key>/documents/templates/<template_key>/edit")
def edit_template(template_key: str) -> Response:
    """A template to be changed."""
    access.require_administrator()
    template = _own(template_key)
    return _editor(TemplateForm.showing(template.content, template.version), template)


@creditor.post("/<key>/documents/templates/<template_key>/edit")
def save_template(template_key: str) -> Response:
    """Save a new version of a template, or go on with it as the pressed button says."""
    access.require_administrator()
    return _save(_own(template_key))


def _save(template: Template | None) -> Response:
    form, then = TemplateForm(), request.form.get("then", "")
    if then == "field" and len(form.own) < templates.MOST_OWN_FIELDS:
        form.own.append_entry()
    if then == "role" and len(form.roles) < templates.MOST_ROLES:
        form.roles.append_entry()
    if then:
        return _editor(form, template)
    if form.validate():
        try:
            saved = templates.save(
                access.role().creditor_id, form.content(), key=template.key if template else None,
                seen=form.seen(), actor=access.actor(), now=clock.now(),
            )  # fmt: skip
            db.session.commit()
            if template and template.version == saved.version:
                flash(gettext("Nothing has changed."), "info")
            else:
                flash(gettext("The template %(name)s is saved.", name=saved.content.name), "good")
            return go(url_for("creditor.show_template", template_key=saved.key))
        except templates.SavedMeanwhile as error:
            db.session.rollback()
            form.take(error)
            newest = _own(template.key) if template else None
            form.version.data = str(newest.version if newest else 0)
            return _editor(form, newest, 409, is_stale=True)
        except RedaError as error:
            db.session.rollback()
            form.take(error)
    return _editor(form, template, 422)


@creditor.post("/<key>/documents/templates/preview")
@limiter.limit("120 per minute")
def preview_template() -> Response:
    """The text as it is being written, laid out."""
    access.require_administrator()
    return _editor(TemplateForm(), None, block="preview")


@creditor.post("/<key>/documents/templates/preview.pdf")
@limiter.limit("20 per minute")
def preview_template_as_pdf() -> Response:
    """The same as a PDF."""
    access.require_administrator()
    form = TemplateForm()
    content = templates.tidy(form.content())
    try:
        templates.require_whole(content)
    except RedaError as error:
        form.take(error)
        return _editor(form, None, 422)
    return _pdf(content)


@creditor.get("/<key>/documents/templates/<template_key>.pdf")
@limiter.limit("20 per minute")
def show_template_as_pdf(template_key: str) -> Response:
    """A template as a PDF, with examples in its fields."""
    template = template_of(template_key, version_in(request.args.get("version", "")))
    return _pdf(template.content)


def _pdf(content: Content) -> Response:
    title = content.name or gettext("Document")
    made = writing.pdf(
        access.role().creditor_id, title, _example(content), language=content.language,
        today=clock.today(), settings=settings(),
    )  # fmt: skip
    return shown_as_pdf(made, title)


def shown_as_pdf(data: bytes, title: str) -> Response:
    """A PDF to look at."""
    response = make_response(data)
    response.headers["Content-Type"] = "application/pdf"
    response.headers["Cache-Control"] = "no-store"
    response.headers.set("Content-Disposition", "inline", filename=f"{title}.pdf")
    return response


@creditor.post("/<key>/documents/templates/<template_key>/put-away")
def put_template_away(template_key: str) -> Response:
    """Offer a template no more."""
    access.require_administrator()
    template = _own(template_key)
    templates.put_away(access.role().creditor_id, template_key, now=clock.now())
    db.session.commit()
    flash(gettext("The template %(name)s is put away.", name=template.content.name), "good")
    return go(url_for("creditor.list_templates"))


@creditor.post("/<key>/documents/templates/<template_key>/take-back")
def take_template_back(template_key: str) -> Response:
    """Offer a template again."""
    access.require_administrator()
    template = _own(template_key)
    templates.take_back(access.role().creditor_id, template_key)
    db.session.commit()
    flash(gettext("The template %(name)s is there again.", name=template.content.name), "good")
    return go(url_for("creditor.show_template", template_key=template_key))
