"""Every page, looked at by axe: light and dark, wide and narrow."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.destination import platform
from tests.browser.visits import logged_in
from tests.processes import ServedHost, calling, make_served_project, send, served

TEXT = """\
title = "Новые ученики"
mask = ["$.event.phone"]
[source]
use = "getcourse.user_created"
dedupe = "{{{{ $.event.id }}}}"
[[steps]]
use = "http_request"
name = "add"
url = "{url}/broken"
headers = {{ X-Token = "{{{{ secret.TOKEN }}}}" }}
json = {{ email = "{{{{ $.event.email }}}}" }}
on_error = "continue"
[[steps]]
use = "http_request"
name = "tell"
url = "{url}/students"
form = {{ email = "{{{{ $.event.email }}}}" }}
"""
PAGES = [
    "/",
    "/pipelines/x",
    "/pipelines/x/edit",
    "/pipelines/x/versions",
    "/pipelines/x/delete",
    "/pipelines/broken",
    "/pipelines/gone",
    "/new",
    "/runs",
    "/runs?state=failed&pipeline=x",
    "/runs/{run}",
    "/refused",
    "/refused/duplicates",
    "/plugins",
    "/health",
    "/secrets",
    "/tokens",
    "/users",
    "/password",
    "/nothing",
]
NOT_THERE = {"/pipelines/gone", "/nothing"}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedHost]:
    folder = tmp_path_factory.mktemp("host")
    with platform() as destination:
        project = make_served_project(folder, {"x": TEXT.format(url=destination.url), "broken": "[[steps]]\n"})
        os.environ["JACKFIELD_SECRET_TOKEN"] = "t0ken"
        try:
            with served(project) as found:
                for id in ("1", "2", "1"):
                    send(project, id=id, email="a@b.ru", phone="+79161234567", first_name="{object.first_name}")
                with calling(project) as call:
                    call("/hooks/x/wrong-token?id=1")
                found.until_settled()
                yield found
        finally:
            del os.environ["JACKFIELD_SECRET_TOKEN"]


@pytest.fixture(scope="module")
def run(host: ServedHost) -> str:
    return str(host.api("/runs")["runs"][0]["id"])


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_axe_finds_nothing_wrong_with_any_page(
    browser: Browser, host: ServedHost, run: str, scheme: str, width: int
) -> None:
    page = logged_in(
        browser,
        host,
        color_scheme="dark" if scheme == "dark" else "light",
        viewport={"width": width, "height": 800},
        locale="ru" if scheme == "dark" else "en",
    )
    found = {path: wrong_with(page, path.format(run=run)) for path in PAGES}
    page.context.clear_cookies()
    found["/login"] = wrong_with(page, "/login")
    page.context.close()
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


def wrong_with(page: Page, path: str) -> list[str]:
    """Say what axe finds, and whether the page is wider than the window or not there at all."""
    answer = page.goto(path)
    wrong = [
        f"{one['id']}: {node['html'][:160]}"
        for one in Axe().run(page).response["violations"]
        for node in one["nodes"][:3]
    ]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        wrong.append("it is wider than the window")
    if answer is None or (answer.status == 404) != (path in NOT_THERE):
        wrong.append("it is not there" if path not in NOT_THERE else "it should not be there")
    return wrong
