"""Who may open which page, which forms are heeded, and what every answer says to the browser."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from itsdangerous import URLSafeTimedSerializer
from starlette.routing import Route

from jackfield.access.users import Role, Users
from jackfield.project.server_keys import read_or_make_secret
from jackfield.web.auth.page_access import local_path
from jackfield.web.auth.session import SESSION_COOKIE, SESSION_KEY_FILE, SESSION_SECONDS
from jackfield.web.pages.site import page_routes
from jackfield.web.server.serving import Served
from tests.support import hook, serve, steps
from tests.web.site import PASSWORD, Visitor, visitor

X = {"x": steps('do = "say"')}
OPEN_TO_STRANGERS = {"/login", "/logout", "/language", "/first/x"}
DEEDS_OF_VIEWERS = {"/password"}


def visit(folder: Path, story: Callable[[Served, Visitor], Awaitable[None]], role: Role | None = Role.OPERATOR) -> None:
    async def main() -> None:
        async with serve(folder, X) as served, visitor(served, role) as person:
            await story(served, person)

    asyncio.run(main())


def paths(method: str) -> Iterator[str]:
    for route in page_routes():
        if isinstance(route, Route) and method in (route.methods or ()):
            yield re.sub(r"\{[^}]*\}", "x", route.path)


def test_who_is_not_logged_in_is_sent_to_the_login_and_from_there_to_where_he_wanted_to_go(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, X) as served, visitor(served) as operator, visitor(served, None) as stranger:
            away = await stranger.get("/?a=1")
            assert (away.status_code, away.headers["location"]) == (303, "/login?next=%2F%3Fa%3D1")
            back = await stranger.post("/login", {"name": "operator", "password": PASSWORD, "next": "/?a=1"})
            assert (back.status_code, back.headers["location"]) == (303, "/?a=1")
            assert (await operator.get("/")).status_code == 200

    asyncio.run(main())


def test_a_stranger_gets_no_page_and_does_no_deed(tmp_path: Path) -> None:
    async def story(_served: Served, stranger: Visitor) -> None:
        for path in sorted({*paths("GET")} - OPEN_TO_STRANGERS):
            answer = await stranger.get(path)
            assert (answer.status_code, answer.headers["location"][:12]) == (303, "/login?next="), path
            assert answer.content == b"", path
        for path in sorted({*paths("POST")} - OPEN_TO_STRANGERS):
            answer = await stranger.post(path, {})
            assert (answer.status_code, answer.headers["location"][:12]) == (303, "/login?next="), path

    visit(tmp_path, story, None)


def test_a_viewer_does_no_deed_of_an_operator(tmp_path: Path) -> None:
    async def story(served: Served, viewer: Visitor) -> None:
        before = (served.host.modes.get("x"), Users(served.host.project.var).all())
        deeds = sorted({*paths("POST")} - OPEN_TO_STRANGERS - DEEDS_OF_VIEWERS)
        for path in deeds:
            answer = await viewer.post(path, {"mode": "stopped", "role": "operator", "name": "viewer"}, seen_on="/")
            assert (answer.status_code, "Only operators may do this" in answer.text) == (403, True), path
        for path in ("/users", "/tokens", "/secrets"):
            assert (await viewer.get(path)).status_code == 403, path
        assert (served.host.modes.get("x"), Users(served.host.project.var).all()) == before
        assert len(deeds) > 10

    visit(tmp_path, story, Role.VIEWER)


def test_a_form_without_the_token_of_this_browser_changes_nothing(tmp_path: Path) -> None:
    async def story(_served: Served, operator: Visitor) -> None:
        for path in sorted({*paths("POST")}):
            for form in ({}, {"csrf": "guessed"}, {"csrf": "ё"}):
                answer = await operator.client.post(path, data=form)
                assert (answer.status_code, "This form has expired" in answer.text) == (403, True), path
        assert (await operator.get("/")).status_code == 200
        assert (await operator.post("/logout", {}, seen_on="/")).status_code == 303
        assert (await operator.get("/")).status_code == 303

    visit(tmp_path, story)


def test_a_form_of_another_sites_page_changes_nothing_even_with_the_token(tmp_path: Path) -> None:
    async def story(served: Served, operator: Visitor) -> None:
        for origin in ("https://evil.example", "null", "", f"{served.url}.evil.example", served.url + "@evil.example"):
            operator.client.headers["origin"] = origin
            assert (await operator.post("/logout", {}, seen_on="/")).status_code == 403, origin
        operator.client.headers["origin"] = served.url
        assert (await operator.post("/logout", {}, seen_on="/")).status_code == 303

    visit(tmp_path, story)


def test_behind_a_proxy_that_renames_the_host_forms_come_from_the_public_address(tmp_path: Path) -> None:
    settings = '[server]\nport = 0\npublic_url = "https://hooks.example.ru"\n'

    async def main() -> None:
        async with serve(tmp_path, X, settings=settings) as served, visitor(served) as operator:
            operator.client.headers["origin"] = "https://hooks.example.ru"
            assert (await operator.post("/language", {"language": "ru"}, seen_on="/")).status_code == 303

    asyncio.run(main())


def test_a_strangers_form_is_small(tmp_path: Path) -> None:
    async def story(_served: Served, stranger: Visitor) -> None:
        assert (await stranger.post("/login", {"name": "x" * 20_000})).status_code == 413
        assert (await stranger.post("/login", {str(n): "" for n in range(1000)})).status_code in {403, 413}

    visit(tmp_path, story, None)


@given(st.text(alphabet=st.one_of(st.sampled_from("/\\.@:?#[]%\t\n\r \0aё"), st.characters()), max_size=12))
@example("//evil.example")
@example("/\\evil.example")
@example("\\/evil.example")
@example("/\\[")
@example("/\t/evil.example")
@example(" //evil.example")
@example("/ /evil.example")
@example("https:evil.example")
@example("/\u2028/evil.example")
@example("/\ud800")
def test_a_path_to_go_to_next_never_leads_to_another_site(text: str) -> None:
    path = local_path(text)
    seen = re.sub(r"[\t\r\n]", "", path.strip("".join(map(chr, range(33))))).replace("\\", "/")  # as browsers read it
    assert seen.startswith("/")
    assert not seen.startswith("//")
    assert urlsplit(urljoin("https://ours.example/login", seen)).netloc == "ours.example"
    assert path in (text, "/")


@pytest.mark.parametrize("path", ["/", "/runs?state=failed&q=a%20b", "/pipelines/новый", "/a//b", "/runs#x"])
def test_a_path_of_ours_is_gone_to(path: str) -> None:
    assert local_path(path) == path


def test_no_form_leads_to_another_site(tmp_path: Path) -> None:
    async def story(_served: Served, operator: Visitor) -> None:
        for following in ("//evil.example", "/\\evil.example", "https://evil.example", "/\r\nset-cookie: a=b"):
            answer = await operator.post("/language", {"next": following, "language": "ru"}, seen_on="/")
            assert answer.headers["location"] == "/"
            login = {"name": "operator", "password": PASSWORD, "next": following}
            assert (await operator.post("/login", login, seen_on="/")).headers["location"] == "/"
            assert 'name="next" value="/"' in (await operator.client.get("/login", params={"next": following})).text

    visit(tmp_path, story)


HEADERS = {
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


async def everything(person: Visitor) -> list[httpx.Response]:
    """Ask for an answer of every kind: pages, errors, refusals, the API, health, files."""
    missing = await person.get("/nothing/of/the/kind")
    assert missing.status_code == 404
    method = await person.client.put("/runs")
    assert (method.status_code, sorted(method.headers["allow"].split(", "))) == (405, ["GET", "HEAD"])
    api = [await person.get(path) for path in ("/api/v1/runs", "/api/v1/nothing", "/metrics")]
    assert {answer.status_code for answer in api} == {401}
    form = await person.client.post("/logout")
    pages = [await person.get(path) for path in ("/", "/login", "/healthz", "/readyz", "/static/nothing.js")]
    return [missing, method, form, *api, *pages]


def test_every_answer_forbids_frames_foreign_scripts_guessing_and_keeping(tmp_path: Path) -> None:
    async def story(served: Served, person: Visitor) -> None:
        async with visitor(served, None) as stranger:
            answers = [*await everything(person), *await everything(stranger)]
        for answer in answers:
            assert HEADERS.items() <= answer.headers.items(), answer.url
            policy = answer.headers["content-security-policy"].split("; ")
            assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} <= {*policy}
            assert "unsafe" not in answer.headers["content-security-policy"]
            assert "strict-transport-security" not in answer.headers, "nobody said that there is TLS"
            assert "server" not in answer.headers

    visit(tmp_path, story)


def test_static_files_may_be_kept_but_not_used_unasked(tmp_path: Path) -> None:
    async def story(_served: Served, stranger: Visitor) -> None:
        answer = await stranger.get("/static/main.js")
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
        assert answer.headers["x-content-type-options"] == "nosniff"
        again = await stranger.client.get("/static/main.js", headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304
        assert (await stranger.get("/static/../app.py")).status_code == 404
        assert (await stranger.get("/static/%2e%2e/app.py")).status_code == 400

    visit(tmp_path, story, None)


@pytest.mark.parametrize("url", ["https://hooks.example.ru", "https://Hooks.Example.ru:443"])
def test_where_the_public_address_has_tls_browsers_keep_to_it_and_the_cookie_too(tmp_path: Path, url: str) -> None:
    settings = f'[server]\nport = 0\npublic_url = "{url}"\n'

    async def main() -> None:
        async with serve(tmp_path, X, settings=settings) as served, visitor(served, None) as stranger:
            for path in ("/login", "/nothing", "/api/v1/runs"):
                assert (await stranger.get(path)).headers["strict-transport-security"] == "max-age=31536000"
            assert "strict-transport-security" not in (await stranger.get(hook(served))).headers, "the hot path"
            stranger.client.cookies.clear()
            outside = await stranger.client.get("/login", headers={"host": "hooks.example.ru"})
            assert "; secure" in outside.headers["set-cookie"].lower()

    asyncio.run(main())


def test_nobody_is_led_to_whatever_a_request_says_that_the_host_is_called(tmp_path: Path) -> None:
    async def story(_served: Served, stranger: Visitor) -> None:
        for path in ("/login/", "/static", "/runs/"):
            answer = await stranger.client.get(path, headers={"host": "evil.example"})
            assert (answer.status_code, answer.headers.get("location")) == (404, None), path

    visit(tmp_path, story, None)


def test_a_fault_shows_nothing_of_what_is_inside(tmp_path: Path) -> None:
    async def story(served: Served, person: Visitor) -> None:
        (served.host.project.var / "users.json").write_text("{", encoding="utf-8")
        answer = await person.get("/")
        assert answer.status_code == 500
        assert "Something went wrong here" in answer.text
        assert not re.search(r"Traceback|users\.json|Error|jackfield\.", answer.text)
        assert HEADERS.items() <= answer.headers.items()
        assert (await person.get("/healthz")).status_code == 200
        assert (await person.client.post(hook(served), json={})).status_code == 200, "events still come in"

    visit(tmp_path, story)


def session(served: Served, said: object, *, key: str = "", salt: str = "session") -> str:
    real = read_or_make_secret(served.host.project.var / SESSION_KEY_FILE)
    return str(URLSafeTimedSerializer(key or real, salt=salt).dumps(said))


def test_a_cookie_that_was_tampered_with_forged_or_is_stale_is_nobodys(tmp_path: Path) -> None:
    async def story(served: Served, operator: Visitor) -> None:
        good = operator.client.cookies[SESSION_COOKIE]
        user = Users(served.host.project.var).get("operator")
        assert user is not None
        said = {"csrf": "x", "user": "operator", "generation": user.generation, "began": int(time.time())}
        body, moment, signature = good.rsplit(".", 2)  # a payload that is compressed begins with a dot
        stale = URLSafeTimedSerializer(read_or_make_secret(served.host.project.var / SESSION_KEY_FILE), salt="session")
        signer: Any = stale.make_signer("session")
        long_ago = int(time.time()) - SESSION_SECONDS - 10
        signer.get_timestamp = lambda: long_ago
        old = signer.sign(stale.dump_payload(said)).decode()
        bad = {
            "changed body": f"{body[:-2]}AA.{moment}.{signature}",
            "changed time": f"{body}.ZZZZZZ.{signature}",
            "changed signature": f"{body}.{moment}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
            "another key": session(served, said, key="0" * 64),
            "another purpose": session(served, said, salt="other"),
            "another generation": session(served, {**said, "generation": "0"}),
            "no generation": session(served, {"csrf": "x", "user": "operator"}),
            "nobody known": session(served, {**said, "user": "root"}),
            "a list for a name": session(served, {**said, "user": ["operator"]}),
            "not an object": session(served, ["operator"]),
            "stale": old,
            "empty": "",
            "garbage": "%ff.%00..",
        }
        async with httpx.AsyncClient(base_url=served.url) as browser:
            for what, cookie in bad.items():
                answer = await browser.get("/", headers={"cookie": f"{SESSION_COOKIE}={cookie}"})
                assert (answer.status_code, answer.headers.get("location")) == (303, "/login?next=%2F"), what
            real = await browser.get("/", headers={"cookie": f"{SESSION_COOKIE}={session(served, said)}"})
            assert real.status_code == 200, "so the test forges well"

    visit(tmp_path, story)


def test_a_session_is_the_scripts_and_other_sites_business_in_no_way(tmp_path: Path) -> None:
    async def story(_served: Served, stranger: Visitor) -> None:
        cookie = (await stranger.get("/login")).headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert f"max-age={SESSION_SECONDS}" in cookie
        assert "secure" not in cookie, "or nobody could log in where there is no TLS"

    visit(tmp_path, story, None)


def test_the_address_of_a_form_leads_to_the_page_that_it_is_on(tmp_path: Path) -> None:
    """Somebody gets there who changes the language where a form was answered, or logs in again while sending one."""

    async def main() -> None:
        async with serve(tmp_path, {"x": steps('do = "say"')}) as served, visitor(served) as person:
            for path, page in {
                "/refused/1/accept": "/refused",
                "/runs/1/replay": "/runs/1",
                "/runs/bulk": "/runs",
                "/pipelines/x/mode": "/pipelines/x",
                "/users/vera/role": "/users",
                "/tokens/revoke": "/tokens",
                "/logout": "/",
            }.items():
                answer = await person.get(path)
                assert (answer.status_code, answer.headers.get("location")) == (303, page), path

    asyncio.run(main())
