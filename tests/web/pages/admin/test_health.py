"""The page about the host's health."""

from __future__ import annotations

import asyncio
import sqlite3
import ssl
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

import jackfield.checks.health as condition_module
from jackfield.access.users import Role
from jackfield.checks.certificate import PublicCertificate
from jackfield.checks.health import Clock, health_report
from jackfield.checks.health_texts import HealthIssue
from jackfield.errors import JournalUnavailable
from jackfield.notices.notifiers import NotifierStatus
from jackfield.problems import Problem
from tests.support import give, serve, steps, until
from tests.web.site import visitor

XSS = "<script>alert('x')</script>"
SETTINGS = '[server]\nport = 0\npublic_url = "https://127.0.0.1:1"\n'


def kinds(troubles: Sequence[HealthIssue]) -> list[str]:
    return [trouble.kind for trouble in troubles]


def test_that_all_is_well_is_said_and_what_could_be_better(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": steps('do = "say"')}, settings=SETTINGS) as served:
            await give(served.host, {})
            async with visitor(served, Role.VIEWER) as person:
                page = (await person.get("/health")).text
            assert "All is well." in page
            assert "Nobody is told when runs fail" in page
            for text in ("free on the disk", "30 days", "Jackfield", "SQLite", "is being looked at", "of 2 GB"):
                assert text in page
            async with visitor(served, Role.VIEWER, language="ru") as person:
                assert "из 2 ГБ" in (await person.get("/health")).text

    asyncio.run(main())


def test_what_needs_somebody_is_counted_and_said_with_what_to_do(tmp_path: Path) -> None:
    async def main() -> None:
        text, secrets = f'[source]\nuse = "{XSS} s3cret-value"\n', 'TOKEN = "s3cret-value"\n'
        async with serve(tmp_path, {"x": text}, secrets=secrets) as served:
            served.host.problems["secrets.toml"] = (Problem("secrets.toml", 1, "A", f"{XSS} s3cret-value"),)
            async with visitor(served, language="ru") as person:
                page = (await person.get("/health")).text
            assert XSS not in page
            assert "&lt;script&gt;" in page
            assert "s3cret-value" not in page
            assert "Вашего внимания требуют" in page
            assert "В файле ошибка" in page
            assert "Исправьте файл" in page

    asyncio.run(main())


def test_a_notifier_that_fails_is_a_trouble_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with serve(tmp_path, {}) as served, visitor(served) as person:
            status = NotifierStatus("email", 3, datetime.now(UTC), XSS)
            monkeypatch.setattr(type(served.host.notices.notifiers), "statuses", [status])
            page = (await person.get("/health")).text
            assert "Notices do not get through" in page
            assert "3 notices to be sent" in page
            assert XSS not in page

    asyncio.run(main())


def test_a_journal_that_cannot_be_read_leaves_the_rest_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with serve(tmp_path, {}) as served:

            async def unreadable() -> None:
                raise JournalUnavailable("the disk is gone")

            with monkeypatch.context() as patch:
                patch.setattr(type(served.host.journal), "size", lambda _: unreadable())
                found = await health_report(served.host, None, Clock())
            assert "journal" in kinds(found.troubles)
            assert (found.size, found.versions["Jackfield"] != "") == (None, True)

    asyncio.run(main())


def test_a_page_that_needs_a_damaged_journal_says_so_and_what_to_do(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": steps('do = "say"')}) as served:
            run = await give(served.host, {})
            await until(served.host, run)
            with closing(sqlite3.connect(tmp_path / "var" / "journal.db", timeout=10)) as other:
                other.execute("UPDATE payload SET event = '{'")
                other.commit()
            for language, said in (
                ("en", ("The journal is damaged", "jackfield journal salvage", "To the page Health")),
                ("ru", ("Журнал повреждён", "файл повреждён", "Передайте тому, кто обслуживает", "«Состояние»")),
            ):
                async with visitor(served, language=language) as person:
                    answer = await person.get(f"/runs/{run}")
                    assert answer.status_code == 503
                    for text in said:
                        assert text in answer.text
                    assert 'href="/health"' in answer.text
                    assert said[0] in (await person.get("/health")).text
            async with visitor(served, None) as stranger:
                assert "journal.db" not in (await stranger.get(f"/runs/{run}")).text

    asyncio.run(main())


def test_it_warns_of_a_full_disk_and_of_a_clock_that_was_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with serve(tmp_path, {}) as served:
            monkeypatch.setattr(condition_module, "ROOM", 10**18)
            found = await health_report(served.host, None, Clock(_began=0))
            assert {"disk", "clock"} <= set(kinds(found.troubles))
            said = {trouble.kind: str(trouble) for trouble in found.troubles}
            assert said["disk"].startswith("The disk is nearly full. When it is full, nothing can be accepted.")
            assert said["clock"].startswith("The clock was changed while the host was running: +")
            assert found.drift is not None

    asyncio.run(main())


def test_the_certificate_is_looked_at_in_the_background_and_once_an_hour(tmp_path: Path) -> None:
    authority = trustme.CA()
    soon = datetime.now(UTC) + timedelta(days=3)
    trusted, ours = ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", not_after=soon).configure_cert(ours)

    async def main() -> None:
        calls: list[int] = []

        def count(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            calls.append(1)
            writer.close()

        server = await asyncio.start_server(count, "localhost", 0, ssl=ours)
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
        stranger, friend = PublicCertificate(trusted), PublicCertificate(trusted)
        await stranger.look(url)
        assert stranger.state is not None
        assert stranger.state.reached
        assert "self-signed" in (stranger.state.error or "") or "issuer" in (stranger.state.error or "")
        authority.configure_trust(trusted)
        assert friend.known(url) is None
        async with asyncio.timeout(20):
            while friend.known(url) is None:
                await asyncio.sleep(0.01)
        assert friend.state is not None
        assert friend.state.valid_until == soon.replace(microsecond=0)
        async with serve(tmp_path, {}) as served:
            found = await health_report(served.host, friend.known(url), Clock())
            assert "tls-soon" in kinds(found.troubles)
            found = await health_report(served.host, stranger.state, Clock())
            assert "tls" in kinds(found.troubles)
        server.close()

    asyncio.run(main())


def test_an_address_that_is_not_there_is_no_fault_of_its_certificate(tmp_path: Path) -> None:
    async def main() -> None:
        certificate = PublicCertificate()
        for url, reason in (("https://127.0.0.1:1", "refused"), ("https://", ""), ("https://x:99999", "")):
            await certificate.look(url)
            assert certificate.state is not None
            assert not certificate.state.reached
            assert reason in (certificate.state.error or "none")
        async with serve(tmp_path, {}) as served:
            found = await health_report(served.host, certificate.state, Clock())
            assert [one.urgent for one in found.troubles if one.kind == "tls-unseen"] == [False]
        assert certificate.known("http://example.ru") is None
        assert certificate.known(None) is None

    asyncio.run(main())
