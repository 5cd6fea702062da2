"""What is most likely a slip, and what is not called one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.checks.lint import Seen, lint, seen_in
from jackfield.checks.project import inspect_project
from jackfield.components.plugins.registry import Registry
from jackfield.http.address_guard import AddressGuard
from jackfield.pipelines.loader import PipelineLoader
from jackfield.project.secrets import Secrets
from jackfield.project.toml_file import TomlFile
from tests.support import Plugin, give, run_host, steps, until

LOADER = PipelineLoader(Registry.load(), Secrets({}))
GETCOURSE = '[source]\nuse = "getcourse.user_created"\nextra = { phone2 = "Phone 2" }\n'
GENERIC = '[source]\nuse = "webhook.generic"\nauth = { kind = "none" }\n'


def slips(text: str, seen: Seen | None = None, allow: Iterable[str] = ()) -> list[str]:
    file = TomlFile.parse(text, "x.toml")
    found = lint(LOADER.load("x", file), file, LOADER, AddressGuard([*allow]), seen or Seen())
    return [f"{one.key}: {one.message}" for one in found]


def step(more: str = "", url: str = "https://crm.example.com/", method: str = "POST") -> str:
    return f'[[steps]]\nuse = "http_request"\nname = "add"\nurl = "{url}"\nmethod = "{method}"\n{more}\n'


def test_a_misspelt_field_of_the_source_is_named_with_the_right_one() -> None:
    assert slips(GETCOURSE + step('json = { email = "{{ $.event.emial }}" }')) == [
        "steps[0].json.email: $.event.emial was never seen; did you mean $.event.email?"
    ]


@pytest.mark.parametrize("key", ["email", "first_name", "phone2", "phone", "whatever", "emails", "email_ru", "custom"])
def test_a_field_that_is_declared_or_asked_for_or_like_no_other_is_no_slip(key: str) -> None:
    assert slips(GETCOURSE + step(f'json = {{ a = "{{{{ $.event.{key} }}}}" }}')) == []


def test_a_source_that_declares_nothing_is_judged_by_what_came_in() -> None:
    text = GENERIC + step('json = ["{{ $.event.user.emial }}", "{{ $.event.items[0].pirce }}", "{{ $.event.other }}"]')
    assert slips(text) == []
    seen = Seen([{"user": {"email": "a"}, "items": [{"price": 1}]}])
    assert slips(text, seen) == [
        "steps[0].json[0]: $.event.user.emial was never seen; did you mean $.event.user.email?",
        "steps[0].json[1]: $.event.items[0].pirce was never seen; did you mean $.event.items[0].price?",
    ]
    assert slips(text, Seen([*seen.events, {"user": {"emial": "a"}, "items": [{"pirce": 1}]}])) == []


def test_a_result_of_an_earlier_step_is_known_as_far_as_runs_show_it() -> None:
    text = (
        GENERIC
        + step()
        + step('name = "tell"\njson = { id = "{{ $.steps.add.bdoy.id }}" }').replace('name = "add"\n', "")
    )
    assert slips(text) == []
    assert slips(text, Seen(results={"add": [{"status": 200, "body": {"id": 7}}]})) == [
        "steps[1].json.id: $.steps.add.bdoy.id was never seen; did you mean $.steps.add.body?"
    ]


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("http://127.0.0.1:9000/x", "127.0.0.1 is refused, for it is a loopback address"),
        ("http://user@localhost/", "localhost is refused, for it is a loopback address"),
        ("http://[::1]/{{ $.event.id }}", "::1 is refused, for it is a loopback address"),
        ("http://169.254.169.254", "169.254.169.254 is refused, for it is a link-local address"),
        ("https://10.1.2.3/a?b={{ $.event.id }}", "10.1.2.3 is refused, for it is a private address"),
    ],
)
def test_an_address_that_the_guard_refuses_is_named_unless_it_is_allowed(url: str, kind: str) -> None:
    text = GENERIC + step(url=url)
    remedy = "to allow it, put it into [http] allow in jackfield.toml"
    assert slips(text) == [f"steps[0].url: a request to {kind}; {remedy}"]
    assert slips(text, allow=["127.0.0.0/8", "localhost", "::1", "169.254.0.0/16", "10.0.0.0/8"]) == []


@pytest.mark.parametrize(
    "url", ["https://crm.example.com/", "https://crm.local/x", "https://example.com/?to=127.0.0.1"]
)
def test_an_address_that_may_be_public_is_no_slip(url: str) -> None:
    assert slips(GENERIC + step(url=url)) == []


@pytest.mark.parametrize(("method", "meant"), [("POTS", "POST"), ("GTE", "GET"), ("pots", "POST"), ("DELTE", "DELETE")])
def test_a_mistyped_method_is_named_with_the_right_one(method: str, meant: str) -> None:
    said = f'steps[0].method: "{method}" is no method that is known; did you mean {meant}?'
    assert slips(GENERIC + step(method=method)) == [said]


@pytest.mark.parametrize("method", ["POST", "post", "PROPFIND", "XYZZY", "{{ $.event.method }}"])
def test_a_method_that_is_known_or_like_no_other_is_no_slip(method: str) -> None:
    assert slips(GENERIC + step(method=method)) == []


@pytest.mark.parametrize(
    "text", ["steps = 1", "steps = [1]", "source = 1", "[[steps]]", "[steps]", "[[steps]]\nurl = 1\nmethod = []"]
)
def test_a_file_that_is_no_pipeline_has_no_slips(text: str) -> None:
    assert slips(text) == []


KEYS = st.text(alphabet="abc_1", min_size=1, max_size=4)


@given(st.dictionaries(KEYS, st.integers() | st.lists(st.dictionaries(KEYS, st.none())), min_size=1))
def test_what_came_in_once_is_never_called_a_slip(event: dict[str, Any]) -> None:
    text = GENERIC + step("json = [" + ", ".join(f"\"{{{{ $.event['{key}'] }}}}\"" for key in event) + "]")
    assert slips(text, Seen([event])) == []


def test_check_and_a_running_host_know_what_runs_have_shown(tmp_path: Path) -> None:
    async def main() -> None:
        text = steps(
            'do = "say"\nname = "first"',
            'do = "say"\nname = "last"\ntext = "{{ $.steps.first.siad }}{{ $.event.naem }}"',
        )
        async with run_host(tmp_path, Plugin(), {"x": text}) as host:
            await until(host, await give(host, {"name": "Anna"}))
            seen = await seen_in(host.journal, "x")
            assert (seen.events, seen.results["first"]) == ([{"name": "Anna"}], [{"said": ""}])
            found = inspect_project(tmp_path, {}, host.registry, {"x": seen})
            assert (found.problems, [one.message for one in found.warnings]) == (
                [],
                [
                    "$.event.naem was never seen; did you mean $.event.name?",
                    "$.steps.first.siad was never seen; did you mean $.steps.first.said?",
                ],
            )

    asyncio.run(main())
