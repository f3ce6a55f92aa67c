"""Browser sessions kept by us: the cookie is a random token, and ends when we say so.

Flask's own sessions lie in the cookie and can be neither ended nor renewed by the server. Here the
token gets a new value at each sign-in, so that a token planted before it is worth nothing.
"""

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Request, Response, current_app, g, session
from flask.json.tag import TaggedJSONSerializer
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy import delete
from sqlalchemy.orm import Session
from werkzeug.datastructures import CallbackDict

from portal import clock
from portal.database.reading import reading
from portal.extensions import db
from portal.identity.models import BrowserSession

IDLE = timedelta(minutes=30)
# A read only pushes the end onwards this often, so that most requests write nothing.
_PROLONGED = timedelta(minutes=5)

# As the driver takes it: it is sent with every request.
_READ = "select data, expires_at from browser_sessions where token_hash = %s"


def hash_token(token: str) -> bytes:
    """What we keep of a token."""
    return hashlib.sha256(token.encode()).digest()


class StoredSession(CallbackDict[str, Any], SessionMixin):
    """A session whose content lies in the database. as_read: how it was read from there."""

    def __init__(self, content: dict[str, Any], token: str | None, expires_at: datetime | None):
        def changed(session: "StoredSession") -> None:
            session.modified = True

        super().__init__(content, changed)
        self.token = token
        self.expires_at = expires_at
        self.modified = False
        self.as_read = ""
        self.accessed = True
        self.old_token: str | None = None
        # A page that asks again and again says in its address what it shows already.
        self.is_asked_by_page = False

    def renew(self) -> None:
        """Give the session a new token; the old one ends with this response."""
        if self.token:
            self.old_token = self.token
        self.token = None
        self.modified = True


class DatabaseSessions(SessionInterface):
    """Reads and writes sessions in transactions of their own.

    A view that fails and rolls back must not take the session with it, nor may saving the session
    commit what a view left half done.
    """

    serializer = TaggedJSONSerializer()

    def __init__(self, now: Callable[[], datetime] = clock.real_now) -> None:
        self.now = now

    def open_session(self, app: Flask, request: Request) -> StoredSession:
        token = request.cookies.get(self.get_cookie_name(app))
        if token:
            # Not a tenant's: no scope need be entered to read it.
            with reading() as connection:
                row = connection.execute(_READ, [hash_token(token)], prepare=True).fetchone()
            if row is not None and row[1] > self.now():
                found = StoredSession(self.serializer.loads(row[0]), token, row[1])
                found.as_read = row[0]
                found.is_asked_by_page = "seen" in request.args
                return found
        return StoredSession({}, None, None)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        assert isinstance(session, StoredSession)
        name = self.get_cookie_name(app)
        response.vary.add("Cookie")
        if session.old_token or (session.token and not session):
            self._forget(session.old_token or session.token)
        if not session:
            if session.modified:
                # Without Secure a browser would not take it for the cookie of that name (__Host-).
                response.delete_cookie(
                    name,
                    path="/",
                    secure=self.get_cookie_secure(app),
                    httponly=True,
                    samesite="Lax",
                )
            return
        if not (session.modified or self._is_due(session)):
            return
        token = self._keep(session)
        if token is None:
            return
        response.set_cookie(
            name,
            token,
            httponly=True,
            secure=self.get_cookie_secure(app),
            samesite="Lax",
            path="/",
        )

    def _is_due(self, session: StoredSession) -> bool:
        if g.get("leaves_session", False) or session.is_asked_by_page:
            return False
        ends = session.expires_at
        return ends is not None and ends - self.now() < IDLE - _PROLONGED

    def ends_at(self, session: StoredSession) -> datetime | None:
        """When a session ends if nothing more is asked for after this request; None: it is none."""
        if not session:
            return None
        if session.expires_at is None or session.modified or self._is_due(session):
            return self.now() + IDLE
        return session.expires_at

    def _keep(self, session: StoredSession) -> str | None:
        """Write the session; answers its token, or None when it has ended meanwhile.

        A request that was under way while another signed out or in must not bring the session back.
        """
        with Session(db.engine) as writing, writing.begin():
            if session.token is None:
                session.token = secrets.token_urlsafe(32)
                kept = BrowserSession(token_hash=hash_token(session.token))
                writing.add(kept)
            else:
                token_hash = hash_token(session.token)
                found = writing.get(BrowserSession, token_hash, with_for_update=True)
                if found is None:
                    return None
                kept = found
            kept.data = self.serializer.dumps(dict(session))
            kept.expires_at = self.now() + IDLE
        return session.token

    def _forget(self, token: str | None) -> None:
        if token is None:
            return
        with Session(db.engine) as writing, writing.begin():
            writing.execute(
                delete(BrowserSession).where(BrowserSession.token_hash == hash_token(token))
            )


def ends_at() -> datetime | None:
    """When the session of this request ends, as `DatabaseSessions.ends_at` tells."""
    keeper, ours = current_app.session_interface, session._get_current_object()  # type: ignore[attr-defined]
    assert isinstance(keeper, DatabaseSessions)
    return keeper.ends_at(ours)


def prolong() -> None:
    """Let the session last its whole time from now on."""
    session.modified = True


def leave_as_is() -> None:
    """Let this request, which no person made, not put off the end of the session."""
    g.leaves_session = True


def forget_ended(now: datetime) -> int:
    """Delete sessions that have ended; answers how many."""
    ended = db.session.scalars(
        delete(BrowserSession)
        .where(BrowserSession.expires_at <= now)
        .returning(BrowserSession.token_hash)
    )
    return len(ended.all())
