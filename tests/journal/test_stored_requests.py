import base64
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield import WebhookRequest
from jackfield.journal.records import Refusal, StoredRequest
from jackfield.journal.stored_requests import restored_request, stored_request
from jackfield.masking import secret_mask

KEY = "x-key"  # what the source calls confidential


def kept(request: WebhookRequest, cap: int | None = None, **secrets: str) -> StoredRequest:
    return stored_request(request, secret_mask(secrets.values()), {KEY}, cap=cap)


@given(st.binary(max_size=200), st.lists(st.tuples(st.text("abc-"), st.text("xyz ")), max_size=5))
def test_a_request_that_was_kept_whole_can_be_made_again(body: bytes, headers: list[tuple[str, str]]) -> None:
    request = WebhookRequest("PUT", "a=1&b=%20", tuple(headers), body)
    stored = kept(request)
    assert restored_request(Refusal("1", "x", request.received_at, 400, "why", stored)) == request


@given(st.lists(st.tuples(st.sampled_from(["a", KEY, "X-Key", "é"]), st.text(max_size=5)), max_size=6))
def test_confidential_values_are_taken_out_of_query_and_form_and_the_others_stay(pairs: list[tuple[str, str]]) -> None:
    text = urlencode(pairs)
    stored = kept(WebhookRequest("POST", text, (), text.encode()))
    expected = [(name, "***" if name.lower() == KEY else value) for name, value in pairs]
    assert parse_qsl(stored.query, keep_blank_values=True) == expected
    assert parse_qsl(stored.body, keep_blank_values=True) == expected


def test_credentials_and_named_secrets_are_masked() -> None:
    headers = (("authorization", "Basic eDp5"), ("cookie", "a=b"), (KEY, "k"), ("x-other", "s3cret-value"))
    request = WebhookRequest("POST", "token=s3cret-value", headers, b'{"t": "s3cret-value"}')
    stored = kept(request, TOKEN="s3cret-value")
    assert [value for _, value in stored.headers] == ["***"] * 4
    assert (stored.query, stored.body) == ("token=***", '{"t": "***"}')


@pytest.mark.parametrize(
    "body",
    [
        b'{"X-Key": "last-years-secret", "a": 1}',
        b"x-key=last-years-secret&name=" + "Анна".encode("windows-1251"),
        b'["last-years", {"x-key": "s3cret-value"}]',
        b"s3cret-value " + "Анна".encode("windows-1251"),
    ],
)
def test_confidential_values_and_secrets_are_taken_out_of_any_body(body: bytes) -> None:
    stored = kept(WebhookRequest(body=body), TOKEN="s3cret-value")
    text = base64.b64decode(stored.body) if stored.encoding == "base64" else stored.body.encode()
    assert b"***" in text
    assert b"last-years-secret" not in text
    assert b"s3cret-value" not in text


@given(st.text(max_size=30), st.integers(min_value=1, max_value=40))
def test_a_long_body_is_cut_to_so_many_bytes_and_marked(text: str, cap: int) -> None:
    stored = kept(WebhookRequest(body=text.encode()), cap)
    assert stored.cut is (len(text.encode()) > cap)
    assert text.startswith(stored.body)
    assert len(stored.body.encode()) <= cap


@pytest.mark.parametrize(
    ("request_", "masked"),
    [
        (
            WebhookRequest("POST", f"a=1&{KEY}=s3cret-value", ((KEY, "s3cret-value"),), b'{"x-key": "s3cret-value"}'),
            False,
        ),
        (
            WebhookRequest("POST", "", (("authorization", "Bearer s3cret-value"), ("cookie", "s3cret-value")), b""),
            False,
        ),
        (WebhookRequest("POST", "a=s3cret-value"), True),
        (WebhookRequest("POST", "", (("x-other", "s3cret-value"),)), True),
        (WebhookRequest("POST", "", (), b'{"a": "s3cret-value"}'), True),
        (WebhookRequest("POST", "", (), b"s3cret-value " + "Анна".encode("windows-1251")), True),
    ],
)
def test_a_request_says_whether_a_secret_is_missing_in_it(request_: WebhookRequest, masked: bool) -> None:  # noqa: FBT001
    assert kept(request_, TOKEN="s3cret-value").masked is masked
