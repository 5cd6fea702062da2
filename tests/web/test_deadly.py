"""What happens to a host whose actions end it, or do not let it go on or end."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path

from jackfield.settings import Project
from tests.processes import ServedHost, install_plugin, make_served_project, send, served, start, until

PLUGIN = """
import asyncio, os, threading, time
from jackfield import Action, OptionsModel, hookimpl


class Options(OptionsModel):
    do: str


class Deadly(Action[Options]):
    name = "deadly.do"
    title = "Do"
    Options = Options

    async def run(self, options, step):
        await asyncio.sleep(0.01)
        result = getattr(self, "_" + options.do)()
        return await result if asyncio.iscoroutine(result) else result

    def _exit(self):
        os._exit(3)

    async def _sleep(self):
        await asyncio.sleep(1)

    def _nothing(self):
        pass


@hookimpl
def register_actions():
    return [Deadly]
"""
_HEAD = '[source]\nuse = "getcourse.user_created"\n'


def _step(do: str) -> str:
    return f'[[steps]]\nuse = "deadly.do"\nname = "{do}"\ndo = "{do}"\n'


def _project(folder: Path, pipelines: Mapping[str, str]) -> Project:
    (folder / "plugins").mkdir()
    install_plugin(folder / "plugins", "deadly", PLUGIN)
    return make_served_project(folder, {id: _HEAD + steps for id, steps in pipelines.items()})


def _wait_for_death(host: ServedHost) -> None:
    until(lambda: host.process.poll() is not None, "the host has died")


def test_a_run_that_ends_the_process_twice_is_quarantined_and_no_other_run_is(tmp_path: Path) -> None:
    deadly = _step("nothing") + _step("{{ $.event.do }}").replace('"{{ $.event.do }}"', '"act"', 1)
    project = _project(tmp_path, {"x": deadly})
    plugins = tmp_path / "plugins"
    with served(project, plugins=plugins) as host:
        for event in ("sleep", "sleep", "exit"):
            assert send(project, id="1", do=event) == 200
        _wait_for_death(host)
    _wait_for_death(start(project, plugins=plugins))
    with served(project, plugins=plugins) as host:
        states = host.until_settled()
        (failed,) = [run for run, state in states.items() if state != "succeeded"]
        found = host.api(f"/runs/{failed}")
        host.process.send_signal(signal.SIGTERM)
        assert host.process.wait(20) == 0
    assert len(states) == 3
    assert [(one["step"], one["outcome"]) for one in found["attempts"]] == [
        ("nothing", "succeeded"),
        ("act", "retrying"),
        ("act", "retrying"),
        ("act", "failed"),
    ]
    cut_off = "step act: the host died while this step was being carried out"
    assert [one["error"] for one in found["attempts"][1:3]] == [cut_off, cut_off]
    assert (
        "this run was being carried out when the host died, twice; it is quarantined" in found["attempts"][3]["error"]
    )
    assert "the operator is told" in host.log()
