"""Literals in a pipeline's file that may be keys: nobody who may only look is shown one, and they can be moved."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
from starlette.routing import Route

from jackfield.access.tokens import Tokens
from jackfield.access.users import Role
from jackfield.web.api.application import api_endpoints
from jackfield.web.pages.site import page_routes
from tests.support import give, serve, steps, until
from tests.web.pages.pipelines.test_pipelines import read, words
from tests.web.site import visitor

KEYS = ("h7Kq2mZx9Rt4Wv8Lp3Bn6", "tok-a8f3k2j4h5g6d7s8", "pass1word2", "q8w7e6r5t4")
TEXT = steps(
    f'name = "a"\ndo = "say"\ntext = "https://robot:{KEYS[2]}@crm.example/x?token={KEYS[3]}"  # was {KEYS[0]}',
    f'name = "b"\ndo = "say"\ntext = "{{{{ \'{KEYS[1]}\' ~ $.event.n }}}}"',
)
BROKEN = TEXT.replace("$.event.n", f"$.nothing['{KEYS[1]}'] | {KEYS[1].partition('-')[2]}")


def _paths(run: str, versions: list[str]) -> Iterator[str]:
    """Name every address that is looked at, pages and API."""
    pages = [route for route in page_routes() if isinstance(route, Route) and "GET" in (route.methods or ())]
    routes = [route.path for route in pages]
    routes += [f"/api/v1{one.path}" for one in api_endpoints() if one.method == "GET"]
    for path in routes:
        id = run if path.startswith(("/runs/", "/api/v1/runs/")) else "x"
        for version in versions if "{version}" in path else [""]:
            yield re.sub(r"\{\w+(?::\w+)?\}", id, path.replace("{version}", version))
    yield f"/pipelines/x/versions?old={versions[-1]}&new={versions[0]}"


def test_no_answer_to_a_viewer_holds_a_literal_that_may_be_a_key(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": TEXT}) as served, visitor(served, Role.VIEWER) as viewer:
            host, token = served.host, Tokens(tmp_path / "var").make("viewer", Role.VIEWER)
            run = await give(host, {"n": 1})
            await until(host, run)
            file = tmp_path / "pipelines" / "x.toml"
            for text in (f'title = "Twice"\n{TEXT}', BROKEN):
                file.write_text(text, encoding="utf-8")
                await host.reload()
            assert host.problems["pipelines/x.toml"]
            versions = [one.version.id for one in await host.journal.versions("x")]
            seen = []
            for path in (one for one in _paths(run, versions) if not one.endswith(("/live", "/events"))):
                headers = {"authorization": f"Bearer {token}"} if path.startswith("/api/") else {}
                async with viewer.client.stream("GET", path, headers=headers) as answer:
                    if "event-stream" not in answer.headers.get("content-type", ""):
                        await answer.aread()
                        seen.append(answer.status_code)
                        assert not [key for key in KEYS if key in answer.text], path
            assert seen.count(200) > 20
            assert '+ title = "Twice"' in words(await read(viewer, f"/pipelines/x/versions?new={versions[0]}"))

    asyncio.run(main())


def test_an_operator_moves_a_key_out_of_the_editor(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": steps(f'do = "say"\ntext = "token {KEYS[0]}"')}) as served:
            async with visitor(served) as operator:
                page = await read(operator, "/pipelines/x/edit")
                assert "What could be better" in page
                assert "Move to secrets" in page
                path = "/pipelines/x/move-secret"
                asked = await read(operator, f"{path}?key=steps[0].text")
                assert 'value="X_TEXT"' in asked
                wrong = await operator.post(path, {"key": "steps[0].text", "name": "not-a-name"}, seen_on="/")
                assert (wrong.status_code, "only Latin letters" in wrong.text) == (422, True)
                moved = await operator.post(path, {"key": "steps[0].text", "name": "CRM"}, seen_on="/")
                assert moved.headers["location"] == "/pipelines/x/edit?saved"
                assert "What could be better" not in await read(operator, "/pipelines/x/edit")
            text = (tmp_path / "pipelines" / "x.toml").read_text(encoding="utf-8")
            assert 'text = "token {{ secret.CRM }}"' in text
            pipeline = served.host.pipelines.get("x")
            assert pipeline is not None
            assert pipeline.blocked is None

    asyncio.run(main())


def test_a_program_is_warned_and_moves_a_key(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": steps(f'do = "say"\ntext = "token {KEYS[0]}"')}) as served:
            headers = {"authorization": f"Bearer {Tokens(tmp_path / 'var').make('one', Role.OPERATOR)}"}
            async with httpx.AsyncClient(base_url=f"{served.url}/api/v1", headers=headers) as client:
                checked = (await client.get("/check")).json()
                assert [one["key"] for one in checked["warnings"]] == ["steps[0].text"]
                text = (tmp_path / "pipelines" / "x.toml").read_text(encoding="utf-8")
                checked = (await client.post("/pipelines/x/check", json={"text": text})).json()
                assert (checked["problems"], len(checked["warnings"])) == ([], 1)
                body = {"key": "steps[0].text"}
                assert (await client.post("/pipelines/x/move-secret", json=body)).json() == {"name": "X_TEXT"}
                assert (await client.get("/check")).json()["warnings"] == []
                body = {"key": "steps[0].nothing"}
                assert (await client.post("/pipelines/x/move-secret", json=body)).status_code == 404

    asyncio.run(main())
