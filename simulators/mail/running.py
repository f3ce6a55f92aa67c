"""The mail server and its page, started and stopped together."""

import ssl
from asyncio import Server
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from simulators import serving
from simulators.mail.box import Box
from simulators.mail.pages import create_pages


@dataclass(frozen=True)
class Running:
    """A running simulator. box: what came. pages: its web server, with `url`."""

    box: Box
    smtp: "_Controller"
    pages: serving.Server

    @property
    def port(self) -> int:
        """Where it takes mails."""
        return self.smtp.bound_port

    def stop(self) -> None:
        """End both servers."""
        self.smtp.stop()
        self.pages.stop()


class _Handler:
    """What aiosmtpd asks when a mail comes."""

    def __init__(self, box: Box) -> None:
        self._box = box

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self._box.answer()
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(  # noqa: N802 - the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.original_content or b""
        message = message_from_bytes(content, policy=default)
        assert isinstance(message, EmailMessage)
        self._box.take(
            message,
            envelope.mail_from or "",
            tuple(envelope.rcpt_tos),
            is_encrypted=session.ssl is not None,
            user=session.auth_data if isinstance(session.auth_data, str) else None,
        )
        return "250 OK, kept"


class _Controller(Controller):
    """A server that finds out itself which port it got, where any would do."""

    @property
    def bound_port(self) -> int:
        assert isinstance(self.server, Server)
        port: int = self.server.sockets[0].getsockname()[1]
        return port

    def stop(self, no_assert: bool = True) -> None:
        """Take no more mails; also when it is stopped already."""
        if self.server is not None:
            super().stop(no_assert=no_assert)

    def _trigger_server(self) -> None:
        self.port = self.bound_port
        super()._trigger_server()


def start(
    *,
    port: int = 0,
    page_port: int = 0,
    certificate: Path | None = None,
    key: Path | None = None,
    user: str | None = None,
    password: str | None = None,
) -> Running:
    """Start on the loopback interface; port 0 takes a free one.

    certificate, key: PEM files; with them it offers STARTTLS. user, password: with them it takes
    mails only from who has logged in, over TLS.
    """
    box = Box()

    def authenticate(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        given = data if isinstance(data, LoginPassword) else LoginPassword(b"", b"")
        is_right = given == LoginPassword((user or "").encode(), (password or "").encode())
        return AuthResult(success=is_right, handled=is_right, auth_data=user)

    options: dict[str, Any] = {}
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        options |= {"tls_context": context, "require_starttls": True}
    if user:
        options |= {"authenticator": authenticate, "auth_required": True}
    smtp = _Controller(_Handler(box), hostname="127.0.0.1", port=port, **options)
    smtp.start()
    # Last, because its answer means that both are ready.
    try:
        pages = serving.serve(create_pages(box), "127.0.0.1", page_port)
    except OSError:
        smtp.stop()
        raise
    return Running(box, smtp, pages)
