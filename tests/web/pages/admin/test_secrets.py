"""The page of the secrets: values go in and never come out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from jackfield.access.users import Role
from jackfield.components.plugins.registry import Registry
from jackfield.project.settings import Project
from jackfield.web.server.serving import Served, serving
from tests.support import Plugin, make_project, steps
from tests.web.site import Visitor, visitor

NEEDS = steps('do = "say"\ntext = "{{ secret.TOKEN }} {{ secret.LOST }}"', head='title = "<b>Uses</b>"')
FILE = '# ours\nTOKEN = "t0ken-of-file"  # of the CRM\nIDLE = "1dle-secret"\nBOTH = "b0th-of-file"\n'
ENVIRONMENT = {"JACKFIELD_SECRET_BOTH": "b0th-of-env", "JACKFIELD_SECRET_ENV": "0nly-of-env"}
VALUES = ("t0ken-of-file", "1dle-secret", "b0th-of-file", "b0th-of-env", "0nly-of-env")


@asynccontextmanager
async def site(
    folder: Path, role: Role = Role.OPERATOR, secrets: str = FILE, language: str = "en"
) -> AsyncIterator[tuple[Served, Visitor]]:
    make_project(folder, {"x": NEEDS}, secrets=secrets)
    project, registry = Project.load(folder, ENVIRONMENT), Registry.of(Plugin())
    async with (
        serving(project, ENVIRONMENT, registry=registry) as served,
        visitor(served, role, language) as person,
    ):
        yield served, person


async def put(person: Visitor, form: Mapping[str, str]) -> tuple[int, str]:
    answer = await person.post("/secrets", form, seen_on="/secrets")
    if answer.status_code == 303:
        return 303, (await person.get(answer.headers["location"])).text
    return answer.status_code, answer.text


def test_names_are_shown_with_where_they_come_from_and_who_uses_them_and_never_a_value(tmp_path: Path) -> None:
    async def main() -> None:
        async with site(tmp_path) as (_, person):
            page = (await person.get("/secrets")).text
            for value in VALUES:
                assert value not in page
            assert page.index("LOST") < page.index("BOTH") < page.index("ENV") < page.index("IDLE")
            assert "missing" in page
            assert "&lt;b&gt;Uses&lt;/b&gt;" in page
            assert "JACKFIELD_SECRET_BOTH" in page
            assert "this wins over the value in secrets.toml" in page
            assert 'href="/pipelines/x"' in page

    asyncio.run(main())


def test_a_secret_that_is_set_is_used_at_once_and_the_file_stays_as_it_was_written(tmp_path: Path) -> None:
    async def main() -> None:
        async with site(tmp_path) as (served, person):
            assert served.host.problems
            status, page = await put(person, {"name": "LOST", "value": "  f0und-again  "})
            assert (status, "LOST is set." in page, "f0und" in page) == (303, True, False)
            assert (tmp_path / "secrets.toml").read_text() == FILE + 'LOST = "f0und-again"\n'
            pipeline = served.host.pipelines.get("x")
            assert pipeline is not None
            assert (pipeline.blocked, served.host.problems) == (None, {})
            await put(person, {"name": "TOKEN", "value": "an0ther-one"})
            assert served.host.project.secrets["TOKEN"] == "an0ther-one"
            assert 'TOKEN = "an0ther-one"  # of the CRM' in (tmp_path / "secrets.toml").read_text()

    asyncio.run(main())


def test_a_secret_of_several_lines_is_set_with_line_feeds_and_none_at_the_end(tmp_path: Path) -> None:
    async def main() -> None:
        async with site(tmp_path) as (served, person):
            pasted = "\r\n-----BEGIN KEY-----\r\nMIIB ab/c+d==\r\n\r\n-----END KEY-----\r\n \r\n"
            status, page = await put(person, {"name": "KEY", "value": "", "lines": pasted})
            assert (status, "KEY is set." in page, "MIIB" in page) == (303, True, False)
            key = "-----BEGIN KEY-----\nMIIB ab/c+d==\n\n-----END KEY-----"
            assert served.host.project.secrets["KEY"] == key
            assert (tmp_path / "secrets.toml").read_text() == f'{FILE}KEY = """\n{key}"""\n'
            await put(person, {"name": "KEY", "value": "0ne-line"})
            assert (tmp_path / "secrets.toml").read_text() == f'{FILE}KEY = "0ne-line"\n'

    asyncio.run(main())


def test_a_secret_is_deleted(tmp_path: Path) -> None:
    async def main() -> None:
        async with site(tmp_path) as (served, person):
            answer = await person.post("/secrets/IDLE/delete", {}, seen_on="/secrets")
            assert answer.status_code == 303
            assert "IDLE is no longer in secrets.toml" in (await person.get(answer.headers["location"])).text
            assert "IDLE" not in served.host.project.secrets
            for odd in ("never", "..%2F..%2Fetc", "%3Cb%3E"):
                assert (await person.post(f"/secrets/{odd}/delete", {}, seen_on="/secrets")).status_code in {
                    303,
                    400,
                    404,
                }

    asyncio.run(main())


def test_what_cannot_be_set_is_said_in_place(tmp_path: Path) -> None:
    async def main() -> None:
        async with site(tmp_path) as (_, person):
            for form, said in (
                ({"name": "A-B", "value": "s3cret-value"}, "has only Latin letters"),
                ({"name": "<script>x</script>", "value": "s3cret-value"}, "has only Latin letters"),
                ({"name": "A", "value": "  "}, "It cannot be empty"),
                ({"name": "A", "value": "", "lines": "\r\n \r\n"}, "It cannot be empty"),
                ({"name": "A", "value": "s3cret-value", "lines": "s3cret-value\r\n2"}, "Enter the value once"),
                ({}, "has only Latin letters"),
            ):
                status, page = await put(person, form)
                assert (status, said in page, "s3cret-value" in page, "<script>x" in page) == (422, True, False, False)
            assert (tmp_path / "secrets.toml").read_text() == FILE

    asyncio.run(main())


def test_a_file_with_a_mistake_is_left_alone_and_the_mistake_is_shown(tmp_path: Path) -> None:
    async def main() -> None:
        async with site(tmp_path) as (served, person):
            (tmp_path / "secrets.toml").write_text("TOKEN = t0ken-of-file\n")
            await served.host.reload()
            status, page = await put(person, {"name": "NEW", "value": "s3cret-value"})
            assert (status, "is not valid TOML" in page, "t0ken-of-file" in page) == (500, True, False)
            assert (tmp_path / "secrets.toml").read_text() == "TOKEN = t0ken-of-file\n"

    asyncio.run(main())


def test_it_is_for_operators_only_and_by_their_own_forms(tmp_path: Path) -> None:
    async def main() -> None:
        async with site(tmp_path, Role.VIEWER) as (_, person):
            assert (await person.get("/secrets")).status_code == 403
            for path in ("/secrets", "/secrets/TOKEN/delete"):
                answer = await person.post(path, {"name": "A", "value": "s3cret-value"}, seen_on="/")
                assert answer.status_code == 403
        async with site(tmp_path) as (_, person):
            forged = await person.client.post("/secrets", data={"name": "A", "value": "s3cret-value"})
            assert forged.status_code == 403
        assert (tmp_path / "secrets.toml").read_text() == FILE

    asyncio.run(main())


def test_what_was_done_is_said_only_of_names(tmp_path: Path) -> None:
    async def main() -> None:
        async with site(tmp_path) as (_, person):
            page = (await person.get("/secrets?set=%3Cb%3E&deleted=call+us")).text
            assert "<b>" not in page
            assert "call us" not in page

    asyncio.run(main())


def test_it_speaks_russian(tmp_path: Path) -> None:
    async def main() -> None:
        async with site(tmp_path, language="ru") as (_, person):
            page = (await person.get("/secrets")).text
            assert "переменная окружения JACKFIELD_SECRET_BOTH" in page
            assert "не задан" in page

    asyncio.run(main())
