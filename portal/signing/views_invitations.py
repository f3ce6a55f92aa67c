"""Opening an invitation to act for a company, and accepting it once BankID has told who it is."""

from flask import Response, flash, session, url_for
from flask_babel import gettext
from flask_login import current_user, login_user

from portal import clock
from portal.companies import invitations
from portal.companies.invitations import Identified, Opened
from portal.extensions import db, limiter
from portal.identity import people
from portal.identity.orders import Purpose
from portal.messages import RedaError
from portal.signing.starting import PAGES
from portal.signing.views import signing
from portal.signing.views_bankid import INVITED_AS
from portal.web.orders import is_phone
from portal.web.rendering import go, render


@signing.get("/invitations/<token>")
@limiter.limit("60 per minute")
def open_invitation(token: str) -> Response:
    """What an invitation is about: first who invites, then, identified, what is accepted."""
    opened = invitations.open_link(token, now=clock.now())
    if opened is None:
        return render("signing/invitation_gone.html", status=404)
    if opened.status == invitations.ACCEPTED and _is_own(opened):
        return go(url_for("creditor.show_overview", key=opened.company_key))
    return _page(token, opened)


@signing.post("/invitations/<token>/identify")
@limiter.limit("10 per minute; 60 per hour")
def identify_invited(token: str) -> Response:
    """Let BankID tell who the invited person is."""
    opened = invitations.open_link(token, now=clock.now())
    if opened is None or opened.status != invitations.WAITING:
        return go(url_for("signing.open_invitation", token=token))
    back = url_for("signing.open_invitation", token=token)
    return PAGES.start(Purpose("sign in", {"invitation": True, "next": back}))


@signing.post("/invitations/<token>/accept")
@limiter.limit("20 per minute")
def accept_invitation(token: str) -> Response:
    """Become a member of the company, and be signed in."""
    who = _who()
    if who is None:
        flash(gettext("Too much time has passed. Identify with BankID once more."), "warn")
        return go(url_for("signing.open_invitation", token=token))
    opened = invitations.open_link(token, now=clock.now())
    try:
        person_id = invitations.accept(token, who, today=clock.today(), now=clock.now())
        db.session.commit()
    except RedaError as error:
        db.session.rollback()
        if opened is None:
            return render("signing/invitation_gone.html", status=404)
        # How it stands now, which may be why.
        return _page(token, invitations.open_link(token, now=clock.now()) or opened, error)
    assert opened is not None
    session.clear()
    session.renew()  # type: ignore[attr-defined]
    login_user(people.by_id(person_id))
    flash(gettext("Welcome. You now act for %(company)s.", company=opened.company), "good")
    return go(url_for("creditor.show_overview", key=opened.company_key))


def _who() -> Identified | None:
    """Who reads this, as BankID told it: signed in already, or identified for the invitation."""
    if current_user.is_authenticated:
        return Identified(
            current_user.identity_number, current_user.given_name, current_user.surname
        )
    return invitations.identified(session.get(INVITED_AS), now=clock.now())


def _is_own(opened: Opened) -> bool:
    return bool(current_user.is_authenticated and opened.accepted_by == current_user.id)


def _page(token: str, opened: Opened, error: RedaError | None = None) -> Response:
    status = error.status if error else 200 if opened.status == invitations.WAITING else 410
    return render(
        "signing/invitation.html",
        status=status,
        token=token,
        invitation=opened,
        company=opened.company,
        state=opened.status,
        who=_who(),
        error=error,
        is_phone=is_phone(),
        is_signed_in=current_user.is_authenticated,
    )
