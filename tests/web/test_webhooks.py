import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from jackfield import Event, WebhookReply, WebhookRequest, WebhookSource, hookimpl
from jackfield.errors import JackfieldError, NotFound
from jackfield.journal.records import Mode, Refusal, State
from jackfield.journal.views import Query, RunView
from jackfield.runs.replay import Replays
from jackfield.web.server.serving import Served
from tests.support import Call, Plugin, hook, serve, steps, until

SAY = steps('do = "say"')
Test = Callable[[Served, httpx.AsyncClient], Awaitable[None]]


def with_server(
    folder: Path,
    test: Test,
    pipeline: str = SAY,
    *,
    settings: str = "",
    secrets: str = "",
    plugin: Plugin | None = None,
) -> None:
    async def main() -> None:
        async with (
            serve(folder, {"x": pipeline}, plugin, settings, secrets) as served,
            httpx.AsyncClient(trust_env=False, timeout=30) as client,
        ):
            await test(served, client)

    asyncio.run(main())


async def only_run(served: Served) -> RunView:
    [summary] = (await served.host.journal.search(Query())).runs
    return await until(served.host, summary.id)


async def only_refusal(served: Served) -> Refusal:
    [refusal] = await served.host.journal.refusals()
    return refusal


def test_a_call_is_answered_when_its_event_is_on_disk_and_the_run_follows(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        answer = await client.post(hook(served) + "?a=1", json={"name": "Анна"})
        assert (answer.status_code, answer.json()) == (200, {"accepted": 1})
        assert answer.headers["x-content-type-options"] == "nosniff", "the pages are at the same origin"
        with closing(sqlite3.connect(tmp_path / "var" / "journal.db")) as database:
            assert database.execute("SELECT count(*) FROM run").fetchone() == (1,)
        view = await only_run(served)
        assert (view.summary.state, view.event.data) == (State.SUCCEEDED, {"name": "Анна"})
        assert (view.request.method, view.request.query) == ("POST", "a=1")

    with_server(tmp_path, test)


def test_one_request_may_bring_several_events(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        answer = await client.post(hook(served), json=[{"n": 1}, {"n": 2}])
        assert answer.json() == {"accepted": 2}
        assert len((await served.host.journal.search(Query())).runs) == 2

    with_server(tmp_path, test)


def test_an_unknown_pipeline_and_a_wrong_token_get_the_same_answer(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        urls = [f"{served.url}/hooks/{path}" for path in ("nobody/0123", "x/0123", "x", "", "x/" + "é" * 32, "x/a/b")]
        answers = [await client.post(url, json={"n": 1}) for url in urls]
        assert {answer.status_code for answer in answers} == {404}
        assert len({(answer.content, answer.headers["content-type"]) for answer in answers}) == 1
        async with asyncio.timeout(10):
            while len(refusals := await served.host.journal.refusals()) < 4:
                await asyncio.sleep(0.01)
        assert [refusal.pipeline for refusal in refusals] == ["x"] * 4
        assert {refusal.request.body for refusal in refusals} == {'{"n":1}'}
        assert (await served.host.journal.search(Query())).runs == []

    with_server(tmp_path, test)


def test_calls_with_a_wrong_token_cannot_fill_the_journal(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        for _ in range(150):
            await client.post(f"{served.url}/hooks/x/wrong", content=b"{}")
        refusals = await served.host.journal.refusals(limit=1000)
        assert 0 < len(refusals) < 100

    with_server(tmp_path, test)


def test_head_is_no_event(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        assert (await client.head(hook(served))).status_code == 200
        assert (await served.host.journal.search(Query())).runs == []
        assert await served.host.journal.refusals() == []

    with_server(tmp_path, test)


def test_a_method_that_the_source_does_not_take_is_refused_and_kept(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        assert (await client.get(hook(served))).status_code == 405
        assert (await only_refusal(served)).reason == "GET is not accepted here, only POST, PUT"

    with_server(tmp_path, test)


@pytest.mark.parametrize("body", [b'{"n": ', b"\xff\xfe\x00", b"", b'{"n": "\\ud800"}'])
def test_a_body_that_cannot_be_read_is_refused_and_kept_as_it_came(tmp_path: Path, body: bytes) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        assert (await client.post(hook(served), content=body)).status_code == 400
        refusal = await only_refusal(served)
        assert refusal.reason.startswith("not JSON")
        with_text = refusal.request.encoding == "utf-8"
        assert refusal.request.body == (body.decode() if with_text else "//4A")

    with_server(tmp_path, test)


def test_a_body_over_the_limit_is_refused_with_413_and_can_be_accepted_later(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        answer = await client.post(hook(served), json={"n": "x" * 2_000_000})
        assert answer.status_code == 413
        refusal = await only_refusal(served)
        assert not refusal.request.cut
        assert refusal.reason == "the body is longer than 1000000 bytes ([server] body_limit)"
        pipeline = served.host.pipelines.get("x")
        assert pipeline is not None
        [run] = await served.host.intake.accept_refused(pipeline, refusal)
        view = await served.host.journal.run(run)
        assert view is not None
        assert view.event.data == {"n": "x" * 2_000_000}

    with_server(tmp_path, test)


def test_of_a_body_far_over_the_limit_the_beginning_is_kept(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        answer = await client.post(hook(served), content=b"x" * 4_000_001)
        assert answer.status_code == 413
        refusal = await only_refusal(served)
        assert refusal.request.cut
        assert refusal.reason.endswith("([server] body_limit); only its beginning was kept")

    with_server(tmp_path, test)


def test_a_request_without_the_secret_is_refused_and_the_secret_is_never_stored(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        assert (await client.post(hook(served), json={}, headers={"X-Key": "guess"})).status_code == 401
        assert (await client.post(hook(served), json={}, headers={"X-Key": "s3cret"})).status_code == 200
        assert "guess" not in repr(await served.host.journal.refusals())
        assert "s3cret" not in repr(await only_run(served))

    with_server(
        tmp_path, test, steps('do = "say"', source='use = "call"\nkey = "{{ secret.K }}"'), secrets='K="s3cret"'
    )


def test_a_stopped_pipeline_answers_503_and_what_it_refused_can_be_accepted_later(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        host = served.host
        await host.modes.set("x", Mode.STOPPED, "test")
        answer = await client.post(hook(served), json={"n": 7})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        refusal = await only_refusal(served)
        operations = Replays(host.journal, host.intake, host.pipelines.get, host.intake.now)
        await host.modes.set("x", Mode.RUNNING, "test")
        [run] = await operations.replay(refusal.id)
        view = await until(host, run)
        assert (view.summary.state, view.event.data) == (State.SUCCEEDED, {"n": 7})
        assert (await only_refusal(served)).accepted_as == (run,)

    with_server(tmp_path, test)


def test_a_held_pipeline_accepts_and_runs_nothing(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        await served.host.modes.set("x", Mode.HELD, "test")
        assert (await client.post(hook(served), json={})).status_code == 200
        [summary] = (await served.host.journal.search(Query(states=frozenset({State.HELD})))).runs
        await served.host.modes.set("x", Mode.RUNNING, "test")
        assert (await until(served.host, summary.id)).summary.state is State.SUCCEEDED

    with_server(tmp_path, test)


def test_a_blocked_pipeline_accepts_and_keeps(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        assert (await client.post(hook(served), json={})).status_code == 200
        (tmp_path / "pipelines" / "x.toml").write_text(SAY, encoding="utf-8")
        assert (await only_run(served)).summary.state is State.SUCCEEDED

    with_server(tmp_path, test, SAY.replace('"act"', '"not_installed"'))


def test_a_pipeline_without_a_working_source_refuses_and_keeps(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        assert (await client.post(hook(served), json={"n": 1})).status_code == 503
        refusal = await only_refusal(served)
        assert 'there is no source "not_installed"' in refusal.reason
        assert refusal.request.body == '{"n":1}'

    with_server(tmp_path, test, steps('do = "say"', source='use = "not_installed"'))


def test_an_event_that_is_nested_too_deep_is_refused_readably_and_kept(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        assert (await client.post(hook(served), content=b"deep")).status_code == 400
        refusal = await only_refusal(served)
        assert refusal.reason == "the event is nested more than 200 levels deep, which nothing here reads"
        assert refusal.request.body == "deep"

    with_server(tmp_path, test, steps('do = "say"', source='use = "gullible"'))


@pytest.mark.parametrize(("body", "reason"), [(b"crash", "ZeroDivisionError"), (b"{}", "an event that is not JSON")])
def test_a_source_that_fails_loses_nothing(tmp_path: Path, body: bytes, reason: str) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        assert (await client.post(hook(served), content=body)).status_code == 500
        refusal = await only_refusal(served)
        assert reason in refusal.reason
        assert refusal.request.body == body.decode()

    with_server(tmp_path, test, steps('do = "say"', source='use = "gullible"'))


def test_the_same_event_again_is_recorded_on_the_run_that_it_duplicates(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        for _ in range(3):
            assert (await client.post(hook(served), json={"id": 7})).status_code == 200
        assert len((await only_run(served)).duplicates) == 2

    source = 'use = "call"\ndedupe = "{{ $.event.id }}"\ndedupe_within = "1 h"'
    with_server(tmp_path, test, steps('do = "say"', source=source))


class Delivered(Call):
    """Gives each event its `n` as a key, and headers that the host must or must not send."""

    name = "delivered"

    def parse(self, request: WebhookRequest) -> Iterable[Event]:
        return [Event(event.data, key=str(event.data["n"])) for event in super().parse(request)]

    def reply(self, request: WebhookRequest, runs: Sequence[str]) -> WebhookReply:
        return WebhookReply(body=b"ok", headers=(("X-Runs", str(len(runs))),))

    def reply_headers(self, request: WebhookRequest) -> Sequence[tuple[str, str]]:
        return (("Vary", request.header("x-vary") or "Origin"),)


class Deliveries(Plugin):
    @hookimpl
    def register_sources(self) -> list[type[WebhookSource[Any]]]:
        return [Delivered]


def test_the_senders_delivery_id_is_compared_where_the_pipeline_compares_nothing(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        for _ in range(2):
            assert (await client.post(hook(served), json={"n": 1})).status_code == 200
        assert len((await only_run(served)).duplicates) == 1

    with_server(tmp_path, test, steps('do = "say"', source='use = "delivered"'), plugin=Deliveries())


def test_a_sources_headers_are_on_every_answer_but_404_and_a_preflight_is_no_event(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        url = hook(served)
        answer = await client.post(url, json={"n": 1})
        assert (answer.headers["x-runs"], answer.headers["vary"]) == ("1", "Origin")
        for refused in (await client.get(url), await client.post(url, content=b"x" * 1_000_001)):
            assert refused.headers["vary"] == "Origin"
        before = len(await served.host.journal.refusals())
        preflight = await client.options(url)
        assert (preflight.status_code, preflight.headers["vary"]) == (204, "Origin")
        assert len(await served.host.journal.refusals()) == before
        assert "vary" not in (await client.post(url + "x", json={"n": 1})).headers

    with_server(tmp_path, test, steps('do = "say"', source='use = "delivered"'), plugin=Deliveries())


def test_an_event_without_the_dedupe_key_is_taken_with_a_warning(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        assert (await client.post(hook(served), json={"n": 1})).status_code == 200
        [warning] = (await only_run(served)).summary.warnings
        assert "source.dedupe: $.event.id selects nothing" in warning

    with_server(tmp_path, test, steps('do = "say"', source='use = "call"\ndedupe = "{{ $.event.id }}"'))


@pytest.mark.parametrize(
    ("reply", "status", "kind", "body"),
    [
        ('{ text = "принято {{ $.event.n }}" }', 200, "text/plain; charset=utf-8", "принято 7"),
        ('{ status = 202, json = { run = "{{ $.run.id }}", n = "{{ $.event.n }}" } }', 202, "application/json", None),
        ("{ status = 201 }", 201, "text/plain; charset=utf-8", ""),
        ('{ text = "{{ $.event.missing }}" }', 200, "text/plain; charset=utf-8", "accepted\n"),
    ],
)
def test_the_reply_can_be_configured(tmp_path: Path, reply: str, status: int, kind: str, body: str | None) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        answer = await client.post(hook(served), json={"n": 7})
        view = await only_run(served)
        assert (answer.status_code, answer.headers["content-type"]) == (status, kind)
        if body is None:
            assert answer.json() == {"run": view.summary.id, "n": 7}
        else:
            assert answer.text == body

    with_server(tmp_path, test, steps('do = "say"', source=f'use = "call"\nreply = {reply}'))


@pytest.mark.parametrize("key", ["", None])
def test_events_without_a_value_to_compare_are_no_duplicates_of_each_other(tmp_path: Path, key: str | None) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        for _ in range(3):
            await client.post(hook(served), json={"id": key})
        runs = (await served.host.journal.search(Query())).runs
        assert [run.warnings for run in runs] == [("source.dedupe: there is no value in this event",)] * 3

    with_server(tmp_path, test, steps('do = "say"', source='use = "call"\ndedupe = "{{ $.event.id }}"'))


def test_the_reply_to_a_duplicate_names_the_run_that_it_duplicates(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        first, second = [await client.post(hook(served), json={"id": 7}) for _ in range(2)]
        assert first.text == second.text == (await only_run(served)).summary.id

    source = 'use = "call"\ndedupe = "{{ $.event.id }}"\nreply = { text = "{{ $.run.id }}" }'
    with_server(tmp_path, test, steps('do = "say"', source=source))


def test_a_request_that_breaks_off_is_no_event(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        host, port = served.url.removeprefix("http://").split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        path = hook(served).removeprefix(served.url)
        writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n".encode() + b'{"n": 1}')
        await writer.drain()
        writer.close()
        assert (await client.post(hook(served), json={"n": 2})).status_code == 200
        assert (await only_run(served)).event.data == {"n": 2}
        assert await served.host.journal.refusals() == []

    with_server(tmp_path, test)


def test_what_the_request_was_is_kept_once_however_many_events_were_in_it(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        await client.post(hook(served), json=[{"n": 1}, {"n": 2}])
        runs = (await served.host.journal.search(Query())).runs
        views = [await until(served.host, run.id) for run in reversed(runs)]
        assert [(view.request.body, view.request.cut) for view in views] == [('[{"n":1},{"n":2}]', False), ("", True)]

    with_server(tmp_path, test)


def test_a_refused_request_is_accepted_once_and_as_it_is(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        host = served.host
        await client.get(hook(served))
        await client.request("DELETE", hook(served), content=b'{"n": 7}')
        [refusal, no_event] = await host.journal.refusals()
        operations = Replays(host.journal, host.intake, host.pipelines.get, host.intake.now)
        with pytest.raises(NotFound, match="can only be accepted as it is"):
            await operations.replay(refusal.id, event={"n": 8})
        with pytest.raises(JackfieldError, match="still cannot be accepted"):
            await operations.replay(no_event.id)
        both = await asyncio.gather(*(operations.replay(refusal.id) for _ in range(2)), return_exceptions=True)
        assert [isinstance(one, NotFound) for one in both].count(True) == 1
        assert (await only_run(served)).event.data == {"n": 7}

    with_server(tmp_path, test)


def test_strangers_leave_little_in_the_journal(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        await client.post(f"{served.url}/hooks/x/wrong?{'q' * 20_000}", content=b"x" * 900_000)
        async with asyncio.timeout(10):
            while not (refusals := await served.host.journal.refusals()):
                await asyncio.sleep(0.01)
        [refusal] = refusals
        assert refusal.request.cut
        assert (len(refusal.request.body), len(refusal.request.query)) == (4000, 4000)

    with_server(tmp_path, test)


def test_a_locked_journal_is_answered_503_and_what_was_not_promised_is_not_there(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        with closing(sqlite3.connect(tmp_path / "var" / "journal.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            assert (await client.post(hook(served), json={"n": 1})).status_code == 503
            assert time.monotonic() - began < 9, "GetCourse waits ten seconds"
            other.execute("ROLLBACK")
        assert (await client.post(hook(served), json={"n": 2})).status_code == 200
        assert (await only_run(served)).event.data == {"n": 2}

    with_server(tmp_path, test)


def test_a_rotated_address_refuses_the_old_one(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        assert (await client.post(hook(served), json={})).status_code == 404
        new = served.url + served.host.addresses.path("x", 2)
        assert (await client.post(new, json={})).status_code == 200

    with_server(tmp_path, test, steps('do = "say"', source='use = "call"\naddress_version = 2'))


async def refused(served: Served, client: httpx.AsyncClient, **call: str) -> Refusal:
    await served.host.modes.set("x", Mode.STOPPED, "test")
    await client.post(hook(served), **call)  # type: ignore[arg-type]
    await served.host.modes.set("x", Mode.RUNNING, "test")
    return await only_refusal(served)


def test_a_request_that_was_stored_without_a_secret_cannot_be_accepted(tmp_path: Path) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        host = served.host
        refusal = await refused(served, client, content='{"mail": "boss@school.ru"}')
        assert "boss@school.ru" not in refusal.request.body
        operations = Replays(host.journal, host.intake, host.pipelines.get, host.intake.now)
        with pytest.raises(JackfieldError, match="without the secret in it; let the sender send it again"):
            await operations.replay(refusal.id)
        assert (await host.journal.search(Query())).runs == []

    with_server(tmp_path, test, secrets='MAIL = "boss@school.ru"')


class Replying(Plugin):
    """A plugin with a source that makes a reply of its own."""

    def __init__(self, made: object) -> None:
        super().__init__()
        self._made = made

    @hookimpl
    def register_sources(self) -> list[type[WebhookSource[Any]]]:
        made = self._made

        class Replies(Call):
            name = "replies"

            def reply(self, request: WebhookRequest, runs: Sequence[str]) -> WebhookReply:
                return made  # type: ignore[return-value]

        return [Replies]


@pytest.mark.parametrize(
    "made",
    [
        None,
        WebhookReply(status=199),
        WebhookReply(status=600),
        WebhookReply(status="200"),  # type: ignore[arg-type]
        WebhookReply(body="text"),  # type: ignore[arg-type]
        WebhookReply(content_type="text/plain\r\nx-forged: 1"),
        WebhookReply(content_type="text/простой"),
        WebhookReply(content_type=None),  # type: ignore[arg-type]
    ],
)
def test_a_reply_that_cannot_be_sent_is_made_good_for_the_event_is_safe(tmp_path: Path, made: object) -> None:
    async def test(served: Served, client: httpx.AsyncClient) -> None:
        answer = await client.post(hook(served), json={"n": 1})
        assert (answer.status_code, answer.text) == (200, "accepted\n")
        assert "x-forged" not in answer.headers
        assert (await only_run(served)).summary.state is State.SUCCEEDED

    with_server(tmp_path, test, steps('do = "say"', source='use = "replies"'), plugin=Replying(made))


@pytest.mark.parametrize("status", [204, 304])
@pytest.mark.parametrize("configured", [True, False])
def test_a_status_that_has_no_body_is_sent_without_one(
    tmp_path: Path,
    status: int,
    configured: bool,  # noqa: FBT001
) -> None:
    async def test(served: Served, _client: httpx.AsyncClient) -> None:
        path = hook(served).removeprefix(served.url)
        answer = await raw_answer(served, f"POST {path} HTTP/1.1\r\nConnection: close\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        assert answer.endswith(b"\r\n\r\n")
        assert b"content-length" not in answer

    source = f'use = "call"\nreply = {{ status = {status}, text = "body" }}' if configured else 'use = "replies"'
    plugin = None if configured else Replying(WebhookReply(status, b"body"))
    with_server(tmp_path, test, steps('do = "say"', source=source), plugin=plugin)


async def raw_answer(served: Served, head: bytes) -> bytes:
    """Send a request with the body `{}`, its head as it is; return all that is answered."""
    host, port = served.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head + b"Host: x\r\nContent-Length: 2\r\n\r\n{}")
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("length", "query", "status"),
    [
        (65_536, b"", 200),
        (1_000_000, b"", 200),
        (1_000_001, b"", 400),
        (0, b"&".join(b"p%d=%d" % (number, number) for number in range(10_000)), 200),
        (0, "имя=Анна".encode(), 400),
        (0, "имя=Анна".encode("windows-1251"), 400),
        (0, b"name=Anna B", 400),
        (0, b"%D0%B8%D0%BC%D1%8F=%D0%90", 200),
    ],
)
def test_an_address_that_is_too_long_or_not_encoded_is_answered_400_and_nothing_is_accepted(
    tmp_path: Path, length: int, query: bytes, status: int
) -> None:
    async def test(served: Served, _client: httpx.AsyncClient) -> None:
        target = hook(served).removeprefix(served.url).encode() + b"?" + query
        target += b"q" * (length - len(target))
        answer = await raw_answer(served, b"POST " + target + b" HTTP/1.1\r\nConnection: close\r\n")
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        assert len((await served.host.journal.search(Query())).runs) == (status == 200)
        assert await served.host.journal.refusals() == []

    with_server(tmp_path, test)


@pytest.mark.parametrize("beginning", [b"X: ", b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: "])
def test_a_head_or_a_trailer_without_end_is_not_gathered(tmp_path: Path, beginning: bytes) -> None:
    async def test(served: Served, _client: httpx.AsyncClient) -> None:
        host, port = served.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /login HTTP/1.1\r\nHost: x\r\n" + beginning)
        sent = 0
        with suppress(ConnectionError):
            while not reader.at_eof() and sent < 100:
                writer.write(b"x" * 100_000)
                await writer.drain()
                sent += 1
                await asyncio.sleep(0)
        writer.transport.abort()
        assert sent < 100
        assert (await _client.get(f"{served.url}/healthz")).status_code == 200

    with_server(tmp_path, test)


def test_a_body_that_is_not_there_when_the_host_ends_is_answered_503_without_a_fuss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> bytes:
        async with serve(tmp_path, {"x": SAY}) as served:
            host, port = served.url.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            path = hook(served).removeprefix(served.url)
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n"
            writer.write(head.encode())
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        answer = await reader.read()
        writer.close()
        return answer

    monkeypatch.setattr("jackfield.web.server.uvicorn_server._LAST_ANSWERS", 1)
    assert asyncio.run(main()).startswith(b"HTTP/1.1 503 ")
    assert [record for record in caplog.records if record.exc_info] == []
