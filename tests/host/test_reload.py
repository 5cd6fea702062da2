"""What a running host reads again when files change."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from jackfield.errors import DestinationRefused
from jackfield.pipelines.definition import Pipeline
from jackfield.pipelines.loader import PipelineLoader
from tests.servers import listening
from tests.support import Plugin, run_host, steps

SAY = steps('do = "say"\ntext = "old"')
MANY = {f"p{number}": SAY for number in range(10)}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, threading.Thread]]:
    """Note which pipelines are read, and in which thread."""
    found: list[tuple[str, threading.Thread]] = []
    original = PipelineLoader.read

    def noted(self: PipelineLoader, id: str, path: Path) -> Pipeline:
        found.append((id, threading.current_thread()))
        return original(self, id, path)

    monkeypatch.setattr(PipelineLoader, "read", noted)
    return found


def taken(read: list[tuple[str, threading.Thread]]) -> set[str]:
    ids = [id for id, _ in read]
    read.clear()
    assert len(set(ids)) == len(ids)
    return set(ids)


def test_only_what_changed_is_read_again(tmp_path: Path, read: list[tuple[str, threading.Thread]]) -> None:
    async def main() -> None:
        async with run_host(tmp_path, Plugin(), MANY, secrets='TOKEN = "value-one"\n') as host:
            assert taken(read) == MANY.keys()
            await host.reload()
            assert taken(read) == set()
            file = tmp_path / "pipelines" / "p3.toml"
            os.utime(file)
            (tmp_path / "jackfield.toml").write_text("[server]\nport = 0\nbody_limit = '2 MB'\n", encoding="utf-8")
            await host.reload()
            assert taken(read) == set()
            file.write_text(SAY.replace("old", "new"), encoding="utf-8")
            await host.reload()
            assert taken(read) == {"p3"}
            (tmp_path / "secrets.toml").write_text('TOKEN = "value-two"\n', encoding="utf-8")
            await host.reload()
            assert taken(read) == MANY.keys()
            file.unlink()
            await host.reload()
            assert taken(read) == set()
            assert host.pipelines.get("p3") is None

    asyncio.run(main())


def test_a_change_that_leaves_no_trace_but_its_content_is_found(
    tmp_path: Path, read: list[tuple[str, threading.Thread]]
) -> None:
    async def main() -> None:
        async with run_host(tmp_path, Plugin(), MANY) as host:
            taken(read)
            file = tmp_path / "pipelines" / "p3.toml"
            before = file.stat()
            with file.open("r+", encoding="utf-8") as opened:
                opened.write(SAY.replace("old", "new"))
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
            await host.reload()
            assert taken(read) == {"p3"}

    asyncio.run(main())


def test_files_are_read_in_another_thread(tmp_path: Path, read: list[tuple[str, threading.Thread]]) -> None:
    async def main() -> None:
        async with run_host(tmp_path, Plugin(), MANY):
            assert {thread is threading.main_thread() for _, thread in read} == {False}

    asyncio.run(main())


def test_reloads_at_the_same_time_take_turns_and_each_finds_what_was_there_before_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with run_host(tmp_path, Plugin(), MANY) as host:

            async def change(number: int) -> None:
                (tmp_path / "pipelines" / f"n{number}.toml").write_text(SAY, encoding="utf-8")
                await host.reload()
                assert host.pipelines.get(f"n{number}") is not None

            await asyncio.gather(*map(change, range(10)))

    asyncio.run(main())


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readline() != b"\r\n":
        pass
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def test_a_change_of_http_allow_is_taken_at_once_in_both_directions(tmp_path: Path) -> None:
    async def main() -> None:
        async with listening(_answer) as port, run_host(tmp_path, Plugin(), {}) as host:
            url = f"http://127.0.0.1:{port}/"

            async def tried(allow: str) -> str:
                (tmp_path / "jackfield.toml").write_text(f"[http]\nallow = [{allow}]\n", encoding="utf-8")
                await host.reload()
                try:
                    return (await host.http.client.get(url)).text
                except DestinationRefused:
                    return "refused"

            assert [await tried(allow) for allow in ("", '"127.0.0.1"', "", '"127.0.0.0/8"')] == [
                "refused", "ok", "refused", "ok"
            ]  # fmt: skip

    asyncio.run(main())


def test_a_request_under_way_ends_as_it_began_when_its_address_is_not_allowed_any_more(tmp_path: Path) -> None:
    async def main() -> None:
        gate = asyncio.Event()

        async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            began.set()
            await gate.wait()
            await _answer(reader, writer)

        began = asyncio.Event()
        async with listening(slow) as port, run_host(tmp_path, Plugin(), {}) as host:
            url = f"http://127.0.0.1:{port}/"
            await host.http.allow(["127.0.0.1"])
            asked = asyncio.create_task(host.http.client.get(url))
            await began.wait()
            await host.http.allow([])
            gate.set()
            assert (await asked).text == "ok"
            with pytest.raises(DestinationRefused):
                await host.http.client.get(url)

    asyncio.run(main())


def test_a_setting_that_needs_a_restart_is_named_in_the_log_and_left_as_it_was(tmp_path: Path) -> None:
    async def main() -> None:
        async with run_host(tmp_path, Plugin(), {}) as host:
            text = '[server]\nport = 1\nbody_limit = "2 MB"\n[journal]\nkeep = { days = 7 }\n[notices.email]\nto = ""\n'
            (tmp_path / "jackfield.toml").write_text(text, encoding="utf-8")
            with capture_logs() as lines:
                await host.reload()
            assert [line["settings"] for line in lines if "settings" in line] == [["server.port", "notices.email"]]
            settings = host.project.settings
            assert (settings.server.port, settings.server.body_limit, settings.journal.keep.days) == (0, 2_000_000, 7)
            assert host.notices.project is host.project

    asyncio.run(main())
