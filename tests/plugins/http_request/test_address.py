from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from jackfield.components.plugins.registry import Registry
from jackfield.host.host import running
from jackfield.journal.records import SETTLED
from jackfield.journal.views import RunView
from jackfield.pipelines.definition import Pipeline
from jackfield.pipelines.loader import PipelineLoader
from jackfield.project.secrets import Secrets
from jackfield.project.toml_file import TomlFile
from jackfield_email.action import SendEmail
from jackfield_getcourse.actions import ImportUser
from jackfield_http_request.action import HttpRequest
from tests.destinations.kit import SETTINGS, Reply
from tests.plugins.http_request.service import Service
from tests.support import Plugin, give, make_project, until

SOURCE = '[source]\nuse = "call"\n[[steps]]\n'
MAIL = 'use = "send_email"\nfrom = "a@b.ru"\nto = "a@b.ru"\nsubject = ""\ntext = ""\n'
TOKEN_URL = (
    'url = "https://a.example"\nauth = { oauth2 = { token_url = "%s", client_id = "a", client_secret = "secret-1" } }'
)


def registry() -> Registry:
    plugin = Plugin()
    plugin.more += [HttpRequest, SendEmail, ImportUser]
    return Registry.of(plugin)


def loaded(step: str) -> Pipeline:
    return PipelineLoader(registry(), Secrets({"BASE": "https://a.example"})).load(
        "x", TomlFile.parse(SOURCE + step, "x")
    )


def sent(folder: Path, service: Service, options: str, event: dict[str, Any], **secrets: str) -> RunView:
    async def main() -> RunView:
        async with service.serving():
            text = f'{SOURCE}use = "http_request"\n{options}\n'.replace("{url}", service.url)
            known = "".join(f"{name} = '{value}'\n" for name, value in secrets.items()).replace("{url}", service.url)
            project = make_project(folder, {"x": text}, SETTINGS, known)
            async with running(project, os.environ, registry=registry(), now=lambda: datetime.now(UTC)) as host:
                return await until(host, await give(host, event), SETTLED)

    return asyncio.run(main())


def test_an_event_cannot_lead_a_request_with_a_credential_elsewhere(tmp_path: Path) -> None:
    service = Service()
    options = 'url = "{url}/customers/{{ $.event.id }}/orders"\nauth = { bearer = "token-123" }'
    run = sent(tmp_path, service, options, {"id": "../../admin/delete?all=1"})
    assert service.received == []
    assert 'steps[0].url: its path would have ".." as a part' in repr(run)


def test_a_value_arrives_as_one_segment_and_one_parameter(tmp_path: Path) -> None:
    service = Service()
    options = 'url = "{url}/customers/{{ $.event.id }}/orders?q={{ $.event.id }}&all=0"'
    sent(tmp_path, service, options, {"id": "a/b?all=1&#"})
    assert [(one.path, one.query) for one in service.received] == [
        ("/customers/a%2Fb%3Fall%3D1%26%23/orders", "q=a%2Fb%3Fall%3D1%26%23&all=0")
    ]


def test_secrets_in_an_address_are_sent_as_they_are_and_masked(tmp_path: Path) -> None:
    service = Service()
    run = sent(
        tmp_path,
        service,
        'url = "{{ secret.BASE }}/bot{{ secret.TOKEN }}/{{ $.event.id }}"',
        {"id": "a/b"},
        BASE="{url}/v1",
        TOKEN="12345:AAF-x",
    )
    assert [one.path for one in service.received] == ["/v1/bot12345:AAF-x/a%2Fb"]
    assert "AAF-x" not in repr(run)


def test_a_secret_that_a_destination_breaks_off_or_shouts_is_not_stored(tmp_path: Path) -> None:
    key = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"
    answers = (
        Reply.json(200, {"error": f"bad key {key[:20]}", "given": key.upper()}),
        Reply(200, f"bad key {key[:9]}".encode()),
        Reply(400, f"bad key {key[:25]}... is refused".encode()),
        Reply(200, b"bad key " + key.encode()),
    )
    for number, answer in enumerate(answers):
        options = 'url = "{url}"\nmax_answer = "30 B"\nheaders = { X-Key = "{{ secret.KEY }}" }\n'
        folder = tmp_path / str(number)
        folder.mkdir()
        run = repr(
            sent(folder, Service(answer), options if number == 3 else options.replace("30 B", "1 MB"), {}, KEY=key)
        )
        assert "bad key ***" in run
        assert key[:9].lower() not in run.lower()


def test_a_step_that_says_so_calls_where_the_event_leads(tmp_path: Path) -> None:
    service = Service()
    options = 'url = "{{ $.event.callback }}"\nurl_from_event = true'

    async def main() -> RunView:
        async with service.serving():
            project = make_project(tmp_path, {"x": f'{SOURCE}use = "http_request"\n{options}\n'}, SETTINGS)
            async with running(project, os.environ, registry=registry(), now=lambda: datetime.now(UTC)) as host:
                return await until(host, await give(host, {"callback": f"{service.url}/a?b=c"}), SETTLED)

    asyncio.run(main())
    assert [(one.path, one.query) for one in service.received] == [("/a", "b=c")]


@pytest.mark.parametrize(
    ("key", "step"),
    [
        ("steps[0].url", 'use = "http_request"\nurl = "https://{{ $.event.host }}/a"'),
        ("steps[0].url", 'use = "http_request"\nurl = "{{ $.event.url }}"'),
        ("steps[0].auth.oauth2.token_url", f'use = "http_request"\n{TOKEN_URL % "{{ $.event.url }}/token"}'),
        ("steps[0].auth", 'use = "http_request"\nurl = "https://a.example"\nauth = "{{ $.event.auth }}"'),
        ("steps[0].proxy", 'use = "http_request"\nurl = "https://a.example"\nproxy = "http://{{ $.event.p }}:3128"'),
        ("steps[0].proxy.url", 'use = "http_request"\nurl = "https://a.example"\nproxy = { url = "{{ $.event.p }}" }'),
        ("steps[0].account", 'use = "getcourse.import_user"\naccount = "{{ $.event.a }}"\nkey = "key-12"\nuser = {}'),
        (
            "steps[0].server",
            f'{MAIL}server = "smtp://{{{{ $.event.s }}}}"',
        ),
    ],
)
def test_a_host_that_an_event_would_choose_is_a_mistake_of_the_file(key: str, step: str) -> None:
    (problem,) = loaded(step).problems
    assert problem.key == key
    assert "would come from $.event." in problem.message
    assert problem.message.endswith("url_from_event = true in this step")
    assert loaded(f"url_from_event = true\n{step}").problems == ()


def test_dots_that_lead_elsewhere_are_a_mistake_of_the_file() -> None:
    (problem,) = loaded('use = "http_request"\nurl = "https://a.example/b/../c"').problems
    assert str(problem).endswith('has ".." as a part of its path; write the path that it leads to')


def test_a_host_may_come_from_a_secret() -> None:
    assert loaded('use = "http_request"\nurl = "{{ secret.BASE }}/{{ $.event.id }}"').problems == ()
