from pathlib import Path

import pytest

from tests.destinations.kit import Imitation, Received, Reply, failure, pass_event, result, wait


class Bitrix(Imitation):
    """An incoming webhook: the secret is in the path, limits are 503 and 429, `error` may be empty."""

    origins = ("https://example.bitrix24.ru",)
    secrets = {"BITRIX_CODE": "n0tmyc0de4you123"}

    def answer(self, received: Received) -> Reply:
        if received.path != "/rest/1/n0tmyc0de4you123/crm.lead.add.json":
            return Reply.json(401, {"error": "NO_AUTH_FOUND", "error_description": "Wrong authorization data"})
        if not received.json()["fields"]["TITLE"]:
            return Reply.json(400, {"error": "", "error_description": "Не заполнено поле"})
        return Reply.json(200, {"result": 3465, "time": {"start": 1.5}})


def test_a_lead_is_added(tmp_path: Path) -> None:
    bitrix = Bitrix()
    view = pass_event(
        tmp_path, "bitrix24", bitrix, email="anna@example.ru", first_name="Анна", last_name="", phone="+79"
    )
    assert result(view)["body"]["result"] == 3465
    [received] = bitrix.received
    assert received.json() == {
        "fields": {
            "TITLE": "GetCourse: anna@example.ru",
            "NAME": "Анна",
            "LAST_NAME": "",
            "EMAIL": [{"VALUE": "anna@example.ru", "VALUE_TYPE": "WORK"}],
            "PHONE": [{"VALUE": "+79", "VALUE_TYPE": "WORK"}],
        }
    }


@pytest.mark.parametrize(
    ("status", "error"), [(503, "QUERY_LIMIT_EXCEEDED"), (429, "OPERATION_TIME_LIMIT"), (503, "OVERLOAD_LIMIT")]
)
def test_a_limit_is_waited_for(tmp_path: Path, status: int, error: str) -> None:
    reply = Reply.json(status, {"error": error, "error_description": "Too many requests"})
    view = pass_event(tmp_path, "bitrix24", Bitrix(reply))
    assert wait(view) > 0
    assert error in str(view.summary.error)


@pytest.mark.parametrize(("status", "error"), [(400, ""), (401, "NO_AUTH_FOUND"), (403, "insufficient_scope")])
def test_a_refusal_fails_with_its_description_even_if_the_error_has_no_name(
    tmp_path: Path, status: int, error: str
) -> None:
    reply = Reply.json(status, {"error": error, "error_description": "Так нельзя"})
    assert "Так нельзя" in failure(pass_event(tmp_path, "bitrix24", Bitrix(reply)))
