from __future__ import annotations

import random
import resource
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

from jackfield.journal.sqlite.queue.deaths import DIED
from jackfield.project.server_keys import KEY_FILE
from jackfield.project.settings import Project
from tests.processes import (
    JACKFIELD,
    Destination,
    Load,
    ServedHost,
    destination,
    make_served_project,
    send,
    served,
    until,
)

KILLS = 4
CONCURRENCY = 5


def _project(folder: Path, platform: Destination, *steps: str, grace: str = "5 s") -> Project:
    head = f'concurrency = {CONCURRENCY}\n[source]\nuse = "getcourse.user_created"\n'
    return make_served_project(folder, {"x": head + "".join(map(platform.step, steps))}, grace)


def _end(host: ServedHost) -> float:
    """Have a host end in good order; return how many seconds that took."""
    began = time.monotonic()
    host.process.send_signal(signal.SIGTERM)
    assert host.process.wait(20) == 0, host.log()
    return time.monotonic() - began


def test_after_kills_under_load_every_acknowledged_event_is_delivered_and_succeeded(tmp_path: Path) -> None:
    steps = ("first", "second")
    with destination() as platform:
        platform.delay = 0.005
        project = _project(tmp_path, platform, *steps)
        with Load(project) as load:
            for _ in range(KILLS):
                with served(project) as host:
                    load.until_more(random.randint(1, 250))
                    host.kill()
            load.stop()
            with served(project) as host:
                states = host.until_settled()
                runs = {delivery.id: delivery.run for delivery in platform.delivered}
                repeated = {id for step in steps for id, times in platform.times(step).items() if times > 1}
                attempts = {id: host.api(f"/runs/{runs[id]}")["attempts"] for id in repeated}
    for step in steps:
        assert load.acknowledged - platform.times(step).keys() == set()
    assert {runs[id] for id in load.acknowledged} <= states.keys()
    assert set(states.values()) == {"succeeded"}
    assert {status for _, status in load.answers} <= {0, 200, 503}
    assert all(delivery.key == f"{delivery.run}/{delivery.step}" for delivery in platform.delivered)
    assert {delivery.run for delivery in platform.delivered} == set(runs.values())
    # A step that was written down as completed is not repeated, or it would have been written down twice.
    for found in attempts.values():
        done = [attempt["step"] for attempt in found if attempt["outcome"] == "succeeded"]
        assert done == list(steps)
        cut_off = [attempt for attempt in found if attempt["outcome"] != "succeeded"]
        assert all(attempt["error"] == f"step {attempt['step']}: {DIED}" for attempt in cut_off)
    first = platform.times("first")
    assert first.total() - len(first) <= KILLS * CONCURRENCY


def test_sigterm_under_load_finishes_what_is_running_and_leaves_the_rest_queued(tmp_path: Path) -> None:
    with destination() as platform:
        platform.delay = 0.3
        project = _project(tmp_path, platform, "only")
        with Load(project) as load:
            with served(project) as host:
                load.until_more(10 * CONCURRENCY)
                until(lambda: platform.delivered, "a run is going on")
                assert _end(host) < 5
            load.stop()
        before = platform.times("only")
        assert load.acknowledged - before.keys()
        platform.delay = 0.0
        with served(project) as host:
            states = host.until_settled()
    assert load.acknowledged <= platform.times("only").keys()
    assert set(platform.times("only").values()) == {1}
    assert set(states.values()) == {"succeeded"}


def test_sigterm_ends_a_host_that_is_still_starting_up(tmp_path: Path) -> None:
    with destination() as platform:
        project = _project(tmp_path, platform, "only")
    key = project.var / KEY_FILE
    with subprocess.Popen([JACKFIELD, "serve", "--project", str(tmp_path)]) as process:
        until(key.exists, "the host has begun to start up")
        process.terminate()
        try:
            process.wait(20)
        finally:
            process.kill()
    assert process.returncode in {0, -signal.SIGTERM}


def test_what_outlasts_the_grace_period_is_cut_off_and_run_again_after_a_restart(tmp_path: Path) -> None:
    with destination() as platform:
        platform.delay = 8.0
        project = _project(tmp_path, platform, "only", grace="1 s")
        with served(project) as host:
            assert send(project, id="slow") == 200
            until(lambda: platform.delivered, "the run is going on")
            assert 1 <= _end(host) < 5
        platform.delay = 0.0
        with served(project) as host:
            states = host.until_settled()
    assert set(states.values()) == {"succeeded"}
    assert platform.times("only") == {"slow": 2}
    assert len({delivery.key for delivery in platform.delivered}) == 1


def test_a_full_disk_is_answered_503_until_there_is_room_again(tmp_path: Path) -> None:
    with destination() as platform:
        project = _project(tmp_path, platform, "only")
        with served(project) as host:
            assert send(project, id="before") == 200
            with _no_room(host):
                answers = {f"full-{number}": send(project, id=f"full-{number}") for number in range(10)}
            until(lambda: send(project, id="after") == 200, "events are accepted again")
            states = host.until_settled()
    assert set(answers.values()) == {503}
    assert platform.times("only").keys() == {"before", "after"}
    assert set(states.values()) == {"succeeded"}


@contextmanager
def _no_room(host: ServedHost) -> Iterator[None]:
    """Have the system fail whatever the host writes to a file, its log included."""
    unlimited = resource.prlimit(host.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(host.process.pid, resource.RLIMIT_FSIZE, (0, unlimited[1]))
    try:
        yield
    finally:
        resource.prlimit(host.process.pid, resource.RLIMIT_FSIZE, unlimited)


def test_a_journal_that_another_process_locks_is_answered_503_until_it_lets_go(tmp_path: Path) -> None:
    with destination() as platform:
        platform.delay = 1.0
        project = _project(tmp_path, platform, "only")
        with served(project) as host:
            assert send(project, id="before") == 200
            until(lambda: platform.delivered, "a run is going on")
            began = time.monotonic()
            with closing(sqlite3.connect(project.journal_file, isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")
                with ThreadPoolExecutor(8) as senders:
                    answers = list(senders.map(lambda number: send(project, id=f"locked-{number}"), range(8)))
                other.execute("ROLLBACK")
            assert time.monotonic() - began < 9
            until(lambda: send(project, id="after") == 200, "events are accepted again")
            states = host.until_settled()
    assert set(answers) == {503}
    assert platform.times("only") == {"before": 1, "after": 1}
    assert set(states.values()) == {"succeeded"}


def test_a_journal_that_is_deleted_under_load_loses_no_acknowledged_event(tmp_path: Path) -> None:
    with destination() as platform:
        project = _project(tmp_path, platform, "only")
        with Load(project) as load:
            with served(project) as host:
                for names in (["journal.db"], ["journal.db-wal"], ["journal.db", "journal.db-wal", "journal.lock"]):
                    load.until_more(20)
                    for name in names:
                        (project.var / name).unlink()
                load.until_more(20)
                load.stop()
                host.until_settled()
                host.kill()
            with served(project) as host:
                states = host.until_settled()
                runs = {delivery.id: delivery.run for delivery in platform.delivered}
    assert {status for _, status in load.answers} <= {0, 200, 503}
    assert load.acknowledged - runs.keys() == set()
    assert {runs[id] for id in load.acknowledged} <= states.keys()
    assert set(states.values()) == {"succeeded"}
