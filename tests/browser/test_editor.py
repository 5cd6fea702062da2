"""The editor in a real browser: the page stays, and what is chosen goes where the cursor was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Dialog, Locator, Page, expect

from jackfield.web.pages.editor.new_pipeline import suggested_id
from tests.browser.visits import logged_in
from tests.processes import ServedHost, make_served_project, served

TEXT: Final = """\
title = "Orders"

[source]
use = "getcourse.user_created"

[[steps]]
use = "http_request"
name = "send"
url = "https://crm.example/users"
headers = { X-One = "1" }
"""
URL: Final = '[id="f-steps[0].url"]'


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ServedHost]:
    with served(make_served_project(tmp_path, {"x": TEXT})) as found:
        yield found


def file_of(host: ServedHost) -> str:
    return (host.project.folder / "pipelines" / "x.toml").read_text(encoding="utf-8")


def opened(browser: Browser, host: ServedHost) -> tuple[Page, list[str]]:
    page = logged_in(browser, host)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto("/pipelines/x/edit")
    page.evaluate("window.stayed = true")
    return page, faults


def button(page: Page, what: str, whose: str) -> Locator:
    return page.get_by_role("button", name=re.compile(rf"^{what} ?: {whose}$"))


def test_a_value_is_inserted_at_the_cursor_by_mouse_and_by_keyboard(browser: Browser, host: ServedHost) -> None:
    page, faults = opened(browser, host)
    page.locator("button.pick", has_text="$.event.email").click()
    expect(page.locator("[data-said]")).to_have_text("First put the cursor into a field")
    page.locator(URL).focus()
    page.keyboard.press("End")
    for _ in range(len("users")):
        page.keyboard.press("ArrowLeft")
    first = page.locator("button.pick", has_text="$.event.id")
    first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator(URL)).to_have_value("https://crm.example/{{ $.event.id }}users")
    expect(page.locator(URL)).to_be_focused()
    page.keyboard.type("/")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/edit?saved")
    assert file_of(host) == TEXT.replace("/users", "/{{ $.event.id }}/users")
    assert faults == []


def test_rows_and_steps_come_and_go_without_loading_the_page_anew(browser: Browser, host: ServedHost) -> None:
    page, faults = opened(browser, host)
    button(page, "Add a line", "Headers").click()
    expect(page.locator('[id="f-steps[0].headers-1-k"]')).to_be_focused()
    page.keyboard.type("X-Two")
    page.keyboard.press("Tab")
    page.keyboard.type("два")
    button(page, "Duplicate", "send").click()
    expect(page.locator(".step")).to_have_count(2)
    expect(button(page, "Duplicate", "send")).to_be_focused()
    button(page, "Delete step", "send").click()
    expect(page.locator(".step")).to_have_count(1)
    assert page.evaluate("window.stayed")
    page.get_by_role("button", name="TOML").click()
    expect(page.locator("#toml")).to_have_value(
        TEXT.replace('"send"', '"send_2"').replace('"1" }', '"1", X-Two = "два" }')
    )
    assert page.evaluate("window.stayed")
    assert file_of(host) == TEXT
    assert faults == []


def test_a_mistake_in_the_toml_is_gone_to_by_its_link(browser: Browser, host: ServedHost) -> None:
    page, faults = opened(browser, host)
    page.get_by_role("button", name="TOML").click()
    page.locator("#toml").fill(TEXT.replace("url =", "ulr ="))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_be_focused()
    page.locator("#problems a[data-line='9']").first.click()
    selected = (
        "(({selectionStart, selectionEnd, value}) => value.slice(selectionStart, selectionEnd))(document.activeElement)"
    )
    assert page.evaluate(selected) == 'ulr = "https://crm.example/users"'
    assert page.evaluate("window.stayed")
    assert faults == []


def test_a_shape_that_is_chosen_shows_its_fields_at_once(browser: Browser, host: ServedHost) -> None:
    page, faults = opened(browser, host)
    page.locator("#use-source").select_option("webhook.generic")
    choice = page.locator("""[name='shape:["source","verify"]']""")
    expect(choice).to_be_visible()
    choice.select_option(label="A sender that is known.")
    expect(page.locator('[id="f-source.verify.preset"]')).to_be_visible()
    assert page.evaluate("window.stayed")
    assert faults == []


def test_the_language_changes_in_the_midst_of_a_draft_and_enter_does_not_change_it(
    browser: Browser, host: ServedHost
) -> None:
    page, faults = opened(browser, host)
    page.locator(URL).fill("https://crm.example/new")
    page.locator('[id="f-steps[0].headers-0-k"]').press("Enter")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_role("button", name="Русский").click()
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    expect(page.locator(URL)).to_have_value("https://crm.example/new")
    asked: list[str] = []

    def agree(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", agree)
    page.locator(URL).click()
    page.get_by_role("link", name="Jackfield").click()
    page.wait_for_url("**/")
    assert (asked, file_of(host), faults) == (["beforeunload"], TEXT, [])


def test_the_file_name_that_a_title_gives_is_shown_while_it_is_filled_in(browser: Browser, host: ServedHost) -> None:
    page, faults = opened(browser, host)
    page.goto("/new")
    for title in ("Новые ученики: съезд «Щука» 2026!", "  Ёж — & co.  ", "я" * 70, "a" * 63 + " b", "日本", "İstanbul"):
        page.get_by_label("Title", exact=True).fill(title)
        expect(page.get_by_label("File name")).to_have_attribute("placeholder", suggested_id(title))
    assert faults == []
