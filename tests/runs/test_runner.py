import asyncio
import json
import logging
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
import structlog

from jackfield import Action, JsonValue, PermanentFailure, Step
from jackfield.journal.records import Mode, Outcome, State
from jackfield.journal.views import RunView
from jackfield.logs import configure_logs
from jackfield.runs.replay import Replays
from tests.support import Act, ActOptions, Clock, Plugin, give, run_host, steps, until

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(main)


def outcome_of(folder: Path, pipeline: str, data: Any = None, secrets: str = "") -> Any:
    """Run one event through a pipeline and return the run."""

    async def main() -> Any:
        async with run_host(folder, Plugin(), {"x": pipeline}, secrets=secrets) as host:
            return await until(host, await give(host, data or {}), SETTLED_OR_WAITING)

    return run(main())


class Lend(Action[ActOptions]):
    """Has a token that the host did not know, and lets it out in the way that it is told."""

    name = "lend"
    title = "Lend"
    Options = ActOptions

    async def run(self, options: ActOptions, step: Step) -> JsonValue:
        step.conceal(TOKEN)
        if options.do == "fail":
            raise PermanentFailure(f"the token is {TOKEN}")
        if options.do == "crash":
            raise LookupError(TOKEN)
        self.context.log.info("lent", token=TOKEN)
        return {"token": TOKEN}


TOKEN = "t0ken/of-today"
SETTLED_OR_WAITING = (State.SUCCEEDED, State.FAILED, State.SKIPPED, State.WAITING)


def test_later_steps_see_the_results_of_earlier_ones(tmp_path: Path) -> None:
    view = outcome_of(
        tmp_path,
        steps(
            'name = "a"\ndo = "say"\ntext = "{{ $.event.n }}"',
            'name = "b"\ndo = "say"\ntext = "{{ $.steps.a.said }}!"',
        ),
        {"n": "one"},
    )
    assert view.summary.state is State.SUCCEEDED
    assert [attempt.result for attempt in view.attempts] == [{"said": "one"}, {"said": "one!"}]


def test_a_step_whose_when_says_no_is_passed_over(tmp_path: Path) -> None:
    view = outcome_of(
        tmp_path,
        steps('name = "a"\ndo = "crash"\nwhen = "{{ $.event.n == 2 }}"', 'name = "b"\ndo = "say"'),
        {"n": 1},
    )
    assert view.summary.state is State.SUCCEEDED
    assert [attempt.outcome for attempt in view.attempts] == [Outcome.SKIPPED, Outcome.SUCCEEDED]


def test_skip_ends_the_run_without_an_error(tmp_path: Path) -> None:
    view = outcome_of(tmp_path, steps('name = "a"\ndo = "skip"\ntext = "test user"', 'name = "b"\ndo = "say"'))
    assert view.summary.state is State.SKIPPED
    assert [attempt.error for attempt in view.attempts] == ["step a: not wanted: test user"]


def test_a_permanent_failure_fails_the_run_at_once(tmp_path: Path) -> None:
    view = outcome_of(tmp_path, steps('do = "give_up"\ntext = "x"'))
    assert (view.summary.state, view.summary.error) == (State.FAILED, "step act: never: x")
    assert len(view.attempts) == 1


def test_an_event_that_asks_for_more_memory_than_there_is_fails_its_run_readably(tmp_path: Path) -> None:
    step = 'do = "say"\ntext = "{{ $.event.price * $.event.count }}"'
    view = outcome_of(tmp_path, steps(step), {"price": "A", "count": 20_000_000_000})
    assert (view.summary.state, len(view.attempts)) == (State.FAILED, 1)
    assert view.summary.error == (
        "step act: steps[0].text: this would make a text of 20000000000 characters, 10000000 is the most; "
        "correct the template"
    )


def test_the_timeout_of_a_step_covers_its_templates(tmp_path: Path) -> None:
    slow = "{% for a in range(99000) %}{% endfor %}" * 3
    view = outcome_of(tmp_path, steps(f'do = "say"\ntext = "{slow}"\ntimeout = "20 ms"'))
    assert view.attempts[0].error == "step act: no result within 0.02 s (the step's timeout)"


def test_on_error_continue_goes_on_and_keeps_the_error(tmp_path: Path) -> None:
    view = outcome_of(tmp_path, steps('name = "a"\ndo = "give_up"\non_error = "continue"', 'name = "b"\ndo = "say"'))
    assert view.summary.state is State.SUCCEEDED
    assert [(attempt.outcome, attempt.error) for attempt in view.attempts] == [
        (Outcome.CONTINUED, "step a: never: "),
        (Outcome.SUCCEEDED, None),
    ]


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [
        ("crash", "the action failed with LookupError"),
        ("exit", "the action failed with RuntimeError: it raised SystemExit(3)"),
        ("cancel", "the action cancelled itself"),
        ("nonsense", "the action returned a set that is not JSON"),
        ("half_a_character", "the action returned a str that is not JSON"),
        ("no_number", "the action returned a dict that is not JSON"),
        ("panic", "the action failed with RuntimeError: it raised Panic()"),
    ],
)
def test_an_action_that_misbehaves_fails_its_run_and_never_the_host(
    tmp_path: Path, behaviour: str, message: str
) -> None:
    async def main() -> None:
        async with run_host(tmp_path, Plugin(), {"x": steps(f'do = "{behaviour}"'), "y": steps('do = "say"')}) as host:
            bad, good = await give(host, {}), await give(host, {}, "y")
            view = await until(host, bad)
            assert view.summary.state is State.FAILED
            assert message in (view.summary.error or "")
            assert (await until(host, good)).summary.state is State.SUCCEEDED
            assert host.ready

    run(main())


class Departing(dict[str, Any]):
    """Ends the process whenever somebody looks at it."""

    def items(self) -> Any:
        raise SystemExit(9)

    __iter__ = values = keys = items


def test_a_result_that_exits_when_it_is_looked_at_fails_its_run_and_never_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def depart(*_: object) -> Any:
        return Departing(a=1)

    async def main() -> None:
        async with run_host(tmp_path, Plugin(), {"x": steps('do = "say"')}) as host:
            monkeypatch.setattr(Act, "run", depart)
            view = await until(host, await give(host, {}))
            assert view.summary.state is State.FAILED
            assert "SystemExit: 9" in (view.summary.error or "")
            assert host.ready

    run(main())


def test_an_action_that_holds_up_the_loop_is_tried_again_and_fails_when_it_does_so_once_more(tmp_path: Path) -> None:
    async def main() -> None:
        pipelines = {"x": steps('do = "block"\nretry = { first_wait = "10 ms" }'), "y": steps('do = "say"')}
        async with run_host(tmp_path, Plugin(), pipelines) as host:
            bad, good = await give(host, {}), await give(host, {}, "y")
            view = await until(host, bad)
            assert [one.outcome for one in view.attempts] == [Outcome.RETRYING, Outcome.FAILED]
            assert all("kept the event loop to itself" in (one.error or "") for one in view.attempts)
            assert (await until(host, good)).summary.state is State.SUCCEEDED

    run(main())


def test_the_traceback_of_a_crash_is_in_the_journal_with_secrets_masked(tmp_path: Path) -> None:
    pipeline = steps('do = "crash"\ntext = "token {{ secret.TOKEN }}"')
    attempt = outcome_of(tmp_path, pipeline, secrets='TOKEN = "s3cret-value"\n').attempts[0]
    assert "raise LookupError(text)" in attempt.traceback
    assert "token ***" in attempt.error
    assert "s3cret-value" not in repr(attempt)


@pytest.mark.parametrize("behaviour", ["hang", "hang_stubbornly"])
def test_an_action_that_hangs_is_given_up_at_its_timeout_and_tried_again(tmp_path: Path, behaviour: str) -> None:
    view = outcome_of(tmp_path, steps(f'do = "{behaviour}"\ntimeout = "50 ms"'))
    assert view.summary.state is State.WAITING
    assert view.attempts[0].error == "step act: no result within 0.05 s (the step's timeout)"


def test_an_option_that_renders_to_the_wrong_type_fails_the_run_with_its_key(tmp_path: Path) -> None:
    view = outcome_of(tmp_path, steps('do = "say"\ntext = "{{ $.event.n }}"'), {"n": [1]})
    assert view.summary.error == "step act: steps[0].text: must come to text; add a filter such as string"


def test_a_path_that_selects_nothing_fails_the_run_with_the_keys_that_exist(tmp_path: Path) -> None:
    view = outcome_of(tmp_path, steps('do = "say"\ntext = "{{ $.event.emial }}"'), {"email": "private@example.ru"})
    assert "steps[0].text: $.event.emial selects nothing; did you mean $.event.email?" in view.summary.error
    assert "private@example.ru" not in view.summary.error


def test_a_temporary_failure_is_tried_again_when_it_is_due_and_not_before(tmp_path: Path) -> None:
    async def main() -> None:
        clock, plugin = Clock(), Plugin()
        pipeline = steps('name = "a"\ndo = "say"', 'name = "b"\ndo = "fail_for_now"\ntext = "30"')
        async with run_host(tmp_path, plugin, {"x": pipeline}, clock) as host:
            id = await give(host, {})
            view = await until(host, id, [State.WAITING])
            assert view.summary.due_at == clock() + timedelta(minutes=30)
            clock.time += timedelta(minutes=29, seconds=59)
            await host.journal.wake()
            assert (await until(host, id, [State.WAITING])).summary.state is State.WAITING
            clock.time += timedelta(seconds=2)
            await host.journal.wake()
            while len(plugin.calls) < 3:
                await asyncio.sleep(0.01)
            assert [step.name for _, step in plugin.calls] == ["a", "b", "b"], "a completed step is not run again"
            assert [step.attempt for _, step in plugin.calls] == [1, 1, 2]
            assert len({step.idempotency_key for _, step in plugin.calls}) == 2

    run(main())


def test_the_last_attempt_fails_the_run_and_all_attempts_are_kept(tmp_path: Path) -> None:
    async def main() -> None:
        clock = Clock()
        pipeline = steps('do = "fail_for_now"\nretry = { attempts = 3, longest_wait = "1 min" }')
        async with run_host(tmp_path, Plugin(), {"x": pipeline}, clock) as host:
            id = await give(host, {})
            await until(host, id, [State.WAITING])
            for _ in range(2):
                clock.time += timedelta(minutes=1)
                await host.journal.wake()
                await until(host, id, [State.WAITING, State.FAILED], after=clock())
            view = await until(host, id, [State.FAILED])
            assert [attempt.outcome for attempt in view.attempts] == ["retrying", "retrying", "failed"]
            assert [attempt.number for attempt in view.attempts] == [1, 2, 3]

    run(main())


def test_a_failed_run_is_replayed_from_the_failed_step_on_the_mended_pipeline(tmp_path: Path) -> None:
    async def main() -> None:
        plugin = Plugin()
        broken = steps('name = "a"\ndo = "say"\ntext = "once"', 'name = "b"\ndo = "give_up"')
        async with run_host(tmp_path, plugin, {"x": broken}) as host:
            id = await give(host, {})
            assert (await until(host, id)).summary.state is State.FAILED
            (tmp_path / "pipelines" / "x.toml").write_text(broken.replace("give_up", "say"), encoding="utf-8")
            await host.reload()
            operations = Replays(host.journal, host.intake, host.pipelines.get, host.intake.now)
            [again] = await operations.replay(id, from_step="b")
            view = await until(host, again)
            assert view.summary.state is State.SUCCEEDED
            assert view.summary.replay_of == id
            assert [attempt.outcome for attempt in view.attempts] == [Outcome.REUSED, Outcome.SUCCEEDED]
            assert [step.name for _, step in plugin.calls] == ["a", "b", "b"]
            keys = [step.idempotency_key for _, step in plugin.calls]
            assert keys[1] == keys[2], "the destination can tell that it is the same work"

            [whole] = await operations.replay(id, on="original")
            assert (await until(host, whole)).summary.state is State.FAILED

            [edited] = await operations.replay(id, event={"other": True})
            view = await until(host, edited)
            assert view.event.data == {"other": True}
            assert plugin.calls[-1][1].idempotency_key not in keys

    run(main())


def test_a_run_with_steps_behind_it_stays_on_its_version_and_any_other_takes_the_current_one(tmp_path: Path) -> None:
    async def main() -> None:
        clock, plugin = Clock(), Plugin()
        text = steps('name = "a"\ndo = "{{ $.event.first }}"', 'name = "b"\ndo = "fail_once"\ntext = "old"')
        async with run_host(tmp_path, plugin, {"x": text}, clock) as host:
            begun = await give(host, {"first": "say"})
            await until(host, begun, [State.SUCCEEDED, State.WAITING])
            fresh = await give(host, {"first": "fail_for_now"})
            await until(host, fresh, [State.WAITING])
            (tmp_path / "pipelines" / "x.toml").write_text(text.replace("old", "new"), encoding="utf-8")
            await host.reload()
            versions = {(await until(host, run, [*State])).summary.version for run in (begun, fresh)}
            assert len(versions) == 1
            clock.time += timedelta(hours=1)
            await host.journal.wake()
            current = host.pipelines.get("x")
            assert current is not None
            view = await until(host, fresh, [State.WAITING], after=clock())
            assert view.summary.version == current.version
            assert (await until(host, begun)).summary.version != current.version

    run(main())


def test_a_pipeline_that_keeps_failing_is_put_on_hold(tmp_path: Path) -> None:
    async def main() -> None:
        pipeline = steps('do = "{{ $.event.do }}"', head="pause_after = 2\nconcurrency = 1")
        async with run_host(tmp_path, Plugin(), {"x": pipeline}) as host:
            for behaviour in ("give_up", "say", "give_up"):
                await until(host, await give(host, {"do": behaviour}))
            assert host.modes.get("x").mode is Mode.RUNNING, "a success in between starts the count anew"
            await until(host, last := await give(host, {"do": "give_up"}))
            kept = await give(host, {"do": "say"})
            await until(host, kept, [State.HELD])
            expected = f"put on hold after 2 failed runs in a row; the last one is {last}"
            assert host.modes.get("x").reason == expected, "which viewers see, so that the run's error is not in it"
            await host.modes.set("x", Mode.RUNNING, "mended")
            assert (await until(host, kept)).summary.state is State.SUCCEEDED

    run(main())


def test_a_slow_pipeline_holds_up_no_other(tmp_path: Path) -> None:
    async def main() -> None:
        plugin = Plugin()
        pipelines = {"slow": steps('do = "wait"', head="concurrency = 1"), "fast": steps('do = "say"')}
        async with run_host(tmp_path, plugin, pipelines) as host:
            slow = [await give(host, {}, "slow") for _ in range(3)]
            assert (await until(host, await give(host, {}, "fast"))).summary.state is State.SUCCEEDED
            assert (await host.journal.run(slow[0])).summary.state is not State.SUCCEEDED  # type: ignore[union-attr]
            plugin.act.gate.set()
            for id in slow:
                assert (await until(host, id)).summary.state is State.SUCCEEDED

    run(main())


def test_stopping_lets_what_is_running_end_and_leaves_the_rest_queued(tmp_path: Path) -> None:
    async def main() -> None:
        plugin = Plugin()
        pipeline = steps('do = "wait"', head="concurrency = 1")
        async with run_host(tmp_path, plugin, {"x": pipeline}) as host:
            first, second = await give(host, {}), await give(host, {})
            while not plugin.calls:
                await asyncio.sleep(0.01)
            asyncio.get_running_loop().call_later(0.2, plugin.act.gate.set)
        other = Plugin()
        async with run_host(tmp_path, other, {"x": pipeline}) as host:
            assert (await until(host, first)).summary.state is State.SUCCEEDED
            assert [step.run for _, step in plugin.calls] == [first]
            other.act.gate.set()
            assert (await until(host, second)).summary.state is State.SUCCEEDED

    run(main())


def test_a_result_with_a_secret_in_it_is_stored_masked_and_used_as_it_is(tmp_path: Path) -> None:
    async def main() -> None:
        plugin = Plugin()
        pipeline = steps(
            'name = "a"\ndo = "say"\ntext = "{{ secret.TOKEN }}"',
            'name = "b"\ndo = "say"\ntext = "{{ $.steps.a.said }}"',
        )
        async with run_host(tmp_path, plugin, {"x": pipeline}, secrets='TOKEN = "s3cret-value"\n') as host:
            view = await until(host, await give(host, {}))
            assert plugin.calls[-1][0] == "s3cret-value"
            assert "s3cret-value" not in repr(view)

    run(main())


def lent(folder: Path, pipeline: str) -> tuple[RunView, Plugin]:
    async def main() -> tuple[RunView, Plugin]:
        plugin = Plugin()
        plugin.more.append(Lend)
        async with run_host(folder, plugin, {"x": pipeline}) as host:
            return await until(host, await give(host, {})), plugin

    return run(main())


def test_what_an_action_conceals_is_masked_in_its_step_and_in_later_ones_and_used_as_it_is(tmp_path: Path) -> None:
    lend = steps('name = "a"\ndo = "say"').replace('"act"', '"lend"')
    used = '[[steps]]\nuse = "act"\nname = "{0}"\ndo = "{0}"\ntext = "{{{{ $.steps.a.token }}}}"\n'
    view, plugin = lent(tmp_path, lend + used.format("say") + used.format("give_up"))
    assert [text for text, _ in plugin.calls] == [TOKEN, TOKEN]
    assert [attempt.result for attempt in view.attempts] == [{"token": "***"}, {"said": "***"}, None]
    assert view.summary.error == "step give_up: never: ***"
    assert TOKEN not in repr(view)


@pytest.mark.parametrize("behaviour", ["fail", "crash"])
def test_what_an_action_conceals_is_masked_in_its_error_and_traceback(tmp_path: Path, behaviour: str) -> None:
    view, _ = lent(tmp_path, steps(f'do = "{behaviour}"').replace('"act"', '"lend"'))
    assert "***" in (view.summary.error or "")
    assert TOKEN not in repr(view)


def test_what_an_action_conceals_is_masked_in_its_log_lines_and_in_no_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs(level="info", json=True, mask=str)
    try:
        lent(tmp_path, steps('do = "say"').replace('"act"', '"lend"'))
        structlog.get_logger().info("elsewhere", said=TOKEN)
    finally:
        structlog.reset_defaults()
        logging.basicConfig(force=True)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["token"] for line in lines if line["event"] == "lent"] == ["***"]
    assert [line["said"] for line in lines if line["event"] == "elsewhere"] == [TOKEN]
    assert not any("_mask" in line for line in lines)


def test_cookies_in_a_result_are_stored_masked_and_used_as_they_are(tmp_path: Path) -> None:
    async def main() -> None:
        plugin = Plugin()
        pipeline = steps(
            'name = "a"\ndo = "answer"\ntext = "session=abc"',
            'name = "b"\ndo = "say"\ntext = "{{ $.steps.a.headers[\'Set-Cookie\'] }}"',
        )
        async with run_host(tmp_path, plugin, {"x": pipeline}) as host:
            view = await until(host, await give(host, {}))
            assert plugin.calls[-1][0] == "session=abc"
            assert view.attempts[0].result == {"headers": {"Set-Cookie": "***", "x": "y"}}

    run(main())


@pytest.mark.parametrize("used", ["$.steps.a.headers['Set-Cookie']", "$.steps.a.headers['Set-Cookie'] | default('x')"])
def test_a_value_that_was_stored_without_its_secret_is_an_error_when_it_is_used(tmp_path: Path, used: str) -> None:
    async def main() -> None:
        plugin = Plugin()
        pipeline = steps(
            'name = "a"\ndo = "answer"\ntext = "session=abc"',
            'name = "b"\ndo = "fail_for_now"',
            'name = "c"\ndo = "say"\ntext = "{{ $.steps.a.headers.x }}"',
            f'name = "d"\ndo = "say"\ntext = "{{{{ {used} }}}}"',
        )
        async with run_host(tmp_path, plugin, {"x": pipeline}) as host:
            id = await give(host, {})
            await until(host, id, [State.WAITING])
            text = pipeline.replace("fail_for_now", "say")
            (tmp_path / "pipelines" / "x.toml").write_text(text, encoding="utf-8")
            await host.reload()
            operations = Replays(host.journal, host.intake, host.pipelines.get, host.intake.now)
            [replayed] = await operations.replay(id, from_step="b")
            view = await until(host, replayed)
            assert view.summary.state is State.FAILED
            assert "steps[3].text: this value was stored without the secret in it" in (view.summary.error or "")
            assert [(step.name, text) for text, step in plugin.calls[2:]] == [("b", ""), ("c", "y")]
            [whole] = await operations.replay(id)
            assert (await until(host, whole)).summary.state is State.SUCCEEDED

    run(main())
