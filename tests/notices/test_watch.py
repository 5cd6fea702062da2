import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from jackfield import Notice, NoticeKind, Notifier, OptionsModel, PermanentFailure, TemporaryFailure, hookimpl
from jackfield.components.plugins.registry import Registry
from jackfield.host.host import Host, running
from jackfield.journal.records import Failed, Mode, Replay, SetAside, Succeeded
from jackfield.masking import Mask
from jackfield.notices.alarms import KINDS, Alarms, kind_of_error
from jackfield.notices.notifiers import PENDING, Channel, read_notifiers
from jackfield.pipelines.loader import PipelineLoader
from jackfield.project.settings import ROOM
from tests.support import Clock, Plugin, give, make_project, steps, until

MINUTE = timedelta(minutes=1)
WINDOW = timedelta(minutes=15)
SETTINGS = (
    "[server]\nport = 0\npublic_url = 'https://hooks.example.ru'\n[notices]\nlanguage = '{}'\n[notices.recorder]\n"
)


class RecorderOptions(OptionsModel):
    password: SecretStr = SecretStr("")
    to: tuple[str, ...] = ()


class Recorder(Notifier[RecorderOptions]):
    """Keeps what it is told; `failures` are raised first, one for each call."""

    name = "recorder"
    title = "Recorder"
    Options = RecorderOptions
    told: list[Notice]
    failures: list[Exception]

    async def notify(self, notice: Notice) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.told.append(notice)


class NoticePlugin(Plugin):
    def __init__(self) -> None:
        super().__init__()

        class OwnRecorder(Recorder):
            told: list[Notice] = []
            failures: list[Exception] = []

        self.recorder = OwnRecorder

    @property
    def told(self) -> list[Notice]:
        return self.recorder.told

    @hookimpl
    def register_notifiers(self) -> list[type[Recorder]]:
        return [self.recorder]


@asynccontextmanager
async def host_with(
    folder: Path,
    plugin: Plugin,
    pipeline: str,
    clock: Clock,
    *,
    language: str = "en",
    settings: str = "",
    secrets: str = "",
) -> AsyncIterator[Host]:
    project = make_project(folder, {"x": pipeline}, settings or SETTINGS.format(language), secrets)
    async with running(project, os.environ, registry=Registry.of(plugin), now=clock) as host:
        yield host


async def eventually(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.005)


async def look(host: Host, plugin: NoticePlugin, notices: int) -> list[NoticeKind]:
    await host.notices.look()
    await eventually(lambda: len(plugin.told) >= notices)
    return [notice.kind for notice in plugin.told]


def test_500_failing_runs_in_one_minute_make_one_notice_with_their_number_and_the_first(tmp_path: Path) -> None:
    plugin, clock = NoticePlugin(), Clock()

    async def main() -> None:
        pipeline = steps('name = "add"\ndo = "give_up"\ntext = "{{ $.event.n | string }}"', head='title = "School"')
        async with host_with(tmp_path, plugin, pipeline, clock) as host:
            runs = []
            for n in range(500):
                runs.append(await give(host, {"n": n}))
                clock.time += MINUTE / 500
            for run in runs:
                await until(host, run)
            assert await look(host, plugin, 1) == [NoticeKind.FAILED]
            [notice] = plugin.told
            assert notice.count == 500
            assert notice.subject == "Jackfield: School: failed runs: 500"
            assert notice.link is not None
            address, _, run = notice.link.rpartition("/")
            assert address == "https://hooks.example.ru/runs"
            assert run in runs
            assert "step add: never: " in notice.text
            assert "500 runs have failed one after the other" in notice.text
            assert notice.link in notice.text
            clock.time += WINDOW
            assert await look(host, plugin, 1) == [NoticeKind.FAILED]

    asyncio.run(main())


def test_after_a_failure_was_told_the_first_success_is_told_once(tmp_path: Path) -> None:
    plugin, clock = NoticePlugin(), Clock()

    async def main() -> None:
        pipeline = steps('do = "say"\ntext = "{{ $.event.name }}"', head='title = { en = "School", ru = "Школа" }')
        async with host_with(tmp_path, plugin, pipeline, clock, language="ru") as host:
            failed = await give(host, {})
            await until(host, failed)
            clock.time += MINUTE
            assert await look(host, plugin, 1) == [NoticeKind.FAILED]
            for _ in range(3):
                await until(host, await give(host, {"name": "Anna"}))
            assert await look(host, plugin, 2) == [NoticeKind.FAILED, NoticeKind.RECOVERED]
            told, over = plugin.told
            assert told.subject == "Jackfield: Школа: операций с ошибкой: 1"
            assert failed in told.text
            assert "шаг act: steps[0].text: $.event.name ничего не находит" in told.text
            assert over.subject == "Jackfield: Школа: снова работает"

    asyncio.run(main())


def test_runs_that_were_repaired_or_set_aside_before_the_notice_are_not_told_of(tmp_path: Path) -> None:
    plugin, clock = NoticePlugin(), Clock()

    async def main() -> None:
        async with host_with(tmp_path, plugin, steps('do = "give_up"\ntext = "no"'), clock) as host:
            runs = [await give(host, {"n": n}) for n in range(3)]
            for run in runs:
                await until(host, run)
            (tmp_path / "pipelines" / "x.toml").write_text(steps('do = "say"'))
            await host.reload()
            await until(host, await host.journal.replay(runs[0], Replay(), id="again", at=clock()))
            await host.journal.set_aside(runs[1], SetAside(clock(), "anna"))
            clock.time += MINUTE
            assert await look(host, plugin, 1) == [NoticeKind.FAILED]
            [notice] = plugin.told
            assert (notice.count, runs[2] in (notice.link or "")) == (1, True)

    asyncio.run(main())


def test_where_all_that_failed_was_seen_to_there_is_nothing_to_tell() -> None:
    clock = Clock()
    alarms = Alarms(WINDOW, clock)
    alarms.failed("x", "step a: no", "run-1")
    clock.time += MINUTE
    assert alarms.due_runs() == ["run-1"]
    assert alarms.due(seen_to={"run-1"}) == []
    alarms.succeeded("x")
    assert alarms.due() == [], "what was not told is not taken back"


def test_a_pipeline_that_is_put_on_hold_is_told_at_once_and_its_recovery_once(tmp_path: Path) -> None:
    plugin, clock = NoticePlugin(), Clock()

    async def main() -> None:
        async with host_with(tmp_path, plugin, steps('do = "{{ $.event.do }}"', head="pause_after = 2"), clock) as host:
            for _ in range(2):
                await until(host, await give(host, {"do": "give_up"}))
            assert await look(host, plugin, 1) == [NoticeKind.PAUSED]
            assert "jackfield start x" in plugin.told[0].text
            clock.time += MINUTE
            await look(host, plugin, 2)
            await host.modes.set("x", Mode.RUNNING, "mended")
            await until(host, await give(host, {"do": "say"}))
            kinds = await look(host, plugin, 3)
            assert kinds == [NoticeKind.PAUSED, NoticeKind.FAILED, NoticeKind.RECOVERED]

    asyncio.run(main())


def test_a_blocked_pipeline_is_told_once_and_taken_back_when_it_is_mended(tmp_path: Path) -> None:
    plugin, clock = NoticePlugin(), Clock()

    async def main() -> None:
        async with host_with(tmp_path, plugin, steps('do = "say"\nteext = "a"'), clock) as host:
            for _ in range(3):
                assert await look(host, plugin, 1) == [NoticeKind.BLOCKED]
            assert 'did you mean "text"?' in plugin.told[0].text
            (tmp_path / "pipelines" / "x.toml").write_text(steps('do = "say"\ntext = "a"'), encoding="utf-8")
            await host.reload()
            assert await look(host, plugin, 2) == [NoticeKind.BLOCKED, NoticeKind.RECOVERED]

    asyncio.run(main())


def test_silence_is_told_once_and_the_next_event_ends_it(tmp_path: Path) -> None:
    plugin, clock = NoticePlugin(), Clock()

    async def main() -> None:
        pipeline = steps('do = "say"', source='use = "call"\nsilent_after = "1 h"')
        async with host_with(tmp_path, plugin, pipeline, clock) as host:
            await give(host, {})
            await host.notices.look()
            clock.time += timedelta(minutes=59)
            await host.notices.look()
            await asyncio.sleep(0)
            assert plugin.told == []
            clock.time += 2 * MINUTE
            assert await look(host, plugin, 1) == [NoticeKind.SILENT]
            await give(host, {})
            assert await look(host, plugin, 2) == [NoticeKind.SILENT, NoticeKind.RECOVERED]

    asyncio.run(main())


def test_silence_counts_on_over_a_restart_and_a_stopped_pipeline_is_not_expected_to_hear_anything(
    tmp_path: Path,
) -> None:
    plugin, clock = NoticePlugin(), Clock()
    pipeline = steps('do = "say"', source='use = "call"\nsilent_after = "1 h"')

    async def main() -> None:
        async with host_with(tmp_path, plugin, pipeline, clock) as host:
            await give(host, {})
        clock.time += 2 * timedelta(hours=1)
        async with host_with(tmp_path, plugin, pipeline, clock) as host:
            await host.notices.look()
            assert plugin.told == []
            clock.time += 5 * MINUTE
            assert await look(host, plugin, 1) == [NoticeKind.SILENT]
            await host.modes.set("x", Mode.STOPPED, "holidays")
            assert await look(host, plugin, 2) == [NoticeKind.SILENT, NoticeKind.RECOVERED]

    asyncio.run(main())


def test_a_journal_that_is_nearly_full_is_told_and_taken_back(tmp_path: Path) -> None:
    plugin, clock = NoticePlugin(), Clock()

    async def main() -> None:
        async with host_with(tmp_path, plugin, steps('do = "say"'), clock) as host:
            await host.notices.pruned()
            host.notices.journal_seen(3_000_000_000, 10 * ROOM)
            assert await look(host, plugin, 1) == [NoticeKind.JOURNAL]
            assert "3000 MB of 2000 MB" in plugin.told[0].text
            host.notices.journal_seen(1000, ROOM)
            assert await look(host, plugin, 2) == [NoticeKind.JOURNAL, NoticeKind.RECOVERED]

    asyncio.run(main())


def test_what_was_counted_and_not_told_is_told_when_the_host_stops(tmp_path: Path) -> None:
    plugin, clock = NoticePlugin(), Clock()

    async def main() -> None:
        async with host_with(tmp_path, plugin, steps('do = "give_up"'), clock) as host:
            await until(host, await give(host, {}))
            await host.notices.look()
            assert plugin.told == []

    asyncio.run(main())
    assert [notice.kind for notice in plugin.told] == [NoticeKind.FAILED]


def test_no_notice_holds_a_secret(tmp_path: Path) -> None:
    plugin, clock = NoticePlugin(), Clock()

    async def main() -> None:
        pipeline = steps('do = "give_up"\ntext = "{{ secret.TOKEN }}"', head='title = "with s3cret-token"')
        async with host_with(tmp_path, plugin, pipeline, clock, secrets='TOKEN = "s3cret-token"') as host:
            await until(host, await give(host, {}))
            clock.time += MINUTE
            await look(host, plugin, 1)
            assert "s3cret" not in plugin.told[0].text + plugin.told[0].subject
            assert "never: ***" in plugin.told[0].text

    asyncio.run(main())


def test_a_failing_notifier_is_shown_and_tried_again_until_the_notice_is_through() -> None:
    clock, secret = Clock(), "pass-w0rd"
    notifier = Recorder.__new__(Recorder)
    notifier.told, notifier.failures = [], [TemporaryFailure(f"{secret} refused"), ZeroDivisionError(), TimeoutError()]
    channel = Channel("recorder", notifier, Mask([secret]), clock, first_wait=timedelta(milliseconds=20))
    notice = Notice(NoticeKind.TEST, "subject", "text", clock())

    async def main() -> None:
        task = asyncio.create_task(channel.work())
        channel.put(notice)
        await eventually(lambda: channel.status.failing_since is not None)
        assert channel.status.pending == 1
        assert channel.status.error == "*** refused"
        await eventually(lambda: notifier.told == [notice])
        await eventually(lambda: channel.status.failing_since is None)
        notifier.failures.append(PermanentFailure("no such address"))
        channel.put(notice)
        await eventually(lambda: channel.status.pending == 0)
        assert channel.status.error == "no such address"
        channel.end()
        await task
        assert notifier.told == [notice]

    asyncio.run(main())


def test_a_notifier_that_is_down_holds_a_bounded_number_of_notices_and_ends_with_the_host() -> None:
    clock = Clock()
    notifier = Recorder.__new__(Recorder)
    notifier.told, notifier.failures = [], [TemporaryFailure("down") for _ in range(10 * PENDING)]
    channel = Channel("recorder", notifier, Mask(), clock)

    async def main() -> None:
        for _ in range(3 * PENDING):
            channel.put(Notice(NoticeKind.TEST, "subject", "text", clock()))
        assert channel.status.pending == PENDING
        channel.end()
        await asyncio.wait_for(channel.work(), 10)

    asyncio.run(main())
    assert len(notifier.failures) == 9 * PENDING


def test_however_many_kinds_of_error_there_are_few_are_told_apart() -> None:
    clock = Clock()
    alarms = Alarms(WINDOW, clock)
    for n in range(1000):
        alarms.failed("x", "step " + "abcdefghij"[n % 10] * (n % 7 + 1), f"run-{n}")
    clock.time += MINUTE
    reports = alarms.due()
    assert len(reports) == KINDS + 1
    assert sum(report.count for report in reports) == 1000


def test_failures_within_the_window_are_told_when_it_ends_and_success_between_them_in_the_same_notice() -> None:
    clock = Clock()
    alarms = Alarms(WINDOW, clock)
    alarms.failed("x", "step a: no", "run-1")
    clock.time += MINUTE
    assert [report.count for report in alarms.due()] == [1]
    for _ in range(5):
        alarms.failed("x", "step a: no", "run-2")
        alarms.succeeded("x")
    [recovered] = alarms.due()
    assert recovered.kind is NoticeKind.RECOVERED
    clock.time += WINDOW
    [report] = alarms.due()
    assert (report.count, report.mended, report.run) == (5, True, "run-2")
    clock.time += WINDOW
    assert alarms.due() == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("step a: h answered 503: id 17", "step a: h answered 503: id 18", True),
        ("step a: no anna@example.ru", "step a: no ivan@example.ru", True),
        ('step a: "Anna" is taken', 'step a: "Ivan Ivanov" is taken', True),
        ("step a: not now", "step b: not now", False),
    ],
)
def test_an_error_is_of_the_same_kind_if_only_numbers_names_and_addresses_differ(
    one: str, other: str, *, same: bool
) -> None:
    assert (kind_of_error(one) == kind_of_error(other)) is same


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (
            "[notices.recordr]",
            'jackfield.toml:1: notices.recordr: there is no notifier "recordr"; did you mean "recorder"?',
        ),
        (
            "[notices]\nlangauge = 'ru'",
            'jackfield.toml:2: notices.langauge: is not known here; did you mean "language"?',
        ),
        (
            "[notices.recorder]\ntoo = []",
            'jackfield.toml:2: notices.recorder.too: is not known here; did you mean "to"?',
        ),
        (
            "[notices.recorder]\npassword = '{{ secret.PASS }}'",
            (
                "jackfield.toml:2: notices.recorder.password: secret PASS is not set;"
                " put it into secrets.toml or JACKFIELD_SECRET_PASS"
            ),
        ),
    ],
)
def test_a_wrong_notifier_is_named_by_line_and_key_and_does_not_stop_the_host(
    tmp_path: Path, settings: str, problem: str
) -> None:
    plugin = NoticePlugin()

    async def main() -> None:
        async with host_with(tmp_path, plugin, steps('do = "say"'), Clock(), settings=settings) as host:
            assert [str(one) for one in host.notices.notifiers.problems] == [problem]
            host.notices.settled("x", "run-1", Succeeded())
            host.notices.settled("x", "run-1", Failed("step a: no"))

    asyncio.run(main())


def test_a_secret_in_a_notifiers_options_is_rendered_once(tmp_path: Path) -> None:
    text = "[notices.recorder]\npassword = '{{ secret.PASS }}'"
    project = make_project(tmp_path, {}, text, "PASS = 'pass-w0rd'")
    [definition], problems = read_notifiers(project, PipelineLoader(Registry.of(NoticePlugin()), project.secrets))
    assert problems == []
    assert isinstance(definition.options, RecorderOptions)
    assert definition.options.password.get_secret_value() == "pass-w0rd"
    assert definition.mask("my pass-w0rd") == "my ***"
