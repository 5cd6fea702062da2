import re

import pytest

from jackfield.components.plugins.registry import Registry
from jackfield.pipelines.loader import PipelineLoader
from jackfield.project.secrets import Secrets
from tests.destinations.kit import EXAMPLES

FILES = sorted(EXAMPLES.glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_loads_without_a_mistake(path: object) -> None:
    file = EXAMPLES / str(path)
    secrets = dict.fromkeys(re.findall(r"secret\.(\w+)", file.read_text(encoding="utf-8")), "a-value")
    assert PipelineLoader(Registry.load(), Secrets(secrets)).read(file.stem, file).problems == ()


def test_every_example_has_a_row_in_the_readme() -> None:
    rows = re.findall(r"\| \[([\w.-]+)\]\(\1\) \|", (EXAMPLES / "README.md").read_text(encoding="utf-8"))
    assert sorted(rows) == [path.name for path in FILES]
