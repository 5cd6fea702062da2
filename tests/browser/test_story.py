"""The whole story in a real browser: from the one-time link to a pipeline that failed, was repaired and replayed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from jackfield.i18n.translations import read_translations
from tests.browser.destination import Platform, platform
from tests.browser.visits import PASSWORD
from tests.processes import ServedHost, calling, make_served_project, served, until

STUDENT = {"object.id": "345", "object.email": "anna@example.ru", "object.first_name": "Анна"}
TITLES = {"en": "New students", "ru": "Новые ученики"}
FILE = """\
title = "{title}"

[source]
use = "getcourse.user_created"

[[steps]]
use = "http_request"
name = "http_request"
url = "{url}"
headers = {{ X-Token = "{{{{ secret.PLATFORM_TOKEN }}}}" }}
form = {{ email = "{{{{ $.event.email }}}}", name = "{{{{ $.event.first_name }}}}" }}
"""


@pytest.fixture
def destination() -> Iterator[Platform]:
    with platform() as found:
        yield found


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ServedHost]:
    with served(make_served_project(tmp_path, {})) as found:
        yield found


def visit(browser: Browser, host: ServedHost, language: str, faults: list[str]) -> Page:
    context = browser.new_context(locale=language, base_url=host.project.settings.local_url)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    return page


def test_who_never_saw_toml_builds_a_pipeline_sees_it_fail_repairs_it_and_replays(
    browser: Browser, host: ServedHost, destination: Platform, language: str
) -> None:
    say: Callable[[str], str] = read_translations(language).gettext
    faults: list[str] = []
    page = visit(browser, host, language, faults)
    become_operator(page, host, say)
    set_secret(page, say)
    build(page, say, TITLES[language], f"{destination.url}/broken")
    address = page.locator("#address").inner_text()
    assert "email={object.email}" in address
    call(host, address)
    page.goto("/runs")
    page.locator("main table a").first.click()
    expect(page.locator("main")).to_contain_text("404")
    repair(page, say, f"{destination.url}/students")
    replay(page, say)
    expect(page.locator(".badge.succeeded").first).to_be_visible()
    assert destination.forms == [{"email": "anna@example.ru", "name": "Анна"}]
    assert destination.tokens == ["t0ken-of-the-platform"]
    file = host.project.folder / "pipelines" / "new-students.toml"
    assert file.read_text(encoding="utf-8") == FILE.format(title=TITLES[language], url=f"{destination.url}/students")
    assert faults == []
    page.context.close()


@pytest.fixture(params=["en", "ru"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def become_operator(page: Page, host: ServedHost, say: Callable[[str], str]) -> None:
    until(lambda: "/first/" in host.log(), "the link is printed")  # the host is ready a moment before that
    link = re.search(r"http\S+/first/\S+\n", host.log())
    assert link
    page.goto(link[0].strip())
    page.get_by_label(say("Name"), exact=True).fill("olga")
    page.get_by_label(say("Password"), exact=True).fill(PASSWORD)
    page.get_by_label(say("Password once more")).fill(PASSWORD)
    page.get_by_role("button", name=say("Make the operator and log in")).click()
    expect(page.get_by_role("heading", level=1, name=say("Pipelines"))).to_be_visible()


def set_secret(page: Page, say: Callable[[str], str]) -> None:
    page.goto("/secrets")
    page.get_by_label(say("Name of the secret")).fill("PLATFORM_TOKEN")
    page.get_by_label(say("Value of the secret"), exact=True).fill("t0ken-of-the-platform")
    page.get_by_role("button", name=say("Set the secret")).click()
    expect(page.locator("main")).to_contain_text("PLATFORM_TOKEN")


def build(page: Page, say: Callable[[str], str], title: str, url: str) -> None:
    page.goto("/new")
    page.get_by_label(say("Title")).fill(title)
    page.get_by_label(say("File name"), exact=True).fill("new-students")
    page.locator('input[value="getcourse.user_created"]').check()
    page.locator('input[value="http_request"]').check()
    page.get_by_role("button", name=say("Go on")).click()
    page.locator('[id="f-steps[0].method"]').fill("POST")
    page.locator('[id="f-steps[0].url"]').fill(url)
    fill_pair(page, "headers", 0, "X-Token", "{{ secret.PLATFORM_TOKEN }}")
    fill_pair(page, "form", 0, "email", "{{ $.event.email }}")
    page.locator('button[value=\'row:["steps",0,"form"]\']').click()
    fill_pair(page, "form", 1, "name", "{{ $.event.first_name }}")
    page.get_by_role("button", name=say("Save"), exact=True).click()
    expect(page.locator("p.done")).to_be_visible()
    page.locator("p.done a").click()
    expect(page.locator("#address")).to_be_visible()


def fill_pair(page: Page, option: str, index: int, name: str, value: str) -> None:
    page.locator(f'[id="f-steps[0].{option}-{index}-k"]').fill(name)
    page.locator(f'[id="f-steps[0].{option}-{index}-v"]').fill(value)


def call(host: ServedHost, address: str) -> None:
    """Call the address as GetCourse does: every placeholder replaced, unknown ones by nothing."""
    filled = re.sub(r"\{([^}]*)\}", lambda match: urlencode({"": STUDENT.get(match[1], "")})[1:], address)
    parts = urlsplit(filled)
    with calling(host.project) as send:
        assert send(f"{parts.path}?{parts.query}")[0] == 200
    host.until_settled()


def repair(page: Page, say: Callable[[str], str], url: str) -> None:
    page.goto("/pipelines/new-students/edit")
    page.locator('[id="f-steps[0].url"]').fill(url)
    page.get_by_role("button", name=say("Save"), exact=True).click()
    expect(page.locator("p.done")).to_be_visible()


def replay(page: Page, say: Callable[[str], str]) -> None:
    page.goto("/runs")
    page.locator("main table a").first.click()
    page.get_by_role("button", name=say("Replay the run")).click()
    expect(page.locator("p.done")).to_be_visible()
