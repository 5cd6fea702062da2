from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from jackfield_http_request.options import HttpRequestOptions

_URL = "https://crm.example.ru/api"


def _options(**values: Any) -> HttpRequestOptions:
    return HttpRequestOptions.model_validate({"url": _URL} | values)


def test_an_address_is_all_that_is_required() -> None:
    options = _options()
    assert (options.method, options.success, options.redirects) == ("POST", ("2**",), "off")
    assert options.idempotency_key


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"url": "ftp://crm.example.ru"}, "must begin with http"),
        ({"url": "crm.example.ru"}, "must begin with http"),
        ({"url": "https:///path"}, "must begin with http"),
        ({"url": "https://crm.example.ru/\r\nX: y"}, "be one line"),
        ({"url": "https://crm.example.ru:port/"}, "must begin with http"),
        ({"url": "https://[bad/"}, "must begin with http"),
        ({"url": "https://user:pass@crm.example.ru/"}, "put them into auth.basic"),
        ({"method": "GET /"}, "is not a request method"),
        ({"extract": {"token": "$.["}}, "token is no JSONPath"),
        ({"method": ""}, "is not a request method"),
        ({"method": "connect"}, "only for proxies"),
        ({"headers": {"X A": "b"}}, "cannot be a header's name"),
        ({"headers": {"X-A\r\nX-B": "b"}}, "cannot be a header's name"),
        ({"headers": {"X-A": "b\r\nX-B: c"}}, "one line without control characters"),
        ({"headers": {"X-A": "b\x00"}}, "one line without control characters"),
        ({"headers": {"Content-Length": "5"}}, "is set by itself"),
        ({"headers": {"transfer-encoding": "chunked"}}, "is set by itself"),
        ({"headers": "X-A: b"}, "write a table"),
        ({"query": "a=b"}, "write a table"),
        ({"form": [["a"]]}, "write a table"),
        ({"json": {}, "form": {}}, "give either json or form, not both"),
        ({"json": None, "body": ""}, "give either json or body, not both"),
        ({"multipart": [], "form": {}, "body": ""}, "give only one of multipart, form and body"),
        ({"json": object()}, "JSON"),
        ({"auth": {}}, "give basic, bearer, "),
        ({"auth": {"bearer": "a", "basic": {"username": "a", "password": "b"}}}, "either bearer or basic"),
        ({"auth": {"bearer": "a\n"}}, "line break"),
        ({"auth": {"basic": {"username": "a:b", "password": "c"}}}, "no colon"),
        ({"auth": {"bearer": "a"}, "headers": {"authorization": "b"}}, "either auth or the header"),
        ({"success": "2xx"}, "is not a status pattern"),
        ({"success": "204-200"}, "is not a status pattern"),
        ({"success": [200, "20"]}, "is not a status pattern"),
        ({"success": []}, "no status would be a success"),
        ({"timeouts": {"read": "0 s"}}, "longer than nothing"),
        ({"timeouts": {"read": 30}}, "is not a duration"),
        ({"redirects": "yes"}, "same_origin"),
        ({"max_answer": "1 parsec"}, "is not a unit"),
        ({"retry": {}}, "not permitted"),
        ({"timeout": "5 s"}, "not permitted"),
    ],
)
def test_a_mistake_is_an_error_that_says_what_to_do(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        _options(**values)


@pytest.mark.parametrize("secret", ["s3cret\n", "s3\rcret"])
def test_a_secret_is_not_in_the_message_about_it(secret: str) -> None:
    with pytest.raises(ValidationError) as caught:
        _options(auth={"bearer": secret})
    assert all("s3" not in detail["msg"] for detail in caught.value.errors())
    assert "s3" not in repr(_options(auth={"bearer": "s3cret"}))


def test_what_people_write_around_a_value_is_taken_off() -> None:
    options = _options(url=f" {_URL}\n", method=" get ", headers={"X-A": " b "})
    assert (options.url, options.method, options.headers) == (_URL, "GET", (("X-A", "b"),))


def test_patterns_may_be_one_or_many_and_numbers() -> None:
    assert _options(success="200-204").success == ("200-204",)
    assert _options(success=404).success == ("404",)
    assert _options(success=["2**", 404]).success == ("2**", "404")


def test_every_option_is_described_in_both_languages() -> None:
    schema = HttpRequestOptions.model_json_schema()
    models = [schema, *(model for model in schema["$defs"].values() if "properties" in model)]
    described = [option for model in models for option in model["properties"].items()]
    assert {"url", "json", "connect", "base64", "username"} <= {name for name, _ in described}
    for name, option in described:
        assert option.get("title") or option["$ref"], name
        assert option["description"], name
        assert option["ru"]["title"], name
        assert option["ru"]["description"], name


def test_the_schema_takes_what_the_options_take() -> None:
    properties = HttpRequestOptions.model_json_schema()["properties"]
    assert {kind["type"] for kind in properties["query"]["anyOf"]} == {"object", "array"}
    assert {kind["type"] for kind in properties["success"]["anyOf"]} == {"string", "integer", "array"}
    assert "json" in properties
