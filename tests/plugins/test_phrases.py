"""What the bundled plugins say of a failure is said in Russian as well, with nothing of it left in English."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from jackfield import JackfieldError, Notice, NoticeKind, WebhookRequest
from jackfield.components.plugins.registry import Registry
from jackfield.i18n.phrasebooks import read_phrasebooks
from jackfield.i18n.phrases import Phrasebook
from jackfield.pipelines.loader import PipelineLoader
from jackfield.project.secrets import Secrets
from jackfield.project.toml_file import TomlFile
from jackfield.testing import run_action, run_notifier
from jackfield_compose.filter import Filter
from jackfield_compose.form import ComposeForm
from jackfield_compose.json import ComposeJson
from jackfield_email.action import SendEmail
from jackfield_getcourse.actions import ImportDeal, ImportUser
from jackfield_webhook.notifier import WebhookNotifier
from tests.plugins.email.servers import Mailbox, bad_server, certificate, mail_server
from tests.plugins.email.test_delivery import MAIL, says, says_nothing
from tests.plugins.getcourse.test_actions import imported, school
from tests.plugins.http_request.answers.test_outcomes import outcomes

_QUOTED: Final = re.compile(r"«[^»]*»|\"[^\"]*\"|'[^']*'|`[^`]*`|\{[^{}]*\}|\([^()]*\)")
_RUN: Final = re.compile(r"(?<!\S)[A-Za-z]?[a-z]+(?: [a-z']+)+(?=[.,:;!?)]*(?:\s|$))")
_CODE: Final = re.compile(r"(?<!\S)(?:true|false|null|nan|inf)\b")


def english(text: str) -> list[str]:
    """Find the runs of two English words and more that are not quoted; names of options and hosts are none."""
    return _RUN.findall(_CODE.sub("…", _QUOTED.sub("…", text)))


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture(scope="module")
def say(registry: Registry) -> Phrasebook:
    return read_phrasebooks(registry.plugins)["ru"]


def in_english(said: Mapping[str, str]) -> dict[str, str]:
    """Find what is said as it was, or with English left in it."""
    return {text: russian for text, russian in said.items() if english(russian) or not re.search("[а-яё]", russian)}


def reason(act: Callable[..., object], *args: Any, **more: Any) -> str:
    """Return why this fails."""
    with pytest.raises(JackfieldError) as failed:
        act(*args, **more)
    return str(failed.value)


def test_english_is_told_from_names_and_quotations() -> None:
    assert english("сервер crm.ru did not answer in time") == ["did not answer in time"]
    assert english("url: is required") == ["is required"]
    assert english('сервер crm.ru ответил 200: «not found», redirects = "all" и GET https://a.ru/to the') == []
    assert english("должно быть true или false; задайте в `[http] allow`, Content-Type text/plain") == []


def test_every_outcome_of_a_request_is_said(say: Phrasebook, tmp_path: Path) -> None:
    errors = [view.summary.error for view in outcomes(tmp_path)]
    assert in_english({error: say(error) for error in errors if error}) == {}


REFUSED = {"success": False, "error_code": 917, "error_message": "нет"}


@pytest.mark.parametrize("action", [ImportUser, ImportDeal])
def test_every_answer_of_getcourse_is_said(action: Any, say: Phrasebook) -> None:
    answers: list[tuple[Any, int, dict[str, str]]] = [
        ({}, 429, {}),
        ({}, 502, {}),
        ({}, 302, {"location": "https://online.school.ru/pl/api"}),
        ({}, 302, {"location": "http://[x/"}),
        ({"success": True, "result": {}}, 400, {}),
        ({"result": {}}, 200, {}),
        *((REFUSED | {"error_code": code}, 200, {}) for code in (901, 903, 904, 905, 917, 999)),
        ({"success": False}, 200, {}),
        ({"success": False, "error_message": "Действие запрещено"}, 200, {}),
        ({"success": False, "error_message": "я" * 501}, 200, {}),
        (b"wrong subdomain", 404, {}),
        (b"<html>", 200, {}),
        (b"", 200, {}),
        (b"OK", 200, {}),
        (b"x" * 1_000_001, 200, {}),
        (b"?", 404, {}),
        (None, 200, {}),
    ]
    said = {}
    for body, status, headers in answers:
        with school(body, status, headers) as (account, _):
            text = reason(imported, action, account)
        said[text] = say(text)
    for more in ({"account": "http://127.0.0.1:1"}, {"user": {"email": "\ud800"}}, {"user": {"a": float("nan")}}):
        text = reason(imported, action, **{"account": "http://127.0.0.1:1", **more})
        said[text] = say(text)
    assert in_english(said) == {}
    assert len(said) > 20


def sample(body: bytes = b"", kind: str = "", query: str = "", **headers: str) -> WebhookRequest:
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return WebhookRequest(query=query, headers=(("content-type", kind), *named), body=body)


FORM, JSON, XML = "application/x-www-form-urlencoded", "application/json", "application/xml"
PARTS = "multipart/form-data; boundary=b"
BY_HEADER = {
    "header": "X-Sign",
    "secret": "s",
    "prefix": "v1=",
    "timestamp_header": "X-At",
    "signed": "{timestamp}{body}",
}
BROKEN_JSON = [b"{", b"[1,]", b'{"a":}', b'{"a" 1}', b"{1: 2}", b'{"a": "\n"}', b"nope", b'{"a":1} x', b"[" * 9999]
UNREADABLE: list[tuple[str, dict[str, Any], WebhookRequest]] = [
    *(("getcourse.user_created", {}, sample(body, JSON)) for body in (*BROKEN_JSON, b'"a"', b"\xff", b'{"a":1e999}')),
    *(("webhook.generic", {}, sample(body, JSON)) for body in (*BROKEN_JSON, b"\xff", b'{"a":1e999}')),
    ("getcourse.user_created", {}, sample()),
    ("getcourse.user_created", {}, sample(b"?", PARTS)),
    ("getcourse.user_created", {}, sample(query="%FF=1")),
    ("getcourse.user_created", {"secret": "s"}, sample(query="a=1")),
    ("webhook.tilda", {"secret": "s"}, sample(query="a=1")),
    ("webhook.generic", {"split": "$.a.`sorted`"}, sample(b'{"a": [1, "x"]}', JSON)),
    ("webhook.generic", {"split": "$.a[*]"}, sample(b'{"a": [' + b"1," * 10_001 + b"1]}", JSON)),
    ("webhook.generic", {}, sample(b"a=%FF", FORM)),
    ("webhook.generic", {}, sample(b"a[" + b"][" * 40 + b"]=1", FORM)),
    ("webhook.generic", {}, sample(b"a=1&" * 10_001, FORM)),
    ("webhook.generic", {}, sample(b"[" * 50_001 + b"=1", FORM)),
    *(
        ("webhook.generic", {}, sample(body, XML))
        for body in (
            b"<a>",
            b"<a></b>",
            b"<a/>x",
            b"x",
            b"<a b='1' b='2'/>",
            b"<a>&b;</a>",
            b"<a>\x00</a>",
            b"<a>\xff</a>",
            b"<?xml version='1.0' encoding='klingon'?><a/>",
            b"<!DOCTYPE a><a/>",
            b"<a>" * 65,
            b"<a>" + b"<b/>" * 50_000 + b"</a>",
        )
    ),
    ("webhook.generic", {}, sample(b"--b", "multipart/form-data")),
    ("webhook.generic", {}, sample(b"?", PARTS)),
    ("webhook.generic", {}, sample(b"?", PARTS + "b" * 300)),
    ("webhook.generic", {}, sample(b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1', PARTS)),
    ("webhook.generic", {}, sample(b"--b\r\nA: b\r\n\r\n1\r\n--b--\r\n", PARTS)),
    ("webhook.generic", {}, sample(b'--b\r\nContent-Disposition: x; name="a"\r\n\r\n\xff\r\n--b--\r\n', PARTS)),
    ("webhook.generic", {"verify": {"preset": "github", "secret": "s"}}, sample()),
    ("webhook.generic", {"verify": {"preset": "github", "secret": "s"}}, sample(x_hub_signature_256="sha256=0")),
    ("webhook.generic", {"verify": {"preset": "gitlab", "secret": "s"}}, sample()),
    ("webhook.generic", {"verify": {"preset": "gitlab", "secret": "s"}}, sample(x_gitlab_token="t")),
    ("webhook.generic", {"verify": {"token": "s", "query": "t"}}, sample(query="t=1")),
    ("webhook.generic", {"verify": BY_HEADER}, sample(x_sign="?")),
    ("webhook.generic", {"verify": BY_HEADER}, sample(x_sign="v1=?")),
]


def test_every_reason_to_turn_a_request_down_is_said(registry: Registry, say: Phrasebook) -> None:
    said = {}
    for name, options, request in UNREADABLE:
        kind = registry.source(name)
        source = kind(
            kind.Options.model_validate({"verify": "none"} | options if name.endswith("generic") else options)
        )

        def read(source: Any = source, request: WebhookRequest = request) -> None:
            source.verify(request)
            list(source.parse(request))

        text = reason(read)
        said[text] = say(text)
    assert in_english(said) == {}
    assert len(said) > len(UNREADABLE) - 15


@pytest.mark.parametrize("age", [-timedelta(days=3), timedelta(hours=1)])
def test_a_signature_of_another_time_is_said_to_be_one(age: timedelta, registry: Registry, say: Phrasebook) -> None:
    kind = registry.source("webhook.generic")
    source = kind(kind.Options.model_validate({"verify": {"preset": "stripe", "secret": "s"}}))
    request = source.sample({})
    text = reason(source.verify, replace(request, received_at=request.received_at + age))
    assert in_english({text: say(text)}) == {}


def test_what_looks_wrong_in_a_call_is_said(registry: Registry, say: Phrasebook) -> None:
    kind = registry.source("getcourse.user_created")
    source = kind(kind.Options())
    for names in (["email"], [f"name{number}" for number in range(9)]):
        query = "&".join(f"{name}={{object.x}}&{name}={{object.x}}" for name in names)
        [event] = source.parse(sample(query=query))
        assert in_english({warning: say(warning) for warning in event.warnings}) == {}
        assert len(event.warnings) == 2


def test_what_a_receiver_of_notices_answers_is_said(say: Phrasebook) -> None:
    notice = Notice(NoticeKind.FAILED, "subject", "text", datetime.now(UTC))
    said = {}
    for body, status, headers in ((b"", 500, {}), (b"\xd1\x8f", 403, {}), (b"", 302, {"location": "http://[x/"})):
        with school(body, status, headers) as (url, _):
            text = reason(run_notifier, WebhookNotifier, {"url": url}, notice)
        said[text] = say(text)
    for url in ("http://127.0.0.1:1", "http://10.0.0.1"):
        text = reason(run_notifier, WebhookNotifier, {"url": url}, notice)
        said[text] = say(text)
    assert in_english(said) == {}
    assert len(said) == 5


def test_what_a_mail_server_does_is_said(say: Phrasebook) -> None:
    mailbox = Mailbox(refuses={"anna@example.ru": "550 5.1.1"}, data="554 5.7.1")
    _, unknown = certificate()
    with ExitStack() as servers:
        plain = servers.enter_context(mail_server(mailbox, decode_data=False))
        login = servers.enter_context(
            bad_server(says(b"220 a", b"250-a\r\n250 AUTH LOGIN", b"334 UGFzc3dvcmQ6", b"535 5.7.8"))
        )
        secure = servers.enter_context(mail_server(mailbox, implicit_tls=unknown))
        silent = servers.enter_context(bad_server(says_nothing))
        odd = servers.enter_context(bad_server(says(b"554 5.7.1")))
        away = servers.enter_context(bad_server(says()))
        texts = [
            reason(run_action, SendEmail, {**MAIL, "tls": "none", **more})
            for more in (
                {"server": f"smtp://127.0.0.1:{plain}"},
                {"server": f"smtp://127.0.0.1:{plain}", "to": "ivan@example.ru"},
                {"server": f"smtp://127.0.0.1:{plain}", "tls": "starttls"},
                {"server": f"smtp://127.0.0.1:{plain}", "tls": "tls"},
                {"server": f"smtp://u@127.0.0.1:{plain}", "password": "x"},
                {"server": f"smtp://u@127.0.0.1:{login}", "password": "x"},
                {"server": f"smtp://127.0.0.1:{secure}", "tls": "tls"},
                {"server": f"smtp://127.0.0.1:{silent}", "wait": "100 ms"},
                {"server": f"smtp://127.0.0.1:{odd}"},
                {"server": f"smtp://127.0.0.1:{away}"},
                {"server": "smtp://127.0.0.1:1"},
                {"server": "smtp://localhost:1"},
                {"server": "smtp://nobody.invalid:1"},
                {"server": "smtp://127.0.0.1:1", "tls": "tls", "ca": "gone.pem"},
                {"server": "smtp://127.0.0.1:1", "tls": "tls", "ca": "-----BEGIN CERTIFICATE-----"},
            )
        ]
    assert in_english({text: say(text) for text in texts}) == {}


def test_what_cannot_be_composed_is_said(say: Phrasebook) -> None:
    texts = [
        reason(run_action, Filter, {"keep_when": False}),
        reason(run_action, ComposeForm, {"fields": {"a": "😀"}, "charset": "windows-1251"}),
        reason(run_action, ComposeForm, {"fields": {"a": float("nan")}}),
        reason(run_action, ComposeJson, {"value": float("nan"), "as": "text"}),
    ]
    assert in_english({text: say(text) for text in texts}) == {}


MISTAKES: Final[Mapping[str, Sequence[str]]] = {
    'use = "filter"': ['keep_when = "no"'],
    'use = "http_request"': [
        "url = 'x'",
        "url = 'https://u:p@a.ru'",
        *(
            f"url = 'https://a.ru'\n{line}"
            for line in (
                "method = 'A B'",
                "method = 'CONNECT'",
                "headers = { 'a b' = 'x' }",
                "headers = { Content-Length = '1' }",
                'headers = { A = "a\\nb" }',
                "headers = { Authorization = 'x' }\nauth = { bearer = 'x' }",
                "headers = { Content-Type = 'x' }\nmultipart = [{ name = 'a', text = 'b' }]",
                "query = 'a'",
                "query = { a = nan }",
                "query = [[[], 'b']]",
                "multipart = [{ name = [], text = 'a' }]",
                "multipart = [{ name = 'a', base64 = '?' }]",
                "multipart = [{ name = 'a', text = 'b', type = '?' }]",
                "success = []",
                "success = 'all'",
                "extract = { a = '[' }",
                "timeouts = { read = '0 s' }",
                'auth = { bearer = "a\\n" }',
                "auth = { basic = { username = 'a:b', password = 'x' } }",
                "auth = { digest = { username = 'a:b', password = 'x' } }",
                "auth = { query = { name = '', value = 'x' } }",
                'auth = { query = { name = "a\\n", value = "x" } }',
                "auth = {}",
                "auth = { basic = {} }",
                "proxy = 'x'",
                "proxy = 'http://u:p@a.ru'",
                "proxy = { url = 'http://a.ru', username = 'a:b', password = 'x' }",
                "proxy = { url = 'http://a.ru', username = 'a' }",
                "tls = { key = 'a' }",
                "tls = { ca = '' }",
                "json = 1\nform = { a = 1 }",
            )
        ),
    ],
    'use = "getcourse.import_user"\nuser = {}': ["account = '?'\nkey = 'k'", "account = 'a'\nkey = ''"],
    'use = "send_email"\nsubject = "a"': [
        "server = '?'\nfrom = 'a@b.ru'\nto = 'a@b.ru'\ntext = 'a'",
        "server = 'smtp://u:p@a.ru'\nfrom = 'a@b.ru'\nto = 'a@b.ru'\ntext = 'a'",
        "server = 'smtp://u@a.ru'\nfrom = 'a@b.ru'\nto = 'a@b.ru'\ntext = 'a'",
        "server = 'smtp://a.ru'\npassword = 'p'\nfrom = 'a@b.ru'\nto = 'a@b.ru'\ntext = 'a'",
        "server = 'smtp://u@a.ru'\npassword = 'p'\nto = 'a@b.ru'\ntext = 'a'",
        "server = 'smtp://a.ru'\nfrom = 'a@b.ru'\nto = ['?', '<a>, <b>', 5]\ntext = 'a'",
        "server = 'smtp://a.ru'\nfrom = 'a@b.ru'\nto = 'a@b.ru'\nwait = '0 s'\ntext = 'a'",
        "server = 'smtp://a.ru'\nfrom = 'a@b.ru'\nto = 'a@b.ru'",
    ],
}
SOURCES: Final = [
    "use = 'getcourse.user_created'\nsecret = ''",
    "use = 'getcourse.user_created'\nsecret = 'a'\nsecret_parameter = 'email'",
    "use = 'getcourse.user_created'\nextra = { a = '{object.a}' }",
    *(
        f"use = 'webhook.generic'\n{line}"
        for line in (
            "verify = { preset = 'github', secret = '' }",
            "verify = { preset = 'standard', secret = '?' }",
            "verify = { header = 'A', secret = 's', signed = '{x}' }",
            "verify = { header = 'A', secret = 's', signed = '{id}' }",
            "verify = { header = 'A', secret = 's', signed = '{body}{id}' }",
            "verify = { header = 'A', secret = 's', signed = '{body}{timestamp}' }",
            "verify = 'none'\nsplit = '['",
            "verify = 'none'\nsplit = 'имя'",
            "verify = 'none'\nsplit = '$.a b'",
            "verify = 'none'\ncharset = 'klingon'",
            "verify = 'none'\ncors = ['?']",
        )
    ),
]


def test_what_is_wrong_with_an_option_is_said(registry: Registry, say: Phrasebook) -> None:
    loader = PipelineLoader(registry, Secrets({}))
    files = [
        f"[source]\nuse = 'webhook.tilda'\n[[steps]]\n{use}\n{line}\n" for use in MISTAKES for line in MISTAKES[use]
    ]
    files += [f"[source]\n{source}\n[[steps]]\nuse = 'set'\nvalues = {{ a = 1 }}\n" for source in SOURCES]
    for text in files:
        problems = loader.load("x", TomlFile.parse(text, "pipelines/x.toml")).problems
        assert problems, text
        assert in_english({problem.message: say(problem.message) for problem in problems}) == {}


IMPOSSIBLE: Final[Mapping[str, Sequence[tuple[object, ...]]]] = {
    "date": [
        ("5",),
        ("2026-13-01",),
        ("2026-01-01 10:00", "", "", "UTC"),
        ("2026-01-01 10:00", "", "X/Y"),
        ("2026-01-01", "unix"),
        ([],),
        ("0001-01-01T00:00:00+10:00", "", "", "America/New_York"),
    ],
    "money": [("a",), ("1,2,3",), ("1,234",), ("1", "x"), ("1.12345678901234567890",)],
    "hmac": [("a", ""), ("a", "k", "md4"), ("a", "k", "md5", "x")],
    "phone": [("1",), ("1", "XX")],
    "base64_decode": [("?",)],
}


def test_what_a_filter_cannot_do_is_said(registry: Registry, say: Phrasebook) -> None:
    said = {}
    for name, given in ((name, given) for name, cases in IMPOSSIBLE.items() for given in cases):
        with pytest.raises((ValueError, TypeError)) as failed:
            registry.filters[name](*given)
        said[str(failed.value)] = say(str(failed.value))
    assert in_english(said) == {}
    assert len(said) == sum(map(len, IMPOSSIBLE.values()))
