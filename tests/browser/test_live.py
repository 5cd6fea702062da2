"""Pages that go on by themselves, in a real browser: those that are seen."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import httpx
from playwright.sync_api import Browser, Page, expect

from jackfield.project.server_keys import Addresses
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


def set_mode(host: ServedHost, mode: str) -> None:
    token = (host.project.var / "api.token").read_text(encoding="ascii").strip()
    url = f"{host.project.settings.local_url}/api/v1/pipelines/x/mode"
    httpx.put(url, json={"mode": mode}, headers={"authorization": f"Bearer {token}"}).raise_for_status()


def test_a_replay_opens_at_what_was_made_and_a_job_says_how_its_runs_ended_both_live(
    browser: Browser, tmp_path: Path
) -> None:
    broken = TEXT + '[[steps]]\nuse = "compose.text"\nname = "send"\ntext = "{{ $.event.nothing }}"\n'
    mended = broken.replace("{{ $.event.nothing }}", "y")
    with served(make_served_project(tmp_path, {"x": broken})) as host:
        page = logged_in(browser, host)
        for _ in range(2):
            give(host)
        page.goto("/runs?state=failed")
        expect(page.locator(ROWS)).to_have_count(2)
        set_mode(host, "held")
        (host.project.folder / "pipelines" / "x.toml").write_text(mended, encoding="utf-8")
        page.locator(f"{ROWS} a").first.click()
        page.get_by_role("button", name="Replay the run").click()
        page.wait_for_url("**/runs/*?done=replayed#run")
        expect(page.locator("#run .badge").first).to_have_text("Held")
        job = page.context.new_page()
        job.goto("/runs?state=failed")
        job.get_by_label("All that match").check()
        job.get_by_role("button", name="Replay…").click()
        expect(job.get_by_text("2 runs will be replayed")).to_be_visible()
        expect(job.get_by_label("at the step that failed")).to_be_checked()
        job.get_by_role("button", name="Do it").click()
        expect(job.get_by_text("1 not ended yet")).to_be_visible()
        expect(job.get_by_role("cell", name="is under way")).to_be_visible()
        set_mode(host, "running")
        expect(page.locator("#run .badge").first).to_have_text("Succeeded")
        expect(job.get_by_text("1 succeeded")).to_be_visible()
        page.get_by_role("link", name="To the run that it replays").click()
        expect(page.get_by_text("A replay has repaired it.")).to_be_visible()
        page.context.close()


def test_versions_are_chosen_by_the_time_of_the_reader(browser: Browser, tmp_path: Path) -> None:
    with served(make_served_project(tmp_path, {"x": TEXT})) as host:
        page = logged_in(browser, host, locale="ru-RU", timezone_id="Asia/Vladivostok")
        path = host.project.folder / "pipelines" / "x.toml"
        path.write_text(TEXT.replace('"x"', '"y"'), encoding="utf-8")
        page.goto("/pipelines/x/versions")
        options = page.locator('select[name="new"] option')
        while options.count() < 2:
            page.reload()
        rows = page.locator("table.stacking tbody tr td:nth-child(2)").all_inner_texts()
        for option, moment in zip(options.all_inner_texts(), rows, strict=True):
            assert moment.strip() in option
            assert "UTC" not in option
        page.context.close()
