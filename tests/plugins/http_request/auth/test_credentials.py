from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from jackfield import JsonObject
from jackfield_http_request.options import HttpRequestOptions
from tests.destinations.kit import Received, Reply
from tests.plugins.http_request.service import Service, http_request, passed, step

LINE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
URL = "https://crm.example.ru/api"
CREDENTIALS: dict[str, dict[str, Any]] = {
    "basic": {"basic": {"username": "anna", "password": "s3cret"}},
    "bearer": {"bearer": "s3cret"},
    "header": {"header": {"name": "X-Api-Key", "value": "s3cret"}},
    "accept": {"header": {"name": "Accept-Key", "value": "s3cret"}},
    "agent": {"header": {"name": "User-Agent", "value": "s3cret"}},
    "query": {"query": {"name": "api_key", "value": "s3cret"}},
}


def received(path: str = "/", **options: Any) -> Received:
    async def main() -> Received:
        service = Service()
        async with service.serving(), http_request() as action:
            await action.run(HttpRequestOptions.model_validate({"url": service.url + path} | options), step())
        [one] = service.received
        return one

    return asyncio.run(main())


def redirected(auth: Mapping[str, Any], *, away: bool) -> list[Received]:
    async def main() -> list[Received]:
        service = Service()
        async with service.serving(), http_request() as action:
            target = f"{service.elsewhere if away else ''}/there"
            service.troubles.append(Reply(307, headers={"Location": target}))
            options = {"url": f"{service.url}/here", "redirects": "all", "auth": auth}
            await action.run(HttpRequestOptions.model_validate(options), step())
        return service.received

    return asyncio.run(main())


def test_a_header_of_any_name_carries_the_secret() -> None:
    auth = {"header": {"name": "X-Api-Key", "value": "ключ: 1"}}
    assert received(auth=auth).headers["x-api-key"] == "ключ: 1"


def test_a_header_that_is_sent_by_itself_is_replaced() -> None:
    auth = {"header": {"name": "User-Agent", "value": "known-to-you"}}
    assert received(auth=auth).headers["user-agent"] == "known-to-you"


@settings(max_examples=25)
@given(LINE.filter(bool), LINE)
def test_a_parameter_is_added_to_the_query(name: str, value: str) -> None:
    auth = {"query": {"name": name, "value": value}}
    query = received("/?x=1", query={"y": "2", "z": ""}, omit_empty=True, auth=auth).query
    assert parse_qsl(query, keep_blank_values=True, strict_parsing=True) == [("x", "1"), ("y", "2"), (name, value)]


@pytest.mark.parametrize("kind", CREDENTIALS)
def test_another_origin_does_not_get_the_credential(kind: str) -> None:
    here, there = redirected(CREDENTIALS[kind], away=True)
    secrets = ("s3cret", b64encode(b"anna:s3cret").decode())
    assert any(secret in repr(here) for secret in secrets)
    assert not any(secret in repr(there) for secret in secrets)


@pytest.mark.parametrize("kind", ["basic", "bearer", "header"])
def test_the_same_origin_gets_the_header_again(kind: str) -> None:
    here, there = redirected(CREDENTIALS[kind], away=False)
    name = "x-api-key" if kind == "header" else "authorization"
    assert here.headers[name] == there.headers[name]


@pytest.mark.parametrize(
    ("auth", "words"),
    [
        ({}, "give basic, bearer, header, query, digest or oauth2"),
        ({"bearer": None}, "comes to null"),
        (CREDENTIALS["bearer"] | CREDENTIALS["query"], "not both"),
        ({"header": {"name": "X A", "value": "b"}}, "cannot be a header's name"),
        ({"header": {"name": "X-A\r\nX-B", "value": "b"}}, "cannot be a header's name"),
        ({"header": {"name": "Content-Length", "value": "5"}}, "is set by itself"),
        ({"header": {"name": "X-A", "value": "b\n"}}, "line break"),
        ({"query": {"name": "", "value": "b"}}, "must not be empty"),
        ({"query": {"name": "a\nb", "value": "b"}}, "one line"),
        ({"query": {"name": "a", "value": "b\x00"}}, "one line"),
        ({"digest": {"username": 'a"b', "password": "c"}}, "no colon, quote, backslash"),
        ({"digest": {"username": "a\nb", "password": "c"}}, "no colon, quote, backslash"),
    ],
)
def test_a_mistake_is_an_error_that_says_what_to_do(auth: JsonObject, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        HttpRequestOptions.model_validate({"url": URL, "auth": auth})


def test_a_header_is_not_given_twice() -> None:
    options = {"url": URL, "headers": {"x-api-key": "a"}, "auth": CREDENTIALS["header"]}
    with pytest.raises(ValidationError, match="either auth or the header x-api-key"):
        HttpRequestOptions.model_validate(options)
    HttpRequestOptions.model_validate(options | {"headers": {"Authorization": "a"}})


@pytest.mark.parametrize(
    "kind", ['query = { name = "k", value = "{0}" }', 'header = {{ name = "X-K", value = "{0}" }}']
)
def test_the_journal_has_a_credential_in_no_spelling(tmp_path: Path, kind: str) -> None:
    secret = "k/ey +ключ~"
    service = Service(echo=True)
    auth = kind.replace("{0}", "{{ secret.KEY }}").replace("{{ name", "{ name").replace('" }}', '" }')
    view = passed(tmp_path, service, f"auth = {{ {auth} }}", KEY=secret)
    assert secret in (service.received[0].headers.get("x-k") or dict(parse_qsl(service.received[0].query))["k"])
    for spelling in (secret, quote(secret, safe=""), quote(secret), "%2Fey"):
        assert spelling not in repr(view)
    assert "***" in repr(view.attempts[0].result)
