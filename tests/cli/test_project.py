import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from jackfield.cli import main

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run a command in this process; return its exit code and what it printed."""
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["jackfield", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, printed.out, printed.err

    return run


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
    assert (school / ".gitignore").read_text(encoding="utf-8") == "secrets.toml\nvar/\n"


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
