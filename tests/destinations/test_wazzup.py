from pathlib import Path

import pytest

from tests.destinations.kit import Imitation, Received, Reply, failure, pass_event, result, wait


class Wazzup(Imitation):
    """A bearer token, JSON, refusals with an empty body or with `error`, `description` and `data`."""

    origins = ("https://api.wazzup24.com",)
    secrets = {"WAZZUP_KEY": "wazzup-api-key", "WAZZUP_CHANNEL": "channel-1"}

    def answer(self, received: Received) -> Reply:
        if received.headers.get("authorization") != "Bearer wazzup-api-key":
            return Reply(401)
        return Reply.json(201, {"messageId": "m-1", "chatId": received.json()["chatId"]})


def test_a_message_is_written_to_the_phone_in_digits(tmp_path: Path) -> None:
    wazzup = Wazzup()
    view = pass_event(tmp_path, "wazzup", wazzup, phone="8 (916) 123-45-67", first_name="Анна")
    assert result(view)["body"]["chatId"] == "79161234567"
    [received] = wazzup.received
    assert received.json() == {
        "channelId": "channel-1",
        "chatType": "whatsapp",
        "chatId": "79161234567",
        "text": "Анна, ваш кабинет готов.",
    }


def test_nothing_is_sent_to_who_has_no_phone(tmp_path: Path) -> None:
    wazzup = Wazzup()
    pass_event(tmp_path, "wazzup", wazzup, phone="")
    assert wazzup.received == []


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refusal_fails_with_its_description(tmp_path: Path, status: int) -> None:
    body = {"error": "INVALID_CHAT", "description": "нет такого чата", "data": {}}
    assert "нет такого чата" in failure(pass_event(tmp_path, "wazzup", Wazzup(Reply.json(status, body)), phone=PHONE))


def test_a_refusal_with_an_empty_body_fails_with_its_status(tmp_path: Path) -> None:
    assert "400" in failure(pass_event(tmp_path, "wazzup", Wazzup(Reply(400)), phone=PHONE))


def test_too_many_requests_are_tried_again(tmp_path: Path) -> None:
    assert wait(pass_event(tmp_path, "wazzup", Wazzup(Reply(429)), phone=PHONE)) > 0


PHONE = "+7 916 123-45-67"
