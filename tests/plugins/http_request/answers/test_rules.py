import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from pydantic_core import to_json

from jackfield import JsonValue, PermanentFailure, TemporaryFailure
from jackfield.errors import TemplateError
from jackfield.testing import run_action
from jackfield_http_request.action import HttpRequest


@contextmanager
def answering(status: int, body: JsonValue, headers: dict[str, str]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(to_json(body))

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def judged(status: int, body: JsonValue, headers: dict[str, str] | None = None, **options: Any) -> JsonValue:
    with answering(status, body, headers or {}) as url:
        return run_action(HttpRequest, {"url": url, **options})


OK = "{{ $.response.body.ok }}"


def test_a_rule_decides_about_an_answer_with_a_success_status() -> None:
    assert judged(200, {"ok": True}, success_when=OK)
    with pytest.raises(PermanentFailure, match=r"answered 200, a failure by success_when: "):
        judged(200, {"ok": False}, success_when=OK)
    with pytest.raises(PermanentFailure, match="fail_when"):
        judged(200, {"error": "x"}, fail_when="{{ $.response.body.error | default(false) }}")


def test_retry_when_goes_first_and_counts_for_any_status() -> None:
    rule = "{{ $.response.body.code == 'later' }}"
    for status in (200, 400):
        with pytest.raises(TemporaryFailure):
            judged(status, {"code": "later"}, retry_when=rule, fail_when="{{ 1 == 1 }}")


@pytest.mark.parametrize(("wait", "header", "expected"), [(15, "7", 15), ("15", "20", 20), (None, "7", 7)])
def test_the_later_of_the_wait_in_the_body_and_the_header_counts(wait: JsonValue, header: str, expected: int) -> None:
    with pytest.raises(TemporaryFailure) as caught:
        judged(429, {"wait": wait}, {"Retry-After": header}, retry_after="{{ $.response.body.wait }}")
    assert caught.value.retry_after == timedelta(seconds=expected)


def test_an_ignored_status_is_success_whatever_the_rules_say() -> None:
    assert judged(404, {"ok": False}, ignore=404, success_when=OK)


def test_a_failure_says_what_reason_comes_to() -> None:
    with pytest.raises(PermanentFailure, match="answered 400: no such chat"):
        judged(400, {"description": "no such chat"}, reason="{{ $.response.body.description }}")


def test_a_rule_whose_path_selects_nothing_is_an_error_that_names_it() -> None:
    with pytest.raises(TemplateError, match=r"success_when: \$\.response\.body\.ok selects nothing"):
        judged(200, {}, success_when=OK)
