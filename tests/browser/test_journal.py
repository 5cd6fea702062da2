"""The journal in a real browser: it filters while one types, goes on by itself, and remembers what was chosen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from pydantic_core import to_json

from jackfield.access.users import Role
from jackfield.project.server_keys import Addresses
from tests.browser.visits import logged_in
from tests.processes import ServedHost, make_served_project, post, served

TEXT: Final = """\
title = "Orders"
mask = ["$.event.phone"]
[source]
use = "webhook.generic"
verify = "none"
[[steps]]
use = "compose.text"
name = "say"
text = "{{ $.event.name }}"
[[steps]]
use = "filter"
name = "only"
keep_when = "{{ $.event.n < 58 }}"
"""
ROWS: Final = "tr[data-run]"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[ServedHost]:
    with served(make_served_project(tmp_path, {"x": TEXT})) as found:
        for n in range(60):
            give(found, n)
        found.until_settled()
        yield found


def give(host: ServedHost, n: int) -> None:
    path = Addresses.load(host.project.var).path("x", 1)
    assert post(host.project, path, to_json({"name": f"Анна {n}", "n": n, "phone": f"7900111{n:04}"})) == 200


def shown(page: Page) -> list[str]:
    rows: list[str] = page.locator(ROWS).evaluate_all("rows => rows.map((row) => row.dataset.run)")
    return rows


def test_the_journal_is_endless_live_and_filters_while_one_types(browser: Browser, host: ServedHost) -> None:
    page = logged_in(browser, host)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto("/runs")
    expect(page.locator(ROWS).first).to_be_visible()
    page.locator("older-runs").scroll_into_view_if_needed()
    expect(page.locator(ROWS)).to_have_count(60)
    page.locator(f"{ROWS} input").nth(2).check()
    chosen = page.locator(f"{ROWS} input").nth(2).input_value()
    page.evaluate("document.activeElement.blur()")
    for n in (60, 61):
        give(host, n)
    expect(page.locator(ROWS)).to_have_count(62)
    assert len(set(shown(page))) == 62
    assert shown(page) == sorted(shown(page), reverse=True)
    assert page.locator("input[name=run]:checked").evaluate_all("boxes => boxes.map((box) => box.value)") == [chosen]
    page.locator('input[name="state"][value="skipped"]').check()
    expect(page.locator(ROWS)).to_have_count(4)
    assert page.url.endswith("/runs?state=skipped")
    page.locator('input[name="text"]').fill("анна 59")
    expect(page.locator(ROWS)).to_have_count(1)
    page.reload()
    expect(page.locator(ROWS)).to_have_count(1)
    assert faults == []
    page.context.close()


def test_older_runs_come_below_the_others_also_where_their_link_is_clicked(browser: Browser, host: ServedHost) -> None:
    page = logged_in(browser, host)
    page.add_init_script(
        "delete window.IntersectionObserver; window.IntersectionObserver = class {"
        "observe() {} unobserve() {} disconnect() {} }"
    )
    page.goto("/runs")
    expect(page.locator(ROWS)).to_have_count(50)
    page.locator("a[rel=next]").click()
    expect(page.locator(ROWS)).to_have_count(60)
    expect(page.locator("a[rel=next]")).to_be_hidden()
    assert page.url.endswith("/runs")
    page.context.close()


def test_runs_that_are_found_further_back_than_the_first_page_are_shown(browser: Browser, host: ServedHost) -> None:
    page = logged_in(browser, host)

    def empty(route: Route) -> None:
        answer = route.fetch()
        rows = re.compile(r'<div class="scroll">.*?</table>\s*</div>', re.DOTALL)
        route.fulfill(response=answer, body=rows.sub('<p class="card faint empty">None</p>', answer.text()))

    page.route(re.compile("/runs$"), empty)
    page.goto("/runs")
    expect(page.locator(ROWS)).to_have_count(10)
    expect(page.locator(".empty")).to_have_count(0)
    give(host, 60)
    expect(page.locator(ROWS)).to_have_count(11)
    page.context.close()


def test_the_menu_closes_on_escape_and_on_a_click_elsewhere(browser: Browser, host: ServedHost) -> None:
    page = logged_in(browser, host)
    menu, name = page.locator("details.menu"), page.locator("details.menu summary")
    name.click()
    expect(menu).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(name).to_be_focused()
    name.click()
    menu.get_by_role("link").first.focus()
    expect(menu).to_have_attribute("open", "")
    page.locator("h1").click()
    expect(menu).not_to_have_attribute("open", "")
    page.context.close()


def test_all_that_match_are_replayed_while_one_looks_on(browser: Browser, host: ServedHost) -> None:
    page = logged_in(browser, host)
    page.goto("/runs?state=skipped")
    page.locator('input[name="scope"][value="matching"]').check()
    page.locator('button[name="deed"][value="replay"]').click()
    expect(page.locator("main")).to_contain_text("2 runs will be replayed")
    expect(page.locator("nav [aria-current=page]")).to_have_text("Journal")
    page.locator("button.primary").click()
    expect(page.locator("main")).to_contain_text("It is done.")
    page.goto("/runs?state=skipped")
    expect(page.locator(ROWS)).to_have_count(4)
    page.context.close()


def test_a_viewer_is_told_at_once_where_a_text_cannot_be_searched_for(browser: Browser, host: ServedHost) -> None:
    page = logged_in(browser, host, "vera", Role.VIEWER)
    page.goto("/runs")
    expect(page.locator(ROWS).first).to_be_visible()
    page.locator('input[name="text"]').fill("79001110001")
    expect(page.locator("#filter-error")).to_contain_text("Viewers can look for a text")
    assert shown(page) == []
    page.locator('input[name="text"]').fill("")
    expect(page.locator("#filter-error")).to_be_empty()
    page.locator(f"{ROWS} a").first.click()
    expect(page.locator("main")).to_contain_text("Some values are hidden")
    assert not re.search(r"7900111\d", page.content())
    page.context.close()
