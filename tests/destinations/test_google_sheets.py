from pathlib import Path

from tests.destinations.kit import Imitation, Received, Reply, failure, pass_event, result


class AppsScript(Imitation):
    """`doPost` runs, then 302 leads to another address, where only GET is allowed."""

    origins = ("https://script.google.com",)
    secrets = {"APPS_SCRIPT_ID": "AKfycb-deployment", "APPS_SCRIPT_KEY": "word-of-mine"}

    def answer(self, received: Received) -> Reply:
        if received.path == "/macros/s/AKfycb-deployment/exec" and received.method == "POST":
            return Reply(302, b"<html>Moved</html>", {"Location": f"{self.elsewhere}/macros/echo?user_content_key=k"})
        if received.path == "/macros/echo":
            return Reply.json(200, {"row": 5}) if received.method == "GET" else Reply(405)
        return Reply(404)


def test_the_redirect_is_followed_with_get_and_without_the_body(tmp_path: Path) -> None:
    script = AppsScript()
    view = pass_event(tmp_path, "google-sheets", script, email="anna@example.ru", first_name="Анна", phone="")
    assert result(view)["body"] == {"row": 5}
    posted, echoed = script.received
    assert posted.json() == {"key": "word-of-mine", "email": "anna@example.ru", "name": "Анна", "phone": ""}
    assert (echoed.method, echoed.query, echoed.body) == ("GET", "user_content_key=k", b"")
    assert not {"content-type", "idempotency-key"} & echoed.headers.keys()


def test_a_deployment_that_is_gone_fails_for_good(tmp_path: Path) -> None:
    assert "answered 404" in failure(pass_event(tmp_path, "google-sheets", AppsScript(Reply(404, b"<html>"))))
