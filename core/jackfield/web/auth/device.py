"""The device cookie: a browser in which somebody has logged in before is known, and has tries of its own."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response

from jackfield.web.auth.session import Sessions

DEVICE_COOKIE: Final = "jackfield_device"
_SECONDS: Final = 180 * 24 * 3600
_MOST_USERS: Final = 5


class Devices:
    """Writes and reads device cookies. They let nobody in: whoever has one may only try a password without the others.

    A cookie names the users who have logged in with this browser, each with a random id of its own.
    """

    def __init__(self, key: str, sessions: Sessions) -> None:
        self._serializer = URLSafeTimedSerializer(key, salt="device")
        self._sessions = sessions

    def of(self, request: Request, user: str) -> str | None:
        """Return the id of this browser for this user; None if the user never logged in with it."""
        return next((id for name, id in self._known(request) if name == user), None)

    def remember(self, request: Request, response: Response, user: str) -> None:
        """Let the browser know that this user has logged in with it."""
        known = [one for one in self._known(request) if one[0] != user][: _MOST_USERS - 1]
        said = [(user, self.of(request, user) or secrets.token_urlsafe(12)), *known]
        self._sessions.set_cookie(request, response, DEVICE_COOKIE, str(self._serializer.dumps(said)), _SECONDS)

    def _known(self, request: Request) -> Sequence[tuple[str, str]]:
        text = request.cookies.get(self._sessions.cookie_name(request, DEVICE_COOKIE), "")
        try:
            return [(str(name), str(id)) for name, id in self._serializer.loads(text, max_age=_SECONDS)]
        except (BadData, TypeError, ValueError):
            return []
