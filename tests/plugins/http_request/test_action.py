from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import tracemalloc
import zlib
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, unquote_to_bytes

import pytest
import structlog
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield import ActionContext, JsonObject, JsonValue, PermanentFailure, Step, TemporaryFailure
from jackfield.http.client import HttpPool
from jackfield_http_request import register_actions
from jackfield_http_request.action import HttpRequest
from jackfield_http_request.options import HttpRequestOptions
from tests.plugins.http_request.wire import Received, read_request
from tests.servers import listening

_STEP = Step(run="r", pipeline="p", name="s", attempt=1, idempotency_key="key-1")
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_PAIRS = st.lists(st.tuples(_TEXT, _TEXT), max_size=4)
_JSON: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=8,
)
_HEADER_VALUE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12).map(str.strip)


Handler = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def _serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await handler(await read_request(reader), writer)
            await writer.drain()

    async with listening(converse, tls=tls) as port:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"


def _answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    length = [] if status == 204 else [f"Content-Length: {len(body)}"]
    return "\r\n".join([f"HTTP/1.1 {status} X", *length, *headers, "", ""]).encode() + body


def _answering(*answers: bytes, seen: list[Received] | None = None) -> Handler:
    left = list(answers)

    async def handler(received: Received, writer: asyncio.StreamWriter) -> None:
        if seen is not None:
            seen.append(received)
        writer.write(left.pop(0) if len(left) > 1 else left[0])

    return handler


async def _run(*allow: str, **options: Any) -> JsonObject:
    pool = HttpPool(allow=allow or ("127.0.0.1",))
    try:
        action = HttpRequest(ActionContext(http=pool.client, log=structlog.get_logger()))
        return await action.run(HttpRequestOptions.model_validate(options), _STEP)
    finally:
        await pool.close()


def _received(path: str = "/", **options: Any) -> Received:
    async def main() -> Received:
        seen: list[Received] = []
        async with _serving(_answering(_answer(200), seen=seen)) as url:
            await _run(url=url + path, **options)
        [received] = seen
        return received

    return asyncio.run(main())


def _result(*answers: bytes, **options: Any) -> JsonObject:
    async def main() -> JsonObject:
        async with _serving(_answering(*answers)) as url:
            return await _run(url=f"{url}/path-token?query-token", **options)

    return asyncio.run(main())


def test_the_plugin_offers_the_action() -> None:
    [action] = register_actions()
    assert action.name == "http_request"


@settings(max_examples=40)
@given(_PAIRS, st.sampled_from(["GET", "POST", "DELETE"]))
def test_a_query_arrives_as_it_was_given(pairs: list[tuple[str, str]], method: str) -> None:
    received = _received("/a?kept=%2B+1", query=[list(pair) for pair in pairs], method=method)
    path, _, query = received.target.partition("?")
    assert (received.method, path, received.body) == (method, "/a", b"")
    assert query.startswith("kept=%2B+1")
    assert parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict") == [("kept", "+ 1"), *pairs]


@settings(max_examples=40)
@given(_PAIRS)
def test_a_form_arrives_as_it_was_given(pairs: list[tuple[str, str]]) -> None:
    received = _received(form=pairs)
    body = received.body.decode("ascii")
    assert parse_qsl(body, keep_blank_values=True, strict_parsing=bool(pairs), errors="strict") == pairs
    assert received.header("content-type") == "application/x-www-form-urlencoded"


@settings(max_examples=40)
@given(_JSON)
def test_json_arrives_as_it_was_given_and_in_utf_8(value: JsonValue) -> None:
    received = _received(json=value)
    assert json.loads(received.body.decode("utf-8", "strict")) == value
    assert b"\\u0" not in received.body or "\\u0" in json.dumps(value, ensure_ascii=False)
    assert received.header("content-type") == "application/json"


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["X-A", "X-B", "x-a"]), _HEADER_VALUE), max_size=4))
def test_headers_arrive_as_they_were_given_repeats_included(headers: list[tuple[str, str]]) -> None:
    received = [(name.lower(), value) for name, value in _received(headers=headers).headers]
    for name in ("x-a", "x-b"):
        given_values = [value for key, value in headers if key.lower() == name]
        assert [value for key, value in received if key == name] == given_values


@settings(max_examples=20)
@given(_TEXT.filter(bool))
def test_a_path_arrives_as_it_was_given(text: str) -> None:
    printable = "".join(character for character in text if character.isalnum() or character in " -_~!;,")
    received = _received(f"/x{printable}x", method="GET")
    assert unquote_to_bytes(received.target).decode("utf-8", "strict") == f"/x{printable}x"


def test_what_is_sent_by_itself_is_replaced_by_what_is_given() -> None:
    headers = {"content-type": "application/vnd.api+json", "User-Agent": "me", "Idempotency-Key": "mine", "Host": "crm"}
    received = _received(json={}, headers=headers)
    assert {name: received.header(name) for name in headers} == headers


def test_a_text_body_says_that_it_is_utf_8() -> None:
    received = _received(body="привет")
    assert received.body.decode() == "привет"
    assert received.header("content-type") == "text/plain; charset=utf-8"


def test_nothing_is_sent_that_nobody_asked_for() -> None:
    received = _received(method="post")
    assert {name.lower() for name, _ in received.headers} == {
        "host", "accept", "accept-encoding", "connection", "user-agent", "idempotency-key", "content-length",
    }  # fmt: skip
    assert (received.header("idempotency-key"), received.header("content-length")) == ("key-1", "0")
    assert (received.header("user-agent") or "").startswith("jackfield/")


def test_the_idempotency_key_can_be_switched_off() -> None:
    assert _received(idempotency_key=False).header("idempotency-key") is None


def test_basic_and_bearer_become_the_header() -> None:
    basic = _received(auth={"basic": {"username": "анна", "password": "п:а"}}).header("authorization") or ""
    assert b64decode(basic.removeprefix("Basic ")).decode() == "анна:п:а"
    assert _received(auth={"bearer": "t0ken"}).header("authorization") == "Bearer t0ken"


@pytest.mark.parametrize(
    "options", [{"json": float("nan")}, {"json": "\ud800"}, {"body": "\ud800"}, {"query": {"a": "\ud800"}}]
)
def test_what_cannot_be_written_is_a_permanent_failure_or_no_option(options: dict[str, Any]) -> None:
    with pytest.raises((PermanentFailure, ValueError)):
        _received(**options)


def test_the_result_has_status_headers_body_and_time() -> None:
    answer = _answer(201, b'\xef\xbb\xbf{"id": 1}', "Content-Type: application/json", "X-A: 1", "X-A: 2")
    result = _result(answer)
    assert result.keys() == {"status", "headers", "body", "elapsed_ms"}
    assert (result["status"], result["body"]) == (201, {"id": 1})
    assert cast(JsonObject, result["headers"])["x-a"] == "1, 2"
    assert cast(float, result["elapsed_ms"]) > 0


def test_no_content_is_null_and_html_is_text() -> None:
    assert _result(_answer(204))["body"] is None
    assert _result(_answer(200, b"<p>ok", "Content-Type: text/html"))["body"] == "<p>ok"


@pytest.mark.parametrize("status", [400, 401, 404, 422, 302, 300])
def test_other_statuses_fail_for_good_and_the_message_tells_no_secret(status: int) -> None:
    with pytest.raises(PermanentFailure, match=f"127.0.0.1 answered {status}: bad") as caught:
        _result(_answer(status, b"bad"))
    assert "token" not in str(caught.value)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_statuses_that_may_pass_fail_for_now(status: int) -> None:
    with pytest.raises(TemporaryFailure, match=f"127.0.0.1 answered {status}") as caught:
        _result(_answer(status, b"", "Retry-After: 7"))
    assert caught.value.retry_after == timedelta(seconds=7)
    assert _result(_answer(status), success=["2**", status])["status"] == status


def test_retry_after_may_be_a_date() -> None:
    when = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    with pytest.raises(TemporaryFailure) as caught:
        _result(_answer(429, b"", f"Retry-After: {when}"))
    assert caught.value.retry_after is not None
    assert timedelta(minutes=55) < caught.value.retry_after <= timedelta(hours=1)


def test_a_success_pattern_that_leaves_200_out_makes_it_a_failure() -> None:
    with pytest.raises(PermanentFailure, match="answered 200"):
        _result(_answer(200), success=202)


async def _close(_: Received, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _break_off(_: Received, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegin")
    await writer.drain()
    writer.close()


async def _stay_silent(_: Received, writer: asyncio.StreamWriter) -> None:
    await writer.wait_closed()


@pytest.mark.parametrize(
    ("handler", "words"),
    [(_close, "closed the connection"), (_break_off, "broke its answer off"), (_stay_silent, "did not answer in time")],
)
def test_a_destination_that_does_not_answer_properly_fails_for_now(handler: Handler, words: str) -> None:
    async def main() -> None:
        async with _serving(handler) as url:
            with pytest.raises(TemporaryFailure, match=words) as caught:
                await _run(url=f"{url}/path-token", timeouts={"read": "200 ms"})
        assert "token" not in str(caught.value)

    asyncio.run(main())


@pytest.mark.parametrize("url", ["http://nobody.invalid/", "http://127.0.0.1:1/", "https://127.0.0.1:1/"])
def test_a_destination_that_is_not_there_fails_for_now(url: str) -> None:
    with pytest.raises(TemporaryFailure):
        asyncio.run(_run(url=url))


def test_no_tls_where_tls_is_wanted_fails_for_now() -> None:
    async def main() -> None:
        async def answer_at_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(_answer(400))

        async with listening(answer_at_once) as port:
            with pytest.raises(TemporaryFailure, match="TLS"):
                await _run(url=f"https://127.0.0.1:{port}/")

    asyncio.run(main())


def test_a_refused_address_fails_for_good_and_says_how_to_allow_it() -> None:
    with pytest.raises(PermanentFailure, match=r"10\.0\.0\.1 .* is a private address; to allow it, put it into"):
        asyncio.run(_run(url="http://10.0.0.1/path-token"))


@contextmanager
def _within(most: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()


def test_an_endless_answer_is_cut_and_does_not_fill_the_memory() -> None:
    async def main() -> None:
        async def pour(_: Received, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\nContent-Type: application/json\r\n\r\n[")
            while not writer.is_closing():
                writer.write(b"1," * 50_000)
                await writer.drain()

        async with _serving(pour) as url:
            with _within(5_000_000):
                result = await _run(url=url, max_answer="100 KB")
        assert result["cut"] is True
        assert isinstance(result["body"], str)
        assert len(result["body"]) == 100_000

    asyncio.run(main())


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip", "deflate", "br", "zstd"])
def test_a_small_answer_that_unpacks_to_a_huge_one_does_not_fill_the_memory(encoding: str) -> None:
    packed = zlib.compress(bytes(50_000_000))
    if "gzip" in encoding:
        packed = gzip.compress(bytes(50_000_000))
    if "," in encoding:
        packed = gzip.compress(packed)
    answer = _answer(200, packed, f"Content-Encoding: {encoding}")
    with _within(5_000_000), suppress(TemporaryFailure):
        assert len(cast(str, _result(answer, max_answer="50 KB")["body"])) <= 50_000


def test_an_answer_of_exactly_the_limit_is_whole() -> None:
    assert "cut" not in _result(_answer(200, b"x" * 1000), max_answer=1000)
    assert _result(_answer(200, b"x" * 1001), max_answer=1000)["cut"] is True


def _redirecting(status: int, seen: list[Received], **options: Any) -> JsonObject:
    async def main() -> JsonObject:
        async with _serving(_answering(_answer(200, b"there"), seen=seen)) as there:
            away = _answering(_answer(status, b"", f"Location: {there}/there?x=1"), seen=seen)
            async with _serving(away) as here:
                return await _run(url=f"{here}/here", **options)

    return asyncio.run(main())


def _redirected_home(status: int, seen: list[Received], **options: Any) -> JsonObject:
    async def main() -> JsonObject:
        answers = (_answer(status, b"", "Location: /there"), _answer(200))
        async with _serving(_answering(*answers, seen=seen)) as url:
            return await _run(url=f"{url}/here", **options)

    return asyncio.run(main())


def test_a_redirect_is_not_followed_unless_asked() -> None:
    seen: list[Received] = []
    with pytest.raises(PermanentFailure, match=r"answered 302, a redirect to 127\.0\.0\.1, and redirects are off"):
        _redirected_home(302, seen)
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("status", "method", "becomes"),
    [
        (301, "POST", "GET"), (302, "PUT", "GET"), (303, "DELETE", "GET"), (303, "HEAD", "HEAD"), (302, "GET", "GET"),
        (307, "POST", "POST"), (308, "PATCH", "PATCH"),
    ],
)  # fmt: skip
def test_a_redirect_keeps_the_method_or_becomes_a_get_without_a_body(status: int, method: str, becomes: str) -> None:
    seen: list[Received] = []
    options = {"json": {"a": 1}} if method not in {"GET", "HEAD"} else {}
    _redirected_home(status, seen, method=method, redirects="same_origin", headers={"X-A": "1"}, **options)
    assert (seen[1].method, seen[1].target, seen[1].header("x-a")) == (becomes, "/there", "1")
    kept = becomes == method
    assert seen[1].body == (seen[0].body if kept else b"")
    assert seen[1].header("content-type") == (seen[0].header("content-type") if kept else None)


def test_another_origin_gets_no_credentials() -> None:
    seen: list[Received] = []
    headers = {"X-Token": "a", "Cookie": "b", "Accept": "application/json", "User-Agent": "me", "Host": "crm"}
    result = _redirecting(307, seen, redirects="all", headers=headers, auth={"bearer": "c"}, json={"a": 1})
    assert result["body"] == "there"
    assert {name.lower() for name, _ in seen[1].headers} == {
        "host", "accept", "accept-encoding", "connection", "user-agent", "content-type", "content-length",
    }  # fmt: skip
    assert (seen[1].header("accept"), seen[1].body) == ("application/json", b'{"a":1}')
    assert (seen[1].header("host") or "").startswith("127.0.0.1:")


def test_another_origin_is_not_followed_where_only_the_same_is_wanted() -> None:
    seen: list[Received] = []
    with pytest.raises(PermanentFailure, match="which is another origin"):
        _redirecting(302, seen, redirects="same_origin")
    assert len(seen) == 1


def test_five_redirects_are_followed_and_no_sixth() -> None:
    away = [_answer(302, b"", f"Location: /{number}") for number in range(6)]
    assert _result(*away[:5], _answer(200, b"there"), redirects="all")["body"] == "there"
    with pytest.raises(PermanentFailure, match="max_redirects allows: 5"):
        _result(*away, _answer(200), redirects="all")


def test_as_many_redirects_are_followed_as_the_option_says() -> None:
    away = [_answer(302, b"", f"Location: /{n}") for n in range(2)]
    assert _result(*away[:1], _answer(200, b"there"), redirects="all", max_redirects=1)["body"] == "there"
    with pytest.raises(PermanentFailure, match="max_redirects allows: 1"):
        _result(*away, _answer(200), redirects="all", max_redirects=1)


@pytest.mark.parametrize("location", ["ftp://crm/", "javascript:alert(1)", "http://", "//", "http://[bad/"])
def test_a_redirect_to_what_is_no_web_address_fails(location: str) -> None:
    with pytest.raises((PermanentFailure, TemporaryFailure)):
        _result(_answer(302, b"", f"Location: {location}"), redirects="all")


def test_a_redirect_to_a_private_address_is_refused() -> None:
    with pytest.raises(PermanentFailure, match=r"169\.254\.169\.254 .* is a link-local address"):
        _result(_answer(302, b"", "Location: http://169.254.169.254/latest"), redirects="all")


def test_a_redirect_out_of_tls_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, tls, seen = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), list[Received]()
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))

    async def main() -> None:
        async with _serving(_answering(_answer(200), seen=seen)) as there:
            away = _answering(_answer(307, b"", f"Location: {there}"))
            async with _serving(away, tls) as here:
                await _run(url=here, redirects="all")

    with pytest.raises(PermanentFailure, match=r"a redirect to 127\.0\.0\.1 without TLS"):
        asyncio.run(main())
    assert seen == []


def test_a_redirect_that_is_success_is_not_followed() -> None:
    result = _result(_answer(302, b"", "Location: /there"), redirects="all", success=302)
    assert cast(JsonObject, result["headers"])["location"] == "/there"


def _is_kept(value: JsonValue) -> bool:
    return value is not None and value != ""


def _kept(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {key: _kept(item) for key, item in value.items() if _is_kept(item)}
    return [_kept(item) for item in value if _is_kept(item)] if isinstance(value, list) else value


@settings(max_examples=20)
@given(_JSON)
def test_empty_values_can_be_left_out_of_json_at_every_depth(value: JsonValue) -> None:
    assert json.loads(_received(json={"a": value, "b": None, "c": ""}, omit_empty=True).body) == _kept({"a": value})


def test_empty_values_can_be_left_out_of_a_query_and_a_form() -> None:
    pairs = {"a": "", "b": None, "c": 0, "d": {"e": "", "f": "x"}, "g": ["", "y"]}
    kept = [("c", "0"), ("d[f]", "x"), ("g", "y")]
    received = _received(query=pairs, form=pairs, omit_empty=True)
    assert parse_qsl(received.target.partition("?")[2], keep_blank_values=True) == kept
    assert parse_qsl(received.body.decode(), keep_blank_values=True) == kept
    assert _received(query={"a": ""}, omit_empty=True).target == "/"


def test_xml_is_sent_as_xml_and_json_may_be_a_list_or_hold_json() -> None:
    received = _received(body='<?xml version="1.0"?><имя>Анна</имя>')
    assert received.header("content-type") == "application/xml; charset=utf-8"
    assert received.body.decode().endswith("<имя>Анна</имя>")
    inner = '[{"email": "anna@example.ru"}]'
    assert json.loads(_received(json=[{"emails": inner}]).body) == [{"emails": inner}]


def _extracted(body: JsonValue, **paths: str) -> JsonValue:
    return _result(_answer(200, json.dumps(body).encode()), extract=paths)["extracted"]


def test_values_are_extracted_from_the_answer() -> None:
    body: JsonValue = {"data": {"токен": "t", "items": [{"id": 1}, {"id": 2}]}}
    paths = {"token": "$.data['токен']", "first": "$.data.items[0].id", "ids": "$.data.items[*].id"}
    assert _extracted(body, **paths) == {"token": "t", "first": 1, "ids": [1, 2]}


def test_what_an_answer_does_not_have_fails_the_step_and_is_named() -> None:
    with pytest.raises(PermanentFailure, match=r"\$\.a\.b selects nothing in what 127\.0\.0\.1 answered"):
        _extracted({"a": 1}, x="$.a.b")
    with pytest.raises(PermanentFailure, match="selects nothing"):
        _result(_answer(204), extract={"x": "$.a"})
