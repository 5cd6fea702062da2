"""The session cookie: signed, expiring, and worth nothing once the user has logged out or the password has changed."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

from jackfield.access.users import User, Users

SESSION_KEY_FILE: Final = "session.key"
SESSION_COOKIE: Final = "jackfield_session"
SESSION_SECONDS: Final = 12 * 3600
"""How long a session lasts without a request; each request that comes in its second half renews it."""
LONGEST_SESSION: Final = 7 * 24 * 3600
"""How long a session lasts at most, however busy: then the password is asked for again."""
_HOST_ONLY: Final = "__Host-"
"""With this prefix a browser takes a cookie only over TLS, from this very host, and for all of it."""


@dataclass(frozen=True, slots=True)
class Session:
    """What one browser's cookie says. `csrf` is in every form that this browser is given; `user` may be nobody."""

    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    user: User | None = None
    began: int = 0
    """When it began, in seconds since 1970; 0: now."""
    fresh: bool = False
    """Whether the browser has it already, and it need not be sent yet."""


class Sessions:
    """Writes sessions into cookies and reads them back."""

    def __init__(self, key: str, users: Users, public_url: str) -> None:
        self._serializer = URLSafeTimedSerializer(key, salt="session")
        self._users = users
        public = urlsplit(public_url)
        self._public_host = _as_browsers_say(public.netloc)
        self._tls = public.scheme == "https"
        self.public_origin: Final = f"{public.scheme}://{self._public_host}"

    def read(self, request: Request) -> Session:
        """Return the session of a request; a new one, of nobody, where it has none that holds."""
        try:
            said, made = self._serializer.loads(
                request.cookies.get(self.cookie_name(request, SESSION_COOKIE), ""),
                max_age=SESSION_SECONDS,
                return_timestamp=True,
            )
            user = self._users.get(said["user"]) if said["user"] else None
            holds = user is None or user.generation == said["generation"]
            if not holds or (said["user"] and user is None):
                return Session()
            now = self._now()
            if now - said["began"] > LONGEST_SESSION:
                return Session()
            return Session(said["csrf"], user, said["began"], fresh=now - made.timestamp() < SESSION_SECONDS / 2)
        except (BadData, KeyError, TypeError):
            return Session()

    def write(self, request: Request, response: Response, session: Session) -> None:
        """Give the browser this session in place of the one it has."""
        self.set_cookie(request, response, SESSION_COOKIE, self.cookie(session), SESSION_SECONDS)

    def cookie_name(self, request: Request, name: str) -> str:
        """Say what a cookie of ours is called in the browser that sends this request."""
        return f"{_HOST_ONLY}{name}" if self._secure(request) else name

    def set_cookie(self, request: Request, response: Response, name: str, value: str, seconds: int) -> None:
        """Give the browser a cookie that no script reads, and that goes over TLS only if the browser came so."""
        response.set_cookie(
            self.cookie_name(request, name),
            value,
            max_age=seconds,
            httponly=True,
            samesite="lax",
            secure=self._secure(request),
        )

    def cookie(self, session: Session) -> str:
        """Write down a session: whoever has this text has the session."""
        user = session.user
        said = {
            "csrf": session.csrf,
            "user": user and user.name,
            "generation": user and user.generation,
            "began": session.began or self._now(),
        }
        return str(self._serializer.dumps(said))

    def _now(self) -> int:
        return int(self._serializer.make_signer(b"").get_timestamp())  # type: ignore[attr-defined]

    def _secure(self, request: Request) -> bool:
        """Tell whether the browser came over TLS, by the name it asked for: TLS ends in front of the host."""
        return self._tls and _as_browsers_say(request.headers.get("host", "")) == self._public_host


def _as_browsers_say(netloc: str) -> str:
    return netloc.lower().removesuffix(":443")
