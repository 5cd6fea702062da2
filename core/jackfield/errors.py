"""Every exception that Jackfield lets others see.

    JackfieldError
    ├── ConfigurationError      the project folder says something that cannot be carried out
    ├── TemplateError           a template cannot be compiled, or rendered for this event
    ├── PluginError             a plugin cannot be imported or registered
    ├── RequestRefused          a source turns a request down
    │   ├── Unauthorized        the sender has not shown that it is the sender (401)
    │   └── Malformed           the request cannot be read (400)
    ├── StepFailure             an action could not do its work
    │   ├── TemporaryFailure    ... now; it is worth another attempt
    │   │   └── LoopHeld        it kept the event loop to itself and was interrupted
    │   └── PermanentFailure    ... and trying again would change nothing
    │       └── Quarantined     the host died of the run too often
    ├── Skip                    an action ends the run without an error
    ├── DestinationRefused      the address guard does not let a request out
    ├── BadRequest              a program asks the API for what it cannot be asked (422)
    └── JournalError            the journal cannot do what was asked
        ├── JournalUnavailable  it cannot be read or written at the moment
        │   ├── JournalLost     ... for its files were taken away from under the host
        │   └── JournalDamaged  ... for what is in the file is not what was written
        ├── LeaseLost           the run is no longer this worker's
        ├── NotFound            there is no such run, version or step
        └── NotStanding         nothing is left to do about a failed run

A message is one readable sentence: where, what, and what to do about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from jackfield.problems import Problem


class JackfieldError(Exception):
    """The root of all of them."""


class JackfieldDeprecationWarning(DeprecationWarning):
    """A plugin uses a name or a hook by what it was called before; the message says what to use now."""


class ConfigurationError(JackfieldError):
    """The project folder cannot be used as it is; `problems` lists every mistake that was found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class TemplateError(JackfieldError):
    """A template cannot be compiled or rendered.

    `where` is the key path of the option (`steps[0].url`), empty where that is not known; `what` is the rest.
    """

    def __init__(self, what: str, where: str = "") -> None:
        super().__init__(f"{where}: {what}" if where else what)
        self.what = what
        self.where = where


class PluginError(JackfieldError):
    """A plugin cannot be imported, or registers something that cannot be used."""


class RequestRefused(JackfieldError):  # noqa: N818 - the word is the event, not the fault
    """A source turns a request down. Raise one of the two below."""


class Unauthorized(RequestRefused):
    """Raised by `verify()`: the request does not prove that it comes from the sender. Answered with 401."""


class Malformed(RequestRefused):
    """Raised by `parse()`: the request cannot be read as events. Answered with 400."""


class StepFailure(JackfieldError):  # noqa: N818 - as above
    """An action could not do its work. Raise one of the two below."""


class TemporaryFailure(StepFailure):
    """Raised by an action: the attempt failed, another one may succeed.

    `retry_after` is what the destination asked for: the next attempt is not made earlier (but a step's
    `longest_wait` caps it).
    """

    def __init__(self, reason: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class LoopHeld(TemporaryFailure):
    """The host, not an action, has interrupted an attempt that held up the event loop. A second time is permanent."""


class PermanentFailure(StepFailure):
    """Raised by an action: the attempt failed and repeating it would change nothing."""


class Quarantined(PermanentFailure):
    """The host, not an action, gives up a run: the process died of it too often. It fails whatever its `on_error`."""


class Skip(JackfieldError):  # noqa: N818 - as above
    """Raised by an action: this run ends here, on purpose and without an error, with the reason given."""


class DestinationRefused(JackfieldError):  # noqa: N818 - as above
    """The address guard does not let a request go to this address; the message says how to allow it."""


class BadRequest(JackfieldError):  # noqa: N818 - the protocol's word
    """The parameters or the body of a request are not what the API takes. Answered with 422."""


class JournalError(JackfieldError):
    """The journal cannot do what was asked."""


class JournalUnavailable(JournalError):  # noqa: N818 - as above
    """The journal cannot be read or written at the moment: disk full, file locked, file gone."""


class JournalLost(JournalUnavailable):
    """The journal's files were deleted, moved away or replaced while the host had them open."""


class JournalDamaged(JournalUnavailable):
    """What is in the journal's file is not what was written into it."""


class LeaseLost(JournalError):  # noqa: N818 - as above
    """The run was taken away from this worker (cancelled, or given to another): it must do nothing more."""


class NotFound(JournalError):  # noqa: N818 - as above
    """There is no run, version, step or refused request of this name."""


class NotStanding(JournalError):  # noqa: N818 - as above
    """Nothing is left to do about a failed run: it was repaired or set aside, or a replay of it is under way."""
