from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from jackfield.project.settings import Project
from tests.installed.environment import Environment
from tests.processes import make_served_project, send, served

pytestmark = pytest.mark.once

PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "jackfield-{name}"
version = "1.2.3"
dependencies = ["jackfield"]

[project.entry-points."jackfield.plugins"]
{name} = "jackfield_{name}"
"""

ACME = """\
from pathlib import Path

from jackfield import Action, Event, OptionsModel, WebhookSource, hookimpl


class OrderOptions(OptionsModel):
    pass


class Order(WebhookSource[OrderOptions]):
    name = "acme.order"
    title = "Acme: an order"
    Options = OrderOptions
    methods = frozenset({"GET"})

    def verify(self, request):
        pass

    def parse(self, request):
        return [Event(dict(request.parameters()))]


class NoteOptions(OptionsModel):
    file: Path
    text: str


class Note(Action[NoteOptions]):
    name = "acme.note"
    title = "Acme: note down"
    Options = NoteOptions

    async def run(self, options, step):
        with options.file.open("a", encoding="utf-8") as file:
            file.write(options.text + "\\n")
        return None


@hookimpl
def register_sources():
    return [Order]


@hookimpl
def register_actions():
    return [Note]


@hookimpl
def register_filters():
    return {"shout": lambda text: text.upper() + "!"}
"""

RUIN = """\
raise RuntimeError("the licence has run out")
"""


@pytest.fixture(scope="module")
def wheels(environment: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheels of two plugins that somebody else has written: acme, and ruin, which is broken."""
    folder = tmp_path_factory.mktemp("third-party")
    for name, module in {"acme": ACME, "ruin": RUIN}.items():
        (folder / name).mkdir()
        (folder / name / "pyproject.toml").write_text(PYPROJECT.format(name=name))
        (folder / name / f"jackfield_{name}.py").write_text(module)
    environment.pip("wheel", "--no-deps", "--wheel-dir", folder, folder / "acme", folder / "ruin")
    return folder


@pytest.fixture
def acme(wheels: Path) -> Path:
    return next(wheels.glob("jackfield_acme-*.whl"))


@pytest.fixture
def ruin(wheels: Path) -> Path:
    return next(wheels.glob("jackfield_ruin-*.whl"))


@pytest.fixture
def both_installed(environment: Environment, acme: Path, ruin: Path) -> Iterator[None]:
    with environment.having(acme, ruin):
        yield


def _project(folder: Path, source: str) -> Project:
    """Make a project whose pipeline notes down names in `notes.txt`."""
    step = f"""use = "acme.note"\nfile = "{folder / "notes.txt"}"\ntext = "{{{{ $.event.name | shout }}}}"\n"""
    return make_served_project(folder, {"x": f'[source]\nuse = "{source}"\n[[steps]]\n{step}'})


@pytest.mark.usefixtures("both_installed")
def test_plugins_shows_what_a_plugin_offers_and_why_another_is_broken(environment: Environment, tmp_path: Path) -> None:
    listed = environment.run("plugins", "--json", cwd=tmp_path)
    plugins = {plugin["distribution"]: plugin for plugin in json.loads(listed.stdout)}
    assert listed.returncode == 1
    assert plugins["jackfield-acme"] == {
        "distribution": "jackfield-acme",
        "module": "jackfield_acme",
        "version": "1.2.3",
        "sources": ["acme.order"],
        "actions": ["acme.note"],
        "notifiers": [],
        "filters": ["shout"],
        "error": None,
    }
    assert plugins["jackfield-ruin"]["error"] == "cannot be imported: RuntimeError: the licence has run out"
    assert plugins["jackfield-http-request"]["error"] is None


@pytest.mark.usefixtures("both_installed")
def test_a_pipeline_that_needs_a_broken_plugin_names_it(environment: Environment, tmp_path: Path) -> None:
    make_served_project(tmp_path, {"x": '[source]\nuse = "acme.order"\n[[steps]]\nuse = "ruin.send"\n'})
    check = environment.run("check", cwd=tmp_path)
    assert check.returncode == 1
    [problem] = check.stdout.splitlines()
    assert problem.startswith("pipelines/x.toml:4: steps[0].use: ")
    assert "jackfield_ruin (jackfield-ruin 1.2.3) cannot be imported" in problem
    assert "the licence has run out" in problem


@pytest.mark.usefixtures("both_installed")
def test_a_pipeline_uses_the_source_the_action_and_the_filter_of_a_plugin(
    environment: Environment, tmp_path: Path
) -> None:
    project = _project(tmp_path, "acme.order")
    with served(project, environment.jackfield) as host:
        assert send(project, name="anna") == 200
        states = host.until_settled()
    assert list(states.values()) == ["succeeded"]
    assert (tmp_path / "notes.txt").read_text() == "ANNA!\n"


def test_without_its_action_a_pipeline_accepts_and_its_runs_wait_for_the_plugin(
    environment: Environment, acme: Path, tmp_path: Path
) -> None:
    project = _project(tmp_path, "getcourse.user_created")
    with served(project, environment.jackfield) as host:
        assert send(project, name="anna") == 200
        assert list(host.states().values()) == ["queued"]
        assert "acme.note" in host.api("/pipelines/x")["blocked"]
    with environment.having(acme), served(project, environment.jackfield) as host:
        states = host.until_settled()
        assert host.api("/pipelines/x")["blocked"] is None
    assert list(states.values()) == ["succeeded"]
    assert (tmp_path / "notes.txt").read_text() == "ANNA!\n"


def test_without_its_source_a_pipeline_keeps_requests_until_they_can_be_read(
    environment: Environment, acme: Path, tmp_path: Path
) -> None:
    project = _project(tmp_path, "acme.order")
    with served(project, environment.jackfield) as host:
        assert send(project, name="anna") == 503
        [refusal] = host.api("/refusals")
    with environment.having(acme), served(project, environment.jackfield) as host:
        assert environment.run("replay", refusal["id"], cwd=tmp_path).returncode == 0
        states = host.until_settled()
    assert list(states.values()) == ["succeeded"]
    assert (tmp_path / "notes.txt").read_text() == "ANNA!\n"
