from pathlib import Path

from tests.destinations.kit import Imitation, Received, Reply, failure, pass_event, result


class Salebot(Imitation):
    """The key is in the path; every further parameter is kept as a variable."""

    origins = ("https://chatter.salebot.pro",)
    secrets = {"SALEBOT_KEY": "salebot-api-key"}

    def answer(self, received: Received) -> Reply:
        if received.path != "/api/salebot-api-key/callback":
            return Reply(404, f"no such key: {received.path}".encode())
        return Reply.json(200, {"status": "success"})


def test_the_bot_gets_the_event_and_the_journal_does_not_get_the_key(tmp_path: Path) -> None:
    bot = Salebot()
    view = pass_event(tmp_path, "salebot", bot, salebot_id="77", email="anna@example.ru", first_name="Анна")
    assert result(view)["body"] == {"status": "success"}
    [received] = bot.received
    wanted = {"client_id": "77", "message": "getcourse_user_created", "email": "anna@example.ru", "name": "Анна"}
    assert received.json() == wanted
    [exchange] = view.attempts[-1].exchanges
    assert exchange.url.endswith("/api/***/callback")


def test_an_answer_that_repeats_the_key_is_masked_too(tmp_path: Path) -> None:
    reply = Reply(404, b"no such key: salebot-api-key")
    assert "no such key: ***" in failure(pass_event(tmp_path, "salebot", Salebot(reply)))
