import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.exceptions import TyperException

from jackfield.cli import application
from tests.docs.markdown import DOCUMENTS, ROOT, blocks, commands

TOOLS = {".", "python3", "uv", "cd", "export", "chown", "cp", "curl", "sqlite3", "chmod", "systemctl"}
CHEAP = {"address", "check", "hold", "init", "plugins", "refused", "runs", "schema", "start", "stop"}
HERE = {"/srv/my-school": ".", "~/my-school": "."}


def named(document: Path) -> list[list[str]]:
    """Find the commands of a document, with the name of the program in place of its path."""
    return [[Path(words[0]).name or words[0], *words[1:]] for words in commands(document)]


def jackfield(document: Path) -> list[list[str]]:
    """Find the commands of Jackfield in a document, without the name and what stands before it."""
    found = []
    for words in named(document):
        bare = words[2:] if words[:2] == ["uv", "run"] else words
        if bare and Path(bare[0]).name == "jackfield":
            found.append(bare[1:])
    return found


def parse(command: Any, name: str, words: list[str], parent: Any = None) -> None:
    """Read words as the command line would, down to the command that they name; run nothing."""
    context = command.make_context(name, list(words), parent=parent)
    rest = [*context._protected_args, *context.args]
    if rest and hasattr(command, "commands"):
        found, subcommand, rest = command.resolve_command(context, rest)
        parse(subcommand, found, rest, context)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_and_option_exists(document: Path) -> None:
    command: Any = typer.main.get_command(application())
    for words in jackfield(document):
        if len(words) == 1:  # a command's name in a sentence
            assert words[0] in command.commands
            continue
        try:
            parse(command, "jackfield", words)
        except TyperException as error:
            raise AssertionError(f"jackfield {' '.join(words)}: {error.format_message()}") from None


def test_every_command_is_in_the_documentation() -> None:
    command: Any = typer.main.get_command(application())
    used = {words[0] for document in DOCUMENTS for words in jackfield(document)}
    assert used >= command.commands.keys()


def is_cheap(words: list[str]) -> bool:
    return words[0] in CHEAP and words[:2] != ["runs", "show"] and not any(word.isupper() for word in words)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_cheap_commands_work_in_the_readmes_project(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "my-school"
    shutil.copytree(ROOT / "examples" / "my-school", project)
    monkeypatch.chdir(project)
    monkeypatch.setenv("JACKFIELD_SECRET_BIZON_TOKEN", "token")
    for words in filter(is_cheap, jackfield(document)):
        given = ["init", "new"] if words[0] == "init" else [HERE.get(word, word) for word in words]
        assert not application()(given, standalone_mode=False), f"jackfield {' '.join(words)}"
        shutil.rmtree("new", ignore_errors=True)


@pytest.mark.parametrize("block", [block for block in blocks("ini") if "[Service]" in block.text], ids=str)
def test_a_unit_starts_a_command_that_exists(block: Any) -> None:
    [line] = [line for line in block.text.splitlines() if line.startswith("ExecStart=")]
    program, *words = line.removeprefix("ExecStart=").split()
    assert Path(program).name == "jackfield"
    parse(typer.main.get_command(application()), "jackfield", words)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_other_commands_are_known_and_what_they_install_is_there(document: Path) -> None:
    for words in named(document):
        program = words[0]
        if words[:2] == ["uv", "run"] and words[2] not in {"jackfield", "python"}:
            assert Path(sys.executable).with_name(words[2]).exists(), f"uv run {words[2]}"
        elif words[:2] == ["uv", "run"] and words[2:4] == ["python", "-m"]:
            module = ROOT / words[4].replace(".", "/")
            assert module.is_dir() or module.with_suffix(".py").is_file(), words[4]
        elif "install" in words and "." in words:
            for pattern in words[words.index(".") + 1 :]:
                folders = list(ROOT.glob(pattern))
                assert folders, pattern
                assert all((folder / "pyproject.toml").exists() for folder in folders), pattern
        else:
            assert program in TOOLS | {"jackfield", "pip"}, words
