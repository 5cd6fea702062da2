import asyncio
import json
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import pytest
import structlog
from pydantic import AfterValidator
from pydantic_core import to_json
from structlog.testing import capture_logs

from jackfield import Action, ActionContext, OptionsModel, WebhookRequest, WebhookSource, hookimpl
from jackfield.checks.project import inspect_project
from jackfield.components.plugins.registry import Registry
from jackfield.errors import ConfigurationError, JournalUnavailable
from jackfield.host.host import Host, running
from jackfield.journal.records import Mode, State
from jackfield.logs import configure_logs
from tests.support import Act, Call, Panic, Plugin, give, make_project, run_host, steps, until

FAULTS: Mapping[str, type[BaseException]] = {
    "panic": Panic, "exit": SystemExit, "memory": MemoryError, "recursion": RecursionError,
}  # fmt: skip


def _raised(key: str) -> str:
    raise FAULTS[key]


class MoodyOptions(OptionsModel):
    key: Annotated[str, AfterValidator(_raised)]


class Moody(Plugin):
    """A plugin whose options cannot be checked without an accident."""

    @hookimpl
    def register_sources(self) -> list[type[WebhookSource[Any]]]:
        class MoodyCall(Call):
            name = "moody"
            Options = MoodyOptions  # type: ignore[assignment]

        return [*super().register_sources(), MoodyCall]

    @hookimpl
    def register_actions(self) -> list[type[Action[Any]]]:
        class MoodyAct(Act):
            name = "moody"
            Options = MoodyOptions  # type: ignore[assignment]

        return [*super().register_actions(), MoodyAct]


SAY = steps('do = "say"\ntext = "old"')


async def settle(host: Host, says: str) -> None:
    """Wait until the watched folder has been read again and events are run as it says."""
    async with asyncio.timeout(20):
        while True:
            view = await until(host, await give(host, {}))
            if view.attempts and view.attempts[0].result == {"said": says}:
                return
            await asyncio.sleep(0.05)


async def noticed(host: Host, name: str) -> str:
    async with asyncio.timeout(20):
        while name not in host.problems:
            await asyncio.sleep(0.02)
    return str(host.problems[name][0])


def test_a_valid_change_is_taken_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with run_host(tmp_path, Plugin(), {"x": SAY}) as host:
            await settle(host, "old")
            (tmp_path / "pipelines" / "x.toml").write_text(SAY.replace("old", "new"), encoding="utf-8")
            await settle(host, "new")

    asyncio.run(main())


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("[source\n", "x.toml:1: is not valid TOML"),
        (SAY.replace('"act"', '"atc"'), 'steps[0].use: there is no action "atc"; did you mean "act"?'),
        (SAY.replace("old", "{{ $.event. }}"), "steps[0].text: "),
        ("", "source: is required"),
    ],
)
def test_an_invalid_change_leaves_the_running_version_in_place_and_is_shown(
    tmp_path: Path, change: str, problem: str
) -> None:
    async def main() -> None:
        async with run_host(tmp_path, Plugin(), {"x": SAY}) as host:
            await settle(host, "old")
            (tmp_path / "pipelines" / "x.toml").write_text(change, encoding="utf-8")
            assert problem in await noticed(host, "pipelines/x.toml")
            await settle(host, "old")
            (tmp_path / "pipelines" / "x.toml").write_text(SAY.replace("old", "new"), encoding="utf-8")
            await settle(host, "new")
            assert host.problems == {}

    asyncio.run(main())


def test_a_new_pipeline_appears_and_a_removed_one_goes(tmp_path: Path) -> None:
    async def main() -> None:
        async with run_host(tmp_path, Plugin(), {"x": SAY}) as host, asyncio.timeout(20):
            (tmp_path / "pipelines" / "y.toml").write_text(SAY, encoding="utf-8")
            while host.pipelines.get("y") is None:
                await asyncio.sleep(0.02)
            (tmp_path / "pipelines" / "x.toml").unlink()
            while host.pipelines.get("x") is not None:
                await asyncio.sleep(0.02)
            assert set(host.tokens) == {"y"}

    asyncio.run(main())


def test_a_truncated_settings_file_changes_nothing_and_is_shown(tmp_path: Path) -> None:
    async def main() -> None:
        async with run_host(tmp_path, Plugin(), {"x": SAY}) as host:
            (tmp_path / "jackfield.toml").write_text("[server]\nport = ", encoding="utf-8")
            assert "jackfield.toml:2: is not valid TOML" in await noticed(host, "jackfield.toml")
            await settle(host, "old")

    asyncio.run(main())


def test_a_changed_secret_is_used_at_once_and_masked(tmp_path: Path) -> None:
    async def main() -> None:
        pipeline = steps('do = "say"\ntext = "{{ secret.TOKEN }}"')
        plugin = Plugin()
        async with run_host(tmp_path, plugin, {"x": pipeline}, secrets='TOKEN = "first-value"\n') as host:
            await until(host, await give(host, {}))
            (tmp_path / "secrets.toml").write_text('TOKEN = "second-value"\n', encoding="utf-8")
            async with asyncio.timeout(20):
                while plugin.calls[-1][0] != "second-value":
                    view = await until(host, await give(host, {}))
            assert view.attempts[0].result == {"said": "***"}

    asyncio.run(main())


def test_no_address_is_gone_while_secrets_change(tmp_path: Path) -> None:
    async def main() -> None:
        pipelines = {f"p{number}": SAY for number in range(20)}
        async with run_host(tmp_path, Plugin(), pipelines, secrets='TOKEN = "value-one"\n') as host:
            stop = asyncio.Event()
            missing: list[str] = []

            async def look() -> None:
                while not stop.is_set():
                    missing.extend(id for id in pipelines if host.pipelines.get(id) is None or id not in host.tokens)
                    await asyncio.sleep(0)

            looking = asyncio.ensure_future(look())
            for value in ("value-two", "value-three", "value-four"):
                (tmp_path / "secrets.toml").write_text(f'TOKEN = "{value}"\n', encoding="utf-8")
                await host.reload()
            stop.set()
            await looking
            assert missing == []
            assert host.pipelines.loader.mask("value-four") == "***"

    asyncio.run(main())


def test_a_secret_that_is_gone_leaves_the_running_version_in_place(tmp_path: Path) -> None:
    async def main() -> None:
        plugin = Plugin()
        pipeline = steps('do = "say"\ntext = "{{ secret.TOKEN }}"')
        async with run_host(tmp_path, plugin, {"x": pipeline}, secrets='TOKEN = "first-value"\n') as host:
            (tmp_path / "secrets.toml").write_text('TOKKEN = "first-value"\n', encoding="utf-8")
            await host.reload()
            assert "secret TOKEN is not set" in str(host.problems["pipelines/x.toml"][0])
            assert (await until(host, await give(host, {}))).summary.state is State.SUCCEEDED

    asyncio.run(main())


def test_a_change_that_the_journal_could_not_take_is_taken_the_next_time(tmp_path: Path) -> None:
    async def main() -> None:
        async with run_host(tmp_path, Plugin(), {"x": SAY}, secrets='TOKEN = "value-one"\n') as host:
            with closing(sqlite3.connect(tmp_path / "var" / "journal.db", isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                (tmp_path / "pipelines" / "x.toml").write_text(SAY.replace("old", "new"), encoding="utf-8")
                with pytest.raises(JournalUnavailable):
                    await host.reload()
                assert host.pipelines.get("x") is not None
                other.execute("ROLLBACK")
            await settle(host, "new")

    asyncio.run(main())


def test_an_action_that_cannot_be_made_blocks_its_pipeline_and_no_other(tmp_path: Path) -> None:
    async def main() -> None:
        plugin = Plugin()

        class Unmakable(Act):
            name = "unmakable"

            def __init__(self, context: ActionContext) -> None:
                raise ZeroDivisionError("by design")

        plugin.more = [Unmakable]
        pipelines = {"x": SAY, "y": SAY.replace('"act"', '"unmakable"')}
        async with run_host(tmp_path, plugin, pipelines) as host:
            await settle(host, "old")
            blocked = host.pipelines.get("y")
            assert blocked is not None
            assert "action unmakable cannot be made: ZeroDivisionError('by design')" in (blocked.blocked or "")
            kept = await give(host, {}, "y")
            (tmp_path / "pipelines" / "y.toml").write_text(SAY, encoding="utf-8")
            assert (await until(host, kept)).summary.state is State.SUCCEEDED

    asyncio.run(main())


def test_an_action_that_does_not_close_holds_nothing_up_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        plugin = Plugin()

        async def close(self: object) -> None:
            await asyncio.Event().wait()

        plugin.act.close = close  # type: ignore[method-assign]
        async with asyncio.timeout(15), run_host(tmp_path, plugin, {"x": SAY}) as host:
            await settle(host, "old")

    monkeypatch.setattr("jackfield.pipelines.live._CLOSING", 0.1)
    asyncio.run(main())


def test_a_second_host_on_the_same_journal_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with run_host(tmp_path, Plugin(), {"x": SAY}):
            with pytest.raises(JournalUnavailable, match="another"):
                async with running(make_project(tmp_path, {}), {}, registry=Registry.of(Plugin())):
                    pass

    asyncio.run(main())


def test_runs_of_a_pipeline_whose_plugin_is_missing_wait_until_it_is_back(tmp_path: Path) -> None:
    async def main() -> None:
        async with run_host(tmp_path, Plugin(), {"x": SAY.replace('"act"', '"other"')}) as host:
            id = await give(host, {})
            assert (await until(host, id, [*State])).summary.state is State.QUEUED
        async with run_host(tmp_path, Plugin(), {"x": SAY}) as host:
            assert (await until(host, id)).summary.state is State.SUCCEEDED

    asyncio.run(main())


def test_actions_are_closed_when_nothing_needs_them_any_more(tmp_path: Path) -> None:
    async def main() -> None:
        plugin = Plugin()
        closed: list[object] = []

        async def close(self: object) -> None:
            closed.append(self)

        plugin.act.close = close  # type: ignore[method-assign]
        pipeline = steps('do = "wait"')
        async with run_host(tmp_path, plugin, {"x": pipeline}) as host:
            id = await give(host, {})
            while not plugin.calls:
                await asyncio.sleep(0.01)
            (tmp_path / "pipelines" / "x.toml").write_text(SAY, encoding="utf-8")
            await host.reload()
            assert closed == [], "a run is still on the old version"
            plugin.act.gate.set()
            await until(host, id)
            async with asyncio.timeout(10):
                while not closed:
                    await asyncio.sleep(0.01)
        assert len(closed) == len(set(map(id_of, closed))) == 2

    asyncio.run(main())


def id_of(value: object) -> int:
    return id(value)


def test_no_log_line_holds_a_secret_and_every_line_of_a_run_names_it(tmp_path: Path) -> None:
    async def main() -> str:
        pipeline = steps('do = "give_up"\ntext = "{{ secret.TOKEN }}"')
        async with run_host(tmp_path, Plugin(), {"x": pipeline}, secrets='TOKEN = "s3cret-value"\n') as host:
            id = await give(host, {})
            await until(host, id)
            return id

    with capture_logs() as lines:
        id = asyncio.run(main())
    assert "s3cret-value" not in repr(lines)
    [failed] = [line for line in lines if line["event"] == "run failed"]
    assert (failed["run"], failed["pipeline"]) == (id, "x")


async def reload_often(host: Host) -> None:
    for _ in range(3):
        await host.reload()


def test_pipelines_stay_while_their_folder_is_away_and_that_is_said_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with run_host(tmp_path, Plugin(), {"x": SAY}) as host:
            (tmp_path / "pipelines").rename(tmp_path / "away")
            with capture_logs() as lines:
                await reload_often(host)
            problem = await noticed(host, "pipelines")
            assert problem.startswith("pipelines: cannot be listed: No such file or directory")
            assert [line["problem"] for line in lines if line["log_level"] == "error"] == [problem]
            await settle(host, "old")
            (tmp_path / "away" / "x.toml").write_text(SAY.replace("old", "new"), encoding="utf-8")
            (tmp_path / "away").rename(tmp_path / "pipelines")
            await settle(host, "new")
            assert host.problems == {}

    asyncio.run(main())


def test_an_empty_folder_has_no_pipelines(tmp_path: Path) -> None:
    async def main() -> None:
        async with run_host(tmp_path, Plugin(), {"x": SAY}) as host:
            (tmp_path / "pipelines" / "x.toml").unlink()
            await host.reload()
            assert (list(host.pipelines), host.problems) == ([], {})

    asyncio.run(main())


def test_a_host_does_not_start_with_pipelines_that_it_cannot_list(tmp_path: Path) -> None:
    async def main() -> None:
        project = make_project(tmp_path, {})

        def unreadable(_: Path) -> None:
            raise PermissionError(13, "Permission denied")

        with pytest.MonkeyPatch.context() as patch:  # tests may run as root, who may read everything
            patch.setattr(Path, "iterdir", unreadable)
            with pytest.raises(ConfigurationError, match="pipelines: cannot be listed: Permission denied"):
                async with running(project, {}, registry=Registry.of(Plugin())):
                    pass

    asyncio.run(main())


def test_a_file_that_cannot_be_read_stops_neither_start_nor_reload(tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / "pipelines").mkdir()
        (tmp_path / "pipelines" / "a.toml").symlink_to("a.toml")
        async with run_host(tmp_path, Plugin(), {"x": SAY}) as host:
            assert "a.toml: cannot be read: " in await noticed(host, "pipelines/a.toml")
            (tmp_path / "pipelines" / "b.toml").symlink_to("b.toml")
            assert "b.toml: cannot be read: " in await noticed(host, "pipelines/b.toml")
            await settle(host, "old")

    asyncio.run(main())


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(200_000_000)


ILL_FILES: dict[str, Callable[[Path], object]] = {
    "it is a named pipe": os.mkfifo,
    "it is a device": lambda path: path.symlink_to("/dev/zero"),
    "it is a folder": Path.mkdir,
    "it has more than 1 MB": _huge,
    "symbolic links": lambda path: path.symlink_to(path.name),
    "is not UTF-8": lambda path: path.write_bytes(b"title = '\xff'"),
    "more than 100 deep": lambda path: path.write_text("a = " + "[" * 50_000),
    "lists more than 100 deep": lambda path: path.write_text(".".join("a" * 100_000) + " = 1"),
    "more mistakes; mend those above first": lambda path: path.write_text(
        SAY + "".join(f"k{n} = 1\n" for n in range(150))
    ),
}


def test_files_of_whatever_kind_stop_neither_start_nor_reload_nor_their_neighbour(tmp_path: Path) -> None:
    async def main() -> None:
        pipelines = tmp_path / "pipelines"
        pipelines.mkdir()
        for number, make in enumerate(ILL_FILES.values()):
            make(pipelines / f"a{number}.toml")
        async with run_host(tmp_path, Plugin(), {"x": SAY}) as host, asyncio.timeout(20):
            await settle(host, "old")
            for number, make in enumerate(ILL_FILES.values()):
                make(pipelines / f"b{number}.toml")
            (pipelines / "x.toml").write_text(SAY.replace("old", "new"), encoding="utf-8")
            await host.reload()
            await settle(host, "new")
            for number, said in enumerate(ILL_FILES):
                assert said in str(host.problems[f"pipelines/a{number}.toml"])
                assert said in str(host.problems[f"pipelines/b{number}.toml"])
            assert len(host.problems) == 2 * len(ILL_FILES)
            problems = inspect_project(tmp_path, {}, host.registry).problems
            assert {problem.file for problem in problems} == host.problems.keys()

    asyncio.run(main())


@pytest.mark.parametrize("name", ["jackfield.toml", "secrets.toml"])
def test_settings_and_secrets_of_whatever_kind_change_nothing_and_are_shown(tmp_path: Path, name: str) -> None:
    async def main() -> None:
        async with run_host(tmp_path, Plugin(), {"x": SAY}, secrets='TOKEN = "a-value"') as host, asyncio.timeout(20):
            for number, (said, make) in enumerate([*ILL_FILES.items()][:7]):
                (tmp_path / name).rename(tmp_path / f"{number}")
                make(tmp_path / name)
                await host.reload()
                assert said in str(host.problems[name])
            assert host.pipelines.loader.mask("a-value") == "***"
            await settle(host, "old")

    asyncio.run(main())


def test_a_file_whose_name_is_no_text_blocks_itself_only(tmp_path: Path) -> None:
    async def main() -> None:
        make_project(tmp_path, {os.fsdecode(b"\xff"): SAY})
        async with run_host(tmp_path, Plugin(), {"x": SAY}) as host:
            assert "rename the file" in str(host.problems["pipelines/\\xff.toml"])
            await settle(host, "old")

    asyncio.run(main())


_BAD_PATH = "$.event.a.`sub(/(/, a)`"


ILL_PIPELINES = [
    steps(f'do = "say"\ntext = "{{{{ {_BAD_PATH} }}}}"'),
    steps(f'do = "say"\nwhen = "{{{{ {_BAD_PATH} }}}}"'),
    steps('do = "say"', head=f'order_by = "{{{{ {_BAD_PATH} }}}}"'),
    steps('do = "say"', head=f'mask = ["{_BAD_PATH}"]'),
    steps('do = "say"', source=f'use = "call"\ndedupe = "{{{{ {_BAD_PATH} }}}}"'),
    steps('do = "say"', source=f'use = "call"\nreply = {{ text = "{{{{ {_BAD_PATH} }}}}" }}'),
    *(steps('do = "say"', source=f'use = "moody"\nkey = "{kind}"') for kind in FAULTS),
    *(f'[source]\nuse = "call"\n[[steps]]\nuse = "moody"\nkey = "{kind}"\n' for kind in FAULTS),
]


def test_whatever_reading_one_file_raises_blocks_that_pipeline_and_no_other(tmp_path: Path) -> None:
    async def main() -> None:
        pipelines = {f"a{number}": text for number, text in enumerate(ILL_PIPELINES)}
        async with run_host(tmp_path, Moody(), pipelines | {"x": SAY}) as host:
            assert {pipeline.id for pipeline in host.pipelines if pipeline.blocked} == pipelines.keys()
            await settle(host, "old")
            (tmp_path / "pipelines" / "x.toml").write_text(SAY.replace("old", "new"), encoding="utf-8")
            await host.reload()
            await settle(host, "new")
            problems = inspect_project(tmp_path, {}, host.registry).problems
            assert {problem.file for problem in problems} == {f"pipelines/{id}.toml" for id in pipelines}

    asyncio.run(main())


def test_what_an_action_logs_names_its_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> str:
        async with run_host(tmp_path, Plugin(), {"x": steps('do = "log"\ntext = "hello"')}) as host:
            id = await give(host, {})
            await until(host, id)
            return id

    configure_logs(level="info", json=True, mask=str)
    try:
        id = asyncio.run(main())
    finally:
        structlog.reset_defaults()
        logging.basicConfig(force=True)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    [said] = [line for line in lines if line["event"] == "from the action"]
    assert (said["run"], said["pipeline"], said["step"], said["said"]) == (id, "x", "act", "hello")
    assert not any("run" in line for line in lines if line["event"] == "pipeline loaded")


def test_a_request_with_many_events_lets_others_have_their_turn_between_them(tmp_path: Path) -> None:
    label = "{% for a in $.event.l %}{% for b in $.event.l %}{% endfor %}{% endfor %}"
    body = to_json([{"l": list(range(1000))}] * 15)

    async def main() -> None:
        async with run_host(tmp_path, Plugin(), {"x": steps('do = "say"', head=f'label = "{label}"')}) as host:
            pipeline = host.pipelines.get("x")
            assert pipeline is not None
            request = WebhookRequest(body=body, received_at=host.intake.now())
            began = last = time.monotonic()
            received = asyncio.create_task(host.intake.receive(pipeline, Mode.HELD, request))
            longest = 0.0
            while not received.done():
                await asyncio.sleep(0)
                longest, last = max(longest, time.monotonic() - last), time.monotonic()
            assert len((await received).runs) == 15
            assert longest < (last - began) / 3

    asyncio.run(main())


def test_the_journal_keeps_to_its_size_within_a_fifth_under_load(tmp_path: Path) -> None:
    """Twice as much comes in as may be kept, all of it within a few seconds."""
    limit, body = 10_000_000, to_json({"text": "x" * 30_000})

    async def main() -> None:
        plugin, sizes = Plugin(), list[int]()
        settings = '[server]\nport = 0\n[journal]\nkeep = { size = "10 MB" }\n'
        project = make_project(tmp_path, {"x": steps('do = "say"', head="concurrency = 100")}, settings)
        async with running(project, os.environ, registry=Registry.of(plugin)) as host:
            pipeline = host.pipelines.get("x")
            assert pipeline is not None
            for number in range(350):
                request = WebhookRequest(body=body, received_at=host.intake.now())
                await host.intake.receive(pipeline, Mode.RUNNING, request)
                if number % 10 == 0:
                    sizes.append(await host.journal.size())
                    await asyncio.sleep(0.05)
        assert len(plugin.calls) == 350
        assert max(sizes) > limit * 0.9
        assert max(sizes) < limit * 1.2
        assert (project.var / "journal.db").stat().st_size < limit * 1.4

    asyncio.run(main())
