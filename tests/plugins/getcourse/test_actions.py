from __future__ import annotations

import asyncio
import json
import socket
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import to_json

from jackfield import Action, PermanentFailure, TemporaryFailure
from jackfield.journal.records import State
from jackfield.testing import ActionContract, run_action
from jackfield_getcourse import actions
from jackfield_getcourse.actions import ImportDeal, ImportUser, import_form
from jackfield_getcourse.imports import ImportDealOptions, ImportUserOptions
from tests.support import Plugin, give, serve, until

KEY = "k+/= ключ"
USER = {"email": "anna@example.ru", "first_name": "Анна"}
DONE = {"success": "true", "action": "add", "result": {"success": True, "user_id": 7, "error": "false"}}
BOTH: list[type[Action[Any]]] = [ImportUser, ImportDeal]


class TestImportUser(ActionContract):
    action = ImportUser
    options = {"account": "school", "key": KEY, "user": USER}


class TestImportDeal(ActionContract):
    action = ImportDeal
    options = {"account": "school", "key": KEY, "user": USER, "deal": {"offer_code": "spring"}}


@contextmanager
def school(
    body: Any = DONE, status: int = 200, headers: dict[str, str] | None = None
) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """Imitate GetCourse: one answer to all; a body of None breaks the connection off."""
    seen: list[tuple[str, bytes]] = []

    class School(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            if body is None:
                return
            content = body if isinstance(body, bytes) else to_json(body)
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), School) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", seen
        finally:
            server.shutdown()
            thread.join()


def imported(action: type[Action[Any]], account: str, **more: Any) -> Any:
    deal = {"deal": {"offer_code": "spring"}} if action is ImportDeal else {}
    return run_action(action, {"account": account, "key": KEY, "user": USER} | deal | more)


def sent(form: bytes) -> tuple[dict[str, list[str]], Any]:
    fields = parse_qs(form.decode(), strict_parsing=True)
    return fields, json.loads(b64decode(fields["params"][0], validate=True))


@pytest.mark.parametrize(("action", "path"), [(ImportUser, "/pl/api/users"), (ImportDeal, "/pl/api/deals")])
def test_an_import_is_a_form_with_json_in_base64_and_its_result_is_getcourses(
    action: type[Action[Any]], path: str
) -> None:
    with school() as (account, seen):
        assert imported(action, account, system={"refresh_if_exists": True}) == DONE["result"]
    ((where, form),) = seen
    fields, params = sent(form)
    assert where == path
    assert (fields["action"], fields["key"]) == (["add"], [KEY])
    assert params["user"] == USER
    assert params["system"] == {"refresh_if_exists": 1}
    assert ("deal" in params) is (action is ImportDeal)


def test_empty_values_are_left_out_and_zero_and_false_are_not() -> None:
    options = ImportDealOptions.model_validate(
        {
            "account": "school",
            "key": "k",
            "user": {"email": "a@b.ru", "city": " ", "addfields": {"Цвет": "", "Рост": 0}, "group_name": ["G", ""]},
            "deal": {"deal_cost": 0, "deal_is_paid": False, "deal_comment": "", "manager_email": "m@b.ru"},
        }
    )
    assert sent(import_form(options))[1] == {
        "user": {"email": "a@b.ru", "addfields": {"Рост": 0}, "group_name": ["G"]},
        "deal": {"deal_cost": 0, "deal_is_paid": 0, "manager_email": "m@b.ru"},
    }


def test_a_number_where_getcourse_wants_text_is_written_as_text() -> None:
    table = {"email": "a@b.ru", "phone": 79161234567}
    deal = {"deal_number": 5, "deal_cost": 10.5, "deal_is_paid": "да", "quantity": 2}
    options = ImportDealOptions.model_validate({"account": "s", "key": "k", "user": table, "deal": deal})
    assert sent(import_form(options))[1] == {"user": table | {"phone": "79161234567"}, "deal": deal}


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)


@given(key=_TEXT, fields=st.dictionaries(_TEXT, _TEXT | st.integers(), min_size=1))
def test_what_getcourse_reads_is_what_the_options_say(key: str, fields: dict[str, Any]) -> None:
    options = ImportUserOptions.model_validate({"account": "s", "key": key, "user": {"addfields": fields}})
    read, params = sent(import_form(options))
    assert read["key"] == [key]
    assert params == {"user": {"addfields": fields}}


@pytest.mark.parametrize("user", [{"addfields": {"x": float("nan")}}, {"city": "\ud800"}])
def test_what_json_cannot_hold_fails_for_good(user: dict[str, Any]) -> None:
    with pytest.raises((PermanentFailure, ValidationError)):
        imported(ImportUser, "http://127.0.0.1:1", user=user)


@pytest.mark.parametrize(
    ("account", "origin"),
    [
        ("school", "https://school.getcourse.ru"),
        ("school.getcourse.io", "https://school.getcourse.io"),
        (" online.school.ru/ ", "https://online.school.ru"),
        ("https://school.ru:8443", "https://school.ru:8443"),
    ],
)
def test_a_school_is_named_by_a_word_or_its_domain(account: str, origin: str) -> None:
    assert ImportUserOptions.model_validate({"account": account, "key": "k", "user": USER}).account == origin


@pytest.mark.parametrize("account", ["", "a b", "школа", "school.ru/pl", "https://u:p@school.ru", "ftp://school.ru"])
def test_what_is_no_school_is_an_error(account: str) -> None:
    with pytest.raises(ValidationError, match="is not a school"):
        ImportUserOptions.model_validate({"account": account, "key": "k", "user": USER})


@pytest.mark.parametrize("action", BOTH)
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"success": "false", "error": True, "error_code": 901, "error_message": "no"}, "901.*`key` and `account`"),
        ({"success": False, "error_code": "904"}, "904.*no key arrived"),
        ({"success": 0, "error_code": 905}, "905.*export is running"),
        ({"success": 0, "error_code": 917}, "917.*switch it on"),
        ({"success": False, "error": "Действие запрещено"}, "Действие запрещено, which means: the key may only read"),
        (DONE | {"result": {"success": False, "error": True, "error_message": "Достигнут лимит"}}, "quota of imports"),
        (DONE | {"result": {"success": "true", "error": "true", "error_message": "Плохо\n"}}, "import: Плохо$"),
        (DONE | {"result": {"success": 1, "error": 1, "error_message": "x" * 1000}}, "1000 characters"),
        (b"", "answered nothing: the school's plan"),
        (b"<!DOCTYPE html><p>hello", "a web page"),
    ],
)
def test_a_refusal_with_status_200_fails_for_good_and_says_what_to_do(
    action: type[Action[Any]], body: Any, message: str
) -> None:
    with school(body) as (account, _), pytest.raises(PermanentFailure, match=message) as caught:
        imported(action, account)
    assert "may have been created" not in str(caught.value)


@pytest.mark.parametrize("action", BOTH)
def test_an_unknown_school_is_said_to_be_one(action: type[Action[Any]]) -> None:
    with school(b"Wrong subdomain", 404) as (account, _), pytest.raises(PermanentFailure, match="no such school"):
        imported(action, account)


@pytest.mark.parametrize("action", BOTH)
@pytest.mark.parametrize("status", [301, 302])
def test_a_redirect_is_not_followed_and_names_the_domain_to_use(action: type[Action[Any]], status: int) -> None:
    location = {"location": "https://online.school.ru/pl/api/users"}
    with (
        school(b"", status, location) as (account, seen),
        pytest.raises(PermanentFailure, match=r'"online\.school\.ru"'),
    ):
        imported(action, account)
    assert len(seen) == 1


@pytest.mark.parametrize("action", BOTH)
def test_a_rate_limit_is_temporary(action: type[Action[Any]]) -> None:
    with school({"success": False, "error_code": 903}) as (account, _), pytest.raises(TemporaryFailure, match="903"):
        imported(action, account)
    with school(b"", 429, {"retry-after": "7"}) as (account, _), pytest.raises(TemporaryFailure) as caught:
        imported(action, account)
    assert caught.value.retry_after is not None
    assert caught.value.retry_after.total_seconds() == 7


@pytest.mark.parametrize("action", BOTH)
def test_nobody_there_is_temporary(action: type[Action[Any]]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(TemporaryFailure, match="cannot be reached"):
            imported(action, f"http://127.0.0.1:{closed.getsockname()[1]}")


@pytest.mark.parametrize("action", BOTH)
def test_a_school_whose_name_does_not_resolve_is_temporary_for_an_order_as_well(
    action: type[Action[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(
        TemporaryFailure, match=r"^no-such-school\.getcourse\.ru is not known: its name does not resolve"
    ):
        imported(action, "no-such-school")


@pytest.mark.parametrize(("action", "failure"), [(ImportUser, TemporaryFailure), (ImportDeal, PermanentFailure)])
@pytest.mark.parametrize("begun", [False, True])
def test_a_school_that_does_not_answer_in_time_leaves_an_order_in_doubt(
    action: type[Action[Any]],
    failure: type[Exception],
    begun: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jackfield_getcourse.actions._PATIENCE", 0.2)
    over = threading.Event()

    class Silent(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if begun:
                self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"success"')
            over.wait(20)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Silent) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            with pytest.raises(failure, match=r"GetCourse did not answer within 0\.2 s") as caught:
                imported(action, f"http://127.0.0.1:{server.server_port}")
        finally:
            over.set()
            server.shutdown()
            thread.join()
    assert ("may have been created" in str(caught.value)) == (action is ImportDeal)


def test_the_time_that_an_import_may_take_is_less_than_a_steps() -> None:
    assert actions._PATIENCE < 30  # or the host would cut an import off, and have it tried again


DOUBTFUL = [(b"", 500), (b"<html>", 502), (None, 200), (b'{"success": tr', 200), ({"success": True}, 200), ({}, 200)]


@pytest.mark.parametrize(("body", "status"), DOUBTFUL)
def test_a_doubtful_import_is_repeated_for_a_user_and_never_for_an_order(body: Any, status: int) -> None:
    with school(body, status) as (account, seen):
        with pytest.raises(TemporaryFailure):
            imported(ImportUser, account)
        with pytest.raises(PermanentFailure, match="may have been created, so replay the run only"):
            imported(ImportDeal, account)
    assert len(seen) == 2


def test_the_key_is_in_nothing_that_a_host_keeps_even_if_getcourse_gives_it_back(tmp_path: Path) -> None:
    class Imports(Plugin):
        def __init__(self) -> None:
            super().__init__()
            self.more = [ImportUser]

    async def main(account: str, state: State) -> str:
        step = f'[[steps]]\nuse = "getcourse.import_user"\nname = "i"\naccount = "{account}"\n'
        step += 'key = "{{ secret.GC }}"\nuser = { email = "{{ $.event.email }}" }\n'
        settings = '[server]\nport = 0\n[http]\nallow = ["127.0.0.1"]\n'
        pipelines = {"x": '[source]\nuse = "call"\n' + step}
        async with serve(tmp_path, pipelines, Imports(), settings, f'GC = "{KEY}"\n') as served:
            view = await until(served.host, await give(served.host, {"email": "a@b.ru"}))
            assert view.summary.state is state
            return repr(view)

    echo = {"success": True, "result": {"success": True, "said": f"{KEY} {quote(KEY, safe='')}"}}
    refusal = {"success": False, "error": f"the key {KEY} is bad"}
    for answer, state in ((echo, State.SUCCEEDED), (refusal, State.FAILED)):
        with school(answer) as (account, seen):
            kept = asyncio.run(main(account, state))
        assert quote(KEY, safe="").encode() in seen[0][1]
        assert "key=***&params=" in kept
        assert KEY not in kept
        assert quote(KEY, safe="") not in kept
