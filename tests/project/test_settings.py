from datetime import timedelta
from pathlib import Path

import pytest

from jackfield.errors import ConfigurationError
from jackfield.project.settings import Project


def load(folder: Path, settings: str, secrets: str = "") -> Project:
    (folder / "jackfield.toml").write_text(settings, encoding="utf-8")
    if secrets:
        (folder / "secrets.toml").write_text(secrets, encoding="utf-8")
    return Project.load(folder, {"JACKFIELD_SECRET_FROM_ENVIRONMENT": "e"})


def test_everything_may_be_left_out(tmp_path: Path) -> None:
    project = load(tmp_path, "")
    assert (project.settings.server.host, project.settings.server.port) == ("127.0.0.1", 8000)
    assert project.settings.public_url == "http://127.0.0.1:8000"
    assert project.journal_file == tmp_path / "var" / "journal.db"
    assert project.settings.server.grace == timedelta(seconds=20)
    assert dict(project.secrets) == {"FROM_ENVIRONMENT": "e"}


def test_an_absolute_journal_file_stays_where_it_is(tmp_path: Path) -> None:
    project = load(tmp_path, '[journal]\nurl = "sqlite:////srv/journal.db"\n')
    assert project.journal_file == Path("/srv/journal.db")


@pytest.mark.parametrize(
    ("host", "url"), [("0.0.0.0", "http://127.0.0.1:8000"), ("::", "http://[::1]:8000"), ("::1", "http://[::1]:8000")]
)
def test_a_host_on_all_addresses_is_reached_on_this_machine_by_loopback(tmp_path: Path, host: str, url: str) -> None:
    assert load(tmp_path, f'[server]\nhost = "{host}"\n').settings.local_url == url


def test_a_public_url_loses_its_last_slash(tmp_path: Path) -> None:
    settings = load(tmp_path, '[server]\npublic_url = "https://hooks.example.ru/"\n').settings
    assert settings.public_url == "https://hooks.example.ru"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[server]\nport = 70000", "jackfield.toml:2: server.port: must be at most 65535"),
        ("[servr]\nport = 1", 'jackfield.toml:1: servr: is not known here; did you mean "server"?'),
        ("[journal]\nurl = 'postgresql://x'", "jackfield.toml:2: journal.url: must be a file, such as"),
        (
            "[journal]\nkeep = { day = 3 }",
            'jackfield.toml:2: journal.keep.day: is not known here; did you mean "days"?',
        ),
        ("[journal.keep]\nsize = '1 KB'", "jackfield.toml:2: journal.keep.size: must be at least"),
        (
            "[server]\npublic_url = 'hooks.example.ru'",
            'jackfield.toml:2: server.public_url: must start with "https://"',
        ),
        ("[http]\nallow = ['10.0.0.0/99']", "jackfield.toml:2: http.allow: '10.0.0.0/99' is not a network"),
        ("[server]\ngrace = 20", "jackfield.toml:2: server.grace: 20 is not a duration"),
        ("[server", "jackfield.toml:1: is not valid TOML"),
    ],
)
def test_each_mistake_is_named_by_line_key_and_remedy(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    assert str(caught.value).startswith(problem)


def test_mistakes_in_both_files_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, "[server]\nport = 'x'\nhots = 'y'\n", "A = 1\n")
    assert [problem.file for problem in caught.value.problems] == ["jackfield.toml", "jackfield.toml", "secrets.toml"]


def test_a_folder_that_is_no_project_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="make a project with `jackfield init DIR`"):
        Project.load(tmp_path, {})


def test_the_files_of_pipelines_are_found_by_id(tmp_path: Path) -> None:
    project = load(tmp_path, "")
    (tmp_path / "pipelines").mkdir()
    for name in ("b.toml", "a.toml", "a.toml~", "notes.txt"):
        (tmp_path / "pipelines" / name).touch()
    assert list(project.pipeline_files()) == ["a", "b"]


@pytest.mark.parametrize("is_file", [True, False])
def test_a_folder_of_pipelines_that_is_none_is_a_problem(tmp_path: Path, *, is_file: bool) -> None:
    if is_file:
        (tmp_path / "pipelines").touch()
    with pytest.raises(ConfigurationError, match="pipelines: cannot be listed: "):
        load(tmp_path, "").pipeline_files()
