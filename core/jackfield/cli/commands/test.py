"""The command about tests of pipelines: test."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from jackfield.checks.scenario import TESTS_FOLDER, read_scenario, scenario_file, scenario_files
from jackfield.checks.scenario_run import Difference, Offline
from jackfield.cli.local import HERE, JsonOption, ProjectOption, Workspace
from jackfield.cli.output import console, plain, print_json
from jackfield.errors import ConfigurationError
from jackfield.http.client import HttpPool
from jackfield.problems import Problem, did_you_mean
from jackfield.runs.try_step import StepTester
from jackfield.runs.watchdog.watchdog import Watchdog


@dataclass(frozen=True, slots=True)
class Report:
    """What came of one test."""

    name: str
    pipeline: str
    differences: Sequence[Difference]

    @property
    def passed(self) -> bool:
        """Whether all is as the test says."""
        return not self.differences


def add_commands(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("test")(carry_out)


def carry_out(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]")] = None,
    project: ProjectOption = HERE,
    *,
    as_json: JsonOption = False,
) -> None:
    """Carry the tests of pipelines out, all or those named, without sending anything."""
    workspace = Workspace.open(project)
    reports = asyncio.run(_reports(workspace, names or []))
    if as_json:
        print_json([_json(report) for report in reports])
    else:
        _show(reports)
    if not all(report.passed for report in reports):
        raise typer.Exit(1)


async def _reports(workspace: Workspace, names: Sequence[str]) -> list[Report]:
    files = scenario_files(workspace.project.folder)
    for name in names:
        if name not in files:
            problem = Problem(scenario_file(name), 0, "", f"there is no such test{did_you_mean(name, files)}")
            raise ConfigurationError([problem])
    http, watchdog = HttpPool(), Watchdog()
    watchdog.start()
    loader, pipelines = workspace.loader, workspace.project.pipeline_files()
    offline = Offline(StepTester(http, watchdog), loader.registry, loader.secrets, pipelines)
    try:
        return [await _report(offline, name, workspace) for name in names or files]
    finally:
        watchdog.stop()
        await http.close()


async def _report(offline: Offline, name: str, workspace: Workspace) -> Report:
    try:
        scenario = read_scenario(name, scenario_files(workspace.project.folder)[name])
    except ConfigurationError as error:
        return Report(name, "", [Difference("", str(error))])
    return Report(name, scenario.pipeline, await offline.differences(scenario))


def _json(report: Report) -> dict[str, object]:
    return {
        "name": report.name,
        "pipeline": report.pipeline,
        "passed": report.passed,
        "differences": [{"step": one.step, "what": one.what} for one in report.differences],
    }


def _show(reports: Sequence[Report]) -> None:
    out = console()
    for report in reports:
        out.print(f"{'ok     ' if report.passed else 'DIFFERS'} {plain(report.name)}")
        for one in report.differences:
            place = f"step {one.step}: " if one.step else ""
            out.print("  " + plain(f"{place}{one.what}").replace("\n", "\n  "))
    if not reports:
        out.print(f"no tests: a run's page saves one into {TESTS_FOLDER}")
        return
    count = f"{len(reports)} test{'s' if len(reports) > 1 else ''}"
    failed = sum(not report.passed for report in reports)
    out.print(f"{count}, {failed} not as expected" if failed else f"{count}, all as expected")
