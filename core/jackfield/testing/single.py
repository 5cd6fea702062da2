"""A single call of an action or a notifier, without a host."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import structlog
from pydantic import JsonValue, TypeAdapter

from jackfield.components.base import Action, Notifier
from jackfield.components.response_template import response_template_options
from jackfield.components.values import JsonObject, Notice, Step
from jackfield.http.client import HttpPool
from jackfield.templates.engine import TemplateEngine

THIS_MACHINE: Final = ("127.0.0.1", "::1", "localhost")

_STEP: Final = Step(run="run-1", pipeline="test", name="step", attempt=1, idempotency_key="run-1/step")
_JSON: Final[TypeAdapter[JsonValue]] = TypeAdapter(JsonValue)


def run_action(
    action: type[Action[Any]],
    options: Mapping[str, object],
    *,
    step: Step = _STEP,
    allow: Sequence[str] = THIS_MACHINE,
    folder: Path = Path(),
) -> JsonValue:
    """Run an action once, as a host would, and return its result. Call it where no event loop is running.

    `options` are what stands in a pipeline's file, rendered. The HTTP client is the real one; its address guard lets
    through what `allow` lists, which is this machine unless you say otherwise. `folder` stands for the project folder,
    in which files that options name have to lie. Raises what the action raises, and
    pydantic's `ValidationError` if the options are wrong or the result is not JSON.
    """
    return asyncio.run(_run(action, options, step, HttpPool(allow=allow, folder=folder)))


async def _run(action: type[Action[Any]], options: Mapping[str, object], step: Step, http: HttpPool) -> JsonValue:
    made = action(http.lend(structlog.get_logger()))
    try:
        result = await made.run(action.Options.model_validate(_with_late(action, options)), step)
    finally:
        await made.close()
        await http.close()
    return _JSON.validate_python(result)


def _with_late(action: type[Action[Any]], options: Mapping[str, object]) -> dict[str, object]:
    """Make late templates ready to be rendered, for a run without secrets whose event is empty."""
    document: JsonObject = {"event": {}, "steps": {}}
    late = {
        name: kind(text).bound(TemplateEngine({}).compile(text, name), document)
        for name, kind in response_template_options(action.Options).items()
        if isinstance(text := options.get(name), str)
    }
    return {**options, **late}


def run_notifier(
    notifier: type[Notifier[Any]],
    options: Mapping[str, object],
    notice: Notice,
    *,
    allow: Sequence[str] = THIS_MACHINE,
    folder: Path = Path(),
) -> None:
    """Deliver a notice once, as a host would. Call it where no event loop is running; raises what the notifier raises.

    `options` are what stands in the notifier's table, rendered; `allow` and `folder` are as in `run_action()`.
    """
    asyncio.run(_deliver(notifier, options, notice, HttpPool(allow=allow, folder=folder)))


async def _deliver(
    notifier: type[Notifier[Any]], options: Mapping[str, object], notice: Notice, http: HttpPool
) -> None:
    context = http.lend(structlog.get_logger())
    made = notifier(notifier.Options.model_validate(dict(options)), context)
    try:
        await made.notify(notice)
    finally:
        await made.close()
        await http.close()
