"""The security headers of every answer that is not a webhook's."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
_TLS_ONLY: Final = (b"strict-transport-security", b"max-age=31536000")
_CACHE: Final = b"cache-control"
_STATIC: Final = "/static/"
_OF_FILES: Final = (200, 206, 304)
"""The statuses with which a file is answered; anything else below `/static/` is a page."""


class SecurityHeaders:
    """Adds the headers; an answer that says nothing of caching is not stored by anybody.

    `tls`: the pages are reached by https, and browsers shall not try anything else for a year.
    """

    def __init__(self, app: ASGIApp, *, tls: bool) -> None:
        self._app = app
        self._headers = (*_HEADERS, _TLS_ONLY) if tls else _HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        static = scope["path"].startswith(_STATIC)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], *self._headers]
                if not any(name == _CACHE for name, _ in headers):
                    kept = static and message["status"] in _OF_FILES
                    headers.append((_CACHE, b"no-cache" if kept else b"no-store"))
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, send_with_headers)
