"""Choosing companies, reading the service agreement, signing it, keeping a copy."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, flash, make_response, session, url_for
from flask_babel import get_locale, gettext
from flask_login import current_user
from htmx_flask import request
from werkzeug.exceptions import Forbidden, NotFound

from portal import clock
from portal.database import files, tenancy
from portal.extensions import db, limiter
from portal.identity import people
from portal.identity.actor import Actor
from portal.identity.people import Role
from portal.messages import RedaError
from portal.signing import agreements as room
from portal.signing import comparing
from portal.signing.starting import PAGES
from portal.signing.views import signing
from portal.web.forms import text
from portal.web.orders import is_phone
from portal.web.rendering import go, render

_CHOSEN = "companies_to_sign_for"
_TOLD = "agreements_told_as_signed"
# How the names of the endpoints here end.
_OF_COMPANIES = (
    "agreements", "agreement", "go_on", "companies", "agreement_changes", "agreement_read",
)  # fmt: skip


@signing.before_request
def _see_own_companies() -> Response | None:
    if not (request.endpoint or "").endswith(_OF_COMPANIES):
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
    states = room.states_among([role.creditor_id for role in roles])
    return render(
        "signing/agreements.html",
        companies=[_company(role, states[role.creditor_id]) for role in roles],
        versions=room.versions(),
        newest=room.current_version(),
        asked=room.newest_material(),
    )


@dataclass(frozen=True)
class _Company:
    """One of the reader's companies: how it stands to the agreement, and what it has signed."""

    role: Role
    state: str
    signed: Sequence[room.Signed]
    readings: Sequence[object]

    @property
    def to_sign(self) -> bool:
        return self.state in (room.UNSIGNED, room.ASKED, room.OVERDUE)

    @property
    def signed_version(self) -> int | None:
        return next((one.document.version for one in self.signed), None)


def _company(role: Role, state: str) -> _Company:
    signed = [one for one in room.of_creditor(role.creditor_id) if one.signature is not None]
    return _Company(role, state, signed, room.readings(role.creditor_id))


@signing.get("/agreements/versions/<int:version>/changes")
def show_agreement_changes(version: int) -> Response:
    """What a version says otherwise than an older one; `?since=` names that one."""
    if not _roles():
        return render("signing/unknown.html", status=403)
    known = {one.number: one for one in room.versions()}
    since = request.args.get("since", type=int) or version - 1
    if version not in known or since not in known or since >= version:
        raise NotFound
    language = "sv" if str(get_locale()).startswith("sv") else "en"
    return render(
        "signing/changes.html",
        version=known[version],
        since=since,
        sections=comparing.compare(since, version, language),
        text_language=language,
        shows_all=request.args.get("all") == "1",
    )


@signing.post("/agreements/companies/<company>/read")
def note_agreement_read(company: str) -> Response:
    """Note that the newest version, which needs no signature, has been read."""
    role = next((one for one in _roles() if one.creditor_key == company), None)
    if role is None:
        raise NotFound
    if not role.is_administrator:
        raise Forbidden
    actor = Actor("person", current_user.name, current_user.id, "creditor")
    try:
        room.note_reading(role.creditor_id, actor=actor, now=clock.now())
    except RedaError as error:
        db.session.rollback()
        flash(text(error), "warn")
        return go(url_for("signing.agreements"))
    db.session.commit()
    flash(gettext("It is noted that you have read it."), "good")
    return go(url_for("creditor.show_overview", key=company))


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
    waiting = [one for one in session.get(_CHOSEN, []) if room.needs_signature(one)]
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
    return PAGES.start(room.purpose(found.document, current_user, now=clock.now()))


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
    signed = room.sealed_sha256(found.document) or found.document.signed_sha256
    sha256 = signed or found.document.sha256
    name = "signed" if found.document.signed_sha256 else "unsigned"
    return make_response(
        files.read(sha256),
        200,
        {
            "Content-Type": "application/pdf",
            "Content-Disposition": f'inline; filename="agreement-{name}.pdf"',
        },
    )
