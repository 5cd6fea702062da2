"""Saving a run as a test."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from jackfield.access.users import Role
from jackfield.checks.scenario import Scenario
from jackfield.web.server.serving import Served
from tests.support import give, serve, steps, until
from tests.web.site import Visitor, visitor

XSS = "<script>alert('x')</script>"
SECRETS = 'TOKEN = "t0ken-value"\n'


@asynccontextmanager
async def site(folder: Path, role: Role = Role.OPERATOR) -> AsyncIterator[tuple[Served, Visitor, str]]:
    text = steps('do = "say"\ntext = "{{ secret.TOKEN }} {{ $.event.name }}"', head=f'title = "{XSS}"')
    async with serve(folder, {"x": text}, secrets=SECRETS) as served, visitor(served, role) as person:
        run = await give(served.host, {"name": XSS})
        await until(served.host, run)
        yield served, person, run


def test_the_file_is_shown_and_a_free_name_suggested(tmp_path: Path) -> None:
    async def main() -> None:
        async with site(tmp_path) as (_, person, run):
            page = (await person.get(f"/runs/{run}/test")).text
            assert 'value="x"' in page
            assert "Put invented values in place of real ones before you pass it on." in page
            assert "pipeline = &#34;x&#34;" in page
            assert XSS not in page
            assert "t0ken-value" not in page

    asyncio.run(main())


def test_it_is_written_and_that_is_said(tmp_path: Path) -> None:
    async def main() -> None:
        async with site(tmp_path) as (_, person, run):
            answer = await person.post(f"/runs/{run}/test", {"name": "first"}, seen_on=f"/runs/{run}/test")
            assert answer.status_code == 303
            page = (await person.get(answer.headers["location"])).text
            assert "Written to tests/first.toml" in page
            assert "jackfield test first" in page
            text = (tmp_path / "tests" / "first.toml").read_text(encoding="utf-8")
            scenario = Scenario.model_validate(tomllib.loads(text))
            assert (scenario.pipeline, scenario.event) == ("x", {"name": XSS})
            assert scenario.steps[0].result == {"said": f"*** {XSS}"}

    asyncio.run(main())


def test_no_other_name_is_taken(tmp_path: Path) -> None:
    async def main() -> None:
        async with site(tmp_path) as (_, person, run):
            for name in ("", "../../etc/x", "a/b", "A", XSS, "x" * 65):
                answer = await person.post(f"/runs/{run}/test", {"name": name}, seen_on=f"/runs/{run}/test")
                assert (answer.status_code, "A name has lower-case Latin letters" in answer.text) == (422, True)
                assert XSS not in answer.text
            assert not (tmp_path / "tests").exists()

    asyncio.run(main())


def test_a_test_is_never_overwritten(tmp_path: Path) -> None:
    async def main() -> None:
        async with site(tmp_path) as (_, person, run):
            (tmp_path / "tests").mkdir()
            (tmp_path / "tests" / "x.toml").write_text("mine")
            assert 'value="x-2"' in (await person.get(f"/runs/{run}/test")).text
            answer = await person.post(f"/runs/{run}/test", {"name": "x"}, seen_on=f"/runs/{run}/test")
            assert (answer.status_code, "There is a test of this name already" in answer.text) == (409, True)
            assert (tmp_path / "tests" / "x.toml").read_text() == "mine"

    asyncio.run(main())


def test_it_is_for_operators_and_of_runs_that_there_are(tmp_path: Path) -> None:
    async def main() -> None:
        async with site(tmp_path, Role.VIEWER) as (served, person, run):
            assert (await person.get(f"/runs/{run}/test")).status_code == 403
            assert (await person.post(f"/runs/{run}/test", {"name": "a"}, seen_on="/")).status_code == 403
            async with visitor(served) as operator:
                assert (await operator.get("/runs/none/test")).status_code == 404
                forged = await operator.client.post(f"/runs/{run}/test", data={"name": "a"})
                assert forged.status_code == 403
        assert not (tmp_path / "tests").exists()

    asyncio.run(main())
