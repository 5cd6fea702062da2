from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.installed.environment import REPOSITORY, Environment, run
from tests.processes import clean_environ

COMMAND_LINE = (
    "import jackfield, sys; from jackfield.cli import main; print(jackfield.__file__, file=sys.stderr); main()"
)


def test_the_command_runs_what_is_installed(environment: Environment, tmp_path: Path) -> None:
    asked = run(environment.python, "-c", "import jackfield; print(jackfield.__file__)", cwd=tmp_path)
    assert Path(asked.stdout).is_relative_to(environment.folder)


def test_the_demonstration_succeeds(environment: Environment, tmp_path: Path) -> None:
    demo = environment.run("demo", "--once", cwd=tmp_path)
    assert demo.returncode == 0, demo.stderr
    assert "the destination got exactly what the pipeline says" in demo.stdout
    assert list(tmp_path.iterdir()) == []


def test_init_makes_a_project_that_lacks_nothing_but_the_token(environment: Environment, tmp_path: Path) -> None:
    assert environment.run("init", "school", cwd=tmp_path).returncode == 0
    with (tmp_path / "school/secrets.toml").open("a", encoding="utf-8") as secrets:
        secrets.write('BIZON_TOKEN = "a-token"\n')
    check = environment.run("check", "--project", "school", cwd=tmp_path)
    assert (check.returncode, check.stdout) == (0, "1 pipeline, no mistakes\n")


def test_a_slip_in_a_pipeline_is_named_with_what_was_meant(environment: Environment, tmp_path: Path) -> None:
    environment.run("init", "school", cwd=tmp_path)
    (tmp_path / "school/pipelines/x.toml").write_text('[[steps]]\nuse="http_requst"\n')
    check = environment.run("check", "--project", "school", cwd=tmp_path)
    assert check.returncode == 1
    line = next(line for line in check.stdout.splitlines() if "http_requst" in line)
    assert line.startswith("pipelines/x.toml:2: steps[0].use: ")
    assert 'did you mean "http_request"' in line


def test_the_bundled_plugins_are_found(environment: Environment, tmp_path: Path) -> None:
    listed = environment.run("plugins", "--json", cwd=tmp_path)
    assert listed.returncode == 0, listed.stderr
    plugins = {plugin["distribution"]: plugin for plugin in json.loads(listed.stdout)}
    assert {name for name, plugin in plugins.items() if plugin["error"]} == set()
    assert "getcourse.user_created" in plugins["jackfield-getcourse"]["sources"]
    assert "webhook.generic" in plugins["jackfield-webhook"]["sources"]
    assert plugins["jackfield-http-request"]["actions"] == ["http_request"]
    assert "filter" in plugins["jackfield-compose"]["actions"]
    assert plugins["jackfield-email"]["actions"] == ["send_email"]
    assert "phone" in plugins["jackfield-filters"]["filters"]


@pytest.mark.once
def test_pip_alone_installs_a_working_host_from_the_folders(environment: Environment, tmp_path: Path) -> None:
    target, work = tmp_path / "target", tmp_path / "work"
    work.mkdir()
    folders = (".", *sorted(str(folder) for folder in (REPOSITORY / "plugins").iterdir()))
    environment.pip("install", "--no-deps", "--target", target, *folders, cwd=REPOSITORY)
    environ = clean_environ() | {"PYTHONPATH": str(target)}
    demo = run(environment.python, "-c", COMMAND_LINE, "demo", "--once", cwd=work, environ=environ)
    assert demo.returncode == 0, demo.stderr
    assert Path(demo.stderr.splitlines()[0]).is_relative_to(target)
