"""What a viewer sees of the journal, and what an operator does."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from pydantic_core import to_json

from jackfield.access.redaction import Redactor
from jackfield.access.users import Role
from jackfield.access.viewer import JournalViewer
from jackfield.components.values import Event
from jackfield.errors import JackfieldError
from jackfield.host.host import Host
from jackfield.journal.views import Query, RunView
from tests.support import Plugin, give, run_host, steps, until

PHONE = "79001112233"
STEPS = ('do = "say"\ntext = "{{ $.event.phone }}"',)
OPEN, HIDES = steps(*STEPS), steps(*STEPS, head='mask = ["$.event.phone"]')


def sight(host: Host, role: Role = Role.VIEWER) -> JournalViewer:
    return JournalViewer(host.journal, host.pipelines.get, role)


async def seen(host: Host, run: str, role: Role = Role.VIEWER) -> RunView:
    view = await sight(host, role).run(run)
    assert view is not None
    return view


def test_an_operator_sees_everything_and_a_viewer_all_but_what_is_masked(tmp_path: Path) -> None:
    async def main() -> None:
        async with run_host(tmp_path, Plugin(), {"x": HIDES, "y": OPEN}) as host:
            run, free = await give(host, {"phone": PHONE, "a": 1}), await give(host, {"phone": PHONE}, "y")
            whole = await until(host, run)
            assert await seen(host, run, Role.OPERATOR) == whole
            covered = await seen(host, run)
            assert PHONE not in to_json(covered).decode()
            assert covered.event.data == {"phone": "***", "a": 1}
            assert covered.attempts[0].result == {"said": "***"}
            settled = await until(host, free)
            assert await seen(host, free) == settled
            assert await sight(host).run("nobody") is None

    asyncio.run(main())


def test_the_current_definition_counts_whichever_version_a_run_was_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with run_host(tmp_path, Plugin(), {"x": OPEN}) as host:
            run = await give(host, {"phone": PHONE})
            await until(host, run)
            file = tmp_path / "pipelines" / "x.toml"
            for text, hidden in ((HIDES, True), (OPEN, False), (steps(*STEPS, head='mask = ["phone"]'), False)):
                file.write_text(text)
                await host.reload()
                assert (PHONE not in to_json(await seen(host, run)).decode()) == hidden
            file.unlink()
            await host.reload()
            assert (await seen(host, run)).event.data == {"***": "***"}

    asyncio.run(main())


def test_a_pipeline_whose_mask_cannot_be_read_shows_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with run_host(tmp_path, Plugin(), {"x": steps(*STEPS, head='mask = ["phone"]')}) as host:
            run = await give(host, {"phone": PHONE, "name": "Anna"})
            text = to_json(await seen(host, run)).decode()
            assert PHONE not in text
            assert "Anna" not in text
            assert sight(host).hides_all("x")

    asyncio.run(main())


def test_a_viewer_searches_for_a_text_where_nothing_is_hidden_only(tmp_path: Path) -> None:
    async def main() -> None:
        async with run_host(tmp_path, Plugin(), {"x": HIDES, "y": OPEN}) as host:
            await give(host, {"phone": PHONE}, "y")
            for pipeline in (None, "x", "gone"):
                with pytest.raises(JackfieldError, match="viewers can search"):
                    await sight(host).search(Query(pipeline=pipeline, text=PHONE))
            assert len((await sight(host).search(Query(pipeline="y", text=PHONE))).runs) == 1
            assert len((await sight(host, Role.OPERATOR).search(Query(pipeline="x", text=PHONE))).runs) == 0
            assert len((await sight(host).search(Query(text="  "))).runs) == 1

    asyncio.run(main())


def test_what_a_viewer_sees_is_covered_beside_the_event_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []

    class Noted(Redactor):
        def event(self, event: Event) -> Event:
            threads.append(threading.get_ident())
            return super().event(event)

    monkeypatch.setattr("jackfield.access.viewer.Redactor", Noted)

    async def main() -> None:
        async with run_host(tmp_path, Plugin(), {"x": HIDES}) as host:
            run = await give(host, {"phone": PHONE})
            await until(host, run)
            await seen(host, run)
            assert threads
            assert threading.get_ident() not in threads

    asyncio.run(main())
