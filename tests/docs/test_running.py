import asyncio
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from jackfield.access.users import Users
from jackfield.journal.records import Mode, State
from jackfield.journal.sqlite import SqliteJournal
from jackfield.project.server_keys import Addresses, read_or_make_secret
from jackfield.project.settings import Settings
from jackfield.web.app import TOKEN_FILE, application
from jackfield.web.auth.first_user import FirstLink
from tests.docs.markdown import ROOT, blocks
from tests.support import Plugin, give, run_host, steps, until

PAGE = ROOT / "docs" / "running.md"
ANALYZE = shutil.which("systemd-analyze")
SAY = {"x": steps('do = "say"')}


def test_the_page_copies_the_journal_by_sqlites_backup() -> None:
    assert any('sqlite3 var/journal.db ".backup' in block.text for block in blocks("sh", PAGE))


def units(folder: Path) -> list[Path]:
    """Write the page's units down, with a program that is there on this machine."""
    found = {}
    for block in blocks("ini", PAGE):
        name = "jackfield.service" if "[Service]" in block.text else "jackfield.socket"
        text = block.text.replace("/opt/jackfield/bin/jackfield", sys.executable).replace(
            "User=jackfield", "User=daemon"
        )
        found[folder / name] = text.replace("/srv/my-school", str(folder))
    for path, text in found.items():
        path.write_text(text, encoding="utf-8")
    return [*found]


def test_the_socket_of_the_page_is_where_the_host_listens(tmp_path: Path) -> None:
    socket, service = (path.read_text(encoding="utf-8") for path in units(tmp_path))
    server = Settings().server
    assert f"\nListenStream={server.host}:{server.port}\n" in socket
    assert "\nRequires=jackfield.socket\n" in service


@pytest.mark.once
@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
def test_systemd_finds_the_units_of_the_page_right_and_little_exposed(tmp_path: Path) -> None:
    def analyze(*words: str | Path) -> tuple[int, str]:
        done = subprocess.run([str(ANALYZE), *words], capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    socket, service = units(tmp_path)
    code, said = analyze("verify", socket, service)
    assert (code, [line for line in said.splitlines() if "jackfield" in line]) == (0, [])
    code, said = analyze("security", "--offline=true", "--threshold=25", service)  # in tenths; a bare unit has 92
    assert code == 0, said


def test_every_path_that_is_named_is_answered(tmp_path: Path) -> None:
    named = re.findall(r"`(GET|POST|PUT) (/[^`]+)`", PAGE.read_text(encoding="utf-8"))

    async def main() -> None:
        async with run_host(tmp_path, Plugin(), SAY) as host:
            transport = httpx.ASGITransport(application(host, FirstLink(Users(host.project.var))))
            token = read_or_make_secret(host.project.var / TOKEN_FILE)
            headers = {"authorization": f"Bearer {token}"}
            async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
                for method, path in named:
                    answer = await client.request(method, path, json={"mode": "running"} if method == "PUT" else None)
                    is_about_the_id = answer.status_code == 404 and "ID" in answer.json()["error"]
                    assert answer.is_success or (is_about_the_id and "/ID" in path), f"{method} {path}: {answer.text}"

    assert len(named) > 5
    asyncio.run(main())


def test_a_copy_that_sqlite_makes_while_the_host_runs_is_whole(tmp_path: Path) -> None:
    async def main() -> None:
        async with run_host(tmp_path, Plugin(), SAY) as host:
            run = await give(host, {"n": 1})
            await until(host, run)
            with (
                closing(sqlite3.connect(tmp_path / "var" / "journal.db")) as journal,
                closing(sqlite3.connect(tmp_path / "copy.db")) as copy,
            ):
                journal.backup(copy)
        opened = SqliteJournal(tmp_path / "copy.db")
        await opened.open()
        view = await opened.run(run)
        await opened.close()
        assert view is not None
        assert (view.summary.state, view.event.data) == (State.SUCCEEDED, {"n": 1})

    asyncio.run(main())


def test_a_project_that_is_moved_keeps_its_addresses_and_runs_what_was_queued(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()

    async def main() -> None:
        async with run_host(old, Plugin(), {"x": steps('do = "say"', head="concurrency = 1")}) as host:
            await host.modes.set("x", Mode.HELD, "being moved")
            run = await give(host, {"n": 1})
            path = host.addresses.path("x", 1)
        shutil.move(old, new)
        (new / "var" / "journal-search.db").unlink(missing_ok=True)
        async with run_host(new, Plugin(), SAY) as host:
            assert host.addresses.path("x", 1) == path
            await host.modes.set("x", Mode.RUNNING, "moved")
            assert (await until(host, run)).summary.state is State.SUCCEEDED

    asyncio.run(main())


def test_without_the_servers_key_all_addresses_change(tmp_path: Path) -> None:
    before = Addresses.load(tmp_path).path("x", 1)
    assert Addresses.load(tmp_path).path("x", 1) == before
    (tmp_path / "server.key").unlink()
    assert Addresses.load(tmp_path).path("x", 1) != before
