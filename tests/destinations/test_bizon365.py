from pathlib import Path

from tests.destinations.kit import Imitation, Received, Reply, failure, pass_event, result, wait

BOM = b"\xef\xbb\xbf"


class Bizon(Imitation):
    """API v1: a token in a header, a form, JSON that begins with a byte order mark."""

    origins = ("https://online.bizon365.ru",)
    secrets = {"BIZON_TOKEN": "bizon-token"}

    def answer(self, received: Received) -> Reply:
        if received.headers.get("x-token") != "bizon-token":
            return Reply(401, b"no token")
        if (received.method, received.path) != ("POST", "/api/v1/course/student/add"):
            return Reply(404, b"no such method")
        return Reply(200, BOM + b'{"added": true}', {"Content-Type": "application/json"})


def test_a_student_is_added_and_the_answer_is_read_despite_its_byte_order_mark(tmp_path: Path) -> None:
    bizon = Bizon()
    view = pass_event(tmp_path, "bizon365-v1", bizon, email="a+b@example.ru", first_name="Анна", last_name="П&Ф")
    assert result(view)["body"] == {"added": True}
    [received] = bizon.received
    assert received.form() == [("email", "a+b@example.ru"), ("username", "Анна П&Ф")]


def test_what_bizon_refuses_fails_with_its_text(tmp_path: Path) -> None:
    view = pass_event(tmp_path, "bizon365-v1", Bizon(Reply(400, "нет такого курса".encode())))
    assert "answered 400: нет такого курса" in failure(view)


def test_bizon_that_is_down_is_tried_again(tmp_path: Path) -> None:
    assert wait(pass_event(tmp_path, "bizon365-v1", Bizon(Reply(502, b"<html>")))) > 0


class BizonTasks(Bizon):
    """API v2: JSON, nested; the answer is a task, whose status is to be asked for."""

    status = "done"

    def answer(self, received: Received) -> Reply:
        if (received.method, received.path) == ("POST", "/api/v2/my-project/student/grantAccess"):
            return Reply(200, BOM + b'{"taskId": "t-1"}', {"Content-Type": "application/json"})
        if (received.path, received.query) == ("/api/v2/my-project/student/checkTaskStatus", "taskId=t-1"):
            return Reply.json(200, {"status": self.status})
        return Reply(404, b"no such method")


def test_access_is_granted_to_a_student_made_of_flat_fields(tmp_path: Path) -> None:
    bizon = BizonTasks()
    values = {
        "email": "anna@example.ru",
        "first_name": "Анна",
        "last_name": "",
        "phone": "+79161234567",
        "city": "Омск",
    }
    assert result(pass_event(tmp_path, "bizon365-v2", bizon, **values))["body"] == {"status": "done"}
    student = {"email": "anna@example.ru", "username": "Анна", "phone": "+79161234567", "city": "Омск"}
    granted, asked = bizon.received
    assert granted.json() == {"autoCreate": True, "students": [student]}
    assert (asked.method, asked.body) == ("GET", b"")


def test_a_task_that_is_not_done_is_asked_for_again_later(tmp_path: Path) -> None:
    bizon = BizonTasks()
    bizon.status = "processing"
    view = pass_event(tmp_path, "bizon365-v2", bizon)
    assert wait(view) > 0
    assert [attempt.step for attempt in view.attempts] == ["grant_access", "wait_for_the_task"]


def test_a_task_that_failed_fails_the_run(tmp_path: Path) -> None:
    bizon = BizonTasks()
    bizon.status = "error"
    assert '{"status": "error"}' in failure(pass_event(tmp_path, "bizon365-v2", bizon))
