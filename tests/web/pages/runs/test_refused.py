"""Refused requests and duplicates."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx

from jackfield.access.users import Role
from jackfield.journal.records import Mode
from jackfield.journal.views import Query
from tests.support import hook, serve, steps
from tests.web.site import visitor

XSS = "<script>alert(1)</script>"
X = steps('do = "say"\ntext = "{{ $.event.phone }}"')
KEYED = steps('do = "say"', source='use = "call"\ndedupe = "{{ $.event.id }}"', head='mask = ["$.event.phone"]')


def test_a_request_that_a_stopped_pipeline_turned_away_is_accepted_when_asked_for(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": X}) as served, visitor(served) as operator, httpx.AsyncClient() as sender:
            assert "No requests were refused" in (await operator.get("/refused")).text
            await served.host.modes.set("x", Mode.STOPPED, "")
            await sender.post(f"{hook(served)}?a=1", json={"phone": "555", "имя": XSS}, headers={"x-tag": XSS})
            page = await operator.get("/refused")
            assert "555" in page.text
            assert XSS not in page.text
            (id,) = re.findall(r'id="refusal-([^"]+)"', page.text)
            await served.host.modes.set("x", Mode.RUNNING, "")
            answer = await operator.post(f"/refused/{id}/accept", {})
            (run,) = (await served.host.journal.search(Query())).runs
            assert answer.headers["location"] == f"/runs/{run.id}?done=accepted"
            page = await operator.get("/refused")
            assert f'href="/runs/{run.id}"' in page.text
            assert "Accept now" not in page.text
            again = await operator.post(f"/refused/{id}/accept", {})
            assert again.status_code == 409
            assert "was accepted before" in again.text

    asyncio.run(main())


def test_what_still_cannot_be_accepted_says_why_in_its_place(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": X}) as served, visitor(served) as operator, httpx.AsyncClient() as sender:
            await sender.post(hook(served), content=b"{broken")
            (id,) = re.findall(r'id="refusal-([^"]+)"', (await operator.get("/refused")).text)
            page = await operator.post(f"/refused/{id}/accept", {})
            assert page.status_code == 409
            assert "still cannot be accepted" in page.text
            assert "there is no run and no refused request" in (await operator.post("/refused/nobody/accept", {})).text

    asyncio.run(main())


def test_refused_requests_are_listed_by_pipeline_and_page_by_page(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": X, "y": X}) as served, visitor(served) as operator:
            async with httpx.AsyncClient() as sender:
                for pipeline in ("y", *("x" for _ in range(32))):
                    await sender.post(hook(served, pipeline), content=b"{")
            first = (await operator.get("/refused?pipeline=x")).text
            older = re.search(r'rel="next" href="([^"]+)"', first)
            assert older is not None
            second = (await operator.get(older[1].replace("&amp;", "&"))).text
            pages = [re.findall(r'id="refusal-([^"]+)"', text) for text in (first, second)]
            assert [len(page) for page in pages] == [30, 2]
            assert len({*pages[0], *pages[1]}) == 32
            assert "rel=" not in second.split("</nav>")[-1]
            assert re.findall(r'id="refusal-', (await operator.get("/refused?before=nobody")).text) == []

    asyncio.run(main())


def test_duplicates_are_listed_with_the_run_that_they_duplicate(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": KEYED, "y": X}) as served, visitor(served) as operator:
            async with httpx.AsyncClient() as sender:
                for n in range(34):
                    await sender.post(
                        hook(served), json={"id": 7, "n": f"number {n}", "phone": "79001112233", XSS: XSS}
                    )
            (run,) = (await served.host.journal.search(Query())).runs
            first = (await operator.get("/refused/duplicates")).text
            assert "number 33" in first
            assert XSS not in first
            assert f"/runs/{run.id}" in first
            older = re.search(r'rel="next" href="([^"]+)"', first)
            assert older is not None
            assert re.findall(r"number \d+", (await operator.get(older[1])).text) == [
                "number 3",
                "number 2",
                "number 1",
            ]
            for path in ("?pipeline=y", "?before=nonsense", "?before=1"):
                text = (await operator.get(f"/refused/duplicates{path}")).text
                assert ("There are no duplicates." in text) == (path != "?before=nonsense")
            async with visitor(served, Role.VIEWER) as viewer:
                seen = (await viewer.get("/refused/duplicates")).text
                assert "number 33" in seen
                assert "79001112233" not in seen

    asyncio.run(main())


def test_a_viewer_sees_refused_requests_without_masked_values_and_cannot_accept_them(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": KEYED}) as served, visitor(served, Role.VIEWER) as viewer:
            await served.host.modes.set("x", Mode.STOPPED, "")
            async with httpx.AsyncClient() as sender:
                await sender.post(hook(served), json={"id": 1, "phone": "79001112233", "city": "Казань"})
                await sender.post(hook(served), content=b"{ phone: 79004445566")
                await sender.post(f"{served.url}/hooks/x/wrong?phone=79007778899")
            seen = (await viewer.get("/refused")).text
            assert "content-length" in seen, "the names of headers are shown"
            assert not re.search(r"7900\d+|Казань", seen)
            assert "Accept now" not in seen
            (id, *_) = re.findall(r'id="refusal-([^"]+)"', seen)
            assert (await viewer.post(f"/refused/{id}/accept", {})).status_code == 403

    asyncio.run(main())


def test_the_reason_is_explained_in_the_visitors_language(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            serve(tmp_path, {"x": X}) as served,
            visitor(served, language="ru") as operator,
            httpx.AsyncClient() as sender,
        ):
            await sender.post(hook(served), content=b"{broken")
            await served.host.modes.set("x", Mode.STOPPED, "")
            await sender.post(hook(served), json={})
            page = (await operator.get("/refused")).text
            assert "Запрос не удалось разобрать" in page
            assert "Запустите её, затем примите запрос" in page

    asyncio.run(main())


def test_a_duplicate_is_run_after_all_when_asked_for(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": KEYED}) as served, visitor(served) as operator:
            async with httpx.AsyncClient() as sender:
                for n in range(2):
                    await sender.post(hook(served), json={"id": 7, "n": f"number {n}"})
            form = re.findall(
                r'action="(/refused/duplicates/\d+/accept)"', (await operator.get("/refused/duplicates")).text
            )
            answer = await operator.post(form[0], {})
            assert answer.status_code == 303
            view = await served.host.journal.run(answer.headers["location"].partition("?")[0].rpartition("/")[2])
            assert view is not None
            assert view.event.data == {"id": 7, "n": "number 1"}
            for number in ("0", "99", "x", "9" * 30):
                assert (await operator.post(f"/refused/duplicates/{number}/accept", {})).status_code == 404
            async with visitor(served, Role.VIEWER) as viewer:
                assert (await viewer.post(form[0], {})).status_code == 403
                assert "/accept" not in (await viewer.get("/refused/duplicates")).text

    asyncio.run(main())
