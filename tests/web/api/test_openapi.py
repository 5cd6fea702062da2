"""The API does what its OpenAPI document says, whatever it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, positive_data_acceptance
from schemathesis.specs.openapi.schemas import OpenApiSchema

from jackfield.web.api.application import api_endpoints
from jackfield.web.api.endpoint import Endpoint
from jackfield.web.app import TOKEN_FILE
from tests.processes import ServedHost, make_served_project, send, served

TEXT = """\
[source]
use = "getcourse.user_created"
[[steps]]
use = "compose.json"
value = { id = "{{ $.event.id }}" }
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedHost]:
    with served(make_served_project(tmp_path_factory.mktemp("host"), {"x": TEXT})) as found:
        assert send(found.project, id="7") == 200
        yield found


def bearer(host: ServedHost) -> dict[str, str]:
    token = (host.project.var / TOKEN_FILE).read_text(encoding="ascii").strip()
    return {"authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def document(host: ServedHost) -> OpenApiSchema:
    address = f"{host.project.settings.local_url}/api/v1/openapi.json"
    return schemathesis.openapi.from_url(address, headers=bearer(host))


def there(host: ServedHost, operation: Endpoint) -> dict[str, str]:
    """Say what the parameters of an operation's path are called where there is something of that name."""
    address, headers = f"{host.project.settings.local_url}/api/v1", bearer(host)
    run = host.api("/runs")["runs"][-1]["id"]
    match operation.path.split("/")[1]:
        case "runs":
            return {"id": run}
        case "jobs":
            made = httpx.post(f"{address}/jobs", json={"deed": "replay", "runs": [run]}, headers=headers)
            return {"id": made.json()["id"]}
        case "users":
            user = {"name": "somebody", "password": "correct horse battery", "role": "viewer"}
            assert httpx.post(f"{address}/users", json=user, headers=headers).status_code in {201, 409}
            return {"name": "somebody"}
        case "secrets":
            return {"name": "KEY"}
        case "plugins":
            return {"module": "jackfield_compose"}
    return {"id": "x", "version": host.api("/pipelines/x/versions")[0]["id"]}


@pytest.mark.parametrize("operation", api_endpoints(), ids=lambda operation: operation.name)
def test_every_answer_is_what_the_document_says(operation: Endpoint, document: OpenApiSchema, host: ServedHost) -> None:
    """Half of the time of what is there, and half of the time in a wrong way.

    The token that asks is the host's own, which no operation can take away.
    """
    names, described = there(host, operation), document[operation.path][operation.method]
    # What is wrong may be no more than the token, which is put right here, or an empty list, which is not sent at all.
    excluded: list[Any] = [ignored_auth, positive_data_acceptance, negative_data_rejection]
    wrong = described.as_strategy(generation_mode=GenerationMode.NEGATIVE)

    @given(case=described.as_strategy() | wrong, real=st.booleans())
    @settings(max_examples=25, suppress_health_check=[*HealthCheck])
    def answers(case: Case[Any], *, real: bool) -> None:
        if case.headers:
            case.headers.clear()  # no operation reads one, and some that are made up are no HTTP
        if real and case.path_parameters:
            case.path_parameters.update({name: names[name] for name in operation.path_parameters})
        case.call_and_validate(headers=bearer(host), excluded_checks=excluded)

    answers()


@pytest.mark.parametrize("operation", api_endpoints(), ids=lambda operation: operation.name)
def test_nothing_is_answered_without_a_token(operation: Endpoint, host: ServedHost) -> None:
    address = f"{host.project.settings.local_url}/api/v1{operation.path}"
    assert httpx.request(operation.method, address).status_code == 401
    assert httpx.request(operation.method, address, headers={"authorization": "Bearer x"}).status_code == 401


def test_the_document_is_for_those_with_a_token(host: ServedHost) -> None:
    address = f"{host.project.settings.local_url}/api/v1/openapi.json"
    assert httpx.get(address).status_code == 401
    document = httpx.get(address, headers=bearer(host)).json()
    assert document["openapi"] == "3.1.0"
    assert all(operation["summary"] for path in document["paths"].values() for operation in path.values())


def test_a_parameter_that_is_given_twice_is_refused(host: ServedHost) -> None:
    answer = httpx.get(f"{host.project.settings.local_url}/api/v1/runs?limit=1&limit=2", headers=bearer(host))
    assert (answer.status_code, answer.json()) == (422, {"error": "limit is given more than once"})
