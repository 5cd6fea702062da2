"""Requests as curl commands: what a shell makes of them, and that pasting them runs nothing by itself."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.cli.curl.shell_words import split_words
from jackfield.components.values import Exchange
from jackfield.web.render.curl_command import curl_command

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
awkward = st.text(st.sampled_from("aя2x~!'$` \"\\\n\r\t\x03\x15\x1b\x7f\x85\x9b\u2028"))


def post(body: str) -> Exchange:
    return Exchange("POST", "https://a.example/", (), body, 200, (), "", 1.0)


@given(texts, texts, texts, st.sampled_from(["GET", "POST", "PUT"]))
def test_a_curl_command_is_read_by_a_shell_as_it_was_meant(url: str, value: str, body: str, method: str) -> None:
    exchange = Exchange(method, url, (("X-Tag", value), ("host", "a")), body, 200, (), "", 1.0)
    command = curl_command(exchange)
    words = split_words(command.text)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", command.text)
    assert words[:4] == ["curl", "--globoff", "--request", method]
    assert words[-2:] == ["--url", url]
    assert (f"X-Tag: {value}" if value else "X-Tag;") in words
    assert command.masked == any("***" in text for text in (url, value, body))
    assert (words[words.index("--data-raw") + 1] == body) if body and not command.incomplete else body == "" or command


@pytest.mark.parametrize(
    "body", ["[512 bytes, image/png]", "[a stream]", "[confidential]", "abc … [cut at 3 bytes]", "a\0", "\ud800"]
)
def test_a_body_that_was_not_kept_is_not_in_the_curl_command(body: str) -> None:
    command = curl_command(post(body))
    assert command.incomplete
    assert "--data-raw" not in command.text


@settings(max_examples=20, deadline=None)
@given(st.lists(awkward, min_size=1, max_size=9))
def test_a_shell_gets_the_same_bytes_from_a_command_without_a_control_character(bodies: list[str]) -> None:
    commands = [curl_command(post(f"b{body}")).text for body in bodies]
    assert not any(map(CONTROL.search, commands))
    script = "\n".join(["curl() { printf '%s\\0' \"$@\"; }", *commands])
    said = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, check=True)
    words = said.stdout.decode().split("\0")
    assert [words[at + 1] for at, word in enumerate(words) if word == "--data-raw"] == [f"b{body}" for body in bodies]


@pytest.mark.parametrize("bracketed", [True, False])
def test_a_command_that_is_pasted_into_a_terminal_waits_for_the_enter_key(tmp_path: Path, *, bracketed: bool) -> None:
    """The body ends the paste, empties the line and types a command: all of that has to stay text."""
    trap, done = tmp_path / "trap", tmp_path / "done"
    command = curl_command(post(f"Anna\x1b[201~\x15touch {trap}\n")).text
    pasted = f"\x1b[200~{command}\x1b[201~" if bracketed else command
    ours, its = pty.openpty()
    words, environment = ["bash", "--norc", "--noprofile", "-i"], {**os.environ, "PS1": "$ ", "TERM": "xterm"}
    with subprocess.Popen(words, stdin=its, stdout=its, stderr=its, start_new_session=True, env=environment) as bash:
        try:
            read_until(ours, b"$ ")
            os.write(ours, f'{pasted}\x15touch {done}; echo the ""end\n'.encode())
            read_until(ours, b"the end")
        finally:
            bash.kill()
    os.close(its)
    os.close(ours)
    assert done.exists()
    assert not trap.exists()


def read_until(terminal: int, words: bytes) -> None:
    said = b""
    while words not in said:
        assert select.select([terminal], [], [], 10)[0], said
        said += os.read(terminal, 4096)
