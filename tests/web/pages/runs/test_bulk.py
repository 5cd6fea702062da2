"""What is done to many runs at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from jackfield.access.users import Role
from jackfield.errors import JackfieldError
from jackfield.journal.records import SetAside, State
from jackfield.journal.views import Query
from jackfield.runs.bulk import Bulk
from jackfield.runs.jobs import Deed, Job, Order, Phase
from jackfield.runs.replay import Replays
from jackfield.web.server.serving import Served
from tests.support import Plugin, give, run_host, serve, steps, until
from tests.web.browserless import form_of
from tests.web.site import Visitor, visitor

BAD = steps('name = "a"\ndo = "say"', 'name = "b"\ndo = "give_up"\ntext = "{{ $.event.n }}"')
GOOD = steps('name = "a"\ndo = "say"', 'name = "b"\ndo = "say"\ntext = "{{ $.event.n }}"')
PICKY = steps(
    'name = "a"\ndo = "say"',
    "name = \"b\"\ndo = \"{{ 'give_up' if $.event.n == 'n3' else 'say' }}\"\ntext = \"{{ $.event.n }}\"",
)
LATER = steps('do = "fail_for_now"\ntext = "30"')


async def runs(served: Served, count: int, pipeline: str = "x", state: State = State.FAILED) -> list[str]:
    made = [await give(served.host, {"n": f"n{n}"}, pipeline) for n in range(count)]
    for run in made:
        await until(served.host, run, [state])
    return made


async def asked(operator: Visitor, form: dict[str, str | list[str]]) -> str:
    answer = await operator.post("/runs/bulk", form)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def ended(served: Served, path: str, *phases: Phase) -> Job:
    job = served.host.bulk.get(path.removeprefix("/bulk/"))
    assert job is not None
    async with asyncio.timeout(20):
        while job.phase not in (phases or (Phase.DONE, Phase.STOPPED)):
            await asyncio.sleep(0.01)
    return job


def test_all_that_match_are_replayed_from_the_step_that_failed_after_one_question(tmp_path: Path) -> None:
    async def main() -> None:
        plugin = Plugin()
        async with serve(tmp_path, {"x": BAD, "y": GOOD}, plugin) as served, visitor(served) as operator:
            failed = await runs(served, 5)
            await runs(served, 2, "y", State.SUCCEEDED)
            path = await asked(operator, {"scope": "matching", "state": "failed", "pipeline": "x", "deed": "replay"})
            await ended(served, path, Phase.ASKED)
            later = await runs(served, 1)
            page = await operator.get(path)
            assert "5 runs will be replayed" in page.text
            assert len(plugin.calls) == 2 * 8
            (tmp_path / "pipelines" / "x.toml").write_text(GOOD)
            await served.host.reload()
            begun = await operator.post(f"{path}/start", {"from": "failed", "on": "current"})
            assert begun.headers["location"] == path
            job = await ended(served, path)
            assert (job.done, job.failed) == (5, 0)
            again = [run for run in (await served.host.journal.search(Query(pipeline="x"))).runs if run.replay_of]
            assert {run.replay_of for run in again} == set(failed)
            assert later[0] not in {run.replay_of for run in again}
            for run in again:
                view = await until(served.host, run.id)
                assert view.summary.state is State.SUCCEEDED
                assert [attempt.outcome.value for attempt in view.attempts] == ["reused", "succeeded"]
            assert "It is done." in (await operator.get(path)).text

    asyncio.run(main())


def test_the_question_says_what_was_seen_to_and_the_result_how_the_new_runs_ended(tmp_path: Path) -> None:
    async def main() -> None:
        plugin = Plugin()
        async with serve(tmp_path, {"x": BAD}, plugin) as served, visitor(served) as operator:
            host = served.host
            failed = await runs(served, 4)
            await host.journal.set_aside(failed[0], SetAside(host.intake.now(), "anna"))
            (tmp_path / "pipelines" / "x.toml").write_text(PICKY)
            await host.reload()
            made = await Replays(host.journal, host.intake, host.pipelines.get, host.intake.now).replay(failed[1])
            await until(host, made[0])
            path = await asked(operator, {"scope": "matching", "state": "failed", "deed": "replay"})
            await ended(served, path, Phase.ASKED)
            question = (await operator.get(path)).text
            assert "2 runs will be replayed" in question
            assert "2 more runs match that were repaired, replayed or set aside already" in question
            assert form_of(question, "start")["from"] == ["failed"], "a step before that has succeeded"
            before = len(plugin.calls)
            await operator.post(f"{path}/start", {"from": "failed", "on": "current"})
            job = await ended(served, path)
            assert (job.done, job.failed) == (2, 0)
            async with asyncio.timeout(20):
                while job.open:
                    result = (await operator.get(path)).text
                    await asyncio.sleep(0.01)
            assert len(plugin.calls) == before + 2, "the first step is not carried out again"
            assert "1 succeeded, 1 failed" in " ".join(result.split())
            [again] = job.failed_again
            assert f"/runs/{again.run}" in result
            assert "step b: never: n3" in result

    asyncio.run(main())


def test_runs_that_were_seen_to_are_taken_in_where_somebody_asks_for_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": BAD}) as served, visitor(served) as operator:
            failed = await runs(served, 2)
            path = await asked(operator, {"scope": "matching", "state": "failed", "deed": "set_aside"})
            await ended(served, path, Phase.ASKED)
            await operator.post(f"{path}/start", {"note": "тест"})
            assert (await ended(served, path)).done == 2
            view = await served.host.journal.run(failed[0])
            assert view is not None
            assert view.summary.set_aside is not None
            assert (view.summary.set_aside.by, view.summary.set_aside.note) == ("operator", "тест")
            assert failed[0] not in (await operator.get("/runs?state=failed")).text
            shown = (await operator.get("/runs?state=failed&repaired=1")).text
            assert failed[0] in shown
            assert "set aside" in shown
            path = await asked(operator, {"scope": "matching", "state": "failed", "deed": "replay"})
            job = await ended(served, path, Phase.ASKED)
            assert "0 runs will be replayed" in (await operator.get(path)).text
            path = await asked(operator, {"scope": "matching", "state": "failed", "deed": "replay", "repaired": "1"})
            job = await ended(served, path, Phase.ASKED)
            question = (await operator.get(path)).text
            assert "0 runs will be replayed" in question, "who looks at such runs does not mean to send them again"
            assert "2 more runs match that were repaired, replayed or set aside already." in question
            assert "repaired" not in form_of(question, "start"), "nothing is ticked beforehand"
            await operator.post(f"{path}/start", {"repaired": "1"})
            assert (await ended(served, path)).done == 2
            assert job.made == 2

    asyncio.run(main())


def test_chosen_runs_are_cancelled_and_what_was_not_possible_is_listed_with_why(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": LATER, "y": GOOD}) as served, visitor(served) as operator:
            waiting, done = await runs(served, 3, "x", State.WAITING), await runs(served, 1, "y", State.SUCCEEDED)
            chosen = [*waiting[:2], *done, "nobody"]
            path = await asked(operator, {"scope": "chosen", "run": chosen, "deed": "cancel"})
            await operator.post(f"{path}/start", {})
            job = await ended(served, path)
            assert (job.done, job.failed) == (2, 2)
            page = await operator.get(path)
            assert "settled already" in page.text
            assert f"/runs/{done[0]}" in page.text
            left = await served.host.journal.search(Query(states=frozenset({State.WAITING})))
            assert [run.id for run in left.runs] == waiting[2:]

    asyncio.run(main())


def test_waiting_runs_are_retried_now(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": LATER}) as served, visitor(served) as operator:
            (run,) = await runs(served, 1, "x", State.WAITING)
            before = await until(served.host, run, [State.WAITING])
            path = await asked(operator, {"scope": "matching", "state": "waiting", "deed": "retry"})
            await ended(served, path, Phase.ASKED)
            await operator.post(f"{path}/start", {})
            assert (await ended(served, path)).done == 1
            await until(served.host, run, [State.WAITING], after=before.summary.due_at)

    asyncio.run(main())


def test_what_cannot_be_asked_for_is_said_above_the_journal(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": BAD}) as served, visitor(served) as operator:
            forms: list[tuple[dict[str, str | list[str]], str]] = [
                ({"scope": "chosen", "deed": "replay"}, "No runs are chosen"),
                ({"scope": "matching", "deed": "explode"}, "No runs are chosen"),
                ({"scope": "matching", "deed": "cancel", "since": "soon"}, "cannot be read"),
            ]
            for form, said in forms:
                page = await operator.post("/runs/bulk", form)
                assert page.status_code == 422
                assert said in page.text
            assert (await operator.get("/bulk/nobody")).status_code == 404
            assert served.host.bulk.jobs() == []

    asyncio.run(main())


def test_viewers_can_neither_ask_nor_look_nor_start(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": BAD}) as served, visitor(served) as operator:
            await runs(served, 1)
            path = await asked(operator, {"scope": "matching", "deed": "replay"})
            async with visitor(served, Role.VIEWER) as viewer:
                assert (await viewer.get(path)).status_code == 403
                for deed in ("/runs/bulk", f"{path}/start", f"{path}/stop"):
                    assert (await viewer.post(deed, {"scope": "matching", "deed": "cancel"})).status_code == 403
            async with httpx.AsyncClient(base_url=served.url) as stranger:
                assert (await stranger.post(f"{path}/start")).status_code in (303, 403)
            job = await ended(served, path, Phase.ASKED)
            assert job.done == 0

    asyncio.run(main())


def test_a_job_can_be_stopped_and_ends_with_the_host(tmp_path: Path) -> None:
    async def main() -> None:
        plugin = Plugin()
        async with run_host(tmp_path, plugin, {"x": GOOD}) as host:
            made = [await give(host, {"n": str(n)}) for n in range(3)]
            stopped = await host.bulk.ask(Order(Deed.REPLAY), made, "anna")
            host.bulk.start(stopped, stopped.order)
            host.bulk.stop(stopped)
            await asyncio.sleep(0.05)
            assert (stopped.phase, stopped.done) == (Phase.STOPPED, 0)
            host.bulk.start(stopped, stopped.order)
            assert stopped.phase is Phase.STOPPED
            long = await host.bulk.ask(Order(Deed.REPLAY), [made[0] + str(n) for n in range(10_000)], "anna")
            host.bulk.start(long, long.order)
            gathering = await host.bulk.ask(Order(Deed.CANCEL), Query(), "anna")
        assert long.phase is Phase.STOPPED
        assert gathering.over

    asyncio.run(main())


def test_only_the_newest_few_jobs_are_kept_and_no_more_than_those_are_under_way(tmp_path: Path) -> None:
    async def main() -> None:
        async with run_host(tmp_path, Plugin(), {"x": GOOD}) as host:
            bulk: Bulk = host.bulk
            first = await bulk.ask(Order(Deed.CANCEL), ["a"], "anna")
            for _ in range(30):
                await bulk.ask(Order(Deed.CANCEL), ["a"], "anna")
            assert bulk.get(first.id) is None
            assert len(bulk.jobs()) == 20
            for job in bulk.jobs():
                job.phase = Phase.RUNNING
            with pytest.raises(JackfieldError, match="under way already"):
                await bulk.ask(Order(Deed.CANCEL), ["a"], "anna")

    asyncio.run(main())
