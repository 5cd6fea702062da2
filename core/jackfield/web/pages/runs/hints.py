"""What to do about an error: a few words for each kind of it."""

from __future__ import annotations

import re
from typing import Final

from jackfield.i18n.translations import noop
from jackfield.journal.records import Attempt, Outcome, State
from jackfield.journal.views import RunView

_BY_STATUS: Final = {
    400: noop("The service does not accept the data. Its answer usually says which field is wrong."),
    401: noop("The service does not know this key or password. Check the secret that the step uses, then replay."),
    403: noop("The service knows who asks but does not allow it. Check the rights of the key, then replay."),
    404: noop("There is nothing at this address. Check the address of the step and the ids in it."),
    405: noop("The address does not take this method. Look up in the service's documentation which one it takes."),
    409: noop("The service says that this contradicts what it has, often because the thing is there already."),
    410: noop("There is nothing at this address any more. Look for a newer one in the service's documentation."),
    413: noop("The request is too large for the service. Send less in one step."),
    429: noop("Too many requests. Lower the pipeline's rate or concurrency; attempts go on by themselves."),
}
_REJECTED: Final = _BY_STATUS[400]
_REDIRECT: Final = noop("The service has moved to another address. Put that into the step, or let it follow redirects.")
_SERVER: Final = noop("The service itself has failed. Replay the run when it works again.")
_SERVER_FOR_NOW: Final = noop("The service itself has failed. As long as the run waits, it is tried again by itself.")
_TRACEBACK: Final = noop("The action itself is at fault. Its author can read the details below.")

_BY_WORDS: Final = (
    (re.compile(r"\[http\] allow"), noop("The address is not public. If it is right, allow it in jackfield.toml.")),
    (
        re.compile(r"is blocked|is gone|not in the journal any more|cannot run any more", re.IGNORECASE),
        noop("The pipeline cannot run as it is. Repair it, then replay the run on the current version."),
    ),
    (
        re.compile(r"steps\[[0-9]+\]|selects nothing|undefined|template|must be", re.IGNORECASE),
        noop("The step could not be filled in with this event. Correct the step, or edit the event and replay."),
    ),
    (
        re.compile(r"timed? ?out|no result within|did not answer", re.IGNORECASE),
        noop("The service took too long. If it is always slow, give the step a longer timeout."),
    ),
    (
        re.compile(r"certificate|\bTLS\b|\bSSL\b", re.IGNORECASE),
        noop("The service's certificate cannot be trusted. Check the address and whether the certificate has expired."),
    ),
    (
        re.compile(r"resolve|no address|name or service|getaddrinfo|dns", re.IGNORECASE),
        noop("There is no server of this name. Check the address for misprints."),
    ),
    (
        re.compile(r"connect|unreachable|reached|disconnected|reset", re.IGNORECASE),
        noop("The service cannot be reached. Check the address and the port, and whether the service is up."),
    ),
)

_BY_REFUSAL: Final = {
    400: noop("The request could not be read. Look below at what came in: it is not what this source takes."),
    401: noop("The sender did not prove who it is. Set the same secret in the sender and in the pipeline."),
    404: noop("The token in the address is wrong. Copy the address from the pipeline's page into the sender again."),
    405: noop("The sender used the wrong method. Choose one that the source takes."),
    413: noop("The request was too large. Only its beginning was kept."),
    500: noop("The source itself is at fault. Once its plugin is mended, the request can be accepted."),
}
_NO_EVENT: Final = noop("There was no event in the request, so there was nothing to run.")
_STOPPED: Final = noop("The pipeline was stopped. Start it, then accept the request.")
_NO_SOURCE: Final = noop("The pipeline could not take events. Mend what is wrong on its page, then accept the request.")

_BY_WARNING: Final = (
    (
        re.compile("did not replace the placeholder"),
        noop(
            "The sender put no values there. Check in its settings that names and braces are as on the pipeline's page."
        ),
    ),
)


def warning_hint(warning: str) -> str | None:
    """Say what to do about a run's warning; None if nothing is known about it."""
    return next((hint for pattern, hint in _BY_WARNING if pattern.search(warning)), None)


def attempt_hint(attempt: Attempt) -> str | None:
    """Say what to do about an attempt's error; None if there is none, or nothing is known about it."""
    if not attempt.error:
        return None
    if attempt.traceback:
        return _TRACEBACK
    status = next((exchange.status for exchange in reversed(attempt.exchanges)), None)
    hint = (_status_hint(status) if status else None) or _words_hint(attempt.error)
    return _SERVER_FOR_NOW if hint == _SERVER and attempt.outcome is Outcome.RETRYING else hint


def run_hint(view: RunView) -> str | None:
    """Say what to do about a failed run that has no attempt to show for it."""
    if view.summary.state is not State.FAILED or any(attempt.error for attempt in view.attempts):
        return None
    return _words_hint(view.summary.error or "")


def refusal_hint(status: int, reason: str) -> str | None:
    """Say why a request was refused and what to do; None if nothing is known about it."""
    if status == 503:  # noqa: PLR2004
        return _STOPPED if "stopped" in reason.partition(":")[0] else _NO_SOURCE
    return _NO_EVENT if status == 200 else _BY_REFUSAL.get(status)  # noqa: PLR2004


def _status_hint(status: int) -> str | None:
    families = {3: _REDIRECT, 4: _REJECTED, 5: _SERVER}
    return _BY_STATUS.get(status) or families.get(status // 100)


def _words_hint(error: str) -> str | None:
    return next((hint for pattern, hint in _BY_WORDS if pattern.search(error)), None)
