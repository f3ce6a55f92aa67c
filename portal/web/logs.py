"""Logs as JSON lines without personal data.

What is logged of a request: method, the rule of the route (never the address itself, which holds
references), status, time and the number that an error page shows.
"""

import logging
import secrets
import sys
import time

import structlog
from flask import Flask, Response, g, request

# Keys that must never reach a log, whoever adds them.
_PERSONAL = ("identity_number", "personal_number", "name", "address", "email", "phone", "code")


def _without_personal_data(
    logger: object, method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    for key in list(event):
        if key in _PERSONAL:
            event[key] = "(left out)"
    return event


def configure() -> None:
    """Write every log line as JSON to standard error."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for noisy in ("httpx", "weasyprint", "fontTools", "procrastinate"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_personal_data,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def init_app(app: Flask) -> None:
    """Number every request, and log how it went."""
    log = structlog.get_logger()

    @app.before_request
    def _number() -> None:
        g.reference = secrets.token_hex(4)
        g.started = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=g.reference)

    @app.after_request
    def _log(response: Response) -> Response:
        if request.endpoint != "static" and not app.testing:
            log.info(
                "request",
                method=request.method,
                route=request.url_rule.rule if request.url_rule else None,
                status=response.status_code,
                ms=round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000),
            )
        return response
