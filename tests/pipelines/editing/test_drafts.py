"""Drafts of a pipeline's file, and how they become the file."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from jackfield.components.plugins.registry import Registry
from jackfield.errors import ConfigurationError
from jackfield.pipelines.editing.drafts import BadId, Conflict, Draft, DraftFolder, new_draft
from jackfield.pipelines.loader import PipelineLoader
from jackfield.project.secrets import Secrets
from jackfield.project.toml_edit import CannotEdit
from tests.support import Plugin

TEXT = '[source]\nuse = "call"\n\n[[steps]]\nuse = "act"\ndo = "say"\n'


def folder(path: Path, text: str | bytes = TEXT) -> DraftFolder:
    (path / "x.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return DraftFolder(path)


def opened(drafts: DraftFolder) -> Draft:
    draft = drafts.open("x")
    assert draft is not None
    return draft


def test_a_new_pipeline_looks_as_if_written_by_hand() -> None:
    draft = new_draft("x", "Школа", "getcourse.user_created", "http_request")
    assert draft.text == (
        'title = "Школа"\n\n[source]\nuse = "getcourse.user_created"\n\n'
        '[[steps]]\nuse = "http_request"\nname = "http_request"\n'
    )
    assert draft.base == ""


def test_problems_are_those_that_the_host_would_have() -> None:
    loader = PipelineLoader(Registry.of(Plugin()), Secrets({}))
    assert Draft("x", TEXT).problems(loader) == ()
    (problem,) = Draft("x", TEXT.replace("do =", "does =")).problems(loader)[:1]
    assert (problem.file, problem.line, problem.key) == ("pipelines/x.toml", 4, "steps[0].do")
    (problem,) = Draft("x", 'title = "').problems(loader)
    assert "is not valid TOML" in problem.message


@pytest.mark.parametrize("text", ["a = " + "9" * 5000, "a = " + "[" * 5000 + "]" * 5000])
def test_a_text_that_breaks_the_reader_is_a_problem_like_any_other(text: str) -> None:
    draft = Draft("x", text)
    assert draft.data() is None
    assert len(draft.problems(PipelineLoader(Registry.of(), Secrets({})))) == 1


def test_steps_are_added_copied_moved_and_removed() -> None:
    draft = Draft("x", TEXT)
    three = draft.with_step("acme.send").with_copy(0)
    steps = (three.data() or {})["steps"]
    assert [step.get("name") for step in steps] == [None, "act_2", "send"]
    assert three.moved(2, -1).without_step(2).without_step(1).text == TEXT
    with pytest.raises(CannotEdit):
        draft.with_copy(7)


def test_what_is_dropped_takes_the_tables_with_it_that_it_leaves_empty_but_never_a_step() -> None:
    draft = Draft("x", TEXT).put(("steps", 0, "auth", "basic", "username"), "u")
    assert draft.drop(("steps", 0, "auth", "basic", "username")).text == TEXT
    assert (Draft("x", '[[steps]]\nuse = "a"\n').drop(("steps", 0, "use")).data() or {})["steps"] == [{}]


def test_a_draft_that_nobody_changed_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    for content in (TEXT.encode(), TEXT.replace("\n", "\r\n").encode(), b"\xef\xbb\xbf" + TEXT.encode()):
        drafts = folder(tmp_path, content)
        before = (tmp_path / "x.toml").stat()
        drafts.save(opened(drafts))
        assert (tmp_path / "x.toml").read_bytes() == content
        assert (tmp_path / "x.toml").stat().st_ino == before.st_ino


def test_a_change_keeps_line_ends_byte_order_mark_and_mode(tmp_path: Path) -> None:
    drafts = folder(tmp_path, b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    (tmp_path / "x.toml").chmod(0o640)
    drafts.save(opened(drafts).put(("title",), "y"))
    content = (tmp_path / "x.toml").read_bytes()
    assert content.startswith(b'\xef\xbb\xbftitle = "y"\r\n\r\n[source]\r\n')
    assert (tmp_path / "x.toml").stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["x.toml"]


def test_the_second_of_two_editors_is_told_and_overwrites_nothing(tmp_path: Path) -> None:
    drafts = folder(tmp_path)
    mine, theirs = opened(drafts).put(("title",), "mine"), opened(drafts).put(("title",), "theirs")
    drafts.save(theirs)
    with pytest.raises(Conflict) as conflict:
        drafts.save(mine)
    assert conflict.value.theirs == opened(drafts)
    assert 'title = "theirs"' in opened(drafts).text
    drafts.save(replace(mine, base=opened(drafts).base))
    assert 'title = "mine"' in opened(drafts).text


def test_a_file_that_came_or_went_meanwhile_is_a_conflict_too(tmp_path: Path) -> None:
    drafts = folder(tmp_path)
    with pytest.raises(Conflict):
        drafts.save(new_draft("x", "", "call", "act"))
    mine = opened(drafts)
    (tmp_path / "x.toml").unlink()
    with pytest.raises(Conflict) as conflict:
        drafts.save(mine)
    assert conflict.value.theirs is None


def test_deleting_removes_the_file_that_was_seen_and_no_other(tmp_path: Path) -> None:
    drafts = folder(tmp_path)
    with pytest.raises(Conflict):
        drafts.delete("x", "another")
    drafts.delete("x", opened(drafts).base)
    assert drafts.open("x") is None
    drafts.delete("x", "")


@pytest.mark.parametrize("id", ["../x", "a/b", "x\0", "", "..", ".x", "X", "ы", "a" * 65, "x.toml", "/etc/passwd"])
def test_no_id_leads_out_of_the_folder(tmp_path: Path, id: str) -> None:
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "x.toml").write_text(TEXT)
    drafts = DraftFolder(tmp_path / "pipelines")
    for use in (drafts.open, lambda one: drafts.save(Draft(one, TEXT)), lambda one: drafts.delete(one, "")):
        with pytest.raises(BadId):
            use(id)
    assert [*(tmp_path / "pipelines").iterdir()] == []
    assert (tmp_path / "x.toml").read_text() == TEXT


def test_a_link_to_another_file_is_neither_shown_nor_written(tmp_path: Path) -> None:
    (tmp_path / "pipelines").mkdir()
    secret = tmp_path / "secrets.toml"
    secret.write_text('KEY = "value"\n')
    (tmp_path / "pipelines" / "x.toml").symlink_to(secret)
    drafts = DraftFolder(tmp_path / "pipelines")
    for use in (drafts.open, lambda one: drafts.save(Draft(one, TEXT)), lambda one: drafts.delete(one, "")):
        with pytest.raises(BadId):
            use("x")
    assert secret.read_text() == 'KEY = "value"\n'


def test_a_file_that_is_not_utf_8_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not UTF-8 text"):
        folder(tmp_path, b'title = "\xff"\n').open("x")


def test_of_two_who_save_at_the_very_same_time_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(TEXT, encoding="utf-8")
    drafts = [DraftFolder(tmp_path).open("x") for _ in range(8)]

    def save(number: int) -> bool:
        draft = drafts[number]
        assert draft is not None
        try:
            DraftFolder(tmp_path).save(replace(draft, text=f"{draft.text}# {number}\n"))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(len(drafts)) as threads:
        assert sum(threads.map(save, range(len(drafts)))) == 1


def test_a_draft_too_large_for_a_form_is_a_text_only() -> None:
    assert Draft("x", "[[steps]]\n" * 100).data() is not None
    assert Draft("x", "[[steps]]\n" * 101).data() is None
    assert Draft("x", "#" * 200_001).data() is None


def test_the_editor_waits_for_no_pipe_in_the_place_of_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.toml")
    with pytest.raises(OSError, match="it is a named pipe"):
        DraftFolder(tmp_path).open("x")
    with pytest.raises(OSError, match="it is a named pipe"):
        DraftFolder(tmp_path).save(Draft("x", TEXT))
