from pathlib import Path

import pytest

from jackfield.journal.sqlite import SqliteJournal
from tests.journal.kit import Clock, Journals


@pytest.fixture(params=["sqlite"])
def journals(request: pytest.FixtureRequest, tmp_path: Path) -> Journals:
    back_ends: dict[str, Journals] = {
        "sqlite": lambda now=Clock(): SqliteJournal(tmp_path / "journal.db", now=now)  # noqa: B008 - any clock will do
    }
    return back_ends[request.param]
