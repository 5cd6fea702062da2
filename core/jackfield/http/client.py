"""The HTTP client lent to actions: one pool of connections, guarded and recorded.

httpx is what actions see, aiohttp is what sends: httpx's own transport costs several times more under concurrency. The
transport between them is written here because what is sent must be what was asked for, octet for octet: repeated
headers stay apart, a URL is not quoted anew, and nothing is added that the journal does not show.
"""

from __future__ import annotations

import os
import socket
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import aiohttp
import httpx
from multidict import CIMultiDict
from structlog.typing import FilteringBoundLogger
from yarl import URL

from jackfield.components.base import ActionContext
from jackfield.components.values import Exchange, Route
from jackfield.http.address_guard import AddressGuard, AddressRefused
from jackfield.http.connection import Answer, Connector
from jackfield.http.failures import ROUTE, failure_of, refusal_of
from jackfield.http.recording import ExchangeRecorder, Masking, RawHeaders
from jackfield.http.tls import TlsContexts, usual_context
from jackfield.http.upload import PIECE, Upload

_TIMEOUT: Final = httpx.Timeout(60, connect=10, pool=None)


class HttpPool:
    """The connections of one host process to all destinations.

    `allow` is what the address guard lets through: networks, addresses, host names; ValueError if one is none of
    these. `body_cap` is how many bytes of a body a recording keeps, `folder` where the files of a `Route` are.
    """

    def __init__(self, *, allow: Sequence[str] = (), body_cap: int = 64_000, folder: Path = Path()) -> None:
        self._drafts: ContextVar[list[ExchangeRecorder] | None] = ContextVar("drafts", default=None)
        self._folder = folder
        self._transport = _Transport(AddressGuard(allow), self._drafts, body_cap, TlsContexts(folder))
        self.client: Final[httpx.AsyncClient] = _Client(
            transport=self._transport,
            headers={"User-Agent": f"jackfield/{version('jackfield')}", "Accept-Encoding": "gzip, deflate"},
            timeout=_TIMEOUT,
            trust_env=False,
        )
        """Keeps no cookies, follows no redirects, takes no proxy from the environment, waits 10 s for a connection and
        60 s for each piece of a body or an answer. Answers are decompressed already.

        Raises `DestinationRefused` beside what httpx raises. Messages name the destination's host, never its path or
        query. If the connection closes before any answer, a request of an idempotent method is sent once more.
        """

    @contextmanager
    def recording(self, mask: Masking) -> Iterator[Sequence[Exchange]]:
        """Record what this task, and tasks that it starts, exchange inside the block, in the order of sending.

        The sequence is filled when the block ends, however it ends. `mask` is applied to URLs, header values, bodies
        and errors; credentials and cookies are masked in any case, and a URL is shown without its user and password.
        """
        drafts: list[ExchangeRecorder] = []
        exchanges: list[Exchange] = []
        token = self._drafts.set(drafts)
        try:
            yield exchanges
        finally:
            self._drafts.reset(token)
            exchanges.extend(draft.exchange(mask) for draft in drafts)

    async def allow(self, allow: Sequence[str]) -> None:
        """Let other addresses through from now on; what is under way ends as it began. Raises ValueError as above."""
        await self._transport.guard_by(AddressGuard(allow))

    async def connect(self, host: str, port: int) -> socket.socket:
        """Open a connection for what is not HTTP; see `ActionContext.connect`."""
        try:
            return await self._transport.connect(host, port)
        except AddressRefused as refused:
            raise refusal_of(refused, f"{host}:{port}") from refused

    def lend(self, log: FilteringBoundLogger) -> ActionContext:
        """Return what an action or a notifier works with."""
        return ActionContext(http=self.client, log=log, connect=self.connect, folder=self._folder)

    async def close(self) -> None:
        """Close every connection. Called once, when the last action has ended."""
        await self.client.aclose()


class _NoCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        """Keep nothing: the client is shared by all runs."""


class _Client(httpx.AsyncClient):
    @property
    def cookies(self) -> httpx.Cookies:
        return _NO_COOKIES

    @cookies.setter
    def cookies(self, _: object) -> None:
        raise AttributeError("the client is shared by all actions: send cookies as a header of the request")


_NO_COOKIES: Final = _NoCookies()


@dataclass(slots=True, eq=False)
class _Session:
    """Connections that were opened by one guard, and how many requests use them."""

    client: aiohttp.ClientSession
    requests: int = 0


class _Transport(httpx.AsyncBaseTransport):
    """Sends requests by aiohttp; those to a host name that is allowed go past the guard."""

    def __init__(
        self, guard: AddressGuard, drafts: ContextVar[list[ExchangeRecorder] | None], body_cap: int, tls: TlsContexts
    ) -> None:
        self._guard = guard
        self._drafts = drafts
        self._body_cap = body_cap
        self._tls = tls
        self._ssl = usual_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        self._sessions: dict[bool, _Session] = {}
        self._retired: set[_Session] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        draft = ExchangeRecorder(
            request, f"{url.scheme}://{url.netloc.decode()}{url.raw_path.decode()}", self._body_cap
        )
        drafts = self._drafts.get()
        if drafts is not None:
            drafts.append(draft)
        try:
            answer, session = await self._send(draft)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            failure = failure_of(error, request)
            draft.end(error=str(failure))
            raise failure from error
        draft.status = answer.status
        draft.headers = answer.raw_headers
        headers = [pair for pair in answer.raw_headers if pair[0].lower() != b"content-encoding"]
        return _Response(answer.status, headers=headers, stream=_Answer(answer, draft, partial(self._ended, session)))

    async def aclose(self) -> None:
        for session in (*self._sessions.values(), *self._retired):
            await session.client.close()

    async def connect(self, host: str, port: int) -> socket.socket:
        """Open a connection that the guard has looked at. Raises `AddressRefused` and OSError."""
        return await self._guard.connect(host, port)

    async def guard_by(self, guard: AddressGuard) -> None:
        """Open connections by another guard: none that the old one let through is used for a later request."""
        self._guard = guard
        self._retired.update(self._sessions.values())
        self._sessions = {}
        await self._close_retired()

    async def _ended(self, session: _Session) -> None:
        session.requests -= 1
        await self._close_retired()

    async def _close_retired(self) -> None:
        for session in [one for one in self._retired if not one.requests]:
            self._retired.discard(session)
            await session.client.close()

    async def _send(self, draft: ExchangeRecorder) -> tuple[aiohttp.ClientResponse, _Session]:
        request = draft.request
        timeout = request.extensions.get("timeout", {})
        headers = _one_spelling(request.headers.raw)
        body = _body(request, headers, timeout.get("write"))
        route = request.extensions.get(ROUTE)
        way, next_stop = ({}, request.url) if route is None else await self._way(request, route, headers)
        session = self._session(next_stop)
        sending = session.client.request(
            request.method,
            URL(draft.url, encoded=True),
            headers=headers,
            data=body,
            allow_redirects=False,
            skip_auto_headers=None if "Content-Type" in headers else ("Content-Type",),
            timeout=aiohttp.ClientTimeout(connect=timeout.get("connect"), sock_read=timeout.get("read")),
            **way,
        )
        session.requests += 1
        try:
            return await (body.within(sending) if isinstance(body, Upload) else sending), session
        except BaseException:
            await self._ended(session)
            raise

    async def _way(
        self, request: httpx.Request, route: Route, headers: CIMultiDict[str]
    ) -> tuple[dict[str, Any], httpx.URL]:
        """Return what aiohttp has to be told of a route, and what is connected to. Raises ValueError."""
        url = request.url
        way: dict[str, Any] = {"ssl": await self._tls.get(route)} if route.ca or route.cert else {}
        if not route.proxy:
            return way, url
        if b"%" in url.raw_host and b":" not in url.raw_host:
            raise aiohttp.InvalidURL(url.host)  # the proxy might read it as another host
        self._guard.check_host(url.raw_host.decode())
        proxy_headers = {"User-Agent": headers.get("User-Agent", "")}
        if route.login:
            credentials = "Basic " + b64encode(":".join(route.login).encode()).decode()
            (headers if url.scheme == "http" else proxy_headers)["Proxy-Authorization"] = credentials
        return way | {"proxy": URL(route.proxy), "proxy_headers": proxy_headers}, httpx.URL(route.proxy)

    def _session(self, url: httpx.URL) -> _Session:
        guarded = url.raw_host.decode() not in self._guard.names
        session = self._sessions.get(guarded)
        if session is None:
            factory = self._guard.open_socket if guarded else None
            connector = Connector(limit=0, ssl=self._ssl, socket_factory=factory)
            jar = aiohttp.DummyCookieJar()
            session = _Session(aiohttp.ClientSession(connector=connector, cookie_jar=jar, response_class=Answer))
            self._sessions[guarded] = session
        return session


class _Response(httpx.Response):
    async def aclose(self) -> None:
        """Let go of the stream: httpx's wrapper of it holds this response, and so all that one exchange took up."""
        await super().aclose()
        self.stream = _NOTHING_MORE


_NOTHING_MORE: Final = httpx.ByteStream(b"")


class _Answer(httpx.AsyncByteStream):
    """The body of an answer. Closed before its end, it takes its connection along."""

    def __init__(
        self, answer: aiohttp.ClientResponse, draft: ExchangeRecorder, ended: Callable[[], Coroutine[None, None, None]]
    ) -> None:
        self._answer = answer
        self._draft = draft
        self._ended = ended
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        draft = self._draft
        try:
            async for chunk in self._answer.content.iter_any():
                draft.add(chunk)
                yield chunk
        except (aiohttp.ClientError, OSError) as error:
            failure = failure_of(error, draft.request)
            draft.end(error=str(failure))
            raise failure from error
        self._note()
        draft.end(complete=True)

    async def aclose(self) -> None:
        self._note()
        self._draft.end()
        self._answer.close()
        if not self._closed:
            self._closed = True
            await self._ended()

    def _note(self) -> None:
        """Note down what came behind the answer; that is no failure."""
        if isinstance(self._answer, Answer) and self._answer.stray.seen:
            host = self._draft.request.url.host
            self._draft.note = f"{host} sent more than its answer: the rest was left out"


def _one_spelling(headers: RawHeaders) -> CIMultiDict[str]:
    """Give the headers to aiohttp, which loses repeats of a name that are spelt in different cases."""
    spelling: dict[bytes, str] = {}
    return CIMultiDict(
        [(spelling.setdefault(name.lower(), name.decode("ascii")), value.decode()) for name, value in headers]
    )


def _body(request: httpx.Request, headers: CIMultiDict[str], limit: float | None) -> Any:
    """Give the body to aiohttp in the form that it wants: bytes, piece by piece if they are many, or chunks to come."""
    try:
        content = request.content
    except httpx.RequestNotRead:
        headers.pop("Transfer-Encoding", None)  # aiohttp sets it by itself, and objects to ours
        return request.stream
    return content or None if len(content) < PIECE else Upload(content, limit)
