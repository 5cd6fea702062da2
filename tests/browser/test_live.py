"""Pages that go on by themselves, in a real browser: those that are seen."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, expect

from jackfield.addresses import Addresses
from tests.browser.visits import logged_in
from tests.processes import ServedHost, make_served_project, post, served

TEXT: Final = """\
[source]
use = "webhook.generic"
verify = "none"
[[steps]]
use = "compose.text"
text = "x"
"""
ROWS: Final = "tr[data-run]"


def give(host: ServedHost) -> None:
    assert post(host.project, Addresses.load(host.project.var).path("x", 1), b"{}") == 200


def cover(page: Page, *, hidden: bool) -> None:
    """Let the page believe that it is covered, or seen again: a browser without a screen shows all of them."""
    page.evaluate(
        "hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        hidden,
    )


def test_a_page_that_is_not_seen_listens_to_nothing_and_catches_up_when_it_is(browser: Browser, tmp_path: Path) -> None:
    with served(make_served_project(tmp_path, {"x": TEXT})) as host:
        seen = logged_in(browser, host)
        covered = seen.context.new_page()
        for page in (seen, covered):
            with page.expect_response(lambda answer: answer.request.resource_type == "fetch"):
                page.goto("/runs")  # and it asks for what happened since it was made: it listens from now on
        cover(covered, hidden=True)
        give(host)
        expect(seen.locator(ROWS)).to_have_count(1)
        assert covered.locator(ROWS).count() == 0
        cover(covered, hidden=False)
        expect(covered.locator(ROWS)).to_have_count(1)
        give(host)
        for page in (seen, covered):
            expect(page.locator(ROWS)).to_have_count(2)
        seen.context.close()
