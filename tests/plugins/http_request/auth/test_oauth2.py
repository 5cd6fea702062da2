from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest
from pydantic import ValidationError

from jackfield import JsonObject, PermanentFailure, TemporaryFailure
from jackfield.journal.records import State
from jackfield_http_request.action import HttpRequest
from jackfield_http_request.options import HttpRequestOptions
from tests.destinations.kit import Received, Reply
from tests.plugins.http_request.service import Service, http_request, passed, step

ID, SECRET = "my app", "cl1ent:s3cret/ключ"
Call = Callable[..., Awaitable[JsonObject]]


class Bank(Service):
    """Has a token endpoint at `/token`, and lets in only with the token that it gave last."""

    def __init__(self, **said: Any) -> None:
        super().__init__(echo=True)
        self.said = {"token_type": "Bearer", "expires_in": 3600} | said
        self.endpoint: list[Reply] = []
        """What the token endpoint answers first, one after the other."""
        self.revoked = False
        self.useless = False

    @property
    def asked(self) -> list[Received]:
        return [received for received in self.received if received.path == "/token"]

    @property
    def token(self) -> str:
        return f"t0ken+{len(self.asked)}/of=day"

    def answer(self, received: Received) -> Reply:
        if received.path == "/token":
            self.revoked = False
            return self.endpoint.pop(0) if self.endpoint else Reply.json(200, {"access_token": self.token} | self.said)
        if self.useless or self.revoked or received.headers.get("authorization") != f"Bearer {self.token}":
            return Reply.json(401, {"message": "who are you?"})
        return super().answer(received)


def calling(bank: Bank, main: Callable[[Call], Awaitable[Any]], **oauth2: str) -> Any:
    """Serve the bank, make one action, and have `main` call it as often as it likes."""

    async def called() -> Any:
        async with bank.serving(), http_request() as action:
            return await main(lambda **more: _call(action, bank, oauth2, more))

    return asyncio.run(called())


async def _call(action: HttpRequest, bank: Bank, oauth2: dict[str, str], more: dict[str, Any]) -> JsonObject:
    client = {"token_url": f"{bank.url}/token", "client_id": ID, "client_secret": SECRET} | oauth2
    options = {"url": f"{bank.url}/api", "auth": {"oauth2": client}} | more
    return await action.run(HttpRequestOptions.model_validate(options), step())


def once(bank: Bank, **oauth2: str) -> JsonObject:
    async def main(call: Call) -> JsonObject:
        return await call()

    result: JsonObject = calling(bank, main, **oauth2)
    return result


def test_a_token_is_fetched_and_sent_along() -> None:
    bank = Bank()
    assert once(bank)["status"] == 200
    asked, called = bank.received
    assert asked.method == "POST"
    assert asked.form() == [("grant_type", "client_credentials"), ("client_id", ID), ("client_secret", SECRET)]
    assert asked.headers["accept"] == "application/json"
    assert "authorization" not in asked.headers
    assert "idempotency-key" not in asked.headers
    assert called.headers["authorization"] == f"Bearer {bank.token}"


def test_the_client_may_show_who_it_is_in_a_header() -> None:
    bank = Bank()
    once(bank, send="basic", scope="read write", audience="https://crm.example.ru")
    asked, _ = bank.received
    assert asked.form()[1:] == [("scope", "read write"), ("audience", "https://crm.example.ru")]
    user = b64decode(asked.headers["authorization"].removeprefix("Basic ")).decode()
    assert [unquote_plus(part) for part in user.split(":")] == [ID, SECRET]


def test_twenty_runs_at_once_fetch_one_token() -> None:
    bank = Bank()

    async def main(call: Call) -> None:
        await asyncio.gather(*(call() for _ in range(20)))
        await call()

    calling(bank, main)
    assert (len(bank.asked), len(bank.received)) == (1, 22)


@pytest.mark.parametrize(
    ("expires_in", "fetched"), [(3600, 1), ("3600", 1), (None, 1), (10**400, 1), (0, 2), (-1, 2), ("0", 2)]
)
def test_a_token_is_kept_as_long_as_it_is_valid(expires_in: object, fetched: int) -> None:
    bank = Bank(expires_in=expires_in)

    async def main(call: Call) -> None:
        await call()
        await call()

    calling(bank, main)
    assert len(bank.asked) == fetched


def test_a_refused_token_is_fetched_anew_once_and_the_request_repeated() -> None:
    bank = Bank()

    async def main(call: Call) -> None:
        await call()
        bank.revoked = True
        await asyncio.gather(*(call(json={"a": 1}) for _ in range(20)))

    calling(bank, main)
    assert len(bank.asked) == 2
    refused, repeated = (bank.received[2], bank.received[-1])
    assert refused.headers["authorization"] != repeated.headers["authorization"]
    assert refused.headers["idempotency-key"] == repeated.headers["idempotency-key"]
    assert refused.body == repeated.body == b'{"a":1}'


def test_a_second_refusal_is_judged_as_any_other() -> None:
    bank = Bank()
    bank.useless = True
    with pytest.raises(PermanentFailure, match=r"answered 401: .*who are you"):
        once(bank)
    assert [received.path for received in bank.received] == ["/token", "/api", "/token", "/api"]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_a_token_endpoint_in_trouble_fails_for_now_and_not_for_the_next(status: int) -> None:
    bank = Bank()
    bank.endpoint.append(Reply(status, SECRET.encode(), {"Retry-After": "7"}))

    async def main(call: Call) -> None:
        with pytest.raises(TemporaryFailure) as caught:
            await call()
        assert str(caught.value) == f"the token endpoint 127.0.0.1 answered {status}"
        assert caught.value.retry_after == timedelta(seconds=7)
        assert (await call())["status"] == 200

    calling(bank, main)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply.json(401, {"error": "invalid_client", "error_description": SECRET}), "answered 401: invalid_client"),
        (Reply.json(400, {"error": SECRET, "client_secret": SECRET}), "answered 400"),
        (Reply.json(400, {"error": {"a": SECRET}}), "answered 400"),
        (Reply.json(400, [SECRET]), "answered 400"),
        (Reply(404, SECRET.encode()), "answered 404"),
        (Reply(302, headers={"Location": "/token"}), "answered 302"),
        (Reply.json(200, {"error": "bad_secret"}), "answered 200 without a token: bad_secret"),
        (Reply.json(200, {"token": SECRET}), "answered 200 without a token: no access_token in JSON"),
        (Reply.json(200, {"access_token": None}), "without a token"),
        (Reply.json(200, {"access_token": ""}), "without a token"),
        (Reply.json(200, {"access_token": "a b"}), "without a token"),
        (Reply.json(200, {"access_token": "a\r\nX: b"}), "without a token"),
        (Reply.json(200, {"access_token": "a" * 8_001}), "without a token"),
        (Reply.json(200, ["access_token"]), "without a token"),
        (Reply(200, b"<html>"), "without a token"),
        (Reply(200, b'{"access_token": "' + b"a" * 200_000), "without a token"),
        (Reply(204), "answered 204 without a token"),
    ],
)
def test_a_token_endpoint_that_gives_none_fails_for_good_and_tells_no_secret(reply: Reply, words: str) -> None:
    bank = Bank()
    bank.endpoint.append(reply)
    with pytest.raises(PermanentFailure, match=words) as caught:
        once(bank)
    assert str(caught.value).startswith("the token endpoint 127.0.0.1 answered")
    assert SECRET not in str(caught.value)
    assert len(bank.received) == 1


def test_a_token_endpoint_that_is_not_there_fails_for_now_and_a_refused_one_for_good() -> None:
    with pytest.raises(TemporaryFailure, match=r"127\.0\.0\.1 cannot be reached"):
        once(Bank(), token_url="http://127.0.0.1:1/token")
    with pytest.raises(PermanentFailure, match=r"169\.254\.169\.254 .* is a link-local address"):
        once(Bank(), token_url="http://169.254.169.254/token")


@pytest.mark.parametrize("location", ["http://[bad/", "http://a:port/", "http://a:99999/", "ftp://a", "//", "\x80"])
def test_wherever_a_token_endpoint_redirects_to_nobody_follows(location: str) -> None:
    bank = Bank()
    bank.endpoint.append(Reply(307, headers={"Location": location}))
    with pytest.raises((PermanentFailure, TemporaryFailure)):
        once(bank)
    assert len(bank.received) == 1


def test_a_token_address_that_cannot_be_used_fails_for_good() -> None:
    with pytest.raises(PermanentFailure, match=r"auth\.oauth2\.token_url"):
        once(Bank(), token_url="http://é..é/token")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"token_url": "crm.example.ru/token"}, "must begin with http"),
        ({"token_url": "ftp://crm.example.ru"}, "must begin with http"),
        ({"token_url": "https://[bad/"}, "must begin with http"),
        ({"token_url": "https://crm.example.ru/\na"}, "one line"),
        ({"token_url": "https://a:b@crm.example.ru/"}, "must not contain a user"),
        ({"client_id": ""}, "must not be empty"),
        ({"client_secret": "a\n"}, "line break"),
        ({"send": "json"}, "'form' or 'basic'"),
    ],
)
def test_a_mistake_is_an_error_that_says_what_to_do(wrong: dict[str, str], words: str) -> None:
    client = {"token_url": "https://crm.example.ru/token", "client_id": "a", "client_secret": "b"} | wrong
    with pytest.raises(ValidationError, match=words):
        HttpRequestOptions.model_validate({"url": "https://crm.example.ru", "auth": {"oauth2": client}})


@pytest.mark.parametrize("far", [True, False])
def test_a_redirect_takes_the_token_to_its_own_origin_only(far: bool) -> None:  # noqa: FBT001
    class Moved(Bank):
        def answer(self, received: Received) -> Reply:
            if received.path == "/api":
                return Reply(307, headers={"Location": f"{self.elsewhere if far else ''}/there"})
            return super().answer(received)

    async def main(call: Call) -> JsonObject:
        return await call(redirects="all", ignore=401)

    bank = Moved()
    assert calling(bank, main)["status"] == (401 if far else 200)
    assert [received.path for received in bank.received] == ["/token", "/api", "/there"]
    assert ("authorization" in bank.received[-1].headers) is not far


def test_the_token_is_fetched_through_the_proxy_of_the_step() -> None:
    class Proxy(Bank):
        def answer(self, received: Received) -> Reply:
            return super().answer(replace(received, path=received.path.removeprefix("http://login.example.ru")))

        @property
        def asked(self) -> list[Received]:
            return [received for received in self.received if received.path == "http://login.example.ru/token"]

    async def main(call: Call) -> JsonObject:
        return await call(url="http://crm.example.ru/api", proxy=proxy.url)

    proxy = Proxy()
    assert calling(proxy, main, token_url="http://login.example.ru/token")["status"] == 200
    assert [received.path for received in proxy.received] == [
        "http://login.example.ru/token",
        "http://crm.example.ru/api",
    ]


OPTIONS = """\
auth = { oauth2 = { token_url = "{url}/token", client_id = "my app", client_secret = "{{ secret.APP }}" } }
body = "tell me all"
[[steps]]
use = "http_request"
name = "later"
url = "{url}/later"
auth = { bearer = "{{ $.steps.http_request.body.headers.authorization | replace('Bearer ', '') }}" }
json = { token = "{{ $.steps.http_request.body.headers.authorization }}" }
"""


def test_the_journal_has_neither_the_token_nor_the_secret(tmp_path: Path) -> None:
    bank = Bank(note="for you alone")
    view = passed(tmp_path, bank, OPTIONS, APP=SECRET)
    assert view.summary.state is State.SUCCEEDED, view.summary.error
    asked, called = view.attempts[0].exchanges
    assert (asked.status, asked.request_body, asked.response_body) == (200, "[confidential]", "[confidential]")
    assert '"authorization": "Bearer ***"' in called.response_body
    assert bank.token in bank.received[2].body.decode()
    for secret in (bank.token, SECRET, "for you alone"):
        assert secret not in repr(view)


def test_a_token_that_was_kept_is_concealed_in_every_run() -> None:
    concealed: list[str] = []

    async def main() -> None:
        bank = Bank()
        async with bank.serving(), http_request() as action:
            client = {"token_url": f"{bank.url}/token", "client_id": ID, "client_secret": SECRET}
            options = HttpRequestOptions.model_validate({"url": f"{bank.url}/api", "auth": {"oauth2": client}})
            told = replace(step(), conceal=concealed.append)
            await action.run(options, told)
            await action.run(options, told)
            assert concealed == [bank.token, bank.token]

    asyncio.run(main())
