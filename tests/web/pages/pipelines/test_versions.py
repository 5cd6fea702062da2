"""A pipeline's old versions, and what differs between two."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, SecretStr

from jackfield import Action, OptionsModel, Step
from jackfield.access.users import Role
from jackfield.journal.records import Retention, State, Version
from jackfield.web.render.diff import Kind, difference
from jackfield.web.server.serving import Served
from tests.support import Plugin, give, serve, steps, until
from tests.web.pages.pipelines.test_pipelines import XSS, read, words
from tests.web.site import visitor

ONE = steps('do = "say"\ntext = "one"')
TWO = steps(f'do = "say"\ntext = "{XSS}"')
THREE = steps('do = "say"\ntext = "three"')
_LINES = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=30).map("\n".join)


async def change(served: Served, folder: Path, text: str) -> str:
    """Write a new version and return the one that is current then."""
    (folder / "pipelines" / "x.toml").write_text(text, encoding="utf-8")
    await served.host.reload()
    pipeline = served.host.pipelines.get("x")
    assert pipeline is not None
    return pipeline.version


def test_the_newest_two_versions_are_compared_and_any_two_can_be(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": ONE}) as served, visitor(served) as operator:
            one = await change(served, tmp_path, ONE)
            page = await read(operator, "/pipelines/x/versions")
            assert "There is no earlier version" in page
            two, three = [await change(served, tmp_path, text) for text in (TWO, THREE)]
            page = await read(operator, "/pipelines/x/versions")
            assert XSS not in page
            said = words(page)
            assert f'− text = "{XSS}"' in said
            assert '+ text = "three"' in said
            assert said.index(f"{three} current") < said.rindex(two) < said.rindex(one)
            said = words(await read(operator, f"/pipelines/x/versions?old={three}&new={one}"))
            assert '− text = "three"' in said
            assert '+ text = "one"' in said
            said = words(await read(operator, f"/pipelines/x/versions?new={two}"))
            assert '− text = "one"' in said
            said = words(await read(operator, f"/pipelines/x/versions?old={two}&new={two}"))
            assert "The two are the same" in said

    asyncio.run(main())


def test_an_earlier_version_is_brought_back_with_its_comments_as_a_new_change(tmp_path: Path) -> None:
    async def main() -> None:
        commented = f"# the first one\n{ONE}"
        async with serve(tmp_path, {"x": commented}) as served, visitor(served) as operator:
            file = tmp_path / "pipelines" / "x.toml"
            one = await change(served, tmp_path, commented)
            two = await change(served, tmp_path, TWO)
            base = hashlib.sha256(file.read_bytes()).hexdigest()
            page = await read(operator, "/pipelines/x/versions")
            assert f'name="base" value="{base}"' in page
            assert page.count(">Bring back</button>") == 1, "the one that the file is cannot be brought back"
            answer = await operator.post("/pipelines/x/versions", {"version": one, "base": base})
            assert answer.headers["location"] == f"/pipelines/x/versions?restored={one}"
            assert file.read_text() == commented
            current = served.host.pipelines.get("x")
            assert current is not None
            assert current.version == one
            assert f"Version {one} is the pipeline" in words(await read(operator, answer.headers["location"]))
            await served.host.journal.prune(Retention(timedelta(days=30), 10**9), datetime.now(UTC))
            kept = [kept.version.id for kept in await served.host.journal.versions("x")]
            assert kept == [one, two], "no run is on either"

    asyncio.run(main())


def test_a_version_is_not_brought_back_over_what_somebody_else_has_saved_nor_if_it_cannot_run(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": ONE}) as served, visitor(served) as operator:
            file = tmp_path / "pipelines" / "x.toml"
            one = await change(served, tmp_path, ONE)
            await change(served, tmp_path, THREE)
            refused = await operator.post("/pipelines/x/versions", {"version": one, "base": "what was seen"})
            assert (refused.status_code, "changed by somebody else" in refused.text) == (409, True)
            assert file.read_text() == THREE
            base = hashlib.sha256(file.read_bytes()).hexdigest()
            await served.host.journal.keep(Version("x", "broken", "[source]\nuse = 'nothing'\n"))
            refused = await operator.post("/pipelines/x/versions", {"version": "broken", "base": base})
            assert (refused.status_code, "could not run now" in refused.text) == (422, True)
            assert (await operator.post("/pipelines/x/versions", {"version": "none", "base": base})).status_code == 404
            async with visitor(served, Role.VIEWER) as viewer:
                refused = await viewer.post("/pipelines/x/versions", {"version": one, "base": base})
                assert refused.status_code == 403
                assert "Bring back" not in await read(viewer, "/pipelines/x/versions")
            assert file.read_text() == THREE
            file.unlink()
            await served.host.reload()
            await operator.post("/pipelines/x/versions", {"version": one, "base": ""})
            assert file.read_text() == ONE, "a pipeline that was deleted comes back, too"

    asyncio.run(main())


def test_an_attempt_names_the_version_that_made_it_where_the_run_is_on_another(tmp_path: Path) -> None:
    async def main() -> None:
        later = steps('do = "fail_for_now"\ntext = "30"')
        async with serve(tmp_path, {"x": later}) as served, visitor(served) as operator:
            old = await change(served, tmp_path, later)
            run = await give(served.host, {})
            await until(served.host, run, [State.WAITING])
            new = await change(served, tmp_path, ONE)
            await served.host.journal.retry_now(run)
            view = await until(served.host, run)
            assert [attempt.version for attempt in view.attempts] == [old, new]
            page = await read(operator, f"/runs/{run}")
            assert f"on version <code>{old}</code>" in page
            assert f"versions?old={old}&amp;new={new}" in page
            assert f"on version <code>{new}</code>" not in page

    asyncio.run(main())


def test_a_version_that_is_not_there_is_the_newest_and_no_text_of_the_page(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": ONE}) as served, visitor(served) as operator:
            await change(served, tmp_path, THREE)
            page = await read(operator, f"/pipelines/x/versions?old={XSS}&new={XSS}")
            assert XSS not in page
            assert '+ text = "three"' in words(page)
            assert (await operator.get("/pipelines/y/versions")).status_code == 404

    asyncio.run(main())


def test_a_secret_that_stands_in_a_file_is_not_shown(tmp_path: Path) -> None:
    async def main() -> None:
        files = {"x": steps('do = "say"\ntext = "hunter2hunter2"')}
        async with (
            serve(tmp_path, files, secrets='PASSWORD = "hunter2hunter2"\n') as served,
            visitor(served) as operator,
        ):
            await change(served, tmp_path, THREE)
            page = await read(operator, "/pipelines/x/versions")
            assert "hunter2" not in page
            assert '− text = "***"' in words(page)

    asyncio.run(main())


class KeyOptions(OptionsModel):
    key: SecretStr
    times: int = 1


class Keyed(Action[KeyOptions]):
    """Needs a key."""

    name = "keyed"
    title = "Keyed"
    Options = KeyOptions

    async def run(self, options: KeyOptions, step: Step) -> JsonValue:
        return None


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ('use = "keyed"\nkey = "hunter2hunter2"\ntimes = "{{ $.event.n }}"', True),
        ('use = "keyed"\nkey = "hunter2hunter2"\ntims = 2', False),
        ('use = "gone.away"\nkey = "hunter2hunter2"', False),
    ],
)
def test_a_secret_in_a_file_that_cannot_be_read_as_a_whole_is_not_shown(
    tmp_path: Path, step: str, *, says: bool
) -> None:
    async def main() -> None:
        text = f'[source]\nuse = "call"\n[[steps]]\n{step}\n'
        plugin = Plugin()
        plugin.more.append(Keyed)
        async with (
            serve(tmp_path, {"x": text}, plugin) as served,
            visitor(served, Role.VIEWER) as viewer,
            visitor(served) as operator,
        ):
            await change(served, tmp_path, f'title = "X"\n{text}')
            seen, whole = await read(viewer, "/pipelines/x/versions"), await read(operator, "/pipelines/x/versions")
            assert "hunter2" not in seen
            assert ('+ title = "X"' in words(seen), "a secret may stand in it" in seen) == (says, not says)
            assert '+ title = "X"' in words(whole)
            assert "hunter2" not in whole or "gone.away" in step

    asyncio.run(main())


def test_versions_outlive_the_file_and_what_cannot_be_read_is_none(tmp_path: Path) -> None:
    async def main() -> None:
        async with serve(tmp_path, {"x": ONE, "broken": "title ="}) as served, visitor(served) as operator:
            assert "No version of it" in await read(operator, "/pipelines/broken/versions")
            await until(served.host, await give(served.host, {"a": 1}))
            (tmp_path / "pipelines" / "x.toml").unlink()
            await served.host.reload()
            page = await read(operator, "/pipelines/x/versions")
            assert "This pipeline has been deleted" in page
            assert "current" not in words(page)

    asyncio.run(main())


@given(_LINES, _LINES)
def test_both_texts_can_be_read_out_of_their_difference(old: str, new: str) -> None:
    lines = difference(old, new)
    before, after = old.splitlines(), new.splitlines()
    assert bool(lines) is (before != after)
    for line in lines:
        if line.old is not None:
            assert before[line.old - 1] == line.text
        if line.new is not None:
            assert after[line.new - 1] == line.text
    kept = [
        text for number, text in enumerate(before, 1) if (Kind.REMOVED, number) not in {(x.kind, x.old) for x in lines}
    ]
    rest = [
        text for number, text in enumerate(after, 1) if (Kind.ADDED, number) not in {(x.kind, x.new) for x in lines}
    ]
    assert kept == rest
