"""The README's table of outcomes, each row of it driven by a host and a server."""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from jackfield.components.plugins.registry import Registry
from jackfield.host.host import running
from jackfield.journal.records import SETTLED, State
from jackfield.journal.views import RunView
from jackfield_http_request.action import HttpRequest
from tests.docs.markdown import ROOT
from tests.plugins.http_request.wire import Habit, Server, answer, deaf
from tests.support import Plugin, give, make_project, until

STATES = {"succeeds": State.SUCCEEDED, "fails": State.FAILED, "is tried again": State.WAITING}
SETTINGS = '[server]\nport = 0\n[http]\nallow = ["127.0.0.1"]\n'
PATIENCE = "retry = { first_wait = '30 m', longest_wait = '1 h' }\n"
REASONABLE = [200, 204, 299, 300, 304, 399, 400, 401, 404, 408, 409, 422, 425, 429, 499, 500, 503, 599, 600, 999]


def table() -> dict[str, str]:
    """Read what happens, and what comes of it."""
    text = (ROOT / "plugins" / "http_request" / "README.md").read_text(encoding="utf-8")
    section = text.partition("\n## Outcomes\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", section, re.MULTILINE)
    return {what: outcome for what, outcome in rows if not what.startswith(("---", "what happens"))}


@dataclass(frozen=True)
class Case:
    """A step and what its server does. `then` is the outcome where the row leaves it to the next answer.

    In `options`, `{url}` is the server, `{other}` another one that answers 200 and `{tls}` one that speaks TLS.
    """

    row: str
    answers: Sequence[bytes | Habit] = ()
    options: str = ""
    then: str = ""
    tls: str = ""


async def close(writer: asyncio.StreamWriter) -> None:
    writer.close()


async def break_off(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegin")
    await writer.drain()
    writer.close()


async def fall_silent(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegin")
    await writer.wait_closed()


async def stay_silent(writer: asyncio.StreamWriter) -> None:
    await writer.wait_closed()


def away(status: int, to: str = "/there") -> bytes:
    return answer(status, b"", f"Location: {to}")


NOT_YET = answer(503, b'{"wait": 9}', "Retry-After: 2000")
LATER = answer(200, b'{"wait": 2000}', "Retry-After: 9")
REDIRECT = 'a redirect (301, 302, 303, 307 or 308 with a `Location`), `redirects = "off"`'
SAME = 'a redirect to the same origin, `redirects = "same_origin"`'
OTHER = 'a redirect to another origin, `redirects = "all"`'
CASES = [
    Case("a status of 408, 425, 429 or 500-599", [NOT_YET]),
    Case("a status that `success` lists", [answer(404)], 'success = ["2**", 404]'),
    Case("a status that `success` lists", [answer(503)], "success = 503"),
    Case("a success status, `fail_when` is true", [answer(200)], "fail_when = '{{ 1 == 1 }}'"),
    Case("a success status, `success_when` is false", [answer(200)], "success_when = '{{ 1 == 2 }}'"),
    *(
        Case(
            "any status, `retry_when` is true",
            [reply],
            "retry_when = '{{ 1 == 1 }}'\nfail_when = '{{ 1 == 1 }}'\nretry_after = '{{ $.response.body.wait }}'",
        )
        for reply in (NOT_YET, LATER, LATER.replace(b"200", b"404", 1))
    ),
    *(
        Case(
            "a status that `ignore` lists, whatever these rules say",
            [answer(status)],
            f"ignore = {status}\nretry_when = '{{{{ 1 == 1 }}}}'\nsuccess_when = '{{{{ 1 == 2 }}}}'",
        )
        for status in (200, 404, 503)
    ),
    Case("a rule that selects nothing, or comes to no seconds", [answer(200)], "fail_when = '{{ $.response.body.x }}'"),
    Case("a rule that selects nothing, or comes to no seconds", [answer(503)], "retry_after = '{{ \"soon\" }}'"),
    Case("`extract` selects nothing", [answer(200, b"{}")], "extract = { a = '$.a' }"),
    Case("an answer longer than `max_answer`", [answer(200, b"x" * 101)], "max_answer = 100"),
    *(Case(REDIRECT, [away(status)]) for status in (301, 302, 303, 307, 308)),
    *(
        Case(row, [away(307, to), answer(status)], options, then)
        for row, to, options in ((SAME, "/there", "redirects = 'same_origin'"),)
        for status, then in ((200, "succeeds"), (404, "fails"), (503, "is tried again"))
    ),
    Case(OTHER, [away(302, "{other}/there")], "redirects = 'all'", "succeeds"),
    Case(OTHER, [away(302, "http://127.0.0.1:1/")], "redirects = 'all'", "is tried again"),
    Case(
        'a redirect to another origin, `redirects = "same_origin"`',
        [away(302, "{other}/there")],
        "redirects = 'same_origin'",
    ),
    Case(
        "a redirect after `max_redirects`",
        [away(302), away(302), away(302), answer(200)],
        "redirects = 'all'\nmax_redirects = 2",
    ),
    Case("a redirect from https to http", [away(307, "{other}")], "redirects = 'all'", tls="trusted"),
    *(
        Case("a redirect to what is no web address", [away(302, to)], "redirects = 'all'")
        for to in ("ftp://crm/", "javascript:alert(1)")
    ),
    Case("a redirect that `success` lists", [away(302)], "redirects = 'all'\nsuccess = ['2**', 302]"),
    Case("the host's name does not resolve", options="url = 'http://nobody.invalid/'"),
    Case("nobody takes the connection", options="url = 'http://127.0.0.1:1/'"),
    Case("TLS fails, or the certificate is not trusted", [answer(200)], tls="unknown"),
    Case(
        "no connection, TLS included, within `timeouts.connect`",
        [answer(200)],
        "timeouts = { connect = '200 ms' }",
        tls="none",
    ),
    Case("nobody takes the connection", options="url = 'http://example.invalid/'\nproxy = 'http://127.0.0.1:1'"),
    *(
        Case(
            "the proxy answers CONNECT with any other status but 200",
            [answer(status)],
            "url = 'https://example.invalid/'\nproxy = '{url}'",
        )
        for status in (302, 408, 425, 429, 500, 599)
    ),
    *(
        Case(
            "the proxy answers CONNECT with 400-499, but not with 408, 425 or 429",
            [answer(status)],
            "url = 'https://example.invalid/'\nproxy = '{url}'",
        )
        for status in (400, 403, 407)
    ),
    Case("a file of `tls` that cannot be used", [answer(200)], "tls = { ca = 'gone.pem' }", tls="trusted"),
    Case(
        "the body is not taken within `timeouts.write`",
        [deaf],
        "timeouts = { write = '200 ms' }\nbody = '{{ \"0123456789\" * 700000 }}'",
    ),
    *(
        Case("no answer within `timeouts.read`, or the rest of one", [habit], "timeouts = { read = '100 ms' }")
        for habit in (stay_silent, fall_silent)
    ),
    Case("the connection is closed before the answer, or in the midst of it", [close]),
    Case("the connection is closed before the answer, or in the midst of it", [break_off]),
    Case("an answer that is not HTTP, or not compressed as it says", [b"220 mail.example.ru ESMTP\r\n\r\n"]),
    Case(
        "an answer that is not HTTP, or not compressed as it says", [answer(200, b"not gzip", "Content-Encoding: gzip")]
    ),
    *(
        Case("a body behind a status of 204, or anything behind the end of an answer", [reply])
        for reply in (answer(204) + b"hello", answer(200, b"ok") + b"!", answer(200) + answer(500))
    ),
    Case("more than 20 interim answers (100-199), or 512 KB of headers", [b"HTTP/1.1 102 X\r\n\r\n" * 1000]),
    Case("nothing has come of it within the step's `timeout`", [stay_silent], "timeout = '200 ms'"),
    Case(
        "the guard refuses the address (loopback, private, ...; see `[http] allow`)", options="url = 'http://10.0.0.1/'"
    ),
    Case("values that no request can be made of", [answer(200)], "json = nan"),
    Case("values that no request can be made of", [answer(200)], "headers = { X-A = '{{ \"a\\nb\" }}' }"),
]


def first_that_fits(status: int) -> str:
    """Find the row of a status, as the README says: the first that has it."""
    for row in table():
        for low, _, high in (span.partition("-") for span in re.findall(r"[0-9]{3}(?:-[0-9]{3})?", row)):
            if row.startswith("a status of") and int(low) <= status <= int(high or low):
                return row
    raise AssertionError(status)


ALL = [*CASES, *(Case(first_that_fits(status), [answer(status)]) for status in REASONABLE)]


async def served(stack: AsyncExitStack, case: Case, contexts: Mapping[str, ssl.SSLContext], other: str) -> str:
    """Serve what the case needs; return its pipeline."""
    answers = [
        reply.replace(b"{other}", other.encode()) if isinstance(reply, bytes) else reply for reply in case.answers
    ]
    url = await stack.enter_async_context(Server(*answers or [b""]).serving(contexts.get(case.tls)))
    url = url.replace("http://", "https://") if case.tls else url
    options = case.options.replace("{url}", url)
    address = "" if options.startswith("url") else f"url = '{url}'\n"
    return f'[source]\nuse = "call"\n[[steps]]\nuse = "http_request"\n{PATIENCE}{address}{options}\n'


@pytest.fixture(scope="module")
def views(tmp_path_factory: pytest.TempPathFactory) -> Sequence[RunView]:
    return outcomes(tmp_path_factory.mktemp("outcomes"))


def outcomes(folder: Path) -> Sequence[RunView]:
    """Run every case, all at once and in one host."""
    authority = trustme.CA()
    contexts = {name: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for name in ("trusted", "unknown")}
    authority.issue_cert("127.0.0.1").configure_cert(contexts["trusted"])
    trustme.CA().issue_cert("127.0.0.1").configure_cert(contexts["unknown"])
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
        return asyncio.run(passed(folder, contexts))


async def passed(folder: Path, contexts: Mapping[str, ssl.SSLContext]) -> list[RunView]:
    plugin = Plugin()
    plugin.more.append(HttpRequest)
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(Server(answer(200)).serving())
        pipelines = {f"case-{index}": await served(stack, case, contexts, other) for index, case in enumerate(ALL)}
        project = make_project(folder, pipelines, SETTINGS)
        async with running(project, os.environ, registry=Registry.of(plugin), now=lambda: datetime.now(UTC)) as host:
            runs = [await give(host, {}, pipeline) for pipeline in pipelines]
            return [await until(host, run, {*SETTLED, State.WAITING}) for run in runs]


def test_every_row_of_the_readme_is_driven_and_no_other() -> None:
    assert {case.row for case in ALL} == table().keys()


@pytest.mark.parametrize("row", table())
def test_what_comes_of_it_is_what_the_readme_says(row: str, views: Sequence[RunView]) -> None:
    outcome = table()[row]
    for case, view in zip(ALL, views, strict=True):
        if case.row != row:
            continue
        expected = next(state for words, state in STATES.items() if (case.then or outcome).startswith(words))
        assert view.summary.state == expected, (case, view.summary.error)
        [attempt] = view.attempts
        if "when" in outcome and b"2000" in b"".join(part for part in case.answers if isinstance(part, bytes)):
            assert view.summary.due_at is not None
            assert view.summary.due_at - view.summary.received_at >= timedelta(seconds=2000)
        if "with a note" in outcome:
            [exchange] = attempt.exchanges
            assert exchange.error == "127.0.0.1 sent more than its answer: the rest was left out"
        if "with `cut`" in outcome:
            assert isinstance(attempt.result, dict)
            assert attempt.result["cut"] is True
