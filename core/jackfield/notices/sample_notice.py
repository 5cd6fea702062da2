"""A test notice, sent through the notifiers to see whether it arrives: for the API and the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from jackfield.components.values import Notice
from jackfield.errors import JackfieldError, NotFound, PluginError, StepFailure
from jackfield.http.client import HttpPool
from jackfield.notices.notifiers import NotifierDefinition, close_notifier, delivered
from jackfield.problems import Problem, did_you_mean
from jackfield.project.settings import SETTINGS_FILE


@dataclass(frozen=True, slots=True)
class NotifierTried:
    """What became of a notice that was sent to try a notifier; `error` is None if it was delivered."""

    name: str
    error: str | None


@dataclass(frozen=True, slots=True)
class NotifiersTried:
    """The same of several; `problems` is what is wrong with those that cannot be used."""

    notifiers: Sequence[NotifierTried]
    problems: Sequence[Problem]


async def try_notifiers(
    definitions: Sequence[NotifierDefinition],
    problems: Sequence[Problem],
    only: str | None,
    notice: Notice,
    http: HttpPool,
) -> NotifiersTried:
    """Send a notice through all notifiers at once, each made for this, or through one.

    Raises `NotFound` if there is none of this name, `JackfieldError` if there are none at all.
    """
    names = [one.kind.name for one in definitions]
    if only is not None and only not in names and not problems:
        raise NotFound(f"{SETTINGS_FILE} has no [notices.{only}]{did_you_mean(only, names)}")
    chosen = [one for one in definitions if only in (None, one.kind.name)]
    if not chosen and not problems:
        raise JackfieldError(f"nobody is told anything: write a table such as [notices.email] into {SETTINGS_FILE}")
    errors = await asyncio.gather(*(_tried(one, notice, http) for one in chosen))
    tried = [NotifierTried(one.kind.name, error) for one, error in zip(chosen, errors, strict=True)]
    return NotifiersTried(tried, problems)


async def _tried(definition: NotifierDefinition, notice: Notice, http: HttpPool) -> str | None:
    try:
        notifier = definition.make(http)
    except PluginError as error:
        return str(error)
    try:
        await delivered(notifier, notice)
    except StepFailure as failure:
        return definition.mask(f"not delivered: {failure}")
    else:
        return None
    finally:
        await close_notifier(definition.kind.name, notifier)
