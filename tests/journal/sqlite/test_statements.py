from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import jackfield.journal.sqlite

_MODULES = sorted(Path(jackfield.journal.sqlite.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("module", _MODULES, ids=lambda path: path.stem)
def test_no_statement_numbers_its_placeholders_which_python_3_14_takes_no_tuple_for(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    assert [text for text in texts if re.search(r"\?\d", text)] == []
