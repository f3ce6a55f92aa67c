"""Choosing companies, reading the service agreement, signing it, keeping a copy."""

from collections.abc import Sequence

from flask import Response, flash, make_response, session, url_for
from flask_babel import gettext
from flask_login import current_user
from htmx_flask import request
from werkzeug.exceptions import Forbidden, NotFound

from portal import clock
from portal.database import files, tenancy
from portal.extensions import db, limiter
from portal.identity import people
from portal.identity.people import Role
from portal.signing import agreements as room
from portal.signing.starting import is_phone, start_order
from portal.signing.views import signing
from portal.web.rendering import go, render

_CHOSEN = "companies_to_sign_for"
_TOLD = "agreements_told_as_signed"


@signing.before_request
def _see_own_companies() -> Response | None:
    if not (request.endpoint or "").endswith(("agreements", "agreement", "go_on", "companies")):
        return None
    if not current_user.is_authenticated:
        return go(url_for("signing.sign_in", next=request.path))
    ids = tuple(role.creditor_id for role in _roles())
    tenancy.enter(tenancy.Scope("creditor", ids, current_user.id))
    return None


def _roles() -> Sequence[Role]:
    return people.roles_of(current_user.id, clock.today())


def _signed(key: str) -> tuple[room.Signed, Role]:
    """A document and the reader's role at its company. Raises NotFound for anyone else's."""
    found = room.find(key)
    if found is None:
        raise NotFound
    for role in _roles():
        if role.creditor_id == found.document.creditor_id:
            return found, role
    raise NotFound


@signing.get("/agreements")
def agreements() -> Response:
    """The reader's companies: those to sign for, and those signed."""
    roles = _roles()
    if not roles:
        return render("signing/unknown.html", status=403)
    rows = [(role, room.of_creditor(role.creditor_id)) for role in roles]
    return render(
        "signing/agreements.html",
        to_sign=[role for role in roles if not room.is_signed(role.creditor_id)],
        rows=rows,
        version=room.current_version(),
    )


@signing.post("/agreements")
def choose_companies() -> Response:
    """Take the chosen companies' agreements up for signing, one after the other."""
    chosen = request.form.getlist("company")
    ids = [
        role.creditor_id
        for role in _roles()
        if role.creditor_key in chosen and role.is_administrator
    ]
    if not ids:
        flash(gettext("Choose at least one company first."), "warn")
        return go(url_for("signing.agreements"))
    session[_CHOSEN] = ids
    return _next()


def _next() -> Response:
    waiting = [one for one in session.get(_CHOSEN, []) if not room.is_signed(one)]
    if not waiting:
        session.pop(_CHOSEN, None)
        return go(url_for("creditor.choose_company"))
    document = room.prepare(waiting[0], now=clock.now())
    db.session.commit()
    return go(url_for("signing.read_agreement", key=document.key))


@signing.get("/agreements/<key>")
def read_agreement(key: str) -> Response:
    """The agreement to read, and to sign."""
    found, role = _signed(key)
    chosen = session.get(_CHOSEN, [])
    return render(
        "signing/read.html",
        document=found.document,
        signature=found.signature,
        role=role,
        may_sign=role.is_administrator and found.signature is None,
        number=chosen.index(role.creditor_id) + 1 if role.creditor_id in chosen else 1,
        total=max(len(chosen), 1),
        is_phone=is_phone(),
    )


@signing.post("/agreements/<key>")
@limiter.limit("10 per minute")
def sign_agreement(key: str) -> Response:
    """Start signing with BankID; only the reader's own BankID can do it."""
    found, role = _signed(key)
    if not role.is_administrator:
        raise Forbidden
    if found.signature is not None:
        return go(url_for("signing.go_on", key=key))
    if request.form.get("read") != "yes":
        flash(gettext("Tick that you have read the agreement first."), "warn")
        return go(url_for("signing.read_agreement", key=key))
    return start_order(room.purpose(found.document, current_user, now=clock.now()))


@signing.get("/agreements/<key>/next")
def go_on(key: str) -> Response:
    """After signing: the next company's agreement, or on into the portal."""
    found, _ = _signed(key)
    if found.signature is None:
        return go(url_for("signing.read_agreement", key=key))
    told = session.get(_TOLD, [])
    if key not in told:
        session[_TOLD] = [*told, key]
        flash(gettext("The agreement is signed: %(title)s", title=found.document.title), "good")
    return _next()


@signing.get("/agreements/<key>/file.pdf")
def download_agreement(key: str) -> Response:
    """The agreement's PDF; signed, it carries the signature and the OCSP response."""
    found, _ = _signed(key)
    sha256 = found.document.signed_sha256 or found.document.sha256
    name = "signed" if found.document.signed_sha256 else "unsigned"
    return make_response(
        files.read(sha256),
        200,
        {
            "Content-Type": "application/pdf",
            "Content-Disposition": f'inline; filename="agreement-{name}.pdf"',
        },
    )
