import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from jackfield.web.app import TOKEN_FILE
from tests.processes import make_served_project, served
from tests.support import make_project

Cli = Callable[..., tuple[int, str, str]]
SETTINGS = "[http]\nallow = ['127.0.0.1']\n[notices.webhook]\nurl = '{}'\n"


@pytest.fixture
def receiver() -> Iterator[str]:
    """Take notices at `/ok`, and nothing anywhere else; return the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200 if self.path == "/ok" else 403)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_notify_test_says_of_each_notifier_whether_it_delivers(cli: Cli, tmp_path: Path, receiver: str) -> None:
    make_project(tmp_path, {}, SETTINGS.format(f"{receiver}/ok"))
    assert cli("notify-test", "--project", tmp_path) == (0, "webhook: delivered\n", "")
    assert cli("notify-test", "webhook", "--project", tmp_path) == (0, "webhook: delivered\n", "")


def test_notify_test_exits_with_1_if_a_notifier_fails_and_shows_no_secret(
    cli: Cli, tmp_path: Path, receiver: str
) -> None:
    make_project(tmp_path, {}, SETTINGS.format(f"{receiver}/t0ken-of-mine"))
    code, out, _ = cli("notify-test", "--project", tmp_path)
    assert code == 1
    assert out.startswith("webhook: not delivered: the address answered 403")
    assert "t0ken" not in out


def test_notify_test_names_what_is_wrong_and_what_may_be_meant(cli: Cli, tmp_path: Path, receiver: str) -> None:
    make_project(tmp_path, {})
    assert cli("notify-test", "--project", tmp_path)[2].startswith("nobody is told anything: write a table such as")
    make_project(tmp_path, {}, SETTINGS.format(f"{receiver}/ok"))
    assert 'did you mean "webhook"?' in cli("notify-test", "webhok", "--project", tmp_path)[2]
    make_project(tmp_path, {}, "[notices.webhook]\nurll = 'https://example.ru'\n")
    code, _, error = cli("notify-test", "--project", tmp_path)
    assert code == 1
    assert 'jackfield.toml:2: notices.webhook.urll: is not known here; did you mean "url"?' in error


def test_a_host_elsewhere_sends_its_tests_and_says_what_became_of_them_as_it_is_said_on_the_spot(
    cli: Cli, tmp_path: Path, receiver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_served_project(tmp_path, {})
    settings = tmp_path / "jackfield.toml"
    email = 'server = "smtp://127.0.0.1:1"\nfrom = "a@example.ru"\nto = ["b@example.ru"]\n'
    notices = f'[notices.webhook]\nurl = "{receiver}/ok"\n[notices.email]\n{email}'
    settings.write_text(settings.read_text(encoding="utf-8") + notices, encoding="utf-8")
    with served(project) as host:
        monkeypatch.setenv("JACKFIELD_TOKEN", (host.project.var / TOKEN_FILE).read_text(encoding="ascii").strip())
        url = ("--url", project.settings.local_url)
        here = ("--project", tmp_path)
        for asked in ([], ["webhook"], ["email"], ["webhok"]):
            told = cli("notify-test", *asked, *url)
            assert told == cli("notify-test", *asked, *here)
            assert told[0] == (0 if asked == ["webhook"] else 1)
        assert 'did you mean "webhook"?' in told[2]
        both = cli("notify-test", *url)[1].splitlines()
        assert both[0] == "webhook: delivered"
        assert both[1].startswith("email: not delivered: ")


def test_check_and_doctor_look_at_notifiers(cli: Cli, tmp_path: Path) -> None:
    make_project(tmp_path, {}, "[notices.webhook]\nurll = 'https://example.ru'\n")
    for command in ("check", "doctor"):
        code, out, _ = cli(command, "--project", tmp_path)
        assert code == 1
        assert 'notices.webhook.urll: is not known here; did you mean "url"?' in out
