import json
from pathlib import Path

import pytest

from tests.destinations.kit import Imitation, Received, Reply, failure, pass_event, result, wait


def refusal(code: int, description: str, **more: object) -> Reply:
    return Reply.json(code, {"ok": False, "error_code": code, "description": description, **more})


class Telegram(Imitation):
    """The token is in the path, with a colon in it; statuses mirror `error_code`; the wait is in the body."""

    origins = ("https://api.telegram.org",)
    secrets = {"TELEGRAM_TOKEN": "123456:AA-bot_token", "TELEGRAM_CHAT": "-1001234567"}

    def answer(self, received: Received) -> Reply:
        if received.path != "/bot123456:AA-bot_token/sendMessage":
            return refusal(404, "Not Found")
        message = received.json()
        if not message["text"].strip():
            return refusal(400, "Bad Request: message text is empty")
        return Reply.json(200, {"ok": True, "result": {"message_id": 5}})


def test_a_chat_is_told(tmp_path: Path) -> None:
    telegram = Telegram()
    view = pass_event(tmp_path, "telegram", telegram, email="anna@example.ru", first_name="Анна", last_name="<П>")
    assert result(view)["body"]["result"] == {"message_id": 5}
    [received] = telegram.received
    assert json.loads(received.body) == {"chat_id": "-1001234567", "text": "New user: Анна <П>\nanna@example.ru"}


def test_the_wait_that_the_body_asks_for_is_kept(tmp_path: Path) -> None:
    reply = refusal(429, "Too Many Requests: retry after 1500", parameters={"retry_after": 1500})
    view = pass_event(tmp_path, "telegram", Telegram(reply))
    assert 1490 < wait(view) < 1700
    assert "Too Many Requests: retry after 1500" in str(view.summary.error)


def test_a_gateway_that_answers_in_its_place_is_tried_again(tmp_path: Path) -> None:
    assert wait(pass_event(tmp_path, "telegram", Telegram(Reply(502, b"<html>Bad Gateway</html>")))) > 0


@pytest.mark.parametrize(
    ("status", "description"),
    [
        (400, "Bad Request: chat not found"),
        (403, "Forbidden: bot was blocked by the user"),
        (409, "Conflict: terminated by other getUpdates request"),
    ],
)
def test_a_refusal_fails_with_its_description(tmp_path: Path, status: int, description: str) -> None:
    assert description in failure(pass_event(tmp_path, "telegram", Telegram(refusal(status, description))))
