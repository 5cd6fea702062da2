"""Somebody who guesses passwords, from however many addresses, keeps nobody out who has logged in before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request

from jackfield.access.users import Role, User, Users
from jackfield.project.server_keys import read_or_make_secret
from jackfield.web.auth.device import DEVICE_COOKIE, Devices
from jackfield.web.auth.password_check import AT_ONCE, MOST_WAITING, PasswordChecker, TooMany
from jackfield.web.auth.session import LONGEST_SESSION, SESSION_COOKIE, Sessions
from jackfield.web.auth.throttle import BY_DEVICE, FRESH, Throttle
from jackfield.web.server.serving import Served
from tests.support import serve, steps
from tests.web.site import PASSWORD, Visitor, somebody, visitor

X = {"x": steps('do = "say"')}


class Known(Users):
    """Users whose passwords take no time to check."""

    def verified(self, name: str, password: str) -> User | None:
        return User(name, Role.OPERATOR, "") if password == PASSWORD else None


def door(tmp_path: Path, clock: Callable[[], float] = lambda: 0.0) -> PasswordChecker:
    return PasswordChecker(Known(tmp_path), Throttle(clock))


def coming_from(address: str) -> Request:
    headers = [(b"x-forwarded-for", address.encode())]
    return Request({"type": "http", "headers": headers, "client": ("127.0.0.1", 1)})


def addresses(number: int) -> list[str]:
    return [f"198.51.{one // 250}.{one % 250 + 1}" for one in range(number)]


def test_a_device_that_logged_in_before_gets_in_while_a_thousand_addresses_guess(tmp_path: Path) -> None:
    async def main() -> None:
        keeper = door(tmp_path)
        for address in addresses(1000):
            assert not isinstance(await keeper.verified(coming_from(address), "anna", "guess"), User)
        assert isinstance(await keeper.verified(coming_from("203.0.113.9"), "anna", PASSWORD), TooMany)
        for address in ("203.0.113.9", "198.51.0.1"):  # a new one, and one that was guessed from
            assert isinstance(await keeper.verified(coming_from(address), "anna", PASSWORD, "phone"), User)

    asyncio.run(main())


def test_an_address_that_was_never_wrong_has_a_try_though_others_guess(tmp_path: Path) -> None:
    async def main() -> None:
        keeper = door(tmp_path)
        for address in addresses(FRESH.free - 10):
            for _ in range(3):
                await keeper.verified(coming_from(address), "anna", "guess")
        assert isinstance(await keeper.verified(coming_from("203.0.113.9"), "anna", PASSWORD), User)

    asyncio.run(main())


def test_guessing_one_name_from_many_addresses_is_slowed_down_for_all_of_them(tmp_path: Path) -> None:
    async def main() -> None:
        keeper = door(tmp_path)
        tried = 0
        for address in addresses(1000):
            for _ in range(3):
                tried += not isinstance(await keeper.verified(coming_from(address), "anna", "guess"), TooMany)
        assert tried <= FRESH.free + 10

    asyncio.run(main())


def test_a_stolen_device_has_no_endless_tries_and_keeps_nobody_else_out(tmp_path: Path) -> None:
    async def main() -> None:
        keeper = door(tmp_path)
        here = coming_from("198.51.100.1")
        answers = [await keeper.verified(here, "anna", "guess", "stolen") for _ in range(50)]
        assert answers.count(None) == BY_DEVICE.free
        assert isinstance(await keeper.verified(coming_from("203.0.113.9"), "anna", PASSWORD, "phone"), User)
        assert isinstance(await keeper.verified(coming_from("203.0.113.9"), "anna", PASSWORD), User)

    asyncio.run(main())


def test_a_known_device_has_a_place_in_a_queue_that_is_full(tmp_path: Path) -> None:
    async def main() -> None:
        keeper = door(tmp_path)
        for _ in range(AT_ONCE):
            await keeper._places.acquire()
        crowd = [
            asyncio.create_task(keeper.verified(coming_from(one), f"u{one}", "x")) for one in addresses(MOST_WAITING)
        ]
        await asyncio.sleep(0)
        assert isinstance(await keeper.verified(coming_from("203.0.113.9"), "anna", PASSWORD), TooMany)
        known = asyncio.create_task(keeper.verified(coming_from("203.0.113.9"), "anna", PASSWORD, "phone"))
        await asyncio.sleep(0)
        for _ in range(AT_ONCE):
            keeper._places.release()
        assert isinstance(await known, User)
        await asyncio.gather(*crowd)

    asyncio.run(main())


def test_the_browser_is_known_after_a_login_and_by_nobody_elses_name(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, X) as served, visitor(served, None) as anna, visitor(served, None) as stranger:
            somebody(tmp_path / "var", Role.OPERATOR)
            somebody(tmp_path / "var", Role.VIEWER)
            assert await logged_in(anna, "operator") == 303
            cookie = anna.client.cookies[DEVICE_COOKIE]
            anna.client.cookies.delete(SESSION_COOKIE)
            for address in addresses(8):
                stranger.client.headers["x-forwarded-for"] = address
                await logged_in(stranger, "operator", "a guess")
            again = await logged_in(anna, "operator")
            assert again == 303
            forged = cookie[:-3] + ("AAA" if not cookie.endswith("AAA") else "BBB")
            devices = served_devices(served)
            request = Request({"type": "http", "headers": [(b"cookie", f"{DEVICE_COOKIE}={cookie}".encode())]})
            assert devices.of(request, "operator") is not None
            assert devices.of(request, "viewer") is None
            request = Request({"type": "http", "headers": [(b"cookie", f"{DEVICE_COOKIE}={forged}".encode())]})
            assert devices.of(request, "operator") is None

    asyncio.run(main())


async def logged_in(person: Visitor, name: str, password: str = PASSWORD) -> int:
    return (await person.post("/login", {"name": name, "password": password})).status_code


def served_devices(served: Served) -> Devices:
    var = served.host.project.var
    key = read_or_make_secret(var / "session.key")
    return Devices(key, Sessions(key, Users(var), served.url))


def test_a_session_ends_after_a_week_however_busy_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000_000]
    monkeypatch.setattr(Sessions, "_now", lambda _self: now[0])
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: float(now[0]))

    async def main() -> None:
        async with serve(tmp_path, X) as served, visitor(served) as anna:
            for _ in range(LONGEST_SESSION // 36_000):
                now[0] += 36_000
                assert (await anna.get("/")).status_code == 200
            now[0] += 36_000
            assert (await anna.get("/")).headers["location"] == "/login?next=%2F"

    asyncio.run(main())


def test_cookies_are_bound_to_the_host_where_there_is_tls(tmp_path: Path) -> None:
    async def main() -> None:
        settings = '[server]\nport = 0\npublic_url = "https://hooks.example.ru"\n'
        async with serve(tmp_path, X, settings=settings) as served:
            somebody(tmp_path / "var", Role.OPERATOR)
            headers = {"host": "hooks.example.ru"}
            async with httpx.AsyncClient(base_url=served.url, headers=headers) as browser:
                page = await browser.get("/login")
                token = page.text.partition('name="csrf" value="')[2].partition('"')[0]
                cookie = page.headers["set-cookie"].partition(";")[0]
                answer = await browser.post(
                    "/login",
                    data={"csrf": token, "name": "operator", "password": PASSWORD},
                    headers={"cookie": cookie, "origin": "https://hooks.example.ru"},
                )
                assert answer.status_code == 303
                given = answer.headers.get_list("set-cookie")
                assert sorted(one.partition("=")[0] for one in given) == [
                    f"__Host-{DEVICE_COOKIE}",
                    f"__Host-{SESSION_COOKIE}",
                ]
                for one in given:
                    said = one.lower()
                    assert "; secure" in said
                    assert "; httponly" in said
                    assert "; path=/" in said
                    assert "domain=" not in said
                session = next(one for one in given if SESSION_COOKIE in one).partition(";")[0]
                assert (await browser.get("/", headers={"cookie": session})).status_code == 200
                bare = session.removeprefix("__Host-")
                assert (await browser.get("/", headers={"cookie": bare})).status_code == 303

    asyncio.run(main())
