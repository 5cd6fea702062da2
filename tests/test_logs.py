import io
import json
import logging
import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.stdlib import ProcessorFormatter
from structlog.typing import FilteringBoundLogger

from jackfield.logs import configure_logs
from jackfield.masking import Mask

TOKEN = "s3cr3t/ключ"
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z \[\w+ *\] ")


class Log:
    """What was written to stderr, as the tests look at it."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def configure(self, level: str = "info", *, as_json: bool = True, mask: Callable[[str], str] | None = None) -> None:
        configure_logs(level=level, json=as_json, mask=mask or Mask([TOKEN]))

    def text(self) -> str:
        return self._capsys.readouterr().err

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.text().splitlines()]

    def line(self) -> dict[str, object]:
        (line,) = self.lines()
        return line


@pytest.fixture
def stderr(capsys: pytest.CaptureFixture[str]) -> Iterator[Log]:
    root = logging.getLogger()
    level = root.level
    yield Log(capsys)
    root.setLevel(level)
    root.handlers = [handler for handler in root.handlers if not isinstance(handler.formatter, ProcessorFormatter)]
    structlog.reset_defaults()


def log() -> FilteringBoundLogger:
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger


def raise_with_token() -> None:
    local_token = TOKEN
    raise ValueError(f"the key {local_token} is wrong\n2026-01-01T00:00:00.000000Z [info     ] all is well")


def test_a_line_is_json_with_its_time_level_and_origin(stderr: Log) -> None:
    stderr.configure()
    before = datetime.now(UTC)

    log().bind(run="r1", pipeline="p").warning("step failed", attempt=2, title="Новый ученик")

    line = stderr.line()
    at = datetime.fromisoformat(str(line.pop("timestamp")))
    assert before <= at <= datetime.now(UTC)
    assert line == {
        "event": "step failed",
        "level": "warning",
        "logger": __name__,
        "run": "r1",
        "pipeline": "p",
        "attempt": 2,
        "title": "Новый ученик",
    }


def test_a_line_for_a_terminal_is_readable(stderr: Log) -> None:
    stderr.configure(as_json=False)

    log().info("pipeline loaded", pipeline="new-student", version="a1")

    (line,) = stderr.text().splitlines()
    assert LINE.match(line)
    assert "pipeline loaded" in line
    assert line.endswith("pipeline=new-student version=a1")


@pytest.mark.parametrize("name", ["watched.library", "watched.access", "aiohttp.client", "asyncio", "watchfiles.main"])
def test_other_loggers_go_through_the_same_renderer(stderr: Log, name: str) -> None:
    stderr.configure()

    logging.getLogger(name).warning("%s says %s", name, TOKEN)

    line = stderr.line()
    assert (line["logger"], line["level"], line["event"]) == (name, "warning", f"{name} says ***")
    assert "timestamp" in line


def test_every_line_carries_what_is_bound_to_the_context(stderr: Log) -> None:
    stderr.configure()

    with structlog.contextvars.bound_contextvars(run="r1"):
        log().info("ours")
        logging.getLogger("aiohttp.client").info("theirs")

    assert [line["run"] for line in stderr.lines()] == ["r1", "r1"]


@pytest.mark.parametrize("name", ["httpx", "httpcore.http11"])
def test_http_clients_do_not_log_urls_even_when_all_is_logged(stderr: Log, name: str) -> None:
    stderr.configure("debug")

    logging.getLogger(name).info("HTTP Request: GET https://api.example.ru/?key=of-an-event")
    logging.getLogger(name).debug("send_request_headers")
    logging.getLogger(name).warning("told")

    assert stderr.line()["event"] == "told"


@pytest.mark.parametrize(("level", "told"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_lines_below_the_level_are_left_out(stderr: Log, level: str, told: int) -> None:
    stderr.configure(level)

    for logger in (log(), logging.getLogger("watched.library")):
        for name in ("debug", "info", "warning", "error"):
            getattr(logger, name)("a line")

    assert len(stderr.text().splitlines()) == 2 * told


def test_a_line_that_is_left_out_costs_nothing(stderr: Log) -> None:
    asked: list[str] = []

    def mask(text: str) -> str:
        asked.append(text)
        return text

    class Costly:
        def __str__(self) -> str:
            asked.append("costly")
            return ""

    stderr.configure(mask=mask)

    log().bind(run="r1").debug("a line", value=Costly())

    assert asked == []
    assert stderr.text() == ""


@pytest.mark.parametrize("as_json", [True, False])
def test_secrets_are_masked_wherever_they_are(stderr: Log, as_json: bool) -> None:  # noqa: FBT001
    stderr.configure(as_json=as_json)

    log().error(
        f"said {TOKEN}",
        text=TOKEN,
        deep=[{"headers": ({"X-Token": f"Bearer {TOKEN}"}, {TOKEN})}],
        path=Path(f"/tmp/{TOKEN}"),
        fault=ValueError(TOKEN),
        **{TOKEN: 1},
    )

    text = stderr.text()
    assert "s3cr3t" not in text
    assert text.count("***") == 7


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("logger", [log, lambda: logging.getLogger("asyncio")])
def test_a_traceback_is_masked_and_shows_no_variables(
    stderr: Log,
    as_json: bool,  # noqa: FBT001
    logger: Callable[[], logging.Logger],
) -> None:
    stderr.configure(as_json=as_json)

    try:
        raise_with_token()
    except ValueError:
        logger().exception("failed")

    text = stderr.text()
    assert "in raise_with_token" in text
    assert "ValueError: the key *** is wrong" in text
    assert "s3cr3t" not in text


def test_a_traceback_on_a_terminal_cannot_forge_a_line(stderr: Log) -> None:
    stderr.configure(as_json=False)

    try:
        raise_with_token()
    except ValueError:
        log().exception("failed")

    text = stderr.text()
    assert "all is well" in text
    assert len([line for line in text.splitlines() if LINE.match(line)]) == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('127.0.0.1:5 - "GET /hooks/new/0a1b2c HTTP/1.1" 200', '127.0.0.1:5 - "GET /hooks/new/*** HTTP/1.1" 200'),
        ("/hooks/new/0a1b2c?email=a@b.ru&secret=x", "/hooks/new/***"),
        ("https://h.example.ru/hooks/new/0a1b2c/ and more", "https://h.example.ru/hooks/new/*** and more"),
        ("//hooks//new//0a1b2c", "//hooks//new//***"),
        ("{'path': '/hooks/new/0a1b2c'}", "{'path': '/hooks/new/***'}"),
        ("/hooks/new", "/hooks/new"),
        ("/api/runs/0a1b2c", "/api/runs/0a1b2c"),
    ],
)
def test_webhook_tokens_are_masked(stderr: Log, text: str, shown: str) -> None:
    stderr.configure()

    logging.getLogger("watched.access").info(text)

    assert stderr.line()["event"] == shown


def test_the_mask_is_asked_anew_for_every_line(stderr: Log) -> None:
    secrets: set[str] = set()

    def mask(text: str) -> str:
        return Mask(secrets)(text)

    stderr.configure(mask=mask)
    logger = log().bind()

    logger.info("a new secret")
    secrets.add("new")
    logger.info("a new secret")

    assert [line["event"] for line in stderr.lines()] == ["a new secret", "a *** secret"]


def test_configuring_again_replaces_what_was_there(stderr: Log) -> None:
    stderr.configure(as_json=False)
    stderr.configure()

    logging.getLogger("watched.library").info("once")

    assert stderr.line()["event"] == "once"


def test_a_line_that_cannot_be_made_is_lost_without_a_leak_or_an_error(stderr: Log) -> None:
    stderr.configure()

    logging.getLogger("careless").info("%d", TOKEN)

    assert stderr.text() == "a log line of careless is lost: <class 'TypeError'>\n"


@pytest.mark.parametrize("fault", [BrokenPipeError, OSError, ValueError])
def test_a_log_that_cannot_be_written_stops_nothing(
    stderr: Log, monkeypatch: pytest.MonkeyPatch, fault: type[Exception]
) -> None:
    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise fault

    monkeypatch.setattr(sys, "stderr", Full())
    stderr.configure()

    log().info("a line")
    logging.getLogger("asyncio").info("a line")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(event=st.text(), value=st.text(), name=st.text(min_size=1), deep=st.lists(st.text()))
def test_no_text_can_break_a_line_of_a_terminal(
    stderr: Log, event: str, value: str, name: str, deep: list[str]
) -> None:
    stderr.configure(as_json=False, mask=Mask())

    log().bind(**{name: value}).info(event.replace("%", ""), value=value, deep=deep, stack=value)

    lines = stderr.text().removesuffix("\n").split("\n")
    assert all(line.isprintable() for line in lines)
    assert LINE.match(lines[0])
    assert all(line.startswith("    ") for line in lines[1:])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(event=st.text(), value=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_a_json_line_gives_back_what_was_logged(stderr: Log, event: str, value: object) -> None:
    stderr.configure(mask=Mask())

    log().info(event, value=value)

    line = stderr.line()
    assert (line["event"], line["value"]) == (event, value)
