from pathlib import Path

import pytest

from tests.destinations.kit import Imitation, Received, Reply, failure, pass_event, result, wait


class UnisenderGo(Imitation):
    """A key in a header, JSON, proper HTTP statuses."""

    origins = ("https://go1.unisender.ru",)
    secrets = {"UNISENDER_GO_KEY": "go-api-key"}

    def answer(self, received: Received) -> Reply:
        if received.headers.get("x-api-key") != "go-api-key":
            return Reply.json(401, {"status": "error", "message": "no key"})
        if not received.path.startswith("/ru/transactional/api/v1/"):
            return Reply(404)
        return Reply.json(200, {"status": "success", "emails": [received.json()["message"]["recipients"][0]["email"]]})


def test_a_letter_is_sent(tmp_path: Path) -> None:
    go = UnisenderGo()
    view = pass_event(tmp_path, "unisender-go", go, email="anna@example.ru", first_name="Анна")
    assert result(view)["body"]["emails"] == ["anna@example.ru"]
    [received] = go.received
    assert received.json()["message"]["subject"] == "Welcome, Анна"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
def test_a_refusal_fails_with_its_message(tmp_path: Path, status: int) -> None:
    reply = Reply.json(status, {"status": "error", "message": "не вышло"})
    assert "не вышло" in failure(pass_event(tmp_path, "unisender-go", UnisenderGo(reply)))


def test_a_server_in_trouble_is_tried_again(tmp_path: Path) -> None:
    assert wait(pass_event(tmp_path, "unisender-go", UnisenderGo(Reply(500)))) > 0
