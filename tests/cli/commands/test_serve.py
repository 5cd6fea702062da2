import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jackfield.cli import main
from jackfield.web.server.listener import listening

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
JACKFIELD = [sys.executable, "-c", "from jackfield.cli import main; main()"]

PIPELINE = """\
[source]
use = "getcourse.user_created"
dedupe = "{{ $.event.id }}"

[[steps]]
use = "http_request"
url = "http://127.0.0.1:9/{{ secret.TOKEN }}"
json = { email = "{{ $.event.email }}" }
retry = { attempts = 1 }
"""


@pytest.fixture
def school(tmp_path: Path) -> Path:
    with listening("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    (tmp_path / "pipelines").mkdir()
    settings = f'[server]\nport = {port}\n[http]\nallow = ["127.0.0.1"]\n'
    (tmp_path / "jackfield.toml").write_text(settings, encoding="utf-8")
    (tmp_path / "secrets.toml").write_text('TOKEN = "s3cret-value"\n', encoding="utf-8")
    (tmp_path / "pipelines" / "new-student.toml").write_text(PIPELINE, encoding="utf-8")
    return tmp_path


@pytest.fixture
def cli(school: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command in this process, as it would run in one of its own, which takes most of a second to start."""
    monkeypatch.chdir(school)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr("sys.argv", ["jackfield", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert isinstance(ended.value.code, int)
        printed = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, ended.value.code, printed.out, printed.err)

    return run


@pytest.fixture
def process(school: Path) -> Cli:
    """Run a command in a process of its own."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*JACKFIELD, *arguments],
            cwd=school,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "COLUMNS": "200"},
        )

    return run


@pytest.fixture
def log(school: Path) -> Path:
    return school / "log"


@pytest.fixture
def host(school: Path, log: Path) -> Iterator["subprocess.Popen[str]"]:
    with log.open("w") as errors:
        process = subprocess.Popen([*JACKFIELD, "serve"], cwd=school, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Jackfield serves")
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def only_run(cli: Cli, *options: str) -> dict[str, object]:
    [run] = json.loads(cli("runs", "--json", *options).stdout)["runs"]
    assert isinstance(run, dict)
    return run


def wait_for(cli: Cli, state: str) -> dict[str, object]:
    for _ in range(50):
        run = only_run(cli)
        if run["state"] == state:
            return run
    raise AssertionError(run)


def test_the_whole_story_of_a_run_on_the_command_line(
    cli: Cli, process: Cli, host: "subprocess.Popen[str]", log: Path
) -> None:
    sent = process("send", "new-student", "--data", '{"email": "ОЛЬГА@example.ru", "id": "7"}')
    assert (sent.returncode, sent.stdout) == (0, '200 {"accepted":1}\n')
    failed = wait_for(cli, "failed")
    assert "step http_request: " in str(failed["error"])

    shown = cli("runs", "show", str(failed["id"])).stdout
    assert "ОЛЬГА@example.ru" in shown
    assert "→ POST http://127.0.0.1:9/***" in shown
    assert only_run(cli, "--state", "failed", "--pipeline", "new-student", "--since", "1 h")["id"] == failed["id"]
    assert json.loads(cli("runs", "--json", "--until", "2020-01-01").stdout)["runs"] == []

    again = cli("send", "new-student", "--data", '{"id": "7"}')
    assert again.returncode == 0
    assert wait_for(cli, "failed")["duplicates"] == 1

    replayed = cli("replay", str(failed["id"]))
    assert re.fullmatch(rf"{failed['id']} replayed as [0-9a-f-]{{36}}\n", replayed.stdout)
    assert len(json.loads(cli("runs", "--json").stdout)["runs"]) == 2

    assert "on hold" in cli("hold", "new-student").stdout
    assert "stopped" in cli("stop", "new-student").stdout
    for _ in range(50):
        if cli("send", "new-student", "--sample").stdout.startswith("503"):
            break
    refused = json.loads(cli("refused", "--json").stdout)[0]
    assert refused["status"] == 503
    assert "runs" in cli("start", "new-student").stdout
    assert "replayed as" in cli("replay", refused["id"]).stdout

    host.send_signal(signal.SIGTERM)
    assert host.wait(30) == 0
    written = log.read_text(encoding="utf-8")
    token = re.search(r"/hooks/new-student/(\w+)", cli("address", "new-student").stdout)
    assert token is not None
    assert token[1] not in written
    assert "s3cret-value" not in written
    assert all(json.loads(line)["level"] for line in written.splitlines()), "JSON where no terminal is"
    lines = [json.loads(line) for line in written.splitlines()]
    assert next(line["run"] for line in lines if line["event"] == "run failed") == failed["id"]


def test_a_signal_that_comes_at_once_is_heeded(school: Path) -> None:
    with subprocess.Popen([*JACKFIELD, "serve"], cwd=school, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_a_replay_that_cannot_be_does_not_keep_the_others_from_it(cli: Cli, host: "subprocess.Popen[str]") -> None:
    cli("send", "new-student", "--sample")
    run = only_run(cli)["id"]
    replayed = cli("replay", "nope", str(run))
    assert replayed.returncode == 1
    assert "there is no run and no refused request nope" in replayed.stderr
    assert replayed.stdout.startswith(f"{run} replayed as")


def test_a_second_host_says_why_it_cannot_start(process: Cli, host: "subprocess.Popen[str]") -> None:
    second = process("serve")
    assert second.returncode == 1
    assert "cannot listen on 127.0.0.1 port" in second.stderr
    assert "Traceback" not in second.stderr


def test_sending_to_no_host_says_how_to_start_one(cli: Cli) -> None:
    sent = cli("send", "new-student", "--sample")
    assert (sent.returncode, sent.stderr.count("\n")) == (1, 1)
    assert "start it with `jackfield serve`" in sent.stderr


def test_a_demonstration_that_is_told_to_end_removes_its_folder(tmp_path: Path) -> None:
    command = [*JACKFIELD, "demo"]
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        while "stays up until" not in process.stdout.readline():
            assert process.poll() is None
        assert list(tmp_path.iterdir()) != []
        process.terminate()
        _, errors = process.communicate(timeout=30)
    assert list(tmp_path.iterdir()) == []
    assert (process.returncode, errors) == (130, "")
