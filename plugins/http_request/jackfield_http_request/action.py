"""The action itself: sends the request, follows redirects, judges the answer."""

from __future__ import annotations

from functools import lru_cache
from time import monotonic, perf_counter
from typing import Final

import httpx

from jackfield import (
    Action,
    ActionContext,
    DestinationRefused,
    JsonObject,
    PermanentFailure,
    Step,
    TemporaryFailure,
)
from jackfield_http_request.answers.answer import Answer
from jackfield_http_request.answers.exchange import send, send_as
from jackfield_http_request.answers.extract import extracted
from jackfield_http_request.answers.outcome import is_redirect, is_success
from jackfield_http_request.answers.rules import judge
from jackfield_http_request.auth.credentials import Auth
from jackfield_http_request.auth.digest import DigestFlow
from jackfield_http_request.auth.oauth2 import OAuth2Flow
from jackfield_http_request.auth.tokens import Tokens
from jackfield_http_request.options import HttpRequestOptions
from jackfield_http_request.requests.request import build_request, origin, redirected

_ADDRESSES_REMEMBERED: Final = 64


class HttpRequest(Action[HttpRequestOptions]):
    """Sends one HTTP request; its result is `{status, headers, body, elapsed_ms}`.

    Names in `headers` are lower-case, repeats are joined by a comma. `body` is JSON if the answer is, else text, null
    if it is empty. A body longer than `max_answer` is text up to there, and the result also has `"cut": true`.
    """

    name = "http_request"
    title = {"en": "HTTP request", "ru": "HTTP-запрос"}  # noqa: RUF012 - the interface declares it a ClassVar
    description = {  # noqa: RUF012 - as the title
        "en": "Sends a request to any API and keeps its answer for later steps.",
        "ru": "Отправляет запрос в любой API и сохраняет ответ для следующих шагов.",
    }
    Options = HttpRequestOptions
    http_only = True

    def __init__(self, context: ActionContext) -> None:
        super().__init__(context)
        self._defaults = context.http.headers.raw
        self._tokens = Tokens(monotonic)
        self._parse = lru_cache(_ADDRESSES_REMEMBERED)(httpx.URL)

    async def run(self, options: HttpRequestOptions, step: Step) -> JsonObject:
        """Send the request. Raises `TemporaryFailure` and `PermanentFailure` as the README's table says."""
        began = perf_counter()
        try:
            request = build_request(options, step, self._defaults, self._parse)
        except (httpx.InvalidURL, ValueError) as error:
            raise PermanentFailure(f"the request cannot be built: {error}") from error
        try:
            answer = await self._answer(request, options, self._flow(options.auth, step))
        except (DestinationRefused, httpx.LocalProtocolError, httpx.UnsupportedProtocol) as error:
            raise PermanentFailure(str(error)) from error
        except httpx.InvalidURL as error:  # httpx looks at where a redirect leads, followed or not
            raise PermanentFailure(f"{request.url.host} answered with a redirect to what is no web address") from error
        except httpx.RequestError as error:
            raise TemporaryFailure(str(error)) from error
        elapsed_ms = round((perf_counter() - began) * 1000, 1)
        result = answer.result() | {"elapsed_ms": elapsed_ms}
        if options.extract:
            result["extracted"] = extracted(options.extract, result["body"], request.url.host)
        return result

    def _flow(self, auth: Auth | None, step: Step) -> httpx.Auth | None:
        """Return what shows who it is where a header or a parameter of the request does not do it."""
        if auth and auth.digest:
            return DigestFlow(auth.digest)
        if auth and auth.oauth2:
            return OAuth2Flow(auth.oauth2, self._tokens, self.context.http, step.conceal)
        return None

    async def _answer(self, request: httpx.Request, options: HttpRequestOptions, flow: httpx.Auth | None) -> Answer:
        """Return the answer if it is a success, at the end of all redirects that may be followed.

        `flow` goes along until a redirect leads to another origin.
        """
        for _ in range(options.max_redirects + 1):
            answer = await self._send(request, options.max_answer, flow)
            if is_success(answer.status, options.ignore):
                return answer
            succeeded = is_success(answer.status, options.success)
            if succeeded or not is_redirect(answer):
                judge(request.url.host, answer, options, succeeded=succeeded)
                return answer
            following = _next(request, answer, options)
            flow = flow if origin(following.url) == origin(request.url) else None
            request = following
        raise PermanentFailure(
            f"{request.url.host} redirects more often than max_redirects allows: {options.max_redirects}"
        )

    async def _send(self, request: httpx.Request, limit: int, flow: httpx.Auth | None) -> Answer:
        http = self.context.http
        return await (send_as(flow, http, request, limit) if flow else send(http, request, limit))


def _next(request: httpx.Request, answer: Answer, options: HttpRequestOptions) -> httpx.Request:
    host = request.url.host
    try:
        target = request.url.join(answer.headers["location"])
    except httpx.InvalidURL:
        target = httpx.URL()
    if target.scheme not in ("http", "https") or not target.host:
        raise PermanentFailure(f"{host} answered {answer.status}, a redirect to what is no web address")
    where = f"{host} answered {answer.status}, a redirect to {target.host}"
    if options.redirects == "off":
        raise PermanentFailure(f'{where}, and redirects are off; redirects = "same_origin" or "all" follows them')
    if options.redirects == "same_origin" and origin(target) != origin(request.url):
        raise PermanentFailure(f'{where}, which is another origin; redirects = "all" follows it')
    if request.url.scheme == "https" and target.scheme == "http":
        raise PermanentFailure(f"{where} without TLS; nothing is sent in the clear that was to be encrypted")
    return redirected(request, answer.status, target, options.auth)
