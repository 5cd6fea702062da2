import json
import sqlite3
from contextlib import closing
from pathlib import Path

from jackfield.journal.sqlite import SqliteJournal
from tests.cli.conftest import Cli
from tests.journal.kit import Clock, new_run, opened, run_async
from tests.support import make_project

PIPELINE = '[source]\nuse = "getcourse.user_created"\n[[steps]]\nuse = "http_request"\nurl = "https://example.com"\n'


def school(folder: Path, runs: int = 200) -> Path:
    """Make a project with a journal; return the journal's file."""
    make_project(folder, {"x": PIPELINE})
    path = folder / "var" / "journal.db"
    path.parent.mkdir()

    async def main() -> None:
        async with opened(SqliteJournal(path)) as journal:
            await journal.accept([new_run(Clock().time, {"n": n, "text": "x" * 500}) for n in range(runs)])

    run_async(main)
    return path


def damage(path: Path) -> None:
    """Zero a page of events."""
    data = path.read_bytes()
    place = data.rindex(b"xxxx") // 4096 * 4096
    path.write_bytes(data[:place] + bytes(4096) + data[place + 4096 :])


def test_doctor_looks_into_the_journal_and_tells_damage(cli: Cli, tmp_path: Path) -> None:
    path = school(tmp_path)
    code, out, _ = cli("doctor", "--project", tmp_path)
    assert "no damage at a quick look" in out
    assert "read whole, no damage" in cli("doctor", "--project", tmp_path, "--integrity")[1]
    damage(path)
    for more in ([], ["--integrity"]):
        code, out, _ = cli("doctor", "--project", tmp_path, "--json", *more)
        assert code == 1
        found = [one["found"] for one in json.loads(out) if one["what"] == "journal"]
        assert "is damaged; stop the host, then `jackfield journal salvage" in found[0]
        assert len(found) > 1
    code, _, err = cli("doctor", "--url", "http://127.0.0.1:1", "--integrity")
    assert code == 2
    assert "run it on the machine where that is" in err


def test_salvage_makes_a_new_journal_and_says_what_is_lost(cli: Cli, tmp_path: Path) -> None:
    path = school(tmp_path)
    damage(path)
    code, out, _ = cli("journal", "salvage", path)
    assert code == 0
    assert "Lost: all rows in 1 damaged pages of payload" in out
    assert f"mv {path} {path.with_name('damaged-journal.db')}" in out.replace("\n", "")
    new = path.with_name("journal.db.salvaged")
    assert new.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(new)) as connection:
        assert connection.execute("SELECT count(*) FROM run").fetchone()[0] == 200
    code, _, err = cli("journal", "salvage", path)
    assert (code, "is there already; name another file with --into" in err) == (1, True)
    code, out, _ = cli("journal", "salvage", path, "--into", tmp_path / "other.db", "--json")
    report = json.loads(out)
    assert (report["whole"], report["rows"]["run"], report["damaged_pages"]) == (False, 200, {"payload": 1})
    assert len(report["runs_without_event"]) > 1


def test_salvage_of_a_whole_journal_says_that_nothing_was_missing(cli: Cli, tmp_path: Path) -> None:
    code, out, _ = cli("journal", "salvage", school(tmp_path, runs=3))
    assert (code, "Nothing was missing." in out) == (0, True)


def test_events_whose_pipeline_is_unknown_are_kept_in_a_file(cli: Cli, tmp_path: Path) -> None:
    path = school(tmp_path, runs=3)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM run WHERE seq = 2")
        connection.commit()
    _, out, _ = cli("journal", "salvage", path)
    assert "Not placed: 1 events of unknown pipelines" in out
    events = path.with_name("journal.db.salvaged.events.jsonl")
    assert json.loads(json.loads(events.read_text())["event"])["n"] == 1
    assert events.stat().st_mode & 0o777 == 0o600
