"""Literals that look like keys: what is found, what is not, and what viewers see of a definition."""

from __future__ import annotations

import re
import secrets
import string
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.project.key_literals import key_literals, key_warnings, secret_name, without_literals
from jackfield.project.toml_file import TomlFile
from jackfield.project.toml_text import toml_document

ROOT = Path(__file__).parent.parent.parent
_TOML_BLOCK = re.compile(r"```toml\n(.*?)```", re.DOTALL)
_ALPHABET = string.ascii_letters + string.digits
# In two parts each, so that nobody's scanner takes them for real.
GITHUB = "gh" + "p_16C7e42F292c6912E7710c838347Ae178B4a"
SLACK = "xox" + "b-1234567890-abcdefghij"
STRIPE = "sk" + "_test_4eC39HqLyjWD"
TELEGRAM = "123456789" + ":AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
_RANDOM = st.integers(24, 60).map(lambda size: "".join(secrets.choice(_ALPHABET) for _ in range(size)))


def found(value: str, *path: str | int) -> list[str]:
    """Name the literals that are found in a value at a place."""
    data: Any = value
    for part in reversed(path or ("text",)):
        data = {part: data} if isinstance(part, str) else [data]
    return [one.text for one in key_literals(data)]


@pytest.mark.parametrize(
    ("path", "value", "keys"),
    [
        (("headers", "Authorization"), "Bearer abcdef123", ["abcdef123"]),
        (("headers", "Authorization"), "Basic dXNlcjpwYXNz", ["dXNlcjpwYXNz"]),
        (("headers", "X-Token"), "school-token", ["school-token"]),
        (("headers", "X-Api-Key"), "12345678", ["12345678"]),
        (("form", "api_key"), "qwerty", ["qwerty"]),
        (("form", "password"), "correct horse", ["correct horse"]),
        (("form", "key"), "a1b2c3d4", ["a1b2c3d4"]),
        (("url",), "https://robot:hunter22@crm.example/x", ["hunter22"]),
        (("url",), f"https://{STRIPE}:@api.example/v1", [STRIPE]),
        (("url",), "https://crm.example/x?token=abcdef&id={{ $.event.id }}", ["abcdef"]),
        (("url",), f"https://api.telegram.org/bot{TELEGRAM}/x", [TELEGRAM]),
        (("text",), f"the key is {GITHUB}", [GITHUB]),
        (("text",), f"{{{{ '{SLACK}' ~ $.event.id }}}}", [SLACK]),
        (("headers", "X-Token"), "{{ 'plain-word' }}", ["plain-word"]),
        (("json", "id"), "8f14e45fceea167a5a36dedd4bea2543", ["8f14e45fceea167a5a36dedd4bea2543"]),
    ],
)  # fmt: skip
def test_what_looks_like_a_key_is_found(path: tuple[str, ...], value: str, keys: list[str]) -> None:
    assert found(value, *path) == keys


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("headers", "Authorization"), "Bearer {{ secret.CRM_TOKEN }}"),
        (("headers", "X-Token"), "{{ secret.CRM_TOKEN }}"),
        (("headers", "X-Token"), "your token"),
        (("headers", "Content-Type"), "application/x-www-form-urlencoded; charset=utf-8"),
        (("url",), "https://crm.example/api/v4/customers/12345678901234567890/orders?token={{ secret.X }}"),
        (("url",), "https://school.getcourse.ru/kurs-python-2024-potok-3-dlya-nachinayushchikh"),
        (("key",), "email"),
        (("form", "list_id"), "8d2f7c1e-0f3b-4f6e-9d55-2f7b0a1c9e10"),
        (("text",), "{{ $.event.first_name | default('Студент') }} {{ 'a long text in quotes' }}"),
        (("when",), "{{ $.event.token == 'yes' }}"),
        (("server",), "smtp://robot@smtp.example.ru:587"),
        (("token_url",), "https://api.sendpulse.com/oauth/access_token"),
        (("since",), "2026-11-24T10:00:00+03:00"),
        (("user_agent",), "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0.0.0"),
        (("media",), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ],
)
def test_what_is_no_key_is_left_alone(path: tuple[str, ...], value: str) -> None:
    assert found(value, *path) == []


def test_no_example_of_this_repository_gives_a_false_alarm() -> None:
    texts = [path.read_text(encoding="utf-8") for path in [*ROOT.glob("examples/**/*.toml"), *_skeletons()]]
    pages = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("plugins/*/README.md"),
        *ROOT.glob("examples/**/*.md"),
    ]
    texts += [block for page in pages for block in _blocks(page)]
    assert len(texts) > 30
    for text in texts:
        try:
            file = TomlFile.parse(text, "x.toml")
        except Exception:  # noqa: BLE001 - a block that shows a part of a file
            continue
        assert key_warnings("x", file) == []


def _blocks(page: Path) -> list[str]:
    return _TOML_BLOCK.findall(page.read_text(encoding="utf-8"))


def _skeletons() -> list[Path]:
    return [path for path in ROOT.glob("core/jackfield/cli/skeleton/**/*.toml") if path.name != "secrets.toml"]


@given(_RANDOM, st.sampled_from(["text", "url", "body", "chat"]))
def test_a_random_key_is_hidden_from_viewers_wherever_it_stands(key: str, name: str) -> None:
    for value in (key, f"https://crm.example/{key}/x", f"say {key}!", f"{{{{ $.event.id ~ '{key}' }}}}"):
        shown = without_literals({"steps": [{name: value, "headers": {"X-Anything": value}}]})
        assert key not in str(shown)
        assert "crm.example" in str(shown) or "crm.example" not in value


def test_viewers_see_what_is_built_and_no_literal_that_may_be_a_secret() -> None:
    text = """
# the old token was hunter2hunter2
title = "GetCourse → Bizon365"
[source]
use = "getcourse.user_created"
[[steps]]
use = "http_request"
url = "https://online.bizon365.ru/api/v1/add?format=json&who={{ $.event.id }}"
headers = { X-School = "school", Accept = "application/json", X-Token = "{{ secret.T }}" }
json = { email = "{{ $.event.email | default('nobody') }}", pin = "ab12cd34" }
"""
    shown = toml_document(without_literals(tomllib.loads(text)))
    assert "hunter2" not in shown
    assert tomllib.loads(shown) == {
        "title": "GetCourse → Bizon365",
        "source": {"use": "getcourse.user_created"},
        "steps": [
            {
                "use": "http_request",
                "url": "https://online.bizon365.ru/api/v1/add?format=***&who={{ $.event.id }}",
                "headers": {"X-School": "***", "Accept": "application/json", "X-Token": "{{ secret.T }}"},
                "json": {"email": "{{ $.event.email | default('nobody') }}", "pin": "***"},
            }
        ],
    }


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("steps", 0, "headers", "name"), "hunter22"),
        (("steps", 0, "form", "title"), "hunter22aa"),
        (("steps", 0, "json", "deep", "use"), "hunter22aa"),
        (("steps", 0, "text"), '{"password": "hunter"}'),
        (("steps", 0, "text"), "{'api_key': 'hunter'}"),
        (("steps", 0, "text"), "<a><password>hunter</password></a>"),
        (("steps", 0, "text"), '<a token="hunter"/>'),
        (("steps", 0, "body"), "password=hunter&a=b"),
        (("steps", 0, "body"), "a=b&client_secret=hunter"),
        (("steps", 0, "note"), "first line\nPassword: hunter\n"),
        (("steps", 0, "text"), "{{ {'password': 'hunter'} | tojson }}"),
        (("steps", 0, "text"), "{{ 'it\\'s hunter22aa' }}"),
        (("steps", 0, "text"), '{{ "a\\\\hunter22aa" }}'),
        (("steps", 0, "token"), 8273645182),
        (("steps", 0, "headers", "X-Shop"), 8273645182),
        (("steps", 0, "form", "hunter22aa"), "1"),
        (("steps", 0, "query", "hunter22aa"), True),
    ],
)
def test_viewers_see_no_key_in_an_odd_place(path: tuple[str | int, ...], value: object) -> None:
    for part in reversed(path):
        value = {part: value} if isinstance(part, str) else [value]
    assert isinstance(value, dict)
    shown = str(without_literals(value))
    assert "hunter" not in shown
    assert "8273645182" not in shown
    assert "***" in shown


def test_viewers_see_the_names_that_host_and_plugins_have_given() -> None:
    data = {"title": "a1b2c3d4e5", "steps": [{"name": "send_to_bizon365", "oauth2retry7": 5, "pause": 3, "on": True}]}
    assert without_literals(data) == data


def test_a_literal_is_replaced_by_a_secret_and_nothing_else_changes() -> None:
    [one] = key_literals({"headers": {"Authorization": "Bearer abcdef123"}})
    assert one.replaced("CRM") == "Bearer {{ secret.CRM }}"
    [one] = key_literals({"text": f"{{{{ '{SLACK}' ~ $.event.id }}}}"})
    assert one.replaced("CRM") == "{{ secret.CRM ~ $.event.id }}"
    [one] = key_literals({"url": "https://robot:hunter22@crm.example/x"})
    assert one.replaced("CRM") == "https://robot:{{ secret.CRM }}@crm.example/x"


def test_a_warning_names_the_place_and_the_command_and_not_the_key() -> None:
    text = (
        '[[steps]]\nuse = "http_request"\nurl = "https://api.crm.example/x"\nheaders = { X-Token = "hunter2hunter2" }\n'
    )
    [warning] = key_warnings("new-student", TomlFile.parse(text, "pipelines/new-student.toml"))
    assert str(warning).startswith("pipelines/new-student.toml:4: steps[0].headers.X-Token: ")
    assert "jackfield secrets move new-student 'steps[0].headers.X-Token' --as CRM_TOKEN" in warning.message
    assert "hunter2" not in str(warning)


def test_a_secret_is_named_after_host_and_field() -> None:
    data = {"steps": [{"url": "https://{{ $.event.host }}/", "headers": {"Authorization": "x"}}]}
    assert secret_name("new-student", data, ("steps", 0, "headers", "Authorization")) == "NEW_STUDENT_TOKEN"
    assert secret_name("2-x", {}, ("source", "key")) == "KEY_2_X_KEY"


@pytest.mark.parametrize(
    "piece", ["{{", "'", "a", "eyJ-", "?", "?a=1", "://", "https://a@", " ", "a1b2c3d4e5f6g7h8i9j0 "]
)
def test_a_long_text_is_looked_through_in_no_time(piece: str) -> None:
    began = time.monotonic()
    text = piece * (200_000 // len(piece))
    list(key_literals({"token": text}))
    without_literals({"x": text, "headers": {"y": text}})
    assert time.monotonic() - began < 20
