"""E-mail by SMTP (RFC 5321): text and HTML of the same words, one connection for many.

A mail's Message-ID is made from its idempotency key, so that one that is handed over twice, because
the power failed in between, is known for the same by mail programs and by us.
"""

import hashlib
import re
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from portal.config import Settings
from portal.messages import N_, RedaError

_SECONDS = 15
# As RFC 5321 has it, without quoted names and comments, which nobody has at an office.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})+")
_LONGEST_LOCAL, _LONGEST = 64, 254
_LONGEST_SUBJECT = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class NotAnAddress(RedaError):
    """What was given is no address that an e-mail can be sent to."""

    def __init__(self, *, field: str | None = None) -> None:
        super().__init__(N_("Write an e-mail address, such as anna@example.com."), field=field)


class Refused(Exception):
    """The server will never take this mail. reason: what to tell an operator, without addresses."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotNow(Exception):
    """The server does not take the mail now. reason: for an operator, without addresses.

    after: how long it asks us to wait, if it does.
    """

    def __init__(self, reason: str, *, after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after = after


@dataclass(frozen=True)
class Mail:
    """An e-mail as it is sent.

    to: an address that `address_of` answered. key: its idempotency key. unsubscribe_url: where the
    reader can stop such mails, for those that they may stop; is_one_click: also by one POST to it
    without more (RFC 8058). attachments: name and bytes of each PDF that goes with it.
    """

    to: str
    subject: str
    text: str
    html: str
    language: str
    key: str
    unsubscribe_url: str | None = None
    is_one_click: bool = False
    attachments: Sequence[tuple[str, bytes]] = ()


def address_of(text: str, *, field: str | None = None) -> str:
    """An address as it is sent to, its domain in ASCII. Raises NotAnAddress.

    field: of the form that it was written in, for the error. Nothing else than one address passes:
    no name, no second address, no line break that would begin another header.
    """
    local, at, domain = text.strip().rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode() if domain else ""
    except UnicodeError:
        raise NotAnAddress(field=field) from None
    address = f"{local}@{ascii_domain.lower()}"
    if (
        not at
        or len(local) > _LONGEST_LOCAL
        or len(address) > _LONGEST
        or not _LOCAL.fullmatch(local)
        or not _DOMAIN.fullmatch(ascii_domain)
    ):
        raise NotAnAddress(field=field)
    return address


def compose(mail: Mail, settings: Settings, *, now: datetime) -> EmailMessage:
    """The message of RFC 5322 that goes over the wire. now: its Date."""
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(settings.service_name, addr_spec=settings.smtp_from)
    message["To"] = Address(addr_spec=mail.to)
    # Nobody reads what comes to the address that mails are sent from.
    message["Reply-To"] = settings.service_email
    message["Subject"] = one_line(mail.subject)
    message["Date"] = now
    message["Message-ID"] = message_id(mail.key, settings)
    # No machine is to answer it: RFC 3834, and what Exchange heeds.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    if mail.unsubscribe_url:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
        if mail.is_one_click:
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    for name, data in mail.attachments:
        message.add_attachment(data, maintype="application", subtype="pdf", filename=one_line(name))
    # Set before the parts are, it would become the first part's.
    message["Content-Language"] = mail.language
    return message


def one_line(text: str) -> str:
    """A text fit for a header: on one line, and not without end."""
    line = " ".join(_CONTROL.sub(" ", text).split())
    return line if len(line) <= _LONGEST_SUBJECT else f"{line[: _LONGEST_SUBJECT - 1]}…"


def message_id(key: str, settings: Settings) -> str:
    """The Message-ID of the mail with an idempotency key, from which the key cannot be told."""
    _, _, domain = settings.smtp_from.rpartition("@")
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"


class Postman:
    """A connection to the server that takes our mails, opened by the first and kept for the next.

    Whoever makes one closes it. A server that cannot be reached is not tried again by the same one:
    a hundred mails must not each wait for the same silence.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._server: smtplib.SMTP | None = None
        self._unreachable: Exception | None = None

    def __enter__(self) -> "Postman":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def hand_over(self, mail: Mail, *, now: datetime) -> None:
        """Give a mail to the server.

        Raises Refused when it will never take it, and OSError or SMTPException when it may later.
        """
        message = compose(mail, self._settings, now=now)
        server = self._connected()
        try:
            server.send_message(message, from_addr=self._settings.smtp_from, to_addrs=[mail.to])
        except smtplib.SMTPRecipientsRefused as error:
            code = next(iter(error.recipients.values()))[0]
            self._refused(code)
        except smtplib.SMTPResponseException as error:
            self._refused(error.smtp_code)
        except (smtplib.SMTPException, OSError):
            self.close()
            raise

    def _refused(self, code: int) -> None:
        reason = f"SMTP {code}"
        # 421: it is closing. Others leave the connection as it was.
        if code == 421:
            self.close()
        # By RFC 5321, 4.2.1: 5yz must not be tried again as it is.
        if 500 <= code < 600:
            raise Refused(reason)
        raise NotNow(reason)

    def _connected(self) -> smtplib.SMTP:
        if self._unreachable is not None:
            raise self._unreachable
        if self._server is not None and self._is_alive(self._server):
            return self._server
        try:
            self._server = self._connect()
        except (smtplib.SMTPException, OSError) as error:
            self._unreachable = _told(error)
            raise self._unreachable from error
        return self._server

    def _connect(self) -> smtplib.SMTP:
        ours = self._settings
        host, port = ours.smtp_host, int(ours.smtp_port)
        context = ssl.create_default_context(cafile=ours.smtp_ca or None)
        if ours.smtp_security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=context)
        else:
            server = smtplib.SMTP(host, port, timeout=_SECONDS)
        try:
            if ours.smtp_security == "starttls":
                server.starttls(context=context)
            if ours.smtp_user:
                server.login(ours.smtp_user, ours.smtp_password)
        except BaseException:
            server.close()
            raise
        return server

    def _is_alive(self, server: smtplib.SMTP) -> bool:
        # Servers hang up on who is silent for some minutes, as while letters are rendered.
        try:
            return bool(server.noop()[0] == 250)
        except (smtplib.SMTPException, OSError):
            self.close()
            return False

    def close(self) -> None:
        """Say good-bye, if there is anybody to say it to."""
        server, self._server = self._server, None
        if server is None:
            return
        try:
            server.quit()
        except (smtplib.SMTPException, OSError):
            server.close()


def _told(error: Exception) -> Exception:
    """An error whose text can be shown to an operator: not the server's, which may quote us."""
    if isinstance(error, smtplib.SMTPResponseException):
        return NotNow(f"{type(error).__name__}: SMTP {error.smtp_code}")
    return error
