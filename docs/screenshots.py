"""Makes the screenshots of the documentation, from the demonstration: `uv run python docs/screenshots.py`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, StorageState, expect, sync_playwright

IMAGES: Final = Path(__file__).with_name("images")
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--font-render-hinting=none")
_PASSWORD: Final = "correct horse battery"
_WIDE: Final = (1280, 800)
_PHONE: Final = (390, 800)
_SAMPLES: Final = (("paid-order", "failed"), ("new-student", "succeeded"), ("paid-order", "failed"))


def main() -> None:
    """Start the demonstration, log in to it, and take a picture of each page that the documentation shows."""
    IMAGES.mkdir(exist_ok=True)
    with _demonstration() as link, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_browser(), args=[*_ARGUMENTS])
        state = _become_operator(browser, link)
        with _page(browser, link, state) as page:
            _work(page)
            _shoot_all(page)
        with _page(browser, link, state, locale="ru-RU") as page:
            _shoot_most(page, ".ru")
        with _page(browser, link, state, dark=True) as page:
            _shoot(page, "pipelines-dark", "/")
        with _page(browser, link, state, size=_PHONE) as page:
            _shoot(page, "pipelines-phone", "/")
        browser.close()


def _browser() -> str:
    given = os.environ.get("JACKFIELD_TEST_BROWSER")
    found = given or next(filter(None, map(shutil.which, _BROWSERS)), None)
    return found or sys.exit("There is no Chromium or Chrome: install it, or set JACKFIELD_TEST_BROWSER to its path.")


@contextmanager
def _demonstration() -> Iterator[str]:
    """Run `jackfield demo`; lend the link at which the first operator is made."""
    command = [str(Path(sys.executable).with_name("jackfield")), "demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            links = (re.search(r"http\S+/first/\S+", line) for line in process.stdout or ())
            link = next(filter(None, links), None)
            yield link[0] if link else sys.exit("`jackfield demo` ended without a link to log in.")
        finally:
            process.terminate()


def _become_operator(browser: Browser, link: str) -> StorageState:
    context = browser.new_context()
    page = context.new_page()
    page.goto(link)
    page.locator('[name="name"]').fill("olga")
    for box in page.locator('[type="password"]').all():
        box.fill(_PASSWORD)
    page.locator("main button").click()
    page.wait_for_url("**/")
    state = context.storage_state()
    context.close()
    return state


@contextmanager
def _page(
    browser: Browser,
    link: str,
    state: StorageState,
    *,
    locale: str = "en-GB",
    dark: bool = False,
    size: tuple[int, int] = _WIDE,
) -> Iterator[Page]:
    """Lend a page of the demonstration's operator."""
    context = browser.new_context(
        base_url=link.partition("/first/")[0],
        storage_state=state,
        locale=locale,
        color_scheme="dark" if dark else "light",
        viewport={"width": size[0], "height": size[1]},
        timezone_id="Europe/Moscow",
        reduced_motion="reduce",
    )
    yield context.new_page()
    context.close()


def _work(page: Page) -> None:
    """Let some more happen than the demonstration does by itself."""
    for pipeline, state in _SAMPLES:
        page.goto(f"/pipelines/{pipeline}")
        page.locator('form[action$="/sample"] button').click()
        page.wait_for_url("**/runs/*")
        expect(page.locator(f".badge.{state}").first).to_be_visible()


def _shoot_all(page: Page) -> None:
    _shoot_most(page, "")
    _shoot(page, "pipeline", "/pipelines/new-student")
    _shoot(page, "journal", "/runs")
    _shoot(page, "health", "/health")
    _shoot_inside(page, "request", "details.attempt", "ol.passage")
    _shoot_inside(page, "replay", "#edit-event", "#replay")


def _shoot_most(page: Page, suffix: str) -> None:
    _shoot(page, f"pipelines{suffix}", "/")
    _shoot(page, f"address{suffix}", "/pipelines/new-student", at="#sender-title")
    _shoot(page, f"editor{suffix}", "/pipelines/new-student/edit", at='[id="f-steps[0].headers-title"]')
    _open_failed(page)
    _take(page, f"run{suffix}")


def _shoot_inside(page: Page, name: str, details: str, at: str) -> None:
    """Show what a failed run has folded away."""
    _open_failed(page)
    page.evaluate("details => { document.querySelector(details).open = true; }", details)
    _scroll(page, at)
    _take(page, name)


def _open_failed(page: Page) -> None:
    page.goto("/runs?state=failed")
    page.locator("main table tbody a").first.click()
    expect(page.locator("ol.passage")).to_be_visible()


def _shoot(page: Page, name: str, path: str, *, at: str = "") -> None:
    """Take a picture of a page, from the place on that is looked for."""
    page.goto(path)
    if at:
        _scroll(page, at)
    _take(page, name)


def _scroll(page: Page, place: str) -> None:
    page.evaluate(
        "place => window.scrollBy(0, document.querySelector(place).getBoundingClientRect().top - 24)",
        place,
    )


def _take(page: Page, name: str) -> None:
    page.screenshot(path=IMAGES / f"{name}.png", animations="disabled", caret="hide")


if __name__ == "__main__":
    main()
