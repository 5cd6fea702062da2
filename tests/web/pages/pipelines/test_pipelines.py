"""The first page: every pipeline with what it connects, whether it runs, how it does and what is wrong."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from jackfield import Notice, NoticeKind, Notifier, OptionsModel, PermanentFailure, Text, hookimpl
from jackfield.access.users import Role
from jackfield.journal.records import Mode, State
from jackfield.journal.views import Count
from jackfield.web.render.activity import PERIOD, activities
from tests.support import Act, ActOptions, Call, Plugin, give, serve, steps, until
from tests.web.site import Visitor, visitor

XSS = "<script>alert(1)</script>"
SAY = steps('do = "say"')


class Order(Call):
    name = "shop.order"
    title: ClassVar[Text] = {"en": "An order", "ru": "Заказ"}  # type: ignore[assignment]


class Bill(Act):
    name = "shop.bill"
    title: ClassVar[Text] = {"en": "Write a bill", "ru": "Выставить счёт"}  # type: ignore[assignment]
    Options = ActOptions


class Deaf(Notifier[OptionsModel]):
    name = "deaf"
    title = "Deaf"
    Options = OptionsModel

    async def notify(self, notice: Notice) -> None:
        raise PermanentFailure(f"nobody listens: {XSS}")


class Shop(Plugin):
    @hookimpl
    def register_sources(self) -> list[type[Any]]:
        return [*super().register_sources(), Order]

    @hookimpl
    def register_actions(self) -> list[type[Any]]:
        return [*super().register_actions(), Bill]

    @hookimpl
    def register_notifiers(self) -> Iterable[type[Notifier[Any]]]:
        return [Deaf]


BILLS = f"""
title = {{ en = "Bills {XSS}", ru = "Счета" }}
[source]
use = "shop.order"
[[steps]]
use = "shop.bill"
name = "bill"
do = "say"
"""


def words(page: str) -> str:
    """Say what a page says, without its tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


async def read(person: Visitor, path: str = "/") -> str:
    answer = await person.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_each_pipeline_is_shown_with_what_it_connects_in_the_visitors_language(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            serve(tmp_path, {"bills": BILLS}, Shop()) as served,
            visitor(served) as english,
            visitor(served, language="ru") as russian,
        ):
            page = await read(english)
            assert XSS not in page
            assert f"Bills {XSS} bills An order Write a bill bill Running" in words(page)
            assert "Счета bills Заказ Выставить счёт bill Работает" in words(await read(russian))

    asyncio.run(main())


def test_runs_and_failures_of_a_day_are_counted_drawn_and_said_in_words(tmp_path: Path) -> None:
    async def main() -> None:
        fail = steps('do = "give_up"')
        async with serve(tmp_path, {"x": SAY, "y": fail}) as served, visitor(served) as operator:
            assert "none yet" in words(await read(operator))
            for pipeline in ("x", "y", "y"):
                await until(served.host, await give(served.host, {"a": 1}, pipeline))
            page = await read(operator)
            assert "Runs by the hour over 24 hours: 2 in the busiest hour, 2 of 2 failed" in page
            assert "2 runs, 2 failed" in words(page)
            assert "1 run" in words(page)
            assert "/runs?pipeline=y&amp;state=failed" in page
            assert page.count("<local-time") == 2
            assert "style=" not in page

    asyncio.run(main())


def test_without_pipelines_an_operator_is_led_to_make_the_first_one_and_a_viewer_is_told_who_can(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with (
            serve(tmp_path, {}) as served,
            visitor(served) as operator,
            visitor(served, Role.VIEWER) as viewer,
        ):
            page = await read(operator)
            assert "There is no pipeline yet" in page
            assert page.count('href="/new"') == 1
            page = await read(viewer)
            assert "An operator can make one." in page
            assert "/new" not in page

    asyncio.run(main())


def test_broken_files_are_shown_by_file_line_and_key(tmp_path: Path) -> None:
    async def main() -> None:
        broken = 'title = "Broken"\n[source]\nuse = "call"\n[[steps]]\nuse = "<i>akt"\n'
        files = {
            "broken": broken,
            "no-toml": "title = \n",
            f"{XSS[:8]} x": "",
            "no-source": steps('do = "say"', source=""),
        }
        async with serve(tmp_path, files) as served, visitor(served) as operator:
            page = await read(operator)
            assert XSS[:8] not in page
            assert "<i>akt" not in page
            said = words(page)
            assert 'pipelines/broken.toml:5 steps[0].use there is no action "<i>akt"' in said
            assert "Call <i>akt no plugin offers it" in said
            assert "pipelines/no-toml.toml:1 is not valid TOML" in said
            assert f"pipelines/{XSS[:8]} x.toml rename the file" in said
            assert "It cannot run. Events are kept" in said
            assert "It cannot take events" in said
            assert (await operator.get("/pipelines/%3Cscript%3E%20x")).status_code == 200

    asyncio.run(main())


def test_a_newer_file_that_was_not_taken_is_shown_beside_what_runs(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": SAY}) as served, visitor(served) as operator:
            (tmp_path / "pipelines" / "x.toml").write_text(SAY + "txet = 1\n", encoding="utf-8")
            await served.host.reload()
            said = words(await read(operator))
            assert "the new version was not taken. The one before it goes on running" in said
            assert "pipelines/x.toml:7 steps[0].txet" in said
            assert "Blocked" not in said

    asyncio.run(main())


def test_what_is_wrong_with_the_host_and_its_notices_stands_above_the_table(tmp_path: Path) -> None:
    async def main() -> None:
        settings = f'[server]\nport = 0\n[notices.deaf]\n[notices.nobody]\nkey = "{XSS}"\n'
        async with serve(tmp_path, {"x": SAY}, Shop(), settings) as served, visitor(served) as operator:
            notifiers = served.host.notices.notifiers
            notifiers.put(Notice(NoticeKind.TEST, "test", "test", datetime.now(UTC)))
            async with asyncio.timeout(5):
                while not notifiers.statuses[0].failing_since:
                    await asyncio.sleep(0.01)
            (tmp_path / "jackfield.toml").write_text("[server]\nprot = 1\n", encoding="utf-8")
            await served.host.reload()
            page = await read(operator)
            assert XSS not in page
            said = words(page)
            assert f"Notices do not get through by deaf nobody listens: {XSS}" in said
            assert 'jackfield.toml:4 notices.nobody there is no notifier "nobody"' in said
            assert "A change of the project was not taken" in said
            assert "jackfield.toml:2 server.prot" in said

    asyncio.run(main())


def test_a_pipeline_whose_file_is_gone_is_listed_as_long_as_the_journal_has_its_runs(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": SAY, "y": SAY, "z": SAY}) as served, visitor(served) as operator:
            await until(served.host, await give(served.host, {"a": 1}, "y"))
            for id in ("y", "z"):
                (tmp_path / "pipelines" / f"{id}.toml").unlink()
            await served.host.reload()
            page = await read(operator)
            assert "Deleted, but still in the journal y" in words(page)
            assert "/pipelines/z" not in page

    asyncio.run(main())


@pytest.mark.parametrize("mode", [Mode.HELD, Mode.STOPPED])
def test_an_operator_switches_the_mode_and_says_why(tmp_path: Path, mode: Mode) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": SAY}) as served, visitor(served) as operator:
            form = {"mode": mode.value, "reason": f" {XSS} ", "next": "/?seen"}
            answer = await operator.post("/pipelines/x/mode", form, seen_on="/")
            assert (answer.status_code, answer.headers["location"]) == (303, "/?seen")
            assert served.host.modes.get("x").mode is mode
            page = await read(operator)
            assert XSS not in page
            assert f": {XSS}" in words(page)
            await operator.post("/pipelines/x/mode", {"mode": "running", "reason": "late"}, seen_on="/")
            record = served.host.modes.get("x")
            assert (record.mode, record.reason) == (Mode.RUNNING, "")

    asyncio.run(main())


def test_the_mode_is_switched_by_operators_only_and_by_their_own_forms_only(tmp_path: Path) -> None:
    async def main() -> None:
        held = {"mode": "held"}
        async with (
            serve(tmp_path, {"x": SAY}) as served,
            visitor(served) as operator,
            visitor(served, Role.VIEWER) as viewer,
        ):
            assert (await viewer.post("/pipelines/x/mode", held, seen_on="/pipelines/x")).status_code == 403
            assert "/mode" not in await read(viewer)
            assert (await operator.client.post("/pipelines/x/mode", data=held)).status_code == 403
            assert (await operator.post("/pipelines/x/mode", {"mode": "asleep"}, seen_on="/")).status_code == 400
            assert (await operator.post("/pipelines/y/mode", held, seen_on="/")).status_code == 404
            assert served.host.modes.get("x").mode is Mode.RUNNING
            away = await operator.post("/pipelines/x/mode", {**held, "next": "//evil.example"}, seen_on="/")
            assert away.headers["location"] == "/"

    asyncio.run(main())


def test_the_hours_of_a_day_are_all_there_and_a_run_counts_in_its_own() -> None:
    now = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
    hour = now.replace(minute=0)
    counts = [
        Count("x", hour, State.SUCCEEDED, 3),
        Count("x", hour, State.FAILED, 1),
        Count("x", hour - PERIOD, State.QUEUED, 2),
        Count("y", hour, State.FAILED, 9),
    ]
    found = activities(counts, ["x", "z"], now)
    x = found["x"]
    assert (x.runs, x.failed, x.busiest, len(x.hours)) == (6, 1, 4, 25)
    assert (x.hours[0].runs, x.hours[-1].runs, x.hours[-1].failed) == (2, 4, 1)
    assert all(
        later.start - earlier.start == timedelta(hours=1) for earlier, later in zip(x.hours, x.hours[1:], strict=False)
    )
    assert (found["z"].runs, found["z"].busiest) == (0, 0)
    assert "y" not in found
