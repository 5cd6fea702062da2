"""OAuth2 client credentials (RFC 6749, section 4.4): a token is fetched, sent along, and fetched anew if refused."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import quote_plus

import httpx

from jackfield import JsonObject, JsonValue, PermanentFailure
from jackfield_http_request.answers.answer import Answer
from jackfield_http_request.answers.exchange import send
from jackfield_http_request.answers.outcome import failure, is_success
from jackfield_http_request.auth.credentials import OAuth2
from jackfield_http_request.auth.tokens import Token, Tokens
from jackfield_http_request.pairs import percent_encode
from jackfield_http_request.requests.request import assembled, authorized

_LONGEST_ANSWER: Final = 100_000
_ACCESS_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,8000}")  # most servers take no longer header
_ERROR_CODE: Final = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
_UNSTATED_LIFE: Final = 300.0
_LONGEST_LIFE: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class OAuth2Flow(httpx.Auth):
    """Sends a request with a token, and once more with a new one if the answer is 401.

    `conceal` is told of every token before it is used. Raises `TemporaryFailure` and `PermanentFailure` if there is no
    token to be had, and what httpx raises.
    """

    client: OAuth2
    tokens: Tokens
    http: httpx.AsyncClient
    conceal: Callable[[str], None]

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Send the request with a token."""
        token = await self._token(request)
        response = yield authorized(request, f"Bearer {token.value}".encode())
        if response.status_code == httpx.codes.UNAUTHORIZED:
            token = await self._token(request, refused=token)
            yield authorized(request, f"Bearer {token.value}".encode())

    async def _token(self, request: httpx.Request, refused: Token | None = None) -> Token:
        token = await self.tokens.get(self.client, partial(self._fetched, request.extensions), refused=refused)
        self.conceal(token.value)
        return token

    async def _fetched(self, extensions: dict[str, Any]) -> Token:
        """Fetch a token over the same way as the request itself goes: proxy, TLS and timeouts are in `extensions`."""
        try:
            request = _token_request(self.client, self.http.headers.raw, extensions)
            answer = await send(self.http, request, _LONGEST_ANSWER)
        except httpx.InvalidURL as error:  # httpx looks at where a redirect leads as well
            raise PermanentFailure("auth.oauth2.token_url, or where it redirects to, is no web address") from error
        body = answer.body()
        fields = body if isinstance(body, dict) else {}
        host = request.url.host
        if not is_success(answer.status, ("2**",)):
            raise failure(f"the token endpoint {host}", _without_its_words(answer, fields))
        value = fields.get("access_token")
        if not isinstance(value, str) or not _ACCESS_TOKEN.fullmatch(value):
            code = _error_code(fields) or "no access_token in JSON"
            raise PermanentFailure(f"the token endpoint {host} answered {answer.status} without a token: {code}")
        return Token(value, _seconds(fields.get("expires_in")))


def _token_request(client: OAuth2, defaults: list[tuple[bytes, bytes]], extensions: dict[str, Any]) -> httpx.Request:
    secret = client.client_secret.get_secret_value()
    form = [("grant_type", "client_credentials")]
    headers = [pair for pair in defaults if pair[0].lower() != b"accept"]
    headers += [(b"Accept", b"application/json"), (b"Content-Type", b"application/x-www-form-urlencoded")]
    if client.send == "form":
        form += [("client_id", client.client_id), ("client_secret", secret)]
    else:
        user = f"{quote_plus(client.client_id)}:{quote_plus(secret)}"  # RFC 6749, section 2.3.1
        headers.append((b"Authorization", b"Basic " + b64encode(user.encode())))
    form += [(name, value) for name, value in (("scope", client.scope), ("audience", client.audience)) if value]
    content = percent_encode(tuple(form)).encode()
    return assembled("POST", httpx.URL(client.token_url), headers, content, {**extensions, "confidential": True})


def _without_its_words(answer: Answer, fields: JsonObject) -> Answer:
    """Leave of an answer what may be shown: it might repeat the client's secret."""
    headers = httpx.Headers({"Retry-After": answer.headers.get("Retry-After", "")})
    return Answer(answer.status, headers, _error_code(fields).encode())


def _error_code(fields: JsonObject) -> str:
    code = fields.get("error")
    return code if isinstance(code, str) and _ERROR_CODE.fullmatch(code) else ""


def _seconds(expires_in: JsonValue) -> float:
    if isinstance(expires_in, str) and _SECONDS.fullmatch(expires_in):
        expires_in = int(expires_in)
    if isinstance(expires_in, bool) or not isinstance(expires_in, int | float):
        return _UNSTATED_LIFE
    return float(min(max(expires_in, 0), _LONGEST_LIFE))
