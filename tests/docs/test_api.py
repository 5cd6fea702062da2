"""The page about the API names every operation."""

from __future__ import annotations

import re

from jackfield.web.api.application import api_endpoints
from tests.docs.markdown import ROOT

TEXT = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


def test_every_operation_has_a_row_with_what_it_does() -> None:
    rows = re.findall(r"^\| `(\w+ [^`]+)` \| (.+) \|$", TEXT, re.MULTILINE)
    assert rows == [(f"{one.method} {one.path}", one.summary) for one in api_endpoints()]
