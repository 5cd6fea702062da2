"""A real Chromium for the tests of the pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")


def executable() -> str:
    """Find a browser. Without one, tests of the pages fail: skipping them would hide that nobody looked."""
    given = os.environ.get("JACKFIELD_TEST_BROWSER")
    found = given or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.fail(
            "NO BROWSER: the tests of the pages need Chromium or Chrome. On Debian: apt-get install chromium. "
            "Elsewhere: set JACKFIELD_TEST_BROWSER to the program's path."
        )
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start it once for a module: as long as it runs, asyncio.run() cannot be used in this thread."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable(), args=[*_QUIET])
        yield chromium
        chromium.close()
