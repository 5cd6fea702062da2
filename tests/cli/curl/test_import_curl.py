import io
import json
import os
import re
import shlex
import threading
import tomllib
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jackfield import Event
from jackfield.cli.curl.shell_words import split_words
from jackfield.components.plugins.registry import Registry
from jackfield.pipelines.document import event_document
from jackfield.pipelines.loader import PipelineLoader
from jackfield.project.secrets import Secrets
from jackfield.project.toml_file import TomlFile
from jackfield.testing import run_action

Cli = Callable[..., tuple[int, str, str]]
Received = tuple[str, str, dict[str, str], bytes]
FORM = "application/x-www-form-urlencoded"
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
# What people paste.
CHROME_BASH = r"""curl 'https://api.example.ru/v1/users?page=2' \
  -H 'accept: application/json' \
  -H 'accept-encoding: gzip, br' \
  -b 'sid=s3cret-cookie' \
  --data-raw $'{"name":"\u0410\u043d\u043d\u0430","say":"it\'s \u0021"}' \
  --compressed"""
CHROME_CMD = """curl ^"https://api.example.ru/v1/users?page=2^" ^
  -H ^"content-type: application/json^" ^
  --data-raw ^"^{^\\^"name^\\^":^\\^"50^%^\\^"^}^" """


class Recorder(BaseHTTPRequestHandler):
    received: list[Received]

    def _take(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.received.append((self.command, self.path, headers, body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _take  # noqa: N815 - the names that http.server calls

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, list[Received]]]:
    class Own(Recorder):
        received: list[Received] = []

    with HTTPServer(("127.0.0.1", 0), Own) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", Own.received
        server.shutdown()
        thread.join()


@pytest.fixture
def step(cli: Cli) -> Callable[[str], dict[str, Any]]:
    """Import a command; return the step."""

    def imported(command: str) -> dict[str, Any]:
        code, out, error = cli("import-curl", command)
        assert code == 0, error
        [found] = tomllib.loads(out)["steps"]
        assert found.pop("use") == "http_request"
        return dict(found)

    return imported


def target(path: str) -> tuple[str, list[tuple[str, str]]]:
    """Read a path: curl's versions differ in how they write a space."""
    address, _, query = path.partition("?")
    return address, parse_qsl(query, keep_blank_values=True)


def send(text: str, secrets: dict[str, str]) -> None:
    """Load a step as a host would, and carry it out."""
    whole = f'[source]\nuse = "getcourse.user_created"\n{text}'
    pipeline = PipelineLoader(Registry.load(), Secrets(secrets)).load("x", TomlFile.parse(whole, "x.toml"))
    assert pipeline.problems == ()
    [loaded] = pipeline.steps
    assert loaded.action is not None
    options = loaded.options.render(event_document(pipeline, "run-1", datetime.now(UTC), Event({})))
    run_action(loaded.action, options.model_dump(by_alias=True, exclude_unset=True))


def test_what_chrome_copies_becomes_a_step_without_the_cookie(cli: Cli) -> None:
    code, out, error = cli("import-curl", CHROME_BASH)
    assert code == 0
    [found] = tomllib.loads(out)["steps"]
    assert found == {
        "use": "http_request",
        "method": "POST",
        "url": "https://api.example.ru/v1/users?page=2",
        "headers": {"Content-Type": FORM, "Cookie": "{{ secret.API_EXAMPLE_RU_COOKIE }}", "accept": "application/json"},
        "body": '{"name":"Анна","say":"it\'s !"}',
    }
    assert "s3cret-cookie" not in out + error
    assert error == (
        "set the secret API_EXAMPLE_RU_COOKIE, in secrets.toml or as JACKFIELD_SECRET_API_EXAMPLE_RU_COOKIE\n"
    )


def test_what_chrome_copies_for_windows_is_read_as_well(step: Callable[[str], Any]) -> None:
    assert step(CHROME_CMD) == {
        "method": "POST",
        "url": "https://api.example.ru/v1/users?page=2",
        "json": {"name": "50%"},
    }


def test_a_command_may_come_on_standard_input(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("$ curl example.ru\n"))
    assert cli("import-curl")[:2] == (0, '[[steps]]\nuse = "http_request"\nmethod = "GET"\nurl = "http://example.ru"\n')


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("-I", {"method": "HEAD"}),
        ("-XPUT", {"method": "PUT"}),
        ("--request=DELETE", {"method": "DELETE"}),
        ("-sSL", {"method": "GET", "redirects": "all"}),
        ("-m 2.5", {"method": "GET", "timeout": "2.5 s"}),
        ("--connect-timeout 3", {"method": "GET", "timeouts": {"connect": "3 s"}}),
        ("-A me -e there", {"method": "GET", "headers": {"User-Agent": "me", "Referer": "there"}}),
        ("-d a=1 -d b=%20", {"method": "POST", "form": {"a": "1", "b": " "}}),
        ("-d a=1 -d a=2", {"method": "POST", "form": [["a", "1"], ["a", "2"]]}),
        ("--data-urlencode 'a=б&'", {"method": "POST", "form": {"a": "б&"}}),
        ("--json '[1,{}]'", {"method": "POST", "headers": {"Accept": "application/json"}, "json": [1, {}]}),
        ("-L --max-redirs 3", {"method": "GET", "redirects": "all", "max_redirects": 3}),
        ("-L --max-redirs -1", {"method": "GET", "redirects": "all", "max_redirects": 20}),
        ("-L --max-redirs 0", {"method": "GET"}),
        ("--max-redirs 3", {"method": "GET"}),
        ("-x proxy:3128", {"method": "GET", "proxy": "http://proxy:3128"}),
        ("-x proxy", {"method": "GET", "proxy": "http://proxy:1080"}),
        ("-x https://proxy/", {"method": "GET", "proxy": "https://proxy"}),
        ("-x ''", {"method": "GET"}),
        (
            "-x proxy:3128 -U anna:p",
            {
                "method": "GET",
                "proxy": {"url": "http://proxy:3128", "username": "anna", "password": "{{ secret.PROXY_PASSWORD }}"},
            },
        ),
        ("-F a=b", {"method": "POST", "multipart": [{"name": "a", "text": "b"}]}),
        ("-X PUT -F a=", {"method": "PUT", "multipart": [{"name": "a", "text": ""}]}),
        (
            "-F a=1 -F a=2 -H content-type:multipart/form-data",
            {"method": "POST", "multipart": [{"name": "a", "text": "1"}, {"name": "a", "text": "2"}]},
        ),
        ("--form-string 'a=@b;type=c/d'", {"method": "POST", "multipart": [{"name": "a", "text": "@b;type=c/d"}]}),
        (
            "-F 'a= b; type=text/html; charset=utf-8;filename=\"c;d\"'",
            {
                "method": "POST",
                "multipart": [{"name": "a", "text": "b", "type": "text/html; charset=utf-8", "filename": "c;d"}],
            },
        ),
        ('-F \'a="b\\"; c";x=y\'', {"method": "POST", "multipart": [{"name": "a", "text": 'b"; c'}]}),
        ("-d '{{ 1 }}' -H content-type:text/plain", {"body": "{{ '{{' }} 1 }}", "method": "POST"}),
    ],
)
def test_an_option_becomes_what_does_the_same(
    step: Callable[[str], Any], options: str, expected: dict[str, Any]
) -> None:
    found = step(f"curl {options} https://example.ru/a")
    if "body" in expected:
        assert found.pop("headers") == {"content-type": "text/plain"}
    assert found == {"url": "https://example.ru/a", **expected}


def test_data_of_a_get_go_into_the_address(step: Callable[[str], Any]) -> None:
    assert step("curl -G -d b=2 'https://example.ru/?a=1'")["url"] == "https://example.ru/?a=1&b=2"


@pytest.mark.parametrize(
    "command",
    [
        "curl -u the-password: https://example.ru",
        "curl -u the-password https://example.ru",
        "curl https://the-password:@example.ru",
        "curl -x http://the-password:@proxy:3128 https://example.ru",
        "curl -u anna:the-password https://example.ru",
        "curl https://anna:the-password@example.ru",
        "curl -H 'Authorization: Bearer the-password' https://example.ru",
        "curl -H 'X-Api-Key: the-password' https://example.ru",
        "curl 'https://example.ru/?api_key=the-password'",
        "curl -d token=the-password -d x https://example.ru",
        "curl -F token=the-password https://example.ru",
        "curl -x http://anna:the-password@proxy:3128 https://example.ru",
        """curl --json '{"a":{"access_token":"the-password"}}' https://example.ru""",
        """curl --json '{"a":null,"access_token":"the-password"}' https://example.ru""",
        """curl -d '{"clientSecret":"the-password"}' https://example.ru""",
        "curl https://api.telegram.org/bot123:the-password/sendMessage",
    ],
)
def test_a_credential_is_left_to_the_secrets(cli: Cli, command: str) -> None:
    code, out, error = cli("import-curl", command)
    assert code == 0
    assert "the-password" not in out + error
    name = error.split("JACKFIELD_SECRET_")[1].strip()
    assert f"{{{{ secret.{name} " in out


def test_a_key_in_the_place_of_the_user_is_the_secret(cli: Cli, server: tuple[str, list[Received]]) -> None:
    url, received = server
    key = "sk_test_4eC39HqLyjWDarjtT1zdp7dc"
    code, out, error = cli("import-curl", f"curl {url}/v1/charges -u '{key}:' -d amount=1")
    assert code == 0
    assert key not in out + error
    [name] = re.findall(r"JACKFIELD_SECRET_(\w+)", error)
    assert name.endswith("_KEY")
    send(out, {name: key})
    assert received[-1][2]["authorization"] == "Basic " + b64encode(f"{key}:".encode()).decode()


def test_a_user_that_looks_like_a_key_is_a_secret_beside_its_password(cli: Cli) -> None:
    _, out, error = cli("import-curl", "curl -u 'sk_live_4eC39HqLyjWDarjtT1zdp7dc:x' https://api.example.ru")
    assert "sk_live" not in out + error
    assert 'username = "{{ secret.API_EXAMPLE_RU_USER }}"' in out


def test_names_that_the_project_has_for_other_values_are_numbered(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def named(value: str) -> tuple[str, str]:
        _, out, error = cli("import-curl", f"curl -H 'X-Token: {value}' https://crm.ru/a", "--project", tmp_path)
        return tomllib.loads(out)["steps"][0]["headers"]["X-Token"], error

    assert named("first-value")[0] == "{{ secret.CRM_RU_X_TOKEN }}"
    (tmp_path / "secrets.toml").write_text('CRM_RU_X_TOKEN = "first-value"\n')
    shown, error = named("first-value")
    assert (shown, error) == (
        "{{ secret.CRM_RU_X_TOKEN }}",
        "the secret CRM_RU_X_TOKEN is set already, to the same value\n",
    )
    shown, error = named("second-value")
    assert shown == "{{ secret.CRM_RU_X_TOKEN_2 }}"
    assert "set the secret CRM_RU_X_TOKEN_2, in secrets.toml" in error
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "x.toml").write_text('[[steps]]\nurl = "{{ secret.CRM_RU_X_TOKEN_2 }}"\n')
    assert named("third-value")[0] == "{{ secret.CRM_RU_X_TOKEN_3 }}", "a pipeline has the second one, not set yet"
    monkeypatch.setenv("JACKFIELD_SECRET_CRM_RU_X_TOKEN_2", "third-value")
    assert named("third-value")[0] == "{{ secret.CRM_RU_X_TOKEN_2 }}"
    (tmp_path / "secrets.toml").write_text("no TOML")
    os.mkfifo(tmp_path / "pipelines" / "pipe.toml")
    assert named("third-value")[0] != ""


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("curl -H 'X-Token: s' https://crm.example.ru/a", "CRM_EXAMPLE_RU_X_TOKEN"),
        ("curl -H 'X-Token: s' https://www.example.com:443/a", "EXAMPLE_COM_X_TOKEN"),
        ("curl -H 'X-Token: s' http://localhost:3000/a", "LOCALHOST_3000_X_TOKEN"),
        ("curl -H 'Authorization: Bearer s' https://crm.example.ru/a", "CRM_EXAMPLE_RU_TOKEN"),
        ("curl -u anna:s https://crm.example.ru/a", "CRM_EXAMPLE_RU_PASSWORD"),
        ("curl -x anna:s@gate.example.ru:3128 https://crm.example.ru/a", "GATE_EXAMPLE_RU_PASSWORD"),
        ("curl https://api.telegram.org/bot123:the-token/sendMessage", "API_TELEGRAM_ORG_BOT_TOKEN"),
    ],
)
def test_a_secret_is_named_after_its_host_and_its_header(cli: Cli, command: str, name: str) -> None:
    _, out, error = cli("import-curl", command)
    assert re.findall(r"JACKFIELD_SECRET_(\w+)", error) == [name]
    assert f"{{{{ secret.{name} }}}}" in out


def test_what_a_browser_says_of_itself_and_of_its_connection_is_left_out(step: Callable[[str], Any]) -> None:
    noise = {
        "sec-ch-ua": '"Chromium";v="140"', "Sec-Fetch-Mode": "cors", "sec-gpc": "1", "dnt": "1", "priority": "u=1, i",
        "user-agent": "Mozilla/5.0 (X11; Linux x86_64)", "upgrade-insecure-requests": "1", "te": "trailers",
        "Host": "api.example.ru", "Connection": "keep-alive", "content-length": "7", "accept-encoding": "gzip",
    }  # fmt: skip
    kept = {"accept": "application/json", "accept-language": "ru", "origin": "https://app.example.ru", "x-client": "7"}
    words = [word for name, value in {**noise, **kept}.items() for word in ("-H", f"{name}: {value}")]
    assert step(shlex.join(["curl", *words, "https://api.example.ru/a"]))["headers"] == kept


def test_a_user_agent_and_a_host_of_ones_own_stay(step: Callable[[str], Any]) -> None:
    found = step("curl -H 'Host: b.example.ru' -A robot/1 https://a.example.ru/x")
    assert found["headers"] == {"User-Agent": "robot/1", "Host": "b.example.ru"}


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("curl --unix-socket s https://example.ru", "--unix-socket is an option that is not imported"),
        ("curl -sZ https://example.ru", "-Z is an option that is not imported"),
        ("curl -F a=@photo.png https://example.ru", "-F a=@ reads a file, which a step cannot"),
        ("curl -F 'a=<text' https://example.ru", "-F a=< reads a file, which a step cannot"),
        ("curl -F 'a=(' https://example.ru", "has parts of its own"),
        ("curl -F 'a=b;headers=\"X: y\"' https://example.ru", "-F with headers= is not imported"),
        ("curl -F a https://example.ru", "-F must be name=value"),
        ("curl -F a=b -d c=d https://example.ru", "the command has -F and -d"),
        ("curl -x socks5://anna:the-password@proxy:1080 https://example.ru", "for no other is imported"),
        ("curl --max-redirs many https://example.ru", "--max-redirs many is not a number"),
        ("curl -d @data.json https://example.ru", "reads a file"),
        ("curl -b the-password https://example.ru", "reads a file"),
        ("curl", "the command has no addresses"),
        ("curl a.ru b.ru", "the command has 2 addresses"),
        ("curl ftp://example.ru", "must begin with http or https"),
        ("curl -H", "-H has no value"),
        ("wget example.ru", "does not begin with curl"),
        ("curl 'https://example.ru", "No closing quotation"),
        ("curl -m soon https://example.ru", "not a number of seconds"),
    ],
)
def test_what_cannot_be_imported_is_said_in_one_line(cli: Cli, command: str, message: str) -> None:
    code, out, error = cli("import-curl", command)
    assert (code, out, error.count("\n")) == (2, "", 1)
    assert message in error
    assert "the-password" not in error


def test_what_is_not_taken_over_is_said(cli: Cli) -> None:
    error = cli("import-curl", "curl -k https://example.ru")[2]
    assert error == "note: -k is not taken over: certificates are always checked\n"


@settings(max_examples=100)
@given(st.lists(TEXT, min_size=1, max_size=5))
@example(['{"^": 1}', "it's ^\"", "^\n"])
def test_quoted_words_are_read_as_they_were_written(words: list[str]) -> None:
    assert split_words(shlex.join(words)) == words
    escaped = ["".join(f"\\U{ord(letter):08x}" for letter in word) for word in words]
    assert split_words(" ".join(f"$'{word}'" for word in escaped)) == words


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(JSON)
@example({"^": None})
def test_json_is_sent_as_it_was(cli: Cli, server: tuple[str, list[Received]], value: Any) -> None:
    url, received = server
    code, out, _ = cli("import-curl", shlex.join(["curl", "--json", json.dumps(value, ensure_ascii=False), url]))
    assert code == 0
    send(out, {})
    _, _, headers, body = received[-1]
    assert json.loads(body) == value
    assert headers["content-type"].startswith("application/json")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4))
def test_a_form_and_a_query_are_sent_as_they_were(
    cli: Cli, server: tuple[str, list[Received]], pairs: list[tuple[str, str]]
) -> None:
    url, received = server
    text = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    code, out, _ = cli("import-curl", shlex.join(["curl", "-d", text, f"{url}/a?{text}"]))
    assert code == 0
    send(out, {})
    method, path, headers, body = received[-1]
    assert (method, headers["content-type"]) == ("POST", FORM)
    assert parse_qsl(body.decode(), keep_blank_values=True) == pairs
    assert parse_qsl(path.partition("?")[2], keep_blank_values=True) == pairs


def test_a_multipart_form_is_sent_as_curl_sends_it(cli: Cli, server: tuple[str, list[Received]]) -> None:
    """What is expected was recorded from curl 7.88.1, which gives no charset to a text file."""
    url, received = server
    words = ["-F", 'a="b;c";type=text/x', "-F", ' d"\n= имя ', "--form-string", "e=@f", "-F", "g=h;filename=i.txt"]
    code, out, error = cli("import-curl", shlex.join(["curl", *words, url]))
    assert code == 0, error
    send(out, {})
    method, _, headers, body = received[-1]
    kind, _, boundary = headers["content-type"].partition("; boundary=")
    assert (method, kind) == ("POST", "multipart/form-data")
    mark = f"--{boundary}"
    assert body.decode().replace("\r\n", "|").split(mark) == [
        "",
        '|Content-Disposition: form-data; name="a"|Content-Type: text/x||b;c|',
        '|Content-Disposition: form-data; name=" d%22%0A"||имя|',
        '|Content-Disposition: form-data; name="e"||@f|',
        '|Content-Disposition: form-data; name="g"; filename="i.txt"|Content-Type: text/plain; charset=utf-8||h|',
        "--|",
    ]


@pytest.mark.parametrize(
    ("words", "secrets", "method", "query", "headers", "body"),
    [
        (
            ["-X", "PATCH", "-H", "X-Custom: Привет", "-d", "a=1", "-d", "b=%7B%7B"],
            {},
            "PATCH",
            "",
            {"content-type": FORM, "x-custom": "Привет"},
            "a=1&b=%7B%7B",
        ),
        (["-G", "--data-urlencode", "q=a b&c"], {}, "GET", "&q=a+b%26c", {}, ""),
        (
            ["-u", "anna:p:w0rd", "--json", '{"a": "{{ x }}", "b": [1.5, true]}'],
            {"PASSWORD": "p:w0rd"},
            "POST",
            "",
            {"authorization": "Basic YW5uYTpwOncwcmQ=", "content-type": "application/json"},
            '{"a": "{{ x }}", "b": [1.5, true]}',
        ),
        (
            ["-H", "Authorization: Bearer tok", "-d", "plain text"],
            {"TOKEN": "tok"},
            "POST",
            "",
            {"authorization": "Bearer tok", "content-type": FORM},
            "plain text",
        ),
        (
            ["-H", "Content-Type: application/xml", "--data-binary", "<a>\n</a>", "-b", "a=b"],
            {"COOKIE": "a=b"},
            "POST",
            "",
            {"content-type": "application/xml", "cookie": "a=b"},
            "<a>\n</a>",
        ),
        (
            ["--json", '{"a": null, "b": {"password": "p\\"w"}}'],
            {"PASSWORD": 'p"w'},
            "POST",
            "",
            {"content-type": "application/json"},
            '{"a": null, "b": {"password": "p\\"w"}}',
        ),
        (["-sSL", "-H", "Accept: text/x", "-A", "me/1"], {}, "GET", "", {"accept": "text/x"}, ""),
        (["-I"], {}, "HEAD", "", {}, ""),
    ],
)
def test_what_arrives_is_what_curl_itself_sends(
    cli: Cli,
    server: tuple[str, list[Received]],
    words: list[str],
    secrets: dict[str, str],
    *,
    method: str,
    query: str,
    headers: dict[str, str],
    body: str,
) -> None:
    """What is expected was recorded from curl 7.88.1."""
    url, received = server
    code, out, error = cli("import-curl", shlex.join(["curl", *words, f"{url}/path?x=%2F&y"]))
    assert code == 0, error
    host = re.sub("[^0-9]", "_", url.partition("://")[2])
    send(out, {f"SECRET_{host}_{name}": value for name, value in secrets.items()})
    sent, path, got, content = received[-1]
    assert (sent, target(path)) == (method, target(f"/path?x=%2F&y{query}"))
    named = {"content-type", "authorization", "cookie", "x-custom"} | headers.keys()
    expected = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    assert {name: got[name] for name in named if name in got} == expected
    if "json" in headers.get("content-type", ""):
        assert json.loads(content) == json.loads(body)
    elif "=" in body:
        assert parse_qsl(content.decode()) == parse_qsl(body)
    else:
        assert content.decode() == body
