"""Who signs a document: put on a draft, checked, sent to, and helped on their way."""

from flask import Response, flash, url_for
from flask_babel import gettext, ngettext
from flask_login import current_user
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock
from portal.creditor import access, document_texts
from portal.creditor.forms_documents import AddressForm, MoreTimeForm, ReasonForm, SignerForm
from portal.creditor.views import creditor
from portal.creditor.views_documents import (
    document_page,
    envelope_of,
    is_hidden_signer,
    page_of,
    refused,
)
from portal.extensions import db, limiter
from portal.locales import LANGUAGES
from portal.messages import RedaError
from portal.signing import drafts, envelopes, usage
from portal.signing.models import Envelope, Signer
from portal.web.rendering import go, render


def _signer(envelope: Envelope, signer_key: str) -> Signer:
    found = drafts.find_signer(envelope, signer_key)
    if found is None:
        raise NotFound
    return found


def _page(
    envelope: Envelope, form: SignerForm, signer: Signer | None = None, status: int = 200
) -> Response:
    return render(
        "creditor/document_signer.html", status=status, envelope=envelope, form=form, signer=signer
    )


@creditor.get("/<key>/documents/<envelope_key>/signers/new")
def new_signer(envelope_key: str) -> Response:
    """Somebody more to sign, approve or get a copy."""
    access.require_may_change()
    envelope = envelope_of(envelope_key)
    if envelope.status != envelopes.DRAFT:
        return go(page_of(envelope))
    steps = [one.step for one in envelopes.signers_of(envelope)]
    step = max(steps, default=0) + 1 if envelope.in_order else 1
    form = SignerForm(formdata=None, data={"step": min(step, drafts.MOST_STEPS)})
    return _page(envelope, form)


@creditor.post("/<key>/documents/<envelope_key>/signers/new")
def add_signer(envelope_key: str) -> Response:
    """Put somebody on a draft."""
    envelope, form = envelope_of(envelope_key), SignerForm()
    if form.validate():
        try:
            envelopes.add_signer(envelope, drafts.invited(form.data, today=clock.today()))
            db.session.commit()
            if request.form.get("then") == "another":
                return go(url_for("creditor.new_signer", envelope_key=envelope_key))
            return go(f"{page_of(envelope)}#signers")
        except RedaError as error:
            db.session.rollback()
            form.take(error)
    return _page(envelope, form, status=422)


@creditor.get("/<key>/documents/<envelope_key>/signers/<signer_key>")
def edit_signer(envelope_key: str, signer_key: str) -> Response:
    """What is told of somebody on a draft."""
    access.require_may_change()
    envelope = envelope_of(envelope_key)
    signer = _signer(envelope, signer_key)
    if envelope.status != envelopes.DRAFT:
        return go(page_of(envelope))
    return _page(envelope, SignerForm(formdata=None, obj=signer), signer)


@creditor.post("/<key>/documents/<envelope_key>/signers/<signer_key>")
def save_signer(envelope_key: str, signer_key: str) -> Response:
    """Change what is told of somebody on a draft."""
    envelope, form = envelope_of(envelope_key), SignerForm()
    signer = _signer(envelope, signer_key)
    if form.validate():
        try:
            told = drafts.invited(form.data, today=clock.today())
            envelopes.change_signer(envelope, signer, told)
            db.session.commit()
            return go(f"{page_of(envelope)}#signers")
        except RedaError as error:
            db.session.rollback()
            form.take(error)
    return _page(envelope, form, signer, 422)


@creditor.post("/<key>/documents/<envelope_key>/signers/<signer_key>/remove")
def remove_signer(envelope_key: str, signer_key: str) -> Response:
    """Take somebody off a draft."""
    envelope = envelope_of(envelope_key)
    signer = _signer(envelope, signer_key)
    name = signer.name
    try:
        envelopes.remove_signer(envelope, signer)
    except RedaError as error:
        return refused(envelope_key, error)
    db.session.commit()
    flash(gettext("%(name)s is taken away.", name=name), "good")
    return go(f"{page_of(envelope)}#signers")


@creditor.get("/<key>/documents/<envelope_key>/check")
def check_document(envelope_key: str) -> Response:
    """All that is sent, and to whom, before it is."""
    access.require_may_change()
    envelope = envelope_of(envelope_key)
    if envelope.status != envelopes.DRAFT:
        return go(page_of(envelope))
    try:
        envelopes.require_whole(envelope, clock.today())
    except RedaError as error:
        return refused(envelope_key, error)
    return render(
        "creditor/document_check.html",
        envelope=envelope,
        documents=envelopes.files_of(envelope, drafts.DOCUMENT),
        attachments=envelopes.files_of(envelope, drafts.ATTACHMENT),
        signers=envelopes.signers_of(envelope),
        seen=envelopes.state_of(envelope),
        languages=LANGUAGES,
        texts=document_texts,
        forecast=usage.forecast(envelope, clock.today()),
    )


@creditor.post("/<key>/documents/<envelope_key>/send")
@limiter.limit("60 per minute")
def send_document(envelope_key: str) -> Response:
    """Send it as it was shown; what was changed meanwhile is looked at first."""
    envelope = envelope_of(envelope_key)
    was_draft = envelope.status == envelopes.DRAFT
    try:
        if was_draft and envelopes.state_of(envelope) != request.form.get("seen"):
            raise drafts.ChangedMeanwhile
        envelopes.send(envelope, actor=access.actor(), today=clock.today(), now=clock.now())
    except RedaError as error:
        return refused(envelope_key, error)
    db.session.commit()
    flash(gettext("It is on its way to those who sign."), "good")
    return go(page_of(envelope))


@creditor.post("/<key>/documents/<envelope_key>/remind")
@limiter.limit("30 per minute")
def remind_signers(envelope_key: str) -> Response:
    """Write once more to one, or to all whose turn it is."""
    envelope, chosen = envelope_of(envelope_key), request.form.get("signer")
    waited_for = [
        one
        for one in envelopes.signers_of(envelope)
        if one.status == "invited" and chosen in (None, "", one.key)
    ]
    count = 0
    try:
        for one in waited_for:
            count += envelopes.remind(envelope, one, actor=access.actor(), now=clock.now())
    except RedaError as error:
        return refused(envelope_key, error)
    db.session.commit()
    if count:
        told = ngettext("%(num)s person is reminded.", "%(num)s people are reminded.", count)
        flash(told, "good")
    else:
        flash(gettext("Nobody was reminded: once a day is enough."), "info")
    return go(page_of(envelope))


@creditor.get("/<key>/documents/<envelope_key>/signers/<signer_key>/address")
def edit_signers_address(envelope_key: str, signer_key: str) -> Response:
    """Where somebody who was invited is written to."""
    access.require_may_change()
    envelope = envelope_of(envelope_key)
    signer = _signer(envelope, signer_key)
    form = AddressForm(formdata=None, obj=None if is_hidden_signer(signer) else signer)
    return render("creditor/document_address.html", envelope=envelope, signer=signer, form=form)


@creditor.post("/<key>/documents/<envelope_key>/signers/<signer_key>/address")
def save_signers_address(envelope_key: str, signer_key: str) -> Response:
    """Write to somebody at another address; the old link opens nothing any more."""
    envelope, form = envelope_of(envelope_key), AddressForm()
    signer = _signer(envelope, signer_key)
    if form.validate():
        try:
            envelopes.correct(
                envelope, signer, email=form.email.data or None, phone=form.phone.data or None,
                actor=access.actor(), now=clock.now(),
            )  # fmt: skip
            db.session.commit()
            flash(gettext("A new invitation is on its way to %(name)s.", name=signer.name), "good")
            return go(page_of(envelope))
        except RedaError as error:
            db.session.rollback()
            form.take(error)
    return render(
        "creditor/document_address.html", status=422, envelope=envelope, signer=signer, form=form
    )


@creditor.post("/<key>/documents/<envelope_key>/time")
def extend_document(envelope_key: str) -> Response:
    """Give more time, or less."""
    envelope, form = envelope_of(envelope_key), MoreTimeForm()
    if form.validate():
        try:
            assert form.last_on.data is not None
            envelopes.extend(
                envelope, form.last_on.data, actor=access.actor(), today=clock.today(),
                now=clock.now(),
            )  # fmt: skip
            db.session.commit()
            flash(gettext("The last day is changed."), "good")
            return go(page_of(envelope))
        except RedaError as error:
            db.session.rollback()
            form.take(error)
    return document_page(envelope_of(envelope_key), 422, time=form)


@creditor.post("/<key>/documents/<envelope_key>/withdraw")
def withdraw_document(envelope_key: str) -> Response:
    """Let nobody sign it any more."""
    envelope, form = envelope_of(envelope_key), ReasonForm()
    if form.validate():
        try:
            envelopes.withdraw(
                envelope, form.reason.data or "", actor=access.actor(), now=clock.now()
            )
        except RedaError as error:
            return refused(envelope_key, error)
        db.session.commit()
        flash(gettext("It is withdrawn. Those who were invited are told."), "good")
        return go(page_of(envelope))
    return document_page(envelope, 422, why=form)


@creditor.post("/<key>/documents/<envelope_key>/version")
def renew_document(envelope_key: str) -> Response:
    """Make a new version, to be changed and sent anew."""
    envelope = envelope_of(envelope_key)
    try:
        made = drafts.renew(
            envelope, gettext("A new version comes instead."), actor=access.actor(),
            sender_email=current_user.email, today=clock.today(), now=clock.now(),
        )  # fmt: skip
    except RedaError as error:
        return refused(envelope_key, error)
    db.session.commit()
    flash(gettext("This is the new version. Change what is to be changed, and send it."), "good")
    return go(page_of(made))
