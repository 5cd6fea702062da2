import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from jackfield import Notice, NoticeKind, Notifier, OptionsModel, TemporaryFailure, hookimpl
from jackfield.checks.health import Clock, health_report
from jackfield.errors import JournalDamaged
from jackfield.project.server_keys import read_or_make_secret
from jackfield.web.app import TOKEN_FILE
from tests.support import Plugin, give, hook, serve, steps


class DownOptions(OptionsModel):
    pass


class Down(Notifier[DownOptions]):
    name = "down"
    title = "Down"
    Options = DownOptions

    async def notify(self, notice: Notice) -> None:
        raise TemporaryFailure("the server is away")


class DownPlugin(Plugin):
    @hookimpl
    def register_notifiers(self) -> list[type[Down]]:
        return [Down]


def test_readiness_is_about_what_can_be_written_and_health_about_the_process(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            serve(tmp_path, {"x": steps('do = "say"')}) as served,
            httpx.AsyncClient(base_url=served.url, trust_env=False, timeout=30) as client,
        ):
            assert (await client.get("/readyz")).status_code == 200
            with closing(sqlite3.connect(tmp_path / "var" / "journal.db", isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                answer = await client.get("/readyz")
                assert (answer.status_code, answer.text) == (503, "the journal cannot be written\n")
                assert (await client.get("/healthz")).status_code == 200
                other.execute("ROLLBACK")
            assert (await client.get("/readyz")).status_code == 200
            served.host.stopping.set()
            assert (await client.get("/readyz")).status_code == 503

    asyncio.run(main())


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            serve(tmp_path, {}) as served,
            httpx.AsyncClient(base_url=served.url, trust_env=False) as client,
        ):
            assert (await client.get("/nothing")).status_code == 404

    asyncio.run(main())


def test_a_notifier_that_fails_is_named_but_the_reason_is_for_those_with_the_token(tmp_path: Path) -> None:
    async def main() -> None:
        settings = "[server]\nport = 0\n[notices.down]\n[notices.dwon]\n"
        async with (
            serve(tmp_path, {}, DownPlugin(), settings) as served,
            httpx.AsyncClient(base_url=served.url, trust_env=False, timeout=30) as client,
        ):
            notifiers = served.host.notices.notifiers
            notifiers.put(Notice(NoticeKind.TEST, "a test", "", served.host.intake.now()))
            async with asyncio.timeout(10):
                while notifiers.statuses[0].failing_since is None:
                    await asyncio.sleep(0.005)
            answer = await client.get("/readyz")
            assert answer.status_code == 200
            ready, failing, wrong = answer.text.splitlines()
            assert (ready, wrong) == ("ready", "notices: mistakes in jackfield.toml: 1")
            assert failing.startswith("notices: down fails since 20")
            token = read_or_make_secret(served.host.project.var / TOKEN_FILE)
            said = (await client.get("/api/v1/notifiers", headers={"authorization": f"Bearer {token}"})).json()
            assert said["notifiers"][0]["error"] == "the server is away"
            assert said["notifiers"][0]["pending"] == 1
            assert 'did you mean "down"?' in said["problems"][0]

    asyncio.run(main())


async def until_ready(client: httpx.AsyncClient, status: int) -> httpx.Response:
    async with asyncio.timeout(20):
        while (answer := await client.get("/readyz")).status_code != status:
            await asyncio.sleep(0.05)
    return answer


def test_a_journal_that_was_taken_away_is_answered_503_and_said_until_it_is_there_again(tmp_path: Path) -> None:
    async def main() -> None:
        path = tmp_path / "var" / "journal.db"
        async with (
            serve(tmp_path, {"x": steps('do = "say"')}) as served,
            httpx.AsyncClient(base_url=served.url, trust_env=False, timeout=30) as client,
        ):
            first = await give(served.host, {})
            path.with_name("journal.db.partial").mkdir()  # so that it cannot be written out again yet
            path.unlink()
            answer = await until_ready(client, 503)
            assert answer.text == "the journal's files were taken away\n"
            answer = await client.post(hook(served), json={})
            assert answer.status_code == 503
            state = await health_report(served.host, None, Clock())
            (lost,) = [one for one in state.troubles if one.kind == "lost"]
            assert lost.urgent
            assert "journal.db was deleted or moved away while the host had it open" in lost.detail
            path.with_name("journal.db.partial").rmdir()
            assert (await until_ready(client, 200)).text == "ready\n"
            assert await served.host.journal.run(first) is not None
            state = await health_report(served.host, None, Clock())
            assert [one.kind for one in state.troubles if one.urgent] == []

    asyncio.run(main())


def test_damage_that_was_come_upon_is_said_by_readyz_and_on_the_page(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            serve(tmp_path, {"x": steps('do = "say"')}) as served,
            httpx.AsyncClient(base_url=served.url, trust_env=False, timeout=30) as client,
        ):
            run = await give(served.host, {})
            with closing(sqlite3.connect(tmp_path / "var" / "journal.db", timeout=10)) as other:
                other.execute("UPDATE payload SET event = '{'")
                other.commit()
            with pytest.raises(JournalDamaged):
                await served.host.journal.run(run)
            answer = await client.get("/readyz")
            assert (answer.status_code, answer.text) == (200, "ready\nthe journal is damaged: see the page Health\n")
            state = await health_report(served.host, None, Clock())
            assert [one.kind for one in state.troubles if one.urgent] == ["damaged"]
            await served.host.notices.look()

    asyncio.run(main())
