"""CORS: what lets a page in a browser call the webhook and read the answer (Fetch Standard, section 3.3)."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from jackfield import WebhookRequest

_ORIGIN: Final = re.compile(r"https?://(?:\[[0-9a-f:.]+\]|[^\s/?#@\\:]+)(?::[0-9]{1,5})?")
_NAMES: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*,[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*")
_LONGEST: Final = 1000
_SECONDS: Final = "600"


def read_origin(text: str) -> str:
    """Return an origin as browsers send it, or `*`. Raises ValueError."""
    origin = text.strip().lower().removesuffix("/")
    if origin != "*" and not _ORIGIN.fullmatch(origin):
        raise ValueError(f'{text!r} is not an origin: write "https://school.ru", without a path, or "*"')
    return origin


def cors_headers(
    request: WebhookRequest, origins: Collection[str], methods: Collection[str]
) -> Sequence[tuple[str, str]]:
    """Return the headers that allow the request's origin, if it is one of `origins`."""
    if not origins:
        return ()
    own = request.header("origin")
    anyone = "*" in origins
    vary = () if anyone else (("vary", "Origin"),)
    if own is None or not (anyone or own.lower() in origins):
        return vary
    allowed = ("access-control-allow-origin", "*" if anyone else own)
    return (*vary, allowed, *(_preflight(request, methods) if request.method == "OPTIONS" else ()))


def _preflight(request: WebhookRequest, methods: Collection[str]) -> Sequence[tuple[str, str]]:
    asked = request.header("access-control-request-headers") or ""
    names = (("access-control-allow-headers", asked),) if len(asked) <= _LONGEST and _NAMES.fullmatch(asked) else ()
    methods_allowed = ("access-control-allow-methods", ", ".join(sorted(methods)))
    return (methods_allowed, *names, ("access-control-max-age", _SECONDS))
