"""Errors as calm pages: what happened, what to do, a number to ask by, no stack trace."""

import secrets

import structlog
from flask import Flask, Response, g, jsonify, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from portal.extensions import db
from portal.messages import RedaError
from portal.web.rendering import render

log = structlog.get_logger()
_PAGES = {400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503}


def _reference() -> str:
    reference: str = g.get("reference") or secrets.token_hex(4)
    return reference


def answer(status: int, problem: object = None) -> Response:
    """The error page of a status, or the same as JSON to a machine.

    problem: a portal.messages.Problem that says more, or None.
    """
    reference = _reference()
    if request.blueprint == "api":
        response = jsonify(status=status, reference=reference)
        response.status_code = status
        return response
    page = status if status in _PAGES else (500 if status >= 500 else 400)
    return render(f"errors/{page}.html", status=status, reference=reference, problem=problem)


def init_app(app: Flask) -> None:
    """Answer every error with its page."""

    @app.errorhandler(CSRFError)
    def _csrf(error: CSRFError) -> Response:
        return answer(400)

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        if error.response is not None:
            return error.response  # type: ignore[return-value]
        response = answer(error.code or 500)
        for name, value in error.get_headers():
            if name.lower() in ("retry-after", "allow"):
                response.headers[name] = value
        return response

    @app.errorhandler(RedaError)
    def _refused(error: RedaError) -> Response:
        db.session.rollback()
        return answer(error.status, error.problem)

    @app.errorhandler(Exception)
    def _unexpected(error: Exception) -> Response:
        db.session.rollback()
        log.error("unexpected", exc_info=error, reference=_reference())
        return answer(500)
