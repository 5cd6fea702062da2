"""Trying a step: what it would send is shown, and nothing is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue, SecretStr

import jackfield_email
import jackfield_http_request
from jackfield import Action, Event, OptionsModel, Step
from jackfield.components.plugins.registry import Registry
from jackfield.http.client import HttpPool
from jackfield.http.stub import StubResponse
from jackfield.pipelines.definition import Pipeline
from jackfield.pipelines.loader import PipelineLoader
from jackfield.project.secrets import Secrets
from jackfield.project.toml_file import TomlFile
from jackfield.runs.try_step import Situation, StepTester, StepTestOutcome, StepTestResult
from jackfield.runs.watchdog.watchdog import Watchdog
from tests.servers import listening
from tests.support import Plugin, give, run_host, steps, until

SEND = '[source]\nuse = "call"\n[[steps]]\nuse = "http_request"\nname = "send"\nmethod = "POST"\n'
EVENT = Event({"email": "anna@example.ru", "n": 5})
SECRETS = Secrets({"KEY": "s3cret-key"})


class ReachOptions(OptionsModel):
    url: str
    token: SecretStr = SecretStr("")


class Reach(Action[ReachOptions]):
    """Sends two requests, the second with what the first was answered; swallows what it should not."""

    name = "reach"
    title = "Reach"
    Options = ReachOptions
    http_only = True

    async def run(self, options: ReachOptions, step: Step) -> JsonValue:
        try:
            first = await self.context.http.post(options.url, json={"key": step.idempotency_key})
        except Exception:  # noqa: BLE001 - a bad habit of foreign actions
            return "swallowed"
        second = await self.context.http.get(f"{options.url}/{first.json()['id']}", params={"t": "s3cret-key"})
        return {"seen": second.text}


def load(text: str, *more: type[Action[Any]]) -> Pipeline:
    plugin = Plugin()
    plugin.more = [*more]
    registry = Registry.of(plugin, jackfield_http_request, jackfield_email)
    return PipelineLoader(registry, SECRETS).load("x", TomlFile.parse(text, "pipelines/x.toml"))


def attempt(
    pipeline: Pipeline,
    step: str,
    event: Event = EVENT,
    results: Mapping[str, JsonValue] | None = None,
    **how: Any,
) -> StepTestResult:
    async def main() -> StepTestResult:
        http, watchdog = HttpPool(allow=["127.0.0.1"]), Watchdog(0.2)
        watchdog.start()
        try:
            situation = Situation(event, datetime(2026, 11, 24, tzinfo=UTC), results=dict(results or {}))
            return await StepTester(http, watchdog).try_step(pipeline, step, situation, **how)
        finally:
            watchdog.stop()
            await http.close()

    return asyncio.run(main())


@asynccontextmanager
async def destination(
    answer: bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
) -> AsyncIterator[tuple[str, list[bytes]]]:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)

    async with listening(serve) as port:
        yield f"http://127.0.0.1:{port}", heard


def test_what_would_be_sent_is_shown_with_secrets_masked_and_is_not_sent() -> None:
    pipeline = load(
        f'{SEND}url = "http://127.0.0.1:1/a?k={{{{ secret.KEY }}}}"\n'
        'headers = { X-Key = "{{ secret.KEY }}" }\njson = { to = "{{ $.event.email }}", n = "{{ $.event.n }}" }\n'
    )
    tried = attempt(pipeline, "send")
    assert (tried.ending, tried.sent, tried.error, tried.result) == (StepTestOutcome.CAUGHT, False, None, None)
    [exchange] = tried.exchanges
    assert (exchange.method, exchange.url) == ("POST", "http://127.0.0.1:1/a?k=***")
    assert exchange.request_body == '{"to":"anna@example.ru","n":5}'
    headers = {name.lower(): value for name, value in exchange.request_headers}
    assert headers["x-key"] == "***"
    assert headers["user-agent"].startswith("jackfield/")
    assert "s3cret-key" not in repr(tried)
    assert tried.options is not None
    assert tried.options["json"] == {"to": "anna@example.ru", "n": 5}


def test_results_of_earlier_steps_are_there() -> None:
    pipeline = load(
        steps('do = "say"', source='use = "call"')
        + '[[steps]]\nuse = "http_request"\nname = "send"\nurl = "https://a.example/{{ $.steps.act.said }}"\n'
    )
    assert attempt(pipeline, "send", results={"act": {"said": "x"}}).exchanges[0].url == "https://a.example/x"


def test_a_template_that_selects_nothing_is_said_as_the_run_would_say_it() -> None:
    tried = attempt(load(f'{SEND}url = "https://a.example/{{{{ $.event.nobody }}}}"\n'), "send")
    assert tried.ending is StepTestOutcome.FAILED
    assert tried.error is not None
    assert "steps[0].url" in tried.error


def test_a_step_whose_condition_says_no_is_passed_over() -> None:
    tried = attempt(load(f'{SEND}url = "https://a.example"\nwhen = "{{{{ $.event.n > 5 }}}}"\n'), "send")
    assert tried == StepTestResult(StepTestOutcome.PASSED_OVER)


def test_a_step_with_mistakes_shows_them() -> None:
    pipeline = load(f'{SEND}url = "https://a.example"\nmetod = "GET"\n')
    tried = attempt(pipeline, "send")
    assert tried.ending is StepTestOutcome.BROKEN
    assert [problem.key for problem in tried.problems] == ["steps[0].metod"]


def test_a_mistake_in_another_step_does_not_matter() -> None:
    other = '[[steps]]\nuse = "http_request"\nname = "other"\nurl = "https://b.example"\nmetod = "GET"\n'
    assert attempt(load(f'{SEND}url = "https://a.example"\n{other}'), "send").ending is StepTestOutcome.CAUGHT


def test_an_action_that_does_not_say_that_it_is_http_only_is_not_run() -> None:
    pipeline = load(steps('do = "give_up"\ntext = "{{ $.event.email }}"'))
    tried = attempt(pipeline, "act")
    assert tried == StepTestResult(StepTestOutcome.RENDERED, options={"do": "give_up", "text": "anna@example.ru"})


def test_an_email_is_not_sent() -> None:
    text = (
        '[source]\nuse = "call"\n[[steps]]\nuse = "send_email"\nserver = "smtp://me@127.0.0.1:1"\n'
        'from = "a@example.ru"\n'
        'to = ["{{ $.event.email }}"]\nsubject = "Hello"\ntext = "Hello"\npassword = "{{ secret.KEY }}"\n'
    )
    pipeline = load(text)
    assert pipeline.problems == ()
    tried = attempt(pipeline, "send_email")
    assert tried.ending is StepTestOutcome.RENDERED
    assert tried.options is not None
    assert (tried.options["to"], tried.options["password"]) == ([{"mailbox": "anna@example.ru", "name": ""}], "***")


def test_an_action_that_swallows_everything_still_sends_nothing() -> None:
    pipeline = load('[source]\nuse = "call"\n[[steps]]\nuse = "reach"\nurl = "https://a.example"\n', Reach)
    tried = attempt(pipeline, "reach")
    assert (tried.ending, len(tried.exchanges), tried.result) == (StepTestOutcome.CAUGHT, 1, None)


def test_with_answers_the_action_goes_on_to_its_end() -> None:
    pipeline = load('[source]\nuse = "call"\n[[steps]]\nuse = "reach"\nurl = "https://a.example"\n', Reach)
    tried = attempt(pipeline, "reach", answers=[StubResponse(body='{"id": 7}'), StubResponse(body="привет s3cret-key")])
    assert [one.url for one in tried.exchanges] == ["https://a.example/", "https://a.example/7?t=***"]
    assert (tried.ending, tried.result) == (StepTestOutcome.SUCCEEDED, {"seen": "привет ***"})
    assert tried.returned == {"seen": "привет s3cret-key"}


def test_an_answer_may_be_that_there_is_none() -> None:
    tried = attempt(load(f'{SEND}url = "https://a.example"\n'), "send", answers=[StubResponse(error="no route")])
    assert (tried.ending, tried.error) == (StepTestOutcome.FAILED, "no route")


def test_requests_for_a_token_are_answered_so_that_the_real_one_is_shown() -> None:
    auth = 'token_url = "https://id.example/token"\nclient_id = "a"\nclient_secret = "{{ secret.KEY }}"\n'
    pipeline = load(f'{SEND}url = "https://a.example"\n[steps.auth.oauth2]\n{auth}')
    assert pipeline.problems == ()
    tried = attempt(pipeline, "send")
    assert [one.url for one in tried.exchanges] == ["https://id.example/token", "https://a.example/"]
    assert tried.ending is StepTestOutcome.CAUGHT


def test_when_asked_to_it_really_sends_and_shows_what_came_back() -> None:
    async def main() -> None:
        async with destination() as (url, heard):
            pipeline = load(f'{SEND}url = "{url}/a"\nheaders = {{ X-Key = "{{{{ secret.KEY }}}}" }}\n')
            http, watchdog = HttpPool(allow=["127.0.0.1"]), Watchdog()
            situation = Situation(EVENT, datetime(2026, 11, 24, tzinfo=UTC))
            tried = await StepTester(http, watchdog).try_step(pipeline, "send", situation, send=True)
            await http.close()
            assert b"s3cret-key" in heard[0]
        assert (tried.ending, tried.sent, tried.exchanges[0].response_body) == (StepTestOutcome.SUCCEEDED, True, "hi")
        assert "s3cret-key" not in repr(tried)

    asyncio.run(main())


def test_the_address_guard_stands_when_it_really_sends() -> None:
    tried = attempt(load(f'{SEND}url = "http://169.254.169.254/"\n'), "send", send=True)
    assert tried.ending is StepTestOutcome.FAILED
    assert tried.error is not None
    assert "[http] allow" in tried.error


@pytest.mark.parametrize(
    ("do", "ending", "error"),
    [
        ("say", StepTestOutcome.SUCCEEDED, None),
        ("skip", StepTestOutcome.ENDED, "not wanted: ***"),
        ("give_up", StepTestOutcome.FAILED, "never: ***"),
        ("fail_for_now", StepTestOutcome.FAILED, "could not convert string to float: '***'"),
        ("crash", StepTestOutcome.FAILED, "the action failed with LookupError: ***"),
        ("panic", StepTestOutcome.FAILED, "the action failed with Panic: "),
        ("exit", StepTestOutcome.FAILED, "the action failed with RuntimeError: it raised SystemExit(3)"),
        ("cancel", StepTestOutcome.FAILED, "the action cancelled itself"),
        ("hang", StepTestOutcome.FAILED, "no result within 0.2 s"),
        ("block", StepTestOutcome.FAILED, "the action kept the event loop to itself for more than 0.2 s"),
        ("nonsense", StepTestOutcome.FAILED, "the action failed with ValidationError"),
        ("half_a_character", StepTestOutcome.FAILED, "the action failed with"),
    ],
)
def test_whatever_an_action_does_it_is_shown(do: str, ending: StepTestOutcome, error: str | None) -> None:
    timeout = "0.2 s" if do == "hang" else "20 s"
    pipeline = load(steps(f'do = "{do}"\ntext = "{{{{ secret.KEY }}}}"\ntimeout = "{timeout}"'))
    tried = attempt(pipeline, "act", send=True)
    assert tried.ending is ending
    assert (error or "") in (tried.error or "")
    assert "s3cret-key" not in repr(tried)


@pytest.mark.parametrize("send", [False, True])
def test_the_timeout_of_a_step_covers_its_templates_in_a_trial(send: bool) -> None:  # noqa: FBT001 - a parameter
    slow = "{% for a in range(99000) %}{% endfor %}" * 3
    tried = attempt(load(steps(f'do = "say"\ntext = "{slow}"\ntimeout = "20 ms"')), "act", send=send)
    assert (tried.ending, tried.error) == (StepTestOutcome.FAILED, "no result within 0.02 s")


def test_a_run_of_the_journal_gives_the_event_and_what_its_steps_returned(tmp_path: Path) -> None:
    async def main() -> None:
        text = steps('do = "say"\ntext = "{{ $.event.email }}"', 'name = "two"\ndo = "say"\ntext = "{{ secret.KEY }}"')
        async with run_host(tmp_path, Plugin(), {"x": text}, secrets='KEY = "s3cret-key"') as host:
            view = await until(host, await give(host, {"email": "anna@example.ru"}))
        situation = Situation.of(view)
        assert situation.event == view.event
        assert situation.results["act"] == {"said": "anna@example.ru"}
        assert "two" in situation.results

    asyncio.run(main())
