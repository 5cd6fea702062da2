"""Whom or what events are about, in a few words."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from jackfield.access.users import Role
from jackfield.access.viewer import JournalViewer
from jackfield.components.plugins.registry import Registry
from jackfield.components.values import Event, NoticeKind
from jackfield.journal.records import Mode
from jackfield.journal.views import Query
from jackfield.masking import MASKED
from jackfield.pipelines.labels import LONGEST_LABEL, Labeller, event_summary, one_line
from jackfield.pipelines.loader import PipelineLoader
from jackfield.project.secrets import Secrets
from jackfield.project.toml_file import TomlFile
from jackfield.runs.replay import Replays
from tests.notices.test_watch import MINUTE, NoticePlugin, host_with, look
from tests.support import Clock, Plugin, give, hook, run_host, serve, steps, until
from tests.web.site import visitor

ZERO = "\u200b"
LABEL = 'label = "{{ $.event.email }} {{ $.event.first_name }}"'
ANNA: JsonValue = {"email": "anna@example.ru", "first_name": "Анна", "id": 7}
SCALAR = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=60)


async def label_of(folder: Path, head: str, event: JsonValue) -> tuple[str | None, list[str]]:
    """Give an event to a pipeline; return what its run is called, and the run's warnings."""
    async with run_host(folder, Plugin(), {"x": steps('do = "say"', head=head)}) as host:
        view = await until(host, await give(host, event))
        return view.summary.label, list(view.summary.warnings)


@pytest.mark.parametrize(
    ("head", "event", "said", "warned"),
    [
        (LABEL, ANNA, "anna@example.ru Анна", ""),
        ('label = "{{ $.event.id }}"', ANNA, "7", ""),
        ('label = "Заказ"', ANNA, "Заказ", ""),
        ("", ANNA, "anna@example.ru, Анна, id: 7", ""),
        ("", {"order": {"buyer": {"name": "Анна"}}}, "Анна", ""),
        ("", {}, None, ""),
        (LABEL, {"email": "anna@example.ru"}, "anna@example.ru", "label: $.event.first_name selects nothing"),
        (
            LABEL,
            {"email": "anna@example.ru\u202e", "first_name": "\u2066gnp.\u2069\u200eА\u200bн\x1b[2J\u061cна\ufeff"},
            "anna@example.ru gnp.Ан[2Jна",
            "",
        ),
        ("", {"name": "\u200f \u202e", "email": "a\u00adnna@example.ru"}, "anna@example.ru", ""),
        (LABEL, {"email": "a\n b\t", "first_name": "я" * 200}, f"a b {'я' * (LONGEST_LABEL - 4)}…", ""),
    ],
)
def test_a_run_is_called_by_the_label_else_by_a_guess_and_a_label_that_fails_is_a_warning(
    tmp_path: Path, head: str, event: JsonValue, said: str | None, warned: str
) -> None:
    label, warnings = asyncio.run(label_of(tmp_path, head, event))
    assert label == said
    assert len(warnings) == bool(warned)
    assert warned in "".join(warnings)


def test_a_source_may_say_what_its_events_are_known_by() -> None:
    labeller = Labeller(identified_by=("user_email", "user_name"))
    assert labeller.guess({"id": 1, "user_name": "Анна", "user_email": "a@b.ru", "manager_email": "m@b.ru"}) == (
        "a@b.ru Анна"
    )
    assert labeller.guess({"user_email": " ", "user_name": None, "number": 17}) == "number: 17"


@given(st.lists(st.dictionaries(st.text(max_size=12) | st.sampled_from(["email", "name", "Имя"]), SCALAR), max_size=4))
def test_the_quick_guess_for_flat_events_is_the_same_as_the_thorough_one(events: list[dict[str, JsonValue]]) -> None:
    labeller = Labeller()
    for data in events:
        found = labeller.guess(data)
        assert found is None or (len(found) <= LONGEST_LABEL + 1 and "\n" not in found)
        if len(event_summary(data)) <= LONGEST_LABEL:
            assert (found or "") == one_line(event_summary(data))


def test_a_label_may_not_use_a_secret() -> None:
    loader = PipelineLoader(Registry.of(Plugin()), Secrets({"KEY": "a-secret-value"}))
    text = steps('do = "say"', head='label = "{{ secret.KEY }}"')
    [problem] = loader.load("x", TomlFile.parse(text, "pipelines/x.toml")).problems
    assert (problem.key, "may not use a secret" in problem.message) == ("label", True)


def test_a_replay_keeps_the_label_and_one_with_another_event_gets_its_own(tmp_path: Path) -> None:
    async def main() -> None:
        async with run_host(tmp_path, Plugin(), {"x": steps('do = "say"', head=LABEL)}) as host:
            run = await give(host, ANNA)
            work = Replays(host.journal, host.intake, host.pipelines.get, host.intake.now)
            [same] = await work.replay(run)
            [other] = await work.replay(run, event={"email": "boris@example.ru", "first_name": "Борис"})
            labels = [(await until(host, one)).summary.label for one in (same, other)]
            assert labels == ["anna@example.ru Анна", "boris@example.ru Борис"]

    asyncio.run(main())


def test_viewers_see_no_masked_value_in_a_label_nor_the_half_of_one(tmp_path: Path) -> None:
    long = "Иванова-" * 30

    async def main() -> None:
        head = f'{LABEL}\nmask = ["$.event.first_name"]'
        async with run_host(tmp_path, Plugin(), {"x": steps('do = "say"', head=head)}) as host:
            sights = [JournalViewer(host.journal, host.pipelines.get, role) for role in (Role.OPERATOR, Role.VIEWER)]
            for name, seen in (
                ("Анна", f"anna@example.ru {MASKED}"),
                ("Ан\u200bна\u202e", f"anna@example.ru {MASKED}"),
                (f"Анна  {long}", MASKED),
                (f"Анна{ZERO * 3000}Петрова", MASKED),
                (f"Анна{' ' * 3000}Петрова", MASKED),
            ):
                run = await give(host, {"email": "anna@example.ru", "first_name": name})
                await until(host, run)
                for sight, hidden in zip(sights, (False, True), strict=True):
                    view = await sight.run(run)
                    [listed] = (await sight.search(Query(limit=1))).runs
                    assert view is not None
                    assert view.summary.label == listed.label
                    assert (listed.label == seen) is hidden

    asyncio.run(main())


def test_a_label_is_in_the_journal_the_title_the_api_and_what_was_refused_and_is_searched(tmp_path: Path) -> None:
    async def main() -> None:
        text = steps('do = "say"', head='label = "<VIP> {{ $.event.email }}"')
        async with serve(tmp_path, {"x": text}) as served, visitor(served) as operator:
            run = await give(served.host, ANNA)
            await until(served.host, run)
            shown = "&lt;VIP&gt; anna@example.ru"
            assert f'<a href="/runs/{run}">{shown}</a>' in (await operator.get("/runs")).text
            assert f'<a href="/runs/{run}">{shown}</a>' in (await operator.get("/pipelines/x")).text
            page = (await operator.get(f"/runs/{run}")).text
            assert f'<h1 class="about">{shown}</h1>' in page
            await served.host.journal.indexed()  # type: ignore[attr-defined]
            assert run in (await operator.get("/runs?text=%3CVIP%3E")).text, "no value of the event has this"
            await served.host.modes.set("x", Mode.STOPPED, "")
            async with httpx.AsyncClient() as sender:
                await sender.post(hook(served), json=ANNA)
                await sender.post(hook(served), content=b"no json")
            refused = (await operator.get("/refused")).text
            assert refused.count(f'<p class="about">{shown}</p>') == 1
            token = (tmp_path / "var" / "api.token").read_text(encoding="ascii").strip()
            async with httpx.AsyncClient(base_url=served.url, headers={"Authorization": f"Bearer {token}"}) as client:
                assert (await client.get(f"/api/v1/runs/{run}")).json()["summary"]["label"] == "<VIP> anna@example.ru"
                labels = [one["label"] for one in (await client.get("/api/v1/refusals")).json()]
                assert labels == [None, "<VIP> anna@example.ru"]

    asyncio.run(main())


@pytest.mark.parametrize(("mask", "said"), [("", "(anna@example.ru Анна)"), ('mask = ["$.event.email"]', "*** Анна)")])
def test_a_notice_says_whom_the_first_failed_run_is_about_as_far_as_viewers_may_know(
    tmp_path: Path, mask: str, said: str
) -> None:
    plugin, clock = NoticePlugin(), Clock()

    async def main() -> None:
        async with host_with(tmp_path, plugin, steps('do = "give_up"', head=f"{LABEL}\n{mask}"), clock) as host:
            await until(host, await give(host, ANNA))
            clock.time += MINUTE + timedelta(seconds=1)
            assert await look(host, plugin, 1) == [NoticeKind.FAILED]
            assert said in plugin.told[0].text

    asyncio.run(main())


def test_an_event_that_is_no_table_of_texts_is_labelled_without_a_fuss() -> None:
    for data in ([], [1], {"a": [1, {"b": None}]}, {"a": True}, {"n": 10**4000}):
        found = Labeller(identified_by=("a",)).label(Event(data), None, [])  # type: ignore[arg-type]
        assert found is None or len(found) <= LONGEST_LABEL + 1
