import base64
import json
from pathlib import Path

import pytest

from tests.destinations.kit import Imitation, Received, Reply, failure, pass_event, result, wait


class GetCourse(Imitation):
    """The import: a form with Base64 of JSON in it; errors come as 200, at two levels."""

    origins = ("https://example.getcourse.ru",)
    secrets = {"GETCOURSE_KEY": "getcourse-api-key"}

    def answer(self, received: Received) -> Reply:
        if received.path != "/pl/api/users":
            return Reply(200, b"<html>", {"Content-Type": "text/html"})
        given = dict(received.form())
        if (given["action"], given["key"]) != ("add", "getcourse-api-key"):
            return Reply.json(200, {"success": False, "error": "Неверный ключ"})
        user = json.loads(base64.b64decode(given["params"], validate=True))["user"]
        done = {"success": True, "user_id": 17, "user_status": "added", "error": False, "error_message": ""}
        return Reply.json(200, {"success": "true", "action": "add", "result": done | {"email": user["email"]}})


def test_a_user_is_imported(tmp_path: Path) -> None:
    getcourse = GetCourse()
    values = {"email": "anna@example.ru", "first_name": "Анна>>>", "last_name": "Ё???", "phone": ""}
    assert result(pass_event(tmp_path, "getcourse-import", getcourse, **values))["body"]["result"]["user_id"] == 17
    params = dict(getcourse.received[0].form())["params"]
    assert json.loads(base64.b64decode(params, validate=True)) == {
        "user": {**values, "group_name": ["From the other school"]},
        "system": {"refresh_if_exists": 1},
    }


@pytest.mark.parametrize(
    "answer",
    [
        {"success": False, "error": "Действие запрещено"},
        {"success": "false", "error": True, "result": {"error_message": "Действие запрещено"}},
        {"success": True, "result": {"success": False, "error": True, "error_message": "Действие запрещено"}},
        {"success": "true", "result": {"error": "true", "error_message": "Действие запрещено"}},
        {"success": 1, "result": {"error": 1, "error_message": "Действие запрещено"}},
    ],
)
def test_an_error_at_either_level_of_a_200_fails_with_its_text(tmp_path: Path, answer: object) -> None:
    view = pass_event(tmp_path, "getcourse-import", GetCourse(Reply.json(200, answer)))
    assert failure(view).endswith("answered 200: Действие запрещено")


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(200), "answered 200"),
        (Reply(200, b"<html>", {"Content-Type": "text/html"}), "answered 200"),
        (Reply(404, b"Wrong subdomain"), "Wrong subdomain"),
        (Reply(302, b"", {"Location": "https://school.example.ru/pl/api/users"}), "school.example.ru"),
    ],
)
def test_an_answer_that_is_no_json_is_no_success(tmp_path: Path, reply: Reply, words: str) -> None:
    assert words in failure(pass_event(tmp_path, "getcourse-import", GetCourse(reply)))


def test_a_server_in_trouble_is_tried_again(tmp_path: Path) -> None:
    assert wait(pass_event(tmp_path, "getcourse-import", GetCourse(Reply(503)))) > 0
