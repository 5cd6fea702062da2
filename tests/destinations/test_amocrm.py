from pathlib import Path

from tests.destinations.kit import Imitation, Received, Reply, failure, pass_event, result, wait


class AmoCrm(Imitation):
    """API v4: an array of leads, `hal+json`, errors as `problem+json`."""

    origins = ("https://example.amocrm.ru",)
    secrets = {"AMOCRM_TOKEN": "amo-token"}

    def answer(self, received: Received) -> Reply:
        if received.headers.get("authorization") != "Bearer amo-token":
            return Reply.json(401, {"title": "Unauthorized", "status": 401}, "application/problem+json")
        if (received.method, received.path) != ("POST", "/api/v4/leads/complex"):
            return Reply(404)
        leads = received.json()
        if not isinstance(leads, list):
            return Reply.json(400, {"title": "Bad Request", "detail": "not an array"}, "application/problem+json")
        made = [{"id": 100 + number, "contact_id": 7} for number, _ in enumerate(leads)]
        return Reply.json(200, made, "application/hal+json")


def test_a_lead_and_its_contact_are_made(tmp_path: Path) -> None:
    crm = AmoCrm()
    view = pass_event(tmp_path, "amocrm", crm, email="anna@example.ru", first_name='Анна "А"')
    assert result(view)["body"] == [{"id": 100, "contact_id": 7}]
    [received] = crm.received
    email = {"field_code": "EMAIL", "values": [{"value": "anna@example.ru", "enum_code": "WORK"}]}
    contact = {"first_name": 'Анна "А"', "custom_fields_values": [email]}
    assert received.json() == [{"name": "GetCourse: anna@example.ru", "_embedded": {"contacts": [contact]}}]


def test_204_without_a_body_is_a_success(tmp_path: Path) -> None:
    assert result(pass_event(tmp_path, "amocrm", AmoCrm(Reply(204))))["body"] is None


def test_a_refused_lead_fails_with_what_is_wrong_with_it(tmp_path: Path) -> None:
    errors = [{"request_id": "0", "errors": [{"code": "NotSupportedChoice", "path": "name", "detail": "Не то"}]}]
    problem = {
        "validation-errors": errors,
        "title": "Bad Request",
        "status": 400,
        "detail": "Request validation failed",
    }
    view = pass_event(tmp_path, "amocrm", AmoCrm(Reply.json(400, problem, "application/problem+json")))
    assert '"path": "name", "detail": "Не то"' in failure(view)


def test_too_many_requests_are_tried_again_although_the_answer_is_no_json(tmp_path: Path) -> None:
    view = pass_event(
        tmp_path, "amocrm", AmoCrm(Reply(429, b"Too Many Requests", {"Content-Type": "application/json"}))
    )
    assert wait(view) > 0
    assert "429" in str(view.summary.error)


def test_an_account_that_is_not_paid_fails_for_good(tmp_path: Path) -> None:
    assert "answered 402" in failure(pass_event(tmp_path, "amocrm", AmoCrm(Reply(402, b"Payment Required"))))
