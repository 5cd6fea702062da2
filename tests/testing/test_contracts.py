import tomllib
from typing import Any

from tests.docs.markdown import ROOT

CORE = ROOT / "core" / "jackfield"
OPEN_TO_PLUGINS = {"__init__", "testing"}


def contract(name: str) -> dict[str, Any]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [found] = [one for one in project["tool"]["importlinter"]["contracts"] if one["name"] == name]
    return dict(found)


def modules() -> set[str]:
    packages = {path.parent.name for path in CORE.glob("*/__init__.py")}
    return {path.stem for path in CORE.glob("*.py")} | packages


def test_every_module_but_the_interface_is_closed_to_plugins() -> None:
    closed = contract("A plugin imports only the plugin interface")["protected_modules"]
    assert closed == sorted(f"jackfield.{name}" for name in modules() - OPEN_TO_PLUGINS)


def test_every_room_has_its_layer() -> None:
    layers = contract("Imports go downwards only")["layers"]
    layered = [room.strip() for layer in layers for room in layer.split("|")]
    assert len(set(layered)) == len(layered)
    assert set(layered) == modules() - {"__init__"}
