"""Sequences of API calls that schemathesis makes up from the OpenAPI document, against a host that serves."""

from __future__ import annotations

import tempfile
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Final

import psutil
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis.errors import Flaky
from schemathesis import Case, Response
from schemathesis.checks import not_a_server_error
from schemathesis.generation.stateful import APIStateMachine
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from jackfield.web.app import TOKEN_FILE
from tests.fuzz.corpus import MOST_GROWTH
from tests.processes import make_served_project, send, served

_PIPELINE: Final = (
    '[source]\nuse = "getcourse.user_created"\n[[steps]]\nuse = "compose.json"\nvalue = { id = "{{ $.event.id }}" }\n'
)
_SEQUENCES: Final = 20
_CALLS: Final = 8
_LONGEST: Final = 5.0
"""Seconds that an answer may take: some operations run a step or wait for a lock."""
_SETTINGS: Final = settings(
    max_examples=_SEQUENCES,
    stateful_step_count=_CALLS,
    deadline=None,
    database=None,
    suppress_health_check=[*HealthCheck],
)


def fuzz_api(minutes: float) -> str:
    """Call a host for so many minutes; say what is wrong, or how many sequences of calls there were."""
    end = time.monotonic() + minutes * 60
    folder = Path(tempfile.mkdtemp(prefix="fuzz-api-"))
    with served(make_served_project(folder, {"x": _PIPELINE})) as host:
        assert send(host.project, id="7") == 200
        wrong: list[str] = []
        token = (host.project.var / TOKEN_FILE).read_text(encoding="ascii").strip()
        machine = _machine(host.project.settings.local_url, token, wrong)
        process = psutil.Process(host.process.pid)
        before = 0
        for number in count(1):
            with suppress(Flaky):  # what the host answers depends on what was done before, which a repetition is not
                machine.run(settings=_SETTINGS)
            grown = process.memory_info().rss - (before or process.memory_info().rss)
            before = before or process.memory_info().rss  # after the first round, in which everything is loaded
            if wrong:
                return "\n".join((f"api: FAILED in round {number}", *dict.fromkeys(wrong)))
            if grown > MOST_GROWTH:
                return f"api: FAILED: the host grew by {grown // 1024 // 1024} MB within {number} rounds"
            if time.monotonic() > end:
                return f"api: {number * _SEQUENCES} sequences of up to {_CALLS} calls; grew by {grown // 1024} KB"
    raise AssertionError


def _machine(url: str, token: str, wrong: list[str]) -> type[APIStateMachine]:
    """Make a machine that calls and puts what is wrong with the answers into `wrong`."""
    bearer = {"authorization": f"Bearer {token}"}
    schema = schemathesis.openapi.from_url(f"{url}/api/v1/openapi.json", headers=bearer)
    checks = [not_a_server_error, status_code_conformance, response_schema_conformance]

    class Calls(schema.as_state_machine()):  # type: ignore[misc]  # it is made at run time
        def before_call(self, case: Case[Any]) -> None:
            if case.headers:
                case.headers.clear()  # no operation reads one, and some that are made up are no HTTP

        def get_call_kwargs(self, case: Case[Any]) -> dict[str, Any]:
            return {"headers": bearer, "timeout": _LONGEST}

        def validate_response(self, response: Response, case: Case[Any], *_: Any, **__: Any) -> None:
            try:
                case.validate_response(response, checks=checks, headers=bearer)
            except BaseExceptionGroup as error:
                wrong.append("\n".join(map(str, error.exceptions)))
            except AssertionError as error:
                wrong.append(str(error))

    return Calls
