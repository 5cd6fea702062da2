"""What Jackfield writes is for its owner's eyes only: pipelines, tests and events may be about people."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import httpx

from jackfield.access.tokens import Tokens
from jackfield.access.users import Role
from tests.support import give, serve, steps, until

TEXT = steps('do = "say"\ntext = "{{ $.event.n }}"')


def modes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mode & 0o077 for path in folder.rglob("*")}


def test_files_that_the_host_makes_are_its_owners_alone(tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / "var").mkdir(mode=0o755)
        async with serve(tmp_path, {"x": TEXT}) as served:
            assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700, "also one that was there"
            run = await give(served.host, {"n": "1"})
            await until(served.host, run)
            headers = {"authorization": f"Bearer {Tokens(tmp_path / 'var').make('one', Role.OPERATOR)}"}
            async with httpx.AsyncClient(base_url=f"{served.url}/api/v1", headers=headers) as client:
                for answer in (
                    await client.put("/pipelines/new/file", json={"text": TEXT}),
                    await client.put("/secrets/KEY", json={"value": "hunter2hunter2"}),
                    await client.post(f"/runs/{run}/test", json={}),
                ):
                    assert answer.is_success, answer.text
        made = modes(tmp_path)
        for name in ("pipelines/new.toml", "secrets.toml", "tests/x.toml", "var/journal.db", "var/tokens.json"):
            assert made[name] == 0, name

    before = os.umask(0o022)
    try:
        asyncio.run(main())
    finally:
        os.umask(before)
