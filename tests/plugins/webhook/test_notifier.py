import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from pydantic import ValidationError

from jackfield import Notice, NoticeKind, PermanentFailure, TemporaryFailure
from jackfield.testing import NotifierContract, run_notifier
from jackfield_webhook.notifier import WebhookNotifier, WebhookNotifierOptions

NOTICE = Notice(
    NoticeKind.FAILED,
    "Школа: операций с ошибкой: 5",
    "step add: no\n",
    datetime(2026, 11, 24, 12, tzinfo=UTC),
    "school",
    5,
    "https://hooks.example.ru/runs/1",
)


class TestWebhookNotifier(NotifierContract):
    notifier = WebhookNotifier
    options = {"url": "https://example.ru/notices"}


@dataclass
class Receiver:
    """A server that keeps what it is sent, and answers as it is told."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    answer: bytes = b"so be it"
    cut_off: threading.Event = field(default_factory=threading.Event)
    got: list[tuple[dict[str, str], Any]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(receiver.answer)
            except ConnectionError:
                receiver.cut_off.set()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        receiver.url = f"http://127.0.0.1:{server.server_port}/t0ken/notices"
        yield receiver
        server.shutdown()


def test_a_notice_is_one_json_object(receiver: Receiver) -> None:
    options = {"url": receiver.url, "headers": {"Authorization": "Bearer t0ken"}, "fields": {"school": 7}}
    run_notifier(WebhookNotifier, options, NOTICE)
    [(headers, body)] = receiver.got
    assert headers["authorization"] == "Bearer t0ken"
    assert body == {
        "text": f"{NOTICE.subject}\n\n{NOTICE.text}",
        "kind": "failed",
        "pipeline": "school",
        "subject": NOTICE.subject,
        "count": 5,
        "link": NOTICE.link,
        "at": "2026-11-24T12:00:00+00:00",
        "school": 7,
    }


def test_telegram_gets_a_text_that_is_not_too_long_and_the_fields(receiver: Receiver) -> None:
    options = {"url": receiver.url, "format": "telegram", "fields": {"chat_id": "42"}}
    long = Notice(NoticeKind.FAILED, "subject", "я" * 5000, NOTICE.at)
    run_notifier(WebhookNotifier, options, long)
    [(_, body)] = receiver.got
    assert body.keys() == {"text", "chat_id"}
    assert len(body["text"]) == 4096


@pytest.mark.parametrize(
    ("status", "failure"),
    [(429, TemporaryFailure), (503, TemporaryFailure), (301, PermanentFailure), (403, PermanentFailure)],
)
def test_what_is_answered_decides_whether_it_is_tried_again(
    receiver: Receiver, status: int, failure: type[Exception]
) -> None:
    receiver.status = status
    with pytest.raises(failure, match=f"the address answered {status}: so be it") as raised:
        run_notifier(WebhookNotifier, {"url": receiver.url}, NOTICE)
    assert "t0ken" not in str(raised.value)


def test_of_a_long_answer_no_more_is_read_than_is_needed_and_nothing_is_shown(receiver: Receiver) -> None:
    receiver.status, receiver.answer = 500, b"t0ken" * 10_000_000
    with pytest.raises(TemporaryFailure, match=r"the address answered 500$"):
        run_notifier(WebhookNotifier, {"url": receiver.url}, NOTICE)
    assert receiver.cut_off.wait(10)


def test_control_characters_of_an_answer_do_not_get_into_the_reason(receiver: Receiver) -> None:
    receiver.status, receiver.answer = 403, b"\x1b[31mred\r\nX: y\x00\xff"
    with pytest.raises(PermanentFailure) as raised:
        run_notifier(WebhookNotifier, {"url": receiver.url}, NOTICE)
    assert str(raised.value) == "the address answered 403: \\x1b[31mred X: y\\x00\N{REPLACEMENT CHARACTER}"


def test_a_redirect_to_nowhere_is_no_reason_to_try_again(receiver: Receiver) -> None:
    receiver.status, receiver.headers = 302, {"Location": "http://[bad/"}
    with pytest.raises((PermanentFailure, TemporaryFailure)):
        run_notifier(WebhookNotifier, {"url": receiver.url}, NOTICE)


@pytest.mark.parametrize(
    ("after", "least", "most"),
    [
        ("30", timedelta(seconds=30), timedelta(seconds=30)),
        ("9" * 400, timedelta(days=1), timedelta(days=1)),
        (format_datetime(datetime.now(UTC) + timedelta(hours=1)), timedelta(minutes=50), timedelta(minutes=61)),
        ("Wed, 01 Jan 2020 00:00:00 -0000", timedelta(0), timedelta(0)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", timedelta(days=1), timedelta(days=1)),
    ],
    ids=["seconds", "too many seconds", "in an hour", "in the past", "in the far future"],
)
def test_the_wait_that_is_asked_for_is_passed_on(
    receiver: Receiver, after: str, least: timedelta, most: timedelta
) -> None:
    receiver.status, receiver.headers = 429, {"Retry-After": after}
    with pytest.raises(TemporaryFailure) as raised:
        run_notifier(WebhookNotifier, {"url": receiver.url}, NOTICE)
    assert raised.value.retry_after is not None
    assert least <= raised.value.retry_after <= most


@pytest.mark.parametrize(
    "after", ["soon", "", "Fri, 31 Dec 9999 23:59:59 -9999", "Fri, 31 Dec 99999999999999 1:1:1 GMT"]
)
def test_a_wait_that_cannot_be_read_is_none(receiver: Receiver, after: str) -> None:
    receiver.status, receiver.headers = 503, {"Retry-After": after}
    with pytest.raises(TemporaryFailure) as raised:
        run_notifier(WebhookNotifier, {"url": receiver.url}, NOTICE)
    assert raised.value.retry_after is None


def test_an_address_that_nobody_answers_at_is_tried_again_and_a_private_one_is_not(receiver: Receiver) -> None:
    with pytest.raises(TemporaryFailure, match="cannot be reached"):
        run_notifier(WebhookNotifier, {"url": "http://127.0.0.1:1/"}, NOTICE)
    with pytest.raises(PermanentFailure, match="allow"):
        run_notifier(WebhookNotifier, {"url": receiver.url}, NOTICE, allow=())


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://example.ru"},
        {"url": "example.ru"},
        {"url": "https://example.ru", "headers": {"a b": "c"}},
        {"url": "https://example.ru", "headers": {"a": "b\r\nc: d"}},
        {"url": "https://example.ru", "format": "slack"},
    ],
)
def test_options_that_cannot_work_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        WebhookNotifierOptions.model_validate(wrong)
