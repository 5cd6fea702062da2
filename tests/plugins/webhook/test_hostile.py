"""What a stranger who knows an address can send, and how little it may cost."""

from __future__ import annotations

import sys
from base64 import b64encode
from contextlib import suppress
from encodings import _cache
from time import process_time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from jackfield import Malformed, Unauthorized, WebhookRequest
from jackfield_webhook.generic import Generic, GenericOptions
from jackfield_webhook.tilda import TildaOptions

_WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_WHPK = "whpk_" + b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
_FORM = "application/x-www-form-urlencoded"


def _source(**options: Any) -> Generic:
    return Generic(GenericOptions.model_validate({"verify": "none", **options}))


def _parsed(body: bytes, content_type: str, **options: Any) -> Any:
    request = WebhookRequest(headers=(("content-type", content_type),), body=body)
    return [event.data for event in _source(**options).parse(request)]


def _signed(body: bytes, **headers: str) -> WebhookRequest:
    return WebhookRequest(headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()), body=body)


@pytest.mark.parametrize("secret", [_WHSEC, _WHPK], ids=["shared", "public"])
def test_many_signatures_do_not_make_the_body_be_looked_at_many_times(secret: str) -> None:
    made = _source(verify={"preset": "standard", "secret": [secret, secret]})
    version = "v1a" if secret == _WHPK else "v1"

    def cost(signatures: int) -> float:
        shown = " ".join([f"{version},{'A' * 86}=="] * signatures)
        request = _signed(b"x" * 1_000_000, webhook_id="m", webhook_timestamp="1", webhook_signature=shown)
        began = process_time()
        with pytest.raises(Unauthorized, match="does not fit"):
            made.verify(request)
        return process_time() - began

    assert cost(5000) < 500 * min(cost(1) for _ in range(5))  # a look for each would cost 5000 times as much


def test_the_right_signature_may_be_the_last_of_sixteen_and_not_of_more() -> None:
    made = _source(verify={"preset": "stripe", "secret": "whsec_x"})
    sample = made.sample({"id": "evt"})
    [(name, value)] = [header for header in sample.headers if header[0] == "stripe-signature"]
    timestamp, right = value.split(",")

    def shown(wrong: int) -> WebhookRequest:
        header = ",".join([timestamp, *["v1=00"] * wrong, *["v0=1"] * 30, right])
        return WebhookRequest(headers=((name, header),), body=sample.body, received_at=sample.received_at)

    made.verify(shown(15))
    with pytest.raises(Unauthorized):
        made.verify(shown(16))


@pytest.mark.parametrize("name", ["a" + "[]" * 32, "a" + "[b]" * 32])
def test_many_brackets_in_all_are_refused_as_many_in_one_name_are(name: str) -> None:
    body = "&".join(f"{name}={number}" for number in range(2000)).encode()
    with pytest.raises(Malformed, match="more than 50000 brackets"):
        _parsed(body, _FORM)
    assert len(_parsed(body.replace(b"=", b"x=", 1)[: len(body) // 2], _FORM)) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"<a>" + b"<b/>" * 60_000 + b"</a>",
        b"<a " + b" ".join(b"a%d=''" % number for number in range(60_000)) + b"/>",
    ],
)
def test_xml_of_very_many_pieces_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed, match="more than 50000 elements and attributes"):
        _parsed(body, "text/xml")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-16", "utf-8-sig"])
def test_python_does_not_remember_the_encodings_that_xml_claims(encoding: str) -> None:
    body = "<?xml version='1.0' encoding='x-made-up-77'?><a/>".encode(encoding)
    with suppress(Malformed):
        _parsed(body, "text/xml")
    assert not [name for name in _cache if "made" in name]
    assert not [name for name in sys.modules if "made_up" in name]


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("windows-1251", "windows-1251"),
        ("koi8-r", "KOI8-R"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("utf-8-sig", "utf-8"),
        ("utf-8", "UTF8"),
    ],
)
def test_xml_is_read_in_the_encoding_that_it_names(encoding: str, declared: str) -> None:
    text = f'<?xml version="1.0" encoding="{declared}"?>\n<order id="7">Анна</order>'
    assert _parsed(text.encode(encoding), "text/xml") == [{"order": {"@id": "7", "#text": "Анна"}}]


def test_a_split_that_meets_values_which_it_cannot_sort_refuses_the_call() -> None:
    with pytest.raises(Malformed, match="The option split cannot be used on this call"):
        _parsed(b'{"items": [{"n": 1}, {"n": "x"}]}', "application/json", split=r"$.items[\n]")


@pytest.mark.parametrize("name", ["a[b]", "[]", "имя", "a b", "a&b", "a=b"])
def test_a_secret_is_in_no_parameter_that_would_become_a_part_of_the_event(name: str) -> None:
    with pytest.raises(ValidationError, match="pattern"):
        _source(verify={"token": "t", "query": name})
    with pytest.raises(ValidationError, match="pattern"):
        TildaOptions.model_validate({"secret": "t", "secret_parameter": name})


@pytest.mark.parametrize("origin", ["https://school.ru\r\nX-A: 1", "https://school.ru, https://a.ru", "null", "*"])
def test_an_origin_that_is_not_listed_is_not_repeated(origin: str) -> None:
    request = WebhookRequest("OPTIONS", headers=(("origin", origin), ("access-control-request-headers", "a\r\nB: c")))
    assert _source(cors=["https://school.ru"]).reply_headers(request) == (("vary", "Origin"),)


@pytest.mark.parametrize("asked", ["a\r\nB: c", "a,,b", "a" * 1001, "a;b", "a,\n"])
def test_header_names_that_are_none_are_not_allowed(asked: str) -> None:
    request = WebhookRequest(
        "OPTIONS", headers=(("origin", "https://school.ru"), ("access-control-request-headers", asked))
    )
    names = [name for name, _ in _source(cors=["https://school.ru"]).reply_headers(request)]
    assert "access-control-allow-headers" not in names
    assert "access-control-allow-origin" in names
