"""Telling that it is paid, that it is the wrong person, or what one's situation is.

The three pages work alike: a form; then what was told, what happens now, and the answer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Response, flash, url_for
from flask_babel import gettext, lazy_gettext
from flask_babel.speaklater import LazyString
from htmx_flask import request
from werkzeug.exceptions import NotFound
from wtforms.fields.choices import SelectChoice

from portal import clock
from portal.collection import attachments, cases, tellings
from portal.debtor import access, views_files
from portal.debtor.forms_says import AnyToldForm, PaidForm, SituationForm, WrongPersonForm
from portal.debtor.limits import visitor
from portal.debtor.views import debtor
from portal.extensions import db, limiter
from portal.identity.actor import DEBTOR
from portal.messages import RedaError
from portal.web import languages
from portal.web.rendering import go, render


@dataclass(frozen=True)
class Page:
    """One of the pages. kinds: the stops that what is told on it puts on."""

    endpoint: str
    form: type[AnyToldForm]
    kinds: tuple[str, ...]
    template: str


PAID = Page("debtor.show_paid", PaidForm, (tellings.PAID,), "debtor/paid.html")
WRONG_PERSON = Page(
    "debtor.show_wrong_person", WrongPersonForm, (tellings.WRONG_PERSON,),
    "debtor/wrong_person.html",
)  # fmt: skip
SITUATION = Page(
    "debtor.show_situation", SituationForm, tellings.SITUATIONS, "debtor/situation.html"
)
_TO_OTHERS: LazyString = lazy_gettext("In another way, or I do not know")


# So long an answer is marked as new on the page of the case.
_NEW = timedelta(days=14)


def lately() -> datetime:
    """Since when an answer is new."""
    return clock.morning_of(clock.today() - _NEW)


def answered_lately() -> set[str]:
    """The pages, by endpoint, on which an answer has come lately."""
    kinds = tellings.answered_since(access.current_case().id, lately())
    pages = {one.endpoint for one in (PAID, WRONG_PERSON, SITUATION) if kinds & set(one.kinds)}
    return pages | ({"debtor.show_data"} if tellings.CORRECTION in kinds else set())


@debtor.context_processor
def _for_templates() -> dict[str, object]:
    return {"answered_lately": answered_lately}


@debtor.get("/case/<reference>/paid")
def show_paid() -> Response:
    """That it is paid already: when, how much, to whom."""
    return _page(PAID)


@debtor.post("/case/<reference>/paid")
@limiter.limit("10 per minute; 60 per hour", key_func=visitor)
def tell_paid() -> Response:
    """Tell that it is paid already."""
    return _tell(PAID)


@debtor.get("/case/<reference>/wrong-person")
def show_wrong_person() -> Response:
    """That somebody else is meant."""
    return _page(WRONG_PERSON)


@debtor.post("/case/<reference>/wrong-person")
@limiter.limit("10 per minute; 60 per hour", key_func=visitor)
def tell_wrong_person() -> Response:
    """Tell that somebody else is meant."""
    return _tell(WRONG_PERSON)


@debtor.get("/case/<reference>/situation")
def show_situation() -> Response:
    """A situation in which nothing may be demanded as before."""
    return _page(SITUATION)


@debtor.post("/case/<reference>/situation")
@limiter.limit("10 per minute; 60 per hour", key_func=visitor)
def tell_situation() -> Response:
    """Tell of such a situation."""
    return _tell(SITUATION)


def _form(page: Page, *, is_new: bool) -> AnyToldForm:
    form = page.form(formdata=None) if is_new else page.form()
    if isinstance(form, PaidForm):
        creditor = access.current_case().creditor.name
        form.way.choices = [
            SelectChoice("creditor", creditor),
            SelectChoice("us", gettext("To us")),
            SelectChoice("other", _TO_OTHERS),
        ]
    return form


def _page(page: Page, form: AnyToldForm | None = None, *, status: int = 200) -> Response:
    case = access.current_case()
    told = tellings.of_case(case.id, *page.kinds)
    form = form or _form(page, is_new=True)
    return render(
        page.template,
        status=status,
        case=case,
        due=cases.amount_due(case, clock.today()),
        form=form,
        told=told,
        waits=[one for one in told if one.settled_at is None],
        files=attachments.told_with(case.id),
        limits=views_files.hints(),
        today=clock.today(),
        post_to=url_for(page.endpoint.replace("show", "tell")),
    )


def _tell(page: Page) -> Response:
    case = cases.lock(access.current_case().id)
    if "more" in request.form:
        return _add_files(page)
    form = _form(page, is_new=False)
    if not form.validate():
        return _page(page, form, status=422)
    try:
        added = tellings.tell(
            case, form.about(), facts=form.facts(clock.today()), words=form.words.data or "",
            files=views_files.sent(), language=languages.current().code, actor=DEBTOR,
            now=clock.now(),
        )  # fmt: skip
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return _page(page, form, status=error.status)
    db.session.commit()
    flash(gettext("Thank you for telling us. The case stands still."), "good")
    views_files.tell_of(added)
    return go(url_for(page.endpoint))


def _add_files(page: Page) -> Response:
    case, wanted = access.current_case(), request.form.get("more", type=int)
    telling = next((one for one in tellings.waiting(case.id) if one.id == wanted), None)
    if telling is None or telling.stop not in page.kinds:
        raise NotFound
    added = tellings.add_files(case, telling, views_files.sent(), actor=DEBTOR, now=clock.now())
    db.session.commit()
    if added.kept:
        flash(gettext("It is sent. The answer comes on this page."), "good")
    views_files.tell_of(added)
    return go(url_for(page.endpoint))
