from __future__ import annotations

import tarfile
import zipfile
from importlib import metadata
from pathlib import Path, PurePosixPath

import pytest

pytestmark = pytest.mark.once

BUNDLED = {
    "jackfield_compose",
    "jackfield_email",
    "jackfield_filters",
    "jackfield_getcourse",
    "jackfield_http_request",
    "jackfield_webhook",
}
SKELETON = {
    "gitignore",
    "jackfield.toml",
    "secrets.toml",
    "pipelines/new-student.toml",
    "demo/jackfield.toml",
    "demo/secrets.toml",
    "demo/pipelines/new-student.toml",
    "demo/pipelines/paid-order.toml",
}


def _wheels(distributions: Path) -> dict[str, zipfile.ZipFile]:
    return {path.name.partition("-")[0]: zipfile.ZipFile(path) for path in distributions.glob("*.whl")}


def _metadata(wheel: zipfile.ZipFile) -> metadata.PathDistribution:
    info = next(path for path in zipfile.Path(wheel).iterdir() if path.name.endswith(".dist-info"))
    return metadata.PathDistribution(info)


def _is_test(file: str) -> bool:
    path = PurePosixPath(file)
    return "tests" in path.parts or path.name.startswith(("test_", "conftest"))


def test_there_is_a_wheel_and_a_source_distribution_of_everything(distributions: Path) -> None:
    sources = {path.name.partition("-")[0] for path in distributions.glob("*.tar.gz")}
    assert sources == _wheels(distributions).keys() == {"jackfield"} | BUNDLED


def test_a_wheel_holds_its_package_with_its_types_and_nothing_else(distributions: Path) -> None:
    for name, wheel in _wheels(distributions).items():
        with wheel:
            files = wheel.namelist()
        assert f"{name}/py.typed" in files
        assert {file.partition("/")[0].partition("-")[0] for file in files} == {name}
        assert not [file for file in files if _is_test(file) or "__pycache__" in file]


def test_the_wheel_of_the_core_holds_the_projects_that_init_and_demo_make(distributions: Path) -> None:
    with _wheels(distributions)["jackfield"] as wheel:
        files = {file for file in wheel.namelist() if file.startswith("jackfield/cli/skeleton/")}
    assert files == {f"jackfield/cli/skeleton/{file}" for file in SKELETON}


def test_the_extra_standard_names_the_bundled_plugins(distributions: Path) -> None:
    with _wheels(distributions)["jackfield"] as wheel:
        required = _metadata(wheel).requires or []
    standard = {line.partition(";")[0].strip() for line in required if 'extra == "standard"' in line.replace("'", '"')}
    assert {name.replace("-", "_") for name in standard} == BUNDLED


def test_a_plugin_needs_the_core_and_announces_itself(distributions: Path) -> None:
    for name, wheel in _wheels(distributions).items():
        with wheel:
            distribution = _metadata(wheel)
            points = [point.value for point in distribution.entry_points if point.group == "jackfield.plugins"]
            required = distribution.requires or []
        assert points == ([] if name == "jackfield" else [name])
        assert name == "jackfield" or [line for line in required if line.startswith("jackfield>=")]


def test_a_source_distribution_holds_no_tests(distributions: Path) -> None:
    for path in distributions.glob("*.tar.gz"):
        with tarfile.open(path) as archive:
            assert not [name for name in archive.getnames() if _is_test(name) or "/bench/" in name]
