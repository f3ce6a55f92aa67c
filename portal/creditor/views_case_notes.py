"""Notes about a case, and the files kept with it: the company's own."""

from flask import Response, flash, url_for
from flask_babel import gettext

from portal import clock
from portal.collection import attachments, notes
from portal.collection.notes import Reader
from portal.companies import members
from portal.creditor import access
from portal.creditor.case_facts import gather
from portal.creditor.forms_case import FilesForm, NoteForm
from portal.creditor.views import creditor
from portal.database import scanning
from portal.extensions import db
from portal.messages import RedaError
from portal.web.rendering import go, render


def _readers() -> list[Reader]:
    people = members.of_company(access.role().creditor_id, clock.today())
    return [Reader(one.person_id, one.name) for one in people if not one.is_over]


def _form() -> NoteForm:
    form = NoteForm()
    form.offer(_readers())
    return form


@creditor.get("/<key>/cases/<reference>/notes")
def show_case_notes(reference: str) -> Response:
    """What the company's people have written about a case, and its files."""
    form = NoteForm(formdata=None)
    form.offer(_readers())
    return notes_page(reference, form)


def notes_page(
    reference: str, form: NoteForm, *, status: int = 200, changing: int | None = None
) -> Response:
    """The tab. changing: the note that the form with errors is about; None for a new one."""
    facts, now, actor = gather(reference, clock.today()), clock.now(), access.actor()
    found = notes.of_case(facts.case.id)
    may_change = access.role().may_change
    return render(
        "creditor/case_notes.html",
        status=status,
        facts=facts,
        case=facts.case,
        due=facts.due,
        stops=facts.stops,
        form=form,
        changing=changing,
        notes=found,
        changeable={
            one.id for one in found
            if may_change and notes.is_changeable(one, actor.person_id, now)
        },
        me=actor.person_id,
        people={one.person_id: one.name for one in _readers()},
        attachments=attachments.of_case(facts.case.id),
        files_form=FilesForm(formdata=None),
        most_files=attachments.MOST_AT_ONCE,
        is_scanned=scanning.is_set_up(),
    )  # fmt: skip


@creditor.post("/<key>/cases/<reference>/notes")
def write_note(reference: str) -> Response:
    """Write a note."""
    case = gather(reference, clock.today()).case
    form = _form()
    if not form.validate():
        return notes_page(reference, form, status=422)
    try:
        notes.write(
            case, form.words.data or "", mentions=form.mentions.data or [], readers=_readers(),
            actor=access.actor(), now=clock.now(),
        )  # fmt: skip
    except RedaError as error:
        return _refused(reference, form, error, None)
    return _done(reference, gettext("The note is written."))


@creditor.post("/<key>/cases/<reference>/notes/<int:note_id>")
def change_note(reference: str, note_id: int) -> Response:
    """Change one's own note."""
    case = gather(reference, clock.today()).case
    form = _form()
    if not form.validate():
        return notes_page(reference, form, status=422, changing=note_id)
    try:
        notes.change(
            case, note_id, form.words.data or "", mentions=form.mentions.data or [],
            readers=_readers(), actor=access.actor(), now=clock.now(),
        )  # fmt: skip
    except RedaError as error:
        return _refused(reference, form, error, note_id)
    return _done(reference, gettext("The note is changed."))


@creditor.post("/<key>/cases/<reference>/notes/<int:note_id>/remove")
def remove_note(reference: str, note_id: int) -> Response:
    """Take one's own note away."""
    case = gather(reference, clock.today()).case
    notes.remove(case, note_id, actor=access.actor(), now=clock.now())
    return _done(reference, gettext("The note is taken away."))


def _refused(reference: str, form: NoteForm, error: RedaError, changing: int | None) -> Response:
    db.session.rollback()
    form.take(error)
    return notes_page(reference, form, status=error.status, changing=changing)


def _done(reference: str, told: str) -> Response:
    db.session.commit()
    flash(told, "good")
    return go(url_for("creditor.show_case_notes", reference=reference))
