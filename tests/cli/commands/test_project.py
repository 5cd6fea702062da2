import json
import shlex
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from jackfield.cli.demo import demo

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def school(cli: Cli, tmp_path: Path) -> Path:
    folder = tmp_path / "school"
    assert cli("init", folder)[0] == 0
    with (folder / "secrets.toml").open("a", encoding="utf-8") as file:
        file.write('BIZON_TOKEN = "a-token"\n')
    return folder


def test_init_makes_a_project_that_lacks_nothing_but_the_token(cli: Cli, school: Path) -> None:
    text = (school / "secrets.toml").read_text(encoding="utf-8")
    (school / "secrets.toml").write_text(text.replace('BIZON_TOKEN = "a-token"', ""), encoding="utf-8")
    [problem] = cli("check", "--project", school)[1].splitlines()
    assert "secret BIZON_TOKEN is not set; put it into secrets.toml" in problem
    (school / "secrets.toml").write_text(text, encoding="utf-8")
    assert cli("check", "--project", school)[:2] == (0, "1 pipeline, no mistakes\n")
    assert stat.S_IMODE((school / "secrets.toml").stat().st_mode) == 0o600
    assert (school / ".gitignore").read_text(encoding="utf-8") == "secrets.toml\nvar/\n.*.new\n"


def test_init_touches_nothing_that_is_there(cli: Cli, school: Path) -> None:
    code, _, error = cli("init", school)
    assert (code, error.count("\n")) == (1, 1)
    assert "is not empty" in error


def test_check_names_the_file_the_key_and_what_may_be_meant(cli: Cli, school: Path) -> None:
    with (school / "pipelines" / "x.toml").open("a", encoding="utf-8") as file:
        file.write('[[steps]]\nuse="http_requst"\n')
    code, out, _ = cli("check", "--project", school)
    assert code == 1
    expected = 'pipelines/x.toml:2: steps[0].use: there is no action "http_requst"; did you mean "http_request"?'
    assert out.splitlines() == ["pipelines/x.toml: source: is required", expected]
    problem = json.loads(cli("check", "--project", school, "--json")[1])["problems"][1]
    assert (problem["file"], problem["line"], problem["key"]) == ("pipelines/x.toml", 2, "steps[0].use")


def test_check_goes_on_after_a_broken_settings_file(cli: Cli, school: Path) -> None:
    (school / "jackfield.toml").write_text("[server]\nprot = 1\n", encoding="utf-8")
    (school / "secrets.toml").write_text("A = 1\n", encoding="utf-8")
    (school / "pipelines" / "new-student.toml").write_text("[source]\n", encoding="utf-8")
    code, out, _ = cli("check", "--project", school)
    assert code == 1
    assert 'jackfield.toml:2: server.prot: is not known here; did you mean "port"?' in out
    assert "secrets.toml:1: A: is not text" in out
    assert "pipelines/new-student.toml:1: source.use: is required" in out


def test_check_warns_of_secrets_that_others_may_read(cli: Cli, school: Path) -> None:
    (school / "secrets.toml").chmod(0o644)
    code, out, _ = cli("check", "--project", school)
    assert code == 0
    assert "run `chmod 600 secrets.toml`" in out


def test_an_address_has_literal_braces_and_instructions_in_the_language_of_the_terminal(
    cli: Cli, school: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "ru_RU.UTF-8")
    code, out, _ = cli("address", "new-student", "--project", school)
    assert code == 0
    assert out.splitlines()[0].startswith("http://127.0.0.1:8000/hooks/new-student/")
    assert "?id={object.id}&email={object.email}&" in out
    assert "Вызвать URL" in out
    assert "1. " in out
    assert cli("address", "new-student", "--project", school)[1] == out, "addresses survive"


def test_an_unknown_pipeline_gets_the_closest_name(cli: Cli, school: Path) -> None:
    code, _, error = cli("address", "new-studnt", "--project", school)
    assert (code, error) == (
        1,
        'pipelines/new-studnt.toml: there is no such pipeline; did you mean "new-student"?\n',
    )


def test_plugins_shows_what_is_installed_and_the_options_of_one(cli: Cli) -> None:
    code, out, _ = cli("plugins")
    assert code == 0
    assert "getcourse.user_created" in out
    assert "http_request" in out
    code, out, _ = cli("plugins", "jackfield-http-request")
    assert code == 0
    for option in ("url", "method", "success", "idempotency_key"):
        assert option in out
    assert {plugin["distribution"] for plugin in json.loads(cli("plugins", "--json")[1])} >= {
        "jackfield-getcourse",
        "jackfield-http-request",
    }
    assert cli("plugins", "jackfield-getcours")[2] == (
        'no plugin is called "jackfield-getcours"; did you mean "jackfield-getcourse"?\n'
    )


def test_without_a_command_the_help_is_shown(cli: Cli) -> None:
    code, out, _ = cli()
    assert code == 0
    for command in (
        "demo",
        "init",
        "serve",
        "check",
        "plugins",
        "address",
        "send",
        "runs",
        "replay",
        "start",
        "doctor",
    ):
        assert f"  {command} " in out
    assert cli("--version")[1].startswith("0.")


def test_schema_describes_a_pipeline_with_the_options_of_the_installed_plugins(cli: Cli) -> None:
    code, out, _ = cli("schema")
    assert code == 0
    schema = json.loads(out)
    [action] = [one for one in schema["properties"]["steps"]["items"]["anyOf"] if one["title"] == "http_request"]
    assert action["properties"]["use"] == {"const": "http_request"}
    assert {"url", "json", "when", "retry"} <= action["properties"].keys()
    assert "json_" not in action["properties"]


def test_doctor_tells_what_it_found(cli: Cli, school: Path) -> None:
    code, out, _ = cli("doctor", "--project", school)
    assert code == 0, out
    for what in ("SQLite", "jackfield-getcourse", "new-student", "journal", "none is running"):
        assert what in out
    (school / "pipelines" / "new-student.toml").write_text("[source]\n", encoding="utf-8")
    assert cli("doctor", "--project", school)[0] == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("chek",), 2, "No such command 'chek'"),
        (("address",), 2, "Missing argument"),
        (("check", "--projekt", "x"), 2, "No such option"),
        (("check", "--project", "/nowhere"), 1, "jackfield.toml: is not there; make a project"),
        (("runs", "--since", "yesterday"), 2, "neither a time"),
        (("send", "x"), 2, "give either --sample or --data"),
        (("replay", "1", "--on", "latest"), 2, "write original or current"),
        (("runs", "--limit", "0"), 2, "--limit"),
    ],
)
def test_wrong_use_gets_one_readable_line(cli: Cli, arguments: tuple[str, ...], code: int, message: str) -> None:
    ended, out, error = cli(*arguments)
    assert ended == code
    printed = error or out
    assert message in printed
    assert printed.count("\n") == 1, printed


def test_check_says_that_the_folder_of_the_pipelines_is_away(cli: Cli, school: Path) -> None:
    (school / "pipelines").rename(school / "away")
    problem = "pipelines: cannot be listed: No such file or directory; pipelines are files in this folder\n"
    assert cli("check", "--project", school)[:2] == (1, problem)
    code, out, _ = cli("doctor", "--project", school)
    assert (code, problem in out) == (1, True)
    assert cli("address", "new-student", "--project", school)[::2] == (1, problem)


def test_an_address_is_told_to_programs(cli: Cli, school: Path) -> None:
    told = json.loads(cli("address", "new-student", "--project", school, "--json")[1])
    assert told["address"] == cli("address", "new-student", "--project", school)[1].splitlines()[0]
    assert len(told["instructions"]) > 1


@pytest.mark.parametrize("name", ["http_request", "jackfield_http_request", "jackfield-http-request"])
def test_a_plugin_is_found_by_what_use_says_by_its_module_and_by_its_distribution(cli: Cli, name: str) -> None:
    code, out, _ = cli("plugins", name)
    assert (code, "idempotency_key" in out, "getcourse" in out) == (0, True, False)


def test_pipelines_are_listed_with_mode_and_reason(cli: Cli, school: Path) -> None:
    (school / "pipelines" / "broken.toml").write_text("[source]\n", encoding="utf-8")
    cli("hold", "new-student", "--project", school)
    code, out, _ = cli("pipelines", "--project", school)
    assert code == 0
    _, broken, held = (line.split(maxsplit=1)[1] for line in out.splitlines())
    assert "running  blocked  pipelines/broken.toml: steps: is required" in broken
    assert "held     ok       set on the command line" in held
    told = {one["id"]: one for one in json.loads(cli("pipelines", "--project", school, "--json")[1])}
    assert (told["new-student"]["mode"], told["new-student"]["blocked"]) == ("held", None)
    assert (told["broken"]["mode"], told["broken"]["mode_reason"]) == ("running", "")
    assert told["broken"]["blocked"] == "pipelines/broken.toml: steps: is required"


@pytest.mark.parametrize("command", ["address", "hold"])
def test_what_the_system_refuses_is_one_readable_line(cli: Cli, school: Path, command: str) -> None:
    path = school / "var"
    path.touch()
    code, _, error = cli(command, "new-student", "--project", school)
    assert (code, error) == (1, f"{path}: File exists\n")


def test_a_key_that_cannot_be_read_is_one_readable_line(cli: Cli, school: Path) -> None:
    path = school / "var" / "server.key"
    path.mkdir(parents=True)
    assert cli("address", "new-student", "--project", school)[::2] == (1, f"{path}: Is a directory\n")


def test_init_on_a_file_is_one_readable_line(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert cli("init", tmp_path / "file")[::2] == (1, f"{tmp_path / 'file'}: Not a directory\n")


def test_demo_prints_commands_that_another_terminal_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "of Anna" / "jackfield"
    script.parent.mkdir()
    script.touch(mode=0o755)
    monkeypatch.setattr("sys.executable", str(script.with_name("python")))
    for borrowed in ("UV_RUN_RECURSION_DEPTH", "VIRTUAL_ENV"):
        monkeypatch.delenv(borrowed, raising=False)
    monkeypatch.setenv("PATH", str(script.parent))
    assert demo.program() == "jackfield"
    monkeypatch.setenv("VIRTUAL_ENV", "x")  # PATH is so in this terminal only
    assert demo.program() == shlex.quote(str(script))
    monkeypatch.delenv("VIRTUAL_ENV")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert demo.program() == shlex.quote(str(script))
