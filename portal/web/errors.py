"""Errors as calm pages: what happened, what to do, a number to ask by, no stack trace."""

import secrets

import structlog
from flask import Flask, Response, current_app, g, jsonify, redirect
from flask_wtf.csrf import CSRFError
from htmx_flask import request
from sqlalchemy.exc import DataError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response as BaseResponse

from portal.extensions import db
from portal.messages import Problem, RedaError
from portal.web.forms import text
from portal.web.rendering import render

log = structlog.get_logger()
_PAGES = {400, 403, 404, 405, 413, 422, 429, 500}


def _reference() -> str:
    reference: str = g.get("reference") or secrets.token_hex(4)
    return reference


def _page_before() -> str | None:
    """The page of ours that the person came from, unless it is the one that has just failed."""
    before = request.referrer or ""
    # The address of this host ends with a slash, so that no other host begins with it.
    if not before.startswith(request.host_url):
        return None
    return None if request.method == "GET" and before == request.url else before


def _page_above() -> str | None:
    """The page nearest above an address that a form alone leads to, with the query as it is.

    The browser stands at such an address when a form came back with an error, and asks for it again
    in another language or when the page is loaded anew.
    """
    if request.method not in ("GET", "HEAD"):
        return None
    routes = current_app.url_map.bind_to_environ(request.environ)
    parts = request.path.strip("/").split("/")
    for kept in range(len(parts) - 1, 0, -1):
        path = "/" + "/".join(parts[:kept])
        try:
            routes.match(path, method="GET")
        except (NotFound, MethodNotAllowed, RequestRedirect):
            continue
        query = request.query_string.decode("ascii", "ignore")
        return f"{path}?{query}" if query else path
    return None


def answer(status: int, problem: Problem | None = None) -> Response:
    """The error page of a status, or the same as JSON to a machine.

    problem: what a room says of it, shown instead of the page's own explanation.
    """
    reference = _reference()
    if request.blueprint == "api":
        response = jsonify(status=status, reference=reference)
        response.status_code = status
        return response
    nearest = 422 if problem else (500 if status >= 500 else 400)
    response = render(
        f"errors/{status if status in _PAGES else nearest}.html",
        status=status,
        reference=reference,
        message=text(problem) if problem else None,
        page_before=_page_before(),
        layout="errors/notice.html" if request.htmx else "layouts/quiet.html",
    )
    # htmx shows it above what the person was doing, so that nothing written is lost.
    response.headers["HX-Retarget"] = "#problem"
    response.headers["HX-Reswap"] = "innerHTML"
    return response


def init_app(app: Flask) -> None:
    """Answer every error with its page."""

    @app.before_request
    def _no_text() -> None:
        # No text of the database's can hold it; looked up, it would look as a fault of ours.
        if "\0" in request.path or b"%00" in request.query_string:
            raise NotFound

    @app.errorhandler(CSRFError)
    def _csrf(error: CSRFError) -> Response:
        return answer(400)

    @app.errorhandler(MethodNotAllowed)
    def _only_by_a_form(error: MethodNotAllowed) -> BaseResponse:
        above = _page_above()
        return redirect(above, 303) if above else _http(error)

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        if error.response is not None:
            return error.response  # type: ignore[return-value]
        response = answer(error.code or 500)
        for name, value in error.get_headers():
            if name.lower() in ("retry-after", "allow"):
                response.headers[name] = value
        return response

    @app.errorhandler(DataError)
    def _unkeepable(error: DataError) -> Response:
        # A number that no row has, or a sign that no text can hold: no page of ours asks so.
        db.session.rollback()
        # Not its words, which may have what somebody wrote.
        log.warning("data.refused", problem=type(error.orig).__name__, reference=_reference())
        return answer(404 if request.method in ("GET", "HEAD") else 400)

    @app.errorhandler(RedaError)
    def _refused(error: RedaError) -> Response:
        db.session.rollback()
        return answer(error.status, error.problem)

    @app.errorhandler(Exception)
    def _unexpected(error: Exception) -> Response:
        db.session.rollback()
        log.error("unexpected", exc_info=error, reference=_reference())
        return answer(500)
