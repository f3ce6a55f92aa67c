"""A draft is sent to all of a list of people, who each sign one of their own."""

from dataclasses import asdict

from flask import Response, flash, make_response, url_for
from flask_babel import gettext
from flask_login import current_user
from htmx_flask import request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.exceptions import NotFound

from portal import clock
from portal.creditor import access, document_texts
from portal.creditor.forms_documents import PeopleListForm
from portal.creditor.views import creditor
from portal.creditor.views_documents import envelope_of, page_of, refused
from portal.extensions import db, limiter, settings
from portal.messages import N_, Problem, RedaError
from portal.signing import envelopes, sending_lists, usage
from portal.signing.envelopes import Invited
from portal.signing.models import Envelope, SendingList
from portal.web.rendering import go, is_seen, nothing_new, render

# How long a list that was read waits to be sent.
_SECONDS = 24 * 3600


def _sealer(envelope: Envelope) -> URLSafeTimedSerializer:
    # A list is of one draft: its hash opens nothing anywhere else.
    return URLSafeTimedSerializer(settings().secret_key, salt=f"people list {envelope.key}")


def _page(
    envelope: Envelope,
    form: PeopleListForm,
    listed: sending_lists.Listed | None = None,
    token: str = "",
    status: int = 200,
) -> Response:
    return render(
        "creditor/document_list.html", status=status, envelope=envelope, form=form,
        listed=listed, token=token, most=sending_lists.MOST, texts=document_texts,
        forecast=usage.forecast(envelope, clock.today(), copies=len(listed.people))
        if listed and token else None,
    )  # fmt: skip


@creditor.get("/<key>/documents/<envelope_key>/list")
def choose_list(envelope_key: str) -> Response:
    """Choose a list of people."""
    access.require_may_change()
    envelope = envelope_of(envelope_key)
    if envelope.status != envelopes.DRAFT:
        return go(page_of(envelope))
    if not envelopes.files_of(envelope, "document"):
        return refused(envelope_key, RedaError(N_("Add a document to sign."), field="files"))
    return _page(envelope, PeopleListForm(formdata=None))


@creditor.get("/<key>/documents/list.csv")
def download_list_form() -> Response:
    """A list to fill in."""
    access.require_may_change()
    headings = [
        gettext("Name"), gettext("E-mail"), gettext("Mobile number"),
        gettext("Personal identity number"), gettext("Company"), gettext("Language"),
    ]  # fmt: skip
    response = make_response("\ufeff" + ";".join(headings) + "\r\n")
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers.set("Content-Disposition", "attachment", filename="list.csv")
    return response


@creditor.post("/<key>/documents/<envelope_key>/list")
def read_list(envelope_key: str) -> Response:
    """Who is on a list, and what is wrong with it; nothing is sent."""
    envelope, form = envelope_of(envelope_key), PeopleListForm()
    sent = request.files.get("list")
    if sent is None or not sent.filename:
        form.list.errors = [gettext("Choose a file first.")]
        return _page(envelope, form, status=422)
    data, name = sent.read(), sent.filename
    try:
        listed = sending_lists.read(data, name, today=clock.today())
    except RedaError as error:
        form.take(error)
        return _page(envelope, form, status=422)
    if listed.problems or not listed.people:
        return _page(envelope, form, listed, status=422)
    # It goes along in the page, so that nothing is kept of who only looks.
    token = _sealer(envelope).dumps([listed.sha256, [asdict(one) for one in listed.people]])
    return _page(envelope, form, listed, str(token))


@creditor.post("/<key>/documents/<envelope_key>/list/send")
@limiter.limit("10 per minute")
def send_list(envelope_key: str) -> Response:
    """Send the draft to all of the list that was looked at."""
    envelope = envelope_of(envelope_key)
    try:
        sha256, people = _sealer(envelope).loads(request.form.get("list", ""), max_age=_SECONDS)
    except BadSignature:
        flash(gettext("The list is not here any more. Upload it once more."), "warn")
        return go(url_for("creditor.choose_list", envelope_key=envelope_key))
    listed = sending_lists.Listed([Invited(**one) for one in people], (), sha256)
    now = clock.now()
    try:
        sending = sending_lists.begin(
            envelope, listed, actor=access.actor(), sender_email=current_user.email,
            today=clock.today(), now=now,
        )  # fmt: skip
    except RedaError as error:
        return refused(envelope_key, error)
    if sending.begun_at != now:
        flash(gettext("This list has been sent before. Nothing has changed."), "info")
    list_key = sending.key
    db.session.commit()
    return go(url_for("creditor.show_list", envelope_key=envelope_key, list_key=list_key))


def _sending(envelope_key: str, list_key: str) -> SendingList:
    found = sending_lists.find(envelope_of(envelope_key), list_key)
    if found is None:
        raise NotFound
    return found


@creditor.get("/<key>/documents/<envelope_key>/lists/<list_key>")
def show_list(envelope_key: str, list_key: str) -> Response:
    """How many of a list have been sent to."""
    sending = _sending(envelope_key, list_key)
    state = f"{sending.done}-{sending.ended_at is None}"
    if is_seen(state):
        return nothing_new()
    response = render(
        "creditor/document_list_sent.html",
        block="progress" if sending.ended_at is None else "result",
        envelope=envelope_of(envelope_key),
        sending=sending,
        state=state,
        failure=Problem.from_json(sending.failure) if sending.failure else None,
    )
    if sending.ended_at is not None:
        # The page asks for the bar alone; now all of it is another.
        response.headers["HX-Retarget"] = "#sending"
    return response


@creditor.post("/<key>/documents/<envelope_key>/lists/<list_key>/stop")
def stop_list(envelope_key: str, list_key: str) -> Response:
    """Send to no more of a list."""
    sending_lists.stop(_sending(envelope_key, list_key), now=clock.now())
    db.session.commit()
    return go(url_for("creditor.show_list", envelope_key=envelope_key, list_key=list_key))
