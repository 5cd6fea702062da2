import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from jackfield.testing import ActionContract, run_action
from jackfield_http_request.action import HttpRequest


class TestHttpRequest(ActionContract):
    action = HttpRequest
    options = {"url": "https://crm.example.ru/contacts", "json": {"email": "anna@example.ru"}}


class Echo(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(201)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def echo() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_request_is_sent_and_its_answer_is_the_result() -> None:
    with echo() as url:
        result = run_action(HttpRequest, {"url": url, "json": {"name": "Анна"}})
    assert isinstance(result, dict)
    assert (result["status"], result["body"]) == (201, {"name": "Анна"})
