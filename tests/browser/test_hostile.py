"""What events and answers say is shown and never obeyed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser
from pydantic_core import to_json

from jackfield.project.server_keys import Addresses
from tests.browser.visits import logged_in
from tests.processes import make_served_project, post, served

EVIL: Final = (
    """"><img src=x onerror="window.hacked=1"><script>window.hacked=1</script>{{ 7*7 }}javascript:window.hacked=1//'"""
)
TEXT: Final = """\
[source]
use = "webhook.generic"
verify = "none"
[[steps]]
use = "http_request"
name = "send"
url = "{url}/?q={{{{ $.event.name | urlencode }}}}"
headers = {{ X-Said = "{{{{ $.event.header }}}}" }}
json = "{{{{ $.event }}}}"
"""


@contextmanager
def evil_destination() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(400)
            self.send_header("x-evil", EVIL)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(EVIL.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_nothing_that_a_sender_or_a_destination_says_is_carried_out(browser: Browser, tmp_path: Path) -> None:
    with evil_destination() as url, served(make_served_project(tmp_path, {"x": TEXT.format(url=url)})) as host:
        path = Addresses.load(host.project.var).path("x", 1)
        assert (
            post(
                host.project,
                path,
                to_json({"name": EVIL, EVIL: EVIL, "header": "x", "deep": [{EVIL: [EVIL]}]}),
                agent=EVIL,
            )
            == 200
        )
        assert post(host.project, path, EVIL.encode(), agent=EVIL) == 400
        host.until_settled()
        page = logged_in(browser, host)
        page.on("dialog", lambda dialog: dialog.accept())
        for visited in ("/", "/runs", f"/runs/{host.api('/runs')['runs'][0]['id']}", "/pipelines/x", "/refused"):
            page.goto(visited)
            page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            shown = page.locator("main").inner_text()
            assert page.evaluate("window.hacked") is None, visited
            assert "window.hacked=1" in shown or visited in {"/", "/runs", "/pipelines/x"}, visited
        page.goto("/pipelines/x/edit")
        assert page.evaluate("window.hacked") is None
        assert "49" not in page.locator("main").inner_text()
        page.context.close()
