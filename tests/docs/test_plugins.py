import inspect
import re
import subprocess
import sys
from pathlib import Path

import jackfield
from jackfield import testing
from jackfield.components.host_keys.tables import SOURCE_KEYS, STEP_KEYS
from jackfield.components.plugins import hookspecs
from tests.docs.markdown import ROOT, blocks

PAGE = ROOT / "docs" / "plugins.md"
TEXT = PAGE.read_text(encoding="utf-8")


def signatures() -> list[str]:
    hooks = [hook for hook in vars(hookspecs).values() if hasattr(hook, "jackfield_spec")]
    return [f"def {hook.__name__}{inspect.signature(hook)}: ...".replace("'", "") for hook in hooks]


def test_every_hook_is_documented_with_its_exact_signature() -> None:
    documented = [block.text.strip() for block in blocks("python", PAGE) if block.text.startswith("def register_")]
    assert sorted(documented) == sorted(signatures())


def test_everything_that_a_plugin_may_import_is_documented() -> None:
    table = TEXT.partition("## Everything that `jackfield` exports")[2]
    names = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", table, re.MULTILINE)
    assert sorted(name for row in names for name in re.findall(r"\w+", row)) == sorted(jackfield.__all__)


def test_what_testing_offers_is_documented() -> None:
    for name in testing.__all__:
        assert f"`{name}" in TEXT


def test_the_names_that_belong_to_the_host_are_listed() -> None:
    [paragraph] = [part for part in TEXT.split("\n\n") if part.startswith("Names that belong to the host")]
    action, _, source = " ".join(paragraph.split()).partition(" of an action, ")
    assert set(re.findall(r"`(\w+)`", action)) == STEP_KEYS
    assert set(re.findall(r"`(\w+)`", source)) == SOURCE_KEYS


def test_the_plugin_of_the_page_passes_the_tests_of_the_page(tmp_path: Path) -> None:
    for block in blocks("python", PAGE):
        name = re.match(r"# (\S+\.py)\n", block.text)
        if name:
            (tmp_path / name[1]).parent.mkdir(exist_ok=True)
            (tmp_path / name[1]).write_text(block.text, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\nfilterwarnings = error\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout
