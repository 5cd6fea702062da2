import ast
import re
import tomllib
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, blocks

CONTRIBUTING = ROOT / "CONTRIBUTING.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PLUGINS = [
    tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "plugins").glob("*/pyproject.toml"))
]


def name_of(requirement: str) -> str:
    return re.split(r"[\[<>=!~ ]", requirement)[0].lower()


def dependencies() -> set[str]:
    project = PROJECT["project"]
    requirements = [
        *project["dependencies"],
        *(item for extra in project.get("optional-dependencies", {}).values() for item in extra),
        *(item for group in PROJECT.get("dependency-groups", {}).values() for item in group),
        *PROJECT["build-system"]["requires"],
        *(item for plugin in PLUGINS for item in plugin["project"]["dependencies"]),
    ]
    return {name_of(requirement) for requirement in requirements} - {"jackfield"}


def test_every_dependency_and_nothing_else_has_a_line() -> None:
    section = CONTRIBUTING.read_text(encoding="utf-8").partition("### Dependencies")[2].partition("\n###")[0]
    rows = re.findall(r"^\| (`[^|]*`) \|", section, re.MULTILINE)
    assert sorted(name for row in rows for name in re.findall(r"`([^`]+)`", row)) == sorted(dependencies())


def modules() -> set[str]:
    entries = (ROOT / "core" / "jackfield").iterdir()
    return {path.stem for path in entries if not path.name.startswith("_") and path.name != "py.typed"}


def layout() -> str:
    [block] = [block for block in blocks("text", CONTRIBUTING) if "core/jackfield/" in block.text]
    return block.text


def listed() -> list[str]:
    return re.findall(r"^  (\w+) ", layout(), re.MULTILINE)


def test_the_layout_names_every_module() -> None:
    assert set(listed()) == modules()
    for folder in re.findall(r"^(\S+/)(?: (\S+/))?", layout(), re.MULTILINE):
        for name in filter(None, folder):
            assert (ROOT / name).is_dir(), name


def test_a_module_imports_only_from_those_below_it_in_the_layout() -> None:
    order = listed()
    for path in (ROOT / "core" / "jackfield").rglob("*.py"):
        name = path.relative_to(ROOT / "core" / "jackfield").parts[0].removesuffix(".py")
        imported = re.findall(r"^from jackfield\.(\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        for other in set(imported) - {name}:
            assert name == "__init__" or order.index(name) < order.index(other), f"{name} imports {other}"


def test_every_path_that_contributing_names_is_there() -> None:
    places = [ROOT, ROOT / "core" / "jackfield", *(ROOT / "plugins").glob("*/jackfield_*")]
    named = set(re.findall(r"`((?:\w+/)+(?:\w+\.(?:py|po|md))?)`", CONTRIBUTING.read_text(encoding="utf-8")))
    assert [path for path in sorted(named) if not any((place / path).exists() for place in places)] == []


def rooms() -> list[Path]:
    folders = [ROOT / "core" / "jackfield", *(ROOT / "plugins").glob("*/jackfield_*")]
    return sorted({path.parent for folder in folders for path in folder.rglob("*.py")})


@pytest.mark.parametrize("room", rooms(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_says_what_it_is_for_and_has_at_most_twelve_modules(room: Path) -> None:
    assert ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))
    assert len([path for path in room.glob("*.py") if path.name != "__init__.py"]) <= 12


def test_every_lint_rule_that_is_off_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    [off] = re.findall(r"^ignore = \[\n(.*?)^\]", text, re.DOTALL | re.MULTILINE)
    for line in off.splitlines():
        assert re.search(r'"[A-Z0-9]+",\s+# \S', line), line


def test_the_changelog_has_a_place_for_what_is_not_released() -> None:
    assert "\n## [Unreleased]\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
