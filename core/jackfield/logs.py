"""The host's log: structlog, one renderer for everybody's lines, and no secret in any of them."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TextIO

import structlog
from structlog.processors import JSONRenderer, TimeStamper, add_log_level, format_exc_info
from structlog.stdlib import ProcessorFormatter, add_logger_name
from structlog.typing import EventDict, Processor, WrappedLogger

_TALKATIVE: Final = ("httpx", "httpcore", "uvicorn", "watchfiles")
"""Loggers whose lines below WARNING show URLs and headers, or come by the hundred."""

_WEBHOOK: Final = re.compile(r"(/hooks/+[^/\s\"']+/+)[^\s\"']+")
_BLOCKS: Final = frozenset({"exception", "stack"})
"""Keys whose values the terminal's renderer puts on lines of their own."""
_MASK: Final = "_mask"
"""The key under which a task's own mask travels; it is in no line."""
_INDENT: Final = "    "


def configure_logs(*, level: str, json: bool, mask: Callable[[str], str]) -> None:
    """Send every line, the standard library's loggers included, to stderr: as JSON, or for a terminal.

    `mask` is called for each string of a line, so pass one that knows the secrets of the moment. Calling this again
    replaces what was configured before. A line below `level` costs no more than the call; one that cannot be
    written (the disk is full, the pipe is closed) is lost and raises nothing.
    """
    structlog.configure(
        processors=[ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = _Handler(sys.stderr)
    handler.setFormatter(ProcessorFormatter(processors=_processors(json=json, mask=mask)))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def mask_lines(mask: Callable[[str], str]) -> None:
    """Have the lines of this task, and of tasks that it starts, masked by this as well. The last call counts."""
    structlog.contextvars.bind_contextvars(**{_MASK: mask})


def _processors(*, json: bool, mask: Callable[[str], str]) -> list[Processor]:
    gathered: list[Processor] = [
        add_logger_name,
        ProcessorFormatter.remove_processors_meta,
        structlog.contextvars.merge_contextvars,
        format_exc_info,
        _Cleaner(mask),
    ]
    stamped: list[Processor] = [add_log_level, TimeStamper(fmt="iso", utc=True)]
    if json:
        return [*gathered, *stamped, JSONRenderer()]
    plain = structlog.dev.plain_traceback  # the default one shows variables, and so secrets
    console = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)
    return [*gathered, _without_new_lines, *stamped, console]


class _Handler(logging.StreamHandler[TextIO]):
    """Writes lines. Where the standard library would print one that failed unmasked, this says only that it failed."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        with suppress(OSError, ValueError):
            self.stream.write(f"a log line of {record.name} is lost: {sys.exc_info()[0]}\n")


@dataclass(frozen=True, slots=True)
class _Cleaner:
    """Masks secrets and webhook tokens in every string of a line, at any depth; other objects become strings."""

    mask: Callable[[str], str]

    def __call__(self, _logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        own: Callable[[str], str] | None = line.pop(_MASK, None)
        cleaner = self if own is None else _Cleaner(lambda text: self.mask(own(text)))
        return {cleaner.text(key): cleaner.cleaned(value) for key, value in line.items()}

    def cleaned(self, value: object) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.cleaned(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.cleaned(item) for item in value]
        return self.text(str(value))

    def text(self, value: str) -> str:
        return _WEBHOOK.sub(r"\1***", self.mask(value))


def _without_new_lines(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Show what would begin a new line or move the cursor as an escape, so that no text can pass for a line.

    Only tracebacks keep their lines, indented, for a line of the log begins at the margin. Values inside of
    collections need nothing: the renderer shows their `repr()`.
    """
    return {_visible(key): _indented(value) if key in _BLOCKS else _shown(value) for key, value in line.items()}


def _indented(value: object) -> str:
    return "\n".join(_INDENT + _visible(part) for part in str(value).split("\n"))


def _shown(value: object) -> object:
    return _visible(value) if isinstance(value, str) else value


def _visible(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
