import json
from pathlib import Path

import pytest

from jackfield.journal.records import State
from tests.destinations.kit import Imitation, Received, Reply, failure, pass_event, result, wait

TOKEN = "/oauth/access_token"
BOOK = "/addressbooks/123456/emails"


class SendPulse(Imitation):
    """A token for the client's id and secret, which may be withdrawn; JSON in a string inside of JSON."""

    origins = ("https://api.sendpulse.com",)
    secrets = {"SENDPULSE_ID": "c1ient-id", "SENDPULSE_SECRET": "c1ient-s3cret"}

    def __init__(self, *troubles: Reply, refuses: int = 0) -> None:
        super().__init__(*troubles)
        self.given = 0
        self.refuses = refuses

    @property
    def token(self) -> str:
        return f"t0ken-{self.given}"

    def answer(self, received: Received) -> Reply:
        if received.path == TOKEN:
            return self._login(dict(received.form()))
        if received.headers.get("authorization") != f"Bearer {self.token}" or self.given <= self.refuses:
            return Reply.json(401, {"error": "invalid_token", "message": "The access token expired"})
        if received.path != BOOK:
            return Reply.json(404, {"error_code": 404, "message": "Not Found"})
        emails = json.loads(received.json()["emails"])
        return Reply.json(200, {"result": all(entry["email"] for entry in emails)})

    def _login(self, form: dict[str, str]) -> Reply:
        known = {"grant_type": "client_credentials", "client_id": "c1ient-id", "client_secret": "c1ient-s3cret"}
        if form != known:
            return Reply.json(401, {"error": "invalid_client"})
        self.given += 1
        return Reply.json(200, {"access_token": self.token, "token_type": "Bearer", "expires_in": 3600})


def test_a_subscriber_is_added_with_a_token(tmp_path: Path) -> None:
    pulse = SendPulse()
    view = pass_event(tmp_path, "sendpulse", pulse, email="anna@example.ru", first_name='Анна "Аня"', phone="")
    assert result(view)["body"] == {"result": True}
    login, received = pulse.received
    assert (login.path, received.path) == (TOKEN, BOOK)
    [entry] = json.loads(received.json()["emails"])
    assert entry == {"email": "anna@example.ru", "variables": {"name": 'Анна "Аня"', "phone": ""}}
    assert pulse.token not in repr(view)


def test_a_token_that_has_expired_is_renewed_and_the_request_repeated(tmp_path: Path) -> None:
    pulse = SendPulse(refuses=1)
    assert pass_event(tmp_path, "sendpulse", pulse).summary.state is State.SUCCEEDED
    assert [received.path for received in pulse.received] == [TOKEN, BOOK, TOKEN, BOOK]
    assert pulse.received[1].body == pulse.received[3].body


def test_a_token_that_is_refused_twice_fails(tmp_path: Path) -> None:
    pulse = SendPulse(refuses=9)
    assert "answered 401" in failure(pass_event(tmp_path, "sendpulse", pulse))
    assert len(pulse.received) == 4


def test_a_wrong_secret_fails_with_the_reason(tmp_path: Path) -> None:
    pulse = SendPulse(Reply.json(401, {"error": "invalid_client", "message": "Client authentication failed"}))
    reason = failure(pass_event(tmp_path, "sendpulse", pulse))
    assert "the token endpoint 127.0.0.1 answered 401: invalid_client" in reason


def test_a_result_that_is_false_fails(tmp_path: Path) -> None:
    assert "success_when" in failure(pass_event(tmp_path, "sendpulse", SendPulse(), email=""))


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_is_tried_again(tmp_path: Path, status: int) -> None:
    assert wait(pass_event(tmp_path, "sendpulse", SendPulse(Reply(status)))) > 0
