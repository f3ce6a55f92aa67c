"""Logs as JSON lines without personal data.

What is logged of a request: method, the rule of the route (never the address itself, which holds
references), status, time and the number that an error page shows. Of an error: its kind and where
it happened, never its text, which may quote what somebody wrote.
"""

import logging
import secrets
import sys
import time
import traceback

import structlog
from flask import Flask, Response, g, request, request_started

# Keys that must never reach a log, whoever adds them.
_PERSONAL = ("identity_number", "personal_number", "name", "address", "email", "phone", "code")


def _without_personal_data(
    logger: object, method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    for key in list(event):
        if key in _PERSONAL:
            event[key] = "(left out)"
    return event


def _where(exc_info: structlog.typing.ExcInfo) -> str:
    """An error's kind and the lines that led to it, also of the errors that it came from."""
    told: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None:
        told.append(
            f"{type(error).__qualname__}\n{''.join(traceback.format_tb(error.__traceback__))}"
        )
        error = error.__cause__ or error.__context__
    return "from ".join(told)


# What is done to each line, whether we log it or a library does.
_PROCESSORS: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _without_personal_data,
    structlog.processors.ExceptionRenderer(_where),
]


def configure() -> None:
    """Write every log line as JSON to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_PROCESSORS,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    quiet = ("httpx", "weasyprint", "fontTools", "procrastinate", "alembic.runtime.plugins")
    for noisy in quiet:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*_PROCESSORS, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def init_app(app: Flask) -> None:
    """Number every request, and log how it went."""
    log = structlog.get_logger()

    # Before all that may turn a request away before its view: it is numbered like any other.
    def _number(sender: Flask, **_: object) -> None:
        g.reference = secrets.token_hex(4)
        g.started = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request=g.reference)

    request_started.connect(_number, app, weak=False)

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
