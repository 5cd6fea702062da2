from pathlib import Path

import pytest

from tests.destinations.kit import Imitation, Received, Reply, failure, pass_event, result, wait


class Unisender(Imitation):
    """The key is in the form, fields have brackets, errors are in a body whose status says nothing."""

    origins = ("https://api.unisender.com",)
    secrets = {"UNISENDER_KEY": "unisender-api-key"}

    def answer(self, received: Received) -> Reply:
        given = dict(received.form())
        if (received.path, received.query) != ("/ru/api/subscribe", "format=json"):
            return Reply(404)
        if given["api_key"] != "unisender-api-key":
            return error("invalid_api_key", "API key is wrong")
        return Reply.json(200, {"result": {"person_id": 2500767342}})


def error(code: str, text: str) -> Reply:
    return Reply.json(200, {"error": text, "code": code})


def test_a_subscriber_is_added(tmp_path: Path) -> None:
    unisender = Unisender()
    view = pass_event(tmp_path, "unisender", unisender, email="anna@example.ru", first_name="Анна")
    assert result(view)["body"] == {"result": {"person_id": 2500767342}}
    assert unisender.received[0].form() == [
        ("api_key", "unisender-api-key"),
        ("list_ids", "134,135"),
        ("double_optin", "3"),
        ("fields[email]", "anna@example.ru"),
        ("fields[Name]", "Анна"),
    ]


@pytest.mark.parametrize("code", ["invalid_api_key", "access_denied", "invalid_arg"])
def test_an_error_in_a_200_fails_with_its_text(tmp_path: Path, code: str) -> None:
    assert failure(pass_event(tmp_path, "unisender", Unisender(error(code, "Не получилось")))).endswith("Не получилось")


@pytest.mark.parametrize("code", ["retry_later", "api_call_limit_exceeded_for_api_key"])
def test_an_error_that_passes_is_tried_again(tmp_path: Path, code: str) -> None:
    view = pass_event(tmp_path, "unisender", Unisender(error(code, "Позже")))
    assert wait(view) > 0
    assert str(view.summary.error).endswith("Позже")


@pytest.mark.parametrize("reply", [Reply(200), Reply(200, b"<html>"), Reply.json(200, []), Reply.json(200, {})])
def test_an_answer_without_a_result_is_no_success(tmp_path: Path, reply: Reply) -> None:
    assert "answered 200" in failure(pass_event(tmp_path, "unisender", Unisender(reply)))
