"""Changes of files: what differs is written down without secrets, and once, whoever has made the change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from jackfield.access.audit_log import AuditLog, Caller
from jackfield.access.file_audit import FileAudit, content_hash, describe_change
from jackfield.clock import utc_now
from jackfield.components.plugins.registry import Registry
from jackfield.journal.audit import AuditAction, AuditEntry, AuditQuery, NewAuditEntry, Via
from jackfield.journal.protocol import Journal
from jackfield.journal.sqlite import SqliteJournal
from jackfield.pipelines.loader import PipelineLoader
from jackfield.project.secrets import Secrets
from tests.journal.kit import opened
from tests.support import Plugin, make_project, steps

ONE = steps('do = "say"\ntext = "one"')
FILE = "pipelines/x.toml"


def loader() -> PipelineLoader:
    return PipelineLoader(Registry.of(Plugin()), Secrets({"KEY": "hunter2hunter2"}))


@asynccontextmanager
async def watching(folder: Path) -> AsyncIterator[tuple[FileAudit, Journal]]:
    make_project(folder, {"x": ONE}, secrets='KEY = "hunter2hunter2"\n')
    async with opened(SqliteJournal(folder / "journal.db")) as journal:
        files = FileAudit(folder, AuditLog(journal, utc_now), journal, loader)
        await files.begin()
        yield files, journal


async def seen(files: FileAudit, journal: Journal) -> list[AuditEntry]:
    for _ in range(2):
        await files.look()
    return await journal.audit(AuditQuery())


def test_a_file_that_is_changed_on_disk_is_noted_once_with_what_differs(tmp_path: Path) -> None:
    async def main() -> None:
        async with watching(tmp_path) as (files, journal):
            assert await seen(files, journal) == []
            (tmp_path / FILE).write_text(ONE.replace('"one"', '"two"'), encoding="utf-8")
            [entry] = await seen(files, journal)
            assert (entry.action, entry.via, entry.actor, entry.target) == (
                AuditAction.FILE_CHANGED, Via.DISK, "", FILE,
            )  # fmt: skip
            assert '-text = "one"\n+text = "two"' in entry.detail
            assert len(await seen(files, journal)) == 1
            (tmp_path / FILE).unlink()
            [entry, _] = await seen(files, journal)
            assert (entry.action, entry.target) == (AuditAction.FILE_REMOVED, FILE)
            (tmp_path / "pipelines" / "y.toml").write_text(ONE, encoding="utf-8")
            [entry, *_] = await seen(files, journal)
            assert (entry.target, entry.detail) == ("pipelines/y.toml", "the file is new")

    asyncio.run(main())


def test_what_somebody_changes_by_the_host_is_theirs_and_noted_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with watching(tmp_path) as (files, journal):
            async with files.changing(FILE, Caller("anna", Via.PAGES, "203.0.113.9")):
                (tmp_path / FILE).write_text(f'title = "X"\n{ONE}', encoding="utf-8")
                assert await seen(files, journal) == []
            [entry] = await seen(files, journal)
            assert (entry.actor, entry.detail) == ("anna", entry.detail)
            assert '+title = "X"' in entry.detail

    asyncio.run(main())


def test_what_a_command_has_noted_is_not_noted_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with watching(tmp_path) as (files, journal):
            text = f'title = "X"\n{ONE}'
            (tmp_path / FILE).write_text(text, encoding="utf-8")
            await files.look()
            said = (utc_now(), AuditAction.FILE_CHANGED, "root", Via.COMMAND, "", FILE, "", content_hash(text))
            await journal.note(NewAuditEntry(*said))
            assert [entry.actor for entry in await seen(files, journal)] == ["root"]

    asyncio.run(main())


def test_a_folder_that_is_away_for_a_while_is_no_change(tmp_path: Path) -> None:
    async def main() -> None:
        async with watching(tmp_path) as (files, journal):
            (tmp_path / "pipelines").rename(tmp_path / "elsewhere")
            assert await seen(files, journal) == []
            (tmp_path / "elsewhere").rename(tmp_path / "pipelines")
            assert await seen(files, journal) == []

    asyncio.run(main())


def test_no_secret_is_in_what_differs() -> None:
    key = "h7Kq2mZx9Rt4Wv8Lp3Bn6"
    old, new = (steps(f'do = "say"\ntext = "{word} hunter2hunter2 {key}"  # {key}') for word in ("one", "two"))
    said = describe_change(loader(), FILE, old, new)
    assert "two ***" in said
    assert "hunter2" not in said
    assert key not in said
    broken = describe_change(loader(), FILE, old, new.replace('"say"', "3"))
    assert broken == "these keys: steps[0].do, steps[0].text"
    assert describe_change(loader(), "secrets.toml", 'A = "secret-1"\nB = "b"', 'A = "secret-2"\nC = "c"') == (
        "these keys: A, B, C"
    )
    assert describe_change(loader(), FILE, ONE, f"{ONE}# more") == "only comments and layout differ"
    assert describe_change(loader(), FILE, ONE, "[") == "it is no valid TOML"
