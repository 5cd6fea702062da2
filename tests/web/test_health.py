import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx

from tests.support import serve, steps


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
            assert (await client.get("/")).status_code == 404

    asyncio.run(main())
