"""The request as it goes out: built from options, and built anew when it is redirected."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

import httpx

from jackfield import Step
from jackfield_http_request.auth.credentials import Auth
from jackfield_http_request.options import HttpRequestOptions
from jackfield_http_request.pairs import percent_encode
from jackfield_http_request.requests.body import encode_body
from jackfield_http_request.requests.connection import ROUTE, route_of, without_certificate
from jackfield_http_request.requests.empty import pairs_with_value

RawHeaders: TypeAlias = list[tuple[bytes, bytes]]

_BODILESS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_SAFE: Final = frozenset({"GET", "HEAD"})
_BECOMES_GET: Final = frozenset({301, 302, 303})
_REPLACED: Final = frozenset({b"authorization", b"content-length"})
_OF_ONE_HOP: Final = frozenset({b"host", b"content-length"})
_FOR_ALL_ORIGINS: Final = (b"accept", b"content-", b"user-agent", b"connection")


def build_request(
    options: HttpRequestOptions, step: Step, defaults: RawHeaders, parse: Callable[[str], httpx.URL]
) -> httpx.Request:
    """Build what the options say; headers that they give replace `defaults` and those that are set by themselves.

    Raises httpx.InvalidURL, and ValueError for text that UTF-8 cannot hold.
    """
    content, content_type = encode_body(options)
    automatic = list(defaults)
    if content_type:
        automatic.append((b"Content-Type", content_type))
    if options.idempotency_key:
        automatic.append((b"Idempotency-Key", step.idempotency_key.encode()))
    given = [(name.encode(), value.encode()) for name, value in options.headers]
    if options.auth:
        given += _credential(options.auth)
    names = {name.lower() for name, _ in given}
    headers = [pair for pair in automatic if pair[0].lower() not in names] + given
    return assembled(options.method, parse(_address(options)), headers, content, _extensions(options))


def redirected(request: httpx.Request, status: int, target: httpx.URL, auth: Auth | None) -> httpx.Request:
    """Build the request that follows a redirect.

    301, 302 and 303 turn it into a GET without a body, unless it is a GET or HEAD already. To another origin go only
    the headers that tell no secret: Accept and its like, Content-* and User-Agent, unless `auth` uses one of these.
    The client's certificate is not shown there either.
    """
    method, content = request.method, request.content
    headers = [pair for pair in request.headers.raw if pair[0].lower() not in _OF_ONE_HOP]
    if status in _BECOMES_GET and method not in _SAFE:
        method, content = "GET", b""
        headers = [pair for pair in headers if not pair[0].lower().startswith(b"content-")]
    if origin(target) != origin(request.url):
        own = auth.header_name if auth else None
        headers = [pair for pair in headers if pair[0].lower().startswith(_FOR_ALL_ORIGINS)]
        headers = [pair for pair in headers if pair[0].lower().decode() != own]
        return assembled(method, target, headers, content, without_certificate(request.extensions))
    return assembled(method, target, headers, content, request.extensions)


def origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Return scheme, host and port: what two URLs share if they are of one origin (RFC 6454)."""
    return url.scheme, url.host, url.port  # httpx leaves the scheme's own port out


def authorized(request: httpx.Request, value: bytes) -> httpx.Request:
    """Build the same request with this header `Authorization`; the one that is given stays as it is."""
    headers = [pair for pair in request.headers.raw if pair[0].lower() not in _REPLACED]
    headers.append((b"Authorization", value))
    return assembled(request.method, request.url, headers, request.content, request.extensions)


def assembled(
    method: str, url: httpx.URL, headers: Iterable[tuple[bytes, bytes]], content: bytes, extensions: dict[str, Any]
) -> httpx.Request:
    """Put a request together by hand: httpx's own building costs a fifth of all that a request costs."""
    complete = list(headers)
    if not any(name.lower() == b"host" for name, _ in complete):
        complete.insert(0, (b"Host", url.netloc))
    if content or method not in _BODILESS:
        complete.append((b"Content-Length", b"%d" % len(content)))
    request = httpx.Request(method, url, headers=complete, stream=httpx.ByteStream(content), extensions=extensions)
    request.read()
    return request


def _extensions(options: HttpRequestOptions) -> dict[str, Any]:
    """Return what the host's client has to know beside the request itself."""
    waits = options.timeouts
    timeout = {
        "connect": waits.connect.total_seconds(),
        "read": waits.read.total_seconds(),
        "write": waits.write.total_seconds(),
    }
    if options.proxy or options.tls:
        return {"timeout": timeout, ROUTE: route_of(options.proxy, options.tls)}
    return {"timeout": timeout}


def _address(options: HttpRequestOptions) -> str:
    url = options.url.partition("#")[0]
    query = pairs_with_value(options.query) if options.omit_empty else options.query
    if options.auth and options.auth.query:
        query = (*query, (options.auth.query.name, options.auth.query.value.get_secret_value()))
    if not query:
        return url
    mark = "" if url.endswith(("?", "&")) else "&" if "?" in url else "?"
    return f"{url}{mark}{percent_encode(query)}"


def _credential(auth: Auth) -> RawHeaders:
    """Return the header that shows who it is, none if that takes more than a header."""
    if auth.basic:
        user = f"{auth.basic.username}:{auth.basic.password.get_secret_value()}"
        return [(b"Authorization", b"Basic " + b64encode(user.encode()))]
    if auth.bearer:
        return [(b"Authorization", b"Bearer " + auth.bearer.get_secret_value().encode())]
    if auth.header:
        return [(auth.header.name.encode(), auth.header.value.get_secret_value().encode())]
    return []
