from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from jackfield import Action, OptionsModel, ProjectFile, Step
from jackfield.components.plugins.registry import Registry
from jackfield.components.project_file import project_file
from jackfield.pipelines.loader import PipelineLoader
from jackfield.project.secrets import Secrets
from jackfield.project.toml_file import TomlFile
from tests.support import Plugin

NAMES = ["..", ".", "certs", "away", "link.pem", "loop", "", "ca.pem", "\0", "~"]
OUTSIDE = "lies outside of the project folder, and a pipeline may read no files there"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    (project / "certs").mkdir(parents=True)
    (project / "certs" / "ca.pem").write_text("x")
    (tmp_path / "secret.pem").write_text("x")
    (project / "link.pem").symlink_to(tmp_path / "secret.pem")
    (project / "inner.pem").symlink_to(project / "certs" / "ca.pem")
    (project / "away").symlink_to(tmp_path)
    (project / "loop").symlink_to(project / "loop")
    return project


def test_a_file_of_the_folder_is_found_however_it_is_named(folder: Path) -> None:
    expected = (folder / "certs" / "ca.pem").resolve()
    for name in ("certs/ca.pem", "./certs/../certs/ca.pem", str(folder / "certs" / "ca.pem"), "inner.pem"):
        assert project_file(folder, name) == expected
    assert project_file(folder, "certs/not-yet.pem") == folder.resolve() / "certs" / "not-yet.pem"


@pytest.mark.parametrize(
    "name", ["../secret.pem", "certs/../../secret.pem", "/etc/ssl/cert.pem", "link.pem", "away/secret.pem", "away/x/y"]
)
def test_a_file_outside_of_it_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(ValueError, match=OUTSIDE):
        project_file(folder, name)


def test_a_project_folder_may_be_a_link_itself(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(folder)
    assert project_file(tmp_path / "current", "certs/ca.pem") == (folder / "certs" / "ca.pem").resolve()


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(["..", ".", "certs", "away", "link.pem", "loop", "", "ca.pem", "\0", "~"])).map("/".join)
)
@example("loop")
@example("\0")
def test_whatever_a_name_is_nothing_outside_of_the_folder_is_named(folder: Path, name: str) -> None:
    try:
        path = project_file(folder, name)
    except ValueError:
        return
    assert os.path.commonpath([os.path.realpath(path), os.path.realpath(folder)]) == os.path.realpath(folder)


class SignOptions(OptionsModel):
    key: Annotated[str, ProjectFile(text="-----BEGIN")]
    more: dict[str, Annotated[str, ProjectFile()]] = {}


class Sign(Action[SignOptions]):
    name = "sign"
    title = "Sign"
    Options = SignOptions

    async def run(self, options: SignOptions, step: Step) -> JsonValue:
        return str(self.context.file(options.key))


def problems(folder: Path, options: str) -> list[str]:
    plugin = Plugin()
    plugin.more.append(Sign)
    file = TomlFile.parse(f"[source]\nuse = 'call'\n[[steps]]\nuse = 'sign'\n{options}\n", "pipelines/x.toml")
    loader = PipelineLoader(Registry.of(plugin), Secrets({"NAME": "/etc/passwd"}), folder)
    return [str(problem) for problem in loader.load("x", file).problems]


def test_a_file_outside_of_the_folder_is_a_mistake_of_the_pipelines_file(folder: Path) -> None:
    remedy = "copy the file into the folder and write its path from there"
    assert problems(folder, "key = 'certs/ca.pem'\nmore = { a = 'link.pem' }") == [
        f"pipelines/x.toml:6: steps[0].more.a: link.pem {OUTSIDE}; {remedy}"
    ]
    assert OUTSIDE in problems(folder, "key = '/etc/ssl/key.pem'")[0]
    assert problems(folder, "key = '-----BEGIN KEY-----'") == []
    assert problems(folder, "key = '{{ $.event.key }}'") == []
