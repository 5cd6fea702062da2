"""The first start, logging in and out, and what becomes of those who guess."""

from __future__ import annotations

import asyncio
import re
import threading
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from jackfield.access.users import Role, User, Users
from jackfield.web.auth.first_user import FirstLink
from jackfield.web.auth.password_check import AT_ONCE, MOST_WAITING, PasswordChecker, TooMany, client_address
from jackfield.web.auth.session import SESSION_COOKIE
from jackfield.web.auth.throttle import BY_ADDRESS, BY_NAME, MOST_KEYS, Throttle
from jackfield.web.server.serving import Served
from tests.support import serve, steps
from tests.web.site import PASSWORD, Visitor, visitor

X = {"x": steps('do = "say"')}
NEW = {"name": "anna", "password": PASSWORD, "again": PASSWORD}


def link(served: Served) -> str:
    path = served.first.path
    assert path is not None
    return path


def test_who_has_the_link_of_the_first_start_makes_the_operator_and_is_logged_in(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, X) as served, visitor(served, None) as person:
            path = link(served)
            assert served.first_urls() == [served.url + path]
            assert len(path) > 40
            assert "Choose the name and password" in (await person.get(path)).text
            assert (await person.get(path)).status_code == 200, "a preview of the link does not use it up"
            made = await person.post(path, NEW, seen_on=path)
            assert (made.status_code, made.headers["location"]) == (303, "/")
            assert "anna" in (await person.get("/")).text
            [user] = Users(served.host.project.var).all()
            assert (user.name, user.role) == ("anna", Role.OPERATOR)
            assert served.first_urls() == []
            for answer in (await person.get(path), await person.post(path, NEW, seen_on="/")):
                assert (answer.status_code, "There is no such page" in answer.text) == (404, True)

    asyncio.run(main())


def test_a_mistake_at_the_first_start_is_said_and_uses_nothing_up(tmp_path: Path) -> None:
    mistakes = {
        "The two passwords are not the same.": {"again": "something else"},
        "A password has 10 characters or more": {"password": "short", "again": "short"},
        "A name has letters, digits": {"name": "<script>alert(1)</script>"},
    }

    async def main() -> None:
        async with serve(tmp_path, X) as served, visitor(served, None) as person:
            path = link(served)
            for complaint, wrong in mistakes.items():
                answer = await person.post(path, {**NEW, **wrong}, seen_on=path)
                assert (answer.status_code, complaint in answer.text) == (422, True)
                assert "<script>alert" not in answer.text
                assert PASSWORD not in answer.text
            assert Users(served.host.project.var).all() == []
            assert link(served) == path

    asyncio.run(main())


def test_another_link_than_the_one_of_this_start_opens_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, X) as served, visitor(served, None) as person:
            path = link(served)
            wrong = (
                path[:-1],
                path + "x",
                "/first/x",
                "/first/%00",
                "/first/%ff",
                "/first/",
                FirstLink(Users(tmp_path)).path or "",
            )
            pages = {re.sub(r'value="[^"]*"', "", (await person.get(one)).text) for one in wrong}
            assert len(pages) == 1, "the same answer for all"
            for one in wrong:
                assert (await person.get(one)).status_code == 404, one
                assert (await person.post(one, NEW)).status_code in {403, 404}, one
            assert Users(served.host.project.var).all() == []

    asyncio.run(main())


def test_the_link_is_worthless_once_a_user_was_made_elsewhere_and_stays_so(tmp_path: Path) -> None:
    users = Users(tmp_path)
    first = FirstLink(users)
    assert first.path is not None
    token = first.path.rpartition("/")[2]
    assert first.opens(token)
    assert token not in repr(first)
    users.add("anna", PASSWORD, Role.OPERATOR)
    assert not first.opens(token)
    users.remove("anna", even_last=True)
    assert not first.opens(token)
    assert first.path is None
    assert not first.opens("")


def test_while_there_is_no_user_the_login_says_how_one_is_made_and_tells_nothing_else(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, X) as served, visitor(served, None) as person:
            assert (await person.get("/")).headers["location"] == "/login?next=%2F"
            text = (await person.get("/login")).text
            assert "Nobody can log in yet" in text
            assert "jackfield user add NAME" in text
            assert link(served) not in text
            assert str(tmp_path) not in text
            Users(served.host.project.var).add("anna", PASSWORD, Role.OPERATOR)
            assert 'name="password"' in (await person.get("/login")).text

    asyncio.run(main())


def test_a_login_begins_a_new_session_so_that_none_can_be_planted_before(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, X) as served, visitor(served) as operator, visitor(served, None) as victim:
            planted = (await operator.client.get("/login", headers={"cookie": ""})).headers.get("set-cookie", "")
            await victim.get("/login")
            before = victim.client.cookies[SESSION_COOKIE]
            form = re.search(r'name="csrf" value="([^"]+)"', (await victim.get("/login")).text)
            assert form is not None
            login = {"csrf": form[1], "name": "operator", "password": PASSWORD}
            assert (await victim.client.post("/login", data=login)).status_code == 303
            after = victim.client.cookies[SESSION_COOKIE]
            assert after not in (before, planted)
            async with httpx.AsyncClient(base_url=served.url, cookies={SESSION_COOKIE: before}) as attacker:
                assert (await attacker.get("/")).status_code == 303, "what he knows is worth nothing"
            stale = await victim.client.post("/logout", data={"csrf": form[1]})
            assert stale.status_code == 403, "neither is the form's token of before"

    asyncio.run(main())


def test_logging_out_ends_every_copy_of_the_session(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, X) as served, visitor(served) as operator:
            stolen = operator.client.cookies[SESSION_COOKIE]
            async with httpx.AsyncClient(base_url=served.url, cookies={SESSION_COOKIE: stolen}) as thief:
                assert (await thief.get("/")).status_code == 200
                assert (await operator.post("/logout", {}, seen_on="/")).headers["location"] == "/login"
                assert (await operator.get("/")).status_code == 303
                assert (await thief.get("/")).status_code == 303
                login = {"name": "operator", "password": PASSWORD}
                assert (await operator.post("/login", login)).status_code == 303
                assert (await operator.get("/")).status_code == 200
                assert (await thief.get("/")).status_code == 303

    asyncio.run(main())


def test_a_user_who_is_removed_or_gets_a_new_password_elsewhere_is_out_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            serve(tmp_path, X) as served,
            visitor(served) as operator,
            visitor(served, Role.VIEWER) as viewer,
        ):
            users = Users(served.host.project.var)
            users.set_password("operator", "another password")
            assert (await operator.get("/")).status_code == 303
            users.set_role("viewer", Role.OPERATOR)
            assert (await viewer.get("/users")).status_code == 200, "a role counts at once"
            users.remove("viewer")
            assert (await viewer.get("/")).status_code == 303
            users.add("viewer", PASSWORD, Role.VIEWER)
            assert (await viewer.get("/")).status_code == 303, "a namesake is somebody else"

    asyncio.run(main())


async def try_login(person: Visitor, name: str, password: str = "wrong") -> httpx.Response:
    return await person.post("/login", {"name": name, "password": password})


def test_who_guesses_has_to_wait_and_is_told_how_long(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, X) as served, visitor(served) as operator, visitor(served, None) as stranger:
            for name in ("operator", "nobody"):
                answers = [await try_login(stranger, name)]
                while answers[-1].status_code == 403:  # a slow machine may have waited already
                    assert "do not belong together" in answers[-1].text
                    answers.append(await try_login(stranger, name))
                assert len(answers) > BY_NAME.free
                waiting = await try_login(stranger, name, PASSWORD)
                assert waiting.status_code == 429, "not even with the right one"
                assert f"Try again in {waiting.headers['retry-after']} second" in waiting.text
                assert f'value="{name}"' in waiting.text
            assert (await operator.get("/")).status_code == 200, "who is in stays in"

    asyncio.run(main())


def test_the_answer_does_not_tell_whether_there_is_such_a_user(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, X) as served, visitor(served), visitor(served, None) as stranger:
            known, unknown = [await try_login(stranger, name) for name in ("operator", "operaton")]
            assert known.status_code == unknown.status_code == 403
            assert known.text.replace("operator", "") == unknown.text.replace("operaton", "")

    asyncio.run(main())


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_wait_grows_up_to_a_limit_and_is_forgotten_after_an_hour() -> None:
    clock = Seconds()
    throttle, keys = Throttle(clock), [("anna", BY_NAME)]
    waits = []
    for _ in range(BY_NAME.free + 8):
        wait = throttle.begin(keys)
        waits.append(wait)
        clock.now += wait
        if wait:
            assert throttle.begin(keys) == 0, "not longer than was said"
    assert [wait for wait in waits if wait] == [1, 2, 4, 8, 16, 30, 30, 30]
    clock.now += 3601
    assert [throttle.begin(keys) for _ in range(BY_NAME.free)] == [0] * BY_NAME.free


def test_a_try_that_is_not_let_through_does_not_make_the_wait_longer() -> None:
    clock = Seconds()
    throttle, keys = Throttle(clock), [("anna", BY_NAME)]
    for _ in range(BY_NAME.free):
        throttle.begin(keys)
    assert {throttle.begin(keys) for _ in range(1000)} == {1.0}


def test_one_address_cannot_go_through_the_names_not_even_with_a_password_of_its_own() -> None:
    throttle = Throttle(Seconds())
    for number in range(BY_ADDRESS.free):
        assert throttle.begin([(f"u{number}", BY_NAME), ("10.0.0.1", BY_ADDRESS)]) == 0
        own = [("own", BY_NAME), ("10.0.0.1", BY_ADDRESS)]
        if throttle.begin(own) == 0:
            throttle.succeed(own)
    assert throttle.begin([("next", BY_NAME), ("10.0.0.1", BY_ADDRESS)]) > 0
    assert throttle.begin([("next", BY_NAME), ("10.0.0.2", BY_ADDRESS)]) == 0


def test_a_success_forgets_the_failures_of_its_name() -> None:
    throttle, keys = Throttle(Seconds()), [("anna", BY_NAME)]
    for _ in range(20):
        assert throttle.begin(keys) == 0
        throttle.succeed(keys)


def test_a_flood_of_names_takes_no_more_memory_than_it_may() -> None:
    throttle = Throttle(Seconds())
    for number in range(MOST_KEYS + 500):
        throttle.begin([(str(number), BY_NAME)])
    assert len(throttle._tries) == MOST_KEYS


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 5000)), max_size=60))
def test_a_wait_is_never_longer_than_the_longest(tries: list[tuple[str, float]]) -> None:
    clock = Seconds()
    throttle = Throttle(clock)
    for name, passed in tries:
        clock.now += passed
        assert 0 <= throttle.begin([(name, BY_NAME), ("10.0.0.1", BY_ADDRESS)]) <= BY_ADDRESS.longest


def request(peer: str | None, forwarded: str | None = None) -> Request:
    lines = forwarded.split("\n") if forwarded is not None else []
    headers = [(b"x-forwarded-for", line.encode()) for line in lines]
    return Request({"type": "http", "headers": headers, "client": (peer, 1) if peer else None})


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "10.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "10.1.1.1\n203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("127.0.0.1", None, "127.0.0.1"),
        ("::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::7", None, "2001:db8:1:2::"),
        ("::ffff:192.0.2.1", None, "192.0.2.1"),
        ("::ffff:192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ("::ffff:127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        (None, None, "None"),
    ],
)
def test_who_comes_through_a_proxy_on_this_machine_is_told_apart(
    peer: str | None, forwarded: str | None, address: str
) -> None:
    assert client_address(request(peer, forwarded)) == address


def test_a_flood_of_logins_neither_stops_the_host_nor_fills_its_memory(tmp_path: Path) -> None:
    at_once: list[int] = []
    now = 0

    class Slow(Users):
        def verified(self, name: str, password: str) -> User | None:
            nonlocal now
            now += 1
            at_once.append(now)
            gate.wait(10)
            now -= 1
            return None

    async def main() -> None:
        door = PasswordChecker(Slow(tmp_path))
        tries = [
            asyncio.create_task(door.verified(request(f"192.0.2.{number}"), f"u{number}", "x")) for number in range(200)
        ]
        while sum(task.done() for task in tries) < 200 - MOST_WAITING:
            await asyncio.sleep(0)  # so the loop goes on meanwhile
        gate.set()
        answers = await asyncio.gather(*tries)
        assert answers.count(None) == MOST_WAITING
        assert [one for one in answers if one is not None] == [TooMany(1)] * (200 - MOST_WAITING)

    gate = threading.Event()
    asyncio.run(main())
    assert max(at_once) <= AT_ONCE
