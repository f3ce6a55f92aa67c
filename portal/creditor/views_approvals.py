"""What one administrator proposes and another approves: payout accounts, closing the company."""

from collections.abc import Callable

from flask import Response, flash, make_response, url_for
from flask_babel import gettext
from flask_login import current_user
from htmx_flask import request
from werkzeug.exceptions import NotFound

from portal import clock
from portal.collection import closing
from portal.companies import accounts, acts, members
from portal.creditor import access
from portal.creditor.forms_company import AccountForm
from portal.creditor.views import creditor
from portal.database import files
from portal.extensions import db, limiter
from portal.identity import people
from portal.messages import RedaError
from portal.signing import approvals
from portal.signing.models import Approval
from portal.signing.starting import PAGES
from portal.web.forms import text
from portal.web.orders import is_phone
from portal.web.rendering import go, render


@creditor.get("/<key>/approvals")
def list_approvals() -> Response:
    """What waits for a second administrator, and what became of the rest."""
    creditor_id = access.role().creditor_id
    return render(
        "creditor/approvals.html",
        approvals=approvals.of_company(creditor_id),
        now=clock.now(),
        has_second=has_second(),
    )


def has_second() -> bool:
    """Whether there is somebody to approve what an administrator proposes."""
    return len(members.administrators(access.role().creditor_id, clock.today())) > 1


@creditor.get("/<key>/approvals/<approval_key>")
def show_approval(approval_key: str) -> Response:
    """What is proposed, word for word, and what the reader may do about it."""
    return _page(_approval(approval_key))


@creditor.post("/<key>/approvals/<approval_key>")
@limiter.limit("10 per minute")
def approve(approval_key: str) -> Response:
    """Start to sign with BankID; only the reader's own BankID can do it."""
    access.require_administrator()
    approval = _approval(approval_key)
    try:
        purpose = approvals.purpose(approval, current_user, now=clock.now())
    except RedaError as error:
        flash(text(error), "warn")
        return go(url_for("creditor.show_approval", approval_key=approval_key))
    return PAGES.start(purpose)


@creditor.post("/<key>/approvals/<approval_key>/refuse")
def refuse(approval_key: str) -> Response:
    """Turn it down with a reason, or take one's own back."""
    access.require_administrator()
    _approval(approval_key)
    try:
        approvals.refuse(
            approval_key, request.form.get("reason", ""), actor=access.actor(), now=clock.now()
        )
    except RedaError as error:
        db.session.rollback()
        return _page(_approval(approval_key), error)
    db.session.commit()
    return go(url_for("creditor.show_approval", approval_key=approval_key))


@creditor.get("/<key>/approvals/<approval_key>/<part>")
def fetch_evidence(approval_key: str, part: str) -> Response:
    """The sealed proof of an approval, or its signature or OCSP response as BankID gave it."""
    # The signer's certificate tells their identity number.
    access.require_administrator()
    approval = _approval(approval_key)
    evidence = {**(approval.evidence or {})}
    if sealed := approvals.sealed_sha256(approval):
        evidence["sealed_sha256"] = sealed
    kinds = {
        "evidence.pdf": ("sealed_sha256", "application/pdf"),
        "signature.xml": ("xml_sha256", "application/xml"),
        "ocsp.der": ("ocsp_sha256", "application/ocsp-response"),
    }
    if part not in kinds or kinds[part][0] not in evidence:
        raise NotFound
    which, mimetype = kinds[part]
    headers = {
        "Content-Type": mimetype,
        "Content-Disposition": f'attachment; filename="{approval_key}-{part}"',
    }
    return make_response(files.read(evidence[which]), 200, headers)


@creditor.get("/<key>/company/accounts/new")
def new_account() -> Response:
    """A form to propose an account."""
    access.require_administrator()
    return _account_page(AccountForm(formdata=None))


@creditor.post("/<key>/company/accounts/new")
def propose_account() -> Response:
    """Propose an account; another administrator approves it."""
    access.require_administrator()
    form = AccountForm()
    if not form.validate():
        return _account_page(form, 422)
    values = {name: form[name].data for name in ("kind", "number", "holder", "currency")}
    try:
        key = acts.propose_account(
            access.role().creditor_id, values, is_used=bool(form.is_used.data),
            actor=access.actor(), now=clock.now(),
        )  # fmt: skip
    except RedaError as error:
        db.session.rollback()
        form.take(error)
        return _account_page(form, error.status)
    return _proposed(key)


@creditor.post("/<key>/company/accounts/<account_key>/<change>")
def propose_account_change(account_key: str, change: str) -> Response:
    """Propose to use an account, or to remove it."""
    access.require_administrator()
    kind = {"use": acts.USE, "remove": acts.REMOVE}.get(change)
    known = {one.key for one in accounts.of_company(access.role().creditor_id)}
    if kind is None or account_key not in known:
        raise NotFound
    return _propose(
        lambda: acts.propose_change(
            access.role().creditor_id, kind, account_key, actor=access.actor(), now=clock.now()
        ),
        url_for("creditor.show_company", _anchor="card-accounts"),
    )


@creditor.get("/<key>/company/close")
def show_closing() -> Response:
    """What happens when the company is closed, or opened again."""
    creditor_id = access.role().creditor_id
    return render(
        "creditor/closing.html",
        company=people.company(creditor_id),
        cases=closing.open_cases(creditor_id),
        waiting=approvals.waiting(creditor_id, "company."),
        has_second=has_second(),
    )


@creditor.post("/<key>/company/close")
def propose_closing() -> Response:
    """Propose to close the company, or to open it again."""
    access.require_administrator()
    creditor_id, actor, now = access.role().creditor_id, access.actor(), clock.now()
    if people.company(creditor_id).closed_at is not None:
        return _propose(
            lambda: acts.propose_reopening(creditor_id, actor=actor, now=now),
            url_for("creditor.show_closing"),
        )
    return _propose(
        lambda: acts.propose_closing(
            creditor_id, request.form.get("cases", ""), actor=actor, now=now
        ),
        url_for("creditor.show_closing"),
    )


def _propose(act: Callable[[], str], back: str) -> Response:
    try:
        key = act()
    except RedaError as error:
        db.session.rollback()
        flash(text(error), "warn")
        return go(back)
    return _proposed(key)


def _proposed(key: str) -> Response:
    db.session.commit()
    flash(gettext("It is proposed. Nothing changes before another administrator approves."), "good")
    return go(url_for("creditor.show_approval", approval_key=key))


def _approval(key: str) -> Approval:
    found = approvals.find(key)
    if found is None or found.creditor_id != access.role().creditor_id:
        raise NotFound
    return found


def _page(approval: Approval, error: RedaError | None = None) -> Response:
    is_own = approval.proposed_by == current_user.id
    is_open = approvals.is_open(approval, clock.now())
    lines = approval.text.splitlines()
    return render(
        "creditor/approval.html",
        status=error.status if error else 200,
        approval=approval,
        state=approval.status if is_open or approval.status != "waiting" else "expired",
        heading=lines[0].removeprefix("# "),
        lines=[line.removeprefix("+ ").partition(": ") for line in lines[2:]],
        is_own=is_own,
        may_approve=is_open and access.role().is_administrator and not is_own,
        may_withdraw=is_open and access.role().is_administrator and is_own,
        has_second=has_second(),
        is_sealed=approvals.sealed_sha256(approval) is not None,
        error=error,
        is_phone=is_phone(),
    )


def _account_page(form: AccountForm, status: int = 200) -> Response:
    return render("creditor/account.html", status=status, form=form, has_second=has_second())
