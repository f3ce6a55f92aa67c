"""Who acts for the company: invited, given a role, and let go by its administrators."""

from flask import Response, flash, url_for
from flask_babel import get_locale, gettext
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import history
from portal.companies import invitations, members
from portal.companies.members import Member
from portal.creditor import access, events
from portal.creditor.forms_people import InvitationForm, RoleForm
from portal.creditor.views import creditor
from portal.extensions import db, limiter, settings
from portal.messages import RedaError
from portal.web.forms import text
from portal.web.rendering import go, render

_EVENTS = ("member", "invitation")


@creditor.get("/<key>/people")
def list_people() -> Response:
    """The company's people and the invitations that wait, and a form to invite another."""
    return _page(InvitationForm(formdata=None))


@creditor.post("/<key>/people")
@limiter.limit("30 per hour")
def invite() -> Response:
    """Invite somebody by e-mail."""
    access.require_administrator()
    form = InvitationForm()
    if not form.validate():
        return _page(form, 422)
    try:
        invited = invitations.invite(
            access.role().creditor_id,
            email=form.email.data or "",
            given_name=form.given_name.data or "",
            role=form.role.data,
            ends_on=form.ends_on.data,
            language=_language(),
            address=_address,
            actor=access.actor(),
            today=clock.today(),
            now=clock.now(),
        )
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return _page(form, error.status)
    email = invited.email
    db.session.commit()
    flash(
        gettext(
            "An invitation is on its way to %(email)s. It holds for %(days)s days.",
            email=email,
            days=invitations.VALID.days,
        ),
        "good",
    )
    return go(url_for("creditor.list_people"))


@creditor.post("/<key>/people/invitations/<invitation_key>/send")
@limiter.limit("30 per hour")
def send_invitation_again(invitation_key: str) -> Response:
    """Send an invitation anew; its old link then opens nothing."""
    return _with_invitation(invitation_key, is_sent=True)


@creditor.post("/<key>/people/invitations/<invitation_key>/withdraw")
def withdraw_invitation(invitation_key: str) -> Response:
    """Let an invitation open nothing more."""
    return _with_invitation(invitation_key, is_sent=False)


def _with_invitation(invitation_key: str, *, is_sent: bool) -> Response:
    access.require_administrator()
    creditor_id, now = access.role().creditor_id, clock.now()
    if invitations.find(creditor_id, invitation_key) is None:
        raise NotFound
    try:
        if is_sent:
            one = invitations.send_again(
                creditor_id, invitation_key, language=_language(), address=_address,
                actor=access.actor(), today=clock.today(), now=now,
            )  # fmt: skip
            told = gettext(
                "The invitation to %(email)s is on its way again, with a new link.",
                email=one.email,
            )
        else:
            one = invitations.withdraw(
                creditor_id, invitation_key, actor=access.actor(), today=clock.today(), now=now
            )
            told = gettext("The invitation to %(email)s is withdrawn.", email=one.email)
    except RedaError as error:
        return _refused(error)
    db.session.commit()
    flash(told, "good")
    return go(url_for("creditor.list_people"))


@creditor.get("/<key>/people/<int:member_id>")
def show_member(member_id: int) -> Response:
    """One of the company's people: the role, and what an administrator may do."""
    member = _member(member_id)
    return _member_page(
        member,
        RoleForm(formdata=None, data={"role": member.role, "ends_on": member.ends_on}),
    )


@creditor.post("/<key>/people/<int:member_id>")
def change_member(member_id: int) -> Response:
    """Give somebody another role or last day."""
    access.require_administrator()
    member, form = _member(member_id), RoleForm()
    if not form.validate():
        return _member_page(member, form, 422)
    try:
        members.change(
            access.role().creditor_id, member_id, role=form.role.data, ends_on=form.ends_on.data,
            actor=access.actor(), today=clock.today(), now=clock.now(),
        )  # fmt: skip
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return _member_page(member, form, error.status)
    db.session.commit()
    flash(gettext("The role of %(name)s is saved.", name=member.name), "good")
    return go(url_for("creditor.list_people"))


@creditor.post("/<key>/people/<int:member_id>/remove")
def remove_member(member_id: int) -> Response:
    """Let somebody act for the company no more."""
    access.require_administrator()
    member = _member(member_id)
    try:
        members.remove(
            access.role().creditor_id, member_id, actor=access.actor(), today=clock.today(),
            now=clock.now(),
        )  # fmt: skip
    except RedaError as error:
        return _refused(error)
    db.session.commit()
    flash(gettext("%(name)s does not act for the company any more.", name=member.name), "good")
    return go(url_for("creditor.list_people"))


def _member(member_id: int) -> Member:
    found = members.find(access.role().creditor_id, member_id, clock.today())
    if found is None:
        raise NotFound
    return found


def _language() -> str:
    return str(get_locale() or "sv")


def _address(token: str) -> str:
    return settings().base_url + url_for("signing.open_invitation", token=token)


def _refused(error: RedaError) -> Response:
    db.session.rollback()
    flash(text(error), "danger")
    return go(url_for("creditor.list_people"))


def _page(form: InvitationForm, status: int = 200) -> Response:
    creditor_id, now = access.role().creditor_id, clock.now()
    told = history.of_creditor(creditor_id, about=_EVENTS, limit=10)
    return render(
        "creditor/people.html",
        status=status,
        form=form,
        people=members.of_company(creditor_id, clock.today()),
        invited=[
            (one, invitations.status(one, now)) for one in invitations.of_company(creditor_id)
        ],
        valid_days=invitations.VALID.days,
        events=[events.tell(one) for one in told],
        person_id=access.actor().person_id,
    )


def _member_page(member: Member, form: RoleForm, status: int = 200) -> Response:
    return render(
        "creditor/member.html",
        status=status,
        member=member,
        form=form,
        may_change=access.role().is_administrator and member.person_id != access.actor().person_id,
        is_self=member.person_id == access.actor().person_id,
    )
