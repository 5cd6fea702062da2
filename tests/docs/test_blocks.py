import configparser
import re
import tomllib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

import jackfield_compose
import jackfield_email
import jackfield_filters
import jackfield_getcourse
import jackfield_http_request
import jackfield_webhook
from jackfield.checks.scenario import Scenario
from jackfield.components.plugins.hookspecs import ENTRY_POINT_GROUP
from jackfield.components.plugins.registry import Registry
from jackfield.pipelines.loader import PipelineLoader
from jackfield.project.secrets import Secrets
from jackfield.project.settings import ServerSettings, Settings
from jackfield.project.toml_file import TomlFile
from tests.docs.markdown import ROOT, Block, blocks

NAMED_SECRET = re.compile(r"\bsecret\.(\w+)")
SOURCE = '\n[source]\nuse = "getcourse.user_created"\n'
STEP = '\n[[steps]]\nuse = "http_request"\nurl = "https://example.ru"\n'


def module(block: Block) -> ModuleType:
    made = ModuleType(block.text.partition("/")[0].removeprefix("# "))
    exec(compile(block.text, str(block), "exec", dont_inherit=True), made.__dict__)
    return made


def registry() -> Registry:
    [example] = [block for block in blocks("python") if block.text.startswith("# jackfield_acme/")]
    bundled = (
        jackfield_compose,
        jackfield_email,
        jackfield_filters,
        jackfield_getcourse,
        jackfield_http_request,
        jackfield_webhook,
    )
    return Registry.of(*bundled, module(example))


def is_pipeline(text: str, data: dict[str, Any]) -> None:
    """Load it; what a fragment leaves out is put beside it."""
    whole = text + ("" if "source" in data else SOURCE) + ("" if "steps" in data else STEP)
    secrets = Secrets(dict.fromkeys(NAMED_SECRET.findall(text), "value"))
    pipeline = PipelineLoader(registry(), secrets).load("example", TomlFile.parse(whole, "example.toml"))
    assert pipeline.problems == ()


def is_settings(_: str, data: dict[str, Any]) -> None:
    Settings.model_validate(data)


def is_distribution(_: str, data: dict[str, Any]) -> None:
    assert data["project"]["entry-points"][ENTRY_POINT_GROUP]


def is_secrets(text: str, data: dict[str, Any]) -> None:
    assert "secrets.toml" in text
    assert all(isinstance(value, str) for value in data.values())


def is_scenario(_: str, data: dict[str, Any]) -> None:
    Scenario.model_validate(data)


KINDS: list[tuple[set[str], Callable[[str, dict[str, Any]], None]]] = [
    ({"event"}, is_scenario),
    ({"source", "steps"}, is_pipeline),
    (set(Settings.model_fields), is_settings),
    ({"project"}, is_distribution),
    (set(), is_secrets),
]


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_toml_is_what_jackfield_takes(block: Block) -> None:
    data = tomllib.loads(block.text)
    check = next(check for keys, check in KINDS if not keys or keys & data.keys())
    check(block.text, data)


@pytest.mark.parametrize("block", [block for block in blocks("python") if "\ndef test_" not in block.text], ids=str)
def test_python_runs(block: Block) -> None:
    if block.text.startswith("def register_"):
        return  # a signature; see test_plugins.py
    made = module(block)
    if any(name.startswith("register_") for name in vars(made)):
        [plugin] = Registry.of(made).plugins
        assert plugin.error is None


@pytest.mark.parametrize("block", [block for block in blocks("ini") if "[Service]" in block.text], ids=str)
def test_a_unit_can_be_read_and_leaves_the_host_its_grace_period(block: Block) -> None:
    unit = configparser.ConfigParser(strict=False)  # a key may be there twice
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(block.text)
    longest = ServerSettings().grace + ServerSettings().hang_limit
    assert int(unit["Service"]["TimeoutStopSec"]) > longest.total_seconds()
    assert unit["Service"]["WorkingDirectory"] in unit["Service"]["ReadWritePaths"]


@pytest.mark.parametrize("block", [*blocks("caddyfile"), *blocks("nginx")], ids=str)
def test_a_proxy_passes_on_to_where_the_host_listens_and_is_complete(block: Block) -> None:
    server = ServerSettings()
    assert f"{server.host}:{server.port}" in block.text
    assert "/hooks/" in block.text
    assert block.text.count("{") == block.text.count("}")


def test_every_block_has_a_language_that_is_checked() -> None:
    checked = {"toml", "python", "sh", "ini", "caddyfile", "nginx"}
    for block in blocks():
        assert block.language in checked | {"text"}, f"{block}: {block.language or 'no language'}"


def test_the_readmes_two_commands_are_exactly_these() -> None:
    lines = [line for block in blocks("sh", ROOT / "README.md")[:2] for line in block.text.splitlines()]
    setup = "python3 -m venv .venv && .venv/bin/pip install uv"
    assert lines == [f"{setup} && .venv/bin/uv run jackfield demo", ".venv/bin/uv run pytest"]
