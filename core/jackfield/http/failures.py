"""What went wrong with a request, in httpx's terms and in words that name hosts only."""

from __future__ import annotations

import os
import ssl
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

import aiohttp
import httpx

from jackfield.components.values import Route
from jackfield.errors import DestinationRefused
from jackfield.http.address_guard import AddressRefused
from jackfield.http.upload import NotTakenError

ROUTE: Final = "route"
"""The extension of a request that has a `Route`."""

_FAILURES: Final[Sequence[tuple[type[Exception], type[httpx.TransportError], str]]] = (
    (aiohttp.ClientConnectorDNSError, httpx.ConnectError, "{host} is not known: its name does not resolve"),
    (aiohttp.ClientSSLError, httpx.ConnectError, "{host} cannot be talked to over TLS: {detail}"),
    (aiohttp.ClientConnectorError, httpx.ConnectError, "{host} cannot be reached: {detail}"),
    (aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout, "{host} did not take the connection in time"),
    (NotTakenError, httpx.WriteTimeout, "{host} did not take the request's body in time"),
    (TimeoutError, httpx.ReadTimeout, "{host} did not answer in time"),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError, "{host} closed the connection before it answered"),
    (aiohttp.ClientPayloadError, httpx.RemoteProtocolError, "{host} broke its answer off, or garbled it"),
    (aiohttp.ClientResponseError, httpx.RemoteProtocolError, "{host} did not answer in HTTP: {detail}"),
    (OSError, httpx.NetworkError, "the connection to {host} broke: {detail}"),
    (Exception, httpx.LocalProtocolError, "the request to {host} cannot be sent: {detail}"),
)
"""In this order, the first that fits: what aiohttp raises, what httpx calls it, and what it means."""

_BEFORE_THE_DESTINATION: Final = (
    aiohttp.ClientProxyConnectionError,
    aiohttp.ClientConnectorDNSError,
    aiohttp.ClientHttpProxyError,
)
_TEMPORARY: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


def failure_of(error: Exception, request: httpx.Request) -> Exception:
    """Return what to raise in place of what aiohttp or the guard has raised."""
    url, route = request.url, request.extensions.get(ROUTE)
    proxy = httpx.URL(route.proxy).host if isinstance(route, Route) and route.proxy else ""
    refused = error.__cause__ or error
    if isinstance(refused, AddressRefused):
        for_whom = f"the proxy {proxy}" if proxy and refused is not error else f"{url.scheme}://{url.host}"
        return refusal_of(refused, for_whom)
    if isinstance(error, aiohttp.InvalidURL):
        return DestinationRefused(f"{url.host} is no usable host: write a name, or an address in its usual form")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return _unopened(error, proxy, url.host)
    failure, words = next(row[1:] for row in _FAILURES if isinstance(error, row[0]))
    host = url.host if not proxy else _along_the_way(error, proxy, url.host)
    return failure(words.format(host=host, detail=_detail(error)))


def refusal_of(refused: AddressRefused, for_whom: str) -> DestinationRefused:
    """Return what to raise in place of what the guard has raised."""
    what = f"{refused.address} (for {for_whom}) is {refused.kind}"
    return DestinationRefused(f"{what}; to allow it, put it into [http] allow in jackfield.toml")


def _along_the_way(error: Exception, proxy: str, host: str) -> str:
    return f"the proxy {proxy}" if isinstance(error, _BEFORE_THE_DESTINATION) else f"{host} (through the proxy {proxy})"


def _unopened(error: aiohttp.ClientHttpProxyError, proxy: str, host: str) -> Exception:
    """Say that the proxy does not lead to the host; what it says of the request itself, it will say again."""
    permanent = HTTPStatus(400) <= error.status < HTTPStatus(500) and error.status not in _TEMPORARY
    kind = httpx.LocalProtocolError if permanent else httpx.ProxyError
    return kind(f"the proxy {proxy} answered {error.status} when it was asked for {host}: {error.message}")


def _detail(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientResponseError):
        return error.message.partition("\n")[0]  # str() of it would show the URL
    match error.__cause__ or error:
        case ssl.SSLCertVerificationError(verify_message=str(message)):
            return message
        case ssl.SSLError(reason=str(reason)):
            return reason
        case OSError(errno=int(number)):
            return os.strerror(number)
        case cause:
            return str(cause) if isinstance(cause, OSError | ValueError) else type(cause).__name__
