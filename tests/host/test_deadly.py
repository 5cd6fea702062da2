"""What happens to a host whose actions end it, or do not let it go on or end."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from pathlib import Path

from jackfield.project.settings import Project
from jackfield.runs.watchdog.last_resort import EXIT_CODE
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

    def _swallow(self):
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass

    async def _threads(self):
        threading.Thread(target=time.sleep, args=(1000,), name="forgotten").start()
        asyncio.get_running_loop().run_in_executor(None, never_come_back)

    async def _compute(self):
        open("computing", "w").close()
        for _ in range(5):
            end = time.thread_time() + 0.3  # which stands still while the process is stopped
            while time.thread_time() < end:
                pass
            await asyncio.sleep(0)

    def _nothing(self):
        pass


def never_come_back():
    time.sleep(1000)


@hookimpl
def register_actions():
    return [Deadly]
"""
_HEAD = '[source]\nuse = "getcourse.user_created"\n'


def _step(do: str) -> str:
    return f'[[steps]]\nuse = "deadly.do"\nname = "{do}"\ndo = "{do}"\n'


def _project(folder: Path, pipelines: Mapping[str, str], server: str = "", plugin: str = PLUGIN) -> Project:
    (folder / "plugins").mkdir()
    install_plugin(folder / "plugins", "deadly", plugin)
    return make_served_project(folder, {id: _HEAD + steps for id, steps in pipelines.items()}, server=server)


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


def test_an_action_that_cannot_be_interrupted_ends_the_process_and_is_known_for_it(tmp_path: Path) -> None:
    project = _project(tmp_path, {"x": _step("swallow")}, 'hang_limit = "1 s"\ncrash_limit = 1')
    plugins = tmp_path / "plugins"
    with served(project, plugins=plugins) as host:
        assert send(project, id="1") == 200
        _wait_for_death(host)
    assert host.process.returncode == EXIT_CODE
    (line,) = [line for line in host.log().splitlines() if "the process ends itself" in line]
    assert '"plugin": "deadly"' in line
    assert '"doing": "step swallow of pipeline x, run ' in line
    with served(project, plugins=plugins) as host:
        assert [*host.until_settled().values()] == ["failed"]


def test_threads_of_a_plugin_do_not_keep_the_process_from_ending(tmp_path: Path) -> None:
    project = _project(tmp_path, {"x": _step("threads")}, 'hang_limit = "1 s"')
    with served(project, plugins=tmp_path / "plugins") as host:
        assert send(project, id="1") == 200
        assert [*host.until_settled().values()] == ["succeeded"]
        host.process.send_signal(signal.SIGTERM)
        assert host.process.wait(20) == EXIT_CODE
    (line,) = [line for line in host.log().splitlines() if "the process ends itself" in line]
    assert '"plugin": "deadly"' in line
    assert "forgotten" in line


def test_a_plugin_whose_import_does_not_end_ends_the_start_and_is_named(tmp_path: Path) -> None:
    project = _project(tmp_path, {}, 'hang_limit = "1 s"', "import time\ntime.sleep(1000)\n")
    host = start(project, plugins=tmp_path / "plugins")
    _wait_for_death(host)
    assert host.process.returncode == EXIT_CODE
    assert '"plugin": "deadly"' in host.log()


def test_a_process_that_was_stopped_and_goes_on_interrupts_nobody(tmp_path: Path) -> None:
    project = _project(tmp_path, {"x": _step("compute")})
    with served(project, plugins=tmp_path / "plugins") as host:
        assert send(project, id="1") == 200
        until((tmp_path / "computing").exists, "the action computes")
        host.process.send_signal(signal.SIGSTOP)
        time.sleep(2.5)  # longer than an action may hold up the loop
        host.process.send_signal(signal.SIGCONT)
        ((run, state),) = host.until_settled().items()
        assert state == "succeeded"
        assert [one["outcome"] for one in host.api(f"/runs/{run}")["attempts"]] == ["succeeded"]
