from __future__ import annotations

from jackfield.checks.findings import Mark, look_at_user


def test_who_runs_as_root_is_told_so_and_anybody_else_is_not() -> None:
    [finding] = look_at_user(0)
    assert (finding.mark, finding.what) == (Mark.NOTE, "user")
    assert "runs as root" in finding.found
    assert list(look_at_user(1000)) == []
