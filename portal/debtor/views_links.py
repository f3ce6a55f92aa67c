"""In by a link from an e-mail, a text message or a digital letter."""

import secrets
from hmac import compare_digest

from flask import Response, current_app, url_for
from htmx_flask import request

from portal import clock
from portal.collection import entry_links
from portal.debtor import access
from portal.debtor.views import debtor
from portal.extensions import csrf, db, limiter
from portal.web import languages
from portal.web.rendering import go, render

# Known to the browser that looked at the link, and to no other site: it stands for the token that
# other forms have in their session, for this page may lie open for days before it is pressed.
_COOKIE = "reda_link"
_LASTS = 14 * 24 * 3600


@debtor.get("/l/<token>")
@limiter.limit("60 per minute")
def show_link(token: str) -> Response:
    """Ask whether to open the case; programs look at links before people do."""
    link = entry_links.find(token, now=clock.now())
    if link and link.case_id in access.opened():
        return go(url_for("debtor.show_case", reference=link.reference))
    if link and link.language and not request.args.get("lang") and not languages.is_chosen():
        return go(url_for("debtor.show_link", token=token, lang=link.language))
    return _ask(token) if link and link.is_open else _ended(link)


def _ask(token: str, *, status: int = 200) -> Response:
    browser = request.cookies.get(_COOKIE) or secrets.token_urlsafe(24)
    response = render("debtor/link.html", status=status, token=token, browser=browser)
    response.set_cookie(
        _COOKIE, browser, max_age=_LASTS, httponly=True, samesite="Lax", path="/l/",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )  # fmt: skip
    return response


@debtor.post("/l/<token>")
@csrf.exempt
@limiter.limit("30 per minute")
def open_link(token: str) -> Response:
    """Open the case, and use the link up."""
    known, said = request.cookies.get(_COOKIE, ""), request.form.get("browser", "")
    if not known or not compare_digest(known.encode(), said.encode()):
        # The cookie has ended, or another site sends the form.
        return _ask(token, status=400)
    try:
        link = entry_links.open_case(token, browser=known, now=clock.now())
    except entry_links.LinkEnded:
        db.session.rollback()
        return _ended(entry_links.find(token, now=clock.now()))
    db.session.commit()
    access.open_cases([link.case_id])
    return go(url_for("debtor.show_case", reference=link.reference))


@debtor.post("/l/<token>/new")
@limiter.limit("10 per hour")
def renew_link(token: str) -> Response:
    """Send a new link to where the case can be written to."""
    try:
        is_sent = entry_links.renew(token, language=languages.current().code, now=clock.now())
    except entry_links.LinkEnded:
        db.session.rollback()
        return _ended(None)
    db.session.commit()
    return _ended(entry_links.find(token, now=clock.now()), is_sent=is_sent)


def _ended(link: entry_links.Link | None, *, is_sent: bool = False) -> Response:
    return render(
        "debtor/link_ended.html", status=200 if is_sent else 410 if link else 404,
        link=link, is_sent=is_sent, token=request.view_args["token"] if request.view_args else "",
    )  # fmt: skip
